"""The command line, as far as nothing is run: usage, exit codes, listings, schema, explain and regrade."""

import json
from pathlib import Path

import jsonschema
import pytest

from grader import __version__
from grader.cli import places
from grader.errors import GraderError, SetupError
from grader.model.result import CourseScores, Scores
from grader.results.folder import RecordedEvidence, ResultsFolder
from grader.results.verdicts import make_result, without_run
from grader.sandbox import doctor
from grader.sandbox.box import Level
from grader.sandbox.doctor import Finding
from tests.command import DEMO_CHECKS, Ran, Run
from tests.factories import make_fit, make_observation, make_submission, make_verdict, write_assignment

VERBS = ["assignments", "check", "doctor", "explain", "grade", "regrade", "release", "schema", "validate"]


def record(folder: Path, student: str = "ada") -> None:
    """A graded submission with its evidence."""
    observation = make_observation(make_fit(), student=student)
    result = make_result(make_submission(student=student), observation, (make_verdict(),))
    ResultsFolder(folder).write(result, RecordedEvidence(observation=observation))


# ── usage ──


def test_version_is_that_of_the_package(run: Run) -> None:
    """`grader --version` prints the version and ends well."""
    assert run("--version") == Ran(0, f"grader {__version__}\n", "")


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_lists_every_verb(run: Run, option: str) -> None:
    """Both spellings of help name all verbs."""
    ran = run(option)
    assert ran.code == 0
    assert all(verb in ran.out for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(run: Run, verb: str) -> None:
    """Each verb explains itself, with a line to copy."""
    ran = run(verb, "--help")
    assert ran.code == 0
    assert f"Example: grader {verb}" in ran.out


@pytest.mark.parametrize(
    "arguments",
    [("nothing",), ("grade",), ("grade", ".", "--no-such-option"), ("grade", ".", "--jobs", "many"), ("check", "demo")],
    ids=["verb", "missing", "option", "value", "missing_file"],
)
def test_usage_errors_end_with_2(run: Run, arguments: tuple[str, ...]) -> None:
    """What the command line itself does not understand is exit code 2."""
    assert run(*arguments).code == 2


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("grade", ".", "--sandbox", "soft"), "--sandbox soft: expected one of full, contained, none."),
        (("grade", ".", "--jobs", "-1"), "--jobs takes a whole number from 1"),
        (("grade", ".", "--timeout", "0"), "--timeout seconds from above 0"),
        (("grade", ".", "--timeout", "nan"), "--timeout seconds from above 0"),
        (("grade", ".", "--engine", "slurm"), "--engine slurm: expected one of local, dask"),
        (("grade", ".", "--scheduler", "tcp://a:1"), "--scheduler has no effect without --engine dask. Add it."),
        (("grade", ".", "--assignment", "other"), "there is none called 'other'. Known here: demo."),
        (("grade", "elsewhere"), "elsewhere"),
        (("check", "other", "demo.py"), "there is none called 'other'. Known here: demo."),
        (("check", "demo", "demo.py"), "demo.py: expected a notebook or a Python file, found none."),
        (("explain", ".", "ada"), "no result of 'ada' there. Results of: nobody."),
        (("regrade", "."), "Name the --output of `grade`."),
        (("validate", "demo"), "expected folders with an expected.toml, found none."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_mistakes_of_a_person_end_with_2_and_a_sentence(run: Run, arguments: tuple[str, ...], reason: str) -> None:
    """Whatever a person can fix is exit code 2, and says what is wrong; nothing is printed to standard output."""
    ran = run(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("grader: ")
    assert reason in " ".join(ran.err.split())


@pytest.mark.parametrize(
    ("levels", "level", "refused"),
    [
        (("full",), "full", True),
        (("full",), "contained", False),
        (("full", "contained"), "contained", True),
        (("full", "contained"), "none", False),
    ],
)
def test_a_sandbox_that_this_machine_lacks_is_told(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, levels: tuple[Level, ...], level: str, refused: bool
) -> None:
    """No level falls back to a weaker one by itself: what is missing stands in the message, with its remedy."""
    (tmp_path / "ada").mkdir()
    missing = Finding("namespaces", False, "refused", "Allow them.", levels)
    monkeypatch.setattr(doctor, "examine", lambda: (missing,))
    ran = run("grade", ".", "--sandbox", level)
    assert ran.code == (2 if refused else 0)
    assert ("grader: namespaces: refused. Allow them.\n" in ran.err) is refused


def test_a_folder_without_submissions_is_told(run: Run, tmp_path: Path) -> None:
    """Nothing to grade is a mistake, not a success."""
    (tmp_path / "submissions").mkdir()
    assert run("grade", "submissions", "--assignment", "demo").code == 2


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (SetupError("here: wrong"), 2, "grader: here: wrong"),
        (GraderError("the box broke"), 3, "grader: the box broke"),
        (ZeroDivisionError("ours"), 3, "this is a bug of grader, not of a submission (ZeroDivisionError)"),
        (KeyboardInterrupt(), 130, "the same command goes on where it stopped"),
    ],
    ids=["setup", "grader", "bug", "interrupt"],
)
def test_errors_become_exit_codes(
    run: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, words: str
) -> None:
    """2 for a person's mistake, 3 for a bug of ours, 130 when interrupted; each with a sentence."""

    def fail() -> None:
        raise error

    monkeypatch.setattr(places, "load_assignments", fail)
    ran = run("assignments")
    assert (ran.code, words in " ".join(ran.err.split())) == (code, True)


def test_markup_in_a_name_is_not_interpreted(run: Run) -> None:
    """A message that quotes `[/red]` is printed, not parsed."""
    assert "'[/red]'" in run("explain", ".", "[/red]").err


# ── listings ──


def test_assignments_are_listed_with_their_titles(run: Run) -> None:
    """One line per assignment."""
    assert run("assignments") == Ran(0, "demo  Demo\n", "")


def test_a_broken_assignment_is_told(run: Run, tmp_path: Path) -> None:
    """A mistake in assignment.toml ends with 2 and names the file."""
    (tmp_path / "assignments" / "demo" / "assignment.toml").write_text("id = ")
    ran = run("assignments")
    assert ran.code == 2
    assert "assignment.toml" in ran.err


def test_a_course_without_assignments_is_told(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Outside of a course's checkout the message says what to do."""
    monkeypatch.setenv("GRADER_ASSIGNMENTS", str(tmp_path / "elsewhere"))
    ran = run("assignments")
    assert ran.code == 2
    assert "set GRADER_ASSIGNMENTS" in " ".join(ran.err.split())


@pytest.mark.parametrize(("options", "kind"), [((), Scores), (("--course",), CourseScores)])
def test_schema_is_that_of_the_scores(run: Run, options: tuple[str, ...], kind: type[Scores | CourseScores]) -> None:
    """`grader schema` prints a valid JSON Schema of what is written."""
    ran = run("schema", *options)
    body = json.loads(ran.out)
    jsonschema.Draft202012Validator.check_schema(body)
    assert (ran.code, body) == (0, kind.model_json_schema(mode="serialization"))


@pytest.mark.parametrize(
    ("variables", "home"),
    [
        ({"GRADER_HOME": "/a"}, "/a"),
        ({"XDG_CACHE_HOME": "/b"}, "/b/grader"),
        ({"GRADER_HOME": "/a", "XDG_CACHE_HOME": "/b"}, "/a"),
        ({"HOME": "/c"}, "/c/.cache/grader"),
    ],
)
def test_home_is_chosen_by_the_environment(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], home: str
) -> None:
    """GRADER_HOME, else the user's cache folder."""
    for name in ("GRADER_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert places.home() == Path(home)


# ── results ──


def test_explain_shows_the_checks_of_a_student(run: Run, tmp_path: Path) -> None:
    """Every check with its points, and the sum."""
    record(tmp_path / "results")
    ran = run("explain", "results", "ada")
    assert ran.code == 0
    assert ran.out.splitlines() == ["ada  ada/demo.py", "✓ 2/2  It works.", "2 of 2 points"]


def test_explain_names_the_students_there_are(run: Run, tmp_path: Path) -> None:
    """A misspelt name is answered with those that are known."""
    record(tmp_path / "results")
    assert "Results of: ada." in run("explain", "results", "adda").err


def test_regrade_says_how_many_changed(run: Run, tmp_path: Path) -> None:
    """Unchanged checks: nothing changed, exit code 0."""
    record(tmp_path / "results")
    assert run("regrade", "results") == Ran(0, "0 of 1 submissions changed.\n", "")


def test_regrade_lists_changes(run: Run, tmp_path: Path) -> None:
    """A check that is worth more now is told by name."""
    record(tmp_path / "results")
    write_assignment(tmp_path / "assignments" / "demo", DEMO_CHECKS.replace("points(2)", "points(3)"))
    assert run("regrade", "results").out.splitlines() == [
        "ada: 2.0 → 3.0 (works 2 → 3)",
        "1 of 1 submissions changed.",
    ]


def test_regrade_ends_with_1_while_somebody_needs_a_person(run: Run, tmp_path: Path) -> None:
    """A result that we failed to get still waits for a person."""
    record(tmp_path / "results")
    failed = without_run(make_submission(student="bela"), (make_verdict(),), digests=("", ""), ours="no memory")
    ResultsFolder(tmp_path / "results").write(failed, None)
    assert run("regrade", "results").code == 1
