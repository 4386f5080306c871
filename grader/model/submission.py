"""A student's hand-in for one assignment, read but not run."""

from datetime import datetime
from pathlib import Path
from typing import Literal

from grader.model.record import Record


class Note(Record):
    """Something the student should know about how the hand-in was read or run."""

    kind: str
    """A word for machines, such as `dropped_magic`, `failed_statement`, `old_name`."""
    where: str
    """The place as the student would name it: `cell 3, line 2`, `line 12`, or empty."""
    text: str
    """One sentence for the student."""


class Cell(Record):
    """One piece of source in order: a notebook's code cell, or a whole module."""

    number: int
    """The cell's place among *all* cells of the notebook, counted from 1; 1 for a module."""
    text: str
    """The source as written, line ends normalised to a single newline."""


class Source(Record):
    """The code of a hand-in as a list of cells."""

    kind: Literal["module", "notebook"]
    cells: tuple[Cell, ...]
    notes: tuple[Note, ...] = ()
    prose: tuple[Cell, ...] = ()
    """The Markdown cells of a notebook, for reading: nothing runs or judges them. Of a long text the end is cut off."""


class Identity(Record):
    """Who a student is, as far as the platform of the hand-in or the list of the class says."""

    name: str = ""
    email: str = ""
    id: str = ""
    """The platform's number or login, or the one in the list of the class."""
    section: str = ""


class Submission(Record):
    """One student's files for one assignment. Loading it executes nothing."""

    student: str
    """The name under which the scores appear: the folder's name, or the file's stem."""
    path: str
    """The file graded, relative to the submissions folder, with `/`; the folder itself if there is none."""
    digest: str
    """SHA-256 of the file's bytes; empty when there is no readable file."""
    source: Source | None = None
    problem: str = ""
    """Why it cannot be graded, one sentence for the student; empty when it can."""
    ours: bool = False
    """That is the fault of the machine that grades: no number, and a person looks."""
    location: Path | None = None
    """The file on disk; never written to results."""
    identity: Identity = Identity()
    handed_in: datetime | None = None
    """With its offset from UTC; None where nobody says it who can be believed."""
    marked_late: bool = False
    """The platform says that it came late, and not by how much."""
    superseded: bool = False
    """A later hand-in of the same student lies beside it."""
