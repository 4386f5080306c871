"""classroom50: `result.json` of one submission.

Source: `schemas/result-v1.schema.json` (`classroom50/result/v1`) and the runner of foundation50/classroom50. Points are
whole numbers there: all are multiplied by the smallest factor that makes the checks' maxima whole, and what a check
earned is rounded to a whole number, half up, and never to the maximum unless the check is passed. Who and what was
graded is told by the runner through the environment; the runner itself writes `owner` and `assignment_type` over ours.
"""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from grader.errors import SetupError
from grader.exports.grades import grade_of, shown, without_grade
from grader.exports.request import Export, Request, as_json
from grader.exports.wording import public_message
from grader.model.result import Result, Verdict

VARIABLES = {
    "classroom": ("CLASSROOM",),
    "assignment": ("ASSIGNMENT",),
    "owner": ("OWNER", "USERNAME", "GITHUB_ACTOR"),
    "submission": ("SUBMISSION_TAG",),
    "commit": ("COMMIT_URL",),
    "release": ("RELEASE_URL",),
    "review": ("REVIEW_URL", "COMMIT_URL"),
}
"""Keys, and the variables of the environment that say them; the first that is set counts."""
FACTORS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 20, 25, 50, 100, 1000)


def classroom50(request: Request) -> Export:
    """`result.json`, or nothing if there is no grade: no file and an exit code other than 0 mean a failure of ours."""
    result = request.results[0]
    left_out = without_grade([result], provisional=request.provisional)
    grade = grade_of(result, provisional=request.provisional)
    if grade is None:
        return Export(None, left_out)
    factor = whole_factor(request, result)
    body = result_json(request, result, grade, factor)
    remark = f"classroom50 has whole points: all are multiplied by {factor}, {shown(result.max_score)} become "
    return Export(as_json(body), left_out, () if factor == 1 else (f"{remark}{body['max-score']}.",))


def whole_factor(request: Request, result: Result) -> Decimal:
    """What points are multiplied by: so that the maximum is `--points`, else the smallest that makes maxima whole."""
    maxima = [_exact(verdict.max_points) for verdict in result.checks] or [_exact(result.max_score)]
    if request.points is not None and result.max_score:
        factor = _exact(request.points) / _exact(result.max_score)
        if all(_is_whole(points * factor) for points in maxima):
            return factor
        raise SetupError(
            f"--points {shown(request.points)}: classroom50 has whole points, and {shown(request.points)} cannot be "
            f"shared among checks worth {', '.join(shown(float(points)) for points in maxima)}. Leave --points out."
        )
    found = [Decimal(factor) for factor in FACTORS if all(_is_whole(points * factor) for points in maxima)]
    return found[0] if found else Decimal(FACTORS[-1])


def result_json(request: Request, result: Result, grade: float, factor: Decimal) -> dict[str, Any]:
    """The result of one submission. SetupError that lists the variables that are missing."""
    tests = [_test(verdict, factor) for verdict in result.checks]
    counted = [test["max-score"] for test, verdict in zip(tests, result.checks, strict=True) if not verdict.extra]
    most = sum(counted) if tests else _rounded(_exact(result.max_score) * factor)
    return {
        "schema": "classroom50/result/v1",
        **_identity(request),
        "assignment_type": request.environment.get("MODE") or "individual",
        "datetime": request.generated_at,
        "graded_at": request.generated_at,
        "score": min(_rounded(_exact(grade) * factor), most),
        "max-score": most,
        "tests": tests,
    }


def _identity(request: Request) -> dict[str, str]:
    found = {
        key: next((request.environment[name] for name in names if request.environment.get(name)), "")
        for key, names in VARIABLES.items()
    }
    missing = [" or ".join(VARIABLES[key]) for key, value in found.items() if not value]
    if missing:
        raise SetupError(
            f"classroom50: expected {', '.join(missing)} in the environment, found nothing. Run this from the classroom's "
            "autograder.py, or set them."
        )
    if not found["submission"].startswith("submit/"):
        raise SetupError(f"SUBMISSION_TAG: expected a tag that begins with submit/, found {found['submission']!r}.")
    return found


def _test(verdict: Verdict, factor: Decimal) -> dict[str, Any]:
    most = _rounded(_exact(verdict.max_points) * factor)
    passed = verdict.status == "passed"
    got = min(_rounded(_exact(verdict.points) * factor), most if passed else max(most - 1, 0))
    rest = {"id": verdict.id, "status": verdict.status, "message": public_message(verdict)}
    return {"test-name": verdict.title or verdict.id, "passed": passed, "score": max(got, 0), "max-score": most, **rest}


def _exact(points: float) -> Decimal:
    return Decimal(repr(float(points)))


def _is_whole(number: Decimal) -> bool:
    return abs(number - number.to_integral_value()) < Decimal("1e-9")


def _rounded(number: Decimal) -> int:
    return int(number.to_integral_value(ROUND_HALF_UP))
