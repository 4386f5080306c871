"""Pages about hand-ins that are alike: of the class, and of a pair side by side."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup, escape

from grader.model.similarity import Comparison, Member, Pair, Stretch, TraceKind
from grader.model.submission import Source
from grader.reports.pages.render import render
from grader.reports.pages.visible import LONGEST_LINE, MOST_LINES, shortened, visible

COLOURS = 6
KINDS: dict[TraceKind, str] = {
    "file": "the same file, byte for byte",
    "account": "the same Colab account",
    "cell_ids": "the same ids of cells",
    "outputs": "the same saved outputs",
    "comments": "the same comments",
    "words": "the same rare words in comments and strings",
    "names": "the same rare names",
}
"""Traces in words."""


def similarity_page(comparison: Comparison, title: str, links: Mapping[tuple[str, str], str], up: str = "") -> str:
    """The page of the class; `links` leads from the names of a pair to its page."""
    members = comparison.members
    return render(
        "similarity.html",
        script=True,
        comparison=comparison,
        title=title,
        up=up,
        links=links,
        kinds=KINDS,
        fresh=[member for member in members if not member.earlier],
        earlier=[member for member in members if member.earlier],
        little=[member for member in members if member.standing == "too_little"],
        cut=[member for member in members if member.cut],
        unreadable=[member for member in members if member.standing == "unreadable"],
    )


def pair_page(pair: Pair, members: tuple[Member, Member], sources: tuple[Source, Source], title: str) -> str:
    """Two hand-ins side by side, with what they share."""
    sides = []
    for side, other, member, source in zip("lr", "rl", members, sources, strict=True):
        passages = [passage.left if side == "l" else passage.right for passage in pair.passages]
        sides.append(
            {"member": member, "side": side, "cells": marked_cells(source, side, other, passages, member.quiet)}
        )
    return render("pair.html", pair=pair, sides=sides, title=title, up="../similarity.html", kinds=KINDS)


def marked_cells(
    source: Source, side: str, other: str, passages: Sequence[Sequence[Stretch]], quiet: Sequence[Stretch]
) -> Markup:
    """All cells of a hand-in; each passage is marked, and its number leads to the same passage on the other side."""
    marks: dict[int, list[tuple[int, int, int]]] = {}
    for number, stretches in enumerate(passages, 1):
        for stretch in stretches:
            marks.setdefault(stretch.cell, []).append((stretch.start, stretch.end, number))
    taken = {cell: [(begin, end) for begin, end, _ in found] for cell, found in marks.items()}
    for stretch in quiet:
        for begin, end in _outside(stretch.start, stretch.end, sorted(taken.get(stretch.cell, ()))):
            marks.setdefault(stretch.cell, []).append((begin, end, 0))
    first = {
        (stretches[0].cell, stretches[0].start): number for number, stretches in enumerate(passages, 1) if stretches
    }
    parts = []
    for cell in source.cells:
        heading = f'<h4 id="{side}C{cell.number}">Cell {cell.number}</h4>\n' if source.kind == "notebook" else ""
        lines = _lines(cell.text, cell.number, sorted(marks.get(cell.number, ())), first, side, other)
        parts.append(f'{heading}<pre class="code">{"".join(lines)}</pre>\n')
    return Markup("".join(parts))  # noqa: S704 - every piece of text is escaped, the rest are numbers


def _outside(begin: int, end: int, taken: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The parts of a stretch that none of these, in order, covers."""
    found = []
    for start, stop in taken:
        if start >= end:
            break
        if stop > begin:
            if start > begin:
                found.append((begin, start))
            begin = max(begin, stop)
    return [*found, (begin, end)] if begin < end else found


def _lines(
    text: str,
    cell: int,
    marks: Sequence[tuple[int, int, int]],
    first: Mapping[tuple[int, int], int],
    side: str,
    other: str,
) -> list[str]:
    found: list[str] = []
    begin = place = 0
    lines = text.removesuffix("\n").split("\n")
    for number, line in enumerate(lines[:MOST_LINES], 1):
        end = begin + len(line)
        while place < len(marks) and marks[place][1] <= begin:
            place += 1
        pieces, last = [], begin
        for start, stop, passage in marks[place:]:
            if start >= end or end - begin > LONGEST_LINE:
                break
            start, stop = max(start, begin), min(stop, end)
            pieces.append(_shown(text[last:start]))
            pieces.append(_marked(text[start:stop], passage, first.get((cell, start)), side, other))
            last = stop
        pieces.append(_shown(shortened(text[last:end], LONGEST_LINE)))
        found.append(f'<span class="l"><span class="no" aria-hidden="true">{number}</span>{"".join(pieces)}\n</span>')
        begin = end + 1
    if len(lines) > MOST_LINES:
        found.append(f'<span class="l quiet">… {len(lines) - MOST_LINES:,} lines left out …</span>')
    return found


def _shown(text: str) -> str:
    return str(escape(visible(text)))


def _marked(text: str, passage: int, begins: int | None, side: str, other: str) -> str:
    """A piece of a passage, with the way to the other side where the passage begins; number 0 is what does not count."""
    if not passage:
        return f'<span class="u">{_shown(text)}</span>'
    link, blank = "", ""
    if not begins:
        blank = text[: len(text) - len(text.lstrip())]
    if begins == passage:
        link = f'<a class="to" id="{side}{passage}" href="#{other}{passage}" aria-label="passage {passage} on the other side">{passage}</a>'
    return f'{_shown(blank)}{link}<mark class="p{passage % COLOURS}">{_shown(text[len(blank) :])}</mark>'
