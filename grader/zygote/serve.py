"""The zygote: TensorFlow imported once, one forked process per job.

Theory of operation. The zygote reads orders from its control socket (descriptor 3), one at a time. With each order
come three descriptors: the job's channel, its standard output and its standard error. It forks; the child gives up
its rights and runs the job; the zygote waits, reports how the child ended and what it used, kills everything that is
left in its process namespace and empties the job's folder. It never runs student code itself, never reads from a
job's channel, and starts no thread before it forks, so that every child finds TensorFlow as it was imported.
"""

import array
import contextlib
import gc
import json
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from grader.wire.channel import Channel, ChannelBroken
from grader.zygote import confine, endings, memory
from grader.zygote.processes import descendants
from grader.zygote.syscalls import refuse_system_calls
from grader.zygote.tools import KINDS, Tools, prepare

CONTROL = 3
LOOK_AGAIN_SECONDS = 0.001


def main() -> None:
    """Warm up, then serve orders until the control socket closes."""
    settings = json.loads(sys.argv[1])
    control = socket.socket(fileno=CONTROL)
    adopt_orphans()
    gc.disable()  # to look for garbage is a fifth of what the imports cost, and there is none to speak of
    tools = prepare(settings)
    confine.find_landlock()
    gc.freeze()
    gc.enable()
    memory.use_huge_pages()
    reply(control, {"type": "ready", "pid": os.getpid(), "threads": len(list(Path("/proc/self/task").iterdir()))})
    while True:
        order, descriptors = take_order(control)
        if order is None:
            return
        serve(control, order, descriptors, tools, settings)


def take_order(control: socket.socket) -> tuple[dict[str, Any] | None, list[int]]:
    """The next order and its descriptors; None when the other end is gone.

    A message to end a job that had ended by itself comes too late, and is passed over.
    """
    size = array.array("i").itemsize
    while True:
        data, ancillary, _, _ = control.recvmsg(1 << 16, socket.CMSG_SPACE(3 * size))
        descriptors: list[int] = []
        for level, kind, payload in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                numbers = array.array("i")
                numbers.frombytes(payload[: len(payload) - len(payload) % size])
                descriptors.extend(numbers)
        message = json.loads(data) if data else None
        if message is None or message["type"] == "order":
            return message, descriptors


def reply(control: socket.socket, body: dict[str, Any]) -> None:
    """Send one message to the grading process."""
    control.send(json.dumps(body).encode())


def serve(
    control: socket.socket,
    order: dict[str, Any],
    descriptors: list[int],
    tools: Tools,
    settings: dict[str, Any],
) -> None:
    """Run one job in a child, clean up after it, and report."""
    folder = Path(settings["scratch"]) / "job"
    if folder.exists():
        wipe(folder.parent)
    folder.mkdir(parents=True)
    with contextlib.suppress(Exception):  # without it, programs take longer
        tools.hold(order["held"])
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        run_child(control, order, descriptors, tools, folder, settings)
    for number in descriptors:
        os.close(number)
    status = wait_or_kill(control, pid, order["job"])
    wall = time.monotonic() - started
    kill_everything()
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    wipe(Path(settings["scratch"]))
    cpu = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    signalled = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else -1
    ending = {"signal": signalled, "code": code, "wall_seconds": wall, "cpu_seconds": cpu}
    reply(control, {"type": "ended", "job": order["job"], **ending})


def wait_or_kill(control: socket.socket, pid: int, job: int) -> int:
    """Wait for the child, or kill it when told to end this job; returns its wait status.

    A message that names another job was meant for one that had ended before it came: it must not harm this one.
    """
    descriptor = os.pidfd_open(pid)
    try:
        while True:
            ready, _, _ = select.select([descriptor, control.fileno()], [], [])
            if descriptor in ready:
                return os.waitpid(pid, 0)[1]
            message = control.recv(1 << 12)
            if message and json.loads(message).get("job") != job:
                continue
            os.kill(pid, signal.SIGKILL)
            status = os.waitpid(pid, 0)[1]
            if not message:
                kill_everything()
                os._exit(0)
            return status
    finally:
        os.close(descriptor)


def run_child(
    control: socket.socket,
    order: dict[str, Any],
    descriptors: list[int],
    tools: Tools,
    folder: Path,
    settings: dict[str, Any],
) -> None:
    """In the child: take the descriptors, give up rights, run the job, and leave without any clean-up."""
    code = endings.OUR_FAULT
    try:
        channel, out, err = descriptors
        control.detach()
        os.dup2(out, 1)
        os.dup2(err, 2)
        null = os.open("/dev/null", os.O_RDONLY)
        os.dup2(null, 0)
        confine.close_descriptors({0, 1, 2, channel})
        os.chdir(folder)
        os.environ.update(HOME=str(folder), TMPDIR=str(folder))
        os.setsid()
        confine.die_with_parent()
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", errors="backslashreplace", closefd=False)
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)
        connection = Channel(socket.socket(fileno=channel))
        message = connection.receive()
        if order["confine"]:
            confine.drop_capabilities()
            paths = settings["readable"], [str(folder)], settings["devices"]
            if not (confine.apply_landlock(*paths) and refuse_system_calls()):
                os._exit(endings.NOT_CONFINED)
        confine.set_limits(order["limits"])
        if order["kind"] not in KINDS:
            os._exit(endings.NOT_CONFINED)
        tools.jobs[order["kind"]](message, connection)
        code = 0
    except MemoryError:
        code = endings.OUT_OF_MEMORY
    except ChannelBroken:
        code = endings.CHANNEL_BROKEN
    except BaseException:  # noqa: BLE001 - the last frame of this process: it must end here, and say why on stderr
        import traceback

        with contextlib.suppress(BaseException):
            traceback.print_exc()
            sys.stderr.flush()
    finally:
        os._exit(code)


def adopt_orphans() -> None:
    """Become the parent of processes whose own parent has gone, so that none is lost from sight."""
    import ctypes

    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


def kill_everything() -> None:
    """Kill all processes in this namespace but this one and its first process, until none is left.

    Orphans become children of this process, so that waiting for all children is waiting for everything; the grading
    process gives up on a box where that takes too long. One that was forked while the others were being listed is found
    when they are listed again: nobody is waited for who may not have been told to end.
    """
    while True:
        try:
            signal_everything()
        except ProcessLookupError:
            return
        if reap():
            time.sleep(LOOK_AGAIN_SECONDS)


def signal_everything() -> None:
    """Send SIGKILL to all that is left of a job; ProcessLookupError if nothing is."""
    if "GRADER_BOX" in os.environ:
        os.kill(-1, signal.SIGKILL)
        return
    left = descendants(os.getpid())
    if not left:
        raise ProcessLookupError
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def reap() -> bool:
    """Wait for children that have ended; returns whether there are others. Called when the job's own status was taken."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
        return True
    return False


def wipe(scratch: Path) -> None:
    """Empty the scratch folder.

    By `chmod` and `rm`, which follow no links and mind neither unreadable folders nor folders nested without end
    (`shutil.rmtree` fails on the ones, and ends in a RecursionError on the others).
    """
    with contextlib.suppress(OSError):
        (scratch / "job").rmdir()  # most jobs leave nothing, and two processes are saved
    for command in (["chmod", "-R", "u+rwX"], ["rm", "-rf"]):
        names = [str(path) for path in scratch.iterdir()]
        if names:
            subprocess.run([*command, "--", *names], check=False, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
