"""Whether something of a solution is left in what students get.

Three things are looked for. *Words*: an identifier, number or string of the starter's code that the reference has only
inside its regions. *Hints*: the same in the text of a hint, for words that look like code. *Lines*: a line of code
from inside a region, however it is quoted and spaced, anywhere in what is released, be it a comment, a Markdown cell
or the handout. A word in a comment or docstring outside the regions is the author's to say, and no secret.
"""

import ast
import builtins
import keyword
import re
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass

from grader.authoring.cuts import Cut
from grader.authoring.passages import Passage
from grader.errors import SetupError

_COMMON = {*dir(builtins), *keyword.kwlist, "self", "cls"}
_SHORTEST_LINE = 20
"""Characters, without spaces, of a line that says something."""
_SHORTEST_QUOTE = 40
"""The same in prose, which may show how a function is called."""
_PROSE_NUMBER = r"(?<![\w.])\d+(?:\.\d+)?"
_TELLING = re.compile(r"`[^`]+`|\w+(?=\()|(?<=\.)[^\W\d]\w*|\w*[_\d]\w*|\w*[a-z][A-Z]\w*")
"""What looks like code in a sentence: between backticks, called, behind a dot, with `_`, a digit or a capital inside."""
_NAMES = ("id", "attr", "arg", "name", "asname", "rest", "module")


@dataclass(frozen=True)
class Secrets:
    """What only the regions of a reference have."""

    words: frozenset[str]
    lines: frozenset[str]

    def except_lines(self, text: str) -> "Secrets":
        """The same without the lines of code of a text that students get."""
        shown = {squeezed(line) for line in text.split("\n") if not line.lstrip().startswith("#")}
        return Secrets(self.words, self.lines - shown)


def find_secrets(passages: Sequence[Passage], cuts: Sequence[Sequence[Cut]], prose: Iterable[str] = ()) -> Secrets:
    """The words and lines that stand inside regions and nowhere else; `prose` is what else students read."""
    inside: set[str] = set()
    outside: set[str] = set()
    text = list(prose)
    hidden: set[str] = set()
    shown: set[str] = set()
    for passage, its_cuts in zip(passages, cuts, strict=True):
        nodes = [node for cut in its_cuts for node in cut.nodes]
        inside.update(word for node in nodes for word in code_words(node))
        outside.update(code_words(passage.tree, {id(node) for node in nodes}))
        regions = [cut.region for cut in its_cuts]
        for token in passage.comments:
            if not any(region.start < token.start[0] < region.end for region in regions):
                text.append(token.string)
        comments = {token.start[0] for token in passage.comments}
        hints = {row for region in regions for row, _ in region.hints}
        for row, line in enumerate(passage.rows, start=1):
            if row in hints:
                continue
            if any(region.start < row < region.end for region in regions):
                hidden.add(squeezed(line))
            elif row not in comments or not line.lstrip().startswith("#"):
                shown.add(squeezed(line))
    text += [ast.literal_eval(word) for word in outside if word[0] in "'\""]
    said = " ".join(text)
    words = {word for word in inside - outside if not _is_common(word) and not _is_said(word, said)}
    lines = {line for line in hidden - shown if len(line) >= _SHORTEST_LINE}
    return Secrets(frozenset(words), frozenset(lines))


def refuse_hints(passage: Passage, cuts: Sequence[Cut], secrets: Secrets) -> list[SetupError]:
    """A SetupError for each hint with a secret in it."""
    problems = []
    for cut in cuts:
        for row, hint in cut.region.hints:
            told = sorted({word for word in _telling_words(hint) if word in secrets.words})
            if told:
                problems.append(
                    SetupError(
                        f"{passage.at(row)}: the hint gives away {', '.join(told)}, which only the solution has. Say "
                        "it in other words, or, if students may know it, in a comment above the region."
                    )
                )
    return problems


def refuse_words(name: str, tree: ast.AST, secrets: Secrets) -> list[SetupError]:
    """A SetupError that names the secret words in a starter's code."""
    told = sorted(set(code_words(tree)) & secrets.words)
    if not told:
        return []
    return [SetupError(f"{name}: the starter would hold {', '.join(told[:8])}, which only the solution has.")]


def refuse_lines(name: str, text: str, secrets: Secrets) -> list[SetupError]:
    """A SetupError for each line of a released text that is a line of the solution."""
    return _refuse_lines(name, text, secrets.lines)


def refuse_quotes(name: str, text: str, secrets: Secrets) -> list[SetupError]:
    """The same for Markdown, in which only a long line is a line of the solution."""
    return _refuse_lines(name, text, {line for line in secrets.lines if len(line) >= _SHORTEST_QUOTE})


def _refuse_lines(name: str, text: str, lines: Set[str]) -> list[SetupError]:
    return [
        SetupError(f"{name}, line {row}: students would get a line of the solution: {line.strip()!r}. Remove it there.")
        for row, line in enumerate(text.split("\n"), start=1)
        if squeezed(line) in lines
    ]


def code_words(node: ast.AST, skipped: Set[int] = frozenset()) -> Iterator[str]:
    """Identifiers, and numbers and strings as Python writes them, of a tree without the nodes in `skipped`."""
    if id(node) in skipped:
        return
    if isinstance(node, ast.Constant):
        if not (node.value is None or node.value is Ellipsis or isinstance(node.value, bool)):
            yield repr(node.value)
    else:
        for name in _NAMES:
            value = getattr(node, name, None)
            if isinstance(value, str):
                yield from value.split(".")
        for name in ("names", "kwd_attrs"):
            yield from (value for value in getattr(node, name, ()) if isinstance(value, str))
    for child in ast.iter_child_nodes(node):
        yield from code_words(child, skipped)


def squeezed(line: str) -> str:
    """A line without spaces, kinds of quotes, and marks of a comment or a list at its ends."""
    return re.sub(r"\s", "", line).replace('"', "'").strip("#`*->,:")


def _is_common(word: str) -> bool:
    """Whether a word says nothing: it is of Python itself, or only one or two characters long."""
    return word in _COMMON or len(word.strip("'\"")) < 2 or word in ("''", '""')


def _is_said(word: str, text: str) -> bool:
    if word[0] in "'\"":
        return ast.literal_eval(word).strip() in text
    if word[0].isdigit() and not word.endswith("j"):
        return float(word) in map(float, re.findall(_PROSE_NUMBER, text))
    return re.search(rf"\b{re.escape(word)}\b", text) is not None


def _telling_words(hint: str) -> Iterator[str]:
    """The words of a hint that look like code, each as `code_words` would write it."""
    for piece in [*_TELLING.findall(hint), *re.findall(r"\d+\.\d+", hint)]:
        yield from re.findall(r"[^\W\d]\w*|\d+(?:\.\d+)?", piece)
    for number in re.findall(_PROSE_NUMBER, hint):
        yield repr(float(number))
        if float(number).is_integer():
            yield repr(int(float(number)))
    for quoted in re.findall(r"\"([^\"]+)\"|'([^']+)'|`([^`]+)`", hint):
        yield repr(next(filter(None, quoted)))
