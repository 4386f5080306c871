"""The rubrics of the whole course are proven by their solutions, as far as the trainer is not needed for that.

`mnist_conv` has tests of its own, with trainings; `grader validate` carries out the trainings of the others.
"""

from pathlib import Path

import pytest

from grader.cli import places
from grader.model.assignment import load_assignment
from grader.model.result import Result
from grader.pipeline.grade import Grading, Settings
from grader.pipeline.validate import compare, expected, load_solutions, unfailed_checks
from grader.pipeline.watch import Silent
from grader.results.folder import ResultsFolder

CHECKOUT = Path(__file__).parent.parent
COURSE = sorted(path.parent.name for path in (CHECKOUT / "assignments").glob("*/assignment.toml"))
OTHERS = [name for name in COURSE if name != "mnist_conv"]
CASES = [
    (name, path.parent.name) for name in OTHERS for path in (CHECKOUT / "solutions" / name).glob("*/expected.toml")
]
LEFT_OUT = "left out by --quick"

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Result]]:
    """Results of all solutions by assignment, with nothing trained outside the sandbox."""
    found = {}
    for name in OTHERS:
        assignment = load_assignment(CHECKOUT / "assignments" / name)
        settings = Settings(places.datasets(), store=None, jobs=2, quick=assignment.training is not None)
        folder = ResultsFolder(tmp_path_factory.mktemp(name))
        grading = Grading(assignment, settings, folder, Silent())
        results = grading.run(load_solutions(CHECKOUT / "solutions" / name))
        found[name] = {result.student: result for result in results}
    return found


@pytest.mark.parametrize(("name", "variant"), sorted(CASES))
def test_every_solution_gets_its_verdicts(name: str, variant: str, graded: dict[str, dict[str, Result]]) -> None:
    """Each verdict that needs no training is the one written beside the solution."""
    result = graded[name][variant]
    pending = {verdict.id for verdict in result.checks if LEFT_OUT in verdict.message}
    wanted = expected(CHECKOUT / "solutions" / name / variant)
    wanted["verdicts"] = {key: value for key, value in wanted["verdicts"].items() if key not in pending}
    kept = tuple(verdict for verdict in result.checks if verdict.id not in pending)
    assert kept, "nothing was judged"
    assert compare(result.model_copy(update={"checks": kept}), wanted) == []


@pytest.mark.parametrize("name", OTHERS)
def test_the_points_of_an_assignment_sum_to_ten(name: str, graded: dict[str, dict[str, Result]]) -> None:
    """In every assignment of the course."""
    assert sum(verdict.max_points for verdict in graded[name]["reference"].checks) == 10


@pytest.mark.parametrize("name", OTHERS)
def test_every_check_is_failed_by_some_solution(name: str, graded: dict[str, dict[str, Result]]) -> None:
    """A check that cannot fail proves nothing; those that need a training are counted by `grader validate`."""
    results = list(graded[name].values())
    pending = {verdict.id for result in results for verdict in result.checks if LEFT_OUT in verdict.message}
    notes = [note for note in unfailed_checks(results) if not any(note.endswith(check) for check in pending)]
    assert notes == []
