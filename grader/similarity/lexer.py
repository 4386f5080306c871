"""From source text to tokens, whatever the text is.

Python's own tokenizer refuses a program with a bracket too few, and differs between versions of Python. A hand-in that
does not parse is compared like any other, so that words are found here by one regular expression that matches at every
place of every text: linear in its length, without recursion, and never an error.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from grader.model.submission import Source

Kind = Literal["name", "number", "string", "sign", "line"]
"""`line` is the end of a line outside brackets, and stands for a semicolon too."""

MAX_TOKENS = 200_000
"""Of one hand-in; what comes later is not compared. A long hand-in has three thousand; a table of numbers may have more."""
BEGINS_A_STATEMENT = frozenset({"def", "class", "return", "import", "while", "try", "with", "raise", "del"})
"""Never the first word of a line inside brackets: there, a bracket before it was not closed."""
PYTHON_CELLS = ("time", "timeit", "capture", "prun", "python", "python3")
"""Cell magics below which there is Python; below others there is JavaScript, a shell script, or a file."""

_TOKEN = re.compile(
    r"""
      (?P<blank> [ \t\f\ufeff]+ | \\\n | \#[^\n]* )
    | (?P<string> [rRbBuUfFtT]{0,2} (?:
          \"\"\" [^\\"]*+ (?:\\.[^\\"]*+)*+ (?: \"(?!\"\") [^\\"]*+ (?:\\.[^\\"]*+)*+ )* (?:\"\"\")?
        | ''' [^\\']*+ (?:\\.[^\\']*+)*+ (?: '(?!'') [^\\']*+ (?:\\.[^\\']*+)*+ )* (?:''')?
        | " (?: [^\\"\n] | \\. )*+ "?
        | ' (?: [^\\'\n] | \\. )*+ '? ) )
    | (?P<number> (?: 0[xXoObB][\da-fA-F_]+ | (?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d[\d_]*)?[jJ]? ) )
    | (?P<name> \w+ )
    | (?P<line> \n | ; )
    | (?P<sign> \*\*=? | //=? | >>=? | <<=? | [!=<>:+*/%&|^@-]= | -> | \.\.\. | . )
    """,
    re.VERBOSE | re.DOTALL,
)
"""Nothing that gives nothing back (`*+`) looks ahead inside: Python 3.11.2, Debian 12's, gets that wrong."""
_MAGIC = re.compile(r"^[ \t]*(?:[!?]|%(?![ \t=]))")
"""A line for IPython, not for Python. A line that goes on from the one before may begin with `% `, but not so."""


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a program and where it stands."""

    kind: Kind
    text: str
    cell: int
    start: int
    end: int
    """Offsets in the text of the cell."""
    indent: int
    """Columns before the first word of its line."""


def tokens(source: Source) -> list[Token]:
    """All tokens of a hand-in, comments and magics left out, cell after cell; each cell ends with a `line`."""
    found: list[Token] = []
    for cell in source.cells:
        for token in _cell_tokens(cell.number, without_magics(cell.text)):
            if len(found) >= MAX_TOKENS:
                return found
            found.append(token)
    return found


def without_magics(text: str) -> str:
    """The text of a cell in which lines for IPython are blank, as long as before."""
    head = re.match(r"\s*%%(\w*)", text)
    if head is not None and head[1] not in PYTHON_CELLS:
        return ""
    if not any(sign in text for sign in "%!?"):
        return text
    return "\n".join(" " * len(line) if _MAGIC.match(line) else line for line in text.split("\n"))


def comments(source: Source) -> Iterator[str]:
    """The comments of a hand-in, without their signs."""
    for cell in source.cells:
        for match in _TOKEN.finditer(without_magics(cell.text)) if "#" in cell.text else ():
            if match.lastgroup == "blank" and match[0].startswith("#"):
                yield match[0].lstrip("#!").strip()


def _cell_tokens(number: int, text: str) -> Iterator[Token]:
    depth, indent, column = 0, 0, 0
    begun, fresh = False, True  # inside a statement; at the beginning of a line
    for match in _TOKEN.finditer(text):
        kind, word = match.lastgroup, match[0]
        if kind == "blank":
            if fresh and not word.startswith(("#", "\\")):
                column = len(word.expandtabs())
            continue
        if kind == "line":
            fresh, column = (True, 0) if word == "\n" else (fresh, column)
            if (depth and fresh) or not begun:
                continue
            begun = False
        elif fresh and depth and word in BEGINS_A_STATEMENT:
            yield Token("line", "\n", number, match.start(), match.start(), indent)
            begun = False
        if kind != "line":
            fresh = False
            if not begun:
                depth, indent, begun = 0, column, True
        if kind == "sign":
            depth = depth + 1 if word in "([{" else max(depth - 1, 0) if word in ")]}" else depth
        yield Token(kind, word, number, match.start(), match.end(), indent)  # type: ignore[arg-type]
    if begun:
        yield Token("line", "\n", number, len(text), len(text), indent)
