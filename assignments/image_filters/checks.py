"""Checks of `image_filters`: against the filters of scipy.ndimage.

All but `borders_wrap_around` leave the border out, where the kernel does not fit on the image. Whole numbers are taken
for rounded or cut-off results wherever they are that.
"""

from typing import Any

import numpy as np
from scipy import ndimage  # type: ignore[import-untyped]

from grader.judging import Evidence, fail, fail_by_parts, points, problem_with
from grader.judging.value_expectations import compare_arrays, expect_call

Array = np.ndarray[Any, Any]

TRIANGLE = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1])
DIAMOND = np.array([[0, 0, 1, 0, 0], [0, 1, 1, 1, 0], [1, 1, 1, 1, 1], [0, 1, 1, 1, 0], [0, 0, 1, 0, 0]])
LAPLACE = np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]])
SHARPER = np.array([[-1, -1, -1], [-1, 9, -1], [-1, -1, -1]])
RELIEF = np.array([[-1, -1, 0], [-1, 0, 1], [0, 1, 1]])

BORDER = "Beyond the border the image begins again at the opposite side: take rows and columns modulo its size."
COLOUR = "The result has the shape of the image, and every channel is filtered by itself."
BYTES = "A uint8 holds nothing above 255, so sums run over. Turn the image into floats first."


def filtered(image: Array, kernel: Array, factor: float = 1.0, bias: float = 0.0) -> Array:
    """What `apply_filter` should give, by SciPy; a third axis of the image is left alone."""
    laid = kernel.reshape(kernel.shape + (1,) * (image.ndim - 2)).astype(float)
    total: Array = ndimage.correlate(image.astype(float), laid, mode="grid-wrap")
    return np.clip(total * factor + bias, 0, 255)


def window(image: Array, size: int) -> tuple[int, ...]:
    """The neighbourhood of a pixel: size × size × 1 for a colour image."""
    return (size, size, 1)[: image.ndim]


def averaged(image: Array, size: int) -> Array:
    """What `mean_filter` should give."""
    result: Array = ndimage.uniform_filter(image.astype(float), window(image, size), mode="grid-wrap")
    return result


def middle(image: Array, size: int) -> Array:
    """What `median_filter` should give: for an even number of values, halfway between the two in the middle."""
    values, area = image.astype(float), window(image, size)
    low: Array = ndimage.rank_filter(values, (size * size - 1) // 2, area, mode="grid-wrap")
    high: Array = ndimage.rank_filter(values, size * size // 2, area, mode="grid-wrap")
    return (low + high) / 2


def expect_filtered(
    evidence: Evidence, label: str, expected: Array, reach: tuple[int, int], *, what: str, hint: str = ""
) -> None:
    """The call returned this image, rounded or not.

    Args:
        evidence: of the submission.
        label: of the call.
        expected: the right image.
        reach: rows and columns of the window; where it does not fit on the image, any value from 0 to 255 will do.
            (1, 1) compares everything.
        what: the call in words.
        hint: a sentence that may follow.
    """
    call = expect_call(evidence, label, what)
    found = evidence.array(call.value)
    if found is not None and found.shape == expected.shape:
        found = found.astype(float)
        rounded = (found == np.rint(found)) & (found >= expected - 1 - 1e-6) & (found <= expected + 0.5 + 1e-6)
        expected = np.where(rounded | ~fits(expected.shape, reach), np.clip(found, 0, 255), expected)
    compare_arrays(evidence, call.value, expected, what=what, hint=hint)


def fits(shape: tuple[int, ...], reach: tuple[int, int]) -> Array:
    """Where a window of these rows and columns lies wholly on the image."""
    inside = np.zeros(shape, bool)
    (rows, columns), (high, wide) = shape[:2], reach
    inside[high // 2 : rows - (high - 1) // 2, wide // 2 : columns - (wide - 1) // 2] = True
    return inside


@points(1.5)
def apply_filter_weighs_the_neighbours(evidence: Evidence, inputs: dict[str, Any]) -> None:
    """apply_filter lays the kernel on each pixel of a grey image and adds up the products."""
    for label, what in (
        ("example", "apply_filter on the example of the handout"),
        ("any", "apply_filter of a 9×12 image with a 3×3 kernel"),
        ("oblong", "apply_filter of a 13×10 image with a 3×5 kernel"),
    ):
        image, kernel = inputs[label]
        hint = "Lay the kernel on the image as it is, its middle on the pixel: do not turn it around."
        expect_filtered(evidence, label, filtered(image, kernel), kernel.shape, what=what, hint=hint)


@points(1.5)
def factor_bias_and_clipping(evidence: Evidence, inputs: dict[str, Any]) -> None:
    """apply_filter multiplies the sum by factor, adds bias, and clips to 0...255 at the end; a third for each."""
    wanted: dict[str, tuple[Array, str, str]] = {}
    image, kernel, factor = inputs["factor"]
    wanted["factor"] = filtered(image, kernel, factor), "apply_filter with a factor", ""
    image, kernel, bias = inputs["bias"]
    wanted["bias"] = filtered(image, kernel, bias=bias), "apply_filter with a bias", ""
    clip = "No value may be below 0 or above 255."
    wanted["clipped"] = filtered(*inputs["clipped"]), "apply_filter with a kernel of high contrast", clip
    order = "First times factor, then plus bias, and clip last."
    wanted["together"] = filtered(*inputs["together"]), "apply_filter with a factor and a bias", order
    problems = [
        problem_with(expect_filtered, evidence, label, expected, (3, 3), what=what, hint=hint)
        for label, (expected, what, hint) in wanted.items()
    ]
    right = sum(not text for text in problems[:3])
    wrong = [text for text in problems if text]
    if wrong:
        fail(wrong[0], points=0.5 * min(right, 2))


@points(1)
def borders_wrap_around(evidence: Evidence, inputs: dict[str, Any]) -> None:
    """Beyond the border the image wraps around: half for apply_filter, a quarter each for mean and median."""
    image, kernel = inputs["border"]
    whole = (1, 1)
    wanted = [
        (0.5, "border", filtered(image, kernel), "apply_filter of a 9×12 image with a 5×3 kernel"),
        (0.25, "mean_filter_border", averaged(image, 3), "mean_filter(image, 3)"),
        (0.25, "median_filter_border", middle(image, 3), "median_filter(image, 3)"),
    ]
    fail_by_parts(
        [
            (share, problem_with(expect_filtered, evidence, label, e, whole, what=what, hint=BORDER))
            for share, label, e, what in wanted
        ]
    )


@points(1)
def colour_channels_are_filtered_separately(evidence: Evidence, inputs: dict[str, Any]) -> None:
    """apply_filter of a colour image filters red, green and blue, each by itself, and gives a colour image."""
    image, kernel = inputs["colour"]
    what = "apply_filter of a 15×18×3 image with a 3×3 kernel"
    expect_filtered(evidence, "colour", filtered(image, kernel), kernel.shape, what=what, hint=COLOUR)


@points(0.5)
def byte_images_do_not_overflow(evidence: Evidence, inputs: dict[str, Any]) -> None:
    """An image of type uint8 gives the same results as one of floats."""
    image, kernel = inputs["bytes"], inputs["bytes_kernel"]
    for label, expected, what in (
        ("bytes", filtered(image, kernel, 1 / 16), "apply_filter of a uint8 image"),
        ("mean_filter_bytes", averaged(image, 3), "mean_filter of a uint8 image"),
        ("median_filter_bytes", middle(image, 3), "median_filter of a uint8 image"),
    ):
        expect_filtered(evidence, label, expected, (3, 3), what=what, hint=BYTES)


def expect_effect(
    evidence: Evidence, inputs: dict[str, Any], name: str, kernel: Array, factor: float = 1.0, bias: float = 0.0
) -> None:
    """One of the six filters with a fixed kernel: half of its 0.5 points for grey, half for colour."""
    parts = []
    for label, source, hint in (("grey", "grey", ""), ("colour", "scene", COLOUR)):
        image = inputs[source]
        expected = filtered(image, kernel, factor, bias)
        what = f"{name} of a {label} image"
        wrong = problem_with(
            expect_filtered, evidence, f"{name}_{label}", expected, (len(kernel), len(kernel)), what=what, hint=hint
        )
        parts.append((0.25, wrong))
    fail_by_parts(parts)


@points(0.5)
def blur_spreads_each_pixel_evenly(evidence: Evidence, inputs: dict[str, Any]) -> None:
    """The blur is the mean over the diamond of 13 pixels; half the points if only grey images are right."""
    expect_effect(evidence, inputs, "blur", DIAMOND, 1 / 13)


@points(0.5)
def gaussian_blur_favours_the_middle(evidence: Evidence, inputs: dict[str, Any]) -> None:
    """gaussian_blur weighs with the 5×5 bell of the handout; half the points if only grey images are right."""
    expect_effect(evidence, inputs, "gaussian_blur", TRIANGLE, 1 / 256)


@points(0.5)
def motion_blur_smears_along_the_diagonal(evidence: Evidence, inputs: dict[str, Any]) -> None:
    """motion_blur takes the mean of nine pixels on the falling diagonal; half if only grey images are right."""
    expect_effect(evidence, inputs, "motion_blur", np.eye(9), 1 / 9)


@points(0.5)
def find_edges_turns_even_areas_black(evidence: Evidence, inputs: dict[str, Any]) -> None:
    """find_edges leaves what differs from its eight neighbours; half the points if only grey images are right."""
    expect_effect(evidence, inputs, "find_edges", LAPLACE)


@points(0.5)
def sharpen_adds_the_edges_to_the_image(evidence: Evidence, inputs: dict[str, Any]) -> None:
    """Sharpening adds to each pixel what find_edges finds there; half the points if only grey images are right."""
    expect_effect(evidence, inputs, "sharpen", SHARPER)


@points(0.5)
def emboss_makes_a_grey_relief(evidence: Evidence, inputs: dict[str, Any]) -> None:
    """Embossing shows slopes around the middle grey 128; half the points if only grey images are right."""
    expect_effect(evidence, inputs, "emboss", RELIEF, bias=128)


@points(0.5)
def mean_filter_averages_the_window(evidence: Evidence, inputs: dict[str, Any]) -> None:
    """mean_filter takes the mean of size × size pixels; half the points if only grey images are right."""
    image, scene = inputs["small"], inputs["small_scene"]
    grey = [
        problem_with(
            expect_filtered,
            evidence,
            f"mean_filter_{parity}",
            averaged(image, size),
            (size, size),
            what=f"mean_filter(image, {size})",
        )
        for parity, size in (("odd", inputs["odd"]), ("even", inputs["even"]))
    ]
    what = "mean_filter(image, 3) of a colour image"
    colour = problem_with(
        expect_filtered, evidence, "mean_filter_colour", averaged(scene, 3), (3, 3), what=what, hint=COLOUR
    )
    fail_by_parts([(0.25, next(filter(None, grey), "")), (0.25, colour)])


@points(1)
def median_filter_takes_the_middle_value(evidence: Evidence, inputs: dict[str, Any]) -> None:
    """median_filter takes the middle value: half the points for odd sizes, a quarter each for even sizes and colour."""
    parts = []
    between = "Of an even number of values take the mean of the two in the middle; the window begins size // 2 before."
    for share, parity, hint in ((0.5, "odd", ""), (0.25, "even", between)):
        size = inputs[parity]
        expected, what = middle(inputs["small"], size), f"median_filter(image, {size})"
        wrong = problem_with(
            expect_filtered, evidence, f"median_filter_{parity}", expected, (size, size), what=what, hint=hint
        )
        parts.append((share, wrong))
    scene, what = inputs["small_scene"], "median_filter(image, 3) of a colour image"
    wrong = problem_with(
        expect_filtered, evidence, "median_filter_colour", middle(scene, 3), (3, 3), what=what, hint=COLOUR
    )
    fail_by_parts([*parts, (0.25, wrong)])
