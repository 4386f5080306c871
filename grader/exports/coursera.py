"""Coursera: `feedback.json` of one submission.

Source: Coursera's documentation of custom graders: `/shared/feedback.json` holds `fractionalScore`, a number from 0 to
1, and `feedback`, text; an exit code other than 0 is an error of the grader, and no score.
"""

from grader.errors import SetupError
from grader.exports.grades import grade_of, without_grade
from grader.exports.request import Export, Request, as_json
from grader.exports.wording import feedback


def coursera(request: Request) -> Export:
    """`feedback.json`, or nothing if there is no grade."""
    result = request.results[0]
    left_out = without_grade([result], provisional=request.provisional)
    grade = grade_of(result, provisional=request.provisional)
    if grade is None:
        return Export(None, left_out)
    if not result.max_score > 0:
        raise SetupError(f"{request.assignment}: no check is worth a point, so there is no part of them. Give points.")
    fraction = min(max(grade / result.max_score, 0.0), 1.0)
    text = feedback(result, provisional=request.provisional)
    return Export(as_json({"fractionalScore": round(fraction, 6), "feedback": text}), left_out)
