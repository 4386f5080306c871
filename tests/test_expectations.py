"""Expectations: each passes for right work, and fails in exactly the words that the student reads."""

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.judging import CheckFailed, Evidence
from grader.judging.expectations import (
    epoch_time_ratio,
    expect_classes,
    expect_compiled,
    expect_epoch_time,
    expect_epochs,
    expect_finished,
    expect_hidden_activation,
    expect_images,
    expect_layer_counts,
    expect_message,
    expect_output_shapes,
    expect_parameters,
    expect_reached,
    expect_returned,
    expect_shapes_fit,
    expect_stop,
    number,
    reached,
    request_of,
    short,
    value_of,
)
from grader.judging.marks import NotApplicable, PersonNeeded
from grader.model.observation import Curve, EpochSeen, Fit
from grader.model.training import Layer, TrainingRequest
from tests.factories import (
    IMAGES,
    image_facts,
    label_facts,
    make_call,
    make_curve,
    make_description,
    make_evidence,
    make_fit,
    make_observation,
    make_request,
    make_run,
    make_training,
)

THRESHOLD = 0.998
EDGE = float(np.float32(THRESHOLD))
CROSSING = [0.9, 0.99, 0.9985, 0.9985, 0.9985]
LANDING = [0.9, EDGE, 0.999, 0.999, 0.999]
NEVER = [0.9, 0.95, 0.96, 0.97, 0.98]
NAN = math.nan
MESSAGE = "Reached 99.8%!"


def failure(expectation: Callable[[], None]) -> CheckFailed:
    with pytest.raises(CheckFailed) as caught:
        expectation()
    return caught.value


def words(expectation: Callable[[], None]) -> str:
    return str(failure(expectation))


# ── the function ──


def test_finished_function_passes() -> None:
    """A function that was found and ended is all that is asked for."""
    expect_finished(make_call(), "train")


@pytest.mark.parametrize("kind", ["function", "method", "partial", "builtin_function_or_method"])
def test_everything_that_can_be_called_like_a_function_passes(kind: str) -> None:
    """A decorated function, a method, a partial: all are accepted."""
    expect_finished(make_call(kind=kind), "train")


def test_missing_function_is_named() -> None:
    """Nothing was called at all."""
    assert words(lambda: expect_finished(None, "train")) == (
        "There is no function train in your file. Define it with exactly this name."
    )


def test_missing_function_with_a_reason_says_it() -> None:
    """Where the definition failed, the cause stands in the same message."""
    call = make_call(found=False, error="cell 2 did not run")
    assert words(lambda: expect_finished(call, "train")) == (
        "There is no function train in your file. Cell 2 did not run. Define it with exactly this name."
    )


def test_a_name_bound_to_something_else_is_said() -> None:
    """`train = 3` is an int, not a function."""
    assert words(lambda: expect_finished(make_call(kind="int"), "train")) == (
        "train is a int, not a function. Define it with `def train():`."
    )


def test_an_error_of_the_function_is_shown() -> None:
    """The student reads what the function raised, and where."""
    call = make_call(error="NameError: name 'x' is not defined (line 3)")
    assert words(lambda: expect_finished(call, "train")) == (
        "train stopped with an error: NameError: name 'x' is not defined (line 3)."
    )


def test_a_program_that_was_ended_before_the_call_is_told_so() -> None:
    """Where the program did not come to its end, the function was never called."""
    evidence = make_evidence(observation=make_observation(ending="timeout", calls=()))
    assert words(lambda: expect_finished(None, "train", evidence)) == (
        "Your program did not come to its end, so train was never called, or never came back."
    )


def test_a_function_whose_live_training_was_left_out_waits_for_a_person() -> None:
    """A live training that was not carried out is no failure of the function."""
    evidence = make_evidence(make_fit(request=None, live=True, refused="why"))
    with pytest.raises(PersonNeeded, match="so train did not come back"):
        expect_finished(None, "train", evidence)


# ── the images ──


def images(points: float = 1, **changes: Any) -> Callable[[], None]:
    return lambda: expect_images(make_fit(**changes), dataset="mnist", shape=IMAGES, points=points)


def request_with(kind: str, **config: Any) -> TrainingRequest:
    """The request of a network that begins with this layer."""
    request = make_request()
    layer = {"class_name": kind, "config": {"name": "layer_1", **config}}
    body = request.model["config"]
    model = {**request.model, "config": {**body, "layers": [body["layers"][0], layer, *body["layers"][1:]]}}
    return request.model_copy(update={"model": model})


def test_reshaped_and_scaled_images_pass() -> None:
    """(60000, 28, 28, 1) in [0, 1] is what is asked for."""
    images()()


def test_images_scaled_inside_the_network_pass() -> None:
    """A leading Rescaling layer is a way to scale."""
    images(x=image_facts(maximum=255.0, recipe="raw"), request=request_with("Rescaling", scale=1 / 255, offset=0.0))()


def test_images_reshaped_inside_the_network_pass() -> None:
    """A leading Reshape layer is a way to reshape; one behind right images is a layer as any other."""
    images(x=image_facts(shape=(60_000, 28, 28)), request=request_with("Reshape", target_shape=[28, 28, 1]))()
    images(request=request_with("Reshape", target_shape=[784]))()


def test_shuffled_images_with_their_labels_pass() -> None:
    """Shuffling both alike is allowed."""
    images(x=image_facts(order="shuffled"), y=label_facts(order="shuffled"))()


def test_images_not_reshaped_keep_the_points_for_the_scale() -> None:
    """One of two is right: the points for one remain."""
    found = failure(images(x=image_facts(shape=(60_000, 28, 28))))
    assert str(found) == (
        "The images that reach your network have the shape (60000, 28, 28); (60000, 28, 28, 1) is asked for. "
        "Reshape them, for example with reshape(60000, 28, 28, 1)."
    )
    assert found.points == 1


def test_images_not_scaled_keep_the_points_for_the_shape() -> None:
    """Values up to 255 cost one part of the points."""
    found = failure(images(x=image_facts(maximum=255.0, recipe="raw")))
    assert str(found) == "Their values lie between 0 and 255; they should lie between 0 and 1. Divide them by 255.0."
    assert found.points == 1


def test_images_neither_reshaped_nor_scaled_keep_nothing() -> None:
    """Both wrong: both are said, and no points remain."""
    found = failure(images(x=image_facts(shape=(60_000, 28, 28), maximum=255.0)))
    assert "the shape (60000, 28, 28)" in str(found)
    assert "between 0 and 255" in str(found)
    assert found.points == 0


@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (0.0, 1 / 255), (NAN, NAN), (0.0, 1.01), (-0.5, 0.5)])
def test_other_ranges_are_not_scaled(low: float, high: float) -> None:
    """[-1, 1], divided twice, NaN, or beyond one: none of them is [0, 1]."""
    assert "they should lie between 0 and 1" in words(images(x=image_facts(minimum=low, maximum=high)))


def test_part_of_the_images_has_another_shape() -> None:
    """A subset is told by its number of images."""
    subset = {"shape": (1000, 28, 28, 1), "order": "first_rows"}
    message = words(images(x=image_facts(**subset), y=label_facts(order="first_rows")))
    assert message.startswith("The images that reach your network have the shape (1000, 28, 28, 1);")


def test_data_of_a_live_training_that_is_not_known_waits_for_a_person() -> None:
    """Without facts about images and labels, a person must look."""
    with pytest.raises(PersonNeeded, match="cannot be examined, because it is a generator"):
        images(x=None, y=None, request=None, live=True, refused="it is a generator")()


def test_data_of_a_live_training_that_is_known_passes() -> None:
    """Recognised images count, whoever trained on them."""
    images(request=None, live=True, refused="why")()


def test_training_on_the_test_images_is_named() -> None:
    """Whoever trains on the test images reads so, and has no points."""
    found = failure(images(x=image_facts(part="x_test")))
    assert str(found) == (
        "Your network is trained on x_test of mnist. Train it on the training images of mnist, unchanged but for shape "
        "and scale."
    )
    assert found.points == 0


def test_training_on_other_data_is_named_by_its_shape() -> None:
    """Data that are no shipped set are told by their shape."""
    message = words(images(x=image_facts(dataset="", part="", shape=(5, 3))))
    assert message.startswith("Your network is trained on other data, of shape (5, 3).")


@pytest.mark.parametrize(
    "changes", [{"order": "shuffled"}, {"dataset": ""}, {"part": "y_test"}, {"dataset": "fashion_mnist"}]
)
def test_labels_that_are_not_those_of_the_images_fail(changes: dict[str, str]) -> None:
    """Shuffled alone, foreign, or of another part: the labels do not belong to the images."""
    assert words(images(y=label_facts(**changes))) == (
        "The labels are not the training labels of mnist in the order of the images. Pass the labels that load_data() "
        "returned with the images."
    )


# ── the layers ──


def counts(
    name: str = "sequential", *, convolutions: int = 1, names: dict[str, str] | None = None, **of: int
) -> Callable[[], None]:
    evidence = make_evidence(make_fit(request=make_request(name), layer_names=names or {}))
    return lambda: expect_layer_counts(evidence, convolutions=convolutions, poolings=1, of=of)


def test_one_convolution_and_one_pooling_pass() -> None:
    """Exactly what is asked for."""
    counts(Conv2D=1, MaxPooling2D=1)()


def test_a_layer_too_many_is_told_by_the_students_names() -> None:
    """Two more convolutions than allowed: each is named as the student named it."""
    request = request_with("Conv2D")
    fit = make_fit(request=request, layer_names={"layer_1": "mine", "layer_2": "yours"})
    message = words(lambda: expect_layer_counts(make_evidence(fit), convolutions=1, poolings=1, of={}))
    assert message == "Your model has two Conv2D layers (mine, yours); this exercise allows one. Remove one."


def test_a_missing_layer_is_asked_for() -> None:
    """Fewer than asked for: add one."""
    assert words(counts(convolutions=2, names={"layer_2": "mine"})) == (
        "Your model has one Conv2D layer (mine); this exercise asks for two. Add one."
    )


def test_no_layer_of_the_sort_is_said() -> None:
    """A network without any convolution."""
    assert words(counts("functional_operations")) == (
        "Your model has no convolution layer; this exercise asks for one. Add one."
    )


def test_a_layer_called_twice_is_told_as_such() -> None:
    """One object applied twice is counted by its calls."""
    assert "layer_3 called 2 times" in words(counts("functional_residual"))


def test_layers_called_too_often_are_told_as_calls() -> None:
    """Where there are more calls than layers, the message speaks of calls."""
    assert words(counts("functional_residual", names={"layer_2": "first", "layer_3": "twice"})) == (
        "Your model applies convolution layers three times (first, twice called 2 times); this exercise allows one. "
        "Call the layer once."
    )


def test_a_layer_of_another_class_is_named() -> None:
    """The right number of poolings, but another sort than asked for."""
    assert words(counts(AveragePooling2D=1)) == (
        "Your model has no AveragePooling2D layers; this exercise asks for one. Found: Conv2D, MaxPooling2D."
    )


LIVE = {"request": None, "live": True, "refused": "it contains a layer of the class Mine"}


def claims(*kinds: str, times: int = 1, activation: str = "softmax") -> tuple[dict[str, Any], ...]:
    """Layers as a program describes them itself."""
    return tuple({"name": kind.lower(), "class_name": kind, "times": times, "activation": activation} for kind in kinds)


def test_layers_of_a_live_training_are_counted_as_the_program_describes_them() -> None:
    """Without a request, what the program says of its layers is compared."""
    right = make_fit(claimed_layers=claims("Mine", "Conv2D", "MaxPooling2D"), **LIVE)
    wrong = make_fit(claimed_layers=claims("Conv2D", "Conv2D", "MaxPooling2D"), **LIVE)
    expect_layer_counts(make_evidence(right), convolutions=1, poolings=1, of={"Conv2D": 1})
    assert words(lambda: expect_layer_counts(make_evidence(wrong), convolutions=1, poolings=1, of={})) == (
        "Your model has two Conv2D layers (conv2d, conv2d); this exercise allows one. Remove one."
    )


def test_layers_that_nobody_describes_wait_for_a_person() -> None:
    """Without a request and without a description, a person must look."""
    evidence = make_evidence(make_fit(**LIVE))
    with pytest.raises(PersonNeeded, match="cannot be examined, because it contains a layer of the class Mine"):
        expect_layer_counts(evidence, convolutions=1, poolings=1, of={})


# ── the shapes ──


def built(*shapes: tuple[int | None, ...]) -> list[Layer]:
    """Conv2D and MaxPooling2D of the sequential model, with these output shapes."""
    kinds = ("Conv2D", "MaxPooling2D")
    return [
        Layer(name=f"layer_{index + 2}", class_name=kind, output_shape=shape, parameters=1)
        for index, (kind, shape) in enumerate(zip(kinds, shapes, strict=False))
    ]


def test_sizes_that_follow_from_the_formulas_pass() -> None:
    """28 → 26 → 13."""
    network = make_description(*built((None, 26, 26, 32), (None, 13, 13, 32)))
    expect_shapes_fit(make_evidence(make_fit()), network)


def test_a_size_that_does_not_follow_fails() -> None:
    """A convolution that keeps 28 pixels without padding is not one."""
    evidence = make_evidence(make_fit(layer_names={"layer_2": "mine"}))
    network = make_description(*built((None, 28, 28, 32)))
    assert words(lambda: expect_shapes_fit(evidence, network)) == (
        "The output of mine has the shape (None, 28, 28, 32); 26 was expected along axis 1."
    )


def test_sizes_that_are_open_are_not_judged() -> None:
    """A network for images of any size has no sizes to compare."""
    network = make_description(*built((None, None, None, 32)), input_shape=(None, None, None, 1))
    expect_shapes_fit(make_evidence(make_fit()), network)


def test_a_network_that_keras_cannot_build_fails() -> None:
    """The student reads why Keras could not build it."""
    network = make_description(problem="ValueError: negative dimension")
    assert words(lambda: expect_shapes_fit(make_evidence(make_fit()), network)) == (
        "Keras cannot build your network: ValueError: negative dimension"
    )


# ── the classes ──


def ending(activation: str, loss: Any = "sparse_categorical_crossentropy") -> Evidence:
    """The evidence of a network that ends in this activation, under this loss."""
    request = make_request()
    layers = [*request.model["config"]["layers"]]
    layers[-1] = {"class_name": "Dense", "config": {"name": "layer_6", "activation": activation}}
    model = {**request.model, "config": {**request.model["config"], "layers": layers}}
    changed = request.model_copy(update={"model": model, "compile": {**request.compile, "loss": loss}})
    return make_evidence(make_fit(request=changed))


LOGITS = {"class_name": "SparseCategoricalCrossentropy", "config": {"from_logits": True}}


def test_softmax_over_the_classes_passes() -> None:
    """Ten outputs with softmax."""
    expect_classes(ending("softmax"), make_description(), 10)


def test_logits_with_a_loss_that_expects_them_pass() -> None:
    """Ten linear outputs are right with `from_logits=True`."""
    expect_classes(ending("linear", LOGITS), make_description(), 10)


def test_softmax_under_a_loss_that_expects_logits_fails() -> None:
    """Softmax twice is a mistake that Keras trains without complaint."""
    assert words(lambda: expect_classes(ending("softmax", LOGITS), make_description(), 10)) == (
        "Your last layer applies softmax, but the loss is told to expect logits (from_logits=True). Use one of them."
    )


@pytest.mark.parametrize(("activation", "loss"), [("linear", "mse"), ("sigmoid", "mse"), ("relu", LOGITS)])
def test_another_activation_fails(activation: str, loss: Any) -> None:
    """Anything but softmax, or logits that are expected."""
    assert words(lambda: expect_classes(ending(activation, loss), make_description(), 10)) == (
        f"Your last layer has the activation {activation}; the 10 classes need softmax. "
        "Write Dense(10, activation='softmax')."
    )


def test_another_number_of_outputs_fails() -> None:
    """Eleven outputs for ten digits."""
    network = make_description(output_shape=(None, 11))
    assert words(lambda: expect_classes(ending("softmax"), network, 10)) == (
        "Your network ends in 11 outputs; there are 10 classes. Make the last layer Dense(10)."
    )


@pytest.mark.parametrize("shape", [None, (None, 28, 28, 10)])
def test_an_output_that_is_no_list_of_classes_fails(shape: tuple[int | None, ...] | None) -> None:
    """A network without a single output, or with images at its end."""
    network = make_description(output_shape=shape)
    assert "there are 10 classes" in words(lambda: expect_classes(ending("softmax"), network, 10))


@pytest.mark.parametrize("activation", ["softmax", "softmax_v2"])
def test_softmax_of_a_live_training_passes(activation: str) -> None:
    """What the program says of its last layer counts where there is no request."""
    fit = make_fit(claimed_layers=claims("Dense", activation=activation), **LIVE)
    expect_classes(make_evidence(fit), make_description(), 10)


def test_another_activation_of_a_live_training_fails() -> None:
    """The last layer's activation as the program describes it is not softmax."""
    fit = make_fit(claimed_layers=claims("Dense", activation="relu"), **LIVE)
    assert "the activation relu" in words(lambda: expect_classes(make_evidence(fit), make_description(), 10))


# ── stopping ──


def stops(*drills: Curve) -> Callable[[], None]:
    return lambda: expect_stop(make_fit(*drills), metric="accuracy", threshold=THRESHOLD)


def test_stopping_at_the_first_epoch_over_the_threshold_passes() -> None:
    """Right on all curves: stopped where it crosses, not stopped where it never does."""
    stops(make_curve(CROSSING, 2), make_curve(LANDING, 1, name="landing"), make_curve(NEVER, name="never"))()


def test_an_exact_landing_may_be_passed_over() -> None:
    """A rule with `>` stops one epoch later on `landing`, and is accepted."""
    stops(make_curve(LANDING, 2, name="landing"))()


def test_only_the_landing_may_be_passed_over() -> None:
    """On another curve, one epoch late is late."""
    assert "in epoch 3 of a trial run, although" in words(stops(make_curve(LANDING, 2)))


def test_a_landing_may_not_be_passed_over_twice() -> None:
    """Two epochs after the landing is too late for `>` as well."""
    assert words(stops(make_curve(LANDING, 3, name="landing"))) == (
        "Training was stopped in epoch 4 of a trial run, although accuracy had reached 0.9980 in epoch 2. Stop in the "
        "first epoch at or over 0.998."
    )


def test_stopping_late_fails() -> None:
    """One epoch late."""
    assert words(stops(make_curve(CROSSING, 3))) == (
        "Training was stopped in epoch 4 of a trial run, although accuracy had reached 0.9985 in epoch 3. Stop in the "
        "first epoch at or over 0.998."
    )


def test_stopping_early_fails() -> None:
    """One epoch early."""
    assert words(stops(make_curve(CROSSING, 1))) == (
        "Training was stopped in epoch 2 of a trial run, at accuracy 0.9900: too early. Stop only when accuracy is at "
        "or over 0.998."
    )


def test_not_stopping_fails() -> None:
    """The curve crosses, and the training goes on."""
    assert words(stops(make_curve(CROSSING))) == (
        "Training went on although accuracy had reached 0.9985 in epoch 3 of a trial run. Stop "
        "(self.model.stop_training = True) as soon as accuracy is at or over 0.998, and pass the callback to fit."
    )


def test_stopping_where_the_threshold_is_never_reached_fails() -> None:
    """A callback that watches something else stops on `never`."""
    assert words(stops(make_curve(NEVER, 4, name="never"))) == (
        "Training was stopped in epoch 5 of a trial run, at accuracy 0.9800: too early. Stop only when accuracy is at "
        "or over 0.998."
    )


@pytest.mark.parametrize("values", [[NAN] * 5, [0.1, NAN, NAN]])
def test_nan_never_reaches_the_threshold(values: list[float]) -> None:
    """Stopping at NaN is too early; going on is right."""
    stops(make_curve(values, name="not_a_number"))()
    assert "too early" in words(stops(make_curve(values, 1, name="not_a_number")))


def test_in_the_last_epoch_it_does_not_matter() -> None:
    """Where one curve crosses in the last epoch, that training ends with or without a stop."""
    seen = make_curve([0.9, 0.9985, 0.999], 1)
    stops(make_curve([0.9, 0.9985], 1))()
    stops(make_curve([0.9, 0.9985], None), seen)()


@pytest.mark.parametrize("length", [1, 2])
def test_a_fit_too_short_to_be_stopped_earns_nothing(length: int) -> None:
    """With one or two epochs never stopping shows no callback, so it does not pass."""
    assert words(stops(make_curve([*NEVER[: length - 1], 0.9985]), make_curve(NEVER[:length], name="never")))


def test_a_stop_in_the_middle_of_an_epoch_fails() -> None:
    """Stopping from a batch hook is not what is asked for, even in the right epoch."""
    curve = make_curve(CROSSING, 2)
    early = curve.epochs[2].model_copy(update={"batch": 7})
    assert words(stops(curve.model_copy(update={"epochs": (*curve.epochs[:2], early)}))) == (
        "Your callback stops in the middle of an epoch. Decide in on_epoch_end, when the epoch's accuracy is known."
    )


def test_an_error_in_the_callback_is_shown() -> None:
    """What the callback raised stands in the message."""
    assert words(stops(make_curve(CROSSING, error="KeyError: 'acc' (line 5)"))) == (
        "Your callback stopped with an error: KeyError: 'acc' (line 5)."
    )


def test_a_drill_that_hung_proves_nothing() -> None:
    """A curve that did not end is left out; the others decide."""
    stops(make_curve(CROSSING, 0, hung=True), make_curve(CROSSING, 2))()


def test_without_any_drill_that_ended_a_person_must_look() -> None:
    """That no trial run ended is our fault: it costs no points, and a person must look."""
    with pytest.raises(PersonNeeded, match="did not come to an end"):
        stops(make_curve(CROSSING, hung=True))()


@pytest.mark.parametrize("key", ["accuracy", "acc", "sparse_categorical_accuracy", "categorical_accuracy", "my_acc"])
def test_accuracy_is_found_under_every_name_of_keras(key: str) -> None:
    """The threshold is looked up under the key that Keras logs."""
    stops(make_curve(CROSSING, 2, key=key))()
    assert "0.9900: too early" in words(stops(make_curve(CROSSING, 1, key=key)))


# ── the message ──


def says(*drills: Curve) -> Callable[[], None]:
    return lambda: expect_message(make_fit(*drills), MESSAGE)


def test_message_at_the_stop_passes() -> None:
    """Printed once where training stops, also within a longer line; never where it does not."""
    says(make_curve(CROSSING, 2, printed={2: f"\n{MESSAGE}\n"}), make_curve(NEVER, name="never"))()


def test_message_at_every_epoch_fails() -> None:
    """Printed where training goes on."""
    assert words(says(make_curve(CROSSING, 2, printed={0: MESSAGE, 2: MESSAGE}))) == (
        f'"{MESSAGE}" is printed in epoch 1 of a trial run, where training was not stopped. Print it only when you '
        "stop."
    )


def test_message_twice_at_the_stop_fails() -> None:
    """Printed twice when training stops."""
    assert words(says(make_curve(CROSSING, 2, printed={2: f"{MESSAGE}\n{MESSAGE}"}))) == (
        f'"{MESSAGE}" is printed 2 times when training stops. Print it once.'
    )


def test_another_message_is_shown_beside_the_right_one() -> None:
    """The student sees what was printed, and what to print."""
    assert words(says(make_curve(CROSSING, 2, printed={2: "Reached 99.9%!\n"}))) == (
        f'When training stops, "Reached 99.9%!" is printed. Print exactly "{MESSAGE}".'
    )


@pytest.mark.parametrize("printed", ["", "\n\n", "Epoch 3/20\n", "1875/1875 ━━━━━━ 4s\n", "\x1b[1m3\x1b[0m\r"])
def test_what_keras_prints_is_not_taken_for_a_message(printed: str) -> None:
    """Progress bars and epoch lines are Keras's: nothing was printed."""
    assert words(says(make_curve(CROSSING, 2, printed={2: printed}))) == (
        f'Nothing is printed when training stops. Print exactly "{MESSAGE}".'
    )


def test_a_message_that_was_never_due_fails() -> None:
    """Without any stop there was no occasion for the message."""
    assert words(says(make_curve(CROSSING), make_curve(NEVER, name="never"))) == (
        f'Your code never stopped a trial run, so "{MESSAGE}" was never due. Stop training in a callback, and print '
        "the message there."
    )


def test_an_error_before_the_message_is_shown() -> None:
    """A callback that fails cannot print."""
    assert words(says(make_curve(CROSSING, error="TypeError: no"))) == (
        "Your callback stopped with an error before it could print: TypeError: no."
    )


# ── the accuracy ──


def reaches(
    accuracies: Sequence[float | None], played: int | None = None, stop: int | None = None, **changes: Any
) -> Callable[[], None]:
    """The real training of these accuracies, of which the student's code let so many epochs run."""
    values = [0.0 if value is None else value for value in accuracies][:played]
    training = make_training(make_run(accuracies), make_curve(values, stop, name="run"), **changes)
    return lambda: expect_reached(training, metric="accuracy", threshold=THRESHOLD, epochs=20)


def test_reaching_the_threshold_in_any_epoch_passes() -> None:
    """One epoch at the threshold is enough, wherever it is."""
    reaches([0.9, EDGE, 0.99])()


def test_an_epoch_after_the_stop_does_not_count() -> None:
    """What the student's code did not let run was not reached."""
    assert words(reaches([0.9, 0.99, 0.999], stop=1)) == (
        "Trained for real, your network came to accuracy 0.9900 (seed 1); 0.998 is asked for, and your own code "
        "stopped it after 2 epochs."
    )


def test_too_few_epochs_are_told() -> None:
    """A network that did not get there says how far it came, and in how many epochs."""
    assert words(reaches([0.9])) == (
        "Trained for real, your network came to accuracy 0.9000 (seed 1); 0.998 is asked for, and it ran for 1 epoch."
    )


def test_epochs_beyond_the_limit_do_not_count() -> None:
    """The twenty-first epoch is one too late."""
    assert "it ran for 21 epochs" in words(reaches([0.9] * 20 + [0.999]))


def test_other_seeds_are_told() -> None:
    """The student sees how close it came with the seeds tried before."""
    message = words(reaches([0.9], others=(make_run([0.95, 0.9975], seed=7),)))
    assert message.endswith(" With another seed (7) it came to 0.9975.")


@pytest.mark.parametrize("accuracies", [[NAN, NAN], [None], []])
def test_accuracies_that_are_not_there_do_not_reach_anything(accuracies: list[float | None]) -> None:
    """NaN, nothing measured, or no epochs at all: failed."""
    assert "came to accuracy nan" in words(reaches(accuracies))


def test_an_epoch_cut_short_does_not_count() -> None:
    """A stop in mid-epoch leaves that epoch out."""
    seen = EpochSeen(epoch=0, logs={"accuracy": 0.999}, stopped=True, batch=3)
    played = Curve(name="run", supplied=({"accuracy": 0.999},), epochs=(seen,))
    training = make_training(make_run([0.999]), played)
    assert "after 0 epochs" in words(
        lambda: expect_reached(training, metric="accuracy", threshold=THRESHOLD, epochs=20)
    )


def with_a_start(epochs: int, **changes: Any) -> Callable[[], None]:
    """The model was trained for so many epochs before; then it reaches the threshold in its second epoch."""
    curve = make_curve([0.5] * epochs, name="run")
    before = make_fit(**{"number": 0, "played": curve, **changes})
    training = make_training(make_run([0.9, 0.999]), make_curve([0.9, 0.999], 1, name="run"))
    evidence = make_evidence(before, make_fit(number=1, played=training.played))
    return lambda: expect_reached(training, metric="accuracy", threshold=THRESHOLD, epochs=20, evidence=evidence)


def test_epochs_of_the_same_model_before_count() -> None:
    """Eighteen before and two now are twenty; with nineteen before, the second is one too late."""
    with_a_start(18)()
    assert "came to accuracy 0.9000" in words(with_a_start(19))
    assert words(with_a_start(25)).startswith("Your model is trained for 25 epochs before the training that counts")
    with_a_start(25, model_number=3)()


def test_a_start_on_other_data_is_none() -> None:
    """Test images, other sets, and data of the program's own teach what was not asked for."""
    for facts in (None, image_facts(part="x_test"), image_facts(dataset="fashion_mnist")):
        assert "trained on other data" in words(with_a_start(1, x=facts))


def test_a_network_that_cannot_be_trained_fails() -> None:
    """What Keras said stands in the message."""
    training = make_training(make_run([], problem="ValueError: shapes"), make_curve([]))
    assert words(lambda: expect_reached(training, metric="accuracy", threshold=THRESHOLD, epochs=20)) == (
        "Keras could not train your network: ValueError: shapes"
    )


@pytest.mark.parametrize("threshold", [0.9, 0.95, 0.99, 0.998, 1.0])
def test_threshold_as_float32_reaches_it(threshold: float) -> None:
    """The threshold rounded to float32, up or down, counts as reached."""
    assert reached(float(np.float32(threshold)), threshold)


@given(st.floats(0, 1, width=32), st.sampled_from([0.9, 0.95, 0.99, 0.998]))
def test_one_image_too_few_does_not_reach_it(value: float, threshold: float) -> None:
    """One image of 60,000 is far more than the tolerance: what lies below by that much is not reached."""
    assert reached(value, threshold) is (value >= threshold) or abs(value - threshold) < 1 / 600_000


def test_nan_reaches_nothing() -> None:
    """NaN is at or over no threshold."""
    assert not reached(NAN, 0.0)


# ── what is returned ──


def returns(value: Any, played: Curve | None = None, **changes: Any) -> Callable[[], None]:
    fit = make_fit(played=played or make_curve([0.5, 0.75], name="run"))
    return lambda: expect_returned(make_call(value, **changes), fit, "accuracy")


@pytest.mark.parametrize(
    "value",
    [[[0, 1], 0.75], [2, 0.75], [[0, 1], [0.5, 0.75]], [[0, 1], 0.75000001]],
    ids=["epochs_and_last", "number_of_epochs", "whole_history", "rounded"],
)
def test_right_values_pass(value: Any) -> None:
    """`history.epoch` or the number of epochs, and the final accuracy or all of them."""
    returns(value)()


@pytest.mark.parametrize("value", [None, 0.75, [0.75], [[0, 1], 0.75, 1], "0.75"])
def test_anything_but_two_values_fails(value: Any) -> None:
    """Two values are asked for."""
    assert words(returns(value)) == (
        f"The function returned {value!r}. Return two values: history.epoch and the final accuracy."
    )


@pytest.mark.parametrize("epochs", [[1, 2], 3, [0], None])
def test_other_epochs_fail(epochs: Any) -> None:
    """Epochs that were not trained are told beside those that were."""
    assert words(returns([epochs, 0.75])) == (
        f"The first value returned is {epochs!r}, but training ran for the epochs [0, 1]. Return history.epoch."
    )


@pytest.mark.parametrize("accuracy", [0.76, 0.5, NAN, "0.75", None, [], [0.75, 0.5]])
def test_another_accuracy_fails(accuracy: Any) -> None:
    """An accuracy that is not that of the last epoch is told beside the true one."""
    message = words(returns([[0, 1], accuracy]))
    assert message.startswith("The second value returned is ")
    assert message.endswith("but the last epoch ended with accuracy 0.75. Return history.history['accuracy'][-1].")


@pytest.mark.parametrize("accuracy", [NAN, 0.75])
def test_nan_is_never_a_right_accuracy(accuracy: float) -> None:
    """Where the last epoch's accuracy is NaN, no value is right."""
    assert "accuracy nan" in words(returns([[0, 1], accuracy], make_curve([0.5, NAN])))


@pytest.mark.parametrize("changes", [{"found": False}, {"error": "ValueError"}])
def test_a_function_that_did_not_end_returned_nothing(changes: dict[str, Any]) -> None:
    """Without an end there is no value to look at."""
    assert words(returns(None, **changes)) == (
        "The function did not run to its end, so there is no returned value to look at."
    )


def test_long_values_are_shortened() -> None:
    """A value of a megabyte does not flood the feedback."""
    assert len(words(returns("x" * 1_000_000))) < 200


# ── time ──


def timed(*seconds: float, step: float | None = 0.001) -> Any:
    run = make_run([0.5] * len(seconds), reference_step_seconds=step)
    epochs = tuple(
        epoch.model_copy(update={"seconds": value}) for epoch, value in zip(run.epochs, seconds, strict=True)
    )
    return make_training(run.model_copy(update={"epochs": epochs}), make_curve([0.5]))


def test_ratio_is_seconds_per_epoch_over_those_of_the_reference() -> None:
    """The median of the epochs after the first, over 1875 steps of the reference network."""
    assert epoch_time_ratio(timed(99.0, 3.75, 3.75, 60.0).run) == pytest.approx(2.0)


def test_a_single_epoch_is_timed_all_the_same() -> None:
    """Where there is only the first epoch, it counts."""
    assert epoch_time_ratio(timed(3.75).run) == pytest.approx(2.0)


def test_a_quick_network_passes() -> None:
    """At the limit is within it."""
    expect_epoch_time(timed(3.75, 3.75), 2.0)


def test_a_slow_network_fails() -> None:
    """The student reads how many times as long it takes."""
    assert words(lambda: expect_epoch_time(timed(7.5, 7.5), 3.0)) == (
        "An epoch of your network takes 4.0 times as long as one of the reference network; at most 3 times is "
        "accepted. Use fewer filters or units."
    )


@pytest.mark.parametrize("training", [timed(1.0, step=None), timed(1.0, step=0.0), timed()])
def test_without_a_reference_nothing_is_judged(training: Any) -> None:
    """No ratio, no verdict: the check is skipped."""
    with pytest.raises(NotApplicable, match="was not timed"):
        expect_epoch_time(training, 3.0)


# ── small parts ──


def test_request_of_no_training_waits_for_a_person() -> None:
    """Where there is no request, a person must look, and reads why."""
    with pytest.raises(PersonNeeded, match="because there was none"):
        request_of(None)


def test_request_of_a_captured_fit_is_its_request() -> None:
    """A captured fit has a request."""
    fit: Fit = make_fit()
    assert request_of(fit) is fit.request


def test_validation_accuracy_is_not_taken_for_accuracy() -> None:
    """`val_accuracy` alone is no accuracy."""
    assert math.isnan(value_of({"val_accuracy": 0.9, "loss": 1.0}, "accuracy"))


@pytest.mark.parametrize(("count", "word"), [(0, "no"), (9, "nine"), (10, "10")])
def test_small_numbers_are_words(count: int, word: str) -> None:
    """Numbers up to nine are written out."""
    assert number(count) == word


@given(st.text())
def test_short_is_short(text: str) -> None:
    """No value takes more than 80 characters."""
    assert len(short(text)) <= 80


# ── shapes, parameters, compile settings, epochs asked for ──


def layer(name: str, kind: str, shape: tuple[int | None, ...], parameters: int = 0) -> Layer:
    return Layer(name=name, class_name=kind, output_shape=shape, parameters=parameters)


SMALL = make_description(
    layer("layer_2", "Conv2D", (None, 26, 26, 4), 40),
    layer("layer_3", "Flatten", (None, 2704)),
    parameters=40,
)


def test_right_output_shapes_pass() -> None:
    """Layer by layer, the batch axis left out."""
    expect_output_shapes(make_evidence(make_fit()), SMALL, [(26, 26, 4), (2704,)])


def test_a_wrong_output_shape_is_named_by_the_students_layer() -> None:
    """The first layer that differs, under the student's own name for it."""
    evidence = make_evidence(make_fit(layer_names={"layer_2": "conv2d"}))
    assert words(lambda: expect_output_shapes(evidence, SMALL, [(24, 24, 4), (2704,)])) == (
        "The output of conv2d (Conv2D) has the shape (26, 26, 4); (24, 24, 4) is asked for."
    )


def test_another_number_of_layers_is_said() -> None:
    """There is nothing to compare layer by layer."""
    assert "has two layers; the outputs asked for are [(26, 26, 4)]." in words(
        lambda: expect_output_shapes(make_evidence(make_fit()), SMALL, [(26, 26, 4)])
    )


def test_parameters_are_counted() -> None:
    """The right number passes; a wrong one is shown with where the parameters are."""
    expect_parameters(SMALL, 40)
    assert words(lambda: expect_parameters(SMALL, 320)) == (
        "Your network has 40 parameters (Conv2D 40); 320 are asked for."
    )


def test_a_network_that_cannot_be_built_has_no_parameters() -> None:
    """The reason of Keras is passed on."""
    assert "Keras cannot build" in words(lambda: expect_parameters(make_description(problem="too small"), 40))


def test_compile_settings_are_compared_by_name() -> None:
    """Optimizer by class, loss by word or class, metric by what is logged."""
    fit = make_fit(make_curve(CROSSING, 2), request=make_request())
    kind = fit.request.compile["optimizer"]["class_name"] if fit.request else ""
    expect_compiled(fit, optimizer=kind.lower(), losses=["sparse_categorical_crossentropy"], metric="accuracy")
    assert "is asked for" in words(lambda: expect_compiled(fit, optimizer="NoSuchOptimizer"))
    assert "is asked for" in words(lambda: expect_compiled(fit, losses=["mean_squared_error"]))
    assert "compile it with metrics=['auc']" in words(lambda: expect_compiled(fit, metric="auc"))


def test_more_epochs_than_allowed_fail() -> None:
    """Up to the limit is right, the limit included."""
    expect_epochs(make_fit(epochs_asked=20), 20)
    assert words(lambda: expect_epochs(make_fit(epochs_asked=25), 20)) == (
        "Your fit asks for 25 epochs; at most 20 are allowed. Write epochs=20."
    )


def test_hidden_layers_have_the_activation_asked_for_and_the_last_its_own() -> None:
    """The first that has another is named as the student named it; a network that nobody can read waits for a person."""
    request = make_request()
    evidence = make_evidence(make_fit(request=request, layer_names={"layer_2": "my_layer"}))
    expect_hidden_activation(evidence, "relu")
    model = json.loads(json.dumps(request.model))
    hidden = next(layer for layer in model["config"]["layers"] if layer["config"].get("activation") == "relu")
    hidden["config"]["activation"] = "linear"
    name = hidden["config"]["name"]
    changed = make_evidence(
        make_fit(request=request.model_copy(update={"model": model}), layer_names={name: "my_layer"})
    )
    said = words(lambda: expect_hidden_activation(changed, "relu"))
    assert said.startswith("Your layer my_layer (")
    assert "has the activation linear; relu is asked for" in said
    expect_hidden_activation(make_evidence(make_fit(request=None)), "relu")
