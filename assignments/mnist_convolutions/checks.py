"""Checks of `mnist_convolutions`: images, model and callback, each graded by itself.

The probe trains with its own images, or with a stand-in for the model, where the student's cannot be used.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from grader.judging import Evidence, Training, fail, points
from grader.judging.expectations import (
    expect_classes,
    expect_epoch_time,
    expect_message,
    expect_reached,
    expect_shapes_fit,
    expect_stop,
)
from grader.judging.network_expectations import layers_of
from grader.judging.value_expectations import because, described, expect_array, expect_call
from grader.model.observation import Curve, EpochSeen, Fit
from grader.model.training import Description

MESSAGE = "Reached 99.5% accuracy so cancelling training!"
SHAPE = (60000, 28, 28, 1)
EPOCHS = 10


@points(3)
def images_are_reshaped_and_scaled(evidence: Evidence, inputs: dict[str, Any]) -> None:
    """reshape_and_normalize gives any number of images as (number, 28, 28, 1), with values in [0, 1]."""
    value = expect_call(evidence, "all", "reshape_and_normalize(training_images)").value
    found = evidence.called("all_facts")
    if not isinstance(value, dict) or "shape" not in value or found is None:
        fail(f"reshape_and_normalize(training_images) returned {described(value)}. Return the images.")
    facts = found.value
    shape, (low, high) = tuple(value["shape"]), facts["range"]
    shape_right, scale_right = shape == SHAPE, low >= -1e-6 and 0.9 <= high <= 1 + 1e-6
    if not shape_right:
        advice = "Add the axis of the channel, for example with reshape(-1, 28, 28, 1)."
        problem = f"The training images come back with the shape {shape}; {SHAPE} is asked for. {advice}"
        fail(problem, points=1 if scale_right else 0)
    if not scale_right:
        problem = f"The values that come back lie between {low:.4g} and {high:.4g}; they should lie between 0 and 1."
        fail(f"{problem} Divide the images by 255.0.", points=1)
    few, what = inputs["few"], f"reshape_and_normalize of {len(inputs['few'])} images"
    try:
        expect_array(evidence, "few", few[..., np.newaxis] / 255.0, what=what, tolerance=1e-3)
    except AssertionError as failed:
        if facts["right"]:
            fail(f"{failed} It should work for any number of images, not only for 60000.", points=2)
        fail(str(failed), points=1)


@points(2)
def model_has_convolution_and_pooling(evidence: Evidence, network: Description) -> None:
    """convolutional_model returns a compiled model with Conv2D, MaxPooling2D, ten classes and a metric."""
    expect_own_model(evidence)
    kinds = [layer.class_name for layer in layers_of(evidence.fit)]
    for kind in ("Conv2D", "MaxPooling2D"):
        if kind not in kinds:
            fail(f"Your model has no {kind} layer (found: {', '.join(kinds) or 'none'}). Add one.")
    expect_shapes_fit(evidence, network)
    expect_classes(evidence, network, 10)


def expect_own_model(evidence: Evidence) -> None:
    """The model that was trained is the student's, not the probe's stand-in."""
    call = expect_call(evidence, "model", "convolutional_model()")
    if not isinstance(call.value, dict) or "object" not in call.value:
        fail(f"convolutional_model() returned {described(call.value)}. Return the compiled model.")
    if evidence.called("no_metric") is not None:
        fail("Your model is compiled without a metric, so no accuracy is logged. Compile it with metrics=['accuracy'].")
    fit, first = evidence.fit, evidence.called("fit")
    if fit is not None and "stand_in" in fit.layer_names.values():
        error = first.error.rstrip(".") if first is not None else ""
        fail(f"Keras cannot train what convolutional_model() returned: {error}.")


@points(1.5)
def callback_stops_at_the_threshold(evidence: Evidence, fit: Fit) -> None:
    """EarlyStoppingCallback stops training in the first epoch that reaches 99.5 % accuracy, and in no other."""
    expect_callback(evidence, fit)
    expect_stop(fit, metric="accuracy", threshold=0.995, passed_by_probe=True)


@points(1)
def message_is_printed_when_it_stops(evidence: Evidence, fit: Fit) -> None:
    """The sentence "Reached 99.5% accuracy so cancelling training!" is printed once, when training stops."""
    expect_callback(evidence, fit)
    expect_message(fit, MESSAGE)


def expect_callback(evidence: Evidence, fit: Fit) -> None:
    """EarlyStoppingCallback() gave a callback, and `fit` got it."""
    call = evidence.called("callback")
    if call is not None and not call.found:
        reason = because(call.error)
        fail(f"There is no class EarlyStoppingCallback in your file. Define it under exactly this name.{reason}")
    expect_call(evidence, "callback", "EarlyStoppingCallback()")
    if not fit.callbacks:
        fail(
            "EarlyStoppingCallback() does not give a callback of Keras. Write "
            "`class EarlyStoppingCallback(tf.keras.callbacks.Callback):`."
        )


@points(2, after=["model_has_convolution_and_pooling"])
def reaches_the_accuracy_within_10_epochs(training: Training) -> None:
    """Trained for real on rightly prepared images, the model reaches 99.5 % within 10 epochs."""
    expect_reached(without_stop(training), metric="accuracy", threshold=0.995, epochs=EPOCHS)


def without_stop(training: Training) -> Training:
    """The same training as if no callback had ended it: where a callback stops is not the model's fault."""
    every = tuple(EpochSeen(epoch=number, logs={}) for number in range(EPOCHS))
    return replace(training, played=Curve(name="run", epochs=every))


@points(0.5, after=["model_has_convolution_and_pooling"])
def epoch_time_is_reasonable(training: Training, evidence: Evidence) -> None:
    """An epoch takes at most ten times as long as one of the reference network."""
    assert evidence.assignment.training is not None
    expect_epoch_time(training, evidence.assignment.training.epoch_time_ratio or 10.0)
