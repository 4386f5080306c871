"""Tables as CSV (RFC 4180, UTF-8) whose text no spreadsheet takes for a formula."""

import csv
import io
from collections.abc import Iterable, Sequence

from grader.exports.grades import shown

FORMULA = tuple("=+-@\t\r\n＝＋－＠")
"""Characters with which a spreadsheet may begin a formula (OWASP, "CSV Injection"), full width ones included."""

Value = str | float | bool | None


def guard(text: str) -> str:
    """Text that a spreadsheet shows as text: an apostrophe before what could begin a formula."""
    return f"'{text}" if text.startswith(FORMULA) or text.lstrip(" ").startswith(FORMULA) else text


def cell(value: Value) -> str:
    """A value as a cell: numbers stay numbers, text is guarded, None is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return shown(value) if isinstance(value, int | float) else guard(value)


def table(header: Sequence[str], rows: Iterable[Sequence[Value]]) -> str:
    """A table as CSV, with the line ends of RFC 4180."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow([guard(name) for name in header])
    writer.writerows([cell(value) for value in row] for row in rows)
    return buffer.getvalue()
