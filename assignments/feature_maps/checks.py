"""Checks of `feature_maps`: the outputs of all layers are computed again in NumPy, from the same weights."""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from grader.judging import Evidence, fail, points
from grader.judging.value_expectations import (
    axes_at,
    compare_arrays,
    described,
    expect_call,
    expect_figure,
    expect_list,
)
from grader.model.observation import Figure

Array = np.ndarray[Any, Any]
Layer = tuple[Any, ...]
ROWS, COLUMNS, DEFAULT_FILTER = 3, 4, 1
NAMES = {"conv": "Conv2D", "pool": "MaxPooling2D", "flatten": "Flatten", "dense": "Dense"}
CALL = "feature_maps(model, images)"
PLOT = "plot_feature_maps(model, images)"
TOLERANCE = 1e-4
"""Keras computes with 32 bits."""


def layer_output(layer: Layer, x: Array) -> Array:
    """What one layer of a network of `inputs.py` makes of its input (number, height, width, channels) or (number, n)."""
    kind, *given = layer
    if kind == "conv":
        kernel, bias = (np.asarray(item, float) for item in given)
        windows = sliding_window_view(x, kernel.shape[:2], axis=(1, 2))
        sums: Array = np.einsum("nyxcij,ijcf->nyxf", windows, kernel) + bias
        return sums.clip(0)
    if kind == "pool":
        size = given[0]
        count, rows, columns, channels = len(x), x.shape[1] // size, x.shape[2] // size, x.shape[3]
        blocks = x[:, : rows * size, : columns * size].reshape(count, rows, size, columns, size, channels)
        largest: Array = blocks.max(axis=(2, 4))
        return largest
    if kind == "flatten":
        return x.reshape(len(x), -1)
    kernel, bias, activation = given
    z: Array = x @ np.asarray(kernel, float) + np.asarray(bias, float)
    if activation == "relu":
        return z.clip(0)
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    shares: Array = powers / powers.sum(axis=1, keepdims=True)
    return shares


def all_outputs(network: list[Layer], images: Array) -> list[Array]:
    """The output of each layer of the network, in order."""
    x, found = np.asarray(images, float).reshape(-1, 28, 28, 1), []
    for layer in network:
        x = layer_output(layer, x)
        found.append(x)
    return found


def returned(evidence: Evidence, label: str, what: str = CALL) -> list[Any]:
    """The outputs that a call returned; also those of a dictionary, which only the check of the list objects to."""
    value = expect_call(evidence, label, what).value
    if isinstance(value, dict) and not {"array", "object"} & value.keys():
        value = list(value.values())
    if not isinstance(value, list) or not value:
        fail(f"{what} returned {described(value)}; expected the outputs of the layers in a list.")
    return value


def named(network: list[Layer], index: int) -> str:
    """A layer of a network as a message calls it."""
    return f"the output of layer {index + 1} ({NAMES[network[index][0]]})"


def problem(
    evidence: Evidence, found: list[Any], expected: list[Array], network: list[Layer], layers: range, *, values: bool
) -> str:
    """What is wrong with the outputs of these layers, in shape or also in values; empty if nothing."""
    for index in layers:
        what = named(network, index)
        if index >= len(found):
            return f"There is no {what.removeprefix('the ')}: you returned {len(found)} of {len(expected)} outputs."
        array = evidence.array(found[index])
        if array is None:
            return (
                f"{what[0].upper()}{what[1:]} is {described(found[index])}; expected an array or a tensor of numbers."
            )
        if array.shape != expected[index].shape:
            return f"{what[0].upper()}{what[1:]} has the shape {array.shape}; expected {expected[index].shape}."
        if values:
            try:
                compare_arrays(evidence, found[index], expected[index], what=what, tolerance=TOLERANCE)
            except AssertionError as failed:
                return f"{str(failed)[0].upper()}{str(failed)[1:]}"
    return ""


def judge_outputs(
    evidence: Evidence, network: list[Layer], images: Array, worth: tuple[float, float], *, values: bool
) -> None:
    """Fail if an output is wrong; `worth` is what remains for the first four layers, and for the others."""
    found, expected = returned(evidence, "shoes"), all_outputs(network, images)
    halves = (range(COLUMNS), range(COLUMNS, len(expected)))
    problems = [problem(evidence, found, expected, network, layers, values=values) for layers in halves]
    if any(problems):
        right = sum(part for part, text in zip(worth, problems, strict=True) if not text)
        fail(next(text for text in problems if text), points=right)


@points(1)
def one_output_for_each_layer(evidence: Evidence, inputs: dict[str, Any]) -> None:
    """feature_maps returns a list with one array or tensor for each layer, from the first to the last."""
    layers = len(inputs["network"])
    value = expect_call(evidence, "shoes", CALL).value
    if isinstance(value, dict) and not {"array", "object"} & value.keys():
        fail(f"{CALL} returned a dictionary; expected a list of {layers} outputs, one for each layer.")
    found = expect_list(evidence, "shoes", layers, what=CALL, of="outputs, one for each layer")
    for index, value in enumerate(found):
        array = evidence.array(value)
        if array is None or array.ndim < 2:
            fail(f"Value {index + 1} of the list is {described(value)}; expected what a layer makes of the images.")


@points(1)
def outputs_have_the_right_shapes(evidence: Evidence, inputs: dict[str, Any]) -> None:
    """Each output has the shape of its layer, with the number of images first; half a point for the first four layers."""
    judge_outputs(evidence, inputs["network"], inputs["shoes"], (0.5, 0.5), values=False)


@points(2)
def outputs_have_the_right_values(evidence: Evidence, inputs: dict[str, Any]) -> None:
    """Each output holds what its layer computes; one point for the first four layers, and one for the others."""
    judge_outputs(evidence, inputs["network"], inputs["shoes"], (1, 1), values=True)


def expect_first_four(evidence: Evidence, inputs: dict[str, Any], label: str, what: str) -> None:
    """The first four outputs of a call on other images are right; the others have been looked at before."""
    network = inputs["network"]
    expected = all_outputs(network, inputs[label])
    text = problem(evidence, returned(evidence, label, what), expected, network, range(COLUMNS), values=True)
    if text:
        fail(f"{what}: {text}")


@points(0.5)
def works_for_any_number_of_images(evidence: Evidence, inputs: dict[str, Any]) -> None:
    """feature_maps takes one image just as well as many."""
    for label in ("one", "several"):
        expect_first_four(evidence, inputs, label, f"feature_maps with images of shape {inputs[label].shape}")


@points(0.5)
def images_may_lack_the_channel_axis(evidence: Evidence, inputs: dict[str, Any]) -> None:
    """Images of shape (number, 28, 28) give the same as (number, 28, 28, 1)."""
    expect_first_four(evidence, inputs, "flat", f"feature_maps with images of shape {inputs['flat'].shape}")


@points(0.5)
def works_for_any_network(evidence: Evidence, inputs: dict[str, Any]) -> None:
    """feature_maps works for a network with other layers, and more of them."""
    network, what = inputs["other_network"], "feature_maps of a network with eight layers"
    found, expected = returned(evidence, "other_network", what), all_outputs(network, inputs["shoes"])
    text = problem(evidence, found, expected, network, range(len(expected)), values=True)
    if text or len(found) > len(expected):
        fail(f"{what}: {text or f'you returned {len(found)} outputs.'}")


@points(0.5)
def model_stays_as_it_was(evidence: Evidence, inputs: dict[str, Any]) -> None:
    """After feature_maps, the model has the layers and the weights it had before, and predicts the same."""
    if all(evidence.array(value) is None for value in returned(evidence, "shoes")):
        fail(f"{CALL} returned no array, so there is nothing yet for which the model was used.")
    network = inputs["network"]
    hint = "Only look at the model: add nothing to it, take nothing away, and train nothing."
    call = evidence.called("model")
    if call is None or not isinstance(call.value, list) or len(call.value) != 3:
        fail(f"After {CALL} the model does not work any more. {hint}")
    layers, weights, predicted = call.value
    if layers != len(network):
        fail(f"After {CALL} the model has {layers} layers; before, it had {len(network)}. {hint}")
    drawn = [array for layer in network for array in layer[1:] if isinstance(array, np.ndarray)]
    if not isinstance(weights, list) or len(weights) != len(drawn):
        fail(f"After {CALL} the model has other weights than before. {hint}")
    for value, array in zip(weights, drawn, strict=True):
        compare_arrays(evidence, value, array, what="A weight of the model after your call", hint=hint)
    last = all_outputs(network, inputs["shoes"])[-1]
    what = "What the model predicts after your call"
    compare_arrays(evidence, predicted, last, what=what, tolerance=TOLERANCE, hint=hint)


def drawn_figure(evidence: Evidence, label: str, what: str) -> Figure:
    """The last figure of a call that shows an image."""
    figures = [figure for figure in expect_call(evidence, label, what).figures if pictures(figure)]
    if not figures:
        fail(f"{what} left no figure open in which an image is shown. Draw with plt.subplots and imshow.")
    return figures[-1]


def pictures(figure: Figure) -> list[dict[str, Any]]:
    """The uppermost image of each axes that shows one, in the order of the axes."""
    return [axes.images[-1] for axes in figure.axes if axes.images]


@points(1)
def draws_a_grid_of_three_by_four(evidence: Evidence, inputs: dict[str, Any]) -> None:
    """plot_feature_maps shows twelve images in three rows and four columns; half for twelve in another order."""
    count = ROWS * COLUMNS
    shown = len(pictures(drawn_figure(evidence, "plot", PLOT)))
    try:
        figure = expect_figure(evidence, "plot", what=PLOT, grid=(ROWS, COLUMNS))
    except AssertionError as failed:
        fail(str(failed), points=0.5 if shown == count else 0.0)
    empty = [
        (row + 1, column + 1)
        for row in range(ROWS)
        for column in range(COLUMNS)
        if not axes_at(figure, row, column).images
    ]
    if empty:
        fail(f"{PLOT}: there is no image in row {empty[0][0]}, column {empty[0][1]}. Show one with imshow.")


def row_problem(evidence: Evidence, figure: Figure, row: int, maps: list[Array], filter_number: int, what: str) -> str:
    """What is wrong in a row of the grid, if it shows this filter; empty if nothing."""
    for column, output in enumerate(maps):
        images = axes_at(figure, row, column).images
        where = f"{what}, row {row + 1}, column {column + 1}"
        if not images:
            return f"{where}: there is no image."
        try:
            compare_arrays(evidence, images[-1], output[row, :, :, filter_number], what=where, tolerance=TOLERANCE)
        except AssertionError as failed:
            return str(failed)
    return ""


def row_problems(evidence: Evidence, inputs: dict[str, Any], label: str, images: str, what: str) -> list[str]:
    """What is wrong in each row, for the filter with which the fewest rows are wrong: which one it is counts elsewhere."""
    figure = expect_figure(evidence, label, what=what, grid=(ROWS, COLUMNS))
    maps = all_outputs(inputs["network"], inputs[images])[:COLUMNS]
    wanted = inputs["filter"] if label == "plot_filter" else DEFAULT_FILTER
    filters = sorted(range(maps[0].shape[3]), key=lambda number: number != wanted)
    found = [[row_problem(evidence, figure, row, maps, item, what) for row in range(ROWS)] for item in filters]
    return min(found, key=lambda problems: sum(map(bool, problems)))


@points(1.5, after=["draws_a_grid_of_three_by_four"])
def each_place_shows_its_image_and_layer(evidence: Evidence, inputs: dict[str, Any]) -> None:
    """The rows belong to the three images and the columns to the first four layers; half a point for each right row."""
    wrong = row_problems(evidence, inputs, "plot", "shoes", PLOT)
    other = evidence.called("plot_filter")
    if other is not None and not other.error:
        what = f"{PLOT[:-1]}, {inputs['filter']})"
        more = row_problems(evidence, inputs, "plot_filter", "other_shoes", what)
        wrong = [first or second for first, second in zip(wrong, more, strict=True)]
    if any(wrong):
        fail(next(text for text in wrong if text), points=0.5 * sum(not text for text in wrong))


@points(1)
def filter_number_chooses_the_filter(evidence: Evidence, inputs: dict[str, Any]) -> None:
    """The third argument chooses the filter, counted from 0, and is 1 if left out; half for one of the two."""
    problems = []
    for label, images, number in (
        ("plot", "shoes", DEFAULT_FILTER),
        ("plot_filter", "other_shoes", inputs["filter"]),
    ):
        what = PLOT if label == "plot" else f"{PLOT[:-1]}, {number})"
        try:
            first = pictures(drawn_figure(evidence, label, what))[0]
            expected = all_outputs(inputs["network"][:1], inputs[images])[0][0, :, :, number]
            where = f"The first image of {what} (filter {number} of the first layer)"
            hint = "Filters are counted from 0."
            compare_arrays(evidence, first, expected, what=where, tolerance=TOLERANCE, hint=hint)
        except AssertionError as failed:
            problems.append(str(failed))
    if problems:
        fail(problems[0], points=0.5 * (2 - len(problems)))


@points(0.5)
def colour_map_is_inferno(evidence: Evidence, inputs: dict[str, Any]) -> None:
    """All twelve images are shown with the colour map inferno."""
    maps = [picture["cmap"] for picture in pictures(drawn_figure(evidence, "plot", PLOT))]
    other = [name for name in maps if name != "inferno"]
    if other:
        fail(f"{PLOT} shows {len(other)} of {len(maps)} images with the colour map {other[0]}; expected inferno.")
    if len(maps) < ROWS * COLUMNS:
        fail(f"{PLOT} shows {len(maps)} images; expected {ROWS * COLUMNS}, all with the colour map inferno.")
