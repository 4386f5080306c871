"""Small tools for syntax trees, and the exception that says that a test cannot be carried over."""

import ast
from collections.abc import Callable, Sequence
from typing import Any

from grader.importing.scope import root_of


class Untranslatable(Exception):  # noqa: N818 - an answer, with the reason
    """This cannot be asked of the box and judged outside."""


def rebuilt(node: Any, visit: Callable[[Any], Any]) -> Any:
    """The same kind of node, of visited parts."""

    def part(value: Any) -> Any:
        if isinstance(value, list):
            return [part(item) for item in value]
        return visit(value) if isinstance(value, ast.AST) else value

    return type(node)(**{name: part(value) for name, value in ast.iter_fields(node)})


def load(name: str) -> ast.Name:
    """A name that is read."""
    return ast.Name(name, ast.Load())


def method_call(
    receiver: str, name: str, arguments: Sequence[ast.expr], keywords: Sequence[ast.keyword] | None = None
) -> ast.Call:
    """`receiver.name(arguments, keywords)`."""
    return ast.Call(ast.Attribute(load(receiver), name, ast.Load()), list(arguments), list(keywords or ()))


def no_arguments() -> ast.arguments:
    """The arguments of a function that takes none."""
    return ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])


def target_names(target: ast.expr) -> list[str]:
    """The names that an assignment or loop binds; raises Untranslatable if it changes something else."""
    nodes = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
    names = []
    for node in nodes:
        if isinstance(node, ast.Tuple | ast.List):
            names += target_names(node)
        elif isinstance(node, ast.Name):
            names.append(node.id)
        else:
            root = root_of(node) or ast.unparse(node)
            raise Untranslatable(f"it changes {root}")
    return names


def dotted_name(node: ast.AST) -> str:
    """`a.b.c`, or nothing if this is no chain of names."""
    path: list[str] = []
    while isinstance(node, ast.Attribute):
        path.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(path)]) if isinstance(node, ast.Name) else ""


def from_dotted(full: str) -> ast.expr:
    """`np.random.rand` for `numpy.random.rand`: as the generated modules import it."""
    root, *path = full.split(".")
    made: ast.expr = load("np" if root == "numpy" else root)
    for name in path:
        made = ast.Attribute(made, name, ast.Load())
    return made


def shortened(text: str) -> str:
    """A text on one line, in at most 160 characters."""
    text = " ".join(text.split())
    return text if len(text) <= 160 else f"{text[:157]}..."
