"""PrairieLearn: `/grade/results/results.json` of one submission.

Source: "External grading" (`docs/externalGrading.md` of PrairieLearn/PrairieLearn): `score` from 0 to 1; tests with
`points` and `max_points`, both or the table is not shown; at most 1 MB. Without the file the job failed, and no attempt
is lost.
"""

from typing import Any

from grader.errors import SetupError
from grader.exports.grades import grade_of, without_grade
from grader.exports.request import Export, Request, as_json
from grader.exports.wording import points_line, public_message, what_counts
from grader.model.result import Result, Verdict

MOST_BYTES = 1_000_000
LONG_MESSAGE = 500
"""Characters of a message that stay where all together would be too much."""


def prairielearn(request: Request) -> Export:
    """`results.json`, or nothing if there is no grade."""
    result = request.results[0]
    left_out = without_grade([result], provisional=request.provisional)
    grade = grade_of(result, provisional=request.provisional)
    if grade is None:
        return Export(None, left_out)
    if not result.max_score > 0:
        raise SetupError(f"{request.assignment}: no check is worth a point, so there is no part of them. Give points.")
    content = as_json(results_json(request, result, grade))
    if len(content) > MOST_BYTES:
        content = as_json(results_json(request, result, grade, longest=LONG_MESSAGE))
    return Export(content, left_out)


def results_json(request: Request, result: Result, grade: float, longest: int | None = None) -> dict[str, Any]:
    """The results of one submission; no message is longer than `longest`."""
    message = "\n".join(
        filter(None, (points_line(result, provisional=request.provisional), *what_counts(result), result.message))
    )
    return {
        "gradable": True,
        "score": round(min(max(grade / result.max_score, 0.0), 1.0), 6),
        "message": message[:longest],
        "tests": [_test(verdict, longest) for verdict in result.checks],
    }


def _test(verdict: Verdict, longest: int | None) -> dict[str, Any]:
    return {
        "name": verdict.title[:longest],
        "points": verdict.points,
        "max_points": verdict.max_points,
        "message": public_message(verdict)[:longest],
    }
