"""Grading from Python, in scripts and in notebooks: the same line as the command line's, with the same verdicts."""

from grader.api.checking import check
from grader.api.grading import grade
from grader.api.reports import CheckReport, GradeReport

__all__ = ["CheckReport", "GradeReport", "check", "grade"]
