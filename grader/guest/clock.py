"""The program's clock, which goes on while a training is played.

A played epoch takes no time here, but took some where it was trained. A program that measures its own trainings should
find those seconds: the clocks of the module `time` are put forward by them. What does not go through that module
(`datetime.now`, and clocks taken before the program began) stays as it is.
"""

import contextlib
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

NAMES = ("time", "monotonic", "perf_counter")
real_seconds = time.monotonic
"""Seconds that have really passed, whatever the program was told."""


class TooLongError(Exception):
    """Student code that took longer than the probe allows for one call."""


@contextlib.contextmanager
def at_most(seconds: float | None) -> Iterator[None]:
    """Interrupt what runs here after so many wall seconds; where there are no such timers, only the whole run ends."""
    if seconds is None or not hasattr(signal, "setitimer"):
        yield
        return

    def interrupt(*_: Any) -> None:
        raise TooLongError(f"it took longer than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class Clock:
    """Puts the clocks of this process forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass; a nonsensical number lets none pass."""
        if 0 < seconds < 1e6:
            self.ahead += seconds

    def install(self) -> None:
        """Take the place of the clocks of the module `time`, in seconds and in nanoseconds."""
        for name in NAMES:
            setattr(time, name, self._seconds(getattr(time, name)))
            setattr(time, f"{name}_ns", self._nanoseconds(getattr(time, f"{name}_ns")))

    def _seconds(self, real: Callable[[], float]) -> Callable[[], float]:
        return lambda: real() + self.ahead

    def _nanoseconds(self, real: Callable[[], int]) -> Callable[[], int]:
        return lambda: real() + int(self.ahead * 1e9)
