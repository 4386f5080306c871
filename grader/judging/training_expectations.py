"""Expectations about real trainings: how good the network became, in how many epochs, and how fast."""

import math
from typing import Any

from grader.judging.evidence import Evidence, Training, earlier_fits
from grader.judging.marks import CheckFailed, NotApplicable, PersonNeeded, fail
from grader.judging.metrics import reached
from grader.judging.wording import plural, short
from grader.model.observation import Call
from grader.model.training import EpochLogs

UNMEASURED = "the accuracy on the test images could not be measured, since the data are the program's own"
UNTIMED = "the reference network was not timed beside this training"

SAME_ACCURACY = 1.5e-4
"""Two accuracies on 10,000 images are the same within one image, whose two best classes may be equal to the last digits: on
another kind of processor it may fall to the other one. (Over 26 networks on one machine, none did; in three images the two
best outputs lay within 1e-5 of each other.)"""


def expect_reached(
    training: Training, *, metric: str, threshold: float, epochs: int, evidence: Evidence | None = None
) -> None:
    """The real training reaches the threshold within the epochs that the student's code let run.

    With `evidence`, earlier trainings of the same model count: their epochs are part of those allowed, and they must
    have been on the same images.
    """
    run = training.run
    if run.problem:
        fail(f"Keras could not train your network: {run.problem}")
    before = 0 if evidence is None else head_start(evidence)
    if before >= epochs:
        fail(
            f"Your model is trained for {before} epochs before the training that counts, and at most {epochs} are allowed "
            "in all. Train a new model once."
        )
    let_run = sum(1 for seen in training.played.epochs if seen.batch is None)
    values = [
        epoch.accuracy if epoch.accuracy is not None else math.nan
        for epoch in run.epochs[: min(let_run, epochs - before)]
    ]
    if any(reached(value, threshold) for value in values):
        return
    best = max((value for value in values if not math.isnan(value)), default=math.nan)
    tried = "".join(f" With another seed ({other.seed}) it came to {best_of(other):.4f}." for other in training.others)
    stopped = training.played.stopped_at is not None and let_run < epochs
    reason = (
        f"your own code stopped it after {let_run} epochs"
        if stopped
        else f"it ran for {let_run} {plural('epoch', let_run)}"
    )
    fail(
        f"Trained for real, your network came to {metric} {best:.4f} (seed {run.seed}); {threshold:g} is asked for, and "
        f"{reason}.{tried}"
    )


def head_start(evidence: Evidence) -> int:
    """Epochs for which the graded model was trained before; CheckFailed if that was on other images than those that count."""
    fit = evidence.fit
    earlier = earlier_fits(evidence.observation, fit)
    for other in earlier:
        same = other.x is not None and fit is not None and fit.x is not None and other.x.dataset == fit.x.dataset
        if not same or other.x is None or other.x.part != "x_train":
            fail(
                "Before the training that counts, your model is trained on other data. Train a new model, on the training "
                "images only."
            )
    return sum(len(other.played.epochs) for other in earlier if other.played is not None)


def last_epoch(training: Training) -> EpochLogs:
    """What the real training ended with, after the epochs that the student's code let run."""
    run = training.run
    if run.problem:
        fail(f"Keras could not train your network: {run.problem}")
    let_run = sum(1 for seen in training.played.epochs if seen.batch is None)
    if not run.epochs[:let_run]:
        fail("Your fit ended before its first epoch was over.")
    return run.epochs[:let_run][-1]


def expect_training_accuracy(training: Training, at_least: float) -> None:
    """After the epochs that the student's code let run, the real training is this good on the training images."""
    value = last_epoch(training).accuracy
    if value is None or not value >= at_least:
        fail(too_low(training, "on the training images", value, at_least))


def expect_test_accuracy(training: Training, at_least: float) -> None:
    """After the epochs that the student's code let run, the real training is this good on the test images."""
    value = last_epoch(training).test_accuracy
    if value is None:
        raise PersonNeeded(UNMEASURED)
    if value < at_least:
        fail(too_low(training, "on the test images", value, at_least))


def too_low(training: Training, where: str, value: float | None, at_least: float) -> str:
    """How far the real training came, and how far it should."""
    epochs = sum(1 for seen in training.played.epochs if seen.batch is None)
    came = "no number" if value is None else f"{value:.4f}"
    return (
        f"Trained for real, your network came to {came} {where} after {epochs} {plural('epoch', epochs)} "
        f"(seed {training.run.seed}); {at_least:g} is asked for."
    )


def expect_returned_accuracies(call: Call | None, training: Training) -> None:
    """The function returned two numbers: the last training accuracy, and that on the test images."""
    if call is None or not call.found or call.error:
        raise CheckFailed("The function did not run to its end, so there is no returned value to look at.")
    value, last = call.value, last_epoch(training)
    if not isinstance(value, list) or len(value) != 2:
        fail(f"The function returned {short(value)}. Return two numbers: the training and the test accuracy.")
    _compare_accuracy(value[0], last.accuracy, "The first value returned", "training")
    _compare_accuracy(value[1], last.test_accuracy, "The second value returned", "test")


def expect_returned_test_accuracy(call: Call | None, training: Training) -> None:
    """The function returned one number: the accuracy on the test images after the last epoch."""
    if call is None or not call.found or call.error:
        raise CheckFailed("The function did not run to its end, so there is no returned value to look at.")
    _compare_accuracy(call.value, last_epoch(training).test_accuracy, "The value returned", "test")


def _compare_accuracy(found: Any, truth: float | None, which: str, what: str) -> None:
    if truth is None:
        raise PersonNeeded(UNMEASURED)
    number = isinstance(found, int | float) and not isinstance(found, bool)
    if not number or not math.isclose(float(found), truth, rel_tol=0, abs_tol=SAME_ACCURACY):
        fail(f"{which} is {short(found)}, but the {what} accuracy of this training is {truth:.4f}.")


def best_of(run: Any) -> float:
    """Best accuracy of a run, NaN if there is none."""
    return math.nan if run.best_accuracy is None else float(run.best_accuracy)


def expect_epoch_time(training: Training, limit: float) -> None:
    """Seconds per epoch are at most `limit` times those of the reference network on the same machine."""
    ratio = epoch_time_ratio(training.run)
    if ratio is None:
        raise NotApplicable("the reference network was not timed beside this training")
    if not ratio <= limit:
        fail(
            f"An epoch of your network takes {ratio:.1f} times as long as one of the reference network; at most "
            f"{limit:g} times is accepted. Use fewer filters or units."
        )


def epoch_time_ratio(run: Any) -> float | None:
    """Seconds per epoch (median, the first left out), as a multiple of the reference network's.

    The reference network's epoch is 1,875 steps: 60,000 images in batches of 32.
    """
    seconds = sorted(epoch.seconds for epoch in run.epochs[1:] or run.epochs)
    if not seconds or not run.reference_step_seconds:
        return None
    return float(seconds[len(seconds) // 2] / (1875 * run.reference_step_seconds))
