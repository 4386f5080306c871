"""A rubric is proven, or what is wrong with it is said."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from grader.cli import places
from grader.cli.base import app
from grader.errors import SetupError
from grader.model.assignment import load_assignment
from grader.pipeline.settings import Settings
from grader.pipeline.watch import Silent
from grader.results.verdicts import without_run
from grader.training.kept import KeptRun
from grader.validation import Options, Proof, Report, as_lines, as_markdown
from grader.validation.mutants import Mutant
from grader.validation.outcomes import A_PERSON, Outcome, Plan, load_plan, outcome, problems_with
from grader.validation.rubric import SolutionOutcome, Usage
from grader.validation.seeds import SeedResult
from grader.validation.shipped import ShippedRuns, write_shipped
from grader.validation.solutions import expected, load_solutions
from tests.factories import make_assignment, make_run, make_submission, make_verdict

MUTANT = Mutant("comparison.f", "comparison", 3, "a < b", "a > b", "def f(): ...")
PASSED = make_verdict(id="works")
FAILED = make_verdict(id="works", status="failed", points=0)
WAITING = make_verdict(
    id="reaches_it", status="skipped", points=0, message="Skipped: left out by --quick; run without it to train."
)


def result_of(*verdicts: object, needs_review: bool = False) -> object:
    """A graded result with these verdicts."""
    known = without_run(make_submission(), verdicts, digests=("", ""), sandbox="full")  # type: ignore[arg-type]
    points = sum(verdict.points for verdict in verdicts)  # type: ignore[attr-defined]
    return known.model_copy(
        update={
            "checks": verdicts,
            "status": "graded",
            "score": None if needs_review else points,
            "max_score": sum(verdict.max_points for verdict in verdicts),  # type: ignore[attr-defined]
            "needs_review": needs_review,
        }
    )


def test_a_mutant_is_killed_survives_or_waits() -> None:
    """By a check that fails; with full marks; or where only a training can tell."""
    assert outcome(MUTANT, result_of(PASSED, FAILED), Plan()).killers == ("works",)  # type: ignore[arg-type]
    assert outcome(MUTANT, result_of(FAILED, WAITING), Plan()).decided  # type: ignore[arg-type]
    assert outcome(MUTANT, result_of(PASSED), Plan()).survived  # type: ignore[arg-type]
    waits = outcome(MUTANT, result_of(PASSED, WAITING), Plan())  # type: ignore[arg-type]
    assert (waits.decided, waits.survived) == (False, False)
    assert outcome(MUTANT, result_of(PASSED, needs_review=True), Plan()).killers == (A_PERSON,)  # type: ignore[arg-type]


def test_survivors_must_be_explained_and_explanations_must_be_true() -> None:
    """A silent survivor is a fault of the rubric, a stale explanation one of the table."""
    survivor = Outcome(MUTANT, (), decided=True)
    assert "gets full marks: comparison.f, line 3: a < b → a > b" in problems_with([survivor], Plan())[0]
    explained = Outcome(MUTANT, (), decided=True, reason="Both are right.")
    plan = Plan(survivors=(("comparison.f", "Both are right."),))
    assert problems_with([explained], plan) == []
    killed = Outcome(MUTANT, ("works",), decided=True)
    assert "does not survive" in problems_with([killed], plan)[0]
    assert problems_with([Outcome(MUTANT, (), decided=False)], plan) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("also = ['other_filtres']", "also: other_filtres"),
        ("survivor = 1", "unknown survivor"),
        ("[survivors", "not valid TOML"),
    ],
)
def test_a_wrong_mutants_toml_is_refused(text: str, words: str, tmp_path: Path) -> None:
    """With its place, and what it may have."""
    (tmp_path / "mutants.toml").write_text(text)
    with pytest.raises(SetupError, match=words):
        load_plan(tmp_path)


@pytest.mark.parametrize("text", ["[verdicts", "works = 'passed'"])
def test_a_wrong_expected_toml_is_refused(text: str, tmp_path: Path) -> None:
    """With its place."""
    (tmp_path / "expected.toml").write_text(text)
    with pytest.raises(SetupError, match=r"expected\.toml"):
        expected(tmp_path)


# ── trainings that come with an assignment ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("weights", [True, False])
def test_trainings_are_written_and_found_again(weights: bool, tmp_path: Path) -> None:
    """Curves always, logs of batches where a program looked at them, weights only where verdicts need them."""
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    batches = (["loss"], np.ones((4, 1), np.float32))
    quiet = KeptRun(make_run([0.5, 0.9]), None, {0: ([array], None), 1: ([array + 1], None)})
    watched = KeptRun(make_run([0.4], fingerprint="g@0.3", seed=2), None, {0: ([array], batches)})
    quiet.part(1)
    watched.part(0)
    folder = tmp_path / "trainings"
    assert write_shipped(folder, {("f", 1): quiet, ("g@0.3", 2): watched}, weights=weights) == 2
    shipped = ShippedRuns(folder)
    assert len(shipped) == 2
    found = shipped.find("f", 1)
    assert found is not None
    assert found.run == quiet.run
    assert [len(found.part(index)[0]) for index in (0, 1)] == [0, 1 if weights else 0]
    other = shipped.find("g@0.3", 2)
    assert other is not None
    values, logs = other.part(0)
    assert logs is not None
    assert logs[0] == ["loss"]
    assert len(values) == (1 if weights else 0)
    assert shipped.find("f", 2) is None
    refused = KeptRun(make_run([], fingerprint="h", problem="ValueError: shapes"), None)
    assert write_shipped(folder, {("h", 1): refused}, weights=weights) == 1
    known = ShippedRuns(folder).find("h", 1)
    assert known is not None
    assert known.run.problem == "ValueError: shapes"
    assert write_shipped(folder, {}, weights=weights) == 0
    assert not folder.exists()


def test_a_broken_list_of_trainings_is_told(tmp_path: Path) -> None:
    """With file and line."""
    (tmp_path / "runs.jsonl").write_text(make_run([0.5]).model_dump_json() + "\n{}\n")
    with pytest.raises(SetupError, match=r"runs\.jsonl:2: not a recorded training"):
        ShippedRuns(tmp_path)


def test_what_any_part_of_a_proof_asked_of_a_training_stays_asked(tmp_path: Path) -> None:
    """Another part that finds the same training anew does not make the weights of the first part superfluous."""
    for name in ("reference", "wrong"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "demo.py").write_text("x = 1\n")
        (tmp_path / name / "expected.toml").write_text("[verdicts]\n")
    known = Proof(make_assignment(tmp_path), tmp_path, Settings(tmp_path, None), Silent(), Options(mutants=False))
    one, other = KeptRun(make_run([0.5]), None), KeptRun(make_run([0.5]), None)
    one.part(2)
    other.part(0)
    known._remember({("f", 1): one})
    known._remember({("f", 1): other})
    assert known.used["f", 1].asked == {0, 2}


# ── what is written ──────────────────────────────────────────────────────────────────────────────────────────────────


def make_report() -> Report:
    """A rubric with one of everything."""
    report = Report(make_assignment())
    report.solutions = [
        SolutionOutcome("reference", result_of(PASSED)),  # type: ignore[arg-type]
        SolutionOutcome("wrong", result_of(FAILED), ("works: expected passed",)),  # type: ignore[arg-type]
    ]
    other = Mutant("scale.f.left_out", "scale", 4, "x / 255", "x", "")
    third = Mutant("optimizer.f.sgd", "optimizer", 5, "'adam'", "'sgd'", "")
    report.mutants = [
        Outcome(MUTANT, ("works",), decided=True),
        Outcome(other, (), decided=True, reason="It is right too."),
        Outcome(third, (), decided=False),
    ]
    report.seeds = [SeedResult(1, passed=True, epochs=5, accuracy=0.95, margin=0.05), SeedResult(2, passed=False)]
    report.usage = Usage(1.2, 0.9, 800 * 2**20)
    return report


def test_the_terminal_says_everything_once() -> None:
    """Solutions, mutants, checks, limits, seeds, and the end."""
    lines = as_lines(make_report())
    text = "\n".join(lines)
    for words in (
        "ok    reference: 2",
        "WRONG wrong: 0",
        "      works: expected passed",
        "mutants: 3 made, 1 killed (50 %), 1 survived, 1 not decided",
        "survived, as explained: scale.f.left_out, line 4: x / 255 → x (It is right too.)",
        "not decided without a training: optimizer.f.sgd",
        "proposed: wall_seconds = 20, cpu_seconds = 20, memory_bytes = 2147483648",
        "seed 1: passes after 5 epochs, accuracy 0.95000, margin +0.05000",
        "the reference passes with 1 of 2 seeds",
    ):
        assert text.count(words) == 1
    assert lines[-1].startswith("demo: WRONG")


def test_the_page_has_the_tables() -> None:
    """Kills by check, and every survivor with its source and its reason."""
    page = as_markdown([make_report()], "2026-11-29", "a machine")
    assert "| `demo` | 2 | 0 | 3 | 1 | 1 | 1 | 0 |" in page
    assert "| `works` | 1 | 1 | comparison |" in page
    assert "- `scale.f.left_out`, line 4: `x / 255 → x`. It is right too." in page
    assert "2026-11-29" in page
    assert "| `demo` | 1 of 2 | +0.05000 | +0.05000 | 5, 0 |" in page


def test_a_page_of_seeds_alone_has_no_mutants() -> None:
    """Written by a run without them."""
    report = make_report()
    report.mutants = []
    page = as_markdown([report], "2026-11-29", "a machine")
    assert page.startswith("# How often the references pass")
    assert "mutant" not in page


# ── the whole of it, on an assignment without a training ─────────────────────────────────────────────────────────────

ASSIGNMENT = """
id = "halves"
title = "Halves"
files = ["halves"]
entry_points = ["halve"]
"""
PROBE = """
def probe(student, rng):
    student.call_as("seven", "halve", 7)
"""
CHECKS = '''
from grader.judging import fail, points

@points(6)
def a_half_is_right(evidence):
    """halve(7) gives 3.5."""
    call = evidence.called("seven")
    if call is None or call.value != 3.5:
        fail("halve(7) should give 3.5.")

@points(4)
def a_half_is_a_number(evidence):
    """halve gives a number."""
    call = evidence.called("seven")
    if call is None or not isinstance(call.value, float | int):
        fail("halve(7) should give a number.")
'''
REFERENCE = '''"""Halves."""


def halve(number):
    """The half of a number."""
    # YOUR CODE STARTS HERE
    result = number / 2
    # YOUR CODE ENDS HERE
    return result
'''


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A course with one small assignment."""
    folder, solutions = tmp_path / "assignments/halves", tmp_path / "solutions/halves"
    for place in (folder, solutions / "reference", solutions / "third"):
        place.mkdir(parents=True)
    for name, text in (("assignment.toml", ASSIGNMENT), ("probe.py", PROBE), ("checks.py", CHECKS)):
        (folder / name).write_text(text)
    (folder / "README.md").write_text("# Halves\n\nWrite a function that halves.\n")
    (solutions / "reference/halves.py").write_text(REFERENCE)
    (solutions / "reference/expected.toml").write_text(
        '[verdicts]\na_half_is_right = "passed"\na_half_is_a_number = "passed"\n'
    )
    (solutions / "third/halves.py").write_text("def halve(number):\n    return number / 3\n")
    (solutions / "third/expected.toml").write_text(
        '[verdicts]\na_half_is_right = "failed"\na_half_is_a_number = "passed"\n'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRADER_ASSIGNMENTS", str(tmp_path / "assignments"))
    CliRunner().invoke(app, ["release", "halves", "--output", str(tmp_path / "release")])
    (folder / "starter").mkdir()
    for name in ("halves.py", "halves.ipynb"):
        shutil.copy(tmp_path / "release" / name, folder / "starter" / name)
    return tmp_path


@pytest.mark.sandbox
def test_a_right_rubric_is_proven_and_a_wrong_one_is_not(course: Path) -> None:
    """Exit code 0 with the table; 1 for a solution that gets other verdicts, an open survivor, a check that never fails."""
    call = ["validate", "halves", "--no-store", "--jobs", "1", "--table", str(course / "table.md")]
    done = CliRunner().invoke(app, call)
    assert done.exit_code == 0, done.output
    assert "halves: proven" in done.output
    assert "`a_half_is_right`" in (course / "table.md").read_text()

    (course / "solutions/halves/third/halves.py").write_text("def halve(number):\n    return 'x'\n")
    checks = course / "assignments/halves/checks.py"
    weak = CHECKS.replace("call.value != 3.5", "call.value == 3.4")
    checks.write_text(weak.replace("not isinstance(call.value, float | int)", "False"))
    done = CliRunner().invoke(app, call)
    assert done.exit_code == 1
    for words in (
        "WRONG third: 10",
        "a_half_is_right: expected failed with 0, found passed with 6",
        "a wrong answer gets full marks: arithmetic.halve",
        "halves: WRONG",
    ):
        assert words in done.output


@pytest.mark.sandbox
def test_starters_and_leaks_are_part_of_the_proof(course: Path) -> None:
    """A starter that earns points, and one that is not the generated one, are told."""
    starter = course / "assignments/halves/starter/halves.py"
    starter.write_text("def halve(number):\n    return 1\n")
    settings = Settings(places.datasets(), None, jobs=1)
    assignment = load_assignment(course / "assignments/halves")
    report = Proof(assignment, course / "solutions/halves", settings, Silent(), Options(mutants=False)).run()
    assert report.wrong
    assert any("an untouched starter gets 4 points" in text for item in report.starters for text in item.problems)
    assert any("halves.py" in problem for problem in report.problems)


@pytest.mark.sandbox
def test_inputs_that_are_not_drawn_from_the_seed_alone_are_told(course: Path) -> None:
    """The box would get others than the judge expects."""
    inputs = course / "assignments/halves/inputs.py"
    inputs.write_text(
        "import itertools\n\ndef draw(rng, load):\n    return {'n': [rng.integers(9), load('ascent', 'image')]}\n"
    )
    settings = Settings(places.datasets(), None, jobs=1)

    def problems() -> list[str]:
        assignment = load_assignment(course / "assignments/halves")
        options = Options(mutants=False)
        return Proof(assignment, course / "solutions/halves", settings, Silent(), options).run().problems

    assert problems() == []
    inputs.write_text("import time\n\ndef draw(rng, load):\n    return {'n': time.perf_counter_ns()}\n")
    assert [text for text in problems() if text.startswith("inputs.py: drawn twice")]


def test_solutions_are_read_by_folder(course: Path) -> None:
    """Each is a submission with the folder's name; a folder with two files is refused."""
    folder = course / "solutions/halves"
    assert [item.student for item in load_solutions(folder)] == ["reference", "third"]
    (folder / "third/other.py").write_text("")
    with pytest.raises(SetupError, match="expected one"):
        load_solutions(folder)
    with pytest.raises(SetupError, match="found none"):
        load_solutions(course)
