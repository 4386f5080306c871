"""Student code in plain processes, where there is no Linux: for `grader check` at home, at the level `none` only.

Theory of operation. Each job is a fresh Python process (`grader/zygote/plain.py`): a process that has imported
TensorFlow cannot be forked safely on macOS, and not at all on Windows. So no drill is played in a forked copy either;
one that needs it is left to a guest of its own, as one that hung would be. While a job runs, the process for the next
one warms up. It connects to a port of this machine that is open for it alone, and a `Peer` talks with it and watches it
as it does with a guest in a box. A thread waits for the process and reports its end, which is what a zygote does
elsewhere.
"""

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil

from grader.errors import SandboxError
from grader.model.observation import Measured
from grader.sandbox.box import Box
from grader.sandbox.peer import START_SECONDS, Job, JobOver, Peer, Streams
from grader.sandbox.slot import Conversation, Slot
from grader.sandbox.usage import Usage
from grader.scratch import remove_scratch
from grader.wire.greeting import LOCAL, STREAMS, read_greeting


def is_needed() -> bool:
    """Whether this system has nothing of what boxes and zygotes are made of."""
    return sys.platform != "linux"


@dataclass
class Warm:
    """A process that imports what jobs need, and then waits to hear of one."""

    process: "subprocess.Popen[bytes]"
    log: IO[bytes]

    def tell(self, order: dict[str, Any]) -> None:
        """Say which job it is."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError), self.process.stdin as stdin:
            stdin.write(json.dumps(order).encode() + b"\n")

    def last_words(self) -> str:
        """The end of what the process printed before it had a job."""
        self.log.seek(0)
        text = self.log.read().decode("utf-8", "replace").strip()
        return " / ".join(text.splitlines()[-3:])[-500:]

    def end(self) -> None:
        """End the process, and what it has started."""
        if self.process.poll() is None:
            end_tree(self.process)
            self.process.wait()
        if self.process.stdin is not None:
            with contextlib.suppress(OSError):  # nobody is there any more to read what is left
                self.process.stdin.close()
        self.log.close()


class PlainSlot(Slot):
    """Runs one job at a time, each in a process of its own; the next one warms up meanwhile."""

    def __init__(self, role: str, datasets: Path) -> None:
        super().__init__("none", role, datasets, 0)
        self._now: Warm | None = None
        self._next: Warm | None = None
        self._started_with = Usage()
        self._last = Usage()

    def start(self) -> None:
        """Have a process ready for the next job."""
        with self._lock:
            if self._next is None and not self._closed:
                self._next = self._warm_up()

    def _end(self) -> None:
        """End the process of the job; for good also the one that waits."""
        if self._now is not None:
            end_tree(self._now.process)
        if self._closed and self._next is not None:
            self._next.end()
            self._next = None

    def run(self, job: Job, converse: Conversation) -> tuple[Measured, Streams]:
        """Run one job; `converse` talks with it until it is done or over. Raises SandboxError if it cannot be started."""
        self.start()
        with self._lock:
            warm, self._next = self._next, None
            self._now = warm
        if warm is None:
            raise SandboxError("the grader is ending")
        self._jobs += 1
        folder = self._scratch / f"job-{self._jobs}"
        folder.mkdir()
        try:
            connections = self._connect(warm, job.kind, folder)
            if self.box.role == "guest":  # a training is rarely followed by another
                self.start()
            return self._converse(job, warm.process, connections, converse)
        finally:
            self._now = None
            warm.end()
            remove_scratch(folder)

    def _converse(
        self,
        job: Job,
        process: "subprocess.Popen[bytes]",
        connections: list[socket.socket],
        converse: Conversation,
    ) -> tuple[Measured, Streams]:
        self._started_with = self._last = tree_usage(process.pid)
        ours, theirs = socket.socketpair()
        watcher = threading.Thread(target=self._report_end, args=(process, theirs), daemon=True)
        watcher.start()
        peer = PlainPeer(job, self._jobs, ours, self.box, self.usage, connections, self.stop)
        try:
            peer.begin()
            with contextlib.suppress(JobOver):
                converse(peer)
                peer.drain_until_end()
            return peer.measured(), peer.streams
        except OSError as error:
            raise SandboxError(f"the process was lost: {error}") from error
        finally:
            peer.close()
            self.stop()
            watcher.join(5)
            ours.close()

    def usage(self) -> Usage:
        """What the job uses now, beyond what it had when it was ready."""
        now = tree_usage(self._now.process.pid) if self._now is not None else Usage()
        if now.processes:
            self._last = now
        before = self._started_with
        return Usage(
            max(now.memory_bytes - before.memory_bytes, 0),
            now.processes,
            max(self._last.cpu_seconds - before.cpu_seconds, 0.0),
        )

    def _warm_up(self) -> Warm:
        """A process that will wait for a job."""
        log = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        settings = {"role": self.box.role, "datasets": str(self.box.datasets)}
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "grader.zygote.plain", json.dumps(settings)],
            env=self.environment(),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd=self._scratch,
            start_new_session=os.name == "posix",
        )
        return Warm(process, log)

    def _connect(self, warm: Warm, kind: str, folder: Path) -> list[socket.socket]:
        """The connections of a process that has been told of its job, in the order of `STREAMS`.

        Raises SandboxError if they do not come.
        """
        token = secrets.token_hex(16)
        found: dict[str, socket.socket] = {}
        with socket.create_server((LOCAL, 0)) as listener:
            listener.settimeout(0.5)
            warm.tell({"kind": kind, "folder": str(folder), "port": listener.getsockname()[1], "token": token})
            patience = time.monotonic() + START_SECONDS
            while len(found) < len(STREAMS):
                if warm.process.poll() is not None or time.monotonic() > patience or self._closed:
                    raise SandboxError(f"the process did not start: {warm.last_words() or 'no word from it'}")
                with contextlib.suppress(TimeoutError):
                    connection, _ = listener.accept()
                    letter = read_greeting(connection, token)
                    if not letter or letter in found:
                        connection.close()
                    else:
                        found[letter] = connection
        return [found[letter] for letter in STREAMS]

    def environment(self) -> dict[str, str]:
        """That of the student, with what makes a run repeatable."""
        own = {key: value for key, value in self.box.environment().items() if key not in ("PATH", "LANG")}
        return {**os.environ, **own, "PYTHONUTF8": "1"}

    def _report_end(self, process: "subprocess.Popen[bytes]", control: socket.socket) -> None:
        """Wait for the process, end what it left behind, and say how it went."""
        started = time.monotonic()
        code = process.wait()
        end_tree(process)
        used = max(self._last.cpu_seconds - self._started_with.cpu_seconds, 0.0)
        ending = {"signal": max(-code, 0), "code": max(code, 0)}
        times = {"wall_seconds": time.monotonic() - started, "cpu_seconds": used}
        with contextlib.suppress(OSError), control:
            control.sendall(json.dumps({"type": "ended", "job": self._jobs, **ending, **times}).encode())


class PlainPeer(Peer):
    """The caller's side of a job in a plain process: its streams are sockets, and it is ended from here."""

    def __init__(
        self,
        job: Job,
        number: int,
        control: socket.socket,
        box: Box,
        usage: Callable[[], Usage],
        connections: list[socket.socket],
        end: Callable[[], None],
    ) -> None:
        super().__init__(job, number, control, box, usage)
        self._connections, self._end_process = connections, end

    def begin(self) -> None:
        """Take the connections in the place of what a zygote would have been handed; the job starts."""
        for unused in (self._channel, self._theirs):
            unused.close()
        for pair in self._pipes:
            for end in pair:
                os.close(end)  # type: ignore[arg-type] # as they were made, they are pipes
        self._channel, out, err = self._connections
        self._pipes = ((out, -1), (err, -1))
        self._listen()

    def _tell_zygote(self) -> None:
        """There is none: the process is ended."""
        if not self._told:
            self._told = True
            self._end_process()


def tree_usage(pid: int) -> Usage:
    """What a process and its descendants use; nothing if it is gone."""
    memory, processes, cpu = 0, 0, 0.0
    with contextlib.suppress(psutil.Error):
        first = psutil.Process(pid)
        for process in [first, *first.children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                memory += process.memory_info().rss
                cpu += times.user + times.system
                processes += 1
    return Usage(memory, processes, cpu)


def end_tree(process: "subprocess.Popen[bytes]") -> None:
    """End a process and everything that it has started and that can still be found."""
    family: list[psutil.Process] = []
    with contextlib.suppress(psutil.Error):
        family = psutil.Process(process.pid).children(recursive=True)
    if sys.platform != "win32":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    for member in family:
        with contextlib.suppress(psutil.Error):
            member.kill()
    with contextlib.suppress(OSError):
        process.kill()
