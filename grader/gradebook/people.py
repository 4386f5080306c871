"""Tables of people, as spreadsheets and platforms write them: which column is what."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from grader.errors import SetupError
from grader.model.mistakes import shown
from grader.model.names import plain

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "student": ("student", "login", "username", "user name", "sis login id", "github_username", "github username"),
    "id": ("id", "student id", "sid", "sis user id", "id number", "identifier", "user id", "number"),
    "email": ("email", "email address", "e-mail", "mail"),
    "name": ("name", "full name", "student name", "display name"),
    "first": ("first name", "given name", "firstname"),
    "last": ("last name", "surname", "family name", "lastname"),
    "section": ("section", "sections", "group", "class"),
    "roster": ("roster_identifier",),
    "time": (
        "handed in",
        "handed_in",
        "submission time",
        "submitted at",
        "submission_timestamp",
        "last modified (submission)",
    ),
}
"""Titles of columns for each thing that is read, without regard to capitals. The first title found counts."""


def read_people(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file, each as what is known of a person; `line` has the number of the line.

    Raises SetupError if it cannot be read, or has no column that names people.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not in UTF-8"
        raise SetupError(f"{shown(path)}: expected a CSV file with people: {why}. Export it as `CSV UTF-8`.") from error
    first = text.lstrip().split("\n", 1)[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count))
    try:
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise SetupError(f"{shown(path)}:{reader.line_num}: not valid CSV: {error}. Export it again.") from error
    places = _places(rows[0][1] if rows else [])
    if not places.keys() & {"student", "id", "email", "name", "roster", "last"}:
        known = "student, id, email, name"
        found = ", ".join(repr(cell) for cell in rows[0][1][:8]) if rows else "none"
        raise SetupError(f"{shown(path)}:1: expected columns such as {known}, found {found}. Add a line with titles.")
    return [_person(row, places, line) for line, row in rows[1:]]


def _places(titles: list[str]) -> dict[str, int]:
    """The column of each thing."""
    at: dict[str, int] = {}
    for place, title in enumerate(titles):
        at.setdefault(plain(title), place)
    found = {}
    for what, names in COLUMNS.items():
        present = [at[name] for name in names if name in at]
        if present:
            found[what] = present[0]
    return found


def _person(row: list[str], places: Mapping[str, int], line: int) -> dict[str, str]:
    person = {what: row[place].strip() if place < len(row) else "" for what, place in places.items()}
    first, last = person.pop("first", ""), person.pop("last", "")
    if not person.get("name"):
        person["name"] = " ".join(part for part in (first, last) if part)
    return {**person, "line": str(line)}


def keys_of(person: Mapping[str, str]) -> set[str]:
    """The names under which a person may appear as the owner of a hand-in."""
    name, email = person.get("name", ""), person.get("email", "")
    last, comma, first = name.partition(",")
    words = name.split()
    forms = {person.get("student", ""), person.get("id", ""), person.get("roster", ""), name, email}
    forms |= {email.partition("@")[0], person.get("id", "").removeprefix("Participant ")}
    if comma:
        forms |= {f"{first} {last}", f"{last}{first}", f"{first}{last}"}
    elif len(words) > 1:
        forms |= {f"{words[-1]}, {' '.join(words[:-1])}", "".join([words[-1], *words[:-1]])}
    return {plain(form) for form in forms if plain(form)}
