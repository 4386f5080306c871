"""The one exception of this package: a hand-in, or a part of one, that cannot be read."""

import errno

FAULTS_OF_THE_MACHINE = frozenset(
    getattr(errno, name)
    for name in (
        "EIO",
        "EMFILE",
        "ENFILE",
        "ENOMEM",
        "ESTALE",
        "ETIMEDOUT",
        "EREMOTEIO",
        "EUCLEAN",
        "ENOTCONN",
        "EBUSY",
    )
    if hasattr(errno, name)
)
"""A disk or a file server that fails, too many open files, no memory: the same hand-in can be read another time."""


def is_fault_of_the_machine(error: BaseException) -> bool:
    """Whether reading failed by no fault of what was to be read."""
    return isinstance(error, OSError) and error.errno in FAULTS_OF_THE_MACHINE


class UnreadableSource(Exception):  # noqa: N818 - the name is the contract, and it is no error of ours
    """Why a file cannot be graded. It is the student's to mend, so it ends as data, not as an error of ours.

    Args:
        message: one sentence or two for the student: what was found, and what to do.
        ours: the machine failed that grades: nobody knows what is in the file, and its owner can do nothing.
    """

    def __init__(self, message: str, *, ours: bool = False) -> None:
        super().__init__(message)
        self.message, self.ours = message, ours
