"""What a notebook of another grader holds, in words that nbgrader and otter share."""

import json
import keyword
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grader.errors import SetupError

STUB = "YOUR ANSWER HERE"
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
_RESERVED = {"Answers", "Evidence", "PersonNeeded", "points", "np", "math", "statistics", "string", "itertools"}


@dataclass(frozen=True)
class SourceCell:
    """A cell as it stands in the file."""

    kind: str
    text: str
    number: int
    metadata: Mapping[str, Any] = field(default_factory=dict)
    outputs: Sequence[Any] = ()


@dataclass(frozen=True)
class Part:
    """The text of a test, as Python whose assertions must hold."""

    text: str
    hidden: bool = False


@dataclass(frozen=True)
class Graded:
    """Tests that earn their points together."""

    name: str
    title: str
    points: float
    parts: tuple[Part, ...]
    cell: int
    left: tuple[tuple[str, str], ...] = ()
    """(text, reason) of what is known to be for a person already."""


@dataclass(frozen=True)
class ByHand:
    """An answer that a person reads."""

    name: str
    title: str
    points: float
    cell: int


@dataclass(frozen=True)
class Became:
    """What a cell was, and what it is now."""

    cell: int
    was: str
    now: str


@dataclass
class Plan:
    """All that is taken from a notebook.

    Attributes:
        source: how the notebook is written: `nbgrader`, `otter assign` or `otter`.
        title: of the assignment.
        cells: what remains, for the reference.
        tasks: what earns points, in order.
        became: a line for each cell.
        left: (cell, text, reason) of what a person must carry over, beside what cannot be translated.
        notes: (cell, text) of what is as it should be, and worth knowing.
        answers: (cell, text) of model answers in words, which students must not get.
    """

    source: str
    title: str
    cells: list[SourceCell] = field(default_factory=list)
    tasks: list[Graded | ByHand] = field(default_factory=list)
    became: list[Became] = field(default_factory=list)
    left: list[tuple[int, str, str]] = field(default_factory=list)
    notes: list[tuple[int, str]] = field(default_factory=list)
    answers: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Notebook:
    """A notebook file, read for its cells."""

    path: Path
    cells: tuple[SourceCell, ...]
    metadata: Mapping[str, Any]

    def at(self, cell: int) -> str:
        """Where a person finds a cell."""
        return f"{self.path.name}, cell {cell}"


def read_notebook(path: Path) -> Notebook:
    """The notebook; raises SetupError if the file is none of format 4."""
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise SetupError(
            f"{path}: expected a notebook, found none ({error.strerror}). Name the .ipynb file."
        ) from error
    except UnicodeDecodeError as error:
        raise SetupError(
            f"{path}: expected a notebook in UTF-8, found other bytes. Save it again with Jupyter."
        ) from error
    try:
        value = json.loads(text)
        listed, metadata = value["cells"], dict(value.get("metadata") or {})
        cells = tuple(_read_cell(number, cell) for number, cell in enumerate(listed, start=1))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SetupError(
            f"{path}: expected a notebook of format 4, found something else ({type(error).__name__}: {error}). Save it "
            "again with Jupyter."
        ) from None
    if not any(cell.kind == "code" and cell.text.strip() for cell in cells):
        raise SetupError(f"{path}: expected cells with code, found none. Import the notebook that holds the solution.")
    language = dict(metadata.get("kernelspec") or {}).get("language") or "python"
    if str(language).lower() not in ("python", "python3"):
        raise SetupError(f"{path}: expected a notebook in Python, found one in {language}. Only Python can be graded.")
    return Notebook(path, cells, metadata)


def _read_cell(number: int, cell: dict[str, Any]) -> SourceCell:
    source = cell["source"]
    text = source if isinstance(source, str) else "".join(source)
    metadata = cell.get("metadata") or {}
    return SourceCell(
        str(cell["cell_type"]),
        text.replace("\r\n", "\n"),
        number,
        dict(metadata),
        tuple(cell.get("outputs") or ()),
    )


def title_of(notebook: Notebook) -> str:
    """The first heading of level 1, else the name of the file."""
    for cell in notebook.cells:
        if cell.kind == "markdown":
            for line in cell.text.split("\n"):
                if re.match(r"# +\S", line):
                    return line.strip("# \t")
    return notebook.path.stem.replace("_", " ").replace("-", " ").strip() or "Imported"


def identifier(name: str, taken: set[str] | frozenset[str] = frozenset()) -> str:
    """A name as a Python identifier that is not taken."""
    plain = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or "task"
    if plain[0].isdigit():
        plain = f"task_{plain}"
    if keyword.iskeyword(plain) or plain in _RESERVED:
        plain = f"{plain}_check"
    found, number = plain, 2
    while found in taken:
        found, number = f"{plain}_{number}", number + 1
    return found


def in_region(text: str) -> str:
    """A cell whose whole text students write; a docstring of the cell is not kept outside."""
    return f"{BEGIN}\n{text.strip(chr(10))}\n{END}"


def tested_title(text: str, otherwise: str) -> str:
    """What a test cell says it tests: its docstring, else the words given."""
    match = re.match(r'\s*(?:"""(.+?)"""|\'\'\'(.+?)\'\'\'|"([^"\n]+)")', text, re.DOTALL)
    words = " ".join((match[1] or match[2] or match[3]).split()) if match else ""
    return words.replace("\\", "") if words else otherwise


def worth(points: float) -> str:
    """Points in words."""
    return f"{points:g} point" if points == 1 else f"{points:g} points"
