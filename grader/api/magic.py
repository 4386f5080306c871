"""The cell magic `%%grade ID`: run the cell, then check the notebook with it."""

import shlex
from typing import Any

from grader.api.checking import check
from grader.api.notebook import say
from grader.api.reports import CheckReport

USAGE = "grader: expected the id of an assignment, as in %%grade mnist_conv, and perhaps --quick. Found: {}"


def register(shell: Any) -> None:
    """Make the magic known to this shell."""

    def grade(line: str, cell: str) -> CheckReport | None:
        """Run this cell as always, then check the notebook: %%grade ID [--quick]."""
        return run_and_check(shell, line, cell)

    shell.register_magic_function(grade, "cell", "grade")


def run_and_check(shell: Any, line: str, cell: str) -> CheckReport | None:
    """What `%%grade` does. A cell that fails is not checked: its error is what there is to read."""
    try:
        words = shlex.split(line)
    except ValueError:
        words = []
    names = [word for word in words if not word.startswith("-")]
    if len(names) != 1 or set(words) - {*names, "--quick"}:
        say(USAGE.format(line.strip() or "nothing"))
        return None
    if cell.strip() and not shell.run_cell(cell).success:
        return None
    return check(names[0], quick="--quick" in words)
