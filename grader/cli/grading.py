"""The verbs that grade, and that look at what was graded."""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from grader.cli.base import (
    GRADED,
    NEEDS_PERSON,
    ClassOption,
    ExactOption,
    JobsOption,
    OverridesOption,
    RosterOption,
    SandboxOption,
    StoreOption,
    TimesOption,
    app,
    err,
    out,
    say,
    warn_of,
)
from grader.cli.pages import report_after
from grader.errors import SetupError
from grader.model.assignment import Assignment
from grader.pipeline import places
from grader.pipeline.batch import Batch, collect, grade_batch, make_settings, read_file, remarks_on
from grader.pipeline.check import check_submission, checked_as_json, choose_level
from grader.pipeline.class_files import ClassFiles
from grader.pipeline.grade import Grading, Outlook
from grader.pipeline.settings import Settings
from grader.pipeline.watch import Silent
from grader.reports.console import LiveView, duration, plain, result_details, results_table
from grader.results.folder import ResultsFolder


@app.command()
def grade(
    submissions: Annotated[Path, typer.Argument(help="Folder of submissions.")],
    assignment: Annotated[str | None, typer.Option("--assignment", help="Id of the assignment.")] = None,
    output: Annotated[Path, typer.Option("--output", help="Where results go.")] = Path("results"),
    jobs: JobsOption = 0,
    timeout: Annotated[float | None, typer.Option("--timeout", help="Wall seconds of student code per run.")] = None,
    engine: Annotated[str, typer.Option("--engine", help="local, or dask for a cluster.")] = "local",
    scheduler: Annotated[
        str | None, typer.Option("--scheduler", help="Address of a Dask scheduler; default: workers here.")
    ] = None,
    only: Annotated[str | None, typer.Option("--only", help="Grade this student only.")] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Say how many networks would be trained, and stop.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Train nothing; checks that need it are skipped.")] = False,
    changed: Annotated[
        bool, typer.Option("--changed/--all", help="Run what changed since it was graded, or everybody.")
    ] = True,
    force: Annotated[bool, typer.Option("--force", help="The same as --all.")] = False,
    no_store: StoreOption = False,
    exact: ExactOption = False,
    sandbox: SandboxOption = "full",
    class_file: ClassOption = None,
    overrides: OverridesOption = None,
    roster: RosterOption = None,
    times: TimesOption = None,
) -> None:
    """Grade a folder of submissions.

    Example: grader grade submissions/ --assignment mnist_conv
    """
    warn_of(sandbox)
    settings = make_settings(
        jobs,
        timeout,
        sandbox,
        no_store=no_store,
        quick=quick,
        force=force or not changed,
        engine=engine,
        scheduler=scheduler,
    )
    settings = replace(settings, keep_others=only is not None, exact=exact)
    files = ClassFiles(class_file, overrides, roster, times)
    batch = collect(submissions, assignment=assignment, only=only, files=files)
    if plan:
        print_plan(batch, settings)
        return
    scores = []
    for item in grade_batch(batch, settings, output, watching):
        out.print(results_table(list(item.submissions), item.assignment, item.missing))
        say(remarks_on(batch, item, output))
        scores.append(item)
    out.print(Text(f"Scores are in {output / 'scores.json'}; one folder per submission beside it."), highlight=False)
    page = report_after(output, batch.known.get)
    if page is not None:
        out.print(Text(f"The report is {page}: open it in a browser."), highlight=False)
    if any(result.needs_review for item in scores for result in item.submissions):
        raise typer.Exit(NEEDS_PERSON)


def watching(assignment: Assignment, settings: Settings) -> LiveView:  # noqa: ARG001 - what watching is told
    """Say which assignment it is, and show how its grading goes on."""
    out.print(Text(f"{assignment.title} ({assignment.id})", style="bold"), highlight=False)
    return LiveView(out)


def print_plan(batch: Batch, settings: Settings) -> None:
    """How many networks would be trained, and about how long."""
    for name, items in batch.submissions.items():
        with tempfile.TemporaryDirectory() as scratch:
            outlook = Grading(batch.known[name], settings, ResultsFolder(Path(scratch)), Silent()).plan(items)
        out.print(Text(f"{name}: {len(items)} submissions, {plan_sentence(outlook)}"), highlight=False)


def plan_sentence(outlook: Outlook) -> str:
    """What would be trained, about how long it takes, and what that is foretold from."""
    count = len(outlook.demands)
    if not count:
        return "and nothing to train."
    epochs = sum(demand.epochs for demand in outlook.demands)
    networks = "1 network" if count == 1 else f"{count} different networks"
    basis = "trainings in the store" if outlook.timed else "the size of the networks alone: none was timed here yet"
    cores = "1 core" if outlook.cores == 1 else f"{outlook.cores} cores"
    return (
        f"{networks} to train, at most {epochs} epochs: up to {duration(outlook.seconds)} on {cores}, "
        f"foretold from {basis}."
    )


@app.command()
def check(
    assignment: Annotated[str, typer.Argument(help="Id of the assignment.")],
    file: Annotated[Path, typer.Argument(help="Your notebook or module.")],
    quick: Annotated[bool, typer.Option("--quick", help="Do not train; say what was not checked.")] = False,
    no_store: StoreOption = False,
    sandbox: Annotated[
        str | None, typer.Option("--sandbox", help="full, contained or none; default: the best that there is.")
    ] = None,
    jobs: JobsOption = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON, for programs.")] = False,
) -> None:
    """Check your own notebook or module before you hand it in (public checks only).

    Example: grader check mnist_conv mnist_conv.ipynb
    """
    chosen = places.find_assignment(assignment)
    if not file.is_file():
        raise SetupError(f"{file}: expected a notebook or a Python file, found none. Check the name.")
    level, remark = choose_level(sandbox)
    if not remark:
        warn_of(level)  # it was asked for
    settings = make_settings(jobs, None, level, no_store=no_store, quick=quick, force=True)
    if remark:
        err.print(plain(remark), soft_wrap=True)
    with LiveView(err) as view:
        checked = check_submission(chosen, read_file(file), settings, view, remark)
    if as_json:
        sys.stdout.write(checked_as_json(checked) + "\n")
    else:
        out.print(result_details(checked.result))
        for text in checked.remarks:
            out.print(plain(text), soft_wrap=True)
    raise typer.Exit(NEEDS_PERSON if checked.result.needs_review else GRADED)
