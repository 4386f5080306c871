"""What students get, made from the reference solution: starters, the handout, and a zip file of them."""

from grader.authoring.given import count_given, missing_lines
from grader.authoring.release import LANGUAGES, differences, make_release, make_starters, write_release

__all__ = [
    "LANGUAGES",
    "count_given",
    "differences",
    "make_release",
    "make_starters",
    "missing_lines",
    "write_release",
]
