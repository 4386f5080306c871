"""Grade a folder of submissions for one assignment.

Every submission is captured; those whose verdicts need no further training are finished at once. The *different*
trainings that the others need are carried out, and as each one ends, the submissions that wait for it are replayed,
judged and written. In which order that is done is the business of `grader/pipeline/agenda.py`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from grader.errors import SetupError
from grader.judging.evidence import counted_fits
from grader.judging.tolerance import must_be_confirmed
from grader.model.assignment import Assignment
from grader.model.observation import Observation
from grader.model.result import Result
from grader.model.submission import Submission
from grader.model.training import Description, TrainingRun
from grader.pipeline.carriers import Away, Carrier, Here, Office
from grader.pipeline.cases import Case, Demand
from grader.pipeline.dispatch import Dispatcher
from grader.pipeline.errands import DescribeNetwork, RunProgram, Seen, TrainNetwork, fault_of_ours
from grader.pipeline.evaluations import Evaluations, lacking
from grader.pipeline.forecast import Course
from grader.pipeline.outcomes import Outcomes
from grader.pipeline.planning import order_for
from grader.pipeline.settings import Settings
from grader.pipeline.terms import terms_of
from grader.pipeline.trainer_desk import Trained
from grader.pipeline.watch import Watcher
from grader.results.folder import ResultsFolder
from grader.training.arrays import DataBook
from grader.training.cost import epoch_cost
from grader.training.store import Store, machine_kind

MOST_RUNS_FOR_EVALUATIONS = 2
"""A program that then still asks for what is not known, since it asks for something else each time, evaluates itself."""


@dataclass
class Waiting:
    """One of the different trainings, and the cases that wait for it."""

    demand: Demand
    course: Course
    cases: list[Case] = field(default_factory=list)
    started: bool = False


@dataclass
class Parked:
    """A case whose networks are being described."""

    case: Case
    seen: Seen
    lacks: set[str]
    """Networks by architecture."""


@dataclass(frozen=True)
class Outlook:
    """The trainings that a class would need."""

    demands: tuple[Demand, ...]
    seconds: float
    """Until they are carried out, at most."""
    cores: int
    timed: bool
    """Whether that is foretold from trainings of this machine that are in the store."""


class Grading:
    """Takes the submissions of one assignment through the line."""

    def __init__(self, assignment: Assignment, settings: Settings, output: ResultsFolder, watcher: Watcher) -> None:
        if settings.timeout_seconds is not None:
            limits = assignment.limits.model_copy(update={"wall_seconds": settings.timeout_seconds})
            assignment = assignment.model_copy(update={"limits": limits})
        self.assignment, self.settings, self.output, self.watcher = assignment, settings, output, watcher
        self._fused = not settings.exact and settings.shipped is None
        self.book = DataBook(settings.datasets)
        self._terms = terms_of(assignment)
        office = Office(self._terms, self.book, self._hear_epoch)
        self._carrier = self._make_carrier(office)
        self._work = Dispatcher(self._carrier, watcher.foretold)
        try:
            self.store = office.runs = self._open_store()
        except BaseException:
            self._carrier.close()
            raise
        self._evaluations = Evaluations(self.store, self._work.replay)
        self._record = True
        """False while it is only found out which trainings are needed."""
        self._timed: set[tuple[str, int]] = set()
        self._parked: dict[str, list[Parked]] = {}
        """By the network that they wait for."""
        self._waiting: dict[tuple[str, int], Waiting] = {}
        self._outcomes = Outcomes(assignment, self._terms, settings, output, watcher)
        self._everybody = False
        """Whether all results from before are known by now; else scores would lack some."""

    def run(self, submissions: Iterable[Submission]) -> list[Result]:
        """Grade them all; each result is on disk as soon as it is known. Returns what counts of all results."""
        try:
            self._outcomes.court.sit(lambda: self._run_rounds(submissions))
        finally:
            self._close()
            if self._everybody:
                self._outcomes.write_scores()
        return self._outcomes.settled()

    def _run_rounds(self, submissions: Iterable[Submission]) -> None:
        for part in in_rounds(submissions):
            self._run_round(part)

    def _run_round(self, submissions: Sequence[Submission]) -> None:
        """Grade at most one submission of each student."""
        todo, outcomes = [], self._outcomes
        for submission in submissions:
            known = None if self.settings.force else outcomes.known(submission)
            if known is not None:
                outcomes.results[known.student] = known
            else:
                todo.append(submission)
        if self.settings.keep_others:
            mine = {submission.student for submission in todo}
            outcomes.results |= {item.student: item for item in self.output.results() if item.student not in mine}
        outcomes.settle()
        self._everybody = True
        if outcomes.again:
            self.watcher.said(f"{outcomes.again} judged again, by today's checks, from what was recorded of them")
            outcomes.again = 0
        self.watcher.begin(len(todo), len(outcomes.results))
        self._submit_all(todo)
        self._work.work()

    def warm_up(self) -> None:
        """Start as many guests as there are jobs, and wait until they are warm (for measurements)."""
        self._carrier.warm_up()

    def plan(self, submissions: Iterable[Submission]) -> Outlook:
        """Capture only; return the trainings that would be needed."""
        self._record = False
        try:
            self._submit_all([item for item in submissions if item.source is not None and not item.problem])
            self._outcomes.court.sit(self._work.work)
            return self._outlook()
        finally:
            self._close()

    def _outlook(self) -> Outlook:
        """The trainings that are waited for, and how long they would take: shared out, but none by two cores."""
        cores, forecast = max(self._carrier.cores(), 1), self._work.forecast
        seconds = [forecast.training_seconds(waiting.course) for waiting in self._waiting.values()]
        return Outlook(
            demands=tuple(waiting.demand for waiting in self._waiting.values()),
            seconds=max(sum(seconds) / cores, max(seconds, default=0.0)),
            cores=cores,
            timed=forecast.is_timed,
        )

    def _make_carrier(self, office: Office) -> Carrier:
        settings = self.settings
        if settings.engine == "dask":
            return Away(office, settings.scheduler, settings.jobs, settings.sandbox, self.watcher.said)
        return Here(office, settings.jobs, settings.sandbox, settings.datasets)

    def _open_store(self) -> Store:
        policy, settings = self.assignment.training, self.settings
        test = bool(policy and policy.test)
        return Store(
            settings.store,
            test=test,
            shipped=settings.shipped,
            machine=self._carrier.machines(),
            fused=self._fused,
        )

    def _close(self) -> None:
        self._carrier.close()
        self.book.close()
        self.store.close(self.settings.store_bytes)

    def _submit_all(self, submissions: list[Submission]) -> None:
        """Put every readable submission in the queue; the others are finished at once."""
        for submission in submissions:
            if submission.problem or submission.source is None:
                self._outcomes.unread(submission)
            else:
                case = Case(self.assignment, submission, self.settings.datasets)
                self._work.capture(self._errand(case), partial(self._after_run, case))

    def _errand(self, case: Case) -> RunProgram:
        """To run a submission once more."""
        return RunProgram(
            case.submission,
            case.seed,
            allow_live=self.settings.live and not self.settings.quick,
            evaluates=case.runs_for_evaluations > MOST_RUNS_FOR_EVALUATIONS,
        )

    def _replay(self, case: Case) -> None:
        """Run a submission once more, when what it will ask to be evaluated is known."""
        wanted = [] if case.seen is None else lacking(case.seen, case.seed, case.policy, self.store)
        self._evaluations.before(wanted, lambda: self._work.replay(self._errand(case), partial(self._after_run, case)))

    def _hear_epoch(self, fingerprint: str, seed: int, epoch: int, accuracy: float | None) -> None:
        """A training has finished an epoch; comes from any thread."""
        self._work.epoch((fingerprint, seed), epoch)
        self.watcher.training_epoch(fingerprint, seed, epoch, accuracy)

    def _after_run(self, case: Case, future: "Future[Seen]") -> None:
        """Take in a run, when all its networks are known; a fault of ours ends this case and no other."""
        with self._only(case):
            seen = future.result()
            self._work.forecast.saw_run(seen.observation.measured.wall_seconds)
            if self._record and any(wanted.epoch is not None for wanted in seen.evaluations):
                case.seen = seen
                case.runs_for_evaluations += 1
                self._replay(case)
                return
            requests = {
                fit.architecture: fit.request
                for fit in seen.observation.fits
                if fit.request is not None and self.store.find_description(fit.architecture) is None
            }
            if not requests:
                self._take_in(case, seen)
                return
            parked = Parked(case, seen, set(requests))
            for architecture, request in requests.items():
                if architecture not in self._parked:
                    self._work.replay(DescribeNetwork(request), partial(self._after_description, architecture))
                self._parked.setdefault(architecture, []).append(parked)

    def _after_description(self, architecture: str, future: "Future[Description]") -> None:
        """Go on with everybody who has such a network."""
        for parked in self._parked.pop(architecture):
            if not parked.lacks:
                continue  # another of its networks could not be described
            with self._only(parked.case):
                try:
                    self.store.keep_description(architecture, future.result())
                except Exception:
                    parked.lacks.clear()
                    raise
                parked.lacks.discard(architecture)
                if not parked.lacks:
                    self._take_in(parked.case, parked.seen)

    @contextmanager
    def _only(self, case: Case) -> Iterator[None]:
        """What goes wrong inside is our fault; it ends this case and no other."""
        try:
            yield
        except SetupError:
            raise
        except Exception as error:  # noqa: BLE001 - a bug that one submission meets must not end the class
            self._outcomes.failed(case.submission, fault_of_ours(error))

    def _take_in(self, case: Case, seen: Seen) -> None:
        """Judge what was seen; finish the case, or note the training that it waits for."""
        observation = self._with_descriptions(seen.observation)
        first = case.observation is None
        case.saw(seen, observation, self._runs_of(case, observation))
        if self.settings.quick and any(fit.missing for fit in case.fits):
            case.refused = "left out by --quick; run without it to train"
        judgement = self._outcomes.court.judge(case.evidence())
        if first:
            self.watcher.captured(case.submission.student)
        demands = [] if self.settings.quick else case.demands(judgement)
        if demands and all(self._is_carried_out(demand) for demand in demands):
            self._replay(case)  # the training ended while this program was still running
            return
        case.waits_for = {demand.key for demand in demands}
        for demand in demands:
            self._wait_for(case, demand)
        if not demands and self._record:
            self._outcomes.finish(case, judgement)

    def _with_descriptions(self, observation: Observation) -> Observation:
        """Add what the networks look like, as built by the trainer."""
        found: dict[str, Description] = {}
        for fit in observation.fits:
            if fit.request is not None and fit.architecture not in found:
                known = self.store.find_description(fit.architecture)
                found[fit.architecture] = self._bounded(known or Description(problem="it was not described"))
        return observation.model_copy(update={"descriptions": found})

    def _bounded(self, description: Description) -> Description:
        """A network that is larger than the assignment trains has that as its problem."""
        most = self.assignment.training.max_parameters if self.assignment.training else 0
        if not most or description.parameters <= most:
            return description
        problem = f"it has {description.parameters:,} parameters, and at most {most:,} are trained here"
        return description.model_copy(update={"problem": problem})

    def _runs_of(self, case: Case, observation: Observation) -> dict[int, TrainingRun]:
        """The trainings that were played to the fits that count, by the numbers of the fits."""
        fits = [fit for fit in counted_fits(self.assignment, observation) if fit.fingerprint]
        found = {fit.number: self.store.find(fit.fingerprint, case.seed) for fit in fits}
        runs = {number: kept.run for number, kept in found.items() if kept is not None}
        self._learn_from(runs, observation)
        return runs

    def _learn_from(self, runs: dict[int, TrainingRun], observation: Observation) -> None:
        """Epochs of this kind of machine say how long others will take."""
        for fit in observation.fits:
            run = runs.get(fit.number)
            new = run is not None and (run.fingerprint, run.seed) not in self._timed
            if run is not None and new and fit.request is not None and run.machine == machine_kind():
                self._timed.add((run.fingerprint, run.seed))
                cost = epoch_cost(fit.request, observation.descriptions.get(fit.architecture))
                for epoch in run.epochs:
                    self._work.forecast.saw_epoch(cost, epoch.seconds)

    def _is_carried_out(self, demand: Demand) -> bool:
        """Whether a training that is known by now is all that is asked for."""
        kept = self.store.find(demand.fingerprint, demand.seed)
        if kept is None or kept.run.problem or (demand.exact and kept.run.arithmetic != "keras"):
            return False
        return len(kept.run.epochs) >= demand.epochs or (demand.to_threshold and kept.run.stopped_at_threshold)

    def _wait_for(self, case: Case, demand: Demand) -> None:
        """Put a case in the queue of a training; widen the training to what all its cases need."""
        waiting = self._waiting.get(demand.key)
        if demand.exact and not (waiting and waiting.demand.exact):
            self.watcher.said(
                f"training {demand.fingerprint[:12]} is repeated exactly: a rounding could decide a verdict"
            )
        if waiting is None:
            waiting = self._waiting[demand.key] = Waiting(demand, Course(cost=demand.epoch_cost, epochs=demand.epochs))
            if self._record:
                make = partial(self._begin_training, waiting)
                self._work.training(demand.key, waiting.course, make, partial(self._after_training, waiting))
        waiting.cases.append(case)
        if not waiting.started:
            known = waiting.demand
            waiting.demand = replace(
                known,
                epochs=max(known.epochs, demand.epochs),
                to_threshold=known.to_threshold and demand.to_threshold,
                exact=known.exact or demand.exact,
            )
        else:
            self.watcher.training_joined(*demand.key, len(waiting.cases))
        course, wanted = waiting.course, waiting.demand
        course.epochs, course.to_threshold, course.waiting = wanted.epochs, wanted.to_threshold, len(waiting.cases)
        course.before = wanted.cost_before

    def _begin_training(self, waiting: Waiting) -> TrainNetwork:
        """What is trained, now that it begins: whoever asks for more of it from here on has to wait for another."""
        demand = waiting.demand
        waiting.started = True
        assert self.assignment.training is not None
        self.watcher.training_planned(demand.fingerprint, demand.seed, demand.epochs, len(waiting.cases))
        return order_for(demand, self.assignment.training.threshold, self.store, fused=self._fused)

    def _after_training(self, waiting: Waiting, future: "Future[Trained]") -> None:
        """Keep the run, and replay it to everybody who waits."""
        self._waiting.pop(waiting.demand.key, None)
        self._work.agenda.training_over(waiting.demand.key)
        self.watcher.training_ended(waiting.demand.fingerprint, waiting.demand.seed)
        try:
            trained = future.result()
        except Exception as error:  # noqa: BLE001 - a bug that one training meets must not end the class
            for case in waiting.cases:
                if case.waits_for:
                    case.waits_for = set()
                    self._outcomes.failed(case.submission, fault_of_ours(error))
            return
        self._timed.add(waiting.demand.key)
        self._work.forecast.saw_training(waiting.course, trained.run)
        if must_be_confirmed(trained.run):
            for case in waiting.cases:
                if waiting.demand.key in case.waits_for:
                    self._wait_for(case, replace(waiting.demand, exact=True))
            return
        before = self.store.find_by(trained.run.fingerprint, trained.run.seed, trained.run.arithmetic)
        self.store.keep(trained.run, trained.parts, trained.state, before)
        for case in waiting.cases:
            if waiting.demand.key in case.waits_for:
                case.waits_for.discard(waiting.demand.key)
                if not case.waits_for:
                    self._replay(case)


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
