"""Text of students, made fit to be looked at: nothing hidden, nothing endless."""

import re
import unicodedata

LONGEST_LINE = 2_000
MOST_LINES = 5_000
LONGEST_MESSAGE = 4_000
NAMES = {"\0": "NUL", "\a": "bell", "\b": "backspace", "\r": "return", "\x1b": "escape", "\x7f": "delete"}
RUN = re.compile(r"([^\t])\1*")
SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")
"""Escape sequences of a terminal: control sequences, commands to the operating system, and two-character ones."""


def visible(text: str) -> str:
    """The text with every character that has no look of its own written out; line ends and tabs stay.

    The usual control characters become words (`⟨escape⟩`), other unseen ones numbers (`⟨U+202E⟩`); a run of more than
    three is said once with its length (`⟨backspace⟩×76`).
    """
    if text.isprintable():
        return text
    return "\n".join(line if line.isprintable() else RUN.sub(_shown, line) for line in text.split("\n"))


def _shown(run: re.Match[str]) -> str:
    char, count = run[1], len(run[0])
    if char.isprintable() or unicodedata.category(char) == "Zs":
        return run[0]
    name = f"⟨{NAMES.get(char, f'U+{ord(char):04X}')}⟩"
    return name * count if count <= 3 else f"{name}×{count}"


def in_one_line(text: str, longest: int = 300) -> str:
    """The text in one line, shortened in the middle."""
    return shortened(" ".join(visible(text).split()), longest)


def clear(text: str) -> str:
    """A message as it may be shown: every character visible, the middle of a very long one left out."""
    return visible(shortened(text, LONGEST_MESSAGE))


def shortened(text: str, longest: int) -> str:
    """At most about so many characters: from a longer text the middle is left out, and it says how much."""
    if len(text) <= longest:
        return text
    head = longest * 2 // 3
    tail = longest - head
    return f"{text[:head]} … {len(text) - longest:,} characters left out … {text[len(text) - tail :]}"


def printed(text: str, most_lines: int = 200) -> str:
    """Printed text as a terminal would show it in the end, at most so many lines.

    Colours are dropped; a carriage return goes to the beginning of the line and a backspace one place back, and what
    comes next overwrites what stood there.
    """
    lines = SEQUENCE.sub("", text).split("\n")
    if len(lines) > most_lines:
        head = most_lines // 2
        left_out = f"… {len(lines) - most_lines:,} lines left out …"
        lines = [*lines[:head], left_out, *lines[len(lines) - (most_lines - head) :]]
    return "\n".join(shortened(visible(_as_left(line)), LONGEST_LINE) for line in lines).strip("\n")


def _as_left(line: str) -> str:
    """What stands in a line after its carriage returns and backspaces."""
    if "\r" not in line and "\b" not in line:
        return line
    cells: list[str] = []
    place = 0
    for part in re.split(r"(\r|\x08+)", line):
        if part == "\r":
            place = 0
        elif part.startswith("\b"):
            place = max(place - len(part), 0)
        else:
            cells[place : place + len(part)] = part
            place += len(part)
    return "".join(cells)


def code_lines(text: str) -> list[str]:
    """The lines of a program; very long ones shortened, and no more than a person would read."""
    lines = text.removesuffix("\n").split("\n")
    left_out = [f"… {len(lines) - MOST_LINES:,} lines left out …"] if len(lines) > MOST_LINES else []
    return [shortened(visible(line), LONGEST_LINE) for line in lines[:MOST_LINES]] + left_out
