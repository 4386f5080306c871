"""Hands errands out, the most urgent first, and takes what comes of them: one loop, in the main thread."""

import time
from collections.abc import Callable, Hashable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import Any

from grader.errors import SetupError
from grader.pipeline.agenda import Agenda, Begin, Stage
from grader.pipeline.carriers import Carrier
from grader.pipeline.errands import Errand
from grader.pipeline.forecast import Course, Forecast

Then = Callable[["Future[Any]"], None]
"""Takes what came of an errand; called in the main thread."""
LOOK_SECONDS = 1.0
"""So often it is looked whether there are more cores, and told how long it will take."""


@dataclass(frozen=True)
class _InHand:
    stage: Stage
    then: Then


class Dispatcher:
    """Keeps all cores of a carrier busy as long as there is work.

    Args:
        carrier: carries errands.
        foretells: hears now and then how many seconds are left (None if nothing is known), whether all that will be
            needed is known, and how many trainings have not begun.
    """

    def __init__(self, carrier: Carrier, foretells: Callable[[float | None, bool, int], None]) -> None:
        self._carrier, self._foretells = carrier, foretells
        self.forecast = Forecast()
        self.agenda = Agenda(self.forecast)
        self._in_hand: dict[Future[Any], _InHand] = {}
        self._next_word = 0.0
        self._arrivals: dict[Hashable, tuple[int, float]] = {}

    def replay(self, errand: Errand, then: Then) -> None:
        """Something quick that a result waits for."""
        self.agenda.add_replay(self._begin("replay", lambda: errand, then))

    def capture(self, errand: Errand, then: Then) -> None:
        """A program that has not been run yet."""
        self.agenda.add_capture(self._begin("capture", lambda: errand, then))

    def training(self, key: Hashable, course: Course, make: Callable[[], Errand], then: Then) -> None:
        """A training; `make` is called when it begins, since until then others may ask for more of it."""
        self.agenda.add_training(key, course, self._begin("training", make, then))

    def epoch(self, key: Hashable, number: int) -> None:
        """A training has finished its epoch of this number, counted from 1; may be called in any thread."""
        now = time.monotonic()
        last, since = self._arrivals.get(key, (0, now))
        course = self.agenda.courses.get(key)
        if course is not None:
            course.done = number
            if number == last + 1 and last:
                self.forecast.saw_epoch(course.cost, now - since)
        self._arrivals[key] = number, now

    def work(self) -> None:
        """Until nothing is left. Raises SetupError when the carrier can do nothing any more."""
        while self.agenda or self._in_hand:
            self._fill(self._carrier.cores())
            self._tell()
            if not self._in_hand:
                time.sleep(LOOK_SECONDS / 5)  # a cluster without workers
                continue
            done, _ = wait(self._in_hand, LOOK_SECONDS, FIRST_COMPLETED)
            for future in done:
                self._take(future)

    def _take(self, future: "Future[Any]") -> None:
        in_hand = self._in_hand.pop(future)
        if isinstance(error := future.exception(), SetupError):
            raise error
        in_hand.then(future)

    def _fill(self, cores: int) -> None:
        """Begin as much as there are cores for."""
        while len(self._in_hand) < cores:
            begin = self.agenda.take(cores, self._runs_going_on())
            if begin is None:
                return
            begin()

    def _begin(self, stage: Stage, make: Callable[[], Errand], then: Then) -> Begin:
        def begin() -> None:
            self._in_hand[self._carrier.submit(make())] = _InHand(stage, then)

        return begin

    def _runs_going_on(self) -> int:
        return sum(item.stage != "training" for item in self._in_hand.values())

    def _tell(self) -> None:
        """Say how long it will still take."""
        if time.monotonic() >= self._next_word:
            self._next_word = time.monotonic() + LOOK_SECONDS
            seconds = self.agenda.remaining(self._carrier.cores(), self._runs_going_on())
            captured = self.agenda.all_captured and all(item.stage != "capture" for item in self._in_hand.values())
            self._foretells(seconds, captured, self.agenda.trainings_waiting)
