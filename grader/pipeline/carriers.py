"""Who carries errands to sandboxes: threads of this process (`Here`), or the workers of a Dask cluster (`Away`).

Both give the same outcomes. What a worker sends back is checked here before it is believed, and arrays that it saw are
kept here, so that any other worker can train with them.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from grader.engines.local import LocalEngine
from grader.errors import SandboxError, SetupError
from grader.pipeline.errands import Errand, Outcome, carry_out
from grader.pipeline.parcels import pack_errand, unpack_outcome
from grader.pipeline.terms import Terms
from grader.pipeline.trainer_desk import Plan
from grader.pipeline.workshop import Order, answer, carry, open_workshop, versions_here, warm
from grader.sandbox.box import Level
from grader.sandbox.plain import PlainSlot, is_needed
from grader.sandbox.slot import Slot
from grader.training.arrays import DataBook
from grader.training.kept import KeptRun
from grader.training.store import Runs, machine_kind

Progress = Callable[[str, int, int, float | None], None]
"""Hears of an epoch: fingerprint, seed, number of the epoch, accuracy."""
ENGINES = ("local", "dask")


class Carrier(Protocol):
    """Carries errands."""

    def submit(self, errand: Errand) -> "Future[Outcome]":
        """Have an errand carried out; the future has what came of it, or what went wrong on our side."""

    def cores(self) -> int:
        """Errands at a time."""

    def machines(self) -> str:
        """The kinds of machines that train; empty for this one."""

    def warm_up(self) -> None:
        """Start as many guests as there are cores, and wait until they are warm."""

    def close(self) -> None:
        """End what is going on, and every sandbox."""


@dataclass
class Office:
    """What the grading process has for errands; a desk for those that are carried out here."""

    terms: Terms
    book: DataBook
    hears: Progress
    runs: Runs = field(init=False)
    """Set before the first errand: where trainings are kept depends on the machines that carry them out."""

    def progress(self, plan: Plan, epoch: int, accuracy: float | None) -> None:
        """A training has finished an epoch."""
        self.hears(plan.fingerprint, plan.seed, epoch, accuracy)


class Here:
    """Carries errands in threads of this process, with a sandbox for each."""

    def __init__(self, office: Office, jobs: int, level: Level, datasets: Path) -> None:
        self._office, self._jobs = office, jobs
        self._level, self._datasets = level, datasets
        self._engine: LocalEngine[Slot] = LocalEngine(jobs, self._make_slot)

    def submit(self, errand: Errand) -> "Future[Outcome]":
        """Have an errand carried out by the next free thread."""
        return self._engine.submit(errand.kind, 0, lambda slot: carry_out(errand, slot, self._office))

    def cores(self) -> int:
        """As many as were asked for."""
        return self._jobs

    def machines(self) -> str:
        """This one."""
        return ""

    def warm_up(self) -> None:
        """Start a guest for each thread."""
        all_started = threading.Barrier(self._jobs)

        def start(slot: Slot) -> None:
            slot.start()
            all_started.wait()

        for future in [self._engine.submit("guest", 0, start) for _ in range(self._jobs)]:
            future.result()

    def close(self) -> None:
        """End every sandbox."""
        self._engine.close()

    def _make_slot(self, kind: str) -> Slot:
        if is_needed():
            return PlainSlot(kind, self._datasets)
        return Slot(self._level, kind, self._datasets, 2 * self._office.terms.limits.file_bytes)


class Away:
    """Carries errands to the workers of a Dask cluster.

    Args:
        office: answers what workers ask.
        address: of the scheduler; None starts a cluster on this machine.
        jobs: errands at a time at most; 0 for what the cluster can do.
        level: of the sandbox on the workers.
        says: hears what a person should know of the cluster.
    """

    def __init__(
        self, office: Office, address: str | None, jobs: int, level: Level, says: Callable[[str], None]
    ) -> None:
        from grader.engines.dask import DaskEngine  # not everybody has Dask

        self._office, self._says = office, says
        self._known = False
        order = Order(
            terms=office.terms.model_dump_json(),
            level=level,
            scratch_bytes=2 * office.terms.limits.file_bytes,
            expected=versions_here(),
        )
        self._engine = DaskEngine(
            partial(open_workshop, order), address=address, jobs=jobs, answer=self._answer, changed=self._changed
        )

    def submit(self, errand: Errand) -> "Future[Outcome]":
        """Have an errand carried out by a worker."""
        checked: Future[Outcome] = Future()

        def arrived(future: "Future[bytes]") -> None:
            try:
                found = unpack_outcome(future.result(), errand)
                for reference, array in found.sent:
                    if self._office.book.sent(reference.key) is None and not self._office.book.accept(reference, array):
                        raise SandboxError("a worker sent an array that is not the one it announced")
                checked.set_result(found.outcome)
            except BaseException as error:  # noqa: BLE001 - the future carries it to the main thread
                checked.set_exception(error)

        try:
            parcel = pack_errand(errand)
        except Exception as error:  # noqa: BLE001 - one submission that cannot be packed must not end the class
            checked.set_exception(error)
            return checked
        self._engine.submit(errand.kind, 0, partial(carry, parcel)).add_done_callback(arrived)
        return checked

    def cores(self) -> int:
        """Threads of all workers; 0 while there are none. Raises SetupError when the cluster is lost."""
        return self._engine.cores()

    def warm_up(self) -> None:
        """Start guests on the workers."""
        for future in [self._engine.submit("guest", 0, warm) for _ in range(self.cores())]:
            future.result()

    def machines(self) -> str:
        """The kinds of machines that the workers are, see `machine_kind`; waits for the first worker."""
        if not self.cores():
            self._says("waiting for a Dask worker")
        while not self.cores():
            time.sleep(0.2)
        return "+".join(sorted(set(self._engine.on_workers(machine_kind).values())))

    def close(self) -> None:
        """End every sandbox of this run on all workers, and leave the cluster."""
        self._engine.close()

    def _answer(self, question: bytes) -> bytes | None:
        def find(fingerprint: str, seed: int) -> KeptRun | None:
            return self._office.runs.find(fingerprint, seed)

        return answer(question, self._office.book, find, self._office.hears)

    def _changed(self, came: set[str], went: set[str]) -> None:
        """Tell of workers that are gone, and that there are some again."""
        for address in sorted(went):
            self._says(f"the worker {address} is gone; what it had in hand is done again")
        if came and self._known:
            self._says(f"{len(came)} more {'worker' if len(came) == 1 else 'workers'}")
        self._known = True


def check_engine(engine: str, scheduler: str | None, level: Level, spelled: str) -> None:
    """SetupError for an engine that there is not, and for a combination that makes no sense."""
    if engine not in ENGINES:
        raise SetupError(f"{spelled}engine {engine}: expected one of {', '.join(ENGINES)}.")
    if engine == "local":
        if scheduler is not None:
            raise SetupError(f"{spelled}scheduler has no effect without {spelled}engine dask. Add it.")
        return
    if level == "none":
        raise SetupError(
            f"{spelled}engine dask needs a sandbox, found {spelled}sandbox none: a program without one could reach the "
            "scheduler, and with it every machine of the cluster. Take full or contained."
        )
    if find_spec("distributed") is None:
        raise SetupError(
            f"{spelled}engine dask: expected the package `distributed`, found none. Install it: pip install 'grader[dask]'."
        )
