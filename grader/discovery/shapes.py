"""What a text is by the look of its lines, for files whose name says one thing and content another.

Nothing is parsed: students' files are often not quite Python, and a parser would say no where a person sees code.
"""

import re
from typing import Literal

Shape = Literal["python", "markdown", "page", "json", "unknown"]

_MAX_CHARACTERS = 200_000
_MAX_LINE = 400
_PAGE = re.compile(r"(?is)(?:<\?xml[^>]*>\s*|<!--(?:(?!-->).)*-->\s*)*<(?:!doctype\s+html|html|head|body)\b")
_FENCE = re.compile(r"(?:```|~~~)")
_PYTHON = re.compile(
    r"""
      import\s+[\w.]+(?:\s+as\s+\w+)?(?:\s*,[\w\s.,]*)?\s*(?:\#.*)?$
    | from\s+[\w.]+\s+import\b
    | (?:async\s+)?def\s+\w+\s*\(
    | class\s+\w+\s*[:(]
    | @\w
    | (?:if|for|while|with|elif)\b.*:\s*(?:\#.*)?$
    | (?:try|else|finally)\s*:
    | print\s*\(
    | [A-Za-z_][\w.]*(?:\s*\[[^\]]*\])?(?:\s*,\s*[A-Za-z_][\w.]*)*\s*(?:[-+*/]=|=(?!=))\s*\S
    | [A-Za-z_][\w.]*\(.*\)\s*(?:\#.*)?$
    | [%!]\w
    """,
    re.VERBOSE,
)
_MARKDOWN = re.compile(r"(?:\#{1,6}\s+\S|[-*+]\s+\S|\d+[.)]\s+\S|>\s|!?\[[^\]]*\]\(|\*\*\S)")
_PROSE = re.compile(r"[^\W\d_].*\s|[^\W\d_].*[^\x00-\x7f]")


def shape_of(text: str) -> Shape:
    """The kind of text, judged by the lines that start at the margin."""
    start = text.lstrip("\ufeff \t\r\n")[:_MAX_CHARACTERS]
    if _PAGE.match(start):
        return "page"
    if start.startswith(("{", "[")):
        return "json"
    return _shape_of_lines([line[:_MAX_LINE] for line in start.splitlines() if line.strip()])


def _shape_of_lines(lines: list[str]) -> Shape:
    fences = sum(1 for line in lines if _FENCE.match(line))
    python = sum(1 for line in lines if _PYTHON.match(line))
    others = [line for line in lines if not _PYTHON.match(line)]
    prose = sum(1 for line in others if _PROSE.match(line))
    if fences < 2 and python and 2 * python >= prose:
        return "python"
    if fences or prose or any(_MARKDOWN.match(line) for line in others):
        return "markdown"
    return "unknown"
