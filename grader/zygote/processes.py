"""Which processes descend from which, as the kernel tells it."""

import contextlib
from pathlib import Path


def descendants(pid: int) -> list[int]:
    """All living descendants of a process, by the kernel's lists of children."""
    found: list[int] = []
    pending = [pid]
    while pending:
        parent = pending.pop()
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                pending.extend(int(child) for child in (task / "children").read_text().split())
        if parent != pid:
            found.append(parent)
    return found
