"""Assignment: experiments with convolutions.

Write between the lines `YOUR CODE STARTS HERE` and `YOUR CODE ENDS HERE`, and leave the rest as it is.
To try it at home, remove the `#` from the last four lines and run the file. It trains for 45 epochs: give it time.
"""

import time

import tensorflow as tf

EXPERIMENTS = {  # the name of each network: its filters, its convolutions
    "filters 16": (16, 2),
    "filters 32": (32, 2),
    "filters 64": (64, 2),
    "without the last convolution": (32, 1),
    "three convolutions": (32, 3),
}


def load_images():
    """Fashion-MNIST, ready for a convolution: (images, labels) for training, (images, labels) for the test."""
    fashion = tf.keras.datasets.fashion_mnist
    (training_images, training_labels), (test_images, test_labels) = fashion.load_data()

    # 1. Give the images a last axis for their one channel, and bring the pixels from 0...255 to 0...1. Do it with the
    #    60,000 training images and with the 10,000 test images.
    # YOUR CODE STARTS HERE
    training_images = training_images.reshape(60000, 28, 28, 1) / 255.0
    test_images = test_images.reshape(10000, 28, 28, 1) / 255.0
    # YOUR CODE ENDS HERE

    return (training_images, training_labels), (test_images, test_labels)


def build_model(filters=32, convolutions=2):
    """A new, compiled network of so many convolutions, each with so many filters and with a pooling behind it."""

    # 2. As many pairs of convolution (3×3, relu) and max pooling (2×2) as asked for; then flat, a dense layer of 128
    #    units (relu), and ten outputs with softmax. Compile it here: optimizer adam, loss
    #    sparse_categorical_crossentropy, metric accuracy.
    # YOUR CODE STARTS HERE
    model = tf.keras.models.Sequential()
    model.add(tf.keras.layers.Input(shape=(28, 28, 1)))
    for _ in range(convolutions):
        model.add(tf.keras.layers.Conv2D(filters, (3, 3), activation="relu"))
        model.add(tf.keras.layers.MaxPooling2D(2, 2))
    model.add(tf.keras.layers.Flatten())
    model.add(tf.keras.layers.Dense(128, activation="relu"))
    model.add(tf.keras.layers.Dense(10, activation="softmax"))
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    # YOUR CODE ENDS HERE

    return model


def run_experiments():
    """Train each network for five epochs; return a table with one row for each."""
    (training_images, training_labels), (test_images, test_labels) = load_images()
    table = []
    for name, (filters, convolutions) in EXPERIMENTS.items():
        # 3. Build this network and train it for five epochs. Find out how many parameters it has, how many seconds the
        #    training takes, the training accuracy of the last epoch, and then the accuracy on the test images.
        # YOUR CODE STARTS HERE
        model = build_model(filters, convolutions)
        parameters = model.count_params()
        start = time.time()
        history = model.fit(training_images, training_labels, epochs=5)
        seconds = time.time() - start
        accuracy = history.history["accuracy"][-1]
        test_accuracy = model.evaluate(test_images, test_labels)[1]
        # YOUR CODE ENDS HERE
        row = {"name": name, "parameters": parameters, "seconds": seconds}
        row.update(accuracy=accuracy, test_accuracy=test_accuracy)
        table.append(row)
    return table


def conclusions(table):
    """What a table says: the names of its most remarkable rows, and whether the largest network is the slowest."""

    # 4. Find the name of the row with the most parameters, the most seconds, the best training accuracy and the best
    #    test accuracy. Do the first two have the same name? It should work for any table of this form.
    # YOUR CODE STARTS HERE
    most_parameters = max(table, key=lambda row: row["parameters"])["name"]
    slowest = max(table, key=lambda row: row["seconds"])["name"]
    best_accuracy = max(table, key=lambda row: row["accuracy"])["name"]
    best_test_accuracy = max(table, key=lambda row: row["test_accuracy"])["name"]
    largest_is_slowest = most_parameters == slowest
    # YOUR CODE ENDS HERE

    return {
        "most_parameters": most_parameters,
        "slowest": slowest,
        "best_accuracy": best_accuracy,
        "best_test_accuracy": best_test_accuracy,
        "largest_is_slowest": largest_is_slowest,
    }


class LossCallback(tf.keras.callbacks.Callback):
    """Ends the training once the loss on the training images is below 0.25."""

    # 5. Write the method that Keras calls at the end of every epoch. If the loss is below 0.25, it prints
    #    "Loss is below 0.25 so cancelling training!" and ends the training.
    # YOUR CODE STARTS HERE
    def on_epoch_end(self, epoch, logs=None):
        if logs["loss"] < 0.25:
            print("\nLoss is below 0.25 so cancelling training!")
            self.model.stop_training = True
    # YOUR CODE ENDS HERE


def overfit():
    """Train the network of 32 filters for twenty epochs; return the curves on the training and on the test images."""
    (training_images, training_labels), (test_images, test_labels) = load_images()

    # 6. Build the network with 32 filters and two convolutions, and train it for twenty epochs. Let `fit` measure the
    #    test images after every epoch, as validation data. Keep what `fit` returns as `history`.
    # YOUR CODE STARTS HERE
    model = build_model(32, 2)
    history = model.fit(
        training_images, training_labels, epochs=20, validation_data=(test_images, test_labels)
    )
    # YOUR CODE ENDS HERE

    return history.history


def diagnose(history):
    """What such curves say: when the network was best, how far the two accuracies are apart, and if it overfits."""
    accuracy, val_accuracy = history["accuracy"], history["val_accuracy"]

    # 7. In which epoch, counted from 1, is the validation accuracy best? How much higher than the validation accuracy
    #    is the training accuracy in the last epoch? The network overfits (True or False) if from the best epoch to the
    #    last one the training accuracy goes up while the validation accuracy goes down.
    # YOUR CODE STARTS HERE
    best_epoch = val_accuracy.index(max(val_accuracy)) + 1
    gap = accuracy[-1] - val_accuracy[-1]
    overfits = accuracy[-1] > accuracy[best_epoch - 1] and val_accuracy[-1] < val_accuracy[best_epoch - 1]
    # YOUR CODE ENDS HERE

    return {"best_epoch": best_epoch, "gap": gap, "overfits": overfits}


# table = run_experiments()
# print(*table, conclusions(table), sep="\n")
# history = overfit()
# print(history, diagnose(history))
