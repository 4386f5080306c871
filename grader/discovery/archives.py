"""A tree over a zip archive, read in memory and never unpacked to disk.

Sizes in an archive's directory are claims: they are checked before anything is read, and reading stops at the
size claimed. A hostile archive is refused as a whole when its names or sizes are; a single member that cannot be
read (a link, a password) refuses only when it is asked for.
"""

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from grader.discovery.folder import require_size
from grader.discovery.tree import Branch, Entry, Leaf, is_ignored, joined, shown, stem_of
from grader.discovery.unreadable import UnreadableSource, is_fault_of_the_machine

MAX_NESTING = 2
"""A zip in a zip is read, a third one is not."""
MAX_RATIO = 100
"""Text shrinks to a tenth; only archives made to burst go beyond a hundredth."""
RATIO_MATTERS_FROM_BYTES = 16 * 1024 * 1024
MAX_FOLDERS = 32

_DIRECTORY_SIGNATURE = b"PK\x01\x02"
_MAX_SIGNATURES = 50_000
"""Beyond this the archive's directory is not even parsed; archives stored in it add to the count."""
_READABLE_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_PLAIN_MODES = (0, stat.S_IFREG, stat.S_IFDIR)
_ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError, RuntimeError, ValueError, OSError,
               EOFError, OverflowError, IndexError)  # fmt: skip


@dataclass(frozen=True)
class Limits:
    """How much an archive may claim to hold."""

    members: int
    total_bytes: int
    ratio: int


STUDENT_LIMITS = Limits(members=2000, total_bytes=512 * 2**20, ratio=MAX_RATIO)
CLASS_LIMITS = Limits(members=_MAX_SIGNATURES, total_bytes=8 * 2**30, ratio=2000)
"""For the one archive that the instructor names: it holds a whole class, and its members are read one by one."""


@dataclass(frozen=True)
class _Member:
    parts: tuple[str, ...]
    info: zipfile.ZipInfo


@dataclass(frozen=True)
class _Archive:
    zip: zipfile.ZipFile
    nesting: int

    def tree(self, name: str, path: str, limits: Limits) -> Branch:
        members = _members(self.zip, name)
        _require_limits([member.info for member in members], name, limits)
        return Branch(stem_of(name), path, partial(_entries, self, members, path))


def class_archive_tree(path: Path) -> Branch:
    """The zip file of a whole class as a tree; raises UnreadableSource."""
    archive = _Archive(_opened(path, path.name), 1)
    return archive.tree(path.name, "", CLASS_LIMITS)


def archive_tree(leaf: Leaf) -> Branch:
    """The zip in a leaf as a tree; raises UnreadableSource."""
    if leaf.archives >= MAX_NESTING:
        raise _refusal(leaf.name, "lies too deep, a zip in a zip in a zip")
    data = leaf.read()
    if data.count(_DIRECTORY_SIGNATURE) > _MAX_SIGNATURES:
        raise _refusal(leaf.name, "holds too many files")
    archive = _Archive(_opened(io.BytesIO(data), leaf.name), leaf.archives + 1)
    return archive.tree(leaf.name, leaf.path, STUDENT_LIMITS)


def _opened(file: Path | IO[bytes], name: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except _ZIP_ERRORS as error:
        raise _fault(error, name) or _refusal(name, "is damaged or not a zip archive") from error


def _refusal(name: str, what: str) -> UnreadableSource:
    return UnreadableSource(
        f"Your archive {shown(name)} {what}, so it was not read. Hand in the Python file or the notebook itself."
    )


def _members(archive: zipfile.ZipFile, name: str) -> list[_Member]:
    """The members that matter, the last one of a name only, sorted by name."""
    kept: dict[tuple[str, ...], _Member] = {}
    for info in archive.infolist():
        parts = _parts(info, name)
        if parts and not any(is_ignored(part) for part in parts):
            kept[parts] = _Member(parts, info)
    return [kept[parts] for parts in sorted(kept)]


def _parts(info: zipfile.ZipInfo, archive_name: str) -> tuple[str, ...]:
    path = _decoded(info).replace("\\", "/")  # some Windows programs write backslashes
    parts = tuple(part for part in path.split("/") if part not in ("", "."))
    if path.startswith("/") or ".." in parts or (parts and _is_drive(parts[0])):
        raise _refusal(archive_name, f"holds the unsafe path {shown(path)[:100]}")
    if len(parts) > MAX_FOLDERS:
        raise _refusal(archive_name, f"has more than {MAX_FOLDERS} folders inside each other")
    return parts


def _is_drive(part: str) -> bool:
    return len(part) == 2 and part[1] == ":"


def _decoded(info: zipfile.ZipInfo) -> str:
    """The member's name. Many programs write UTF-8 without saying so, which zipfile then takes for code page 437."""
    name = info.orig_filename.split("\0")[0]
    if info.flag_bits & 0x800:
        return name
    try:
        return name.encode("cp437").decode("utf-8")
    except UnicodeError:
        return name


def _require_limits(infos: Sequence[zipfile.ZipInfo], name: str, limits: Limits) -> None:
    total = sum(info.file_size for info in infos)
    packed = sum(info.compress_size for info in infos)
    if len(infos) > limits.members:
        raise _refusal(name, f"holds more than {limits.members} files")
    if total > limits.total_bytes:
        raise _refusal(name, f"would unpack to more than {limits.total_bytes // 2**20} MiB")
    if total > RATIO_MATTERS_FROM_BYTES and total > limits.ratio * max(packed, 1):
        raise _refusal(name, f"would grow more than {limits.ratio} times when unpacked")


def _entries(archive: _Archive, members: Sequence[_Member], path: str) -> list[Entry]:
    """One level of the archive; `members` have paths relative to that level."""
    below: dict[str, list[_Member]] = {}
    entries: list[Entry] = []
    for member in members:
        head, rest = member.parts[0], member.parts[1:]
        if rest or _is_folder(member.info):
            inside = below.setdefault(head, [])
            inside.extend([_Member(rest, member.info)] if rest else [])
        else:
            entries.append(_leaf(archive, head, member.info, joined(path, head)))
    for head, inside in below.items():
        entries.append(Branch(head, joined(path, head), partial(_entries, archive, inside, joined(path, head))))
    return sorted(entries, key=lambda entry: entry.name)


def _is_folder(info: zipfile.ZipInfo) -> bool:
    return info.orig_filename.endswith(("/", "\\"))


def _leaf(archive: _Archive, name: str, info: zipfile.ZipInfo, path: str) -> Leaf:
    return Leaf(name, path, partial(_read, archive.zip, info, name), archives=archive.nesting)


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> bytes:
    if stat.S_IFMT(info.external_attr >> 16) not in _PLAIN_MODES:
        raise UnreadableSource(f"{shown(name)} is a link inside the archive, not a file. Hand in the file itself.")
    if info.flag_bits & 0x1:
        raise UnreadableSource(f"{shown(name)} is locked with a password. Hand it in without one.")
    if info.compress_type not in _READABLE_METHODS:
        raise UnreadableSource(f"{shown(name)} is packed in a way that cannot be read. Zip it again as a plain zip.")
    require_size(info.file_size, name)
    try:
        with archive.open(info) as stream:
            return stream.read(info.file_size + 1)  # without a number, a lie about the size would unpack it all
    except _ZIP_ERRORS as error:
        damaged = UnreadableSource(f"{shown(name)} is damaged inside the archive. Zip it again and hand it in.")
        raise _fault(error, name) or damaged from error


def _fault(error: Exception, name: str) -> UnreadableSource | None:
    """What to say where the disk failed that holds the archive; None where the archive did."""
    if not is_fault_of_the_machine(error):
        return None
    return UnreadableSource(f"the archive that holds {shown(name)} could not be read here: {error}", ours=True)
