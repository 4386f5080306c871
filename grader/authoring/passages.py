"""Pieces of Python text that know where they stand: a module, or one cell of a notebook."""

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from grader.errors import SetupError

_NOT_PYTHON = re.compile(r"\s*(?:[\w, ]+=\s*)?[%!]|\s*\?|.*\?\s*$")
_LAYOUT = {tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER, tokenize.COMMENT}


@dataclass(frozen=True)
class Passage:
    """A module or a code cell; rows are counted from 1, as an editor shows them."""

    name: str
    text: str
    cell: int | None = None

    def at(self, row: int) -> str:
        """Where a person finds this row."""
        return f"{self.name}:{row}" if self.cell is None else f"{self.name}, cell {self.cell}, line {row}"

    @property
    def rows(self) -> list[str]:
        """The lines, without their ends."""
        return self.text.split("\n")

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree; raises SetupError where the text is not Python."""
        return self._parsed[1]

    @cached_property
    def tokens(self) -> list[tokenize.TokenInfo]:
        """All tokens of the text, in which lines that only IPython understands count as `pass`."""
        return list(tokenize.generate_tokens(io.StringIO(self._parsed[0]).readline))

    @property
    def comments(self) -> list[tokenize.TokenInfo]:
        """The comments. What looks like one inside a string is not among them."""
        return [token for token in self.tokens if token.type == tokenize.COMMENT]

    @cached_property
    def code(self) -> list[tokenize.TokenInfo]:
        """Tokens that mean something: neither comments nor layout."""
        return [token for token in self.tokens if token.type not in _LAYOUT]

    @cached_property
    def _parsed(self) -> tuple[str, ast.Module]:
        problem: SyntaxError | ValueError | None = None
        for text in [self.text] if self.cell is None else [self.text, without_magics(self.text)]:
            try:
                return text, parse(text)
            except (SyntaxError, ValueError) as error:
                problem = error
        row = getattr(problem, "lineno", None) or 1
        found = getattr(problem, "msg", None) or problem
        raise SetupError(f"{self.at(row)}: expected Python, found: {found}. Correct the reference.")


def parse(text: str) -> ast.Module:
    """The syntax tree of a text; raises SyntaxError or ValueError. Doubtful escapes are not our business."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        return ast.parse(text)


def without_magics(text: str) -> str:
    """The text of a cell, row by row, with `pass` where a row is for IPython."""
    rows, continued = [], False
    for row in text.split("\n"):
        magic = continued or bool(_NOT_PYTHON.match(row))
        continued = magic and row.rstrip().endswith("\\")
        rows.append(row[: len(row) - len(row.lstrip())] + "pass" if magic else row)
    return "\n".join(rows)


def raise_together(problems: Sequence[SetupError]) -> None:
    """One SetupError that says everything, or nothing if there is nothing to say."""
    if problems:
        raise SetupError("; ".join(map(str, problems))) from problems[0]
