"""The public part of an assignment's programs: `checks.py` and `probe.py` without what only hidden checks have.

What goes is cut out of the syntax tree, and what is left is written anew, so that no comment stays either. First go the
hidden checks. Then everything at the top level goes that they reach, directly or through others, and that nothing
public reaches: a function for hidden checks, its constants, its imports. In the probe the same begins with what is asked for
hidden checks alone: entries of dictionaries under the id of a check, and questions under a label that only hidden
checks read.
"""

import ast
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import TypeGuard

from grader.authoring.leaks import squeezed
from grader.errors import SetupError

ASKING = ("call_as", "value", "note")
"""What a probe asks under a label, which is the first argument."""
_SHORTEST_LINE = 20
"""Characters, without spaces, of a line that says something."""
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Cleaned:
    """A program without its hidden part."""

    text: str
    gone: tuple[str, ...]
    """The statements that were cut out, as Python writes them."""
    strings: frozenset[str]
    """Strings that only the hidden part has."""


def public_checks(name: str, text: str, hidden: Set[str]) -> Cleaned:
    """`checks.py` without the checks in `hidden`; SetupError if a public check waits for one of them."""
    tree = parsed(name, text)
    gone = [node for node in tree.body if isinstance(node, Function) and node.name in hidden]
    missing = sorted(hidden - {node.name for node in gone})
    if missing:
        raise SetupError(
            f"{name}: the hidden check {missing[0]} is no plain function of this file, so that it cannot be cut out. "
            "Write it as one."
        )
    kept = [node for node in tree.body if node not in gone]
    for node in kept:
        if isinstance(node, Function):
            refuse_dependence(name, node, hidden)
    return cleaned(text, kept, list(gone))


def public_probe(name: str, text: str, hidden: Set[str], labels: Set[str]) -> Cleaned:
    """`probe.py` without what it asks for hidden checks alone.

    SetupError where a question cannot be cut out, or where that would change what others draw.
    """
    cutter = Cutter(hidden, labels)
    tree = cutter.visit(parsed(name, text))
    for node in cutter.gone:
        if any(isinstance(part, ast.Name) and part.id == "rng" for part in ast.walk(node)):
            raise SetupError(
                f"{name}, line {getattr(node, 'lineno', 1)}: what is asked for hidden checks draws inputs here, so that "
                "students would get other ones than the class. Draw them in inputs.py."
            )
    found = cleaned(text, tree.body, cutter.gone)
    refuse_question(name, tree, labels)
    return found


def cleaned(text: str, kept: list[ast.stmt], gone: list[ast.AST]) -> Cleaned:
    """What is left, without what only the removed part had used; `kept` is changed in its place."""
    if not gone:
        return Cleaned(text, (), frozenset())
    binders = [node for node in kept if names_bound(node)]
    only_hidden = reached(gone, binders)
    shown = [node for node in kept if node not in only_hidden]
    dead = [node for node in only_hidden if node not in reached(shown, binders)]
    gone = [*gone, *dead]
    kept[:] = [node for node in kept if node not in dead]
    wanted, unwanted = names_read(kept), names_read(gone)
    for node in [node for node in kept if isinstance(node, ast.Import | ast.ImportFrom)]:
        node.names = [alias for alias in node.names if not is_dead(bound_by(alias), wanted, unwanted)]
        if not node.names:
            kept.remove(node)
    tree = ast.fix_missing_locations(ast.Module(kept, []))
    left = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    strings = {part.value for node in gone for part in ast.walk(node) if isinstance(part, ast.Constant)}
    only = frozenset(item for item in strings if isinstance(item, str) and item not in left)
    return Cleaned(f"{ast.unparse(tree)}\n", tuple(ast.unparse(node) for node in gone), only)


def reached(nodes: Iterable[ast.AST], binders: Sequence[ast.stmt]) -> list[ast.stmt]:
    """The statements that bind what these nodes read, and what those read in turn."""
    found: list[ast.stmt] = []
    waiting = list(nodes)
    while waiting:
        read = names_read([waiting.pop()])
        more = [node for node in binders if node not in found and read & set(names_bound(node))]
        found += more
        waiting += more
    return found


def is_dead(name: str, wanted: Set[str], unwanted: Set[str]) -> bool:
    """Whether only the removed part reads a name."""
    return name in unwanted and name not in wanted


def names_read(nodes: Iterable[ast.AST]) -> set[str]:
    """Names that code reads, the arguments among them: for checks they name what they ask for."""
    found = set()
    for node in nodes:
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Store):
                found.add(part.id)
            elif isinstance(part, ast.arg):
                found.add(part.arg)
    return found


def names_bound(node: ast.stmt) -> list[str]:
    """Names that a statement at top level is there for; none if it does more than bind them."""
    if isinstance(node, Function | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    names = [part for target in targets for part in (target.elts if isinstance(target, ast.Tuple) else [target])]
    return [part.id for part in names if isinstance(part, ast.Name)] if all(map(is_name, names)) else []


def is_name(node: ast.expr) -> bool:
    """Whether this is a plain name."""
    return isinstance(node, ast.Name)


def bound_by(alias: ast.alias) -> str:
    """The name that an import binds."""
    return alias.asname or alias.name.split(".")[0]


def refuse_dependence(name: str, node: Function, hidden: Set[str]) -> None:
    """SetupError if the mark of a public check names a hidden one."""
    for decorator in node.decorator_list:
        for part in ast.walk(decorator):
            value = part.value if isinstance(part, ast.Constant) else None
            if isinstance(value, str) and value in hidden:
                raise SetupError(
                    f"{name}, line {node.lineno}: the public check {node.name} comes after the hidden check "
                    f"{value}, whose verdict students must not learn. Make that one public, or take it out of "
                    "`after`."
                )


def refuse_question(name: str, tree: ast.Module, labels: Set[str]) -> None:
    """SetupError if the probe still has a word that only hidden checks read: it asks something for them."""
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings ask nothing
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in told and is_secret(node, labels):
            raise SetupError(
                f"{name}, line {node.lineno}: {node.value!r} is asked for hidden checks alone, in a way that cannot be cut "
                "out. Ask it in a statement of its own, as `student.call_as(…)`."
            )


def is_secret(node: ast.AST | None, words: Set[str]) -> bool:
    """Whether a node is one of these words, or puts a text together from one."""
    if isinstance(node, ast.JoinedStr):
        return any(is_secret(part, words) for part in node.values)
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in words


class Cutter(ast.NodeTransformer):
    """Cuts out what a probe asks for hidden checks: statements, entries of dictionaries, labels in lists."""

    def __init__(self, ids: Set[str], labels: Set[str]) -> None:
        self.ids, self.labels = ids, labels
        self.gone: list[ast.AST] = []

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """A question in a statement of its own."""
        if is_question(node.value) and is_secret(node.value.args[0], self.labels):
            self.gone.append(node)
            return ast.copy_location(ast.Pass(), node)
        return self.generic_visit(node)

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        """Entries under the id of a hidden check."""
        pairs = [
            (key, value)
            for key, value in zip(node.keys, node.values, strict=True)
            if not (is_secret(key, self.ids) and self._drop(value))
        ]
        node.keys, node.values = [key for key, _ in pairs], [value for _, value in pairs]
        return self.generic_visit(node)

    def visit_For(self, node: ast.For) -> ast.AST:
        """Labels in the list over which a loop goes."""
        if isinstance(node.iter, ast.Tuple | ast.List):
            node.iter.elts = [
                item for item in node.iter.elts if not (is_secret(first_of(item), self.labels) and self._drop(item))
            ]
        return self.generic_visit(node)

    def _drop(self, node: ast.AST) -> bool:
        self.gone.append(node)
        return True


def first_of(node: ast.expr) -> ast.expr:
    """The first part of a pair, or the thing itself."""
    return node.elts[0] if isinstance(node, ast.Tuple | ast.List) and node.elts else node


def is_question(node: ast.AST) -> TypeGuard[ast.Call]:
    """Whether this calls one of the methods by which a probe asks under a label."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ASKING
        and bool(node.args)
    )


def telling_lines(texts: Iterable[str], shown: Iterable[str]) -> Iterator[str]:
    """Lines of removed code that say something and that nothing shown has, without spaces and quotes."""
    known = {squeezed(line) for text in shown for line in text.split("\n")}
    for text in texts:
        for line in text.split("\n"):
            plain = squeezed(line)
            if len(plain) >= _SHORTEST_LINE and plain not in known:
                yield plain


def parsed(name: str, text: str) -> ast.Module:
    """The syntax tree; SetupError if it is no Python."""
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError) as error:
        raise SetupError(f"{name}: expected Python, found: {error}. Correct it.") from error
