"""A finished training with its weights and logs of batches, wherever these lie, and the files that hold them."""

import copy
import io
import json
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from grader.errors import SandboxError
from grader.model.training import Evaluation, TrainingRun
from grader.training.canonical import renamed_keys, renamed_logs
from grader.training.shelf import Damaged, Shelf
from grader.training.state import STATE_FILE, State, unpack_state
from grader.wire.npy import read_npz

Array = np.ndarray[Any, Any]
Weights = list[Array]
Part = tuple[Weights, tuple[list[str], Array] | None]
"""Weights after an epoch, and (keys, logs of its batches) or None."""
NO_FILES: Mapping[str, str] = {}
NOT_EVALUATED: Mapping[str, Evaluation] = {}


class RecentParts:
    """The parts that were read last, as long as they are small together: a class asks for few of them, and often.

    Whoever gets one must not change it.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._parts: OrderedDict[str, Part] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, digest: str) -> Part | None:
        """The part in a file of this digest, if it is here."""
        with self._lock:
            if digest in self._parts:
                self._parts.move_to_end(digest)
            return self._parts.get(digest)

    def keep(self, digest: str, part: Part) -> Part:
        """Remember a part, and forget others if need be."""
        with self._lock:
            if digest not in self._parts and size_of(part) <= self._most:
                self._parts[digest] = part
                self._bytes += size_of(part)
            while self._bytes > self._most:
                self._bytes -= size_of(self._parts.popitem(last=False)[1])
        return part


def size_of(part: Part) -> int:
    """Bytes of the arrays of a part."""
    weights, batches = part
    return sum(array.nbytes for array in weights) + (batches[1].nbytes if batches is not None else 0)


RECENT = RecentParts(64 * 2**20)


class KeptRun:
    """A run with its weights and logs of batches, in memory or on disk."""

    def __init__(
        self,
        run: TrainingRun,
        folder: Path | None,
        parts: dict[int, tuple[Weights, Any]] | None = None,
        *,
        prefix: str = "",
        files: Mapping[str, str] = NO_FILES,
        shelf: Shelf | None = None,
        state: State | None = None,
        evaluations: Mapping[str, Evaluation] = NOT_EVALUATED,
    ) -> None:
        self.run = run
        self.evaluations = evaluations
        """What is known of its network, by `EvaluationRequest.key`."""
        self._folder = folder
        self.parts = parts or {}
        """(weights, logs of batches) by epoch, of a run that is in memory."""
        self._state = state
        self._prefix = prefix
        self.files, self._shelf = files, shelf
        """Digests of its files on the shelf, by name."""
        self._names: Mapping[str, str] = {}
        self.asked: set[int] = set()
        """The epochs whose weights or logs of batches were asked for."""

    def under(self, names: Mapping[str, str]) -> "KeptRun":
        """The same training, with metrics that log under other names: the student's, by those that it was trained with."""
        if not names:
            return self
        epochs = tuple(epoch.model_copy(update={"logs": renamed_logs(epoch.logs, names)}) for epoch in self.run.epochs)
        other = copy.copy(self)  # what is asked for is noted for both
        other.run, other._names = self.run.model_copy(update={"epochs": epochs}), names
        return other

    @property
    def is_on_shelf(self) -> bool:
        """Whether it is on disk, beside others."""
        return self._shelf is not None

    def part(self, index: int) -> Part:
        """(weights after the epoch, (keys, logs of its batches) or None); empty where not kept."""
        weights, batches = self._part(index)
        return weights, batches and (renamed_keys(batches[0], self._names), batches[1])

    def _part(self, index: int) -> Part:
        self.asked.add(index)
        if index in self.parts:
            return self.parts[index]
        name = part_name(index)
        if self._shelf is not None:
            return self._fetched(self._shelf, self.files[name]) if name in self.files else ([], None)
        path = self._folder / f"{self._prefix}{name}" if self._folder is not None else None
        return unpack_part(path.read_bytes()) if path is not None and path.is_file() else ([], None)

    def state(self) -> State | None:
        """What the training is at its end; None where that was not kept, or is lost."""
        if self._shelf is None or STATE_FILE not in self.files:
            return self._state
        try:
            return unpack_state(self._shelf.get(self.files[STATE_FILE]))
        except (Damaged, KeyError, ValueError):
            return None

    def _fetched(self, shelf: Shelf, digest: str) -> Part:
        """A file that was whole when the run was found, or what was read of it before."""
        part = RECENT.get(digest)
        if part is None:
            part = RECENT.keep(digest, unpack_part(self._fetch(shelf, digest)))
        return part

    def _fetch(self, shelf: Shelf, digest: str) -> bytes:
        try:
            return shelf.get(digest)
        except Damaged as damage:
            raise SandboxError(
                f"the store has lost a part of training {self.run.fingerprint[:12]} since this run began ({damage}). "
                "Give the same command again: it is trained anew."
            ) from damage


def part_name(index: int) -> str:
    """The name of the file of an epoch."""
    return f"epoch-{index:03d}.npz"


def part_index(name: str) -> int | None:
    """The epoch of a file of this name; None for a file of something else."""
    found = re.fullmatch(r"epoch-(\d{3,})\.npz", name)
    return int(found[1]) if found else None


def pack_part(weights: Weights, batches: tuple[list[str], Array] | None) -> bytes:
    """Weights and batch logs of one epoch as the bytes of an `.npz`."""
    buffer = io.BytesIO()
    arrays = {f"w{index:04d}": array for index, array in enumerate(weights)}
    if batches is not None:
        arrays["batches"] = batches[1]
        arrays["keys"] = np.frombuffer(json.dumps(batches[0]).encode(), np.uint8)
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def unpack_part(data: bytes) -> Part:
    """The inverse of `pack_part`."""
    archive = read_npz(data)
    weights = [archive[name] for name in sorted(archive) if name.startswith("w")]
    if "keys" not in archive:
        return weights, None
    return weights, (json.loads(archive["keys"].tobytes().decode()), archive["batches"])
