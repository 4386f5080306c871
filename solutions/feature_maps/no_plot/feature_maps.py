"""What the layers see: only the numbers."""

import numpy as np
import tensorflow as tf


def feature_maps(model, images):
    """The outputs of all layers of `model` for `images`, from the first layer to the last."""
    images = np.reshape(images, (-1, 28, 28, 1))
    layer_outputs = [layer.output for layer in model.layers]
    activation_model = tf.keras.Model(inputs=model.inputs, outputs=layer_outputs)
    outputs = activation_model.predict(images, verbose=0)
    return outputs
