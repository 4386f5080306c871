"""Notebooks of the format 4.5, read for their cells and written with nothing in them that a run leaves behind."""

import ast
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from grader.authoring.passages import Passage
from grader.authoring.regions import find_regions
from grader.errors import SetupError

_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
_PYTHON_MAGICS = ("%%time", "%%timeit", "%%capture")
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FENCE = re.compile(r" *(`{3,}|~{3,})")


@dataclass(frozen=True)
class Cell:
    """A cell as far as students need it."""

    kind: str
    """`code`, `markdown` or `raw`."""
    text: str
    id: str = ""
    number: int = 0
    """Counted from 1, all kinds together."""

    @property
    def is_python(self) -> bool:
        """Whether it is code that regions can be looked for in: a cell for another language is not."""
        first = self.text.lstrip()
        return self.kind == "code" and (not first.startswith("%%") or first.startswith(_PYTHON_MAGICS))


def read_notebook(name: str, text: str) -> list[Cell]:
    """The cells; raises SetupError if the text is not a notebook of format 4."""
    try:
        cells = json.loads(text)["cells"]
        return [_read_cell(number, cell) for number, cell in enumerate(cells, start=1)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SetupError(
            f"{name}: expected a notebook of format 4, found something else ({type(error).__name__}: {error}). Save it "
            "again with Jupyter."
        ) from None


def _read_cell(number: int, cell: dict[str, Any]) -> Cell:
    source = cell["source"]
    text = source if isinstance(source, str) else "".join(source)
    written = cell.get("id")
    identifier = written if isinstance(written, str) and _ID.fullmatch(written) else f"cell-{number}"
    return Cell(str(cell["cell_type"]), text.replace("\r\n", "\n"), identifier, number)


def passages_of(name: str, cells: Iterable[Cell]) -> list[Passage]:
    """The code cells that are Python."""
    return [Passage(name, cell.text, cell.number) for cell in cells if cell.is_python]


def with_code(cells: Sequence[Cell], texts: Iterable[str]) -> list[Cell]:
    """The cells with other texts in those that are Python."""
    following = iter(texts)
    return [Cell(cell.kind, next(following), cell.id, cell.number) if cell.is_python else cell for cell in cells]


def write_notebook(cells: Iterable[Cell]) -> str:
    """The text of a notebook file: no outputs, no counts, no metadata but that it is Python."""
    notebook = {"cells": [_written(cell) for cell in cells], "metadata": _METADATA, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def as_lines(text: str) -> list[str]:
    """A notebook as lines that people can compare: the kind of each cell, then its text."""
    return [line for cell in read_notebook("notebook", text) for line in (f"[{cell.kind}]", *cell.text.split("\n"))]


def without_ids(text: str) -> object:
    """Everything in a notebook but the ids of cells, in which equal notebooks may differ."""
    notebook = json.loads(text)
    cells = [{key: value for key, value in cell.items() if key != "id"} for cell in notebook["cells"]]
    return {**notebook, "cells": [{**cell, "source": "".join(cell["source"])} for cell in cells]}


def _written(cell: Cell) -> dict[str, Any]:
    value: dict[str, Any] = {
        "cell_type": cell.kind,
        "id": cell.id,
        "metadata": {},
        "source": re.findall(r"[^\n]*\n|[^\n]+", cell.text),
    }
    return value | {"execution_count": None, "outputs": []} if cell.kind == "code" else value


def cells_of_handout(text: str) -> list[Cell]:
    """A handout as Markdown cells: one up to its first heading of level 2, then one for each of these."""
    sections: list[list[str]] = [[]]
    fence = ""
    for line in text.strip("\n").split("\n"):
        marks = _FENCE.match(line)
        if marks and not fence:
            fence = marks[1]
        elif marks and line.strip().startswith(fence) and not line.strip(" `~"):
            fence = ""
        elif line.startswith("## ") and not fence:
            sections.append([])
        sections[-1].append(line)
    texts = ["\n".join(section).strip("\n") for section in sections]
    return [Cell("markdown", text, f"handout-{number}") for number, text in enumerate(filter(None, texts), start=1)]


def notebook_of_module(module: Passage) -> list[Cell]:
    """A module as cells: its docstring as Markdown, its imports, then one for each definition and region.

    The first line of the docstring is left out: it is a title, and the handout above has one.
    """
    tree = module.tree
    docstring = ast.get_docstring(tree)
    about = docstring.partition("\n")[2].strip("\n") if docstring else ""
    cells = [Cell("markdown", about, "about")] if about else []
    body = tree.body[1:] if docstring else tree.body
    first = (tree.body[0].end_lineno or 0) + 1 if docstring else 1
    for number, (start, end) in enumerate(_pieces(module, body, first), start=1):
        text = "\n".join(module.rows[start - 1 : end]).strip("\n")
        if text:
            cells.append(Cell("code", text, f"cell-{number}"))
    return cells


def _pieces(module: Passage, body: Sequence[ast.stmt], first: int) -> list[tuple[int, int]]:
    """(first row, last row) of each cell. Comments above a statement go with it, and a region is never parted."""
    ends = [_end(module, statement) for statement in body]
    pieces: list[tuple[int, int]] = []
    start = first
    for index, statement in enumerate(body):
        last = index == len(body) - 1
        if last or not _belong_together(module, statement, body[index + 1], ends[index]):
            pieces.append((start, ends[index]))
            start = ends[index] + 1
    return [*pieces, (start, len(module.rows))]


def _end(module: Passage, statement: ast.stmt) -> int:
    """The last row of a statement, with the end of a region and the indented comments below it."""
    row = statement.end_lineno or statement.lineno
    end = row
    ends = {region.end for region in find_regions(module)}
    for number in range(row + 1, len(module.rows) + 1):
        line = module.rows[number - 1]
        if line.strip() and not line.lstrip().startswith("#"):
            break
        if number in ends or (line.startswith((" ", "\t")) and line.strip()):
            end = number
        if number in ends:
            break
    return end


def _belong_together(module: Passage, one: ast.stmt, other: ast.stmt, end: int) -> bool:
    """Whether two statements share a cell: both in one region, both imports, or both small and side by side."""
    if any(region.start < one.lineno and other.lineno < region.end for region in find_regions(module)):
        return True
    imports = [isinstance(node, ast.Import | ast.ImportFrom) for node in (one, other)]
    if any(imports):
        return all(imports)
    small = not any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) for node in (one, other))
    return small and other.lineno <= end + 1
