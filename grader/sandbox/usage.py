"""What processes use, read from the kernel: cheap enough to look several times a second."""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from grader.zygote.processes import descendants


@dataclass(frozen=True)
class Usage:
    """What the processes of a job use at one moment."""

    memory_bytes: int = 0
    processes: int = 0
    cpu_seconds: float = 0.0


def usage_below(zygote: int) -> Usage:
    """What the descendants of a zygote use, beyond the memory that each of them was forked with."""
    own = anonymous_bytes(zygote)
    memory, processes, cpu = 0, 0, 0.0
    for pid in descendants(zygote):
        processes += 1
        memory += max(anonymous_bytes(pid) - own, 0)
        cpu += cpu_seconds(pid)
    return Usage(memory, processes, cpu)


def anonymous_bytes(pid: int) -> int:
    """Memory of a process that is in no file (`RssAnon`, `RssShmem` and swap); 0 if it is gone.

    A forked process starts with the pages of its zygote, so that the difference is what it has for itself.
    """
    total = 0
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(("RssAnon:", "RssShmem:", "VmSwap:")):
                total += int(line.split()[1]) * 1024
    return total


def cpu_seconds(pid: int) -> float:
    """User and system seconds of a process; 0 if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
