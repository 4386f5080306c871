from statistics import median

import numpy as np


def surroundings(plane, y, x, h, w):
    H, W = len(plane), len(plane[0])
    return [plane[(y - h // 2 + i) % H][(x - w // 2 + j) % W] for i in range(h) for j in range(w)]


def each_pixel(image, h, w, what):
    if image.ndim == 3:
        return np.dstack([each_pixel(image[:, :, c], h, w, what) for c in range(3)])
    plane = image.astype(float).tolist()
    return np.array([[what(surroundings(plane, y, x, h, w)) for x in range(len(plane[0]))] for y in range(len(plane))])


def apply_filter(image, kernel, factor=1.0, bias=0.0):
    weights = [float(k) for row in kernel for k in row]

    def pixel(values):
        return min(max(factor * sum(k * v for k, v in zip(weights, values)) + bias, 0.0), 255.0)

    return each_pixel(image, len(kernel), len(kernel[0]), pixel)


FILTERS = {
    "blur": ("00100 01110 11111 01110 00100", 1 / 13, 0),
    "motion": (" ".join("0" * i + "1" + "0" * (8 - i) for i in range(9)), 1 / 9, 0),
}


def by_name(image, name):
    rows, factor, bias = FILTERS[name]
    return apply_filter(image, [[int(k) for k in row] for row in rows.split()], factor, bias)


def blur(image): return by_name(image, "blur")


def motion_blur(image): return by_name(image, "motion")


def gaussian_blur(image):
    return apply_filter(image, [[a * b for b in (1, 4, 6, 4, 1)] for a in (1, 4, 6, 4, 1)], 0.00390625)


def find_edges(image):
    return apply_filter(image, [[-1] * 3, [-1, 8, -1], [-1] * 3])


def sharpen(image):
    return apply_filter(image, [[-1] * 3, [-1, 9, -1], [-1] * 3])


def emboss(image):
    return apply_filter(image, [[-1, -1, 0], [-1, 0, 1], [0, 1, 1]], 1, 128)


def mean_filter(image, size):
    return each_pixel(image, size, size, lambda values: sum(values) / len(values))


def median_filter(image, size):
    return each_pixel(image, size, size, median)
