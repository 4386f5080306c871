"""How far fused arithmetic may lie from Keras's own, and whether a verdict could hang on that.

A training by fused arithmetic (`grader/trainer/fused.py`) differs in the last digits of each step. Over thousands of steps
that grows to what another order of the same sums would give. The numbers below bound the differences that
`bench/trainer.py --curves` measured, with room to spare. A verdict that comes out otherwise anywhere within these bounds
is not given: the training is carried out again by Keras's own operations, and that one counts.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from grader.judging.evidence import Evidence, Training
from grader.judging.metrics import reached
from grader.model.training import EpochLogs, TrainingRun

ACCURACY = 0.004
"""Of the accuracy on the training images after an epoch."""
TEST_ACCURACY = 0.012
"""Of the accuracy on held-out images, which changes more from step to step."""
LOSS = 0.3
"""Of a loss, as a part of it."""
SECONDS = 1.5
"""Of the seconds of an epoch against the reference network's, as a factor: not every network gains the same."""
FALL = 0.01
"""Of the accuracy from one epoch to the next: where it falls by more, training is unsteady, and roundings are no small matter."""
LEARNS = 0.3
"""A network that does not get beyond this accuracy has not begun to learn, which may hang on a rounding too."""
EPOCHS = 2
"""By so many epochs earlier or later a threshold may be reached."""


@dataclass(frozen=True)
class Shift:
    """One corner of the bounds: -1, 0 or 1 times each of them."""

    training: int
    held_out: int
    seconds: int


SHIFTS = tuple(Shift(*signs) for signs in ((-1, -1, 1), (1, 1, -1), (-1, 1, 0), (1, -1, 0)))


def must_be_confirmed(run: TrainingRun) -> bool:
    """Whether a training by fused arithmetic says nothing by itself.

    It failed, came to numbers that are none, was unsteady, or has not begun to learn.
    """
    if run.arithmetic == "keras":
        return False
    numbers = [value for epoch in run.epochs for value in epoch.logs.values()]
    if run.problem or not all(math.isfinite(value) for value in numbers):
        return True
    curve = [epoch.accuracy for epoch in run.epochs if epoch.accuracy is not None]
    falls = any(later < earlier - FALL for earlier, later in itertools.pairwise(curve))
    return falls or bool(curve and max(curve) < LEARNS)


def neighbours(evidence: Evidence) -> tuple[Evidence, ...]:
    """The same evidence at the corners of the bounds; empty if no training in it is by fused arithmetic."""
    if all(training.run.arithmetic == "keras" for training in evidence.trainings.values()):
        return ()
    return tuple(shifted(evidence, shift) for shift in SHIFTS)


def shifted(evidence: Evidence, shift: Shift) -> Evidence:
    """Evidence whose fused trainings lie elsewhere within the bounds."""
    trainings = {number: moved(training, evidence, shift) for number, training in evidence.trainings.items()}
    mine = evidence.fit.number if evidence.fit else -1
    return replace(evidence, training=trainings.get(mine), trainings=trainings)


def moved(training: Training, evidence: Evidence, shift: Shift) -> Training:
    """A training elsewhere within the bounds."""
    run = training.run
    if run.arithmetic == "keras":
        return training
    epochs = tuple(moved_epoch(epoch, shift) for epoch in run.epochs)
    held = surely_reached(training, evidence)
    if held is not None:  # an epoch or two later the threshold is reached all the same
        threshold = max(held[1], min_of(epochs[held[0]].accuracy))
        epochs = (
            *epochs[: held[0]],
            epochs[held[0]].model_copy(update={"accuracy": threshold}),
            *epochs[held[0] + 1 :],
        )
    return replace(training, run=run.model_copy(update={"epochs": epochs}))


def moved_epoch(epoch: EpochLogs, shift: Shift) -> EpochLogs:
    """An epoch elsewhere within the bounds."""
    logs = {}
    for key, value in epoch.logs.items():
        sign = shift.held_out if key.startswith("val_") else shift.training
        if "loss" in key:
            logs[key] = value * (1 - sign * LOSS)
        elif "acc" in key:
            logs[key] = share(value, sign * (TEST_ACCURACY if key.startswith("val_") else ACCURACY))
        else:
            logs[key] = value
    return epoch.model_copy(
        update={
            "logs": logs,
            "accuracy": optional(epoch.accuracy, lambda value: share(value, shift.training * ACCURACY)),
            "test_accuracy": optional(epoch.test_accuracy, lambda value: share(value, shift.held_out * TEST_ACCURACY)),
            "seconds": epoch.seconds * SECONDS**shift.seconds,
        }
    )


def surely_reached(training: Training, evidence: Evidence) -> tuple[int, float] | None:
    """(the first epoch at the threshold, threshold) where there are `EPOCHS` more to reach it in; else None."""
    policy, fit = evidence.assignment.training, evidence.fit
    if policy is None or fit is None:
        return None
    first = next(
        (
            place
            for place, epoch in enumerate(training.run.epochs)
            if epoch.accuracy is not None and reached(epoch.accuracy, policy.threshold)
        ),
        None,
    )
    allowed = min(fit.epochs_asked, policy.max_epochs)
    return None if first is None or first + 1 + EPOCHS > allowed else (first, policy.threshold)


def share(value: float, change: float) -> float:
    """A share, moved and still one."""
    return min(1.0, max(0.0, value + change))


def optional(value: float | None, change: Callable[[float], float]) -> float | None:
    """A value changed, if there is one."""
    return None if value is None else change(value)


def min_of(value: float | None) -> float:
    """The value, or minus infinity where there is none."""
    return -math.inf if value is None else value


def near_another_seed(run: TrainingRun, best: float | None, limit: float) -> bool:
    """Whether it hangs on the arithmetic if a run came close enough for another seed to be tried."""
    return run.arithmetic == "fused" and best is not None and abs(best - limit) <= ACCURACY


def rounding_decides(checks: Sequence[str]) -> str:
    """Why a person must look at verdicts that hold for one arithmetic only, where no training may follow."""
    named = ", ".join(name.replace("_", " ") for name in checks)
    return f"a rounding could decide ({named}); grade again with --exact"
