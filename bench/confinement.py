"""Cost of the complete confinement of a job, against an unconfined fork of the same zygote.

    python bench/confinement.py [--jobs 40]

A program that does nothing is run in turn in a slot of the level `full` and in one of the level `none`; printed is the
median of each in milliseconds of wall time, and the difference.
"""

import argparse
import statistics
import time

from grader.cli import places
from grader.model.assignment import Limits
from grader.sandbox.box import Level
from grader.sandbox.peer import Job, Peer
from grader.sandbox.slot import Slot

LEVELS: tuple[Level, ...] = ("full", "none")
ORDER = {
    "name": "program.py",
    "notebook": False,
    "cells": [{"number": 1, "text": "pass"}],
    "entry_points": [],
    "probe": "def probe(student, rng):\n    pass\n",
    "seed": 1,
    "inputs": "",
    "old_names": True,
}


def converse(peer: Peer) -> None:
    """Say yes until the job is done."""
    while peer.receive().type != "done":
        peer.send({"type": "ok"})
    peer.finish()
    peer.send({"type": "bye"})


def milliseconds(slot: Slot) -> float:
    """Wall time of one job, from the order to the report of its end."""
    started = time.monotonic()
    slot.run(Job("program", ORDER, limits=Limits()), converse)
    return 1000 * (time.monotonic() - started)


def main() -> None:
    """Measure in turn, and print one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=40)
    options = parser.parse_args()
    slots = {level: Slot(level, "guest", places.datasets()) for level in LEVELS}
    try:
        for slot in slots.values():
            milliseconds(slot)
        taken: dict[str, list[float]] = {level: [] for level in LEVELS}
        for _ in range(options.jobs):
            for level, slot in slots.items():
                taken[level].append(milliseconds(slot))
    finally:
        for slot in slots.values():
            slot.close()
    full, none = (statistics.median(taken[level]) for level in LEVELS)
    print(f"a job that does nothing: full {full:.0f} ms, none {none:.0f} ms, confinement {full - none:+.0f} ms")


if __name__ == "__main__":
    main()
