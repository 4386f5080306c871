"""Checks of `mnist_callback`: a dense network, and a callback that ends its training at 99 %."""

from grader.judging import Evidence, Training, fail, points
from grader.judging.expectations import (
    expect_classes,
    expect_epoch_time,
    expect_finished,
    expect_images,
    expect_message,
    expect_reached,
    expect_returned,
    expect_shapes_fit,
    expect_stop,
)
from grader.judging.network import CONVOLUTIONS, POOLINGS
from grader.judging.network_expectations import layers_of
from grader.model.observation import Call, Fit
from grader.model.training import Description

MESSAGE = "Reached 99% accuracy so cancelling training!"


@points(1)
def train_mnist_runs(call: Call | None, evidence: Evidence) -> None:
    """The function train_mnist is found and runs to its end."""
    expect_finished(call, "train_mnist", evidence)


@points(2)
def images_are_scaled(fit: Fit) -> None:
    """All 60,000 training images reach the network as (60000, 28, 28) in [0, 1], with their labels."""
    expect_images(fit, dataset="mnist", shape=(60000, 28, 28), points=1)


@points(1)
def dense_network_with_ten_classes(evidence: Evidence, network: Description) -> None:
    """The network is made of dense layers, at least one of them hidden, and ends in ten classes."""
    layers = layers_of(evidence.fit)
    others = [layer for layer in layers if layer.class_name in CONVOLUTIONS | POOLINGS]
    if others:
        name = evidence.layer_names.get(others[0].name, others[0].name)
        fail(
            f"Your network has a {others[0].class_name} layer ({name}); this exercise wants dense layers only. Leave it out."
        )
    expect_shapes_fit(evidence, network)
    expect_classes(evidence, network, 10)
    if sum(layer.times for layer in layers if layer.class_name == "Dense") < 2:
        fail("Your network has no hidden layer. Put a Dense layer before the last one.")


@points(2)
def callback_stops_at_the_threshold(fit: Fit) -> None:
    """A callback stops training in the first epoch that reaches 99 % accuracy, and in no other."""
    expect_stop(fit, metric="accuracy", threshold=0.99)


@points(1)
def message_is_printed_when_it_stops(fit: Fit) -> None:
    """The sentence "Reached 99% accuracy so cancelling training!" is printed once, when training stops."""
    expect_message(fit, MESSAGE)


@points(2, after=["dense_network_with_ten_classes", "images_are_scaled"])
def reaches_the_accuracy_within_10_epochs(training: Training, evidence: Evidence) -> None:
    """Trained for real, the network reaches 99 % within the epochs that the code lets run, at most 10."""
    expect_reached(training, metric="accuracy", threshold=0.99, epochs=10, evidence=evidence)


@points(0.5)
def returns_epochs_and_accuracy(call: Call | None, fit: Fit) -> None:
    """The function returns history.epoch and the final accuracy."""
    expect_returned(call, fit, "accuracy")


@points(0.5, after=["dense_network_with_ten_classes", "images_are_scaled"])
def epoch_time_is_reasonable(training: Training, evidence: Evidence) -> None:
    """An epoch takes at most ten times as long as one of the reference network."""
    assert evidence.assignment.training is not None
    expect_epoch_time(training, evidence.assignment.training.epoch_time_ratio or 10.0)
