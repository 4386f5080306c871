"""Checks of `mnist_conv`: one convolution, one pooling, 99.8 % on MNIST in at most 20 epochs."""

from grader.judging import Evidence, Training, points
from grader.judging.expectations import (
    expect_classes,
    expect_epoch_time,
    expect_finished,
    expect_images,
    expect_layer_counts,
    expect_message,
    expect_reached,
    expect_returned,
    expect_shapes_fit,
    expect_stop,
)
from grader.model.observation import Call, Fit
from grader.model.training import Description

MESSAGE = "Reached 99.8% accuracy so cancelling training!"


@points(1)
def train_mnist_conv_runs(call: Call | None, evidence: Evidence) -> None:
    """The function train_mnist_conv is found and runs to its end."""
    expect_finished(call, "train_mnist_conv", evidence)


@points(2)
def images_are_reshaped_and_scaled(fit: Fit) -> None:
    """All 60,000 training images reach the network as (60000, 28, 28, 1) in [0, 1], with their labels."""
    expect_images(fit, dataset="mnist", shape=(60000, 28, 28, 1), points=1)


@points(2)
def one_convolution_and_one_pooling_layer(evidence: Evidence, network: Description) -> None:
    """The network has exactly one Conv2D and one MaxPooling2D layer, and ends in ten classes."""
    expect_layer_counts(evidence, convolutions=1, poolings=1, of={"Conv2D": 1, "MaxPooling2D": 1})
    expect_shapes_fit(evidence, network)
    expect_classes(evidence, network, 10)


@points(1)
def callback_stops_at_the_threshold(fit: Fit) -> None:
    """A callback stops training in the first epoch that reaches 99.8 % accuracy, and in no other."""
    expect_stop(fit, metric="accuracy", threshold=0.998)


@points(1)
def message_is_printed_when_it_stops(fit: Fit) -> None:
    """The sentence "Reached 99.8% accuracy so cancelling training!" is printed once, when training stops."""
    expect_message(fit, MESSAGE)


@points(2, after=["one_convolution_and_one_pooling_layer", "images_are_reshaped_and_scaled"])
def reaches_the_accuracy_within_20_epochs(training: Training, evidence: Evidence) -> None:
    """Trained for real, the network reaches 99.8 % within the epochs that the code lets run, at most 20."""
    expect_reached(training, metric="accuracy", threshold=0.998, epochs=20, evidence=evidence)


@points(0.5)
def returns_epochs_and_accuracy(call: Call | None, fit: Fit) -> None:
    """The function returns history.epoch and the final accuracy."""
    expect_returned(call, fit, "accuracy")


@points(0.5, after=["one_convolution_and_one_pooling_layer", "images_are_reshaped_and_scaled"])
def epoch_time_is_reasonable(training: Training, evidence: Evidence) -> None:
    """An epoch takes at most six times as long as one of the reference network."""
    assert evidence.assignment.training is not None
    expect_epoch_time(training, evidence.assignment.training.epoch_time_ratio or 6.0)
