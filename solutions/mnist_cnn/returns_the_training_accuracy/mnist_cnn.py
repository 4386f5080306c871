"""Wrong: what comes back is the accuracy on the training images."""

import tensorflow as tf
from tensorflow.keras import datasets, layers, models


def train_mnist_cnn():
    """Train on MNIST for ten epochs in batches of 1000; return the accuracy on the test images."""
    (train_images, train_labels), (test_images, test_labels) = datasets.mnist.load_data()

    train_images = train_images.reshape((60000, 28, 28, 1)) / 255
    test_images = test_images.reshape((10000, 28, 28, 1)) / 255

    model = models.Sequential()
    model.add(layers.Conv2D(32, (3, 3), activation="relu", input_shape=(28, 28, 1)))
    model.add(layers.MaxPooling2D((2, 2)))
    model.add(layers.Conv2D(64, (3, 3), activation="relu"))
    model.add(layers.MaxPooling2D((2, 2)))
    model.add(layers.Conv2D(64, (3, 3), activation="relu"))
    model.add(layers.Flatten())
    model.add(layers.Dense(64, activation="relu"))
    model.add(layers.Dense(10, activation="softmax"))

    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(train_images, train_labels, epochs=10, batch_size=1000)

    return history.history["accuracy"][-1]


def parameters_per_layer(model):
    """How many parameters each layer of a network has, in order."""
    return [layer.count_params() for layer in model.layers]
