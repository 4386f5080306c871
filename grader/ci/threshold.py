"""Whether a grade is high enough for a build to be green.

A grade that waits for a person may still rise by what waits. So there are three answers: reached by what is sure, out
of reach whatever the person decides, and not known.
"""

import math
import re
from dataclasses import dataclass

from grader.errors import SetupError
from grader.model.result import Result

_ROUNDING = 1e-6
_NUMBER = re.compile(r"(\d+(?:[.,]\d+)?)\s*(%?)")


@dataclass(frozen=True)
class Threshold:
    """What `--fail-under` asks for: points, or a share of them."""

    number: float
    percent: bool
    text: str

    def points(self, maximum: float) -> float:
        """What it is in points of an assignment; SetupError if the assignment has fewer."""
        if self.percent:
            return maximum * self.number / 100
        if self.number > maximum + _ROUNDING:
            raise SetupError(
                f"--fail-under {self.text}: the assignment is worth {maximum:g} points, so nobody can reach that. Did "
                f"you mean {self.text}%?"
            )
        return self.number

    def reached(self, result: Result) -> bool | None:
        """Whether a result has enough points; None if a person decides that."""
        if result.score is None:
            return None
        wanted = self.points(result.max_score) - _ROUNDING
        if result.score >= wanted:
            return True
        return None if result.needs_review and result.score + waiting(result) >= wanted else False


def parse_threshold(text: str) -> Threshold:
    """The threshold that somebody wrote: `6`, `6.5` or `60%`."""
    match = _NUMBER.fullmatch(text.strip())
    number = float(match[1].replace(",", ".")) if match else math.nan
    if match is None or (match[2] and number > 100):
        raise SetupError(f"--fail-under {text!r}: expected points, such as 6 or 6.5, or a share of them, such as 60%.")
    return Threshold(number, bool(match[2]), match[1] + match[2])


def waiting(result: Result) -> float:
    """Points that a person may still give: those of checks without an answer."""
    open_checks = [check for check in result.checks if check.waits or check.status in ("skipped", "error")]
    return sum(check.max_points - check.points for check in open_checks)
