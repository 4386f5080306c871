"""Our own tables: `csv`, one row per student, and `checks-csv`, one row per student and check."""

from collections.abc import Iterable

from grader.exports.cells import Value, table
from grader.exports.grades import grade_of, scaled, without_grade
from grader.exports.request import Export, Request, as_bytes
from grader.model.result import Missing, Result
from grader.model.submission import Identity

CLASS_COLUMNS = ("student", "status", "score", "max_score", "needs_review")
PERSON_COLUMNS = ("name", "email", "id", "section", "handed_in", "days_late", "penalty", "attempt", "attempts")
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
    "extra",
    "given_by",
    "reason",
)


def class_csv(request: Request) -> Export:
    """One row per student, those who handed in nothing last.

    The points of each check stand in a column named after it, empty where our check failed; then whose it is, and what
    counts.
    """
    checks = tuple(dict.fromkeys(verdict.id for result in request.results for verdict in result.checks))
    rows = [_class_row(request, result, checks) for result in request.results]
    rows += [_missing_row(item, checks) for item in request.missing]
    return _export(request, table(CLASS_COLUMNS + checks + PERSON_COLUMNS, rows))


def checks_csv(request: Request) -> Export:
    """One row per student and check, for analysis."""
    return _export(request, table(CHECK_COLUMNS, check_rows(request)))


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
    own: list[Value] = [result.student, result.status, score, maximum, result.needs_review]
    return [*own, *(points.get(name) for name in checks), *_person(result.identity), *_what_counts(result)]


def _missing_row(item: Missing, checks: tuple[str, ...]) -> list[Value]:
    return [item.student, "missing", None, None, False, *(None for _ in checks), *_person(item.identity), *[None] * 5]


def _person(identity: Identity | None) -> list[Value]:
    said = identity or Identity()
    return [said.name, said.email, said.id, said.section]


def _what_counts(result: Result) -> list[Value]:
    late, attempt = result.lateness, result.attempt
    time = result.handed_in.isoformat() if result.handed_in else None
    days: list[Value] = [late.days, late.penalty] if late else [None, None]
    return [time, *days, *([attempt.number, attempt.of] if attempt else [None, None])]


def check_rows(request: Request) -> Iterable[list[Value]]:
    """The cells of `CHECK_COLUMNS`; points are empty where our check failed."""
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
                verdict.extra,
                verdict.override.by if verdict.override else None,
                verdict.override.reason if verdict.override else None,
            ]
