"""From hand-ins to the comparison of a class."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from grader import __version__
from grader.model.similarity import Comparison, Group, Member, Pair, Passage, SharedTraces, Standing, Stretch, TraceKind
from grader.model.submission import Source
from grader.similarity.fingerprints import prints
from grader.similarity.groups import groups
from grader.similarity.likeness import LEAST_EVIDENCE, Class, Likeness, Weights
from grader.similarity.normal import Normal, normal
from grader.similarity.passages import Text, tiles
from grader.similarity.traces import Rare, Traces, traces_of, words_in

MOST_PAIRS = 500
"""Pairs that are listed, those with the strongest evidence."""
MOST_PASSAGES = 200
_EMPTY = Source(kind="module", cells=())


@dataclass(frozen=True)
class HandIn:
    """A hand-in to be compared."""

    student: str
    path: str = ""
    digest: str = ""
    source: Source | None = None
    problem: str = ""
    """Why there is no source."""
    data: bytes | None = None
    """Its file, where it can be looked at."""
    earlier: bool = False


@dataclass(frozen=True)
class Known:
    """What every student was given."""

    starters: tuple[tuple[Source, bytes], ...] = ()
    """Their code, and their files."""
    text: str = ""
    """The handout."""


def compare(assignment: str, found: Sequence[HandIn], known: Known, threshold: float) -> Comparison:
    """The comparison of a class; hand-ins of earlier classes are compared with this one only."""
    hand_ins = sorted(found, key=lambda item: (item.earlier, item.student, item.path))
    forms = [normal(item.source or _EMPTY) for item in hand_ins]
    given = frozenset(value for source, _ in known.starters for value in prints(normal(source)).places)
    members = Class([prints(form, given) for form in forms], given, [_layers(form) for form in forms])
    rare = Rare([_traces(item, form) for item, form in zip(hand_ins, forms, strict=True)], _known_traces(known))
    texts = [Text(form) for form in forms]
    fresh = sum(not item.earlier for item in hand_ins)
    alike = members.pairs(fresh, threshold)
    listed = alike[:MOST_PAIRS]
    clusters = groups(alike)
    group_of = {member: number for number, group in enumerate(clusters, 1) for member in group}
    reported = {(pair.left, pair.right) for pair in alike}
    return Comparison(
        assignment=assignment,
        grader_version=__version__,
        threshold=threshold,
        least_evidence=LEAST_EVIDENCE,
        usual_above=math.floor(members.most),
        anonymous=False,
        files_read=sum(item.data is not None for item in hand_ins),
        members=tuple(
            _member(hand_ins[number], forms[number], members.own[number], texts[number])
            for number in range(len(hand_ins))
        ),
        pairs=tuple(_pair(item, hand_ins, members, texts, rare, group_of) for item in listed),
        pairs_left_out=len(alike) - len(listed),
        groups=tuple(_group(number, group, alike, hand_ins) for number, group in enumerate(clusters, 1)),
        traces=tuple(
            SharedTraces(left=hand_ins[one].student, right=hand_ins[other].student, traces=rare.shared(one, other))
            for one, other in rare.telling()
            if one < fresh and (one, other) not in reported
        )[:MOST_PAIRS],
    )


def _layers(form: Normal) -> list[bool]:
    return [word.layer for segment in form.segments for word in segment.words]


def _traces(item: HandIn, form: Normal) -> Traces:
    if item.source is None:
        return {"file": frozenset({item.digest} - {""})}
    return traces_of(item.source, form, item.digest, item.data)


def _known_traces(known: Known) -> Traces:
    """The traces of the starter, and the words of the handout."""
    found: dict[TraceKind, frozenset[str]] = {"words": words_in(known.text)}
    for source, data in known.starters:
        for kind, values in traces_of(source, normal(source), "", data).items():
            found[kind] = found.get(kind, frozenset()) | values
    return found


def _member(item: HandIn, form: Normal, own: Weights, text: Text) -> Member:
    standing: Standing = "compared" if own.sum() >= LEAST_EVIDENCE else "too_little"
    quiet = [place for place in range(len(own)) if not own[place]]
    return Member(
        student=item.student,
        path=item.path,
        earlier=item.earlier,
        standing="unreadable" if item.source is None else standing,
        message=item.problem if item.source is None else "",
        words=len(own),
        own=round(float(own.sum()), 1),
        cut=form.cut,
        quiet=text.stretches(quiet),
    )


def _pair(
    found: Likeness,
    hand_ins: Sequence[HandIn],
    members: Class,
    texts: Sequence[Text],
    rare: Rare,
    group_of: dict[int, int],
) -> Pair:
    left, right = found.left, found.right
    both = (texts[left], texts[right])
    passages = []
    for tile in tiles(members, left, right, both)[:MOST_PASSAGES]:
        one = both[0].stretches(range(tile.left, tile.left + tile.length))
        other = both[1].stretches(range(tile.right, tile.right + tile.length))
        passages.append(
            Passage(
                words=tile.length,
                weight=round(tile.weight, 1),
                left_lines=lines_of(hand_ins[left].source, one),
                right_lines=lines_of(hand_ins[right].source, other),
                left=one,
                right=other,
            )
        )
    group = group_of.get(left)
    return Pair(
        left=hand_ins[left].student,
        right=hand_ins[right].student,
        share=round(found.share, 3),
        evidence=round(found.evidence, 1),
        left_share=round(found.left_share, 3),
        right_share=round(found.right_share, 3),
        group=group if group == group_of.get(right) else None,
        passages=tuple(passages),
        traces=rare.shared(left, right),
    )


def lines_of(source: Source | None, stretches: Sequence[Stretch]) -> str:
    """Where pieces of source are, for people: from the first line to the last."""
    assert source is not None
    texts = {cell.number: cell.text for cell in source.cells}
    first, last = stretches[0], stretches[-1]
    begin = texts[first.cell].count("\n", 0, first.start) + 1
    end = texts[last.cell].count("\n", 0, last.end) + 1
    if source.kind == "notebook" and first.cell != last.cell:
        return f"cell {first.cell}, line {begin} – cell {last.cell}, line {end}"
    cell = f"cell {first.cell}, " if source.kind == "notebook" else ""
    return f"{cell}line {begin}" if begin == end else f"{cell}lines {begin}–{end}"


def _group(number: int, members: Sequence[int], pairs: Sequence[Likeness], hand_ins: Sequence[HandIn]) -> Group:
    inside = set(members)
    evidence = max(pair.evidence for pair in pairs if pair.left in inside and pair.right in inside)
    names = tuple(hand_ins[member].student for member in members)
    return Group(number=number, students=names, evidence=round(evidence, 1))
