"""Finding and reading hand-ins. Nothing here runs, imports or compiles a student's code."""

from grader.discovery.sources import read_source
from grader.discovery.submissions import discover
from grader.discovery.unreadable import UnreadableSource

__all__ = ["UnreadableSource", "discover", "read_source"]
