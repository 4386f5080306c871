"""What a student reads in an export: points and sentences, of hidden checks only the title and one line."""

from collections.abc import Iterator

from grader.exports.grades import grade_of, shown
from grader.model.result import Result, Verdict

MARKS = {"passed": "✓", "failed": "✗", "skipped": "–", "error": "!"}


def feedback(result: Result, *, provisional: bool = False) -> str:
    """All of it, a line for each thing."""
    return "\n".join(feedback_lines(result, provisional=provisional))


def feedback_lines(result: Result, *, provisional: bool = False) -> Iterator[str]:
    """The points, then why there is no full grade, then each check, then the notes."""
    yield points_line(result, provisional=provisional)
    if result.message:
        yield result.message
    for verdict in result.checks:
        yield check_line(verdict)
        message = public_message(verdict)
        if message:
            yield from (f"    {line}" for line in message.splitlines())
    for note in result.notes:
        where = f" ({note.where})" if note.where else ""
        yield f"Note{where}: {note.text}"


def points_line(result: Result, *, provisional: bool = False) -> str:
    """The grade in words."""
    grade = grade_of(result, provisional=provisional)
    if grade is None:
        return "There is no grade yet: a person must look at this."
    later = " so far; a person must still look at this" if result.needs_review else ""
    return f"{shown(grade)} of {shown(result.max_score)} points{later}."


def check_line(verdict: Verdict) -> str:
    """A check with its points."""
    return f"{MARKS[verdict.status]} {shown(verdict.points)}/{shown(verdict.max_points)} {verdict.title}"


def public_message(verdict: Verdict) -> str:
    """What was found; of a hidden check the first line only."""
    lines = verdict.message.strip().splitlines()
    return "\n".join(lines[:1] if verdict.hidden else lines)
