"""Workflow commands: lines on standard output that GitHub Actions acts upon.

Source: "Workflow commands for GitHub Actions" of GitHub's documentation, and how the runner reads a line
(`src/Runner.Common/ActionCommand.cs` of actions/runner): `::name key=value,key=value::data`, with `%`, carriage return
and line feed escaped in the data, and `:` and `,` besides in a value.
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

Level = Literal["error", "warning", "notice"]
DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
VALUE = {**DATA, ":": "%3A", ",": "%2C"}


def escape(text: str, table: Mapping[str, str]) -> str:
    """Text with the characters of a table written as GitHub wants them."""
    return "".join(table.get(char, char) for char in text)


def annotation(level: Level, message: str, *, title: str = "", file: str = "", line: int | None = None) -> str:
    """One annotation, as one line; properties that are empty are left out."""
    values = {"file": file, "line": str(line) if file and line else "", "title": title}
    properties = ",".join(f"{name}={escape(value, VALUE)}" for name, value in values.items() if value)
    return f"::{level}{f' {properties}' if properties else ''}::{escape(message, DATA)}"


def wrapped(lines: Iterable[str], token: str = "") -> Iterator[str]:
    """Lines that may hold anything, between the command that stops commands and the word that starts them again.

    The word is drawn anew each time, so that nobody can write it into what is wrapped.
    """
    word = token or secrets.token_hex(16)
    yield f"::stop-commands::{word}"
    yield from lines
    yield f"::{word}::"
