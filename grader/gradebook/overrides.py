"""Points that people give: `overrides.toml`, kept beside the results and never written over.

    [[override]]
    student = "ada"
    check = "callback_prints_the_message"
    points = 1.5
    reason = "The message is in Chinese, which the handout allows."
    by = "R. Feynman"
    when = 2026-12-03

Without `check` the points stand for the whole submission, and nothing is taken off for being late.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationError

from grader.model.mistakes import Mistake, close, mistakes_in, raise_all, read_toml, unknown
from grader.model.record import Record
from grader.model.result import Override, Result

Text = Annotated[str, Field(strict=True, min_length=1)]
Points = Annotated[float, Field(strict=True, ge=0, le=1e9, allow_inf_nan=False)]


def _a_day(value: object) -> str:
    if isinstance(value, str):
        try:
            datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(f"expected a date, found {value!r}. Write it as 2026-12-03.") from None
        return value
    if not isinstance(value, date):  # a datetime is a date, too
        raise ValueError(f"expected a date, found {value!r}. Write it as 2026-12-03.")
    return value.isoformat()


class OverrideEntry(Record):
    """One entry of the file."""

    student: Text
    assignment: Text | None = None
    """Needed only where one file is for several assignments."""
    check: Text | None = None
    """Id of the check; left out, the points stand for the whole submission."""
    attempt: Annotated[int, Field(strict=True, ge=1)] | None = None
    """Only for this attempt, counted from 1; left out, for whichever counts."""
    points: Points
    reason: Text
    by: Text
    when: Annotated[str, BeforeValidator(_a_day)]

    def override(self, before: float | None) -> Override:
        """As it is written into the scores."""
        return Override(points=self.points, reason=self.reason, by=self.by, when=self.when, before=before)


class _Overrides(Record):
    """The whole file."""

    override: tuple[OverrideEntry, ...] = ()


def read_overrides(path: Path, assignment: str, *, several: bool = False) -> tuple[OverrideEntry, ...]:
    """The entries for one assignment; SetupError with a line for each mistake. `several`: each must name its own."""
    file = read_toml(path)
    try:
        found = _Overrides.model_validate(file.values)
    except ValidationError as error:
        raise_all(mistakes_in(error, _Overrides, file))
        raise
    mistakes: list[Mistake] = []
    counts = Counter((item.student, item.assignment, item.check, item.attempt) for item in found.override)
    for number, item in enumerate(found.override):
        place = ("override", number)
        if several and item.assignment is None:
            mistakes.append(file.mistake(place, "expected `assignment`: these are results of several. Add it."))
        if counts[item.student, item.assignment, item.check, item.attempt] > 1:
            mistakes.append(file.mistake(place, f"{item.student}: the same points are given twice. Remove one entry."))
    raise_all(mistakes)
    return tuple(item for item in found.override if item.assignment in (None, assignment))


def without_effect(entries: Iterable[OverrideEntry], results: Sequence[Result]) -> Iterator[str]:
    """A sentence for each entry that finds nothing to change, or gives more than there is."""
    known = {result.student: result for result in results}
    for entry in entries:
        result = known.get(entry.student)
        if result is None:
            guess = close(entry.student, known)
            meant = f" Did you mean {guess}?" if guess else ""
            yield f"overrides.toml: no submission of {entry.student!r}, so these points are not given.{meant}"
            continue
        worth = {verdict.id: verdict.max_points for verdict in result.checks}
        if entry.check is not None and entry.check not in worth:
            yield f"overrides.toml: {entry.student}: {entry.check}: {unknown('check', entry.check, worth)} These points are not given."
        elif entry.check is not None and entry.points > worth[entry.check]:
            yield f"overrides.toml: {entry.student}: {entry.check}: {entry.points:g} points, more than the {worth[entry.check]:g} it is worth."


def as_toml(entry: OverrideEntry) -> str:
    """An entry as it stands in the file."""
    lines = ["[[override]]"]
    for key, value in entry.model_dump(exclude_none=True).items():
        text = (
            json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f") if isinstance(value, str) else f"{value}"
        )
        lines.append(f"{key} = {text}")
    return "\n".join(lines) + "\n"
