"""On which line each key of a TOML text stands.

`tomllib` gives the values and no places, so the text is read a second time here. It is known to be right by then: this
reader only has to tell keys, values and comments apart, and never decides whether a text is TOML.
"""

import re
import tomllib
from collections.abc import Callable

Place = tuple[str | int, ...]
"""The way to a value: keys, and numbers of elements counted from 0."""

_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'',
    re.DOTALL,
)
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_PLAIN_VALUE = re.compile(r"[^,\]}#\n]+")


def lines_of_keys(text: str) -> dict[Place, int]:
    """The line of every key and of every element of a list, counted from 1. `text` must be right TOML.

    A table has the line of its header, or of the first key through which it is named if it has none.
    """
    return _Reader(text).lines


class _Reader:
    """Goes through a text once; `at` is the place of the next character."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.lines: dict[Place, int] = {}
        self.last: dict[Place, int] = {}
        """For each list of tables, the number of its last one."""
        table: Place = ()
        self.skip_space()
        while self.at < len(text):
            table = self.header() if self.next_is("[") else table
            if not self.next_is("[") and self.at < len(text):
                self.pair(table)
            self.skip_space()

    def next_is(self, mark: str) -> bool:
        return self.text.startswith(mark, self.at)

    def skip_space(self) -> None:
        """Go past spaces, line ends and comments."""
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def note(self, place: Place, *, explicit: bool = True) -> None:
        """A place is named here; what only lies on the way to another keeps the line where it was named first."""
        line = self.text.count("\n", 0, self.at) + 1
        if explicit:
            self.lines[place] = line
        else:
            self.lines.setdefault(place, line)

    def header(self) -> Place:
        """Go past `[a.b]` or `[[a.b]]` and what is empty behind it."""
        several = self.next_is("[[")
        start = self.at
        self.at += 2 if several else 1
        keys = self.keys()
        end = self.at + (2 if several else 1)
        self.at = start
        place: Place = ()
        for key in keys[:-1]:
            place = self.inside((*place, key))
            self.note(place, explicit=False)
        place = (*place, keys[-1])
        self.note(place, explicit=not several)
        if several:
            self.last[place] = self.last.get(place, -1) + 1
            place = (*place, self.last[place])
            self.note(place)
        self.at = end
        self.skip_space()
        return place

    def inside(self, place: Place) -> Place:
        """A place, or the last table in the list there."""
        return (*place, self.last[place]) if place in self.last else place

    def keys(self) -> list[str]:
        """Go past a dotted key, up to the `=` or `]` behind it."""
        found = []
        while True:
            self.skip_space()
            quoted = _STRING.match(self.text, self.at)
            word = quoted or _BARE.match(self.text, self.at)
            assert word is not None
            found.append(str(tomllib.loads(f"key = {word[0]}")["key"]) if quoted else word[0])
            self.at = word.end()
            self.skip_space()
            if not self.next_is("."):
                return found
            self.at += 1

    def pair(self, table: Place) -> None:
        """Go past `key = value`."""
        start = self.at
        keys = self.keys()
        after, self.at = self.at + 1, start
        place = table
        for number, key in enumerate(keys, start=1):
            place = (*place, key)
            self.note(place, explicit=number == len(keys))
        self.at = after
        self.skip_space()
        self.value(place)

    def value(self, place: Place) -> None:
        """Go past a value, noting what is in it."""
        if self.next_is("{"):
            self.parts("}", lambda _: self.pair(place))
        elif self.next_is("["):
            self.parts("]", lambda number: self.element((*place, number)))
        else:
            found = _STRING.match(self.text, self.at) or _PLAIN_VALUE.match(self.text, self.at)
            assert found is not None
            self.at = found.end()

    def element(self, place: Place) -> None:
        self.note(place)
        self.value(place)

    def parts(self, end: str, go_past: Callable[[int], None]) -> None:
        """Go past what stands between brackets, one part after another."""
        self.at += 1
        number = 0
        self.skip_space()
        while not self.next_is(end):
            go_past(number)
            number += 1
            self.skip_space()
            self.at += self.next_is(",")
            self.skip_space()
        self.at += 1
