"""The cells of a notebook, nbformat 3 or 4, as strict as needed to read it and no stricter.

Metadata, cell ids and format numbers may be missing and saved outputs are never looked at, so a notebook is read
here by hand: nbformat's validation refuses files that Jupyter shows without complaint.
"""

import json
from collections.abc import Iterator
from typing import Any

from grader.discovery.decoding import normalise_lines
from grader.discovery.trailing_commas import without_trailing_commas
from grader.discovery.tree import shown
from grader.discovery.unreadable import UnreadableSource
from grader.model.submission import Cell, Note, Source

MAX_CELLS = 10_000
MOST_PROSE = 30_000
"""Characters of Markdown that are kept of a notebook."""
LEAST_PROSE = 60
"""Characters that a cell of it counts for at least."""
_MAX_VALUES = 5_000_000
"""Of each of the characters that may become an object, or a step of the repair, far larger than themselves."""
_MAX_DIGITS = 18
_KERNELS_WITHOUT_LANGUAGE = {"ir": "R", "julia": "Julia"}
"""Kernel names that say the language where Colab writes no other word of it."""
_EXPORT_AGAIN = "Open it in Jupyter or Colab, save it, and hand in the notebook itself (File > Download .ipynb)."
_REPAIR_NOTE = Note(
    kind="repaired_json",
    where="",
    text="Your notebook file has a comma too many and is not valid JSON; it was read as if the comma were not there.",
)


class NotJsonError(Exception):
    """The text is not JSON at all; the message says where it stops being so."""


def parse_notebook(name: str, text: str) -> Source:
    """The code and the Markdown; raises NotJsonError, or UnreadableSource when it is JSON that cannot be graded."""
    notebook, notes = load_json(name, text)
    return notebook_source(name, notebook, notes)


def load_json(name: str, text: str) -> tuple[object, tuple[Note, ...]]:
    """The value in a JSON text, and a note when a trailing comma was repaired."""
    if max(map(text.count, ',[{"')) > _MAX_VALUES:
        raise UnreadableSource(f"{_your(name)} holds too much saved output to be read. Clear the outputs and save it.")
    try:
        try:
            return _loads(text), ()
        except ValueError as error:
            return _loads_repaired(text, error), (_REPAIR_NOTE,)
    except RecursionError:
        message = f"{_your(name)} is JSON nested far too deep to be a notebook. {_EXPORT_AGAIN}"
        raise UnreadableSource(message) from None


def notebook_source(name: str, notebook: object, notes: tuple[Note, ...] = ()) -> Source:
    """The code and the Markdown of a notebook's JSON value; raises UnreadableSource."""
    if not isinstance(notebook, dict):
        raise UnreadableSource(f"{_your(name)} is JSON but not a notebook: expected an object. {_EXPORT_AGAIN}")
    _require_python(name, notebook.get("metadata"))
    cells = _cells(name, notebook)
    if len(cells) > MAX_CELLS:
        raise UnreadableSource(f"{_your(name)} has more than {MAX_CELLS} cells. Hand in only the cells of your answer.")
    code = tuple(cell for cell in _code_cells(cells) if cell.text.strip())
    if not code:
        raise UnreadableSource(f"{_your(name)} has no code in it. Put your answer in code cells and save the notebook.")
    return Source(kind="notebook", cells=code, notes=notes, prose=tuple(_prose(cells)))


def _your(name: str) -> str:
    return f"Your notebook {shown(name)}"


def _loads(text: str) -> object:
    return json.loads(text, parse_int=_bounded_integer)


def _loads_repaired(text: str, error: ValueError) -> object:
    try:
        return _loads(without_trailing_commas(text))
    except ValueError:
        raise NotJsonError(str(error)) from None


def _bounded_integer(digits: str) -> int:
    """A number of a notebook; none that matters is long, and Python refuses the very long ones."""
    return int(digits[:_MAX_DIGITS])


def _require_python(name: str, metadata: object) -> None:
    for language in _languages(metadata if isinstance(metadata, dict) else {}):
        if "python" not in language.lower():
            message = f"{_your(name)} is a notebook for {shown(language)[:40]}, not Python."
            raise UnreadableSource(f"{message} Choose a Python kernel, save it, and hand it in again.")


def _languages(metadata: dict[str, Any]) -> list[str]:
    kernel, info = _object(metadata, "kernelspec"), _object(metadata, "language_info")
    kernel_name = kernel.get("name")
    by_kernel = _KERNELS_WITHOUT_LANGUAGE.get(kernel_name) if isinstance(kernel_name, str) else None
    named = (kernel.get("language"), info.get("name"), by_kernel)
    return [language for language in named if isinstance(language, str) and language.strip()]


def _object(value: dict[str, Any], key: str) -> dict[str, Any]:
    inner = value.get(key)
    return inner if isinstance(inner, dict) else {}


def _cells(name: str, notebook: dict[str, Any]) -> list[object]:
    """All cells in order: nbformat 4 has one list of them, nbformat 3 one in each worksheet."""
    cells, worksheets = notebook.get("cells"), notebook.get("worksheets")
    if isinstance(cells, list):
        return cells
    if isinstance(worksheets, list):
        lists = [sheet.get("cells") for sheet in worksheets if isinstance(sheet, dict)]
        return [cell for cells in lists if isinstance(cells, list) for cell in cells]
    raise UnreadableSource(f"{_your(name)} is JSON but not a notebook: it has no list of cells. {_EXPORT_AGAIN}")


def _code_cells(cells: list[object]) -> list[Cell]:
    numbered = enumerate(cells, start=1)
    return [_code_cell(number, cell) for number, cell in numbered if isinstance(cell, dict) and _is_code(cell)]


def _prose(cells: list[object]) -> Iterator[Cell]:
    """The Markdown cells, up to so many characters in all."""
    left = MOST_PROSE
    for number, cell in enumerate(cells, start=1):
        if left > 0 and isinstance(cell, dict) and cell.get("cell_type") == "markdown":
            text = normalise_lines(_joined(cell.get("source")))
            if text.strip():
                yield Cell(number=number, text=text if len(text) <= left else f"{text[:left]} …")
                left -= max(len(text), LEAST_PROSE)


def _is_code(cell: dict[str, Any]) -> bool:
    kind = cell.get("cell_type")
    return kind == "code" or (not isinstance(kind, str) and "outputs" in cell)


def _code_cell(number: int, cell: dict[str, Any]) -> Cell:
    """A cell's code, which nbformat 4 calls `source` and nbformat 3 `input`."""
    written = cell["source"] if "source" in cell else cell.get("input")
    return Cell(number=number, text=normalise_lines(_joined(written)))


def _joined(written: object) -> str:
    if isinstance(written, list):
        return "".join(piece for piece in written if isinstance(piece, str))
    return written if isinstance(written, str) else ""
