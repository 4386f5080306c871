"""A student's notebook on a page: Markdown that can do nothing, and verdicts at the cells they speak about."""

import html
import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from grader.cli import main
from grader.model.submission import Cell, Source
from grader.pipeline.report import Wanted, write_report
from grader.reports.pages import prose
from grader.reports.pages.cells import shown, verdicts_at_cells
from grader.reports.pages.prose import LONGEST_CELL, is_harmless, prose_html
from grader.results.folder import ResultsFolder
from tests.factories import make_assignment, make_verdict
from tests.report_classes import EVIL, MARKDOWN, NOTEBOOK, submission
from tests.test_notebooks import code, markdown, notebook

PIECES = st.sampled_from(
    [*EVIL, *MARKDOWN.split("\n"), "EVIL", "\n\n", "> ", "- ", "`", "```", "|", "&#x202e;", "[a]: "]
)
TAGS = "p em strong del code pre blockquote ul ol li dl dt dd table thead tbody tr td th h4 h5 h6 br hr div"


def prose_of(text: str) -> BeautifulSoup:
    return BeautifulSoup(prose_html(text), "html.parser")


# ── Markdown ──


def test_markdown_is_read() -> None:
    """Headings below that of the cell, emphasis, lists, tables with heads, code, and mathematics as it was written."""
    text = (
        "# T\n\na *b* **c** `d < e` $a_1 < b_2$\n\n3. x\n4. y\n\n|h|\n|-|\n|c|\n\n- [x] done\n\n```python\nz = 1\n```\n"
    )
    page = prose_of(text)
    for selector in ("h4", "em", "strong", "ol[start='3'] li", "table th[scope=col]", "table td", "pre code", "ul li"):
        assert page.select(selector), selector
    assert "d < e" in page.get_text()
    assert "$a_1 < b_2$" in page.get_text()
    assert "☑ done" in page.get_text()


@pytest.mark.parametrize("evil", [*EVIL, *(MARKDOWN.replace("EVIL", evil) for evil in EVIL)])
def test_hostile_markdown_has_tags_of_the_list_only(evil: str) -> None:
    """No script, no picture, no link, no handler, nothing unseen; parsed as a browser would."""
    page = prose_of(evil)
    assert {tag.name for tag in page.find_all(True)} <= set(TAGS.split())
    assert {name for tag in page.find_all(True) for name in tag.attrs} <= {
        "start",
        "scope",
        "class",
        "tabindex",
        "role",
        "aria-label",
    }
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", page.get_text())


@given(st.lists(PIECES | st.text(max_size=8), max_size=12).map("".join))
def test_no_markdown_gets_past_the_list(text: str) -> None:
    """Whatever is put together, the result is harmless, and nothing of it is unseen."""
    made = prose_html(text)
    assert is_harmless(made)
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x7f]", html.unescape(made))


@pytest.mark.parametrize(
    "made",
    [
        "<script>",
        "<p class=x>",
        '<p onclick="x">',
        "<P>",
        "<img src=x>",
        "a < b",
        "&#x202e;",
        "&nbsp;",
        '<ol start="1" onclick="x">',
        "<p\n>",
        "<!-- -->",
        "<div>",
    ],
)
def test_the_list_is_closed(made: str) -> None:
    """A tag with anything more, an entity that is not there, and a bare sign are refused."""
    assert not is_harmless(made)


def test_addresses_are_text() -> None:
    """A link shows where it would lead and cannot be followed; a picture is its name."""
    text = prose_of(
        "[here](https://a.example/?b=1&c=2) ![cat](http://a.example/cat.png) ![x](data:image/png;base64,AA)"
    )
    assert text.get_text().strip() == "here (https://a.example/?b=1&c=2) [cat: http://a.example/cat.png] [x]"


@pytest.mark.parametrize("made", ["<script>alert(1)</script>", ""])
def test_what_is_not_on_the_list_makes_the_cell_plain_text(monkeypatch: pytest.MonkeyPatch, made: str) -> None:
    """If a library ever let something through, or failed, the cell is shown as it was typed."""

    class Broken:
        def render(self, text: str) -> str:
            if not made:
                raise RecursionError(text)
            return made

    monkeypatch.setattr(prose, "_markdown", Broken)
    prose_html.cache_clear()
    assert prose_html("# <b>") == "<pre># &lt;b&gt;</pre>"
    prose_html.cache_clear()


@pytest.mark.parametrize("text", ["a " * LONGEST_CELL, "\\(" * 100, "|-|-|\n\\a" * 100, "\\begin{a}" * 100])
def test_what_would_take_long_is_plain_text(text: str) -> None:
    """Long cells, and such for which the search for an end is repeated without end, are not read as Markdown."""
    assert prose_html(text).startswith("<pre>")
    assert len(prose_html(text)) < 40_000


# ── verdicts at their cells ──


def at_cells(
    *verdicts: object, source: Source = NOTEBOOK, entry_points: tuple[str, ...] = ("train",)
) -> dict[int, int]:
    found = verdicts_at_cells(source, verdicts, entry_points)  # type: ignore[arg-type]
    return {cell: len(members) for cell, members in found.items()}


def test_a_verdict_stands_at_what_is_graded() -> None:
    """One that names nothing speaks about the entry point; without one, about the last training."""
    loose = Source(kind="notebook", cells=(Cell(number=3, text="model.fit(x)"), Cell(number=5, text="print(1)")))
    assert at_cells(make_verdict()) == {4: 1}
    assert at_cells(make_verdict(), source=loose) == {3: 1}


def test_a_verdict_stands_at_what_it_names() -> None:
    """The last definition of a function or class that its message or its title names."""
    cells = (
        "def double(x): ...",
        "class Stop:\n    def on_epoch_end(self): ...",
        "def train(): ...",
        "def double(x): ...",
    )
    source = Source(kind="notebook", cells=tuple(Cell(number=2 * n, text=text) for n, text in enumerate(cells, 1)))
    named = make_verdict(title="double gives twice its argument.")
    method = make_verdict(status="failed", points=0, message="Your Stop does not stop.")
    assert at_cells(named, method, make_verdict(), source=source) == {8: 1, 4: 1, 6: 1}


def test_a_verdict_with_a_line_stands_there_alone() -> None:
    """It is said at the line, not once more below the cell; a line that is not there does not count."""
    here = make_verdict(status="failed", points=0, message="No (cell 4, line 2).")
    nowhere = make_verdict(status="failed", points=0, message="No (cell 9, line 2).")
    assert at_cells(here) == {}
    assert at_cells(nowhere) == {4: 1}


def test_of_several_entry_points_none_is_guessed() -> None:
    """A verdict that names neither stays in the table."""
    source = Source(
        kind="notebook", cells=(Cell(number=1, text="def one(): ..."), Cell(number=2, text="def two(): ..."))
    )
    assert at_cells(make_verdict(), source=source, entry_points=("one", "two")) == {}


def test_modules_have_remarks_at_lines_only() -> None:
    """A module is one cell: there is no place below it."""
    assert (
        at_cells(make_verdict(), source=Source(kind="module", cells=(Cell(number=1, text="def train(): ..."),))) == {}
    )


def test_verdicts_below_a_cell_are_escaped() -> None:
    """Sign, points and words; markup in a message is text."""
    failed = make_verdict(status="failed", points=0, message="<b>Too late.</b>")
    assert "✗ 0 / 2</span> It works.<br>&lt;b&gt;Too late.&lt;/b&gt;" in shown([failed])


def test_a_page_shows_the_notebook_in_order(tmp_path: Path) -> None:
    """Markdown and code by the number of the cell, verdicts below the one they speak about, anchors as ever."""
    ResultsFolder(tmp_path).write_scores("demo", [submission(tmp_path, source=NOTEBOOK)])
    write_report(tmp_path, lambda name: make_assignment(id=name), Wanted(tmp_path))
    for name in ("report.html", "feedback.html"):
        page = BeautifulSoup((tmp_path / "submissions/ada" / name).read_text("utf-8"), "html.parser")
        section = page.select_one("section[aria-labelledby=code]")
        assert section is not None
        order = [item.get_text(" ", strip=True) for item in section.select("h3, .prose, .code, .said")]
        assert order == [
            "Cell 1",
            "My answer The network has one layer.",
            "Cell 2",
            "1 import numpy",
            "Cell 3",
            "Now train.",
            "Cell 4",
            "1 def train(): 2 return 1",
            "✓ 2 / 2 It works.",
        ]
        assert section.select_one("#C4L2") is not None


def test_a_hidden_check_says_one_line_at_its_cell(tmp_path: Path) -> None:
    """In feedback the cell has the public part of a verdict, as the table has."""
    hidden = make_verdict(status="failed", points=0, message="Wrong.\nIt was [[1, 2]].", hidden=True)
    ResultsFolder(tmp_path).write_scores("demo", [submission(tmp_path, source=NOTEBOOK, verdicts=(hidden,))])
    write_report(tmp_path, lambda name: make_assignment(id=name), Wanted(tmp_path))
    text = (tmp_path / "submissions/ada/feedback.html").read_text("utf-8")
    assert text.count("Wrong.") == 2
    assert "[[1, 2]]" not in text


# ── from the hand-in to the page ──

ASSIGNMENT = 'id = "demo"\ntitle = "A demo"\nfiles = ["demo"]\nentry_points = ["double"]\n'
CHECKS = '''from grader.judging import fail, points


@points(2)
def doubles(evidence):
    """double gives twice its argument."""
    call = evidence.called("two")
    if call is None or call.value != 4:
        fail("double(2) is not 4. Multiply by two.")
'''
PROBE = "def probe(student, rng):\n    student.call_as('two', 'double', 2)\n"


@pytest.mark.sandbox
def test_what_a_student_hands_in_is_on_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`grade` keeps code and Markdown in `source.json`, and both pages show them, with the verdict at its cell."""
    folder = tmp_path / "assignments" / "demo"
    folder.mkdir(parents=True)
    for name, text in (("assignment.toml", ASSIGNMENT), ("checks.py", CHECKS), ("probe.py", PROBE)):
        (folder / name).write_text(text)
    cells = (markdown("# My <b>answer</b>"), code("def double(number):\n    return 3 * number"))
    for student, name, text in (("ada", "demo.ipynb", notebook(*cells)), ("bela", "demo.py", "double = 7  # bela's\n")):
        (tmp_path / "in" / student).mkdir(parents=True)
        (tmp_path / "in" / student / name).write_text(text)
    monkeypatch.setenv("GRADER_ASSIGNMENTS", str(tmp_path / "assignments"))
    monkeypatch.setattr(
        "sys.argv", ["grader", "grade", str(tmp_path / "in"), "--output", str(tmp_path / "out"), "--jobs", "1"]
    )
    with pytest.raises(SystemExit):
        main()
    kept = ResultsFolder(tmp_path / "out").source("ada")
    assert kept is not None
    assert [(cell.number, cell.text) for cell in kept.prose] == [(1, "# My <b>answer</b>")]
    for name in ("report.html", "feedback.html"):
        page = BeautifulSoup((tmp_path / "out/submissions/ada" / name).read_text("utf-8"), "html.parser")
        assert [item.get_text(" ", strip=True) for item in page.select(".prose, .code, .said")] == [
            "My <b>answer</b>",
            "1 def double(number): 2 return 3 * number",
            "✗ 0 / 2 double gives twice its argument. double(2) is not 4. Multiply by two.",
        ]
        module = BeautifulSoup((tmp_path / "out/submissions/bela" / name).read_text("utf-8"), "html.parser")
        assert [item.get_text(" ", strip=True) for item in module.select(".code")] == ["1 double = 7  # bela's"]
