"""What students get of otter: a notebook whose tests are files `tests/<question>.py` beside it, or stand in its metadata."""

import ast
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from grader.errors import SetupError
from grader.importing.doctests import read_case
from grader.importing.otter_questions import Case, Malformed, Question, number_of, tasks_of
from grader.importing.otter_source import add_line, inlined, without_otter
from grader.importing.plan import BEGIN, Became, ByHand, Graded, Notebook, Part, Plan, title_of
from grader.importing.scope import parse

_CHECK = re.compile(r"grader\.check\(\s*['\"]([^'\"]+)['\"]")
_UNWRITTEN = re.compile(r"(\s*)(?:return +)?(?:[\w., \[\]'\"]+ = *)?\.\.\.\s*$")


def is_student(notebook: Notebook) -> bool:
    """Whether this is what students get."""
    return any(cell.kind == "code" and _CHECK.search(cell.text) for cell in notebook.cells)


def read_student(notebook: Notebook) -> Plan:
    """A student's notebook with its tests; raises SetupError if there are none, or they cannot be read."""
    plan = Plan("otter", title_of(notebook))
    tests = _find_tests(notebook)
    mistakes, unwritten = [], 0
    for cell in notebook.cells:
        names = _CHECK.findall(cell.text) if cell.kind == "code" else []
        for name in names:
            try:
                plan.tasks += _read_file(name, cell.number, tests)
            except Malformed as mistake:
                mistakes.append(f"{notebook.at(cell.number)}: {mistake}")
        text = without_otter(cell.text) if cell.kind == "code" else cell.text
        if names:
            plan.became.append(Became(cell.number, "check", f"checks of {', '.join(names)}"))
        if not text.strip() or cell.kind == "raw":
            if not names:
                plan.became.append(Became(cell.number, cell.kind, "left out"))
            continue
        if cell.kind == "code":
            text, places = _with_places(text)
            unwritten += places
        plan.cells.append(replace(cell, text=text))
        if not names:
            same = "handout" if cell.kind == "markdown" else "reference, as it is"
            now = "reference, a region around each `...`" if BEGIN in text else same
            plan.became.append(Became(cell.number, cell.kind, now))
    if mistakes:
        raise SetupError("; ".join(mistakes))
    if unwritten:
        reason = "the notebook holds no solution: write it between the markers in both references"
        plan.left.append((0, f"{unwritten} places with `...`", reason))
    return plan


def _with_places(text: str) -> tuple[str, int]:
    rows: list[str] = []
    for row in text.split("\n"):
        if _UNWRITTEN.match(row):
            add_line(rows, row)
        else:
            rows.append(row)
    return "\n".join(rows), sum(bool(_UNWRITTEN.match(row)) for row in text.split("\n"))


def _find_tests(notebook: Notebook) -> dict[str, Any]:
    """The tests by question: text of a file, or what stands in the metadata."""
    folder = notebook.path.parent / "tests"
    found: dict[str, Any] = {}
    for path in sorted(folder.glob("*.py")) if folder.is_dir() else ():
        if path.stem != "__init__":
            found[path.stem] = _read_text(path)
    metadata = dict(notebook.metadata.get("otter") or {}).get("tests")
    return {**found, **(dict(metadata) if isinstance(metadata, Mapping) else {})}


def _read_text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"{path}: expected a test file in UTF-8, found something else ({error}).") from error


def _read_file(name: str, cell: int, tests: Mapping[str, Any]) -> list[Graded | ByHand]:
    if name not in tests:
        raise Malformed(f"expected tests for {name}: a file tests/{name}.py beside the notebook, found none. Add it.")
    value = tests[name]
    if isinstance(value, str):
        tree = parse(value)
        if tree is None:
            raise Malformed(f"expected Python in the tests of {name}, found something else.")
        functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.decorator_list]
        if functions:
            return tasks_of(
                Question(
                    {"name": name, "points": _assigned(tree, "points")},
                    cell,
                    [_exception_case(node, cell) for node in functions],
                )
            )
        value = _assigned(tree, "test")
    if not isinstance(value, Mapping) or not isinstance(value.get("suites"), list):
        raise Malformed(f"expected `test = {{...}}` with suites in the tests of {name}, found something else.")
    cases = []
    for suite in value["suites"]:
        for case in suite.get("cases", ()) if isinstance(suite, Mapping) else ():
            cases.append(_ok_case(case, suite, name, cell))
    settings = {"name": name, "points": value.get("points"), "all_or_nothing": value.get("all_or_nothing") or False}
    return tasks_of(Question(settings, cell, cases))


def _assigned(tree: ast.Module, name: str) -> Any:
    """The literal that a name is given; None if there is none."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(item, ast.Name) and item.id == name for item in node.targets
        ):
            try:
                return ast.literal_eval(node.value)
            except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                return None
    return None


def _ok_case(case: Any, suite: Mapping[str, Any], name: str, cell: int) -> Case:
    if not isinstance(case, Mapping) or not isinstance(case.get("code"), str):
        raise Malformed(f"expected a case with code in the tests of {name}, found {type(case).__name__}.")
    if suite.get("setup") or suite.get("teardown"):
        return Case(Part(""), ((case["code"], "its suite has a setup or teardown"),), cell)
    part, left = read_case(case["code"], hidden=bool(case.get("hidden", False)))
    points = case.get("points")
    return Case(part, tuple(left), cell, None if points is None else number_of(points))


def _exception_case(function: ast.FunctionDef, cell: int) -> Case:
    """A test written as a function under `@test_case(points=…, hidden=…)`."""
    settings: dict[str, Any] = {}
    for mark in function.decorator_list:
        for item in mark.keywords if isinstance(mark, ast.Call) else ():
            if isinstance(item.value, ast.Constant):
                settings[str(item.arg)] = item.value.value
    plain = ast.FunctionDef(function.name, function.args, function.body, [], lineno=0)
    text = ast.unparse(plain)
    body = inlined(text)
    hidden = bool(settings.get("hidden", False))
    points = settings.get("points")
    left = () if body is not None else ((text, "it looks at the whole environment of the program"),)
    return Case(Part(body or "", hidden), left, cell, None if points is None else number_of(points))
