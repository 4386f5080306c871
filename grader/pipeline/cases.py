"""One submission on its way: what was seen so far, and what it still needs."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from grader.judging.evidence import Evidence, Training, counted_fits, earlier_fits, graded_fit
from grader.judging.expectations import epoch_time_ratio
from grader.judging.metrics import reached, value_of
from grader.judging.plugin import Judgement
from grader.judging.tolerance import near_another_seed
from grader.model.assignment import Assignment, TrainingPolicy
from grader.model.observation import Fit, Observation
from grader.model.result import TrainingSummary
from grader.model.submission import Submission
from grader.model.training import TrainingRun
from grader.pipeline.conversation import Link, partial
from grader.pipeline.errands import Seen
from grader.results.folder import RecordedEvidence, RecordedTraining
from grader.training.cost import epoch_cost

MAX_ROUNDS = 12
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Demand:
    """A training that a submission needs: equal demands of many students are one training."""

    fingerprint: str
    seed: int
    chain: tuple[Link, ...]
    epochs: int
    to_threshold: bool
    """Whether the training may stop at the assignment's threshold."""
    parameters: int = 0
    batch: int | None = None
    epoch_cost: float = 1.0
    """Foretold seconds of an epoch."""
    cost_before: float = 0.0
    """Foretold seconds of the trainings on this model that come first."""
    exact: bool = False
    """Only Keras's own arithmetic will do: by another the verdicts came out too close to a limit."""

    @property
    def key(self) -> tuple[str, int]:
        """What makes it the same training."""
        return self.fingerprint, self.seed


@dataclass
class Case:
    """A submission, its latest observation, and the trainings tried for it."""

    assignment: Assignment
    submission: Submission
    datasets: Path | None = None
    """Folder of the shipped data sets."""
    observation: Observation | None = None
    seen: Seen | None = None
    """What the latest run showed."""
    seed_index: int = 0
    rounds: int = 0
    runs_for_evaluations: int = 0
    """Runs that only told what is to be evaluated."""
    runs: list[TrainingRun] = field(default_factory=list)
    """Trainings of the graded fit, one for each seed."""
    beside: dict[int, TrainingRun] = field(default_factory=dict)
    """Trainings that were played to the fits that count, by number."""
    refused: str = ""
    waits_for: set[tuple[str, int]] = field(default_factory=set)
    """Trainings that must end before the program is run again."""

    @classmethod
    def as_recorded(
        cls,
        assignment: Assignment,
        submission: Submission,
        datasets: Path | None,
        recorded: RecordedEvidence,
        arrays: tuple[Array, ...],
    ) -> "Case":
        """A submission as it stood when this was recorded."""
        observation = recorded.observation
        case = cls(assignment, submission, datasets, observation, Seen(observation, {}, arrays))
        case.refused = recorded.training_refused
        kept = dict(recorded.beside)
        if recorded.training is not None and case.fit is not None:
            kept[case.fit.number] = recorded.training
            case.runs = [*recorded.training.others, recorded.training.run]
        case.beside = {number: training.run for number, training in kept.items()}
        if case.policy is not None and observation.seed in case.policy.seeds:
            case.seed_index = case.policy.seeds.index(observation.seed)
        if not case.refused and any(fit.missing and fit.number in kept for fit in observation.fits):
            case.rounds = MAX_ROUNDS  # else no training would have been recorded for it
        return case

    @property
    def policy(self) -> TrainingPolicy | None:
        """How this assignment trains; None if it does not."""
        return self.assignment.training

    @property
    def seed(self) -> int:
        """Seed of the training that is played next."""
        return self.policy.seeds[self.seed_index] if self.policy else 1

    @property
    def fit(self) -> Fit | None:
        """The graded call of `fit`."""
        return graded_fit(self.assignment, self.observation) if self.observation else None

    @property
    def fits(self) -> list[Fit]:
        """The calls of `fit` that count."""
        return counted_fits(self.assignment, self.observation) if self.observation else []

    def saw(self, seen: Seen, observation: Observation, runs: dict[int, TrainingRun]) -> None:
        """Take in a run of the program, and the trainings that were played to the fits that count, by their numbers."""
        self.seen, self.observation, self.beside = seen, observation, runs
        self.rounds += 1
        run = runs.get(self.fit.number) if self.fit else None
        if run is not None:
            self.runs = [known for known in self.runs if known.seed != run.seed] + [run]
        before = sum(len(fit.played.epochs) for fit in earlier_fits(observation, self.fit) if fit.played)
        if self.policy is not None and before > self.policy.max_epochs:
            self.refused = (
                f"your model is trained for {before} epochs before the training that counts; at most "
                f"{self.policy.max_epochs} epochs are trained here"
            )

    def evidence(self) -> Evidence:
        """What the checks may look at now."""
        assert self.observation is not None
        fit = self.fit
        others = tuple(run for run in self.runs if run.seed != self.seed)
        trainings = {
            other.number: Training(self.beside[other.number], other.played, others if other is fit else ())
            for other in self.fits
            if other.number in self.beside and other.played is not None and self._is_settled(other)
        }
        return Evidence(
            self.assignment,
            self.observation,
            trainings.get(fit.number) if fit else None,
            self._refusal(),
            trainings,
            self.seen.arrays if self.seen else (),
            self.datasets,
        )

    def _is_settled(self, fit: Fit) -> bool:
        """Whether what was played to this fit is what counts, and no more is to come."""
        return bool(not fit.missing or self.refused or self.rounds >= MAX_ROUNDS)

    def demands(self, judgement: Judgement) -> list[Demand]:
        """The trainings that are needed next; empty if the verdicts are final."""
        fit = self._trainable()
        if fit is None:
            return []
        if judgement.pending:
            return [self._make(item) for item in self._ready(fit)]
        if self._is_unsettled(judgement):
            return [replace(self._make(item), exact=True) for item in self._fused()]
        if self._deserves_another_seed(judgement):
            self.seed_index += 1
            return [self._make(fit)]
        return []

    def is_final(self, judgement: Judgement) -> bool:
        """Whether these verdicts are final: `demands` would be empty."""
        fit = self._trainable()
        if fit is None:
            return True
        if judgement.pending:
            return not self._ready(fit)
        return not (self._is_unsettled(judgement) or self._deserves_another_seed(judgement))

    def _is_unsettled(self, judgement: Judgement) -> bool:
        """Whether it hangs on the arithmetic of a training what is to be done or said."""
        return bool((judgement.unsettled or self._nearly_deserves_another_seed(judgement)) and self._fused())

    def _fused(self) -> list[Fit]:
        """The fits whose trainings are by fused arithmetic, and that can be trained exactly."""
        found = [fit for fit in self.fits if fit.number in self.beside and fit.request is not None]
        return [fit for fit in found if self.beside[fit.number].arithmetic == "fused"]

    def _trainable(self) -> Fit | None:
        """The graded fit, if it may be trained, or trained further."""
        fit = self.fit
        if fit is None or fit.request is None or fit.live or self.policy is None or self._refusal():
            return None
        return fit if self.rounds < MAX_ROUNDS else None

    def _ready(self, graded: Fit) -> list[Fit]:
        """Fits that must be trained and whose parents are: the graded one and its parents, or all that count."""
        assert self.observation is not None
        wanted = [fit for fit in [*earlier_fits(self.observation, graded), *self.fits] if fit.request is not None]
        missing = {fit.model_number: fit for fit in sorted(wanted, key=lambda fit: -fit.number) if fit.missing}
        return sorted(missing.values(), key=lambda fit: fit.number)

    def recorded(self) -> RecordedEvidence:
        """The evidence as it is kept on disk."""
        assert self.observation is not None
        evidence = self.evidence()
        kept = {
            number: RecordedTraining(run=item.run, played=item.played, others=item.others)
            for number, item in evidence.trainings.items()
        }
        mine = self.fit.number if self.fit else -1
        return RecordedEvidence(
            observation=self.observation,
            training=kept.pop(mine, None),
            beside=kept,
            training_refused=evidence.training_refused,
        )

    def _refusal(self) -> str:
        """Why no training will be carried out for this submission."""
        ending = self.observation.measured.ending.kind if self.observation else "finished"
        if ending not in ("finished", "not_run"):
            return "your program did not run to its end, so nothing was trained"
        return self.refused

    def _deserves_another_seed(self, judgement: Judgement) -> bool:
        """Another seed only for a network that came close and was not stopped by its own code before."""
        run = self._run_that_lost(judgement)
        best = None if run is None else self._best(run)
        lowest, threshold = self._limits_of_seeds()
        return best is not None and lowest <= best < threshold - 1e-7

    def _nearly_deserves_another_seed(self, judgement: Judgement) -> bool:
        """Whether by another arithmetic that may have come out otherwise."""
        run = self._run_that_lost(judgement)
        return run is not None and near_another_seed(run, self._best(run), self._limits_of_seeds()[0])

    def _run_that_lost(self, judgement: Judgement) -> TrainingRun | None:
        """The training of this seed, if it used all its epochs, a check of it failed, and there is another seed."""
        assert self.policy is not None
        current = next((run for run in self.runs if run.seed == self.seed), None)
        fit = self.fit
        used_all = fit is not None and fit.played is not None and fit.played.stopped_at is None
        lost = {verdict.id for verdict in judgement.verdicts if verdict.status == "failed"} & set(judgement.trained)
        return current if used_all and lost and self.seed_index + 1 < len(self.policy.seeds) else None

    def _best(self, run: TrainingRun) -> float | None:
        """The accuracy by which it is decided whether another seed is tried."""
        if self.policy is not None and self.policy.test_threshold is not None:
            return max_of(epoch.test_accuracy for epoch in run.epochs)
        return run.best_accuracy

    def _limits_of_seeds(self) -> tuple[float, float]:
        """From where, and below what, that accuracy has another seed tried."""
        assert self.policy is not None
        threshold = self.policy.threshold if self.policy.test_threshold is None else self.policy.test_threshold
        return threshold - self.policy.margin, threshold

    def _went_past(self, fit: Fit) -> bool:
        """Whether the student's code let a real training run past the threshold."""
        assert self.policy is not None
        played = fit.played.epochs if fit.played and fit.missing != "run" else ()
        values = [value_of(seen.logs, self.policy.metric) for seen in played]
        return any(reached(value, self.policy.threshold) for value in values)

    def _make(self, fit: Fit) -> Demand:
        """What to train for this fit, as far as its drills foretell what its callbacks will do."""
        assert self.seen is not None
        assert self.policy is not None
        assert fit.request is not None
        assert self.observation is not None
        asked = min(fit.request.fit.epochs - fit.request.fit.initial_epoch, self.policy.max_epochs)
        last = fit.played.epochs[-1] if fit.played and fit.played.epochs else None
        chain = self.seen.chains[fit.fingerprint]
        description = self.observation.descriptions.get(fit.architecture)
        costs = [epoch_cost(link.request, description) for link in chain]
        before = sum(link.epochs * cost for link, cost in zip(chain[:-1], costs, strict=False))
        if fit.missing == "batch" and last is not None and last.batch is not None:
            index = len(fit.played.epochs) - 1 if fit.played else 0
            return Demand(
                fingerprint=partial(fit.fingerprint, index, last.batch),
                seed=self.seed,
                chain=chain,
                epochs=index + 1,
                to_threshold=False,
                batch=last.batch,
                epoch_cost=costs[-1],
                cost_before=before,
            )
        return Demand(
            fingerprint=fit.fingerprint,
            seed=self.seed,
            chain=chain,
            epochs=max(asked, 1),
            to_threshold=not self._went_past(fit) and stops_in_time(fit, self.policy.threshold, self.policy.metric),
            parameters=description.parameters if description else 0,
            epoch_cost=costs[-1],
            cost_before=before,
        )


def stops_in_time(fit: Fit, threshold: float, metric: str) -> bool:
    """True if on the drills the student's code stopped, or failed, no later than at the first epoch at the threshold."""
    for drill in fit.drills:
        values = [
            logs.get(metric, max((v for k, v in logs.items() if "acc" in k), default=0.0)) for logs in drill.supplied
        ]
        first = next((index for index, value in enumerate(values) if value >= threshold - 1e-7), None)
        if drill.hung or drill.error or first is None:
            continue
        if drill.stopped_at is None or drill.stopped_at > first:
            return False
    return True


def max_of(values: Iterable[float | None]) -> float | None:
    """The largest of the numbers among the values; None if there is none."""
    return max((value for value in values if value is not None), default=None)


def finite(value: float | None) -> float | None:
    """The value, or None where JSON has no number for it."""
    return value if value is not None and math.isfinite(value) else None


def summary(case: Case) -> TrainingSummary | None:
    """What `scores.json` says about the training, as long as nobody else has it."""
    evidence = case.evidence()
    fit = case.fit
    if fit is not None and fit.live and fit.played is not None:
        logs = fit.played.epochs[-1].logs if fit.played.epochs else {}
        claimed = next((value for key, value in logs.items() if "acc" in key), math.nan)
        return TrainingSummary(
            source="live",
            epochs=len(fit.played.epochs),
            accuracy=claimed if math.isfinite(claimed) else None,
            stopped_by_callback=len(fit.played.epochs) < fit.epochs_asked,
        )
    training = evidence.training
    if training is None:
        return None
    epochs = len(training.played.epochs)
    reached = training.run.epochs[:epochs]
    ratio = epoch_time_ratio(training.run)
    return TrainingSummary(
        source="trained",
        epochs=epochs,
        accuracy=finite(reached[-1].accuracy) if reached else None,
        stopped_by_callback=training.played.stopped_at is not None,
        seconds_per_epoch_ratio=None if ratio is None else round(ratio, 2),
        fingerprint=training.run.fingerprint,
        test_accuracy=finite(reached[-1].test_accuracy) if reached else None,
        seed=training.run.seed,
        curve=tuple(value for epoch in reached if (value := finite(epoch.accuracy)) is not None),
        other_seeds=tuple({"seed": run.seed, "best_accuracy": run.best_accuracy} for run in training.others),
    )
