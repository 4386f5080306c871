"""Checks of `fashion_dnn`: the dense network on Fashion-MNIST, with which convolutions are compared later."""

from grader.judging import Evidence, Training, points
from grader.judging.expectations import (
    expect_classes,
    expect_exact_epochs,
    expect_finished,
    expect_hidden_activation,
    expect_images,
    expect_layer_counts,
    expect_output_shapes,
    expect_returned_accuracies,
    expect_test_accuracy,
    expect_training_accuracy,
)
from grader.model.observation import Call, Fit
from grader.model.training import Description


@points(1)
def train_fashion_dnn_runs(call: Call | None, evidence: Evidence) -> None:
    """The function train_fashion_dnn is found and runs to its end."""
    expect_finished(call, "train_fashion_dnn", evidence)


@points(2)
def images_are_scaled(fit: Fit) -> None:
    """All 60,000 training images reach the network as (60000, 28, 28) in [0, 1], with their labels."""
    expect_images(fit, dataset="fashion_mnist", shape=(60000, 28, 28), points=1)


@points(2)
def network_is_flatten_and_two_dense_layers(evidence: Evidence, network: Description) -> None:
    """The network is Flatten, Dense(128) and Dense(10), and ends in ten classes."""
    expect_layer_counts(evidence, convolutions=0, poolings=0, of={"Flatten": 1, "Dense": 2})
    expect_output_shapes(evidence, network, [(784,), (128,), (10,)])
    expect_hidden_activation(evidence, "relu")
    expect_classes(evidence, network, 10)


@points(1)
def trains_for_five_epochs(fit: Fit) -> None:
    """The network is trained for five epochs."""
    expect_exact_epochs(fit, 5)


@points(1.5, after=["network_is_flatten_and_two_dense_layers", "images_are_scaled"])
def reaches_the_training_accuracy(training: Training) -> None:
    """Trained for real, the network reaches 88 % on the training images."""
    expect_training_accuracy(training, 0.88)


@points(1.5, after=["network_is_flatten_and_two_dense_layers", "images_are_scaled"])
def reaches_the_test_accuracy(training: Training) -> None:
    """Trained for real, the network reaches 85.5 % on the test images."""
    expect_test_accuracy(training, 0.855)


@points(1, after=["images_are_scaled"])
def returns_training_and_test_accuracy(call: Call | None, training: Training) -> None:
    """The function returns the last training accuracy and the accuracy on the test images, true to the training."""
    expect_returned_accuracies(call, training)
