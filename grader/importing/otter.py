"""Notebooks of otter: the source that `otter assign` takes (format 1), and what students get, with its tests.

In a source, raw cells begin and end blocks: a question, its prompt, its solution, its tests. A student's notebook has
none of these; its tests are files `tests/<question>.py` beside it, or stand in its metadata.
"""

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from grader.errors import SetupError
from grader.importing.doctests import Left, read_case, read_cell
from grader.importing.plan import BEGIN, END, STUB, Became, ByHand, Graded, Notebook, Part, Plan, SourceCell, title_of
from grader.importing.scope import parse
from grader.importing.settings import read_settings

_BOUNDARY = re.compile(r"#\s+(begin|end)\s+(question|prompt|solution|tests)\s*", re.IGNORECASE)
_CONFIG = re.compile(r"#\s+assignment\s+config\s*", re.IGNORECASE)
_OLD = re.compile(r"^```\s*\n\s*BEGIN (QUESTION|ASSIGN)", re.MULTILINE)
_IGNORED = re.compile(r"(##\s*ignore\s*##\s*|#\s*ignore\s*)", re.IGNORECASE)
_BEGIN_TEST = re.compile(r'(?:.\s*=\s*)?"""?\s*#\s*BEGIN\s*TEST\s*CONFIG', re.IGNORECASE)
_END_TEST = re.compile(r'"""?;?\s*#\s*END\s*TEST\s*CONFIG', re.IGNORECASE)
_BEGIN_PROMPT = re.compile(r'\s*"""\s*#\s*BEGIN PROMPT\s*$')
_END_PROMPT = re.compile(r'\s*""";?\s*#\s*END PROMPT\s*$')
_BEGIN_SOLUTION = re.compile(r"(\s*)# BEGIN SOLUTION( NO PROMPT)?\s*$")
_END_SOLUTION = re.compile(r"(\s*)# END SOLUTION\s*$")
_SOLUTION = re.compile(r"(.*?)\s?# ?SOLUTION( NO PROMPT)?\s*$")
_OTTER = re.compile(
    r"\s*(import otter\b|from otter\b|grader\s*=\s*otter\.|%load_ext otter|grader\.(check|check_all|export)\b)"
)
_CHECK = re.compile(r"grader\.check\(\s*['\"]([^'\"]+)['\"]")
_UNWRITTEN = re.compile(r"(\s*)(?:return +)?(?:[\w., \[\]'\"]+ = *)?\.\.\.\s*$")


class Malformed(Exception):  # noqa: N818 - a place and what is wrong there
    """A cell that otter would refuse."""


@dataclass
class Question:
    """A question while it is read."""

    settings: Mapping[str, Any]
    cell: int
    cases: list["Case"] = field(default_factory=list)


@dataclass(frozen=True)
class Case:
    """One test case."""

    part: Part
    left: tuple[Left, ...]
    cell: int
    points: float | None = None
    message: str = ""


def is_assign(notebook: Notebook) -> bool:
    """Whether this is a source for `otter assign`, of format 1."""
    return any(_boundary(cell) for cell in notebook.cells)


def is_student(notebook: Notebook) -> bool:
    """Whether this is what students get."""
    return any(cell.kind == "code" and _CHECK.search(cell.text) for cell in notebook.cells)


def refuse_old(notebook: Notebook) -> None:
    """Raise SetupError for a source of format 0, whose questions stand in Markdown."""
    old = next((cell for cell in notebook.cells if cell.kind == "markdown" and _OLD.search(cell.text)), None)
    if old is not None:
        raise SetupError(
            f"{notebook.at(old.number)}: expected a question that begins in a raw cell, found one of otter assign's "
            "format 0. Convert the notebook with otter's own converter first."
        )


# ── the source of otter assign ──


def read_assign(notebook: Notebook) -> Plan:
    """All that is in a source notebook; raises SetupError with the cell that is malformed."""
    plan = Plan("otter assign", title_of(notebook))
    reader = _Reader(plan)
    mistakes = []
    for cell in notebook.cells:
        try:
            reader.read(_unfenced(cell))
        except (Malformed, ValueError) as mistake:
            mistakes.append(f"{notebook.at(cell.number)}: {mistake}")
    if reader.blocks:
        mistakes.append(
            f"{notebook.path.name}: the {reader.blocks[-1]} has no end. Add a raw cell `# END {reader.blocks[-1].upper()}`."
        )
    if mistakes:
        raise SetupError("; ".join(mistakes))
    return plan


def _unfenced(cell: SourceCell) -> SourceCell:
    """A Markdown cell that is one block ```otter, as the raw cell that it stands for."""
    rows = cell.text.strip().split("\n")
    if cell.kind == "markdown" and len(rows) > 1 and rows[0].strip() == "```otter" and rows[-1].strip() == "```":
        return replace(cell, kind="raw", text="\n".join(rows[1:-1]))
    return cell


def _boundary(cell: SourceCell) -> tuple[bool, str] | None:
    """(begins, block) of a raw cell at the end of a block."""
    cell = _unfenced(cell)
    match = _BOUNDARY.match(cell.text.lstrip()) if cell.kind == "raw" else None
    return (match[1].lower() == "begin", match[2].lower()) if match else None


class _Reader:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.blocks: list[str] = []
        self.question: Question | None = None

    def read(self, cell: SourceCell) -> None:
        boundary = _boundary(cell)
        if boundary is not None:
            begins, block = boundary
            if begins:
                self._begin(block, cell)
            else:
                self._end(block)
            self._became(cell, f"raw, {'begin' if begins else 'end'} {block}", "settings")
        elif cell.kind == "raw":
            config = bool(_CONFIG.match(cell.text.lstrip()))
            self._became(cell, "raw", "left out: settings of otter" if config else "left out")
            if config:
                self._config(cell)
        elif _IGNORED.match(cell.text):
            self._became(cell, cell.kind, "left out: marked as IGNORE")
        else:
            self._cell(cell)

    def _became(self, cell: SourceCell, was: str, now: str) -> None:
        self.plan.became.append(Became(cell.number, was, now))

    def _config(self, cell: SourceCell) -> None:
        settings = read_settings(cell.text)
        files = settings.get("files") or settings.get("student_files")
        if files:
            reason = "files beside a hand-in are not carried over; data must come from a shipped data set or from code"
            self.plan.left.append((cell.number, f"files: {files}", reason))
        if isinstance(settings.get("name"), str):
            self.plan.notes.append((cell.number, f"otter calls this assignment {settings['name']}."))

    def _begin(self, block: str, cell: SourceCell) -> None:
        if block == "question":
            if self.blocks:
                raise Malformed("a question begins inside another. End that one first.")
            settings = read_settings(cell.text)
            name = settings.get("name")
            if not isinstance(name, str | int) or isinstance(name, bool):
                raise Malformed(f"expected the name of a question, found {name!r}. Add `name: q1`.")
            self.question = Question({**settings, "name": str(name)}, cell.number)
        elif not self.blocks:
            raise Malformed(f"a {block} begins outside of a question. Add `# BEGIN QUESTION` above it.")
        elif len(self.blocks) > 1:
            raise Malformed(f"a {block} begins inside the {self.blocks[-1]}. End that first.")
        self.blocks.append(block)

    def _end(self, block: str) -> None:
        if not self.blocks or self.blocks[-1] != block:
            found = f"the {self.blocks[-1]} is still open" if self.blocks else "nothing is open"
            raise Malformed(f"a {block} ends here, but {found}. Remove the cell, or end what is open.")
        self.blocks.pop()
        if block == "question" and self.question is not None:
            self.plan.tasks += tasks_of(self.question)
            self.question = None

    def _cell(self, cell: SourceCell) -> None:
        block = self.blocks[-1] if self.blocks else ""
        if block == "tests":
            if cell.kind != "code":
                raise Malformed(f"expected tests as code, found a {cell.kind} cell. Move it out of the tests.")
            assert self.question is not None
            self.question.cases.append(_test_case(cell))
        elif block == "prompt" and cell.kind == "code":
            self._became(cell, "prompt", "left out: the starter has its own, made from the regions")
        elif block == "solution" and cell.kind == "markdown":
            self.plan.answers.append((cell.number, cell.text))
            self.plan.cells.append(replace(cell, text=STUB, metadata={"answer": True}))
            self._became(cell, "solution in words", "a place for the answer; the model answer is below")
        elif cell.kind == "markdown":
            self.plan.cells.append(cell)
            self._became(cell, "markdown", "handout")
        else:
            self._code(cell, solution=block == "solution")

    def _code(self, cell: SourceCell, *, solution: bool) -> None:
        text = without_otter(without_ignored(cell.text))
        text, prompts = (with_regions(text)) if solution else (text, 0)
        if prompts:
            self.plan.notes.append(
                (cell.number, "its prompt is left out: the starter has its own, made from the regions")
            )
        if text.strip():
            self.plan.cells.append(replace(cell, text=text))
        now = "reference, with its regions" if BEGIN in text else "reference, as it is" if text.strip() else "left out"
        self._became(cell, "solution" if solution else "code", now)


def without_ignored(text: str) -> str:
    """The text without what is marked as IGNORE."""
    rows, inside = [], False
    for row in text.split("\n"):
        if re.match(r"\s*#\s*BEGIN\s*IGNORE\s*$", row, re.IGNORECASE):
            inside = True
        elif row.rstrip().endswith("# END IGNORE"):
            inside = False
        elif not inside and not row.rstrip().endswith("# IGNORE"):
            rows.append(row)
    if inside:
        raise Malformed("`# BEGIN IGNORE` has no end. Add `# END IGNORE`.")
    return "\n".join(rows)


def without_otter(text: str) -> str:
    """The text without the lines that speak to otter, which the box does not have."""
    kept = [row for row in text.split("\n") if not _OTTER.match(row)]
    said = [row for row in kept if row.strip() and not row.lstrip().startswith("#")]
    return "\n".join(kept).strip("\n") if said or kept == text.split("\n") else ""


def with_regions(text: str) -> tuple[str, int]:
    """The text with regions as grader knows them around what otter marks as solution, and the number of prompts."""
    rows: list[str] = []
    inside = prompt = False
    prompts = 0
    for row in text.split("\n"):
        if prompt or _BEGIN_PROMPT.match(row):
            prompts += not prompt
            prompt = not _END_PROMPT.match(row)
        elif begins := _BEGIN_SOLUTION.match(row):
            if inside:
                raise Malformed("`# BEGIN SOLUTION` stands inside a solution. End that one first.")
            inside = True
            rows.append(f"{begins[1]}{BEGIN}")
        elif ends := _END_SOLUTION.match(row):
            if not inside:
                raise Malformed("`# END SOLUTION` ends what did not begin. Remove it.")
            inside = False
            rows.append(f"{ends[1]}{END}")
        elif not inside and (line := _SOLUTION.match(row)) and line[1].strip():
            _add_line(rows, line[1])
        else:
            rows.append(row)
    if inside or prompt:
        raise Malformed(f"a {'solution' if inside else 'prompt'} in this cell has no end. Add the marker that ends it.")
    return "\n".join(rows), prompts


def _add_line(rows: list[str], line: str) -> None:
    """One line of a solution as a region of its own, or as part of the one just above."""
    indent = line[: len(line) - len(line.lstrip())]
    if rows and rows[-1] == f"{indent}{END}":
        rows.pop()
    else:
        rows.append(f"{indent}{BEGIN}")
    rows += [line.rstrip(), f"{indent}{END}"]


def _test_case(cell: SourceCell) -> Case:
    """A cell of a tests block, with the settings at its top."""
    rows = cell.text.split("\n")
    settings: dict[str, Any] = {}
    hidden = rows[0].lstrip().startswith("#") and bool(re.search(r"\bhidden\b", rows[0], re.IGNORECASE))
    start = 1 if hidden else 0
    if _BEGIN_TEST.match(rows[0]):
        end = next((place for place, row in enumerate(rows) if _END_TEST.match(row)), None)
        if end is None:
            raise Malformed('the settings of this test have no end. Add `""" # END TEST CONFIG`.')
        settings, start = read_settings("\n".join(rows[1:end])), end + 1
    hidden = _truth(settings.get("hidden", hidden), "hidden")
    code = "\n".join(rows[start:])
    body = _inlined(without_ignored(code))
    if body is not None:
        part, left = Part(body, hidden), list[Left]()
    else:
        part, left = read_cell(without_ignored(code), _shown(cell.outputs), hidden=hidden)
    points = settings.get("points")
    return Case(
        part,
        tuple(left),
        cell.number,
        None if points is None else _number(points),
        str(settings.get("failure_message") or ""),
    )


def _shown(outputs: Sequence[Any]) -> str | None:
    """What a cell shows in the notebook; None if it shows nothing, as one that was never run."""
    text = ""
    for output in outputs:
        if not isinstance(output, Mapping):
            continue
        for piece in (output.get("text"), dict(output.get("data") or {}).get("text/plain")):
            text += piece if isinstance(piece, str) else "".join(piece or ())
    return text or None


def _inlined(code: str) -> str | None:
    """The body of a test that is written as a function of the names that it needs; None if it is no such function."""
    tree = parse(code)
    if tree is None or len(tree.body) != 1 or not isinstance(tree.body[0], ast.FunctionDef):
        return None
    function = tree.body[0]
    names = [argument.arg for argument in function.args.args]
    if "env" in names or not function.name.startswith("test"):
        return None
    return "\n".join(ast.unparse(statement) for statement in function.body)


def _truth(value: Any, key: str) -> bool:
    if not isinstance(value, bool):
        raise Malformed(f"expected {key} to be true or false, found {value!r}.")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise Malformed(f"expected points from 0, found {value!r}.")
    return float(value)


def tasks_of(question: Question) -> list[Graded | ByHand]:
    """A question as tasks: its cases one by one, with the points that otter gives each, and what a person reads."""
    name = str(question.settings["name"])
    manual = _truth(question.settings.get("manual") or False, "manual")
    wanted = question.settings.get("points")
    cases = question.cases
    tasks: list[Graded | ByHand] = []
    if manual:
        total = 1.0 if wanted is None else _total(wanted, max(len(cases), 1))
        tasks.append(ByHand(name, f"Question {name}: a person reads this answer.", total, question.cell))
        shares = [0.0] * len(cases)
    else:
        shares = shares_of(wanted, [case.points for case in cases])
    if _truth(question.settings.get("all_or_nothing") or False, "all_or_nothing") and len(cases) > 1:
        parts = tuple(case.part for case in cases)
        left = tuple(item for case in cases for item in case.left)
        return [*tasks, Graded(name, f"Question {name}.", sum(shares), parts, cases[0].cell, left)]
    for number, (case, share) in enumerate(zip(cases, shares, strict=True), start=1):
        own = name if len(cases) == 1 and not manual else f"{name}_{number}"
        title = f"Question {name}." if len(cases) == 1 else f"Question {name}, test {number}."
        tasks.append(Graded(own, title, share, (case.part,), case.cell, case.left))
    return tasks


def _total(wanted: Any, cases: int) -> float:
    if isinstance(wanted, list):
        return sum(_number(item) for item in wanted)
    return _number(wanted["each"]) * cases if isinstance(wanted, Mapping) and "each" in wanted else _number(wanted)


def shares_of(wanted: Any, given: Sequence[float | None]) -> list[float]:
    """The points of each case, as otter resolves them.

    Points of cases stand. What the question has beyond them goes to the others in equal parts; where the question says
    nothing, the others get nothing, or, if no case has points, all share one point.
    """
    if not given:
        return []
    if isinstance(wanted, list):
        if len(wanted) != len(given):
            raise Malformed(f"expected points for {len(given)} tests, found {len(wanted)}.")
        return [own if own is not None else _number(item) for own, item in zip(given, wanted, strict=True)]
    fixed = sum(own for own in given if own is not None)
    free = sum(own is None for own in given)
    unsaid = 1.0 if free == len(given) else 0.0
    rest = unsaid if wanted is None else _total(wanted, len(given)) - fixed
    if rest < -1e-9:
        raise Malformed(f"the tests have {fixed:g} points together, more than the {fixed + rest:g} of the question.")
    return [own if own is not None else rest / free for own in given]


# ── what students get ──


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
            _add_line(rows, row)
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
    return Case(part, tuple(left), cell, None if points is None else _number(points))


def _exception_case(function: ast.FunctionDef, cell: int) -> Case:
    """A test written as a function under `@test_case(points=…, hidden=…)`."""
    settings: dict[str, Any] = {}
    for mark in function.decorator_list:
        for item in mark.keywords if isinstance(mark, ast.Call) else ():
            if isinstance(item.value, ast.Constant):
                settings[str(item.arg)] = item.value.value
    plain = ast.FunctionDef(function.name, function.args, function.body, [], lineno=0)
    text = ast.unparse(plain)
    body = _inlined(text)
    hidden = bool(settings.get("hidden", False))
    points = settings.get("points")
    left = () if body is not None else ((text, "it looks at the whole environment of the program"),)
    return Case(Part(body or "", hidden), left, cell, None if points is None else _number(points))
