"""Call each function by itself, so that a fault in one costs the others nothing.

`conclusions` and `diagnose` get drawn tables and curves, and at the end also the student's own. `build_model` is tried
on a few images, so that the grader sees its networks; the callback, on a small network of the probe's own.
"""

import keras
import numpy as np


def probe(student, rng):
    """Each call has a label, by which the checks find it; a call of `fit` belongs to the call before it."""
    given = student.inputs
    student.seconds = 30
    for number, table in enumerate(given["tables"]):
        student.call_as(f"conclusions_{number}", "conclusions", table)
    for number, history in enumerate(given["histories"]):
        student.call_as(f"diagnosis_{number}", "diagnose", history)
    for number, arguments in enumerate(given["networks"]):
        student.seconds = 30
        model = student.call_as(f"network_{number}", "build_model", *arguments)
        student.seconds = None
        student.fit(model, given["images"], given["labels"], epochs=1, verbose=0)
    student.keep_arrays = False
    student.note("test_images", facts_of_test_images(student.call_as("images", "load_images")))
    student.keep_arrays = True
    callback = student.call_as("callback", "LossCallback")
    if isinstance(callback, keras.callbacks.Callback):
        student.fit(stand_in(), given["images"], given["labels"], epochs=10, callbacks=[callback], verbose=0)
    table = student.call_as("run_experiments", "run_experiments")
    if table is not None:
        student.call_as("own_conclusions", "conclusions", table)
    history = student.call_as("overfit", "overfit")
    if history is not None:
        student.call_as("own_diagnosis", "diagnose", history)


def facts_of_test_images(data):
    """Shape, least and greatest value of the test images in what load_images returned; None where there are none."""
    try:
        images = np.asarray(data[1][0])
        return [list(images.shape), float(images.min()), float(images.max())]
    except (TypeError, ValueError, IndexError, KeyError):
        return None


def stand_in():
    """A small compiled model on which a callback can be tried."""
    model = keras.Sequential(
        [
            keras.layers.Input(shape=(28, 28, 1)),
            keras.layers.Flatten(),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
