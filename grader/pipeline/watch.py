"""What a run tells while it goes on."""

from typing import Protocol

from grader.model.result import Result


class Watcher(Protocol):
    """Hears of each step; the console shows it, tests write it down."""

    def begin(self, submissions: int, kept: int) -> None:
        """So many submissions are to be graded; so many results stand from before."""

    def captured(self, student: str) -> None:
        """A submission has been run for the first time."""

    def training_planned(self, fingerprint: str, seed: int, epochs: int, students: int) -> None:
        """One of the different trainings will be needed, by so many students."""

    def training_joined(self, fingerprint: str, seed: int, students: int) -> None:
        """A training that has begun is waited for by so many students now."""

    def training_epoch(self, fingerprint: str, seed: int, epoch: int, accuracy: float | None) -> None:
        """A training has finished an epoch."""

    def training_ended(self, fingerprint: str, seed: int) -> None:
        """A training is over."""

    def finished(self, result: Result) -> None:
        """A submission has its result, and it is on disk."""

    def foretold(self, seconds: float | None, complete: bool, waiting: int) -> None:
        """So many seconds are left, or nobody can tell yet; so many trainings have not begun.

        Incomplete as long as programs that were not run yet may need further trainings.
        """

    def said(self, text: str) -> None:
        """Something about the machines that do the work."""


class Silent:
    """A watcher that does not care."""

    def begin(self, submissions: int, kept: int) -> None:
        """Nothing to show."""

    def captured(self, student: str) -> None:
        """Nothing to show."""

    def training_planned(self, fingerprint: str, seed: int, epochs: int, students: int) -> None:
        """Nothing to show."""

    def training_joined(self, fingerprint: str, seed: int, students: int) -> None:
        """Nothing to show."""

    def training_epoch(self, fingerprint: str, seed: int, epoch: int, accuracy: float | None) -> None:
        """Nothing to show."""

    def training_ended(self, fingerprint: str, seed: int) -> None:
        """Nothing to show."""

    def finished(self, result: Result) -> None:
        """Nothing to show."""

    def foretold(self, seconds: float | None, complete: bool, waiting: int) -> None:
        """Nothing to show."""

    def said(self, text: str) -> None:
        """Nothing to show."""
