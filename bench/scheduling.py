"""How well the order of work keeps workers busy, by simulation: a class of 200 with 12 networks on 1 to 32 workers.

    python bench/scheduling.py [--students 200] [--networks 12] [--classes 20] [--json FILE]

The agenda and the dispatcher are those of `grader grade`; only the carrier is made up. Its errands take no time but that
of a clock of their own, which whoever waits moves to the next event, so that hours pass in a second. A program runs for
1.2 s, an epoch takes 20 s, a training needs 5 to 12 of the 20 epochs that it may take (the dispatcher learns of an epoch
when it is over, and of the end when it comes), and each errand needs a latency of the network besides, in which its worker
can do nothing else. A program whose training is over by the time that it is run needs no second run.

Ideal is max(work / workers, longest): all work that was carried out, without latency, shared out evenly, or a training
between its two runs where that takes longer. Efficiency is the ideal time over the time needed. Since a training cannot be
divided, no order may reach the ideal: "longest first" is what would be needed if every length were known beforehand. Many
classes are drawn; times are means, and the lowest efficiency stands beside the mean.
"""

import argparse
import heapq
import itertools
import json
import random
import statistics
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from grader.model.training import EpochLogs, TrainingRun
from grader.pipeline import dispatch
from grader.pipeline.dispatch import Dispatcher
from grader.pipeline.forecast import Course

WORKERS = (1, 2, 4, 8, 16, 32)
LATENCIES_MS = (0, 10, 100)
RUN_SECONDS, EPOCH_SECONDS = 1.2, 20.0
EPOCHS, ALLOWED_EPOCHS = (5, 12), 20


@dataclass(frozen=True)
class Errand:
    """Something that takes time: a run of a program, or the epochs of a training."""

    seconds: tuple[float, ...]
    """Of its epochs; of a run, the one number."""
    key: int | None = None
    """Which training it is; None for a run."""


@dataclass
class Simulated:
    """A carrier whose workers live by a clock of their own."""

    workers: int
    latency: float
    now: float = 0.0
    lengths: list[float] = field(default_factory=list)
    """Seconds of each errand, without latency."""
    dispatcher: Any = None
    _events: list[tuple[float, int, Any]] = field(default_factory=list)
    _numbers: Any = field(default_factory=itertools.count)

    def submit(self, errand: Errand) -> "Future[Any]":
        """Have the clock bring what comes of an errand, and of each epoch before."""
        future: Future[Any] = Future()
        ends = list(itertools.accumulate(errand.seconds))
        self.lengths.append(ends[-1])
        if errand.key is not None:
            for number, end in enumerate(ends, 1):
                self._at(end + self.latency, partial(self.dispatcher.epoch, errand.key, number))
        self._at(ends[-1] + self.latency, future)
        return future

    def _at(self, seconds: float, what: Any) -> None:
        heapq.heappush(self._events, (self.now + seconds, next(self._numbers), what))

    def cores(self) -> int:
        """The workers."""
        return self.workers

    def wait(self, *_: Any) -> tuple[list[Any], None]:
        """Move the clock to the next event."""
        self.now, _number, what = heapq.heappop(self._events)
        if not isinstance(what, Future):
            what()
            return [], None
        what.set_result(None)
        return [what], None


@dataclass(frozen=True)
class School:
    """A class: which network each student has, and how many epochs each network needs."""

    networks: tuple[int, ...]
    epochs: tuple[int, ...]

    @classmethod
    def drawn(cls, students: int, networks: int, seed: int) -> "School":
        """One of many: every network is somebody's, the others are drawn."""
        rng = random.Random(seed)  # noqa: S311 - a class to try, no secret
        chosen = [*range(networks), *(rng.randrange(networks) for _ in range(students - networks))]
        rng.shuffle(chosen)
        return cls(tuple(chosen), tuple(rng.randint(*EPOCHS) for _ in range(networks)))

    @property
    def longest(self) -> float:
        """Seconds of the longest training between its two runs."""
        return EPOCH_SECONDS * max(self.epochs) + 2 * RUN_SECONDS


class Grading:
    """What `grader grade` does with the dispatcher, without any program."""

    def __init__(self, school: School, carrier: Simulated) -> None:
        self.school, self.carrier = school, carrier
        self.work: Any = Dispatcher(carrier, lambda *_: None)  # type: ignore[arg-type] # errands of its own
        carrier.dispatcher = self.work
        self.waiting: dict[int, int] = {}
        self.trained: set[int] = set()
        self.graded = 0

    def run(self) -> None:
        """Grade everybody."""
        for network in self.school.networks:
            self.work.capture(Errand((RUN_SECONDS,)), partial(self._captured, network))
        clock = SimpleNamespace(monotonic=lambda: self.carrier.now)
        with patch.object(dispatch, "wait", self.carrier.wait), patch.object(dispatch, "time", clock):
            self.work.work()
        assert self.graded == len(self.school.networks)

    def _captured(self, network: int, _: "Future[Any]") -> None:
        self.work.forecast.saw_run(RUN_SECONDS)
        if network in self.trained:
            self.graded += 1
        elif network in self.waiting:
            self.waiting[network] += 1
            self.work.agenda.courses[network].waiting = self.waiting[network]
        else:
            self.waiting[network] = 1
            course = Course(cost=EPOCH_SECONDS, epochs=ALLOWED_EPOCHS)
            errand = Errand((EPOCH_SECONDS,) * self.school.epochs[network], network)
            self.work.training(network, course, lambda: errand, partial(self._after_training, network))

    def _after_training(self, network: int, _: "Future[Any]") -> None:
        self.trained.add(network)
        course = self.work.agenda.training_over(network)
        epochs = (EpochLogs(logs={}, seconds=EPOCH_SECONDS),) * self.school.epochs[network]
        self.work.forecast.saw_training(course, TrainingRun(fingerprint=str(network), seed=1, epochs=epochs))
        for _one in range(self.waiting.pop(network)):
            self.work.replay(Errand((RUN_SECONDS,)), self._replayed)

    def _replayed(self, _: "Future[Any]") -> None:
        self.work.forecast.saw_run(RUN_SECONDS)
        self.graded += 1


def longest_first(lengths: Sequence[float], workers: int) -> float:
    """Seconds until all is done if the longest that is left always begins next, and nothing waits for anything."""
    ends = [0.0] * workers
    for length in sorted(lengths, reverse=True):
        heapq.heapreplace(ends, ends[0] + length)
    return max(ends)


def simulate(schools: Sequence[School], workers: int, latency_ms: int) -> dict[str, Any]:
    """A row of the table."""
    makespans, ideals, known = [], [], []
    for school in schools:
        carrier = Simulated(workers, latency_ms / 1000)
        Grading(school, carrier).run()
        makespans.append(carrier.now)
        ideals.append(max(sum(carrier.lengths) / workers, school.longest))
        known.append(max(longest_first(carrier.lengths, workers), school.longest))
    ratios = [ideal / makespan for ideal, makespan in zip(ideals, makespans, strict=True)]
    return {
        "workers": workers,
        "latency_ms": latency_ms,
        "makespan_seconds": statistics.fmean(makespans),
        "ideal_seconds": statistics.fmean(ideals),
        "longest_first_seconds": statistics.fmean(known),
        "efficiency": statistics.fmean(ratios),
        "lowest_efficiency": min(ratios),
    }


def main() -> None:
    """Simulate, and print a line for each number of workers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--students", type=int, default=200)
    parser.add_argument("--networks", type=int, default=12)
    parser.add_argument("--classes", type=int, default=20)
    parser.add_argument("--json", type=Path, help="where the numbers are written")
    options = parser.parse_args()
    schools = [School.drawn(options.students, options.networks, seed) for seed in range(options.classes)]
    rows = [simulate(schools, workers, latency) for latency in LATENCIES_MS for workers in WORKERS]
    for row in rows:
        print(
            f"{row['workers']:2} workers, {row['latency_ms']:3} ms: {row['makespan_seconds']:6.0f} s, ideal "
            f"{row['ideal_seconds']:6.0f} s, longest first {row['longest_first_seconds']:6.0f} s, efficiency {row['efficiency']:.3f} (lowest {row['lowest_efficiency']:.3f})"
        )
    if options.json:
        found = {"students": options.students, "networks": options.networks, "classes": options.classes, "rows": rows}
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
