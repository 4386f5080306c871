"""Tables of other programs are filled in the cells that they should be, and nowhere else."""

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.errors import SetupError
from grader.exports import Export, Request
from grader.exports.canvas import canvas
from grader.exports.cells import FORMULA, guard, table
from grader.exports.grades import read_number, scaled, shown
from grader.exports.matching import match
from grader.exports.moodle import OURS, moodle
from grader.exports.sheet import BOM, read_sheet
from grader.model.names import plain, squashed
from grader.model.result import Result
from tests.factories import make_verdict

Rows = list[list[str]]


def rows_of(data: bytes, delimiter: str = ",") -> Rows:
    """A CSV file as Python reads it."""
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=delimiter))


def written(rows: Rows, **style: Any) -> bytes:
    """A CSV file as Python writes it."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer, **style).writerows(rows)
    return buffer.getvalue().encode()


def changes(before: bytes, after: bytes) -> dict[tuple[int, int], str]:
    """Cells that differ, by row and column; files of another shape are an error."""
    old, new = rows_of(before), rows_of(after)
    assert [len(row) for row in old] == [len(row) for row in new]
    return {
        (number, place): cell
        for number, row in enumerate(new)
        for place, cell in enumerate(row)
        if cell != old[number][place]
    }


def result(student: str, score: float | None = 4.0, **changed: Any) -> Result:
    values: dict[str, Any] = {"student": student, "path": "x.py", "status": "graded", "score": score, "max_score": 5}
    return Result(**{**values, "needs_review": False, "checks": (make_verdict(),), **changed})


def request_for(data: bytes | str, *results: Result, **options: Any) -> Request:
    fill = data.encode() if isinstance(data, str) else data
    return Request("demo", results, title="Demo", fill=fill, fill_name="book.csv", **options)


def content(export: Export) -> bytes:
    assert export.content is not None
    return export.content


def left_out(export: Export) -> dict[str, str]:
    return {item.who: item.why for item in export.left_out}


# ── somebody else's file ──

CELLS = st.text(alphabet='ab,;"\r\n\t =é\u202e王', max_size=6)


@given(st.lists(st.lists(CELLS, min_size=2, max_size=4), min_size=1, max_size=5), st.sampled_from(["\r\n", "\n", "\r"]))
def test_a_file_is_read_as_python_reads_it(rows: Rows, end: str) -> None:
    """Quotation marks, line ends inside and outside of cells, everything that Python writes."""
    data = written([["first", "second", "third"], *rows], lineterminator=end, quoting=csv.QUOTE_ALL)
    sheet = read_sheet(data, "book.csv")

    assert [[cell.value for cell in row] for row in sheet.rows] == rows_of(data)


@given(st.text(alphabet='ab,"\r\n ', max_size=30))
def test_odd_files_are_read_as_python_reads_them(text: str) -> None:
    """Also what no program should write: marks in the middle of cells, empty lines, a delimiter at the end."""
    data = f"a,b,c\n{text}".encode()
    try:
        sheet = read_sheet(data, "book.csv")
    except SetupError:
        assert text.count('"')
    else:
        assert [[cell.value for cell in row] for row in sheet.rows] == rows_of(data)


@given(
    st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=4),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    st.sampled_from(["\r\n", "\n"]),
    st.booleans(),
    st.text(alphabet='5.,"\n', max_size=4),
)
def test_filling_changes_one_cell(rows: Rows, quoting: Any, end: str, bom: bool, value: str) -> None:
    """One cell is replaced; every byte before and behind it stays, the byte order mark too."""
    rows = [[cell.replace("\r", "") for cell in row] for row in rows]  # Python writes it without quotation marks
    data = BOM * bom + written([["a", "b", "c"], *rows], lineterminator=end, quoting=quoting)
    sheet = read_sheet(data, "book.csv")
    place = (len(rows), 1)
    old = sheet.rows[place[0]][place[1]]
    filled = sheet.filled({place: value})

    assert changes(data, filled) in ({place: value}, {})
    text, body = data[len(BOM) * bom :].decode(), filled[len(BOM) * bom :].decode()
    assert body.startswith(text[: old.start])
    assert body.endswith(text[old.end :])
    assert filled.startswith(BOM) == bom


def test_filling_nothing_changes_no_byte() -> None:
    """An odd file comes out as it went in."""
    data = BOM + b'a;b\r\n"x ""y"" ";\n\n;;;z'

    assert read_sheet(data, "book.csv").filled({}) == data


def test_a_row_that_is_too_short_gets_what_it_lacks() -> None:
    """A spreadsheet may have cut empty cells off the end of a row."""
    assert read_sheet(b"a,b,c\nx\ny,,\n", "book.csv").filled({(1, 2): "5"}) == b"a,b,c\nx,,5\ny,,\n"


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_the_delimiter_is_seen(mark: str) -> None:
    """Commas, semicolons and tabs are told apart by the first line."""
    data = mark.join(["a", "b", "c"]) + "\n" + mark.join(["1,5", "x", "y"]) + "\n"

    assert len(read_sheet(data.encode(), "book.csv").rows[0]) == 3


@pytest.mark.parametrize("data", [b"", b"\n\n", b"caf\xe9,b\n", b'a,"b\n', "a,b".encode("utf-16")])
def test_what_is_no_table_is_refused(data: bytes) -> None:
    """The message names the file."""
    with pytest.raises(SetupError, match=r"book\.csv: "):
        read_sheet(data, "book.csv")


# ── Canvas ──

BOOK = """Student,ID,SIS User ID,SIS Login ID,Section,Demo (5),Other (6),Current Score
    Points Possible,,,,,5,10,(read only)
"Lovelace, Ada",1,s1,ada,A,,1,
"Bernal, Bo",2,s2,bo,A,3,,
"""


def test_canvas_fills_the_column_of_the_assignment() -> None:
    """Only the two cells change."""
    export = canvas(request_for(BOOK, result("ada"), result("bo", 4.5)))

    assert changes(BOOK.encode(), content(export)) == {(2, 5): "4", (3, 5): "4.5"}
    assert export.left_out == ()


@pytest.mark.parametrize(
    "name",
    [
        "ada",
        "ADA",
        " ada ",
        "s1",
        "1",
        "Lovelace, Ada",
        "Ada Lovelace",
        "ada  lovelace",
        "lovelaceada",
        "lovelaceada_1",
        "\u200fAda Lovelace",
    ],
)
def test_canvas_knows_a_student_by_every_name(name: str) -> None:
    """Login, SIS id, Canvas id, the name both ways round, and as Canvas writes it into downloads."""
    assert changes(BOOK.encode(), content(canvas(request_for(BOOK, result(name))))) == {(2, 5): "4"}


def test_canvas_lists_who_is_on_one_side_only() -> None:
    """A student who is not in the gradebook, and one who handed in nothing."""
    export = canvas(request_for(BOOK, result("ada"), result("eve")))

    assert set(left_out(export)) == {"eve", "Bernal, Bo"}
    assert changes(BOOK.encode(), content(export)) == {(2, 5): "4"}


def test_canvas_gives_nobody_a_row_that_is_not_certain() -> None:
    """A name that is in two rows gets neither; a row that two names fit goes to neither."""
    twins = BOOK + '"Bo, Ada",3,bo,x,A,,,\n'
    export = canvas(request_for(twins, result("bo"), result("ada"), result("Ada Lovelace")))

    assert changes(twins.encode(), content(export)) == {}
    assert "several rows" in left_out(export)["bo"]
    assert "somebody else" in left_out(export)["ada"]


def test_a_row_that_somebody_else_may_be_in_is_nobodys() -> None:
    """One name fits two rows, another one of these: it is not certain whose that row is."""
    found = match([["bo"], ["s2"]], {1: ["bo", "s1"], 2: ["bo", "s2"]}, "book.csv")

    assert found.rows == {}
    assert [item.who for item in found.left_out] == ["bo", "s2"]


def test_what_a_platform_says_tells_namesakes_apart() -> None:
    """The number decides between two rows of one name; a number and a name that do not agree are no match."""
    keys = {1: ["bo", "17"], 2: ["bo", "18"]}

    assert match([["bo", "18"]], keys, "book.csv").rows == {0: 2}
    assert match([["x", "17"]], keys, "book.csv").rows == {0: 1}
    assert match([["17", "18"]], keys, "book.csv").rows == {}


def test_canvas_matches_by_the_column_that_is_chosen() -> None:
    """With `--match` only that column counts."""
    twins = BOOK + '"Bo, Ada",3,bo,x,A,,,\n'

    assert changes(twins.encode(), content(canvas(request_for(twins, result("bo"), match="SIS Login ID")))) == {
        (3, 5): "4"
    }
    with pytest.raises(SetupError, match="--match"):
        canvas(request_for(BOOK, result("bo"), match="Nickname"))


@pytest.mark.parametrize("column", ["Other (6)", "other", "6"])
def test_canvas_fills_the_column_that_is_chosen_in_its_points(column: str) -> None:
    """4 of 5 points are 8 where 10 are possible."""
    export = canvas(request_for(BOOK, result("ada"), column=column))

    assert changes(BOOK.encode(), content(export)) == {(2, 6): "8"}
    assert "scaled" in export.remarks[1]


@pytest.mark.parametrize("column", ["Current Score", "Section", "Nothing", "SIS Login ID", ""])
def test_canvas_refuses_a_column_that_takes_no_grades(column: str) -> None:
    """Read-only columns, those of persons, and those that are not there."""
    with pytest.raises(SetupError, match=r"book\.csv: "):
        canvas(request_for(BOOK, result("ada"), column=column))


def test_canvas_refuses_two_columns_of_one_title() -> None:
    """Which one is meant must be said; both are named."""
    with pytest.raises(SetupError, match=r"found 2 columns \(Demo \(5\), Demo \(6\)\)"):
        canvas(request_for(BOOK.replace("Other", "Demo"), result("ada")))


@pytest.mark.parametrize("mark", ["EX", "ex", "N/A"])
def test_canvas_leaves_who_is_excused(mark: str) -> None:
    """Excused, or not given the assignment: that is the instructor's decision, and it is listed."""
    book = BOOK.replace("ada,A,,", f"ada,A,{mark},")
    export = canvas(request_for(book, result("ada")))

    assert content(export) == book.encode()
    assert "stays as it was" in left_out(export)["ada"]


@pytest.mark.parametrize(
    "changed", [{"score": None, "status": "error", "needs_review": True}, {"needs_review": True}, {"score": None}]
)
def test_canvas_leaves_the_cell_of_who_has_no_grade(changed: dict[str, Any]) -> None:
    """What was there stays there: no zero, and not an empty cell."""
    export = canvas(request_for(BOOK, result("bo").model_copy(update=changed)))

    assert content(export) == BOOK.encode()
    assert "bo" in left_out(export)


def test_canvas_with_points_of_its_own() -> None:
    """`--points` takes the place of Points Possible."""
    assert changes(BOOK.encode(), content(canvas(request_for(BOOK, result("ada"), points=1)))) == {(2, 5): "0.8"}


def test_canvas_reads_first_and_last_names_in_columns_of_their_own() -> None:
    """Some schools export LastName and FirstName."""
    book = "LastName,FirstName,ID,SIS Login ID,Section,Demo (5)\n    Points Possible,,,,,5\nLovelace,Ada,1,x,A,\n"

    assert changes(book.encode(), content(canvas(request_for(book, result("Ada Lovelace"))))) == {(2, 5): "4"}


def test_canvas_refuses_another_table() -> None:
    """The message says what was found."""
    with pytest.raises(SetupError, match="expected a gradebook exported from Canvas"):
        canvas(request_for("name,grade\nada,3\n", result("ada")))


# ── Moodle ──

SHEET = """Identifier,Full name,Email address,Status,Grade,Maximum Grade,Grade can be changed,Last modified (grade),Feedback comments
Participant 11,Ada Lovelace,ada@uni.example,Submitted,,10.00,Yes,-,
Participant 12,Bo Bernal,bo@uni.example,Submitted,3.00,20.00,Yes,-,
"""


def test_moodle_fills_grade_and_comment() -> None:
    """Scaled to each row's maximum; nothing else changes."""
    found = changes(SHEET.encode(), content(moodle(request_for(SHEET, result("Ada Lovelace"), result("Bo Bernal")))))

    assert {place: value for place, value in found.items() if place[1] == 4} == {(1, 4): "8", (2, 4): "16"}
    assert {place for place in found if place[1] != 4} == {(1, 8), (2, 8)}
    assert found[(1, 8)].startswith(OURS)


@pytest.mark.parametrize(
    "name",
    ["Ada Lovelace", "ada lovelace", "ada@uni.example", "Participant 11", "Participant_11", "11", "Ada Lovelace_11"],
)
def test_moodle_knows_a_student_by_every_name(name: str) -> None:
    """Name, address, identifier, and as Moodle writes them into downloads."""
    assert (1, 4) in changes(SHEET.encode(), content(moodle(request_for(SHEET, result(name)))))


@pytest.mark.parametrize("header", ["Maximum grade", "MAXIMUM GRADE", " Maximum Grade "])
def test_moodle_reads_headers_in_any_spelling(header: str) -> None:
    """Versions of Moodle differ in capitals."""
    sheet = SHEET.replace("Maximum Grade", header)

    assert changes(sheet.encode(), content(moodle(request_for(sheet, result("11")))))[(1, 4)] == "8"


def test_moodle_comment_is_text() -> None:
    """The comment is HTML for Moodle: what a student wrote is escaped."""
    bad = make_verdict(status="failed", points=0, message="<script>alert(1)</script>\n=2+2")
    found = changes(SHEET.encode(), content(moodle(request_for(SHEET, result("11", checks=(bad,))))))

    assert "<script>" not in found[(1, 8)]
    assert "&lt;script&gt;" in found[(1, 8)]


def test_moodle_keeps_comments_of_people_and_replaces_ours() -> None:
    """A comment that a teacher wrote stays, and that is said; one of an earlier export is renewed."""
    sheet = SHEET.replace("10.00,Yes,-,", "10.00,Yes,-,See me").replace("20.00,Yes,-,", f"20.00,Yes,-,<p>{OURS}old</p>")
    export = moodle(request_for(sheet, result("11"), result("12")))

    assert set(changes(sheet.encode(), content(export))) == {(1, 4), (2, 4), (2, 8)}
    assert any("comment that was there stays" in remark for remark in export.remarks)


def test_moodle_leaves_a_locked_grade() -> None:
    """`Grade can be changed` says No: nothing is filled in, and the student is listed."""
    sheet = SHEET.replace("10.00,Yes", "10.00,No")
    export = moodle(request_for(sheet, result("11")))

    assert content(export) == sheet.encode()
    assert "does not let" in left_out(export)["11"]


def test_moodle_refuses_a_scale_and_points_that_contradict() -> None:
    """Words are no maximum; a maximum in the sheet is the only one."""
    with pytest.raises(SetupError, match="row 2: expected a number as maximum grade, found 'Competent'"):
        moodle(request_for(SHEET.replace("10.00", "Competent"), result("11")))
    with pytest.raises(SetupError, match="Leave --points out"):
        moodle(request_for(SHEET, result("11"), points=7))


def test_moodle_without_a_maximum_takes_points() -> None:
    """Old worksheets have no column of maxima."""
    sheet = "Identifier,Grade\nParticipant 11,\n"

    assert changes(sheet.encode(), content(moodle(request_for(sheet, result("11"), points=100)))) == {(1, 1): "80"}


def test_moodle_refuses_another_table() -> None:
    """A worksheet in another language is told so."""
    with pytest.raises(SetupError, match="in English"):
        moodle(request_for("Kennung,Bewertung\n1,2\n", result("11")))


# ── odd gradebooks ──

NAMES = st.text(alphabet='ab,"\n =+-@é\u202e王', min_size=1, max_size=5)


def _moodle_book(names: list[str]) -> Rows:
    header = ["Identifier", "Full name", "Grade", "Maximum Grade", "Notes", "Feedback comments"]
    return [header, *([f"Participant {number}", name, "", "5.00", name, ""] for number, name in enumerate(names))]


def _canvas_book(names: list[str]) -> Rows:
    header = ["Student", "ID", "SIS Login ID", "Section", "Demo (9)", "Notes"]
    points = ["    Points Possible", "", "", "", "5", "(read only)"]
    return [header, points, *([name, str(1000 + number), name, name, "", name] for number, name in enumerate(names))]


@pytest.mark.parametrize(
    ("make", "book", "columns"), [(canvas, _canvas_book, {4}), (moodle, _moodle_book, {2, 5})], ids=["canvas", "moodle"]
)
@given(
    names=st.lists(NAMES, max_size=5),
    students=st.lists(NAMES, max_size=4),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    bom=st.booleans(),
)
def test_odd_gradebooks_come_back_with_nothing_else_changed(
    make: Callable[[Request], Export],
    book: Callable[[list[str]], Rows],
    columns: set[int],
    names: list[str],
    students: list[str],
    quoting: Any,
    bom: bool,
) -> None:
    """Names with commas, quotation marks, line ends, formulas and both directions: only our columns change.

    Everybody is accounted for: each student has exactly one filled row, or stands on the list.
    """
    data = BOM * bom + written(book(names), quoting=quoting)
    export = make(request_for(data, *(result(student) for student in students)))
    found = changes(data, content(export))

    assert {place for _, place in found} <= columns
    assert content(export).startswith(BOM) == bom
    graded = [row for row, place in found if place == min(columns)]
    listed = [item for item in export.left_out if "not among the results" not in item.why]
    assert len(graded) + len(listed) == len(students)


# ── the parts ──


@given(st.text(max_size=8))
def test_guarded_text_begins_no_formula(text: str) -> None:
    """Nothing that a spreadsheet takes for a formula; other text is as it was."""
    assert not guard(text).lstrip(" ").startswith(FORMULA)
    assert guard(text) in (text, f"'{text}")


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\tx", "\rx", " =1", "＝1"])
def test_what_could_be_a_formula_is_guarded(text: str) -> None:
    """Every beginning that OWASP names."""
    assert guard(text) == f"'{text}"


def test_numbers_stay_numbers() -> None:
    """A negative number is one; the same as text is guarded."""
    assert table(["a", "b", "c"], [[-1.5, "-1.5", None]]) == "a,b,c\r\n-1.5,'-1.5,\r\n"


@pytest.mark.parametrize(
    ("number", "digits", "text"),
    [
        (10.0, 3, "10"),
        (0.1 + 0.2, 3, "0.3"),
        (2.675, 2, "2.68"),
        (-0.0001, 2, "0"),
        (1e7, 2, "10000000"),
        (100, 0, "100"),
    ],
)
def test_numbers_are_written_plainly(number: float, digits: int, text: str) -> None:
    """No exponent, no trailing zeros, half rounded up."""
    assert shown(number, digits) == text


@pytest.mark.parametrize(("text", "number"), [("5.00", 5), (" 5,5 ", 5.5), ("", None), ("nan", None), ("A+", None)])
def test_numbers_are_read_with_point_or_comma(text: str, number: float | None) -> None:
    """What is no number is none."""
    assert read_number(text) == number


def test_scaling_without_a_maximum_changes_nothing() -> None:
    """An assignment without points cannot be divided by."""
    assert (scaled(3, 0, 100), scaled(3, 5, None), scaled(3, 5, 10)) == (3, 3, 6)


def test_names_are_compared_without_what_cannot_be_seen() -> None:
    """Forms of accents, marks of direction, capitals and spaces make no other person."""
    assert plain("  Zoe\u0301\u200f  OBrien") == plain("zo\u00e9 obrien")
    assert squashed("O'Brien, Zoé") == "obrienzoé"


def test_rows_without_names_are_nobodys() -> None:
    """An empty cell fits nobody, not even a student without a name."""
    found = match([[""], ["a"]], {1: [""], 2: ["a", ""]}, "book.csv")

    assert found.rows == {1: 2}
    assert found.lonely == (1,)


def test_the_file_to_fill_is_not_touched() -> None:
    """A request is a value: filling twice gives the same."""
    request = request_for(BOOK, result("ada"))

    assert canvas(request) == canvas(replace(request))
