"""The scores in a results folder, for the verbs that read them."""

from pathlib import Path

from pydantic import ValidationError

from grader.errors import SetupError
from grader.model.assignment import Assignment
from grader.model.result import CourseScores, Scores
from grader.pipeline import places
from grader.results.folder import read_scores


def find_scores(results: Path, assignment: str | None) -> Scores:
    """The scores of one assignment; SetupError if there are none, or several to choose from."""
    path = results / "scores.json"
    scores = read_scores(results)
    if scores is None:
        scores = one_of_several(path, read_course(path), assignment)
    if assignment not in (None, scores.assignment):
        raise SetupError(f"{path}: it holds scores of {scores.assignment!r}, not of {assignment!r}.")
    return scores


def read_course(path: Path) -> CourseScores:
    """Scores over several assignments; SetupError if the file cannot be read as that either."""
    try:
        return CourseScores.model_validate_json(path.read_bytes())
    except OSError as error:
        raise SetupError(
            f"{path}: expected scores, found none ({error.strerror}). Give a folder that `grader grade` wrote."
        ) from error
    except ValidationError as error:
        raise SetupError(
            f"{path}: this is not a scores.json of this version of grader. Grade again, or use the version that wrote it."
        ) from error


def one_of_several(path: Path, course: CourseScores, assignment: str | None) -> Scores:
    """The scores of the assignment that is asked for; SetupError that lists those there are."""
    known = ", ".join(course.assignments) or "none"
    if assignment is None:
        raise SetupError(f"{path}: it holds several assignments. Choose one with --assignment: {known}.")
    if assignment not in course.assignments:
        raise SetupError(f"{path}: expected scores of {assignment!r}, found those of: {known}.")
    return course.assignments[assignment]


def try_assignment(name: str) -> Assignment | None:
    """The assignment, if it is to be found here: most formats do not need it."""
    try:
        return places.find_assignment(name)
    except SetupError:
        return None
