"""What grading a hand-in costs beside training it: grader, and the tools that others grade with.

    python bench/against_peers.py [--copies 4] [--grader-copies 200] [--rounds 3] [--only nbgrader,otter-grader] [--json FILE]

Every tool gets the same hand-in, each copy with its own comment: the reference of `mnist_conv`, whose network is built
and compiled as it stands, and trained for one step (one epoch of 32 images), since the other tools have no way not to
train. All look at the same facts: the function runs to its end, and returns one epoch and an accuracy. `grader`
also judges the training behind it, which its store holds from a first hand-in that is not counted.

Each tool is installed in an environment of its own, with the same TensorFlow, from `bench/peers/TOOL/requirements.txt`.
`prepare.py` beside it lays out a class, `grade.sh` is what is measured, `marks.py` tells the marks: a tool that does
not give full marks to everybody is reported as failed. `grade.sh` does what the tool's documentation says, and names the
page. Where the documentation starts a container for each hand-in, there is none here, so that its cost is left out.

Counted is the processor time of all processes below the command. A class of one is measured beside the class, so that
"each further" is what a hand-in costs when the command has been started. "Without training" is that, less the cost of
the step: the difference between fresh Python processes that run the hand-in with its step and without. For grader it is
the whole command on its class, start included, divided by the hand-ins. Ratios are between these last two.
"""

import argparse
import dataclasses
import hashlib
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import grader
from grader.pipeline import places

CHECKOUT = Path(__file__).resolve().parent.parent
PEERS = CHECKOUT / "bench/peers"
REFERENCE = CHECKOUT / "solutions/mnist_conv/reference/mnist_conv.py"
FIT = "history = model.fit(training_images, training_labels, epochs=20, callbacks=[StopAtAccuracy()])"
ONE_STEP = "history = model.fit(training_images[:32], training_labels[:32], epochs=1, callbacks=[StopAtAccuracy()])"
UNTRAINED = "return [0], 0.0"
SECONDS_PER_HAND_IN = 120


@dataclass(frozen=True)
class Tool:
    """A way to grade: its name in the table, its folder below `bench/peers`, and the package it is pinned by."""

    name: str
    folder: str
    package: str
    trained: bool = True
    bar: float = 1.0
    """How many times as much as grader it must cost."""


GRADER = Tool("grader", "grader", "grader")
FRESH = Tool("fresh process", "fresh", "tensorflow")
UNTRAINED_FRESH = Tool("fresh process, no step", "fresh", "tensorflow", trained=False)
TOOLS = (
    GRADER,
    FRESH,
    UNTRAINED_FRESH,
    Tool("nbclient", "nbclient", "nbclient"),
    Tool("nbgrader", "nbgrader", "nbgrader", bar=15.0),
    Tool("otter-grader", "otter", "otter-grader", bar=15.0),
    Tool("check50", "check50", "check50"),
    Tool("gradescope-utils", "gradescope", "gradescope-utils"),
    Tool("dlai-grader", "dlai", "dlai-grader"),
)


class PeerError(Exception):
    """A tool could not be set up, did not end well, or did not give full marks."""


@dataclass(frozen=True)
class Sample:
    """What grading one class used."""

    cpu: float
    wall: float
    peak: int


@dataclass
class Taken:
    """The samples of one tool: classes, and beside each a class of one."""

    hand_ins: int
    classes: list[Sample] = field(default_factory=list)
    alone: list[Sample] = field(default_factory=list)

    @property
    def cpu(self) -> float:
        """Processor seconds of a class, divided by its hand-ins; the median of the rounds, as all that follow."""
        return statistics.median(sample.cpu for sample in self.classes) / self.hand_ins

    @property
    def wall(self) -> float:
        """Wall seconds of a class, divided by its hand-ins."""
        return statistics.median(sample.wall for sample in self.classes) / self.hand_ins

    @property
    def first(self) -> float:
        """Processor seconds of a class of one."""
        return statistics.median(sample.cpu for sample in self.alone)

    @property
    def further(self) -> float:
        """Processor seconds of each hand-in after the first."""
        pairs = zip(self.classes, self.alone, strict=True)
        return statistics.median((many.cpu - one.cpu) / (self.hand_ins - 1) for many, one in pairs)

    @property
    def peak(self) -> int:
        """Bytes of the largest process."""
        return max(sample.peak for sample in self.classes)


def hand_in(number: int, trained: bool) -> str:
    """The text of one student: the reference, with a comment of its own, and one step of training or none."""
    text = REFERENCE.read_text()
    if text.count(FIT) != 1:
        raise SystemExit(f"{REFERENCE}: expected the line {FIT!r}")
    return f"# written by number {number}\n{text.replace(FIT, ONE_STEP if trained else UNTRAINED)}"


def as_notebook(text: str) -> dict[str, Any]:
    """The same as a notebook of two cells: what is imported, and the function."""
    before, function = text.split("def train_mnist_conv", 1)
    sources = {"imports": before.rstrip(), "function": f"def train_mnist_conv{function.rstrip()}"}
    empty: dict[str, Any] = {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": []}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [empty | {"id": name, "source": source} for name, source in sources.items()]
    return {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def write_class(folder: Path, count: int, trained: bool) -> Path:
    """Hand-ins of so many students, each as a module and as a notebook."""
    for number in range(count):
        own = folder / f"student{number:03d}"
        own.mkdir(parents=True)
        text = hand_in(number, trained)
        (own / "mnist_conv.py").write_text(text)
        (own / "mnist_conv.ipynb").write_text(json.dumps(as_notebook(text)))
    return folder


class Bench:
    """Sets tools up, and measures them."""

    def __init__(self, environments: Path, scratch: Path) -> None:
        self.environments = environments
        self.scratch = scratch
        self.runs = 0
        self.archive = environments / "keras/datasets/mnist.npz"

    def pack_mnist(self) -> None:
        """MNIST where Keras looks for it, packed as Keras' own archive is; the one that ships is slower to unpack."""
        if not self.archive.exists():
            self.archive.parent.mkdir(parents=True, exist_ok=True)
            unpacked = places.datasets() / "mnist"
            arrays = {name: np.load(unpacked / f"{name}.npy") for name in ("x_train", "y_train", "x_test", "y_test")}
            np.savez_compressed(self.archive.with_name("unfinished.npz"), **arrays)
            self.archive.with_name("unfinished.npz").rename(self.archive)

    def set_up(self, tool: Tool) -> Path:
        """The folder of programs of the tool's environment, built if it is not there or its requirements changed."""
        if tool is GRADER:
            return Path(sys.executable).parent
        self.pack_mnist()
        place = self.environments / tool.folder
        wanted = f"{platform.python_version()}\n{requirements(tool)}"
        stamp = place / "requirements.txt"
        if not stamp.exists() or stamp.read_text() != wanted:
            print(f"installing {tool.name} into {place}", file=sys.stderr)
            call([sys.executable, "-m", "venv", "--clear", str(place)])
            listed = str(PEERS / tool.folder / "requirements.txt")
            call([str(place / "bin/python"), "-m", "pip", "install", "-qq", "--no-input", "-r", listed])
            stamp.write_text(wanted)
        self.expect_archive(place)
        return place / "bin"

    def expect_archive(self, place: Path) -> None:
        """Let Keras accept the archive: it holds the arrays of Keras' own in other bytes, so its checksum differs."""
        digest = hashlib.sha256(self.archive.read_bytes()).hexdigest()
        for module in place.glob("lib/python*/site-packages/keras/src/datasets/mnist.py"):
            text = module.read_text()
            changed = re.sub(r'"[0-9a-f]{64}"', f'"{digest}"', text)
            if changed != text:
                module.write_text(changed)

    def surroundings(self, tool: Tool, programs: Path) -> dict[str, str]:
        """The environment variables of its commands: nothing of the user's own settings."""
        home = self.scratch / "home"
        home.mkdir(exist_ok=True)
        kept = {name: os.environ[name] for name in ("TMPDIR",) if name in os.environ}
        return kept | {
            "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "KERAS_HOME": str(self.archive.parent.parent),
            "GRADER_HOME": str(self.scratch / "grader"),
            "PEER": str(PEERS / tool.folder),
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }

    def grade(self, tool: Tool, count: int) -> Sample:
        """Let a tool grade a class of so many. PeerError, unless all have full marks."""
        programs = self.set_up(tool)
        self.runs += 1
        with tempfile.TemporaryDirectory(dir=self.scratch) as folder:
            hand_ins = write_class(Path(folder, "hand_ins"), count, tool.trained)
            place = Path(folder, "place")
            place.mkdir()
            scripts = PEERS / tool.folder
            variables = self.surroundings(tool, programs)
            call([str(programs / "python"), str(scripts / "prepare.py"), str(hand_ins)], place, variables)
            report = Path(folder, "report.json")
            limit = str(SECONDS_PER_HAND_IN * count)
            measured = [sys.executable, str(PEERS / "measured.py"), str(report), limit]
            said = call([*measured, "sh", str(scripts / "grade.sh")], place, variables)
            used = json.loads(report.read_text())
            if used["code"]:
                raise PeerError(f"grade.sh ended with {used['code']}: {said[-500:]}")
            marks = json.loads(call([str(programs / "python"), str(scripts / "marks.py")], place, variables))
            poor = without_full_marks(marks, count)
            if poor:
                raise PeerError(f"no full marks: {', '.join(poor[:5])}: {said[-500:]}")
        return Sample(cpu=used["cpu"], wall=used["wall"], peak=used["peak"])


def call(command: Sequence[str], place: Path | None = None, variables: dict[str, str] | None = None) -> str:
    """What a command printed; PeerError, with the end of it, if the command did."""
    done = subprocess.run(command, cwd=place, env=variables, text=True, capture_output=True, check=False)
    if done.returncode:
        raise PeerError(f"{Path(command[1]).name} ended with {done.returncode}: {(done.stdout + done.stderr)[-500:]}")
    return done.stdout


def requirements(tool: Tool) -> str:
    """What is installed for a tool."""
    return (PEERS / tool.folder / "requirements.txt").read_text()


def version(tool: Tool) -> str:
    """The version of a tool, as it is pinned."""
    if tool is GRADER:
        return grader.__version__
    found = re.search(rf"^{re.escape(tool.package)}==(\S+)$", requirements(tool), re.MULTILINE)
    return f"{tool.package} {found[1]}" if found and tool.folder == "fresh" else found[1] if found else ""


def without_full_marks(marks: dict[str, float], count: int) -> list[str]:
    """Who was not graded, or has less than full marks."""
    students = [f"student{number:03d}" for number in range(count)]
    return [student for student in students if not marks.get(student, 0.0) >= 1.0]


def measure(bench: Bench, tools: Sequence[Tool], sizes: dict[Tool, int], rounds: int) -> dict[Tool, Taken | str]:
    """All tools in turn, round after round, each time beginning with another; what failed has its reason instead."""
    results: dict[Tool, Taken | str] = {tool: Taken(sizes[tool]) for tool in tools}

    def attempt(tool: Tool, counted: bool) -> None:
        taken = results[tool]
        if isinstance(taken, str):
            return
        try:
            alone = bench.grade(tool, 1)
            if counted:
                taken.classes.append(bench.grade(tool, taken.hand_ins))
                taken.alone.append(alone)
        except PeerError as problem:
            results[tool] = str(problem)
        print(f"{tool.name}: {results[tool] if isinstance(results[tool], str) else 'done'}", file=sys.stderr)

    for tool in tools:
        attempt(tool, counted=False)  # installs it, compiles its modules, fills the store
    for number in range(rounds):
        shift = number % len(tools)
        for tool in (*tools[shift:], *tools[:shift]):
            attempt(tool, counted=True)
    return results


def rows(results: dict[Tool, Taken | str], rounds: int) -> list[dict[str, Any]]:
    """A row for each tool: what it used, and how many times as much as grader."""
    step = cost_of_the_step(results)
    own = results.get(GRADER)
    base = own.cpu if isinstance(own, Taken) else None
    found = []
    for tool, taken in results.items():
        row: dict[str, Any] = {"tool": tool.name, "version": version(tool), "bar": None if tool is GRADER else tool.bar}
        if isinstance(taken, str):
            found.append(row | {"failed": taken})
            continue
        bare: float | None = taken.cpu if tool is GRADER else taken.further
        if tool is not GRADER and tool.trained:
            bare = None if step is None else taken.further - step
        found.append(
            row
            | {
                "failed": None,
                "submissions": taken.hand_ins,
                "rounds": rounds,
                "cpu_seconds": taken.cpu,
                "wall_seconds": taken.wall,
                "first_cpu_seconds": taken.first,
                "further_cpu_seconds": taken.further,
                "without_training_cpu_seconds": bare,
                "peak_bytes": taken.peak,
                "ratio": taken.cpu / base if base else None,
                "ratio_without_training": bare / base if base and bare is not None else None,
                "samples": [dataclasses.asdict(sample) for sample in taken.classes],
            }
        )
    return found


def cost_of_the_step(results: dict[Tool, Taken | str]) -> float | None:
    """Processor seconds of the one step of training, if both kinds of fresh processes were measured."""
    with_step, without = results.get(FRESH), results.get(UNTRAINED_FRESH)
    if isinstance(with_step, Taken) and isinstance(without, Taken):
        return with_step.further - without.further
    return None


def table(found: Iterable[dict[str, Any]]) -> str:
    """The rows for people."""
    lines = [
        f"{'':24}{'version':>20}{'hand-ins':>9}{'CPU s':>8}{'wall s':>8}{'first':>8}{'further':>8}{'bare':>8}"
        f"{'ratio':>7}{'bare':>7}{'MiB':>6}"
    ]
    for row in found:
        head = f"{row['tool']:24}{row['version']:>20}"
        if row["failed"] is not None:
            lines.append(f"{head}  failed: {' '.join(row['failed'].split())[:200]}")
            continue
        seconds = [row["cpu_seconds"], row["wall_seconds"], row["first_cpu_seconds"], row["further_cpu_seconds"]]
        bare, ratios = row["without_training_cpu_seconds"], [row["ratio"], row["ratio_without_training"]]
        lines.append(
            f"{head}{row['submissions']:>9}"
            + "".join(f"{value:8.2f}" if value is not None else f"{'–':>8}" for value in [*seconds, bare])
            + "".join(f"{value:7.1f}" if value is not None else f"{'–':>7}" for value in ratios)
            + f"{row['peak_bytes'] / 2**20:6.0f}"
        )
    return "\n".join(lines)


def bars(found: Iterable[dict[str, Any]]) -> list[str]:
    """For each tool that was measured beside grader, whether it costs as many times as much as it must."""
    said = []
    for row in found:
        ratio = row.get("ratio_without_training")
        if row["bar"] is None or ratio is None:
            continue
        met = ratio >= row["bar"] if row["bar"] > 1 else ratio > 1
        verdict = "met" if met else "MISSED"
        said.append(f"{row['tool']}: {ratio:.1f} times as much as grader, bar {row['bar']:g}: {verdict}")
    return said


def parse() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--copies", type=int, default=4, help="hand-ins of a class, at least 2")
    parser.add_argument("--grader-copies", type=int, default=200, help="hand-ins of grader's class, at least 2")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="names of peers with commas; grader and fresh processes always run")
    parser.add_argument("--environments", type=Path, help="where the peers are installed; default: in GRADER_HOME")
    parser.add_argument("--json", type=Path, help="where the rows are written")
    options = parser.parse_args()
    known = {tool.name for tool in TOOLS}
    unknown = sorted({*filter(None, options.only.split(","))} - known)
    if unknown:
        parser.error(f"no such tool: {', '.join(unknown)}. Known: {', '.join(sorted(known))}.")
    if min(options.copies, options.grader_copies) < 2 or options.rounds < 1:
        parser.error("at least two hand-ins and one round are needed")
    return options


def main() -> None:
    """Measure, print the table, write the rows."""
    options = parse()
    chosen = {*filter(None, options.only.split(","))}
    always = (GRADER, FRESH, UNTRAINED_FRESH)
    tools = [tool for tool in TOOLS if not chosen or tool.name in chosen or tool in always]
    sizes = {tool: options.grader_copies if tool is GRADER else options.copies for tool in tools}
    environments = options.environments or places.home() / "bench-environments"
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(environments.absolute(), Path(scratch))
        results = measure(bench, tools, sizes, options.rounds)
    found = rows(results, options.rounds)
    print(table(found))
    print(f"Without training, beside grader on a class of {options.grader_copies}:")
    print(*bars(found), sep="\n")
    if options.json:
        options.json.write_text(json.dumps({"benchmark": "peers", "cores": os.cpu_count(), "rows": found}, indent=2))


if __name__ == "__main__":
    main()
