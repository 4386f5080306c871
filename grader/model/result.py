"""Verdicts, points, and the file that other people's scripts read."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from grader.model.record import Record
from grader.model.submission import Identity, Note

CheckStatus = Literal["passed", "failed", "skipped", "error"]
Status = Literal["graded", "rejected", "timeout", "memory", "output", "crashed", "error"]


class Override(Record):
    """Points that a person gave."""

    points: float
    reason: str
    by: str
    when: str
    """As it was written: a date, or a date and time."""
    before: float | None
    """The points that the grader had given; None if it had none to give."""


class Verdict(Record):
    """One check's answer."""

    id: str
    title: str
    """The sentence that the student reads: the check's docstring."""
    status: CheckStatus
    """`passed` only with all points; `error` is our fault and leads to a review."""
    points: float
    max_points: float
    message: str = ""
    hidden: bool = False
    waits: bool = False
    """A person must give the points: the check cannot be decided by a program, or not for this hand-in."""
    extra: bool = False
    """Extra credit: its points are not part of the maximum."""
    override: Override | None = None


class Lateness(Record):
    """How late a hand-in came, and what that costs."""

    due: datetime
    """For this student, extensions included."""
    seconds: float
    """After `due`; 0 if it was on time, or within the grace."""
    days: int
    """Days begun after `due`, as counted for the penalty."""
    penalty: float
    """Points taken off."""
    too_late: bool = False
    """After the hard stop: it has no points."""


class Attempt(Record):
    """Which of a student's attempts this is."""

    number: int
    """Counted from 1, in the order in which they came."""
    of: int
    policy: Literal["last", "best", "first"]
    """Which one counts."""
    scores: tuple[float | None, ...] = ()
    """What each attempt would count."""


class TrainingSummary(Record):
    """The training that was graded."""

    source: Literal["shared", "trained", "live"]
    """`shared`: several submissions here have it; `trained`: only this one; `live`: inside the sandbox, only claimed."""
    epochs: int
    accuracy: float | None
    stopped_by_callback: bool
    seconds_per_epoch_ratio: float | None = None
    """Seconds per epoch divided by those of the assignment's reference network."""
    fingerprint: str = ""
    seed: int | None = None
    test_accuracy: float | None = None
    """Measured on the test images after the last epoch, where the assignment asks for it."""
    curve: tuple[float, ...] = ()
    """Measured accuracy of each epoch."""
    other_seeds: tuple[dict[str, Any], ...] = ()
    """Earlier seeds that did not reach the threshold: seed and best accuracy."""


class Timing(Record):
    """Cost of running the student's code, training not included."""

    wall_seconds: float
    cpu_seconds: float


class Result(Record):
    """All verdicts of one submission."""

    student: str
    path: str
    status: Status
    score: float | None
    """Sum of the points; None where there is no grade."""
    max_score: float
    needs_review: bool
    flags: tuple[str, ...] = ()
    checks: tuple[Verdict, ...] = ()
    training: TrainingSummary | None = None
    timing: Timing | None = None
    message: str = ""
    """Why there is no full grade, one sentence; empty for `graded`."""
    notes: tuple[Note, ...] = ()
    sandbox: str = "full"
    submission_digest: str = ""
    assignment_digest: str = ""
    resume_key: str = ""
    """What must be equal for this result to stand for a new run: hand-in, assignment, mode, version."""
    identity: Identity | None = None
    handed_in: datetime | None = None
    marked_late: bool = False
    """The platform says that it came late, and not by how much."""
    lateness: Lateness | None = None
    """None if nothing is known to be due, or if it is not known when this was handed in."""
    attempt: Attempt | None = None
    """None if there is only one."""
    override: Override | None = None
    """A score that a person gave as a whole."""


class Missing(Record):
    """Somebody in the list of the class who handed in nothing."""

    student: str
    identity: Identity


class Scores(Record):
    """`scores.json` of one assignment."""

    schema_version: Literal[1] = 1
    assignment: str
    generated_at: str
    grader_version: str
    submissions: tuple[Result, ...]
    missing: tuple[Missing, ...] = ()
    """Those in the list of the class (`--roster`) who handed in nothing."""


class CourseScores(Record):
    """`scores.json` of a batch over several assignments."""

    schema_version: Literal[1] = 1
    generated_at: str
    grader_version: str
    assignments: dict[str, Scores] = Field(default_factory=dict)
