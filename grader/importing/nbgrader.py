"""Source notebooks of nbgrader, of the metadata schemas 0 to 3.

The metadata of a cell say what it is: `solution` alone is an answer that tests grade, `grade` alone holds tests,
both together are an answer that a person grades, `task` is one too, `locked` alone is given to read.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from grader.errors import SetupError
from grader.importing.plan import (
    STUB,
    Became,
    ByHand,
    Graded,
    Notebook,
    Part,
    Plan,
    SourceCell,
    in_region,
    tested_title,
    title_of,
)

NEWEST = 3
_BEGIN_HIDDEN, _END_HIDDEN = "BEGIN HIDDEN TESTS", "END HIDDEN TESTS"
_SCHEME = re.compile(r"^[^\n]*BEGIN MARK SCHEME[^\n]*\n(.*?)^[^\n]*END MARK SCHEME[^\n]*$\n?", re.DOTALL | re.MULTILINE)
_REGION = re.compile(r"^\s*#+ *BEGIN SOLUTION\s*$", re.MULTILINE)
_MARKDOWN_SOLUTION = re.compile(
    r"^[^\n]*BEGIN SOLUTION[^\n]*\n(.*?)^[^\n]*END SOLUTION[^\n]*$\n?", re.DOTALL | re.MULTILINE
)
_AUTOTEST = re.compile(r"^\s*#+ *(HASHED +)?AUTOTEST\b.*$", re.MULTILINE)


@dataclass(frozen=True)
class Marks:
    """The metadata of a cell, of any schema."""

    grade: bool
    solution: bool
    locked: bool
    task: bool
    name: str
    points: float


def is_nbgrader(notebook: Notebook) -> bool:
    """Whether some cell has nbgrader's metadata."""
    return any("nbgrader" in cell.metadata for cell in notebook.cells)


def read_nbgrader(notebook: Notebook) -> Plan:
    """All that is in the notebook; raises SetupError with every mistake in its metadata."""
    marks, mistakes = _read_all(notebook)
    if mistakes:
        raise SetupError("; ".join(mistakes))
    plan = Plan("nbgrader", title_of(notebook))
    for cell in notebook.cells:
        found = marks.get(cell.number)
        if found is None:
            plan.cells += [cell] if cell.kind != "raw" else []
            plan.became.append(Became(cell.number, f"{cell.kind} without marks", _kept(cell)))
        elif found.task or (found.grade and found.solution):
            _by_hand(plan, cell, found)
        elif found.grade:
            _tests(plan, cell, found)
        elif found.solution:
            _answer(plan, cell)
        else:
            plan.cells.append(cell)
            plan.became.append(Became(cell.number, f"read-only {cell.kind}", _kept(cell)))
    return plan


def _kept(cell: SourceCell) -> str:
    return {"markdown": "handout", "code": "reference, as it is"}.get(cell.kind, "left out")


def _read_all(notebook: Notebook) -> tuple[dict[int, Marks], list[str]]:
    found: dict[int, Marks] = {}
    mistakes: list[str] = []
    names: dict[str, int] = {}
    for cell in notebook.cells:
        at = notebook.at(cell.number)
        try:
            marks = _read(cell)
        except ValueError as mistake:
            mistakes.append(f"{at}: {mistake}")
            continue
        hidden = _BEGIN_HIDDEN in cell.text or _END_HIDDEN in cell.text
        tests = marks is not None and marks.grade and not marks.solution and not marks.task
        if hidden and not tests:
            mistakes.append(f"{at}: found hidden tests in a cell that holds no tests. Mark it as autograder tests.")
        if marks is None:
            continue
        if marks.name in names:
            mistakes.append(
                f"{at}: the grade_id {marks.name!r} is that of cell {names[marks.name]} too. Give it another."
            )
        names.setdefault(marks.name, cell.number)
        found[cell.number] = marks
        try:
            _parts(cell.text)
        except ValueError as mistake:
            mistakes.append(f"{at}: {mistake}")
    return found, mistakes


def _read(cell: SourceCell) -> Marks | None:
    """The marks of a cell, None if it has none that mean something; ValueError says what is malformed."""
    if "nbgrader" not in cell.metadata:
        return None
    metadata = cell.metadata["nbgrader"]
    if not isinstance(metadata, Mapping):
        raise ValueError(f"expected nbgrader's metadata as a table, found {metadata!r}. Mark the cell again.")
    version = metadata.get("schema_version", 0)
    if type(version) is not int or not 0 <= version <= NEWEST:
        raise ValueError(f"expected schema_version 0 to {NEWEST}, found {version!r}. Run `nbgrader update` on it.")
    flags = {}
    for key in ("grade", "solution", "locked", "task"):
        value = metadata.get(key, False if version < 1 or key == "task" else None)
        if not isinstance(value, bool):
            raise ValueError(f"expected {key} to be true or false, found {value!r}. Mark the cell again.")
        flags[key] = value
    if not any(flags.values()):
        return None
    name = metadata.get("grade_id", "")
    if not isinstance(name, str) or not name:
        raise ValueError(f"expected a grade_id, found {name!r}. Mark the cell again.")
    graded = flags["grade"] or flags["task"]
    marks = Marks(name=name, points=_read_points(metadata, version) if graded else 0.0, **flags)
    return _checked(cell, marks)


def _read_points(metadata: Mapping[str, Any], version: int) -> float:
    points = metadata.get("points", 0 if version < 1 else None)
    if version < 1 and isinstance(points, str):
        try:
            points = max(float(points or 0), 0.0)
        except ValueError:
            raise ValueError(f"expected a number of points, found {points!r}. Set them again.") from None
    if isinstance(points, bool) or not isinstance(points, int | float) or not 0 <= points < float("inf"):
        raise ValueError(f"expected points from 0, found {points!r}. Set them again.")
    return float(points)


def _checked(cell: SourceCell, marks: Marks) -> Marks:
    """The marks, if they go with the kind of the cell."""
    if marks.task and cell.kind != "markdown":
        raise ValueError(f"expected a task in a Markdown cell, found it in a {cell.kind} cell. Mark the cell again.")
    if not marks.task and cell.kind == "markdown" and marks.grade != marks.solution:
        found = "tests" if marks.grade else "an answer without points"
        raise ValueError(f"a Markdown cell cannot be {found}. Mark it as a manually graded answer.")
    return marks


def _answer(plan: Plan, cell: SourceCell) -> None:
    if _REGION.search(cell.text):
        plan.cells.append(cell)
        plan.became.append(Became(cell.number, "autograded answer", "reference, with its regions"))
    else:
        plan.cells.append(replace(cell, text=in_region(cell.text)))
        plan.became.append(Became(cell.number, "autograded answer", "reference, the whole cell as one region"))


def _tests(plan: Plan, cell: SourceCell, marks: Marks) -> None:
    parts = _parts(cell.text)
    left = tuple(
        (match[0].strip(), "nbgrader writes the assertions of an AUTOTEST only when it makes the release")
        for match in _AUTOTEST.finditer(cell.text)
    )
    shown = "\n".join(part.text for part in parts if not part.hidden)
    title = tested_title(shown, f"The tests of cell {cell.number} pass.")
    plan.tasks.append(Graded(marks.name, title, marks.points, parts, cell.number, left))


def _parts(text: str) -> tuple[Part, ...]:
    """The text in pieces that are hidden and pieces that are not; ValueError for a region without an end."""
    parts: list[Part] = []
    rows: list[str] = []
    hidden = False
    for row in text.split("\n"):
        begins, ends = _BEGIN_HIDDEN in row, _END_HIDDEN in row
        if begins and hidden:
            raise ValueError("hidden tests begin inside hidden tests. Remove the second marker.")
        if ends and not hidden:
            raise ValueError("hidden tests end that did not begin. Remove the marker, or add the one that begins them.")
        if begins or ends:
            parts.append(Part("\n".join(rows), hidden))
            rows, hidden = [], begins
        else:
            rows.append(row)
    if hidden:
        raise ValueError("hidden tests have no end. Add `### END HIDDEN TESTS` below them.")
    parts.append(Part("\n".join(rows), hidden=False))
    return tuple(part for part in parts if part.text.strip()) or (Part(""),)


def _by_hand(plan: Plan, cell: SourceCell, marks: Marks) -> None:
    title = f"{marks.name}: a person reads this {'task' if marks.task else 'answer'}."
    plan.tasks.append(ByHand(marks.name, title, marks.points, cell.number))
    text = cell.text
    for scheme in _SCHEME.findall(text):
        plan.answers.append((cell.number, f"Mark scheme:\n\n{scheme.strip()}"))
    text = _SCHEME.sub("", text)
    if marks.task:
        plan.cells.append(replace(cell, text=text))
    elif cell.kind == "code":
        plan.cells.append(replace(cell, text=text if _REGION.search(text) else in_region(text)))
    else:
        answers = _MARKDOWN_SOLUTION.findall(text)
        kept = _MARKDOWN_SOLUTION.sub(f"{STUB}\n", text) if answers else STUB
        plan.answers += [(cell.number, answer.strip()) for answer in answers or [text]]
        plan.cells.append(replace(cell, text=kept.strip("\n"), metadata={"answer": True}))
