"""Throughput of a Dask cluster with two workers on this machine, against two threads of the local engine.

    python bench/dask_engine.py [--copies 60] [--rounds 5] [--json FILE]

A class of copies of the reference, each with its own name and comments, is graded with a store that knows the training
(nothing is trained). Rounds of both engines take turns; sandboxes are warm in both. Then one worker is killed in the
middle of a round. Printed: submissions per second of both, the ratio of the medians, and what the lost worker cost.
"""

import argparse
import json
import os
import signal
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from distributed import LocalCluster

from bench.overhead import CHECKOUT, copies, warm_store
from grader.cli import places
from grader.model.assignment import load_assignment
from grader.model.result import Result
from grader.pipeline.grade import Grading
from grader.pipeline.settings import Settings
from grader.pipeline.watch import Silent
from grader.results.folder import ResultsFolder

WORKERS = 2


class Killer(Silent):
    """Kills a worker when so many submissions are done."""

    def __init__(self, after: int, pid: int) -> None:
        self._left, self._pid = after, pid

    def finished(self, result: Result) -> None:  # noqa: ARG002 - only how many matters
        """One more."""
        self._left -= 1
        if self._left == 0:
            threading.Thread(target=os.kill, args=(self._pid, signal.SIGKILL)).start()


def round_seconds(settings: Settings, count: int, watcher: Silent) -> tuple[float, list[Result]]:
    """Wall seconds of one class with warm sandboxes, and its results."""
    assignment = load_assignment(CHECKOUT / "assignments/mnist_conv")
    with tempfile.TemporaryDirectory() as scratch:
        grading = Grading(assignment, settings, ResultsFolder(Path(scratch)), watcher)
        grading.warm_up()
        started = time.monotonic()
        results = grading.run(copies(count))
        return time.monotonic() - started, results


def full_marks(results: list[Result]) -> int:
    """How many have all points."""
    return sum(result.score == result.max_score for result in results)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--copies", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="where the numbers are written")
    options = parser.parse_args()
    count = options.copies
    make_cluster: Any = LocalCluster
    with (
        tempfile.TemporaryDirectory() as scratch,
        make_cluster(n_workers=WORKERS, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster,
    ):
        local = Settings(places.datasets(), Path(scratch) / "store", jobs=WORKERS)
        warm_store(Path(scratch), local)
        away = Settings(local.datasets, local.store, jobs=0, engine="dask", scheduler=str(cluster.scheduler_address))
        seconds: dict[str, list[float]] = {"local": [], "dask": []}
        for _ in range(options.rounds):
            for name, settings in (("local", local), ("dask", away)):
                wall, results = round_seconds(settings, count, Silent())
                seconds[name].append(wall)
                print(f"{name:5}: {count} submissions, {full_marks(results)} with full marks, {wall:.1f} s", flush=True)
        victim = cluster.workers[0].pid
        wall, results = round_seconds(away, count, Killer(count // 3, victim))
    middle = {name: statistics.median(values) for name, values in seconds.items()}
    for name, value in middle.items():
        print(f"{name:5}: median {count / value:.2f} submissions a second")
    print(f"throughput of dask against local: {middle['local'] / middle['dask']:.2f}")
    print(
        f"one of {WORKERS} workers killed after {count // 3}: {full_marks(results)} of {count} with full marks, "
        f"{wall:.1f} s ({wall - middle['dask']:+.1f} s, in which a new worker warms up)"
    )
    if options.json:
        found = {
            "copies": count,
            "rounds": options.rounds,
            "workers": WORKERS,
            "local_per_second": count / middle["local"],
            "dask_per_second": count / middle["dask"],
            "ratio": middle["local"] / middle["dask"],
            "lost_worker_seconds": wall - middle["dask"],
            "full_marks": full_marks(results),
        }
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
