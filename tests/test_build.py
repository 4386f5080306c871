"""Building a network for a training gives what Keras itself builds at its first step."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from keras.src import backend

from grader.guest.build import build, has_usual_compilation, is_built_for, known_outcomes
from grader.guest.capture import describe_model
from grader.guest.slots import settle

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


def test_a_reason_without_a_word_is_its_name() -> None:
    """A layer that cannot say how it is made may raise no more than that."""

    class Mute:
        def __call__(self) -> Any:
            raise NotImplementedError

    network = compiled(plain)
    network.to_json = Mute()
    found = describe_model(network, (IMAGES, LABELS, None), [], {})
    assert found["refused"] == "it cannot be written down as data (NotImplementedError)"


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
    [batch] = symbolic(IMAGES)
    found = backend.compute_output_spec(network, batch, training=False)
    with known_outcomes(network, batch, None, None):
        known = backend.compute_output_spec(network, batch, training=False)
        assert is_built_for(network, IMAGES)
    assert (known.shape, known.dtype) == (found.shape, found.dtype)


def symbolic(*arrays: Any) -> list[Any]:
    """Batches of arrays as Keras traces them."""
    return [
        None if array is None else keras.KerasTensor((None, *array.shape[1:]), dtype=str(array.dtype))
        for array in arrays
    ]


def reset(network: Any) -> dict[str, float]:
    """What is measured, once it is zero, as it is before every epoch."""
    network.reset_metrics()
    return {name: float(value) for name, value in network.get_metrics_result().items()}


def state(network: Any) -> Any:
    """All that building has made."""
    settle(network.optimizer)
    losses = [(item.path, type(item.loss), item.loss_weights, item.name) for item in network._compile_loss._flat_losses]
    return variables(network), reset(network), losses


@pytest.mark.parametrize("make", BUILT)
def test_the_same_is_built(make: Callable[[], Any]) -> None:
    """Metrics and optimizer have the variables that Keras gives them."""
    ours, keras_own = compiled(make), compiled(make)
    before = backend.compute_output_spec
    build(ours, (IMAGES, LABELS, None))
    keras_own._symbolic_build(data_batch=(*symbolic(IMAGES, LABELS), None))

    assert not vars(ours.optimizer)["built"]
    assert settle(ours.optimizer).built
    assert state(ours) == state(keras_own)
    assert backend.compute_output_spec is before


NUMBERS, COLUMN, VECTORS = np.zeros((8,), np.uint8), np.zeros((8, 1), np.int64), np.zeros((8, 10), np.float32)
SPARSE, DENSE = "sparse_categorical_crossentropy", "categorical_crossentropy"
ACCURACY = ["accuracy"]
USUAL: list[tuple[Any, Any, Any]] = [
    (NUMBERS, SPARSE, ACCURACY),
    (COLUMN, SPARSE, ["acc"]),
    (NUMBERS, keras.losses.SparseCategoricalCrossentropy(from_logits=True), ACCURACY),
    (VECTORS, DENSE, ACCURACY),
    (VECTORS, keras.losses.CategoricalCrossentropy(label_smoothing=0.1), None),
    (NUMBERS, SPARSE, []),
]


@pytest.mark.parametrize(("labels", "loss", "metrics"), USUAL)
def test_usual_compilations_are_built_without_being_traced(labels: Any, loss: Any, metrics: Any) -> None:
    """And what comes of it is what Keras builds when it traces."""
    networks = []
    for _ in range(2):
        keras.backend.clear_session()
        networks.append(plain())
        networks[-1].compile("adam", loss, metrics=metrics)
    ours, keras_own = networks
    assert has_usual_compilation(ours, symbolic(labels)[0])
    build(ours, (IMAGES, labels, None))
    keras_own._symbolic_build(data_batch=(*symbolic(IMAGES, labels), None))
    assert state(ours) == state(keras_own)


def own_loss(_labels: Any, prediction: Any) -> Any:
    """A loss of the student's own."""
    return prediction[:, 0]


UNUSUAL: list[tuple[Any, dict[str, Any]]] = [
    (VECTORS, {"loss": SPARSE}),
    (NUMBERS, {"loss": DENSE}),
    (np.zeros((8, 9), np.float32), {"loss": DENSE}),
    (np.zeros((8, 2, 1)), {"loss": SPARSE}),
    (NUMBERS, {"loss": "mse"}),
    (NUMBERS, {"loss": own_loss}),
    (NUMBERS, {"loss": SPARSE, "loss_weights": [2.0]}),
    (NUMBERS, {"loss": SPARSE, "metrics": ["mse"]}),
    (NUMBERS, {"loss": SPARSE, "metrics": [keras.metrics.SparseCategoricalAccuracy()]}),
    (NUMBERS, {"loss": SPARSE, "metrics": {"dense": "accuracy"}}),
    (NUMBERS, {"loss": SPARSE, "weighted_metrics": ["accuracy"]}),
    (np.zeros((8,), bool), {"loss": SPARSE}),
]


@pytest.mark.parametrize(("labels", "compilation"), UNUSUAL)
def test_other_compilations_are_left_to_keras(labels: Any, compilation: dict[str, Any]) -> None:
    """What does not fit is told in Keras's words, and what fits is built as Keras does it."""
    outcomes = []
    for ours in (True, False):
        keras.backend.clear_session()
        network = plain()
        network.compile("adam", **compilation)
        assert not has_usual_compilation(network, symbolic(labels)[0])
        try:
            if ours:
                build(network, (IMAGES, labels, None))
            else:
                network._symbolic_build(data_batch=(*symbolic(IMAGES, labels), None))
            outcomes.append(state(network))
        except Exception as error:  # noqa: BLE001 - whatever Keras raises is compared
            outcomes.append((type(error), str(error)))
    assert outcomes[0] == outcomes[1]


def test_sample_weights_are_left_to_keras() -> None:
    """What they must look like is Keras's to judge."""
    weights = np.ones((8,))
    ours, keras_own = compiled(plain), compiled(plain)
    traced = []
    real = backend.compute_output_spec

    def watched(function: Any, *args: Any, **keywords: Any) -> Any:
        traced.append(function)
        return real(function, *args, **keywords)

    backend.compute_output_spec = watched
    try:
        build(ours, (IMAGES, NUMBERS, weights))
    finally:
        backend.compute_output_spec = real
    keras_own._symbolic_build(data_batch=(*symbolic(IMAGES, NUMBERS, weights),))
    assert traced == [ours.compute_metrics, ours._compute_loss]
    assert state(ours) == state(keras_own)


@pytest.mark.parametrize(
    "images", [np.zeros((8, 28, 28)), np.zeros((8, 14, 14, 1)), np.zeros((8, 784))], ids=["no_channel", "small", "flat"]
)
def test_other_images_are_left_to_keras(images: Any) -> None:
    """Keras adapts them or says what is wrong, as it does for the student."""
    network = compiled(plain)
    assert not is_built_for(network, images)
    said = []
    for attempt in (
        lambda: compiled(plain)._symbolic_build(data_batch=(*symbolic(images, LABELS), None)),
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
