"""A class of 200 with 12 networks, against training each hand-in with plain Keras.

    python bench/class_throughput.py [--students 200] [--epochs 2] [--plain 12] [--json FILE]

Twelve networks of one convolution, with 16 to 64 filters and 64 or 128 units, are shared by 200 students, each with names,
comments and a stop rule of their own; every one is trained on all of MNIST for a few epochs. `grader grade` is run with
an empty store, as a command, start included. Beside it each of the twelve is trained by a fresh Python process with plain
Keras, as many at a time as there are cores; the time of a class without sharing is that, scaled to 200. With equally
fast trainings the ratio could not exceed students / networks. Then a check is changed and the class is graded again.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from grader.pipeline import places

CHECKOUT = Path(__file__).resolve().parent.parent
REFERENCE = CHECKOUT / "solutions/mnist_conv/reference/mnist_conv.py"
FILTERS, UNITS = (16, 24, 32, 40, 48, 64), (64, 128)
NETWORKS = [(filters, units) for filters in FILTERS for units in UNITS]
PLAIN = """
import os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np, tensorflow as tf
tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
folder = sys.argv[1]
def load_data():
    return tuple(tuple(np.load(f"{folder}/mnist/{part}_{kind}.npy") for part in "xy") for kind in ("train", "test"))
tf.keras.datasets.mnist.load_data = load_data
sys.path.insert(0, sys.argv[2])
import mnist_conv
print(len(mnist_conv.train_mnist_conv()[0]))
"""


def hand_in(number: int, epochs: int) -> str:
    """The reference with another network, for a few epochs, in a student's own words."""
    filters, units = NETWORKS[number % len(NETWORKS)]
    text = REFERENCE.read_text()
    text, count = re.subn(r"Conv2D\(32, ", f"Conv2D({filters}, ", text)
    text, dense = re.subn(r"Dense\(128, ", f"Dense({units}, ", text)
    text, asked = re.subn(r"epochs=20", f"epochs={epochs}", text)
    assert (count, dense, asked) == (1, 1, 1)
    name = f"stop_{number}"
    return f"# handed in by number {number}\n" + text.replace("StopAtAccuracy", name.title().replace("_", ""))


def write_class(folder: Path, students: int, epochs: int) -> None:
    """One folder for each student."""
    for number in range(students):
        place = folder / f"s{number:03d}"
        place.mkdir(parents=True)
        (place / "mnist_conv.py").write_text(hand_in(number, epochs))


def write_assignment(place: Path) -> None:
    """An assignment whose points hang on real trainings, whatever they come to."""
    place.mkdir(parents=True)
    (place / "assignment.toml").write_text(
        'id = "throughput"\ntitle = "A network for a few epochs"\nfiles = ["mnist_conv"]\n'
        'entry_points = ["train_mnist_conv"]\ndatasets = ["mnist"]\n[training]\nmax_epochs = 20\n'
    )
    (place / "probe.py").write_text('def probe(student, rng):\n    student.call("train_mnist_conv")\n')
    write_checks(place, 0.5)


def write_checks(place: Path, limit: float) -> None:
    """The checks, with a limit of the accuracy."""
    (place / "checks.py").write_text(
        "from grader.judging import points\n"
        "from grader.judging.expectations import expect_returned, expect_training_accuracy\n\n\n"
        "@points(1)\ndef is_trained(training):\n"
        f'    """Trained for real, the network reaches {limit:.0%} on the training images."""\n'
        f"    expect_training_accuracy(training, {limit})\n\n\n"
        "@points(1)\ndef returns_epochs_and_accuracy(call, fit):\n"
        '    """The function returns its epochs and its accuracy."""\n    expect_returned(call, fit, "accuracy")\n'
    )


def grade(place: Path) -> tuple[float, list[dict[str, Any]], int]:
    """(wall seconds of the command, submissions of `scores.json`, trainings that were repeated exactly)."""
    words = ["grade", "class", "--assignment", "throughput", "--output", "results"]
    environment = {
        **os.environ,
        "GRADER_HOME": str(place / "home"),
        "GRADER_ASSIGNMENTS": str(place / "assignments"),
        "PYTHONPATH": str(CHECKOUT),
    }
    started = time.monotonic()
    ran = subprocess.run(
        [sys.executable, "-m", "grader", *words],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode not in (0, 1):
        raise SystemExit(f"grader ended with {ran.returncode}: {ran.stderr[-2000:]}")
    seconds = time.monotonic() - started
    submissions = json.loads((place / "results/scores.json").read_text())["submissions"]
    return seconds, submissions, ran.stdout.count("is repeated exactly")


def plain_seconds(place: Path, numbers: range, epochs: int) -> tuple[float, list[float]]:
    """(wall seconds of these hand-ins with plain Keras, as many at a time as there are cores; seconds of each)."""

    def train(number: int) -> float:
        folder = place / f"plain/{number}"
        folder.mkdir(parents=True)
        (folder / "mnist_conv.py").write_text(hand_in(number, epochs))
        begun = time.monotonic()
        command = [sys.executable, "-c", PLAIN, str(places.datasets()), str(folder)]
        subprocess.run(command, check=True, capture_output=True)
        return time.monotonic() - begun

    started = time.monotonic()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        each = list(pool.map(train, numbers))
    return time.monotonic() - started, each


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", type=int, default=200)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--plain", type=int, default=len(NETWORKS))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        write_class(place / "class", options.students, options.epochs)
        write_assignment(place / "assignments/throughput")
        (place / "home").mkdir()
        shutil.copytree(places.datasets().parent, place / "home/datasets")
        half = options.plain // 2  # before and after, so that a drift of the machine falls on both sides
        first, each = plain_seconds(place, range(half), options.epochs)
        seconds, results, repeated = grade(place)
        rest, more = plain_seconds(place, range(half, options.plain), options.epochs)
        write_checks(place / "assignments/throughput", 0.6)
        again, after, _ = grade(place)
    scaled = (first + rest) / options.plain * options.students
    trained = {result["training"]["fingerprint"] for result in results if result["training"]}
    found = {
        "students": options.students,
        "networks": len(NETWORKS),
        "epochs": options.epochs,
        "plain_seconds_each": [*each, *more],
        "plain_measured": options.plain,
        "plain_scaled_seconds": scaled,
        "grader_seconds": seconds,
        "ratio": scaled / seconds,
        "second_run_seconds": again,
        "trainings": len(trained),
        "repeated_exactly": repeated,
        "full_marks": sum(result["score"] == result["max_score"] for result in results),
        "full_marks_again": sum(result["score"] == result["max_score"] for result in after),
    }
    print(
        f"{found['students']} students, {found['trainings']} trainings of {options.epochs} epochs, "
        f"{found['full_marks']} with full marks: {seconds:.0f} s"
    )
    print(
        f"plain Keras, {options.plain} measured: {first + rest:.0f} s; scaled to {options.students}: {scaled:.0f} s; "
        f"ratio {found['ratio']:.1f} (with equally fast trainings at most {options.students / len(NETWORKS):.1f})"
    )
    print(f"again after a change of checks: {again:.1f} s, {found['full_marks_again']} with full marks")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
