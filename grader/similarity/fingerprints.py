"""Fingerprints of a hand-in: hashes of short runs of words, and of whole statements.

Of the runs of `NOISE` words, winnowing selects a part: in every window of `GUARANTEE - NOISE + 1` neighbouring ones the
smallest. So two hand-ins that have a run of `GUARANTEE` words in common select a common one, and nothing shorter than
`NOISE` counts. (Schleimer, Wilkerson, Aiken: Winnowing: Local Algorithms for Document Fingerprinting, SIGMOD 2003.)

Whole statements of `STATEMENT` words and more are fingerprints too, since statements that were put in another order have
few runs in common.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from grader.similarity.normal import Normal, Segment

NOISE = 12
"""Words in a run; what is shorter counts only as a whole statement."""
GUARANTEE = 16
"""Words that two hand-ins may have in common, in one piece, without being noticed, plus one."""
STATEMENT = 7
"""Words of the shortest statement that is a fingerprint by itself."""
_PRIME = (1 << 61) - 1
_BASE = 1_000_003


class Span(NamedTuple):
    """A run of words of a hand-in, counted over all its segments."""

    begin: int
    length: int


@dataclass(frozen=True)
class Prints:
    """The fingerprints of one hand-in."""

    places: dict[int, list[Span]] = field(default_factory=dict)
    """Where each one is found: all runs, and all statements."""
    selected: frozenset[int] = frozenset()
    """Those by which a hand-in is looked up: runs that winnowing selects, and statements."""


def prints(normal: Normal, ignored: Collection[int] = ()) -> Prints:
    """All fingerprints; winnowing selects among those that are not ignored."""
    places: dict[int, list[Span]] = {}
    selected: set[int] = set()
    begin = 0
    for segment in normal.segments:
        hashes = run_hashes([_number(word.text) for word in segment.words], NOISE)
        for place, value in enumerate(hashes):
            places.setdefault(value, []).append(Span(begin + place, NOISE))
        usable = [None if value in ignored else value for value in hashes]
        for place in winnowed(usable, GUARANTEE - NOISE + 1):
            selected.add(hashes[place])
        for value, span in _statements(segment, begin):
            places.setdefault(value, []).append(span)
            if value not in ignored:
                selected.add(value)
        begin += len(segment.words)
    return Prints(places, frozenset(selected))


def run_hashes(numbers: Sequence[int], length: int) -> list[int]:
    """The hash of each run of so many numbers, each from the one before (Karp and Rabin)."""
    if len(numbers) < length:
        return []
    top = pow(_BASE, length, _PRIME)
    value = 0
    found = []
    for place, number in enumerate(numbers):
        value = (value * _BASE + number) % _PRIME
        if place >= length:
            value = (value - numbers[place - length] * top) % _PRIME
        if place >= length - 1:
            found.append(value)
    return found


def winnowed(hashes: Sequence[int | None], window: int) -> list[int]:
    """Places of the smallest hash in each window, the rightmost of equal ones; None is never selected."""
    found: list[int] = []
    for begin in range(max(len(hashes) - window + 1, 1 if hashes else 0)):
        best = None
        for place in range(begin, min(begin + window, len(hashes))):
            value = hashes[place]
            if value is not None and (best is None or value <= best[0]):
                best = (value, place)
        if best is not None and (not found or found[-1] != best[1]):
            found.append(best[1])
    return found


def _statements(segment: Segment, begin: int) -> list[tuple[int, Span]]:
    ends = [*segment.begins[1:], len(segment.words)]
    found = []
    for start, end in zip(segment.begins, ends, strict=True):
        if end - start >= STATEMENT:
            text = " ".join(word.text for word in segment.words[start:end])
            found.append((_number(f"statement {text}"), Span(begin + start, end - start)))
    return found


@lru_cache(65_536)
def _number(text: str) -> int:
    """A number for a word, the same on every machine."""
    return int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=7).digest(), "big") + 1
