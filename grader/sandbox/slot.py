"""A slot: one warm zygote in its box, and the jobs it runs.

Theory of operation. `Slot.run` sends an order and three descriptors to the zygote, which forks the job; from then on a
`Peer` watches it and lets the caller talk with it. A zygote that dies, or that does not report how a job ended, is
replaced before the next job.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from grader.errors import SandboxError
from grader.model.observation import Measured
from grader.sandbox.box import SCRATCH, Box, Level
from grader.sandbox.peer import START_SECONDS, Job, JobOver, Peer, Streams
from grader.sandbox.usage import Usage, usage_below
from grader.scratch import make_scratch, remove_scratch
from grader.zygote.processes import descendants

Conversation = Callable[[Peer], None]


class Slot:
    """Runs one job at a time in a warm zygote; starts the zygote when first needed and replaces it when it dies."""

    def __init__(self, level: Level, role: str, datasets: Path, scratch_bytes: int = 512 * 2**20) -> None:
        self._scratch = make_scratch()
        self.box = Box(level, role, datasets, self._scratch, scratch_bytes)  # type: ignore[arg-type]
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._zygote: int | None = None
        self._log: Any = None
        self._lock = threading.RLock()
        self._closed = False
        self._jobs = 0

    def start(self) -> None:
        """Start the zygote and wait until it is warm; SandboxError if it does not come up."""
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                return
            self.stop()
            if self._closed:
                raise SandboxError("the grader is ending")
            process = self._spawn()
        ready = self._hear(START_SECONDS)
        if not ready or ready.get("type") != "ready":
            detail = self._last_words()
            self.stop()
            raise SandboxError(f"the sandbox did not start: {detail or 'no word from the zygote'}")
        self._zygote = _find_zygote(process.pid, int(ready["pid"]), self.box.level)

    def _spawn(self) -> "subprocess.Popen[bytes]":
        """Start the zygote's process."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the zygote
        process = subprocess.Popen(
            self.box.command(),
            env=self.box.environment(),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            preexec_fn=_pass_as_control(theirs.fileno()),
            pass_fds=(3,),
            cwd="/",
            start_new_session=True,
        )
        theirs.close()
        self._process, self._control = process, ours
        return process

    def stop(self) -> None:
        """End the zygote and everything in its box."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        if self._control is not None:
            with contextlib.suppress(OSError):
                self._control.shutdown(socket.SHUT_RDWR)  # whoever listens to it in another thread hears of the end
            self._control.close()
            self._control = None
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.2)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.kill()
            self._process.wait()
            self._process = None
        if self._log is not None:
            self._log.close()
            self._log = None

    def close(self) -> None:
        """Stop for good and remove the slot's scratch folder; may be called while another thread uses the slot."""
        with self._lock:
            self._closed = True
            self.stop()
        remove_scratch(self._scratch)

    def run(self, job: Job, converse: Conversation) -> tuple[Measured, Streams]:
        """Run one job; `converse` talks with it until it is done or over.

        Returns what was measured and printed. Raises SandboxError if the box itself fails.
        """
        self.start()
        control = self._control
        if control is None:
            raise SandboxError("the grader is ending")
        self._jobs += 1
        peer = Peer(job, self._jobs, control, self.box, self.usage)
        try:
            peer.begin()
            with contextlib.suppress(JobOver):
                converse(peer)
                peer.drain_until_end()
            return peer.measured(), peer.streams
        except OSError as error:
            self.stop()
            raise SandboxError(f"the zygote was lost: {error}") from error
        finally:
            peer.close()
            if not peer.clean:
                self.stop()

    def usage(self) -> Usage:
        """What the jobs of this slot use now, beyond what the zygote has itself."""
        scratch = SCRATCH if self.box.level == "full" else ""
        return usage_below(self._zygote, scratch) if self._zygote is not None else Usage()

    def _hear(self, seconds: float) -> dict[str, Any] | None:
        """One message of the zygote, or None after a time without one or when it is gone."""
        control = self._control
        if control is None:
            return None
        try:
            control.settimeout(seconds)
            data = control.recv(1 << 16)
        except (TimeoutError, OSError):
            return None
        return dict(json.loads(data)) if data else None

    def _last_words(self) -> str:
        """The end of what the zygote printed."""
        if self._log is None:
            return ""
        self._log.seek(0)
        text = self._log.read().decode("utf-8", "replace").strip()
        return " / ".join(text.splitlines()[-3:])[-500:]


def _pass_as_control(descriptor: int) -> Callable[[], None]:
    """In the child: make `descriptor` number 3."""

    def apply() -> None:
        if descriptor != 3:
            os.dup2(descriptor, 3)
        os.set_inheritable(3, True)

    return apply


def _find_zygote(outer: int, inner: int, level: Level) -> int | None:
    """The zygote's process id on the host: bubblewrap's grandchild, or the process itself."""
    if level != "full":
        return outer
    for child in descendants(outer):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{child}/status").read_text().splitlines():
                if line.startswith("NSpid:") and line.split()[-1] == str(inner):
                    return child
    return None
