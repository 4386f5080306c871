"""Checks of `conv_experiments`: five networks side by side, a callback on the loss, and a network that overfits.

The numbers in the student's table and curves are compared with trainings of our own. The conclusions are compared with
the table or the curves from which they were drawn, made-up ones and the student's own. So no verdict depends on how a
training turned out.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from grader.judging import CheckFailed, Evidence, Training, fail, fail_by_parts, points, problem_with
from grader.judging.expectations import expect_compiled, expect_images, expect_message, usable
from grader.judging.marks import PersonNeeded, TrainingNeeded
from grader.judging.network import final_activation, uses_logits
from grader.judging.network_expectations import layers_of, request_of
from grader.judging.training_expectations import SAME_ACCURACY, UNMEASURED, last_epoch
from grader.judging.value_expectations import because, described, expect_call
from grader.judging.wording import plural, short
from grader.model.observation import Curve, Fit
from grader.model.training import Description, EpochLogs

EXPERIMENTS = {
    "filters 16": (16, 2),
    "filters 32": (32, 2),
    "filters 64": (64, 2),
    "without the last convolution": (32, 1),
    "three convolutions": (32, 3),
}
"""Filters and convolutions of each network."""
COLUMNS = ("name", "parameters", "seconds", "accuracy", "test_accuracy")
LARGEST = {
    "most_parameters": "parameters",
    "slowest": "seconds",
    "best_accuracy": "accuracy",
    "best_test_accuracy": "test_accuracy",
}
"""Which column the row that a conclusion names has the largest value of."""
NEW_NAMES = {"acc": "accuracy", "val_acc": "val_accuracy"}
"""Under which names Keras logs what TensorFlow 1 logged under others."""
EPOCHS, LONG = 5, 20
LIMIT = 0.25
MESSAGE = "Loss is below 0.25 so cancelling training!"

Row = Mapping[str, Any]
Layers = list[tuple[str, tuple[int | None, ...], int]]


@points(1.5)
def build_model_builds_any_of_the_networks(evidence: Evidence, inputs: dict[str, Any]) -> None:
    """build_model gives a compiled network of as many filters and convolutions as asked for; 32 and 2 if nothing is said."""
    each = [
        problem_with(expect_network, evidence, number, arguments) for number, arguments in enumerate(inputs["networks"])
    ]
    fail_by_parts([(1.5 / len(each), problem) for problem in each])


def expect_network(evidence: Evidence, number: int, arguments: tuple[int, ...]) -> None:
    """The network that build_model made of these arguments is the one asked for, and is compiled as asked for."""
    what = f"build_model({', '.join(map(str, arguments))})"
    call = expect_call(evidence, f"network_{number}", what)
    fit = fit_behind(evidence, f"network_{number}")
    if fit is None:
        error = error_behind(evidence, f"network_{number}")
        fail(f"{what} returned {described(call.value)}, which cannot be trained{error}. Return the compiled model.")
    network = evidence.observation.descriptions.get(fit.architecture)
    request = request_of(fit)
    assert network is not None
    if network.problem:
        fail(f"Keras cannot build the network of {what}: {network.problem}")
    expect_same_layers(found_layers(network), wanted_layers(*(arguments or (32, 2))), what)
    missing = next((layer for layer, activation in activations(fit)[:-1] if activation != "relu"), "")
    if missing:
        fail(f"{what}: a {missing} layer has no relu. Write activation='relu' for all layers but the last.")
    final, logits = final_activation(request.model), uses_logits(request.compile)
    if (final, logits) not in (("softmax", False), ("linear", True)):
        fail(f"{what}: the last layer has the activation {final}. Write Dense(10, activation='softmax').")
    expect_compiled(fit, optimizer="Adam", losses=["sparse_categorical_crossentropy"], metric="accuracy")


def fit_behind(evidence: Evidence, label: str) -> Fit | None:
    """The fit that the probe asked for right after the call with this label."""
    calls = evidence.observation.claimed.calls
    place = next((index for index, call in enumerate(calls) if call.label == label), len(calls))
    numbers = [number for call in calls[place + 1 : place + 2] if call.name == "fit" for number in call.fits]
    return next((fit for fit in evidence.observation.fits if fit.number in numbers), None)


def error_behind(evidence: Evidence, label: str) -> str:
    """What came of that fit, in brackets; empty if it was no error."""
    calls = evidence.observation.claimed.calls
    place = next((index for index, call in enumerate(calls) if call.label == label), len(calls))
    errors = [call.error for call in calls[place + 1 : place + 2] if call.name == "fit" and call.error]
    return f" ({errors[0].rstrip('.')})" if errors else ""


def wanted_layers(filters: int, convolutions: int) -> Layers:
    """Class, shape of the output and number of parameters of each layer of the lab's network.

    A convolution has 3·3 numbers for each channel that it reads, and one bias, in each filter.
    """
    size, channels, layers = 28, 1, []
    for _ in range(convolutions):
        size -= 2
        layers.append(("Conv2D", (size, size, filters), (9 * channels + 1) * filters))
        size, channels = size // 2, filters
        layers.append(("MaxPooling2D", (size, size, filters), 0))
    flat = size * size * channels
    return [*layers, ("Flatten", (flat,), 0), ("Dense", (128,), (flat + 1) * 128), ("Dense", (10,), 1290)]


def found_layers(network: Description) -> Layers:
    """The same of a network as the trainer built it, without layers that only prepare images or hold an activation."""
    left_out = ("Reshape", "Rescaling", "Activation", "ReLU", "Softmax")
    return [
        (layer.class_name, (layer.output_shape or ())[1:], layer.parameters)
        for layer in network.layers
        if layer.class_name not in left_out
    ]


def expect_same_layers(found: Layers, wanted: Layers, what: str) -> None:
    """The layers are those asked for; CheckFailed names the first that is not."""
    for number, (have, want) in enumerate(zip(found, wanted, strict=False), start=1):
        if have != want:
            fail(f"{what}: layer {number} is {in_words(have)}; asked for is {in_words(want)}.")
    if len(found) != len(wanted):
        fail(f"{what} has {len(found)} layers; {len(wanted)} are asked for.")


def in_words(layer: tuple[str, tuple[int | None, ...], int]) -> str:
    """A layer in a few words."""
    kind, shape, parameters = layer
    return f"{kind} with output {shape}" + (f" and {parameters:,} parameters" if parameters else "")


def activations(fit: Fit) -> list[tuple[str, str]]:
    """Class and activation of each convolution and dense layer; a layer of its own may hold the activation."""
    found: list[tuple[str, str]] = []
    for layer in layers_of(fit):
        if layer.class_name in ("Conv2D", "Dense"):
            found.append((layer.class_name, str(layer.config.get("activation") or "linear")))
        elif layer.class_name in ("Activation", "ReLU", "Softmax") and found:
            found[-1] = (found[-1][0], str(layer.config.get("activation") or layer.class_name.lower()))
    return found


@points(1)
def images_are_reshaped_and_scaled(evidence: Evidence) -> None:
    """All 60,000 training images reach each network as (60000, 28, 28, 1) in [0, 1]; the test images are like them."""
    fits = [(name, fit) for name in ("run_experiments", "overfit") for fit in fits_in(evidence, name)]
    if not fits:
        for name in ("run_experiments", "overfit"):
            expect_call(evidence, name, f"{name}()")
        fail("Neither run_experiments nor overfit trains a network, so no images were seen.")
    for name, fit in fits:
        try:
            expect_images(fit, dataset="fashion_mnist", shape=(60000, 28, 28, 1), points=0.5)
        except CheckFailed as failed:
            fail(f"In {name}(): {failed}", failed.points)
    facts = evidence.called("test_images")
    if facts is not None and facts.value is not None:
        shape, low, high = facts.value
        if shape != [10000, 28, 28, 1]:
            fail(f"The test images of load_images have the shape {tuple(shape)}; (10000, 28, 28, 1) is asked for.", 0.5)
        if not (low >= -1e-6 and 0.9 <= high <= 1 + 1e-6):
            fail(
                f"The test images of load_images lie between {low:.4g} and {high:.4g}; they should lie between 0 and 1. "
                "Prepare them as you prepare the training images.",
                0.5,
            )


def fits_in(evidence: Evidence, name: str) -> list[Fit]:
    """The fits inside the probe's call of run_experiments or overfit."""
    call = evidence.called(name)
    return [] if call is None else [fit for fit in evidence.observation.fits if fit.number in call.fits]


@points(1)
def five_networks_are_trained(evidence: Evidence) -> None:
    """run_experiments trains the five networks, each for five epochs; a fifth of the points for each."""
    expect_call(evidence, "run_experiments", "run_experiments()")
    fits = fits_in(evidence, "run_experiments")
    if not fits:
        fail("run_experiments() trains nothing. Call fit for each of the five networks.")
    grade_each(EXPERIMENTS, 1, lambda name: expect_trained(evidence, fits, name))


def expect_trained(evidence: Evidence, fits: Sequence[Fit], name: str) -> None:
    """One of the fits trains the network of this name, for five epochs."""
    filters, convolutions = EXPERIMENTS[name]
    same = [fit for fit in fits if is_network(evidence, fit, name)]
    if not same:
        fail(
            f'run_experiments() does not train the network "{name}", with {convolutions} '
            f"{plural('convolution', convolutions)} of {filters} filters. Train each network of EXPERIMENTS."
        )
    if all(fit.epochs_asked != EPOCHS for fit in same):
        asked = same[-1].epochs_asked
        fail(f'run_experiments() trains "{name}" for {asked} {plural("epoch", asked)}; {EPOCHS} are asked for.')


def is_network(evidence: Evidence, fit: Fit, name: str) -> bool:
    """Whether a fit trains the network of this name."""
    request_of(fit)
    network = evidence.observation.descriptions[fit.architecture]
    return found_layers(network) == wanted_layers(*EXPERIMENTS[name])


def grade_each(names: Mapping[str, object], worth: float, expect: Callable[[str], object]) -> None:
    """The first problem that is found under any of the names, and the points of the names without one."""
    problems = {name: problem_with(expect, name) for name in names}
    wrong = [problem for problem in problems.values() if problem]
    if wrong:
        fail(wrong[0], points=worth * (len(names) - len(wrong)) / len(names))


@points(0.5)
def parameters_are_counted(evidence: Evidence) -> None:
    """The table holds the number of parameters of each network; a fifth of the points for each."""
    grade_each(EXPERIMENTS, 0.5, lambda name: expect_parameters_of(evidence, name))


def expect_parameters_of(evidence: Evidence, name: str) -> None:
    """The row of this name has the number of parameters of the network that was trained for it."""
    row, fits = row_and_fits(evidence, name, "parameters")
    truths = [evidence.observation.descriptions[fit.architecture].parameters for fit in fits]
    if row["parameters"] not in truths:
        fail(
            f'Your table says that "{name}" has {in_figures(row["parameters"])} parameters; the network that you '
            f"trained has {truths[-1]:,}. Take model.count_params()."
        )


def row_and_fits(evidence: Evidence, name: str, *columns: str) -> tuple[Row, list[Fit]]:
    """The row of the student's table with this name and these columns, and the fits that may be behind it.

    They are those of the network of this name; where there is none, the one at the same place as the row.
    """
    value = expect_call(evidence, "run_experiments", "run_experiments()").value
    rows = rows_of(value, *columns)
    places = [place for place, row in enumerate(rows) if str(row["name"]).strip().casefold() == name]
    if not places:
        fail(f'Your table has no row "{name}". Put one row for each network into it, under the names of EXPERIMENTS.')
    fits = [fit for fit in fits_in(evidence, "run_experiments") if fit.request is not None]
    same = [fit for fit in fits if is_network(evidence, fit, name)]
    if not same and len(fits) == len(rows):
        same = [fits[places[0]]]
    if not same:
        fail(f'run_experiments() trains no network that belongs to the row "{name}".')
    return rows[places[0]], same


def rows_of(value: Any, *columns: str) -> list[Row]:
    """The table as rows with a name and these columns; CheckFailed says what it is instead. Rows may be plain lists."""
    what = "Return a list with a dictionary for each network"
    if not isinstance(value, list) or not value:
        fail(f"run_experiments() returned {described(value)}. {what}.")
    rows = [dict(zip(COLUMNS, row, strict=False)) if isinstance(row, list) else row for row in value]
    for row in rows:
        if not isinstance(row, dict) or "object" in row:
            fail(f"A row of your table is {described(row)}. {what}.")
        lacking = [column for column in ("name", *columns) if column not in row]
        if lacking:
            fail(f"A row of your table has no {' and no '.join(lacking)} (found: {', '.join(row)}). {what}.")
    return rows


def in_figures(value: Any) -> str:
    """A number with commas, anything else in a few words."""
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else described(value)


@points(1, after=["images_are_reshaped_and_scaled"])
def accuracies_are_those_of_the_trainings(evidence: Evidence) -> None:
    """The table holds the training accuracy of the last epoch and the accuracy on the test images; a fifth for each network."""
    trainings = trainings_of(evidence, "run_experiments")
    grade_each(EXPERIMENTS, 1, lambda name: expect_accuracies_of(evidence, trainings, name))


def trainings_of(evidence: Evidence, name: str) -> dict[int, Training]:
    """The real trainings behind the fits of one of the two functions, by number, as soon as these have been carried out.

    The argument `trainings` of a check would wait for all of the program.
    """
    found = {}
    for fit in fits_in(evidence, name):
        if fit.live:
            raise PersonNeeded(f"the grader cannot repeat one of the trainings itself, because {fit.refused}")
        if fit.number not in evidence.trainings:
            raise TrainingNeeded(evidence.training_refused or "a training has not been carried out")
        found[fit.number] = evidence.trainings[fit.number]
    return found


def expect_accuracies_of(evidence: Evidence, trainings: Mapping[int, Training], name: str) -> None:
    """Both accuracies in the row of this name are those that the trainer measured."""
    row, fits = row_and_fits(evidence, name, "accuracy", "test_accuracy")
    ends = [last_epoch(trainings[fit.number]) for fit in fits]
    for column, what, truths, advice in (
        ("accuracy", "training accuracy", [end.accuracy for end in ends], 'history.history["accuracy"][-1]'),
        ("test_accuracy", "test accuracy", [measured(end) for end in ends], "model.evaluate(test_images, test_labels)"),
    ):
        if not any(agree(row[column], truth) for truth in truths):
            fail(
                f'Your table says that "{name}" has the {what} {short(row[column])}; after this training it is '
                f"{truths[-1]:.4f}. Take it from {advice}, and do not round it."
            )


def measured(epoch: EpochLogs) -> float:
    """The accuracy on the test images; PersonNeeded where it could not be measured."""
    if epoch.test_accuracy is None:
        raise PersonNeeded(UNMEASURED)
    return epoch.test_accuracy


def agree(found: Any, truth: float | None) -> bool:
    """Whether a number is the accuracy that was measured, within one image; rounding in the fourth place is allowed."""
    return is_number(found) and truth is not None and abs(found - truth) <= SAME_ACCURACY


def is_number(value: Any) -> bool:
    """Whether a returned value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


@points(0.5, after=["images_are_reshaped_and_scaled"])
def seconds_are_those_of_the_trainings(evidence: Evidence) -> None:
    """The table holds the seconds that each training takes; a fifth of the points for each network."""
    rows = rows_of(expect_call(evidence, "run_experiments", "run_experiments()").value, "seconds")
    found = [row["seconds"] for row in rows]
    call = evidence.called("run_experiments")
    # A program that asks another clock than those of the module time finds the seconds of the replay, all of them
    # different: it is not at fault.
    replayed = (
        call is not None
        and all(is_number(value) and value > 0 for value in found)
        and len(set(found)) == len(found)
        and sum(found) <= call.wall_seconds
    )
    trainings = trainings_of(evidence, "run_experiments")
    if not replayed:
        grade_each(EXPERIMENTS, 0.5, lambda name: expect_seconds_of(evidence, trainings, name))


def expect_seconds_of(evidence: Evidence, trainings: Mapping[int, Training], name: str) -> None:
    """The seconds in the row of this name are about those of our training."""
    row, fits = row_and_fits(evidence, name, "seconds")
    found = row["seconds"]
    truths = [
        sum(epoch.seconds for epoch in trainings[fit.number].run.epochs[: len(trainings[fit.number].played.epochs)])
        for fit in fits
    ]
    if not is_number(found) or not any(truth / 2 <= found <= 2 * truth + 5 for truth in truths):
        fail(
            f'Your table says that the training of "{name}" takes {short(found)} seconds; it takes about '
            f"{truths[-1]:.0f}. Subtract time.time() before fit from time.time() after it."
        )


@points(1)
def conclusions_follow_from_the_table(evidence: Evidence, inputs: dict[str, Any]) -> None:
    """The function conclusions names the right rows of any table, your own included; a fifth of the points for each answer."""
    tables = {f"conclusions_{number}": ("a made-up table", rows) for number, rows in enumerate(inputs["tables"])}
    own, call = evidence.called("own_conclusions"), evidence.called("run_experiments")
    if own is not None and call is not None and not problem_with(expect_numbers, call.value):
        tables["own_conclusions"] = ("your own table", rows_of(call.value))
    for label, (what, _) in tables.items():
        value = expect_call(evidence, label, f"conclusions of {what}").value
        if not isinstance(value, dict) or "object" in value:
            fail(f"conclusions returned {described(value)}. Return a dictionary, as the starter does.")
    grade_each({**LARGEST, "largest_is_slowest": ""}, 1, lambda key: expect_conclusion(evidence, tables, key))


def expect_numbers(value: Any) -> None:
    """The student's own table is one as the handout describes it, and holds numbers."""
    for row in rows_of(value, *COLUMNS):
        if row not in value:
            fail("A row is a list.")
        if not all(is_number(row[column]) for column in LARGEST.values()):
            fail("A row holds something else than numbers.")


def expect_conclusion(evidence: Evidence, tables: Mapping[str, tuple[str, list[Row]]], key: str) -> None:
    """One conclusion is right for each of the tables."""
    for label, (what, rows) in tables.items():
        call = evidence.called(label)
        assert call is not None
        if key not in call.value:
            fail(f'What conclusions returns has no "{key}" (found: {", ".join(call.value) or "nothing"}).')
        right = right_answers(rows, key)
        if call.value[key] not in right:
            fail(f"For {what}, conclusions says {short(call.value[key])} under {key}; right is {short(right[0])}.")


def right_answers(rows: Sequence[Row], key: str) -> list[Any]:
    """What may stand under a key; more than one name if rows are equal."""
    if key == "largest_is_slowest":
        largest, slowest = (right_answers(rows, other) for other in ("most_parameters", "slowest"))
        return sorted({one == other for one in largest for other in slowest}, reverse=True)
    column = LARGEST[key]
    return [row["name"] for row in rows if row[column] == max(other[column] for other in rows)]


@points(1)
def callback_stops_when_the_loss_is_low(evidence: Evidence) -> None:
    """LossCallback stops training in the first epoch whose loss is below 0.25, and in no other."""
    expect_stop_below(callback_fit(evidence), metric="loss", limit=LIMIT)


@points(0.5)
def message_is_printed_when_it_stops(evidence: Evidence) -> None:
    """The sentence "Loss is below 0.25 so cancelling training!" is printed once, when training stops."""
    expect_message(callback_fit(evidence), MESSAGE)


def callback_fit(evidence: Evidence) -> Fit:
    """The fit on which the probe tried LossCallback."""
    call = evidence.called("callback")
    if call is not None and not call.found:
        reason = because(call.error)
        fail(f"There is no class LossCallback in your file. Define it under exactly this name.{reason}")
    expect_call(evidence, "callback", "LossCallback()")
    fit = fit_behind(evidence, "callback")
    if fit is None:
        fail(
            "LossCallback() does not give a callback of Keras. Write `class LossCallback(tf.keras.callbacks.Callback):`."
        )
    return fit


def expect_stop_below(fit: Fit, *, metric: str, limit: float) -> None:
    """On every drill the callback stops at the first epoch whose metric is below the limit, and at no other.

    No drill has a loss of exactly 0.25, so that `<` and `<=` are both right. NaN is not below anything.
    """
    for drill in usable(fit):
        if drill.error:
            fail(f"Your callback stopped with an error: {drill.error}.")
        values = [logs.get(metric, math.nan) for logs in drill.supplied]
        first = next((index for index, value in enumerate(values) if value < limit), None)
        allowed = {first}
        if first is not None and first == len(values) - 1:
            allowed.add(None)
        if drill.stopped_at not in allowed:
            fail(stop_message(drill, values, first, metric, limit))
        if drill.stopped_at is not None and drill.epochs[drill.stopped_at].batch is not None:
            fail(
                "Your callback stops in the middle of an epoch. Decide in on_epoch_end, when the epoch's loss is known."
            )


def stop_message(drill: Curve, values: Sequence[float], first: int | None, metric: str, limit: float) -> str:
    """What the callback did on a made-up curve, and what it should have done."""
    stopped = drill.stopped_at
    if stopped is None:
        assert first is not None
        return (
            f"Training went on although the {metric} had fallen to {values[first]:.4f} in epoch {first + 1} of a trial "
            f"run. Stop (self.model.stop_training = True) as soon as the {metric} is below {limit:g}."
        )
    seen = f"Training was stopped in epoch {stopped + 1} of a trial run"
    if first is None or stopped < first:
        return f"{seen}, at the {metric} {values[stopped]:.4f}: too early. Stop only when it is below {limit:g}."
    return f"{seen}, although the {metric} had fallen to {values[first]:.4f} in epoch {first + 1}. Stop at once."


@points(0.5)
def trains_for_twenty_epochs(evidence: Evidence) -> None:
    """The function overfit trains the network of two convolutions and 32 filters for twenty epochs."""
    fit = long_fit(evidence)
    first = fit_behind(evidence, "network_0")
    if not is_network(evidence, fit, "filters 32") and (first is None or first.architecture != fit.architecture):
        fail("overfit() trains another network than that of two convolutions with 32 filters. Use build_model(32, 2).")
    if fit.epochs_asked != LONG:
        fail(f"overfit() trains for {fit.epochs_asked} {plural('epoch', fit.epochs_asked)}; {LONG} are asked for.")


def long_fit(evidence: Evidence) -> Fit:
    """The last fit of overfit."""
    expect_call(evidence, "overfit", "overfit()")
    fits = fits_in(evidence, "overfit")
    if not fits:
        fail("overfit() trains nothing. Build a network and call its fit.")
    return fits[-1]


@points(0.5, after=["images_are_reshaped_and_scaled"])
def returns_the_curves_of_the_training(evidence: Evidence) -> None:
    """The function overfit returns the training and the test accuracy after each epoch, true to the training."""
    fit = long_fit(evidence)
    training, call = trainings_of(evidence, "overfit")[fit.number], evidence.called("overfit")
    assert call is not None
    if training.run.problem:
        fail(f"Keras could not train your network: {training.run.problem}")
    curves = curves_of(call.value)
    epochs = training.run.epochs[: len(training.played.epochs)]
    truths: dict[str, list[float | None]] = {
        "accuracy": [epoch.accuracy for epoch in epochs],
        "val_accuracy": [measured(epoch) for epoch in epochs],
    }
    for key, truth in truths.items():
        if len(curves[key]) != len(truth):
            fail(
                f"overfit() returned {len(curves[key])} numbers under {key}; your training has {len(truth)} "
                f"{plural('epoch', len(truth))}. Return history.history."
            )
        wrong = [index for index, value in enumerate(truth) if not agree(curves[key][index], value)]
        if wrong:
            place = wrong[0]
            fail(
                f"Under {key}, epoch {place + 1}, overfit() returned {short(curves[key][place])}; the accuracy on the "
                f"{'test' if key == 'val_accuracy' else 'training'} images is {truth[place]:.4f}. Return history.history "
                "of a fit with validation_data=(test_images, test_labels)."
            )


def curves_of(value: Any) -> Mapping[str, list[float]]:
    """The two curves that overfit returned; CheckFailed says what it is instead."""
    if not isinstance(value, dict) or "object" in value:
        fail(f"overfit() returned {described(value)}. Return history.history.")
    curves: dict[str, Any] = {NEW_NAMES.get(str(key), str(key)): found for key, found in value.items()}
    for key in ("accuracy", "val_accuracy"):
        if not isinstance(curves.get(key), list) or not curves[key] or not all(map(is_number, curves[key])):
            fail(
                f'What overfit() returned has no list of numbers under "{key}" (found: {", ".join(curves) or "nothing"}). '
                "Pass validation_data to fit, and return history.history."
            )
    return curves


@points(1)
def overfitting_is_recognised(evidence: Evidence, inputs: dict[str, Any]) -> None:
    """The function diagnose finds the best epoch (0.4), the gap (0.3), and whether a network overfits (0.3)."""
    histories = {f"diagnosis_{number}": ("made-up curves", curves) for number, curves in enumerate(inputs["histories"])}
    own, call = evidence.called("own_diagnosis"), evidence.called("overfit")
    if own is not None and call is not None and not problem_with(curves_of, call.value):
        curves = curves_of(call.value)
        if len(curves["accuracy"]) == len(curves["val_accuracy"]):
            histories["own_diagnosis"] = ("your own curves", curves)
    for label, (what, _) in histories.items():
        value = expect_call(evidence, label, f"diagnose of {what}").value
        if not isinstance(value, dict) or "object" in value:
            fail(f"diagnose returned {described(value)}. Return a dictionary, as the starter does.")
    parts = {"best_epoch": 0.4, "gap": 0.3, "overfits": 0.3}
    fail_by_parts([(share, problem_with(expect_diagnosis, evidence, histories, key)) for key, share in parts.items()])


def expect_diagnosis(evidence: Evidence, histories: Mapping[str, tuple[str, Any]], key: str) -> None:
    """One part of the diagnosis is right for all of the curves."""
    for label, (what, curves) in histories.items():
        call = evidence.called(label)
        assert call is not None
        found = call.value.get(key)
        right = diagnosis(curves["accuracy"], curves["val_accuracy"])[key]
        near = key == "gap" and is_number(found) and abs(found - right[0]) <= 1e-6
        if found not in right and not near:
            fail(f"For {what}, diagnose says {short(found)} under {key}; right is {short(right[0])}. {ADVICE[key]}")


ADVICE = {
    "best_epoch": "Count epochs from 1.",
    "gap": "Subtract the last validation accuracy from the last training accuracy.",
    "overfits": "It is True only if from the best epoch to the last one the training accuracy goes up and the validation "
    "accuracy goes down.",
}


def diagnosis(accuracy: Sequence[float], val_accuracy: Sequence[float]) -> dict[str, list[Any]]:
    """What may stand in a diagnosis; more than one answer where several epochs are equally good."""
    best = [index for index, value in enumerate(val_accuracy) if value == max(val_accuracy)]
    return {
        "best_epoch": [index + 1 for index in best],
        "gap": [accuracy[-1] - val_accuracy[-1]],
        "overfits": [accuracy[-1] > accuracy[index] and val_accuracy[-1] < val_accuracy[index] for index in best],
    }
