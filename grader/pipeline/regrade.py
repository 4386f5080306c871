"""Judge recorded evidence again: the checks may have changed, what was seen has not."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from grader.errors import SetupError
from grader.judging.evidence import Evidence, Training, graded_fit
from grader.judging.judge import judge
from grader.model.assignment import Assignment
from grader.model.result import Result
from grader.model.submission import Submission
from grader.results.folder import RecordedEvidence, ResultsFolder, read_scores, write_course_scores
from grader.results.verdicts import make_result, without_run

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Change:
    """A student whose points changed."""

    before: Result
    after: Result

    def sentence(self) -> str:
        """Who, from what to what, and because of which checks."""
        old = {verdict.id: verdict.points for verdict in self.before.checks}
        new = {verdict.id: verdict.points for verdict in self.after.checks}
        why = [
            f"{name} {old.get(name, 0):g} → {new.get(name, 0):g}"
            for name in dict.fromkeys([*old, *new])
            if old.get(name) != new.get(name)
        ]
        return f"{self.after.student}: {self.before.score} → {self.after.score} ({'; '.join(why) or 'status'})"


class Changes(list[Change]):
    """All changes of one regrading."""

    total: int = 0
    needs_review: bool = False

    def __init__(self) -> None:
        super().__init__()
        self.unread: list[str] = []
        """Students whose evidence is there and cannot be read: their points stay as they are."""


def regrade(folder: Path, find_assignment: Callable[[str], Assignment], datasets: Path | None = None) -> Changes:
    """Judge everything in a results folder again, and write what came of it."""
    parts = [folder] if (folder / "submissions").is_dir() else sorted(folder.glob("*/submissions"))
    if not parts:
        raise SetupError(
            f"{folder}: expected results with a folder `submissions`, found none. Name the --output of `grade`."
        )
    changes = Changes()
    for part in parts:
        _regrade_one(ResultsFolder(part if part == folder else part.parent), find_assignment, datasets, changes)
    if parts[0] != folder:
        write_course_scores(folder, [scores for part in parts if (scores := read_scores(part.parent)) is not None])
    return changes


def _regrade_one(
    results: ResultsFolder,
    find_assignment: Callable[[str], Assignment],
    datasets: Path | None,
    changes: Changes,
) -> None:
    with results.locked():
        written = []
        name = ""
        for before in results.results():
            evidence = results.evidence(before.student)
            after = before
            if evidence is None and results.has_evidence(before.student):
                changes.unread.append(before.student)
            if evidence is not None and stands_for(evidence, before):
                name = evidence.observation.assignment
                after = judge_again(before, evidence, results.arrays(before.student), find_assignment(name), datasets)
                results.write(after, None)
            if (before.score, before.status) != (after.score, after.status):
                changes.append(Change(before, after))
            changes.needs_review = changes.needs_review or after.needs_review
            written.append(after)
        changes.total += len(written)
        if name:
            results.write_scores(name, written)


def stands_for(evidence: RecordedEvidence, result: Result) -> bool:
    """True if the evidence is that of the result: the same hand-in, and not one that we failed on later."""
    return result.status != "error" and evidence.observation.submission_digest == result.submission_digest


def judge_again(
    before: Result,
    recorded: RecordedEvidence,
    arrays: tuple[Array, ...],
    assignment: Assignment,
    datasets: Path | None,
) -> Result:
    """The result that today's checks give for recorded evidence."""
    submission = Submission(
        student=before.student, path=before.path, digest=before.submission_digest, problem=recorded.problem
    )
    digests = (assignment.digest, before.resume_key)
    if recorded.problem:
        template = judge(Evidence(assignment, recorded.observation)).verdicts
        return without_run(submission, template, digests=digests, sandbox=before.sandbox)
    trainings = {number: Training(kept.run, kept.played, kept.others) for number, kept in recorded.beside.items()}
    graded = graded_fit(assignment, recorded.observation)
    kept = recorded.training
    training = Training(kept.run, kept.played, kept.others) if kept else None
    if training is not None and graded is not None:
        trainings[graded.number] = training
    refused = recorded.training_refused or ("" if training else "no training was carried out when this was graded")
    judgement = judge(Evidence(assignment, recorded.observation, training, refused, trainings, arrays, datasets))
    person = judgement.person
    if judgement.pending and recorded.training_refused.startswith("left out"):
        person = (*person, "the training was left out (--quick)")
    if judgement.pending and not recorded.training_refused:
        person = (*person, "a check needs a training that was not carried out; grade this submission again")
    result = make_result(
        submission,
        recorded.observation,
        judgement.verdicts,
        person=person,
        training=before.training,
        digests=digests,
    )
    return result.model_copy(update={"notes": before.notes})
