"""The instructor's files about a class: given on the command line, and kept beside the results.

    class.toml      points, limits, deadlines and which attempt counts (`--class`)
    overrides.toml  points that people give (`--overrides`)
    roster.csv      who is in the class (`--roster`)

A list of times (`--times`) is not kept: it says when the hand-ins came that are here now, and is written into their
results.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import tzinfo
from functools import cache
from pathlib import Path

from grader.errors import SetupError
from grader.gradebook import Times, read_overrides, read_roster, read_times
from grader.model.assignment import Assignment
from grader.model.class_file import read_class
from grader.model.submission import Submission
from grader.pipeline import places
from grader.pipeline.bookkeeping import OVERRIDES, ROSTER
from grader.results.files import write_atomically

CLASS_FILE = "class.toml"
"""Its copy beside the results."""


@dataclass(frozen=True)
class ClassFiles:
    """What was given; None for what was not."""

    changes: Path | None = None
    overrides: Path | None = None
    roster: Path | None = None
    times: Path | None = None

    def check(self, ids: Iterable[str]) -> None:
        """Read everything once; SetupError for a mistake, before anything is run or written over."""
        several = len(list(ids)) > 1
        if self.overrides is not None:
            read_overrides(self.overrides, "", several=several)
        if self.roster is not None:
            read_roster(self.roster)

    def keep(self, folder: Path) -> None:
        """Put them beside the results. Without changes none are kept; a list and points by hand stay unless given anew."""
        place = folder / CLASS_FILE
        if self.changes is None:
            place.unlink(missing_ok=True)
        self.keep_given(folder)

    def keep_given(self, folder: Path) -> None:
        """Put those that were given beside the results; all others stay."""
        given = {CLASS_FILE: self.changes, OVERRIDES: self.overrides, ROSTER: self.roster}
        for name, path in given.items():
            place = folder / name
            if path is not None and not (place.exists() and place.samefile(path)):
                write_atomically(place, _bytes(path))

    def read_times(self, assignment: Assignment) -> Times:
        """When students handed in this assignment, by the list; empty if none was given."""
        return read_times(self.times, zone_of(assignment)) if self.times is not None else Times()


NO_FILES = ClassFiles()
"""A class of which nothing is known."""


def zone_of(assignment: Assignment) -> tzinfo | None:
    """The offset in which times without one are read: that of the deadline."""
    due = assignment.late.due
    return due.tzinfo if due is not None else None


def with_times(submissions: Iterable[Submission], times: Times) -> list[Submission]:
    """The submissions, with the times that the list gives; of a student's several, the newest has it."""
    return [_with_time(submission, times) for submission in submissions]


def _with_time(submission: Submission, times: Times) -> Submission:
    time = None if submission.superseded else times.of_student(submission.student, submission.identity)
    return submission if time is None else submission.model_copy(update={"handed_in": time})


def finder(results: Path, changes: Path | None) -> Callable[[str], Assignment]:
    """Finds assignments as the class has them: by the file given, else by the one kept beside the results."""
    known = cache(lambda file: read_class(file, places.load_assignments()))

    def find(name: str) -> Assignment:
        chosen = places.find_assignment(name)
        kept = [folder / CLASS_FILE for folder in (results / name, results)]
        file = changes or next((path for path in kept if path.is_file()), None)
        return chosen if file is None else known(file)[name]

    return find


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SetupError(f"{path}: cannot be read: {error.strerror}.") from error
