"""What the programs below share: few images, and everything that a training leaves behind, as plain values."""

import hashlib

import keras
import numpy as np
import tensorflow as tf

(x_all, y_all), (x_test, y_test) = tf.keras.datasets.mnist.load_data()
x, y = x_all[:960].reshape(-1, 28, 28, 1) / 255.0, y_all[:960]
x_test, y_test = x_test[:200].reshape(-1, 28, 28, 1) / 255.0, y_test[:200]


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def left_behind(model, history):
    return {
        "epoch": list(history.epoch),
        "history": {key: [float(v) for v in values] for key, values in history.history.items()},
        "weights": [digest(w) for w in model.get_weights()],
        "evaluate": [float(v) for v in model.evaluate(x_test, y_test, verbose=0)],
        "predict": digest(model.predict(x_test, verbose=0)),
    }


def conv(filters=4, units=16, activation="relu", **keywords):
    return keras.Sequential(
        [
            keras.layers.Conv2D(filters, (3, 3), activation=activation, input_shape=(28, 28, 1), **keywords),
            keras.layers.MaxPooling2D(2, 2),
            keras.layers.Flatten(),
            keras.layers.Dense(units, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


def compiled(model, optimizer="adam", loss="sparse_categorical_crossentropy", metrics=("accuracy",)):
    model.compile(optimizer=optimizer, loss=loss, metrics=list(metrics))
    return model
