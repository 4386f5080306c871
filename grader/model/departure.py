"""What in a student's repository is not as it was released."""

from typing import Literal, get_args

from grader.model.record import Record

DepartureFlag = Literal["workflow_changed", "checks_changed", "release_record_changed"]
REPOSITORY_FLAGS: tuple[DepartureFlag, ...] = get_args(DepartureFlag)
"""Flags that are raised about a repository, and not about a program: judging again keeps them."""


class Departure(Record):
    """One file that was changed, added or removed, though students have no reason to."""

    flag: DepartureFlag
    path: str
    """In the repository, with `/`."""
    text: str
    """One sentence."""
