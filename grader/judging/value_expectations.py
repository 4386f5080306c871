"""Expectations about what functions returned and drew: numbers, arrays, figures."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from grader.judging.evidence import Array, Evidence
from grader.judging.marks import CheckFailed, PersonNeeded, fail
from grader.judging.wording import number, plural, short
from grader.model.observation import Axes, Call, Figure


def expect_call(evidence: Evidence, label: str, what: str) -> Call:
    """The probe's call with this label, which found its function and ran to its end.

    Args:
        evidence: of the submission.
        label: the probe's name for the call.
        what: the call as the student would write it, for the message.
    """
    call = evidence.called(label)
    if call is None:
        ending = evidence.observation.measured.ending.kind
        if ending == "not_run" and any(fit.live for fit in evidence.observation.fits):
            raise PersonNeeded(f"the training of your program was left out, so {what} was not called")
        ended = "" if ending in ("finished", "not_run") else " Your program did not run to its end."
        raise CheckFailed(f"{what} was not called, because the program did not come so far.{ended}")
    if not call.found:
        raise CheckFailed(f"There is no function {call.name}. Define it under exactly this name.{because(call.error)}")
    if call.error:
        raise CheckFailed(f"{what} failed: {call.error}.")
    return call


def because(reason: str) -> str:
    """A reason as a sentence of its own, if there is one."""
    return f" ({reason}.)" if reason else ""


def expect_number(evidence: Evidence, label: str, expected: float, *, what: str, hint: str = "") -> None:
    """The call returned this number (whole numbers exactly, others to 1e-6)."""
    value = expect_call(evidence, label, what).value
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) >= 1e300:
        fail(f"{what} returned {described(value)}; expected the number {expected:g}.{room(hint)}")
    if not math.isclose(value, expected, rel_tol=1e-6, abs_tol=1e-9):
        fail(f"{what} returned {value:g}; expected {expected:g}.{room(hint)}")


def expect_array(
    evidence: Evidence, label: str, expected: Any, *, what: str, tolerance: float = 1e-6, hint: str = ""
) -> None:
    """The call returned this array: same shape, no value off by more than `tolerance` of the largest one expected."""
    call = expect_call(evidence, label, what)
    compare_arrays(evidence, call.value, np.asarray(expected, float), what=what, tolerance=tolerance, hint=hint)


def compare_arrays(
    evidence: Evidence, value: Any, expected: Array, *, what: str, tolerance: float = 1e-6, hint: str = ""
) -> None:
    """A returned value is this array; CheckFailed says what is different and where."""
    found = evidence.array(value)
    if found is None:
        fail(f"{what} returned {described(value)}; expected an array of shape {expected.shape}.{room(hint)}")
    if found.shape != expected.shape:
        fail(f"{what} has the shape {found.shape}; expected {expected.shape}.{room(hint)}")
    found = found.astype(float)
    if not np.all(np.isfinite(found)):
        fail(f"{what} holds values that are not finite numbers.{room(hint)}")
    allowed = tolerance * max(float(np.max(np.abs(expected))) if expected.size else 0.0, 1.0)
    wrong = np.abs(found - expected) > allowed
    if np.any(wrong):
        place = tuple(int(index) for index in np.argwhere(wrong)[0])
        share = f"{int(np.sum(wrong))} of {wrong.size} values are wrong" if wrong.size > 1 else "the value is wrong"
        at = f"at {list(place)} " if place else ""
        fail(f"{what}: {share}; {at}it is {found[place]:.6g}, expected {expected[place]:.6g}.{room(hint)}")


def described(value: Any) -> str:
    """A returned value in a few words."""
    if value is None:
        return "nothing (None)"
    if isinstance(value, dict) and "object" in value:
        return f"a {value['object']}"
    if isinstance(value, dict) and value.get("array", 0) is None:
        return f"an array of shape {tuple(value['shape'])}, which is too large"
    return short(value)


def room(hint: str) -> str:
    """A hint as a further sentence."""
    return f" {hint}" if hint else ""


def expect_list(evidence: Evidence, label: str, length: int, *, what: str, of: str = "values") -> list[Any]:
    """The call returned a list or tuple of this length."""
    value = expect_call(evidence, label, what).value
    if not isinstance(value, list):
        fail(f"{what} returned {described(value)}; expected a list of {length} {of}.")
    if len(value) != length:
        fail(f"{what} returned {number(len(value))} {plural('value', len(value))}; expected a list of {length} {of}.")
    return value


def expect_figure(evidence: Evidence, label: str, *, what: str, grid: tuple[int, int]) -> Figure:
    """The call drew one figure whose axes fill a grid of (rows, columns)."""
    call = expect_call(evidence, label, what)
    drawn = [figure for figure in call.figures if figure.axes]
    if not drawn:
        fail(f"{what} drew nothing that is still open. Draw with matplotlib.pyplot, and leave the figure open.")
    figure = drawn[-1]
    places = {axes.place for axes in figure.axes}
    rows, columns = grid
    missing = [(row, column) for row in range(rows) for column in range(columns) if (row, column, *grid) not in places]
    if missing:
        fail(
            f"{what} drew {number(len(figure.axes))} {plural('plot', len(figure.axes))}; expected a grid of {rows} rows "
            f"and {columns} columns (plt.subplots({rows}, {columns}))."
        )
    return figure


def axes_at(figure: Figure, row: int, column: int) -> Axes:
    """The axes at a place of the grid, counted from 0."""
    return next(axes for axes in figure.axes if axes.place is not None and axes.place[:2] == (row, column))


def expect_shown(
    evidence: Evidence, figure: Figure, expected: Sequence[Sequence[Any]], *, what: str, tolerance: float = 1e-4
) -> None:
    """Each axes of the grid shows the image expected at its row and column."""
    for row, line in enumerate(expected):
        for column, image in enumerate(line):
            axes = axes_at(figure, row, column)
            where = f"{what}, row {row + 1}, column {column + 1}"
            if not axes.images:
                fail(f"{where}: there is no image. Show one with imshow.")
            compare_arrays(evidence, axes.images[-1], np.asarray(image, float), what=where, tolerance=tolerance)
