"""What one class changes: read strictly, applied to points, limits and trainings, and never lost on regrading."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.cli import app as app_module
from grader.cli import main, places
from grader.errors import SetupError
from grader.judging import Evidence
from grader.judging.judge import judge
from grader.model.assignment import Assignment, load_assignment
from grader.model.class_file import read_class
from grader.model.result import Verdict
from grader.results.folder import RecordedEvidence, ResultsFolder
from grader.results.verdicts import make_result
from tests.factories import make_evidence, make_fit, make_observation, make_submission, make_verdict, write_assignment

CHECKS = '''from grader.judging import fail, points
from grader.judging.marks import NotApplicable


@points(2)
def works(call):
    """It works."""
    assert call.found


@points(4)
def is_quick(call):
    """It is quick."""
    fail("Not quite.", points=1)


@points(1)
def is_asked_for(call):
    """It is asked for."""
    raise NotApplicable("it is not")


@points(0)
def is_nice(call):
    """It is nice."""
'''
SETTINGS = "[limits]\nwall_seconds = 30\n[training]\nthreshold = 0.9\nseeds = [1]\n"
Known = dict[str, Assignment]


@pytest.fixture
def known(tmp_path: Path) -> Known:
    """Two assignments, of which `plain` trains nothing."""
    write_assignment(tmp_path / "assignments" / "demo", CHECKS, SETTINGS)
    write_assignment(tmp_path / "assignments" / "plain", CHECKS)
    return {name: load_assignment(tmp_path / "assignments" / name) for name in ("demo", "plain")}


def changed(known: Known, folder: Path, text: str) -> Known:
    """The assignments as a class with this file has them."""
    (folder / "class.toml").write_text(text)
    return read_class(folder / "class.toml", known)


def verdicts(assignment: Assignment) -> dict[str, Verdict]:
    """What each check says of an ordinary submission."""
    evidence = make_evidence(make_fit(), assignment=assignment)
    return {verdict.id: verdict for verdict in judge(evidence).verdicts}


# ── the file ──


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[dmo.points]\nworks = 1", "1: dmo: unknown assignment; did you mean demo?"),
        ("[demo.points]\n\nwork = 1", "3: demo.points.work: unknown check; did you mean works?"),
        (
            "[demo.points]\nmark = 1",
            "2: demo.points.mark: unknown check. Known: works, is_quick, is_asked_for, is_nice.",
        ),
        ("[demo.points]\nworks = -1", "2: demo.points.works: expected points, a number from 0, found -1."),
        ("[demo.points]\nworks = '2'", "2: demo.points.works: expected points, a number from 0, found '2'."),
        ("demo.points.works = nan", "1: demo.points.works: expected points, a number from 0, found nan."),
        ("[demo.point]\nworks = 1", "1: demo.point: unknown key; did you mean points?"),
        ("[demo]\nworks = 1", "2: demo.works: unknown key here; it belongs under [demo.points]."),
        ("[demo]\nseeds = [1]", "2: demo.seeds: unknown key here; it belongs under [demo.training]."),
        ("[demo]\nlimits = 3", "2: demo.limits: expected a table, found 3."),
        ("demo = 3", "1: demo: expected a table such as [demo.points], found 3."),
        ("[demo.limits]\nwal_seconds = 1", "2: demo.limits.wal_seconds: unknown key; did you mean wall_seconds?"),
        ("[demo.limits]\nwall_seconds = 0", "2: demo.limits.wall_seconds: expected a number above 0, found 0."),
        ("[demo.training]\nseeds = [\n1,\n1.5]", "4: demo.training.seeds.1: expected a whole number, found 1.5."),
        ("[demo.training]\nthreshold = 0.5", "2: demo.training.threshold: belongs to the assignment"),
        ("[demo.training]\ntest_threshold = 0.5", "2: demo.training.test_threshold: has no effect without"),
        ("[plain.training]\nseeds = [1]", "1: plain.training: plain trains nothing, so that this has no effect."),
        ("[demo.points\n", "1: not valid TOML: "),
    ],
)
def test_a_mistake_has_its_line_and_says_what_was_expected(
    known: Known, tmp_path: Path, text: str, sentence: str
) -> None:
    """As strict as assignment.toml."""
    with pytest.raises(SetupError) as caught:
        changed(known, tmp_path, text)
    assert f"class.toml:{sentence}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_all_mistakes_are_told_together(known: Known, tmp_path: Path) -> None:
    """In the order of the file, whatever they are about."""
    text = "[dmo]\n[demo.points]\nwork = 1\nworks = -1\n[demo.limits]\nprocesses = 0\n[demo.training]\ntest = true\n"
    with pytest.raises(SetupError) as caught:
        changed(known, tmp_path, text)
    lines = [line.partition("class.toml:")[2].split(":")[0] for line in str(caught.value).split("\n")]
    assert lines == ["1", "3", "4", "6", "8"]


def test_a_file_that_is_not_there_is_told(known: Known, tmp_path: Path) -> None:
    """With its name."""
    with pytest.raises(SetupError, match=r"nothing\.toml: expected a TOML file, found none"):
        read_class(tmp_path / "nothing.toml", known)


# ── what it does ──


def test_limits_and_trainings_are_changed_key_by_key(known: Known, tmp_path: Path) -> None:
    """What the file does not name stays as the assignment says."""
    text = "[demo.limits]\nprocesses = 7\n[demo.training]\nseeds = [1, 2, 3]\nmargin = 0.5\n"
    found = changed(known, tmp_path, text)["demo"]
    assert (found.limits.processes, found.limits.wall_seconds) == (7, 30)
    assert found.training is not None
    assert (found.training.seeds, found.training.margin, found.training.threshold) == ((1, 2, 3), 0.5, 0.9)


def test_other_assignments_stay_as_they_are(known: Known, tmp_path: Path) -> None:
    """Digest included, so that their results stand. So do those of an assignment with empty tables."""
    found = changed(known, tmp_path, "[demo.limits]\nprocesses = 7\n[plain.points]\n")
    assert found["plain"] == known["plain"]


@pytest.mark.parametrize("table", ["points]\nworks = 2.5", "limits]\nprocesses = 3", "training]\nseeds = [2]"])
def test_whatever_is_changed_is_part_of_the_digest(known: Known, tmp_path: Path, table: str) -> None:
    """No result from before stands for another class."""
    found = changed(known, tmp_path, f"[demo.{table}\n")["demo"]
    again = changed(known, tmp_path, f"# The same.\n\n[demo.{table}\n")["demo"]
    assert found.digest != known["demo"].digest
    assert found.digest == again.digest


def test_points_of_a_check_are_those_of_the_class(known: Known, tmp_path: Path) -> None:
    """A pass gives them all, a part of the points stays the same part, and a skipped check gives none."""
    text = "[demo.points]\nworks = 3\nis_quick = 10\nis_asked_for = 0.5\n"
    found = verdicts(changed(known, tmp_path, text)["demo"])
    points = {name: (verdict.points, verdict.max_points) for name, verdict in found.items()}
    assert points == {"works": (3, 3), "is_quick": (2.5, 10), "is_asked_for": (0, 0.5), "is_nice": (0, 0)}


def test_statuses_do_not_depend_on_points(known: Known, tmp_path: Path) -> None:
    """A check that is worth nothing in this class is still judged, and one worth nothing may be given points."""
    plain = verdicts(known["demo"])
    found = verdicts(changed(known, tmp_path, "[demo.points]\nworks = 0\nis_quick = 0\nis_nice = 2\n")["demo"])
    assert {name: item.status for name, item in found.items()} == {name: item.status for name, item in plain.items()}
    assert [(found[name].points, found[name].max_points) for name in ("works", "is_nice")] == [(0, 0), (2, 2)]


@settings(deadline=None, max_examples=15)
@given(worth=st.floats(0, 1e6), part=st.integers(0, 3))
def test_points_never_exceed_what_the_check_is_worth(
    tmp_path_factory: pytest.TempPathFactory, worth: float, part: int
) -> None:
    """And all points are given exactly for a pass, whatever the number."""
    body = f"fail('No.', points={part / 3 * 0.3})" if part < 3 else "pass"
    checks = f"from grader.judging import fail, points\n\n@points(0.3)\ndef works():\n    'It works.'\n    {body}\n"
    folder = tmp_path_factory.mktemp("any") / "demo"
    assignment = write_assignment(folder, checks).model_copy(update={"points": {"works": worth}})
    [verdict] = judge(Evidence(assignment, make_observation())).verdicts
    assert verdict.max_points == worth
    assert verdict.points == pytest.approx(part / 3 * worth, abs=1e-9)
    assert verdict.points <= worth + 1e-9
    assert (verdict.points == worth) or verdict.status == "failed"


# ── the command line ──


@pytest.fixture
def run(tmp_path: Path, known: Known, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs `grader …` beside the assignments, and returns its exit code."""
    assert known
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRADER_ASSIGNMENTS", str(tmp_path / "assignments"))
    monkeypatch.setenv("GRADER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(app_module, "examine", list)
    monkeypatch.setattr(places, "datasets", lambda: tmp_path)

    def command(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["grader", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        return int(end.value.code or 0)

    return command


def record(folder: Path, student: str = "ada") -> None:
    """A graded submission with its evidence, as `grade` leaves it."""
    observation = make_observation(make_fit(), student=student)
    result = make_result(make_submission(student=student), observation, (make_verdict(),))
    ResultsFolder(folder).write(result, RecordedEvidence(observation=observation))


def scores(folder: Path) -> list[Any]:
    """(score, maximum) of each submission."""
    body = json.loads((folder / "scores.json").read_text())
    return [(item["score"], item["max_score"]) for item in body["submissions"]]


def test_regrade_applies_the_file(run: Callable[..., int], tmp_path: Path) -> None:
    """Points of the class, from what was recorded."""
    record(tmp_path / "results")
    (tmp_path / "c.toml").write_text("[demo.points]\nworks = 5\n")
    assert run("regrade", "results", "--class", "c.toml") == 0
    assert scores(tmp_path / "results") == [(6, 10)]


def test_regrade_goes_on_with_the_file_that_is_beside_the_results(run: Callable[..., int], tmp_path: Path) -> None:
    """Regrading without the option does not fall back to the points of the assignment."""
    record(tmp_path / "results")
    (tmp_path / "c.toml").write_text("[demo.points]\nworks = 5\n")
    run("regrade", "results", "--class", "c.toml")
    (tmp_path / "c.toml").unlink()
    run("regrade", "results")
    assert scores(tmp_path / "results") == [(6, 10)]


def test_an_empty_file_gives_the_points_of_the_assignment_back(run: Callable[..., int], tmp_path: Path) -> None:
    """The way back."""
    record(tmp_path / "results")
    (tmp_path / "results" / "class.toml").write_text("[demo.points]\nworks = 5\n")
    (tmp_path / "empty.toml").touch()
    run("regrade", "results", "--class", "empty.toml")
    run("regrade", "results")
    assert scores(tmp_path / "results") == [(3, 7)]


def test_a_batch_is_regraded_by_its_file(run: Callable[..., int], tmp_path: Path) -> None:
    """Results over several assignments, each with its copy of the file."""
    record(tmp_path / "results" / "demo")
    (tmp_path / "c.toml").write_text("[demo.points]\nworks = 5\n")
    run("regrade", "results", "--class", "c.toml")
    run("regrade", "results")
    assert scores(tmp_path / "results" / "demo") == [(6, 10)]


def hand_in(folder: Path) -> None:
    """A notebook that cannot be read, so that nothing is run to grade it."""
    (folder / "class" / "ada").mkdir(parents=True)
    (folder / "class" / "ada" / "demo.ipynb").write_text("{")


def test_grade_applies_the_file_and_keeps_it(run: Callable[..., int], tmp_path: Path) -> None:
    """The maximum is that of the class, and the file lies beside the results."""
    hand_in(tmp_path)
    (tmp_path / "c.toml").write_text("[demo.points]\nworks = 5\n")
    assert run("grade", "class", "--assignment", "demo", "--sandbox", "none", "--class", "c.toml") == 0
    assert scores(tmp_path / "results") == [(0, 10)]
    assert (tmp_path / "results" / "class.toml").read_text() == "[demo.points]\nworks = 5\n"


def test_grade_without_the_file_is_as_the_assignment_says(run: Callable[..., int], tmp_path: Path) -> None:
    """What another class left behind is not used, and no result of it stands."""
    hand_in(tmp_path)
    (tmp_path / "c.toml").write_text("[demo.points]\nworks = 5\n")
    run("grade", "class", "--assignment", "demo", "--sandbox", "none", "--class", "c.toml")
    run("grade", "class", "--assignment", "demo", "--sandbox", "none")
    assert scores(tmp_path / "results") == [(0, 7)]
    assert not (tmp_path / "results" / "class.toml").exists()


@pytest.mark.parametrize("verb", [("grade", "class", "--sandbox", "none"), ("regrade", "results")])
def test_a_mistake_in_the_file_ends_with_2(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: tuple[str, ...]
) -> None:
    """And names its line, before anything is graded."""
    hand_in(tmp_path)
    record(tmp_path / "results")
    (tmp_path / "c.toml").write_text("\n[demo.points]\nwork = 5\n")
    assert run(*verb, "--class", "c.toml") == 2
    assert "c.toml:3: demo.points.work: unknown check; did you mean works?" in capsys.readouterr().err
    assert not (tmp_path / "results" / "class.toml").exists()
