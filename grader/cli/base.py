"""What all verbs share: the command line itself, its consoles, exit codes, common options and settings."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from grader.pipeline.batch import as_level
from grader.reports.console import plain

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
ClassOption = Annotated[
    Path | None, typer.Option("--class", help="A TOML file: points, limits and deadlines as this class has them.")
]
OverridesOption = Annotated[
    Path | None, typer.Option("--overrides", help="A TOML file: points that people give. Kept beside the results.")
]
RosterOption = Annotated[
    Path | None, typer.Option("--roster", help="A CSV file: who is in the class. Kept beside the results.")
]
TimesOption = Annotated[Path | None, typer.Option("--times", help="A CSV file: when students handed in.")]
ExactOption = Annotated[
    bool, typer.Option("--exact", help="Train with Keras's own operations, bit for bit; half as fast.")
]
StoreOption = Annotated[bool, typer.Option("--no-store", help="Neither read nor keep trainings on disk.")]


def warn_of(sandbox: str) -> None:
    """Warn of a level that protects from nothing."""
    if as_level(sandbox) == "none":
        err.print(
            Text("WARNING: --sandbox none: student code runs with your rights, and can read and change your files.")
        )


def say(remarks: Iterable[str]) -> None:
    """What the instructor should know, a line each."""
    for remark in remarks:
        err.print(plain(f"grader: {remark}"), soft_wrap=True)
