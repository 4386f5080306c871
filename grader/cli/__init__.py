"""The command line: every verb is registered on import, in the order in which the help lists them."""

from grader.pipeline import places  # isort: skip - the verbs find it here while they are registered
from grader.cli import grading, new, authoring  # isort: skip - the order of the help
from grader.cli import regrading  # isort: skip
from grader.cli import gradebook  # isort: skip
from grader.cli import importing  # isort: skip
from grader.cli import exporting  # isort: skip
from grader.cli import reporting  # isort: skip
from grader.cli import similarity  # isort: skip
from grader.cli import ci  # isort: skip
from grader.cli import store  # isort: skip
from grader.cli import packaging  # isort: skip
from grader.cli.app import main

__all__ = [
    "authoring",
    "ci",
    "exporting",
    "gradebook",
    "grading",
    "importing",
    "main",
    "new",
    "packaging",
    "places",
    "regrading",
    "reporting",
    "similarity",
    "store",
]
