"""Whether what was seen of a submission before still stands, and its verdicts.

Two digests say it. The *observation key* is over all that decides what is seen: the code that is run and under which
name, what of the assignment reaches the sandbox (`grader/pipeline/terms.py`), the way it is run, grader's own code that
runs and listens, and the libraries. It is written into the evidence. The *verdict key* is over that and all that decides
the verdicts: the assignment's files, points, and grader's own code that judges. It is written into the result.

If both are as before, the result stands. If only the first is, the recorded evidence is judged again, which takes a
twentieth of a second where a run takes half a second and a training minutes. Otherwise the submission is run.
"""

import hashlib
import sys
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import grader
from grader.model.assignment import Assignment
from grader.model.result import Result
from grader.model.submission import Submission
from grader.pipeline.cases import Case
from grader.pipeline.terms import Terms
from grader.results.folder import Kept
from grader.training.store import library_versions

AFTERWARDS = frozenset(
    [
        "api",
        "authoring",
        "ci",
        "cli",
        "engines",
        "exports",
        "gradebook",
        "importing",
        "judging",
        "reports",
        "results",
        "similarity",
        "validation",
    ]
)
"""Packages of grader that have no part in what is seen. Everything else may have: a package that is new does."""
JUDGING = ("judging", "results", "model", "wire")


@dataclass(frozen=True)
class Keys:
    """What must be as before."""

    observation: str
    verdicts: str


@dataclass(frozen=True)
class Way:
    """How submissions are run."""

    quick: bool
    live: bool
    sandbox: str
    shipped: bool
    """Whether trainings that come with the assignment stand for those of this machine."""
    exact: bool = False
    """Whether all trainings are by Keras's own operations."""


def keys_of(assignment: Assignment, terms: Terms, submission: Submission, way: Way) -> Keys:
    """The keys of a submission under this assignment and its terms."""
    observation = digest_of(
        submission.path.rsplit("/", 1)[-1],
        submission.digest,
        submission.problem,
        submission.source.model_dump_json() if submission.source is not None else "",
        terms.model_dump_json(),
        assignment.graded_fit,
        repr(way),
        code_that_observes(),
        libraries(),
    )
    verdicts = digest_of(observation, submission.path, assignment.digest, code_that_judges())
    return Keys(observation, verdicts)


def recorded_case(
    place: Kept, result: Result, key: str, assignment: Assignment, submission: Submission, datasets: Path | None
) -> Case | None:
    """A submission as it stood when it was recorded here, if that was recorded under this observation key, and whole.

    A result that we failed on does not stand, unless it was a check that failed us: then all was seen.
    """
    failed = result.status == "error" and not any(verdict.status == "error" for verdict in result.checks)
    if failed or submission.source is None or submission.problem or result.submission_digest != submission.digest:
        return None
    evidence = place.evidence()
    if evidence is None or evidence.observation_key != key or evidence.problem:
        return None
    observation = evidence.observation
    if (observation.student, observation.submission_digest) != (submission.student, submission.digest):
        return None
    arrays = place.arrays_of(evidence)
    return None if arrays is None else Case.as_recorded(assignment, submission, datasets, evidence, arrays)


@cache
def code_that_observes() -> str:
    """Digest over grader's own code that has a part in what is seen."""
    root = Path(grader.__file__).parent
    return _code([path for path in root.rglob("*.py") if path.relative_to(root).parts[0] not in AFTERWARDS])


@cache
def code_that_judges() -> str:
    """Digest over grader's own code that has a part in the verdicts."""
    root = Path(grader.__file__).parent
    return _code([path for name in JUDGING for path in (root / name).rglob("*.py")])


@cache
def libraries() -> str:
    """Versions of what student code runs on."""
    found = [sys.version, *(f"{name} {number}" for name, number in sorted(library_versions().items()))]
    for name in ("matplotlib", "scipy", "pandas"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"no {name}")
    return "\n".join(found)


def _code(files: list[Path]) -> str:
    """Digest over files; grader's version stands in it where they are not to be found."""
    digest = hashlib.sha256(grader.__version__.encode())
    for path in sorted(files):
        digest.update(path.as_posix().rpartition("/grader/")[2].encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def digest_of(*parts: str) -> str:
    """One digest over several texts, each in its place."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:32]
