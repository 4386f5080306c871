"""Canvas: one column of the instructor's exported gradebook.

Source: what Canvas writes and reads (`lib/gradebook_exporter.rb` and `lib/gradebook_importer.rb` of
instructure/canvas-lms), and the guide "How do I import grades in the Gradebook?". The first row has `Student` (or
`LastName`, `FirstName`), `ID`, perhaps `SIS User ID`, then `SIS Login ID`, `Section`, and a column `Title (number)`
for each assignment; before the students comes a row `    Points Possible`, perhaps after one that says `Manual Posting`.
Columns that say `(read only)` there are ignored by Canvas. `EX` is an excused student, `N/A` one to whom the assignment
is not given. Canvas shows two digits.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from grader.errors import SetupError
from grader.exports.grades import grade_of, read_number, scaled, shown, without_grade
from grader.exports.matching import Matching, match, names_of
from grader.exports.request import Export, LeftOut, Request
from grader.exports.sheet import Sheet, read_sheet
from grader.model.names import plain, squashed
from grader.model.result import Result

IDENTITY = ("SIS Login ID", "SIS User ID", "ID", "Student")
"""Columns that identify a student."""
ASSIGNMENT = re.compile(r"(?P<title>.*) \((?P<number>\d+)\)", re.DOTALL)
KEPT = {"EX": "excused in Canvas (EX)", "N/A": "not given this assignment in Canvas (N/A)"}
TEST_STUDENTS = {"student, test", "test student"}


@dataclass(frozen=True)
class Gradebook:
    """An exported gradebook, and where things are in it."""

    sheet: Sheet
    name: str
    header: tuple[str, ...]
    points_row: int | None
    """The row `Points Possible`."""

    @property
    def students(self) -> Iterator[int]:
        """The rows of students."""
        first = 1 if self.points_row is None else self.points_row + 1
        return (row for row in range(first, len(self.sheet.rows)) if any(cell.value for cell in self.sheet.rows[row]))

    def person(self, row: int) -> str:
        """The name in a row."""
        if "Student" in self.header:
            return self.sheet.value(row, self.header.index("Student"))
        return ", ".join(self.sheet.value(row, self.header.index(name)) for name in ("LastName", "FirstName"))


def canvas(request: Request) -> Export:
    """The gradebook with one column filled; every other byte is as it was."""
    book = read_gradebook(request.fill, request.fill_name)
    column = find_column(book, request)
    maximum = column_points(book, column, request)
    matching = match([names_of(result) for result in request.results], _keys(book, request.match), book.name)
    values, kept = {}, []
    for number, row in matching.rows.items():
        result = request.results[number]
        grade = grade_of(result, provisional=request.provisional)
        mark = book.sheet.value(row, column).strip().upper()
        if mark in KEPT:
            kept.append(LeftOut(result.student, f"{KEPT[mark]}; the cell stays as it was."))
        elif grade is not None:
            values[(row, column)] = shown(scaled(grade, result.max_score, maximum), digits=2)
    left_out = (*matching.left_out, *kept, *_no_grade(request, matching), *_lonely(book, matching))
    return Export(book.sheet.filled(values), left_out, _remarks(book, column, maximum, request.results, len(values)))


def read_gradebook(data: bytes, name: str) -> Gradebook:
    """Scan an exported gradebook; SetupError if it is none."""
    sheet = read_sheet(data, name)
    header = tuple(cell.value.strip() for cell in sheet.rows[0])
    named = "Student" in header or {"LastName", "FirstName"} <= set(header)
    if not named or "ID" not in header:
        raise SetupError(
            f"{name}: expected a gradebook exported from Canvas, with the columns Student and ID; found "
            f"{', '.join(header[:6])}. In Canvas, choose Grades > Export."
        )
    first = [cells[0].value.strip() if cells else "" for cells in sheet.rows]
    return Gradebook(sheet, name, header, first.index("Points Possible") if "Points Possible" in first else None)


def find_column(book: Gradebook, request: Request) -> int:
    """The column to fill: `--column`, or the only one whose title is the assignment's title or id."""
    if request.column is not None:
        wanted = {plain(request.column)}
        found = [place for place, name in enumerate(book.header) if wanted & _column_names(name, with_number=True)]
    else:
        wanted = {plain(request.title), plain(request.assignment), plain(request.assignment.replace("_", " "))} - {""}
        found = [place for place, name in enumerate(book.header) if wanted & _column_names(name, with_number=False)]
    if len(found) != 1:
        raise SetupError(_column_problem(book, request, [book.header[place] for place in found]))
    place = found[0]
    read_only = book.points_row is not None and "read only" in book.sheet.value(book.points_row, place)
    if read_only or book.header[place] in (*IDENTITY, "LastName", "FirstName", "Section", "Integration ID"):
        raise SetupError(
            f"{book.name}: Canvas does not read grades from the column {book.header[place]!r}. Choose the column of an "
            "assignment with --column."
        )
    return place


def column_points(book: Gradebook, column: int, request: Request) -> float | None:
    """What a full score is worth in the column: `--points`, else `Points Possible`; None if neither says it."""
    if request.points is not None or book.points_row is None:
        return request.points
    return read_number(book.sheet.value(book.points_row, column)) or None


def _column_names(header: str, *, with_number: bool) -> set[str]:
    """Names by which a column may be called: in full, by the title, by the number."""
    parts = ASSIGNMENT.fullmatch(header)
    if parts is None:
        return {plain(header)} if with_number else set()
    return {plain(header), plain(parts["title"])} | ({parts["number"]} if with_number else set())


def _column_problem(book: Gradebook, request: Request, found: Sequence[str]) -> str:
    known = ", ".join(repr(name) for name in book.header if ASSIGNMENT.fullmatch(name)) or "none"
    wanted = request.column or " or ".join(repr(name) for name in (request.title, request.assignment) if name)
    seen = f"found {len(found)} columns ({', '.join(found)})" if found else "found none"
    return f"{book.name}: expected one column called {wanted}, {seen}. Name it with --column; there are: {known}."


def _keys(book: Gradebook, chosen: str | None) -> dict[int, set[str]]:
    """The names under which the student of each row may appear."""
    columns = IDENTITY if chosen is None else (_match_column(book, chosen),)
    return {row: set(_names(book, row, columns)) for row in book.students}


def _match_column(book: Gradebook, chosen: str) -> str:
    found = [name for name in book.header if plain(name) == plain(chosen)]
    if len(found) != 1:
        raise SetupError(f"{book.name}: --match {chosen}: expected one of the columns {', '.join(book.header[:6])}.")
    return found[0]


def _names(book: Gradebook, row: int, columns: Sequence[str]) -> Iterator[str]:
    for name in columns:
        if name == "Student":
            yield from _forms(book.person(row), _id(book, row))
        elif name in book.header:
            yield book.sheet.value(row, book.header.index(name))


def _forms(person: str, number: str) -> Iterator[str]:
    """`Lovelace, Ada` as people and downloads write it; with the number that tells apart two of one name."""
    last, comma, first = person.partition(",")
    yield person
    yield squashed(person)
    yield f"{squashed(person)}_{number}"
    if comma:
        yield f"{first} {last}"


def _id(book: Gradebook, row: int) -> str:
    return book.sheet.value(row, book.header.index("ID"))


def _no_grade(request: Request, matching: Matching) -> tuple[LeftOut, ...]:
    """Those who have a row and no grade; who has no row is listed for that."""
    found = [request.results[number] for number in sorted(matching.rows)]
    return without_grade(found, provisional=request.provisional)


def _lonely(book: Gradebook, matching: Matching) -> Iterator[LeftOut]:
    for row in matching.lonely:
        person = book.person(row)
        if plain(person) not in TEST_STUDENTS:
            yield LeftOut(person, f"in {book.name} (ID {_id(book, row)}), but not among the results.")


def _remarks(
    book: Gradebook, column: int, maximum: float | None, results: Sequence[Result], filled: int
) -> tuple[str, ...]:
    name = book.header[column]
    lines = [f"{book.name}: {filled} grades filled into {name!r}."]
    own = {result.max_score for result in results} - {maximum}
    if maximum is not None and own:
        worth = " or ".join(shown(points) for points in sorted(own))
        lines.append(f"{book.name}: {worth} points here are worth {shown(maximum)} in {name!r}; scores were scaled.")
    return tuple(lines)
