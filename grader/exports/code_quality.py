"""Code quality: what GitLab shows beside the lines of a merge request.

Source: "Code Quality report format" of GitLab's documentation: a list of objects, each with `description`, `check_name`,
`fingerprint` (unique in the report), `severity` (`info`, `minor`, `major`, `critical`, `blocker`), `location.path` and
`location.lines.begin`.
"""

import hashlib
from collections.abc import Iterable
from typing import Any, Literal

from grader.exports.request import Request, as_json
from grader.exports.wording import named_line, public_message
from grader.model.departure import Departure

Severity = Literal["info", "minor", "major", "critical", "blocker"]


def code_quality(requests: Iterable[Request], departures: Iterable[Departure] = ()) -> bytes:
    """What failed in each result, and what is not as it was released, at file and line."""
    issues = [_issue(item.flag, item.text, item.path, None, "critical") for item in departures]
    for request in requests:
        for result in request.results:
            for verdict in result.checks:
                if verdict.status == "failed" and request.file:
                    message = public_message(verdict)
                    line = named_line(request.file, message)
                    text = f"{verdict.title} {message}".strip()
                    issues.append(_issue(f"{request.assignment}.{verdict.id}", text, request.file, line, "major"))
    return as_json(issues)


def _issue(name: str, text: str, path: str, line: int | None, severity: Severity) -> dict[str, Any]:
    fingerprint = hashlib.sha256("\0".join((name, path)).encode("utf-8", "backslashreplace")).hexdigest()
    location = {"path": path, "lines": {"begin": line or 1}}
    return {
        "description": text,
        "check_name": name,
        "fingerprint": fingerprint,
        "severity": severity,
        "location": location,
    }
