"""Every verb of `grader`, one function each."""

import hashlib
import json
import os
import signal
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from grader import __version__
from grader.authoring import LANGUAGES, differences, make_release, make_starters, write_release
from grader.cli import places
from grader.discovery import UnreadableSource, discover, read_source
from grader.errors import GraderError, SetupError
from grader.model.assignment import Assignment
from grader.model.result import CourseScores, Scores
from grader.model.submission import Submission
from grader.pipeline.grade import Grading, Settings
from grader.pipeline.regrade import regrade as regrade_folder
from grader.pipeline.validate import validate as validate_assignment
from grader.pipeline.watch import Silent
from grader.reports.console import LiveView, plain, result_details, results_table
from grader.results.folder import ResultsFolder, write_course_scores
from grader.sandbox.box import LEVELS, Level
from grader.sandbox.doctor import examine, missing_for
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
) -> None:
    """Grade a folder of submissions.

    Example: grader grade submissions/ --assignment mnist_conv
    """
    if engine != "local" or scheduler:
        raise SetupError(f"--engine {engine}: only the local engine exists so far. Leave --engine and --scheduler out.")
    settings = make_settings(jobs, timeout, sandbox, no_store=no_store, quick=quick, force=force)
    settings = replace(settings, keep_others=only is not None)
    known = places.load_assignments()
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
        scores.append(grade_assignment(known[name], items, settings, folder))
    if several:
        write_course_scores(output, scores)
    out.print(Text(f"Scores are in {output / 'scores.json'}; one folder per submission beside it."), highlight=False)
    if any(result.needs_review for item in scores for result in item.submissions):
        raise typer.Exit(NEEDS_PERSON)


def grade_assignment(
    assignment: Assignment, items: list[Submission], settings: Settings, folder: ResultsFolder
) -> Scores:
    """Grade the submissions of one assignment, with a live view, and print the table."""
    out.print(Text(f"{assignment.title} ({assignment.id})", style="bold"), highlight=False)
    with folder.locked(), LiveView(out, settings.jobs) as view:
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
def regrade(results: Annotated[Path, typer.Argument(help="A folder of results.")]) -> None:
    """Judge what was recorded again, with today's checks; nothing is run. Lists whose points changed, and why.

    Example: grader regrade results/
    """
    changed = regrade_folder(results, places.find_assignment, places.datasets())
    for change in changed:
        out.print(plain(change.sentence()))
    out.print(Text(f"{len(changed)} of {changed.total} submissions changed."), highlight=False)
    if changed.needs_review:
        raise typer.Exit(NEEDS_PERSON)


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
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    try:
        code = app(standalone_mode=False) or GRADED
    except SetupError as error:
        err.print(plain(f"grader: {error}"))
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
