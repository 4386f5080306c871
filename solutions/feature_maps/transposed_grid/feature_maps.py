"""What the layers see: the grid lies on its side."""

import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf


def feature_maps(model, images):
    """The outputs of all layers of `model` for `images`, from the first layer to the last."""
    images = np.reshape(images, (-1, 28, 28, 1))
    layer_outputs = [layer.output for layer in model.layers]
    activation_model = tf.keras.Model(inputs=model.inputs, outputs=layer_outputs)
    outputs = activation_model.predict(images, verbose=0)
    return outputs


def plot_feature_maps(model, images, filter_number=1):
    """Three rows for three images, four columns for the first four layers: one filter of each."""
    outputs = feature_maps(model, images)
    figure, places = plt.subplots(4, 3)
    for row in range(3):
        for column in range(4):
            places[column, row].imshow(outputs[column][row, :, :, filter_number], cmap="inferno")
            places[column, row].grid(False)
    plt.show()
