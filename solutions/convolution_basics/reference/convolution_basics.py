"""Assignment: convolution and pooling by hand.

Write between the lines `YOUR CODE STARTS HERE` and `YOUR CODE ENDS HERE`, and leave the rest as it is.
NumPy is all you need. The handout says exactly what each function gives back.
"""

import numpy as np

# 0. Room for functions of your own, if you want some. It may stay empty.
# YOUR CODE STARTS HERE


def margin(kernel, padding):
    """Zeros on each side of the image."""
    return {"valid": 0, "same": kernel // 2, "full": kernel - 1}[padding]


def filter_and_pool(image, kernel):
    """Filter a grey image, keep its values from 0 to 255, and halve its sides."""
    return max_pool2d(np.clip(convolve2d(image, kernel, padding="same"), 0, 255))


# YOUR CODE ENDS HERE


def output_size(n, kernel, stride=1, padding="valid"):
    """The size of one side after a convolution."""
    # 1. n and kernel are the sizes of one side of the image and of the kernel; padding is "valid", "same" or "full".
    # YOUR CODE STARTS HERE
    return (n + 2 * margin(kernel, padding) - kernel) // stride + 1
    # YOUR CODE ENDS HERE


def convolve2d(image, kernel, stride=1, padding="valid"):
    """The weighted sums of an image, (H, W) or (H, W, C), under a kernel, (h, w) or (h, w, C): a plane of two axes."""
    # 2. Pad with zeros, lay the kernel on every place as it is, multiply, and add up; over the channels, too.
    # YOUR CODE STARTS HERE
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
    # YOUR CODE ENDS HERE


def max_pool2d(image, size=2):
    """The largest value of each block of size × size; what does not fill a block is dropped."""
    # 3. The image is grey: an array of two axes.
    # YOUR CODE STARTS HERE
    rows, columns = image.shape[0] // size, image.shape[1] // size
    blocks = image[: rows * size, : columns * size].reshape(rows, size, columns, size)
    return blocks.max(axis=(1, 3))
    # YOUR CODE ENDS HERE


def vertical_lines(image):
    """A grey image at half its size in which vertical lines stand out."""
    # 4. Convolve with padding "same", clip to 0...255, and pool.
    # YOUR CODE STARTS HERE
    return filter_and_pool(image, np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]))
    # YOUR CODE ENDS HERE


def horizontal_lines(image):
    """A grey image at half its size in which horizontal lines stand out."""
    # 5. The same with the other kernel.
    # YOUR CODE STARTS HERE
    return filter_and_pool(image, np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]]))
    # YOUR CODE ENDS HERE


# Try it: an edge, bright above and dark below. Remove the `#` in front of the lines below; the handout shows what
# should come out of the convolution.
# edge = np.array([[200.0] * 5] * 3 + [[0.0] * 5] * 3)
# bright_above = np.array([[10.0] * 3, [0.0] * 3, [-10.0] * 3])
# print(output_size(6, 3), output_size(5, 3))
# print(convolve2d(edge, bright_above))
# print(max_pool2d(edge))
