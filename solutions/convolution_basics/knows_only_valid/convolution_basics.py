"""Convolution and pooling by hand: the reference solution."""

import numpy as np


def margin(kernel, padding):
    """Zeros on each side of the image."""
    return {"valid": 0, "same": kernel // 2, "full": kernel - 1}[padding]


def output_size(n, kernel, stride=1, padding="valid"):
    """The size of one side after a convolution."""
    return (n + 2 * margin(kernel, padding) - kernel) // stride + 1


def convolve2d(image, kernel, stride=1, padding="valid"):
    """The kernel laid on every place of the image: products, added up (also over channels)."""
    stride, padding = 1, "valid"
    height, width = kernel.shape[:2]
    rows = output_size(image.shape[0], height, stride, padding)
    columns = output_size(image.shape[1], width, stride, padding)
    around = [(margin(height, padding),) * 2, (margin(width, padding),) * 2, (0, 0)][: image.ndim]
    padded = np.pad(image, around)
    result = np.zeros((rows, columns))
    for y in range(height):
        for x in range(width):
            part = padded[y : y + stride * (rows - 1) + 1 : stride, x : x + stride * (columns - 1) + 1 : stride]
            product = part * kernel[y, x]
            result += product.sum(axis=2) if image.ndim == 3 else product
    return result


def max_pool2d(image, size=2):
    """The largest of each block; what does not fill a block is dropped."""
    rows, columns = image.shape[0] // size, image.shape[1] // size
    blocks = image[: rows * size, : columns * size].reshape(rows, size, columns, size)
    return blocks.max(axis=(1, 3))


def filter_and_pool(image, kernel):
    """Filter a grey image, keep its values from 0 to 255, and halve its sides."""
    return max_pool2d(np.clip(convolve2d(image, kernel, padding="same"), 0, 255))


def vertical_lines(image):
    """Vertical lines stand out."""
    return filter_and_pool(image, np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]))


def horizontal_lines(image):
    """Horizontal lines stand out."""
    return filter_and_pool(image, np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]]))
