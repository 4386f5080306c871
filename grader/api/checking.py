"""`grader.check`: one file, or the notebook that is open."""

import os
import sys
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console

from grader.api.notebook import check_here, shell_here
from grader.api.reports import CheckReport
from grader.errors import SetupError
from grader.pipeline import places
from grader.pipeline.batch import make_settings, read_file
from grader.pipeline.check import check_submission, choose_level
from grader.pipeline.watch import Silent
from grader.reports.console import LiveView

PathLike = str | os.PathLike[str]


def check(
    assignment: str,
    file: PathLike | None = None,
    *,
    quick: bool = False,
    store: bool = True,
    sandbox: str | None = None,
    jobs: int = 0,
    progress: bool = True,
) -> CheckReport | None:
    """Check a notebook or module by the public checks; the same as the command `grader check`.

    In a notebook, without a file, it is the notebook itself that is checked. There it happens in a process of its own,
    so that the state of the notebook stays as it is; a mistake is told in a sentence, and None comes back.

    Args:
        assignment: id of the assignment.
        file: a notebook or module; None for the notebook that is open.
        quick: do not train; the report says what was not checked.
        store: keep finished trainings on disk, and use those that are there.
        sandbox: `full`, `contained` or `none`; None for the best that this machine has, with a remark if it is not `full`.
        jobs: tasks at a time; 0 for the number of cores.
        progress: whether to print how it goes on.

    Outside of a notebook, raises grader.errors.SetupError for what a person can put right.
    """
    shell = shell_here()
    if shell is not None:
        options = ["--quick"] * quick + ["--no-store"] * (not store)
        options += ["--sandbox", sandbox] if sandbox is not None else []
        options += ["--jobs", str(jobs)] if jobs else []
        return check_here(shell, assignment, None if file is None else Path(file), options, progress=progress)
    if file is None:
        raise SetupError(
            "check: expected a file, since this is no notebook. Give one: grader.check('mnist_conv', 'mnist_conv.py')."
        )
    return check_file(assignment, Path(file), quick=quick, store=store, sandbox=sandbox, jobs=jobs, progress=progress)


def check_file(
    assignment: str, file: Path, *, quick: bool, store: bool, sandbox: str | None, jobs: int, progress: bool
) -> CheckReport:
    """Check one file from this process."""
    chosen = places.find_assignment(assignment)
    if not file.is_file():
        raise SetupError(f"{file}: expected a notebook or a Python file, found none. Check the name.")
    level, remark = choose_level(sandbox)
    settings = make_settings(jobs, None, level, no_store=not store, quick=quick, force=True, spelled="")
    view = LiveView(Console(file=sys.stderr)) if progress else nullcontext(Silent())
    with view as watcher:
        return CheckReport(check_submission(chosen, read_file(file), settings, watcher, remark))
