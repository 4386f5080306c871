"""Cost of grading one submission without training, against a fresh process for each.

    python bench/overhead.py [--copies 100] [--fresh 7] [--json FILE]

A class of copies of the reference, each with its own name and comments, is graded with a store that knows the training
(its curve is made up: nothing is trained here). Beside it, in the same run, fresh Python processes, as many
at a time, import TensorFlow, load and scale MNIST, and build and compile the same network. Printed: wall seconds per
submission and core, the ratio, and the memory of a job beyond its zygote and of a fresh process.
"""

import argparse
import json
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
from grader.pipeline.grade import Grading
from grader.pipeline.settings import Settings
from grader.pipeline.watch import Silent
from grader.results.folder import ResultsFolder
from grader.training.store import Store

CHECKOUT = Path(__file__).resolve().parent.parent
REFERENCE = CHECKOUT / "solutions/mnist_conv/reference/mnist_conv.py"
FRESH = """
import os, resource, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np, tensorflow as tf
x = np.load(sys.argv[1] + "/mnist/x_train.npy").reshape(60000, 28, 28, 1) / 255.0
model = tf.keras.Sequential([tf.keras.Input((28, 28, 1)), tf.keras.layers.Conv2D(32, (3, 3), activation="relu"),
    tf.keras.layers.MaxPooling2D(2, 2), tf.keras.layers.Flatten(), tf.keras.layers.Dense(128, activation="relu"),
    tf.keras.layers.Dense(10, activation="softmax")])
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
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


def fresh_process(datasets: Path, jobs: int) -> tuple[float, int]:
    """(wall seconds, bytes) of one fresh process up to the compiled network, with as many at a time as there are jobs."""
    command = [sys.executable, "-c", FRESH, str(datasets)]
    started = time.monotonic()
    running = [
        subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) for _ in range(jobs)
    ]
    said = [process.communicate()[0] for process in running]
    seconds = time.monotonic() - started
    if any(process.returncode for process in running):
        raise SystemExit("a fresh process failed")
    return seconds, max(int(text) for text in said)


def main() -> None:
    """Measure, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--copies", type=int, default=100)
    parser.add_argument("--fresh", type=int, default=7)
    parser.add_argument("--json", type=Path, help="where the numbers are written")
    options = parser.parse_args()
    jobs = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        settings = Settings(places.datasets(), folder / "store", jobs=jobs)
        warm_store(folder, settings)
        before = [fresh_process(settings.datasets, jobs) for _ in range(options.fresh // 2)]
        output = ResultsFolder(folder / "results")
        assignment = load_assignment(CHECKOUT / "assignments/mnist_conv")
        grading = Grading(assignment, settings, output, Silent())
        grading.warm_up()
        started = time.monotonic()
        results = grading.run(copies(options.copies))
        wall = time.monotonic() - started
        fresh = [*before, *(fresh_process(settings.datasets, jobs) for _ in range(options.fresh - len(before)))]
        evidence = [output.evidence(result.student) for result in results]
    peaks = [item.observation.measured.peak_memory_bytes for item in evidence if item is not None]
    per_core = wall / options.copies * jobs
    median = statistics.median(seconds for seconds, _ in fresh)
    largest = max(memory for _, memory in fresh)
    full = sum(result.score == result.max_score for result in results)
    print(
        f"{options.copies} submissions, {full} with full marks: {per_core:.2f} s of wall time per submission and core"
    )
    print(f"fresh process: {median:.2f} s (median of {len(fresh)}); ratio {median / per_core:.1f}")
    print(
        f"memory of a job beyond its zygote: at most {max(peaks) / 2**20:.0f} MiB; of a fresh process: "
        f"{largest / 2**20:.0f} MiB"
    )
    if options.json:
        found = {
            "copies": options.copies,
            "full_marks": full,
            "jobs": jobs,
            "per_core_seconds": per_core,
            "fresh_runs": len(fresh),
            "fresh_seconds": median,
            "ratio": median / per_core,
            "job_peak_bytes": max(peaks),
            "fresh_peak_bytes": largest,
        }
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
