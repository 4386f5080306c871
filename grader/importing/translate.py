"""Test cells of other graders as questions for the box and assertions outside of it.

Theory of operation. A test cell calls student code and compares, in one process. Here it becomes two functions of the
same shape. The one for the probe makes the calls (`asked.call`), inside the box, and compares nothing. The one for
the check asks for what was recorded (`answers.ask`) and makes the assertions, outside. Both are the cell's own
statements, in which each use of something of the student's is replaced; places are numbered, so that a loop asks and
is answered in one order. What is in neither box nor record — a mock, a plot, the source of a function, a state that
another statement made — is `Untranslatable`, with the reason, and is left for a person. A statement that changes
something for those below takes them along.
"""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from grader.importing import words
from grader.importing.expressions import Expressions
from grader.importing.prune import pruned
from grader.importing.questions import FEW, Left, Local, Translation
from grader.importing.scope import Scope, changed, imports, parse
from grader.importing.syntax import (
    Untranslatable,
    dotted_name,
    load,
    method_call,
    no_arguments,
    shortened,
    target_names,
)

_OWN = re.compile(r"asked|answers?(_\d+)?|drawn_again")
"""Names that the generated functions need themselves."""


def translate(text: str, scope: Scope, cell: int, earlier: Mapping[str, int] | None = None) -> Translation:
    """A test cell, translated as far as it can be.

    Args:
        text: the cell.
        scope: of the program without its test cells.
        cell: number of the cell.
        earlier: names that test cells above bind, with the numbers of those cells.
    """
    tree = parse(text)
    if tree is None:
        return Translation(left=[Left(text, "it is not Python")])
    return _Translator(scope, cell, dict(earlier or {})).translate(tree)


class _Translator(Expressions):
    def translate(self, tree: ast.Module) -> Translation:
        body = _without_docstring(tree.body)
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        clash = sorted(name for name in used if _OWN.fullmatch(name))
        if clash:
            body, why = [], f"it uses the name {clash[0]}, which grader needs itself"
            self.made.left.append(Left(ast.unparse(tree), why))
        for index, statement in enumerate(body):
            try:
                with self._undone_on_failure():
                    self._statement(statement)
            except Untranslatable as why:
                self.made.left.append(Left(ast.unparse(statement), str(why)))
                if not self._goes_on_after(statement):
                    rest = [ast.unparse(other) for other in body[index + 1 :]]
                    if rest:
                        below = "it stands below a statement that could not be carried over and may change something"
                        self.made.left.append(Left("\n".join(rest), below))
                    break
                for name in changed(statement):
                    self.locals[name] = Local(box=False, judge=False, why=f"{name} could not be carried over: {why}")
        self.made.box = pruned(self.box)
        read = {node.id for statement in self.made.box for node in ast.walk(statement) if isinstance(node, ast.Name)}
        self.made.box_imports = {line for line in self.made.box_imports if _binds(line) in read}
        return self.made

    @contextmanager
    def _undone_on_failure(self) -> Iterator[None]:
        made = self.made
        before = len(self.box), len(self.judge), made.assertions, dict(self.locals), len(made.called)
        try:
            yield
        except Untranslatable:
            del self.box[before[0] :], self.judge[before[1] :], made.called[before[4] :]
            made.assertions, self.locals = before[2], before[3]
            raise

    def _goes_on_after(self, statement: ast.stmt) -> bool:
        """Whether statements below one that was left mean the same without it."""
        if isinstance(statement, ast.Assert | ast.Import | ast.ImportFrom):
            return True
        if isinstance(statement, ast.Assign | ast.FunctionDef):
            calls = isinstance(statement, ast.Assign) and any(isinstance(n, ast.Call) for n in ast.walk(statement))
            return not calls and not changed(statement) & set(self.scope.changes)
        return False

    def _statement(self, statement: ast.stmt) -> None:
        self.told = []
        match statement:
            case ast.Assert():
                self._assert(statement.test, statement.msg)
            case ast.Assign(targets=[target], value=value):
                self._assign(target, value)
            case ast.AnnAssign(target=ast.Name() as target, value=ast.expr() as value):
                self._assign(target, value)
            case ast.AugAssign(target=ast.Name() as target, op=op, value=value):
                self._assign(target, ast.BinOp(ast.Name(target.id, ast.Load()), op, value))
            case ast.Expr(value=value):
                self._expression(value)
            case ast.For(target=target, iter=over, body=body, orelse=[]):
                self._for(target, over, body)
            case ast.If(test=test, body=body, orelse=orelse):
                self._if(test, body, orelse)
            case ast.Try():
                self._try(statement)
            case ast.With(items=[item], body=[inner]):
                self._with(item.context_expr, inner)
            case ast.FunctionDef():
                self._define(statement)
            case ast.Import() | ast.ImportFrom():
                imports(statement, self.modules, self.members)
            case ast.Pass():
                pass
            case _:
                raise Untranslatable(f"a test with `{type(statement).__name__.lower()}` depends on more than values")

    def _assert(self, test: ast.expr, message: ast.expr | None = None, text: str = "") -> None:
        condition = self._judge(test)
        said = message.value if isinstance(message, ast.Constant) and isinstance(message.value, str) else ""
        self._expect(condition, text or _described(test), said)

    def _expect(self, condition: ast.expr, text: str, message: str = "") -> None:
        thunk = ast.Lambda(no_arguments(), condition)
        keywords = [ast.keyword("message", ast.Constant(message))] if message else []
        answers: list[ast.expr] = [load(name) for name in dict.fromkeys(self.told)]
        self._say("expect", [thunk, ast.Constant(shortened(text)), *answers[:FEW]], keywords)
        self.made.assertions += 1

    def _say(self, method: str, arguments: list[ast.expr], keywords: list[ast.keyword] | None = None) -> None:
        self.judge.append(ast.Expr(method_call("answers", method, arguments, keywords)))

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        names = target_names(target)
        for name in names:
            if name in self.scope.changes and name in self.scope.read_inside:
                raise Untranslatable(f"it gives another value to {name}, which the student's functions read")
        student = self._is_student(value)
        boxed = self._boxed(value)
        self.box.append(ast.Assign([target], boxed, lineno=0))
        why, before = "", len(self.judge)
        try:
            self.draws_allowed = True
            judged = self._judge(value)
            self.judge.append(ast.Assign([target], judged, lineno=0))
        except Untranslatable as reason:
            del self.judge[before:]
            why, self.seeded = str(reason), False
        finally:
            self.draws_allowed = False
        for name in names:
            self.locals[name] = Local(judge=not why, student=student, why=why)

    def _expression(self, value: ast.expr) -> None:
        if isinstance(value, ast.Constant):
            return
        if not isinstance(value, ast.Call):
            if self._is_student(value):
                self._expect(_called_tuple(self._judge(value)), f"{ast.unparse(value)} to be there")
            return
        name = dotted_name(value.func)
        if isinstance(value.func, ast.Name) and value.func.id == "print" and "print" not in self.scope.changes:
            for argument in value.args:
                if any(self._is_student_call(node) for node in ast.walk(argument)):
                    self._expression(argument)
            return
        if self._is_student_call(value):
            answer = self._ask_call(value)
            self._say("ran", [answer])
            self.made.assertions += 1
            return
        full = self._full_name(name)
        if full == "numpy.random.seed" and len(value.args) == 1:
            self.box.append(ast.Expr(self._boxed(value)))
            seed = self._judge(value.args[0])
            state = ast.Attribute(ast.Attribute(load("np"), "random", ast.Load()), "RandomState", ast.Load())
            self.made.judge_imports.add("import numpy as np")
            self.judge.append(ast.Assign([ast.Name("drawn_again", ast.Store())], ast.Call(state, [seed], []), lineno=0))
            self.seeded = True
        elif full in (
            "tensorflow.random.set_seed",
            "keras.utils.set_random_seed",
            "tensorflow.keras.utils.set_random_seed",
        ):
            self.box.append(ast.Expr(self._boxed(value)))
        elif full.startswith("numpy.testing.assert_") and not full.endswith(("raises", "warns", "no_warnings")):
            self._expect(ast.Compare(self._judge(value), [ast.Is()], [ast.Constant(None)]), ast.unparse(value))
        elif self._is_asserting(full):
            self._assert_function(full.rpartition(".")[2], value)
        elif (
            isinstance(value.func, ast.Attribute)
            and isinstance(value.func.value, ast.Name)
            and value.func.attr in ("append", "extend", "update", "add")
            and value.func.value.id in self.locals
        ):
            self._change(value, value.func.value.id)
        else:
            raise Untranslatable(f"`{shortened(ast.unparse(value))}` does something that grader does not know")

    def _change(self, value: ast.Call, name: str) -> None:
        """`found.append(f(3))`: the same on both sides."""
        local = self.locals[name]
        if not (local.box and local.judge):
            raise Untranslatable(local.why or f"{name} is known on one side only")
        boxed = [self._boxed(item) for item in value.args]
        judged = [self._judge(item) for item in value.args]
        assert isinstance(value.func, ast.Attribute)
        self.box.append(ast.Expr(method_call(name, value.func.attr, boxed)))
        self.judge.append(ast.Expr(method_call(name, value.func.attr, judged)))
        self.locals[name] = Local(student=local.student or any(self._is_student(item) for item in value.args))

    def _is_asserting(self, full: str) -> bool:
        module, _, name = full.rpartition(".")
        known = name in words.COMPARING or name in ("assert_raises", "assert_allclose")
        return module in words.ASSERTING_PACKAGES and known

    def _assert_function(self, name: str, value: ast.Call) -> None:
        if name == "assert_raises":
            if len(value.args) < 2:
                raise Untranslatable("assert_raises without a function to call")
            call = ast.Call(value.args[1], value.args[2:], value.keywords)
            self._raises(call, self._exceptions(value.args[0]), "")
            return
        pattern = words.COMPARING.get(name, "")
        needed = pattern.count("{")
        if not pattern or len(value.args) not in (needed, needed + 1) or value.keywords:
            raise Untranslatable(f"{name} with these arguments is not known")
        given = [f"({ast.unparse(item)})" for item in value.args]
        test = ast.parse(pattern.format(*given), mode="eval").body
        self._assert(test, value.args[needed] if len(value.args) > needed else None)

    def _for(self, target: ast.expr, over: ast.expr, body: list[ast.stmt]) -> None:
        names = target_names(target)
        if any(name in self.scope.changes and name in self.scope.read_inside for name in names):
            raise Untranslatable("its loop gives another value to a name that the student's functions read")
        student = self._is_student(over)
        judged = self._judge(over)
        self.seeded = False
        for name in names:
            self.locals[name] = Local(box=not student, student=student, why="it comes from a loop outside the box")
        boxed = None if student else self._boxed(over)
        with self._inner() as (box, judge):
            for statement in body:
                self._statement(statement)
        if student and box:
            raise Untranslatable("it calls student code in a loop over what student code gave")
        if judge:
            self.judge.append(ast.For(target, judged, judge, [], lineno=0))
        if box and boxed is not None:
            self.box.append(ast.For(target, boxed, box, [], lineno=0))
        self.seeded = False

    def _if(self, test: ast.expr, body: list[ast.stmt], orelse: list[ast.stmt]) -> None:
        student = self._is_student(test)
        judged = self._judge(test)
        branches = []
        for part in (body, orelse):
            with self._inner() as (box, judge):
                for statement in part:
                    self._statement(statement)
            branches.append((box, judge))
        if any(box for box, _ in branches):
            if student:
                raise Untranslatable("whether it calls student code depends on what student code gave")
            boxed = [box or [ast.Pass()] for box, _ in branches]
            self.box.append(ast.If(self._boxed(test), boxed[0], boxed[1] if branches[1][0] else []))
        if any(judge for _, judge in branches):
            self.judge.append(ast.If(judged, branches[0][1] or [ast.Pass()], branches[1][1]))

    def _try(self, statement: ast.Try) -> None:
        """`try: f(0)`, `except ValueError: pass`, `else: raise AssertionError`: an exception that is asked for."""
        odd = Untranslatable("this `try` is not the pattern of a call that must raise")
        if len(statement.handlers) != 1 or statement.finalbody or not statement.body:
            raise odd
        handler = statement.handlers[0]
        names = self._exceptions(handler.type) if handler.type else ["Exception"]
        first, *rest = statement.body
        if not _does_nothing(handler.body) or not isinstance(first, ast.Expr | ast.Assign):
            raise odd
        inside, after = _complaint(rest), _complaint(statement.orelse)
        if inside is not None and {"Exception", "BaseException", "AssertionError"} & set(names):
            raise Untranslatable("this `try` catches its own complaint, so it cannot fail")
        if (inside is None) == (after is None) or (rest and statement.orelse):
            raise odd
        if not isinstance(first.value, ast.Call):
            raise odd
        self._raises(first.value, names, inside or after or "")

    def _with(self, context: ast.expr, inner: ast.stmt) -> None:
        name = dotted_name(context.func) if isinstance(context, ast.Call) else ""
        if not isinstance(context, ast.Call) or name.rpartition(".")[2] not in (
            "raises",
            "assert_raises",
            "assertRaises",
        ):
            raise Untranslatable("a test with `with` depends on more than values")
        if len(context.args) != 1 or context.keywords or not isinstance(inner, ast.Expr | ast.Assign):
            raise Untranslatable("more than one call that must raise in one `with`")
        if not isinstance(inner.value, ast.Call):
            raise Untranslatable("there is no call in this `with`")
        self._raises(inner.value, self._exceptions(context.args[0]), "")

    def _exceptions(self, node: ast.expr) -> list[str]:
        nodes = node.elts if isinstance(node, ast.Tuple) else [node]
        names = [item.id for item in nodes if isinstance(item, ast.Name)]
        if len(names) != len(nodes) or not set(names) <= words.EXCEPTIONS | {"BaseException"}:
            raise Untranslatable(f"{ast.unparse(node)} is no exception of Python itself")
        return names

    def _raises(self, call: ast.Call, names: list[str], message: str) -> None:
        if not self._is_student_call(call):
            raise Untranslatable(f"{shortened(ast.unparse(call))} is no call of a student's function")
        answer = self._ask_call(call)
        listed: ast.expr = ast.List([ast.Constant(name) for name in names], ast.Load())
        said: list[ast.expr] = [ast.Constant(message)] if message else []
        self._say("raises", [answer, listed, *said])
        self.made.assertions += 1

    def _define(self, function: ast.FunctionDef) -> None:
        """A function that the cell defines for itself, if it uses nothing of the student's."""
        own = {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)} | {function.name}
        own |= {
            node.id for node in ast.walk(function) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
        }
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom | ast.Global | ast.Nonlocal | ast.With | ast.Assert):
                raise Untranslatable(f"its function {function.name} is more than a calculation")
            if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
                raise Untranslatable(f"its function {function.name} looks at {node.attr}")
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in own:
                self._pure_name(node.id, function.name)
        if function.decorator_list:
            raise Untranslatable(f"its function {function.name} has a decorator")
        self.box.append(function)
        self.judge.append(function)
        self.locals[function.name] = Local(function=True)

    def _pure_name(self, name: str, function: str) -> None:
        local = self.locals.get(name)
        if local is not None and local.box and local.judge and not local.student:
            return
        module = self.modules.get(name, "").split(".")[0]
        if local is None and name not in self.scope.changes:
            usual = "np" if module == "numpy" else module
            if module in words.JUDGE_MODULES and name == usual:
                self._import(name, self.modules[name], judge=True)
                return
            if name in words.PURE | {"isinstance", "print", "type", "bool"} | words.EXCEPTIONS:
                return
        raise Untranslatable(f"its function {function} uses {name}")


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0] if body else None
    text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    return body[1:] if text else body


def _called_tuple(value: ast.expr) -> ast.expr:
    """An expression that is true as soon as the value can be had."""
    return ast.Tuple([value], ast.Load())


def _does_nothing(body: Sequence[ast.stmt]) -> bool:
    """Whether a handler only says that all is well."""
    for statement in body:
        if isinstance(statement, ast.Pass):
            continue
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            if dotted_name(statement.value.func) == "print":
                continue
            return False
        if not (isinstance(statement, ast.Assert) and _is_constant(statement.test, True)):
            return False
    return True


def _is_constant(node: ast.expr, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def _complaint(body: Sequence[ast.stmt]) -> str | None:
    """The message of `raise AssertionError(…)` or `assert False, …`; None if the statements are something else."""
    if len(body) != 1:
        return None
    match body[0]:
        case ast.Raise(exc=ast.Call(func=ast.Name(id="AssertionError" | "Exception"), args=arguments)):
            first = arguments[0] if arguments else None
        case ast.Raise(exc=ast.Name(id="AssertionError")):
            first = None
        case ast.Assert(test=test, msg=first) if _is_constant(test, False):
            pass
        case _:
            return None
    return str(first.value) if isinstance(first, ast.Constant) else "No exception was raised."


def _described(test: ast.expr) -> str:
    """An assertion as a student reads it."""
    match test:
        case ast.Call(func=ast.Name(id="shows"), args=[value, ast.Constant(value=expected)]):
            return f"{ast.unparse(value)} to give {str(expected) or 'nothing'}"
        case ast.Call(func=ast.Name(id="prints"), args=[value, ast.Constant(value=expected)]):
            return f"{ast.unparse(value)} to be printed as {expected!s}"
    return ast.unparse(test)


def _binds(line: str) -> str:
    """The name that an import line binds."""
    last = line.split()[-1]
    return last if line.startswith("from") or " as " in line else last.split(".")[0]
