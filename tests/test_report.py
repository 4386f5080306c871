"""Pages about a results folder: what is on them, what is not, and what happens when they cannot be written."""

import io
import re
from html.parser import HTMLParser
from pathlib import Path
from time import perf_counter

import pytest
from bs4 import BeautifulSoup, Tag
from rich.console import Console
from typer.testing import CliRunner

from grader.cli import pages, places
from grader.cli.base import app
from grader.errors import SetupError
from grader.model.assignment import Assignment
from grader.model.submission import Cell, Source
from grader.pipeline import report
from grader.pipeline.report import Wanted, write_report
from grader.results.folder import ResultsFolder, write_course_scores
from grader.results.pseudonyms import pseudonyms
from tests.factories import make_assignment, make_run, make_verdict, write_assignment
from tests.report_classes import EVIL, hostile_class, large_class, submission

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src {}; img-src data:; base-uri 'none'; form-action 'none'"
)


def find(name: str) -> Assignment:
    """The assignment of these results."""
    return make_assignment(id=name, title=f"About {name}")


def written(folder: Path, **wanted: object) -> Path:
    """All pages of a folder, beside its results."""
    output = wanted.pop("output", folder)
    assert isinstance(output, Path)
    return write_report(folder, find, Wanted(output, **wanted))  # type: ignore[arg-type]


def soup(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text("utf-8"), "html.parser")


def page_of(folder: Path, student: str = "ada", name: str = "report.html") -> BeautifulSoup:
    return soup(ResultsFolder(folder).place(student) / name)


def rows(page: BeautifulSoup) -> list[Tag]:
    """Rows of the table of students."""
    return page.select("table[data-tools] tbody tr")


def ordinary(folder: Path) -> Path:
    """Three students: one with all points, one without a check, one that needs a person."""
    wrong = make_verdict(id="stops_in_time", title="It stops.", status="failed", points=0, message="Too late (line 4).")
    right = wrong.model_copy(update={"status": "passed", "points": 2.0, "message": ""})
    hidden = make_verdict(id="secret", title="It is secret.", status="failed", points=0, message="A.\nB.", hidden=True)
    made = [
        submission(folder, "ada", verdicts=(make_verdict(), right, hidden)),
        submission(folder, "bela", verdicts=(make_verdict(), wrong, hidden), curve=(0.5, 0.6), fingerprint="a" * 64),
        submission(folder, "zoe", verdicts=(make_verdict(), right, hidden), needs_review=True, message="Look at it."),
    ]
    ResultsFolder(folder).write_scores("demo", made)
    return folder


# ── the class ──


def test_every_page_is_written(tmp_path: Path) -> None:
    """The page of the class, and for each student a report, feedback as a page and as Markdown."""
    page = written(ordinary(tmp_path))
    names = {path.name for path in ResultsFolder(tmp_path).place("ada").iterdir()}
    assert page == tmp_path / "report.html"
    assert names == {"result.json", "evidence.json", "source.json", "report.html", "feedback.html", "feedback.md"}


def test_links_of_the_class_lead_to_pages(tmp_path: Path) -> None:
    """Each link leads to a file that is there, and back."""
    page = written(ordinary(tmp_path))
    links = {link["href"] for link in soup(page).select("a[href]") if not str(link["href"]).startswith("#")}
    assert links == {f"submissions/{name}/report.html" for name in ("ada", "bela", "zoe")}
    assert all((tmp_path / str(link)).is_file() for link in links)
    back = page_of(tmp_path).select_one("nav a")
    assert back is not None
    assert (ResultsFolder(tmp_path).place("ada") / str(back["href"])).resolve() == page.resolve()


def test_who_needs_a_person_stands_first(tmp_path: Path) -> None:
    """Above everything, and at the head of the table."""
    page = soup(written(ordinary(tmp_path)))
    first = page.select_one("main section")
    assert first is not None
    assert "zoe needs a person" in first.get_text(" ", strip=True)
    assert [row.th.a.get_text() for row in rows(page) if row.th and row.th.a] == ["zoe", "ada", "bela"]


def test_each_check_has_its_rate(tmp_path: Path) -> None:
    """How many passed, in a row whose head is the sentence."""
    page = soup(written(ordinary(tmp_path)))
    row = next(row for row in page.select("tbody tr") if "stops_in_time" in row.get_text())
    assert [cell.get_text(strip=True) for cell in row.select("td")] == ["67 %", "2", "0", "1", "0", "1.33 of 2"]


def test_rows_can_be_filtered_by_what_they_say(tmp_path: Path) -> None:
    """Each row carries its words for the filters; every choice of a filter is the word of some row, or could be."""
    page = soup(written(ordinary(tmp_path)))
    words = {str(row.th.a.get_text()): str(row["data-kind"]).split() for row in rows(page) if row.th and row.th.a}
    assert words["zoe"] == ["status-graded", "lost", "review", "flagged"]
    assert {str(row["data-lost"]) for row in rows(page)} == {"3", "2 3"}


def test_shared_trainings_come_with_a_warning(tmp_path: Path) -> None:
    """Who has the same network stands there, with what that does not mean."""
    page = soup(written(ordinary(tmp_path)))
    section = page.select_one("section[aria-labelledby=training]")
    assert section is not None
    assert "Equal networks are no evidence of copying." in section.get_text()
    assert [row.select("td")[0].get_text() for row in section.select("tbody tr")] == ["2", "1"]


def test_headings_and_tables_can_be_followed_without_sight(tmp_path: Path) -> None:
    """One h1; every table has heads with a scope; figures have a text; the language is said."""
    for path in (written(ordinary(tmp_path)), ResultsFolder(tmp_path).place("ada") / "report.html"):
        page = soup(path)
        assert len(page.select("h1")) == 1
        assert page.html is not None
        assert page.html["lang"] == "en"
        assert page.select("main#main")
        assert all(head.get("scope") for head in page.select("th"))
        assert all(
            svg.get("aria-label") or svg.find_parent(attrs={"aria-hidden": "true"}) for svg in page.select("svg")
        )
        ids = [item["id"] for item in page.select("[id]")]
        assert len(ids) == len(set(ids))


# ── one submission ──


def test_a_submission_has_code_with_anchors(tmp_path: Path) -> None:
    """Lines are numbered, can be linked to, and messages link to them."""
    written(ordinary(tmp_path))
    page = page_of(tmp_path, "bela")
    line = page.select_one("#L4")
    assert line is not None
    assert line.get_text(strip=True) == "4def train():"
    assert any(link.get_text() == "line 4" for link in page.select(".verdicts a[href='#L4']"))


def test_lines_of_a_notebook_are_numbered_by_cell(tmp_path: Path) -> None:
    """A notebook's anchors have the number of the cell, counted over all cells."""
    ordinary(tmp_path)
    results = ResultsFolder(tmp_path)
    ada = results.read("ada")
    assert ada is not None
    source = Source(kind="notebook", cells=(Cell(number=3, text="a = 1\nb = 2"), Cell(number=7, text="c = 3")))
    results.write(ada, results.evidence("ada"), source=source)
    written(tmp_path)
    assert [item["id"] for item in page_of(tmp_path).select(".code .l")] == ["C3L1", "C3L2", "C7L1"]


def test_a_submission_shows_layers_output_and_notes(tmp_path: Path) -> None:
    """The student's names of layers, what was printed, and what was noted."""
    written(ordinary(tmp_path))
    text = page_of(tmp_path).get_text(" ", strip=True)
    for part in ("my_layer Dense 10 7,850", "hello", "an old name", "shared with 1 other", "90 % was reached"):
        assert part in text


def test_results_without_code_say_so(tmp_path: Path) -> None:
    """Results from before the code was kept have a page too."""
    ResultsFolder(tmp_path).write_scores("demo", [submission(tmp_path, source=False)])
    written(tmp_path)
    assert "The code was not kept" in page_of(tmp_path).get_text()


def test_evidence_of_another_hand_in_is_not_shown(tmp_path: Path) -> None:
    """If we failed on the last hand-in, what was seen of the one before is not shown as its own."""
    made = submission(tmp_path)
    changed = made.model_copy(update={"submission_digest": "another", "training": None})
    ResultsFolder(tmp_path).write(changed, None)
    ResultsFolder(tmp_path).write_scores("demo", [changed])
    written(tmp_path)
    assert "my_layer" not in page_of(tmp_path).get_text()


def test_an_unknown_assignment_still_has_a_report(tmp_path: Path) -> None:
    """Where the assignment is not at hand, its id is the title and there is no threshold."""
    page = write_report(ordinary(tmp_path), lambda _: None, Wanted(tmp_path))
    assert soup(page).h1 is not None
    assert soup(page).h1.get_text() == "demo"  # type: ignore[union-attr]
    assert not soup(page).select(".threshold")


def test_every_seed_is_drawn(tmp_path: Path) -> None:
    """A second seed is a second curve."""
    ResultsFolder(tmp_path).write_scores("demo", [submission(tmp_path, others=(make_run([0.8, 0.82], seed=2),))])
    written(tmp_path)
    assert len(page_of(tmp_path).select("polyline")) == 2


# ── what students get ──


def test_feedback_has_public_information_only(tmp_path: Path) -> None:
    """No other student, no flag, no printed text, and of a hidden check one line."""
    written(ordinary(tmp_path))
    for text in (
        page_of(tmp_path, "ada", "feedback.html").get_text(" ", strip=True),
        (ResultsFolder(tmp_path).place("ada") / "feedback.md").read_text("utf-8"),
    ):
        assert "It is secret." in text
        assert "A." in text
        assert not any(part in text for part in ("B.", "zoe", "bela", "hello", "sandbox"))


def test_reasons_for_a_review_are_not_the_students(tmp_path: Path) -> None:
    """A student reads that a person will look, not why."""
    written(ordinary(tmp_path))
    text = page_of(tmp_path, "zoe", "feedback.html").get_text()
    assert "A person will look at this" in text
    assert "Look at it." not in text


def test_feedback_speaks_the_language_of_the_assignment(tmp_path: Path) -> None:
    """In Chinese the page says so in its language, and titles of checks stay as they are."""
    ordinary(tmp_path)
    write_report(tmp_path, lambda name: make_assignment(id=name, language="zh"), Wanted(tmp_path))
    page = page_of(tmp_path, "ada", "feedback.html")
    assert page.html is not None
    assert page.html["lang"] == "zh-Hans"
    assert "检查项" in page.get_text()
    assert "It stops." in page.get_text()


def test_feedback_can_be_left_out(tmp_path: Path) -> None:
    """With `--no-feedback` there are instructor's pages only."""
    written(ordinary(tmp_path), feedback=False)
    assert not list(tmp_path.rglob("feedback.*"))


# ── sharing ──


def test_anonymous_pages_leak_nothing(tmp_path: Path) -> None:
    """No name, path, code, output, layer, message or note of a student is in any file, nor in a file's name."""
    made = [
        submission(
            tmp_path / "results",
            f"student_xq{number}",
            path=f"path_xq{number}/a.py",
            text=f"code_xq{number} = 1\n",
            stdout=f"out_xq{number}\n",
            layer=f"layer_xq{number}",
            note=f"note_xq{number}",
            message=f"message_xq{number}",
            verdicts=(make_verdict(status="failed", points=0, message=f"verdict_xq{number}"),),
            needs_review=True,
            submission_digest="d",
            resume_key=f"key_xq{number}",
        )
        for number in range(3)
    ]
    ResultsFolder(tmp_path / "results").write_scores("demo", made)
    written(tmp_path / "results", anonymous=True, output=tmp_path / "shared")
    files = [path for path in (tmp_path / "shared").rglob("*") if path.is_file()]
    assert len(files) == 4
    assert not [path for path in files if "xq" in str(path.relative_to(tmp_path)) or "xq" in path.read_text("utf-8")]


def test_pseudonyms_stay(tmp_path: Path) -> None:
    """Written twice, and with one more student, everybody keeps the name; no two share one."""
    first = pseudonyms(tmp_path, ["ada", "bela"])
    second = pseudonyms(tmp_path, ["chen", "bela", "ada", *map(str, range(3_000))])
    assert {name: second[name] for name in first} == first
    assert len(set(second.values())) == len(second)


@pytest.mark.parametrize("text", ["[]", "{", '{"ada": 1}', '{"ada": "S-1", "bela": "S-1"}'])
def test_a_spoilt_list_of_pseudonyms_is_refused(tmp_path: Path, text: str) -> None:
    """Names are never guessed anew behind somebody's back."""
    (tmp_path / "pseudonyms.json").write_text(text)
    with pytest.raises(SetupError, match="or remove it to have new names drawn"):
        pseudonyms(tmp_path, ["ada"])


def test_anonymous_rows_do_not_keep_the_order_of_names(tmp_path: Path) -> None:
    """Rows are sorted by pseudonym, so that their order tells nothing."""
    made = large_class(tmp_path, 30)
    names = pseudonyms(tmp_path, [result.student for result in made])
    page = soup(written(tmp_path, anonymous=True, output=tmp_path / "shared"))
    shown = [row.th.a.get_text() for row in rows(page) if row.th and row.th.a][1:]
    assert shown == sorted(set(names.values()) - {names["student0000"]})


# ── hostile ──


class Strict(HTMLParser):
    """Collects what a page would do: tags, handlers, and addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.doubtful: list[tuple[str, str, str | None]] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            address = name in ("href", "src", "action", "xlink:href", "srcset", "data", "poster")
            local = re.fullmatch(r"#[\w-]*|(\.\./)*(submissions/[\w.-]+/)?report\.html", value or "")
            if name.startswith("on") or name == "style" or (address and not local):
                self.doubtful.append((tag, name, value))


TAGS = """html head meta title style body a header nav h1 h2 h3 p ul ol li b main section div table caption thead tbody tfoot
tr th td span strong bdi br code pre figure figcaption svg g line text rect polyline circle label input select option dl dt dd details summary footer script
h4 h5 h6 em del hr blockquote"""


def test_a_hostile_class_stays_text(tmp_path: Path) -> None:
    """Whatever students write, pages have our tags only, no handler, and no address but our own pages."""
    hostile_class(tmp_path)
    written(tmp_path)
    paths = list(tmp_path.rglob("*.html"))
    assert len(paths) == 1 + 2 * len(EVIL)
    for path in paths:
        text = path.read_text("utf-8")
        parser = Strict()
        parser.feed(text)
        assert parser.doubtful == []
        assert parser.tags <= set(TAGS.split())
        assert text.count("<script") == (1 if path.parent == tmp_path else 0)
        assert "49{%" not in text
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)


def test_the_policy_comes_before_anything_of_students(tmp_path: Path) -> None:
    """Each page forbids all that it does not need; pages without a script allow none."""
    hostile_class(tmp_path)
    written(tmp_path)
    for path in tmp_path.rglob("*.html"):
        text = path.read_text("utf-8")
        policy = soup(path).select_one("meta[http-equiv=Content-Security-Policy]")
        assert policy is not None
        script = r"'sha256-[\w+/=]{44}'" if path.parent == tmp_path else "'none'"
        assert re.fullmatch(re.escape(POLICY).replace(r"\{\}", script), str(policy["content"]))
        assert text.index("Content-Security-Policy") < text.index("<title>")


def test_pages_of_a_flood_stay_small(tmp_path: Path) -> None:
    """A student who prints 200 kB in a line and a thousand more lines has a page that opens."""
    hostile_class(tmp_path)
    written(tmp_path)
    assert max(path.stat().st_size for path in tmp_path.rglob("*.html")) < 500_000


# ── sizes ──


def test_a_folder_without_submissions_has_a_page(tmp_path: Path) -> None:
    """Nobody handed in: the page says so."""
    ResultsFolder(tmp_path).write_scores("demo", [])
    assert "There is no submission" in soup(written(tmp_path)).get_text()


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    """A folder that is no results folder gets a sentence, not a page."""
    with pytest.raises(SetupError, match="expected results with a folder `submissions`"):
        written(tmp_path)


def test_a_class_of_one(tmp_path: Path) -> None:
    """One student, in the singular."""
    ResultsFolder(tmp_path).write_scores("demo", [submission(tmp_path)])
    assert "1 submission 2 median of 2 points" in soup(written(tmp_path)).get_text(" ", strip=True)


def test_scores_that_are_missing_are_made_of_the_results(tmp_path: Path) -> None:
    """Interrupted before `scores.json` was written: results tell."""
    submission(tmp_path)
    assert len(rows(soup(written(tmp_path)))) == 1


def test_a_large_class_is_quick_and_small(tmp_path: Path) -> None:
    """300 students: a share of what 2,000 may cost, in bytes and in seconds."""
    large_class(tmp_path, 300)
    begun = perf_counter()
    page = written(tmp_path)
    assert perf_counter() - begun < 30
    assert page.stat().st_size < 500_000
    assert len(rows(soup(page))) == 300


# ── several assignments ──


def course(folder: Path) -> Path:
    """Two assignments; bela handed in only the first."""
    scores = []
    for name, students in (("one", ("ada", "bela")), ("two", ("ada",))):
        made = [submission(folder / name, student, assignment=name) for student in students]
        scores.append(ResultsFolder(folder / name).write_scores(name, made))
    write_course_scores(folder, scores)
    return folder


def test_several_assignments_have_a_page_over_them(tmp_path: Path) -> None:
    """Each assignment has its pages, and the first page has a row for each student."""
    page = soup(written(course(tmp_path)))
    assert [row.get_text(" ", strip=True) for row in rows(page)] == ["ada 2 / 2 2 / 2", "bela 2 / 2 nothing"]
    links = [str(link["href"]) for link in page.select("a[href]") if not str(link["href"]).startswith("#")]
    assert "one/report.html" in links
    assert all((tmp_path / link).is_file() for link in links)
    up = soup(tmp_path / "one" / "report.html").select_one("nav a")
    assert up is not None
    assert up["href"] == "../report.html"


def test_a_pseudonym_is_the_same_in_all_assignments(tmp_path: Path) -> None:
    """Over several assignments one student is one pseudonym."""
    page = soup(written(course(tmp_path), anonymous=True, output=tmp_path / "anonymous"))
    assert sorted(row.get_text(" ", strip=True).split(" ", 1)[1] for row in rows(page)) == [
        "2 / 2 2 / 2",
        "2 / 2 nothing",
    ]
    assert "bela" not in page.get_text()


# ── the verb, and the end of grading ──


def test_the_verb_writes_and_says_where(tmp_path: Path) -> None:
    """`grader report` prints the page to open."""
    done = CliRunner().invoke(app, ["report", str(ordinary(tmp_path))])
    assert (done.exit_code, "open it in a browser" in done.output) == (0, True)
    assert (tmp_path / "report.html").is_file()


def test_anonymous_pages_go_beside_the_others(tmp_path: Path) -> None:
    """Without `--output` they are in a folder of their own."""
    CliRunner().invoke(app, ["report", str(ordinary(tmp_path)), "--anonymous"])
    assert (tmp_path / "anonymous" / "report.html").is_file()
    assert not (tmp_path / "report.html").exists()


@pytest.mark.parametrize("error", [SetupError("disk full."), ValueError("a bug")])
def test_a_failure_of_the_report_is_only_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    """After grading, a report that cannot be written is a line on standard error, whatever the reason."""

    def broken(*_: object) -> Path:
        raise error

    monkeypatch.setattr(pages, "write_report", broken)
    pages.report_after(tmp_path, lambda _: None)
    assert "the report was not written" in capsys.readouterr().err


def test_regrading_writes_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After `grader regrade` the pages have the new points."""
    regraded(tmp_path, monkeypatch)
    text = page_of(tmp_path / "results").get_text(" ", strip=True)
    assert "0 of 3 points" in text


def test_regrading_ends_as_ever_when_the_report_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder stands where the page should be: points are written, and the exit code is that of the grades."""
    (tmp_path / "results" / "report.html").mkdir(parents=True)
    code, output = regraded(tmp_path, monkeypatch)
    assert (code, "the report was not written" in output) == (0, True)
    assert ResultsFolder(tmp_path / "results").read("ada") is not None


def regraded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    """Grade ada, have one check that nobody passes, and regrade; returns the exit code and what was said."""
    checks = 'from grader.judging import fail, points\n\n\n@points(3)\ndef works(call):\n    """It works."""\n    fail(\'No.\')\n'
    write_assignment(folder / "assignments" / "demo", checks)
    monkeypatch.setenv("GRADER_ASSIGNMENTS", str(folder / "assignments"))
    monkeypatch.setenv("GRADER_HOME", str(folder / "home"))
    monkeypatch.setattr(places, "datasets", lambda: folder)
    ResultsFolder(folder / "results").write_scores("demo", [submission(folder / "results")])
    said = io.StringIO()
    monkeypatch.setattr(pages, "err", Console(file=said, width=300))
    done = CliRunner().invoke(app, ["regrade", str(folder / "results")])
    return done.exit_code, done.output + said.getvalue()


def test_unknown_assignments_are_none(tmp_path: Path) -> None:
    """An assignment with mistakes, or none at all, is no obstacle to a page."""

    def missing(name: str) -> Assignment:
        raise SetupError(f"{tmp_path}: {name} is not here")

    assert pages.lenient(missing)("demo") is None
    assert pages.lenient(find)("demo") == find("demo")


def test_pages_are_written_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that cannot be made leaves the one before."""
    page = written(ordinary(tmp_path))
    before = page.read_text("utf-8")

    def broken(*_: object, **__: object) -> str:
        raise ValueError("a bug")

    monkeypatch.setattr(report, "class_page", broken)
    with pytest.raises(ValueError, match="a bug"):
        written(tmp_path)
    assert page.read_text("utf-8") == before


def test_pages_that_stand_are_left_alone(tmp_path: Path) -> None:
    """Written again, a student's page that would be the same is not touched, so that a large class costs little."""
    written(ordinary(tmp_path))
    pages = [*tmp_path.rglob("feedback.*"), *tmp_path.glob("submissions/*/report.html")]
    before = {path: path.stat().st_mtime_ns for path in pages}
    assert len(before) > 2
    written(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_the_code_is_kept_and_removed_with_the_hand_in(tmp_path: Path) -> None:
    """`source.json` is the code as it was read; a hand-in that cannot be read has none."""
    made = submission(tmp_path, text="a = 1\n")
    results = ResultsFolder(tmp_path)
    kept = results.source("ada")
    assert kept is not None
    assert kept.cells[0].text == "a = 1\n"
    results.write(made, None)
    assert results.source("ada") == kept
    results.write(made, results.evidence("ada"))
    assert results.source("ada") is None
