"""What the command line and the Python interface have in common: settings, submissions, and a batch of them.

A batch is one class: submissions by assignment. Each assignment is graded into its own folder, and over several of them
`scores.json` is written once more, over all.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from grader.discovery import UnreadableSource, discover, read_source
from grader.discovery.tree import is_code
from grader.errors import SetupError
from grader.model.assignment import Assignment
from grader.model.class_file import read_class
from grader.model.result import Scores
from grader.model.submission import Submission
from grader.pipeline import places
from grader.pipeline.bookkeeping import Bookkeeping
from grader.pipeline.carriers import check_engine
from grader.pipeline.class_files import NO_FILES, ClassFiles, with_times
from grader.pipeline.grade import Grading
from grader.pipeline.settings import Settings
from grader.pipeline.watch import Watcher
from grader.results.folder import ResultsFolder, read_scores, write_course_scores
from grader.sandbox.box import LEVELS, Level
from grader.sandbox.doctor import missing_for
from grader.scratch import sweep

OPTION = "--"
"""Before the names of settings in messages: as the command line spells them. The Python interface has none."""

Watching = Callable[[Assignment, Settings], AbstractContextManager[Watcher]]
"""Makes what hears of the grading of one assignment."""


@dataclass(frozen=True)
class Batch:
    """The submissions of a class."""

    known: dict[str, Assignment]
    """All assignments by id, as this class has them."""
    submissions: dict[str, list[Submission]]
    """By id of the assignment."""
    files: ClassFiles = NO_FILES

    @property
    def several(self) -> bool:
        """Whether there are several assignments, each with a folder of results of its own."""
        return len(self.submissions) > 1


def make_settings(
    jobs: int,
    timeout: float | None,
    sandbox: str,
    *,
    no_store: bool,
    quick: bool,
    force: bool,
    engine: str = "local",
    scheduler: str | None = None,
    spelled: str = OPTION,
) -> Settings:
    """Settings from what a person asked for; SetupError for what makes no sense, and for a sandbox that cannot be had.

    Args:
        jobs: tasks at a time; 0 for the number of cores.
        timeout: wall seconds of student code per run; None for what the assignment says.
        sandbox: a level. No other one is taken in its place.
        no_store: neither read nor keep trainings on disk.
        quick: train nothing.
        force: grade again what was graded before.
        engine: `local` or `dask`; the sandbox of the latter is one of its workers, which say themselves what they lack.
        scheduler: address of a Dask scheduler; None for a cluster on this machine.
        spelled: what stands before the names of settings in messages.
    """
    level = as_level(sandbox, spelled)
    if jobs < 0 or (timeout is not None and not 0 < timeout <= 86_400):
        raise SetupError(f"{spelled}jobs takes a whole number from 1, {spelled}timeout seconds from above 0 to 86400.")
    check_engine(engine, scheduler, level, spelled)
    sweep()
    missing = missing_for(level) if engine == "local" else []
    if missing:
        raise SetupError("; ".join(f"{item.what}: {item.detail}. {item.remedy}" for item in missing))
    return Settings(
        datasets=places.datasets(),
        store=None if no_store else places.store_folder(),
        store_bytes=places.store_bytes(),
        jobs=jobs or (0 if scheduler is not None else os.cpu_count() or 1),
        timeout_seconds=timeout,
        sandbox=level,
        quick=quick,
        force=force,
        engine=engine,
        scheduler=scheduler,
    )


def as_level(sandbox: str, spelled: str = OPTION) -> Level:
    """The level of this name; SetupError that lists them."""
    for level in LEVELS:
        if sandbox == level:
            return level
    raise SetupError(f"{spelled}sandbox {sandbox}: expected one of {', '.join(LEVELS)}.")


def collect(path: Path, *, assignment: str | None, only: str | None = None, files: ClassFiles = NO_FILES) -> Batch:
    """The submissions in a folder or zip, or a single file of one assignment; SetupError if there is none."""
    known = places.load_assignments()
    if files.changes is not None:
        known = read_class(files.changes, known)
    if assignment is not None:
        places.find_assignment(assignment)
    if path.is_file() and is_code(path.name):
        return Batch(known, {single(assignment, known, path): [read_file(path)]}, files)
    found = discover(
        path,
        assignment_ids=list(known),
        files={name: item.files for name, item in known.items()},
        assignment=assignment,
        only=only,
    )
    if not found:
        who = f" of {only!r}" if only else ""
        raise SetupError(f"{path}: found no submission{who}. See `grader grade --help` for the layouts.")
    grouped: dict[str, list[Submission]] = {}
    for name, submission in found:
        grouped.setdefault(name, []).append(submission)
    files.check(grouped)
    return Batch(known, grouped, files)


def single(assignment: str | None, known: dict[str, Assignment], path: Path) -> str:
    """The assignment that a single file is for: the one named, else the one whose file has this name."""
    if assignment is not None:
        return assignment
    fits = [name for name, item in known.items() if path.stem in (name, *item.files)]
    if len(fits) != 1:
        raise SetupError(f"{path}: expected the id of its assignment, one of {', '.join(known)}. Name it.")
    return fits[0]


def read_file(file: Path) -> Submission:
    """A single file as a submission."""
    try:
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise SetupError(f"{file}: cannot be read: {error.strerror}.") from error
    try:
        return Submission(student=file.stem, path=file.name, digest=digest, source=read_source(file))
    except UnreadableSource as problem:
        return Submission(student=file.stem, path=file.name, digest=digest, problem=str(problem), ours=problem.ours)


def grade_batch(batch: Batch, settings: Settings, output: Path, watching: Watching) -> Iterator[Scores]:
    """Grade a class, one assignment after the other; the scores of each as soon as they are written."""
    scores = []
    for name, items in batch.submissions.items():
        folder = ResultsFolder(output / name if batch.several else output)
        scores.append(grade_assignment(batch.known[name], items, settings, folder, watching, batch.files))
        yield scores[-1]
    if batch.several:
        write_course_scores(output, scores)


def remarks_on(batch: Batch, scores: Scores, output: Path) -> list[str]:
    """What the instructor should know about the rules of the class, as they were applied to these scores."""
    folder = ResultsFolder(output / scores.assignment if batch.several else output)
    return Bookkeeping(batch.known[scores.assignment], folder).remarks(scores.submissions)


def grade_assignment(
    assignment: Assignment,
    items: list[Submission],
    settings: Settings,
    folder: ResultsFolder,
    watching: Watching,
    files: ClassFiles = NO_FILES,
) -> Scores:
    """Grade the submissions of one assignment into its folder."""
    items = with_times(items, files.read_times(assignment))
    with folder.locked(), watching(assignment, settings) as watcher:
        files.keep(folder.folder)
        Grading(assignment, settings, folder, watcher).run(items)
    scores = read_scores(folder.folder)
    assert scores is not None
    return scores
