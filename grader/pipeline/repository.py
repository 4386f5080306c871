"""A student's repository: what of it is to be graded, and what of it is not as it was released.

It is graded like a class of one student. Two things are added to the results: flags for workflows and checks that were
changed, and a note where given code is missing. Neither costs points.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader import __version__
from grader.authoring import count_given, missing_lines
from grader.ci import Changes, Memory, Platform, digest_of, own_assignments
from grader.discovery import classroom_owner, discover_repository
from grader.errors import SetupError
from grader.model.assignment import Assignment
from grader.model.departure import REPOSITORY_FLAGS, Departure
from grader.model.result import Result, Scores
from grader.model.submission import Note, Submission
from grader.results.files import as_strict_json, write_atomically
from grader.results.folder import ResultsFolder
from grader.results.verdicts import without_run

GIVEN_CODE = "given_code_changed"
_MOST_SHOWN = 3
_LONGEST_SHOWN = 100
_WITHHELD = (
    "the checks in this repository are not those that were released ({paths}), so it was not graded with them. Put the "
    "released files back, or ask your instructor."
)


@dataclass(frozen=True)
class Student:
    """Who is graded, and how we know."""

    name: str
    known_by: str
    assignment: str | None = None
    """The assignment, where the name of the repository says it."""


@dataclass(frozen=True)
class Work:
    """What a repository holds."""

    todo: dict[str, Submission]
    """To be graded, by id of the assignment."""
    left_out: dict[str, str]
    """Ids that are not graded now, each with the reason."""


def who(platform: Platform, chosen: str | None, repository: Path, ids: Sequence[str]) -> Student:
    """The student: as told, by the name of a Classroom repository, by what the platform says, or by the folder."""
    if chosen is not None:
        if not chosen.strip():
            raise SetupError("--student: expected a name, found nothing. Leave the option out, or fill it.")
        return Student(chosen, "--student")
    classroom = classroom_owner(platform.repository, ids)
    if classroom is not None:
        return Student(classroom[1], f"the name of the repository, {platform.repository}", classroom[0])
    if platform.person:
        return Student(platform.person, platform.person_is)
    name = platform.repository or repository.resolve().name
    return Student(name or "student", "the name of the repository" if platform.repository else "the folder's name")


def find_work(
    repository: Path,
    known: Mapping[str, Assignment],
    student: Student,
    assignment: str | None,
    changes: Changes,
    memory: Memory,
    *,
    ignored: Sequence[str] = (),
    everything: bool = False,
) -> Work:
    """What there is to grade; SetupError if the repository holds nothing that can be.

    An assignment is left out if its file did not change and exactly this was graded before. One that is alone in its
    repository never is: its points are read from the last run.
    """
    own = ["assignments"] if own_assignments(repository) else []
    found = discover_repository(
        repository,
        student=student.name,
        assignment_ids=list(known),
        files={name: item.files for name, item in known.items()},
        assignment=assignment or student.assignment,
        ignored=[*own, *ignored],
    )
    if not found:
        names = ", ".join(f"{item.files[0]}.py" for item in list(known.values())[:6])
        more = ", …" if len(known) > 6 else ""
        raise SetupError(
            f"{repository}: expected a notebook or module named after an assignment ({names}{more} or .ipynb), found "
            "none. Name your file so, or say --assignment ID."
        )
    todo, left_out = {}, {}
    for name, submission in found:
        graded_before = memory.knows(name, remembered_as(known[name], submission))
        if everything or len(found) == 1 or not graded_before or is_touched(repository, submission, changes):
            todo[name] = submission
        else:
            left_out[name] = f"did not change since {changes.reason}"
    return Work(todo, left_out)


def is_touched(repository: Path, submission: Submission, changes: Changes) -> bool:
    """Whether a push changed a submission; what has no file of its own counts as changed."""
    if submission.location is None or submission.problem:
        return True
    root = repository.resolve()
    place = submission.location.resolve()
    return not place.is_relative_to(root) or changes.touches(place.relative_to(root).as_posix())


def remembered_as(assignment: Assignment, submission: Submission) -> str:
    """All on which a grade rests: the hand-in, the assignment as the class has it, and grader itself."""
    return digest_of(assignment.digest, __version__, submission.digest)


def given_code_note(assignment: Assignment, submission: Submission) -> Note | None:
    """A note that quotes what was given and is missing; None if nothing is, or if there is nothing to compare."""
    if submission.source is None:
        return None
    cells = [cell.text for cell in submission.source.cells]
    best: tuple[int, list[str], int] | None = None
    for path in sorted((assignment.folder / "starter").glob("*")):
        if path.suffix in (".py", ".ipynb"):
            missing, given = _compared(path, cells)
            if given and (best is None or len(missing) < best[0]):
                best = len(missing), missing, given
    if best is None or not best[1]:
        return None
    _, missing, given = best
    if 2 * len(missing) > given:
        text = "Your file does not begin from the starter: most of the code that was given is not in it."
    else:
        shown = "; ".join(_short(line) for line in missing[:_MOST_SHOWN])
        more = f" and {len(missing) - _MOST_SHOWN} more" if len(missing) > _MOST_SHOWN else ""
        text = f"Code that was given is changed or missing: {shown}{more}."
    return Note(
        kind=GIVEN_CODE, where="", text=f"{text} It costs no points by itself; if you did not mean to, compare."
    )


def marked(result: Result, departures: Sequence[Departure], note: Note | None) -> Result:
    """A result with what was seen of its repository, in place of what an earlier run had seen."""
    flags = [flag for flag in result.flags if flag not in REPOSITORY_FLAGS]
    flags += dict.fromkeys(item.flag for item in departures)
    notes = [item for item in result.notes if item.kind != GIVEN_CODE]
    return result.model_copy(
        update={"flags": tuple(flags), "notes": tuple([*notes, note] if note is not None else notes)}
    )


def mark(folder: ResultsFolder, scores: Scores, departures: Sequence[Departure], notes: Mapping[str, Note]) -> Scores:
    """Write the marks into results that were graded; returns the scores with them."""
    for student in dict.fromkeys(result.student for result in scores.submissions):
        newest = folder.read(student)
        if newest is not None:
            folder.kept(student).write(marked(newest, departures, notes.get(student)))
    found = tuple(marked(item, departures, notes.get(item.student)) for item in scores.submissions)
    return _write(folder, scores.model_copy(update={"submissions": found}))


def withhold(folder: ResultsFolder, assignment: str, submission: Submission, departures: Sequence[Departure]) -> Scores:
    """A result without points: the repository's own checks were changed, and are not run."""
    paths = ", ".join(item.path for item in departures if item.flag == "checks_changed")
    result = without_run(submission, (), digests=("", ""), ours=_WITHHELD.format(paths=paths))
    with folder.locked():
        folder.write(marked(result, departures, None), None)
        return folder.write_scores(assignment, [marked(result, departures, None)])


def _compared(starter: Path, cells: Sequence[str]) -> tuple[list[str], int]:
    """(missing lines, how many were given); nothing where the starter cannot be read: that is not the student's fault."""
    try:
        text = starter.read_text("utf-8-sig")
        return missing_lines(starter.name, text, cells), count_given(starter.name, text)
    except (OSError, UnicodeDecodeError, SetupError):
        return [], 0


def _short(line: str) -> str:
    return line if len(line) <= _LONGEST_SHOWN else f"{line[: _LONGEST_SHOWN - 1]}…"


def _write(folder: ResultsFolder, scores: Scores) -> Scores:
    write_atomically(folder.folder / "scores.json", as_strict_json(scores) + "\n")
    return scores


def files_of(scores: Sequence[Scores], work: Work) -> Iterator[tuple[Scores, Result, str]]:
    """(scores, result, path of the file in the repository) of everything that was graded."""
    for item in scores:
        for result in item.submissions:
            submission = work.todo.get(item.assignment)
            yield item, result, submission.path if submission is not None and submission.location else ""
