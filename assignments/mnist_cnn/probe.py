"""Train once, and ask for the parameters of a network that the student has not seen."""

import keras


def probe(student, rng):
    """The network is drawn from the recorded seed; its sizes are the assignment's inputs."""
    student.call("train_mnist_cnn")
    given = student.inputs
    model = keras.Sequential(
        [
            keras.Input((given["side"], given["side"], given["channels"])),
            keras.layers.Conv2D(given["filters"], given["kernel"]),
            keras.layers.MaxPooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dense(given["units"], use_bias=False),
            keras.layers.Dense(10),
        ]
    )
    student.seconds = 10
    student.call_as("parameters", "parameters_per_layer", model)
