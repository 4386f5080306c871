"""Grade a folder of submissions for one assignment.

First every submission is captured; those whose verdicts need no further training are finished at once. When the last
captures would leave a core idle, the *different* trainings that the others need begin, and as each one ends, the
submissions that wait for it are replayed, judged and written.
"""

import hashlib
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from grader import __version__
from grader.engines.local import LocalEngine
from grader.errors import SandboxError, SetupError
from grader.judging.evidence import Evidence, counted_fits
from grader.judging.judge import Judgement, judge
from grader.model.assignment import Assignment
from grader.model.observation import Ending, Measured, Observation
from grader.model.result import Result, Verdict
from grader.model.submission import Identity, Submission
from grader.model.training import Description, TrainingRequest, TrainingRun
from grader.pipeline.bookkeeping import Bookkeeping
from grader.pipeline.cases import Case, Demand, summary
from grader.pipeline.conversation import Conversation
from grader.pipeline.trainer_desk import Plan, describe, train
from grader.pipeline.watch import Watcher
from grader.results.folder import RecordedEvidence, ResultsFolder
from grader.results.sharing import with_sources
from grader.results.verdicts import make_result, without_run
from grader.sandbox.box import Level
from grader.sandbox.plain import PlainSlot, is_needed
from grader.sandbox.slot import Slot
from grader.training.arrays import DataBook
from grader.training.store import Runs, Store

REPLAY, CAPTURE, TRAIN = 0, 1, 2
SCORES_PAUSE = 20
"""`scores.json` is written again at the earliest after so many times what it took: its size grows with the class."""


@dataclass(frozen=True)
class Settings:
    """How to grade."""

    datasets: Path
    store: Path | None
    jobs: int = 2
    timeout_seconds: float | None = None
    sandbox: Level = "full"
    quick: bool = False
    force: bool = False
    live: bool = True
    shipped: Runs | None = None
    """Trainings that come with the assignment; for proving a rubric, never for grading a class."""
    keep_others: bool = False
    """Results of students who are not graded now stay in the scores (`--only`)."""


@dataclass
class Waiting:
    """One of the different trainings, and the cases that wait for it."""

    demand: Demand
    cases: list[Case] = field(default_factory=list)
    started: bool = False


class Grading:
    """Takes the submissions of one assignment through the line."""

    def __init__(self, assignment: Assignment, settings: Settings, output: ResultsFolder, watcher: Watcher) -> None:
        if settings.timeout_seconds is not None:
            limits = assignment.limits.model_copy(update={"wall_seconds": settings.timeout_seconds})
            assignment = assignment.model_copy(update={"limits": limits})
        self.assignment, self.settings, self.output, self.watcher = assignment, settings, output, watcher
        self.book = DataBook(settings.datasets)
        self.store = Store(
            settings.store, test=bool(assignment.training and assignment.training.test), shipped=settings.shipped
        )
        self._engine: LocalEngine[Slot] = LocalEngine(settings.jobs, self._make_slot)
        self._futures: dict[Future[Any], tuple[str, Any]] = {}
        self._waiting: dict[tuple[str, int], Waiting] = {}
        self._books = Bookkeeping(assignment, output)
        self._results: dict[str, Result] = {}
        self._template: tuple[Verdict, ...] = ()
        self._scores_due = 0.0
        self._everybody = False
        """Whether all results from before are known by now; else scores would lack some."""

    def run(self, submissions: Iterable[Submission]) -> list[Result]:
        """Grade them all; each result is on disk as soon as it is known. Returns what counts of all results."""
        try:
            for part in in_rounds(submissions):
                self._run_round(part)
        finally:
            self._close()
            if self._everybody:
                self._write_scores()
        return self._books.settled(sorted(self._results.values(), key=lambda result: result.student))

    def _run_round(self, submissions: Sequence[Submission]) -> None:
        """Grade at most one submission of each student."""
        todo = []
        for submission in submissions:
            known = None if self.settings.force else self._known(submission)
            if known is not None:
                self._results[known.student] = known
            else:
                todo.append(submission)
        if self.settings.keep_others:
            mine = {submission.student for submission in todo}
            self._results |= {item.student: item for item in self.output.results() if item.student not in mine}
        self._settle()
        self._everybody = True
        self.watcher.begin(len(todo), len(self._results))
        self._submit_all(todo)
        while self._futures:
            self._handle_next(record=True)
            self._start_trainings()

    def warm_up(self) -> None:
        """Start as many guests as there are jobs, and wait until they are warm (for measurements)."""
        all_started = threading.Barrier(self.settings.jobs)

        def start(slot: Slot) -> None:
            slot.start()
            all_started.wait()

        for future in [self._engine.submit("guest", REPLAY, start) for _ in range(self.settings.jobs)]:
            future.result()

    def plan(self, submissions: Iterable[Submission]) -> list[Demand]:
        """Capture only; return the trainings that would be needed."""
        try:
            self._submit_all([item for item in submissions if item.source is not None and not item.problem])
            while self._futures:
                self._handle_next(record=False)
            return [waiting.demand for waiting in self._waiting.values()]
        finally:
            self._close()

    def _close(self) -> None:
        self._engine.close()
        self.book.close()

    def _submit_all(self, submissions: list[Submission]) -> None:
        """Put every readable submission in the queue; the others are finished at once."""
        for submission in submissions:
            if submission.problem or submission.source is None:
                self._finish_unread(submission)
            else:
                case = Case(self.assignment, submission, self.settings.datasets)
                self._submit_run(case, CAPTURE)

    def _start_trainings(self) -> None:
        """Start what is known to be needed as soon as the runs that are left would leave a core idle.

        Until then demands for the same training are still coming in, and one training can serve them all.
        """
        runs = sum(kind == "run" for kind, _ in self._futures.values())
        if runs < self.settings.jobs:
            for waiting in list(self._waiting.values()):
                if not waiting.started:
                    self._submit_training(waiting)

    def _handle_next(self, record: bool) -> None:
        """Take the next finished task, whichever it is."""
        done, _ = wait(self._futures, return_when=FIRST_COMPLETED)
        for future in done:
            kind, item = self._futures.pop(future)
            if kind == "run":
                self._after_run(item, future, record)
            else:
                self._after_training(item, future)

    def _submit_run(self, case: Case, priority: int) -> None:
        self._futures[self._engine.submit("guest", priority, lambda slot: self._run_case(slot, case))] = ("run", case)

    def _run_case(self, slot: Slot, case: Case) -> tuple[Conversation, Observation]:
        """Run a submission once, in a slot; also what its networks look like, if that is not known."""
        conversation = self._conversation(case)
        observation = conversation.observation(*slot.run(conversation.job(), conversation))
        for index, fit in enumerate(observation.fits):
            for number, drill in enumerate(fit.drills):
                if drill.hung:
                    observation = self._drill_again(slot, case, observation, index, number)
        return conversation, observation

    def _drill_again(self, slot: Slot, case: Case, observation: Observation, index: int, number: int) -> Observation:
        """A drill that hung in a forked copy, once more in a guest of its own."""
        fit = observation.fits[index]
        alone = replace(self._conversation(case), drill_alone=fit.drills[number].name)
        slot.run(alone.job(), alone)
        again = next((known.drills[0] for known in alone.fits if known.number == fit.number and known.drills), None)
        if again is None:
            return observation
        drills = (*fit.drills[:number], again, *fit.drills[number + 1 :])
        fits = list(observation.fits)
        fits[index] = fit.model_copy(update={"drills": drills})
        return observation.model_copy(update={"fits": tuple(fits)})

    def _conversation(self, case: Case) -> Conversation:
        return Conversation(
            self.assignment,
            case.submission,
            self.book,
            self.store,
            case.seed,
            allow_live=self.settings.live and not self.settings.quick,
        )

    def _after_run(self, case: Case, future: Future[Any], record: bool) -> None:
        """Take in a run; a fault of ours ends this case and no other."""
        try:
            self._take_in(case, future, record)
        except SetupError:
            raise
        except Exception as error:  # noqa: BLE001 - a bug that one submission meets must not end the class
            self._finish_failed(case, fault_of_ours(error))

    def _take_in(self, case: Case, future: Future[Any], record: bool) -> None:
        """Judge what was seen; finish the case, or note the training that it waits for."""
        conversation, observation = future.result()
        observation = self._with_descriptions(observation)
        first = case.observation is None
        case.saw(conversation, observation, self._runs_of(case, observation))
        if self.settings.quick and any(fit.missing for fit in case.fits):
            case.refused = "left out by --quick; run without it to train"
        judgement = case.judgement()
        if first:
            self.watcher.captured(case.submission.student)
        demands = case.demands(judgement)
        if demands and all(self._is_carried_out(demand) for demand in demands):
            self._submit_run(case, REPLAY)  # the training ended while this program was still running
            return
        case.waits_for = {demand.key for demand in demands}
        for demand in demands:
            self._wait_for(case, demand)
        if not demands and record:
            self._finish(case, judgement)

    def _with_descriptions(self, observation: Observation) -> Observation:
        """Add what the networks look like, as built by the trainer."""
        found: dict[str, Description] = {}
        for fit in observation.fits:
            if fit.request is not None and fit.architecture not in found:
                found[fit.architecture] = self._bounded(self._description(fit.architecture, fit.request))
        return observation.model_copy(update={"descriptions": found})

    def _bounded(self, description: Description) -> Description:
        """A network that is larger than the assignment trains has that as its problem."""
        most = self.assignment.training.max_parameters if self.assignment.training else 0
        if not most or description.parameters <= most:
            return description
        problem = f"it has {description.parameters:,} parameters, and at most {most:,} are trained here"
        return description.model_copy(update={"problem": problem})

    def _description(self, architecture: str, request: TrainingRequest) -> Description:
        known = self.store.find_description(architecture)
        if known is None:
            known = self._engine.submit("trainer", REPLAY, lambda slot: describe(slot, request)).result()
            self.store.keep_description(architecture, known)
        return known

    def _runs_of(self, case: Case, observation: Observation) -> dict[int, TrainingRun]:
        """The trainings that were played to the fits that count, by the numbers of the fits."""
        fits = [fit for fit in counted_fits(self.assignment, observation) if fit.fingerprint]
        found = {fit.number: self.store.find(fit.fingerprint, case.seed) for fit in fits}
        return {number: kept.run for number, kept in found.items() if kept is not None}

    def _is_carried_out(self, demand: Demand) -> bool:
        """Whether a training that is known by now is all that is asked for."""
        kept = self.store.find(demand.fingerprint, demand.seed)
        if kept is None or kept.run.problem:
            return False
        return len(kept.run.epochs) >= demand.epochs or (demand.to_threshold and kept.run.stopped_at_threshold)

    def _wait_for(self, case: Case, demand: Demand) -> None:
        """Put a case in the queue of a training; widen the training to what all its cases need."""
        waiting = self._waiting.setdefault(demand.key, Waiting(demand))
        waiting.cases.append(case)
        if not waiting.started:
            known = waiting.demand
            waiting.demand = replace(
                known, epochs=max(known.epochs, demand.epochs), to_threshold=known.to_threshold and demand.to_threshold
            )

    def _submit_training(self, waiting: Waiting) -> None:
        demand = waiting.demand
        waiting.started = True
        assert self.assignment.training is not None
        plan = Plan(
            fingerprint=demand.fingerprint,
            chain=demand.chain,
            epochs=demand.epochs,
            threshold=self.assignment.training.threshold if demand.to_threshold else None,
            seed=demand.seed,
            parameters=demand.parameters,
            batch=demand.batch,
        )
        self.watcher.training_planned(demand.fingerprint, demand.seed, demand.epochs, max(len(waiting.cases), 1))

        def work(slot: Slot) -> tuple[TrainingRun, dict[int, Any]]:
            return train(
                slot,
                plan,
                self.assignment,
                self.book,
                lambda epoch, accuracy: self.watcher.training_epoch(plan.fingerprint, plan.seed, epoch, accuracy),
            )

        self._futures[self._engine.submit("trainer", TRAIN, work)] = ("training", waiting)

    def _after_training(self, waiting: Waiting, future: Future[Any]) -> None:
        """Keep the run, and replay it to everybody who waits."""
        self._waiting.pop(waiting.demand.key, None)
        self.watcher.training_ended(waiting.demand.fingerprint, waiting.demand.seed)
        try:
            run, parts = future.result()
        except Exception as error:  # noqa: BLE001 - a bug that one training meets must not end the class
            for case in waiting.cases:
                if case.waits_for:
                    case.waits_for = set()
                    self._finish_failed(case, fault_of_ours(error))
            return
        self.store.keep(run, parts)
        for case in waiting.cases:
            if waiting.demand.key in case.waits_for:
                case.waits_for.discard(waiting.demand.key)
                if not case.waits_for:
                    self._submit_run(case, REPLAY)

    def _finish(self, case: Case, judgement: Judgement) -> None:
        """The last judgement, written down."""
        assert case.observation is not None
        person = judgement.person
        if self.settings.quick and judgement.pending:
            person = (*person, "the training was left out (--quick)")
        result = make_result(
            case.submission,
            case.observation,
            judgement.verdicts,
            person=person,
            training=summary(case),
            digests=(self.assignment.digest, self._resume_key(case.submission)),
        )
        self._write(case.submission, result, case.recorded(), case.evidence().arrays)

    def _finish_unread(self, submission: Submission) -> None:
        digests = (self.assignment.digest, self._resume_key(submission))
        self._write(
            submission,
            without_run(submission, self._empty_verdicts(), digests=digests, sandbox=self.settings.sandbox),
            self._no_evidence(submission),
        )

    def _finish_failed(self, case: Case, why: str) -> None:
        digests = (self.assignment.digest, "")
        self._write(
            case.submission,
            without_run(
                case.submission, self._empty_verdicts(), digests=digests, ours=why, sandbox=self.settings.sandbox
            ),
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
        self._results[result.student] = newest or result
        if time.monotonic() >= self._scores_due:
            self._write_scores()
        self.watcher.finished(result)

    def _write_scores(self) -> None:
        """Write `scores.json`, and say when to do so again: it takes no more than a small part of our time."""
        started = time.monotonic()
        self._settle()
        self._books.write(list(self._results.values()))
        self._scores_due = time.monotonic() + SCORES_PAUSE * (time.monotonic() - started)

    def _settle(self) -> None:
        """Say of each training whether several have it, now that the results are these."""
        for new in with_sources(list(self._results.values())):
            if self._results[new.student] is not new:
                self._results[new.student] = new
                self.output.kept(new.student).write(new)

    def _empty_verdicts(self) -> tuple[Verdict, ...]:
        """All checks of the assignment, as they come out for a hand-in that does nothing."""
        if not self._template:
            observation = self._nothing(Submission(student="", path="", digest=""))
            self._template = judge(Evidence(self.assignment, observation)).verdicts
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

    def _known(self, submission: Submission) -> Result | None:
        """This student's newest result, if a result from before stands for the submission."""
        key = self._resume_key(submission)
        places = [self.output.kept(submission.student)]
        places += self.output.earlier(submission.student) if submission.superseded else []
        for place in places:
            result = place.result()
            if result is not None and result.resume_key == key and result.status != "error":
                told = with_owner(result, submission)
                if told != result:
                    place.write(told)
                return self.output.read(submission.student)
        return None

    def _resume_key(self, submission: Submission) -> str:
        parts = (
            submission.path,
            submission.digest,
            submission.problem,
            self.assignment.digest,
            self.assignment.limits.model_dump_json(),
            str(self.settings.quick),
            self.settings.sandbox,
            __version__,
        )
        return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]

    def _make_slot(self, kind: str) -> Slot:
        if is_needed():
            return PlainSlot(kind, self.settings.datasets)
        return Slot(self.settings.sandbox, kind, self.settings.datasets, 2 * self.assignment.limits.file_bytes)


def in_rounds(submissions: Iterable[Submission]) -> list[list[Submission]]:
    """The submissions in parts, so that attempts of one student follow one another."""
    rounds: list[list[Submission]] = [[]]
    seen: Counter[str] = Counter()
    for submission in submissions:
        number = seen[submission.student]
        seen[submission.student] += 1
        if number == len(rounds):
            rounds.append([])
        rounds[number].append(submission)
    return rounds


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


def fault_of_ours(error: Exception) -> str:
    """What went wrong on our side, in one line; for a bug also where, so that it can be reported."""
    if isinstance(error, SandboxError):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    where = f", {Path(frames[-1].filename).name} line {frames[-1].lineno}" if frames else ""
    return f"a bug of grader, not of the submission ({type(error).__name__}: {str(error)[:200]}{where})"
