"""What is known of each submission in the end: judged, written down, and found again by the next run."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from grader.judging.evidence import Evidence
from grader.judging.judge import Court
from grader.judging.plugin import Judgement
from grader.judging.tolerance import rounding_decides
from grader.model.assignment import Assignment
from grader.model.observation import Ending, Measured, Observation
from grader.model.result import Result, Verdict
from grader.model.submission import Identity, Submission
from grader.pipeline.bookkeeping import Bookkeeping
from grader.pipeline.cases import Case, summary
from grader.pipeline.remembered import Keys, Way, keys_of, recorded_case
from grader.pipeline.settings import Settings
from grader.pipeline.terms import Terms
from grader.pipeline.watch import Watcher
from grader.results.folder import Kept, RecordedEvidence, ResultsFolder
from grader.results.lean import lean
from grader.results.sharing import with_sources
from grader.results.verdicts import make_result, without_run

SCORES_PAUSE = 20
"""`scores.json` is written again at the earliest after so many times what it took: its size grows with the class."""


class Outcomes:
    """The results of a class.

    Args:
        assignment: what is graded.
        terms: what of it reaches a sandbox.
        settings: how it is graded.
        output: where results lie.
        watcher: hears of each.
    """

    def __init__(
        self, assignment: Assignment, terms: Terms, settings: Settings, output: ResultsFolder, watcher: Watcher
    ) -> None:
        self.assignment, self.settings, self.output, self.watcher = assignment, settings, output, watcher
        self._terms = terms
        self.court = Court(assignment)
        self._books = Bookkeeping(assignment, output)
        self.results: dict[str, Result] = {}
        """The newest of each student, also of earlier runs."""
        self.again = 0
        """How many submissions were judged by what was recorded."""
        self._template: tuple[Verdict, ...] = ()
        self._scores_due = 0.0

    def settled(self) -> list[Result]:
        """What counts of all results."""
        return self._books.settled(sorted(self.results.values(), key=lambda result: result.student))

    def finish(self, case: Case, judgement: Judgement) -> None:
        """The last judgement, written down."""
        key = self._keys(case.submission).observation
        recorded = case.recorded().model_copy(update={"observation_key": key})
        self._write(case.submission, self._result(case, judgement), recorded, case.evidence().arrays)

    def _result(self, case: Case, judgement: Judgement) -> Result:
        """What comes of a judgement that is final."""
        assert case.observation is not None
        person = judgement.person
        if self.settings.quick and (judgement.pending or not case.is_final(judgement)):
            person = (*person, "the training was left out (--quick)")
        elif judgement.unsettled:
            person = (*person, rounding_decides(judgement.unsettled))
        return make_result(
            case.submission,
            case.observation,
            judgement.verdicts,
            person=person,
            training=summary(case),
            digests=(self.assignment.digest, self._keys(case.submission).verdicts),
        )

    def unread(self, submission: Submission) -> None:
        """A hand-in that could not be read."""
        if submission.ours:
            self.failed(submission, submission.problem)
            return
        digests = (self.assignment.digest, self._keys(submission).verdicts)
        self._write(
            submission,
            without_run(submission, self._empty_verdicts(), digests=digests, sandbox=self.settings.sandbox),
            self._no_evidence(submission),
        )

    def failed(self, submission: Submission, why: str) -> None:
        """A submission that we failed on: no number, and a person looks."""
        digests = (self.assignment.digest, "")
        self._write(
            submission,
            without_run(submission, self._empty_verdicts(), digests=digests, ours=why, sandbox=self.settings.sandbox),
            None,
        )

    def _write(
        self,
        submission: Submission,
        result: Result,
        evidence: RecordedEvidence | None,
        arrays: Sequence[np.ndarray[Any, Any]] = (),
    ) -> None:
        result = result.model_copy(
            update={
                "identity": said(submission.identity),
                "handed_in": submission.handed_in,
                "marked_late": submission.marked_late,
            }
        )
        self.output.write(result, evidence, arrays, submission.source, superseded=submission.superseded)
        newest = self.output.read(result.student) if submission.superseded else None
        self.results[result.student] = newest or lean(result)
        if time.monotonic() >= self._scores_due:
            self.write_scores()
        self.watcher.finished(result)

    def write_scores(self) -> None:
        """Write `scores.json`, and say when to do so again: it takes no more than a small part of our time."""
        started = time.monotonic()
        self.settle()
        self._books.write(list(self.results.values()))
        self._scores_due = time.monotonic() + SCORES_PAUSE * (time.monotonic() - started)

    def settle(self) -> None:
        """Say of each training whether several have it, now that the results are these."""
        for new in with_sources(list(self.results.values())):
            if self.results[new.student] is not new:
                self.results[new.student] = new
                self.output.kept(new.student).write(new)

    def _empty_verdicts(self) -> tuple[Verdict, ...]:
        """All checks of the assignment, as they come out for a hand-in that does nothing."""
        if not self._template:
            observation = self._nothing(Submission(student="", path="", digest=""))
            self._template = self.court.judge(Evidence(self.assignment, observation)).verdicts
        return self._template

    def _nothing(self, submission: Submission) -> Observation:
        return Observation(
            student=submission.student,
            assignment=self.assignment.id,
            submission_digest=submission.digest,
            seed=1,
            measured=Measured(ending=Ending(kind="not_run"), sandbox=self.settings.sandbox),
        )

    def _no_evidence(self, submission: Submission) -> RecordedEvidence:
        return RecordedEvidence(observation=self._nothing(submission), problem=submission.problem)

    def known(self, submission: Submission) -> Result | None:
        """This student's newest result, if for this submission a result from before stands, or what was seen does."""
        keys = self._keys(submission)
        places = [self.output.kept(submission.student)]
        places += self.output.earlier(submission.student) if submission.superseded else []
        for place in places:
            result = place.result()
            if result is None:
                continue
            if result.resume_key != keys.verdicts or result.status == "error":
                told = self._judged_again(place, result, submission, keys)
            else:
                told = with_owner(result, submission)
            if told is not None:
                if told != result:
                    place.write(told)
                return self.output.read(submission.student)
        return None

    def _judged_again(self, place: Kept, before: Result, submission: Submission, keys: Keys) -> Result | None:
        """The result that today's checks give for what was seen before; None if it has to be seen anew."""
        case = recorded_case(place, before, keys.observation, self.assignment, submission, self.settings.datasets)
        judgement = self.court.judge(case.evidence()) if case is not None else None
        if case is None or judgement is None or not case.is_final(judgement):
            return None
        self.again += 1
        update = {"identity": before.identity, "handed_in": before.handed_in}
        return with_owner(self._result(case, judgement).model_copy(update=update), submission)

    def _keys(self, submission: Submission) -> Keys:
        """What must be as before for a result to stand."""
        settings = self.settings
        way = Way(settings.quick, settings.live, settings.sandbox, settings.shipped is not None, settings.exact)
        return keys_of(self.assignment, self._terms, submission, way)


def with_owner(result: Result, submission: Submission) -> Result:
    """A result from before, with what is known by now of its owner and its time; of two times the earlier one counts."""
    times = [time for time in (result.handed_in, submission.handed_in) if time is not None]
    update = {
        "handed_in": min(times, default=None),
        "identity": said(submission.identity) or result.identity,
        "marked_late": submission.marked_late,
    }
    return result.model_copy(update=update)


def said(identity: Identity) -> Identity | None:
    """An identity, or None for one that says nothing."""
    return None if identity == Identity() else identity
