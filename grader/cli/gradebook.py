"""The verbs of the gradebook: grades over a whole course, in a database."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from grader.cli.base import app, err, out
from grader.cli.scores import read_course, try_assignment
from grader.errors import SetupError
from grader.exports.cells import table as csv_table
from grader.exports.grades import shown
from grader.model.result import Scores
from grader.reports.console import plain
from grader.results.files import write_atomically
from grader.results.folder import read_scores

if TYPE_CHECKING:  # what speaks to databases takes long to import, and most verbs do without
    from grader.gradebook.database import Gradebook
    from grader.gradebook.tables import GradeRow

verbs = typer.Typer(no_args_is_help=True, help="Grades over a whole course, in a database.")
app.add_typer(verbs, name="gradebook")

DatabaseOption = Annotated[
    str,
    typer.Option("--database", envvar="GRADER_DATABASE", help="A file for SQLite, or postgresql://host/name."),
]
ResultsArgument = Annotated[list[Path], typer.Argument(help="Folders of results.")]
FILE = "gradebook.db"


@verbs.command()
def sync(results: ResultsArgument, database: DatabaseOption = FILE) -> None:
    """Take in results, in place of what the same folders had said before.

    Example: grader gradebook sync results/ results-week2/
    """
    found = [(folder, scores) for folder in results for scores in scores_in(folder)]
    with open_gradebook(database) as book:
        take_in(book, found)


@verbs.command()
def rebuild(results: ResultsArgument, database: DatabaseOption = FILE) -> None:
    """Empty the gradebook and fill it from results alone.

    Example: grader gradebook rebuild results/ results-week2/
    """
    found = [(folder, scores) for folder in results for scores in scores_in(folder)]  # before anything is emptied
    with open_gradebook(database) as book:
        book.clear()
        take_in(book, found)


@verbs.command()
def show(
    student: Annotated[str | None, typer.Option("--student", help="This student only, check by check.")] = None,
    assignment: Annotated[str | None, typer.Option("--assignment", help="This assignment only.")] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write the table into this file instead.")] = None,
    database: DatabaseOption = FILE,
) -> None:
    """Print the grades of everybody, or those of one student check by check.

    Example: grader gradebook show --student ada
    """
    with open_gradebook(database) as book:
        grades = book.grades(assignment, student)
        everybody = [row.student.student for row in book.grades()] if not grades else []
    if not grades:
        known = ", ".join(dict.fromkeys(everybody)) or "nobody; fill it with `grader gradebook sync`"
        raise SetupError(f"{database}: no such grade. Known students: {known}.")
    rows = overview(grades)
    if csv is not None:
        write_atomically(csv, csv_table(rows[0], rows[1:]))
        out.print(Text(f"The grades are in {csv}."), highlight=False)
    elif student is not None:
        print_student(grades)
    else:
        print_overview(rows)


def open_gradebook(database: str) -> "AbstractContextManager[Gradebook]":
    """A gradebook; see `grader.gradebook.database`."""
    from grader.gradebook import database as databases

    return databases.open_gradebook(database)


def scores_in(folder: Path) -> list[Scores]:
    """The scores of every assignment in a folder of results; SetupError if there are none."""
    scores = read_scores(folder)
    return [scores] if scores is not None else list(read_course(folder / "scores.json").assignments.values())


def take_in(book: "Gradebook", found: Sequence[tuple[Path, Scores]]) -> None:
    """Fill a gradebook, and say what came in."""
    for folder, scores in found:
        known = try_assignment(scores.assignment)
        taken = book.sync(scores, str(folder.absolute()), known.title if known else "")
        out.print(
            plain(
                f"{scores.assignment}: {len(scores.submissions)} submissions, {len(scores.missing)} who handed in nothing."
            )
        )
        if taken:
            words = "their grades came from another folder before; now those of this one count"
            err.print(plain(f"grader: {scores.assignment}: {', '.join(taken)}: {words}."), soft_wrap=True)


def overview(grades: "Sequence[GradeRow]") -> list[list[str]]:
    """A row for each student, with a column for each assignment; a line of titles first."""
    ids = sorted({row.assignment_id for row in grades})
    people = {row.student.student: row.student for row in grades}
    by = {(row.student.student, row.assignment_id): row for row in grades}
    rows = [["student", "name", "section", *ids, "sum"]]
    for name, person in people.items():
        own = [by.get((name, one)) for one in ids]
        counted = [row.score for row in own if row is not None and row.score is not None and not row.needs_review]
        rows.append([name, person.name, person.section, *map(cell, own), shown(sum(counted))])
    return rows


def cell(row: "GradeRow | None") -> str:
    """A grade as a word: empty for none, `missing`, and with a question mark where a person must look."""
    if row is None:
        return ""
    if row.status == "missing":
        return "missing"
    number = "" if row.score is None else shown(row.score)
    return f"{number}?" if row.needs_review or row.score is None else number


def print_overview(rows: Sequence[Sequence[str]]) -> None:
    """The table on the console."""
    table = Table(show_edge=False, highlight=False)
    for title in rows[0]:
        table.add_column(plain(title))
    for row in rows[1:]:
        table.add_row(*map(plain, row))
    out.print(table)
    if any(item.endswith("?") for row in rows[1:] for item in row):
        out.print("?: a person must look; not in the sum.", highlight=False)


def print_student(grades: "Sequence[GradeRow]") -> None:
    """One student, assignment by assignment and check by check."""
    person = grades[0].student
    about = ", ".join(part for part in (person.name, person.email, person.number, person.section) if part)
    out.print(plain(f"{person.student}{f' ({about})' if about else ''}"))
    for row in grades:
        number = "handed in nothing" if row.status == "missing" else f"{cell(row)} of {shown(row.max_score)}"
        out.print(plain(f"{row.assignment_id}: {number}"))
        for points in row.points:
            given = f" (by {points.override_by}: {points.override_reason})" if points.override_by else ""
            extra = " extra" if points.extra else ""
            out.print(
                plain(f"  {shown(points.points):>5} of {shown(points.max_points)}{extra}  {points.check_id}{given}")
            )
        if row.late_days:
            out.print(plain(f"  late by {row.late_days} days begun: -{shown(row.penalty)}"))
        for attempt in row.attempts:
            score = "none" if attempt.score is None else shown(attempt.score)
            out.print(plain(f"  attempt {attempt.number}: {score}{', which counts' if attempt.counts else ''}"))
        if row.override_by:
            out.print(plain(f"  the score was given by {row.override_by}: {row.override_reason}"))
