"""Code that a starter gives, and whether it is still there in a hand-in.

Compared are tokens, line of the starter by line: comments, docstrings, spaces, kinds of quotes, line breaks between
brackets, commas before a bracket, cells and their order do not count, and what was added counts for nothing. A line
whose tokens are nowhere in the hand-in is missing: it was changed or removed.
"""

import ast
import io
import tokenize
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from grader.authoring.notebook import passages_of, read_notebook
from grader.authoring.passages import Passage, without_magics
from grader.authoring.regions import find_regions
from grader.errors import SetupError

_BEGIN, _END = "\x02", "\x03"
"""Of a logical line."""
_LEFT_OUT = {tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER, tokenize.ENCODING}
_MEANS_SOMETHING = {tokenize.NAME, tokenize.NUMBER, tokenize.STRING}
_CLOSING = (")", "]", "}")
_MOST_CHARACTERS = 2_000_000
"""Of a hand-in that is looked at: beyond that it is no answer to a starter."""


def missing_lines(name: str, starter: str, cells: Sequence[str]) -> list[str]:
    """Lines that a starter, module or notebook, gives outside its regions and that the cells of a hand-in have not."""
    if sum(map(len, cells)) > _MOST_CHARACTERS:
        return []
    passages = passages_of(name, read_notebook(name, starter)) if name.endswith(".ipynb") else [Passage(name, starter)]
    given = [line for passage in passages for line in _given(passage)]
    stream = "".join(_spelled(words) for cell in cells for words in _lines(without_magics(cell)))
    missing = []
    wanted: Counter[str] = Counter()
    for shown, needle in given:
        wanted[needle] += 1
        if stream.count(needle) < wanted[needle]:
            missing.append(shown)
    return missing


def count_given(name: str, starter: str) -> int:
    """How many lines a starter gives."""
    passages = passages_of(name, read_notebook(name, starter)) if name.endswith(".ipynb") else [Passage(name, starter)]
    return sum(1 for passage in passages for _ in _given(passage))


def _given(passage: Passage) -> Iterator[tuple[str, str]]:
    """(as written, as compared) of each row outside of regions that says something."""
    try:
        regions, docstrings = find_regions(passage), _docstring_rows(passage.tree)
        tokens = passage.tokens
    except SetupError:
        return
    rows: dict[int, list[str]] = {}
    telling = set()
    for token, words in _words(tokens):
        row = token.start[0]
        inside = any(region.start < row < region.end for region in regions)
        if not inside and row not in docstrings:
            rows.setdefault(row, []).extend(words)
            if token.type in _MEANS_SOMETHING:
                telling.add(row)
    for row, words in rows.items():
        written = passage.rows[row - 1].strip()
        if row in telling and written == written.lstrip("%!"):
            yield written, _spelled(words)


def _docstring_rows(tree: ast.Module) -> set[int]:
    """Rows of statements that are only a string."""
    strings = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    ]
    return {row for node in strings for row in range(node.lineno, (node.end_lineno or node.lineno) + 1)}


def _lines(text: str) -> Iterator[list[str]]:
    """The words of a text of any kind; what is not Python is read row by row, each as far as it has tokens."""
    tokens, whole = _tokens(text)
    if whole:
        yield [word for _, words in _words(tokens) for word in words]
        return
    for row in text.split("\n"):
        yield [word for _, words in _words(_tokens(row.strip())[0]) for word in words]


def _tokens(text: str) -> tuple[list[tokenize.TokenInfo], bool]:
    """The tokens of a text, and whether it could be read to its end."""
    found: list[tokenize.TokenInfo] = []
    try:
        found.extend(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, SyntaxError, ValueError, RecursionError):
        return found, False
    return found, True


def _words(tokens: Iterable[tokenize.TokenInfo]) -> Iterator[tuple[tokenize.TokenInfo, list[str]]]:
    """Each token that counts with its words: normalised text, and where logical lines begin and end."""
    kept = [token for token in tokens if token.type not in _LEFT_OUT]
    begins = True
    for token, following in pairwise([*kept, None]):
        assert token is not None
        ends = token.type == tokenize.NEWLINE or token.string == ";"
        if ends:
            if not begins:
                yield token, [_END]
            begins = True
        elif not (token.string == "," and following is not None and following.string in _CLOSING):
            yield token, [*([_BEGIN] if begins else []), _normal(token)]
            begins = False


def _normal(token: tokenize.TokenInfo) -> str:
    """The text of a token; strings as Python writes them."""
    if token.type != tokenize.STRING:
        return token.string.replace("'", '"')
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # doubtful escapes in a student's string are not our business
            return repr(ast.literal_eval(token.string))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return token.string


def _spelled(words: Iterable[str]) -> str:
    """Words so that none is part of another, and neighbours share nothing."""
    return "".join(f"\x00{word}\x01" for word in words)
