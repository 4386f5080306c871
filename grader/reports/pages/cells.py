"""Which cell of a notebook a verdict speaks about, where its message names no line."""

import re
from collections.abc import Iterable, Sequence

from markupsafe import Markup

from grader.model.result import Verdict
from grader.model.submission import Source
from grader.reports.pages.code import SIGNS, places
from grader.reports.pages.visible import in_one_line
from grader.reports.standing import points

DEFINITION = re.compile(r"^[ \t]*(?:async[ \t]+)?(?:def|class)[ \t]+([^\W\d]\w*)", re.MULTILINE)
NAME = re.compile(r"[^\W\d]\w*")
FIT = re.compile(r"\.fit[ \t]*\(")


def verdicts_at_cells(
    source: Source | None, verdicts: Iterable[Verdict], entry_points: Sequence[str]
) -> dict[int, list[Verdict]]:
    """Verdicts by the number of their cell.

    A verdict speaks about the first thing it names that the notebook defines, and if it names none, about what is
    graded: the one entry point that is there, or else the last training. Of several definitions the last counts, as in
    Python. Those that name a line stand at that line already.
    """
    if source is None or source.kind != "notebook":
        return {}
    defined = {name: cell.number for cell in source.cells for name in DEFINITION.findall(cell.text)}
    graded = {defined[name] for name in entry_points if name in defined}
    trained = [cell.number for cell in source.cells if FIT.search(cell.text)]
    place = graded.pop() if len(graded) == 1 else trained[-1] if trained and not graded else None
    found: dict[int, list[Verdict]] = {}
    for verdict in verdicts:
        if next(places(verdict.message, source), None) is not None:
            continue
        named = (defined[name] for name in NAME.findall(f"{verdict.message} {verdict.title}") if name in defined)
        cell = next(named, place)
        if cell is not None:
            found.setdefault(cell, []).append(verdict)
    return found


def shown(verdicts: Sequence[Verdict]) -> Markup:
    """A list of verdicts below a cell."""
    items = []
    for verdict in verdicts:
        kind, sign = SIGNS[verdict.status]
        worth = f"{points(verdict.points)} / {points(verdict.max_points)}"
        item = Markup('<li><span class="{}">{} {}</span> {}{}</li>')
        said = Markup("<br>{}").format(in_one_line(verdict.message, 600)) if verdict.message else ""
        items.append(item.format(kind, sign, worth, in_one_line(verdict.title), said))
    return Markup('<ul class="said">{}</ul>\n').format(Markup().join(items))
