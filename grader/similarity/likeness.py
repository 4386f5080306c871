"""Every hand-in with every other: what they share that is unusual.

Nothing that is usual counts, and *usual* is measured on the class itself. A word is a hand-in's *own* unless it belongs to
a layer of a network, to a fingerprint of the starter, or to one that more than half of the hand-ins have (at least six). An own word weighs
between 1 and 0: what two have weighs 1, what half of the class has weighs 0, with the logarithm in between, as rare
words weigh more than common ones in a search.

    evidence   the weight of the own words of one that are found in the other; the smaller of both directions
    share      the same, divided by the weight of all own words; the larger of both directions, so that it does not help to
               add code to a copy

Candidates come from an index over the selected fingerprints; only they are compared word by word.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from grader.similarity.fingerprints import Prints

USUAL_SHARE = 0.5
USUAL_AT_LEAST = 5
LEAST_EVIDENCE = 40.0
"""Weight of words below which nothing is said, of a hand-in or of a pair."""
NEIGHBOURS = 40
"""Each hand-in is compared word by word with so many, the likeliest; where half a class is one copy, it is not with all."""
_COLUMNS = 4096

Weights = np.ndarray[Any, np.dtype[np.float64]]
"""One number for each word of a hand-in."""


@dataclass(frozen=True)
class Likeness:
    """How much two hand-ins share, by their numbers."""

    left: int
    right: int
    share: float
    evidence: float
    left_share: float
    right_share: float


class Class:
    """The fingerprints of all hand-ins together."""

    def __init__(self, members: Sequence[Prints], starter: Collection[int], layers: Sequence[Sequence[bool]]) -> None:
        """`layers` says of each word whether it belongs to a layer of a network."""
        self.members, self.starter = members, starter
        self._layers = [np.array(words, bool) for words in layers]
        self.holders = Counter(value for member in members for value in member.places)

    @property
    def most(self) -> float:
        """A fingerprint that more than so many hand-ins have is usual."""
        return max(USUAL_SHARE * len(self.members), USUAL_AT_LEAST)

    def weight(self, value: int) -> float:
        """What a fingerprint weighs: 1 if one or two have it, 0 if it is usual."""
        return 0.0 if value in self.starter else self._weight_by_holders[self.holders[value]]

    @cached_property
    def _weight_by_holders(self) -> list[float]:
        count = max(len(self.members), 2 * USUAL_AT_LEAST)
        return [
            0.0 if holders > self.most else min(1.0, math.log(count / max(holders, 2)) / math.log(count / 2))
            for holders in range(len(self.members) + 1)
        ]

    @cached_property
    def own(self) -> list[Weights]:
        """For each hand-in, the weight of each of its words; 0 for what is not its own, or too short to be found."""
        return [self._own(number) for number in range(len(self.members))]

    def _own(self, number: int) -> Weights:
        places = self.members[number].places
        found = self._spread(number, places)
        for value, spans in places.items():
            if not self.weight(value):
                for begin, length in spans:
                    found[begin : begin + length] = 0.0
        found[self._layers[number]] = 0.0
        return found

    def _spread(self, number: int, values: Iterable[int]) -> Weights:
        """For each word the largest weight of these fingerprints that it belongs to: the lightest are written first."""
        found = np.zeros(len(self._layers[number]))
        places = self.members[number].places
        for weight, value in sorted((self.weight(value), value) for value in values):
            for begin, length in places[value]:
                found[begin : begin + length] = weight
        return found

    def found(self, number: int, shared: Iterable[int]) -> Weights:
        """The weight of each word of a hand-in as far as it belongs to one of these fingerprints."""
        return np.where(self.own[number] > 0, self._spread(number, shared), 0.0)

    def shared(self, left: int, right: int) -> list[int]:
        """The fingerprints that two hand-ins have in common, the usual ones included."""
        return sorted(self.members[left].places.keys() & self.members[right].places.keys())

    def likeness(self, left: int, right: int) -> Likeness:
        """How much two hand-ins share."""
        shared = self.shared(left, right)
        found = [float(self.found(number, shared).sum()) for number in (left, right)]
        own = [float(self.own[number].sum()) for number in (left, right)]
        shares = [one / whole if whole else 0.0 for one, whole in zip(found, own, strict=True)]
        return Likeness(left, right, max(shares), min(found), shares[0], shares[1])

    def candidates(self, fresh: int, threshold: float) -> Iterator[tuple[int, int]]:
        """Pairs that may share enough, by what the index says; at least one of each is among the first `fresh`.

        The index counts each word of a copied statement once, and of a copied run about four times; half of what is
        needed is asked for, so that runs that winnowing happens to miss lose no pair.
        """
        values = self._indexed()
        likely = np.zeros((len(self.members), len(self.members)), np.float32)
        for begin in range(0, len(values), _COLUMNS):
            part = {value: place for place, value in enumerate(values[begin : begin + _COLUMNS])}
            table = np.zeros((len(self.members), len(part)), np.float32)
            for row, member in enumerate(self.members):
                for value in part.keys() & member.places.keys():
                    table[row, part[value]] = math.sqrt(self.weight(value) * member.places[value][0].length)
            likely += table @ table.T
        own = np.array([float(words.sum()) for words in self.own])
        needed = np.maximum(LEAST_EVIDENCE, threshold * np.minimum.outer(own, own)) / 2
        likely[(likely < needed) | (np.minimum.outer(own, own) < LEAST_EVIDENCE)] = 0
        likely[fresh:, fresh:] = 0
        np.fill_diagonal(likely, 0)
        best = np.argsort(-likely, axis=1, kind="stable")[:, :NEIGHBOURS]
        found = {
            (min(row, column), max(row, column))
            for row, columns in enumerate(best.tolist())
            for column in columns
            if likely[row, column] > 0
        }
        yield from sorted(found)

    def _indexed(self) -> list[int]:
        """Selected fingerprints that weigh something and that two or more hand-ins have."""
        chosen = set().union(*(member.selected for member in self.members))
        return sorted(value for value in chosen if self.holders[value] > 1 and self.weight(value) > 0)

    def pairs(self, fresh: int, threshold: float) -> list[Likeness]:
        """All pairs with so large a share and enough evidence, the strongest evidence first."""
        found = (self.likeness(*pair) for pair in self.candidates(fresh, threshold))
        kept = [item for item in found if item.evidence >= LEAST_EVIDENCE and item.share >= threshold]
        return sorted(kept, key=lambda item: (-item.evidence, item.left, item.right))
