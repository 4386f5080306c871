"""How long a run will still take, from what was seen of it so far.

A run learns three things: the seconds of a program's run, the seconds of an epoch against what its network foretold
(`grader/training/cost.py:epoch_cost`), and which part of the epochs that trainings may use they need. Until there is something to go
by there is no forecast to show; for the order of the work the foretold numbers do.
"""

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from grader.model.training import TrainingRun

FIRST_GUESS_OF_A_RUN = 1.0
"""Seconds of a program's run, for the order of work only."""
REMEMBERED = 400
"""Of the newest epochs and runs."""


@dataclass
class Course:
    """A training that is needed: how far it is."""

    cost: float
    """Seconds of an epoch, as foretold."""
    epochs: int
    """At most."""
    to_threshold: bool = True
    """It may end earlier."""
    waiting: int = 1
    """Programs to be run again when it has ended."""
    before: float = 0.0
    """Foretold seconds of the trainings that come first on the same model."""
    done: int = 0


@dataclass
class Forecast:
    """Learns from a run, and says what is left of it."""

    _runs: list[float] = field(default_factory=list)
    _ratios: list[float] = field(default_factory=list)
    _shares: list[float] = field(default_factory=list)

    def saw_run(self, seconds: float) -> None:
        """A program has been run."""
        self._runs = [*self._runs[-REMEMBERED:], seconds]

    def saw_epoch(self, cost: float, seconds: float) -> None:
        """An epoch that was foretold to cost so much took so long."""
        if cost > 0 and seconds > 0:
            self._ratios = [*self._ratios[-REMEMBERED:], seconds / cost]

    def saw_training(self, course: Course, run: TrainingRun) -> None:
        """A training has ended; one that might end early says something about the others."""
        if course.to_threshold and course.epochs > 0 and not run.problem:
            self._shares = [*self._shares[-REMEMBERED:], min(len(run.epochs) / course.epochs, 1.0)]
        for epoch in run.epochs:
            self.saw_epoch(course.cost, epoch.seconds)

    @property
    def is_timed(self) -> bool:
        """Whether an epoch was seen."""
        return bool(self._ratios)

    @property
    def run_seconds(self) -> float:
        """Seconds of a program's run."""
        return statistics.fmean(self._runs) if self._runs else FIRST_GUESS_OF_A_RUN

    def epoch_seconds(self, course: Course) -> float:
        """Seconds of an epoch of this training here."""
        return course.cost * self._ratio

    def training_seconds(self, course: Course) -> float:
        """Seconds until this training ends, once it is going on."""
        expected = float(course.epochs)
        if course.to_threshold and self._shares:
            expected = max(expected * statistics.fmean(self._shares), 1.0)
        first = 0.0 if course.done else course.before * self._ratio
        return first + max(expected - course.done, 0.0) * self.epoch_seconds(course)

    @property
    def _ratio(self) -> float:
        """How much longer an epoch takes here than foretold."""
        return statistics.median(self._ratios) if self._ratios else 1.0

    def path_seconds(self, course: Course, cores: int) -> float:
        """Seconds until everybody who waits for this training has a result, if it went on from now."""
        return self.training_seconds(course) + course.waiting * self.run_seconds / max(cores, 1)

    def work_seconds(self, runs: int, courses: Iterable[Course]) -> float:
        """Seconds of one core for all that is left: runs that wait or go on, trainings, and the runs after them."""
        after = sum(self.training_seconds(course) + course.waiting * self.run_seconds for course in courses)
        return runs * self.run_seconds + after

    def remaining(self, runs: int, courses: Mapping[object, Course], cores: int) -> float | None:
        """Seconds until all is done on so many cores; None while nothing of the kind that is left has been seen."""
        known = list(courses.values())
        if (known and not self.is_timed) or ((runs or known) and not self._runs):
            return None
        longest = max((self.path_seconds(course, cores) for course in known), default=0.0)
        return max(self.work_seconds(runs, known) / max(cores, 1), longest)
