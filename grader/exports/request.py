"""What an export is made from, and what comes of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grader.model.result import Missing, Result


@dataclass(frozen=True)
class Request:
    """Results of one assignment, and how they are to be exported."""

    assignment: str
    """Id of the assignment."""
    results: tuple[Result, ...]
    missing: tuple[Missing, ...] = ()
    """Who handed in nothing."""
    title: str = ""
    """Title of the assignment, where it is known."""
    generated_at: str = ""
    """When the scores were written: UTC, `2026-09-01T12:00:00Z`."""
    points: float | None = None
    """What a full score is worth in the export; None for what the format says, else for what the checks are worth."""
    provisional: bool = False
    """Whether a number that waits for a person may stand as a grade."""
    fill: bytes = b""
    """The table to fill, as it was exported."""
    fill_name: str = ""
    """Its name, for messages."""
    column: str | None = None
    match: str | None = None
    """The one column by which students are found."""
    file: str = ""
    """The graded file's path in its repository."""
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    """The assignment's folder."""


@dataclass(frozen=True)
class LeftOut:
    """Somebody, or some row, without an exported grade; a person must look."""

    who: str
    why: str

    def sentence(self) -> str:
        """One line for the console."""
        return f"{self.who}: {self.why}"


@dataclass(frozen=True)
class Export:
    """What an export wrote, and what it left out."""

    content: bytes | None
    """None if there was no grade to export."""
    left_out: tuple[LeftOut, ...] = ()
    """Leads to exit code 1."""
    remarks: tuple[str, ...] = ()
    """Worth knowing; does not change the exit code."""
    beside: Mapping[str, bytes] = field(default_factory=dict)
    """Further pieces by name, such as a summary for a page."""


def as_bytes(text: str) -> bytes:
    """UTF-8; half surrogate pairs, which no file can hold, become escapes."""
    return text.encode("utf-8", "backslashreplace")


def as_json(value: Any) -> bytes:
    """Strict JSON, readable by people: no NaN, one key per line."""
    return as_bytes(json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n")
