"""Which number may stand as a grade, and how it is written.

A result that has no number, or whose number waits for a person, is never exported as a grade: not as zero either.
"""

import math
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

from grader.exports.request import LeftOut
from grader.model.result import Result


def grade_of(result: Result, *, provisional: bool = False) -> float | None:
    """The number that may stand as the grade, or None. With `provisional`, also one that waits for a person."""
    if result.score is None or result.status == "error" or not math.isfinite(result.score):
        return None
    return None if result.needs_review and not provisional else result.score


def why_none(result: Result) -> str:
    """Why there is no grade, and what to do; for the instructor."""
    if result.score is None or result.status == "error":
        reason = "the grader failed, so there is no score"
    else:
        reason = (
            f"a person must decide (needs_review); so far {shown(result.score)} of {shown(result.max_score)} points"
        )
    return f"not exported: {reason}. See `grader explain`."


def without_grade(results: Iterable[Result], *, provisional: bool = False) -> tuple[LeftOut, ...]:
    """Those for whom a person must look: no grade, or one that is exported only for now."""
    found = []
    for result in results:
        if grade_of(result, provisional=provisional) is None:
            found.append(LeftOut(result.student, why_none(result)))
        elif result.needs_review:
            found.append(LeftOut(result.student, "exported for now (--provisional): a person must still decide."))
    return tuple(found)


def scaled(number: float, maximum: float, wanted: float | None) -> float:
    """`number` of `maximum` points as points of `wanted`; as it is if either maximum is not known or zero."""
    if wanted is None or not maximum or wanted == maximum:
        return number
    return number * wanted / maximum


def shown(number: float, digits: int = 3) -> str:
    """A number as gradebooks read it: a point, at most so many digits behind it, half rounded up, no exponent."""
    rounded = Decimal(repr(float(number))).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    text = f"{rounded:f}".rstrip("0").rstrip(".") if digits else f"{rounded:f}"
    return "0" if text in ("-0", "") else text


def read_number(text: str) -> float | None:
    """The number in a cell, with a decimal point or comma; None if it holds none."""
    try:
        number = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return number if math.isfinite(number) else None
