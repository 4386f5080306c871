"""Whose an entry is, told from the names that learning platforms give to what they export.

| platform | entry in the export |
|---|---|
| Canvas | file `lastfirst_[LATE_]<user id>_<number of the upload>_<original name>` |
| Moodle | folder `Full Name_<id>_assignsubmission_file_`, or files that begin so |
| Gradescope | folder `submission_<id>` beside `submission_metadata.yml` |
| GitHub Classroom | repository `<assignment>-<username>` |
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from grader.discovery.tree import stem_of
from grader.model.submission import Identity

_CANVAS = re.compile(r"(?P<name>.+?)_(?P<late>LATE_)?(?P<id>\d+)_(?P<upload>\d+)_(?P<original>.+)", re.DOTALL)
_MOODLE = re.compile(r"(?P<name>.+)_(?P<id>\d+)_assignsubmission_[a-z]+(?:_(?P<original>.*))?", re.DOTALL)
_GRADESCOPE = re.compile(r"submission_\d+")


@dataclass(frozen=True)
class Owner:
    """A student as an entry's name gives it."""

    name: str
    id: str = ""
    """The platform's number for the student, which tells apart two of one name."""
    identity: Identity = field(default=Identity(), compare=False)
    """What else the platform says of the student."""


@dataclass(frozen=True)
class Named:
    """An entry's owner, and the name that the student had given the file."""

    owner: Owner
    original: str
    exported: bool = False
    """Whether a platform's pattern was found in the name."""
    upload: int | None = None
    """The platform's number of the upload; later ones have larger numbers."""
    late: bool = False
    """The platform marks it as late."""


@dataclass(frozen=True)
class Classroom:
    """The assignment whose repositories a folder holds, all called `<assignment>-<username>`."""

    assignment: str

    def username(self, folder: str) -> str:
        """The part of a repository's name that is the student's."""
        return folder[len(self.assignment) + 1 :]


def owner_of_file(name: str) -> Named:
    """Whose a loose file is: the platform's student, or the file's stem."""
    match = _MOODLE.fullmatch(name)
    if match and match["original"]:
        return Named(_moodle_owner(match), match["original"], exported=True)
    match = _CANVAS.fullmatch(name)
    if match:
        owner = Owner(match["name"], match["id"], Identity(id=match["id"]))
        return Named(owner, match["original"], exported=True, upload=int(match["upload"]), late=bool(match["late"]))
    return Named(Owner(stem_of(name)), name)


def owner_of_folder(name: str, classroom: Classroom | None = None) -> Named:
    """Whose a folder is: the platform's student, or the folder's name."""
    match = _MOODLE.fullmatch(name)
    if match:
        return Named(_moodle_owner(match), name, exported=True)
    if classroom:
        username = classroom.username(name)
        return Named(Owner(username, identity=Identity(id=username)), name, exported=True)
    return Named(Owner(name), name)


def _moodle_owner(match: re.Match[str]) -> Owner:
    return Owner(match["name"], match["id"], Identity(name=match["name"], id=match["id"]))


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
