"""Wrong: the best test accuracy is looked for among the training accuracies."""

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

    training_images = training_images.reshape(60000, 28, 28, 1) / 255.0
    test_images = test_images.reshape(10000, 28, 28, 1) / 255.0

    return (training_images, training_labels), (test_images, test_labels)


def build_model(filters=32, convolutions=2):
    """A new, compiled network of so many convolutions, each with so many filters and with a pooling behind it."""
    model = tf.keras.models.Sequential()
    model.add(tf.keras.layers.Input(shape=(28, 28, 1)))
    for _ in range(convolutions):
        model.add(tf.keras.layers.Conv2D(filters, (3, 3), activation="relu"))
        model.add(tf.keras.layers.MaxPooling2D(2, 2))
    model.add(tf.keras.layers.Flatten())
    model.add(tf.keras.layers.Dense(128, activation="relu"))
    model.add(tf.keras.layers.Dense(10, activation="softmax"))
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])

    return model


def run_experiments():
    """Train each network for five epochs; return a table with one row for each."""
    (training_images, training_labels), (test_images, test_labels) = load_images()
    table = []
    for name, (filters, convolutions) in EXPERIMENTS.items():
        model = build_model(filters, convolutions)
        parameters = model.count_params()
        start = time.time()
        history = model.fit(training_images, training_labels, epochs=5)
        seconds = time.time() - start
        accuracy = history.history["accuracy"][-1]
        test_accuracy = model.evaluate(test_images, test_labels)[1]
        row = {"name": name, "parameters": parameters, "seconds": seconds}
        row.update(accuracy=accuracy, test_accuracy=test_accuracy)
        table.append(row)
    return table


def conclusions(table):
    """What a table says: the names of its most remarkable rows, and whether the largest network is the slowest."""
    most_parameters = max(table, key=lambda row: row["parameters"])["name"]
    slowest = max(table, key=lambda row: row["seconds"])["name"]
    best_accuracy = max(table, key=lambda row: row["accuracy"])["name"]
    best_test_accuracy = max(table, key=lambda row: row["accuracy"])["name"]
    largest_is_slowest = most_parameters == slowest

    return {
        "most_parameters": most_parameters,
        "slowest": slowest,
        "best_accuracy": best_accuracy,
        "best_test_accuracy": best_test_accuracy,
        "largest_is_slowest": largest_is_slowest,
    }


class LossCallback(tf.keras.callbacks.Callback):
    """Ends the training once the loss on the training images is below 0.25."""

    def on_epoch_end(self, epoch, logs=None):
        if logs["loss"] < 0.25:
            print("\nLoss is below 0.25 so cancelling training!")
            self.model.stop_training = True


def overfit():
    """Train the network of 32 filters for twenty epochs; return the curves on the training and on the test images."""
    (training_images, training_labels), (test_images, test_labels) = load_images()

    model = build_model(32, 2)
    history = model.fit(
        training_images, training_labels, epochs=20, validation_data=(test_images, test_labels)
    )

    return history.history


def diagnose(history):
    """What such curves say: when the network was best, how far the two accuracies are apart, and if it overfits."""
    accuracy, val_accuracy = history["accuracy"], history["val_accuracy"]

    best_epoch = val_accuracy.index(max(val_accuracy)) + 1
    gap = accuracy[-1] - val_accuracy[-1]
    overfits = accuracy[-1] > accuracy[best_epoch - 1] and val_accuracy[-1] < val_accuracy[best_epoch - 1]

    return {"best_epoch": best_epoch, "gap": gap, "overfits": overfits}
