"""Temporary folders that carry the process id of their maker, so that those of killed graders can be removed."""

import contextlib
import os
import subprocess
import tempfile
from pathlib import Path

PREFIX = "grader-scratch-"


def scratch_root() -> Path:
    """Where temporary folders lie."""
    return Path(os.environ.get("TMPDIR") or "/tmp")  # noqa: S108 - the system's place for temporary files


def make_scratch() -> Path:
    """A new, empty folder for this process alone."""
    return Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=scratch_root()))


def remove_scratch(folder: Path) -> None:
    """Remove a folder and whatever student code left in it.

    By `chmod` and `rm`, which follow no links and mind neither unreadable folders nor folders nested without end.
    """
    for command in (["chmod", "-R", "u+rwX"], ["rm", "-rf"]):
        subprocess.run([*command, "--", str(folder)], check=False, stderr=subprocess.DEVNULL)


def sweep() -> int:
    """Remove the folders of graders that are gone (killed, or a machine that was switched off); how many."""
    gone = [path for path in scratch_root().glob(f"{PREFIX}*") if is_ours(path) and not is_alive(path)]
    for path in gone:
        remove_scratch(path)
    return len(gone)


def is_ours(path: Path) -> bool:
    """True for a real folder of this user."""
    with contextlib.suppress(OSError):
        status = path.lstat()
        return path.is_dir() and not path.is_symlink() and status.st_uid == os.getuid()
    return False


def is_alive(path: Path) -> bool:
    """True if the process that made a folder still runs, or if its name does not say who made it."""
    maker = path.name.removeprefix(PREFIX).partition("-")[0]
    return not maker.isdigit() or Path(f"/proc/{maker}").exists()
