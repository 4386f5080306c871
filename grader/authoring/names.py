"""Names: which ones statements bind, and whether code elsewhere reads them."""

import ast
from collections.abc import Iterable, Set

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
EVERYWHERE, NOWHERE = 0, 2**60
"""For `is_read`: all rows are later, or none is."""


def bound_names(nodes: Iterable[ast.AST]) -> list[str]:
    """The names that these statements bind in their own scope, in order, each once."""
    found: dict[str, None] = {}
    for node in nodes:
        _collect(node, found)
    return list(found)


def _collect(node: ast.AST, found: dict[str, None]) -> None:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            found[name] = None
            return
        case ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            return
        case ast.AnnAssign(value=None):
            return
        case ast.Name(id=name, ctx=ast.Store()):
            found[name] = None
        case ast.alias(name=name, asname=other):
            found[other or name.split(".")[0]] = None
        case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
            found[name] = None
    for child in ast.iter_child_nodes(node):
        _collect(child, found)


def parameters(function: Function) -> set[str]:
    """The names of all parameters."""
    return {node.arg for node in ast.walk(function.args) if isinstance(node, ast.arg)}


def is_read(name: str, node: ast.AST, after: int, skipped: Set[int], *, from_functions: bool) -> bool:
    """Whether code in a node reads a name of the scope around it, below row `after`.

    The body of a function runs later, so a read in it counts wherever it stands, unless the name belongs to the
    function, or `from_functions` is off: names of a class cannot be seen from its methods. Nodes whose `id` is in
    `skipped` do not count.
    """

    def look(node: ast.AST, after: int) -> bool:
        if id(node) in skipped:
            return False
        match node:
            case ast.Name(id=found):
                return found == name and isinstance(node.ctx, ast.Load | ast.Del) and node.lineno > after
            case ast.AugAssign(target=ast.Name(id=found)) if found == name and node.lineno > after:
                return True
        if isinstance(node, _FUNCTIONS):
            return look_into(node, after)
        if isinstance(node, _COMPREHENSIONS) and name in bound_names(part.target for part in node.generators):
            return look(node.generators[0].iter, after)
        return any(look(child, after) for child in ast.iter_child_nodes(node))

    def look_into(function: Function, after: int) -> bool:
        body = [function.body] if isinstance(function, ast.Lambda) else function.body
        heads = [child for child in ast.iter_child_nodes(function) if child not in body]
        if any(look(child, after) for child in heads):
            return True
        own = (parameters(function) | set(bound_names(body))) - _shared(body)
        return from_functions and name not in own and any(look(child, EVERYWHERE) for child in body)

    return any(look(child, after) for child in ast.iter_child_nodes(node))


def _shared(body: Iterable[ast.AST]) -> set[str]:
    """Names that are said to be of a scope further out."""
    return {
        name
        for part in body
        for node in ast.walk(part)
        if isinstance(node, ast.Global | ast.Nonlocal)
        for name in node.names
    }
