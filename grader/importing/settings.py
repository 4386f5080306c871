"""The settings of otter's cells: the part of YAML in which they are written.

One `key: value` a line; a value is a number, a truth value, a text, `[a, b]`, `{a: b}`, or a list or table indented
below its key. What cannot be read is an error, never a guess.
"""

import re
from typing import Any

_PAIR = re.compile(r"([\w .-]+?)\s*:(?:\s+(.*))?$")
_WORDS = {"true": True, "false": False, "yes": True, "no": False, "on": True, "off": False, "null": None, "~": None}


def read_settings(text: str) -> dict[str, Any]:
    """The settings by key; ValueError names the line that is none."""
    rows = []
    for number, row in enumerate(text.split("\n"), start=1):
        plain = re.sub(r"(^|\s)#.*$", "", row.expandtabs()).rstrip()
        if plain.strip():
            rows.append((number, len(plain) - len(plain.lstrip()), plain.strip()))
    value, rest = _block(rows, 0)
    if rest or not isinstance(value, dict):
        number = rest[0][0] if rest else 1
        raise ValueError(f"line {number}: expected `key: value`")
    return value


Rows = list[tuple[int, int, str]]


def _block(rows: Rows, least: int) -> tuple[Any, Rows]:
    """The table or list that begins here, and the rows behind it."""
    if not rows or rows[0][1] < least:
        return {}, rows
    indent = rows[0][1]
    listed: list[Any] = []
    table: dict[str, Any] = {}
    is_list = rows[0][2].startswith("- ") or rows[0][2] == "-"
    while rows and rows[0][1] == indent:
        number, _, row = rows[0]
        if is_list:
            if not row.startswith("-"):
                break
            listed.append(scalar(row[1:].strip()))
            rows = rows[1:]
            continue
        match = _PAIR.match(row)
        if match is None:
            raise ValueError(f"line {number}: expected `key: value`, found {row!r}")
        rows = rows[1:]
        key, written = match[1].strip(), match[2]
        if written:
            table[key] = scalar(written.strip())
        elif rows and (rows[0][1] > indent or (rows[0][1] == indent and rows[0][2].startswith("- "))):
            table[key], rows = _block(rows, rows[0][1])
        else:
            table[key] = None
    return (listed if is_list else table), rows


def scalar(text: str) -> Any:
    """One value."""
    if text.startswith("[") and text.endswith("]"):
        return [scalar(item.strip()) for item in text[1:-1].split(",") if item.strip()]
    if text.startswith("{") and text.endswith("}"):
        pairs = [item.partition(":") for item in text[1:-1].split(",") if item.strip()]
        return {key.strip(): scalar(value.strip()) for key, _, value in pairs}
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if re.fullmatch(r"[-+]?\d+", text):
        return int(text)
    if re.fullmatch(r"[-+]?(\d+\.\d*|\.\d+)(e[-+]?\d+)?", text, re.IGNORECASE):
        return float(text)
    return text
