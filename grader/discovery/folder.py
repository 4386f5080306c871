"""A tree over a folder on disk, and the only place where a file of a student is opened.

Links are resolved before anything is opened. A link to a file inside the submissions is read; every other link
refuses. Only regular files are opened: opening a pipe or a device could block for ever or have effects.
"""

import os
import stat
from functools import partial
from pathlib import Path

from grader.discovery.tree import MAX_FILE_BYTES, Branch, Entry, Leaf, is_code, is_zip, joined, refusal, shown
from grader.discovery.unreadable import UnreadableSource, is_fault_of_the_machine

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISLNK, "a link"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


FLAGS = ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY")
OPEN_FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in FLAGS)
"""Read bytes as they are, follow no link and wait for no pipe, as far as the system knows these words."""


def folder_tree(path: Path) -> Branch:
    """The folder as a tree; nothing outside of it is ever read."""
    root = Path(os.path.realpath(path))
    return Branch(root.name, "", partial(_entries, root, root, ""))


def read_file(path: Path, name: str) -> bytes:
    """The bytes of a regular file of at most 64 MiB; raises UnreadableSource with `name` in its sentence."""
    try:
        _require_regular(os.lstat(path), name)
        descriptor = os.open(path, OPEN_FLAGS)
        with os.fdopen(descriptor, "rb") as stream:
            status = os.fstat(descriptor)
            _require_regular(status, name)  # it may have been exchanged since the look above
            return stream.read(status.st_size)
    except (OSError, ValueError) as error:
        raise _unreadable(error, name) from error


def read_named_file(path: Path) -> bytes:
    """The bytes of a file that a person names, which may be a link; raises UnreadableSource."""
    try:
        target = Path(os.path.realpath(path))
    except (OSError, ValueError) as error:
        raise _unreadable(error, path.name) from error
    return read_file(target, path.name)


def require_size(size: int, name: str) -> None:
    """Raises UnreadableSource for a file above the limit."""
    if size > MAX_FILE_BYTES:
        raise UnreadableSource(
            f"Your file {shown(name)} is larger than {MAX_FILE_BYTES // 2**20} MiB. "
            "Clear the saved outputs and data from it, and hand in the code alone."
        )


def _entries(folder: Path, root: Path, shown_folder: str) -> list[Entry]:
    try:
        with os.scandir(folder) as listing:
            items = sorted(listing, key=lambda item: item.name)
    except OSError as error:
        raise _unreadable(error, folder.name, "folder") from error
    return [_entry(item, root, joined(shown_folder, item.name)) for item in items]


def _entry(item: os.DirEntry[str], root: Path, path: str) -> Entry:
    if item.is_symlink():
        return _link(item, root, path)
    if item.is_dir(follow_symlinks=False):
        return Branch(item.name, path, partial(_entries, Path(item.path), root, path))
    location = Path(item.path)
    return Leaf(item.name, path, partial(read_file, location, item.name), location)


def _link(item: os.DirEntry[str], root: Path, path: str) -> Entry:
    target = Path(os.path.realpath(item.path))
    if not target.is_relative_to(root):
        return _refused(
            item.name, path, f"{shown(item.name)} is a link that leads out of the submissions, so it was not followed."
        )
    if target.is_dir():
        return _refused(item.name, path, f"{shown(item.name)} is a link to another folder, so it was not followed.")
    return Leaf(item.name, path, partial(read_file, target, item.name), target)


def _refused(name: str, path: str, sentence: str) -> Entry:
    """An entry that says what it is by its name alone: what a forbidden link leads to is not looked at."""
    refuse = refusal(f"{sentence} Hand in the file itself.")
    return Leaf(name, path, refuse) if is_code(name) or is_zip(name) else Branch(name, path, refuse)


def _require_regular(status: os.stat_result, name: str) -> None:
    if stat.S_ISREG(status.st_mode):
        require_size(status.st_size, name)
        return
    kind = next((kind for is_kind, kind in _KINDS if is_kind(status.st_mode)), "something else")
    raise UnreadableSource(not_a_file(name, kind))


def not_a_file(name: str, kind: str) -> str:
    """What to say about something that has the name of a file."""
    return f"{shown(name)} is {kind}, not a file. Hand in the Python file or the notebook itself."


def _unreadable(error: OSError | ValueError, name: str, noun: str = "file") -> UnreadableSource:
    """Why a file or folder could not be read, and by whose fault."""
    what = f"Your {noun} {shown(name)}"
    if isinstance(error, PermissionError):
        return UnreadableSource(
            f"{what} could not be opened: permission denied. Make it readable and hand it in again."
        )
    if isinstance(error, FileNotFoundError):
        return UnreadableSource(f"{what} is not there, or is a link that leads nowhere. Hand in the file itself.")
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    if is_fault_of_the_machine(error):
        return UnreadableSource(f"the {noun} {shown(name)} could not be read here: {reason}", ours=True)
    return UnreadableSource(f"{what} could not be read: {reason}. Hand it in again.")
