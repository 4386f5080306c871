"""The command line."""

from grader.cli.app import main

__all__ = ["main"]
