"""The verbs for those who write assignments."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from grader.authoring import LANGUAGES, differences, make_release, make_starters, write_release
from grader.cli.base import GRADED, NEEDS_PERSON, JobsOption, SandboxOption, StoreOption, app, err, out, warn_of
from grader.errors import SetupError
from grader.pipeline import places
from grader.pipeline.batch import make_settings
from grader.pipeline.watch import Silent
from grader.reports.console import LiveView, plain
from grader.validation import Options, Proof, as_lines, as_markdown


@app.command()
def validate(
    assignments: Annotated[list[str] | None, typer.Argument(help="Ids; all when none is named.")] = None,
    solutions: Annotated[Path, typer.Option("--solutions", help="Folder of solutions.")] = Path("solutions"),
    no_mutants: Annotated[bool, typer.Option("--no-mutants", help="Leave changed references out.")] = False,
    train_mutants: Annotated[
        bool, typer.Option("--train-mutants", help="Train mutants that need it; goes on.")
    ] = False,
    seeds: Annotated[int, typer.Option("--seeds", help="Also train the reference with so many seeds.")] = 0,
    no_recorded: Annotated[
        bool, typer.Option("--no-recorded", help="Do not use the trainings that come with the assignment.")
    ] = False,
    record: Annotated[bool, typer.Option("--record", help="Write the trainings used beside the assignment.")] = False,
    table: Annotated[Path | None, typer.Option("--table", help="Write the tables as a page in Markdown.")] = None,
    jobs: JobsOption = 0,
    no_store: StoreOption = False,
    sandbox: SandboxOption = "full",
) -> None:
    """Prove a rubric: solutions, starters and changed references get the verdicts that they must.

    Example: grader validate mnist_conv
    """
    names = assignments or sorted(places.load_assignments())
    warn_of(sandbox)
    settings = make_settings(jobs, None, sandbox, no_store=no_store, quick=False, force=True)
    options = Options(
        mutants=not no_mutants,
        train_mutants=train_mutants,
        shipped=not no_recorded,
        record=record,
        seeds=seeds,
    )
    proofs = [Proof(places.find_assignment(name), solutions / name, settings, Silent(), options) for name in names]
    for proof in proofs:
        err.print(plain(proof.estimate()), soft_wrap=True)
    if len(proofs) > 1:
        err.print(plain(f"All together: about {sum(proof.minutes for proof in proofs):.0f} min."))
    reports = []
    for proof in proofs:
        with LiveView(err) as view:
            proof.watcher = view
            reports.append(proof.run())
        for line in as_lines(reports[-1]):
            out.print(plain(line), soft_wrap=True)
    if table is not None:
        table.parent.mkdir(parents=True, exist_ok=True)
        day = datetime.now(UTC).date().isoformat()
        table.write_text(as_markdown(reports, day, f"{platform.machine()}, {os.cpu_count()} cores"), "utf-8")
    wrong = [report.assignment.id for report in reports if report.wrong]
    if len(reports) > 1:
        out.print(plain(f"{len(reports) - len(wrong)} of {len(reports)} proven; wrong: {', '.join(wrong) or 'none'}"))
    if wrong:
        raise typer.Exit(NEEDS_PERSON)


@app.command()
def release(
    assignment: Annotated[str, typer.Argument(help="Id of the assignment.")],
    output: Annotated[Path | None, typer.Option("--output", help="Where it goes; default: release/ID.")] = None,
    language: Annotated[str | None, typer.Option("--language", help="Of the handout: en or zh.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; compare the starters in the folder.")] = False,
    starters: Annotated[bool, typer.Option("--starters", help="Write only the starters in the folder.")] = False,
    solutions: Annotated[Path, typer.Option("--solutions", help="Folder of solutions.")] = Path("solutions"),
) -> None:
    """Write what students get, made from the reference solution: starters, handout, and a zip of them.

    Example: grader release image_filters --output release/
    """
    chosen = places.find_assignment(assignment)
    language = language or chosen.language
    if language not in LANGUAGES:
        raise SetupError(f"--language {language}: expected one of {', '.join(LANGUAGES)}.")
    if check:
        changes = differences(make_starters(chosen, solutions), chosen.folder / "starter")
        for line in changes:
            out.print(plain(line), soft_wrap=True)
        raise typer.Exit(NEEDS_PERSON if changes else GRADED)
    if starters:
        made = make_starters(chosen, solutions)
        write_release({name: text.encode() for name, text in made.items()}, chosen.folder / "starter")
        out.print(Text(f"{chosen.folder / 'starter'}: {', '.join(made)}"), highlight=False, soft_wrap=True)
        return
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
        after = f"  (after {', '.join(item.prerequisites)})" if item.prerequisites else ""
        out.print(Text(f"{name}  {item.title}{after}"), highlight=False)
