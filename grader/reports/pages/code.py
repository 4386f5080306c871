"""The student's code on a page: numbered lines with anchors, and remarks below the lines and cells they speak about."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from markupsafe import Markup, escape

from grader.model.result import Verdict
from grader.model.submission import Cell, Note, Source
from grader.reports.pages.visible import clear, code_lines, in_one_line
from grader.reports.pages.wording import ENGLISH, Words

PLACE = re.compile(r"(?:\bcell (\d{1,6}), )?\bline (\d{1,6})\b")
"""How notes and messages name a place in the student's code."""
SIGNS = {"failed": ("bad", "✗"), "error": ("odd", "!"), "skipped": ("quiet", "–"), "passed": ("good", "✓")}

NOTHING: Mapping[int, Markup] = {}
Place = tuple[int, int]
"""Number of the cell, and line in it, counted from 1."""


def places(text: str, source: Source | None) -> Iterator[tuple[re.Match[str], Place]]:
    """Where a text speaks of lines that exist in the code."""
    sizes = {cell.number: cell.text.count("\n") + 1 for cell in source.cells} if source else {}
    notebook = source is not None and source.kind == "notebook"
    for match in PLACE.finditer(text):
        cell, line = int(match[1] or 1), int(match[2])
        if 0 < line <= sizes.get(cell, 0) and (match[1] or not notebook):
            yield match, (cell, line)


def anchor(source: Source, place: Place) -> str:
    """The name of a line on its page: `L12`, or `C3L12` in cell 3 of a notebook."""
    return f"C{place[0]}L{place[1]}" if source.kind == "notebook" else f"L{place[1]}"


def linked(text: str, source: Source | None) -> Markup:
    """A text in which places in the student's code lead there, as far as these places exist."""
    plain = clear(text)
    parts: list[str | Markup] = []
    end = 0
    for match, place in places(plain, source):
        assert source is not None
        link = Markup('<a href="#{}">{}</a>').format(anchor(source, place), match[0])
        parts += [plain[end : match.start()], link]
        end = match.end()
    parts.append(plain[end:])
    return Markup().join(escape(part) for part in parts)


def remarks(source: Source | None, verdicts: Iterable[Verdict], notes: Iterable[Note]) -> dict[Place, list[Markup]]:
    """What is said of lines of the code: messages of checks at the first line they name, notes at theirs."""
    found: dict[Place, list[Markup]] = {}
    said = [
        (verdict.message, *SIGNS[verdict.status], f"{verdict.title} {verdict.message}")
        for verdict in verdicts
        if verdict.message
    ]
    said += [(note.where, "quiet", "·", note.text) for note in notes]
    for where, kind, sign, text in said:
        place = next((place for _, place in places(where, source)), None)
        if place is not None and len(found.setdefault(place, [])) < 5:
            remark = Markup('<span class="r {}">{} {}</span>').format(kind, sign, in_one_line(text, 600))
            found[place].append(remark)
    return found


def code_cells(
    source: Source | None,
    said: Mapping[Place, Sequence[Markup]],
    below: Mapping[int, Markup] = NOTHING,
    words: Words = ENGLISH,
) -> Markup:
    """All cells, each line of code with its number and anchor, and below it what is said of it.

    Of a notebook, its Markdown stands between them, and `below` has what is said of a cell as a whole, by its number.
    """
    if source is None:
        return Markup()
    if source.kind == "module":
        return Markup().join(_code(source, cell, said, words) for cell in source.cells)
    parts = {cell.number: _code(source, cell, said, words) + below.get(cell.number, "") for cell in source.cells}
    parts |= {cell.number: _prose(cell) for cell in source.prose}
    heading = Markup('<h3 id="C{}">{}</h3>\n{}')
    return Markup().join(heading.format(number, words.cell.format(number), parts[number]) for number in sorted(parts))


def _code(source: Source, cell: Cell, said: Mapping[Place, Sequence[Markup]], words: Words) -> Markup:
    """One cell of code, or a module."""
    lines = escape("\n".join(code_lines(cell.text))).split("\n")
    body = []
    for number, line in enumerate(lines, 1):
        name = anchor(source, (cell.number, number))
        link = f'<a href="#{name}" aria-label="{words.line.format(number)}">{number}</a>'
        body.append(f'<span class="l" id="{name}">{link}{line}\n</span>')
        body += said.get((cell.number, number), ())
    return Markup(f'<pre class="code">{"".join(body)}</pre>\n')  # noqa: S704 - lines and remarks are escaped, the rest are ours


def _prose(cell: Cell) -> Markup:
    """One cell of Markdown."""
    from grader.reports.pages.prose import prose_html  # takes a second to import; a class of modules needs it not

    return Markup('<div class="prose">{}</div>\n').format(prose_html(cell.text))
