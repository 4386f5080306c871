"""The command line: every verb is registered on import, in the order in which the help lists them."""

from grader.cli import grading, authoring  # isort: skip - the order of the help
from grader.cli.app import main

__all__ = ["authoring", "grading", "main"]
