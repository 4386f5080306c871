"""Ready-made expectations: each compares one piece of evidence with what was asked, and fails in the student's words.

Those about the network stand in `network_expectations`, those about real trainings in `training_expectations`; a
`checks.py` finds all of them here.
"""

import math
import re

from grader.judging.evidence import Evidence
from grader.judging.marks import CheckFailed, PersonNeeded, fail
from grader.judging.metrics import reached, value_of
from grader.judging.network import preparation
from grader.judging.network_expectations import (
    expect_classes,
    expect_compiled,
    expect_hidden_activation,
    expect_layer_counts,
    expect_output_shapes,
    expect_parameters,
    expect_shapes_fit,
    expect_spatial_size,
    request_of,
)
from grader.judging.training_expectations import (
    best_of,
    epoch_time_ratio,
    expect_epoch_time,
    expect_reached,
    expect_returned_accuracies,
    expect_returned_test_accuracy,
    expect_test_accuracy,
    expect_training_accuracy,
)
from grader.judging.wording import number, plural, short
from grader.model.observation import ArrayFacts, Call, Curve, Fit

__all__ = [
    "best_of",
    "epoch_time_ratio",
    "expect_classes",
    "expect_compiled",
    "expect_dataset",
    "expect_epoch_time",
    "expect_epochs",
    "expect_exact_epochs",
    "expect_finished",
    "expect_hidden_activation",
    "expect_images",
    "expect_layer_counts",
    "expect_message",
    "expect_output_shapes",
    "expect_parameters",
    "expect_reached",
    "expect_returned",
    "expect_returned_accuracies",
    "expect_returned_test_accuracy",
    "expect_shapes_fit",
    "expect_spatial_size",
    "expect_stop",
    "expect_test_accuracy",
    "expect_training_accuracy",
    "missing_message",
    "number",
    "reached",
    "request_of",
    "scaled_range",
    "short",
    "stop_message",
    "unread_part",
    "usable",
    "value_of",
]

PROGRESS = re.compile(
    r"(?:\x1b\[\d+m)?\d+/\d+(?:\x1b\[0m)? .*?/(?:step|epoch)(?: - \w+: (?:-?\d+\.\d{4}(?:e[+-]?\d+)?|nan|inf))*"
)
"""What Keras's progress bar prints; a message without a line break before it stands right behind."""


def expect_finished(call: Call | None, name: str, evidence: Evidence | None = None) -> None:
    """The probe found the function, and it ran to its end."""
    ending = evidence.observation.measured.ending.kind if evidence is not None else "finished"
    if call is None and ending not in ("finished", "not_run"):
        fail(f"Your program did not come to its end, so {name} was never called, or never came back.")
    if call is None and evidence is not None and evidence.fit is not None and evidence.fit.live:
        raise PersonNeeded(f"the training of your program was left out, so {name} did not come back")
    if call is None or not call.found:
        because = f" {call.error[0].upper()}{call.error[1:]}." if call is not None and call.error else ""
        because = because or unread_part(evidence)
        fail(f"There is no function {name} in your file.{because} Define it with exactly this name.")
    if call.kind not in ("function", "builtin_function_or_method", "method", "partial", "wrapper", "Function"):
        fail(f"{name} is a {call.kind}, not a function. Define it with `def {name}():`.")
    if call.error:
        fail(f"{name} stopped with an error: {call.error}.")
    notes = evidence.observation.claimed.notes if evidence is not None else ()
    missing = next((note.text for note in notes if note.kind == "missing_import"), "")
    if missing:
        fail(f"{name} does not run as it is handed in: {missing}")


def unread_part(evidence: Evidence | None) -> str:
    """Where Python could not read the file, as a sentence: the function that is missed may stand there."""
    notes = evidence.observation.claimed.notes if evidence is not None else ()
    unread = next((note for note in notes if note.kind == "syntax_error"), None)
    return f" Python could not read your file at {unread.where}, so look there first." if unread else ""


def expect_images(fit: Fit, *, dataset: str, shape: tuple[int, ...], points: float) -> None:
    """All training images of `dataset` reach the network with this shape and in [0, 1], with their labels.

    Leading Reshape and Rescaling layers count as part of the preparation, unless the images were right before. `points` remain if only one of shape and
    scale is right.
    """
    facts, labels = fit.x, fit.y
    if facts is None or labels is None:
        raise PersonNeeded(f"what your network is trained on cannot be examined, because {fit.refused}")
    expect_dataset(facts, labels, dataset)
    model = fit.request.model if fit.request is not None else {"config": {"layers": []}}
    ready = preparation(model, facts.shape[1:])
    found = (facts.shape[0], *ready.shape)
    low, high = scaled_range(facts, ready.scale, ready.offset)
    shape_right, scale_right = shape in (found, facts.shape), low >= -1e-6 and 0.9 <= high <= 1 + 1e-6
    if shape_right and scale_right:
        return
    problems = []
    if not shape_right:
        problems.append(f"the images that reach your network have the shape {found}; {shape} is asked for")
    if not scale_right:
        problems.append(f"their values lie between {low:.4g} and {high:.4g}; they should lie between 0 and 1")
    divide = "Divide them by 255.0, and only once" if 0 < high < 0.9 else "Divide them by 255.0"
    advice = f"Reshape them, for example with reshape{shape}" if not shape_right else divide
    sentence = "; ".join(problems)
    fail(f"{sentence[0].upper()}{sentence[1:]}. {advice}.", points if shape_right or scale_right else 0.0)


def expect_dataset(facts: ArrayFacts, labels: ArrayFacts, dataset: str) -> None:
    """The images are training images of `dataset` (some or all), and the labels are theirs."""
    if facts.dataset != dataset or facts.part != "x_train":
        what = f"{facts.part} of {facts.dataset}" if facts.dataset else f"other data, of shape {facts.shape}"
        fail(
            f"Your network is trained on {what}. Train it on the training images of {dataset}, unchanged but for shape "
            "and scale."
        )
    if labels.dataset != dataset or labels.part != "y_train" or labels.order != facts.order:
        fail(
            f"The labels are not the training labels of {dataset} in the order of the images. Pass the labels that "
            "load_data() returned with the images."
        )


def scaled_range(facts: ArrayFacts, scale: float, offset: float) -> tuple[float, float]:
    """Least and greatest value after a linear scaling; NaN where the array is unknown."""
    if facts.minimum is None or facts.maximum is None:
        return math.nan, math.nan
    ends = facts.minimum * scale + offset, facts.maximum * scale + offset
    return min(ends), max(ends)


def expect_epochs(fit: Fit, at_most: int) -> None:
    """`fit` asks for at most this many epochs."""
    if fit.epochs_asked > at_most:
        fail(f"Your fit asks for {fit.epochs_asked} epochs; at most {at_most} are allowed. Write epochs={at_most}.")


def expect_exact_epochs(fit: Fit, epochs: int) -> None:
    """`fit` asks for this many epochs."""
    if fit.epochs_asked != epochs:
        fail(f"Your fit asks for {fit.epochs_asked} {plural('epoch', fit.epochs_asked)}; {epochs} are asked for.")


def expect_stop(fit: Fit, *, metric: str, threshold: float, passed_by_probe: bool = False) -> None:
    """On every drill the student's code stops at the first epoch at or over the threshold, and at no other.

    An exact landing on the threshold may also be passed over, as `>` does. With `passed_by_probe` it is the probe that
    calls `fit`, so that nobody is told to pass the callback to it.
    """
    remedy = "" if passed_by_probe else ", and pass the callback to fit"
    ever, due = False, False
    for drill in usable(fit):
        if drill.error:
            fail(f"Your callback stopped with an error: {drill.error}.")
        ever = ever or drill.stopped_at is not None
        values = [value_of(logs, metric) for logs in drill.supplied]
        first = next((index for index, value in enumerate(values) if reached(value, threshold)), None)
        due = due or first is not None
        allowed = {first}
        if first is not None and drill.name == "landing":
            allowed.add(next((i for i, value in enumerate(values) if i > first and reached(value, threshold)), None))
        if first is not None and first == len(values) - 1:
            allowed.add(None)
        if drill.stopped_at not in allowed:
            fail(stop_message(drill, values, first, metric, threshold, remedy))
        if drill.stopped_at is not None and drill.epochs[drill.stopped_at].batch is not None:
            fail(
                "Your callback stops in the middle of an epoch. Decide in on_epoch_end, when the epoch's accuracy is known."
            )
    if due and not ever:
        fail(
            f"Your code never stopped a trial run. Stop training in a callback as soon as {metric} is at or over "
            f"{threshold:g}{remedy}."
        )


def stop_message(
    drill: Curve, values: list[float], first: int | None, metric: str, threshold: float, remedy: str
) -> str:
    """What a callback did on a made-up curve, and what it should have done."""
    stopped = drill.stopped_at
    if stopped is None:
        assert first is not None
        return (
            f"Training went on although {metric} had reached {values[first]:.4f} in epoch {first + 1} of a trial run. "
            f"Stop (self.model.stop_training = True) as soon as {metric} is at or over {threshold:g}{remedy}."
        )
    seen = values[min(stopped, len(values) - 1)]
    if first is None or stopped < first:
        return (
            f"Training was stopped in epoch {stopped + 1} of a trial run, at {metric} {seen:.4f}: too early. Stop only "
            f"when {metric} is at or over {threshold:g}."
        )
    return (
        f"Training was stopped in epoch {stopped + 1} of a trial run, although {metric} had reached {values[first]:.4f} "
        f"in epoch {first + 1}. Stop in the first epoch at or over {threshold:g}."
    )


def expect_message(fit: Fit, message: str) -> None:
    """On every drill on which the student's code stops, `message` is printed once, at that epoch; else never."""
    stops = 0
    for drill in usable(fit):
        if drill.error:
            fail(f"Your callback stopped with an error before it could print: {drill.error}.")
        counts = [seen.printed.count(message) for seen in drill.epochs]
        at = drill.stopped_at
        stops += at is not None
        wrong = [index for index, count in enumerate(counts) if count and index != at]
        if wrong:
            fail(
                f'"{message}" is printed in epoch {wrong[0] + 1} of a trial run, where training was not stopped. Print '
                "it only when you stop."
            )
        if at is not None and counts[at] > 1:
            fail(f'"{message}" is printed {counts[at]} times when training stops. Print it once.')
        if at is not None and counts[at] == 0:
            fail(missing_message(drill.epochs[at].printed, message))
    if not stops:
        fail(
            f'Your code never stopped a trial run, so "{message}" was never due. Stop training in a callback, and print '
            "the message there."
        )


def missing_message(printed: str, message: str) -> str:
    """The message is absent; show what was printed instead, if something was."""
    lines = [line.strip() for line in PROGRESS.sub("\n", printed.replace("\x08", "")).replace("\r", "\n").split("\n")]
    own = [line for line in lines if line and "━" not in line and "\x1b" not in line and not line.startswith("Epoch ")]
    if not own:
        return f'Nothing is printed when training stops. Print exactly "{message}".'
    return f'When training stops, "{own[-1][:200]}" is printed. Print exactly "{message}".'


def expect_returned(call: Call | None, fit: Fit, metric: str) -> None:
    """The function returned the epochs and the final metric that its `fit` was given."""
    if fit.live and fit.played is None:
        raise PersonNeeded("the training of your program was left out, so nothing came back")
    if call is None or not call.found or call.error:
        raise CheckFailed("The function did not run to its end, so there is no returned value to look at.")
    played = fit.played
    assert played is not None
    value = call.value
    if not isinstance(value, list) or len(value) != 2:
        fail(f"The function returned {short(value)}. Return two values: history.epoch and the final accuracy.")
    epochs = [seen.epoch for seen in played.epochs]
    if value[0] != epochs and value[0] != len(epochs):
        fail(
            f"The first value returned is {short(value[0])}, but training ran for the epochs {short(epochs)}. Return "
            "history.epoch."
        )
    last = [seen.logs for seen in played.epochs][-1] if played.epochs else {}
    returned = value[1][-1] if isinstance(value[1], list) and value[1] else value[1]
    truth = value_of(last, metric)
    if not isinstance(returned, int | float) or not math.isclose(float(returned), truth, rel_tol=1e-5, abs_tol=1e-7):
        fail(
            f"The second value returned is {short(returned)}, but the last epoch ended with {metric} {truth:.6g}. Return "
            f"history.history['{metric}'][-1]."
        )


def usable(fit: Fit) -> list[Curve]:
    """The drills that ended; a person must look if none could be played, since that is not the student's fault."""
    if not fit.drills:
        raise PersonNeeded(f"your callback could not be tried, because {fit.refused or 'fit trains for no epoch'}")
    ended = [drill for drill in fit.drills if not drill.hung]
    if not ended:
        raise PersonNeeded("the trial runs of your callback did not come to an end here")
    return ended
