"""What a region holds, by the syntax tree: whole statements of one block, or whole elements between brackets.

From the module down, the nodes of one level lie before the region, behind it, inside it or around it. The one around
it is looked into; a node that lies half inside is why the region is refused. Comments are not in the tree, so a block
reaches, for this purpose, up to the next line of code: the marker that ends a function's last region belongs to the
function. At the end every token of the region must belong to what was found, or be a comma, a bracket and the like:
that finds an `else:` or an operator that would be torn off.
"""

import ast
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from grader.authoring.names import bound_names, parameters
from grader.authoring.passages import Passage
from grader.authoring.regions import Region
from grader.errors import SetupError

Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef | ast.Module
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_BLOCKS = {"body", "orelse", "finalbody"}
_ELEMENTS = {
    (ast.List, "elts"),
    (ast.Tuple, "elts"),
    (ast.Set, "elts"),
    (ast.Dict, "keys"),
    (ast.Dict, "values"),
    (ast.Call, "args"),
    (ast.Call, "keywords"),
}
_BETWEEN = {"statements": {";"}, "elements": {",", "(", ")", ":", "**"}}
"""Tokens that belong to no statement, or to no element."""
_WHOLE = "A region holds whole statements, or whole elements between brackets. Move its markers."


@dataclass(frozen=True)
class Cut:
    """A region with the nodes in it."""

    region: Region
    kind: str
    """`statements` or `elements`."""
    nodes: list[ast.AST]
    scope: Scope
    bound_before: set[str]
    """Names of this scope that have a value when the region begins."""


@dataclass
class _Level:
    """The nodes beside the region, and what encloses them."""

    parent: ast.AST
    scope: Scope
    bound: set[str] = field(default_factory=set)


def find_cut(passage: Passage, region: Region) -> Cut:
    """What the region holds; raises SetupError with its place if that is not something whole."""
    level = _Level(passage.tree, passage.tree)
    while True:
        inside: list[tuple[int, str, ast.AST]] = []
        around: tuple[int, str, ast.AST] | None = None
        before: list[tuple[int, str, ast.AST]] = []
        for owner, name, node in _children(level.parent):
            first, last = _first_row(node), _last_row(node)
            if last < region.start:
                before.append((owner, name, node))
            elif region.start < first and last < region.end:
                inside.append((owner, name, node))
            elif first < region.start and _reach(passage, node, last) >= region.end:
                around = owner, name, node
            elif first <= region.end:
                raise _torn(passage, region, first)
        for place in inside[:1] if around is None else [around]:
            level.bound.update(_surely_bound(before, place))
        if around is None:
            return _whole(passage, region, level, inside)
        if inside:
            raise _torn(passage, region, _first_row(around[2]))
        level = _inner(level, around[2])


def _surely_bound(before: list[tuple[int, str, ast.AST]], place: tuple[int, str, ast.AST]) -> list[str]:
    """Names bound on the way to a place: by statements of its own block, and by what heads the block."""
    return bound_names(
        node
        for owner, name, node in before
        if (owner, name) == place[:2] or (isinstance(node, ast.expr) and not isinstance(place[2], ast.expr))
    )


def _inner(level: _Level, node: ast.AST) -> _Level:
    """One level down; a function or class begins a scope of its own."""
    if isinstance(node, _SCOPES):
        return _Level(node, node, set() if isinstance(node, ast.ClassDef) else parameters(node))
    if isinstance(node, ast.For | ast.AsyncFor | ast.With | ast.AsyncWith):
        heads = [node.target] if isinstance(node, ast.For | ast.AsyncFor) else [*node.items]
        return _Level(node, level.scope, level.bound | set(bound_names(heads)))
    return _Level(node, level.scope, set(level.bound))


def _whole(passage: Passage, region: Region, level: _Level, inside: list[tuple[int, str, ast.AST]]) -> Cut:
    """The cut, if what lies inside is all of one block or bracket and covers all of the region's tokens."""
    places = {(owner, name) for owner, name, _ in inside}
    names = {name for _, name in places}
    nodes = [node for _, _, node in inside]
    elements = isinstance(level.parent, ast.expr)
    if elements:
        fits = all((type(level.parent), name) in _ELEMENTS for name in names)
        if isinstance(level.parent, ast.Dict):
            fits = fits and len(names) != 1
    else:
        fits = len(places) <= 1 and names <= _BLOCKS and all(isinstance(node, ast.stmt) for node in nodes)
    if not fits:
        raise _torn(passage, region, _first_row(nodes[0]))
    kind = "elements" if elements else "statements"
    for token in passage.code:
        row = token.start[0]
        covered = any(_holds(passage, node, token.start) for node in nodes)
        if region.start < row < region.end and not covered and token.string not in _BETWEEN[kind]:
            raise _torn(passage, region, row)
    return Cut(region, kind, nodes, level.scope, level.bound)


def _torn(passage: Passage, region: Region, row: int) -> SetupError:
    place = passage.at(region.start)
    if row < region.start:
        return SetupError(f"{place}: the region begins or ends in the middle of what begins in line {row}. {_WHOLE}")
    return SetupError(f"{place}: the region holds only a part of what stands in line {row}. {_WHOLE}")


def _children(parent: ast.AST) -> Iterator[tuple[int, str, ast.AST]]:
    """(owner, field, node) of the nearest nodes that have a place in the text."""
    for name, value in ast.iter_fields(parent):
        for node in value if isinstance(value, list) else [value]:
            if isinstance(node, ast.AST):
                if hasattr(node, "lineno"):
                    yield id(parent), name, node
                else:
                    yield from _children(node)


def _first_row(node: ast.AST) -> int:
    """The row in which a node begins; decorators belong to what they decorate."""
    rows: list[int] = [node.lineno]  # type: ignore[attr-defined] # only nodes with a place get here
    rows += [decorator.lineno for decorator in getattr(node, "decorator_list", [])]
    return min(rows)


def _last_row(node: ast.AST) -> int:
    last: int = node.end_lineno  # type: ignore[attr-defined] # only nodes with a place get here
    return last


def _reach(passage: Passage, node: ast.AST, last: int) -> int:
    """The last row that may belong to a node: a block takes the comments below it."""
    if not isinstance(getattr(node, "body", None), list):
        return last
    rows = [token.start[0] for token in passage.code]
    following = bisect_right(rows, last)
    return rows[following] - 1 if following < len(rows) else len(passage.rows) + 1


def _holds(passage: Passage, node: ast.AST, start: tuple[int, int]) -> bool:
    """Whether a token lies in a node. The tree counts columns in bytes, tokens in characters."""
    row, column = start
    if getattr(node, "decorator_list", []) and row < node.lineno:  # type: ignore[attr-defined] # has a place
        return row >= _first_row(node)
    column = len(passage.rows[row - 1][:column].encode())
    begins = (node.lineno, node.col_offset)  # type: ignore[attr-defined] # has a place
    ends = (node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined] # has a place
    return bool(begins <= (row, column) < ends)
