"""Read a network from its canonical config: which layers are applied how often, and what comes first and last.

Everything here is arithmetic on JSON; Keras is not needed, so that a network can be judged where none is built.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Config = dict[str, Any]
CONVOLUTIONS = frozenset(
    [
        "Conv1D",
        "Conv2D",
        "Conv3D",
        "SeparableConv1D",
        "SeparableConv2D",
        "DepthwiseConv1D",
        "DepthwiseConv2D",
        "Conv1DTranspose",
        "Conv2DTranspose",
        "Conv3DTranspose",
    ]
)
POOLINGS = frozenset(
    [
        "MaxPooling1D",
        "MaxPooling2D",
        "MaxPooling3D",
        "AveragePooling1D",
        "AveragePooling2D",
        "AveragePooling3D",
        "GlobalMaxPooling1D",
        "GlobalMaxPooling2D",
        "GlobalMaxPooling3D",
        "GlobalAveragePooling1D",
        "GlobalAveragePooling2D",
        "GlobalAveragePooling3D",
    ]
)


@dataclass(frozen=True)
class Applied:
    """A layer, and how often the graph calls it."""

    name: str
    class_name: str
    times: int
    config: Config


def applied_layers(model: Config, times: int = 1) -> list[Applied]:
    """All layers in order, through nested models and wrappers; inputs are left out."""
    found: list[Applied] = []
    for layer in model["config"]["layers"]:
        kind = layer["class_name"]
        count = times * (len(layer["inbound_nodes"]) if "inbound_nodes" in layer else 1)
        if kind in ("Sequential", "Functional"):
            found += applied_layers(layer, count)
        elif kind == "TimeDistributed":
            inner = layer["config"]["layer"]
            found.append(Applied(inner["config"]["name"], inner["class_name"], count, inner["config"]))
        elif kind != "InputLayer":
            found.append(Applied(layer["config"]["name"], kind, count, layer["config"]))
    return found


@dataclass(frozen=True)
class Preparation:
    """What leading `Reshape` and `Rescaling` layers do to the images before anything else sees them."""

    shape: tuple[int, ...]
    scale: float = 1.0
    offset: float = 0.0


def preparation(model: Config, shape: tuple[int, ...]) -> Preparation:
    """Follow the leading layers of a network from images of `shape` (without the batch axis)."""
    done = Preparation(shape)
    for layer in applied_layers(model):
        if layer.class_name == "Reshape":
            done = Preparation(reshaped(done.shape, layer.config["target_shape"]), done.scale, done.offset)
        elif layer.class_name == "Rescaling":
            scale, offset = float(layer.config["scale"]), float(layer.config.get("offset") or 0.0)
            done = Preparation(done.shape, done.scale * scale, done.offset * scale + offset)
        else:
            break
    return done


def reshaped(shape: tuple[int, ...], target: list[int]) -> tuple[int, ...]:
    """The shape after a Reshape; one -1 stands for what is left."""
    known, total = 1, 1
    for size in target:
        known *= size if size > 0 else 1
    for size in shape:
        total *= size
    return tuple(size if size > 0 else total // max(known, 1) for size in target)


ACTIVATIONS = frozenset(["Activation", "ReLU", "Softmax", "LeakyReLU", "ELU", "PReLU"])


def activation_of(layer: Applied) -> str:
    """The activation of a layer, or the one that it is: `relu`, `softmax`, `linear`, or another word."""
    if layer.class_name in ACTIVATIONS - {"Activation"}:
        return layer.class_name.lower()
    activation = layer.config.get("activation") or "linear"
    return str(activation["class_name"]).lower() if isinstance(activation, dict) else str(activation)


def final_activation(model: Config) -> str:
    """The activation of the last layer: `softmax`, `linear`, or another word."""
    layers = applied_layers(model)
    return activation_of(layers[-1]) if layers else "linear"


def activations(layers: Sequence[Applied]) -> list[tuple[Applied, str]]:
    """Each convolution and dense layer with its activation, which a layer of its own behind it may hold."""
    found: list[tuple[Applied, str]] = []
    for layer in layers:
        if layer.class_name in CONVOLUTIONS or layer.class_name == "Dense":
            found.append((layer, activation_of(layer)))
        elif layer.class_name in ACTIVATIONS and found:
            found[-1] = (found[-1][0], activation_of(layer))
    return found


def uses_logits(compiled: Config) -> bool:
    """True if the loss expects logits."""
    loss = compiled["loss"]
    return isinstance(loss, dict) and bool(loss["config"].get("from_logits"))


def same_size(size: int, kernel: int, stride: int, padding: str) -> int:
    """Output size of a convolution or pooling along one axis (`valid`: no padding; `same`: as many as strides fit).

    Source: the Keras documentation of `Conv2D` and `MaxPooling2D`.
    """
    if padding == "same":
        return -(-size // stride)
    return (size - kernel) // stride + 1
