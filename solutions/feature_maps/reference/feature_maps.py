"""Assignment: what the layers see.

Write between the lines `YOUR CODE STARTS HERE` and `YOUR CODE ENDS HERE`, and leave the rest as it is.
To try it at home:

    python feature_maps.py

It trains a small network on clothes for one epoch, and then shows what your functions make of it.
"""

import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf


def feature_maps(model, images):
    """Return a list with the output of each layer of a built model, for images from 0 to 1."""

    # 1. The images have the shape (number, 28, 28) or (number, 28, 28, 1). Give both the second one.
    # YOUR CODE STARTS HERE
    images = np.reshape(images, (-1, 28, 28, 1))
    # YOUR CODE ENDS HERE

    # 2. Send the images through the model, and collect what each layer puts out, from the first to the last.
    # YOUR CODE STARTS HERE
    layer_outputs = [layer.output for layer in model.layers]
    activation_model = tf.keras.Model(inputs=model.inputs, outputs=layer_outputs)
    outputs = activation_model.predict(images, verbose=0)
    # YOUR CODE ENDS HERE

    return outputs


def plot_feature_maps(model, images, filter_number=1):
    """Show one filter of the first four layers for three images, in three rows and four columns."""

    # 3. A row for each image and a column for each layer, with the colour map inferno and without grid lines.
    # YOUR CODE STARTS HERE
    maps = feature_maps(model, images)
    figure, places = plt.subplots(3, 4)
    for row in range(3):
        for column in range(4):
            places[row, column].imshow(maps[column][row, :, :, filter_number], cmap="inferno")
            places[row, column].grid(False)
    # YOUR CODE ENDS HERE

    plt.show()


if __name__ == "__main__":
    (training_images, training_labels), (test_images, test_labels) = tf.keras.datasets.fashion_mnist.load_data()
    model = tf.keras.Sequential(
        [
            tf.keras.Input((28, 28, 1)),
            tf.keras.layers.Conv2D(16, 3, activation="relu"),
            tf.keras.layers.MaxPooling2D(2),
            tf.keras.layers.Conv2D(16, 3, activation="relu"),
            tf.keras.layers.MaxPooling2D(2),
            tf.keras.layers.Flatten(),
            tf.keras.layers.Dense(64, activation="relu"),
            tf.keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    model.fit(training_images[..., np.newaxis] / 255, training_labels, epochs=1)

    shoes = test_images[[0, 23, 28]] / 255
    for output in feature_maps(model, shoes) or []:
        print(output.shape)
    plot_feature_maps(model, shoes)
