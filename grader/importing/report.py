"""What became of a notebook: printed, and kept as `IMPORT.md` beside the assignment."""

from collections.abc import Sequence

from grader.importing.plan import Became, worth
from grader.importing.write import Check, Imported


def report_lines(imported: Imported) -> list[str]:
    """The report as lines for a terminal."""
    lines = [f"{_place(item.cell)}  {item.was}: {item.now}" for item in all_cells(imported)]
    lines += [f"note  {_place(cell)}: {text}" for cell, text in imported.plan.notes]
    for cell, text, reason in imported.left:
        lines.append(f"LEFT  {_place(cell)}: {reason}")
        lines += [f"      {row}" for row in text.split("\n")[:12]]
    for check in imported.checks:
        if check.translation is None:
            lines.append(f"LEFT  {_place(check.cell)}: {check.id} ({worth(check.points)}) is read by a person")
    return lines


def needs_person(imported: Imported) -> bool:
    """Whether something was left for a person."""
    return bool(imported.left) or any(check.for_person for check in imported.checks)


def report_page(imported: Imported, source: str) -> str:
    """The report as Markdown."""
    rows = [f"| {item.cell or '–'} | {item.was} | {item.now} |" for item in all_cells(imported)]
    checks = [_row(check) for check in imported.checks]
    page = [
        f"# Import of {source}",
        "",
        f"Read as a notebook of {imported.plan.source}. This page is for those who write the assignment: it holds hidden "
        "tests and model answers, and no release takes it along.",
        "",
        "## Cells",
        "",
        "| cell | what it was | what it became |",
        "|---|---|---|",
        *rows,
        "",
        "## Checks",
        "",
        "| check | points | hidden | cell | by |",
        "|---|---|---|---|---|",
        *checks,
        "",
        "## Left for a person",
        "",
        *(_left(imported) or ["Nothing.", ""]),
    ]
    if imported.plan.notes:
        page += ["## Notes", "", *(f"- {_place(cell)}: {text}" for cell, text in imported.plan.notes), ""]
    if imported.plan.answers:
        page += ["## Model answers", ""]
        for cell, text in imported.plan.answers:
            page += [f"{_place(cell).capitalize()}:", "", *_fenced(text, "markdown"), ""]
    return "\n".join(page).rstrip("\n") + "\n"


def all_cells(imported: Imported) -> list[Became]:
    """A line for each cell, those of tests and answers included."""
    made: list[Became] = list(imported.plan.became)
    for check in imported.checks:
        earns = worth(check.points)
        if check.translation is None:
            made.append(Became(check.cell, "answer for a person", f"check {check.id}, {earns}, asks for a person"))
        else:
            hidden = "hidden tests" if check.hidden else "tests"
            some = f", {len(check.translation.left)} left for a person" if check.translation.left else ""
            made.append(Became(check.cell, hidden, f"check {check.id}, {earns}{some}"))
    return sorted(made, key=lambda item: item.cell)


def _row(check: Check) -> str:
    by = "a person" if check.translation is None else "grader and a person" if check.for_person else "grader"
    return f"| `{check.id}` | {check.points:g} | {'yes' if check.hidden else 'no'} | {check.cell} | {by} |"


def _left(imported: Imported) -> list[str]:
    lines: list[str] = []
    for cell, text, reason in imported.left:
        lines += [f"{_place(cell).capitalize()}: {reason}.", "", *_fenced(text, "python"), ""]
    for check in imported.checks:
        if check.translation is None:
            lines += [
                f"{_place(check.cell).capitalize()}: `{check.id}`, {worth(check.points)}, is read by a person.",
                "",
            ]
    return lines


def _fenced(text: str, language: str) -> Sequence[str]:
    fence = "```"
    while fence in text:
        fence += "`"
    return [f"{fence}{language}", *text.strip("\n").split("\n"), fence]


def _place(cell: int) -> str:
    return f"cell {cell}" if cell else "notebook"
