"""Mistakes in a TOML file, told all at once: each with file and line, what was expected, and what was found."""

import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from grader.errors import SetupError
from grader.model.toml_lines import Place, lines_of_keys

KINDS = {
    "string_type": "a text",
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "model_type": "a table",
    "dict_type": "a table",
    "greater_than": "a number above {gt:g}",
    "greater_than_equal": "a number from {ge:g}",
    "less_than_equal": "a number up to {le:g}",
    "too_short": "at least one",
    "string_too_short": "a text that is not empty",
}
"""What was expected, by the type of pydantic's error."""


@dataclass(frozen=True)
class TomlFile:
    """A TOML file that was read, and knows on which line everything stands."""

    path: Path
    text: str
    values: dict[str, Any]

    @cached_property
    def lines(self) -> dict[Place, int]:
        """The line of each key."""
        return lines_of_keys(self.text)

    def line(self, place: Place) -> int:
        """The line of a key; of the table around it if it is not there, and 1 outside of all tables."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)

    def mistake(self, place: Place, sentence: str) -> "Mistake":
        """A mistake at this place of the file."""
        return Mistake(shown(self.path), self.line(place), ".".join(map(str, place)), sentence)

    def value(self, place: Place) -> Any:
        """What stands at a place, or None."""
        value: Any = self.values
        for key in place:
            try:
                value = value[key]
            except (KeyError, IndexError, TypeError):
                return None
        return value


@dataclass(frozen=True)
class Mistake:
    """One thing that is wrong in a file."""

    file: str
    line: int
    key: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.key}: {self.sentence}"


def raise_all(mistakes: Iterable[Mistake | str]) -> None:
    """One SetupError with a line for each mistake, or nothing if there is none. Those of a file go by line."""
    found = list(mistakes)
    ordered = sorted(found, key=lambda item: (item.file, item.line) if isinstance(item, Mistake) else ("", 0))
    if ordered:
        raise SetupError("\n".join(map(str, ordered)))


def read_toml(path: Path) -> TomlFile:
    """A TOML file; raises SetupError with the line on which it is none."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SetupError(f"{shown(path)}: expected a TOML file, found none ({error.strerror}).") from error
    try:
        text = content.decode().replace("\r\n", "\n")
        return TomlFile(path, text, tomllib.loads(text))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SetupError(f"{shown(path)}:{line}: not valid TOML: expected UTF-8, found other bytes.") from error
    except tomllib.TOMLDecodeError as error:
        place = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", str(error))
        what = str(error)[: place.start()] if place else str(error)
        line = int(place[1]) if place and place[1] else len(text.rstrip().split("\n"))
        raise SetupError(f"{shown(path)}:{line}: not valid TOML: {what}.") from error
    except RecursionError as error:
        raise SetupError(f"{shown(path)}:1: not valid TOML: lists or tables are nested too deeply.") from error


def shown(path: Path) -> str:
    """A path as people name it: from the current folder on, if it lies there."""
    try:
        return path.absolute().relative_to(Path.cwd()).as_posix()
    except (ValueError, OSError):
        return str(path)


def mistakes_in(
    error: ValidationError, model: type[BaseModel], file: TomlFile, prefix: Place = (), refused: Mapping[str, str] = {}
) -> Iterator[Mistake]:
    """Every mistake that pydantic found, in our words.

    Args:
        error: raised by `model` for the table at `prefix` of the file.
        model: knows the keys that there are.
        file: where it was read from.
        prefix: the table in the file that was validated.
        refused: keys of the model that are not written in the file, and why.
    """
    items = error.errors(include_url=False)
    known = [name for name in model.model_fields if name not in refused]
    guesses = {(*item["loc"][:-1], _guess(item, model, known)) for item in items if item["type"] == "extra_forbidden"}
    for item in items:
        if item["type"] == "missing" and item["loc"] in guesses:
            continue  # it is there, but misspelt: that is told already
        place = (*prefix, *item["loc"])
        if item["type"] == "extra_forbidden":
            yield file.mistake(place, _unknown(item, model, known))
        else:
            yield file.mistake(place, _sentence(item, file.value(place)))


def _fields(model: type[BaseModel], loc: Place, top: Sequence[str]) -> list[str]:
    """The keys of the table in which a place lies."""
    names = list(top)
    for key in loc[:-1]:
        if isinstance(key, int):  # a place in a list of tables
            continue
        inner = _table(model, key)
        if inner is None:
            return []
        model, names = inner, list(inner.model_fields)
    return names


def _table(model: type[BaseModel], name: str) -> type[BaseModel] | None:
    """The record that a key holds, or None if it holds something else."""
    field = model.model_fields.get(name)
    kinds = [field.annotation, *getattr(field.annotation, "__args__", ())] if field is not None else []
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _guess(item: ErrorDetails, model: type[BaseModel], top: Sequence[str]) -> str | None:
    """The known key of the same table that is most like an unknown one."""
    return close(str(item["loc"][-1]), _fields(model, item["loc"], top))


def _unknown(item: ErrorDetails, model: type[BaseModel], top: Sequence[str]) -> str:
    """What to do about an unknown key."""
    name, loc = str(item["loc"][-1]), item["loc"]
    homes = [table for table in top if (inner := _table(model, table)) is not None and name in inner.model_fields]
    if homes:
        return f"unknown key here; it belongs under [{homes[0]}]."
    if len(loc) > 1 and name in top:
        return "unknown key here; it belongs above all tables."
    return unknown("key", name, _fields(model, loc, top))


def close(word: str, known: Iterable[str]) -> str | None:
    """The known word that is most like this one, if any is like it at all."""
    table = {name.casefold(): name for name in known}
    found = difflib.get_close_matches(word.casefold(), table, n=1, cutoff=0.6)
    return table[found[0]] if found else None


def unknown(what: str, word: str, known: Iterable[str]) -> str:
    """That a word is not known, and which one may be meant; all there are if none is like it."""
    words = list(known)
    guess = close(word, words)
    return (
        f"unknown {what}; did you mean {guess}?" if guess else f"unknown {what}. Known: {', '.join(words) or 'none'}."
    )


def _sentence(item: ErrorDetails, found: Any) -> str:
    """What was expected and what was found, for anything but an unknown key."""
    kind, context = item["type"], item.get("ctx", {})
    if kind == "missing":
        return "required, and not there. Add it."
    if kind == "literal_error":
        choices = re.findall(r"'([^']*)'", str(context["expected"]))
        guess = close(found, choices) if isinstance(found, str) else None
        meant = f"; did you mean {guess}?" if guess else "."
        return f"expected one of {', '.join(choices)}, found {said(found)}{meant}"
    if kind in KINDS:
        return f"expected {KINDS[kind].format(**context)}, found {said(found)}."
    return item["msg"].removeprefix("Value error, ")


def said(value: Any) -> str:
    """A value as it would stand in the file, shortened."""
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value) if isinstance(value, str | int | float | list) else f"a {type(value).__name__}"
    text = "a table" if isinstance(value, dict) else text
    return text if len(text) <= 60 else f"{text[:57]}..."
