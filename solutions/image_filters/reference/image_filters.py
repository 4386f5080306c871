"""Assignment: image filters.

Write between the lines `YOUR CODE STARTS HERE` and `YOUR CODE ENDS HERE`, and leave the rest as it is.
An image is an array of shape (H, W) or (H, W, 3) with values from 0 to 255. The handout has all kernels as numbers.
"""

import numpy as np

# 0. Room for functions of your own, if you want some. It may stay empty.
# YOUR CODE STARTS HERE


def neighbourhoods(image, height, width):
    """The window of each pixel, wrapped around at the border: (H, W, height, width) or (H, W, 3, height, width)."""
    above, left = height // 2, width // 2
    around = [(above, height - 1 - above), (left, width - 1 - left), (0, 0)][: image.ndim]
    padded = np.pad(np.asarray(image, float), around, mode="wrap")
    return np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(0, 1))


# YOUR CODE ENDS HERE


def apply_filter(image, kernel, factor=1.0, bias=0.0):
    """The image seen through a kernel: factor times the weighted sum, plus bias, clipped to 0...255."""
    # 1. Lay the kernel on each pixel as it is; beyond the border the image begins again at the opposite side.
    #    A colour image has three channels, and each is filtered by itself.
    # YOUR CODE STARTS HERE
    kernel = np.asarray(kernel, float)
    total = (neighbourhoods(image, *kernel.shape) * kernel).sum(axis=(-2, -1))
    return np.clip(factor * total + bias, 0, 255)
    # YOUR CODE ENDS HERE


def blur(image):
    """Every pixel becomes the mean of the 13 in the diamond around it."""
    # 2. Choose the kernel and the factor.
    # YOUR CODE STARTS HERE
    kernel = [[0, 0, 1, 0, 0], [0, 1, 1, 1, 0], [1, 1, 1, 1, 1], [0, 1, 1, 1, 0], [0, 0, 1, 0, 0]]
    return apply_filter(image, kernel, factor=1 / 13)
    # YOUR CODE ENDS HERE


def gaussian_blur(image):
    """A blur in which near pixels count more than those further away."""
    # 3. Choose the kernel and the factor.
    # YOUR CODE STARTS HERE
    line = np.array([1, 4, 6, 4, 1])
    return apply_filter(image, np.outer(line, line), factor=1 / 256)
    # YOUR CODE ENDS HERE


def motion_blur(image):
    """A blur in one direction, from the upper left to the lower right."""
    # 4. Choose the kernel and the factor.
    # YOUR CODE STARTS HERE
    return apply_filter(image, np.eye(9), factor=1 / 9)
    # YOUR CODE ENDS HERE


def find_edges(image):
    """Edges become bright, and areas of one colour black."""
    # 5. Choose the kernel.
    # YOUR CODE STARTS HERE
    kernel = np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]])
    return apply_filter(image, kernel)
    # YOUR CODE ENDS HERE


def sharpen(image):
    """The image with its edges added."""
    # 6. Choose the kernel.
    # YOUR CODE STARTS HERE
    kernel = np.array([[-1, -1, -1], [-1, 9, -1], [-1, -1, -1]])
    return apply_filter(image, kernel)
    # YOUR CODE ENDS HERE


def emboss(image):
    """A relief: slopes as light and shadow, flat areas in the middle grey."""
    # 7. Choose the kernel and the bias.
    # YOUR CODE STARTS HERE
    kernel = np.array([[-1, -1, 0], [-1, 0, 1], [0, 1, 1]])
    return apply_filter(image, kernel, bias=128)
    # YOUR CODE ENDS HERE


def mean_filter(image, size):
    """Every pixel becomes the mean of the size × size pixels around it."""
    # 8. The window begins size // 2 pixels above and to the left.
    # YOUR CODE STARTS HERE
    return neighbourhoods(image, size, size).mean(axis=(-2, -1))
    # YOUR CODE ENDS HERE


def median_filter(image, size):
    """Every pixel becomes the median of the size × size pixels around it."""
    # 9. The same window. Of an even number of values, the median is the mean of the two in the middle.
    # YOUR CODE STARTS HERE
    return np.median(neighbourhoods(image, size, size), axis=(-2, -1))
    # YOUR CODE ENDS HERE


# Try it: the example of the handout, and a white dot on a dark ground. Remove the `#` in front of the lines below.
# rows = np.array([[10, 20, 30, 40, 50], [10, 20, 30, 40, 50], [90, 90, 90, 90, 90], [0, 10, 20, 30, 40]])
# print(apply_filter(rows, np.array([[0, 1, 0], [0, 0, 2], [0, 0, 0]])))
#
# dot = np.full((11, 11), 20.0)
# dot[5, 5] = 255
# print(np.round(gaussian_blur(dot)))
# print(np.round(median_filter(dot, 3)))
