"""Run a command, and write down what it and all processes below it used.

    python measured.py REPORT SECONDS COMMAND...

REPORT becomes a JSON object: the exit code, wall seconds, processor seconds (user and system), and the memory of the
largest process. After SECONDS the command is ended. Needs Linux, and nothing but the standard library.

A process hands its time to its parent when the parent waits for it. That is not enough: what is killed together with its
PID namespace, as in a sandbox, is never waited for. So all processes below the command are also looked at 20 times a
second. What a process and those below it used is its own time when last seen, and the larger of two sums: what it was
handed by children, and what its children were seen to use. Processes that the command leaves behind become children of
this one.
"""

import contextlib
import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
INTERVAL = 0.05
PATIENCE = 20.0
"""Seconds in which processes left behind may end on their own."""


class Tree:
    """The processes below this one, as they were last seen."""

    def __init__(self) -> None:
        self.root = os.getpid()
        self.foreign: set[int] = {self.root}
        self.names: dict[int, tuple[int, int]] = {}
        """Of those alive: the process with the time when it began, since numbers are used again."""
        self.own: dict[tuple[int, int], float] = {}
        self.handed: dict[tuple[int, int], float] = {}
        self.children: dict[tuple[int, int] | None, list[tuple[int, int]]] = {}
        self.peak = 0

    def look(self) -> None:
        """Note the times of all that are there, and find new ones."""
        alive = {int(name) for name in os.listdir("/proc") if name.isdigit()}  # noqa: PTH208 - 20 times a second
        self.foreign &= alive
        for gone in self.names.keys() - alive:
            del self.names[gone]
        for number in [*self.names]:
            self.read(number)
        strangers = alive - self.foreign - self.names.keys()
        found = True
        while found:
            found = False
            for number in sorted(strangers):
                if self.read(number):
                    strangers.discard(number)
                    found = True
        self.foreign |= strangers

    def read(self, number: int) -> bool:
        """Note the times of one process, if it is known or the child of one that is."""
        try:
            fields = Path(f"/proc/{number}/stat").read_text().rpartition(") ")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return False
        name = (number, int(fields[19]))
        if self.names.get(number) != name:
            parent = int(fields[1])
            if parent != self.root and parent not in self.names:
                return False
            self.names[number] = name
            self.children.setdefault(self.names.get(parent), []).append(name)
        user, system, children_user, children_system = (int(field) / TICK for field in fields[11:15])
        self.own[name] = user + system
        self.handed[name] = children_user + children_system
        self.peak = max(self.peak, int(fields[21]) * PAGE)
        return True

    def used(self, name: tuple[int, int]) -> float:
        """Seconds of a process and those below it."""
        return self.own[name] + max(self.handed[name], self.seen_below(name))

    def seen_below(self, name: tuple[int, int] | None) -> float:
        """Seconds that the children of a process were seen to use; None is this process."""
        return sum(self.used(child) for child in self.children.get(name, []))


def reap(tree: Tree, until: float) -> None:
    """Wait for all children; those that are left at this time of the monotonic clock are ended."""
    while True:
        try:
            ended, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if ended:
            continue
        tree.look()
        if time.monotonic() > until:
            for number in tree.names:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)
        time.sleep(INTERVAL)


def main() -> None:
    """Run it, look at it, reap what is left, write the report."""
    report, seconds, *command = sys.argv[1:]
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise SystemExit("cannot become a subreaper: processor time would be lost")
    tree = Tree()
    started = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    while (code := process.poll()) is None:
        tree.look()
        if time.monotonic() - started > float(seconds):
            os.killpg(process.pid, signal.SIGKILL)
        time.sleep(INTERVAL)
    wall = time.monotonic() - started
    reap(tree, time.monotonic() + PATIENCE)
    waited = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = max(waited.ru_utime + waited.ru_stime, tree.seen_below(None))
    peak = max(waited.ru_maxrss * 1024, tree.peak)
    Path(report).write_text(json.dumps({"code": code, "wall": wall, "cpu": cpu, "peak": peak}))


if __name__ == "__main__":
    main()
