"""What a student reads in an export: points and sentences, of hidden checks only the title and one line."""

import re
from collections.abc import Iterator

from grader.exports.grades import grade_of, shown
from grader.model.result import Override, Result, Verdict

MARKS = {"passed": "✓", "failed": "✗", "skipped": "–", "error": "!"}


def feedback(result: Result, *, provisional: bool = False) -> str:
    """All of it, a line for each thing."""
    return "\n".join(feedback_lines(result, provisional=provisional))


def feedback_lines(result: Result, *, provisional: bool = False) -> Iterator[str]:
    """The points, then what counts of them and why there is no full grade, then each check, then the notes."""
    yield points_line(result, provisional=provisional)
    yield from what_counts(result)
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


def what_counts(result: Result) -> Iterator[str]:
    """Which attempt it is, what lateness costs, and that a person gave the score; a line for each."""
    if result.attempt is not None:
        yield f"This is attempt {result.attempt.number} of {result.attempt.of}; the {result.attempt.policy} one counts."
    late = result.lateness
    if late is not None and late.too_late:
        yield f"Handed in {late.days} days late, after the work was no longer taken: no points."
    elif late is not None and late.penalty:
        days = "one day" if late.days == 1 else f"{late.days} days"
        yield f"Handed in up to {days} late: {shown(late.penalty)} points are taken off."
    if result.override is not None:
        yield f"For the whole submission: {given(result.override)}"


def check_line(verdict: Verdict) -> str:
    """A check with its points."""
    extra = " extra" if verdict.extra else ""
    return f"{MARKS[verdict.status]} {shown(verdict.points)}/{shown(verdict.max_points)}{extra} {verdict.title}"


def public_message(verdict: Verdict) -> str:
    """What was found, of a hidden check the first line only; then what a person decided."""
    lines = verdict.message.strip().splitlines()
    lines = lines[:1] if verdict.hidden else lines
    return "\n".join([*lines, given(verdict.override)] if verdict.override else lines)


def given(override: Override) -> str:
    """That a person gave points, with who, when and why."""
    worth = "1 point" if override.points == 1 else f"{shown(override.points)} points"
    return f"{override.by} gave {worth} ({override.when}): {override.reason}"


def named_line(file: str, text: str) -> int | None:
    """The line of a module that a text names; lines of a notebook's cells are no lines of its file."""
    found = re.search(r"\bline (\d{1,7})\b", text) if file.endswith(".py") else None
    return int(found[1]) if found else None
