"""Which of a student's files is the hand-in, told from names and places alone."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from grader.discovery.archives import archive_tree
from grader.discovery.folder import not_a_file
from grader.discovery.tree import Branch, Entry, Leaf, is_code, is_ignored, is_zip, shown, stem_of
from grader.discovery.unreadable import UnreadableSource

_MAX_FILES = 20_000
_MAX_FOLDERS = 16
_SUPPORT = frozenset({"__init__", "conftest", "setup", "unittests"})
"""Modules that come with a course or a package and are nobody's answer."""
_COPY_MARK = re.compile(r"(?:[ _]?\(\d+\)|-\d+|-copy\d*)+$")
"""What browsers, Canvas and Jupyter put after the name of a second copy."""

Rank = tuple[int, int]
"""How well a file fits, smaller being better: the kind of fit, then the depth."""


@dataclass(frozen=True)
class Expected:
    """What the files of each assignment may be called."""

    stems: Mapping[str, tuple[str, ...]]
    """For each assignment id the stems accepted, the usual one first."""
    chosen: str | None
    """The assignment that everything is for; None when names must tell."""

    @property
    def ids(self) -> tuple[str, ...]:
        """The assignments known, in the order given."""
        return tuple(self.stems)

    def usual_name(self, assignment: str) -> str:
        """The name to advise for a module."""
        return f"{self.stems[assignment][0]}.py"

    def is_stem(self, assignment: str, stem: str) -> bool:
        """Whether a stem is exactly as expected."""
        return stem in self.stems[assignment]

    def is_near(self, assignment: str, stem: str) -> bool:
        """Whether a stem is meant for the assignment but for case, dashes, spaces or the mark of a copy."""
        return _plain(stem) in {_plain(known) for known in self.stems[assignment]}

    def is_support(self, name: str) -> bool:
        """Whether a file is a module that is nobody's answer, such as the course's `unittests.py`."""
        stem = stem_of(name)
        return stem in _SUPPORT and not any(self.is_stem(assignment, stem) for assignment in self.ids)

    def owner(self, name: str) -> str | None:
        """The assignment that a folder or archive is named after."""
        return next((assignment for assignment in self.ids if _plain(name) == _plain(assignment)), None)

    def is_expected(self, name: str) -> bool:
        """Whether a file or folder has a name of any assignment."""
        stem = stem_of(name) if is_code(name) else name
        return any(self.is_near(assignment, stem) for assignment in self.ids)


@dataclass(frozen=True)
class Found:
    """A file of the student, and where it lies in what they handed in."""

    leaf: Leaf
    folders: tuple[str, ...] = ()
    archive: str = ""
    """The stem of the zip it lies in."""

    @property
    def label(self) -> str:
        """The file as its student would name it."""
        return "/".join(shown(name) for name in (*self.folders, self.leaf.name))


@dataclass(frozen=True)
class Survey:
    """All that a student handed in: the files, and what kept us from seeing more."""

    files: tuple[Found, ...]
    obstacles: tuple[str, ...]

    @property
    def code(self) -> tuple[Found, ...]:
        """The files that could be graded by their suffix."""
        return tuple(found for found in self.files if is_code(found.leaf.name))


def survey(parts: Iterable[Entry]) -> Survey:
    """Every file in a student's folders and archives; reads archives, but no other file."""
    walk = _walk_parts(parts)
    seen = list(islice(walk, _MAX_FILES))
    if next(walk, None) is not None:
        seen.insert(0, f"Your hand-in holds more than {_MAX_FILES} files. Hand in your code without the data.")
    files = tuple(item for item in seen if isinstance(item, Found))
    return Survey(files, tuple(item for item in seen if isinstance(item, str)))


def best_fits(files: Sequence[Found], assignment: str, expected: Expected) -> list[Found]:
    """The files that fit the assignment equally well and better than all others; more than one is a doubt."""
    ranks = [(rank(found, assignment, expected), found) for found in files]
    fitting = [(rank, found) for rank, found in ranks if rank is not None]
    best = min((rank for rank, _ in fitting), default=None)
    return [found for rank, found in fitting if rank == best]


def rank(found: Found, assignment: str, expected: Expected) -> Rank | None:
    """How well a file fits an assignment by its name and place; None when it does not."""
    stem, depth = stem_of(found.leaf.name), len(found.folders)
    owner = _owner(found, expected)
    if owner not in (None, assignment):
        return None
    own = owner == assignment
    if expected.is_near(assignment, stem):
        return _rank_by_name(found, expected.is_stem(assignment, stem), depth - _is_own_folder(found, expected))
    if expected.is_expected(found.leaf.name) or not (own or expected.chosen == assignment):
        return None
    return _rank_by_place(expected.is_support(found.leaf.name), own, depth)


def _rank_by_name(found: Found, exact: bool, depth: int) -> Rank:
    if depth > 0:
        return (4, depth)
    if not exact:
        return (2, 0)
    return (1 if found.archive else 0, 0)


def _rank_by_place(support: bool, own: bool, depth: int) -> Rank:
    if support:
        return (7, depth)
    if own and depth <= 1:
        return (3, 0)
    return (5 if depth == 0 else 6, depth)


def _owner(found: Found, expected: Expected) -> str | None:
    """The assignment whose folder or archive a file lies in, if any."""
    for name in (*found.folders[:1], found.archive):
        owner = expected.owner(name) if name else None
        if owner:
            return owner
    return None


def _is_own_folder(found: Found, expected: Expected) -> bool:
    return bool(found.folders) and expected.owner(found.folders[0]) is not None


def without_copy_mark(name: str) -> str:
    """A file's name as that of the first copy."""
    stem, dot, suffix = name.rpartition(".")
    return f"{_COPY_MARK.sub('', stem) or stem}{dot}{suffix}".lower()


def _plain(stem: str) -> str:
    lower = stem.lower()
    return re.sub(r"[-\s]+", "_", _COPY_MARK.sub("", lower) or lower)


def _walk_parts(parts: Iterable[Entry]) -> Iterator[Found | str]:
    for part in parts:
        if isinstance(part, Branch):
            yield from _walk_entries(part, (), "")
        else:
            yield from _walk([part], (), "")


def _walk(entries: Iterable[Entry], folders: tuple[str, ...], archive: str) -> Iterator[Found | str]:
    """Files as Found, obstacles as sentences; files before folders, so that a folder of data hides no code."""
    for entry in sorted(entries, key=lambda entry: isinstance(entry, Branch)):
        if is_ignored(entry.name):
            continue
        if isinstance(entry, Branch):
            yield from _walk_folder(entry, folders, archive)
        elif is_zip(entry.name):
            yield from _walk_archive(entry, folders)
        else:
            yield Found(entry, folders, archive)


def _walk_folder(branch: Branch, folders: tuple[str, ...], archive: str) -> Iterator[Found | str]:
    if is_code(branch.name):
        yield not_a_file(branch.name, "a folder")
    elif len(folders) < _MAX_FOLDERS:
        yield from _walk_entries(branch, (*folders, branch.name), archive)


def _said(problem: UnreadableSource) -> str:
    """What is in the way; where that is the machine's fault, nothing can be said about the rest of the hand-in."""
    if problem.ours:
        raise problem
    return problem.message


def _walk_archive(leaf: Leaf, folders: tuple[str, ...]) -> Iterator[Found | str]:
    try:
        branch = archive_tree(leaf)
    except UnreadableSource as problem:
        yield _said(problem)
    else:
        yield from _walk_entries(branch, folders, branch.name)


def _walk_entries(branch: Branch, folders: tuple[str, ...], archive: str) -> Iterator[Found | str]:
    try:
        entries = branch.entries()
    except UnreadableSource as problem:
        yield _said(problem)
    else:
        yield from _walk(entries, folders, archive)
