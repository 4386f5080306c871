"""Where finished trainings are kept: one folder per training, found by content.

    <home>/runs/<aa>/<key>/run.json        the TrainingRun, with a digest of each weights file
    <home>/runs/<aa>/<key>/epoch-003.npz   weights after each epoch (arrays by position)

The key is made of the fingerprint, the seed, the versions of the libraries and the kind of machine, since another
processor or another TensorFlow gives other last digits. An entry is written to a scratch folder and renamed; one that
is damaged counts as absent and is trained again. Descriptions of networks are kept in the same way.
"""

import contextlib
import hashlib
import io
import json
import os
import platform
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from pydantic import ValidationError

from grader.model.training import Description, EpochLogs, TrainingRun
from grader.wire.npy import read_npz

Array = np.ndarray[Any, Any]
Weights = list[Array]


class KeptRun:
    """A run with its weights and logs of batches, in memory or on disk."""

    def __init__(
        self,
        run: TrainingRun,
        folder: Path | None,
        parts: dict[int, tuple[Weights, Any]] | None = None,
        *,
        prefix: str = "",
    ) -> None:
        self.run = run
        self._folder = folder
        self._parts = parts or {}
        self._prefix = prefix
        self.asked: set[int] = set()
        """The epochs whose weights or logs of batches were asked for."""

    def part(self, index: int) -> tuple[Weights, tuple[list[str], Array] | None]:
        """(weights after the epoch, (keys, logs of its batches) or None); empty where not kept."""
        self.asked.add(index)
        if index in self._parts:
            return self._parts[index]
        if self._folder is None:
            return [], None
        path = self._folder / f"{self._prefix}epoch-{index:03d}.npz"
        if not path.is_file():
            return [], None
        return unpack_part(path.read_bytes())


def pack_part(weights: Weights, batches: tuple[list[str], Array] | None) -> bytes:
    """Weights and batch logs of one epoch as the bytes of an `.npz`."""
    buffer = io.BytesIO()
    arrays = {f"w{index:04d}": array for index, array in enumerate(weights)}
    if batches is not None:
        arrays["batches"] = batches[1]
        arrays["keys"] = np.frombuffer(json.dumps(batches[0]).encode(), np.uint8)
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def unpack_part(data: bytes) -> tuple[Weights, tuple[list[str], Array] | None]:
    """The inverse of `pack_part`."""
    archive = read_npz(data)
    weights = [archive[name] for name in sorted(archive) if name.startswith("w")]
    if "keys" not in archive:
        return weights, None
    return weights, (json.loads(archive["keys"].tobytes().decode()), archive["batches"])


def machine_kind() -> str:
    """What of the machine decides the last digits of a training: the architecture and the processor's features."""
    flags = ""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith(("flags", "Features")):
                flags = " ".join(sorted(line.split(":", 1)[1].split()))
                break
    return f"{platform.machine()}-{hashlib.sha256(flags.encode()).hexdigest()[:12]}"


def library_versions() -> dict[str, str]:
    """Versions of the libraries that do the training, without importing them."""
    return {name: version(name) for name in ("tensorflow", "keras", "numpy")}


class Runs(Protocol):
    """Finds finished trainings."""

    def find(self, fingerprint: str, seed: int) -> KeptRun | None:
        """The run, or None if this training is not known."""


class Store:
    """Runs by content on disk; with `folder=None` it only remembers, for this process.

    Args:
        folder: where runs lie.
        test: whether its runs measure the test images too; those that do are kept apart from those that do not.
        shipped: runs that come with the assignment, whatever machine they were made on; asked last.
    """

    def __init__(self, folder: Path | None, *, test: bool = False, shipped: "Runs | None" = None) -> None:
        self._folder = folder
        self._shipped = shipped
        self.used: dict[tuple[str, int], KeptRun] = {}
        """The runs that were asked for and found, or kept."""
        self.kept = 0
        """How many runs were kept."""
        self._memory: dict[str, KeptRun] = {}
        self._descriptions: dict[str, Description] = {}
        place = {**library_versions(), "machine": machine_kind(), "format": 1, **({"test": True} if test else {})}
        self._place = json.dumps(place, sort_keys=True)

    def find(self, fingerprint: str, seed: int) -> KeptRun | None:
        """The run under this fingerprint and seed, or None; a damaged entry is None."""
        kept = self._find(fingerprint, seed)
        if kept is not None:
            self.used[fingerprint, seed] = kept
        return kept

    def _find(self, fingerprint: str, seed: int) -> KeptRun | None:
        """In memory, on disk, or among the shipped ones."""
        key = self._key(fingerprint, seed)
        if key in self._memory:
            return self._memory[key]
        kept = self._read(key) if self._folder else None
        if kept is not None and (kept.run.fingerprint, kept.run.seed) == (fingerprint, seed):
            self._memory[key] = kept
            return kept
        return self._shipped.find(fingerprint, seed) if self._shipped is not None else None

    def keep(self, run: TrainingRun, parts: dict[int, tuple[Weights, Any]]) -> KeptRun:
        """Remember a run, on disk if there is a folder and room in it."""
        key = self._key(run.fingerprint, run.seed)
        kept = KeptRun(run, None, parts)
        self.used[run.fingerprint, run.seed] = kept
        self.kept += 1
        if self._folder is not None and not run.problem:
            with contextlib.suppress(OSError):
                kept = KeptRun(run, self._write(key, run, parts))
        self._memory[key] = kept
        return kept

    def find_description(self, architecture: str) -> Description | None:
        """What a network looks like, if it was built before."""
        if architecture in self._descriptions:
            return self._descriptions[architecture]
        path = self._description_path(architecture)
        if path is not None and path.is_file():
            with contextlib.suppress(ValidationError, ValueError, OSError):
                self._descriptions[architecture] = Description.model_validate_json(path.read_text())
        return self._descriptions.get(architecture)

    def keep_description(self, architecture: str, description: Description) -> None:
        """Remember what a network looks like."""
        self._descriptions[architecture] = description
        path = self._description_path(architecture)
        if path is not None:
            with contextlib.suppress(OSError):
                path.parent.mkdir(parents=True, exist_ok=True)
                scratch = path.with_suffix(f".{os.getpid()}")
                scratch.write_text(description.model_dump_json())
                scratch.replace(path)

    def _key(self, fingerprint: str, seed: int) -> str:
        return hashlib.sha256(f"{fingerprint}/{seed}/{self._place}".encode()).hexdigest()

    def _description_path(self, architecture: str) -> Path | None:
        if self._folder is None:
            return None
        key = hashlib.sha256(f"{architecture}/{self._place}".encode()).hexdigest()
        return self._folder / "networks" / key[:2] / f"{key}.json"

    def _read(self, key: str) -> KeptRun | None:
        assert self._folder is not None
        folder = self._folder / "runs" / key[:2] / key
        try:
            entry = json.loads((folder / "run.json").read_text())
            run = TrainingRun.model_validate(entry["run"])
            for name, digest in entry["files"].items():
                if hashlib.sha256((folder / name).read_bytes()).hexdigest() != digest:
                    return None
            if entry["digest"] != hashlib.sha256(json.dumps(entry["run"], sort_keys=True).encode()).hexdigest():
                return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError, ValidationError):
            return None
        return KeptRun(run, folder)

    def _write(self, key: str, run: TrainingRun, parts: dict[int, tuple[Weights, Any]]) -> Path:
        assert self._folder is not None
        place = self._folder / "runs" / key[:2] / key
        place.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".new-", dir=place.parent))
        try:
            files = {}
            for index, (weights, batches) in parts.items():
                data = pack_part(weights, batches)
                name = f"epoch-{index:03d}.npz"
                (scratch / name).write_bytes(data)
                files[name] = hashlib.sha256(data).hexdigest()
            body = json.loads(run.model_dump_json())
            digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
            (scratch / "run.json").write_text(json.dumps({"run": body, "files": files, "digest": digest}))
            shutil.rmtree(place, ignore_errors=True)
            scratch.rename(place)
        except OSError:
            shutil.rmtree(scratch, ignore_errors=True)
            raise
        return place


def epoch_logs(body: dict[str, Any]) -> EpochLogs:
    """The record of an epoch frame."""
    accuracy, test = body.get("accuracy"), body.get("test_accuracy")
    return EpochLogs(
        logs={str(key): float(value) for key, value in body["logs"].items()},
        accuracy=None if accuracy is None else float(accuracy),
        test_accuracy=None if test is None else float(test),
        seconds=float(body["seconds"]),
    )
