"""Reading a network from its canonical config: layers as applied, preparation, ends, sizes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.judging.network import (
    Preparation,
    activations,
    applied_layers,
    final_activation,
    preparation,
    reshaped,
    same_size,
    uses_logits,
)
from grader.training.walk import canonical_compile, canonical_model
from tests.factories import keras_config


def canonical(name: str) -> dict[str, Any]:
    return canonical_model(keras_config(name)["model"])


def sequential(*layers: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """A canonical Sequential model of these classes and arguments."""
    listed = [
        {"class_name": kind, "config": {"name": f"layer_{index}", **config}}
        for index, (kind, config) in enumerate(layers)
    ]
    return {"class_name": "Sequential", "config": {"layers": listed}}


def applied(name: str) -> list[tuple[str, int]]:
    return [(layer.class_name, layer.times) for layer in applied_layers(canonical(name))]


def test_layers_of_a_sequential_model_are_applied_once() -> None:
    """All layers but the input, in order, once each."""
    assert applied("sequential") == [("Conv2D", 1), ("MaxPooling2D", 1), ("Flatten", 1), ("Dense", 1), ("Dense", 1)]


def test_a_layer_called_twice_is_applied_twice() -> None:
    """In a graph, one layer object counts as often as it is called."""
    layers = applied_layers(canonical("functional_residual"))
    assert [(layer.name, layer.times) for layer in layers if layer.class_name == "Conv2D"] == [
        ("layer_2", 1),
        ("layer_3", 2),
    ]


def test_layers_of_a_nested_model_count() -> None:
    """A convolution inside a block is a convolution of the network."""
    assert applied("functional_nested") == [("Conv2D", 1), ("MaxPooling2D", 1), ("Flatten", 1), ("Dense", 1)]


def test_layers_of_a_block_called_twice_count_twice() -> None:
    """A nested model that is called twice applies its layers twice."""
    block = sequential(("Conv2D", {})) | {"inbound_nodes": [{}, {}]}
    layers = applied_layers({"class_name": "Functional", "config": {"layers": [block]}})
    assert [(layer.class_name, layer.times) for layer in layers] == [("Conv2D", 2)]


def test_a_wrapped_layer_is_what_is_inside() -> None:
    """`TimeDistributed(Conv1D)` is a Conv1D."""
    assert ("Conv1D", 1) in applied("sequential_wrapped")


@pytest.mark.parametrize(
    ("layers", "shape", "found"),
    [
        ([], (28, 28, 1), Preparation((28, 28, 1))),
        ([("Reshape", {"target_shape": [28, 28, 1]})], (784,), Preparation((28, 28, 1))),
        ([("Rescaling", {"scale": 1 / 255, "offset": 0.0})], (28, 28), Preparation((28, 28), 1 / 255, 0.0)),
        (
            [("Rescaling", {"scale": 2.0, "offset": 1.0}), ("Rescaling", {"scale": 3.0, "offset": None})],
            (1,),
            Preparation((1,), 6.0, 3.0),
        ),
        ([("Conv2D", {}), ("Rescaling", {"scale": 2.0})], (28, 28, 1), Preparation((28, 28, 1))),
    ],
    ids=["nothing", "reshape", "rescaling", "two_rescalings", "later_rescaling"],
)
def test_leading_layers_prepare_the_images(
    layers: list[tuple[str, dict[str, Any]]], shape: tuple[int, ...], found: Preparation
) -> None:
    """Leading Reshape and Rescaling layers are followed: scales multiply, later layers do not count."""
    assert preparation(sequential(*layers), shape) == found


def test_preparation_looks_through_the_input_layer() -> None:
    """The input layer, as Keras writes it, is no obstacle."""
    ready = preparation(canonical("sequential_wrapped"), (28, 28))
    assert ready.shape == (28, 28, 1)
    assert ready.scale == pytest.approx(1 / 255)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.data())
def test_reshape_with_one_unknown_keeps_the_size(target: list[int], data: st.DataObject) -> None:
    """A -1 in a target shape stands for what is left."""
    place = data.draw(st.integers(0, len(target) - 1))
    unknown = [-1 if index == place else size for index, size in enumerate(target)]
    assert reshaped(tuple(reversed(target)), unknown) == tuple(target)


@pytest.mark.parametrize(
    ("last", "activation"),
    [
        (("Dense", {"activation": "softmax"}), "softmax"),
        (("Dense", {"activation": "linear"}), "linear"),
        (("Dense", {"activation": None}), "linear"),
        (("Dense", {}), "linear"),
        (("Softmax", {"axis": -1}), "softmax"),
        (("Activation", {"activation": "softmax"}), "softmax"),
        (("Dense", {"activation": {"class_name": "Softmax", "config": {}}}), "softmax"),
        (("Dense", {"activation": {"class_name": "ReLU", "config": {}}}), "relu"),
    ],
)
def test_activation_at_the_end(last: tuple[str, dict[str, Any]], activation: str) -> None:
    """The last layer's activation, whether it is an argument, a layer, or an object."""
    assert final_activation(sequential(("Flatten", {}), last)) == activation


def test_a_network_of_nothing_is_linear() -> None:
    """A model without layers has no activation."""
    assert final_activation(sequential()) == "linear"


@pytest.mark.parametrize(
    ("name", "logits"), [("sequential", False), ("functional_nested", True), ("wrapped_loss", False)]
)
def test_loss_says_whether_it_expects_logits(name: str, logits: bool) -> None:
    """A loss by name expects probabilities; an object says it with `from_logits`."""
    config = keras_config(name)["compile"] | {"metrics": None}
    assert uses_logits(canonical_compile(config)) is logits


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "after"),
    [
        (28, 3, 1, "valid", 26),
        (28, 3, 1, "same", 28),
        (26, 2, 2, "valid", 13),
        (13, 2, 2, "valid", 6),
        (13, 2, 2, "same", 7),
    ],
)
def test_size_after_a_convolution_or_pooling(size: int, kernel: int, stride: int, padding: str, after: int) -> None:
    """28 pixels under a kernel of 3 are 26, pooled by 2 they are 13; with `same` padding ⌈size / stride⌉."""
    assert same_size(size, kernel, stride, padding) == after


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 5))
def test_size_is_the_number_of_places_of_the_window(size: int, kernel: int, stride: int) -> None:
    """Without padding, the size is the number of places where the window lies inside the image."""
    places = [start for start in range(0, size, stride) if start + kernel <= size]
    if kernel <= size:
        assert same_size(size, kernel, stride, "valid") == len(places)


def test_activations_may_stand_in_a_layer_of_their_own() -> None:
    """Behind a convolution or dense layer, also with a pooling between; leaky ones are others."""
    network = sequential(
        ("Conv2D", {"activation": "relu"}),
        ("MaxPooling2D", {}),
        ("Conv2D", {"activation": "linear"}),
        ("ReLU", {}),
        ("Dense", {"activation": {"class_name": "ReLU", "config": {}}}),
        ("Dense", {}),
        ("LeakyReLU", {}),
        ("Dense", {"activation": None}),
        ("Activation", {"activation": "softmax"}),
    )
    found = [activation for _, activation in activations(applied_layers(network))]
    assert found == ["relu", "relu", "relu", "leakyrelu", "softmax"]
