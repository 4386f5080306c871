"""Building a network for a training gives what Keras itself builds at its first step."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from keras.src import backend

from grader.guest.capture import build, is_built_for, known_prediction

IMAGES, LABELS = np.zeros((8, 28, 28, 1)), np.zeros((8,), np.uint8)


def plain() -> Any:
    """The course's own."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )


def functional() -> Any:
    """With dropout, batch normalisation and a regulariser."""
    inputs = keras.Input((28, 28, 1))
    x = layers.Conv2D(4, 3, kernel_regularizer="l2")(inputs)
    x = layers.Dropout(0.5)(layers.BatchNormalization()(x))
    return keras.Model(inputs, layers.Dense(10)(layers.GlobalAveragePooling2D()(x)))


def nested() -> Any:
    """A network in a network."""
    return keras.Sequential([keras.Input((28, 28, 1)), functional(), layers.Softmax()])


def half() -> Any:
    """In half precision, but for its end."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1), dtype="float16"),
            layers.Flatten(dtype="float16"),
            layers.Dense(10, dtype="mixed_float16"),
        ]
    )


BUILT: list[Callable[[], Any]] = [plain, functional, nested, half]


def compiled(make: Callable[[], Any]) -> Any:
    """The network with loss and metrics."""
    keras.backend.clear_session()  # names are counted anew
    network = make()
    network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return network


def variables(network: Any) -> list[tuple[str, tuple[int, ...], str]]:
    """Everything that a training changes."""
    found = [*network.variables, *network.metrics_variables, *network.optimizer.variables]
    return [(item.path.split("/", 1)[-1], tuple(item.shape), str(item.dtype)) for item in found]


@pytest.mark.parametrize("make", BUILT)
def test_what_is_known_of_a_prediction_is_what_keras_finds(make: Callable[[], Any]) -> None:
    """Shape and type of the output, without tracing the network."""
    network = compiled(make)
    symbolic = keras.KerasTensor((None, 28, 28, 1), dtype="float64")
    found = backend.compute_output_spec(network, symbolic, training=False)
    with known_prediction(network, IMAGES):
        known = backend.compute_output_spec(network, symbolic, training=False)
        assert is_built_for(network, IMAGES)
    assert (known.shape, known.dtype) == (found.shape, found.dtype)


@pytest.mark.parametrize("make", BUILT)
def test_the_same_is_built(make: Callable[[], Any]) -> None:
    """Metrics and optimizer have the variables that Keras gives them."""
    ours, keras_own = compiled(make), compiled(make)
    before = backend.compute_output_spec
    build(ours, (IMAGES, LABELS, None))
    symbolic = [keras.KerasTensor((None, *array.shape[1:]), dtype=str(array.dtype)) for array in (IMAGES, LABELS)]
    keras_own._symbolic_build(data_batch=(*symbolic, None))

    assert variables(ours) == variables(keras_own)
    assert ours.optimizer.built
    assert backend.compute_output_spec is before


@pytest.mark.parametrize(
    "images", [np.zeros((8, 28, 28)), np.zeros((8, 14, 14, 1)), np.zeros((8, 784))], ids=["no_channel", "small", "flat"]
)
def test_other_images_are_left_to_keras(images: Any) -> None:
    """Keras adapts them or says what is wrong, as it does for the student."""
    network = compiled(plain)
    assert not is_built_for(network, images)
    symbolic = keras.KerasTensor((None, *images.shape[1:]), dtype="float64")
    labels = keras.KerasTensor((None,), dtype="uint8")
    said = []
    for attempt in (
        lambda: compiled(plain)._symbolic_build(data_batch=(symbolic, labels, None)),
        lambda: build(network, (images, LABELS, None)),
    ):
        try:
            attempt()
            said.append("")
        except Exception as error:  # noqa: BLE001 - whatever Keras raises is compared
            said.append(type(error).__name__)
    assert said[0] == said[1]


def test_a_network_that_is_not_built_is_left_to_keras() -> None:
    """Its layers get their weights from the images."""
    network = keras.Sequential([layers.Flatten(), layers.Dense(10, activation="softmax")])
    network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    assert not is_built_for(network, IMAGES)
    build(network, (IMAGES, LABELS, None))
    assert network.layers[-1].kernel.shape == (784, 10)
