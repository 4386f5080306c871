"""Moodle: the columns Grade and Feedback comments of an assignment's grading worksheet.

Source: what Moodle reads (`mod/assign/feedback/offline/importgradeslib.php` and `locallib.php` of moodle/moodle) and
the page "Offline grading worksheet" of its documentation. Moodle finds the columns `Identifier`, `Grade`, `Last
modified (grade)` and `Feedback comments` by name, a student by the number behind `Participant`, and passes over grades
that are empty or above the maximum. The comment is HTML. Headers differ in capitals between versions.
"""

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from grader.errors import SetupError
from grader.exports.cells import guard
from grader.exports.grades import grade_of, read_number, scaled, shown, without_grade
from grader.exports.matching import Matching, match, names_of
from grader.exports.request import Export, LeftOut, Request
from grader.exports.sheet import Sheet, read_sheet
from grader.exports.wording import feedback_lines
from grader.model.names import plain
from grader.model.result import Result

IDENTITY = ("identifier", "full name", "id number", "email address", "username")
"""Columns that identify a student, as `plain` writes them."""
OURS = "Graded automatically: "
"""How a comment of ours begins; a comment that begins otherwise is somebody's and stays."""


@dataclass(frozen=True)
class Worksheet:
    """A grading worksheet, and where things are in it."""

    sheet: Sheet
    name: str
    columns: Mapping[str, int]
    """Places by name, as `plain` writes it."""

    @property
    def students(self) -> Iterator[int]:
        """The rows of students."""
        rows = range(1, len(self.sheet.rows))
        return (row for row in rows if any(cell.value for cell in self.sheet.rows[row]))

    def value(self, row: int, column: str) -> str:
        """A cell by the name of its column; empty where there is no such column."""
        return self.sheet.value(row, self.columns.get(column))


def moodle(request: Request) -> Export:
    """The worksheet with grades and comments filled in; every other byte is as it was."""
    worksheet = read_worksheet(request.fill, request.fill_name)
    matching = match([names_of(result) for result in request.results], _keys(worksheet, request.match), worksheet.name)
    values: dict[tuple[int, int], str] = {}
    kept: list[LeftOut] = []
    remarks: list[str] = []
    for number, row in matching.rows.items():
        result = request.results[number]
        grade = grade_of(result, provisional=request.provisional)
        if worksheet.value(row, "grade can be changed").strip().casefold() in ("no", "0"):
            kept.append(LeftOut(result.student, "Moodle does not let this grade be changed; the row stays as it was."))
        elif grade is not None:
            maximum = _maximum(worksheet, row, request)
            number_there = scaled(grade, result.max_score, maximum)
            if maximum is not None and number_there > maximum:
                most = f"{shown(number_there)} of {shown(maximum)}: Moodle takes no more than the maximum, which is filled in."
                remarks.append(f"{result.student}: {most}")
                number_there = maximum
            values[(row, worksheet.columns["grade"])] = shown(number_there, digits=2)
            remarks += _comment(worksheet, row, result, request, values)
    filled = sum(column == worksheet.columns["grade"] for _, column in values)
    left_out = (*matching.left_out, *kept, *_no_grade(request, matching), *_lonely(worksheet, matching))
    return Export(worksheet.sheet.filled(values), left_out, (f"{worksheet.name}: {filled} grades filled in.", *remarks))


def read_worksheet(data: bytes, name: str) -> Worksheet:
    """Scan a grading worksheet; SetupError if it is none."""
    sheet = read_sheet(data, name)
    columns: dict[str, int] = {}
    for place, cell in enumerate(sheet.rows[0]):
        columns.setdefault(plain(cell.value), place)
    missing = [column for column in ("identifier", "grade") if column not in columns]
    if missing:
        raise SetupError(
            f"{name}: expected a grading worksheet of Moodle in English, with the columns Identifier and Grade; found "
            f"{', '.join(cell.value for cell in sheet.rows[0][:6])}. In the assignment, choose Submissions > Download "
            "grading worksheet, with Moodle in English."
        )
    return Worksheet(sheet, name, columns)


def comment(result: Result, *, provisional: bool = False) -> str:
    """The comment as HTML: every character of a student's is shown, none is markup."""
    lines = [html.escape(line, quote=False) for line in feedback_lines(result, provisional=provisional)]
    return guard(OURS + "<br>".join(lines))


def _comment(
    worksheet: Worksheet, row: int, result: Result, request: Request, values: dict[tuple[int, int], str]
) -> Iterator[str]:
    """Fill in the comment, unless there is one of somebody else; then say so."""
    place = worksheet.columns.get("feedback comments")
    if place is None:
        return
    old = worksheet.sheet.value(row, place).strip()
    if old and not old.removeprefix("<p>").startswith(OURS):
        yield f"{result.student}: the comment that was there stays."
    else:
        values[(row, place)] = comment(result, provisional=request.provisional)


def _maximum(worksheet: Worksheet, row: int, request: Request) -> float | None:
    """What a full score is worth: the row's maximum grade; without that column, `--points`."""
    if "maximum grade" not in worksheet.columns:
        return request.points
    text = worksheet.value(row, "maximum grade")
    maximum = read_number(text)
    if maximum is None:
        raise SetupError(
            f"{worksheet.name}, row {row + 1}: expected a number as maximum grade, found {text!r}. An assignment that is "
            "graded on a scale cannot take points."
        )
    if request.points not in (None, maximum):
        raise SetupError(
            f"{worksheet.name}, row {row + 1}: the maximum grade is {shown(maximum)}. Leave --points out: scores are "
            "scaled to it."
        )
    return maximum


def _keys(worksheet: Worksheet, chosen: str | None) -> dict[int, set[str]]:
    """The names under which the student of each row may appear."""
    columns = IDENTITY if chosen is None else (plain(chosen),)
    if chosen is not None and plain(chosen) not in worksheet.columns:
        names = ", ".join(cell.value for cell in worksheet.sheet.rows[0])
        raise SetupError(f"{worksheet.name}: --match {chosen}: expected one of the columns {names}.")
    return {row: set(_names(worksheet, row, columns)) for row in worksheet.students}


def _names(worksheet: Worksheet, row: int, columns: tuple[str, ...]) -> Iterator[str]:
    number = worksheet.value(row, "identifier").rpartition(" ")[2]
    for column in columns:
        value = worksheet.value(row, column)
        yield value
        if column == "identifier" and number:
            yield from (number, f"Participant_{number}")
        elif column == "full name" and number:
            yield f"{value}_{number}"


def _no_grade(request: Request, matching: Matching) -> tuple[LeftOut, ...]:
    found = [request.results[number] for number in sorted(matching.rows)]
    return without_grade(found, provisional=request.provisional)


def _lonely(worksheet: Worksheet, matching: Matching) -> Iterator[LeftOut]:
    for row in matching.lonely:
        who = worksheet.value(row, "full name") or worksheet.value(row, "identifier")
        yield LeftOut(who, f"in {worksheet.name} (row {row + 1}), but not among the results.")
