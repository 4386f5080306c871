"""The expressions of a test cell, twice: as the probe asks inside the box, and as the check judges outside."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from grader.importing import words
from grader.importing.scope import Scope
from grader.importing.syntax import (
    Untranslatable,
    dotted_name,
    from_dotted,
    load,
    method_call,
    no_arguments,
    rebuilt,
    shortened,
    target_names,
)

_PLAIN = (
    ast.Constant, ast.Tuple, ast.List, ast.Set, ast.Dict, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp,
    ast.Subscript, ast.Slice, ast.Starred, ast.keyword, ast.operator, ast.unaryop, ast.boolop, ast.cmpop,
    ast.expr_context,
)  # fmt: skip
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


class Expressions:
    """Rewrites expressions, and keeps the questions that they need.

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

    # ── expressions outside the box ──

    def _judge(self, node: ast.AST) -> Any:
        """The expression for the check; what is the student's becomes an answer. Raises Untranslatable."""
        match node:
            case ast.Name(id=name):
                return self._judge_name(node, name)
            case ast.Call():
                return self._judge_call(node)
            case ast.Attribute():
                return self._judge_attribute(node)
            case ast.BinOp(left=left, op=op, right=right):
                self._refuse_growth(left, op, right)
                return ast.BinOp(self._judge(left), op, self._judge(right))
            case ast.Lambda(args=arguments, body=body):
                with self._bound([argument.arg for argument in arguments.args], Local(box=False)):
                    return ast.Lambda(arguments, self._judge(body))
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                return self._judge_comprehension(node)
        if isinstance(node, _PLAIN):
            return rebuilt(node, self._judge)
        raise Untranslatable(f"`{shortened(ast.unparse(node))}` cannot be worked out outside the box")

    def _judge_name(self, node: ast.Name, name: str) -> ast.expr:
        local = self.locals.get(name)
        if local is not None:
            if not local.judge:
                raise Untranslatable(local.why or f"{name} is known only inside the box")
            return load(name)
        if name in self.scope.changes:
            return self._ask_name(node, name)
        if name in words.PURE:
            return load(name)
        module, member = self.members.get(name, ("", ""))
        if module.split(".")[0] in words.JUDGE_MODULES and member not in words.BLOCKED:
            self._import(module.split(".")[0], module.split(".")[0], judge=True)
            return from_dotted(f"{module}.{member}")
        raise Untranslatable(self._unknown(name))

    def _unknown(self, name: str) -> str:
        if name in self.earlier:
            return f"{name} is set in the test cell {self.earlier[name]}"
        if name in self.modules or name in self.members:
            return f"{self.modules.get(name) or '.'.join(self.members[name])} is not at hand outside the box"
        return f"{name} is defined neither in the program nor in this cell"

    def _judge_call(self, node: ast.Call) -> ast.expr:
        if self._is_student_call(node):
            return ast.Attribute(self._ask_call(node), "value", ast.Load())
        function = node.func
        if isinstance(function, ast.Name):
            return self._judge_named_call(node, function.id)
        full = self._full_name(dotted_name(function))
        if full:
            return self._judge_module_call(node, full)
        if not isinstance(function, ast.Attribute):
            return self._look(node)
        if function.attr in words.DATA_METHODS:
            receiver = self._judge(function.value)
            return ast.Call(ast.Attribute(receiver, function.attr, ast.Load()), *self._arguments(node))
        return self._look(node)

    def _judge_named_call(self, node: ast.Call, name: str) -> ast.expr:
        local = self.locals.get(name)
        if local is not None:
            if local.function or (local.judge and not local.student):
                return ast.Call(load(name), *self._arguments(node))
            return self._look(node)
        if name in ("shows", "prints") and name not in self.scope.changes:
            self.made.helpers.add(name)
            return ast.Call(load(name), *self._arguments(node))
        if name in words.SPECIAL:
            return self._judge_special(node, name)
        if name in self.members and self._full_member(name).split(".")[0] in words.BOX_MODULES:
            return self._judge_module_call(node, self._full_member(name))
        if name not in words.PURE:
            raise Untranslatable(self._unknown(name))
        self._refuse_sizes(node, name)
        return ast.Call(load(name), *self._arguments(node))

    def _judge_special(self, node: ast.Call, name: str) -> ast.expr:
        if node.keywords or not node.args:
            raise Untranslatable(f"{name} with these arguments")
        if name == "isinstance" and len(node.args) == 2:
            full = self._full_name(dotted_name(node.args[1]))
            if full and full.split(".")[0] not in words.JUDGE_MODULES:
                self.made.helpers.add("is_named")
                package, _, last = full.partition(".")
                given: list[ast.expr] = [ast.Constant(package), ast.Constant(last.rpartition(".")[2])]
                return ast.Call(load("is_named"), [self._judge(node.args[0]), *given], [])
        helper = words.SPECIAL[name]
        self.made.helpers.add(helper)
        return ast.Call(load(helper), *self._arguments(node))

    def _judge_module_call(self, node: ast.Call, full: str) -> ast.expr:
        module, *path = full.split(".")
        if module not in words.BOX_MODULES:
            raise Untranslatable(f"{full} is not at hand outside the box")
        if module not in words.JUDGE_MODULES:
            return self._look(node)
        if path[:1] == ["random"]:
            return self._judge_draw(node, path[-1])
        if set(path) & words.BLOCKED:
            raise Untranslatable(f"{full} reaches beyond its arguments")
        self._refuse_sizes(node, path[-1])
        self._import(module, module, judge=True)
        return ast.Call(from_dotted(full), *self._arguments(node))

    def _judge_draw(self, node: ast.Call, name: str) -> ast.expr:
        if name not in words.DRAWS or not self.seeded or not self.draws_allowed:
            raise Untranslatable("it draws numbers that cannot be drawn again outside the box")
        return ast.Call(ast.Attribute(load("drawn_again"), name, ast.Load()), *self._arguments(node))

    def _judge_attribute(self, node: ast.Attribute) -> ast.expr:
        full = self._full_name(dotted_name(node))
        if full:
            module, *path = full.split(".")
            if module not in words.JUDGE_MODULES or set(path) & (words.BLOCKED | {"random"}):
                raise Untranslatable(f"{full} is not at hand outside the box")
            self._import(module, module, judge=True)
            return from_dotted(full)
        if node.attr in words.DATA_ATTRIBUTES:
            return ast.Attribute(self._judge(node.value), node.attr, ast.Load())
        return self._look(node)

    def _judge_comprehension(self, node: Any) -> ast.expr:
        generators, bound = [], []
        outer = dict(self.locals)
        for generator in node.generators:
            judged = self._judge(generator.iter)
            names = target_names(generator.target)
            student = self._is_student(generator.iter)
            bound.append((names, Local(box=not student, student=student)))
            generators.append((generator, judged))
            self._bind(names, bound[-1][1])
        try:
            with self._inner() as (box, judge):
                told = list(self.told)
                parts = {
                    name: self._judge(getattr(node, name)) for name in ("elt", "key", "value") if hasattr(node, name)
                }
                conditions = [[self._judge(test) for test in generator.ifs] for generator, _ in generators]
                self.told = told
        finally:
            self.locals = outer
        made = [
            ast.comprehension(generator.target, judged, tests, 0)
            for (generator, judged), tests in zip(generators, conditions, strict=True)
        ]
        if box or judge:
            made = [self._asked_in_turn(node.generators, made[0], box, judge, bound[0])]
        return type(node)(**parts, generators=made)  # type: ignore[no-any-return] # one of the four comprehensions

    def _asked_in_turn(
        self,
        generators: list[ast.comprehension],
        made: ast.comprehension,
        box: list[ast.stmt],
        judge: list[ast.stmt],
        bound: tuple[list[str], Local],
    ) -> ast.comprehension:
        """A comprehension that calls student code: it is asked in a loop before, and answered one by one."""
        if len(generators) > 1 or generators[0].ifs or bound[1].student:
            raise Untranslatable("it calls student code in a comprehension of more than one part")
        asks = [item for item in judge if isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name)]
        if len(asks) != len(judge):
            raise Untranslatable("it calls student code in comprehensions inside each other")
        names = [item.targets[0].id for item in asks if isinstance(item.targets[0], ast.Name)]
        self.box.append(ast.For(made.target, self._boxed(generators[0].iter), box, [], lineno=0))
        self.site += 1
        rows = f"answers_{self.site}"
        row = ast.Tuple([item.value for item in asks], ast.Load())
        listed = ast.ListComp(row, [ast.comprehension(made.target, made.iter, [], 0)])
        self.judge.append(ast.Assign([ast.Name(rows, ast.Store())], listed, lineno=0))
        stored: list[ast.expr] = [ast.Name(name, ast.Store()) for name in names]
        target = ast.Tuple([made.target, ast.Tuple(stored, ast.Store())], ast.Store())
        return ast.comprehension(target, ast.Call(load("zip"), [made.iter, load(rows)], []), [], 0)

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

    def _arguments(self, node: ast.Call) -> tuple[list[ast.expr], list[ast.keyword]]:
        return [self._judge(item) for item in node.args], [self._judge(item) for item in node.keywords]

    def _refuse_sizes(self, node: ast.Call, name: str) -> None:
        given = [*node.args, *(item.value for item in node.keywords)]
        if name in words.SIZED and any(self._is_student(item) for item in given):
            raise Untranslatable(f"{name} of what student code gave may need more room than there is")

    def _refuse_growth(self, left: ast.expr, op: ast.operator, right: ast.expr) -> None:
        """No power or repetition that a number of the student's could make as large as it likes."""
        repeated = (ast.List, ast.Tuple, ast.JoinedStr)
        student = self._is_student(left), self._is_student(right)
        grows = isinstance(op, ast.Pow | ast.LShift) and student[1]
        for one, other in ((left, student[1]), (right, student[0])):
            text = isinstance(one, ast.Constant) and isinstance(one.value, str | bytes)
            grows = grows or (isinstance(op, ast.Mult) and other and (text or isinstance(one, repeated)))
        if grows:
            raise Untranslatable("a number of the student's decides how much is worked out")

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
