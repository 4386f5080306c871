"""The one exception of this package: a hand-in, or a part of one, that cannot be read."""


class UnreadableSource(Exception):  # noqa: N818 - the name is the contract, and it is no error of ours
    """Why a file cannot be graded. It is the student's to mend, so it ends as data, not as an error of ours."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        """One sentence or two for the student: what was found, and what to do."""
