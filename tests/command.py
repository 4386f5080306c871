"""Running `grader …` inside a test."""

from collections.abc import Callable
from dataclasses import dataclass

DEMO_CHECKS = '''from grader.judging import points


@points(2)
def works(call):
    """It works."""
    assert call.found
'''


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]
