"""Run a hand-in the way a student's notebook runs: cell by cell, statement by statement.

A statement that fails is noted and passed over, and the names that it would have bound are unbound, so that nothing
later runs on stale values; a `NameError` about such a name is reported as the consequence that it is. Magics and
shell lines are dropped and noted; timing and capture magics keep their body.
"""

import ast
import builtins
import importlib
import linecache
import re
import sys
import traceback
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from grader.guest.quotients import DIVIDE, replace_divisions
from grader.wire.channel import ChannelBroken

USUAL_IMPORTS = {"tf": "tensorflow", "np": "numpy", "plt": "matplotlib.pyplot"}
"""Printed solutions often leave these lines out."""
KEEP_BODY = {"time", "timeit", "capture", "prun", "python", "python3", "grade"}
_COMPOUND = re.compile(r"(async|class|def|for|if|match|try|while|with)\b|@")
_OPTIONS = re.compile(r"^\s*(-[a-zA-Z]\S*(\s+\d+)?\s+)*")


@dataclass
class Place:
    """Where a piece of code stands, as the student would name it."""

    cell: int
    notebook: bool

    def line(self, number: int) -> str:
        """`cell 3, line 2` in a notebook, `line 2` in a module."""
        return f"cell {self.cell}, line {number}" if self.notebook else f"line {number}"


class Dropped(ast.Pass):
    """Stands for a notebook command that is left out; the names that it would have bound lose their value."""

    def __init__(self, names: set[str], lineno: int) -> None:
        super().__init__(lineno=lineno, col_offset=0)
        self.names = names


@dataclass
class Program:
    """A student's code, running in a namespace of its own.

    Args:
        name: file name for tracebacks.
        notebook: whether places are named by cell.
        transform: IPython's cell transformer (magics to function calls).
        divide: does the divisions by 255; None for Python's own.
    """

    name: str
    notebook: bool
    transform: Callable[[str], str]
    divide: Callable[[Any, Any], Any] | None = None
    notes: list[dict[str, str]] = field(default_factory=list)
    lost: dict[str, str] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.module = types.ModuleType("__main__")
        self.namespace = self.module.__dict__
        self.namespace["__builtins__"] = builtins
        self.namespace["get_ipython"] = lambda: None
        sys.modules["__main__"] = self.module
        self._understood = 0

    @property
    def readable(self) -> bool:
        """False if no statement at all could be parsed."""
        return self._understood > 0

    def note(self, kind: str, where: str, text: str) -> None:
        """Write down something that the student should know, once."""
        entry = {"kind": kind, "where": where, "text": text[:600]}
        if len(self.notes) < 200 and entry not in self.notes:
            self.notes.append(entry)

    def load(self, cells: list[tuple[int, str]]) -> list[tuple[ast.stmt, Place]]:
        """All statements of all cells in order; nothing is run."""
        statements = [item for number, text in cells for item in self.parse(number, text)]
        self._understood = sum(not isinstance(statement, Dropped) for statement, _ in statements)
        self._supply_imports([statement for statement, _ in statements])
        return statements

    def _supply_imports(self, statements: list[ast.stmt]) -> None:
        """Import what everybody calls by one name, where the code uses it and never binds it; with a note.

        `%pylab` binds such names in a notebook; where it was left out, they are supplied without a word.
        """
        used, bound = names_in(statements)
        pylab = any(note["kind"] == "dropped_magic" and "pylab" in note["text"] for note in self.notes)
        for name in sorted(set(USUAL_IMPORTS) & used - bound):
            self.namespace[name] = importlib.import_module(USUAL_IMPORTS[name])
            if pylab and name != "tf":
                continue
            line = f"import {USUAL_IMPORTS[name]} as {name}"
            self.note("missing_import", "", f"{name} is used but never imported; `{line}` was supplied. Add this line.")

    def run(self, statements: list[tuple[ast.stmt, Place]]) -> None:
        """Run statements in order; one that would wait for somebody to type is left out."""
        for statement, place in statements:
            if isinstance(statement, Dropped):
                for name in statement.names:
                    self.namespace.pop(name, None)
                    self.lose(name, place.line(statement.lineno), "a shell or notebook command, which is left out")
            elif waits_for_input(statement):
                self.note(
                    "dropped_input", place.line(statement.lineno), "input() was left out: nobody is there to type."
                )
            else:
                self._execute(statement, place)

    def parse(self, number: int, text: str) -> Iterator[tuple[ast.stmt, Place]]:
        """Statements of one cell; what cannot be parsed is noted."""
        place = Place(number, self.notebook)
        filename = f"{self.name}" + (f" cell {number}" if self.notebook else "")
        self.places[filename] = place
        linecache.cache[filename] = (len(text), None, text.splitlines(True), filename)
        yield from self._parse_text(text, place, 0)

    def _parse_text(self, text: str, place: Place, offset: int) -> Iterator[tuple[ast.stmt, Place]]:
        for first, chunk in lenient_chunks(text, self.transform):
            if isinstance(chunk, SyntaxError):
                line = offset + first + max((chunk.lineno or 1) - 1, 0)
                self.note(
                    "syntax_error",
                    place.line(line + 1),
                    f"Python cannot read this ({chunk.msg}); it was passed over.",
                )
                continue
            for statement in chunk.body:
                ast.increment_lineno(statement, offset + first)
                yield from self._expand(statement, place)

    def _expand(self, statement: ast.stmt, place: Place) -> Iterator[tuple[ast.stmt, Place]]:
        """One statement as those to run: magics dropped or replaced by their body, imports one name at a time."""
        magic = find_magic(statement)
        if magic is not None:
            kind, name, body = magic
            if kind != "system" and name in KEEP_BODY and body.strip():
                yield from self._keep_body(statement, place, kind, body)
                return
            if (name, body.strip()) != ("load_ext", "grader"):  # it asks for what runs here already
                self.note("dropped_magic", place.line(statement.lineno), f"{describe_magic(kind, name)} was left out.")
            yield Dropped(bound_names(statement), statement.lineno), place
            return
        if isinstance(statement, ast.Import | ast.ImportFrom) and len(statement.names) > 1:
            for alias in statement.names:
                single = (
                    ast.Import([alias])
                    if isinstance(statement, ast.Import)
                    else ast.ImportFrom(statement.module, [alias], statement.level)
                )
                yield ast.copy_location(single, statement), place
            return
        yield statement, place

    def _keep_body(self, statement: ast.stmt, place: Place, kind: str, body: str) -> Iterator[tuple[ast.stmt, Place]]:
        """The code behind a timing or capture magic; `x = %time f()` binds x to the last value."""
        if kind == "run_cell_magic":
            yield from self._parse_text(body, place, statement.lineno)
            return
        parts = list(self._parse_text(_OPTIONS.sub("", body, count=1), place, statement.lineno - 1))
        if isinstance(statement, ast.Assign) and parts and isinstance(parts[-1][0], ast.Expr):
            assign = ast.copy_location(ast.Assign(statement.targets, parts[-1][0].value), statement)
            parts[-1] = (assign, place)
        yield from parts

    def _execute(self, statement: ast.stmt, place: Place) -> None:
        filename = f"{self.name}" + (f" cell {place.cell}" if self.notebook else "")
        try:
            self._prepare(statement)
            code = compile(ast.Module([statement], []), filename, "exec")
            exec(code, self.namespace)  # noqa: S102 - running student code is what a guest is for
            for name in bound_names(statement):
                if name in self.namespace:
                    self.lost.pop(name, None)
        except (MemoryError, ChannelBroken):
            raise
        except BaseException as error:  # noqa: BLE001 - whatever a student's statement raises is data
            where = place.line(statement.lineno)
            self.note("failed_statement", where, f"This statement failed and was passed over: {self.explain(error)}")
            for name in bound_names(statement):
                self.namespace.pop(name, None)
                self.lose(name, where, f"{type(error).__name__}: {first_line(error)}")

    def _prepare(self, statement: ast.stmt) -> None:
        """Make of a statement what is compiled."""
        if self.divide is not None:
            vars(builtins)[DIVIDE] = self.divide
            replace_divisions(statement)

    def lose(self, name: str, where: str, why: str) -> None:
        """Remember that `name` has no value because of an earlier failure."""
        self.lost[name] = f"{name} has no value because {where} failed ({why})"

    def explain(self, error: BaseException) -> str:
        """One sentence about an exception: type, message, the student's line, and its first cause if known."""
        try:
            return self._explain(error)
        except (MemoryError, ChannelBroken):
            raise
        except BaseException:  # noqa: BLE001 - a student's exception may raise anything when it is looked at
            return "an exception that cannot be looked at"

    def _explain(self, error: BaseException) -> str:
        kind = type(error).__name__
        if isinstance(error, SystemExit):
            text = f"the code called exit ({first_line(error) or 'no message'})"
        else:
            text = f"{kind}: {first_line(error)}" if first_line(error) else kind
        where = self.locate(error)
        cause = self.lost.get(str(getattr(error, "name", "") or "")) if isinstance(error, NameError) else None
        return text + (f" ({where})" if where else "") + (f" — {cause}" if cause else "")

    def locate(self, error: BaseException) -> str:
        """The innermost place in the student's own code that an exception passed through."""
        for entry in reversed(traceback.extract_tb(error.__traceback__)):
            if entry.filename in self.places:
                return self.places[entry.filename].line(entry.lineno or 0)
        return ""


COLOURS = re.compile(r"\x1b\[[0-9;]*m")
KERAS_SAYS_WHERE = "Exception encountered when calling"
"""How Keras begins when a layer fails; what went wrong stands in the line below."""


def first_line(error: BaseException) -> str:
    """The line of an exception's message that tells most, shortened; safe for exceptions that cannot be printed."""
    try:
        text = str(error)
    except (MemoryError, ChannelBroken):
        raise
    except BaseException:  # noqa: BLE001 - a student's exception may raise anything when printed
        return "(no readable message)"
    lines = [plain for line in COLOURS.sub("", text).splitlines() if (plain := line.strip())]
    if len(lines) > 1 and lines[0].startswith(KERAS_SAYS_WHERE):
        return f"{lines[0].rstrip('.')}: {lines[1]}"[:300]
    return lines[0][:300] if lines else ""


def lenient_chunks(text: str, transform: Callable[[str], str]) -> Iterator[tuple[int, ast.Module | SyntaxError]]:
    """Parse a cell: whole if it can be, else in pieces that begin at a line without indentation.

    Yields (lines before the piece, its syntax tree or the error).
    """
    lines = text.split("\n")
    blank = next((number for number, line in enumerate(lines) if line.strip()), 0)
    whole = try_parse(text, transform)
    if isinstance(whole, ast.Module):
        yield blank, whole
        return
    starts = [number for number, line in enumerate(lines) if begins_statement(line) or number == blank]
    starts.append(len(lines))
    index = 0
    while index < len(starts) - 1:
        taken, piece = longest_piece(lines, starts, index, transform)
        if isinstance(piece, SyntaxError):
            head = simple_head(lines[starts[index] : starts[index + 1]], transform)
            if head is not None:
                yield starts[index], head
        yield starts[index], piece
        index += taken


def simple_head(lines: list[str], transform: Callable[[str], str]) -> ast.Module | None:
    """The statement with which an unreadable piece begins, if it is whole: a stray line below costs only itself.

    Not of a block, since the part of a function before its mistake is another function.
    """
    if _COMPOUND.match(lines[0]):
        return None
    for count in range(1, min(len(lines), 40)):
        piece = try_parse("\n".join(lines[:count]), transform)
        if isinstance(piece, ast.Module) and piece.body:
            return piece
    return None


def longest_piece(
    lines: list[str], starts: list[int], index: int, transform: Callable[[str], str]
) -> tuple[int, ast.Module | SyntaxError]:
    """The shortest run of pieces from `index` that parses (a decorator needs its function); else the first error."""
    first: ast.Module | SyntaxError | None = None
    for taken in range(1, min(13, len(starts) - index)):
        piece = try_parse("\n".join(lines[starts[index] : starts[index + taken]]), transform)
        if isinstance(piece, ast.Module):
            return taken, piece
        first = first or piece
    return 1, first or SyntaxError("nothing to read")


def try_parse(text: str, transform: Callable[[str], str]) -> ast.Module | SyntaxError:
    """The syntax tree of a piece of a cell, or the SyntaxError."""
    try:
        return ast.parse(transform(text))
    except SyntaxError as error:
        return error
    except (ValueError, RecursionError, MemoryError, TypeError) as error:
        return SyntaxError(f"{type(error).__name__}: {error}")


def begins_statement(line: str) -> bool:
    """True if a new top-level statement may begin here."""
    if not line or line[0] in " \t)]}#":
        return False
    return not re.match(r"(else|elif|except|finally)\b", line)


def find_magic(statement: ast.stmt) -> tuple[str, str, str] | None:
    """(method, magic name, text to keep) if the statement is an IPython magic or shell command."""
    value = getattr(statement, "value", None)
    if not isinstance(statement, ast.Expr | ast.Assign) or not isinstance(value, ast.Call):
        return None
    function = value.func
    if not (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Call)
        and isinstance(function.value.func, ast.Name)
        and function.value.func.id == "get_ipython"
    ):
        return None
    texts = [
        item.value if isinstance(item, ast.Constant) and isinstance(item.value, str) else "" for item in value.args
    ]
    if function.attr == "run_cell_magic" and len(texts) == 3:
        return "run_cell_magic", texts[0], texts[2]
    if function.attr == "run_line_magic" and len(texts) == 2:
        return "run_line_magic", texts[0], texts[1]
    return "system", function.attr, ""


def describe_magic(kind: str, name: str) -> str:
    """The command as the student wrote it."""
    if kind == "system":
        return "a shell command (!)"
    return f"the cell with %%{name}" if kind == "run_cell_magic" else f"the command %{name}"


def names_in(statements: list[ast.stmt]) -> tuple[set[str], set[str]]:
    """(names that are read, names that may be bound) anywhere in the statements, functions and classes included.

    A star import may bind any of the usual names.
    """
    used: set[str] = set()
    bound: set[str] = set()
    for node in (node for statement in statements for node in ast.walk(statement)):
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
            bound.add(node.name or "")
        elif isinstance(node, ast.Import | ast.ImportFrom):
            bound |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
            bound |= set(USUAL_IMPORTS) if any(alias.name == "*" for alias in node.names) else set()
        elif isinstance(node, Dropped):
            bound |= node.names
    return used, bound


def bound_names(statement: ast.AST) -> set[str]:
    """Names that a top-level statement binds in its own namespace; bodies of functions and classes are not entered."""
    names: set[str] = set()
    pending = [statement]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
            continue
        if isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names if alias.name != "*"}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            names.add(node.name)
        pending.extend(ast.iter_child_nodes(node))
    return names


def waits_for_input(statement: ast.stmt) -> bool:
    """True for a bare `input()` at top level."""
    value = getattr(statement, "value", None)
    return (
        isinstance(statement, ast.Expr)
        and isinstance(value, ast.Call)
        and isinstance(value.func, ast.Name)
        and value.func.id == "input"
    )
