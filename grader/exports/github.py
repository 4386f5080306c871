"""GitHub: annotations, points for GitHub Classroom, a step summary, and the result of an autograding runner.

Sources: "Workflow commands for GitHub Actions" for annotations and summaries and their limits (10 errors, 10 warnings
and 10 notices of a step are shown; a summary has at most 1 MiB); `src/notify-classroom.js` and the table of
education/autograding-grading-reporter for the two notices that GitHub Classroom reads and for the runner's result, which
is JSON in base64. Without a maximum the reporter reports no points, so a result without a grade has none.
"""

import base64
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from grader.exports.grades import grade_of, scaled, shown, without_grade
from grader.exports.request import Export, Request, as_bytes
from grader.exports.wording import MARKS, feedback_lines, named_line, points_line, public_message
from grader.exports.workflow_commands import Level, annotation, wrapped
from grader.model.result import Result, Verdict
from grader.model.submission import Note

SHOWN_OF_A_LEVEL = 10
"""Annotations of one level that GitHub shows of one step."""
SUMMARY_BYTES = 1024 * 1024
RUNNER_STATUS = {"passed": "pass", "failed": "fail", "skipped": "fail", "error": "error"}
NOTE_KINDS = ("failed_statement", "syntax_error")
"""Kinds of notes that become annotations."""


def github(request: Request) -> Export:
    """The commands for standard output; beside them `summary.md` and `result.txt`, a runner's result."""
    result = request.results[0]
    lines = [*wrapped(feedback_lines(result, provisional=request.provisional)), *commands(request, result)]
    return Export(
        as_bytes("".join(f"{line}\n" for line in lines)),
        without_grade([result], provisional=request.provisional),
        beside={
            "summary.md": summary(request, result),
            "result.txt": base64.b64encode(json.dumps(runner_result(request, result)).encode("ascii")),
        },
    )


def commands(request: Request, result: Result) -> Iterator[str]:
    """The points, then what failed, at the file and line where those are known."""
    yield from points_commands([(request, result)])
    yield from finding_commands(request, result)


def points_commands(graded: Sequence[tuple[Request, Result]]) -> Iterator[str]:
    """The two notices that GitHub Classroom reads, over all results together; none while one has no grade."""
    grades = [grade_of(result, provisional=request.provisional) for request, result in graded]
    known = [grade for grade in grades if grade is not None]
    if not graded or len(known) < len(grades):
        return
    pairs = [
        (scaled(grade, result.max_score, request.points), scaled(result.max_score, result.max_score, request.points))
        for grade, (request, result) in zip(known, graded, strict=True)
    ]
    got, most = (round(sum(numbers), 3) for numbers in zip(*pairs, strict=True))
    report = json.dumps({"totalPoints": _plain(got), "maxPoints": _plain(most)})
    yield annotation("notice", f"Points {shown(got)}/{shown(most)}", title="Autograding complete")
    yield annotation("notice", report, title="Autograding report")


def finding_commands(request: Request, result: Result) -> Iterator[str]:
    """What failed, and what a person must look at."""
    grade = grade_of(result, provisional=request.provisional)
    warnings = [_note_annotation(request, note.where, note.text) for note in _spoken_of(result)]
    if grade is None:
        warnings.insert(0, annotation("warning", points_line(result), title="No grade yet"))
    errors = [_check_annotation(request, verdict) for verdict in result.checks if verdict.status == "failed"]
    if result.message and grade is not None:
        errors.insert(0, annotation("error", result.message, title=f"Status: {result.status}", file=request.file))
    yield from _at_most("error", errors)
    yield from _at_most("warning", warnings)


def summary(request: Request, result: Result) -> bytes:
    """A page in Markdown, at most 1 MiB: the points, a table of the checks, the notes."""
    title = request.title or request.assignment
    head = [
        f"## {markdown(title)}",
        "",
        f"**{markdown(points_line(result, provisional=request.provisional))}** {markdown(result.message)}",
        "",
        "| | check | points | what was found |",
        "|---|---|---:|---|",
    ]
    rows = [
        f"| {MARKS[item.status]} | {markdown(item.title)} | {shown(item.points)}/{shown(item.max_points)} "
        f"| {markdown(public_message(item))} |"
        for item in result.checks
    ]
    notes = [f"- {markdown(f'{note.where}: {note.text}' if note.where else note.text)}" for note in result.notes]
    return cut(as_bytes("".join(f"{line}\n" for line in [*head, *rows, "", *notes])), SUMMARY_BYTES)


def cut(page: bytes, limit: int) -> bytes:
    """As many whole lines as there is room for, in bytes; the last line then says that there were more."""
    more = as_bytes("\nThe rest is left out: GitHub shows 1 MiB of a summary.\n")
    if len(page) <= limit:
        return page
    kept, room = [], limit - len(more)
    if room < 0:
        return b""
    for piece in page.splitlines(keepends=True):
        room -= len(piece)
        if room < 0:
            break
        kept.append(piece)
    return b"".join(kept) + more


def runner_result(request: Request, result: Result) -> dict[str, Any]:
    """What an autograding runner hands to the reporter; without a grade its status is `error` and its maximum 0."""
    grade = grade_of(result, provisional=request.provisional)
    tests = [_runner_test(request, result, verdict, graded=grade is not None) for verdict in result.checks]
    if grade is None:
        return {"version": 1, "status": "error", "max_score": 0, "message": points_line(result), "tests": tests}
    got = round(scaled(grade, result.max_score, request.points), 3)
    rest = round(got - sum(test["score"] for test in tests), 3)
    if abs(rest) > 0.0005 * (len(tests) + 1):  # more than rounding: the reporter adds up the tests
        tests.append(_adjustment(rest))
    most = round(scaled(result.max_score, result.max_score, request.points), 3)
    return {"version": 1, "status": "pass" if got >= most else "fail", "max_score": _plain(most), "tests": tests}


def _runner_test(request: Request, result: Result, verdict: Verdict, *, graded: bool) -> dict[str, Any]:
    status = RUNNER_STATUS[verdict.status] if graded else "error"
    points = round(scaled(verdict.points, result.max_score, request.points), 3) if graded else 0
    return {
        "name": verdict.title,
        "status": status,
        "score": _plain(points),
        "message": "" if status == "pass" else public_message(verdict),
        "test_code": verdict.id,
        "filename": request.file,
        "line_no": named_line(request.file, public_message(verdict)) or 0,
        "duration": 0,
    }


def _adjustment(points: float) -> dict[str, Any]:
    """A test that carries the difference between the grade and the sum of the checks."""
    text = "Points that were added or taken away after the checks."
    place = {"test_code": "", "filename": "", "line_no": 0, "duration": 0}
    return {"name": "adjustment", "status": "pass", "score": _plain(points), "message": text, **place}


def _check_annotation(request: Request, verdict: Verdict) -> str:
    message = public_message(verdict)
    lost = f"{shown(verdict.points)} of {shown(verdict.max_points)} points."
    line = named_line(request.file, message)
    return annotation("error", f"{message}\n{lost}".strip(), title=verdict.title, file=request.file, line=line)


def _note_annotation(request: Request, where: str, text: str) -> str:
    title = f"Note ({where})" if where else "Note"
    return annotation("warning", text, title=title, file=request.file, line=named_line(request.file, where))


def _spoken_of(result: Result) -> list[Note]:
    return [note for note in result.notes if note.kind in NOTE_KINDS]


def _at_most(level: Level, lines: Sequence[str]) -> list[str]:
    """What GitHub would show; the last one says how many there are beyond."""
    if len(lines) <= SHOWN_OF_A_LEVEL:
        return list(lines)
    kept = list(lines[: SHOWN_OF_A_LEVEL - 1])
    return [*kept, annotation(level, f"{len(lines) - len(kept)} more: see the summary of this step.", title="And more")]


def markdown(text: str) -> str:
    """Text that Markdown and HTML show as it is, in one line: what could be syntax is written as a number."""
    escaped = re.sub(r"[\\`*_{}\[\]()#+!|~<>&@:/$^=]", lambda match: f"&#{ord(match[0])};", text.strip())
    return re.sub(r"[\r\n\v\f\x85\u2028\u2029]+", "<br>", escaped)


def merged(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Several results of a runner as one: all tests, and the sum of the maxima; `error` if one of them is."""
    if len(results) == 1:
        return results[0]
    statuses = {str(result["status"]) for result in results}
    status = next((name for name in ("error", "fail") if name in statuses), "pass")
    most = 0 if status == "error" else _plain(round(sum(result["max_score"] for result in results), 3))
    tests = [test for result in results for test in result["tests"]]
    return {"version": 1, "status": status, "max_score": most, "tests": tests}


def _plain(number: float) -> int | float:
    """A whole number as such."""
    return int(number) if number == int(number) else number
