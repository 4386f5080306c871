"""The verb that makes a new assignment."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from grader.authoring.scaffold import KINDS, make_assignment
from grader.cli.base import app, out
from grader.errors import SetupError
from grader.model.mistakes import close, shown
from grader.pipeline import places


@app.command()
def new(
    assignment: Annotated[str, typer.Argument(help="Id of the new assignment, such as my_task.")],
    title: Annotated[str | None, typer.Option("--title", help="In one line; default: made from the id.")] = None,
    kind: Annotated[str, typer.Option("--kind", help="function (of NumPy arrays) or training (on MNIST).")] = KINDS[0],
    output: Annotated[
        Path | None, typer.Option("--output", help="Folder of assignments; default: GRADER_ASSIGNMENTS or assignments.")
    ] = None,
    solutions: Annotated[Path, typer.Option("--solutions", help="Folder of solutions.")] = Path("solutions"),
) -> None:
    """Make a small assignment that is whole and right, with solutions that prove it, for you to change.

    Example: grader new my_task --title "My first task"
    """
    if kind not in KINDS:
        guess = close(kind, KINDS)
        meant = f" Did you mean {guess}?" if guess else ""
        raise SetupError(f"--kind {kind}: expected one of {', '.join(KINDS)}.{meant}")
    folder = output or places.own_assignments_folder()
    words = assignment.replace("_", " ").strip()
    chosen = title if title is not None else f"{words[:1].upper()}{words[1:]}"
    made, solved = make_assignment(assignment, chosen, kind, folder, solutions)
    files = sorted(path.relative_to(made).as_posix() for path in made.rglob("*") if path.is_file())
    variants = sorted(path.name for path in solved.iterdir())
    for line in (
        f"{shown(made)}: {', '.join(files)}",
        f"{shown(solved)}: {', '.join(variants)}",
        "",
        "It is whole, and can be graded. Now make it yours:",
        *next_steps(assignment, made, solved),
    ):
        out.print(Text(line), highlight=False, soft_wrap=True)


def next_steps(name: str, made: Path, solved: Path) -> list[str]:
    """What to do with a new assignment, as commands that work from here."""
    option = "" if solved.parent == Path("solutions") else f" --solutions {solved.parent}"
    found = places.finds(made)
    where = "" if found else f"GRADER_ASSIGNMENTS={made.parent} "
    return [
        f"  1. Say in {shown(made / 'README.md')} what you ask for, and solve it in {shown(solved / 'reference')}.",
        "  2. Change probe.py, inputs.py and checks.py to call and check it; add solutions that are wrong.",
        f"  3. {where}grader validate {name}{option}",
        f"  4. {where}grader release {name}{option}",
    ]
