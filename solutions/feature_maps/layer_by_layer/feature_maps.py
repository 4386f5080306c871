"""The same, step by step: tensors go from layer to layer, and a picture is placed by its number."""

import matplotlib
import matplotlib.pyplot as plt
import tensorflow as tf


def feature_maps(model, images):
    x = tf.convert_to_tensor(images, dtype=tf.float32)
    if len(x.shape) == 3:
        x = x[..., tf.newaxis]
    seen = ()
    for layer in model.layers:
        x = layer(x)
        seen += (x,)
    return seen


def plot_feature_maps(model, images, filter_number=1):
    seen = feature_maps(model, images)[:4]
    plt.figure(figsize=(8, 6))
    number = 0
    for image in range(len(images)):
        for output in seen:
            number += 1
            plt.subplot(3, 4, number)
            plt.axis("off")
            plt.imshow(output[image, ..., filter_number], cmap=matplotlib.colormaps["inferno"])
    plt.tight_layout()
    plt.show()
