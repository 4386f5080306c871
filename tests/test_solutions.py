"""The flagship, `mnist_conv`, with a training of this machine on all of MNIST.

The verdicts of its solutions are those written beside them, and the training is the one that comes with the assignment.
What needs other trainings is proven with recorded ones, in `tests/test_course.py`.
"""

from pathlib import Path

import pytest

from grader.cli import places
from grader.judging.tolerance import ACCURACY
from grader.model.assignment import load_assignment
from grader.model.result import Result
from grader.pipeline.grade import Grading
from grader.pipeline.settings import Settings
from grader.pipeline.watch import Silent
from grader.results.folder import ResultsFolder
from grader.training.kept import KeptRun
from grader.training.store import library_versions, machine_kind
from grader.validation.shipped import ShippedRuns
from grader.validation.solutions import compare, expected, load_solutions
from tests.test_recorded_trainings import differences

CHECKOUT = Path(__file__).parent.parent
ASSIGNMENT, SOLUTIONS = CHECKOUT / "assignments/mnist_conv", CHECKOUT / "solutions/mnist_conv"
LONG = {"no_callback", "callback_not_passed", "misspelt_hook", "stops_one_epoch_late", "takes_too_long"}
"""Their code lets the training run on past the threshold, up to twenty epochs, or makes every epoch ten times as long."""
NAMES = sorted(path.parent.name for path in SOLUTIONS.glob("*/expected.toml") if path.parent.name not in LONG)

pytestmark = [pytest.mark.sandbox, pytest.mark.training, pytest.mark.timeout(1500)]
Trained = tuple[dict[str, Result], dict[tuple[str, int], KeptRun]]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Results of the solutions that need no more than the reference's training, and the trainings."""
    settings = Settings(places.datasets(), store=None, jobs=2)
    folder = ResultsFolder(tmp_path_factory.mktemp("trained"))
    grading = Grading(load_assignment(ASSIGNMENT), settings, folder, Silent())
    results = grading.run([item for item in load_solutions(SOLUTIONS) if item.student in NAMES])
    return {result.student: result for result in results}, grading.store.used


@pytest.mark.parametrize("name", NAMES)
def test_every_verdict(name: str, trained: Trained) -> None:
    """Each is the one written beside the solution."""
    assert compare(trained[0][name], expected(SOLUTIONS / name)) == []


def test_the_reference_has_full_marks_because_it_reached_the_accuracy(trained: Trained) -> None:
    """Ten points, a measured accuracy of 99.8 % or more, and a stop by the student's own callback."""
    result = trained[0]["reference"]
    assert result.score == 10.0
    assert result.training is not None
    assert result.training.accuracy is not None
    assert result.training.accuracy >= 0.998
    assert result.training.stopped_by_callback
    assert result.training.epochs <= 20
    assert result.training.curve[-1] == result.training.accuracy
    assert all(value < 0.998 for value in result.training.curve[:-1])


def test_equal_networks_share_one_training(trained: Trained) -> None:
    """Module, notebook and wrong solutions with the reference network have the same curve to the last digit."""
    curves = {
        result.training.fingerprint: result.training.curve[:5]
        for result in trained[0].values()
        if result.training is not None
    }
    assert len(curves) == 1


def test_the_record_is_what_the_training_gave(trained: Trained) -> None:
    """The training that comes with the assignment, within the tolerance of fused arithmetic where that was recorded here."""
    recorded = ShippedRuns(ASSIGNMENT / "trainings")
    for (fingerprint, seed), kept in trained[1].items():
        known = recorded.find(fingerprint, seed)
        assert known is not None
        assert differences(known.run, kept.run) == []
        if (known.run.machine, known.run.versions) == (machine_kind(), library_versions()):
            pairs = zip(known.run.epochs, kept.run.epochs, strict=False)
            assert all(abs((old.accuracy or 0) - (new.accuracy or 0)) <= ACCURACY for old, new in pairs)
