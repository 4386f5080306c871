"""The verbs that grade, and that look at what was graded."""

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from grader.cli import places
from grader.cli.base import (
    GRADED,
    NEEDS_PERSON,
    JobsOption,
    SandboxOption,
    StoreOption,
    app,
    err,
    make_settings,
    out,
)
from grader.cli.pages import lenient, report_after
from grader.discovery import UnreadableSource, discover, read_source
from grader.errors import SetupError
from grader.model.assignment import Assignment
from grader.model.class_file import read_class
from grader.model.result import Scores
from grader.model.submission import Submission
from grader.pipeline.grade import Grading, Settings
from grader.pipeline.regrade import regrade as regrade_folder
from grader.pipeline.watch import Silent
from grader.reports.console import LiveView, plain, result_details, results_table
from grader.results.folder import ResultsFolder, write_atomically, write_course_scores

ClassOption = Annotated[
    Path | None, typer.Option("--class", help="A TOML file: points and limits as this class has them.")
]
CLASS_FILE = "class.toml"
"""Its copy beside the results."""


@app.command()
def grade(
    submissions: Annotated[Path, typer.Argument(help="Folder of submissions.")],
    assignment: Annotated[str | None, typer.Option("--assignment", help="Id of the assignment.")] = None,
    output: Annotated[Path, typer.Option("--output", help="Where results go.")] = Path("results"),
    jobs: JobsOption = 0,
    timeout: Annotated[float | None, typer.Option("--timeout", help="Wall seconds of student code per run.")] = None,
    engine: Annotated[str, typer.Option("--engine", help="local (dask comes later).")] = "local",
    scheduler: Annotated[str | None, typer.Option("--scheduler", help="Address of a Dask scheduler.")] = None,
    only: Annotated[str | None, typer.Option("--only", help="Grade this student only.")] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Say how many networks would be trained, and stop.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Train nothing; checks that need it are skipped.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Grade again what was graded before.")] = False,
    no_store: StoreOption = False,
    sandbox: SandboxOption = "full",
    class_file: ClassOption = None,
) -> None:
    """Grade a folder of submissions.

    Example: grader grade submissions/ --assignment mnist_conv
    """
    if engine != "local" or scheduler:
        raise SetupError(f"--engine {engine}: only the local engine exists so far. Leave --engine and --scheduler out.")
    settings = make_settings(jobs, timeout, sandbox, no_store=no_store, quick=quick, force=force)
    settings = replace(settings, keep_others=only is not None)
    known = places.load_assignments()
    if class_file is not None:
        known = read_class(class_file, known)
    if assignment is not None:
        places.find_assignment(assignment)
    found = discover(
        submissions,
        assignment_ids=list(known),
        files={name: item.files for name, item in known.items()},
        assignment=assignment,
        only=only,
    )
    if not found:
        who = f" of {only!r}" if only else ""
        raise SetupError(f"{submissions}: found no submission{who}. See `grader grade --help` for the layouts.")
    grouped: dict[str, list[Submission]] = {}
    for name, submission in found:
        grouped.setdefault(name, []).append(submission)
    if plan:
        print_plan(grouped, known, settings)
        return
    several = len(grouped) > 1
    scores = []
    for name, items in grouped.items():
        folder = ResultsFolder(output / name if several else output)
        scores.append(grade_assignment(known[name], items, settings, folder, class_file))
    if several:
        write_course_scores(output, scores)
    out.print(Text(f"Scores are in {output / 'scores.json'}; one folder per submission beside it."), highlight=False)
    page = report_after(output, known.get)
    if page is not None:
        out.print(Text(f"The report is {page}: open it in a browser."), highlight=False)
    if any(result.needs_review for item in scores for result in item.submissions):
        raise typer.Exit(NEEDS_PERSON)


def keep_class(class_file: Path | None, folder: Path) -> None:
    """Put what the class changes beside the results, for `regrade`; nothing if the class changes nothing."""
    place = folder / CLASS_FILE
    if class_file is None:
        place.unlink(missing_ok=True)
    else:
        write_atomically(place, class_file.read_text("utf-8"))


def grade_assignment(
    assignment: Assignment,
    items: list[Submission],
    settings: Settings,
    folder: ResultsFolder,
    class_file: Path | None = None,
) -> Scores:
    """Grade the submissions of one assignment, with a live view, and print the table."""
    out.print(Text(f"{assignment.title} ({assignment.id})", style="bold"), highlight=False)
    with folder.locked(), LiveView(out, settings.jobs) as view:
        keep_class(class_file, folder.folder)
        results = Grading(assignment, settings, folder, view).run(items)
        scores = folder.write_scores(assignment.id, results)
    out.print(results_table(results, assignment.id))
    return scores


def print_plan(grouped: dict[str, list[Submission]], known: dict[str, Assignment], settings: Settings) -> None:
    """How many networks would be trained, and about how long."""
    for name, items in grouped.items():
        with tempfile.TemporaryDirectory() as scratch:
            demands = Grading(known[name], settings, ResultsFolder(Path(scratch)), Silent()).plan(items)
        epochs = sum(demand.epochs for demand in demands)
        out.print(
            Text(
                f"{name}: {len(items)} submissions, {len(demands)} different networks to train, at most {epochs} epochs: "
                f"about {epochs * 30 / 60 / settings.jobs:.0f} minutes at 30 s an epoch on {settings.jobs} cores."
            ),
            highlight=False,
        )


@app.command()
def check(
    assignment: Annotated[str, typer.Argument(help="Id of the assignment.")],
    file: Annotated[Path, typer.Argument(help="Your notebook or module.")],
    quick: Annotated[bool, typer.Option("--quick", help="Do not train; say what was not checked.")] = False,
    no_store: StoreOption = False,
    sandbox: SandboxOption = "full",
    jobs: JobsOption = 0,
) -> None:
    """Check your own notebook or module before you hand it in (public checks only).

    Example: grader check mnist_conv mnist_conv.ipynb
    """
    chosen = places.find_assignment(assignment)
    if not file.is_file():
        raise SetupError(f"{file}: expected a notebook or a Python file, found none. Check the name.")
    settings = make_settings(jobs, None, sandbox, no_store=no_store, quick=quick, force=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = ResultsFolder(Path(scratch))
        with LiveView(err, settings.jobs) as view:
            result = Grading(chosen, settings, folder, view).run([read_file(file)])[0]
    public = tuple(verdict for verdict in result.checks if not verdict.hidden)
    shown = {"checks": public, "max_score": sum(verdict.max_points for verdict in public)}
    if result.score is not None:
        shown["score"] = sum(verdict.points for verdict in public)
    out.print(result_details(result.model_copy(update=shown)))
    raise typer.Exit(NEEDS_PERSON if result.needs_review else GRADED)


def read_file(file: Path) -> Submission:
    """A single file as a submission."""
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    try:
        return Submission(student=file.stem, path=file.name, digest=digest, source=read_source(file))
    except UnreadableSource as problem:
        return Submission(student=file.stem, path=file.name, digest=digest, problem=str(problem))


@app.command()
def regrade(
    results: Annotated[Path, typer.Argument(help="A folder of results.")],
    class_file: ClassOption = None,
) -> None:
    """Judge what was recorded again, with today's checks; nothing is run. Lists whose points changed, and why.

    Example: grader regrade results/
    """
    changed = regrade_folder(results, finder(results, class_file), places.datasets())
    if class_file is not None:
        for place in [results / "submissions", *results.glob("*/submissions")]:
            if place.is_dir():
                keep_class(class_file, place.parent)
    for change in changed:
        out.print(plain(change.sentence()))
    out.print(Text(f"{len(changed)} of {changed.total} submissions changed."), highlight=False)
    if changed.unread:
        words = (
            "their evidence cannot be read, it is damaged or of another version. Their points stay; grade them again"
        )
        err.print(plain(f"grader: not judged again: {', '.join(changed.unread)}: {words}."), soft_wrap=True)
    report_after(results, lenient(finder(results, class_file)))
    if changed.needs_review or changed.unread:
        raise typer.Exit(NEEDS_PERSON)


def finder(results: Path, class_file: Path | None) -> Callable[[str], Assignment]:
    """Finds assignments as the class has them: by the file given, else by the one kept beside the results."""
    known = cache(lambda file: read_class(file, places.load_assignments()))

    def find(name: str) -> Assignment:
        chosen = places.find_assignment(name)
        kept = [folder / CLASS_FILE for folder in (results / name, results)]
        file = class_file or next((path for path in kept if path.is_file()), None)
        return chosen if file is None else known(file)[name]

    return find


@app.command()
def explain(
    results: Annotated[Path, typer.Argument(help="A folder of results.")],
    student: Annotated[str, typer.Argument(help="The student's name in the scores.")],
) -> None:
    """Say why a student has these points.

    Example: grader explain results/ ada
    """
    result = ResultsFolder(results).read(student)
    if result is None:
        known = ", ".join(item.student for item in ResultsFolder(results).results()) or "nobody"
        raise SetupError(f"{results}: no result of {student!r} there. Results of: {known}.")
    out.print(result_details(result))
