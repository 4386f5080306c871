"""What hand-ins of a class have in common, as it is written to `similarity.json`."""

from typing import Literal

from pydantic import Field

from grader.model.record import Record

TraceKind = Literal["file", "account", "cell_ids", "outputs", "comments", "words", "names"]
"""What two hand-ins may share beside code, the most telling first."""
Standing = Literal["compared", "too_little", "unreadable"]


class Stretch(Record):
    """A piece of source within one cell."""

    cell: int
    """The cell's place among all cells of the notebook, counted from 1; 1 for a module."""
    start: int
    end: int
    """Offsets in the text of the cell, in characters."""


class Passage(Record):
    """Code that two hand-ins share, up to names, literals and layout."""

    words: int
    """How long it is, in words of the normal form."""
    weight: float
    """What it adds to the evidence of the left hand-in."""
    left_lines: str
    right_lines: str
    """Where it is, for people: `lines 3–9`, `cell 2, line 4`."""
    left: tuple[Stretch, ...]
    right: tuple[Stretch, ...]


class Trace(Record):
    """Something beside code that two hand-ins share and few others have. It counts for nothing in the share."""

    kind: TraceKind
    count: int
    values: tuple[str, ...]
    """The first of them; left out of anonymous files."""


class Pair(Record):
    """Two hand-ins that share much of what is unusual."""

    left: str
    right: str
    share: float
    """Part of the code of its own of one hand-in that is found in the other; of both directions the larger."""
    evidence: float
    """Weight of the words behind it, of both directions the smaller; a word that only these two have weighs 1."""
    left_share: float
    right_share: float
    group: int | None
    """Number of the group that both belong to."""
    passages: tuple[Passage, ...]
    traces: tuple[Trace, ...]


class SharedTraces(Record):
    """Two hand-ins whose code is not reported, and that share something else."""

    left: str
    right: str
    traces: tuple[Trace, ...]


class Group(Record):
    """Hand-ins most of which are reported with each other."""

    number: int
    students: tuple[str, ...]
    evidence: float
    """The largest of any pair in it."""


class Member(Record):
    """A hand-in of the comparison."""

    student: str
    path: str
    earlier: bool
    """From an earlier class: compared with this one, not with others of its own."""
    standing: Standing
    message: str
    """Why it was not compared; empty if it was."""
    words: int
    """Length of its code, in words of the normal form."""
    own: float
    """Weight of the words that are neither of the starter nor usual in the class."""
    cut: bool
    """It goes on, and what comes later is too long to be compared."""
    quiet: tuple[Stretch, ...] = Field(default=(), exclude=True)
    """The code that does not count."""


class Comparison(Record):
    """All of `similarity.json`."""

    schema_version: Literal[1] = 1
    assignment: str
    grader_version: str
    threshold: float
    least_evidence: float
    """Evidence below which nothing is said."""
    usual_above: int
    """A fingerprint that more hand-ins than this have is usual, and counts for nothing."""
    anonymous: bool
    files_read: int
    """Hand-ins whose file could be looked at for traces that only files have: accounts, ids of cells, outputs."""
    members: tuple[Member, ...]
    pairs: tuple[Pair, ...]
    pairs_left_out: int
    """Pairs over the threshold that are not listed because there are too many."""
    groups: tuple[Group, ...]
    traces: tuple[SharedTraces, ...]
