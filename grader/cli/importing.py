"""The verb that takes over notebooks of other graders."""

from pathlib import Path
from typing import Annotated

import typer

from grader.authoring import make_starters
from grader.cli.base import NEEDS_PERSON, app, out
from grader.errors import SetupError
from grader.importing import (
    Imported,
    import_notebook,
    needs_person,
    refuse_existing,
    report_lines,
    report_page,
    write_files,
)
from grader.importing.plan import worth
from grader.model.assignment import load_assignment
from grader.reports.console import plain


@app.command("import")
def import_(
    source: Annotated[Path, typer.Argument(help="Notebook of nbgrader or otter, with the solution.")],
    name: Annotated[
        str | None, typer.Option("--id", help="Id of the assignment; default: the name of the file.")
    ] = None,
    output: Annotated[Path, typer.Option("--output", help="Folder of assignments.")] = Path("assignments"),
    solutions: Annotated[Path, typer.Option("--solutions", help="Folder of solutions.")] = Path("solutions"),
) -> None:
    """Make an assignment of a notebook that was written for nbgrader or otter.

    Example: grader import source/ps1/problem1.ipynb --id squares
    """
    imported = import_notebook(source, name)
    folder, references = output / imported.id, solutions / imported.id
    refuse_existing(folder, references)
    write_files(folder, imported.assignment)
    write_files(references, imported.solutions)
    write_files(folder / "starter", starters(imported, folder, solutions))
    write_files(folder, {"IMPORT.md": report_page(imported, source.name)})
    for line in report_lines(imported):
        out.print(plain(line), soft_wrap=True)
    total = sum(check.points for check in imported.checks)
    out.print(
        plain(f"{folder}: {len(imported.checks)} checks, {worth(total)}. Prove them: grader validate {imported.id}")
    )
    if needs_person(imported):
        raise typer.Exit(NEEDS_PERSON)


def starters(imported: Imported, folder: Path, solutions: Path) -> dict[str, str]:
    """What students get; where it cannot be made, that is left for a person."""
    assignment = load_assignment(folder)
    try:
        return make_starters(assignment, solutions)
    except SetupError as problem:
        imported.left.append(
            (0, str(problem), "the starter could not be made; correct the references and run `grader release`")
        )
        return {}
