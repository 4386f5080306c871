"""What is to be done next, whenever a core is free.

Replays first: they finish a submission. Then captures, since each may tell of a training that others need too. Of the
trainings the longest first, so that none is left alone at the end. And one rule goes across: a training which everybody
would wait for at the end, because it takes longer than all the rest shared out over the cores, begins at once.
"""

from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Literal

from grader.pipeline.forecast import Course, Forecast

Stage = Literal["replay", "capture", "training"]
Begin = Callable[[], None]
"""Has the work done."""


@dataclass
class Agenda:
    """Work that waits."""

    forecast: Forecast
    courses: dict[Hashable, Course] = field(default_factory=dict)
    """All trainings that are needed and not over, begun or not."""
    _replays: deque[Begin] = field(default_factory=deque)
    _captures: deque[Begin] = field(default_factory=deque)
    _trainings: dict[Hashable, Begin] = field(default_factory=dict)

    def __len__(self) -> int:
        """How much waits."""
        return len(self._replays) + len(self._captures) + len(self._trainings)

    def add_replay(self, begin: Begin) -> None:
        """Something quick that somebody's result waits for."""
        self._replays.append(begin)

    def add_capture(self, begin: Begin) -> None:
        """A program that has not been run yet."""
        self._captures.append(begin)

    def add_training(self, key: Hashable, course: Course, begin: Begin) -> None:
        """A training; what is known of its course may be changed until it begins."""
        self.courses[key] = course
        self._trainings[key] = begin

    def training_over(self, key: Hashable) -> Course | None:
        """A training has ended."""
        self._trainings.pop(key, None)
        return self.courses.pop(key, None)

    def take(self, cores: int, going_on: int = 0) -> Begin | None:
        """What to begin now; None if nothing waits.

        Args:
            cores: how many tasks can be done at a time.
            going_on: runs of programs that were begun and are not over.
        """
        if self._replays:
            return self._replays.popleft()
        longest = max(
            self._trainings, key=lambda key: self.forecast.path_seconds(self.courses[key], cores), default=None
        )
        if longest is not None and (not self._captures or self._decides_the_end(longest, cores, going_on)):
            return self._trainings.pop(longest)
        return self._captures.popleft() if self._captures else None

    def remaining(self, cores: int, going_on: int) -> float | None:
        """Seconds until all is done; None while there is nothing to go by."""
        runs = len(self._captures) + len(self._replays) + going_on
        return self.forecast.remaining(runs, self.courses, cores)

    @property
    def trainings_waiting(self) -> int:
        """Trainings that have not begun."""
        return len(self._trainings)

    @property
    def all_captured(self) -> bool:
        """Whether every program has been begun once: only then are all trainings known that will be needed."""
        return not self._captures

    def _decides_the_end(self, key: Hashable, cores: int, going_on: int) -> bool:
        """Whether a training takes longer than a fair share of everything that is left."""
        runs = len(self._captures) + going_on
        share = self.forecast.work_seconds(runs, self.courses.values()) / max(cores, 1)
        return cores > 1 and self.forecast.path_seconds(self.courses[key], cores) >= share
