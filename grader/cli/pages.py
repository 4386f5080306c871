"""Pages at the end of grading; they may fail, and grading may not."""

from collections.abc import Callable
from pathlib import Path

from grader.cli.base import err
from grader.errors import SetupError
from grader.model.assignment import Assignment
from grader.pipeline.report import Wanted, write_report
from grader.reports.console import plain


def lenient(find: Callable[[str], Assignment]) -> Callable[[str], Assignment | None]:
    """Finds assignments; None for one that is not on this machine or has mistakes: pages can do without."""

    def known(name: str) -> Assignment | None:
        try:
            return find(name)
        except SetupError:
            return None

    return known


def report_after(folder: Path, find: Callable[[str], Assignment | None]) -> Path | None:
    """Write the pages after grading; return the first one, or None if that failed.

    Points are on disk by now: whatever fails here is told, and changes nothing.
    """
    try:
        return write_report(folder, find, Wanted(folder))
    except Exception as error:  # noqa: BLE001 - pages can be written again at any time; grades must not depend on them
        reason = str(error) if isinstance(error, SetupError) else f"{type(error).__name__}: {error}"
        err.print(
            plain(f"grader: the report was not written: {reason} Points are not affected. Try: grader report {folder}"),
            soft_wrap=True,
        )
        return None
