"""The course material's own code gets what a fair teacher would give for it, as far as nothing is trained."""

from pathlib import Path

import pytest

from grader.cli import places
from grader.model.assignment import load_assignment
from grader.model.result import Result
from grader.model.submission import Cell, Source, Submission
from grader.pipeline.grade import Grading
from grader.pipeline.settings import Settings
from grader.pipeline.watch import Silent
from grader.results.folder import ResultsFolder

CHECKOUT = Path(__file__).parent.parent
SEEDS = Path(__file__).parent / "seeds"
LOST = {
    ("mnist_conv", "mnist_conv"): {"train_mnist_conv_runs"},
    ("fashion_dnn", "fashion_dnn"): {"train_fashion_dnn_runs"},
    ("fashion_conv", "fashion_conv"): {"train_fashion_conv_runs"},
    ("mnist_cnn", "mnist_cnn"): {"train_mnist_cnn_runs", "parameters_per_layer_are_counted"},
    ("lab_dense", "fashion_dnn"): {"train_fashion_dnn_runs"},
    ("lab_convolutions", "fashion_conv"): {"train_fashion_conv_runs", "images_are_reshaped_and_scaled"},
    ("bilingual_stop", "mnist_conv"): {
        "train_mnist_conv_runs",
        "one_convolution_and_one_pooling_layer",
        "callback_stops_at_the_threshold",
        "message_is_printed_when_it_stops",
        "returns_epochs_and_accuracy",
    },
}
"""What each piece of code loses as a hand-in of an assignment: what is not there, or not as asked. All other work is right,
and counts. The import is missing in the first, and a function in the others; the lab's second network is fed images
without a channel, which Keras adds in silence; the bilingual lab's last answer is one to another question."""
NAMED = {("lab_feature_maps", "feature_maps"), ("bilingual_stop", "mnist_convolutions")}
"""Assignments that ask for functions by name and call them: code at top level answers none of their questions."""
pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(300)]


def grade(code: str, assignment: str, folder: Path) -> Result:
    """The result of one piece of code as a hand-in, without training."""
    text = (SEEDS / f"{code}.py.txt").read_text("utf-8")
    source = Source(kind="module", cells=(Cell(number=1, text=text),))
    submission = Submission(student=code, path=f"{code}.py", digest=code, source=source)
    settings = Settings(places.datasets(), store=None, jobs=1, quick=True)
    loaded = load_assignment(CHECKOUT / "assignments" / assignment)
    return Grading(loaded, settings, ResultsFolder(folder), Silent()).run([submission])[0]


@pytest.mark.parametrize(("code", "assignment"), sorted(LOST))
def test_what_is_not_there_is_lost_and_nothing_else(code: str, assignment: str, tmp_path: Path) -> None:
    """Each check that can be decided without training is passed, but for those about what is missing or other."""
    result = grade(code, assignment, tmp_path)
    failed = {verdict.id: verdict.message for verdict in result.checks if verdict.status == "failed"}
    assert set(failed) == LOST[code, assignment], failed
    assert result.status == "graded"
    left = {verdict.id for verdict in result.checks if verdict.status == "skipped"}
    assert all(name.startswith(("reaches", "is_better", "returns", "epoch_time")) for name in left)
    kinds = {note.kind for note in result.notes}
    assert ("missing_import" in kinds) is (code == "mnist_conv")
    if code == "mnist_conv":
        assert "`import tensorflow as tf` was supplied. Add this line." in result.checks[0].message


@pytest.mark.parametrize(("code", "assignment"), sorted(NAMED))
def test_code_without_the_functions_is_told_their_names(code: str, assignment: str, tmp_path: Path) -> None:
    """No points, and a sentence that says which name to define; the code itself runs to its end."""
    result = grade(code, assignment, tmp_path)
    assert (result.status, result.score) == ("graded", 0.0)
    messages = " ".join(verdict.message for verdict in result.checks)
    for name in load_assignment(CHECKOUT / "assignments" / assignment).entry_points:
        assert f"There is no function {name}" in messages or f"There is no class {name}" in messages
