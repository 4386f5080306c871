"""What every level of the sandbox keeps, and what the stronger levels keep beside it.

One suite for all levels. Slots are shared by the whole module, since a zygote takes seconds to start.
"""

import contextlib
import hashlib
import json
import os
import platform
import signal
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.cli import places
from grader.errors import SandboxError
from grader.model.assignment import Limits
from grader.model.observation import Measured
from grader.sandbox.box import LEVELS, Level, library_paths
from grader.sandbox.peer import Job, Peer
from grader.sandbox.slot import Slot
from grader.wire.frames import Frame
from grader.zygote.processes import descendants
from grader.zygote.syscalls import ARCHITECTURES, REFUSED

CHECKOUT = Path(__file__).parent.parent
SECRET = "do-not-look-at-me"
MEBI = 2**20
CALLED = "def probe(student, rng):\n    student.call('main')\n"

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(300)]


@dataclass
class Talk:
    """A grading process that says yes to everything."""

    at_call: Callable[[], None] = lambda: None
    frames: list[Frame] = field(default_factory=list)

    def __call__(self, peer: Peer) -> None:
        """Answer frames until the guest is done."""
        frame = peer.receive()
        while True:
            self.frames.append(frame)
            if frame.type == "done":
                break
            if frame.type == "calling":
                self.at_call()
            frame = peer.ask({"type": "ok"})
        peer.finish()
        peer.send({"type": "bye"})


@dataclass(frozen=True)
class Seen:
    """A job, seen from outside."""

    measured: Measured
    stdout: str
    stderr: str
    frames: list[Frame]

    @property
    def ending(self) -> tuple[str, str]:
        """How it ended: kind and detail."""
        return self.measured.ending.kind, self.measured.ending.detail

    @property
    def value(self) -> Any:
        """What `main` returned; the test fails if it did not."""
        assert self.frames, (self.ending, self.stderr)
        assert self.frames[-1].type == "done", (self.ending, self.stderr)
        (call,) = [frame.body["call"] for frame in self.frames if frame.type == "called"]
        assert not call.get("error"), call["error"]
        return call["value"]


def run(
    slot: Slot, code: str, at_call: Callable[[], None] = lambda: None, held: tuple[str, ...] = (), **limits: Any
) -> Seen:
    """Run a program that defines `main`, and call it."""
    order = {
        "name": "program.py",
        "notebook": False,
        "cells": [{"number": 1, "text": code}],
        "entry_points": ["main"],
        "probe": CALLED,
        "seed": 1,
        "inputs": "",
        "old_names": True,
    }
    talk = Talk(at_call)
    job = Job("program", order, limits=Limits(**{"wall_seconds": 30.0, **limits}), held=held)
    measured, streams = slot.run(job, talk)
    out, err = (bytes(stream).decode("utf-8", "replace") for stream in (streams.out, streams.err))
    return Seen(measured, out, err, talk.frames)


def main(*lines: str) -> str:
    """A program whose `main` has these lines."""
    return "import os, sys, time, signal, socket, ctypes\ndef main():\n" + "".join(f"    {line}\n" for line in lines)


def attempts(*expressions: str) -> str:
    """A program whose `main` returns those of the expressions that did not raise."""
    tries = [
        f"for text in {list(expressions)!r}:",
        "    try:",
        "        eval(text)",
        "        done.append(text)",
        "    except OSError:",
        "        pass",
    ]
    return main("done = []", *tries, "return done")


class Slots(dict[str, Slot]):
    """One slot per level, started when first asked for."""

    def __missing__(self, level: Level) -> Slot:
        self[level] = Slot(level, "guest", places.datasets())
        return self[level]


@pytest.fixture(scope="module")
def slots() -> Iterator[Slots]:
    """The slots of this module, started with a secret in the environment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADER_TEST_SECRET", SECRET)
        made = Slots()
        yield made
        for slot in made.values():
            slot.close()


@pytest.fixture(params=LEVELS)
def slot(request: pytest.FixtureRequest, slots: Slots) -> Slot:
    """A slot of each level."""
    return slots[request.param]


@pytest.fixture(params=["full", "contained"])
def confined(request: pytest.FixtureRequest, slots: Slots) -> Slot:
    """A slot of each level that confines its guests."""
    return slots[request.param]


@pytest.fixture
def full(slots: Slots) -> Slot:
    """A slot with every layer."""
    return slots["full"]


# ── every level ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_ordinary_job_finishes(slot: Slot) -> None:
    """It ends as finished, with frames in order, what it returned, what it printed, and the level it ran at."""
    seen = run(
        slot, "import sys\nprint('loaded')\ndef main():\n    print('töne', file=sys.stderr)\n    return [1, 2.5, 'x']"
    )
    assert seen.ending == ("finished", "")
    assert [frame.type for frame in seen.frames] == ["begin", "calling", "called", "done"]
    assert seen.value == [1, 2.5, "x"]
    assert (seen.stdout, seen.stderr) == ("loaded\n", "töne\n")
    assert seen.measured.sandbox == slot.box.level
    assert 0 < seen.measured.wall_seconds < 10


def test_printed_bytes_are_counted(slot: Slot) -> None:
    """Bytes of both streams are counted outside, however they were written."""
    code = main("os.write(1, b'x' * 1000)", "os.system('echo y')", "print('z', flush=True)", "os.write(2, b'e' * 7)")
    seen = run(slot, code)
    assert (seen.measured.stdout_bytes, seen.measured.stderr_bytes) == (1004, 7)


ENDINGS: dict[str, tuple[str, dict[str, Any], str, str]] = {
    # name: (code, limits, kind, a part of the detail)
    "exits": ("os._exit(3)", {}, "exited", "3"),
    "exits_as_if_all_were_well": ("os._exit(0)", {}, "exited", "0"),
    "is_killed": ("os.kill(os.getpid(), signal.SIGKILL)", {}, "signalled", "SIGKILL"),
    "crashes": ("ctypes.string_at(0)", {}, "signalled", "SIGSEGV"),
    "aborts": ("os.abort()", {}, "signalled", "SIGABRT"),
    "sleeps_too_long": ("time.sleep(60)", {"wall_seconds": 2.0}, "timeout", "2 s"),
    "loops_for_ever": (
        "[None for _ in iter(int, 1)]",
        {"cpu_seconds": 2.0, "live_wall_seconds": 60.0},
        "cpu",
        "2 s of processor time",
    ),
    "allocates_too_much": (
        "kept = bytearray(os.urandom(1000)) * 400_000; time.sleep(5)",
        {"memory_bytes": 200 * MEBI},
        "memory",
        "200 MiB",
    ),
    "prints_too_much": (
        "[os.write(1, b'x' * 65536) for _ in range(100)]; time.sleep(5)",
        {"output_bytes": MEBI},
        "output",
        "1 MiB",
    ),
    "complains_too_much": (
        "[os.write(2, b'x' * 65536) for _ in range(100)]; time.sleep(5)",
        {"output_bytes": MEBI},
        "output",
        "1 MiB",
    ),
    "starts_too_many_processes": (
        "[os.fork() or time.sleep(60) for _ in range(12)]; time.sleep(5)",
        {"processes": 8},
        "processes",
        "8",
    ),
    "speaks_out_of_turn": (
        "[socket.socket(fileno=os.dup(n)).send(b'\\xff' * 64) for n in range(3, 20) "
        "if os.path.exists(f'/proc/self/fd/{n}') and 'socket' in os.readlink(f'/proc/self/fd/{n}')]; time.sleep(5)",
        {},
        "protocol",
        "frame too large",
    ),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_endings_are_seen_from_outside_and_the_next_job_is_unharmed(slot: Slot, name: str) -> None:
    """Each way to end has its word; the job after it runs as ever, in an empty folder of its own."""
    code, limits, kind, detail = ENDINGS[name]
    leftovers = "open('left', 'w').write('x'); os.makedirs('deep/er')"
    seen = run(slot, main(leftovers, code, "return 'survived'"), **limits)
    assert seen.measured.ending.kind == kind, (seen.measured, seen.stderr)
    assert detail in seen.measured.ending.detail
    after = run(slot, main("return [os.listdir('.'), os.getcwd() == os.environ['HOME'] == os.environ['TMPDIR']]"))
    assert after.ending == ("finished", "")
    assert after.value == [[], True]


CLUTTER = {
    "unreadable_folders": "os.makedirs('a/b/c'); os.chmod('a/b', 0); os.chmod('a', 0); os.chmod('.', 0)",
    "folders_without_end": "[(os.mkdir('d'), os.chdir('d')) for _ in range(3000)]",
    "many_files": "[open(f'{n}', 'w').close() for n in range(3000)]",
    "odd_names": "[open(b'\\xff\\n' + bytes([n]), 'w').close() for n in (1, 32, 128, 200)]",
    "no_files_at_all": "os.mkfifo('fifo'); socket.socket(socket.AF_UNIX).bind('socket'); os.symlink('/', 'root')",
    "no_folder_at_all": "os.rmdir(os.getcwd())",
}


@pytest.mark.parametrize("name", CLUTTER)
def test_whatever_a_job_leaves_is_removed(slot: Slot, name: str) -> None:
    """The next job finds an empty folder, also after one that made its own hard to remove; neither is an error of ours."""
    code = f"try: {CLUTTER[name]}\n    except OSError: pass"
    assert run(slot, main(code, "return 'done'")).value == "done"
    assert run(slot, main("return os.listdir('.')")).value == []
    if slot.box.level == "full":
        assert run(slot, main("return len(os.listdir('..'))")).value == 1
    else:
        assert list(slot.box.scratch.iterdir()) == []


def test_links_that_a_job_leaves_are_not_followed(slot: Slot, tmp_path: Path) -> None:
    """Clean-up changes nothing outside of the folder, wherever a link points."""
    (tmp_path / "precious").write_text("gold")
    tmp_path.chmod(0o750)
    assert run(slot, main(f"os.mkdir('d'); os.symlink({str(tmp_path)!r}, 'd/l'); os.symlink('d/l', 'm')")).value is None
    assert run(slot, main("return os.listdir('.')")).value == []
    assert (tmp_path / "precious").read_text() == "gold"
    assert tmp_path.stat().st_mode & 0o777 == 0o750


@pytest.mark.parametrize("code", [71, 73, 74])
def test_an_exit_code_of_ours_from_a_program_is_not_our_fault(slot: Slot, code: int) -> None:
    """A program that ends with a code that the guest itself uses has ended itself: that is data, never a SandboxError."""
    assert run(slot, main(f"os._exit({code})")).measured.ending.kind in ("exited", "memory", "protocol")


def test_nothing_of_a_job_outlives_it(slot: Slot) -> None:
    """Children in sessions of their own are gone when the next job begins."""
    before = set(descendants(os.getpid()))
    lines = [
        "for _ in range(10):",
        "    if os.fork() == 0:",
        "        os.setsid()",
        "        if os.fork(): os._exit(0)",
    ]
    assert run(slot, main(*lines, "        time.sleep(600)", "return 1")).value == 1
    assert run(slot, main("return 2")).value == 2
    assert set(descendants(os.getpid())) - before - box_of(slot) == set()


def box_of(slot: Slot) -> set[int]:
    """The zygote, and bubblewrap around it."""
    assert slot._process is not None
    return {slot._process.pid, *descendants(slot._process.pid)}


def test_memory_of_the_job_is_counted(slot: Slot) -> None:
    """The job's own memory is measured, and that of its children; what it shares with the zygote is not."""
    own = run(slot, main("kept = bytearray(os.urandom(1000)) * 200_000", "time.sleep(0.5)"))
    assert 180 * MEBI < own.measured.peak_memory_bytes < 320 * MEBI
    child = "if os.fork() == 0: kept = bytearray(os.urandom(1000)) * 200_000; time.sleep(0.5); os._exit(0)"
    of_children = run(slot, main(child, "time.sleep(0.6)"))
    assert 180 * MEBI < of_children.measured.peak_memory_bytes < 320 * MEBI
    assert run(slot, main("time.sleep(0.3)")).measured.peak_memory_bytes < 100 * MEBI


def test_processor_time_of_children_is_counted(slot: Slot) -> None:
    """Work done in a child is the job's work."""
    spin = "[sum(range(1000)) for _ in iter(lambda: time.process_time() > 0.7, True)]"
    seen = run(slot, main("pid = os.fork()", f"if pid == 0: {spin}; os._exit(0)", "os.waitpid(pid, 0)"))
    assert seen.measured.cpu_seconds > 0.6


def test_processor_time_of_many_short_lived_processes_is_counted(slot: Slot) -> None:
    """No clock sees a child that lives for a moment, but what all of them used ends the job."""
    spin = "[sum(range(1000)) for _ in iter(lambda: time.process_time() > 0.05, True)]"
    lines = ["while True:", "    pid = os.fork()", f"    if pid == 0: {spin}; os._exit(0)", "    os.waitpid(pid, 0)"]
    assert run(slot, main(*lines), cpu_seconds=1.0).ending == ("cpu", "1 s of processor time")


def test_the_environment_holds_nothing_of_ours(slot: Slot) -> None:
    """No variable of the grading process is there, neither in `os.environ` nor in what the kernel keeps."""
    assert os.environ["GRADER_TEST_SECRET"] == SECRET
    variables, kernel = run(slot, main("return [dict(os.environ), open('/proc/self/environ').read()]")).value
    assert SECRET not in str(variables)
    assert SECRET not in kernel
    assert set(variables) & {"USER", "LOGNAME", "OLDPWD", "VIRTUAL_ENV", "GRADER_HOME", "PYTEST_CURRENT_TEST"} == set()


def test_only_the_channel_is_open(slot: Slot) -> None:
    """Beside the three standard streams a program finds one descriptor: its channel."""
    lines = ["found = {}", "for name in os.listdir('/proc/self/fd'):", "    try:"]
    lines += ["        found[name] = os.readlink(f'/proc/self/fd/{name}')", "    except OSError: pass", "return found"]
    found = run(slot, main(*lines)).value
    assert found.pop("0") == "/dev/null"
    assert found.pop("1").startswith("pipe:")
    assert found.pop("2").startswith("pipe:")
    assert [name.partition(":")[0] for name in found.values()] == ["socket"]


def test_a_program_finds_its_warm_libraries(slot: Slot) -> None:
    """TensorFlow, Keras, NumPy and Matplotlib are there, on one thread and without a display."""
    lines = ["import tensorflow as tf, keras, numpy, matplotlib.pyplot as plt", "plt.plot([1]); plt.savefig('p.png')"]
    value = "return [float(tf.reduce_sum(tf.ones((3,)))), tf.config.threading.get_inter_op_parallelism_threads()]"
    assert run(slot, main(*lines, value)).value == [3.0, 1]


def test_jobs_start_from_the_same_seed(slot: Slot) -> None:
    """Two runs of one program draw the same numbers."""
    code = main("import random, numpy, tensorflow as tf", "return [numpy.random.rand(), float(tf.random.uniform(()))]")
    assert run(slot, code).value == run(slot, code).value


def test_a_killed_zygote_is_replaced(slot: Slot) -> None:
    """A job that lost its zygote is over, and the next one runs in a new one.

    It is a SandboxError, never a student's failure, wherever the program itself cannot have done it.
    """
    assert run(slot, main("return 1")).value == 1
    zygote = slot._zygote
    assert zygote is not None
    jobs: list[int] = []

    def kill() -> None:
        jobs.extend(descendants(zygote))
        os.kill(zygote, signal.SIGKILL)

    if slot.box.shields_zygote:
        with pytest.raises(SandboxError, match="zygote"):
            run(slot, main("while True: pass"), at_call=kill)
    else:
        assert run(slot, main("while True: pass"), at_call=kill).measured.ending.kind == "signalled"
    assert run(slot, main("return 2")).value == 2
    assert slot._zygote != zygote
    left = [pid for pid in jobs if Path(f"/proc/{pid}").exists()]
    for pid in left:  # a test must not leave a busy process behind, whatever it finds
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    assert left == []


def test_an_end_that_comes_too_late_harms_nobody(slot: Slot) -> None:
    """A job that ends by itself while it is being ended leaves a message behind; the next jobs are not killed by it."""
    assert run(slot, main("return 1")).value == 1
    assert slot._control is not None
    late = json.dumps({"type": "end", "job": slot._jobs}).encode()
    slot._control.send(late)
    assert run(slot, main("time.sleep(0.3)", "return 2")).value == 2
    control = slot._control

    def say() -> None:
        control.send(late)

    assert run(slot, main("time.sleep(0.3)", "return 3"), at_call=say).value == 3


def test_a_stopped_zygote_is_replaced(slot: Slot, monkeypatch: pytest.MonkeyPatch) -> None:
    """A zygote that does not answer any more is given up after a while, and the next job runs in a new one."""
    monkeypatch.setattr("grader.sandbox.peer.END_SECONDS", 2.0)
    assert run(slot, main("return 1")).value == 1
    zygote = slot._zygote
    assert zygote is not None
    if slot.box.shields_zygote:
        with pytest.raises(SandboxError, match="did not report the end of a job"):
            run(slot, main("return 1"), at_call=lambda: os.kill(zygote, signal.SIGSTOP))
    else:
        seen = run(slot, main("return 1"), at_call=lambda: os.kill(zygote, signal.SIGSTOP))
        assert seen.measured.ending.kind == "signalled"
    assert run(slot, main("return 2")).value == 2
    assert slot._zygote != zygote
    assert not Path(f"/proc/{zygote}").exists()


# ── data sets ───────────────────────────────────────────────────────────────────────────────────────────────────────


def shipped(name: str) -> list[str]:
    """SHA-256 of the arrays of a data set, in the order of `load_data`."""
    folder = places.datasets() / name
    arrays = [np.load(folder / f"{part}.npy") for part in ("x_train", "y_train", "x_test", "y_test")]
    return [hashlib.sha256(array.tobytes()).hexdigest() for array in arrays]


DIGESTS = [
    "import hashlib, tensorflow as tf, keras",
    "def digests(loaded): return [hashlib.sha256(a.tobytes()).hexdigest() for pair in loaded for a in pair]",
]
LOADERS = [
    "tf.keras.datasets.{0}.load_data()",
    "keras.datasets.{0}.load_data()",
    "keras.src.datasets.{0}.load_data()",
    "__import__('tensorflow.keras.datasets', fromlist=['{0}']).{0}.load_data()",
    "tf.keras.datasets.{0}.load_data('{0}.npz')",
    "tf.keras.datasets.{0}.load_data(path='/content/data/{0}.npz')",
    "tf.keras.datasets.{0}.load_data(path=os.getcwd() + '/../tmp2/{0}.npz')",
    "keras.datasets.{0}.load_data('no/such/place')",
]


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_datasets_are_served(slot: Slot, name: str) -> None:
    """`load_data` under each of its names, with or without a path, gives the shipped arrays."""
    calls = ", ".join(f"digests({call.format(name)})" for call in LOADERS)
    assert run(slot, main(*DIGESTS, f"return [{calls}]")).value == [shipped(name)] * len(LOADERS)


def test_a_path_is_noted_once(slot: Slot) -> None:
    """A path that is ignored is said to the student; the default one is not worth a word."""
    code = main(
        "from tensorflow.keras.datasets import mnist", "mnist.load_data('mnist.npz')", "mnist.load_data('/x/y')"
    )
    notes = run(slot, code).frames[-1].body["notes"]
    assert [note["kind"] for note in notes] == ["load_data_path"]


def test_changes_of_the_data_stay_in_the_program(slot: Slot) -> None:
    """Arrays may be changed in place; neither a second `load_data` nor the next job sees it."""
    change = [
        "(x, y), _ = tf.keras.datasets.mnist.load_data()",
        "x[:] = 0; y += 1",
        "changed = [int(x.sum()), int(y[0])]",
    ]
    again = "return [changed, digests(tf.keras.datasets.mnist.load_data())]"
    assert run(slot, main(*DIGESTS, *change, again)).value == [[0, 6], shipped("mnist")]
    assert run(slot, main(*DIGESTS, "return digests(tf.keras.datasets.mnist.load_data())")).value == shipped("mnist")
    assert hashlib.sha256(np.load(places.datasets() / "mnist/x_train.npy").tobytes()).hexdigest() == shipped("mnist")[0]


# ── levels that confine ─────────────────────────────────────────────────────────────────────────────────────────────


def test_the_zygote_cannot_be_signalled(confined: Slot) -> None:
    """Neither the parent nor any process of the host takes a signal from a program."""
    victims = [f"os.kill({pid}, 0)" for pid in (os.getpid(), os.getppid())]
    code = attempts("os.kill(os.getppid(), 0)", "os.kill(os.getppid(), signal.SIGKILL)", *victims)
    assert run(confined, code).value == []
    assert run(confined, main("return 1")).value == 1


def test_the_zygote_cannot_be_looked_into(confined: Slot) -> None:
    """No ptrace, no memory, no environment, no descriptors of the parent; nor of the grading process."""
    parts = ("mem", "environ", "maps", "auxv")
    reads = [
        f"open(f'/proc/{{{pid}}}/{part}', 'rb').read(1)" for pid in ("os.getppid()", os.getpid()) for part in parts
    ]
    code = attempts(
        *reads,
        "[os.readlink(f'/proc/{os.getppid()}/fd/{n}') for n in range(3)]",
        "os.pidfd_open(os.getppid()) and ptrace()",
    )
    ptrace = "def ptrace():\n    if ctypes.CDLL(None, use_errno=True).ptrace(16, os.getppid(), 0, 0): raise OSError\n"
    assert run(confined, ptrace + code).value == []


@pytest.mark.parametrize(
    "write",
    [
        "open('{0}/new', 'w')",
        "os.mkdir('{0}/folder')",
        "os.symlink('/etc', '{0}/link')",
        "os.mkfifo('{0}/fifo')",
        "os.open('{0}', os.O_TMPFILE | os.O_WRONLY)",
    ],
)
def test_nothing_is_written_outside_the_folder(confined: Slot, write: str, tmp_path: Path) -> None:
    """A program writes in its own folder and nowhere else."""
    folders = ["/", "/tmp", "/var/tmp", "/dev", "/dev/shm", "/usr", "/etc", "/box", "/box/lib", "/box/datasets"]
    folders += ["/box/scratch", "/run", "/proc/self/cwd/..", str(tmp_path), str(CHECKOUT), str(Path.home())]
    folders += [str(places.home()), str(places.datasets()), *map(str, library_paths())]
    assert run(confined, attempts(*(write.format(folder) for folder in folders))).value == []
    assert len(run(confined, attempts(write.format("."))).value) == 1


def test_nothing_outside_the_folder_is_changed(confined: Slot, tmp_path: Path) -> None:
    """Files outside are not overwritten, cut, moved, linked or removed."""
    precious = tmp_path / "precious"
    precious.write_text("gold")
    data = places.datasets() / "mnist/y_test.npy"
    paths = [str(precious), "/box/datasets/mnist/y_test.npy", str(data), "/box/lib/grader/errors.py"]
    code = attempts(
        *(f"open({path!r}, mode={mode!r})" for path in paths for mode in ("a", "r+", "w")),
        *(f"os.{change}({path!r}{more})" for path in paths for change, more in (("unlink", ""), ("truncate", ", 0"))),
        *(f"os.{change}({path!r}, 'mine')" for path in paths for change in ("rename", "link")),
    )
    assert run(confined, code).value == []
    assert precious.read_text() == "gold"


def test_tcp_does_not_reach_the_host(confined: Slot) -> None:
    """A listener on the same machine hears nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        code = attempts(
            f"socket.create_connection(('127.0.0.1', {port}), 2)", "socket.create_connection(('1.1.1.1', 53), 2)"
        )
        assert run(confined, code).value == []
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_abstract_sockets_do_not_reach_the_host(confined: Slot) -> None:
    """Sockets without a file are out of reach too."""
    name = f"\0grader-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(name)
        listener.listen()
        assert run(confined, attempts(f"socket.socket(socket.AF_UNIX).connect({name!r})")).value == []


def test_system_calls_on_the_list_are_refused(confined: Slot) -> None:
    """Every one of them fails with EPERM, asked for by its number: the filter answers before the kernel looks."""
    column = ARCHITECTURES[platform.machine()][0]
    numbers = {name: pair[column] for name, pair in REFUSED.items() if pair[column] is not None}
    lines = ["libc, passed = ctypes.CDLL(None, use_errno=True), []", f"for name, number in {numbers!r}.items():"]
    lines += ["    if (libc.syscall(number, 0, 0, 0, 0, 0, 0), ctypes.get_errno()) != (-1, 1): passed.append(name)"]
    assert run(confined, main(*lines, "return passed")).value == []
    status = run(confined, main("return open('/proc/self/status').read()")).value
    assert "Seccomp:\t2" in status
    assert "NoNewPrivs:\t1" in status


def test_the_filter_is_what_refuses(slots: Slots) -> None:
    """The same calls succeed where there is no filter, so that the test before says something."""
    calls = ["os.memfd_create('m')", "socket.socket(socket.AF_UNIX)", "socket.socketpair(type=socket.SOCK_DGRAM)"]
    assert run(slots["none"], attempts(*calls)).value == calls
    assert run(slots["contained"], attempts(*calls)).value == []
    assert run(slots["full"], attempts(*calls)).value == []


def test_what_programs_do_need_works_under_the_filter(confined: Slot) -> None:
    """Threads, processes, pools, pipes, connected sockets and event loops are not in the way of anything."""
    lines = ["import threading, subprocess, multiprocessing, asyncio, concurrent.futures as futures", "seen = []"]
    lines += ["thread = threading.Thread(target=seen.append, args=('thread',)); thread.start(); thread.join()"]
    lines += ["seen.append(subprocess.run(['/bin/echo', 'shell'], capture_output=True, text=True).stdout.strip())"]
    lines += ["with futures.ThreadPoolExecutor(2) as pool: seen += pool.map(str, [1, 2])"]
    lines += ["one, other = socket.socketpair(); one.send(b'pair'); seen.append(other.recv(9).decode())"]
    lines += ["async def wait(): await asyncio.sleep(0.01); return 'loop'", "seen.append(asyncio.run(wait()))"]
    lines += ["process = multiprocessing.get_context('fork').Process(target=time.sleep, args=(0,)); process.start()"]
    lines += ["process.join(); seen.append(process.exitcode)"]
    assert run(confined, main(*lines, "return seen")).value == ["thread", "shell", "1", "2", "pair", "loop", 0]


def test_nothing_of_ours_is_read(confined: Slot, tmp_path: Path) -> None:
    """The instructor's files are out of reach even where the file system is the host's."""
    secret = tmp_path / "rubric.py"
    secret.write_text("the answer")
    paths = [
        secret,
        "/etc/shadow",
        "/etc/passwd",
        CHECKOUT / "README.md",
        CHECKOUT / "assignments/mnist_conv/checks.py",
    ]
    paths += [CHECKOUT / "grader/judging/judge.py", CHECKOUT / "pyproject.toml"]
    folders = [tmp_path, CHECKOUT, CHECKOUT / "solutions", Path.home(), places.home(), "/var", "/run", "/etc", "/tmp"]
    inside = {path for path in library_paths() for path in (path, *path.parents)}
    code = attempts(
        *(f"open({str(path)!r}).read()" for path in paths),
        *(f"os.listdir({str(folder)!r}) and None" for folder in folders if confined.box.level == "contained"),
        *(f"os.listdir({str(folder)!r})" for folder in folders if folder not in inside and str(folder) != "/tmp"),
    )
    assert run(confined, code).value == (["os.listdir('/etc')"] if confined.box.level == "full" else [])


# ── full ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_no_packet_leaves_the_box(full: Slot) -> None:
    """No UDP either, and the only interface is the box's own loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(0.2)
        port = listener.getsockname()[1]
        send = f"socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {port}))"
        assert run(full, attempts(send)).value == []
        with pytest.raises(TimeoutError):
            listener.recv(1)


def test_the_only_interface_is_the_loopback(full: Slot) -> None:
    """The network namespace is the box's own, without any way out."""
    lines = ["lines = open('/proc/net/dev').read().splitlines()[2:]"]
    assert run(full, main(*lines, "return [line.split(':')[0].strip() for line in lines]")).value == ["lo"]


@pytest.mark.parametrize("name", ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"])
def test_every_namespace_is_the_box_s_own(full: Slot, name: str) -> None:
    """None of them is the host's."""
    inside = run(full, main(f"return os.readlink('/proc/self/ns/{name}')")).value
    assert inside.startswith(f"{name}:[")
    assert inside != os.readlink(f"/proc/self/ns/{name}")  # noqa: PTH115 - a link of the kernel's, not to a path


def test_landlock_alone_guards_the_scratch_folder(full: Slot) -> None:
    """Beside the job's own folder the file system would be writable: nothing but Landlock is in the way."""
    seen = run(
        full, main("return [os.access('/box/scratch', os.W_OK), os.statvfs('/box/scratch').f_flag & os.ST_RDONLY]")
    )
    assert seen.value == [True, 0]
    assert run(full, attempts("open('/box/scratch/planted', 'w')")).value == []


def test_files_of_the_job_are_memory_of_the_job(full: Slot) -> None:
    """The scratch folder is memory too: files in it count, and more than the limit ends the job."""
    write = [
        "for n in range(3):",
        "    with open(f'f{n}', 'wb') as file: file.write(bytes(80 * 2**20))",
        "time.sleep(0.4)",
    ]
    assert run(full, main(*write)).measured.peak_memory_bytes > 200 * MEBI
    seen = run(full, main(*write, "time.sleep(20)"), memory_bytes=200 * MEBI)
    assert seen.ending == ("memory", "more than 200 MiB")


def test_nothing_of_ours_is_visible(full: Slot, tmp_path: Path) -> None:
    """Passwords, the rubric, solutions, other people's work and the store are not in the box."""
    (tmp_path / "submissions").mkdir()
    hidden = ["/etc/shadow", "/etc/passwd", "/root", "/home", "/var", "/opt", "/run", "/srv", "/mnt", "/sys"]
    hidden += [
        str(CHECKOUT / name) for name in ("assignments", "solutions", "tests", "examples", "grader", "README.md")
    ]
    hidden += [str(tmp_path), str(places.home() / "store"), str(places.home()), "/box/lib/grader/judging"]
    hidden += ["/box/lib/grader/trainer", "/box/lib/grader/training", "/box/lib/grader/pipeline"]
    found = run(full, main(f"return [path for path in {hidden!r} if os.path.lexists(path)]")).value
    libraries = library_paths()
    assert [path for path in found if not any(library.is_relative_to(path) for library in libraries)] == []


def test_the_home_folder_is_empty(full: Slot) -> None:
    """Of the user's home at most the way to the interpreter is there."""
    home = Path.home()
    names = run(full, main(f"return os.listdir({str(home)!r}) if os.path.isdir({str(home)!r}) else []")).value
    assert [name for name in names if not any(path.is_relative_to(home / name) for path in library_paths())] == []


def test_the_box_has_a_name_of_its_own(full: Slot) -> None:
    """Not even the machine's name is seen."""
    assert run(full, main("return [socket.gethostname(), os.uname().nodename]")).value == ["box", "box"]


def test_no_other_process_is_visible(full: Slot) -> None:
    """A program sees the box's first process, its zygote and itself."""
    lines = ["pids = [int(name) for name in os.listdir('/proc') if name.isdigit()]"]
    pids, own, parent = run(full, main(*lines, "return [pids, os.getpid(), os.getppid()]")).value
    assert set(pids) == {1, parent, own}


def test_no_rights_are_to_be_had(full: Slot) -> None:
    """No namespaces, no mounts, no capabilities, no setuid programs that work."""
    lines = ["libc = ctypes.CDLL(None)", "status = open('/proc/self/status').read()"]
    lines += ["found = dict(line.split(':\\t') for line in status.splitlines() if ':\\t' in line)"]
    value = "return [libc.unshare(0x10000000), libc.mount(b'none', b'/', b'tmpfs', 0, 0), found['CapEff'], found['NoNewPrivs']]"
    unshared, mounted, capabilities, no_new = run(full, main(*lines, value)).value
    assert (unshared, mounted) == (-1, -1)
    assert int(capabilities, 16) == 0
    assert no_new.strip() == "1"


def test_scratch_space_is_limited(full: Slot) -> None:
    """Neither one large file nor many fill the machine's memory."""
    lines = ["written = 0", "try:", "    for n in range(40):", "        with open(f'f{n}', 'wb') as file:"]
    lines += ["            for _ in range(32): written += file.write(bytes(2**20))", "except OSError: pass"]
    assert run(full, main(*lines, "return written")).value <= 512 * MEBI
    large = ["signal.signal(signal.SIGXFSZ, signal.SIG_IGN)", "with open('large', 'wb') as file:", "    try:"]
    large += ["        file.truncate(10**9)", "    except OSError: return 'refused'"]
    assert run(full, main(*large)).value == "refused"


def test_jobs_follow_each_other_quickly(full: Slot) -> None:
    """A warm job costs well under two seconds: no import of TensorFlow, no new box."""
    run(full, main("return 1"))
    started = time.monotonic()
    for _ in range(3):
        run(full, main("return 1"))
    assert time.monotonic() - started < 6


DIVIDES = main(
    "import hashlib, tensorflow as tf",
    "x = tf.keras.datasets.mnist.load_data()[1][0]",
    "y = x / 255.0",
    "digest = hashlib.sha256(y.tobytes()).hexdigest()",
    "mine = bool(y.flags.owndata)",
    "y[:] = 5.0",
    "return [digest, mine]",
)


@pytest.mark.parametrize("level", LEVELS)
def test_images_that_are_held_are_everybodys_own(slots: Slots, level: Level) -> None:
    """What one program writes into the quotient that its zygote holds, the next does not see."""
    first = run(slots[level], DIVIDES)
    assert first.frames[-1].body["divided"] == ["mnist/x_test"]
    digest, mine = first.value
    assert mine
    for _ in range(2):
        assert run(slots[level], DIVIDES, held=("mnist/x_test", "no/such")).value == [digest, False]
