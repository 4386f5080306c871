"""What a guest says is read here, and nothing else: what is wrong in it is the guest's fault, all other faults are ours."""

from collections.abc import Iterator
from contextlib import contextmanager


class Broken(Exception):  # noqa: N818 - what the guest said is out of order: a verdict, not our error
    """The guest broke the protocol."""


@contextmanager
def hearing() -> Iterator[None]:
    """Take a guest's frame apart inside; Broken if something in it is missing, or of another type.

    Nothing of our own may be done inside, above all nothing with a file: its failure would be taken for a forgery.
    """
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        words = str(error).splitlines() or [""]
        raise Broken(f"a malformed frame ({type(error).__name__}: {words[0]})") from error
