"""Temporary folders that carry the process id of their maker, so that those of killed graders can be removed."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

import psutil

PREFIX = "grader-scratch-"


def scratch_root() -> Path:
    """Where temporary folders lie."""
    if sys.platform == "win32":
        return Path(tempfile.gettempdir())
    return Path(os.environ.get("TMPDIR") or "/tmp")  # noqa: S108 - the system's place for temporary files


def make_scratch() -> Path:
    """A new, empty folder for this process alone."""
    return Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=scratch_root()))


def remove_scratch(folder: Path) -> None:
    """Remove a folder and whatever student code left in it.

    By `chmod` and `rm`, which follow no links and mind neither unreadable folders nor folders nested without end.
    """
    if sys.platform == "win32":
        shutil.rmtree(folder, ignore_errors=True)
        return
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
        user = status.st_uid if sys.platform == "win32" else os.getuid()
        return path.is_dir() and not path.is_symlink() and status.st_uid == user
    return False


def is_alive(path: Path) -> bool:
    """True if the process that made a folder still runs, or if its name does not say who made it."""
    maker = path.name.removeprefix(PREFIX).partition("-")[0]
    with contextlib.suppress(OverflowError):
        return not maker.isdigit() or psutil.pid_exists(int(maker))
    return False


def lock(file: IO[str], *, wait: bool) -> None:
    """Hold a file for this process until it is closed, even by being killed; OSError if another one has it.

    Windows waits for ten seconds at most.
    """
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
