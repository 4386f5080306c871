"""Compares fused arithmetic with Keras's own, network by network; prints the differences. Run by a test."""

import json
import sys
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from grader.trainer.fused import fuse, fuse_optimizer
from grader.trainer.jobs import single_thread

single_thread()
layers = keras.layers
rng = np.random.default_rng(4)


def images(rows: int, columns: int, channels: int) -> Any:
    """Images with flat parts, as drawings have them: there the largest of a window is not alone."""
    found = rng.random((96, rows, columns, channels), dtype=np.float32)
    found[found < 0.5] = 0
    found[:, : rows // 3] = 1
    return found


def ends() -> list[Any]:
    """The end of a network."""
    return [layers.Flatten(), layers.Dense(20, activation="relu"), layers.Dense(10, activation="softmax")]


NETWORKS: dict[str, tuple[tuple[int, int, int], Callable[[], list[Any]]]] = {
    "reference": ((28, 28, 1), lambda: [layers.Conv2D(8, 3, activation="relu"), layers.MaxPooling2D(2), *ends()]),
    "same size, odd images": (
        (15, 18, 1),
        lambda: [layers.Conv2D(6, (3, 2), padding="same", activation="relu"), layers.MaxPooling2D((3, 2)), *ends()],
    ),
    "three channels, no bias, large kernel": (
        (20, 20, 3),
        lambda: [layers.Conv2D(6, 5, use_bias=False), layers.MaxPooling2D(2), *ends()],
    ),
    "scaled inside, two convolutions": (
        (19, 19, 1),
        lambda: [
            layers.Rescaling(0.5),
            layers.Conv2D(6, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(7, 3, activation="relu"),
            layers.MaxPooling2D(3),
            *ends(),
        ],
    ),
    "a convolution of what another has reshaped": (
        (16, 16, 1),
        lambda: [
            layers.Conv2D(4, 3, activation="relu"),
            layers.Reshape((14, 14, 4)),
            layers.Conv2D(5, 3, activation="relu"),
            layers.MaxPooling2D(2),
            *ends(),
        ],
    ),
    "a convolution inside of a model that follows another": (
        (16, 16, 1),
        lambda: [
            layers.Conv2D(4, 3, activation="relu"),
            keras.Sequential(
                [keras.Input((14, 14, 4)), layers.Conv2D(5, 3, activation="relu"), layers.MaxPooling2D(2)]
            ),
            *ends(),
        ],
    ),
    "wide dense": (
        (28, 28, 1),
        lambda: [layers.Flatten(), layers.Dense(30, activation="tanh"), layers.Dense(10, "softmax")],
    ),
}
OPTIMIZERS: dict[str, Callable[[float], Any]] = {
    "reference": lambda rate: keras.optimizers.AdamW(rate, weight_decay=0.02, clipnorm=0.5),
    "wide dense": lambda rate: keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(rate, 2, 0.8)),
}
"""What else than Adam with a fixed rate trains a network."""
UNTOUCHED: dict[str, Callable[[], list[Any]]] = {
    "strides": lambda: [layers.Conv2D(4, 3, strides=2), layers.MaxPooling2D(2, strides=1)],
    "dilation": lambda: [layers.Conv2D(4, 3, dilation_rate=2), layers.MaxPooling2D(2, padding="same")],
    "another activation": lambda: [layers.Conv2D(4, 3, activation="tanh"), layers.AveragePooling2D(2)],
    "watched output": lambda: [
        layers.Conv2D(4, 3, activation="relu", activity_regularizer="l2"),
        layers.MaxPooling2D(2, strides=1),
    ],
    "no pooling": lambda: [layers.Conv2D(4, 3, activation="elu"), layers.MaxPooling2D(1)],
}


def build(name: str, fused: bool) -> Any:
    """A compiled network."""
    keras.utils.set_random_seed(1)
    shape, make = NETWORKS[name]
    model = keras.Sequential([keras.Input(shape), *make()])
    optimizer = OPTIMIZERS.get(name, keras.optimizers.Adam)(0.002)
    if fused:
        fuse(model)
        fuse_optimizer(optimizer)
    model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False)
    return model


def gradients(model: Any, x: Any, y: Any) -> tuple[Any, list[Any]]:
    """Outputs, and the gradients of all weights."""
    with tf.GradientTape() as tape:
        outputs = model(x, training=True)
        loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(y, outputs))
    return outputs.numpy(), [item.numpy() for item in tape.gradient(loss, [v.value for v in model.trainable_variables])]


def compare(name: str) -> dict[str, Any]:
    """How far outputs, gradients and losses of some epochs lie apart, and whether fused ones repeat."""
    x = images(*NETWORKS[name][0])
    y = rng.integers(0, 10, len(x))
    plain, fused = build(name, False), build(name, True)
    (outputs, slopes), (others, other_slopes) = gradients(plain, x, y), gradients(fused, x, y)
    scale = [float(np.abs(item).max()) or 1.0 for item in slopes]
    losses = [model.fit(x, y, epochs=3, verbose=0).history["loss"] for model in (plain, fused)]
    again = build(name, True)
    repeated = again.fit(x, y, epochs=3, verbose=0).history["loss"]
    return {
        "outputs": float(np.abs(outputs - others).max()),
        "gradients": max(
            float(np.abs(a - b).max()) / size for a, b, size in zip(slopes, other_slopes, scale, strict=True)
        ),
        "losses": max(abs(a - b) for a, b in zip(*losses, strict=True)),
        "repeats": repeated == losses[1],
        "learns": losses[0][-1] < losses[0][0],
        "names": [v.path.rpartition("/")[2] for v in plain.variables]
        == [v.path.rpartition("/")[2] for v in fused.variables],
        "exchanged": sum("call" in vars(layer) for layer in fused.layers),
        "sizes": [len(fused.predict(x[:count], verbose=0)) for count in (1, 96)],
    }


def untouched(name: str) -> int:
    """How many layers of a network that is not understood are exchanged all the same."""
    model = keras.Sequential(
        [keras.Input((14, 14, 1)), *UNTOUCHED[name](), layers.GlobalMaxPooling2D(), layers.Dense(10)]
    )
    fuse(model)
    return sum("call" in vars(layer) for layer in model.layers)


def shared() -> int:
    """The same for a convolution whose output two layers look at."""
    inputs = keras.Input((12, 12, 1))
    seen = layers.Conv2D(4, 3, activation="relu")(inputs)
    pooled = layers.Flatten()(layers.MaxPooling2D(5)(seen))
    beside = layers.GlobalAveragePooling2D()(seen)
    model = keras.Model(inputs, layers.Dense(10, activation="softmax")(layers.Concatenate()([pooled, beside])))
    fuse(model)
    return sum("call" in vars(layer) for layer in model.layers)


def given_out() -> int:
    """The same for a convolution whose output is one of the model's own."""
    inputs = keras.Input((12, 12, 1))
    seen = layers.Conv2D(4, 3, activation="relu")(inputs)
    fuse(model := keras.Model(inputs, [seen, layers.Dense(10)(layers.Flatten()(layers.MaxPooling2D(2)(seen)))]))
    return sum("call" in vars(layer) for layer in model.layers if type(layer) is layers.Conv2D)


def optimizers() -> dict[str, bool]:
    """Which optimizers are exchanged."""
    found = {}
    for name, optimizer in {
        "Adam": keras.optimizers.Adam(),
        "AdamW": keras.optimizers.AdamW(),
        "amsgrad": keras.optimizers.Adam(amsgrad=True),
        "accumulating": keras.optimizers.Adam(gradient_accumulation_steps=2),
        "Nadam": keras.optimizers.Nadam(),
        "SGD": keras.optimizers.SGD(),
    }.items():
        fuse_optimizer(optimizer)
        found[name] = "update_step" in vars(optimizer)
    return found


if __name__ == "__main__":
    json.dump(
        {
            "networks": {name: compare(name) for name in NETWORKS},
            "untouched": {
                **{name: untouched(name) for name in UNTOUCHED},
                "shared": shared(),
                "given out": given_out(),
            },
            "optimizers": optimizers(),
        },
        sys.stdout,
    )
