"""What the layers see: only the convolutions."""

import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf


def feature_maps(model, images):
    outputs = [layer.output for layer in model.layers if isinstance(layer, tf.keras.layers.Conv2D)]
    return tf.keras.Model(model.inputs, outputs).predict(np.reshape(images, (-1, 28, 28, 1)))


def plot_feature_maps(model, images, filter_number=1):
    outputs = feature_maps(model, images)
    f, axarr = plt.subplots(3, len(outputs))
    for y in range(3):
        for x in range(len(outputs)):
            axarr[y, x].imshow(outputs[x][y, :, :, filter_number], cmap="inferno")
