"""Groups of hand-ins that are alike, such that a chain of chance likenesses does not join a whole class."""

from collections.abc import Sequence

from grader.similarity.likeness import NEIGHBOURS, Likeness

JOINED_SHARE = 0.5
"""Two groups become one if so large a part of the pairs between them, as far as they were compared, is reported."""


def groups(pairs: Sequence[Likeness]) -> list[list[int]]:
    """Numbers of the hand-ins in each group of two or more; those with the strongest evidence come, and join, first."""
    reported = {(pair.left, pair.right) for pair in pairs} | {(pair.right, pair.left) for pair in pairs}
    group_of: dict[int, list[int]] = {}
    for pair in pairs:
        one = group_of.setdefault(pair.left, [pair.left])
        other = group_of.setdefault(pair.right, [pair.right])
        if one is other:
            continue
        between = sum((first, second) in reported for first in one for second in other)
        compared = min(len(one) * len(other), NEIGHBOURS * min(len(one), len(other)))
        if between >= JOINED_SHARE * compared:
            one.extend(other)
            for member in other:
                group_of[member] = one
    found = {id(group): sorted(group) for group in group_of.values() if len(group) > 1}
    return list(found.values())
