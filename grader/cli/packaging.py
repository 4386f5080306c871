"""The verb that makes a package for students."""

from pathlib import Path
from typing import Annotated

import typer

from grader.cli.base import app, err, out
from grader.errors import SetupError
from grader.pipeline import places
from grader.pipeline.check import said_points
from grader.pipeline.packages import make_package
from grader.reports.console import plain
from grader.results.files import write_atomically


@app.command()
def package(
    assignments: Annotated[list[str] | None, typer.Argument(help="Ids; all when none is named.")] = None,
    output: Annotated[Path, typer.Option("--output", help="Folder that the wheel goes into.")] = Path("dist"),
    name: Annotated[str, typer.Option("--name", help="Of the package.")] = "course-assignments",
    version: Annotated[str, typer.Option("--version", help="Of the package; raise it with every release.")] = "1.0",
    solutions: Annotated[Path, typer.Option("--solutions", help="Folder of solutions.")] = Path("solutions"),
) -> None:
    """Make a package that students install to check their work at home; nothing hidden is in it.

    Example: grader package mnist_conv image_filters --output dist/
    """
    chosen = [places.find_assignment(item) for item in dict.fromkeys(assignments or sorted(places.load_assignments()))]
    if not chosen:
        raise SetupError("package: expected assignments, found none. Name the folder that holds them.")
    file, content, parts = make_package(chosen, solutions, name, version)
    write_atomically(output / file, content)
    for part in parts:
        count = "1 check" if part.hidden == 1 else f"{part.hidden} checks"
        without = f" without {count} worth {said_points(part.points)}" if part.hidden else ""
        for remark in part.remarks:
            err.print(plain(remark), soft_wrap=True)
        out.print(plain(f"{part.id}: {len(part.files)} files{without}"), soft_wrap=True)
    out.print(plain(f"{output / file}: students install it with pip, beside grader."), soft_wrap=True)
