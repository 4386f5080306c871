"""Checks of `mnist_cnn`: the convolutional base of three convolutions, and more than 99 % on the test images."""

from typing import Any

from grader.judging import Evidence, Training, fail, points
from grader.judging.expectations import (
    expect_classes,
    expect_exact_epochs,
    expect_finished,
    expect_hidden_activation,
    expect_images,
    expect_layer_counts,
    expect_output_shapes,
    expect_parameters,
    expect_returned_test_accuracy,
    expect_test_accuracy,
)
from grader.judging.value_expectations import expect_list
from grader.judging.wording import short
from grader.model.observation import Call, Fit
from grader.model.training import Description

SHAPES = [(26, 26, 32), (13, 13, 32), (11, 11, 64), (5, 5, 64), (3, 3, 64), (576,), (64,), (10,)]

TEST_ACCURACY = 0.985
"""The lab speaks of more than 99 %; its own network, in ten epochs of batches of 1000, came to 98.9 to 99.0 % with the
seeds 1, 2 and 3 of our trainer."""


@points(0.5)
def train_mnist_cnn_runs(call: Call | None, evidence: Evidence) -> None:
    """The function train_mnist_cnn is found and runs to its end."""
    expect_finished(call, "train_mnist_cnn", evidence)


@points(2)
def images_are_reshaped_and_scaled(fit: Fit) -> None:
    """All 60,000 training images reach the network as (60000, 28, 28, 1) in [0, 1], with their labels."""
    expect_images(fit, dataset="mnist", shape=(60000, 28, 28, 1), points=1)


@points(2)
def base_has_three_convolutions(evidence: Evidence, network: Description) -> None:
    """Three convolutions (32, 64, 64) with two poolings between end in (3, 3, 64); then 576, Dense 64 and Dense 10."""
    expect_layer_counts(evidence, convolutions=3, poolings=2, of={"Conv2D": 3, "MaxPooling2D": 2})
    expect_output_shapes(evidence, network, SHAPES)
    expect_hidden_activation(evidence, "relu")
    expect_classes(evidence, network, 10)


@points(1)
def network_has_93322_parameters(network: Description) -> None:
    """The network has 93,322 parameters."""
    expect_parameters(network, 93_322)


@points(1)
def trains_for_ten_epochs_in_batches_of_1000(fit: Fit) -> None:
    """The network is trained for ten epochs, with 1000 images in a batch."""
    expect_exact_epochs(fit, 10)
    if fit.request is not None and fit.request.fit.batch_size != 1000:
        fail(f"Your batches hold {fit.request.fit.batch_size} images; 1000 are asked for. Write batch_size=1000.")


@points(2, after=["base_has_three_convolutions", "images_are_reshaped_and_scaled"])
def reaches_the_test_accuracy(training: Training) -> None:
    """Trained for real, the network reads about 99 % of the test images: 98.5 % or more."""
    expect_test_accuracy(training, TEST_ACCURACY)


@points(0.5, after=["base_has_three_convolutions", "images_are_reshaped_and_scaled"])
def returns_the_test_accuracy(call: Call | None, training: Training) -> None:
    """The function returns the accuracy on the test images, true to the training."""
    expect_returned_test_accuracy(call, training)


@points(1)
def parameters_per_layer_are_counted(evidence: Evidence, inputs: dict[str, Any]) -> None:
    """parameters_per_layer(model) lists how many parameters each layer of a network has, also one without a bias."""
    side = (inputs["side"] - inputs["kernel"] + 1) // 2
    flat = side * side * inputs["filters"]
    convolution = (inputs["kernel"] ** 2 * inputs["channels"] + 1) * inputs["filters"]
    wanted = [convolution, 0, 0, flat * inputs["units"], (inputs["units"] + 1) * 10]
    found = expect_list(evidence, "parameters", 5, what="parameters_per_layer(model)", of="numbers")
    if [int(value) if isinstance(value, int | float) else value for value in found] != wanted:
        fail(f"parameters_per_layer(model) returned {short(found)}; expected {wanted} for a network of five layers.")
