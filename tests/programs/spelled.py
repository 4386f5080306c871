"""Describe trainings as the guest does, and carry them out with plain Keras where that is asked for.

python spelled.py DATASETS < {name: [program, whether to train]} > {name: {"body": …, "history": …, "weights": …}}

Each program builds a model and calls `fit(model, …)`.
"""

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import keras
import numpy as np
import tensorflow as tf

from grader.guest.capture import bind_fit, capture_fit

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
datasets = Path(sys.argv[1])
x_mnist, y_mnist = (np.load(datasets / "mnist" / f"{name}.npy", mmap_mode="r") for name in ("x_train", "y_train"))
found: dict[str, dict[str, Any]] = {}


def chain(*layers: Any) -> Any:
    """A small network that ends in ten classes."""
    ends = layers or (keras.layers.Dense(4, activation="relu"), keras.layers.Dense(10, activation="softmax"))
    return keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), *ends])


def compiled(model: Any, **arguments: Any) -> Any:
    """A model compiled as usual, or otherwise."""
    usual = {"optimizer": "adam", "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}
    model.compile(**{**usual, **arguments})
    return model


def make_fit(name: str, train: bool) -> Any:
    """What a program calls in place of `model.fit`."""

    def fit(model: Any, **arguments: Any) -> None:
        usual = {"x": x_mnist[:160].reshape(-1, 28, 28, 1) / 255.0, "y": y_mnist[:160], "epochs": 2, "verbose": 0}
        arguments = {**usual, **arguments}
        found[name] = {"body": capture_fit(model, bind_fit(model.fit, (), arguments)).body}
        if train:
            history = model.fit(**arguments).history
            digest = hashlib.sha256(b"".join(np.ascontiguousarray(w).tobytes() for w in model.get_weights()))
            found[name] |= {"history": history, "weights": digest.hexdigest()}

    return fit


programs = json.loads(sys.stdin.read())
for name, (text, train) in programs.items():
    keras.utils.set_random_seed(1)
    names = {"keras": keras, "layers": keras.layers, "tf": tf, "np": np, "chain": chain, "compiled": compiled}
    names |= {"x_mnist": x_mnist, "y_mnist": y_mnist, "fit": make_fit(name, train)}
    exec(compile(text, name, "exec"), names)  # noqa: S102 - programs of our own
sys.stdout.write("\nRESULT " + json.dumps(found) + "\n")
