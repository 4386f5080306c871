"""The verbs for those who write assignments."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from grader.authoring import LANGUAGES, differences, make_release, make_starters, write_release
from grader.cli import places
from grader.cli.base import GRADED, NEEDS_PERSON, JobsOption, SandboxOption, StoreOption, app, err, make_settings, out
from grader.errors import SetupError
from grader.pipeline.validate import validate as validate_assignment
from grader.reports.console import LiveView, plain


@app.command()
def validate(
    assignment: Annotated[str | None, typer.Argument(help="Id; all when none is named.")] = None,
    seeds: Annotated[int, typer.Option("--seeds", help="Also train the reference with so many seeds.")] = 0,
    solutions: Annotated[Path, typer.Option("--solutions", help="Folder of solutions.")] = Path("solutions"),
    jobs: JobsOption = 0,
    no_store: StoreOption = False,
    sandbox: SandboxOption = "full",
) -> None:
    """Grade the solutions of an assignment and compare with the verdicts they must get.

    Example: grader validate mnist_conv
    """
    names = [assignment] if assignment else sorted(places.load_assignments())
    settings = make_settings(jobs, None, sandbox, no_store=no_store, quick=False, force=True)
    wrong = 0
    for name in names:
        with LiveView(err, settings.jobs) as view:
            report = validate_assignment(places.find_assignment(name), solutions / name, settings, view, seeds)
        for line in report.lines:
            out.print(plain(line))
        wrong += report.wrong
    if wrong:
        raise typer.Exit(NEEDS_PERSON)


@app.command()
def release(
    assignment: Annotated[str, typer.Argument(help="Id of the assignment.")],
    output: Annotated[Path | None, typer.Option("--output", help="Where it goes; default: release/ID.")] = None,
    language: Annotated[str, typer.Option("--language", help="Of the handout: en or zh.")] = "en",
    check: Annotated[bool, typer.Option("--check", help="Write nothing; compare the starters in the folder.")] = False,
    solutions: Annotated[Path, typer.Option("--solutions", help="Folder of solutions.")] = Path("solutions"),
) -> None:
    """Write what students get, made from the reference solution: starters, handout, and a zip of them.

    Example: grader release image_filters --output release/
    """
    chosen = places.find_assignment(assignment)
    if language not in LANGUAGES:
        raise SetupError(f"--language {language}: expected one of {', '.join(LANGUAGES)}.")
    if check:
        changes = differences(make_starters(chosen, solutions), chosen.folder / "starter")
        for line in changes:
            out.print(plain(line), soft_wrap=True)
        raise typer.Exit(NEEDS_PERSON if changes else GRADED)
    files = make_release(chosen, solutions, language)
    folder = output or Path("release") / chosen.id
    write_release(files, folder)
    out.print(Text(f"{folder}: {', '.join(files)}"), highlight=False)


@app.command()
def assignments() -> None:
    """List the assignments found here.

    Example: grader assignments
    """
    for name, item in places.load_assignments().items():
        out.print(Text(f"{name}  {item.title}"), highlight=False)
