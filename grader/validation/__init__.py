"""Prove that a rubric works: solutions, mutants, starters, seeds."""

from grader.validation.rubric import Options, Proof, Report
from grader.validation.tables import as_lines, as_markdown

__all__ = ["Options", "Proof", "Report", "as_lines", "as_markdown"]
