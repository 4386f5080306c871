"""Build the networks, and send images through them by the student's functions."""

import keras


def build(network):
    """A Keras model of the layers and weights that `inputs.py` has drawn."""
    layers, weights = [keras.Input((28, 28, 1))], []
    for kind, *given in network:
        if kind == "conv":
            kernel, bias = given
            layers.append(keras.layers.Conv2D(kernel.shape[3], kernel.shape[:2], activation="relu"))
            weights += [kernel, bias]
        elif kind == "pool":
            layers.append(keras.layers.MaxPooling2D(given[0]))
        elif kind == "flatten":
            layers.append(keras.layers.Flatten())
        else:
            kernel, bias, activation = given
            layers.append(keras.layers.Dense(kernel.shape[1], activation=activation))
            weights += [kernel, bias]
    model = keras.Sequential(layers)
    model.set_weights(weights)
    return model


def look_at(student, model, images):
    """Write down what the model is and does now."""
    try:
        now = [len(model.layers), model.get_weights(), model(images)]
    except Exception:  # noqa: BLE001 - whatever a spoilt model raises says one thing: it does not work any more
        now = None
    student.note("model", now)


def probe(student, rng):
    """Each call gets a new model, so that one that spoils its model harms only itself."""
    given = student.inputs
    student.seconds = 30
    model = build(given["network"])
    student.call_as("shoes", "feature_maps", model, given["shoes"])
    look_at(student, model, given["shoes"])
    for label in ("one", "several", "flat"):
        student.call_as(label, "feature_maps", build(given["network"]), given[label])
    student.call_as("other_network", "feature_maps", build(given["other_network"]), given["shoes"])
    student.call_as("plot", "plot_feature_maps", build(given["network"]), given["shoes"])
    student.call_as("plot_filter", "plot_feature_maps", build(given["network"]), given["other_shoes"], given["filter"])
