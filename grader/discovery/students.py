"""Who handed in: the entries of the submissions folder grouped by student, each student with a name of their own."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from grader.discovery.downloads import (
    Classroom,
    Named,
    Owner,
    find_classroom,
    is_export,
    owner_of_file,
    owner_of_folder,
)
from grader.discovery.layouts import Expected, without_copy_mark
from grader.discovery.metadata import read_metadata
from grader.discovery.tree import Branch, Entry, Leaf, is_code, is_ignored, is_zip, shown, stem_of
from grader.discovery.unreadable import UnreadableSource
from grader.model.submission import Identity

_UNREADABLE_ARCHIVES = (".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz")


@dataclass(frozen=True)
class HandIn:
    """Everything that one student handed in at one time."""

    student: str
    parts: tuple[Entry, ...]
    assignment: str | None = None
    """The assignment, when the name of the student's repository says it."""
    identity: Identity = field(default=Identity())
    time: datetime | None = None
    late: bool = False
    """The platform marks it as late."""
    superseded: bool = False
    """The student handed in again later."""


@dataclass(frozen=True)
class Part:
    """One entry that somebody handed in."""

    entry: Entry
    named: Named
    time: datetime | None = None


def hand_ins(root: Branch, expected: Expected, *, wrapped: bool) -> list[HandIn]:
    """What each student handed in, sorted by name, earlier ones of a student first.

    `wrapped`: a folder around them all is to be looked through.
    """
    entries = _without_wrapper(_visible(root), root.name, expected, wrapped=wrapped)
    classroom = find_classroom([_folder_name(entry) for entry in entries if _is_folder(entry)], expected.ids)
    metadata = read_metadata(entries)
    parts: dict[Owner, list[Part]] = {}
    for entry in entries:
        if _is_hand_in(entry, expected):
            named = _named(entry, classroom)
            known = metadata.get(entry.name)
            for owner in (known.owners if known else ()) or (named.owner,):
                part = Part(_as_original(entry, named), named, known.time if known else None)
                parts.setdefault(owner, []).append(part)
    names = unique_names(list(parts))
    assignment = classroom.assignment if classroom else None
    found = [
        HandIn(
            names[owner],
            tuple(part.entry for part in version),
            assignment,
            identity=owner.identity,
            time=max((part.time for part in version if part.time), default=None),
            late=any(part.named.late for part in version),
            superseded=number < len(versions),
        )
        for owner, mine in parts.items()
        for versions in [_versions(mine, expected)]
        for number, version in enumerate(versions, start=1)
    ]
    return sorted(found, key=lambda hand_in: (hand_in.student.casefold(), hand_in.student))


def _versions(parts: list[Part], expected: Expected) -> list[list[Part]]:
    """What a student handed in at different times, as far as the platform tells it; the newest last.

    Folders with a time are whole hand-ins. Loose files with numbers of uploads replace those of the same name, if it is
    a name that is asked for: `part-1.py` and `part-2.py` may well be one hand-in.
    """
    if len(parts) > 1 and all(part.time is not None for part in parts):
        return [[part] for part in sorted(parts, key=lambda part: part.time.timestamp() if part.time else 0.0)]
    same: dict[str, list[Part]] = {}
    for number, part in enumerate(parts):
        name = without_copy_mark(part.named.original)
        alone = part.named.upload is None or not expected.is_expected(name)
        same.setdefault(f"/{number}" if alone else name, []).append(part)
    for copies in same.values():
        copies.sort(key=lambda part: part.named.upload or 0)
    most = max(map(len, same.values()))
    return [[copies[max(len(copies) - back, 0)] for copies in same.values()] for back in range(most, 0, -1)]


def unique_names(owners: Sequence[Owner]) -> dict[Owner, str]:
    """A printable name for each owner: their own, with the platform's number or ` (2)` where two would be equal."""
    count = Counter(shown(owner.name) for owner in owners)
    names: dict[Owner, str] = {}
    for owner in sorted(owners, key=lambda owner: (owner.name, owner.id)):
        name = shown(owner.name)
        wanted = f"{name}_{owner.id}" if owner.id and count[name] > 1 else name
        names[owner] = _free(wanted, set(names.values()))
    return names


def _free(wanted: str, taken: set[str]) -> str:
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted} ({number})"
    return name


def _visible(branch: Branch) -> list[Entry]:
    return [entry for entry in branch.entries() if not is_ignored(entry.name)]


def _without_wrapper(entries: list[Entry], root_name: str, expected: Expected, *, wrapped: bool) -> list[Entry]:
    """The students' entries: those given, or those of the single folder that an export or a zip put around them."""
    if len(entries) != 1 or not isinstance(entries[0], Branch):
        return entries
    try:
        inner = _visible(entries[0])
    except UnreadableSource:
        return entries
    return inner if _is_wrapper(entries[0].name, inner, root_name, expected, wrapped=wrapped) else entries


def _is_wrapper(name: str, inner: Sequence[Entry], root_name: str, expected: Expected, *, wrapped: bool) -> bool:
    folders = [entry.name for entry in inner if isinstance(entry, Branch)]
    files = [entry.name for entry in inner if isinstance(entry, Leaf)]
    if any(expected.is_expected(entry.name) for entry in inner):
        return False
    if is_export(files, folders, expected.ids):
        return True
    return wrapped and (name == root_name or len(folders) + sum(map(is_zip, files)) > 1)


def _is_folder(entry: Entry) -> bool:
    """Whether an entry of the submissions folder stands for a whole folder."""
    return isinstance(entry, Branch) or is_zip(entry.name)


def _folder_name(entry: Entry) -> str:
    return entry.name if isinstance(entry, Branch) else stem_of(entry.name)


def _is_hand_in(entry: Entry, expected: Expected) -> bool:
    """Whether an entry is a student's; loose files such as a list of grades are not."""
    if _is_folder(entry):
        return True
    if is_code(entry.name):
        return not expected.is_support(entry.name)
    return owner_of_file(entry.name).exported or entry.name.lower().endswith(_UNREADABLE_ARCHIVES)


def _named(entry: Entry, classroom: Classroom | None) -> Named:
    if isinstance(entry, Branch):
        return owner_of_folder(entry.name, classroom)
    named = owner_of_file(entry.name)
    if named.exported or not is_zip(entry.name):
        return named
    return replace(owner_of_folder(stem_of(entry.name), classroom), original=entry.name)


def _as_original(entry: Entry, named: Named) -> Entry:
    return replace(entry, name=named.original) if isinstance(entry, Leaf) else entry
