"""The rubric of `mnist_conv` is proven by its solutions: each gets exactly the verdicts written beside it."""

from dataclasses import replace
from pathlib import Path

import pytest

from grader.cli import places
from grader.model.assignment import load_assignment
from grader.model.result import Result
from grader.pipeline.grade import Grading, Settings
from grader.pipeline.validate import compare, expected, load_solutions
from grader.pipeline.watch import Silent
from grader.results.folder import ResultsFolder

CHECKOUT = Path(__file__).parent.parent
SOLUTIONS = CHECKOUT / "solutions/mnist_conv"
NAMES = sorted(path.parent.name for path in SOLUTIONS.glob("*/expected.toml"))
BEYOND = {"no_callback", "callback_not_passed", "misspelt_hook", "stops_one_epoch_late"}
"""Their code lets the training run on past the threshold, up to twenty epochs: too long for every push. What they get
without training is tested here; `grader validate mnist_conv` trains them too."""

TRAINED = ("reaches_the_accuracy_within_20_epochs", "epoch_time_is_reasonable")
pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(1500)]


def grade(folder: Path, names: list[str], *, quick: bool) -> dict[str, Result]:
    """The results of these solutions."""
    settings = Settings(places.datasets(), store=None, jobs=2, quick=quick)
    chosen = [item for item in load_solutions(SOLUTIONS) if item.student in names]
    grading = Grading(load_assignment(CHECKOUT / "assignments/mnist_conv"), settings, ResultsFolder(folder), Silent())
    return {result.student: result for result in grading.run(chosen)}


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """All solutions, with nothing trained."""
    return grade(tmp_path_factory.mktemp("untrained"), NAMES, quick=True)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """The solutions that need no more than one training to the threshold, on all of MNIST."""
    return grade(tmp_path_factory.mktemp("trained"), [name for name in NAMES if name not in BEYOND], quick=False)


@pytest.mark.parametrize("name", NAMES)
def test_verdicts_that_need_no_training(name: str, untrained: dict[str, Result]) -> None:
    """Everything but accuracy and time is decided without training."""
    result = untrained[name]
    kept = tuple(verdict for verdict in result.checks if verdict.id not in TRAINED)
    wanted = expected(SOLUTIONS / name)
    wanted["verdicts"] = {key: value for key, value in wanted["verdicts"].items() if key not in TRAINED}
    assert compare(result.model_copy(update={"checks": kept}), wanted) == []


@pytest.mark.training
@pytest.mark.parametrize("name", [name for name in NAMES if name not in BEYOND])
def test_every_verdict(name: str, trained: dict[str, Result]) -> None:
    """With a real training on MNIST, every verdict is the one written beside the solution."""
    assert compare(trained[name], expected(SOLUTIONS / name)) == []


@pytest.mark.training
def test_the_reference_has_full_marks_because_it_reached_the_accuracy(trained: dict[str, Result]) -> None:
    """Ten points, a measured accuracy of 99.8 % or more, and a stop by the student's own callback."""
    result = trained["reference"]
    assert result.score == 10.0
    assert result.training is not None
    assert result.training.accuracy is not None
    assert result.training.accuracy >= 0.998
    assert result.training.stopped_by_callback
    assert result.training.epochs <= 20
    assert result.training.curve[-1] == result.training.accuracy
    assert all(value < 0.998 for value in result.training.curve[:-1])


@pytest.mark.training
def test_equal_networks_share_one_training(trained: dict[str, Result]) -> None:
    """Module, notebook and wrong solutions with the reference network have the same curve to the last digit."""
    curves = {
        result.training.fingerprint: result.training.curve[:5]
        for result in trained.values()
        if result.training is not None
    }
    assert len(curves) == 1


def test_each_check_can_fail(untrained: dict[str, Result]) -> None:
    """Every check that needs no training is failed by at least one wrong solution."""
    failed = {verdict.id for result in untrained.values() for verdict in result.checks if verdict.status == "failed"}
    every = {verdict.id for verdict in untrained["reference"].checks} - set(TRAINED)
    assert every - failed == set()


def test_the_untouched_starter_earns_nothing(tmp_path: Path) -> None:
    """No points for work that was not done."""
    starter = CHECKOUT / "assignments/mnist_conv/starter"
    folder = tmp_path / "solutions"
    for suffix in ("py", "ipynb"):
        (folder / suffix).mkdir(parents=True)
        (folder / suffix / f"mnist_conv.{suffix}").write_bytes((starter / f"mnist_conv.{suffix}").read_bytes())
        (folder / suffix / "expected.toml").write_text("[verdicts]\n")
    settings = replace(Settings(places.datasets(), store=None, jobs=2), quick=True)
    grading = Grading(
        load_assignment(CHECKOUT / "assignments/mnist_conv"), settings, ResultsFolder(tmp_path / "r"), Silent()
    )
    assert [result.score for result in grading.run(load_solutions(folder))] == [0.0, 0.0]
