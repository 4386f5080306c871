"""Checks of `fashion_conv`: two convolutions and two poolings on Fashion-MNIST, better than the dense network."""

from grader.judging import Evidence, Training, fail, points
from grader.judging.expectations import (
    expect_classes,
    expect_exact_epochs,
    expect_finished,
    expect_hidden_activation,
    expect_images,
    expect_layer_counts,
    expect_returned_accuracies,
    expect_shapes_fit,
    expect_test_accuracy,
    expect_training_accuracy,
)
from grader.model.observation import Call, Fit
from grader.model.training import Description

DENSE_NETWORK = 0.8666
"""Test accuracy of the reference of `fashion_dnn` after five epochs with seed 1, trained by the same trainer."""
PARAMETERS = {32: 113_386, 64: 243_786}


@points(1)
def train_fashion_conv_runs(call: Call | None, evidence: Evidence) -> None:
    """The function train_fashion_conv is found and runs to its end."""
    expect_finished(call, "train_fashion_conv", evidence)


@points(2)
def images_are_reshaped_and_scaled(fit: Fit) -> None:
    """All 60,000 training images reach the network as (60000, 28, 28, 1) in [0, 1], with their labels."""
    expect_images(fit, dataset="fashion_mnist", shape=(60000, 28, 28, 1), points=1)


@points(2)
def two_convolutions_and_two_pooling_layers(evidence: Evidence, network: Description) -> None:
    """Two Conv2D of 3×3 and two MaxPooling2D of 2×2 take turns, and the images shrink from 28 to 26, 13, 11 and 5."""
    expect_layer_counts(evidence, convolutions=2, poolings=2, of={"Conv2D": 2, "MaxPooling2D": 2})
    expect_shapes_fit(evidence, network)
    sizes = [layer.output_shape[1] for layer in network.layers if layer.output_shape and len(layer.output_shape) == 4]
    if sizes != [26, 13, 11, 5]:
        fail(
            f"Your images shrink to {', '.join(map(str, sizes))} pixels; 26, 13, 11 and 5 are asked for. Use kernels of "
            "3×3 without padding, and pools of 2×2, in turn."
        )
    expect_hidden_activation(evidence, "relu")
    expect_classes(evidence, network, 10)


@points(1)
def parameters_are_those_of_the_lab(network: Description) -> None:
    """With 64 filters in each convolution and Dense(128) the network has 243,786 parameters; with 32, 113,386."""
    if network.problem:
        fail(f"Keras cannot build your network: {network.problem}")
    if network.parameters not in PARAMETERS.values():
        each = ", ".join(f"{layer.class_name} {layer.parameters:,}" for layer in network.layers if layer.parameters)
        fail(
            f"Your network has {network.parameters:,} parameters ({each}); 243,786 are asked for with 64 filters in each "
            "convolution, or 113,386 with 32. Flatten gives 25 pixels times the number of filters to Dense(128)."
        )


@points(0.5)
def trains_for_five_epochs(fit: Fit) -> None:
    """The network is trained for five epochs."""
    expect_exact_epochs(fit, 5)


@points(1, after=["two_convolutions_and_two_pooling_layers", "images_are_reshaped_and_scaled"])
def reaches_the_training_accuracy(training: Training) -> None:
    """Trained for real, the network reaches 91 % on the training images."""
    expect_training_accuracy(training, 0.91)


@points(1, after=["two_convolutions_and_two_pooling_layers", "images_are_reshaped_and_scaled"])
def reaches_the_test_accuracy(training: Training) -> None:
    """Trained for real, the network reaches 88.5 % on the test images."""
    expect_test_accuracy(training, 0.885)


@points(0.5, after=["two_convolutions_and_two_pooling_layers", "images_are_reshaped_and_scaled"])
def is_better_than_the_dense_network(training: Training) -> None:
    """On the test images the network is better than the dense network of the exercise before."""
    expect_test_accuracy(training, DENSE_NETWORK + 0.005)


@points(1, after=["images_are_reshaped_and_scaled"])
def returns_training_and_test_accuracy(call: Call | None, training: Training) -> None:
    """The function returns the last training accuracy and the accuracy on the test images, true to the training."""
    expect_returned_accuracies(call, training)
