"""What all verbs share: the command line itself, its consoles, exit codes, common options and settings."""

import os
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from grader.cli import places
from grader.errors import SetupError
from grader.pipeline.grade import Settings
from grader.sandbox.box import LEVELS, Level
from grader.sandbox.doctor import missing_for
from grader.scratch import sweep

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Grade machine-learning assignments: student code runs in a sandbox, a trusted process decides.",
)
out, err = Console(), Console(stderr=True)
GRADED, NEEDS_PERSON, USAGE, OUR_BUG, INTERRUPTED = 0, 1, 2, 3, 130

SandboxOption = Annotated[str, typer.Option("--sandbox", help="full, contained or none; see `grader doctor`.")]
JobsOption = Annotated[int, typer.Option("--jobs", help="Tasks at a time; default: the number of cores.")]
StoreOption = Annotated[bool, typer.Option("--no-store", help="Neither read nor keep trainings on disk.")]


def make_settings(
    jobs: int, timeout: float | None, sandbox: str, *, no_store: bool, quick: bool, force: bool
) -> Settings:
    """Settings from options; SetupError for those that make no sense."""
    if sandbox not in LEVELS:
        raise SetupError(f"--sandbox {sandbox}: expected one of {', '.join(LEVELS)}.")
    if jobs < 0 or (timeout is not None and not 0 < timeout <= 86_400):
        raise SetupError("--jobs takes a whole number from 1, --timeout seconds from above 0 to 86400.")
    if sandbox == "none":
        err.print(
            Text("WARNING: --sandbox none: student code runs with your rights, and can read and change your files.")
        )
    level: Level = sandbox
    sweep()
    missing = missing_for(level)
    if missing:
        raise SetupError("; ".join(f"{item.what}: {item.detail}. {item.remedy}" for item in missing))
    return Settings(
        datasets=places.datasets(),
        store=None if no_store else places.home() / "store",
        jobs=jobs or os.cpu_count() or 1,
        timeout_seconds=timeout,
        sandbox=level,
        quick=quick,
        force=force,
    )
