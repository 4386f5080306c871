"""The verb that compares the hand-ins of a class with each other."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from grader.cli.base import app, out
from grader.cli.reporting import ANONYMOUS
from grader.errors import SetupError
from grader.model.similarity import Comparison
from grader.pipeline import places
from grader.pipeline.similarity import Question, is_results, write_similarity
from grader.reports.console import plain

SIMILARITY = "similarity"
"""Folder for what is written; below the results where there are some."""
MOST_ROWS = 20


@app.command()
def similarity(
    hand_ins: Annotated[
        Path, typer.Argument(metavar="HAND_INS", help="A folder or zip of submissions, or a folder of results.")
    ],
    assignment: Annotated[str | None, typer.Option("--assignment", help="Id of the assignment.")] = None,
    output: Annotated[Path | None, typer.Option("--output", help="Where the comparison goes.")] = None,
    threshold: Annotated[
        float, typer.Option("--threshold", help="Smallest share of a pair that is listed, from 0 to 1.")
    ] = 0.5,
    against: Annotated[
        list[Path] | None,
        typer.Option("--against", help="Submissions or results of an earlier class; may be given several times."),
    ] = None,
    anonymous: Annotated[
        bool, typer.Option("--anonymous", help="Pages for sharing: without names, paths and code.")
    ] = False,
) -> None:
    """Compare hand-ins: who shares unusual code. Evidence for a person, never a verdict; nothing is run.

    Example: grader similarity submissions/ --assignment mnist_conv
    """
    if not 0 <= threshold <= 1:
        raise SetupError(f"--threshold {threshold:g}: expected a share from 0 to 1, such as 0.5.")
    for place in (hand_ins, *(against or ())):
        if not place.exists():
            raise SetupError(f"{place}: expected submissions or results, found nothing. Check the name.")
    known = places.load_assignments()
    if assignment is not None:
        places.find_assignment(assignment)
    beside = hand_ins / SIMILARITY if is_results(hand_ins) else Path(SIMILARITY)
    place = output or (beside / ANONYMOUS if anonymous else beside)
    names = hand_ins if is_results(hand_ins) else beside
    question = Question(hand_ins, assignment, tuple(against or ()), threshold, place, anonymous, names)
    for comparison, page in write_similarity(question, known).values():
        show(comparison)
        out.print(plain(f"{page}: open it in a browser."), soft_wrap=True)


def show(comparison: Comparison) -> None:
    """Print the pairs, and how much was compared."""
    if comparison.pairs:
        out.print(pairs_table(comparison))
    standings = [member.standing for member in comparison.members]
    parts = [
        f"{counted(len(standings), 'hand-in')} of {comparison.assignment}",
        f"{standings.count('too_little')} with too little code of their own to compare",
    ]
    if "unreadable" in standings:
        parts.append(f"{standings.count('unreadable')} not readable")
    parts.append(counted(len(comparison.pairs) + comparison.pairs_left_out, "pair"))
    parts.append(counted(len(comparison.groups), "group"))
    out.print(plain(f"{'; '.join(parts)}. Evidence for a person, not a verdict."), soft_wrap=True)


def counted(number: int, what: str) -> str:
    """A number of things in words."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def pairs_table(comparison: Comparison) -> Table:
    """The pairs with the strongest evidence."""
    table = Table(title=plain(f"Alike: {comparison.assignment}"), title_justify="left")
    for heading in ("hand-in", "hand-in"):
        table.add_column(heading, overflow="fold")
    for heading in ("evidence", "share", "passages", "group"):
        table.add_column(heading, justify="right")
    table.add_column("beside the code")
    for pair in comparison.pairs[:MOST_ROWS]:
        table.add_row(
            plain(pair.left),
            plain(pair.right),
            f"{pair.evidence:.0f}",
            f"{pair.share:.0%}",
            str(len(pair.passages)),
            str(pair.group or ""),
            Text(", ".join(trace.kind for trace in pair.traces)),
        )
    left_out = len(comparison.pairs) - MOST_ROWS + comparison.pairs_left_out
    if left_out > 0:
        table.caption = f"and {counted(left_out, 'more pair')}"
    return table
