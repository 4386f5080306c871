"""Cost of grading one submission without training, against a fresh process for each.

    python bench/overhead.py [--copies 100] [--fresh 7]

A class of copies of the reference, each with its own name and comments, is graded with a store that knows the training
(its curve is made up: nothing is trained here). Beside it, in the same run, fresh Python processes, as many
at a time, import TensorFlow, load and scale MNIST, and build and compile the same network. Printed: wall seconds per submission and core, the ratio, and the
memory of a job beyond its zygote.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from grader.cli import places
from grader.model.assignment import load_assignment
from grader.model.submission import Cell, Source, Submission
from grader.model.training import EpochLogs, TrainingRun
from grader.pipeline.grade import Grading, Settings
from grader.pipeline.watch import Silent
from grader.results.folder import ResultsFolder
from grader.training.store import Store

CHECKOUT = Path(__file__).resolve().parent.parent
REFERENCE = CHECKOUT / "solutions/mnist_conv/reference/mnist_conv.py"
FRESH = """
import os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np, tensorflow as tf
x = np.load(sys.argv[1] + "/mnist/x_train.npy").reshape(60000, 28, 28, 1) / 255.0
model = tf.keras.Sequential([tf.keras.Input((28, 28, 1)), tf.keras.layers.Conv2D(32, (3, 3), activation="relu"),
    tf.keras.layers.MaxPooling2D(2, 2), tf.keras.layers.Flatten(), tf.keras.layers.Dense(128, activation="relu"),
    tf.keras.layers.Dense(10, activation="softmax")])
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
"""


def copies(count: int) -> list[Submission]:
    """The reference, `count` times, never twice the same text."""
    text = REFERENCE.read_text()
    return [
        Submission(
            student=f"student{number:03d}",
            path="mnist_conv.py",
            digest=str(number),
            source=Source(kind="module", cells=(Cell(number=1, text=f"# written by number {number}\n{text}"),)),
        )
        for number in range(count)
    ]


def warm_store(folder: Path, settings: Settings) -> None:
    """Put a made-up training of the reference into a store: ten epochs that end at 99.9 %."""
    assignment = load_assignment(CHECKOUT / "assignments/mnist_conv")
    output = ResultsFolder(folder / "first")
    quick = Settings(settings.datasets, settings.store, jobs=1, quick=True)
    Grading(assignment, quick, output, Silent()).run(copies(1))
    evidence = output.evidence("student000")
    if evidence is None or not evidence.observation.fits:
        raise SystemExit("the reference was not captured")
    fingerprint = evidence.observation.fits[-1].fingerprint
    shapes = [(3, 3, 1, 32), (32,), (5408, 128), (128,), (128, 10), (10,)]
    accuracies = [0.95, 0.98, 0.99, 0.993, 0.995, 0.996, 0.997, 0.9975, 0.9979, 0.999]
    epochs = [EpochLogs(logs={"accuracy": a, "loss": 3 * (1 - a)}, accuracy=a, seconds=30.0) for a in accuracies]
    run = TrainingRun(
        fingerprint=fingerprint, seed=1, epochs=tuple(epochs), steps_per_epoch=1875, reference_step_seconds=0.016
    )
    parts = {index: ([np.zeros(shape, np.float32) for shape in shapes], None) for index in range(len(epochs))}
    Store(settings.store).keep(run, parts)


def fresh_seconds(datasets: Path, jobs: int) -> float:
    """Wall seconds of one fresh process up to the compiled network, with as many at a time as there are jobs."""
    command = [sys.executable, "-c", FRESH, str(datasets)]
    started = time.monotonic()
    running = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for _ in range(jobs)]
    if any(process.wait() for process in running):
        raise SystemExit("a fresh process failed")
    return time.monotonic() - started


def main() -> None:
    """Measure, and print three lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--copies", type=int, default=100)
    parser.add_argument("--fresh", type=int, default=7)
    options = parser.parse_args()
    jobs = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        settings = Settings(places.datasets(), folder / "store", jobs=jobs)
        warm_store(folder, settings)
        before = [fresh_seconds(settings.datasets, jobs) for _ in range(options.fresh // 2)]
        output = ResultsFolder(folder / "results")
        assignment = load_assignment(CHECKOUT / "assignments/mnist_conv")
        grading = Grading(assignment, settings, output, Silent())
        grading.warm_up()
        started = time.monotonic()
        results = grading.run(copies(options.copies))
        wall = time.monotonic() - started
        fresh = [*before, *(fresh_seconds(settings.datasets, jobs) for _ in range(options.fresh - len(before)))]
        evidence = [output.evidence(result.student) for result in results]
    peaks = [item.observation.measured.peak_memory_bytes for item in evidence if item is not None]
    per_core = wall / options.copies * jobs
    median = statistics.median(fresh)
    full = sum(result.score == result.max_score for result in results)
    print(
        f"{options.copies} submissions, {full} with full marks: {per_core:.2f} s of wall time per submission and core"
    )
    print(f"fresh process: {median:.2f} s (median of {len(fresh)}); ratio {median / per_core:.1f}")
    print(f"memory of a job beyond its zygote: at most {max(peaks) / 2**20:.0f} MiB")


if __name__ == "__main__":
    main()
