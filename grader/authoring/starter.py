"""The starter: a reference without what its regions hold."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from grader.authoring.cuts import Cut, find_cut
from grader.authoring.leaks import Secrets, find_secrets, refuse_hints, refuse_words
from grader.authoring.names import EVERYWHERE, NOWHERE, bound_names, is_read
from grader.authoring.passages import Passage, raise_together
from grader.authoring.regions import find_regions
from grader.errors import SetupError


@dataclass(frozen=True)
class Starter:
    """The texts that students get in place of the passages, and what must not be told with them."""

    texts: list[str]
    secrets: Secrets


def make_starter(name: str, passages: Sequence[Passage], prose: Sequence[str] = ()) -> Starter:
    """The starter of a module, or of all code cells of a notebook; raises SetupError with every mistake found."""
    cuts = find_cuts(passages)
    if not any(cuts):
        raise SetupError(
            f"{name}: expected regions, found none: students would get the whole solution. Put "
            "`# YOUR CODE STARTS HERE` and `# YOUR CODE ENDS HERE` around what they shall write."
        )
    secrets = find_secrets(passages, cuts, prose)
    texts = [
        cut_out(passage, own, [_replacement(cut, index, passages, cuts) for cut in own])
        for index, (passage, own) in enumerate(zip(passages, cuts, strict=True))
    ]
    problems = []
    for passage, own, text in zip(passages, cuts, texts, strict=True):
        problems += refuse_hints(passage, own, secrets)
        problems += refuse_words(name, Passage(name, text, passage.cell).tree, secrets)
    raise_together(problems)
    return Starter(texts, secrets)


def find_cuts(passages: Sequence[Passage]) -> list[list[Cut]]:
    """What the regions of each passage hold; raises one SetupError for all mistakes."""
    found: list[list[Cut]] = []
    problems: list[SetupError] = []
    for passage in passages:
        found.append([])
        try:
            regions = find_regions(passage)
        except SetupError as problem:
            problems.append(problem)
            continue
        for region in regions:
            try:
                found[-1].append(find_cut(passage, region))
            except SetupError as problem:
                problems.append(problem)
    raise_together(problems)
    return found


def cut_out(passage: Passage, cuts: Sequence[Cut], replacements: Sequence[Sequence[str]]) -> str:
    """The text with other lines in its regions; raises SetupError for a region without which it is not Python."""
    rows = passage.rows
    for cut, lines in reversed([*zip(cuts, replacements, strict=True)]):
        rows[cut.region.start : cut.region.end - 1] = lines
        text = "\n".join(rows)
        try:
            _ = Passage(passage.name, text, passage.cell).tree
        except SetupError:
            raise SetupError(
                f"{passage.at(cut.region.start)}: without what this region holds the file is not Python. Indent its "
                "markers like the block around them; between elements, put the comma behind the last one into it."
            ) from None
    return "\n".join(rows)


def _replacement(cut: Cut, index: int, passages: Sequence[Passage], cuts: Sequence[Sequence[Cut]]) -> list[str]:
    """The lines between the markers of a starter: hints, then names without a value or `pass`."""
    indent = cut.region.indent
    if cut.nodes:
        row = passages[index].rows[cut.nodes[0].lineno - 1]  # type: ignore[attr-defined] # has a place in the text
        indent = row[: len(row) - len(row.lstrip())]
    hints = [f"{indent}#: {text}".rstrip() for _, text in cut.region.hints]
    if cut.kind == "elements":
        return hints
    names = _names_needed(cut, index, passages, cuts)
    return hints + ([f"{indent}{name} = None" for name in names] or [f"{indent}pass"])


def _names_needed(cut: Cut, index: int, passages: Sequence[Passage], cuts: Sequence[Sequence[Cut]]) -> list[str]:
    """Names that only the region gives a value, and that code in no region reads later."""
    skipped = {id(node) for own in cuts for other in own for node in other.nodes}
    before = set(cut.bound_before)
    if isinstance(cut.scope, ast.Module):
        before.update(bound_names(node for passage in passages[:index] for node in passage.tree.body))
        scopes: list[tuple[ast.AST, int]] = [
            (passage.tree, NOWHERE if place < index else EVERYWHERE if place > index else cut.region.end)
            for place, passage in enumerate(passages)
        ]
    else:
        scopes = [(cut.scope, cut.region.end)]
    closures = not isinstance(cut.scope, ast.ClassDef)
    return [
        name
        for name in bound_names(cut.nodes)
        if name not in before
        and any(is_read(name, scope, after, skipped, from_functions=closures) for scope, after in scopes)
    ]
