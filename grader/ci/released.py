"""What the instructor released, as digests of the files that a student has no reason to change.

The record lies in the repository, at `.grader/release.json`, where the student can edit it. Therefore it has a digest
of its own, which the workflow gets from outside: with it a changed record is seen, and with a right record every
changed file.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from grader import __version__
from grader.errors import SetupError
from grader.model.departure import Departure, DepartureFlag
from grader.model.record import Record

RECORD = ".grader/release.json"
_WORKFLOWS = (".github/workflows", ".github/actions", ".github/classroom", ".gitlab")
_WORKFLOW_FILES = ("action.yml", "action.yaml", ".gitlab-ci.yml", ".gitlab-ci.yaml")
_ASSIGNMENTS = "assignments"
_DECIDING = ("assignment.toml", "checks.py", "conftest.py", "inputs.py", "probe.py", "reference.json")
"""Files of an assignment that decide about points."""
_MOST_FILES = 5000
_DIGEST = re.compile(r"(?:sha256:)?([0-9a-fA-F]{64})")
_ADVICE = {
    "added": "If you do not need it, remove it.",
    "changed": "If you did not mean to change it, put the released file back.",
    "removed": "If you did not mean to remove it, put the released file back.",
}


class ReleaseRecord(Record):
    """Digests of what was released."""

    schema_version: Literal[1] = 1
    grader_version: str = __version__
    files: dict[str, str]
    """SHA-256 by path; line ends do not count."""

    @property
    def digest(self) -> str:
        """SHA-256 over paths and digests, however the file is indented."""
        text = json.dumps(self.files, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(text.encode("ascii")).hexdigest()


def record_of(repository: Path) -> ReleaseRecord:
    """The record of a repository as it lies here."""
    return ReleaseRecord(files={path: _digest(repository / path) for path in protected(repository)})


def write_record(repository: Path) -> ReleaseRecord:
    """Write the record of a repository into it."""
    record = record_of(repository)
    place = repository / RECORD
    text = json.dumps(record.model_dump(), indent=1, sort_keys=True) + "\n"
    try:
        place.parent.mkdir(exist_ok=True)
        place.write_text(text, "utf-8")
    except OSError as error:
        raise SetupError(f"{place}: cannot be written: {error.strerror}.") from error
    return record


def read_record(repository: Path) -> ReleaseRecord | None:
    """The record in a repository; None if there is none that can be read."""
    place = repository / RECORD
    try:
        return None if place.is_symlink() else ReleaseRecord.model_validate_json(place.read_bytes())
    except (OSError, ValidationError, ValueError, RecursionError):
        return None


def parse_digest(text: str) -> str:
    """A digest as it was given, in the form in which it is compared; SetupError if it is none."""
    match = _DIGEST.fullmatch(text.strip())
    if match is None:
        raise SetupError(
            f"--release-digest {text!r}: expected 64 hexadecimal digits, as `grader ci --record` prints them."
        )
    return match[1].lower()


def compare(repository: Path, record: ReleaseRecord | None, expected: str = "") -> list[Departure]:
    """What is not as it was released; nothing can be said without a record, unless one is `expected`."""
    found = []
    if expected and (record is None or record.digest != expected):
        what = "is missing or cannot be read" if record is None else "is not the one that was released"
        found.append(_departure("release_record_changed", RECORD, f"The record of the release {what}."))
    if record is None:
        return found
    here = {path: _digest(repository / path) for path in protected(repository)}
    for path in sorted({*here, *record.files}):
        before, now = record.files.get(path), here.get(path)
        if now is None and os.path.lexists(repository / path):
            now = _digest(repository / path)  # recorded by hand, though it is no workflow and no check
        if before != now:
            what = "added" if before is None else "removed" if now is None else "changed"
            found.append(_departure(_flag(path), path, f"This file was {what} after the release. {_ADVICE[what]}"))
    return found


def protected(repository: Path) -> list[str]:
    """The files that a record holds: workflows, actions, and assignments with their checks."""
    found = [repository / name for name in _WORKFLOW_FILES]
    found += [path for folder in _WORKFLOWS for path in islice(_files(repository / folder), _MOST_FILES)]
    for folder in own_assignments(repository):
        found += [folder / name for name in _DECIDING]
    return sorted(path.relative_to(repository).as_posix() for path in found if os.path.lexists(path))


def own_assignments(repository: Path) -> list[Path]:
    """Folders of assignments, with checks in them, that lie in the repository itself."""
    return sorted(path.parent for path in (repository / _ASSIGNMENTS).glob("*/assignment.toml"))


def _departure(flag: DepartureFlag, path: str, text: str) -> Departure:
    return Departure(flag=flag, path=path, text=text)


def _flag(path: str) -> DepartureFlag:
    return "checks_changed" if path.startswith(f"{_ASSIGNMENTS}/") else "workflow_changed"


def _files(folder: Path) -> Iterator[Path]:
    """All files below a folder; links are files here, and are not followed."""
    if folder.is_symlink():
        yield folder
        return
    for place, folders, names in os.walk(folder):
        linked = [name for name in folders if (Path(place) / name).is_symlink()]
        folders[:] = [name for name in folders if name not in linked and name != "__pycache__"]
        yield from (Path(place) / name for name in [*names, *linked])


def _digest(path: Path) -> str:
    """SHA-256 of a file's bytes without the difference between kinds of line ends; of a link, where it leads."""
    try:
        content = os.fsencode(f"link:{path.readlink()}") if path.is_symlink() else _bytes(path)
    except OSError as error:
        content = f"unreadable:{error.errno}".encode()
    return hashlib.sha256(content).hexdigest()


def _bytes(path: Path) -> bytes:
    """A regular file's bytes; nothing is waited for that may never come."""
    return path.read_bytes().replace(b"\r\n", b"\n") if path.is_file() else b"not a file"
