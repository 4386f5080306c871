"""Images, kernels and sizes on which the student's functions are tried: worked examples, and some drawn from the seed."""

import numpy as np

EDGE_IMAGE = np.array([[200.0] * 5] * 3 + [[0.0] * 5] * 3)
EDGE_KERNEL = np.array([[10.0] * 3, [0.0] * 3, [-10.0] * 3])
POOLED = np.array([[1.0, 3, 2, 4], [5, 6, 1, 2], [7, 2, 9, 0], [3, 4, 8, 5]])
VERTICAL = np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
HORIZONTAL = VERTICAL.T.copy()


def draw(rng, load):
    """All inputs by name; `load` reads a shipped array."""

    def whole(*shape):
        return rng.integers(-9, 10, shape).astype(float)

    sizes = [
        (26, 3),
        (28, 3, 1, "valid"),
        (28, 5, 1, "valid"),
        (13, 3, 1, "valid"),
        (11, 2, 2, "valid"),
        (26, 2, 2, "valid"),
    ]
    sizes += [(28, 3, 1, "same"), (28, 5, 1, "same"), (28, 3, 1, "full"), (3, 2, 1, "valid"), (6, 3, 1, "valid")]
    for padding in ("valid", "same", "full"):
        n, kernel, stride = int(rng.integers(15, 60)), int(rng.choice([3, 5, 7])), int(rng.integers(2, 5))
        sizes.append((n, kernel, stride, padding))
    return {
        "sizes": sizes,
        "edge": (EDGE_IMAGE, EDGE_KERNEL),
        "symbols": (whole(3, 3), whole(2, 2)),
        "any": (whole(9, 12), whole(3, 3)),
        "oblong": (whole(11, 8), whole(2, 5)),
        "stride": (whole(12, 15), whole(3, 3), int(rng.integers(2, 4))),
        "same": (whole(9, 7), whole(5, 3)),
        "full": (whole(5, 6), whole(3, 4)),
        "same_stride": (whole(10, 13), whole(3, 3), 2),
        "channels": (whole(8, 9, 3), whole(3, 3, 3)),
        "pooled": POOLED,
        "pool_odd": whole(11, 11),
        "pool_even": whole(26, 26),
        "pool_three": whole(10, 13),
        "ascent": load("ascent", "image").astype(float),
    }
