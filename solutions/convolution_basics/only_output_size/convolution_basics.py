"""Convolution and pooling by hand: the reference solution."""

import numpy as np


def margin(kernel, padding):
    """Zeros on each side of the image."""
    return {"valid": 0, "same": kernel // 2, "full": kernel - 1}[padding]


def output_size(n, kernel, stride=1, padding="valid"):
    """The size of one side after a convolution."""
    return (n + 2 * margin(kernel, padding) - kernel) // stride + 1


