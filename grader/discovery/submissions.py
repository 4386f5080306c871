"""From the folder or archive of a class to one Submission per student and assignment."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from grader.discovery.archives import class_archive_tree
from grader.discovery.downloads import find_classroom
from grader.discovery.folder import folder_tree
from grader.discovery.layouts import Expected, Found, Survey, best_fits, survey
from grader.discovery.sources import parse_source
from grader.discovery.students import HandIn, hand_ins
from grader.discovery.tree import Branch, Leaf, shown
from grader.discovery.unreadable import UnreadableSource
from grader.errors import SetupError
from grader.model.submission import Submission

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_MAX_NAMES_SHOWN = 6


def discover(
    submissions: Path,
    *,
    assignment_ids: Sequence[str],
    files: Mapping[str, Sequence[str]],
    assignment: str | None,
    only: str | None = None,
) -> list[tuple[str, Submission]]:
    """(assignment id, submission) for every hand-in found, sorted by student, then as the assignments are given.

    `files` has the file stems expected for each id. `assignment` says what everything is for; without it, and with
    several ids, names must tell. Raises SetupError when `submissions` itself cannot be read.
    """
    expected = _expected(assignment_ids, files, assignment)
    found: list[tuple[str, Submission]] = []
    for hand_in in _all_hand_ins(submissions, expected):
        if only is None or hand_in.student == only:
            found.extend(_submissions(hand_in, expected))
    return found


def discover_repository(
    repository: Path,
    *,
    student: str,
    assignment_ids: Sequence[str],
    files: Mapping[str, Sequence[str]],
    assignment: str | None,
    ignored: Sequence[str] = (),
) -> list[tuple[str, Submission]]:
    """(assignment id, submission) for what a repository of one student holds, in the order of the ids.

    Empty if nothing in it has a name of an assignment; if `assignment` says what it is for, there is always one.
    `ignored` are names at the top of the repository that are not the student's work.
    """
    expected = _expected(assignment_ids, files, assignment)
    try:
        top = folder_tree(repository)
        entries = [entry for entry in top.entries() if entry.name not in ignored]
        hand_in = HandIn(shown(student), (Branch(top.name, ".", lambda: entries),))
        seen = survey(hand_in.parts)
    except UnreadableSource as problem:
        raise SetupError(f"{shown(str(repository))}: {problem.message}") from problem
    if expected.chosen is None and not any(best_fits(seen.code, one, expected) for one in expected.ids):
        return []
    return _submissions(hand_in, expected)


def classroom_owner(repository: str, assignment_ids: Sequence[str]) -> tuple[str, str] | None:
    """(assignment id, user name) in the name of a GitHub Classroom repository, `<assignment>-<username>`; else None."""
    classroom = find_classroom([repository], assignment_ids)
    return (classroom.assignment, classroom.username(repository)) if classroom else None


def _expected(ids: Sequence[str], files: Mapping[str, Sequence[str]], assignment: str | None) -> Expected:
    known = list(dict.fromkeys(ids))
    if assignment is not None and assignment not in known:
        raise SetupError(f"--assignment: expected one of {', '.join(known) or 'none known'}, found {assignment}.")
    if not known:
        raise SetupError("No assignment is known. Name the folder that holds them.")
    stems = {one: tuple(dict.fromkeys((*files.get(one, ()), one))) for one in known}
    return Expected(stems, known[0] if len(known) == 1 else assignment)


def _all_hand_ins(submissions: Path, expected: Expected) -> list[HandIn]:
    try:
        return hand_ins(_root(submissions), expected, wrapped=submissions.is_file())
    except UnreadableSource as problem:
        raise SetupError(f"{shown(str(submissions))}: {problem.message}") from problem


def _root(submissions: Path) -> Branch:
    if submissions.is_dir():
        return folder_tree(submissions)
    if submissions.is_file() and submissions.name.lower().endswith(".zip"):
        return class_archive_tree(submissions)
    what = "another kind of file" if submissions.exists() else "nothing"
    raise SetupError(f"{shown(str(submissions))}: expected a folder or a zip of submissions, found {what}.")


def _submissions(hand_in: HandIn, expected: Expected) -> list[tuple[str, Submission]]:
    """One submission for each assignment the student handed in, or one that says why there is none."""
    if expected.chosen is None and hand_in.assignment:
        expected = Expected(expected.stems, hand_in.assignment)
    ids = [expected.chosen] if expected.chosen else list(expected.ids)
    try:
        return _looked_through(hand_in, ids, expected)
    except UnreadableSource as fault:
        return [(ids[0], _without_file(hand_in, fault.message, ours=fault.ours))]


def _looked_through(hand_in: HandIn, ids: list[str], expected: Expected) -> list[tuple[str, Submission]]:
    """One submission for each of these assignments. Raises UnreadableSource where this machine fails."""
    seen = survey(hand_in.parts)
    fits = [(one, best_fits(seen.code, one, expected)) for one in ids]
    found = [(one, _submission(hand_in, one, files, expected)) for one, files in fits if files]
    return found or [(ids[0], _without_file(hand_in, _nothing_usable(seen, ids, expected)))]


def _submission(hand_in: HandIn, assignment: str, files: list[Found], expected: Expected) -> Submission:
    if len(files) > 1 and not _are_equal(files):
        return _without_file(hand_in, _several(files, assignment, expected))
    return _owned(hand_in, _read(hand_in.student, files[0].leaf))


def _read(student: str, leaf: Leaf) -> Submission:
    """The submission in a file, or what keeps us from reading it."""
    digest, source, problem, ours = "", None, "", False
    try:
        data = leaf.read()
        digest = hashlib.sha256(data).hexdigest()
        source = parse_source(leaf.name, data)
    except UnreadableSource as unreadable:
        problem, ours = unreadable.message, unreadable.ours
    return Submission(
        student=student,
        path=leaf.path,
        digest=digest,
        source=source,
        problem=problem,
        ours=ours,
        location=leaf.location,
    )


def _without_file(hand_in: HandIn, problem: str, *, ours: bool = False) -> Submission:
    path = hand_in.parts[0].path
    return _owned(hand_in, Submission(student=hand_in.student, path=path, digest="", problem=problem, ours=ours))


def _owned(hand_in: HandIn, submission: Submission) -> Submission:
    """The submission, with what the platform says of its owner and its time."""
    update = {
        "identity": hand_in.identity,
        "handed_in": hand_in.time,
        "marked_late": hand_in.late,
        "superseded": hand_in.superseded,
    }
    return submission.model_copy(update=update)


def _are_equal(files: Sequence[Found]) -> bool:
    """Whether files of one kind hold the same bytes, as a zip beside its unpacked folder does."""
    if len({found.leaf.name.lower().rpartition(".")[2] for found in files}) > 1:
        return False
    try:
        return len({hashlib.sha256(found.leaf.read()).digest() for found in files}) == 1
    except UnreadableSource as problem:
        if problem.ours:
            raise
        return False


def _several(files: Sequence[Found], assignment: str, expected: Expected) -> str:
    count = _NUMBERS[len(files)] if len(files) < len(_NUMBERS) else str(len(files))
    named = sum(expected.is_near(assignment, found.leaf.name.rpartition(".")[0]) for found in files)
    advice = "Hand in only one of them" if named else f"Hand in one, or name it {expected.usual_name(assignment)}"
    return f"We found {count} files that could be the hand-in: {_listed([f.label for f in files])}. {advice}."


def _nothing_usable(seen: Survey, ids: Sequence[str], expected: Expected) -> str:
    """Why a student has no file to grade: what stood in the way, or what was there instead."""
    names = " or ".join(expected.usual_name(one) for one in ids)
    advice = f"Hand in your Python file or notebook under the name {names} (or .ipynb)."
    if seen.obstacles:
        return seen.obstacles[0]
    if seen.code:
        labels = _listed([found.label for found in seen.code])
        return f"We could not tell what your hand-in is for: found {labels}. {advice}"
    if seen.files:
        return f"You handed in no Python file or notebook: found {_listed([f.label for f in seen.files])}. {advice}"
    return f"Your hand-in is empty: there is no file in it. {advice}"


def _listed(labels: Sequence[str]) -> str:
    more = len(labels) - _MAX_NAMES_SHOWN
    listed = ", ".join(labels[:_MAX_NAMES_SHOWN])
    return f"{listed} and {more} more" if more > 0 else listed
