"""Our own tables: `csv`, one row per student, and `checks-csv`, one row per student and check."""

from collections.abc import Iterable

from grader.exports.cells import Value, table
from grader.exports.grades import grade_of, scaled, without_grade
from grader.exports.request import Export, Request, as_bytes
from grader.model.result import Result

CLASS_COLUMNS = ("student", "status", "score", "max_score", "needs_review")
CHECK_COLUMNS = (
    "assignment",
    "student",
    "status",
    "needs_review",
    "check",
    "title",
    "hidden",
    "check_status",
    "points",
    "max_points",
    "message",
)


def class_csv(request: Request) -> Export:
    """One row per student; the points of each check in a column named after it, empty where our check failed."""
    checks = tuple(dict.fromkeys(verdict.id for result in request.results for verdict in result.checks))
    rows = (_class_row(request, result, checks) for result in request.results)
    return _export(request, table(CLASS_COLUMNS + checks, rows))


def checks_csv(request: Request) -> Export:
    """One row per student and check, for analysis."""
    return _export(request, table(CHECK_COLUMNS, _check_rows(request)))


def _export(request: Request, text: str) -> Export:
    return Export(as_bytes(text), without_grade(request.results, provisional=request.provisional))


def _class_row(request: Request, result: Result, checks: tuple[str, ...]) -> list[Value]:
    grade = grade_of(result, provisional=request.provisional)
    points: dict[str, Value] = {
        verdict.id: None if verdict.status == "error" or result.score is None else verdict.points
        for verdict in result.checks
    }
    score = None if grade is None else scaled(grade, result.max_score, request.points)
    maximum = request.points if request.points is not None else result.max_score
    return [result.student, result.status, score, maximum, result.needs_review, *(points.get(name) for name in checks)]


def _check_rows(request: Request) -> Iterable[list[Value]]:
    for result in request.results:
        for verdict in result.checks:
            ours = verdict.status == "error" or result.score is None
            yield [
                request.assignment,
                result.student,
                result.status,
                result.needs_review,
                verdict.id,
                verdict.title,
                verdict.hidden,
                verdict.status,
                None if ours else verdict.points,
                verdict.max_points,
                verdict.message,
            ]
