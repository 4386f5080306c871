"""What a worker of a cluster has beside its sandboxes, and how it carries out an errand.

It has the terms of one assignment, the data sets, and a line to the grading process, which it asks for finished
trainings and for arrays. It has no checks, no results, no names, and of the submissions only the one that it runs.
"""

import contextlib
import hashlib
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from grader import __version__
from grader.errors import SandboxError, SetupError
from grader.model.training import ArrayRef, Evaluation, TrainingRun
from grader.pipeline import places
from grader.pipeline.errands import Seen, carry_out, fault_of_ours
from grader.pipeline.parcels import as_array, pack, pack_failure, pack_outcome, unpack, unpack_errand
from grader.pipeline.terms import Terms
from grader.pipeline.trainer_desk import Plan, references
from grader.sandbox.box import PACKAGE, Level
from grader.sandbox.doctor import missing_for
from grader.sandbox.slot import Slot
from grader.scratch import make_scratch, remove_scratch, sweep
from grader.training.arrays import DataBook
from grader.training.kept import KeptRun, Weights, pack_part, unpack_part
from grader.training.store import EVALUATIONS, library_versions

Array = np.ndarray[Any, Any]
KEPT_BYTES = 4 * 2**30
"""Of weights that were fetched, on the worker's disk; beyond that they are fetched again."""


class Line(Protocol):
    """The connection to the grading process."""

    def ask(self, message: bytes) -> bytes:
        """Ask something, and wait for the answer."""

    def tell(self, message: bytes) -> None:
        """Say something."""


@dataclass(frozen=True)
class Order:
    """How a worker is to be furnished."""

    terms: str
    """A Terms as JSON."""
    level: Level
    scratch_bytes: int
    expected: tuple[tuple[str, str], ...]
    """Versions that must be the worker's too, see `versions_here`."""


@cache
def versions_here() -> tuple[tuple[str, str], ...]:
    """What decides how a program runs and what is measured of it: it must be the same on all machines."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        digest.update(str(path.relative_to(PACKAGE)).encode() + b"\0" + path.read_bytes() + b"\0")
    python = ".".join(map(str, sys.version_info[:2]))
    found = {"grader": f"{__version__} (code {digest.hexdigest()[:12]})", "python": python, **library_versions()}
    return tuple(sorted(found.items()))


def open_workshop(order: Order, line: Line) -> "Workshop":
    """Furnish this worker; SetupError if it cannot do the work as the grading process would."""
    expected, here = dict(order.expected), dict(versions_here())
    other = [
        f"{name} {here.get(name)}, expected {value}" for name, value in expected.items() if here.get(name) != value
    ]
    remedy = "Install the same on all machines, and start the workers again"
    problems = [f"found {'; '.join(other)}. {remedy}"] if other else []
    problems += [f"{item.what}: {item.detail}. {item.remedy}" for item in missing_for(order.level)]
    if problems:
        raise SetupError(f"Dask worker on {socket.gethostname()}: {'; '.join(problems)}.")
    sweep()
    return Workshop(order, line)


class Workshop:
    """Makes benches, and holds what they share; a desk for errands."""

    def __init__(self, order: Order, line: Line) -> None:
        self.terms = Terms.model_validate_json(order.terms)
        self.line = line
        self._order = order
        self._datasets = places.datasets()
        self.book: DataBook = FetchingBook(self._datasets, line)
        self.runs = FetchedRuns(line)

    def __call__(self, kind: str) -> "Bench":
        """A sandbox of a kind."""
        return Bench(Slot(self._order.level, kind, self._datasets, self._order.scratch_bytes), self)

    def progress(self, plan: Plan, epoch: int, accuracy: float | None) -> None:
        """Tell that a training has finished an epoch."""
        body = {"type": "epoch", "fingerprint": plan.fingerprint, "seed": plan.seed}
        self.line.tell(pack({**body, "epoch": epoch, "accuracy": accuracy}))

    def close(self) -> None:
        """Remove what was fetched."""
        self.book.close()
        self.runs.close()


@dataclass(frozen=True)
class Bench:
    """A sandbox on a worker."""

    slot: Slot
    workshop: Workshop

    def close(self) -> None:
        """End it for good."""
        self.slot.close()


def carry(parcel: bytes, bench: Bench) -> bytes:
    """Carry out the errand in a parcel, on a worker; what came of it, or why nothing did, as a parcel."""
    try:
        outcome = carry_out(unpack_errand(parcel), bench.slot, bench.workshop)
        sent = fed(outcome, bench.workshop.book) if isinstance(outcome, Seen) else {}
        lacking = ask(bench.workshop.line, {"type": "lacks", "keys": list(sent)}).body["keys"] if sent else []
        return pack_outcome(outcome, [sent[key] for key in lacking])
    except SetupError:
        raise
    except Exception as error:  # noqa: BLE001 - the machine that asked must hear of it
        return pack_failure(fault_of_ours(error))


def warm(bench: Bench) -> None:
    """Have a sandbox ready."""
    bench.slot.start()


def fed(seen: Seen, book: DataBook) -> dict[str, tuple[ArrayRef, Array]]:
    """The arrays of its own that a program's trainings and evaluations need, by key."""
    needed = [reference for chain in seen.chains.values() for reference in references(chain)]
    needed += [reference for wanted in seen.evaluations for reference in (wanted.x, wanted.y)]
    return {item.key: (item, array) for item in needed if (array := book.sent(item.key)) is not None}


def ask(line: Line, body: dict[str, Any]) -> Any:
    """Ask the grading process."""
    return unpack(line.ask(pack(body)))


class FetchingBook(DataBook):
    """Knows arrays, and fetches those that a training needs and that another worker saw."""

    def __init__(self, datasets: Path, line: Line) -> None:
        super().__init__(datasets)
        self._line = line

    def for_trainer(self, references: list[ArrayRef]) -> tuple[dict[str, dict[str, Any]], tuple[Array, ...]]:
        """As always, with all arrays here."""
        for reference in references:
            if not self.knows(reference):
                found = ask(self._line, {"type": "array", "key": reference.key}).arrays
                if len(found) != 1 or not self.accept(reference, found[0]):
                    raise SandboxError("an array that a training needs could not be fetched")
        return super().for_trainer(references)


class FetchedRuns:
    """Finished trainings, as the grading process knows them at this moment."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._folder = make_scratch()
        self._bytes = 0

    def find(self, fingerprint: str, seed: int) -> KeptRun | None:
        """The run, or None if this training is not known. Asked each time: a training may have become longer."""
        body = ask(self._line, {"type": "run", "fingerprint": fingerprint, "seed": seed}).body
        if not body["run"]:
            return None
        evaluations = EVALUATIONS.validate_json(body["evaluations"])
        return FetchedRun(TrainingRun.model_validate_json(body["run"]), evaluations, self)

    def part(self, run: TrainingRun, index: int) -> bytes:
        """Weights and logs of batches of an epoch, packed; empty if they were not kept."""
        name = f"{run.fingerprint}/{run.seed}/{run.arithmetic}/{len(run.epochs)}/{index}"
        path = self._folder / hashlib.sha256(name.encode()).hexdigest()
        with contextlib.suppress(FileNotFoundError):
            return path.read_bytes()
        body = {"type": "part", "fingerprint": run.fingerprint, "seed": run.seed, "index": index}
        found: Sequence[Array] = ask(self._line, body).arrays
        data = found[0].tobytes() if found else b""
        self._keep(path, data)
        return data

    def close(self) -> None:
        """Remove what was fetched."""
        remove_scratch(self._folder)

    def _keep(self, path: Path, data: bytes) -> None:
        """Remember a part on disk; if there are too many, forget the others."""
        if self._bytes + len(data) > KEPT_BYTES:
            for old in self._folder.iterdir():
                old.unlink(missing_ok=True)
            self._bytes = 0
        scratch = path.with_suffix(f".{id(data)}")
        scratch.write_bytes(data)
        scratch.replace(path)
        self._bytes += len(data)


class FetchedRun(KeptRun):
    """A run whose weights are fetched when they are asked for."""

    def __init__(self, run: TrainingRun, evaluations: Mapping[str, Evaluation], runs: FetchedRuns) -> None:
        super().__init__(run, None, evaluations=evaluations)
        self._runs = runs

    def _part(self, index: int) -> tuple[Weights, tuple[list[str], Array] | None]:
        data = self._runs.part(self.run, index)
        return unpack_part(data) if data else ([], None)


def answer(
    question: bytes,
    book: DataBook,
    find: Callable[[str, int], KeptRun | None],
    progress: Callable[[str, int, int, float | None], None],
) -> bytes | None:
    """What the grading process says to a question of a worker."""
    frame = unpack(question)
    body = frame.body
    if body["type"] == "epoch":
        accuracy = body["accuracy"]
        progress(str(body["fingerprint"]), int(body["seed"]), int(body["epoch"]), accuracy)
        return None
    if body["type"] == "lacks":
        return pack({"type": "lacks", "keys": [key for key in body["keys"] if book.sent(key) is None]})
    if body["type"] == "array":
        array = book.sent(str(body["key"]))
        return pack({"type": "array"}, [] if array is None else [array])
    kept = find(str(body["fingerprint"]), int(body["seed"]))
    if body["type"] == "run":
        if kept is None:
            return pack({"type": "run", "run": ""})
        evaluations = EVALUATIONS.dump_json(dict(kept.evaluations)).decode()
        return pack({"type": "run", "run": kept.run.model_dump_json(), "evaluations": evaluations})
    weights, batches = kept.part(int(body["index"])) if kept is not None else ([], None)
    known = bool(weights) or batches is not None
    return pack({"type": "part"}, [as_array(pack_part(weights, batches))] if known else [])
