"""Gradescope: `results.json` of one submission.

Source: "Autograder Specifications" (`docs/specs.md` of gradescope/autograder_samples, and the documentation of its
autograders for `status` and `output_format`). A test with the visibility `hidden` is never shown to students; the
total at the top takes the place of the sum of the tests.
"""

from typing import Any

from grader.exports.grades import grade_of, scaled, without_grade
from grader.exports.request import Export, Request, as_json
from grader.exports.wording import points_line, public_message, what_counts
from grader.model.result import Result, Verdict


def gradescope(request: Request) -> Export:
    """`results.json`, or nothing if there is no grade: Gradescope then tells the instructor that grading failed."""
    result = request.results[0]
    left_out = without_grade([result], provisional=request.provisional)
    grade = grade_of(result, provisional=request.provisional)
    return Export(None if grade is None else as_json(results_json(request, result, grade)), left_out)


def results_json(request: Request, result: Result, grade: float) -> dict[str, Any]:
    """The results of one submission as Gradescope reads them."""
    body: dict[str, Any] = {
        "score": round(scaled(grade, result.max_score, request.points), 3),
        "output": _output(result, provisional=request.provisional),
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "extra_data": {"assignment": request.assignment, "status": result.status, "sandbox": result.sandbox},
        "tests": [_test(request, result, verdict, number + 1) for number, verdict in enumerate(result.checks)],
    }
    if result.timing is not None:
        body["execution_time"] = result.timing.wall_seconds
    return body


def _output(result: Result, *, provisional: bool) -> str:
    notes = [f"Note ({note.where}): {note.text}" if note.where else f"Note: {note.text}" for note in result.notes]
    lines = (points_line(result, provisional=provisional), *what_counts(result), result.message, *notes)
    return "\n".join(line for line in lines if line)


def _test(request: Request, result: Result, verdict: Verdict, number: int) -> dict[str, Any]:
    worth = request.points
    return {
        "name": verdict.title,
        "number": str(number),
        "score": round(scaled(verdict.points, result.max_score, worth), 3),
        "max_score": round(scaled(verdict.max_points, result.max_score, worth), 3),
        "status": "passed" if verdict.status == "passed" else "failed",
        "output": public_message(verdict),
        "visibility": "hidden" if verdict.hidden else "visible",
        "extra_data": {"id": verdict.id, "status": verdict.status},
    }
