"""The rubrics of the whole course are proven, with the trainings that come with the assignments.

The same as `grader validate` over the course. Trainings of this machine: `tests/test_solutions.py` for the flagship, and
`tests/test_recorded_trainings.py`, which shows that what was recorded is what a training gives.
"""

from pathlib import Path

import pytest

from grader.cli import places
from grader.model.assignment import load_assignment
from grader.pipeline.batch import read_file
from grader.pipeline.check import check_submission, public_part
from grader.pipeline.settings import Settings
from grader.pipeline.watch import Silent
from grader.validation import Options, Proof, Report
from grader.validation.mutants import MOST_PER_OPERATOR
from grader.validation.solutions import expected

CHECKOUT = Path(__file__).parent.parent
COURSE = sorted(path.parent.name for path in (CHECKOUT / "assignments").glob("*/assignment.toml"))
FEWER = {"conv_experiments": 1}
"""Most mutants by one operator, where each run evaluates six networks: `grader validate` tries all of them."""
KILLED = 0.95
"""Least share of all mutants that must lose points."""

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(1200)]


def proof(name: str) -> Proof:
    """The proof of one rubric, with nothing kept."""
    settings = Settings(places.datasets(), store=None, jobs=2)
    options = Options(most=FEWER.get(name, MOST_PER_OPERATOR))
    assignment = load_assignment(CHECKOUT / "assignments" / name)
    return Proof(assignment, CHECKOUT / "solutions" / name, settings, Silent(), options)


def proven(name: str, reports: dict[str, Report]) -> Report:
    """The proof of one rubric, carried out once."""
    if name not in reports:
        reports[name] = proof(name).run()
    return reports[name]


@pytest.fixture(scope="module")
def reports() -> dict[str, Report]:
    """What is known so far, by assignment."""
    return {}


@pytest.mark.parametrize("name", COURSE)
def test_a_rubric_is_proven(name: str, reports: dict[str, Report]) -> None:
    """Every solution has its verdicts, starters earn nothing, mutants lose points, checks can fail, nothing leaks."""
    report = proven(name, reports)
    wrong = [f"{item.name}: {text}" for item in [*report.solutions, *report.starters] for text in item.problems]
    assert wrong + report.problems == []
    assert [item.mutant.id for item in report.mutants if not item.decided] == []
    assert report.trained == 0, (
        "a training is missing beside the assignment: grader validate ID --train-mutants --record"
    )
    assert {Path(item.name).suffix for item in report.starters} == {".py", ".ipynb"}
    reference = next(item.result for item in report.solutions if item.name == "reference")
    assert (reference.score, reference.max_score) == (10, 10)


def test_the_course_kills_nearly_all_mutants(reports: dict[str, Report]) -> None:
    """Over all assignments together, those that may survive for a reason included."""
    outcomes = [item for name in COURSE for item in proven(name, reports).mutants]
    killed = sum(bool(item.killers) for item in outcomes)
    assert len(outcomes) > 350
    assert killed >= KILLED * len(outcomes)


def test_the_course_has_many_wrong_solutions() -> None:
    """Written by hand, each a mistake that students make."""
    folders = [path.parent.name for name in COURSE for path in (CHECKOUT / "solutions" / name).glob("*/expected.toml")]
    assert len([name for name in folders if not name.startswith("reference")]) >= 60


@pytest.mark.parametrize("name", COURSE)
def test_check_shows_of_every_solution_what_grade_decides(name: str, reports: dict[str, Report]) -> None:
    """`check` takes the public verdicts out of the result that `grade` gives, unchanged, and they are the expected ones."""
    for item in proven(name, reports).solutions:
        shown = {verdict.id: verdict for verdict in public_part(item.result).checks}
        assert shown == {verdict.id: verdict for verdict in item.result.checks if not verdict.hidden}
        if (CHECKOUT / "solutions" / name / item.name / "expected.toml").is_file():
            wanted = expected(CHECKOUT / "solutions" / name / item.name)["verdicts"]
            assert {check: verdict.status for check, verdict in shown.items()} == {
                check: wanted[check] for check in shown
            }


def test_a_real_check_agrees_with_the_class(reports: dict[str, Report]) -> None:
    """One file alone, read and run anew, gets what it got among the others, to the last word."""
    name, wrong = "convolution_basics", "pads_same_on_one_side"
    in_class = next(item.result for item in proven(name, reports).solutions if item.name == wrong)
    file = CHECKOUT / "solutions" / name / wrong / f"{name}.py"
    settings = Settings(places.datasets(), store=None, jobs=1)
    alone = check_submission(load_assignment(CHECKOUT / "assignments" / name), read_file(file), settings, Silent())
    assert alone.result.checks == public_part(in_class).checks
    assert "failed" in {verdict.status for verdict in alone.result.checks}
