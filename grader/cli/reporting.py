"""The verb that writes pages about what was graded."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from grader.cli.base import app, out
from grader.cli.pages import lenient
from grader.pipeline.class_files import finder
from grader.pipeline.report import Wanted, write_report

ANONYMOUS = "anonymous"
"""Folder for pages without names, below the results."""


@app.command()
def report(
    results: Annotated[Path, typer.Argument(help="A folder of results.")],
    anonymous: Annotated[
        bool, typer.Option("--anonymous", help="Pages for sharing: without names, paths, code and messages.")
    ] = False,
    feedback: Annotated[
        bool, typer.Option("--feedback/--no-feedback", help="Also write what each student gets.")
    ] = True,
    output: Annotated[
        Path | None, typer.Option("--output", help="Where pages go; default: beside the results.")
    ] = None,
) -> None:
    """Write pages about results: of the class, of each submission, and feedback for each student.

    Example: grader report results/
    """
    place = output or (results / ANONYMOUS if anonymous else results)
    page = write_report(results, lenient(finder(results, None)), Wanted(place, anonymous, feedback))
    out.print(Text(f"{page}: open it in a browser."), highlight=False, soft_wrap=True)
