import numpy as np

PAD = {"valid": lambda k: 0, "same": lambda k: k // 2, "full": lambda k: k - 1}


def output_size(n, kernel, stride=1, padding="valid"):
    return int(np.floor((n + 2 * PAD[padding](kernel) - kernel) / stride)) + 1


def convolve2d(image, kernel, stride=1, padding="valid"):
    if image.ndim == 3:
        return sum(convolve2d(image[:, :, c], kernel[:, :, c], stride, padding) for c in range(image.shape[2]))
    kh, kw = kernel.shape
    image = np.pad(image, ((PAD[padding](kh),) * 2, (PAD[padding](kw),) * 2))
    out = []
    for i in range(0, image.shape[0] - kh + 1, stride):
        row = []
        for j in range(0, image.shape[1] - kw + 1, stride):
            row.append(np.sum(image[i:i + kh, j:j + kw] * kernel))
        out.append(row)
    return np.array(out)


def max_pool2d(image, size=2):
    h, w = image.shape[0] // size, image.shape[1] // size
    return np.array([[image[i * size:(i + 1) * size, j * size:(j + 1) * size].max() for j in range(w)] for i in range(h)])


V = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])


def vertical_lines(image):
    return max_pool2d(convolve2d(image, V, padding="same").clip(0, 255))


def horizontal_lines(image):
    return max_pool2d(convolve2d(image, V.T, padding="same").clip(0, 255))
