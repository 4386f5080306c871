from matplotlib import pyplot as plt
from tensorflow.keras.models import Model


def output_of(model, number, images):
    return Model(model.inputs, model.layers[number].output).predict(images)


def feature_maps(model, images):
    found = []
    for number in range(len(model.layers)):
        found.append(output_of(model, number, images))
    return found


def plot_feature_maps(model, images, which=1):
    plt.rcParams["image.cmap"] = "inferno"
    fig, axarr = plt.subplots(nrows=3, ncols=4, sharex="col", sharey="col")
    for x in range(4):
        maps = output_of(model, x, images)
        for y in range(3):
            axarr[y][x].imshow(maps[y][:, :, which : which + 1])
    return fig
