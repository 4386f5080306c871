"""Assignment: three convolutions for handwritten digits.

Write between the lines `YOUR CODE STARTS HERE` and `YOUR CODE ENDS HERE`, and leave the rest as it is.
To try it at home:

    python -c "from mnist_cnn import train_mnist_cnn; print(train_mnist_cnn())"
"""

import tensorflow as tf
from tensorflow.keras import datasets, layers, models


def train_mnist_cnn():
    """Train on MNIST for ten epochs in batches of 1000; return the accuracy on the test images."""
    (train_images, train_labels), (test_images, test_labels) = datasets.mnist.load_data()

    # 1. Give the images a last axis for their one channel, and bring the pixels from 0...255 to 0...1. Do it with the
    #    60,000 training images and with the 10,000 test images.
    # YOUR CODE STARTS HERE
    train_images = train_images.reshape((60000, 28, 28, 1)) / 255
    test_images = test_images.reshape((10000, 28, 28, 1)) / 255
    # YOUR CODE ENDS HERE

    # 2. The network. Its base: three convolutions with 32, 64 and 64 filters of 3×3 and relu, and a pooling of 2×2
    #    after the first and after the second. On top: flat, a dense layer of 64 units with relu, ten outputs with
    #    softmax.
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

    # 3. Compile the model: optimizer adam, loss sparse_categorical_crossentropy, metric accuracy. Fit it for ten
    #    epochs, 1000 images at a time. Then evaluate it on the test images, and keep their accuracy
    #    as `test_accuracy`.
    # YOUR CODE STARTS HERE
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(train_images, train_labels, epochs=10, batch_size=1000)
    test_loss, test_accuracy = model.evaluate(test_images, test_labels)
    # YOUR CODE ENDS HERE

    return float(test_accuracy)


def parameters_per_layer(model):
    """How many parameters each layer of a network has, in order."""
    # 4. Return a list with one number for each layer of the model that is handed over, and 0 where there is
    #    nothing to learn.
    # YOUR CODE STARTS HERE
    return [layer.count_params() for layer in model.layers]
    # YOUR CODE ENDS HERE
