"""The course material's own code gets what a fair teacher would give for it, as far as nothing is trained."""

from pathlib import Path

import pytest

from grader.cli import places
from grader.model.assignment import load_assignment
from grader.model.result import Result
from grader.model.submission import Cell, Source, Submission
from grader.pipeline.grade import Grading, Settings
from grader.pipeline.watch import Silent
from grader.results.folder import ResultsFolder

CHECKOUT = Path(__file__).parent.parent
SEEDS = Path(__file__).parent / "seeds"
LOST = {
    "mnist_conv": {"train_mnist_conv_runs"},
    "fashion_dnn": {"train_fashion_dnn_runs"},
    "fashion_conv": {"train_fashion_conv_runs"},
    "mnist_cnn": {"train_mnist_cnn_runs", "parameters_per_layer_are_counted"},
}
"""What is not there: the import in the first, a function in the others. All other work is right, and counts."""
pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(300)]


@pytest.fixture(scope="module", params=sorted(LOST))
def result(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """The result of one piece of code, without training."""
    name = request.param
    text = (SEEDS / f"{name}.py.txt").read_text("utf-8")
    source = Source(kind="module", cells=(Cell(number=1, text=text),))
    submission = Submission(student=name, path=f"{name}.py", digest=name, source=source)
    settings = Settings(places.datasets(), store=None, jobs=1, quick=True)
    output = ResultsFolder(tmp_path_factory.mktemp("seeds"))
    return Grading(load_assignment(CHECKOUT / "assignments" / name), settings, output, Silent()).run([submission])[0]


def test_what_is_not_there_is_lost_and_nothing_else(result: Result) -> None:
    """Each check that can be decided without training is passed, but for those about what is missing."""
    failed = {verdict.id: verdict.message for verdict in result.checks if verdict.status == "failed"}
    assert set(failed) == LOST[result.student], failed
    assert result.status == "graded"
    left = {verdict.id for verdict in result.checks if verdict.status == "skipped"}
    assert all(name.startswith(("reaches", "is_better", "returns", "epoch_time")) for name in left)


def test_a_missing_import_is_told(result: Result) -> None:
    """The student learns which line to add."""
    kinds = {note.kind for note in result.notes}
    assert ("missing_import" in kinds) is (result.student == "mnist_conv")
    if result.student == "mnist_conv":
        assert "`import tensorflow as tf` was supplied. Add this line." in result.checks[0].message
