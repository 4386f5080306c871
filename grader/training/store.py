"""Where finished trainings are kept: on a shelf, found by what they are trainings of.

    <home>/store/runs/<aa>/<key>.json       the TrainingRun, with the digests of its files, and what its network
                                            was evaluated to
    <home>/store/networks/<aa>/<key>.json   what a network looks like
    <home>/store/objects/<aa>/<sha256>      a file: weights after an epoch (arrays by position) and logs of its batches,
                                            or the state at its end, from which it can go on

The key is made of the fingerprint, the seed, the versions of the libraries and the kind of machine, since another
processor or another TensorFlow gives other last digits. An entry that is damaged, or whose files are, counts as absent
and is trained again. How several processes share a shelf, and what is evicted: `grader/training/shelf.py`.
"""

import contextlib
import hashlib
import json
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from pydantic import TypeAdapter, ValidationError

from grader import gpu
from grader.model.record import Record
from grader.model.training import Arithmetic, Description, EpochLogs, Evaluation, TrainingRun
from grader.training.kept import NOT_EVALUATED, KeptRun, Weights, pack_part, part_name
from grader.training.shelf import Damaged, Shelf, is_digest
from grader.training.state import STATE_FILE, State, pack_state

RUNS, NETWORKS = "runs", "networks"
"""The kinds of entries."""
DEFAULT_BYTES = 20 * 2**30
"""How large a store may be, where nothing is said."""
EVALUATIONS: TypeAdapter[dict[str, Evaluation]] = TypeAdapter(dict[str, Evaluation])
MOST_EVALUATIONS = 200
"""Of one training on disk: everybody may evaluate on data of their own."""
FILE_NAME = re.compile(r"[a-z][a-z0-9-]{0,40}\.npz")


def machine_kind() -> str:
    """What of the machine decides the last digits of a training: the architecture, and what its processors are."""
    flags = ""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith(("flags", "Features")):
                flags = " ".join(sorted(line.split(":", 1)[1].split()))
                break
    found = "\n".join([flags, *gpu.models()])
    return f"{platform.machine()}-{hashlib.sha256(found.encode()).hexdigest()[:12]}"


def library_versions() -> dict[str, str]:
    """Versions of the libraries that do the training, without importing them."""
    return {name: version(name) for name in ("tensorflow", "keras", "numpy")}


def place_here(machine: str = "") -> dict[str, Any]:
    """Where trainings are carried out: what decides their last digits, beside the request and the seed."""
    return {**library_versions(), "machine": machine or machine_kind(), "format": 1}


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
        machine: the kind of machine that trains, see `machine_kind`; empty for this one.
        fused: whether a run by fused arithmetic stands for one by Keras's own, where there is none of that.
    """

    def __init__(
        self,
        folder: Path | None,
        *,
        test: bool = False,
        shipped: "Runs | None" = None,
        machine: str = "",
        fused: bool = False,
    ) -> None:
        self._fused = fused
        self._shelf = Shelf(folder) if folder is not None else None
        self._shipped = shipped
        self.used: dict[tuple[str, int], KeptRun] = {}
        """The runs that were asked for and found, or kept."""
        self.kept = 0
        """How many runs were kept."""
        self._memory: dict[str, KeptRun] = {}
        self._descriptions: dict[str, Description] = {}
        self._place = place_here(machine) | ({"test": True} if test else {})

    def find(self, fingerprint: str, seed: int) -> KeptRun | None:
        """The run under this fingerprint and seed, or None; a damaged entry is None."""
        kept = self._find(fingerprint, seed)
        if kept is not None:
            self.used[fingerprint, seed] = kept
        return kept

    def _find(self, fingerprint: str, seed: int) -> KeptRun | None:
        """In memory, on disk, or among the shipped ones."""
        exact = self.find_by(fingerprint, seed, "keras")
        if exact is None and self._shipped is not None:
            exact = self._shipped.find(fingerprint, seed)
        if exact is None and self._fused:
            return self.find_by(fingerprint, seed, "fused")
        return exact

    def find_by(self, fingerprint: str, seed: int, arithmetic: Arithmetic) -> KeptRun | None:
        """The run by this arithmetic, in memory or on disk."""
        key = self.key(fingerprint, seed, arithmetic)
        if key in self._memory:
            return self._memory[key]
        kept = self._read(key)
        named = None if kept is None else (kept.run.fingerprint, kept.run.seed, kept.run.arithmetic)
        if kept is None or named != (fingerprint, seed, arithmetic):
            return None
        self._memory[key] = kept
        return kept

    def keep(
        self,
        run: TrainingRun,
        parts: dict[int, tuple[Weights, Any]],
        state: State | None = None,
        before: KeptRun | None = None,
    ) -> KeptRun:
        """Remember a run, on disk if there is a folder and room in it.

        Args:
            run: what was measured.
            parts: (weights, logs of batches) by epoch.
            state: at its end.
            before: the shorter run that it went on from, whose parts stay.
        """
        key = self.key(run.fingerprint, run.seed, run.arithmetic)
        parts = {**(before.parts if before is not None else {}), **parts}
        kept = KeptRun(run, None, parts, state=state, evaluations=before.evaluations if before else NOT_EVALUATED)
        self.kept += 1
        if self._shelf is not None and not run.problem:
            with contextlib.suppress(OSError):
                kept = self._write(key, kept, before) or kept
        self.used[run.fingerprint, run.seed] = kept
        self._memory[key] = kept
        return kept

    def keep_evaluation(self, fingerprint: str, seed: int, key: str, evaluation: Evaluation) -> None:
        """Remember what the network of a training that is known was evaluated to; on disk if the training is.

        Args:
            fingerprint: of the training.
            seed: of the training.
            key: see `EvaluationRequest.key`.
            evaluation: what came of it; one that could not be carried out is remembered for this process only.
        """
        kept = self._find(fingerprint, seed)
        if kept is None:
            return
        kept.evaluations = {**kept.evaluations, key: evaluation}
        if kept.is_on_shelf and not evaluation.problem and len(kept.evaluations) <= MOST_EVALUATIONS:
            with contextlib.suppress(OSError, Damaged):
                self._add_to_entry(self.key(fingerprint, seed, kept.run.arithmetic), {key: evaluation})

    def find_description(self, architecture: str) -> Description | None:
        """What a network looks like, if it was built before."""
        if architecture not in self._descriptions and self._shelf is not None:
            key = self._network_key(architecture)
            with contextlib.suppress(Damaged, ValidationError):
                body = checked_body(self._shelf.read(NETWORKS, key))
                self._descriptions[architecture] = Description.model_validate(body["network"])
                self._shelf.use(NETWORKS, key, [])
        return self._descriptions.get(architecture)

    def keep_description(self, architecture: str, description: Description) -> None:
        """Remember what a network looks like."""
        self._descriptions[architecture] = description
        if self._shelf is not None:
            body = {"place": self._place, "architecture": architecture, "network": plain(description)}
            with contextlib.suppress(OSError):
                self._shelf.write(NETWORKS, self._network_key(architecture), with_digest(body))

    def close(self, limit: int = DEFAULT_BYTES) -> None:
        """End the use of the shelf: nothing is kept from being evicted any more. If it has grown, it is trimmed."""
        if self._shelf is not None:
            self._shelf.release()
            if self.kept:
                self._shelf.trim(limit, RUNS, NETWORKS)

    def key(self, fingerprint: str, seed: int, arithmetic: Arithmetic = "keras") -> str:
        """The name of the entry of a training."""
        return run_key(fingerprint, seed, self._place_of(arithmetic))

    def _place_of(self, arithmetic: Arithmetic) -> dict[str, Any]:
        """What decides the last digits of a training by this arithmetic."""
        return self._place if arithmetic == "keras" else self._place | {"arithmetic": arithmetic}

    def _network_key(self, architecture: str) -> str:
        return network_key(architecture, self._place)

    def _read(self, key: str) -> KeptRun | None:
        """The run of an entry that is whole, with all its files."""
        if self._shelf is None:
            return None
        self._shelf.hold()
        try:
            entry = read_run(self._shelf, key)
        except Damaged:
            return None
        self._shelf.use(RUNS, key, list(entry.files.values()))
        return KeptRun(entry.run, None, files=entry.files, shelf=self._shelf, evaluations=entry.evaluations)

    def _write(self, key: str, kept: KeptRun, before: KeptRun | None) -> KeptRun | None:
        """The run as it is on disk now; None if a longer one is there, which stays."""
        assert self._shelf is not None
        self._shelf.hold()
        run, known = kept.run, self._read(key)
        if known is not None and len(known.run.epochs) > len(run.epochs):
            return None
        files = {name: digest for name, digest in (before.files if before else {}).items() if name != STATE_FILE}
        for index, (weights, batches) in kept.parts.items():
            files[part_name(index)] = self._shelf.add(pack_part(weights, batches))
        state = kept.state()
        if state is not None:
            files[STATE_FILE] = self._shelf.add(pack_state(state))
        body = {"place": self._place_of(run.arithmetic), "run": plain(run), "files": files}
        self._shelf.write(RUNS, key, with_digest(body | as_body(kept.evaluations)))
        return KeptRun(run, None, files=files, shelf=self._shelf, evaluations=kept.evaluations)

    def _add_to_entry(self, key: str, evaluations: Mapping[str, Evaluation]) -> None:
        """Add to what is on disk by now, which may be another process's. Raises OSError and Damaged."""
        assert self._shelf is not None
        body = checked_body(self._shelf.read(RUNS, key))
        known = {**body.get("evaluations", {}), **as_body(evaluations)["evaluations"]}
        self._shelf.write(RUNS, key, with_digest({**body, "evaluations": known}))


def run_key(fingerprint: str, seed: int, place: Mapping[str, Any]) -> str:
    """The name of the entry of a training: what it is, and where it was carried out."""
    return hashlib.sha256(f"{fingerprint}/{seed}/{json.dumps(place, sort_keys=True)}".encode()).hexdigest()


def network_key(architecture: str, place: Mapping[str, Any]) -> str:
    """The name of the entry of a network's description."""
    return hashlib.sha256(f"{architecture}/{json.dumps(place, sort_keys=True)}".encode()).hexdigest()


def plain(record: Record) -> Any:
    """A record as a JSON value."""
    return json.loads(record.model_dump_json())


def as_body(evaluations: Mapping[str, Evaluation]) -> dict[str, Any]:
    """Evaluations that were carried out, as a part of an entry's body; nothing if there are none."""
    known = {key: plain(value) for key, value in evaluations.items() if not value.problem}
    return {"evaluations": known} if known else {}


def with_digest(body: dict[str, Any]) -> dict[str, Any]:
    """An entry's body with the digest of it."""
    return {**body, "digest": body_digest(body)}


def body_digest(body: Mapping[str, Any]) -> str:
    """SHA-256 over what an entry says, but for its digest and for how it came here."""
    said = {key: value for key, value in body.items() if key not in ("digest", "imported")}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def checked_body(body: Any) -> dict[str, Any]:
    """An entry's body that is what it was when it was written. Raises Damaged."""
    if not isinstance(body, dict) or body.get("digest") != body_digest(body):
        raise Damaged("it is not what it was when it was written")
    return body


@dataclass(frozen=True)
class RunEntry:
    """What the entry of a training says."""

    run: TrainingRun
    files: dict[str, str]
    """Digests by name."""
    place: dict[str, Any]
    """Where it was carried out."""
    evaluations: dict[str, Evaluation]

    @property
    def key(self) -> str:
        """The name that is its own."""
        return run_key(self.run.fingerprint, self.run.seed, self.place)


def read_run(shelf: Shelf, key: str) -> RunEntry:
    """An entry, after all of it was read and compared. Raises Damaged."""
    entry = parse_run(shelf.read(RUNS, key))
    if entry.key != key:
        raise Damaged("it lies under a name that is not its own")
    for digest in entry.files.values():
        shelf.get(digest)
    return entry


def parse_run(body: Any) -> RunEntry:
    """What is in an entry. Raises Damaged."""
    try:
        checked = checked_body(body)
        run, files, place = TrainingRun.model_validate(checked["run"]), checked["files"], checked["place"]
        evaluations = EVALUATIONS.validate_python(checked.get("evaluations") or {})
    except (ValidationError, KeyError, ValueError, TypeError) as error:
        raise Damaged(f"it is no training ({type(error).__name__})") from error
    if (
        not isinstance(files, dict)
        or not all(map(FILE_NAME.fullmatch, files))
        or not all(map(is_digest, files.values()))
    ):
        raise Damaged("it names files that it cannot have")
    if not isinstance(place, dict):
        raise Damaged("it does not say where it was made")
    return RunEntry(run, files, place, evaluations)


def epoch_logs(body: dict[str, Any]) -> EpochLogs:
    """The record of an epoch frame."""
    accuracy, test = body.get("accuracy"), body.get("test_accuracy")
    return EpochLogs(
        logs={str(key): float(value) for key, value in body["logs"].items()},
        accuracy=None if accuracy is None else float(accuracy),
        test_accuracy=None if test is None else float(test),
        seconds=float(body["seconds"]),
    )
