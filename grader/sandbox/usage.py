"""What processes use, read from the kernel: cheap enough to look several times a second."""

import contextlib
import os
from dataclasses import dataclass

from grader.zygote.processes import descendants, read_kernel


@dataclass(frozen=True)
class Usage:
    """What the processes of a job use at one moment."""

    memory_bytes: int = 0
    processes: int = 0
    cpu_seconds: float = 0.0


def usage_below(zygote: int, scratch: str = "") -> Usage:
    """What the descendants of a zygote use, beyond the memory that each of them was forked with.

    Args:
        zygote: its process id on this side.
        scratch: a folder in the zygote's own view whose files are memory (a tmpfs); empty if there is none.

    Processor seconds are those of all jobs that the zygote ever ran: living processes, and those that were waited for.
    """
    own = anonymous_bytes(zygote)
    memory, processes, cpu = file_bytes(zygote, scratch) if scratch else 0, 0, waited_for_seconds(zygote)
    for pid in descendants(zygote):
        processes += 1
        memory += max(anonymous_bytes(pid) - own, 0)
        cpu += cpu_seconds(pid) + waited_for_seconds(pid)
    return Usage(memory, processes, cpu)


def file_bytes(pid: int, folder: str) -> int:
    """Bytes used on the file system of a folder as process `pid` sees it; 0 if it cannot be asked."""
    try:
        status = os.statvfs(f"/proc/{pid}/root{folder}")
    except OSError:
        return 0
    return (status.f_blocks - status.f_bfree) * status.f_frsize


def anonymous_bytes(pid: int) -> int:
    """Memory of a process that is in no file (`RssAnon`, `RssShmem` and swap); 0 if it is gone.

    A forked process starts with the pages of its zygote, so that the difference is what it has for itself.
    """
    total = 0
    with contextlib.suppress(OSError):
        for line in read_kernel(f"/proc/{pid}/status").splitlines():
            if line.startswith((b"RssAnon:", b"RssShmem:", b"VmSwap:")):
                total += int(line.split()[1]) * 1024
    return total


def cpu_seconds(pid: int) -> float:
    """User and system seconds of a process; 0 if it is gone."""
    return seconds_in_stat(pid, 11)


def waited_for_seconds(pid: int) -> float:
    """User and system seconds of the ended children that a process has waited for, and of those that they had."""
    return seconds_in_stat(pid, 13)


def seconds_in_stat(pid: int, first: int) -> float:
    """The sum of two neighbouring clocks in `/proc/<pid>/stat` (proc(5)), counted from the state."""
    try:
        fields = read_kernel(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[first]) + int(fields[first + 1])) / os.sysconf("SC_CLK_TCK")
