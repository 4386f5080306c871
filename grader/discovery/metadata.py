"""What Gradescope's export says beside the folders: `submission_metadata.yml`.

    submission_123:
      :submitters:
      - :name: Ada Lovelace
        :sid: '1815'
        :email: ada@example.org
      :created_at: 2026-11-29 21:03:04.512 Z

A group has several submitters, and each of them gets the submission. Two submissions of one person are attempts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import yaml

from grader.discovery.downloads import Owner
from grader.discovery.tree import Entry, Leaf
from grader.discovery.unreadable import UnreadableSource
from grader.model.submission import Identity

FILE = "submission_metadata.yml"
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Handing:
    """Who handed in a folder, and when."""

    owners: tuple[Owner, ...]
    time: datetime | None


def read_metadata(entries: Iterable[Entry]) -> Mapping[str, Handing]:
    """What is known of each folder, by its name; nothing if there is no such file or it is none of its kind.

    Raises UnreadableSource where this machine fails to read it: everybody would lose name and time.
    """
    leaf = next((entry for entry in entries if isinstance(entry, Leaf) and entry.name == FILE), None)
    if leaf is None:
        return {}
    try:
        found = yaml.load(leaf.read(), Loader)  # noqa: S506 - a safe loader, written in C where there is one
    except UnreadableSource as problem:
        if problem.ours:
            raise
        return {}
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    folders = found.items() if isinstance(found, dict) else ()
    return {str(name): _handing(value) for name, value in folders if isinstance(value, dict)}


def _handing(value: Mapping[str, Any]) -> Handing:
    people = value.get(":submitters")
    listed = people if isinstance(people, list) else []
    owners = [_owner(person) for person in listed if isinstance(person, dict)]
    time = value.get(":created_at")
    if isinstance(time, datetime):
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time
    return Handing(
        tuple(dict.fromkeys(owner for owner in owners if owner is not None)),
        time if isinstance(time, datetime) else None,
    )


def _owner(person: Mapping[str, Any]) -> Owner | None:
    name, sid, email = (_text(person.get(key)) for key in (":name", ":sid", ":email"))
    shown = name or email or sid
    return Owner(shown, sid or email, Identity(name=name, email=email, id=sid)) if shown else None


def _text(value: Any) -> str:
    return str(value).strip() if isinstance(value, str | int) else ""
