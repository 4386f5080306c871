"""`grader.grade`: a class, or a single file, from Python."""

import os
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from grader.api.reports import GradeReport
from grader.model.assignment import Assignment
from grader.model.result import CourseScores, Scores
from grader.pipeline.batch import Batch, collect, grade_batch, make_settings
from grader.pipeline.class_files import ClassFiles
from grader.pipeline.settings import Settings
from grader.pipeline.watch import Silent, Watcher
from grader.reports.console import LiveView

PathLike = str | os.PathLike[str]


def grade(
    path: PathLike,
    assignment: str | None = None,
    *,
    output: PathLike | None = None,
    only: str | None = None,
    jobs: int = 0,
    timeout: float | None = None,
    quick: bool = False,
    force: bool = False,
    store: bool = True,
    sandbox: str = "full",
    class_file: PathLike | None = None,
    overrides: PathLike | None = None,
    roster: PathLike | None = None,
    times: PathLike | None = None,
    exact: bool = False,
    engine: str = "local",
    scheduler: str | None = None,
    progress: bool = True,
) -> GradeReport:
    """Grade submissions; the same as the command `grader grade`.

    Args:
        path: a folder of submissions, a zip file of one, or a single notebook or module.
        assignment: id of the assignment; None where the names of folders and files tell.
        output: where results go. None keeps none, so that nothing is left of an earlier call either.
        only: grade this student only.
        jobs: tasks at a time; 0 for the number of cores.
        timeout: wall seconds of student code per run; None for what the assignment says.
        quick: train nothing; checks that need a training are skipped.
        force: grade again what was graded before into the same output.
        store: keep finished trainings on disk, and use those that are there.
        sandbox: `full`, `contained` or `none`. No weaker one is taken by itself.
        class_file: points, limits and deadlines as this class has them.
        overrides: points that people gave.
        roster: who is in the class.
        times: when the submissions came.
        exact: train with Keras's own operations, bit for bit as a plain `fit`.
        engine: `local`, or `dask` for a cluster.
        scheduler: address of a Dask scheduler; None for workers on this machine.
        progress: whether to print how it goes on, to standard error.

    Raises grader.errors.SetupError for what a person can put right. What is wrong with a submission stands in its result.
    """
    settings = make_settings(
        jobs,
        timeout,
        sandbox,
        no_store=not store,
        quick=quick,
        force=force,
        engine=engine,
        scheduler=scheduler,
        spelled="",
    )
    settings = replace(settings, keep_others=only is not None, exact=exact)
    files = ClassFiles(*(None if item is None else Path(item) for item in (class_file, overrides, roster, times)))
    batch = collect(Path(path), assignment=assignment, only=only, files=files)
    if output is not None:
        return graded(batch, settings, Path(output), progress=progress)
    with tempfile.TemporaryDirectory() as scratch:
        return replace(graded(batch, settings, Path(scratch), progress=progress), folder=None)


def graded(batch: Batch, settings: Settings, output: Path, *, progress: bool) -> GradeReport:
    """Grade a batch into a folder."""
    scores: list[Scores] = list(grade_batch(batch, settings, output, watching(progress)))
    if not batch.several:
        return GradeReport(scores[0], output)
    return GradeReport(CourseScores.model_validate_json((output / "scores.json").read_bytes()), output)


def watching(progress: bool) -> Callable[[Assignment, Settings], AbstractContextManager[Watcher]]:
    """Shows on standard error how the grading goes on, or says nothing."""

    def watch(_assignment: Assignment, _settings: Settings) -> AbstractContextManager[Watcher]:
        return LiveView(Console(file=sys.stderr)) if progress else nullcontext(Silent())

    return watch
