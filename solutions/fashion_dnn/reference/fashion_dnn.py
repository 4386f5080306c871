"""Assignment: clothes with a dense network.

Write between the lines `YOUR CODE STARTS HERE` and `YOUR CODE ENDS HERE`, and leave the rest as it is.
To try it at home:

    python -c "from fashion_dnn import train_fashion_dnn; print(train_fashion_dnn())"
"""

import tensorflow as tf


def train_fashion_dnn():
    """Train on Fashion-MNIST for five epochs; return the accuracy on the training and on the test images."""
    fashion = tf.keras.datasets.fashion_mnist
    (training_images, training_labels), (test_images, test_labels) = fashion.load_data()

    # 1. Bring the pixels from 0...255 to 0...1, those of the training images and those of the test images. The
    #    shapes stay as they are.
    # YOUR CODE STARTS HERE
    training_images = training_images / 255.0
    test_images = test_images / 255.0
    # YOUR CODE ENDS HERE

    # 2. The network: an image becomes a list of 784 numbers, a hidden layer of 128 units with relu follows, and ten
    #    outputs with softmax.
    # YOUR CODE STARTS HERE
    model = tf.keras.models.Sequential([
        tf.keras.layers.Flatten(input_shape=(28, 28)),
        tf.keras.layers.Dense(128, activation="relu"),
        tf.keras.layers.Dense(10, activation="softmax"),
    ])
    # YOUR CODE ENDS HERE

    # 3. Compile the model: optimizer adam, loss sparse_categorical_crossentropy, metric accuracy. Fit it for five
    #    epochs and keep what `fit` returns as `history`. Then evaluate it on the test images, and keep their accuracy
    #    as `test_accuracy`.
    # YOUR CODE STARTS HERE
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(training_images, training_labels, epochs=5)
    test_loss, test_accuracy = model.evaluate(test_images, test_labels)
    # YOUR CODE ENDS HERE

    return history.history["accuracy"][-1], test_accuracy
