"""An imported notebook as files: an assignment that loads, and its solution."""

import ast
import json
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from grader.errors import SetupError
from grader.importing.plan import ByHand, Graded, Part, Plan, SourceCell, identifier
from grader.importing.prune import holds_more
from grader.importing.questions import Left, Translation
from grader.importing.scope import Scope, changed, parse, read_scope
from grader.importing.translate import translate

_MAGIC = re.compile(r"\s*[%!?]")
_NOTEBOOK = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
_SECONDS = 20
_LONGEST = 600


@dataclass(frozen=True)
class Check:
    """A check as it will stand in `checks.py`."""

    id: str
    title: str
    points: float
    hidden: bool
    cell: int
    translation: Translation | None
    """None for an answer that a person reads."""

    @property
    def for_person(self) -> bool:
        """Whether a person must look, even at a right answer."""
        return self.translation is None or bool(self.translation.left)


@dataclass
class Imported:
    """The files of an import, and what is to be said about them.

    Attributes:
        id: of the assignment.
        assignment: text by name of file, for the folder of the assignment.
        solutions: text by name of file, for the folder of its solutions.
        checks: in the order of `checks.py`.
        left: (cell, text, reason) of all that a person must carry over.
    """

    id: str
    plan: Plan
    assignment: dict[str, str] = field(default_factory=dict)
    solutions: dict[str, str] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    left: list[tuple[int, str, str]] = field(default_factory=list)


def make_files(plan: Plan, name: str, source: str) -> Imported:
    """The files of an assignment called `name`, from what was found in the notebook `source`."""
    code = [(cell.number, cell.text) for cell in plan.cells if cell.kind == "code"]
    scope = read_scope(code)
    imported = Imported(name, plan, left=list(plan.left))
    imported.checks = _checks(plan, scope)
    imported.left += _needed_by_program(plan, scope, code)
    for check in imported.checks:
        if check.translation and holds_more(check.translation.box):
            said = "the probe, which student code can read, goes over values that may be what is expected"
            plan.notes.append((check.cell, f"{said}: look at cell_{check.id} in probe.py"))
    for check in imported.checks:
        left = check.translation.left if check.translation else []
        imported.left += [
            (check.cell, item.text, item.reason) for item in left if not _told_before(imported, check, item)
        ]
    imported.assignment = {
        "assignment.toml": _settings(plan, name, scope, imported.checks, code),
        "README.md": _handout(plan),
        "probe.py": _probe(imported.checks, source),
        "checks.py": _checks_text(imported.checks, name, source),
    }
    verdicts = _expected(imported.checks)
    imported.solutions = {
        f"reference/{name}.py": _module(plan, imported),
        "reference/expected.toml": f"# The reference solution, imported from {source}.\n{verdicts}",
        f"reference_notebook/{name}.ipynb": _notebook(plan.cells),
        "reference_notebook/expected.toml": f"# The same as a notebook.\n{verdicts}",
    }
    return imported


def _told_before(imported: Imported, check: Check, item: Left) -> bool:
    """Whether this was said of the cell's other check."""
    return (check.cell, item.text, item.reason) in imported.left


# ── checks ──


def _checks(plan: Plan, scope: Scope) -> list[Check]:
    found: list[Check] = []
    taken: set[str] = set()
    earlier: dict[str, int] = {}
    for task in plan.tasks:
        if isinstance(task, ByHand):
            found.append(Check(_id(task.name, taken), task.title, task.points, False, task.cell, None))
            continue
        _from_tests(task, scope, earlier, taken, found)
        for part in task.parts:
            tree = parse(part.text)
            names = {name for statement in tree.body for name in changed(statement)} if tree else set()
            earlier.update(dict.fromkeys(names - set(scope.changes), task.cell))
    return found


def _from_tests(task: Graded, scope: Scope, earlier: dict[str, int], taken: set[str], found: list[Check]) -> None:
    """One check; two for a cell with hidden and other tests: all points are those of the hidden one, which has both."""
    shown = [part for part in task.parts if not part.hidden]
    mixed = len(shown) not in (0, len(task.parts))
    known = {name: cell for name, cell in earlier.items() if cell != task.cell}
    if mixed:
        title = f"{task.title} (These tests earn no points by themselves.)"
        translation = _translated(shown, task, scope, known)
        found.append(Check(_id(task.name, taken), title, 0.0, False, task.cell, translation))
    name = f"{task.name}_hidden" if mixed else task.name
    title = "The hidden tests pass, and those that are shown." if mixed else task.title
    translation = _translated(task.parts, task, scope, known)
    found.append(Check(_id(name, taken), title, task.points, len(shown) < len(task.parts), task.cell, translation))


def _translated(parts: Sequence[Part], task: Graded, scope: Scope, earlier: dict[str, int]) -> Translation:
    translation = translate("\n".join(part.text for part in parts), scope, task.cell, earlier)
    translation.left += [Left(text, reason) for text, reason in task.left]
    if not translation.assertions and not translation.left and task.points:
        translation.left.append(Left("(no assertion)", "the tests hold no assertion, so everything would pass"))
    return translation


def _id(name: str, taken: set[str]) -> str:
    found = identifier(name, taken)
    taken.add(found)
    return found


def _needed_by_program(plan: Plan, scope: Scope, code: Sequence[tuple[int, str]]) -> list[tuple[int, str, str]]:
    """What the program below a test cell reads and only that cell sets."""
    left = []
    for task in plan.tasks:
        if not isinstance(task, Graded):
            continue
        trees = [tree for part in task.parts if (tree := parse(part.text))]
        own = {name for tree in trees for statement in tree.body for name in changed(statement)} - set(scope.changes)
        for number, text in code:
            tree = parse(text) if number > task.cell else None
            read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} if tree else set()
            for name in sorted(own & read):
                left.append(
                    (task.cell, name, f"cell {number} of the program uses {name}, which only this test cell sets")
                )
    return left


def _checks_text(checks: Sequence[Check], name: str, source: str) -> str:
    translations = [check.translation for check in checks if check.translation]
    helpers = sorted(
        {"Answers", *(helper for item in translations for helper in item.helpers)} if translations else set()
    )
    own = [f"from grader.importing.recorded import {', '.join(helpers)}"] if helpers else []
    own += ["from grader.judging import Evidence, points", "from grader.judging.marks import PersonNeeded"]
    others = {line for item in translations for line in item.judge_imports}
    head = [
        f'"""Checks of `{name}`, imported from {source}: what its tests assert, of what the box recorded."""',
        "# ruff: noqa: B023 - an assertion is looked at before its loop goes on",
    ]
    return "\n".join([*head, "", *_imports(others), *own, *(_check_text(check) for check in checks)]) + "\n"


def _check_text(check: Check) -> str:
    hidden = ", hidden=True" if check.hidden else ""
    lines = [
        "",
        "",
        f"@points({_number(check.points)}{hidden})",
        f"def {check.id}(evidence: Evidence) -> None:",
        f"    {_docstring(check.title)}",
    ]
    if check.translation is None:
        lines.append(
            f"    raise PersonNeeded({f'cell {check.cell} of the notebook is an answer that a person reads'!r})"
        )
        return "\n".join(lines)
    hides = ", hidden=True" if check.hidden else ""
    lines.append(f"    with Answers(evidence, {check.id!r}, PersonNeeded{hides}) as answers:")
    rows = [row for statement in check.translation.judge for row in _rows(statement)]
    rows += [f"answers.leave({_left_text(check, item)!r})" for item in check.translation.left]
    lines += [f"        {row}" for row in rows or ["pass"]]
    return "\n".join(lines)


def _left_text(check: Check, item: Left) -> str:
    text = item.text.strip()
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."
    return f"a test of cell {check.cell} could not be carried over ({item.reason}): {text}"


def _docstring(title: str) -> str:
    plain = title.replace("\\", "").replace('"""', "'''").strip()
    plain = plain if plain.endswith((".", "!", "?", ")")) else f"{plain}."
    return f'"""{plain}"""'


# ── the probe ──


def _probe(checks: Sequence[Check], source: str) -> str:
    asking = Path(__file__).with_name("asking.py").read_text("utf-8")
    tree = ast.parse(asking)
    first = next(node for node in tree.body[1:] if not isinstance(node, ast.Import | ast.ImportFrom))
    imports = {ast.unparse(node) for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)}
    body = "\n".join(asking.split("\n")[first.lineno - 1 :]).strip("\n")
    asked = [check for check in checks if check.translation and check.translation.box]
    imports |= {line for check in asked if check.translation for line in check.translation.box_imports}
    cells = [_cell_text(check) for check in asked]
    names = "".join(f"    {check.id!r}: cell_{check.id},\n" for check in asked)
    return (
        f'"""Ask student code what the test cells of {source} ask. It compares nothing: the checks do, outside."""\n\n'
        + "\n".join(_imports(imports))
        + f"\n{body}\n\n\n"
        + "".join(f"{cell}\n\n\n" for cell in cells)
        + (f"CELLS = {{\n{names}}}\n" if names else "CELLS = {}\n")
        + '\n\ndef probe(student, rng):\n    """Every test cell in its turn."""\n'
        + f"    student.seconds = {_SECONDS}\n    budget = Budget()\n"
        + "    for check, cell in CELLS.items():\n        Asked(student, check, budget).run(cell)\n"
    )


def _cell_text(check: Check) -> str:
    assert check.translation is not None
    rows = [f"    {row}" for statement in check.translation.box for row in _rows(statement)]
    return "\n".join([f"def cell_{check.id}(asked):", f'    """What the tests of cell {check.cell} call."""', *rows])


def _rows(statement: ast.stmt) -> list[str]:
    return ast.unparse(ast.fix_missing_locations(statement)).split("\n")


def _imports(lines: Iterable[str]) -> list[str]:
    """Import lines: of Python itself, then of others, each group followed by an empty line."""
    groups: tuple[list[str], list[str]] = ([], [])
    for line in sorted(set(lines), key=lambda line: (line.startswith("from"), line)):
        module = re.split(r"[ .]", line)[1]
        groups[module not in sys.stdlib_module_names].append(line)
    return [row for group in groups if group for row in [*group, ""]]


# ── the other files ──


def _settings(plan: Plan, name: str, scope: Scope, checks: Sequence[Check], code: Sequence[tuple[int, str]]) -> str:
    called = [each for check in checks if check.translation for each in check.translation.called]
    functions = [each for each in dict.fromkeys(called) if each in scope.functions]
    entries = functions or list(dict.fromkeys(called)) or sorted(scope.functions) or sorted(scope.changes) or [name]
    text = "\n".join(text for _, text in code)
    datasets = [each for each in ("fashion_mnist", "mnist") if re.search(rf"\b{each}\b", text)]
    lines = [
        f"id = {_toml(name)}",
        f"title = {_toml(plan.title)}",
        f"files = [{_toml(name)}]",
        f"entry_points = [{', '.join(map(_toml, entries))}]",
    ]
    lines += [f"datasets = [{', '.join(map(_toml, datasets))}]"] if datasets else []
    return "\n".join(lines) + "\n"


def _toml(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _handout(plan: Plan) -> str:
    texts = [
        cell.text.strip("\n") for cell in plan.cells if cell.kind == "markdown" and not cell.metadata.get("answer")
    ]
    text = "\n\n".join(text for text in texts if text.strip())
    heading = "" if re.match(r"# ", text) else f"# {plan.title}\n\n"
    return f"{heading}{text}".rstrip("\n") + "\n"


def _expected(checks: Sequence[Check]) -> str:
    rows = [f'{check.id} = "{"skipped" if check.for_person else "passed"}"' for check in checks]
    return "[verdicts]\n" + "\n".join(rows) + "\n"


def _module(plan: Plan, imported: Imported) -> str:
    """The code cells as one module, without the lines that only IPython understands."""
    pieces = [f'"""{plan.title.replace(chr(92), "").replace(chr(34), chr(39)).rstrip(".")}."""']
    for cell in plan.cells:
        if cell.kind != "code":
            continue
        if cell.text.lstrip().startswith("%%"):
            imported.plan.notes.append((cell.number, "its %% cell is left out of the module"))
            continue
        rows = [row for row in cell.text.split("\n") if not _MAGIC.match(row)]
        piece = "\n".join(rows).strip("\n")
        if piece.strip():
            pieces.append(piece)
    return "\n\n\n".join(pieces) + "\n"


def _notebook(cells: Sequence[SourceCell]) -> str:
    """The reference notebook. Of Markdown it keeps the headings: the rest stands in the handout, which comes first."""
    written: list[dict[str, object]] = []
    for number, cell in enumerate(cells, start=1):
        text = cell.text
        if cell.kind == "markdown" and not cell.metadata.get("answer"):
            text = _headings(text)
        if not text.strip():
            continue
        rows = re.findall(r"[^\n]*\n|[^\n]+", text)
        value: dict[str, object] = {"cell_type": cell.kind, "id": f"cell-{number}", "metadata": {}, "source": rows}
        written.append(value | {"execution_count": None, "outputs": []} if cell.kind == "code" else value)
    notebook = {"cells": written, "metadata": _NOTEBOOK, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _headings(text: str) -> str:
    """The headings of level 2 and below, outside of fences."""
    rows, fenced = [], False
    for row in text.split("\n"):
        if row.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        elif not fenced and re.match(r"#{2,6} ", row):
            rows.append(row)
    return "\n".join(rows)


def _number(points: float) -> str:
    return str(int(points)) if points.is_integer() else repr(points)


def refuse_existing(*folders: Path) -> None:
    """Raise SetupError for folders that hold something."""
    for folder in folders:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise SetupError(f"{folder}: expected no such folder, or an empty one, found files. Choose another --id.")


def write_files(folder: Path, files: dict[str, str]) -> None:
    """Write texts below a folder, which is made if need be."""
    try:
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    except OSError as error:
        raise SetupError(f"{folder}: cannot be written: {error.strerror}. Choose another folder.") from error
