"""Names for sharing: each student keeps the same one, and nothing about the student can be computed from it.

`DIR/pseudonyms.json` has them, by student. They are drawn and not derived, so that a list of names does not help.
"""

import json
import secrets
from collections.abc import Iterable
from pathlib import Path

from grader.errors import SetupError
from grader.results.files import write_atomically

FILE = "pseudonyms.json"


def pseudonyms(folder: Path, students: Iterable[str]) -> dict[str, str]:
    """The pseudonym of each of these students; new ones are drawn and kept in the folder."""
    path = folder / FILE
    known = _read(path)
    new = [student for student in dict.fromkeys(students) if student not in known]
    if new:
        taken = set(known.values())
        lowest = 1_000
        while len(taken) + len(new) > lowest:  # so that most draws are free
            lowest *= 10
        for student in new:
            name = _drawn(lowest)
            while name in taken:
                name = _drawn(lowest)
            known[student] = name
            taken.add(name)
        write_atomically(path, json.dumps(known, indent=1, ensure_ascii=True) + "\n")
    return known


def _drawn(lowest: int) -> str:
    return f"S-{lowest + secrets.randbelow(9 * lowest)}"


def _read(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SetupError(
            f"{path}: cannot be read: {error}. Correct it, or remove it to have new names drawn."
        ) from error
    values = list(found.values()) if isinstance(found, dict) else [None]
    if not all(isinstance(value, str) and value for value in values) or len(set(values)) != len(values):
        raise SetupError(
            f"{path}: expected an object from student to pseudonym, each once. Correct it, or remove it to have new names drawn."
        )
    return dict(found)
