"""Checks of `one_step`: what the other tools check, by the real training that the store holds."""

from grader.judging import Evidence, Training, points
from grader.judging.expectations import expect_exact_epochs, expect_finished, expect_returned, expect_training_accuracy
from grader.model.observation import Call, Fit


@points(1)
def train_mnist_conv_runs(call: Call | None, evidence: Evidence) -> None:
    """The function train_mnist_conv is found and runs to its end."""
    expect_finished(call, "train_mnist_conv", evidence)


@points(1)
def trains_for_one_epoch(fit: Fit) -> None:
    """The network is trained for one epoch."""
    expect_exact_epochs(fit, 1)


@points(1)
def training_gives_an_accuracy(training: Training) -> None:
    """Trained for real, the network has an accuracy between 0 and 1."""
    expect_training_accuracy(training, 0.0)


@points(1)
def returns_epochs_and_accuracy(call: Call | None, fit: Fit) -> None:
    """The function returns history.epoch and the accuracy of this very training."""
    expect_returned(call, fit, "accuracy")
