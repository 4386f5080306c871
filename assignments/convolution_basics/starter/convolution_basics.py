"""Assignment: convolution and pooling by hand.

Write between the lines `YOUR CODE STARTS HERE` and `YOUR CODE ENDS HERE`, and leave the rest as it is.
NumPy is all you need. The handout says exactly what each function gives back.
"""

import numpy as np

# 0. Room for functions of your own, if you want some. It may stay empty.
# YOUR CODE STARTS HERE
pass
# YOUR CODE ENDS HERE


def output_size(n, kernel, stride=1, padding="valid"):
    """The size of one side after a convolution."""
    # 1. n and kernel are the sizes of one side of the image and of the kernel; padding is "valid", "same" or "full".
    # YOUR CODE STARTS HERE
    pass
    # YOUR CODE ENDS HERE


def convolve2d(image, kernel, stride=1, padding="valid"):
    """The weighted sums of an image, (H, W) or (H, W, C), under a kernel, (h, w) or (h, w, C): a plane of two axes."""
    # 2. Pad with zeros, lay the kernel on every place as it is, multiply, and add up; over the channels, too.
    # YOUR CODE STARTS HERE
    pass
    # YOUR CODE ENDS HERE


def max_pool2d(image, size=2):
    """The largest value of each block of size × size; what does not fill a block is dropped."""
    # 3. The image is grey: an array of two axes.
    # YOUR CODE STARTS HERE
    pass
    # YOUR CODE ENDS HERE


def vertical_lines(image):
    """A grey image at half its size in which vertical lines stand out."""
    # 4. Convolve with padding "same", clip to 0...255, and pool.
    # YOUR CODE STARTS HERE
    pass
    # YOUR CODE ENDS HERE


def horizontal_lines(image):
    """A grey image at half its size in which horizontal lines stand out."""
    # 5. The same with the other kernel.
    # YOUR CODE STARTS HERE
    pass
    # YOUR CODE ENDS HERE


# Try it: an edge, bright above and dark below. Remove the `#` in front of the lines below; the handout shows what
# should come out of the convolution.
# edge = np.array([[200.0] * 5] * 3 + [[0.0] * 5] * 3)
# bright_above = np.array([[10.0] * 3, [0.0] * 3, [-10.0] * 3])
# print(output_size(6, 3), output_size(5, 3))
# print(convolve2d(edge, bright_above))
# print(max_pool2d(edge))
