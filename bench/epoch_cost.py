"""What an epoch costs, against what `grader/training/cost.py` foretells; and the three rates that fit best.

    python bench/epoch_cost.py [--steps 200]

Networks of the course and some beside are trained by plain Keras on one thread, a few hundred steps each. Printed:
processor seconds of a step, measured and foretold, and rates fitted to these measurements. Only their proportions matter: a run
learns from its own epochs how fast its machine is.
"""

import argparse
import os
import statistics
import time
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import tensorflow as tf

from grader.model.training import ArrayRef, Description, FitSettings, Layer, TrainingRequest
from grader.training.cost import PASSES, epoch_cost, operations_per_sample

BATCH = 32
layers = keras.layers
NETWORKS: dict[str, list[Any]] = {
    "one dense layer": [layers.Flatten(), layers.Dense(10)],
    "dense 512": [layers.Flatten(), layers.Dense(512, activation="relu"), layers.Dense(10)],
    "dense 1024, twice": [
        layers.Flatten(),
        *(layers.Dense(1024, activation="relu") for _ in range(2)),
        layers.Dense(10),
    ],
    "convolution 16": [
        layers.Conv2D(16, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(128, activation="relu"),
        layers.Dense(10),
    ],
    "convolution 32": [
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(128, activation="relu"),
        layers.Dense(10),
    ],
    "convolutions 64, 64": [
        layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(128, activation="relu"),
        layers.Dense(10),
    ],
}


def step_seconds(model: Any, steps: int) -> float:
    """Processor seconds of a step, median of three short runs: another program does not change them much."""
    rng = np.random.default_rng(0)
    x, y = rng.random((BATCH * steps, 28, 28, 1), np.float32), rng.integers(0, 10, BATCH * steps)
    model.fit(x, y, batch_size=BATCH, epochs=1, verbose=0)
    seconds = []
    for _ in range(3):
        started = time.process_time()
        model.fit(x, y, batch_size=BATCH, epochs=1, verbose=0)
        seconds.append((time.process_time() - started) / steps)
    return statistics.median(seconds)


def described(model: Any) -> Description:
    """The network as the trainer would describe it."""
    return Description(
        layers=tuple(
            Layer(
                name=layer.name,
                class_name=type(layer).__name__,
                output_shape=tuple(layer.output.shape),
                parameters=int(layer.count_params()),
            )
            for layer in model.layers
        ),
        parameters=int(model.count_params()),
    )


def request(steps: int) -> TrainingRequest:
    """So many steps an epoch."""
    x = ArrayRef(digest="0" * 64, dtype="float32", shape=(BATCH * steps, 28, 28, 1))
    y = ArrayRef(digest="0" * 64, dtype="int64", shape=(BATCH * steps,))
    return TrainingRequest(model={}, compile={}, x=x, y=y, fit=FitSettings(batch_size=BATCH))


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=200)
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    rows, measured = [], []
    for name, stack in NETWORKS.items():
        model = keras.Sequential([keras.Input((28, 28, 1)), *stack])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("adam", loss, metrics=["accuracy"], steps_per_execution=25, jit_compile=False)
        seconds, network = step_seconds(model, options.steps), described(model)
        foretold = epoch_cost(request(options.steps), network) / options.steps
        rows.append([PASSES * BATCH * operations_per_sample(network), network.parameters, 1.0])
        measured.append(seconds)
        print(
            f"{name:20} {1000 * seconds:7.2f} ms a step, foretold {1000 * foretold:7.2f}, ratio {seconds / foretold:.2f}"
        )
    weights = 1 / np.array(measured)  # a relative error counts alike for small and large networks
    rates = np.linalg.lstsq(np.array(rows) * weights[:, None], np.ones(len(rows)))[0]
    print(f"fitted: {rates[0]:.3g} s an operation, {rates[1]:.3g} s a parameter, {rates[2]:.3g} s a step")


if __name__ == "__main__":
    main()
