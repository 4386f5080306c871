"""What can be said of a class, from its results alone."""

import math
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from grader.model.result import Result, Scores, Verdict
from grader.model.submission import Identity
from grader.reports.pages.charts import Bar, Line

MOST_TRAININGS = 200
"""So many of the different trainings are drawn and listed: those that most students have."""
MILD_FLAGS = ("old_name", "load_data_path")
"""Flags that say how somebody writes; all others are worth a look before anything else."""
FLAG_WORDS = {
    "protocol_violation": "interfered with the grader; rejected with 0 points",
    "old_name": "uses names of TensorFlow 1, which were served",
    "load_data_path": "gives load_data a path, which was ignored",
}


@dataclass(frozen=True)
class CheckRate:
    """How a check came out over the class."""

    id: str
    title: str
    hidden: bool
    max_points: float
    passed: int
    partly: int
    failed: int
    skipped: int
    error: int
    mean_points: float

    @property
    def total(self) -> int:
        """All submissions that have this check."""
        return self.passed + self.partly + self.failed + self.skipped + self.error

    @property
    def rate(self) -> float:
        """The share that passed."""
        return self.passed / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True)
class Training:
    """One of the different trainings of a class."""

    number: int
    """In the order of how many have it, from 1."""
    fingerprint: str
    seed: int | None
    students: tuple[Result, ...]
    curve: tuple[float, ...]
    """The longest that any of them let run."""

    @property
    def best(self) -> float | None:
        """The highest accuracy of the curve."""
        return max(self.curve, default=None)


@dataclass(frozen=True)
class Spread:
    """Scores in one line."""

    count: int
    mean: float
    median: float
    lowest: float
    highest: float


def urgency(result: Result) -> int:
    """0 where a person must decide, 1 for flags worth a look, 2 for mild ones, 3 for the rest."""
    if result.needs_review or result.status == "error":
        return 0
    if any(flag not in MILD_FLAGS for flag in result.flags):
        return 1
    return 2 if result.flags else 3


def in_order(results: Sequence[Result]) -> list[Result]:
    """What needs a person first, then what looks odd, then the others by name.

    Sorted once for each part of the key, the last first: of a large class, a tuple for each member would be felt.
    """
    found = sorted(results, key=lambda result: result.student)
    found.sort(key=lambda result: result.student.casefold())
    found.sort(key=lambda result: min(urgency(result), 2))
    return found


def first_to_decide(results: Sequence[Result]) -> list[Result]:
    """Who needs a person; behind the others those of whom only points are waited for, which may be the whole class."""
    found = [result for result in results if urgency(result) == 0]
    return sorted(found, key=lambda item: item.score is not None and any(verdict.waits for verdict in item.checks))


def waiting(results: Sequence[Result]) -> list[tuple[Verdict, int]]:
    """The checks whose points a person must give, and for how many."""
    found: dict[str, list[Verdict]] = {}
    for result in results:
        for verdict in result.checks:
            if verdict.waits:
                found.setdefault(verdict.id, []).append(verdict)
    return [(verdicts[0], len(verdicts)) for verdicts in found.values()]


def is_late(result: Result) -> bool:
    """Whether it came after the time of grace, or the platform says so."""
    return bool(result.lateness.days if result.lateness else result.marked_late)


def has_points_by_hand(result: Result) -> bool:
    """Whether a person gave points."""
    return result.override is not None or any(verdict.override for verdict in result.checks)


@dataclass(frozen=True)
class People:
    """Who the students of some scores are, by their names there."""

    known: dict[str, Identity]
    sections: tuple[str, ...]
    """In the order of the alphabet."""

    @property
    def have_names(self) -> bool:
        """Whether any full name says more than the name in the scores."""
        return any(who.name not in ("", student) for student, who in self.known.items())

    def of(self, student: str) -> Identity:
        """What is known of a student."""
        return self.known.get(student, Identity())

    def section_number(self, student: str) -> str:
        """The place of the student's section among all, from 1; empty for none."""
        section = self.of(student).section
        return str(self.sections.index(section) + 1) if section else ""


def people(*parts: Scores) -> People:
    """Whoever is known in these scores, those who handed in nothing included."""
    known: dict[str, Identity] = {}
    for scores in parts:
        known |= {item.student: item.identity for item in scores.missing}
        known |= {result.student: result.identity for result in scores.submissions if result.identity is not None}
    return People(known, tuple(sorted({who.section for who in known.values() if who.section})))


@dataclass(frozen=True)
class Bookkeeping:
    """Which columns about what counts have anything in them."""

    late: bool
    attempts: bool
    by_hand: bool


def bookkeeping(results: Sequence[Result]) -> Bookkeeping:
    """Where anybody was late, handed in twice, or has points by hand."""
    return Bookkeeping(
        any(is_late(result) for result in results),
        any(result.attempt is not None for result in results),
        any(has_points_by_hand(result) for result in results),
    )


def spread(results: Sequence[Result]) -> Spread | None:
    """Of the submissions that have a score; None if there is none."""
    scores = [result.score for result in results if result.score is not None]
    if not scores:
        return None
    return Spread(len(scores), statistics.fmean(scores), statistics.median(scores), min(scores), max(scores))


def distribution(results: Sequence[Result]) -> list[Bar]:
    """Scores in at most ten classes of equal width up to the highest maximum; full marks stand in a bar of their own."""
    scored = [(result.score, result.max_score) for result in results if result.score is not None]
    top = max((maximum for _, maximum in scored), default=0.0)
    if top <= 0:
        return []
    width = _round_width(top)
    bins = math.ceil(round(top / width, 9))
    counts = [0] * (bins + 1)
    for score, maximum in scored:
        full = score >= maximum - 1e-9
        counts[bins if full else min(max(int(score / width + 1e-9), 0), bins - 1)] += 1
    labels = [f"{index * width:g}–{min((index + 1) * width, top):g}" for index in range(bins)] + ["full"]
    return [Bar(label, count) for label, count in zip(labels, counts, strict=True)]


def _round_width(top: float) -> float:
    """The smallest of 1, 2, 2.5, 5, 10, … times a power of ten of which ten reach to the top."""
    power = 10.0 ** math.floor(math.log10(top / 10))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if top <= step * power * 10 * (1 + 1e-9))


def check_rates(results: Sequence[Result]) -> list[CheckRate]:
    """One line for each check, in the order in which they stand."""
    verdicts: dict[str, list[Verdict]] = {}
    for result in results:
        for verdict in result.checks:
            verdicts.setdefault(verdict.id, []).append(verdict)
    rates = []
    for name, answers in verdicts.items():
        counts = Counter("partly" if item.status == "failed" and item.points > 0 else item.status for item in answers)
        rates.append(
            CheckRate(
                name,
                answers[0].title,
                answers[0].hidden,
                answers[0].max_points,
                counts["passed"],
                counts["partly"],
                counts["failed"],
                counts["skipped"],
                counts["error"],
                statistics.fmean(item.points for item in answers),
            )
        )
    return rates


def trainings(results: Sequence[Result]) -> list[Training]:
    """The different trainings, the one that most students have first; live ones are each its own and left out."""
    grouped: dict[tuple[str, int | None], list[Result]] = {}
    for result in results:
        if result.training is not None and result.training.fingerprint:
            grouped.setdefault((result.training.fingerprint, result.training.seed), []).append(result)
    ordered = sorted(grouped.items(), key=lambda item: item[0][1] or 0)
    ordered.sort(key=lambda item: item[0][0])
    ordered.sort(key=lambda item: -len(item[1]))
    return [
        Training(number, key[0], key[1], tuple(members), max((_curve(item) for item in members), key=len))
        for number, (key, members) in enumerate(ordered, 1)
    ]


def lines(found: Sequence[Training]) -> list[Line]:
    """The curves of the class, the heaviest last so that it lies on top; a dot where students stopped."""
    made = []
    for training in reversed(found):
        stops = Counter(len(_curve(result)) for result in training.students)
        count = len(training.students)
        who = "1 student" if count == 1 else f"{count} students"
        label = f"network {training.number}, {who}"
        made.append(Line(training.curve, label, count, tuple(sorted(stops.items()))))
    return made


def _curve(result: Result) -> tuple[float, ...]:
    return result.training.curve if result.training else ()


@dataclass(frozen=True)
class Times:
    """Seconds of student code."""

    median: float
    longest: float
    total: float
    slowest: tuple[Result, ...]


def times(results: Sequence[Result], most: int = 5) -> Times | None:
    """How long the students' code ran, training not included; None if nothing was run."""
    timed = [result for result in results if result.timing is not None and result.timing.wall_seconds > 0]
    seconds = [result.timing.wall_seconds for result in timed if result.timing is not None]
    if not seconds:
        return None
    slowest = sorted(timed, key=lambda result: -(result.timing.wall_seconds if result.timing else 0))[:most]
    return Times(statistics.median(seconds), max(seconds), sum(seconds), tuple(slowest))
