"""The source that `otter assign` takes (format 1): raw cells begin and end a question, its prompt, its solution, its tests."""

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from grader.errors import SetupError
from grader.importing.doctests import Left, read_cell
from grader.importing.otter_questions import Case, Malformed, Question, number_of, tasks_of, truth
from grader.importing.plan import BEGIN, END, STUB, Became, Notebook, Part, Plan, SourceCell, title_of
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


def is_assign(notebook: Notebook) -> bool:
    """Whether this is a source for `otter assign`, of format 1."""
    return any(_boundary(cell) for cell in notebook.cells)


def refuse_old(notebook: Notebook) -> None:
    """Raise SetupError for a source of format 0, whose questions stand in Markdown."""
    old = next((cell for cell in notebook.cells if cell.kind == "markdown" and _OLD.search(cell.text)), None)
    if old is not None:
        raise SetupError(
            f"{notebook.at(old.number)}: expected a question that begins in a raw cell, found one of otter assign's "
            "format 0. Convert the notebook with otter's own converter first."
        )


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
            add_line(rows, line[1])
        else:
            rows.append(row)
    if inside or prompt:
        raise Malformed(f"a {'solution' if inside else 'prompt'} in this cell has no end. Add the marker that ends it.")
    return "\n".join(rows), prompts


def add_line(rows: list[str], line: str) -> None:
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
    hidden = truth(settings.get("hidden", hidden), "hidden")
    code = "\n".join(rows[start:])
    body = inlined(without_ignored(code))
    if body is not None:
        part, left = Part(body, hidden), list[Left]()
    else:
        part, left = read_cell(without_ignored(code), _shown(cell.outputs), hidden=hidden)
    points = settings.get("points")
    return Case(
        part,
        tuple(left),
        cell.number,
        None if points is None else number_of(points),
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


def inlined(code: str) -> str | None:
    """The body of a test that is written as a function of the names that it needs; None if it is no such function."""
    tree = parse(code)
    if tree is None or len(tree.body) != 1 or not isinstance(tree.body[0], ast.FunctionDef):
        return None
    function = tree.body[0]
    names = [argument.arg for argument in function.args.args]
    if "env" in names or not function.name.startswith("test"):
        return None
    return "\n".join(ast.unparse(statement) for statement in function.body)
