"""Epochs per second and core: the trainer's two arithmetics against plain `fit`, and against what the machine allows.

    python bench/trainer.py [--steps 200] [--rounds 5] [--json FILE]
    python bench/trainer.py --curves 5 [--json FILE]

Everything runs on one thread of one process. Short runs of plain Keras (`steps_per_execution=1`), of the trainer in its
exact mode and of the trainer's fused mode take turns; medians of processor seconds count. The machine's limit is computed
from two rates measured beside it: multiply-adds per second of a matrix product of a thousand rows, and bytes per second
of a sum of vectors that together are as large as weights, moments and gradient of these networks, so that they lie where
those lie. A layer cannot be faster than its operations by the first, nor than its unavoidable traffic by the second; the
sum of the larger of both over the layers is the *roofline*.

With `--curves`, whole epochs of all of MNIST or Fashion-MNIST are trained by both arithmetics from one seed, and the
differences of their accuracies are printed: that is where `grader/judging/tolerance.py` has its numbers from.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np

from grader.pipeline import places
from grader.trainer.fused import fuse, fuse_optimizer
from grader.trainer.jobs import STEPS_PER_EXECUTION, single_thread

BATCH = 32
WORKING_SET = 12 * 2**20
"""Bytes: weights, two moments and gradient of the network with 32 filters."""
MODES = ("plain", "exact", "fused")
layers = keras.layers


def conv(filters: int, units: int = 128) -> list[Any]:
    """One convolution, one pooling."""
    return [
        layers.Conv2D(filters, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(units, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ]


NETWORKS: dict[str, Callable[[], list[Any]]] = {
    "32 filters": lambda: conv(32),
    "64 filters": lambda: conv(64),
    "two convolutions": lambda: [
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(2),
        *conv(64),
    ],
    "dense 512": lambda: [
        layers.Flatten(),
        layers.Dense(512, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ],
}


def build(name: str, mode: str) -> Any:
    """A compiled network; `mode` says whose arithmetic."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((28, 28, 1)), *NETWORKS[name]()])
    optimizer = keras.optimizers.Adam()
    if mode == "fused":
        fuse(model)
        fuse_optimizer(optimizer)
    steps = 1 if mode == "plain" else STEPS_PER_EXECUTION
    model.compile(
        optimizer=optimizer,
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=steps,
        jit_compile=False,
    )
    return model


def data(name: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Images between 0 and 1, and labels."""
    folder = places.datasets() / name
    images = np.load(folder / "x_train.npy").reshape(-1, 28, 28, 1).astype("float32") / 255
    return images, np.load(folder / "y_train.npy").astype("int64")


def step_seconds(steps: int, rounds: int, name: str) -> dict[str, float]:
    """Median processor seconds of a step, by mode; the modes take turns."""
    images, labels = data("mnist")
    images, labels = images[: steps * BATCH], labels[: steps * BATCH]
    models = {mode: build(name, mode) for mode in MODES}
    for model in models.values():
        model.fit(images[: 50 * BATCH], labels[: 50 * BATCH], batch_size=BATCH, verbose=0)
    seconds: dict[str, list[float]] = {mode: [] for mode in MODES}
    for _ in range(rounds):
        for mode, model in models.items():
            started = time.process_time()
            model.fit(images, labels, batch_size=BATCH, verbose=0)
            seconds[mode].append((time.process_time() - started) / steps)
    return {mode: statistics.median(values) for mode, values in seconds.items()}


def best_of(work: Callable[[], object], repeats: int = 15) -> float:
    """The shortest time of several."""
    times = []
    for _ in range(repeats):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return min(times)


def machine() -> tuple[float, float]:
    """(multiply-adds, bytes) per second of one core."""
    import tensorflow as tf

    rng = np.random.default_rng(0)
    square = tf.constant(rng.random((1024, 1024), dtype=np.float32))
    rate = 1024**3 / best_of(lambda: tf.matmul(square, square))
    one, two, total = (np.ones(WORKING_SET // 12, np.float32) for _ in range(3))
    traffic = WORKING_SET / best_of(lambda: np.add(one, two, out=total), 100)
    return rate, traffic


def needs(name: str) -> list[tuple[float, float]]:
    """(multiply-adds, bytes) of a step that cannot be saved, by layer.

    Each weight is read forwards and backwards, its gradient written and read, and Adam reads and writes the weight and
    its two moments: ten times four bytes. The output of a layer that computes is written and read once forwards and once
    backwards. The first such layer has no gradient of its input.
    """
    found: list[tuple[float, float]] = []
    for layer in build(name, "plain").layers:
        if layer.count_params():
            shape = [int(size) for size in layer.output.shape[1:]]
            passes = 3 if found else 2
            operations = passes * BATCH * layer.count_params() * int(np.prod(shape[:-1]))
            found.append((operations, 40.0 * layer.count_params() + 16.0 * BATCH * int(np.prod(shape))))
    return found


def measure(steps: int, rounds: int) -> dict[str, Any]:
    """Rows of the table, and the machine's rates."""
    operations_rate, traffic_rate = machine()
    rows = []
    for name in NETWORKS:
        seconds = step_seconds(steps, rounds, name)
        bound = sum(max(work / operations_rate, traffic / traffic_rate) for work, traffic in needs(name))
        rows.append(
            {
                "network": name,
                **{f"{mode}_ms": 1000 * value for mode, value in seconds.items()},
                "roofline_ms": 1000 * bound,
                "exact_ratio": seconds["plain"] / seconds["exact"],
                "fused_ratio": seconds["plain"] / seconds["fused"],
                "roofline_ratio": seconds["plain"] / bound,
            }
        )
    return {"gflops": 2e-9 * operations_rate, "gbytes": 1e-9 * traffic_rate, "rows": rows}


def curves(epochs: int) -> dict[str, Any]:
    """How far the two arithmetics lie apart after each epoch; printed as they come."""
    rows = []
    for dataset in ("mnist", "fashion_mnist"):
        images, labels = data(dataset)
        test = np.load(places.datasets() / dataset / "x_test.npy").reshape(-1, 28, 28, 1).astype("float32") / 255
        truth = np.load(places.datasets() / dataset / "y_test.npy").astype("int64")
        for name in NETWORKS:
            found = {}
            for mode in ("exact", "fused"):
                history = build(name, mode).fit(
                    images, labels, batch_size=BATCH, epochs=epochs, validation_data=(test, truth), verbose=0
                )
                found[mode] = history.history
            for key in ("accuracy", "val_accuracy", "loss"):
                exact = [float(value) for value in found["exact"][key]]
                apart = [float(fused) - value for fused, value in zip(found["fused"][key], exact, strict=True)]
                rows.append({"dataset": dataset, "network": name, "key": key, "exact": exact, "apart": apart})
                line = "  ".join(f"{value:.5f} {other:+.5f}" for value, other in zip(exact, apart, strict=True))
                print(f"{dataset} {name}: {key}: {line}", flush=True)
    return {"rows": rows}


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--curves", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    single_thread()
    if options.curves:
        differences = curves(options.curves)
        if options.json:
            options.json.write_text(json.dumps(differences, indent=1))
        return
    found = measure(options.steps, options.rounds)
    print(f"one core: {found['gflops']:.0f} GFLOP/s, {found['gbytes']:.1f} GB/s")
    for row in found["rows"]:
        print(
            f"{row['network']:17} plain {row['plain_ms']:6.2f} ms a step, exact {row['exact_ms']:6.2f} "
            f"({row['exact_ratio']:.2f} times as fast), fused {row['fused_ms']:6.2f} ({row['fused_ratio']:.2f}), "
            f"roofline {row['roofline_ms']:.2f} ({row['roofline_ratio']:.2f})"
        )
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
