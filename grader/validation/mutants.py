"""Wrong answers made from the reference: each differs from it in one place, as a student's mistake would.

A rubric that does not see such a difference does not check what it says. The mutants come from the syntax tree, each
from one operator (`grader/validation/operators.py`); those that are the same program, or no program, are left out.
"""

import ast
import copy
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field

MOST_PER_OPERATOR = 25


@dataclass(frozen=True)
class Mutant:
    """The reference with one change."""

    id: str
    """Operator, function and what was changed: stable as long as the reference's code is."""
    operator: str
    line: int
    before: str
    after: str
    """The changed piece of code before and after, in one line each."""
    text: str
    """The whole program."""


@dataclass(frozen=True)
class Change:
    """What stands in the place of one node: another node, several, or none."""

    label: str
    replacement: Sequence[ast.AST]


@dataclass
class Sites:
    """Where the nodes of one program stand."""

    tree: ast.Module
    parents: dict[ast.AST, ast.AST] = field(default_factory=dict)
    docstrings: set[ast.AST] = field(default_factory=set)

    def __post_init__(self) -> None:
        for node in ast.walk(self.tree):
            for child in ast.iter_child_nodes(node):
                self.parents[child] = node
            body = getattr(node, "body", None)
            if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
                self.docstrings |= {body[0], body[0].value} if isinstance(body[0].value, ast.Constant) else set()

    def above(self, node: ast.AST) -> Iterator[ast.AST]:
        """The nodes around a node, innermost first."""
        while node in self.parents:
            node = self.parents[node]
            yield node

    def scope(self, node: ast.AST) -> str:
        """The function or class at top level that a node stands in."""
        chain = [node, *self.above(node)]
        names = [item.name for item in chain if isinstance(item, ast.FunctionDef | ast.ClassDef)]
        return names[-1] if names else "module"

    def is_demonstration(self, node: ast.AST) -> bool:
        """Whether a node stands below `if __name__ == "__main__"`, which no grader runs."""
        tests = [item.test for item in [node, *self.above(node)] if isinstance(item, ast.If)]
        return any("__name__" in ast.unparse(test) for test in tests)


Operator = Callable[[ast.AST, Sites], Iterator[Change]]


def make_mutants(
    text: str, operators: dict[str, Operator], names: Collection[str], most: int = MOST_PER_OPERATOR
) -> list[Mutant]:
    """The mutants of a program by the operators with these names, at most so many of each, evenly chosen."""
    tree = ast.parse(text)
    sites = Sites(tree)
    seen = {ast.unparse(tree)}
    found: list[Mutant] = []
    for name in names:
        mine: list[Mutant] = []
        for index, node in enumerate(ast.walk(tree)):
            if node in sites.docstrings or sites.is_demonstration(node):
                continue
            for change in operators[name](node, sites):
                program = replaced(tree, index, change.replacement)
                if program in seen or not compiles(program):
                    continue
                seen.add(program)
                label = ".".join(part for part in (name, sites.scope(node), change.label) if part)
                mine.append(
                    Mutant(
                        id=label,
                        operator=name,
                        line=getattr(node, "lineno", 0),
                        before=in_one_line([node]),
                        after=in_one_line(change.replacement),
                        text=program,
                    )
                )
        found += evenly(mine, most)
    return with_own_ids(found)


def replaced(tree: ast.Module, index: int, replacement: Sequence[ast.AST]) -> str:
    """The program with other nodes in the place of the one at this place of `ast.walk`."""
    other = copy.deepcopy(tree)
    target = next(node for place, node in enumerate(ast.walk(other)) if place == index)
    if not replacement and isinstance(target, ast.stmt):
        replacement = [ast.Pass()]
    _Replace(target, [copy.deepcopy(node) for node in replacement]).generic_visit(other)
    return ast.unparse(ast.fix_missing_locations(other))


class _Replace(ast.NodeTransformer):
    """Puts nodes in the place of one."""

    def __init__(self, target: ast.AST, replacement: Sequence[ast.AST]) -> None:
        self._target, self._replacement = target, replacement

    def visit(self, node: ast.AST) -> ast.AST | list[ast.AST] | None:
        """The replacement for the target; any other node with what is inside it replaced."""
        if node is not self._target:
            return self.generic_visit(node)
        if len(self._replacement) == 1:
            return self._replacement[0]
        return list(self._replacement) or None


def compiles(program: str) -> bool:
    """Whether a text is Python."""
    try:
        compile(program, "mutant.py", "exec")
    except (SyntaxError, ValueError):
        return False
    return True


def in_one_line(nodes: Sequence[ast.AST]) -> str:
    """Code in one short line; an empty text for none."""
    texts = [ast.unparse(ast.fix_missing_locations(node)) for node in nodes]
    whole = [isinstance(node, ast.FunctionDef | ast.ClassDef) for node in nodes]
    parts = [text.split("\n")[0] if first else text for text, first in zip(texts, whole, strict=True)]
    words = " ".join("; ".join(parts).split())
    return words if len(words) <= 100 else words[:97] + "..."


def evenly(items: list[Mutant], most: int) -> list[Mutant]:
    """At most so many of the items, spread over all of them."""
    if len(items) <= most:
        return items
    return [items[index * len(items) // most] for index in range(most)]


def with_own_ids(mutants: list[Mutant]) -> list[Mutant]:
    """The same, those with one id numbered from the second on."""
    count: dict[str, int] = {}
    found = []
    for mutant in mutants:
        count[mutant.id] = count.get(mutant.id, 0) + 1
        suffix = f"_{count[mutant.id]}" if count[mutant.id] > 1 else ""
        found.append(Mutant(**{**mutant.__dict__, "id": mutant.id + suffix}))
    return found
