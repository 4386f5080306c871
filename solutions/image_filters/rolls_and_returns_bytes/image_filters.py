import numpy as np


def shifted(image, h, w):
    image = image.astype(np.float64)
    for i in range(h):
        for j in range(w):
            yield i, j, np.roll(image, (h // 2 - i, w // 2 - j), (0, 1))


def as_bytes(image):
    return np.clip(image, 0, 255).astype(np.uint8)


def apply_filter(image, kernel, factor=1.0, bias=0.0):
    kernel = np.array(kernel)
    return as_bytes(sum(kernel[i, j] * part for i, j, part in shifted(image, *kernel.shape)) * factor + bias)


def blur(image):
    y, x = np.mgrid[-2:3, -2:3]
    return apply_filter(image, abs(x) + abs(y) <= 2, 1 / 13)


def gaussian_blur(image):
    k = np.array([[1, 4, 6, 4, 1], [4, 16, 24, 16, 4], [6, 24, 36, 24, 6], [4, 16, 24, 16, 4], [1, 4, 6, 4, 1]])
    return apply_filter(image, k / k.sum())


def motion_blur(image):
    return apply_filter(image, np.diag([1 / 9] * 9))


def find_edges(image):
    return as_bytes(9 * image.astype(float) - sum(part for _, _, part in shifted(image, 3, 3)))


def sharpen(image):
    return as_bytes(10 * image.astype(float) - sum(part for _, _, part in shifted(image, 3, 3)))


def emboss(image):
    return apply_filter(image, np.sign(np.add.outer(np.arange(-1, 2), np.arange(-1, 2))), bias=128)


def mean_filter(image, size):
    return as_bytes(sum(part for _, _, part in shifted(image, size, size)) / size ** 2)


def median_filter(image, size):
    return as_bytes(np.median([part for _, _, part in shifted(image, size, size)], axis=0))
