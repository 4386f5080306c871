"""What the layers see: the model is peeled from behind."""

import matplotlib.pyplot as plt
import numpy as np


def feature_maps(model, images):
    images = np.reshape(images, (-1, 28, 28, 1))
    outputs = []
    while model.layers:
        outputs.insert(0, np.array(model(images)))
        model.pop()
    return outputs


def plot_feature_maps(model, images, filter_number=1):
    outputs = feature_maps(model, images)
    f, axarr = plt.subplots(3, 4)
    for x in range(4):
        for y in range(3):
            axarr[y, x].imshow(outputs[x][y, :, :, filter_number], cmap="inferno")
            axarr[y, x].grid(False)
