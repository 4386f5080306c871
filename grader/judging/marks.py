"""How a check says what it is worth, and how it fails."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

Check = TypeVar("Check", bound=Callable[..., None])


@dataclass(frozen=True)
class Mark:
    """What `@points` writes on a check."""

    points: float
    after: tuple[str, ...]
    hidden: bool
    manual: bool


class CheckFailed(AssertionError):  # noqa: N818 - a verdict
    """The student's work does not do what the check asks; the message is for the student."""

    def __init__(self, message: str, points: float = 0.0) -> None:
        super().__init__(message)
        self.points = points


class TrainingNeeded(Exception):  # noqa: N818 - a request of the check, not an error
    """The check cannot be decided before the training has been carried out."""


class PersonNeeded(Exception):  # noqa: N818 - as above
    """The check cannot be decided by us; the message says why, and a person must look."""


class NotApplicable(Exception):  # noqa: N818 - as above
    """The check is skipped; the message says why."""


def points(
    number: float, *, after: Sequence[str] = (), hidden: bool = False, manual: bool = False
) -> Callable[[Check], Check]:
    """Make a function a check worth `number` points.

    Args:
        number: points for a pass.
        after: ids of checks that must pass first; else this one is skipped and says why.
        hidden: students see only its title and one line.
        manual: a person gives the points, in `overrides.toml`; the function is not run.
    """

    def mark(check: Check) -> Check:
        if not (check.__doc__ or "").strip():
            raise ValueError(f"the check {check.__name__} needs a docstring: the sentence that the student reads")
        check.__dict__["grader_mark"] = Mark(float(number), tuple(after), hidden, manual)
        return check

    return mark


def problem_with(expectation: Callable[..., object], *arguments: Any, **keywords: Any) -> str:
    """What an expectation finds wrong, as a sentence; empty if nothing. For checks that give points part by part."""
    try:
        expectation(*arguments, **keywords)
    except CheckFailed as failed:
        return str(failed)
    return ""


def fail_by_parts(parts: Sequence[tuple[float, str]]) -> None:
    """Fail with the first problem, and with the points of the parts that have none; pass if no part has one.

    Args:
        parts: (points, problem or empty) of each part, in the order in which problems should be told.
    """
    problems = [problem for _, problem in parts if problem]
    if problems:
        fail(problems[0], points=sum(share for share, problem in parts if not problem))


def mark_of(function: Any) -> Mark | None:
    """The mark on a function, or None if it is no check."""
    mark = getattr(function, "__dict__", {}).get("grader_mark")
    return mark if isinstance(mark, Mark) else None


def fail(message: str, points: float = 0.0) -> NoReturn:
    """Fail the check with a sentence for the student; some `points` may remain."""
    raise CheckFailed(message, points)
