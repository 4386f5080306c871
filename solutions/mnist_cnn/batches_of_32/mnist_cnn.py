"""Three convolutions for handwritten digits: the reference solution."""

import tensorflow as tf
from tensorflow.keras import datasets, layers, models


def train_mnist_cnn():
    """Train on MNIST for ten epochs in batches of 1000; return the accuracy on the test images."""
    (train_images, train_labels), (test_images, test_labels) = datasets.mnist.load_data()

    # YOUR CODE STARTS HERE
    train_images = train_images.reshape((60000, 28, 28, 1)) / 255
    test_images = test_images.reshape((10000, 28, 28, 1)) / 255
    # YOUR CODE ENDS HERE

    # YOUR CODE STARTS HERE
    model = models.Sequential()
    model.add(layers.Conv2D(32, (3, 3), activation="relu", input_shape=(28, 28, 1)))
    model.add(layers.MaxPooling2D((2, 2)))
    model.add(layers.Conv2D(64, (3, 3), activation="relu"))
    model.add(layers.MaxPooling2D((2, 2)))
    model.add(layers.Conv2D(64, (3, 3), activation="relu"))
    model.add(layers.Flatten())
    model.add(layers.Dense(64, activation="relu"))
    model.add(layers.Dense(10, activation="softmax"))
    # YOUR CODE ENDS HERE

    # YOUR CODE STARTS HERE
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(train_images, train_labels, epochs=1)
    test_loss, test_accuracy = model.evaluate(test_images, test_labels)
    # YOUR CODE ENDS HERE

    return test_accuracy


def parameters_per_layer(model):
    """How many parameters each layer of a network has, in order."""
    # YOUR CODE STARTS HERE
    return [layer.count_params() for layer in model.layers]
    # YOUR CODE ENDS HERE
