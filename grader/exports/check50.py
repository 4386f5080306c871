"""check50: the JSON of one submission's checks, for programs that read check50's output.

Source: `check50/runner.py` and `check50/__main__.py` of cs50/check50: `passed` is true, false or null, and null, like
false, has a `cause`. The format has no points; ours stand in `data`, where check50 keeps what a check logs for programs.
"""

from typing import Any

from grader import __version__
from grader.exports.grades import grade_of, without_grade
from grader.exports.request import Export, Request, as_json
from grader.exports.wording import public_message
from grader.model.result import Result, Verdict

PASSED = {"passed": True, "failed": False, "skipped": None, "error": None}


def check50(request: Request) -> Export:
    """The report, or nothing if there is no grade."""
    result = request.results[0]
    left_out = without_grade([result], provisional=request.provisional)
    if grade_of(result, provisional=request.provisional) is None:
        return Export(None, left_out)
    return Export(as_json(report(request, result)), left_out)


def report(request: Request, result: Result) -> dict[str, Any]:
    """All checks of one submission."""
    checks = [_check(result, verdict) for verdict in result.checks]
    return {"slug": request.assignment, "results": checks, "version": f"grader {__version__}"}


def _check(result: Result, verdict: Verdict) -> dict[str, Any]:
    message = public_message(verdict) or result.message
    passed = PASSED[verdict.status]
    return {
        "name": verdict.id,
        "description": verdict.title,
        "passed": passed,
        "log": [],
        "cause": None if passed else {"rationale": message or "no reason was given", "help": None},
        "data": {"points": verdict.points, "max_points": verdict.max_points},
        "dependency": None,
    }
