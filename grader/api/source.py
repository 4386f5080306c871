"""What a student has written in the notebook that is open.

Best is the notebook as it will be handed in: Colab gives it as it stands on the screen, other notebooks lie in a file.
A file may be older than what is on the screen. So it is taken only if it holds the newest definition of every function
and class that was run; else the cells that were run are taken, in the order in which they were run. Of a cell that was
run several times the first and the last run count: so nothing is used before it is defined, the newest definition is the
last, and a cell that was tried fifty times does not train fifty times.
"""

import ast
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COLAB_SECONDS = 15
SUFFIX = ".ipynb"
OWN_NAMES = ("check", "grade", "load_ipython_extension")


@dataclass(frozen=True)
class Written:
    """The code of a notebook, and where it was taken from, in a sentence for the student."""

    notebook: dict[str, Any]
    remark: str


def written(shell: Any) -> Written | None:
    """What was written in the notebook of this shell; None if nothing is known of it."""
    shown = from_colab()
    if shown is not None:
        return Written(shown, "Checked: the notebook as it is on the screen.")
    ran = cells_run(shell)
    saved = saved_notebook(shell)
    if saved is None:
        return Written(as_notebook(ran), told(ran, "The file of the notebook was not found")) if any(ran) else None
    path, notebook = saved
    stale = newer_than(notebook, ran)
    if not stale:
        return Written(notebook, f"Checked: the saved notebook {path.name}.")
    names = ", ".join(stale[:3]) + (" and others" if len(stale) > 3 else "")
    return Written(as_notebook(ran), told(ran, f"{path.name} is not saved as it was run ({names}); save it"))


def told(ran: Sequence[str], why: str) -> str:
    """The remark on a notebook that is made of the cells that were run."""
    count = sum(1 for text in ran if text)
    cells = "1 cell" if count == 1 else f"{count} cells"
    return f"Checked: the {cells} that you have run, in that order. {why}. A cell that was not run was not checked."


def from_colab() -> dict[str, Any] | None:
    """The notebook as Colab shows it; None elsewhere, or if Colab does not answer."""
    try:
        from google.colab import _message
    except ImportError:
        return None
    try:
        answer = _message.blocking_request("get_ipynb", request="", timeout_sec=COLAB_SECONDS)
    except Exception:  # noqa: BLE001 - a function that is not documented may fail in any way; there is another source
        return None
    notebook = answer.get("ipynb") if isinstance(answer, dict) else None
    return notebook if isinstance(notebook, dict) and isinstance(notebook.get("cells"), list) else None


def saved_notebook(shell: Any) -> tuple[Path, dict[str, Any]] | None:
    """The file of this notebook, read; None if it is not known or cannot be read.

    VS Code leaves its path in `__vsc_ipynb_file__`; Jupyter's server in the environment, as the session's name.
    """
    names = (
        shell.user_ns.get("__vsc_ipynb_file__"),
        shell.user_ns.get("__session__"),
        os.environ.get("JPY_SESSION_NAME"),
    )
    for name in names:
        if not isinstance(name, str) or not name.lower().endswith(SUFFIX):
            continue
        for path in (Path(name), Path.cwd() / Path(name).name):
            try:
                notebook = json.loads(path.read_text("utf-8"))
            except (OSError, ValueError, RecursionError):
                continue
            if isinstance(notebook, dict) and isinstance(notebook.get("cells"), list):
                return path, notebook
    return None


def cells_run(shell: Any) -> list[str]:
    """The source of each cell by the number of its run, from 0; empty for those that are not wanted.

    Cells that only ask for a check are left out, and so is the one that asks now.
    """
    history = [text if isinstance(text, str) else "" for text in shell.history_manager.input_hist_raw]
    wanted = [text if text.strip() and not asks_only(text) else "" for text in history]
    first = {text: number for number, text in reversed(list(enumerate(wanted)))}
    last = {text: number for number, text in enumerate(wanted)}
    return [text if number in (first[text], last[text]) else "" for number, text in enumerate(wanted)]


def asks_only(text: str) -> bool:
    """Whether a cell does nothing but import grader and call it, or load it."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if not lines or lines[0].lstrip().startswith("%%"):
        return False
    code = "\n".join(line for line in lines if line.split() != ["%load_ext", "grader"])
    try:
        statements = ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return all(is_ours(statement) for statement in statements)


def is_ours(statement: ast.stmt) -> bool:
    """`import grader`, or a call of grader by its name, also if what it returns is kept."""
    if isinstance(statement, ast.Import):
        return [alias.name for alias in statement.names] == ["grader"]
    value = statement.value if isinstance(statement, ast.Expr | ast.Assign) else None
    function = value.func if isinstance(value, ast.Call) else None
    return (
        isinstance(function, ast.Attribute)
        and function.attr in OWN_NAMES
        and isinstance(function.value, ast.Name)
        and function.value.id == "grader"
    )


def newer_than(notebook: dict[str, Any], ran: Sequence[str]) -> list[str]:
    """Names of functions and classes whose newest definition was run, and is in no cell of the notebook."""
    saved = {squeezed(source_of(cell)) for cell in notebook["cells"] if isinstance(cell, dict)}
    newest: dict[str, str] = {}
    for text in ran:
        for name in defined_in(text):
            newest[name] = text
    return [name for name, text in newest.items() if squeezed(text) not in saved]


def defined_in(text: str) -> list[str]:
    """Names of the functions and classes that a cell defines; none if Python cannot read it."""
    code = "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in text.splitlines())
    try:
        body = ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return [statement.name for statement in body if isinstance(statement, kinds)]


def source_of(cell: dict[str, Any]) -> str:
    """The text of a cell, which a file keeps whole or line by line."""
    source = cell.get("source", "")
    pieces = source if isinstance(source, list) else [source]
    return "".join(piece for piece in pieces if isinstance(piece, str))


def squeezed(text: str) -> str:
    """A cell without what editors change of themselves: space at the ends of lines and of the cell."""
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def as_notebook(cells: Sequence[str]) -> dict[str, Any]:
    """A notebook of these code cells, so that a message about cell 7 speaks of the one that ran as In [7].

    `In` counts from 1, and its place 0 holds nothing.
    """
    code: Callable[[str], dict[str, Any]] = lambda text: {  # noqa: E731 - one line of JSON
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": text,
    }
    return {"cells": [code(text) for text in cells[1:]], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
