"""Check one file at home, by the public checks: the same line as for a class, and the same verdicts.

At home students run their own code. Where the machine has no sandbox, `check` takes the next weaker level and says so;
`grade` never does.
"""

import json
import tempfile
from pathlib import Path

from grader.authoring.package import HIDDEN_FILE
from grader.errors import SetupError
from grader.judging.training_expectations import UNTIMED
from grader.model.assignment import Assignment
from grader.model.record import Record
from grader.model.result import Result, Verdict
from grader.model.submission import Submission
from grader.pipeline.grade import Grading
from grader.pipeline.settings import Settings
from grader.pipeline.watch import Watcher
from grader.results.files import as_strict_json
from grader.results.folder import ResultsFolder
from grader.sandbox.box import Level
from grader.sandbox.doctor import missing_for
from grader.sandbox.plain import is_needed

LEFT_OUT = "left out by --quick"
"""How the reason begins for which a check waits for a training, where nothing is trained."""


class Checked(Record):
    """What a student is told about a file."""

    assignment: str
    title: str
    result: Result
    """With the public checks only, and their sum."""
    remarks: tuple[str, ...] = ()
    """What was not checked here, and why."""


def choose_level(asked: str | None = None) -> tuple[str, str]:
    """The level to check one's own file at, and a remark if it is not the full sandbox.

    What is asked for is taken as it is.
    """
    if asked is not None:
        return asked, ""
    missing = missing_for("full")
    if not missing:
        return "full", ""
    lacks = " and ".join(item.what for item in missing)
    weaker: Level = "contained"
    if not missing_for(weaker):
        return weaker, f"A smaller sandbox (contained): this machine lacks {lacks}. `grader doctor` says why."
    how = "in a plain process" if is_needed() else "in a process of its own"
    return "none", (
        f"Not sandboxed: this is your own code, and it runs {how} with your rights, because this machine lacks {lacks}. "
        "Do not check files of other people here."
    )


def check_submission(
    assignment: Assignment, submission: Submission, settings: Settings, watcher: Watcher, *remarks: str
) -> Checked:
    """Grade one submission, keep nothing, and take from the result what is public."""
    with tempfile.TemporaryDirectory() as scratch:
        whole = Grading(assignment, settings, ResultsFolder(Path(scratch)), watcher).run([submission])[0]
    result = public_part(whole)
    said = [*remarks, *not_trained(result), *judged_later(assignment, whole)]
    return Checked(
        assignment=assignment.id,
        title=assignment.title,
        result=result,
        remarks=tuple(text for text in said if text),
    )


def checked_as_json(checked: Checked) -> str:
    """One JSON value, for programs."""
    return as_strict_json(checked)


def public_part(result: Result) -> Result:
    """A result as its student may see it before the deadline: without hidden checks, their points and their reasons."""
    public = tuple(verdict for verdict in result.checks if not verdict.hidden)
    changes: dict[str, object] = {
        "checks": public,
        "max_score": worth(public),
        "score": None if result.score is None else round(sum(verdict.points for verdict in public), 3),
    }
    live = result.training is not None and result.training.source == "live"
    if only_hidden_ones_wait(result) and not live:
        changes |= {"needs_review": False, "message": ""}
    return result.model_copy(update=changes)


def worth(verdicts: tuple[Verdict, ...]) -> float:
    """The most points that checks can give, extra credit left out."""
    return sum(verdict.max_points for verdict in verdicts if not verdict.extra)


def only_hidden_ones_wait(result: Result) -> bool:
    """Whether a person is needed for nothing but hidden checks."""
    waiting = [verdict for verdict in result.checks if verdict.waits]
    return result.status == "graded" and bool(waiting) and all(verdict.hidden for verdict in waiting)


def not_trained(result: Result) -> list[str]:
    """A remark that names the checks for which nothing was trained, if there are any."""
    left = tuple(item for item in result.checks if item.status == "skipped" and LEFT_OUT in item.message)
    if not left:
        return []
    names = "; ".join(verdict.title.rstrip(".") for verdict in left)
    points = said_points(sum(verdict.max_points for verdict in left))
    return [f"Not checked, because nothing was trained (--quick), {points}: {names}. Without --quick it is trained."]


def judged_later(assignment: Assignment, whole: Result) -> list[str]:
    """A remark on checks that are not shown here, if there are any."""
    hidden = tuple(verdict for verdict in whole.checks if verdict.hidden)
    count, points = len(hidden), sum(verdict.max_points for verdict in hidden)
    if not hidden:
        count, points = left_out(assignment.folder)
    said = []
    if count:
        what = "1 check that is" if count == 1 else f"{count} checks that are"
        said.append(f"{said_points(points)} more: judged after you hand in, by {what} not shown here.")
    untimed = sum(verdict.max_points for verdict in whole.checks if UNTIMED in verdict.message and not verdict.hidden)
    if untimed and assignment.reference is None:
        said.append(
            f"{said_points(untimed)}: judged after you hand in, since the time of an epoch is not compared here."
        )
    return said


def left_out(folder: Path) -> tuple[int, float]:
    """How many checks an assignment for students lacks, and their points; SetupError if the file is not as written."""
    path = folder / HIDDEN_FILE
    if not path.is_file():
        return 0, 0.0
    try:
        body = json.loads(path.read_text("utf-8"))
        return int(body["checks"]), float(body["points"])
    except (ValueError, KeyError, TypeError) as error:
        raise SetupError(f"{path}: expected numbers of checks and points, found: {error}. Install it again.") from error


def said_points(points: float) -> str:
    """`2 points`."""
    return f"{points:g} {'point' if points == 1 else 'points'}"
