"""Where two hand-ins are alike: common runs of words, each word in one of them, the weightiest first."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from grader.model.similarity import Stretch
from grader.similarity.fingerprints import STATEMENT, Span
from grader.similarity.likeness import Class, Weights
from grader.similarity.normal import Normal, Word

MOST_PLACES = 64
"""Combinations of places of one fingerprint that are tried; of one that repeats endlessly, only the first with the first."""


class Tile(NamedTuple):
    """A common run of words."""

    left: int
    right: int
    length: int
    weight: float


class Text:
    """A hand-in as a row of words, and where they stand in its source."""

    def __init__(self, normal: Normal) -> None:
        self.words: list[Word] = [word for segment in normal.segments for word in segment.words]
        self.segment = [number for number, segment in enumerate(normal.segments) for _ in segment.words]
        order = sorted(range(len(self.words)), key=lambda place: (self.words[place].cell, self.words[place].start))
        self._rank = {place: rank for rank, place in enumerate(order)}

    def stretches(self, places: Sequence[int]) -> tuple[Stretch, ...]:
        """The pieces of source behind some words; neighbours in the source are one piece."""
        found: list[list[int]] = []
        last = -2
        for rank, place in sorted((self._rank[place], place) for place in places):
            word = self.words[place]
            if found and rank == last + 1 and found[-1][0] == word.cell:
                found[-1][2] = max(word.end, found[-1][2])
            else:
                found.append([word.cell, word.start, word.end])
            last = rank
        return tuple(Stretch(cell=cell, start=start, end=end) for cell, start, end in found)


def tiles(members: Class, left: int, right: int, texts: tuple[Text, Text]) -> list[Tile]:
    """The common runs that weigh something, in the order of the left hand-in."""
    shared = members.shared(left, right)
    weights = members.found(left, shared)
    runs = sorted(_runs(members, (left, right), shared, texts), key=lambda run: (-_weight(weights, *run[::2]), run))
    taken: tuple[set[int], set[int]] = (set(), set())
    found: list[Tile] = []
    for run in runs:
        for one, other, length in _free(run, taken):
            weight = _weight(weights, one, length)
            if length >= STATEMENT and weight > 0:
                found.append(Tile(one, other, length, weight))
                taken[0].update(range(one, one + length))
                taken[1].update(range(other, other + length))
    return sorted(found)


def _weight(weights: Weights, begin: int, length: int) -> float:
    return float(weights[begin : begin + length].sum())


def _runs(
    members: Class, pair: tuple[int, int], shared: Sequence[int], texts: tuple[Text, Text]
) -> Iterator[tuple[int, int, int]]:
    """Common runs as long as they are, within one segment: (place left, place right, length)."""
    diagonals: dict[int, list[tuple[int, int]]] = {}
    for value in shared:
        one, other = (members.members[number].places[value] for number in pair)
        for first, second in _combined(one, other):
            diagonals.setdefault(second.begin - first.begin, []).append((first.begin, first.begin + first.length))
    for shift, pieces in sorted(diagonals.items()):
        pieces.sort()
        begin, end = pieces[0]
        for start, stop in [*pieces[1:], (-1, -1)]:
            joins = begin <= start <= end and all(
                text.segment[place] == text.segment[place + start - begin]
                for text, place in zip(texts, (begin, begin + shift), strict=True)
            )
            if joins:
                end = max(end, stop)
            else:
                yield begin, begin + shift, end - begin
                begin, end = start, stop


def _combined(one: Sequence[Span], other: Sequence[Span]) -> Iterator[tuple[Span, Span]]:
    if len(one) * len(other) > MOST_PLACES:
        yield from zip(one, other, strict=False)
    else:
        yield from ((first, second) for first in one for second in other)


def _free(run: tuple[int, int, int], taken: tuple[set[int], set[int]]) -> list[tuple[int, int, int]]:
    """The parts of a run whose words are in no other yet."""
    left, right, length = run
    stops = [step for step in range(length) if left + step in taken[0] or right + step in taken[1]]
    return [(left + a + 1, right + a + 1, b - a - 1) for a, b in pairwise([-1, *stops, length]) if b - a > 1]
