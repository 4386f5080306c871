import tensorflow as tf

GOAL = 0.998


class GoalCallback(tf.keras.callbacks.Callback):

    def on_epoch_end(self, epoch, logs=None):
        if logs.get("accuracy") > GOAL:
            print("\nReached 99% accuracy so cancelling training!")
            self.model.stop_training = True


def load_images():
    (images, labels), _ = tf.keras.datasets.mnist.load_data()
    images = images.astype("float32").reshape(len(images), 28, 28, 1)
    return images / images.max(), labels


def train_mnist_conv():
    images, labels = load_images()
    model = tf.keras.Sequential([
        tf.keras.layers.Input((28, 28, 1)),
        tf.keras.layers.Conv2D(filters=32, kernel_size=(3, 3), activation="relu"),
        tf.keras.layers.MaxPooling2D(pool_size=(2, 2)),
        tf.keras.layers.Flatten(),
        tf.keras.layers.Dense(units=128, activation="relu"),
        tf.keras.layers.Dense(units=10, activation="softmax"),
    ])
    model.compile(optimizer="Adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(images, labels, epochs=20, callbacks=GoalCallback())
    return history.epoch, history.history["accuracy"][-1]


if __name__ == "__main__":
    print(train_mnist_conv())
