import tensorflow as tf

mnist = tf.keras.datasets.mnist


class Stop(tf.keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs={}):
        if logs.get('accuracy') is not None and logs.get('accuracy') >= 0.998:
            self.model.stop_training = True
            print("Reached 99.8% accuracy so cancelling training!")


def train_mnist_conv():
    (x, y), (x_val, y_val) = mnist.load_data()
    x, x_val = x / 255.0, x_val / 255.0

    model = tf.keras.models.Sequential([
        tf.keras.layers.Conv2D(32, (3, 3), activation='relu', input_shape=(28, 28, 1)),
        tf.keras.layers.MaxPooling2D(2, 2),
        tf.keras.layers.Flatten(),
        tf.keras.layers.Dense(128, activation='relu'),
        tf.keras.layers.Dense(10, activation='softmax')])
    model.compile('adam', 'sparse_categorical_crossentropy', metrics=['accuracy'])
    history = model.fit(x, y, epochs=20, callbacks=[Stop()])
    return history.epoch, history.history['accuracy'][-1]
