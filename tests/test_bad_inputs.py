"""Whatever a hand-in does, it gets a status and a sentence, and the rest of the class is not harmed.

All of them are graded in one run, with honest submissions before, between and after them.
"""

import os
from pathlib import Path

import pytest

from grader.cli import places
from grader.discovery import discover
from grader.model.assignment import load_assignment
from grader.model.result import Result
from grader.pipeline.grade import Grading
from grader.pipeline.settings import Settings
from grader.pipeline.watch import Silent
from grader.results.folder import ResultsFolder
from grader.zygote.processes import descendants

CHECKOUT = Path(__file__).parent.parent
HONEST = (CHECKOUT / "solutions/mnist_conv/reference/mnist_conv.py").read_text()
WITHOUT_TRAINING = 7.5
"""Points of an honest submission where nothing is trained (`--quick`)."""

RUNS = {
    # name: (code, status, a part of what the student reads)
    "raises": ("def train_mnist_conv():\n    return 1 / 0\n", "graded", "ZeroDivisionError"),
    "wrong_name": ("def train():\n    pass\n", "graded", "There is no function train_mnist_conv"),
    "not_a_function": ("train_mnist_conv = 7\n", "graded", "is a int, not a function"),
    "wrong_arity": ("def train_mnist_conv(model):\n    pass\n", "graded", "missing 1 required positional argument"),
    "returns_nonsense": ("def train_mnist_conv():\n    return object()\n", "graded", "without calling model.fit"),
    "syntax_error": ("def train_mnist_conv(:\n    pass\n", "rejected", "line 1"),
    "calls_sys_exit": ("import sys\ndef train_mnist_conv():\n    sys.exit(3)\n", "graded", "called exit (3)"),
    "sys_exit_at_top_level": (f"import sys\nsys.exit()\n{HONEST}", "graded", ""),
    "calls_os_exit": ("import os\nos._exit(0)\n", "crashed", "ended itself (exit code 0)"),
    "kills_itself": ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n", "crashed", "SIGKILL"),
    "segfaults": ("import ctypes\nctypes.string_at(0)\n", "crashed", "SIGSEGV"),
    "never_ends": ("while True:\n    pass\n", "timeout", "did not end within"),
    "sleeps_for_ever": ("import time\ntime.sleep(10**6)\n", "timeout", "did not end within"),
    "ignores_signals": (
        "import signal\nfor n in range(1, 32):\n    try:\n        signal.signal(n, signal.SIG_IGN)\n    except OSError:\n"
        "        pass\nwhile True:\n    pass\n",
        "timeout",
        "did not end within",
    ),
    "prints_without_end": ("while True:\n    print('x' * 100000)\n", "output", "printed without end"),
    "writes_to_stderr_without_end": ("import os\nwhile True:\n    os.write(2, b'x' * 65536)\n", "output", "printed"),
    "allocates_without_end": (
        "import numpy as np\nkept = []\nwhile True:\n    kept.append(np.ones(20_000_000))\n",
        "memory",
        "memory",
    ),
    "allocates_in_children": (
        "import os, time\nimport numpy as np\nfor _ in range(6):\n    if os.fork() == 0:\n        a = np.ones(60_000_000)\n"
        "        time.sleep(60)\ntime.sleep(60)\n",
        "memory",
        "memory",
    ),
    "forks_without_end": (
        "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass\n",
        "crashed",
        "processes",
    ),
    "leaves_daemons": (
        "import os, time\nfor _ in range(20):\n    if os.fork() == 0:\n        os.setsid()\n        if os.fork() == 0:\n"
        "            time.sleep(1000)\n        os._exit(0)\ndef train_mnist_conv():\n    raise ValueError('here')\n",
        "graded",
        "ValueError: here",
    ),
    "closes_every_descriptor": ("import os\nos.closerange(0, 1000)\n", "rejected", "interfered"),
    "talks_to_the_grader": (
        "import socket, os\nfor n in range(3, 20):\n    try:\n"
        "        socket.socket(fileno=os.dup(n)).sendall(b'\\0\\0\\0\\x02\\0\\0{}')\n    except OSError:\n        pass\n",
        "rejected",
        "interfered",
    ),
    "kills_its_parent": (
        f"import os, signal\nfor victim in (os.getppid(), 1, -1):\n    try:\n        os.kill(victim, signal.SIGKILL)\n"
        f"    except OSError:\n        pass\n{HONEST}",
        None,
        "",
    ),
}


def write_class(folder: Path) -> None:
    """The submissions: every bad one between two honest ones."""
    for name, (code, _, _) in RUNS.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "mnist_conv.py").write_text(code)
    for name in ("aaa_honest", "mmm_honest", "zzz_honest"):
        (folder / name).mkdir()
        (folder / name / "mnist_conv.py").write_text(HONEST)
    (folder / "empty").mkdir()
    (folder / "empty/mnist_conv.py").write_text("")
    (folder / "broken_json").mkdir()
    (folder / "broken_json/mnist_conv.ipynb").write_text('{"cells": [{"cell_type": "code"')
    (folder / "binary").mkdir()
    (folder / "binary/mnist_conv.py").write_bytes(os.urandom(2000))
    (folder / "nothing").mkdir()


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """Results by student of the whole class."""
    folder = tmp_path_factory.mktemp("class")
    write_class(folder)
    assignment = load_assignment(CHECKOUT / "assignments/mnist_conv")
    limits = assignment.limits.model_copy(update={"wall_seconds": 25.0, "memory_bytes": 1200 * 2**20})
    assignment = assignment.model_copy(update={"limits": limits})
    settings = Settings(datasets=places.datasets(), store=None, jobs=2, quick=True)
    found = discover(
        folder, assignment_ids=["mnist_conv"], files={"mnist_conv": ["mnist_conv"]}, assignment="mnist_conv", only=None
    )
    output = ResultsFolder(tmp_path_factory.mktemp("results"))
    results = Grading(assignment, settings, output, Silent()).run([submission for _, submission in found])
    return {result.student: result for result in results}


pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(900)]


def words_of(result: Result) -> str:
    """Everything that the student reads."""
    return "\n".join(
        [result.message, *(v.message for v in result.checks), *(f"{n.where} {n.text}" for n in result.notes)]
    )


@pytest.mark.parametrize("name", [name for name, (_, status, _) in RUNS.items() if status])
def test_every_failure_has_its_status(name: str, graded: dict[str, Result]) -> None:
    """The status says why the code could not be run to its end."""
    assert graded[name].status == RUNS[name][1], graded[name]


@pytest.mark.parametrize("name", RUNS)
def test_every_failure_is_explained(name: str, graded: dict[str, Result]) -> None:
    """The student reads what happened, without a traceback."""
    words = words_of(graded[name])
    assert RUNS[name][2] in words
    assert "Traceback" not in words


@pytest.mark.parametrize("name", [name for name in RUNS if HONEST not in RUNS[name][0] and name != "returns_nonsense"])
def test_nothing_is_earned_for_nothing(name: str, graded: dict[str, Result]) -> None:
    """No points for work that was not done, and a number all the same: it was the student's fault."""
    assert graded[name].score == 0.0
    assert not graded[name].needs_review


@pytest.mark.parametrize(
    "name", ["aaa_honest", "mmm_honest", "zzz_honest", "sys_exit_at_top_level", "kills_its_parent"]
)
def test_honest_work_keeps_its_points(name: str, graded: dict[str, Result]) -> None:
    """What the others do costs an honest submission nothing; nor does a failing statement before a right function."""
    assert graded[name].score == WITHOUT_TRAINING, words_of(graded[name])


@pytest.mark.parametrize("name", ["empty", "broken_json", "binary", "nothing"])
def test_unreadable_files_are_rejected(name: str, graded: dict[str, Result]) -> None:
    """A file that cannot be read is rejected with a sentence that says what to do."""
    result = graded[name]
    assert result.status == "rejected"
    assert result.score == 0.0
    assert len(result.message) > 20


def test_nothing_is_left_running(graded: dict[str, Result]) -> None:
    """No process of any job is alive after the run."""
    assert graded
    assert [pid for pid in descendants(os.getpid()) if b"grader.zygote.serve" in command_line(pid)] == []
    assert zygotes() - BEFORE == set()


def zygotes() -> set[int]:
    """All zygotes on this machine that have lost their grader: children of the first process."""
    found = set()
    for path in Path("/proc").glob("[0-9]*"):
        if b"grader.zygote.serve" in command_line(int(path.name)) and parent(int(path.name)) == 1:
            found.add(int(path.name))
    return found


def command_line(pid: int) -> bytes:
    """The command line of a process, empty if it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def parent(pid: int) -> int:
    """The parent of a process, 0 if it is gone."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


BEFORE = zygotes()
