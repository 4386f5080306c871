"""The caller's side of a running job, watched from outside.

Theory of operation. A `Peer` pumps four streams (frames, standard output, standard error, the zygote's control socket),
counts bytes, looks at clocks, memory and processes, and lets the caller talk with the job. When a limit is crossed it
tells the zygote to end the job. The `Ending` is what this side saw; nothing that the job says can change it.
"""

import array
import contextlib
import json
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from grader.errors import ProtocolError, SandboxError
from grader.model.assignment import Limits
from grader.model.observation import Ending, EndingKind, Measured
from grader.sandbox.box import Box
from grader.sandbox.usage import Usage
from grader.wire.frames import Decoder, Frame, encode
from grader.zygote.endings import CHANNEL_BROKEN, NOT_CONFINED, OUR_FAULT, OUT_OF_MEMORY

START_SECONDS = 120.0
WATCH_SECONDS = 0.1
END_SECONDS = 30.0
"""How long a zygote may take to clean up and report; one that takes longer is stopped or stuck, and is replaced."""


Reading = int | socket.socket
"""Where what a job prints can be read: the end of a pipe, or a socket."""


class JobOver(Exception):  # noqa: N818 - not an error: the job has ended, and the caller has nothing left to ask
    """The job ended while its caller waited for a frame."""


@dataclass(frozen=True)
class Job:
    """One order for a slot."""

    kind: str
    order: dict[str, Any]
    arrays: tuple[np.ndarray[Any, Any], ...] = ()
    limits: Limits = field(default_factory=Limits)
    held: tuple[str, ...] = ()
    """Images whose quotient by 255 the zygote is to have ready, as `mnist/x_train`."""


@dataclass
class Streams:
    """What came out of a job so far."""

    out: bytearray = field(default_factory=bytearray)
    err: bytearray = field(default_factory=bytearray)
    out_bytes: int = 0
    err_bytes: int = 0


class Peer:
    """The caller's side of a running job."""

    def __init__(self, job: Job, number: int, control: socket.socket, box: Box, usage: Callable[[], Usage]) -> None:
        self._job, self._control, self._box, self._usage = job, control, box, usage
        self._number = number
        self.streams = Streams()
        self.clean = False
        self._channel, self._theirs = socket.socketpair()
        self._pipes: tuple[tuple[Reading, int], ...] = (os.pipe(), os.pipe())
        self._decoder = Decoder()
        self._frames: list[Frame] = []
        self._selector = selectors.DefaultSelector()
        self._deadline = 0.0
        self._started = 0.0
        self._ending: Ending | None = None
        self._report: dict[str, Any] = {}
        self._peak = 0
        self._next_watch = 0.0
        self._done = False
        self._heard = False
        self._taken: float | None = None
        self._told = False
        self._cpu_before = usage().cpu_seconds
        self._cpu_limit = job.limits.cpu_seconds

    def begin(self) -> None:
        """Send the order; the job starts."""
        order = {
            "type": "order",
            "job": self._number,
            "kind": self._job.kind,
            "confine": self._box.confines,
            "limits": self._job.limits.model_dump(),
            "held": self._job.held,
        }
        descriptors = [self._theirs.fileno(), self._pipes[0][1], self._pipes[1][1]]
        self._control.settimeout(START_SECONDS)
        self._control.sendmsg(
            [json.dumps(order).encode()],
            [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))],
        )
        self._theirs.close()
        for _, end in self._pipes:
            os.close(end)
        self._listen()

    def _listen(self) -> None:
        """Start the clock, listen to all four streams, and send the order."""
        self._started = time.monotonic()
        self._deadline = self._started + self._job.limits.wall_seconds
        for source in (self._channel, self._control, self._pipes[0][0], self._pipes[1][0]):
            if isinstance(source, int):
                os.set_blocking(source, False)
            else:
                source.setblocking(False)
            self._selector.register(source, selectors.EVENT_READ)
        self.send({"type": "order", **self._job.order}, self._job.arrays)

    def send(self, body: dict[str, Any], arrays: tuple[np.ndarray[Any, Any], ...] = ()) -> None:
        """Send a frame to the job; what the job says meanwhile is kept."""
        if self._taken is not None:  # the student's clock stands while it is our turn
            self._deadline += time.monotonic() - self._taken
            self._taken = None
        data = memoryview(encode(body, arrays))
        while data and self._ending is None:
            try:
                data = data[self._channel.send(data[: 1 << 20]) :]
            except BlockingIOError:
                self._pump(0.005)
            except OSError:
                return

    def receive(self) -> Frame:
        """The next frame of the job; JobOver when it ended without one, or was ended."""
        while not self._frames and not self._over:
            self._pump(WATCH_SECONDS)
        if self._ending is not None or not self._frames:
            raise JobOver
        self._taken = time.monotonic()
        self._heard = True
        return self._frames.pop(0)

    def ask(self, body: dict[str, Any], arrays: tuple[np.ndarray[Any, Any], ...] = ()) -> Frame:
        """Send a frame and wait for the next one."""
        self.send(body, arrays)
        return self.receive()

    def printed(self) -> int:
        """Bytes of standard output up to the frame that was received last."""
        self._read_pipe(self._pipes[0][0], self.streams.out, "out_bytes")
        return len(self.streams.out)

    def allow(self, wall_seconds: float) -> None:
        """Set a new wall limit, counted from now, and as much more processor time (live training)."""
        self._deadline = time.monotonic() + wall_seconds
        used = self._usage().cpu_seconds - self._cpu_before
        self._cpu_limit = used + max(wall_seconds, self._job.limits.cpu_seconds)

    def finish(self) -> None:
        """The job has said all it had to say."""
        self._done = True

    def reject(self, reason: str) -> None:
        """End the job because it broke the protocol."""
        self._end("protocol", reason)

    def end(self, kind: EndingKind, detail: str) -> None:
        """End the job from outside for a reason of the caller's."""
        self._end(kind, detail)

    def drain_until_end(self) -> None:
        """Wait until the zygote reports that the job is gone."""
        patience = time.monotonic() + END_SECONDS
        while not self._report and self._control_is_open and time.monotonic() < patience:
            if self._done and time.monotonic() > self._deadline:
                self._tell_zygote()
            self._pump(WATCH_SECONDS)
            self._frames.clear()

    @property
    def _over(self) -> bool:
        """Whether the job has ended, or has been told to."""
        return self._ending is not None or bool(self._report)

    @property
    def _control_is_open(self) -> bool:
        """False once the zygote is gone."""
        return self._control in {key.fileobj for key in self._selector.get_map().values()}

    def measured(self) -> Measured:
        """Everything seen from outside."""
        if not self._report:
            self.drain_until_end()
        for source, buffer, counter in (
            (self._pipes[0][0], self.streams.out, "out_bytes"),
            (self._pipes[1][0], self.streams.err, "err_bytes"),
        ):
            self._read_pipe(source, buffer, counter)
        self.clean = bool(self._report)
        return Measured(
            ending=self._judge_ending(),
            wall_seconds=float(self._report.get("wall_seconds", time.monotonic() - self._started)),
            cpu_seconds=float(self._report.get("cpu_seconds", 0.0)),
            peak_memory_bytes=self._peak,
            stdout_bytes=self.streams.out_bytes,
            stderr_bytes=self.streams.err_bytes,
            sandbox=self._box.level,
        )

    def close(self) -> None:
        """Release descriptors."""
        self._selector.close()
        self._channel.close()
        for reading, _ in self._pipes:
            with contextlib.suppress(OSError):
                os.close(reading) if isinstance(reading, int) else reading.close()
        if self._control.fileno() >= 0:
            self._control.setblocking(True)

    def _judge_ending(self) -> Ending:
        """The ending in one word: ours if a limit was crossed, else how the process went."""
        if self._ending is not None:
            return self._ending
        if not self._report:
            if self._box.shields_zygote:
                raise SandboxError("the zygote did not report the end of a job")
            return Ending(kind="signalled", detail="the whole box was lost")
        number, code = int(self._report["signal"]), int(self._report["code"])
        if number and number == getattr(signal, "SIGXCPU", 0):
            return Ending(kind="cpu", detail=f"{self._job.limits.cpu_seconds:g} s of processor time")
        if number:
            return Ending(kind="signalled", detail=_signal_name(number))
        if (code == NOT_CONFINED and not self._heard) or (code == OUR_FAULT and not self._done):
            words = bytes(self.streams.err).decode("utf-8", "replace").strip().splitlines()
            raise SandboxError(f"the guest failed (code {code}): {words[-1][:300] if words else 'no word'}")
        if code == OUT_OF_MEMORY:
            return Ending(kind="memory", detail=_mebibytes(self._job.limits.memory_bytes))
        if code == CHANNEL_BROKEN:
            return Ending(kind="protocol", detail="it closed the grader's connection")
        return Ending(kind="finished") if self._done and code == 0 else Ending(kind="exited", detail=str(code))

    def _pump(self, seconds: float) -> None:
        """Move bytes for at most `seconds`, then look at the clocks."""
        for key, _ in self._selector.select(min(seconds, max(self._deadline - time.monotonic(), 0.0)) or 0.001):
            if key.fileobj is self._channel:
                self._read_channel()
            elif key.fileobj is self._control:
                self._read_control()
            elif key.fileobj == self._pipes[0][0]:
                self._read_pipe(self._pipes[0][0], self.streams.out, "out_bytes")
            else:
                self._read_pipe(self._pipes[1][0], self.streams.err, "err_bytes")
        self._watch()

    def _read_channel(self) -> None:
        with contextlib.suppress(BlockingIOError):
            try:
                data = self._channel.recv(1 << 20)
            except OSError:
                data = b""
            if not data:
                with contextlib.suppress(KeyError):
                    self._selector.unregister(self._channel)
                return
            try:
                self._frames += self._decoder.feed(data)
            except ProtocolError as error:
                self.reject(str(error))

    def _read_control(self) -> None:
        with contextlib.suppress(BlockingIOError):
            data = self._control.recv(1 << 16)
            if not data:
                self._ending = self._ending or Ending(kind="signalled", detail="the process above it was killed")
                self._selector.unregister(self._control)
                if self._box.shields_zygote:
                    raise SandboxError("the zygote died during a job")
                raise JobOver
            message = json.loads(data)
            if message["type"] == "ended" and message["job"] == self._number:
                self._report = message

    def _read_pipe(self, source: Reading, buffer: bytearray, counter: str) -> None:
        """Take what is there; keep at most the limit, count all."""
        limit = self._job.limits.output_bytes
        while True:
            try:
                data = os.read(source, 1 << 16) if isinstance(source, int) else source.recv(1 << 16)
            except (BlockingIOError, OSError):
                return
            if not data:
                with contextlib.suppress(KeyError, ValueError):
                    self._selector.unregister(source)
                return
            setattr(self.streams, counter, getattr(self.streams, counter) + len(data))
            buffer += data[: max(limit - len(buffer), 0)]
            if getattr(self.streams, counter) > limit:
                self._end("output", f"more than {_mebibytes(limit)} printed")
                return

    def _watch(self) -> None:
        """Compare clocks, memory and processes with the limits."""
        now = time.monotonic()
        if self._report or self._ending is not None:
            return
        if now > self._deadline and not self._done:
            self._end("timeout", f"{self._job.limits.wall_seconds:g} s")
        if now < self._next_watch:
            return
        usage, limits = self._usage(), self._job.limits
        self._peak = max(self._peak, usage.memory_bytes)
        self._next_watch = time.monotonic() + WATCH_SECONDS
        if usage.memory_bytes > limits.memory_bytes:
            self._end("memory", f"more than {_mebibytes(limits.memory_bytes)}")
        elif usage.processes > limits.processes:
            self._end("processes", f"more than {limits.processes} processes")
        elif usage.cpu_seconds - self._cpu_before > self._cpu_limit:
            self._end("cpu", f"{self._cpu_limit:g} s of processor time")

    def _end(self, kind: EndingKind, detail: str) -> None:
        """Note why the job must end, and have it ended."""
        if self._ending is None and not self._report:
            self._ending = Ending(kind=kind, detail=detail)
            self._tell_zygote()

    def _tell_zygote(self) -> None:
        if not self._told:
            self._told = True
            with contextlib.suppress(OSError):
                self._control.send(json.dumps({"type": "end", "job": self._number}).encode())


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:.0f} MiB"
