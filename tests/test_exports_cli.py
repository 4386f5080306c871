"""`grader export`: where it writes, what it refuses, what it says, and its exit code."""

import io
import json
import shutil
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from grader.cli import main
from grader.exports import FORMATS, Request
from grader.exports.gradescope_zip import gradescope_zip, requirements
from grader.model.result import CourseScores, Scores
from tests.factories import write_assignment
from tests.test_exports_golden import ADA, CLASSROOM, DANA, GOLDEN, SCORES, WANG, ZOE, schema

CHECKS = "from grader.judging import points\n"
GITHUB = ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT")


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs `grader export …` in a folder with the results of five, and with the assignment."""
    write_assignment(tmp_path / "assignments" / "demo", CHECKS)
    write_scores(tmp_path / "results", SCORES)
    shutil.copy(GOLDEN / "canvas-gradebook.csv", tmp_path / "book.csv")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRADER_ASSIGNMENTS", str(tmp_path / "assignments"))
    monkeypatch.setenv("COLUMNS", "200")
    for name in (*GITHUB, *CLASSROOM):
        monkeypatch.delenv(name, raising=False)

    def command(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["grader", "export", *arguments])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capfd.readouterr()
        return Ran(code, captured.out, captured.err)

    return command


def write_scores(folder: Path, scores: Scores | CourseScores) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "scores.json").write_text(scores.model_dump_json())


def scores_of(*students: str) -> Scores:
    """The scores of some of the five."""
    return SCORES.model_copy(
        update={"submissions": tuple(item for item in SCORES.submissions if item.student in students)}
    )


# ── where it writes ──


def test_a_table_goes_to_the_console(run: Run) -> None:
    """Without `--output` the bytes are on standard output, and all words on standard error."""
    ran = run("csv", "results")

    assert ran.out.encode() == (GOLDEN / "class.csv").read_bytes()
    assert WANG in ran.err


def test_a_table_goes_to_a_file(run: Run, tmp_path: Path) -> None:
    """The file is the golden one, byte by byte."""
    run("canvas", "results", "--fill", "book.csv", "--output", "out/filled.csv")

    assert (tmp_path / "out" / "filled.csv").read_bytes() == (GOLDEN / "canvas-filled.csv").read_bytes()


def test_gradebook_is_another_word_for_fill(run: Run) -> None:
    """`--gradebook` and `--fill` are one option."""
    assert run("canvas", "results", "--gradebook", "book.csv").out == run("canvas", "results", "--fill", "book.csv").out


def test_one_student_goes_to_one_file(run: Run, tmp_path: Path) -> None:
    """`--student` chooses; everything is well, so the code is 0."""
    ran = run("coursera", "results", "--student", ADA, "--output", "feedback.json")

    assert ran == Ran(0, "", "")
    assert json.loads((tmp_path / "feedback.json").read_text())["fractionalScore"] == 1.0


def test_a_class_goes_to_a_folder(run: Run, tmp_path: Path) -> None:
    """A format of one student writes a file for each; none for the one without a grade."""
    ran = run("gradescope", "results", "--output", "out")

    files = sorted((tmp_path / "out").iterdir())
    assert len(files) == 4
    assert ran.code == 1
    for file in files:
        jsonschema.Draft202012Validator(schema("gradescope")).validate(json.loads(file.read_text()))


@pytest.mark.parametrize("name", ["gradescope", "github"])
def test_a_class_does_not_fit_on_the_console(run: Run, name: str) -> None:
    """The message says to choose a student."""
    ran = run(name, "results")

    assert (ran.code, ran.out) == (2, "")
    assert "Use --student" in ran.err


def test_an_old_grade_does_not_stay(run: Run, tmp_path: Path) -> None:
    """Where there is no grade any more, a file of an earlier export is taken away."""
    (tmp_path / "results.json").write_text('{"score": 7}')
    ran = run("gradescope", "results", "--student", WANG, "--output", "results.json")

    assert ran.code == 1
    assert not (tmp_path / "results.json").exists()


def test_the_file_to_fill_is_not_written_over(run: Run, tmp_path: Path) -> None:
    """The exported gradebook stays as it is, so that both can be compared."""
    ran = run("canvas", "results", "--fill", "book.csv", "--output", "book.csv")

    assert ran.code == 2
    assert (tmp_path / "book.csv").read_bytes() == (GOLDEN / "canvas-gradebook.csv").read_bytes()


def test_github_writes_the_files_of_the_step(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a step, the summary and the output `result` are added to what is there, the summary up to 1 MiB."""
    for name in GITHUB:
        (tmp_path / name).write_text("before\n")
        monkeypatch.setenv(name, str(tmp_path / name))
    ran = run("github", "results", "--student", ZOE, "--file", "demo.py")

    assert ran.out.startswith("::stop-commands::")
    assert (tmp_path / "GITHUB_STEP_SUMMARY").read_text().startswith("before\n## Demo")
    assert (tmp_path / "GITHUB_OUTPUT").read_text().startswith("before\nresult=ey")

    (tmp_path / "GITHUB_STEP_SUMMARY").write_bytes(b"x" * 1024 * 1024)
    run("github", "results", "--student", ZOE)
    assert (tmp_path / "GITHUB_STEP_SUMMARY").stat().st_size == 1024 * 1024


def test_github_writes_a_folder(run: Run, tmp_path: Path) -> None:
    """With `--output` all three pieces are files."""
    assert run("github", "results", "--student", ADA, "--output", "out").code == 0

    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["commands.txt", "result.txt", "summary.md"]


def test_classroom50_reads_the_environment(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing variables are named all at once; with them the result is valid."""
    ran = run("classroom50", "results", "--student", ADA)
    assert ran.code == 2
    assert all(name in ran.err for name in ("CLASSROOM", "SUBMISSION_TAG", "COMMIT_URL", "RELEASE_URL"))

    for name, value in CLASSROOM.items():
        monkeypatch.setenv(name, value)
    assert run("classroom50", "results", "--student", ADA, "--points", "30", "--output", "result.json").code == 0
    body = json.loads((tmp_path / "result.json").read_text())
    jsonschema.Draft202012Validator(schema("classroom50")).validate(body)
    assert (body["score"], body["max-score"]) == (30, 30)

    ran = run("classroom50", "results", "--student", ADA, "--points", "10")
    assert "cannot be shared" in ran.err


# ── exit codes and what is said ──


def test_everybody_with_a_grade_ends_with_0(run: Run, tmp_path: Path) -> None:
    """A hand-in that could not be read has a grade: 0 points."""
    write_scores(tmp_path / "results", scores_of(ADA, DANA))

    assert run("csv", "results").code == 0


def test_who_needs_a_person_is_listed_on_standard_error(run: Run) -> None:
    """One line for each, on either side, and code 1."""
    ran = run("canvas", "results", "--fill", "book.csv")

    assert ran.code == 1
    assert "王小明: not exported" in ran.err
    assert "Missing, Max: in book.csv (ID 16), but not among the results." in ran.err
    assert "2 need a person." in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("xls", "results"), "expected a format, one of csv, checks-csv"),
        (("csv", "nowhere"), "nowhere/scores.json: expected scores, found none"),
        (("canvas", "results"), "expected --fill FILE"),
        (("csv", "results", "--fill", "book.csv"), "--fill: it means nothing to the format csv"),
        (
            ("canvas", "results", "--fill", "book.csv", "--student", "ada"),
            "--student: it means nothing to the format canvas",
        ),
        (("junit", "results", "--column", "x"), "--column: it means nothing to the format junit"),
        (("csv", "results", "--points", "0"), "--points 0: expected a number above 0"),
        (("csv", "results", "--points", "nan"), "--points nan: expected a number above 0"),
        (("csv", "results", "--student", "eve"), "no result of 'eve' there. Results of: ada, "),
        (("csv", "results", "--assignment", "other"), "it holds scores of 'demo', not of 'other'"),
        (("canvas", "results", "--fill", "none.csv"), "none.csv: cannot be read"),
        (("gradescope-zip", "results"), "expected --output FILE.zip"),
    ],
)
def test_what_makes_no_sense_is_refused(run: Run, arguments: tuple[str, ...], said: str) -> None:
    """The message says where, what was expected and what was found; the code is 2."""
    ran = run(*arguments)

    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_a_file_that_is_no_scores_is_refused(run: Run, tmp_path: Path) -> None:
    """Another version's file, or something else of that name."""
    (tmp_path / "results" / "scores.json").write_text('{"schema_version": 2}')

    assert "not a scores.json of this version" in run("csv", "results").err


def test_of_several_assignments_one_is_chosen(run: Run, tmp_path: Path) -> None:
    """Results of a course ask for `--assignment`, and name those there are."""
    course = CourseScores(generated_at="x", grader_version="1", assignments={"demo": SCORES, "second": scores_of(ADA)})
    write_scores(tmp_path / "results", course)

    assert "Choose one with --assignment: demo, second." in run("csv", "results").err
    assert "found those of: demo, second" in run("csv", "results", "--assignment", "third").err
    assert run("csv", "results", "--assignment", "demo").out.count("\n") == 6


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_in_the_help(run: Run, name: str) -> None:
    """`grader export --help` lists the formats."""
    assert name in run("--help").out


# ── the autograder for Gradescope ──


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The zip for an assignment with a recorded training."""
    folder = write_assignment(tmp_path_factory.mktemp("assignments") / "demo", CHECKS).folder
    (folder / "trainings").mkdir()
    (folder / "trainings" / "big.npz").touch()
    return gradescope_zip(Request("demo", (), folder=folder)).content or b""


@pytest.fixture
def unpacked(packed: bytes, tmp_path: Path) -> Path:
    """The zip, unpacked as Gradescope does it: `AUTOGRADER_ROOT` stands for `/autograder`."""
    root = tmp_path / "autograder"
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        archive.extractall(root / "source")
        for entry in archive.infolist():
            (root / "source" / entry.filename).chmod(entry.external_attr >> 16 & 0o7777)
    (root / "submission").mkdir()
    (root / "submission" / "my work.py").write_text("x = 1\n")
    return root


def test_the_zip_has_what_gradescope_wants_at_its_root(unpacked: Path) -> None:
    """`setup.sh` and `run_autograder`, both to be run, both right for the shell."""
    for name in ("setup.sh", "run_autograder"):
        script = unpacked / "source" / name
        assert script.stat().st_mode & stat.S_IXUSR
        assert script.read_text().startswith("#!/usr/bin/env bash\n")
        subprocess.run(["bash", "-n", script], check=True)


def test_the_zip_carries_grader_and_the_assignment(unpacked: Path) -> None:
    """No index is asked for a package called grader; recorded trainings stay at home."""
    source = unpacked / "source"

    assert (source / "lib" / "grader" / "cli" / "app.py").is_file()
    assert (source / "assignments" / "demo" / "checks.py").is_file()
    assert not (source / "assignments" / "demo" / "trainings").exists()
    assert not [line for line in (source / "requirements.txt").read_text().splitlines() if line.startswith("grader")]


def test_requirements_are_the_versions_that_are_installed() -> None:
    """The libraries are those with which the course was tried."""
    lines = requirements()

    assert len(lines) > 10
    assert all("==" in line for line in lines)
    assert not [line for line in lines if "extra" in line]


def test_the_same_assignment_makes_the_same_zip(tmp_path: Path) -> None:
    """No time of day is in it."""
    folder = write_assignment(tmp_path / "demo", CHECKS).folder
    request = Request("demo", (), folder=folder)

    assert gradescope_zip(request).content == gradescope_zip(request).content


def harness(root: Path, scores: Scores | None) -> subprocess.CompletedProcess[str]:
    """Runs `run_autograder` as Gradescope does, with a `grade` that leaves these scores, and the real `export`."""
    python = root / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    write_scores(root / "made", scores or SCORES)
    grade = f'cp -R "{root}/made" "${{@: -1}}"; exit 1' if scores else "exit 2"
    python.write_text(
        f'#!/usr/bin/env bash\nif [ "$3" = grade ]; then echo "$@" > "{root}/asked"; ls "$4/student/demo" >> "{root}/asked"; '
        f'{grade}; fi\nexec "{sys.executable}" "$@"\n'
    )
    python.chmod(0o755)
    environment: Mapping[str, str] = {"PATH": "/usr/bin:/bin", "AUTOGRADER_ROOT": str(root), "TMPDIR": str(root)}
    return subprocess.run(
        ["bash", root / "source" / "run_autograder"],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def body_of(root: Path) -> dict[str, Any]:
    body = json.loads((root / "results" / "results.json").read_text())
    jsonschema.Draft202012Validator(schema("gradescope")).validate(body)
    return dict(body)


def test_the_autograder_writes_results_json(unpacked: Path) -> None:
    """The hand-in is graded with `--sandbox contained`, and what the packed grader exports is valid."""
    ran = harness(unpacked, scores_of(ZOE))

    asked = (unpacked / "asked").read_text()
    assert ran.returncode == 0, ran.stderr
    assert "--assignment demo --sandbox contained" in asked
    assert "my work.py" in asked
    assert body_of(unpacked)["score"] == 4


def test_the_autograder_gives_no_grade_where_there_is_none(unpacked: Path) -> None:
    """A failure of ours: no `results.json`, and a code that makes Gradescope tell the instructor."""
    ran = harness(unpacked, scores_of(WANG))

    assert ran.returncode == 1
    assert "there is no grade" in ran.stderr
    assert not (unpacked / "results" / "results.json").exists()


def test_the_autograder_says_that_grading_could_not_start(unpacked: Path) -> None:
    """For example because the container does not give the sandbox."""
    ran = harness(unpacked, None)

    assert ran.returncode == 2
    assert "nobody gets a wrong grade" in ran.stderr


def test_the_zip_is_made_from_results_and_from_an_assignment(run: Run, tmp_path: Path) -> None:
    """Before anything is graded, the assignment's folder is enough."""
    assert run("gradescope-zip", "results", "--output", "a.zip").code == 0
    assert run("gradescope-zip", "assignments/demo", "--output", "b.zip").code == 0
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    assert "Grade first" in run("csv", "assignments/demo").err
