"""Judging and reporting classes of 10 to 10,000, where recorded observations stand in for TensorFlow.

    python bench/scaling.py [--sizes 10,100,1000,10000] [--evidence FOLDER] [--json FILE]

The solutions of `mnist_conv` are graded once with its recorded trainings; `--evidence` takes a folder of such results
instead. Their evidence is handed to as many students as asked for. Each has a name, a digest, a fingerprint, a text and a
curve of its own (all accuracies and losses are moved by the same tiny part), so that nothing is shared by accident; every
second module becomes a notebook with prose. Then a check is worth more and says it in other words, so that everybody must
be judged anew: `grader regrade` does that, and writes the pages, as it always does; `grader report` writes all pages once
more, into an empty folder. Both run as commands, start included. Judging alone is the difference of the two.

Memory is the resident memory of the command and all processes below it, looked at 20 times a second. Every verdict is
compared with that of the solution it was copied from.
"""

import argparse
import hashlib
import itertools
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from bench.report import CHECKOUT, FOLDER, as_notebook, graded_solutions
from grader.discovery import read_source
from grader.model.submission import Source
from grader.results.files import as_json
from grader.results.folder import ResultsFolder

LARGEST = 10_000
BAR_SECONDS = 900.0
"""Within which that many must be judged and reported."""
LOOK_SECONDS = 0.05
CHECK = "returns_epochs_and_accuracy"
BEFORE = f"@points(0.5)\ndef {CHECK}(call: Call | None, fit: Fit) -> None:\n" + (
    '    """The function returns history.epoch and the final accuracy."""'
)
AFTER = f"@points(1.5)\ndef {CHECK}(call: Call | None, fit: Fit) -> None:\n" + (
    '    """The function returns the list of its epochs, and after it the accuracy of the last one."""'
)
POINTS = 1.5


@dataclass(frozen=True)
class Used:
    """What a command used."""

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int


class Memory(threading.Thread):
    """Looks at the memory of a process and all below it until that ends."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.process, self.peak = psutil.Process(pid), 0
        self.over = threading.Event()

    def run(self) -> None:
        """Look, again and again."""
        while not self.over.wait(LOOK_SECONDS):
            self.peak = max(self.peak, resident(self.process))


def resident(process: psutil.Process) -> int:
    """Bytes of a process and all below it; those that have just ended count nothing."""
    total = 0
    try:
        for one in (process, *process.children(recursive=True)):
            total += one.memory_info().rss
    except psutil.NoSuchProcess:
        pass  # it ended while it was looked at
    return total


def command(words: Sequence[str], place: Path) -> Used:
    """Run `grader` with these words. SystemExit unless it ends as it does where everybody has points or a person waits."""
    environment = {**os.environ, "GRADER_ASSIGNMENTS": str(place / "assignments"), "PYTHONPATH": str(CHECKOUT)}
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    with (place / "output.txt").open("w+") as output:
        line = [sys.executable, "-m", "grader", *words]
        process = subprocess.Popen(line, cwd=place, env=environment, stdout=output, stderr=output)
        memory = Memory(process.pid)
        memory.start()
        code = process.wait()
        wall = time.monotonic() - started
        memory.over.set()
        memory.join()
        if code not in (0, 1):
            output.seek(0)
            raise SystemExit(f"grader {words[0]} ended with {code}: {output.read()[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Used(wall, cpu, memory.peak)


@dataclass(frozen=True)
class Known:
    """A solution, graded: its files as JSON."""

    result: dict[str, Any]
    evidence: dict[str, Any]
    source: Source

    @classmethod
    def read(cls, results: ResultsFolder, student: str) -> "Known":
        """Of this student."""
        place, source = results.place(student), results.source(student)
        if source is None:
            raise SystemExit(f"{place}: expected source.json, found none that can be read")
        result, evidence = (json.loads((place / name).read_text()) for name in ("result.json", "evidence.json"))
        return cls(result, evidence, source)

    @property
    def values(self) -> set[float]:
        """All accuracies and losses of the training."""
        run = (self.evidence["training"] or {"run": {"epochs": []}})["run"]
        return {value for epoch in run["epochs"] for value in [*epoch["logs"].values(), epoch["accuracy"]]}

    @property
    def fingerprint(self) -> str:
        """Of the training; empty if there is none."""
        return str(((self.evidence["training"] or {}).get("run") or {}).get("fingerprint", ""))


class Copy:
    """The evidence of a solution in a student's own name."""

    def __init__(self, known: Known, number: int) -> None:
        self.known, self.number = known, number
        self.name = f"student{number:05}"
        self.digest = hashlib.sha256(self.name.encode()).hexdigest()
        self._new: dict[Any, Any] = {value: value * (1 - 1e-9 * (number + 1)) for value in known.values}
        if known.fingerprint:
            self._new[known.fingerprint] = hashlib.sha256(f"{known.fingerprint} {number}".encode()).hexdigest()

    def write(self, folder: ResultsFolder, handout: Source) -> None:
        """Write the three files of an attempt."""
        place = folder.place(self.name)
        place.mkdir(parents=True)
        evidence, result = self._own(self.known.evidence), self._own(self.known.result)
        evidence["observation"] |= {"student": self.name, "submission_digest": self.digest}
        changes = {"student": self.name, "path": f"{self.name}/{result['path']}", "submission_digest": self.digest}
        (place / "evidence.json").write_text(json.dumps(evidence), "utf-8")
        (place / "source.json").write_text(as_json(self._text(handout)), "utf-8")
        (place / "result.json").write_text(json.dumps(result | changes, indent=1), "utf-8")

    def _own(self, value: Any) -> Any:
        """A piece of JSON with the student's own curve and fingerprint."""
        if isinstance(value, dict):
            return {self._new.get(key, key): self._own(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._own(item) for item in value]
        return self._new.get(value, value) if isinstance(value, str | float) else value

    def _text(self, handout: Source) -> Source:
        """The code with a comment at its end; every second module as a notebook."""
        *others, last = self.known.source.cells
        ended = last.model_copy(update={"text": f"{last.text}\n# written by number {self.number}\n"})
        text = self.known.source.model_copy(update={"cells": (*others, ended)})
        return as_notebook(text, handout, self.number) if text.kind == "module" and self.number % 2 else text


def write_class(folder: Path, known: Sequence[Known], count: int) -> None:
    """The results of so many students, and their scores."""
    results, handout = ResultsFolder(folder), read_source(FOLDER / "starter/mnist_conv.ipynb")
    for number, solution in zip(range(count), itertools.cycle(known), strict=False):
        Copy(solution, number).write(results, handout)
    results.write_scores(FOLDER.name, results.results())


def write_assignment(place: Path) -> None:
    """`mnist_conv` with one check that is worth more and says it in other words."""
    shutil.copytree(FOLDER, place, ignore=shutil.ignore_patterns("trainings", "__pycache__"))
    checks = place / "checks.py"
    text = checks.read_text("utf-8")
    if text.count(BEFORE) != 1:
        raise SystemExit(f"{checks}: expected the check {CHECK} as it is written in this benchmark")
    checks.write_text(text.replace(BEFORE, AFTER), "utf-8")


def expect_verdicts(place: Path, known: Sequence[Known], count: int) -> None:
    """SystemExit unless everybody has the verdicts of their solution, with the new points."""
    scores = json.loads((place / "results/scores.json").read_text("utf-8"))["submissions"]
    if len(scores) != count:
        raise SystemExit(f"{count} students were to be judged, and {len(scores)} have scores")
    for solution, found in zip(itertools.cycle(known), scores, strict=False):
        statuses, before = ([check["status"] for check in one["checks"]] for one in (found, solution.result))
        worth = {check["id"]: check["max_points"] for check in found["checks"]}[CHECK]
        if statuses != before or worth != POINTS:
            raise SystemExit(f"{found['student']}: {statuses}, {worth} points; expected {before}, {POINTS} points")


def measure(known: Sequence[Known], count: int) -> dict[str, Any]:
    """One class: written, judged, reported."""
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        write_assignment(place / "assignments" / FOLDER.name)
        write_class(place / "results", known, count)
        regrade = command(["regrade", "results"], place)
        expect_verdicts(place, known, count)
        report = command(["report", "results", "--output", "pages"], place)
        pages = list((place / "pages").rglob("*.html"))
        page_bytes = sum(path.stat().st_size for path in pages)
        class_page = (place / "pages/report.html").stat().st_size
    return {
        "submissions": count,
        "regrade": asdict(regrade),
        "report": asdict(report),
        "wall_seconds": regrade.wall_seconds + report.wall_seconds,
        "cpu_seconds": regrade.cpu_seconds + report.cpu_seconds,
        "peak_bytes": max(regrade.peak_bytes, report.peak_bytes),
        "seconds_each": (regrade.wall_seconds + report.wall_seconds) / count,
        "pages": len(pages),
        "page_bytes": page_bytes,
        "class_page_bytes": class_page,
    }


def line(row: dict[str, Any]) -> str:
    """A row for people."""
    regrade, report = row["regrade"], row["report"]
    return (
        f"{row['submissions']:6}: regrade {regrade['wall_seconds']:6.1f} s ({regrade['cpu_seconds']:.1f} of processor, "
        f"{regrade['peak_bytes'] / 2**20:.0f} MiB), report {report['wall_seconds']:6.1f} s "
        f"({report['cpu_seconds']:.1f}, {report['peak_bytes'] / 2**20:.0f} MiB); "
        f"{1000 * row['seconds_each']:.1f} ms a submission"
    )


def main() -> None:
    """Measure, and print a line for each class."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="10,100,1000,10000", help="how many submissions, with commas")
    parser.add_argument("--evidence", type=Path, help="results of solutions of mnist_conv; default: they are graded")
    parser.add_argument("--json", type=Path, help="where the numbers are written")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        results = ResultsFolder(options.evidence) if options.evidence else graded_solutions(Path(scratch, "known"))
        known = [Known.read(results, result.student) for result in results.results()]
    for count in sorted(int(word) for word in options.sizes.split(",")):
        rows.append(measure(known, count))
        print(line(rows[-1]), flush=True)
    if len(rows) > 1:
        print(f"memory: {rows[-1]['peak_bytes'] / rows[-2]['peak_bytes']:.2f} times that of the class before")
    if rows[-1]["submissions"] == LARGEST:
        seconds = rows[-1]["wall_seconds"]
        met = "met" if seconds < BAR_SECONDS else "MISSED"
        print(f"{LARGEST:,} judged and reported in {seconds:.0f} s; bar: below {BAR_SECONDS:.0f} s: {met}")
    if options.json:
        options.json.write_text(json.dumps({"bar_seconds": BAR_SECONDS, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
