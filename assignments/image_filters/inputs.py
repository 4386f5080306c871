"""Images, kernels, factors and window sizes on which the student's functions are tried.

Kernels that are not there to tell whether the kernel is turned around look the same when it is, and those that are not
there to tell whether the result is clipped give values from 0 to 255: each notion is judged by itself.
"""

import numpy as np

EXAMPLE_IMAGE = np.array([[10.0, 20, 30, 40, 50], [10, 20, 30, 40, 50], [90, 90, 90, 90, 90], [0, 10, 20, 30, 40]])
EXAMPLE_KERNEL = np.array([[0.0, 1, 0], [0, 0, 2], [0, 0, 0]])


def draw(rng, load):
    """All inputs by name; `load` reads a shipped array."""

    def noise(*shape):
        return rng.uniform(0, 255, shape)

    def weights(*shape):
        kernel = rng.uniform(0.1, 1, shape)
        return kernel / kernel.sum()

    def even(kernel):
        return (kernel + kernel[::-1, ::-1]) / 2

    def scene(height, width):
        """Coloured rectangles on a coloured ground, with a little noise."""
        image = np.zeros((height, width, 3)) + rng.uniform(0, 255, 3)
        for _ in range(8):
            top, left = rng.integers(0, height - 6), rng.integers(0, width - 6)
            image[top : top + rng.integers(3, 14), left : left + rng.integers(3, 14)] = rng.uniform(0, 255, 3)
        return np.clip(image + rng.normal(0, 6, image.shape), 0, 255)

    def crop(height, width):
        """A piece of the stairs in the ascent image, with twice its contrast.

        The fractions added keep results off whole numbers, so that cutting off and being one too low are different.
        """
        image = load("ascent", "image").astype(float)
        top, left = int(rng.integers(200, 300)), int(rng.integers(150, 300))
        piece = image[top : top + height, left : left + width]
        return np.clip(2 * piece - piece.mean(), 0, 254) + rng.uniform(0.05, 0.95, piece.shape)

    counts = even(rng.integers(1, 9, (3, 3)) * 2.0)
    contrast = -8 * even(weights(3, 3))
    contrast[1, 1] += 9
    slope = even(rng.uniform(-1, 1, (3, 3)))
    slope -= slope.mean()
    return {
        "example": (EXAMPLE_IMAGE, EXAMPLE_KERNEL),
        "any": (noise(9, 12), weights(3, 3)),
        "oblong": (noise(13, 10), weights(3, 5)),
        "factor": (noise(9, 11), counts, float(1 / counts.sum())),
        "bias": (noise(10, 9), even(weights(3, 3)) / 2, float(rng.uniform(30, 90))),
        "clipped": (noise(12, 11), contrast),
        "together": (noise(11, 13), slope, float(rng.uniform(0.3, 0.7)), float(rng.uniform(80, 150))),
        "border": (noise(9, 12), even(weights(5, 3))),
        "colour": (scene(15, 18), even(weights(3, 3))),
        "bytes": rng.integers(0, 256, (10, 12), dtype=np.uint8),
        "bytes_kernel": np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]),
        "grey": crop(64, 80),
        "scene": scene(36, 44),
        "small": noise(11, 14),
        "small_scene": scene(16, 19),
        "odd": 5,
        "even": 4,
    }
