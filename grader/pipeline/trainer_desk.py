"""Send trusted jobs to a trainer slot, and read back what it measured."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from grader.errors import SandboxError
from grader.model.assignment import Limits
from grader.model.training import (
    Arithmetic,
    ArrayRef,
    Description,
    EpochLogs,
    Evaluation,
    EvaluationRequest,
    Layer,
    LearningRate,
    TrainingRequest,
    TrainingRun,
)
from grader.pipeline.conversation import Link
from grader.pipeline.terms import Terms
from grader.sandbox.peer import Job, Peer
from grader.sandbox.slot import Slot
from grader.training.arrays import DataBook
from grader.training.state import State
from grader.training.store import epoch_logs, machine_kind

KEEP_WEIGHTS_BYTES = 512 * 2**20
TRAINER_LIMITS = Limits(
    wall_seconds=4 * 3600,
    cpu_seconds=6 * 3600,
    memory_bytes=8 * 2**30,
    file_bytes=2**20,
    output_bytes=2**20,
    processes=8,
)
Progress = Callable[[int, float | None], None]
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class GoingOn:
    """Epochs that are known, after which a training goes on."""

    link: int
    """The place of their request in the chain."""
    epochs: tuple[EpochLogs, ...]


@dataclass(frozen=True)
class Plan:
    """One training to be carried out."""

    fingerprint: str
    chain: tuple[Link, ...]
    """The request to train last, its parents before it."""
    epochs: int
    """Epochs of the last request to train at most."""
    threshold: float | None
    """Stop at the first epoch whose accuracy is at or over this; None to use all epochs."""
    seed: int
    parameters: int = 0
    batch: int | None = None
    """Stop after this batch of the last epoch, counted from 0; None to end with whole epochs."""
    arithmetic: Arithmetic = "keras"
    going_on: GoingOn | None = None
    """Where it goes on; None to begin at the beginning."""


class StateMismatch(Exception):  # noqa: N818 - the answer to it is to begin at the beginning
    """A kept state is not one of the training that was to go on from it."""


@dataclass(frozen=True)
class Trained:
    """What came of a training."""

    run: TrainingRun
    parts: dict[int, Any]
    """(weights, logs of batches) of the epochs that were trained now, by index."""
    state: State | None = None
    """At the end of it; None where it cannot be gone on from."""


def train(
    slot: Slot, plan: Plan, terms: Terms, book: DataBook, progress: Progress, state: State | None = None
) -> Trained:
    """Carry out a plan, from this state on if the plan goes on. Raises SandboxError, and StateMismatch."""
    table, sent = book.for_trainer(references(plan.chain))
    order = {
        "chain": [link_order(link, plan, last=link is plan.chain[-1]) for link in plan.chain],
        "seed": plan.seed,
        "threshold": plan.threshold,
        "arrays": table,
        "keep_weights": plan.parameters * 4 * plan.epochs <= KEEP_WEIGHTS_BYTES,
        "keep_state": plan.batch is None,
        "reference": terms.reference,
        "test": book.test_set(plan.chain[-1].request.x) if terms.training and terms.training.test else None,
        "fused": plan.arithmetic == "fused",
        "resume": None,
    }
    if plan.going_on is not None and state is not None:
        order["resume"] = {
            "link": plan.going_on.link,
            "epochs": len(plan.going_on.epochs),
            "rules": state.rules,
            "first_array": len(sent),
        }
        sent = (*sent, *state.arrays)
    take = Take(plan, progress)
    measured, _ = slot.run(Job("training", order, sent, TRAINER_LIMITS), take)
    if measured.ending.kind != "finished" or not take.closing:
        raise SandboxError(f"the trainer ended early: {measured.ending.kind} {measured.ending.detail}".strip())
    if take.closing.get("mismatch"):
        raise StateMismatch(str(take.closing["mismatch"]))
    return Trained(take.run(), take.parts, take.state)


def describe(slot: Slot, request: TrainingRequest) -> Description:
    """Build the network of a request outside the student's reach, and say what layers it has.

    One that takes more memory or time than there is has that as its problem. Raises SandboxError where the trainer does
    not answer for another reason, such as the machine's being out of memory: nobody knows then what the network is.
    """
    found: list[Description] = []

    def converse(peer: Peer) -> None:
        body = peer.receive().body
        found.append(
            Description(
                layers=tuple(Layer(**layer) for layer in body["layers"]),
                input_shape=body.get("input_shape"),
                output_shape=body.get("output_shape"),
                parameters=int(body.get("parameters", 0)),
                problem=str(body["problem"]),
            )
        )
        peer.finish()
        peer.send({"type": "bye"})

    limits = TRAINER_LIMITS.model_copy(update={"wall_seconds": 60.0})
    order = {"model": request.model, "input_shape": list(request.x.shape[1:])}
    measured, _ = slot.run(Job("describe", order, limits=limits), converse)
    if found:
        return found[0]
    if measured.ending.kind in ("memory", "timeout"):
        return Description(problem=f"the network is too large to build here ({measured.ending.kind})")
    raise SandboxError(f"the trainer could not describe a network: {measured.ending.kind} {measured.ending.detail}")


def evaluate(
    slot: Slot, request: TrainingRequest, wanted: EvaluationRequest, weights: list[Array], terms: Terms, book: DataBook
) -> Evaluation:
    """Have Keras evaluate a network with these weights, in no more wall seconds than a program has for all it does.

    Raises SandboxError where the trainer does not answer.
    """
    table, sent = book.for_trainer([wanted.x, wanted.y])
    order = {
        "model": request.model,
        "compile": request.compile,
        "x": wanted.x.key,
        "y": wanted.y.key,
        "batch_size": wanted.batch_size,
        "arrays": table,
        "first_weight": len(sent),
    }
    found: list[Evaluation] = []

    def converse(peer: Peer) -> None:
        body = peer.receive().body
        logs = {str(key): float(value) for key, value in body["logs"].items()}
        found.append(Evaluation(logs=logs, seconds=float(body["seconds"]), problem=str(body["problem"])))
        peer.finish()
        peer.send({"type": "bye"})

    limits = TRAINER_LIMITS.model_copy(update={"wall_seconds": terms.limits.wall_seconds})
    measured, _ = slot.run(Job("evaluate", order, (*sent, *weights), limits), converse)
    if found:
        return found[0]
    if measured.ending.kind in ("memory", "timeout", "signalled"):
        return Evaluation(problem=f"it is too much to be evaluated here ({measured.ending.kind})")
    raise SandboxError(f"the trainer could not evaluate a network: {measured.ending.kind} {measured.ending.detail}")


def references(chain: tuple[Link, ...]) -> list[ArrayRef]:
    """All arrays that a chain needs."""
    found: list[ArrayRef] = []
    for link in chain:
        request = link.request
        found += [request.x, request.y, *request.validation]
        found += [request.sample_weight] if request.sample_weight else []
    return found


def link_order(link: Link, plan: Plan, *, last: bool) -> dict[str, Any]:
    """One request as the trainer reads it."""
    request = link.request
    fit = request.fit.model_dump(mode="json")
    fit["epochs"] = request.fit.initial_epoch + (plan.epochs if last else link.epochs)
    return {
        "model": request.model,
        "compile": request.compile,
        "x": request.x.key,
        "y": request.y.key,
        "sample_weight": request.sample_weight.key if request.sample_weight else None,
        "validation": [item.key for item in request.validation],
        "fit": fit,
        "learning_rates": [rule_order(item, fit["epochs"]) for item in request.learning_rates],
        "batch_logs": request.batch_logs,
        "stop_batch": plan.batch if last else link.batch,
        "recompiled": bool(request.parent and request.parent.recompiled),
    }


def rule_order(rule: LearningRate, epochs: int) -> dict[str, Any]:
    """A learning-rate rule as the trainer reads it; a table goes on with its last rate for as many epochs as are asked."""
    order = rule.model_dump(mode="json")
    return {**order, "table": [*order["table"], *order["table"][-1:] * (epochs - len(rule.table))]}


def known_of_last(plan: Plan) -> tuple[EpochLogs, ...]:
    """The epochs of the last request that are known."""
    going_on = plan.going_on
    return going_on.epochs if going_on is not None and going_on.link == len(plan.chain) - 1 else ()


class Take:
    """Takes down the epochs of a training as they come."""

    def __init__(self, plan: Plan, progress: Progress) -> None:
        self._plan, self._progress = plan, progress
        self._epochs: list[EpochLogs] = list(known_of_last(plan))
        self.state: State | None = None
        self.parts: dict[int, Any] = {}
        self.closing: dict[str, Any] = {}

    def __call__(self, peer: Peer) -> None:
        """Read epochs until the trainer is done."""
        frame = peer.receive()
        while frame.type == "epoch":
            self._epoch(frame.body, list(frame.arrays))
            frame = peer.receive()
        self.closing = frame.body
        if frame.arrays and not frame.body["problem"]:
            self.state = State(list(frame.body["state"]["rules"]), frame.arrays)
        peer.finish()
        peer.send({"type": "bye"})

    def _epoch(self, body: dict[str, Any], arrays: list[Array]) -> None:
        epoch = epoch_logs(body)
        batches = (list(body["batch_keys"]), arrays.pop(0)) if body["batch_keys"] else None
        if arrays or batches is not None:
            self.parts[len(self._epochs)] = (arrays, batches)
        self._epochs.append(epoch)
        self._progress(len(self._epochs), epoch.accuracy)

    def run(self) -> TrainingRun:
        """The record of the training."""
        last = self._plan.chain[-1].request
        step = self.closing.get("reference_step_seconds")
        best = [epoch.accuracy for epoch in self._epochs if epoch.accuracy is not None]
        reached = self._plan.threshold is not None and bool(best) and best[-1] >= self._plan.threshold
        return TrainingRun(
            fingerprint=self._plan.fingerprint,
            seed=self._plan.seed,
            epochs=tuple(self._epochs),
            initial_epoch=last.fit.initial_epoch,
            stopped_at_threshold=reached and not math.isnan(best[-1]),
            steps_per_epoch=int(self.closing.get("steps_per_epoch", 0)),
            reference_step_seconds=None if step is None else float(step),
            versions={str(key): str(value) for key, value in self.closing["versions"].items()},
            machine=machine_kind(),
            arithmetic=self._plan.arithmetic,
            problem=str(self.closing["problem"]),
        )
