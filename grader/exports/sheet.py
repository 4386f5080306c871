"""A CSV file of somebody else, of which some cells are filled and every other byte stays.

The text is scanned once, and each cell remembers where it stands; filling replaces only those places. So the byte
order mark, the delimiter, line ends, quotation marks and the order of rows and columns are kept without being known.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from grader.errors import SetupError

BOM = b"\xef\xbb\xbf"
DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True)
class Cell:
    """A cell's value, and the place of its text: from `start` to before `end`, quotation marks included."""

    start: int
    end: int
    value: str


@dataclass(frozen=True)
class Sheet:
    """A scanned CSV file; a blank line is a row without cells."""

    text: str
    bom: bool
    delimiter: str
    rows: tuple[tuple[Cell, ...], ...]

    def value(self, row: int, column: int | None) -> str:
        """What a cell holds; empty where there is no such cell."""
        cells = self.rows[row]
        return cells[column].value if column is not None and column < len(cells) else ""

    def filled(self, values: Mapping[tuple[int, int], str]) -> bytes:
        """The file with these cells, by row and column, replaced; nothing else changes."""
        pieces = sorted((self._piece(row, column, value) for (row, column), value in values.items()), reverse=True)
        text = self.text
        for start, end, new in pieces:
            text = text[:start] + new + text[end:]
        return (BOM if self.bom else b"") + text.encode("utf-8")

    def _piece(self, row: int, column: int, value: str) -> tuple[int, int, str]:
        """Start, end and new text; a row that is too short gets the delimiters it lacks."""
        cells = self.rows[row]
        if column < len(cells):
            old = cells[column]
            return old.start, old.end, self._raw(value, quoted=self.text[old.start : old.end].startswith('"'))
        end = cells[-1].end
        return end, end, self.delimiter * (column + 1 - len(cells)) + self._raw(value, quoted=False)

    def _raw(self, value: str, *, quoted: bool) -> str:
        """A value as text, in quotation marks where the cell had them or the value needs them."""
        if quoted or any(char in value for char in (self.delimiter, '"', "\r", "\n")):
            return '"' + value.replace('"', '""') + '"'
        return value


def read_sheet(data: bytes, name: str) -> Sheet:
    """Scan a CSV file in UTF-8. SetupError if it is not one; `name` is the file's name for the message."""
    bom = data.startswith(BOM)
    try:
        text = data[len(BOM) * bom :].decode("utf-8")
    except UnicodeDecodeError as error:
        raise SetupError(
            f"{name}: expected a CSV file in UTF-8, found other bytes at {error.start}. Export it again, and do not save "
            "it with a spreadsheet in between; or save it as `CSV UTF-8`."
        ) from error
    delimiter = max(DELIMITERS, key=lambda mark: _header_width(text, mark))
    rows, whole = _scan(text, delimiter)
    if not whole:
        raise SetupError(f"{name}: a quotation mark is never closed. Export the file again.")
    if not rows or not rows[0]:
        raise SetupError(
            f"{name}: expected a first line with the names of columns, found none. Is this the right file?"
        )
    return Sheet(text, bom, delimiter, rows)


def _header_width(text: str, delimiter: str) -> int:
    """How many cells the first line has with this delimiter."""
    first = text.lstrip("\r\n").split("\n", 1)[0]
    rows, _ = _scan(first, delimiter)
    return len(rows[0]) if rows else 0


def _scan(text: str, delimiter: str) -> tuple[tuple[tuple[Cell, ...], ...], bool]:
    """All rows of a text, and whether its last quotation was closed."""
    rows: list[tuple[Cell, ...]] = []
    row: list[Cell] = []
    place, whole = 0, True
    while place < len(text):
        found, whole = _scan_cell(text, place, delimiter)
        place = found.end
        if place < len(text) and text[place] == delimiter:
            row.append(found)
            place += 1
            if place < len(text):
                continue
            found = Cell(place, place, "")  # the file ends behind a delimiter
        rows.append((*row, found) if row or found.end > found.start else ())
        row = []
        place += 2 if text.startswith("\r\n", place) else 1
    return tuple(rows), whole


def _scan_cell(text: str, start: int, delimiter: str) -> tuple[Cell, bool]:
    """The cell that begins at `start`, and whether its quotation was closed."""
    place, value, closed = start, "", True
    if text.startswith('"', place):
        place, value, closed = _scan_quoted(text, place + 1)
    behind = place
    while place < len(text) and text[place] not in (delimiter, "\r", "\n"):
        place += 1
    return Cell(start, place, value + text[behind:place]), closed


def _scan_quoted(text: str, place: int) -> tuple[int, str, bool]:
    """The place behind the closing quotation mark, what stands in between, and whether there is one."""
    pieces: list[str] = []
    while True:
        mark = text.find('"', place)
        if mark < 0:
            return len(text), "".join([*pieces, text[place:]]), False
        pieces.append(text[place:mark])
        if not text.startswith('""', mark):
            return mark + 1, "".join(pieces), True
        pieces.append('"')
        place = mark + 2
