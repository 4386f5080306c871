"""What a test cell asks of the student's program, inside the box, and how its names are understood.

Each use of something of the student's becomes a numbered question: a statement for the probe, and the answer's name for
the check. `grader/importing/expressions.py` writes the check's side of the expressions around them.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from grader.importing import words
from grader.importing.scope import Scope
from grader.importing.syntax import (
    Untranslatable,
    load,
    method_call,
    no_arguments,
    rebuilt,
    shortened,
    target_names,
)

FEW = 3
"""Most values that one message tells."""


@dataclass(frozen=True)
class Local:
    """A name that the test cell itself binds, and where it has its value."""

    box: bool = True
    judge: bool = True
    student: bool = False
    """Whether the value comes from student code."""
    function: bool = False
    """A function that the cell defines, which uses nothing of the student's."""
    why: str = ""
    """Why it has no value on one of the two sides."""


@dataclass(frozen=True)
class Left:
    """Statements that could not be carried over."""

    text: str
    reason: str


@dataclass
class Translation:
    """A test cell as two lists of statements, and what is left of it."""

    box: list[ast.stmt] = field(default_factory=list)
    judge: list[ast.stmt] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    assertions: int = 0
    box_imports: set[str] = field(default_factory=set)
    judge_imports: set[str] = field(default_factory=set)
    helpers: set[str] = field(default_factory=set)
    """Functions of `grader.importing.recorded` that the judge's side uses."""
    called: list[str] = field(default_factory=list)
    """Names of the student's that are asked for, in order."""


class Questions:
    """Writes the questions of a test cell, for the probe and for the check.

    Args:
        scope: of the program without its test cells.
        cell: number of the test cell.
        earlier: names that test cells above bind, with the numbers of those cells.
    """

    def __init__(self, scope: Scope, cell: int, earlier: dict[str, int]) -> None:
        self.scope = scope
        self.cell = cell
        self.earlier = earlier
        self.made = Translation()
        self.box, self.judge = self.made.box, self.made.judge
        self.locals: dict[str, Local] = {}
        self.modules = {"np": "numpy", "math": "math", **scope.modules}
        self.members = dict(scope.members)
        self.sites: dict[int, int] = {}
        self.site = 0
        self.told: list[str] = []
        """Names of the answers of the statement at hand."""
        self.seeded = False
        self.draws_allowed = False

    @contextmanager
    def _inner(self) -> Iterator[tuple[list[ast.stmt], list[ast.stmt]]]:
        outer = self.box, self.judge
        self.box, self.judge = [], []
        try:
            yield self.box, self.judge
        finally:
            self.box, self.judge = outer

    @contextmanager
    def _bound(self, names: Sequence[str], local: Local) -> Iterator[None]:
        before = dict(self.locals)
        self._bind(names, local)
        try:
            yield
        finally:
            self.locals = before

    def _bind(self, names: Sequence[str], local: Local) -> None:
        self.locals = {**self.locals, **dict.fromkeys(names, local)}

    # ── questions ──

    def _ask(self, node: ast.AST, names: Mapping[str, ast.expr] | None = None) -> ast.expr:
        """The answer to the question of this node, on the side of the check."""
        site = self.sites[id(node)]
        name = f"answer_{site}"
        keywords = [ast.keyword(key, value) for key, value in (names or {}).items()]
        given: list[ast.expr] = [ast.Constant(site), ast.Constant(shortened(ast.unparse(node)))]
        self.judge.append(
            ast.Assign([ast.Name(name, ast.Store())], method_call("answers", "ask", given, keywords), lineno=0)
        )
        self.told.append(name)
        return load(name)

    def _new_site(self, node: ast.AST) -> ast.Constant:
        self.site += 1
        self.sites[id(node)] = self.site
        return ast.Constant(self.site)

    def _ask_call(self, node: ast.Call) -> ast.expr:
        if id(node) not in self.sites:
            given = self._call_arguments(node)
            self.box.append(ast.Expr(method_call("asked", "attempt", [self._new_site(node), *given[0]], given[1])))
        self.seeded = False
        return self._ask(node, self._inputs_told(node))

    def _call_arguments(self, node: ast.Call) -> tuple[list[ast.expr], list[ast.keyword]]:
        assert isinstance(node.func, ast.Name)
        self._use(node.func.id)
        arguments = [self._boxed(item) for item in node.args]
        return [ast.Constant(node.func.id), *arguments], [self._boxed(item) for item in node.keywords]

    def _inputs_told(self, node: ast.Call) -> dict[str, ast.expr]:
        """Names of the cell in a call, whose values its text does not show."""
        used = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
        plain = [name for name, local in self.locals.items() if local.judge and not local.function]
        return {
            name: load(name) for name in [item for item in plain if item in used][:FEW] if name not in ("site", "what")
        }

    def _ask_name(self, node: ast.Name, name: str) -> ast.expr:
        self._use(name, as_object=name in self.scope.functions)
        self.box.append(ast.Expr(method_call("asked", "name", [self._new_site(node), ast.Constant(name)])))
        return ast.Attribute(self._ask(node), "value", ast.Load())

    def _look(self, node: ast.expr) -> ast.expr:
        """A fact that only the box can find out, about an object of the student's."""
        if not self._is_student(node):
            raise Untranslatable(f"`{shortened(ast.unparse(node))}` cannot be worked out outside the box")
        if any(
            isinstance(part, ast.Attribute) and part.attr in ("fit", "evaluate", "predict") for part in ast.walk(node)
        ):
            raise Untranslatable("it depends on a training")
        thunk = ast.Lambda(no_arguments(), self._boxed(node))
        self.box.append(ast.Expr(method_call("asked", "look", [self._new_site(node), thunk])))
        self.seeded = False
        return ast.Attribute(self._ask(node), "value", ast.Load())

    def _use(self, name: str, *, as_object: bool = False) -> None:
        """Refuse a name whose value at the end of the program is not the one that the cell saw."""
        later = self.scope.changed_after(name, self.cell)
        if later is not None:
            raise Untranslatable(
                f"{name} gets another value later, in cell {later}; grader asks at the end of the program"
            )
        if name in self.scope.trained and not as_object:
            raise Untranslatable(f"{name} depends on a training, whose values are not known before it is carried out")
        if name not in self.made.called:
            self.made.called.append(name)

    # ── expressions inside the box ──

    def _boxed(self, node: Any) -> Any:
        """The expression for the probe. Raises Untranslatable."""
        match node:
            case ast.Name(id=name):
                return self._boxed_name(node, name)
            case ast.Call() if self._is_student_call(node):
                given = self._call_arguments(node)
                return method_call("asked", "call", [self._new_site(node), *given[0]], given[1])
            case ast.Lambda(args=arguments, body=body):
                with self._bound([argument.arg for argument in arguments.args], Local()):
                    return ast.Lambda(arguments, self._boxed(body))
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                names = [name for part in node.generators for name in target_names(part.target)]
                with self._bound(names, Local()):
                    return rebuilt(node, self._boxed)
            case ast.Await() | ast.Yield() | ast.YieldFrom() | ast.NamedExpr():
                raise Untranslatable("it is more than an expression")
        return rebuilt(node, self._boxed)

    def _boxed_name(self, node: ast.Name, name: str) -> ast.expr:
        if not isinstance(node.ctx, ast.Load):
            return node
        local = self.locals.get(name)
        if local is not None:
            if not local.box:
                raise Untranslatable(local.why or f"{name} is not known inside the box")
            return load(name)
        if name in self.scope.changes:
            self._use(name)
            return method_call("asked", "given", [self._new_site(node), ast.Constant(name)])
        module = self.modules.get(name, "")
        if module.split(".")[0] in words.BOX_MODULES:
            self._import(name, module, judge=False)
            return load(name)
        source, member = self.members.get(name, ("", ""))
        if source.split(".")[0] in words.BOX_MODULES:
            self.made.box_imports.add(f"from {source} import {member}" + ("" if member == name else f" as {name}"))
            return load(name)
        if name in words.PURE or name in words.SPECIAL or name in words.EXCEPTIONS:
            return load(name)
        raise Untranslatable(self._unknown(name))

    def _import(self, name: str, module: str, *, judge: bool) -> None:
        if judge:
            self.made.judge_imports.add("import numpy as np" if module == "numpy" else f"import {module}")
            name = "np" if module == "numpy" else name
        plain = f"import {module}" if name == module else f"import {module} as {name}"
        self.made.box_imports.add(plain)

    # ── what is the student's ──

    def _is_student_call(self, node: ast.AST) -> bool:
        """Whether this calls a function of the program by its name."""
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            return False
        name = node.func.id
        return name not in self.locals and name in self.scope.changes

    def _is_student(self, node: ast.AST) -> bool:
        """Whether something of the student's is in it."""
        for part in ast.walk(node):
            if isinstance(part, ast.Name):
                local = self.locals.get(part.id)
                if local.student if local is not None else part.id in self.scope.changes:
                    return True
        return False

    def _full_name(self, dotted: str) -> str:
        """`numpy.random.rand` for `np.random.rand`; empty if the chain does not begin with a module."""
        root, _, rest = dotted.partition(".")
        if not root or root in self.locals or root in self.scope.changes:
            return ""
        if root in self.modules:
            return f"{self.modules[root]}.{rest}" if rest else ""
        if root in self.members:
            return self._full_member(root) + (f".{rest}" if rest else "")
        return ""

    def _full_member(self, name: str) -> str:
        return ".".join(self.members[name])

    def _unknown(self, name: str) -> str:
        if name in self.earlier:
            return f"{name} is set in the test cell {self.earlier[name]}"
        if name in self.modules or name in self.members:
            return f"{self.modules.get(name) or '.'.join(self.members[name])} is not at hand outside the box"
        return f"{name} is defined neither in the program nor in this cell"
