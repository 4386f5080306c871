"""Judge recorded evidence again: the checks may have changed, what was seen has not."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from grader.errors import SetupError
from grader.gradebook import Times
from grader.judging.evidence import Evidence, Training, graded_fit
from grader.judging.judge import Court, judge
from grader.judging.plugin import Judgement
from grader.judging.tolerance import rounding_decides
from grader.model.assignment import Assignment
from grader.model.departure import REPOSITORY_FLAGS
from grader.model.result import Override, Result, Scores, Status, Verdict
from grader.model.submission import Submission
from grader.pipeline.bookkeeping import Bookkeeping
from grader.pipeline.class_files import NO_FILES, ClassFiles
from grader.results.folder import Kept, RecordedEvidence, ResultsFolder, read_scores, write_course_scores
from grader.results.verdicts import make_result, without_run

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Standing:
    """What a result gives, without the rest of it: of a large class, a second copy of all results would be felt."""

    score: float | None
    status: Status
    checks: tuple[Verdict, ...]
    penalty: float
    """Points taken off for lateness."""
    override: Override | None


def standing(result: Result) -> Standing:
    """What this result gives; one object for all of a class to whom it gives the same."""
    penalty = result.lateness.penalty if result.lateness else 0.0
    return _one_standing(result.score, result.status, result.checks, penalty, result.override)


@lru_cache(4096)
def _one_standing(
    score: float | None, status: Status, checks: tuple[Verdict, ...], penalty: float, override: Override | None
) -> Standing:
    return Standing(score, status, checks, penalty, override)


@dataclass(frozen=True, slots=True)
class Change:
    """A student whose points changed."""

    student: str
    before: Standing
    after: Standing

    def sentence(self) -> str:
        """Who, from what to what, and because of which checks."""
        old = {verdict.id: verdict.points for verdict in self.before.checks}
        new = {verdict.id: verdict.points for verdict in self.after.checks}
        why = [
            f"{name} {old.get(name, 0):g} → {new.get(name, 0):g}"
            for name in dict.fromkeys([*old, *new])
            if old.get(name) != new.get(name)
        ]
        if self.before.penalty != self.after.penalty:
            why.append(f"late {-self.before.penalty or 0:g} → {-self.after.penalty or 0:g}")
        if self.before.override != self.after.override:
            why.append("a person gave the score" if self.after.override else "no person gives the score any more")
        return f"{self.student}: {self.before.score} → {self.after.score} ({'; '.join(why) or 'status'})"


class Changes(list[Change]):
    """All changes of one regrading."""

    total: int = 0
    needs_review: bool = False

    def __init__(self) -> None:
        super().__init__()
        self.remarks: list[str] = []
        """What the instructor should know about the rules of the class."""
        self.unread: list[str] = []
        """Students whose evidence is there and cannot be read: their points stay as they are."""


def regrade(
    folder: Path,
    find_assignment: Callable[[str], Assignment],
    datasets: Path | None = None,
    files: ClassFiles = NO_FILES,
) -> Changes:
    """Judge everything in a results folder again, and write what came of it; `files` are kept beside it."""
    parts = parts_of(folder)
    files.check([part.name for part in parts])
    changes = Changes()
    for part in parts:
        _regrade_one(ResultsFolder(part), find_assignment, datasets, changes, files)
    write_course(folder, parts)
    return changes


def settle(folder: Path, find_assignment: Callable[[str], Assignment]) -> None:
    """Write anew what counts in a results folder, by the rules that lie beside it; no check is run."""
    parts = parts_of(folder)
    for part in parts:
        results = ResultsFolder(part)
        with results.locked():
            name = name_of(results, read_scores(part))
            if name:
                Bookkeeping(find_assignment(name), results).write(results.results())
    write_course(folder, parts)


def parts_of(folder: Path) -> list[Path]:
    """The folders with the results of one assignment each; SetupError if there is none."""
    if (folder / "submissions").is_dir():
        return [folder]
    parts = sorted(place.parent for place in folder.glob("*/submissions"))
    if not parts:
        raise SetupError(
            f"{folder}: expected results with a folder `submissions`, found none. Name the --output of `grade`."
        )
    return parts


def write_course(folder: Path, parts: list[Path]) -> None:
    """Write the scores over several assignments, if there are several."""
    if parts != [folder]:
        write_course_scores(folder, [scores for part in parts if (scores := read_scores(part)) is not None])


def _regrade_one(
    results: ResultsFolder,
    find_assignment: Callable[[str], Assignment],
    datasets: Path | None,
    changes: Changes,
    files: ClassFiles,
) -> None:
    with results.locked():
        known = read_scores(results.folder)
        find = cache(find_assignment)
        name = name_of(results, known)
        assignment = find(name) if name else None
        files.keep_given(results.folder)
        said = {item.student: standing(item) for item in known.submissions} if known else {}
        del known
        students = [result.student for result in results.results()]
        for student in students:
            if student not in said and (found := results.read(student)) is not None:
                said[student] = standing(found)
        places = (
            (student, place) for student in students for place in [*results.earlier(student), results.kept(student)]
        )
        anew = _Anew(places, find, datasets)
        if assignment is not None:
            anew.judge_all(assignment)
        else:
            list(anew.evidence(None))  # each is judged by its own assignment
        changes.unread += anew.unread
        written = results.results()
        if assignment is not None:
            times = files.read_times(assignment)
            books = Bookkeeping(assignment, results)
            written = list(books.write([_timed(results, result, times) for result in written]).submissions)
            changes.remarks += books.remarks(written)
        for result in written:
            before, after = said[result.student], standing(result)
            if (before.score, before.status) != (after.score, after.status):
                changes.append(Change(result.student, before, after))
            changes.needs_review = changes.needs_review or result.needs_review
        changes.total += len(written)


class _Anew:
    """Attempts that are judged again, one after the other; what comes of each is written.

    Args:
        places: whose attempt it is, and where it is kept.
        find: finds assignments.
        datasets: folder of the shipped data sets.
    """

    def __init__(
        self, places: Iterable[tuple[str, Kept]], find: Callable[[str], Assignment], datasets: Path | None
    ) -> None:
        self._places, self._find, self._datasets = places, find, datasets
        self.unread: list[str] = []
        """Students with evidence that is there and cannot be read."""

    def evidence(self, assignment: Assignment | None) -> Iterator[Evidence]:
        """What the checks of this assignment may look at, of each attempt; one of another is judged at once."""
        for student, place in self._places:
            before, recorded = place.result(), place.evidence()
            if recorded is None:
                if place.has_evidence() and student not in self.unread:
                    self.unread.append(student)
            elif before is not None and stands_for(recorded, before):
                own = self._find(recorded.observation.assignment)
                self._here = place, before, recorded, own
                evidence = evidence_of(recorded, place.arrays(), own, self._datasets)
                if assignment is not None and own.folder == assignment.folder:
                    yield evidence
                else:
                    self.take(judge(evidence))

    def judge_all(self, assignment: Assignment) -> None:
        """Judge all attempts, in one sitting."""
        court = Court(assignment)

        def work() -> None:
            for evidence in self.evidence(assignment):
                self.take(court.judge(evidence))

        court.sit(work)

    def take(self, judgement: Judgement) -> None:
        """Write what came of the attempt that was handed out last."""
        place, before, recorded, assignment = self._here
        place.write(result_of(judgement, before, recorded, assignment))


def _timed(results: ResultsFolder, result: Result, times: Times) -> Result:
    """A result with the time that the list gives, written if that is another one."""
    time = times.of_student(result.student, result.identity)
    if time is None or time == result.handed_in:
        return result
    timed = result.model_copy(update={"handed_in": time})
    results.kept(result.student).write(timed)
    return timed


def name_of(results: ResultsFolder, known: Scores | None) -> str:
    """The assignment of a results folder; empty if nothing there says it."""
    if known is not None:
        return known.assignment
    observed = (results.evidence(result.student) for result in results.results())
    return next((item.observation.assignment for item in observed if item is not None), "")


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
    return result_of(judge(evidence_of(recorded, arrays, assignment, datasets)), before, recorded, assignment)


def evidence_of(
    recorded: RecordedEvidence, arrays: tuple[Array, ...], assignment: Assignment, datasets: Path | None
) -> Evidence:
    """What the checks may look at of recorded evidence."""
    if recorded.problem:
        return Evidence(assignment, recorded.observation)
    trainings = {number: Training(kept.run, kept.played, kept.others) for number, kept in recorded.beside.items()}
    graded = graded_fit(assignment, recorded.observation)
    kept = recorded.training
    training = Training(kept.run, kept.played, kept.others) if kept else None
    if training is not None and graded is not None:
        trainings[graded.number] = training
    refused = recorded.training_refused or ("" if training else "no training was carried out when this was graded")
    return Evidence(assignment, recorded.observation, training, refused, trainings, arrays, datasets)


def result_of(judgement: Judgement, before: Result, recorded: RecordedEvidence, assignment: Assignment) -> Result:
    """The result that a judgement on recorded evidence gives."""
    submission = Submission(
        student=before.student, path=before.path, digest=before.submission_digest, problem=recorded.problem
    )
    digests = (assignment.digest, before.resume_key)
    if recorded.problem:
        result = without_run(submission, judgement.verdicts, digests=digests, sandbox=before.sandbox)
        return _flagged(result.model_copy(update=_as_before(before)), before)
    person = judgement.person
    if judgement.pending and recorded.training_refused.startswith("left out"):
        person = (*person, "the training was left out (--quick)")
    if judgement.unsettled:
        person = (*person, rounding_decides(judgement.unsettled))
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
    return _flagged(result.model_copy(update=_as_before(before, "notes")), before)


def _flagged(result: Result, before: Result) -> Result:
    """A result with the flags of its repository, which judging knows nothing of."""
    kept = (flag for flag in before.flags if flag in REPOSITORY_FLAGS)
    return result.model_copy(update={"flags": tuple(dict.fromkeys((*result.flags, *kept)))})


def _as_before(result: Result, *more: str) -> dict[str, object]:
    """What judging does not touch: whose the hand-in is, and when it came."""
    return {name: getattr(result, name) for name in ("identity", "handed_in", "marked_late", *more)}
