"""Finding and reading hand-ins. Nothing here runs, imports or compiles a student's code."""

from grader.discovery.sources import read_source
from grader.discovery.submissions import classroom_owner, discover, discover_repository
from grader.discovery.unreadable import UnreadableSource

__all__ = ["UnreadableSource", "classroom_owner", "discover", "discover_repository", "read_source"]
