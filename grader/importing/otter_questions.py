"""Questions of otter while they are read: their test cases, and the points that otter gives each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from grader.importing.doctests import Left
from grader.importing.plan import ByHand, Graded, Part


class Malformed(Exception):  # noqa: N818 - a place and what is wrong there
    """A cell that otter would refuse."""


@dataclass
class Question:
    """A question while it is read."""

    settings: Mapping[str, Any]
    cell: int
    cases: list["Case"] = field(default_factory=list)


@dataclass(frozen=True)
class Case:
    """One test case."""

    part: Part
    left: tuple[Left, ...]
    cell: int
    points: float | None = None
    message: str = ""


def tasks_of(question: Question) -> list[Graded | ByHand]:
    """A question as tasks: its cases one by one, with the points that otter gives each, and what a person reads."""
    name = str(question.settings["name"])
    manual = truth(question.settings.get("manual") or False, "manual")
    wanted = question.settings.get("points")
    cases = question.cases
    tasks: list[Graded | ByHand] = []
    if manual:
        total = 1.0 if wanted is None else _total(wanted, max(len(cases), 1))
        tasks.append(ByHand(name, f"Question {name}: a person reads this answer.", total, question.cell))
        shares = [0.0] * len(cases)
    else:
        shares = shares_of(wanted, [case.points for case in cases])
    if truth(question.settings.get("all_or_nothing") or False, "all_or_nothing") and len(cases) > 1:
        parts = tuple(case.part for case in cases)
        left = tuple(item for case in cases for item in case.left)
        return [*tasks, Graded(name, f"Question {name}.", sum(shares), parts, cases[0].cell, left)]
    for number, (case, share) in enumerate(zip(cases, shares, strict=True), start=1):
        own = name if len(cases) == 1 and not manual else f"{name}_{number}"
        title = f"Question {name}." if len(cases) == 1 else f"Question {name}, test {number}."
        tasks.append(Graded(own, title, share, (case.part,), case.cell, case.left))
    return tasks


def _total(wanted: Any, cases: int) -> float:
    if isinstance(wanted, list):
        return sum(number_of(item) for item in wanted)
    return number_of(wanted["each"]) * cases if isinstance(wanted, Mapping) and "each" in wanted else number_of(wanted)


def shares_of(wanted: Any, given: Sequence[float | None]) -> list[float]:
    """The points of each case, as otter resolves them.

    Points of cases stand. What the question has beyond them goes to the others in equal parts; where the question says
    nothing, the others get nothing, or, if no case has points, all share one point.
    """
    if not given:
        return []
    if isinstance(wanted, list):
        if len(wanted) != len(given):
            raise Malformed(f"expected points for {len(given)} tests, found {len(wanted)}.")
        return [own if own is not None else number_of(item) for own, item in zip(given, wanted, strict=True)]
    fixed = sum(own for own in given if own is not None)
    free = sum(own is None for own in given)
    unsaid = 1.0 if free == len(given) else 0.0
    rest = unsaid if wanted is None else _total(wanted, len(given)) - fixed
    if rest < -1e-9:
        raise Malformed(f"the tests have {fixed:g} points together, more than the {fixed + rest:g} of the question.")
    return [own if own is not None else rest / free for own in given]


def truth(value: Any, key: str) -> bool:
    """A setting that is true or false; raises Malformed for anything else."""
    if not isinstance(value, bool):
        raise Malformed(f"expected {key} to be true or false, found {value!r}.")
    return value


def number_of(value: Any) -> float:
    """Points, a finite number from 0; raises Malformed for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise Malformed(f"expected points from 0, found {value!r}.")
    return float(value)
