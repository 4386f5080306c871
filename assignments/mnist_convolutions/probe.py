"""Call the three things one by one, then train with them, and with the probe's own in place of what is unusable.

So a fault in one of them is not counted a second time: wrong images are replaced by right ones, and a model that Keras
refuses by a stand-in, on which the callback can still be tried. A layer called `stand_in` tells the checks that the
model which was trained is not the student's.
"""

import keras
import numpy as np


def probe(student, rng):
    """Each call has a label, by which the checks find it."""
    given = student.inputs
    student.seconds = 20
    student.call_as("few", "reshape_and_normalize", given["few"])
    images = prepared(student, given["images"])
    student.seconds = None
    callback = student.call_as("callback", "EarlyStoppingCallback")
    model = student.call_as("model", "convolutional_model")
    callbacks = [callback] if isinstance(callback, keras.callbacks.Callback) else []
    if isinstance(model, keras.Model) and getattr(model, "optimizer", None) and len(model.metrics) < 2:
        student.note("no_metric", True)  # nothing to stop at is logged: the callback is tried on the stand-in
        model = stand_in()
    student.fit(model, images, given["labels"], epochs=10, callbacks=callbacks)
    if student.error and not begun(callbacks):
        student.fit(stand_in(), images, given["labels"], epochs=10, callbacks=callbacks)


def prepared(student, images):
    """All images of MNIST as the student's function prepares them; prepared here if they are not as asked.

    What the function returned is too large to be handed over: only what can be said about it is.
    """
    right = images[..., np.newaxis] / 255.0
    student.keep_arrays = False
    made = student.call_as("all", "reshape_and_normalize", images)
    student.keep_arrays = True
    if not (hasattr(made, "shape") and hasattr(made, "dtype")):
        return right
    made = np.asarray(made)
    if made.dtype.kind not in "biuf" or not made.size:
        return right
    ends = [float(np.min(made)), float(np.max(made))]
    equal = bool(made.shape == right.shape and np.allclose(made[::600], right[::600], rtol=0, atol=1e-3))
    student.note("all_facts", {"range": ends, "right": equal})
    return made if equal and ends == [0.0, 1.0] else right


def begun(callbacks):
    """Whether Keras got so far as to give the callback its model: then it was the callback that failed."""
    return any(getattr(callback, "model", None) is not None for callback in callbacks)


def stand_in():
    """A small compiled model with which a callback can be tried."""
    model = keras.Sequential(
        [
            keras.layers.Input(shape=(28, 28, 1)),
            keras.layers.Flatten(name="stand_in"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
