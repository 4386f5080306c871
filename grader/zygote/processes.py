"""Which processes descend from which, as the kernel tells it."""

import contextlib
import os


def descendants(pid: int) -> list[int]:
    """All living descendants of a process, by the kernel's lists of children."""
    found: list[int] = []
    pending = [pid]
    while pending:
        parent = pending.pop()
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{parent}/task"):  # noqa: PTH208 - many times a second
                pending.extend(map(int, read_kernel(f"/proc/{parent}/task/{task}/children").split()))
        if parent != pid:
            found.append(parent)
    return found


def read_kernel(path: str) -> bytes:
    """A whole file below `/proc`; OSError if its process is gone. Asked for so often that `pathlib` would be felt."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        pieces = []
        while piece := os.read(descriptor, 1 << 16):
            pieces.append(piece)
        return b"".join(pieces)
    finally:
        os.close(descriptor)
