"""MNIST with one convolution, written with the functional API."""

import numpy as np
import tensorflow as tf
from tensorflow.keras.callbacks import Callback
from tensorflow.keras.layers import Conv2D, Dense, Flatten, Input, MaxPool2D
from tensorflow.keras.models import Model

NUM_FILTERS = 32
KERNEL = (3, 3)
HIDDEN_UNITS = 128
NUM_CLASSES = 10
TARGET_ACCURACY = 0.998
MAX_EPOCHS = 20


class TargetReached(Callback):
    def __init__(self, target):
        super(TargetReached, self).__init__()
        self.target = target

    def on_epoch_end(self, epoch, logs=None):
        if logs["accuracy"] >= self.target:
            print(f"\nReached {self.target:.1%} accuracy so cancelling training!")
            self.model.stop_training = True


def build_model():
    image = Input(shape=(28, 28, 1), name="image")
    features = Conv2D(filters=NUM_FILTERS, kernel_size=KERNEL, activation=tf.nn.relu, name="features")(image)
    smaller = MaxPool2D(pool_size=(2, 2), name="smaller")(features)
    flat = Flatten()(smaller)
    hidden = Dense(units=HIDDEN_UNITS, activation=tf.nn.relu)(flat)
    digit = Dense(units=NUM_CLASSES, activation=tf.nn.softmax, name="digit")(hidden)
    model = Model(inputs=image, outputs=digit)
    model.compile(
        optimizer=tf.keras.optimizers.Adam(),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def train_mnist_conv():
    (images, labels), _ = tf.keras.datasets.mnist.load_data()
    images = np.expand_dims(images.astype(np.float32), -1) / 255.0
    history = build_model().fit(
        x=images, y=labels, epochs=MAX_EPOCHS, callbacks=[TargetReached(TARGET_ACCURACY)]
    )
    return history.epoch, history.history["accuracy"][-1]
