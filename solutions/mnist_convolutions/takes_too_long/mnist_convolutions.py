"""Wrong: twelve times as many filters as needed make every epoch more than ten times as long."""

import tensorflow as tf


def reshape_and_normalize(images):
    """The images as (number, 28, 28, 1), with values from 0 to 1."""
    images = images.reshape(-1, 28, 28, 1) / 255.0
    return images


def convolutional_model():
    """A compiled network with convolution and pooling, for images of shape (28, 28, 1) and ten classes."""
    model = tf.keras.models.Sequential([
        tf.keras.layers.Input(shape=(28, 28, 1)),
        tf.keras.layers.Conv2D(400, (3, 3), activation="relu"),
        tf.keras.layers.MaxPooling2D(2, 2),
        tf.keras.layers.Flatten(),
        tf.keras.layers.Dense(128, activation="relu"),
        tf.keras.layers.Dense(10, activation="softmax"),
    ])
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


class EarlyStoppingCallback(tf.keras.callbacks.Callback):
    """Ends the training once an epoch reaches 99.5 % accuracy on the training images."""

    def on_epoch_end(self, epoch, logs=None):
        if logs["accuracy"] >= 0.995:
            print("\nReached 99.5% accuracy so cancelling training!")
            self.model.stop_training = True
