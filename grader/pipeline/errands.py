"""What is done in a sandbox, each as a value: run a program, describe a network, train one, evaluate one.

An errand is carried out by `carry_out`, wherever the sandbox is: in a thread of the grading process, or in a worker on
another machine. It knows what is asked of the students (`Terms`), and neither checks nor points nor results.
"""

import contextlib
import traceback
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from grader.errors import SandboxError
from grader.model.observation import Observation
from grader.model.submission import Submission
from grader.model.training import Description, Evaluation, EvaluationRequest, TrainingRequest
from grader.pipeline.conversation import Conversation, Link
from grader.pipeline.terms import Terms
from grader.pipeline.trainer_desk import Plan, StateMismatch, Trained, describe, evaluate, train
from grader.sandbox.slot import Slot
from grader.training.arrays import DataBook
from grader.training.state import State
from grader.training.store import Runs

Array = np.ndarray[Any, Any]
Kind = Literal["guest", "trainer"]


@dataclass(frozen=True)
class RunProgram:
    """Run a submission once."""

    submission: Submission
    seed: int
    """Of the trainings to be played."""
    allow_live: bool = True
    evaluates: bool = False
    """Whether it is left to the program to evaluate networks whose evaluation is not known."""
    kind: Kind = "guest"


@dataclass(frozen=True)
class DescribeNetwork:
    """Build the network of a request, and say what layers it has."""

    request: TrainingRequest
    kind: Kind = "trainer"


@dataclass(frozen=True)
class TrainNetwork:
    """Carry out a training."""

    plan: Plan
    state: State | None = None
    """What it goes on from, if its plan goes on."""
    kind: Kind = "trainer"


@dataclass(frozen=True)
class EvaluateNetwork:
    """Evaluate the network of a training that is known."""

    request: TrainingRequest
    """Of the training, in its canonical form."""
    seed: int
    wanted: EvaluationRequest
    kind: Kind = "trainer"

    @property
    def key(self) -> tuple[str, int, str]:
        """What makes it the same evaluation."""
        return self.wanted.fingerprint, self.seed, self.wanted.key


Errand = RunProgram | DescribeNetwork | TrainNetwork | EvaluateNetwork


@dataclass(frozen=True)
class Seen:
    """What a run of a submission showed."""

    observation: Observation
    chains: dict[str, tuple[Link, ...]]
    """For each training request that was met, all fits on its model up to it."""
    arrays: tuple[Array, ...]
    """What the calls of the probe returned and drew."""
    evaluations: tuple[EvaluationRequest, ...] = ()
    """What it asked to be evaluated and was answered with made-up numbers: it has to be run again."""


Outcome = Seen | Description | Trained | Evaluation


class Desk(Protocol):
    """What errands need beside a sandbox."""

    @property
    def terms(self) -> Terms:
        """What is asked of the students."""

    @property
    def book(self) -> DataBook:
        """Knows arrays."""

    @property
    def runs(self) -> Runs:
        """Knows trainings."""

    def progress(self, plan: Plan, epoch: int, accuracy: float | None) -> None:
        """A training has finished an epoch."""


def carry_out(errand: Errand, slot: Slot, desk: Desk) -> Outcome:
    """Carry out an errand in a slot of its kind."""
    if isinstance(errand, RunProgram):
        return run_program(errand, slot, desk)
    if isinstance(errand, DescribeNetwork):
        return describe(slot, errand.request)
    if isinstance(errand, EvaluateNetwork):
        return carry_out_evaluation(errand, slot, desk)
    return carry_out_training(errand, slot, desk)


def carry_out_training(errand: TrainNetwork, slot: Slot, desk: Desk) -> Trained:
    """Train; from the beginning where the state that was kept turns out to be none of this training."""
    plan = errand.plan

    def progress(epoch: int, accuracy: float | None) -> None:
        desk.progress(plan, epoch, accuracy)

    if plan.going_on is not None and errand.state is not None:
        with contextlib.suppress(StateMismatch):
            return train(slot, plan, desk.terms, desk.book, progress, errand.state)
    return train(slot, replace(plan, going_on=None), desk.terms, desk.book, progress)


def carry_out_evaluation(errand: EvaluateNetwork, slot: Slot, desk: Desk) -> Evaluation:
    """Evaluate, with the weights that were kept of the training."""
    wanted = errand.wanted
    kept = desk.runs.find(wanted.fingerprint, errand.seed)
    weights = kept.part(wanted.epoch)[0] if kept is not None and wanted.epoch is not None else []
    if not weights:
        return Evaluation(problem="the weights were not kept")
    return evaluate(slot, errand.request, wanted, weights, desk.terms, desk.book)


def run_program(errand: RunProgram, slot: Slot, desk: Desk) -> Seen:
    """Run a submission once; a drill that hung in a forked copy is played again, alone."""
    conversation = _conversation(errand, desk)
    observation = conversation.observation(*slot.run(conversation.job(), conversation))
    for index, fit in enumerate(observation.fits):
        for number, drill in enumerate(fit.drills):
            if drill.hung:
                observation = _drill_again(errand, slot, desk, observation, index, number)
    return Seen(observation, conversation.chains, conversation.arrays, conversation.evaluations)


def _conversation(errand: RunProgram, desk: Desk) -> Conversation:
    return Conversation(
        desk.terms,
        errand.submission,
        desk.book,
        desk.runs,
        errand.seed,
        allow_live=errand.allow_live,
        evaluates=errand.evaluates,
    )


def _drill_again(
    errand: RunProgram, slot: Slot, desk: Desk, observation: Observation, index: int, number: int
) -> Observation:
    """A drill that hung in a forked copy, once more in a guest of its own."""
    fit = observation.fits[index]
    alone = replace(_conversation(errand, desk), drill_alone=fit.drills[number].name)
    slot.run(alone.job(), alone)
    again = next((known.drills[0] for known in alone.fits if known.number == fit.number and known.drills), None)
    if again is None:
        return observation
    drills = (*fit.drills[:number], again, *fit.drills[number + 1 :])
    fits = list(observation.fits)
    fits[index] = fit.model_copy(update={"drills": drills})
    return observation.model_copy(update={"fits": tuple(fits)})


def fault_of_ours(error: Exception) -> str:
    """What went wrong on our side, in one line; for a bug also where, so that it can be reported."""
    if isinstance(error, SandboxError):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    where = f", {Path(frames[-1].filename).name} line {frames[-1].lineno}" if frames else ""
    return f"a bug of grader, not of the submission ({type(error).__name__}: {str(error)[:200]}{where})"
