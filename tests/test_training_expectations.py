"""Expectations about the accuracy on training and test images, and about the two numbers that are returned."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from grader.cli import places
from grader.judging.evidence import Training
from grader.judging.expectations import (
    expect_exact_epochs,
    expect_returned_accuracies,
    expect_returned_test_accuracy,
    expect_test_accuracy,
    expect_training_accuracy,
)
from grader.judging.marks import CheckFailed, PersonNeeded
from grader.model.training import ArrayRef, EpochLogs
from grader.training.arrays import DataBook
from grader.wire.recipes import as_fed, content_digest
from tests.factories import make_call, make_curve, make_fit, make_run, make_training


def trained(*epochs: tuple[float | None, float | None], played: int | None = None, problem: str = "") -> Training:
    """A training with these accuracies on training and test images, of which so many epochs were let run."""
    logs = tuple(EpochLogs(logs={}, accuracy=one, test_accuracy=other) for one, other in epochs)
    run = make_run([], problem=problem).model_copy(update={"epochs": logs})
    return make_training(run, make_curve([0.5] * len(epochs[:played]), name="run"))


def said(check: Callable[..., None], *arguments: Any) -> str:
    """What a failing expectation says."""
    with pytest.raises(CheckFailed) as failed:
        check(*arguments)
    return str(failed.value)


def test_the_last_epoch_that_was_let_run_counts() -> None:
    """Better epochs before it and after it do not."""
    training = trained((0.95, 0.95), (0.9, 0.87), (0.99, 0.99), played=2)
    expect_training_accuracy(training, 0.9)
    expect_test_accuracy(training, 0.87)
    assert said(expect_training_accuracy, training, 0.91) == (
        "Trained for real, your network came to 0.9000 on the training images after 2 epochs (seed 1); 0.91 is asked for."
    )
    assert "came to 0.8700 on the test images after 2 epochs" in said(expect_test_accuracy, training, 0.88)


def test_what_was_not_measured_waits_for_a_person_or_fails() -> None:
    """Unknown data have no test images; a network without an accuracy did not reach one."""
    with pytest.raises(PersonNeeded, match="the data are the program's own"):
        expect_test_accuracy(trained((0.9, None)), 0.5)
    assert "came to no number" in said(expect_training_accuracy, trained((None, None)), 0.5)
    assert "came to nan" in said(expect_training_accuracy, trained((float("nan"), None)), 0.5)


def test_a_training_that_came_to_nothing_is_told() -> None:
    """Keras's own words, or that there was no epoch."""
    assert said(expect_test_accuracy, trained(problem="ValueError: no"), 0.5) == (
        "Keras could not train your network: ValueError: no"
    )
    assert "before its first epoch" in said(expect_training_accuracy, trained((0.9, 0.9), played=0), 0.5)


def test_two_true_numbers_are_returned() -> None:
    """In this order, to four digits; as a list or a tuple, which are one in JSON."""
    expect_returned_accuracies(make_call([0.90004, 0.87]), trained((0.9, 0.87)))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "The function returned None. Return two numbers"),
        ([0.9], "The function returned [0.9]. Return two numbers"),
        ([0.87, 0.9], "The first value returned is 0.87, but the training accuracy of this training is 0.9000."),
        ([0.9, 0.35], "The second value returned is 0.35, but the test accuracy of this training is 0.8700."),
        ([0.9, "0.87"], "The second value returned is '0.87'"),
    ],
)
def test_other_values_are_told(value: Any, words: str) -> None:
    """What came back, and what it should have been."""
    assert said(expect_returned_accuracies, make_call(value), trained((0.9, 0.87))).startswith(words)


def test_the_number_of_epochs_is_exact() -> None:
    """Neither more nor fewer."""
    expect_exact_epochs(make_fit(epochs_asked=5), 5)
    assert said(expect_exact_epochs, make_fit(epochs_asked=1), 5) == "Your fit asks for 1 epoch; 5 are asked for."


def test_test_images_are_prepared_as_the_training_images_were(datasets: Any) -> None:
    """The same recipe and shape; none for what is no training image of a shipped set."""
    book = DataBook(datasets)
    try:
        images = as_fed(np.load(datasets / "mnist/x_train.npy").reshape(60000, 28, 28, 1) / 255.0)
        known = ArrayRef(digest=content_digest(images), dtype="float32", shape=images.shape, original_dtype="float64")
        assert book.test_set(known) == {
            "x": {"dataset": "mnist", "part": "x_test", "recipe": "unit", "shape": [10000, 28, 28, 1]},
            "y": {"dataset": "mnist", "part": "y_test", "recipe": "raw", "shape": [10000]},
        }
        assert book.test_set(known.model_copy(update={"digest": "0" * 64})) is None
    finally:
        book.close()


@pytest.fixture
def datasets() -> Any:
    """The shipped data sets."""
    return places.datasets()


def test_one_returned_number_is_the_test_accuracy() -> None:
    """After the last epoch that was let run; within one image of 10,000."""
    training = trained((0.9, 0.87), (0.95, 0.91))
    for near in (0.91004, 0.9101, 0.9099):
        expect_returned_test_accuracy(make_call(near), training)
    for value in (0.9102, 0.9098, 0.95, 0.87, None, True, [0.91], "0.91", float("nan")):
        assert "the test accuracy of this training is 0.9100" in said(
            expect_returned_test_accuracy, make_call(value), training
        )
    assert "did not run to its end" in said(expect_returned_test_accuracy, make_call(error="NameError"), training)
    with pytest.raises(PersonNeeded):
        expect_returned_test_accuracy(make_call(0.9), trained((0.9, None)))
