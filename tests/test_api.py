"""Grading from Python: the same results as the command line's, as values, JSON, tables and cells of a notebook."""

import inspect
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup

import grader
from grader.api.reports import CHECK_COLUMNS, SUBMISSION_COLUMNS, TRAINING_COLUMNS
from grader.cli import main, places
from grader.errors import SetupError
from grader.model.result import CourseScores, Missing, Result, Scores, TrainingSummary
from grader.model.submission import Identity
from grader.pipeline.check import Checked
from grader.reports.notebook import MOST_ROWS, class_table, verdict_table
from grader.results.folder import read_scores
from grader.results.verdicts import make_result
from tests.factories import make_observation, make_submission, make_verdict

CHECKOUT = Path(__file__).resolve().parent.parent
PAGE = CHECKOUT / "docs" / "reference" / "python-api.md"
EVIL = "<script>alert(1)</script>&\u202e\x1b[31m"


def result(student: str = "ada", **changes: Any) -> Result:
    verdicts = (make_verdict(), make_verdict(id="stops", status="failed", points=0.5, message="Too late."))
    made = make_result(make_submission(student=student, path=f"{student}/demo.py"), make_observation(), verdicts)
    return made.model_copy(update=changes)


def scores(*results: Result, assignment: str = "demo") -> Scores:
    return Scores(assignment=assignment, generated_at="2026-09-01T12:00:00Z", grader_version="0", submissions=results)


# ── the report ──


def test_a_report_is_looked_into_by_student() -> None:
    """By name, by a loop, and by how many there are."""
    report = grader.GradeReport(scores(result("ada"), result("bela", needs_review=True)))
    assert report["ada"].score == 2.5
    assert [item.student for item in report] == ["ada", "bela"]
    assert len(report) == 2
    assert [item.student for item in report.needs_review] == ["bela"]
    with pytest.raises(KeyError, match=r"no result of 'zoe'\. Results of: ada, bela"):
        report["zoe"]


def test_over_several_assignments_the_assignment_is_named_where_it_must_be() -> None:
    """A student with one result is found; with two, the message says what to write."""
    one, two = scores(result("ada"), result("bela")), scores(result("ada", score=1.0), assignment="other")
    course = CourseScores(generated_at="x", grader_version="0", assignments={"demo": one, "other": two})
    report = grader.GradeReport(course)
    assert report["bela"].score == 2.5
    assert report["other", "ada"].score == 1.0
    with pytest.raises(KeyError, match="Name the assignment first, one of 'demo', 'other'"):
        report["ada"]
    with pytest.raises(KeyError, match="no result of 'bela' for 'other'"):
        report["other", "bela"]


def test_json_is_that_of_the_file() -> None:
    """It is read back as the same scores."""
    report = grader.GradeReport(scores(result(), result("ivo", score=None)))
    assert Scores.model_validate_json(report.to_json()) == report.scores


def test_the_table_has_a_row_for_each_submission() -> None:
    """With the training's columns, empty where there is none."""
    training = TrainingSummary(source="shared", epochs=9, accuracy=0.998, stopped_by_callback=True, fingerprint="f")
    table = grader.GradeReport(scores(result(training=training), result("ivo", score=None))).to_dataframe()
    assert tuple(table.columns) == SUBMISSION_COLUMNS + TRAINING_COLUMNS
    assert list(table["student"]) == ["ada", "ivo"]
    assert list(table["epochs"].fillna(-1)) == [9, -1]
    assert table["score"].isna().tolist() == [False, True]


def test_the_table_of_checks_has_a_row_for_each_check() -> None:
    """Points that are not known, because we failed, are empty and not 0."""
    table = grader.GradeReport(scores(result(), result("ivo", score=None))).to_dataframe(checks=True)
    assert tuple(table.columns) == SUBMISSION_COLUMNS + CHECK_COLUMNS
    assert list(table["check"]) == ["works", "stops"] * 2
    assert table["points"].isna().tolist() == [False, False, True, True]
    assert table[table["student"] == "ada"]["points"].sum() == 2.5


def test_an_empty_class_is_an_empty_table() -> None:
    """With its columns, so that a script does not fail on it."""
    assert list(grader.GradeReport(scores()).to_dataframe().columns) == list(SUBMISSION_COLUMNS + TRAINING_COLUMNS)


def test_without_pandas_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest of the report needs none."""
    monkeypatch.setitem(sys.modules, "pandas", None)
    report = grader.GradeReport(scores(result()))
    assert report["ada"].score == 2.5
    with pytest.raises(SetupError, match=r"expected pandas, found none\. Install grader\[dataframe\]"):
        report.to_dataframe()


def test_the_report_of_a_check_is_looked_into_by_check() -> None:
    """Verdicts, points and remarks; also as a table, JSON and text."""
    checked = Checked(assignment="demo", title="A demo", result=result(), remarks=("Not all was checked.",))
    report = grader.CheckReport(checked)
    assert (report.score, report.max_score, len(report)) == (2.5, 4, 2)
    assert report["stops"].message == "Too late."
    assert [verdict.id for verdict in report] == ["works", "stops"]
    assert Checked.model_validate_json(report.to_json()) == checked
    assert list(report.to_dataframe()["check"]) == ["works", "stops"]
    assert "✗ 0.5/2" in repr(report)
    assert repr(report).endswith("Not all was checked.")
    with pytest.raises(KeyError, match=r"no check 'nothing'\. Checks: works, stops"):
        report["nothing"]


# ── cells of a notebook ──


def test_whatever_a_student_wrote_is_text_in_a_cell() -> None:
    """No tag of theirs is one, and what cannot be seen is written out; there is no script and no style sheet of ours."""
    evil = make_verdict(title=EVIL, message=EVIL, status="failed", points=0)
    hostile = result(EVIL, checks=(evil,), message=EVIL, needs_review=True)
    for page in (verdict_table(EVIL, hostile, (EVIL,)), class_table(EVIL, (hostile,))):
        soup = BeautifulSoup(page, "html.parser")
        assert soup.find(["script", "style", "link", "img"]) is None
        assert not any(name.startswith("on") for tag in soup.find_all(True) for name in tag.attrs)
        assert "<script>alert(1)</script>" in soup.get_text()
        assert "\u202e" not in page
        assert "\x1b" not in page


def test_a_cell_takes_the_colours_of_the_page_around_it() -> None:
    """No colour of ours behind text or of text, so that light and dark both can be read; a word says each verdict."""
    page = verdict_table("A demo", result(), ())
    colours = set(re.findall(r"(?<![\w-])(?:color|background): ([^;\"]+)", page))
    assert colours == {"inherit", "none"}
    assert [tag.get_text() for tag in BeautifulSoup(page, "html.parser").select("td:first-child")] == [
        "✓ passed",
        "✗ failed",
    ]


def test_a_large_class_is_shown_as_far_as_a_notebook_should_keep_it() -> None:
    """And says so."""
    page = class_table("demo", tuple(result(f"s{number}") for number in range(MOST_ROWS + 5)))
    assert page.count("<tr>") == MOST_ROWS + 1
    assert f"the first {MOST_ROWS} of {MOST_ROWS + 5}" in page


def test_who_handed_in_nothing_stands_in_the_tables_too() -> None:
    """In the text and in the cell, after the others; a large class leaves them out first."""
    nobody = Missing(student="zoe", identity=Identity(name="Zoe"))
    report = grader.GradeReport(scores(result()).model_copy(update={"missing": (nobody,)}))
    assert re.search(r"zoe .*–.*handed in nothing", repr(report))
    cells = [tag.get_text() for tag in BeautifulSoup(report._repr_html_(), "html.parser").select("td")]
    assert cells[-4:] == ["zoe", "–", "handed in nothing", ""]
    many = class_table("demo", tuple(result(f"s{number}") for number in range(MOST_ROWS)), (nobody,))
    assert "zoe" not in many
    assert f"the first {MOST_ROWS} of {MOST_ROWS + 1}" in many


# ── calls ──


def test_importing_grader_imports_nothing_heavy() -> None:
    """It is imported inside the sandbox too, before each job."""
    code = (
        "import sys, grader; print(sorted({name.split('.')[0] for name in sys.modules}"
        " & {'pydantic', 'rich', 'numpy', 'pytest', 'jinja2', 'typer'}), 'grader.api' in sys.modules, grader.__version__)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=CHECKOUT)
    assert ran.stdout == f"[] False {grader.__version__}\n"
    assert {"grade", "check"} <= set(dir(grader))
    with pytest.raises(AttributeError, match="module 'grader' has no attribute 'nothing'"):
        grader.nothing  # noqa: B018 - the look itself raises


@pytest.mark.parametrize(
    ("keywords", "reason"),
    [
        ({"sandbox": "soft"}, "^sandbox soft: expected one of full, contained, none"),
        ({"jobs": -1}, "^jobs takes a whole number from 1"),
        ({"timeout": 0}, "^jobs takes a whole number from 1, timeout seconds from above 0"),
        ({"assignment": "nothing"}, "there is none called 'nothing'"),
        ({"path": "nowhere"}, "nowhere: expected a folder or a zip of submissions, found nothing"),
    ],
)
def test_mistakes_are_sentences_in_the_words_of_python(
    keywords: Mapping[str, Any], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SetupError, without the dashes of the command line."""
    monkeypatch.setattr(places, "datasets", lambda: tmp_path)
    monkeypatch.chdir(CHECKOUT)
    wanted = {"path": tmp_path, "assignment": "mnist_conv", "sandbox": "none", **keywords}
    with pytest.raises(SetupError, match=reason):
        grader.grade(**wanted)


def hand_ins(folder: Path, names: Sequence[str]) -> None:
    """Students with the reference of an assignment without training, or with nothing of it."""
    for name in names:
        (folder / name).mkdir(parents=True)
        text = (CHECKOUT / "solutions/convolution_basics/reference/convolution_basics.py").read_text()
        (folder / name / "convolution_basics.py").write_text(text if name != "bela" else "x = 1\n")


@pytest.mark.sandbox
def test_the_examples_of_the_page_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each block of Python, one after the other, in a folder with a class; what it prints is what the page shows.

    The report that they leave is what the command line has to say of the same class, which it takes for graded.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRADER_ASSIGNMENTS", str(CHECKOUT / "assignments"))
    hand_ins(tmp_path / "submissions", ["ada", "bela"])
    (tmp_path / "convolution_basics.py").write_text(
        (CHECKOUT / "solutions/convolution_basics/reference/convolution_basics.py").read_text()
    )
    blocks = re.findall(r"```python\n(.*?)```(?:\n+```text\n(.*?)```)?", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(blocks) >= 4
    names: dict[str, Any] = {}
    for code, shown in blocks:
        exec(compile(code, str(PAGE), "exec"), names)  # noqa: S102 - the page is ours
        printed = capsys.readouterr().out
        if shown:
            assert [line.rstrip() for line in printed.splitlines()] == [line.rstrip() for line in shown.splitlines()]
    report = names["report"]
    assert report.scores == read_scores(tmp_path / "results")
    arguments = ["submissions", "--assignment", "convolution_basics", "--output", "results"]
    monkeypatch.setattr(sys, "argv", ["grader", "grade", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 0
    assert "2 graded before and unchanged" in capsys.readouterr().out
    again = read_scores(tmp_path / "results")
    assert again is not None
    assert again.submissions == report.results


def test_every_argument_is_in_the_page() -> None:
    """Of both functions, and every method of both reports."""
    text = PAGE.read_text("utf-8")
    for function in (grader.grade, grader.check):
        for name in inspect.signature(function).parameters:
            assert f"`{name}`" in text, name
    for report in (grader.GradeReport, grader.CheckReport):
        public = [name for name in vars(report) if not name.startswith("_")]
        assert [name for name in public if f"`{name}" not in text] == []
