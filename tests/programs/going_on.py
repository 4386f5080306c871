"""Trains requests in one go, and in two parts; prints whether both are equal to the last bit. Run by a test."""

import json
import sys
from typing import Any

import keras
import numpy as np

from grader.trainer import jobs
from grader.wire.frames import Frame

jobs.single_thread()
rng = np.random.default_rng(3)
IMAGES = rng.random((230, 12, 12, 1), dtype=np.float32)
LABELS = rng.integers(0, 10, 230)
HELD_OUT = rng.random((50, 12, 12, 1), dtype=np.float32), rng.integers(0, 10, 50)
SENT = (IMAGES, LABELS, *HELD_OUT)
TABLE = {name: {"sent": place} for place, name in enumerate(("x", "y", "vx", "vy"))}
layers = keras.layers


class Collector:
    """In place of the channel."""

    def __init__(self) -> None:
        self.frames: list[tuple[dict[str, Any], list[Any]]] = []

    def send(self, body: dict[str, Any], arrays: Any = ()) -> None:
        """Keep it."""
        self.frames.append((body, list(arrays)))

    def receive(self) -> None:
        """Nothing."""


def link(middle: list[Any], optimizer: Any = None, **changes: Any) -> dict[str, Any]:
    """A request as the trainer reads it."""
    model = keras.Sequential(
        [
            keras.Input((12, 12, 1)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.MaxPooling2D(2),
            *middle,
            layers.Flatten(),
            layers.Dense(16, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        optimizer=optimizer or keras.optimizers.Adam(0.01), loss="sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    fit = {
        "batch_size": 32,
        "epochs": 5,
        "initial_epoch": 0,
        "shuffle": True,
        "validation_split": 0.0,
        "validation_batch_size": None,
        "validation_freq": 1,
        "class_weight": None,
    }
    plain: dict[str, Any] = {
        "model": json.loads(model.to_json()),
        "compile": model.get_compile_config(),
        "x": "x",
        "y": "y",
        "sample_weight": None,
        "validation": [],
        "fit": fit,
        "learning_rates": [],
        "batch_logs": False,
        "stop_batch": None,
        "recompiled": False,
    }
    for key, value in changes.items():
        (fit if key in fit else plain)[key] = value
    return plain


PLATEAU: dict[str, Any] = {
    "kind": "ReduceLROnPlateau",
    "config": {"monitor": "loss", "factor": 0.5, "patience": 1, "min_delta": 0.05, "cooldown": 1},
    "table": [],
}
FALLING = keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.05, 5, 0.9), momentum=0.9)
RATES = {"kind": "table", "config": {}, "table": [0.01, 0.008, 0.006, 0.004, 0.002]}
ORDERS: dict[str, list[dict[str, Any]]] = {
    "dropout, noise, batch normalisation, held-out data": [
        link(
            [layers.Dropout(0.3), layers.GaussianNoise(0.1), layers.BatchNormalization()],
            validation=["vx", "vy"],
            validation_freq=2,
        )
    ],
    "a plateau of held-out data": [
        link(
            [],
            learning_rates=[{**PLATEAU, "config": {**PLATEAU["config"], "monitor": "val_loss"}}],
            validation_split=0.2,
        )
    ],
    "a table of rates, not from the first epoch, logs of batches": [
        link([], learning_rates=[RATES], initial_epoch=1, epochs=6, batch_logs=True)
    ],
    "fitted before": [link([layers.Dropout(0.2)], epochs=2), link([layers.Dropout(0.2)], batch_size=50)],
    "compiled again with momentum and a schedule, not shuffled": [
        link([], epochs=2),
        link([], FALLING, recompiled=True, shuffle=False),
    ],
}
PARTS = [
    *((name, False, 3) for name in ORDERS),
    ("fitted before", False, 0),
    ("dropout, noise, batch normalisation, held-out data", True, 1),
    ("fitted before", True, 0),
]
"""(order, whether by fused arithmetic, how many epochs of the last request are known)."""


def run(chain: list[dict[str, Any]], epochs: int, fused: bool, resume: Any = None, state: Any = ()) -> Collector:
    """Carry out an order, its last request up to `epochs`."""
    last = {**chain[-1], "fit": {**chain[-1]["fit"], "epochs": chain[-1]["fit"]["initial_epoch"] + epochs}}
    order = {
        "chain": [*chain[:-1], last],
        "seed": 5,
        "threshold": None,
        "arrays": TABLE,
        "keep_weights": True,
        "keep_state": True,
        "fused": fused,
        "resume": resume,
    }
    channel = Collector()
    jobs.train(Frame(order, (*SENT, *state)), channel)  # type: ignore[arg-type]
    closing = channel.frames[-1][0]
    assert not closing["problem"], closing
    assert "mismatch" not in closing, closing
    return channel


def facts(channel: Collector) -> list[Any]:
    """Logs, weights and logs of batches of each epoch, and the state at the end."""
    found = [
        [body["epoch"], body["logs"], [array.tobytes().hex() for array in arrays]]
        for body, arrays in channel.frames[:-1]
    ]
    body, arrays = channel.frames[-1]
    return [*found, [body["state"], [array.tobytes().hex() for array in arrays]]]


def equal(name: str, fused: bool, known: int) -> bool:
    """Whether the epochs after `known`, gone on with, are those of a training in one go."""
    chain, epochs = ORDERS[name], 5
    whole = facts(run(chain, epochs, fused))
    if known:
        first, resume = run(chain, known, fused), {"link": len(chain) - 1, "epochs": known}
    else:
        first, resume = run(chain[:-1], 2, fused), {"link": len(chain) - 2, "epochs": 2}
    body, state = first.frames[-1]
    resume |= {"rules": body["state"]["rules"], "first_array": len(SENT)}
    assert state, name
    return whole[known:] == facts(run(chain, epochs, fused, resume, state))


def main() -> None:
    """All orders."""
    found = {}
    for name, fused, known in PARTS:
        found[f"{name}; {'fused' if fused else 'exact'}; {known} known"] = equal(name, fused, known)
    wrong = run(ORDERS["a plateau of held-out data"], 2, False).frames[-1]
    channel = Collector()
    order = {"chain": ORDERS["fitted before"][:1], "seed": 5, "threshold": None, "arrays": TABLE, "keep_weights": True}
    resume = {"link": 0, "epochs": 2, "rules": [{}], "first_array": len(SENT)}
    order |= {"keep_state": True, "fused": False, "resume": resume}
    jobs.train(Frame(order, (*SENT, *wrong[1][:-1])), channel)  # type: ignore[arg-type]
    found["mismatch"] = bool(channel.frames[-1][0].get("mismatch")) and not channel.frames[-1][0]["problem"]
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
