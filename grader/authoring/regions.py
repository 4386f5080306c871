"""Regions: what students write, between a comment that starts and a comment that ends it.

A region starts with `# YOUR CODE STARTS HERE` or `### BEGIN SOLUTION` and ends with `# YOUR CODE ENDS HERE` or
`### END SOLUTION`. Each of them stands alone on its line. Comments come from the tokenizer, so that the same words in
a string mark nothing. Lines directly below the start that begin with `#:` (or `# TODO:`) are hints, and stay.
"""

import re
import tokenize
from dataclasses import dataclass

from grader.authoring.passages import Passage, raise_together
from grader.errors import SetupError

_STARTS = {"YOUR CODE STARTS HERE": "YOUR CODE ENDS HERE", "BEGIN SOLUTION": "END SOLUTION"}
_ENDS = set(_STARTS.values())
_ALMOST = re.compile(r"your +codes? +(starts?|begins?|ends?)|(begin|start|end) +solution", re.IGNORECASE)
_HINT = re.compile(r"#(?::| ?TODO:)\s*(.*)")


@dataclass(frozen=True)
class Region:
    """A region by the rows of its two markers, with the hints that students keep."""

    start: int
    end: int
    indent: str
    hints: tuple[tuple[int, str], ...] = ()
    """(row, text) of each, without `#:`."""


def find_regions(passage: Passage) -> list[Region]:
    """The regions in order; raises SetupError that lists every marker that has no partner or is misplaced."""
    found: list[Region] = []
    problems: list[SetupError] = []
    opened: tuple[int, str] | None = None
    for token in passage.comments:
        row, words = token.start[0], token.string.strip("# \t")
        problem = _mistake(passage, token, words, opened)
        if problem:
            problems.append(SetupError(f"{passage.at(row)}: {problem}"))
        if words in _STARTS and opened is None:
            opened = row, words
        elif words in _ENDS and opened is not None:
            found.append(_region(passage, opened[0], row))
            opened = None
    if opened is not None:
        problems.append(
            SetupError(f"{passage.at(opened[0])}: this region has no end. Add `# {_STARTS[opened[1]]}` below it.")
        )
    raise_together(problems)
    return found


def _mistake(passage: Passage, token: tokenize.TokenInfo, words: str, opened: tuple[int, str] | None) -> str | None:
    """What is wrong with a comment as a marker; None if nothing is, or if it is none."""
    if words not in _STARTS and words not in _ENDS:
        if _ALMOST.match(words):
            known = ", ".join(f"`# {word}`" for pair in _STARTS.items() for word in pair)
            return f"{token.string!r} is almost a marker. Write one of {known}, and nothing else on the line."
        return None
    if passage.rows[token.start[0] - 1].strip() != token.string:
        return "a marker stands behind code. Give it a line of its own."
    if words in _STARTS:
        return f"a region starts inside the region of line {opened[0]}. End that one first." if opened else None
    if opened is None:
        return "a region ends here that did not start. Remove the marker, or add the one that starts it."
    if _STARTS[opened[1]] != words:
        return f"expected `# {_STARTS[opened[1]]}`, for the region of line {opened[0]}, found `# {words}`."
    return None


def _region(passage: Passage, start: int, end: int) -> Region:
    marker = passage.rows[start - 1]
    alone = {token.start[0]: token.string for token in passage.comments if start < token.start[0] < end}
    code = {token.start[0] for token in passage.code}
    hints, row = [], start + 1
    while row in alone and row not in code and (match := _HINT.fullmatch(alone[row].rstrip())):
        hints.append((row, match[1]))
        row += 1
    return Region(start, end, marker[: len(marker) - len(marker.lstrip())], tuple(hints))
