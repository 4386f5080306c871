"""What the layers see: the outputs are named but not computed."""

import matplotlib.pyplot as plt


def feature_maps(model, images):
    return [layer.output for layer in model.layers]


def plot_feature_maps(model, images, filter_number=1):
    outputs = feature_maps(model, images)
    f, axarr = plt.subplots(3, 4)
    for x in range(4):
        for y in range(3):
            axarr[y, x].imshow(outputs[x][y, :, :, filter_number], cmap="inferno")
