"""When students handed in, from a list: a platform's export, or one's own table."""

import contextlib
from datetime import datetime, tzinfo
from pathlib import Path

from grader.errors import SetupError
from grader.gradebook.people import keys_of, read_people
from grader.model.mistakes import shown
from grader.model.names import plain
from grader.model.submission import Identity

FORMATS = (
    "%Y-%m-%d %H:%M:%S %z",  # Gradescope
    "%A, %d %B %Y, %I:%M %p",  # Moodle, English
    "%A, %B %d, %Y, %I:%M %p",
    "%d %B %Y, %I:%M %p",
)
"""Beside ISO 8601; tried in this order."""


class Times(dict[str, datetime]):
    """By every name under which a student may hand in."""

    def of_student(self, student: str, identity: Identity | None = None) -> datetime | None:
        """When a student handed in: found by what the platform says of them, else by name; None if it is not known."""
        said = [identity.id, identity.email, identity.name] if identity else []
        return next((self[plain(name)] for name in (*said, student) if plain(name) in self), None)


def read_times(path: Path, zone: tzinfo | None) -> Times:
    """When each student handed in; times without an offset are read in `zone`, or refused without one.

    Raises SetupError with the line of what cannot be read. Students without a time are left out.
    """
    found = Times()
    rows = read_people(path)
    if rows and "time" not in rows[0]:
        raise SetupError(
            f"{shown(path)}:1: expected a column with the times, such as `handed_in`, found none. Rename the column."
        )
    twice: set[str] = set()
    for person in rows:
        if person["time"] in ("", "-"):
            continue
        time = read_time(person["time"])
        if time is not None and time.tzinfo is None and zone is not None:
            time = time.replace(tzinfo=zone)
        if time is None or time.tzinfo is None:
            raise SetupError(
                f"{shown(path)}:{person['line']}: expected a time such as 2026-12-01T23:59:00+01:00, found "
                f"{person['time']!r}. Write it so, with its offset from UTC."
            )
        for key in keys_of(person):
            if found.get(key, time) != time:
                twice.add(key)
            found[key] = time
    for key in twice:  # a name that two have says nothing
        del found[key]
    return found


def read_time(text: str) -> datetime | None:
    """A time in one of the formats; None if it is in no one of them."""
    text = text.strip()
    if text.endswith(" UTC"):  # GitHub Classroom
        text = f"{text.removesuffix(' UTC')} +0000"
    for pattern in (None, *FORMATS):
        with contextlib.suppress(ValueError):
            return datetime.fromisoformat(text) if pattern is None else datetime.strptime(text, pattern)
    return None
