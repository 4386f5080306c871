"""Checks of `convolution_basics`: sizes, convolution and pooling against SciPy and NumPy."""

from typing import Any

import numpy as np
from scipy.signal import correlate

from grader.judging import Evidence, fail_by_parts, points, problem_with
from grader.judging.value_expectations import expect_array, expect_number

Array = np.ndarray[Any, Any]
FORMULA = "The size is (n + 2·p - kernel) // stride + 1, where p is 0, kernel // 2 or kernel - 1."


def size_of(n: int, kernel: int, stride: int = 1, padding: str = "valid") -> int:
    """The size of a side after a convolution."""
    margin = {"valid": 0, "same": kernel // 2, "full": kernel - 1}[padding]
    return (n + 2 * margin - kernel) // stride + 1


def convolved(image: Array, kernel: Array, stride: int = 1, padding: str = "valid") -> Array:
    """The cross-correlation of an image by SciPy, summed over channels."""
    height, width = kernel.shape[:2]
    margins = {"valid": (0, 0), "same": (height // 2, width // 2), "full": (height - 1, width - 1)}[padding]
    around = [(margins[0],) * 2, (margins[1],) * 2, (0, 0)][: image.ndim]
    result: Array = correlate(np.pad(image, around), kernel, mode="valid")
    return result.reshape(result.shape[:2])[::stride, ::stride]


def pooled(image: Array, size: int = 2) -> Array:
    """The largest of each size×size block; what is left over at the right and below is dropped."""
    rows, columns = image.shape[0] // size, image.shape[1] // size
    blocks: Array = image[: rows * size, : columns * size].reshape(rows, size, columns, size).max(axis=(1, 3))
    return blocks


@points(2)
def output_size_follows_the_formula(evidence: Evidence, inputs: dict[str, Any]) -> None:
    """output_size tells the size of the result for every image, kernel, stride and padding."""
    for number, size in enumerate(inputs["sizes"]):
        what = f"output_size({', '.join(map(repr, size))})"
        expect_number(evidence, f"size_{number}", size_of(*size), what=what, hint=FORMULA)


@points(2)
def convolution_matches_the_worked_examples(evidence: Evidence, inputs: dict[str, Any]) -> None:
    """convolve2d gives the results of the two examples of the handout: the edge, and 3×3 with 2×2."""
    for label, what in (("edge", "the edge example"), ("symbols", "a 3×3 image with a 2×2 kernel")):
        image, kernel = inputs[label]
        hint = "Lay the kernel on the image as it is: do not turn it around."
        expect_array(evidence, label, convolved(image, kernel), what=f"convolve2d on {what}", hint=hint)


@points(1.5)
def convolution_is_right_for_any_image(evidence: Evidence, inputs: dict[str, Any]) -> None:
    """convolve2d is right for images and kernels that are not square."""
    for label in ("any", "oblong"):
        image, kernel = inputs[label]
        what = (
            f"convolve2d of a {image.shape[0]}×{image.shape[1]} image with a {kernel.shape[0]}×{kernel.shape[1]} kernel"
        )
        expect_array(evidence, label, convolved(image, kernel), what=what)


@points(1.5)
def convolution_handles_stride_and_padding(evidence: Evidence, inputs: dict[str, Any]) -> None:
    """convolve2d takes a stride, and pads with zeros for `same` and `full`; part of the points for each."""
    image, kernel, stride = inputs["stride"]
    both, both_kernel, two = inputs["same_stride"]
    wanted = {
        "stride": (0.5, convolved(image, kernel, stride), f"convolve2d with stride={stride}"),
        "same": (0.5, convolved(*inputs["same"], padding="same"), 'convolve2d with padding="same"'),
        "full": (0.25, convolved(*inputs["full"], padding="full"), 'convolve2d with padding="full"'),
        "same_stride": (
            0.25,
            convolved(both, both_kernel, two, "same"),
            'convolve2d with stride=2 and padding="same"',
        ),
    }
    fail_by_parts(
        [
            (share, problem_with(expect_array, evidence, label, expected, what=what))
            for label, (share, expected, what) in wanted.items()
        ]
    )


@points(0.5)
def convolution_sums_over_channels(evidence: Evidence, inputs: dict[str, Any]) -> None:
    """A colour image and a kernel of the same depth give one plane: the sum over the channels."""
    image, kernel = inputs["channels"]
    hint = "Multiply each channel with its own part of the kernel and add everything up."
    expect_array(evidence, "channels", convolved(image, kernel), what="convolve2d of an 8×9×3 image", hint=hint)


@points(1.5)
def max_pooling_takes_the_largest(evidence: Evidence, inputs: dict[str, Any]) -> None:
    """max_pool2d keeps the largest value of each block and drops what does not fill a block."""
    for label, what in (
        ("pooled", "max_pool2d of the 4×4 example"),
        ("pool_even", "max_pool2d of a 26×26 image"),
        ("pool_odd", "max_pool2d of an 11×11 image"),
    ):
        expect_array(evidence, label, pooled(inputs[label]), what=what)
    expect_array(evidence, "pool_three", pooled(inputs["pool_three"], 3), what="max_pool2d with size=3")


@points(1)
def lines_stand_out_on_the_ascent_image(evidence: Evidence, inputs: dict[str, Any]) -> None:
    """vertical_lines and horizontal_lines filter the 512×512 image and pool it to 256×256; half the points for each."""
    vertical = np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    parts = []
    for name, kernel in (("vertical_lines", vertical), ("horizontal_lines", vertical.T)):
        expected = pooled(np.clip(convolved(inputs["ascent"], kernel, padding="same"), 0, 255))
        parts.append((0.5, problem_with(expect_array, evidence, name, expected, what=f"{name}(image)")))
    fail_by_parts(parts)
