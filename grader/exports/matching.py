"""Which row of a gradebook is whose.

The rule: a student of ours has a row if the student's names (that in the scores, and what a platform or the list of the
class says) are found in exactly one row, in any of the columns that identify a person, and no other student of ours is
found in that row. Names that point to different rows are no match. Compared is without regard to capitals, spaces at
the ends, repeated spaces and invisible marks of direction. Who is found in no row, in several, or in somebody else's,
is listed and gets nothing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from grader.exports.request import LeftOut
from grader.model.names import plain
from grader.model.result import Result


@dataclass(frozen=True)
class Matching:
    """Who has which row."""

    rows: Mapping[int, int]
    """From the place of a student among those asked for, to the number of the row."""
    left_out: tuple[LeftOut, ...]
    """Students without a row, and why."""
    lonely: tuple[int, ...]
    """Rows that nobody has."""


def match(people: Sequence[Sequence[str]], keys: Mapping[int, Iterable[str]], table: str) -> Matching:
    """Give each student a row.

    Args:
        people: the names of each student: first the one in the scores, then what a platform says.
        keys: the names under which each row's person may appear, by number of the row.
        table: its name, for messages.
    """
    places: dict[str, set[int]] = {}
    for row, names in keys.items():
        for name in names:
            if plain(name):
                places.setdefault(plain(name), set()).add(row)
    candidates = [_candidates([places.get(plain(name), set()) for name in names]) for names in people]
    claims = Counter(row for rows in candidates for row in rows)
    found, left_out = {}, []
    for number, (names, rows) in enumerate(zip(people, candidates, strict=True)):
        if len(rows) == 1 and claims[min(rows)] == 1:
            found[number] = min(rows)
        else:
            left_out.append(LeftOut(names[0], _why(rows, table)))
    taken = set().union(*candidates) if candidates else set()
    return Matching(found, tuple(left_out), tuple(row for row in keys if row not in taken))


def names_of(result: Result) -> tuple[str, ...]:
    """The names under which a student may stand in a table."""
    said = result.identity
    return (result.student, *((said.id, said.email, said.name) if said else ()))


def _candidates(found: Sequence[set[int]]) -> set[int]:
    """The rows on which all names agree that are found at all; where they do not agree, every row of any of them."""
    known = [rows for rows in found if rows]
    if not known:
        return set()
    return set.intersection(*known) or set.union(*known)


def _why(rows: set[int], table: str) -> str:
    if not rows:
        return f"not in {table}. Rename the student's folder, or choose the column with --match."
    if len(rows) == 1:
        return f"row {min(rows) + 1} of {table} is also somebody else's. Rename one of the folders."
    lines = ", ".join(str(row + 1) for row in sorted(rows))
    return f"several rows of {table} fit (rows {lines}). Choose the column with --match."
