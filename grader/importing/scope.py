"""What the code of a notebook binds: which names belong to the student, and where they change."""

import ast
import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

_MAGIC = re.compile(r"\s*(?:[\w, ]+=\s*)?[%!]|\s*\?|.*\?\s*$")
_TRAINING = {"fit", "fit_generator", "train_on_batch", "train_step", "evaluate", "predict"}
_CHANGING = {
    "append",
    "extend",
    "insert",
    "remove",
    "pop",
    "clear",
    "sort",
    "reverse",
    "update",
    "add",
    "fill",
    "resize",
}
"""Methods that change what they are called on."""


def parse(text: str) -> ast.Module | None:
    """The syntax tree of a cell, in which lines for IPython do nothing; None if it is not Python."""
    if text.lstrip().startswith("%%"):
        text = text.lstrip().partition("\n")[2]
    plain = "\n".join(
        row[: len(row) - len(row.lstrip())] + "pass" if _MAGIC.match(row) else row for row in text.split("\n")
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for attempt in (text, plain):
            try:
                return ast.parse(attempt)
            except (SyntaxError, ValueError, RecursionError):
                continue
    return None


@dataclass(frozen=True)
class Scope:
    """The names of a program.

    Attributes:
        changes: numbers of the cells in which each name is bound or changed.
        functions: names of functions and classes.
        modules: module by the name that the program gives it.
        members: (module, name there) by name, for `from module import name`.
        read_inside: names that functions and classes read.
        trained: names whose value depends on a training.
    """

    changes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    functions: frozenset[str] = frozenset()
    modules: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    read_inside: frozenset[str] = frozenset()
    trained: frozenset[str] = frozenset()

    def changed_after(self, name: str, cell: int) -> int | None:
        """The first cell below this one that gives the name another value, if it had one by then."""
        cells = self.changes.get(name, ())
        if not any(number < cell for number in cells):
            return None
        return next((number for number in cells if number > cell), None)


def read_scope(cells: Iterable[tuple[int, str]]) -> Scope:
    """The names of a program, from (number, text) of its code cells."""
    changes: dict[str, list[int]] = {}
    functions: set[str] = set()
    modules: dict[str, str] = {}
    members: dict[str, tuple[str, str]] = {}
    statements: list[ast.stmt] = []
    for number, text in cells:
        tree = parse(text)
        for statement in tree.body if tree else ():
            statements.append(statement)
            imports(statement, modules, members)
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                functions.add(statement.name)
            functions.update(_lambdas(statement))
            for name in changed(statement):
                changes.setdefault(name, []).append(number)
    return Scope(
        {name: tuple(sorted(set(found))) for name, found in changes.items()},
        frozenset(functions),
        modules,
        members,
        frozenset(name for statement in statements if _is_definition(statement) for name in _free(statement)),
        frozenset(trained_names(statements)),
    )


def imports(statement: ast.AST, modules: dict[str, str], members: dict[str, tuple[str, str]]) -> None:
    """Add what an import statement binds, wherever it stands in the node."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Import):
            for alias in node.names:
                modules[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else alias.name.split(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                members[alias.asname or alias.name] = (node.module, alias.name)


def changed(statement: ast.AST) -> set[str]:
    """Names that a statement binds in its own scope, or whose value it changes by an index or an attribute."""
    found: set[str] = set()
    pending: list[ast.AST] = [statement]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
            continue
        if isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            continue
        if isinstance(node, ast.Name | ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
            root = root_of(node)
            found.update([root] if root else [])
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _CHANGING:
            root = root_of(node.func)
            found.update([root] if root else [])
        pending.extend(ast.iter_child_nodes(node))
    return found


def root_of(node: ast.AST) -> str | None:
    """The name at which a chain of attributes, indices and calls begins."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def trained_names(statements: Iterable[ast.stmt]) -> set[str]:
    """Names that depend on a training: their statement calls `fit` or its like, or reads such a name."""
    found: set[str] = set()
    listed = [(changed(statement), set(_read(statement)), _trains(statement)) for statement in statements]
    while True:
        more = {name for names, read, trains in listed if trains or read & found for name in names} - found
        if not more:
            return found
        found |= more


def _read(node: ast.AST) -> Iterable[str]:
    return (part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load))


def _trains(node: ast.AST) -> bool:
    return any(isinstance(part, ast.Attribute) and part.attr in _TRAINING for part in ast.walk(node))


def _is_definition(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)


def _lambdas(statement: ast.stmt) -> Iterable[str]:
    """Names that are bound to a lambda."""
    if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Lambda):
        return [target.id for target in statement.targets if isinstance(target, ast.Name)]
    return []


def _free(definition: ast.AST) -> set[str]:
    """Names that a function or class reads and does not bind itself."""
    own = {node.arg for node in ast.walk(definition) if isinstance(node, ast.arg)}
    own |= {
        node.id for node in ast.walk(definition) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
    }
    shared = {name for node in ast.walk(definition) if isinstance(node, ast.Global) for name in node.names}
    return set(_read(definition)) - (own - shared)
