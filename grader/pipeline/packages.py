"""Make the package that students install, of assignments that load and whose checks can be run."""

from collections.abc import Sequence
from pathlib import Path

from grader.authoring.package import PublicPart, package_files, public_part
from grader.authoring.wheel import make_wheel
from grader.errors import SetupError
from grader.judging.evidence import Evidence
from grader.judging.judge import judge
from grader.model.assignment import Assignment
from grader.model.observation import Ending, Measured, Observation
from grader.model.result import Verdict
from grader.pipeline.places import INSTALLED


def all_checks(assignment: Assignment) -> tuple[Verdict, ...]:
    """A verdict of each check, as for a hand-in that does nothing: which checks there are, by running their file."""
    measured = Measured(ending=Ending(kind="not_run"), sandbox="none")
    nothing = Observation(student="", assignment=assignment.id, submission_digest="", seed=1, measured=measured)
    return judge(Evidence(assignment, nothing)).verdicts


def make_package(
    assignments: Sequence[Assignment], solutions: Path, name: str, version: str
) -> tuple[str, bytes, list[PublicPart]]:
    """The wheel's name and bytes, and what is in it; SetupError with every reason not to make it."""
    ids = {assignment.id for assignment in assignments}
    parts, problems = [], []
    for assignment in assignments:
        folder = solutions / assignment.id
        try:
            parts.append(public_part(assignment, all_checks(assignment), folder if folder.is_dir() else None, ids))
        except SetupError as problem:
            problems.append(str(problem))
    if problems:
        raise SetupError("\n".join(problems))
    summary = (
        f"{len(parts)} assignments to be checked at home" if len(parts) > 1 else f"{parts[0].title}, to be checked"
    )
    file, content = make_wheel(name, version, package_files(parts), summary, INSTALLED)
    return file, content, parts
