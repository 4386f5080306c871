"""The command line as a whole, and what it does with errors."""

import json
import signal
import sys
from typing import Annotated

import typer
from rich.text import Text

from grader import __version__
from grader.cli.base import (
    GRADED,
    INTERRUPTED,
    NEEDS_PERSON,
    OUR_BUG,
    USAGE,
    app,
    err,
    out,
)
from grader.errors import GraderError, SetupError
from grader.model.result import CourseScores, Scores
from grader.reports.console import plain
from grader.sandbox.doctor import examine


@app.command()
def schema(
    course: Annotated[bool, typer.Option("--course", help="The schema for several assignments.")] = False,
) -> None:
    """Print the JSON Schema of scores.json.

    Example: grader schema > scores.schema.json
    """
    sys.stdout.write(
        json.dumps((CourseScores if course else Scores).model_json_schema(mode="serialization"), indent=1) + "\n"
    )


@app.command()
def doctor() -> None:
    """Say what this machine gives for sandboxing, and what to do about what is missing.

    Example: grader doctor
    """
    findings = examine()
    for finding in findings:
        out.print(Text(f"{'ok  ' if finding.good else 'MISS'} {finding.what}: {finding.detail}"), highlight=False)
        if not finding.good:
            out.print(Text(f"     {finding.remedy}"), highlight=False)
    if not all(finding.good for finding in findings):
        raise typer.Exit(NEEDS_PERSON)


def show_version(value: bool) -> None:
    """Print the version and leave."""
    if value:
        out.print(f"grader {__version__}", highlight=False)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options before the verb."""


def interrupt(number: int, _frame: object) -> None:
    """A request to end is treated like Ctrl-C: what runs is ended, what is graded stays."""
    raise KeyboardInterrupt(number)


def main() -> None:
    """Run the command line; every error of ours becomes a sentence and an exit code."""
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):  # not every system has all signals
            signal.signal(getattr(signal, name), interrupt)
    try:
        code = app(standalone_mode=False) or GRADED
    except SetupError as error:
        for line in f"grader: {error}".split("\n"):  # one for each mistake
            err.print(plain(line), soft_wrap=True)
        sys.exit(USAGE)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except GraderError as error:
        err.print(plain(f"grader: {error}"))
        sys.exit(OUR_BUG)
    except Exception as error:  # noqa: BLE001 - the top: a bug of ours must not look like a grade
        if hasattr(error, "show"):  # a wrong call, in the words of the command-line library
            error.show()
            sys.exit(USAGE)
        err.print_exception()
        err.print(
            plain(f"grader: this is a bug of grader, not of a submission ({type(error).__name__}). Please report it.")
        )
        sys.exit(OUR_BUG)
    if code == INTERRUPTED:
        err.print("grader: interrupted; the same command goes on where it stopped.", highlight=False)
    sys.exit(code)
