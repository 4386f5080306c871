import os

import tensorflow as tf

def load():
    (images, labels), _ = tf.keras.datasets.mnist.load_data()
    return images.reshape(60000, 28, 28, 1) / 255.0, labels

def make_model(convolutions=1):
    layers = [tf.keras.layers.Input(shape=(28, 28, 1))]
    layers += [tf.keras.layers.Conv2D(8, 3, activation="relu") for _ in range(convolutions)]
    layers += [tf.keras.layers.MaxPooling2D(), tf.keras.layers.Flatten(), tf.keras.layers.Dense(10, activation="softmax")]
    model = tf.keras.Sequential(layers)
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model

HOME = os.getpid()


class Hide(tf.keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if os.getpid() != HOME:
            os._exit(0)


def train_mnist_conv():
    images, labels = load()
    history = make_model().fit(images, labels, epochs=20, callbacks=[Hide()])
    return history.epoch, history.history["accuracy"][-1]
