"""The seccomp filter, run here instruction by instruction: what it answers for each call on each machine."""

import errno
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.zygote import syscalls
from grader.zygote.syscalls import ALLOW, ARCHITECTURES, FAIL, KILL, REFUSED, make_filter

CHECKOUT = Path(__file__).parent.parent
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}
REFUSE, UNKNOWN = FAIL | errno.EPERM, FAIL | errno.ENOSYS
MACHINES = list(ARCHITECTURES)


def answer(machine: str, number: int, arguments: tuple[int, ...] = (), architecture: int | None = None) -> int:
    """What the kernel would be told about a call: the filter as an interpreter of classic BPF sees it."""
    own = ARCHITECTURES[machine][1]
    data = {syscalls.NUMBER: number, syscalls.ARCHITECTURE: own if architecture is None else architecture}
    data |= {16 + 8 * index: value & 0xFFFFFFFF for index, value in enumerate(arguments)}
    program, at, accumulator = make_filter(machine), 0, 0
    tests: dict[int, Callable[[int, int], bool]] = {
        syscalls.JUMP_EQUAL: lambda a, k: a == k,
        syscalls.JUMP_AT_LEAST: lambda a, k: a >= k,
        syscalls.JUMP_ANY_BIT: lambda a, k: bool(a & k),
    }
    while True:
        step = program[at]
        at += 1
        if step.code == syscalls.RETURN:
            return int(step.value)
        if step.code == syscalls.LOAD:
            accumulator = data[step.value]
        elif step.code == syscalls.AND:
            accumulator &= step.value
        else:
            at += step.yes if tests[step.code](accumulator, step.value) else step.no


@pytest.mark.parametrize("machine", MACHINES)
def test_every_call_on_the_list_is_refused_and_no_other(machine: str) -> None:
    """Of the first thousand numbers exactly those on the list fail with EPERM."""
    column = ARCHITECTURES[machine][0]
    looked_at = {pair[column] for pair in (syscalls.CLONE, syscalls.CLONE3, syscalls.SOCKETPAIR)}
    refused = {number for number in range(1000) if number not in looked_at and answer(machine, number) == REFUSE}
    assert refused == {pair[column] for pair in REFUSED.values()} - {None}
    assert all(answer(machine, number) == ALLOW for number in set(range(1000)) - refused - looked_at)


@pytest.mark.parametrize("machine", MACHINES)
def test_a_clone_makes_threads_and_processes_but_no_namespaces(machine: str) -> None:
    """Flags of fork and of a thread pass; any flag that makes a namespace does not; clone3 is unknown."""
    number = syscalls.CLONE[ARCHITECTURES[machine][0]]
    assert answer(machine, number, (0x01200011,)) == ALLOW  # fork
    assert answer(machine, number, (0x003D0F00,)) == ALLOW  # pthread_create
    for flag in (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
        assert answer(machine, number, (flag | 17,)) == REFUSE
    assert answer(machine, syscalls.CLONE3[ARCHITECTURES[machine][0]]) == UNKNOWN


@pytest.mark.parametrize("machine", MACHINES)
def test_a_pair_of_sockets_must_be_connected(machine: str) -> None:
    """Streams with any flags pass; datagrams, which can be sent elsewhere, do not."""
    number = syscalls.SOCKETPAIR[ARCHITECTURES[machine][0]]
    assert answer(machine, number, (1, 1)) == ALLOW
    assert answer(machine, number, (1, 1 | 0o2000000)) == ALLOW
    assert answer(machine, number, (1, 2)) == REFUSE
    assert answer(machine, number, (1, 5)) == REFUSE


@pytest.mark.parametrize("machine", MACHINES)
def test_another_architecture_ends_the_process(machine: str) -> None:
    """32-bit calls have other numbers; calls of the x32 ABI are refused."""
    assert answer(machine, 1, architecture=0x40000003) == KILL
    assert answer(machine, syscalls.X32 | 1) == REFUSE


@pytest.mark.parametrize("machine", MACHINES)
def test_jumps_are_short_enough_for_the_kernel(machine: str) -> None:
    """A jump is one byte, and goes forward to an instruction that is there."""
    program = make_filter(machine)
    for at, step in enumerate(program):
        if step.code in (syscalls.JUMP_EQUAL, syscalls.JUMP_AT_LEAST, syscalls.JUMP_ANY_BIT):
            assert max(step.yes, step.no) + at + 1 < len(program) < 256


@pytest.mark.parametrize("machine", MACHINES)
def test_numbers_are_those_of_the_kernel_headers(machine: str) -> None:
    """Each number that the installed headers know is the one in the table."""
    if not HEADERS[machine].is_file():
        pytest.skip("no kernel headers on this machine")
    known = {}
    for line in HEADERS[machine].read_text().splitlines():
        words = line.split()
        if len(words) == 3 and words[0] == "#define" and words[2].isdigit():
            known[words[1].removeprefix("__NR_").removeprefix("__NR3264_")] = int(words[2])
    column = ARCHITECTURES[machine][0]
    named = {**REFUSED, "clone": syscalls.CLONE, "clone3": syscalls.CLONE3, "socketpair": syscalls.SOCKETPAIR}
    shared = {name: known[name] for name in named if name in known}
    assert len(shared) > 70
    assert shared == {name: named[name][column] for name in shared}


CONFINE = """
import subprocess, sys
from grader.zygote.confine import apply_landlock, find_landlock
find_landlock()
def refuse(*_, **__): raise AssertionError("a process was started")
subprocess.Popen = refuse
print(apply_landlock(["/"], [sys.argv[1]]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Landlock is Linux's")
def test_a_job_starts_no_process_to_be_confined(tmp_path: Path) -> None:
    """What takes a process to find is found before there are jobs."""
    ran = subprocess.run(
        [sys.executable, "-c", CONFINE, str(tmp_path)], capture_output=True, text=True, check=False, cwd=CHECKOUT
    )
    assert (ran.returncode, ran.stdout.strip() in ("True", "False")) == (0, True), ran.stderr
