"""The command line: every verb is registered on import, in the order in which the help lists them."""

from grader.cli import grading, new, authoring  # isort: skip - the order of the help
from grader.cli import importing  # isort: skip
from grader.cli import exporting  # isort: skip
from grader.cli import reporting  # isort: skip
from grader.cli.app import main

__all__ = ["authoring", "exporting", "grading", "importing", "main", "new", "reporting"]
