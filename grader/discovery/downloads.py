"""Whose an entry is, told from the names that learning platforms give to what they export.

| platform | entry in the export |
|---|---|
| Canvas | file `lastfirst_[LATE_]<user id>_<submission id>_<original name>` |
| Moodle | folder `Full Name_<id>_assignsubmission_file_`, or files that begin so |
| Gradescope | folder `submission_<id>` beside `submission_metadata.yml` |
| GitHub Classroom | repository `<assignment>-<username>` |
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from grader.discovery.tree import stem_of

_CANVAS = re.compile(r"(?P<name>.+?)_(?:LATE_)?(?P<id>\d+)_\d+_(?P<original>.+)", re.DOTALL)
_MOODLE = re.compile(r"(?P<name>.+)_(?P<id>\d+)_assignsubmission_[a-z]+(?:_(?P<original>.*))?", re.DOTALL)
_GRADESCOPE = re.compile(r"submission_\d+")


@dataclass(frozen=True)
class Owner:
    """A student as an entry's name gives it."""

    name: str
    id: str = ""
    """The platform's number for the student, which tells apart two of one name."""


@dataclass(frozen=True)
class Named:
    """An entry's owner, and the name that the student had given the file."""

    owner: Owner
    original: str
    exported: bool = False
    """Whether a platform's pattern was found in the name."""


@dataclass(frozen=True)
class Classroom:
    """The assignment whose repositories a folder holds, all called `<assignment>-<username>`."""

    assignment: str

    def username(self, folder: str) -> str:
        """The part of a repository's name that is the student's."""
        return folder[len(self.assignment) + 1 :]


def owner_of_file(name: str) -> Named:
    """Whose a loose file is: the platform's student, or the file's stem."""
    match = _MOODLE.fullmatch(name) or _CANVAS.fullmatch(name)
    if match and match["original"]:
        return Named(Owner(match["name"], match["id"]), match["original"], exported=True)
    return Named(Owner(stem_of(name)), name)


def owner_of_folder(name: str, classroom: Classroom | None = None) -> Named:
    """Whose a folder is: the platform's student, or the folder's name."""
    match = _MOODLE.fullmatch(name)
    if match:
        return Named(Owner(match["name"], match["id"]), name, exported=True)
    if classroom:
        return Named(Owner(classroom.username(name)), name, exported=True)
    return Named(Owner(name), name)


def find_classroom(folders: Sequence[str], assignment_ids: Iterable[str]) -> Classroom | None:
    """The assignment that begins the name of *every* folder, a dash and a user name after it; else None."""
    for assignment in sorted(assignment_ids, key=len, reverse=True):
        if folders and all(_is_repository(folder, assignment) for folder in folders):
            return Classroom(assignment)
    return None


def is_export(files: Iterable[str], folders: Sequence[str], assignment_ids: Iterable[str]) -> bool:
    """Whether these names, found in one folder, are those of a platform's export."""
    if any(owner_of_file(name).exported for name in files):
        return True
    if any(_GRADESCOPE.fullmatch(name) or owner_of_folder(name).exported for name in folders):
        return True
    return find_classroom(folders, assignment_ids) is not None


def _is_repository(folder: str, assignment: str) -> bool:
    head, rest = folder[: len(assignment)], folder[len(assignment) :]
    return _plain(head) == _plain(assignment) and rest.startswith("-") and len(rest) > 1


def _plain(name: str) -> str:
    return name.lower().replace("-", "_")
