"""Which row of a gradebook is whose.

The rule: a student of ours has a row if the student's name is found in exactly one row, in any of the columns that
identify a person, and no other student of ours is found in that row. Compared is without regard to capitals, spaces at
the ends, repeated spaces and invisible marks of direction. Who is found in no row, in several, or in somebody else's,
is listed and gets nothing.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from grader.exports.request import LeftOut


@dataclass(frozen=True)
class Matching:
    """Who has which row."""

    rows: Mapping[int, int]
    """From the place of a student among those asked for, to the number of the row."""
    left_out: tuple[LeftOut, ...]
    """Students without a row, and why."""
    lonely: tuple[int, ...]
    """Rows that nobody has."""


def match(students: Sequence[str], keys: Mapping[int, Iterable[str]], table: str) -> Matching:
    """Give each student a row; `keys` are the names under which each row's person may appear, by number of the row."""
    places: dict[str, set[int]] = {}
    for row, names in keys.items():
        for name in names:
            if plain(name):
                places.setdefault(plain(name), set()).add(row)
    candidates = [places.get(plain(student), set()) for student in students]
    claims = Counter(row for rows in candidates for row in rows)
    found, left_out = {}, []
    for number, (student, rows) in enumerate(zip(students, candidates, strict=True)):
        if len(rows) == 1 and claims[min(rows)] == 1:
            found[number] = min(rows)
        else:
            left_out.append(LeftOut(student, _why(rows, table)))
    taken = set().union(*candidates) if candidates else set()
    return Matching(found, tuple(left_out), tuple(row for row in keys if row not in taken))


def _why(rows: set[int], table: str) -> str:
    if not rows:
        return f"not in {table}. Rename the student's folder, or choose the column with --match."
    if len(rows) == 1:
        return f"row {min(rows) + 1} of {table} is also somebody else's. Rename one of the folders."
    lines = ", ".join(str(row + 1) for row in sorted(rows))
    return f"several rows of {table} fit (rows {lines}). Choose the column with --match."


def plain(text: str) -> str:
    """A name for comparison: one form of accents, no invisible marks, single spaces, no capitals."""
    visible = "".join(char for char in unicodedata.normalize("NFC", text) if unicodedata.category(char) != "Cf")
    return " ".join(visible.split()).casefold()


def squashed(text: str) -> str:
    """Letters and digits only, small: how Canvas writes a name into the names of downloaded files."""
    return "".join(char for char in plain(text) if char.isalnum())
