"""The expressions of a test cell as the check judges them, outside the box."""

import ast
from typing import Any

from grader.importing import words
from grader.importing.questions import Local, Questions
from grader.importing.syntax import Untranslatable, dotted_name, from_dotted, load, rebuilt, shortened, target_names

_PLAIN = (
    ast.Constant, ast.Tuple, ast.List, ast.Set, ast.Dict, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp,
    ast.Subscript, ast.Slice, ast.Starred, ast.keyword, ast.operator, ast.unaryop, ast.boolop, ast.cmpop,
    ast.expr_context,
)  # fmt: skip


class Expressions(Questions):
    """Rewrites expressions, and keeps the questions that they need; arguments as of `Questions`."""

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
