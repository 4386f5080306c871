"""The verbs about what was graded before: judge it again, explain it, and give points by hand."""

import getpass
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.text import Text

from grader.cli.base import (
    NEEDS_PERSON,
    ClassOption,
    OverridesOption,
    RosterOption,
    TimesOption,
    app,
    err,
    out,
    say,
)
from grader.cli.pages import lenient, report_after
from grader.cli.scores import find_scores
from grader.errors import SetupError
from grader.gradebook.overrides import OverrideEntry, without_effect
from grader.model.result import Missing, Result
from grader.pipeline import places
from grader.pipeline.bookkeeping import OVERRIDES, add_override
from grader.pipeline.class_files import ClassFiles, finder
from grader.pipeline.regrade import regrade as regrade_folder
from grader.pipeline.regrade import settle
from grader.reports.console import plain, result_details
from grader.results.folder import ResultsFolder


@app.command()
def regrade(
    results: Annotated[Path, typer.Argument(help="A folder of results.")],
    class_file: ClassOption = None,
    overrides: OverridesOption = None,
    roster: RosterOption = None,
    times: TimesOption = None,
) -> None:
    """Judge what was recorded again, with today's checks; nothing is run. Lists whose points changed, and why.

    Example: grader regrade results/
    """
    files = ClassFiles(class_file, overrides, roster, times)
    changed = regrade_folder(results, finder(results, class_file), places.datasets(), files)
    say(changed.remarks)
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


@app.command()
def explain(
    results: Annotated[Path, typer.Argument(help="A folder of results.")],
    student: Annotated[str, typer.Argument(help="The student's name in the scores.")],
    assignment: Annotated[str | None, typer.Option("--assignment", help="Id, where there are several.")] = None,
) -> None:
    """Say why a student has these points.

    Example: grader explain results/ ada
    """
    counted, missing = all_results(results, assignment)
    found = [result for result in counted if result.student == student]
    if not found:
        known = ", ".join(item.student for item in counted) or "nobody"
        nothing = any(item.student == student for item in missing)
        why = f"{student!r} handed in nothing" if nothing else f"no result of {student!r} there"
        raise SetupError(f"{results}: {why}. Results of: {known}.")
    out.print(result_details(found[0]))


def all_results(results: Path, assignment: str | None) -> tuple[Sequence[Result], Sequence[Missing]]:
    """What counts, and who handed in nothing; where no scores were written, the results one by one."""
    if (results / "scores.json").exists():
        scores = find_scores(results, assignment)
        return scores.submissions, scores.missing
    return ResultsFolder(results).results(), ()


@app.command()
def override(
    results: Annotated[Path, typer.Argument(help="A folder of results.")],
    student: Annotated[str, typer.Argument(help="The student's name in the scores.")],
    points: Annotated[float, typer.Option("--points", help="The points that count.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, for the student to read.")],
    check: Annotated[str | None, typer.Option("--check", help="Id of the check; default: the whole score.")] = None,
    attempt: Annotated[int | None, typer.Option("--attempt", help="Only for this attempt, from 1.")] = None,
    by: Annotated[str | None, typer.Option("--by", help="Who gives them; default: the user's name.")] = None,
    assignment: Annotated[str | None, typer.Option("--assignment", help="Id, where there are several.")] = None,
) -> None:
    """Give points by hand: for one check, or for the whole submission. It survives regrading.

    Example: grader override results/ ada --check callback_prints_the_message --points 1.5 --reason "In Chinese, allowed."
    """
    scores = find_scores(results, assignment)
    folder = results if (results / "submissions").is_dir() else results / scores.assignment
    who = (by or getpass.getuser()).strip()
    try:
        entry = OverrideEntry(
            student=student,
            assignment=scores.assignment,
            check=check,
            attempt=attempt,
            points=points,
            reason=reason.strip(),
            by=who,
            when=date.today().isoformat(),
        )
    except ValidationError as error:
        raise SetupError(
            "--points takes a number from 0, --attempt a whole number from 1, --reason and --by some words."
        ) from error
    problems = list(without_effect([entry], scores.submissions))
    if problems:
        raise SetupError(" ".join(problems).replace(f"{OVERRIDES}: ", ""))
    before = {result.student: result for result in scores.submissions}[student]
    add_override(folder, entry)
    settle(results, finder(results, None))
    after = {result.student: result for result in find_scores(results, scores.assignment).submissions}[student]
    out.print(plain(f"{student}: {before.score} → {after.score} of {after.max_score}"))
    out.print(Text(f"Written into {folder / OVERRIDES}; edit it there."), highlight=False)
    report_after(results, lenient(finder(results, None)))
