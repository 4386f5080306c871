"""Networks whose weights are drawn from the seed, so that nothing need be trained, and images to send through them.

A network is a list of layers: ("conv", kernel, bias), ("pool", size), ("flatten",), ("dense", kernel, bias, activation).
"""

import numpy as np

SHOES = [0, 23, 28]
OTHER_SHOES = [0, 7, 26]


def convolution(rng, size, channels, filters):
    """A Conv2D with kernels that react to edges.

    Each kernel adds up to 0 and each bias is positive and its own, so that no filter is dark and no two look alike.
    """
    kernel = rng.normal(0, 1.5 / size, (size, size, channels, filters))
    kernel -= kernel.mean(axis=(0, 1))
    bias = rng.permutation(np.linspace(0.1, 0.5, filters))
    return "conv", kernel.astype(np.float32), bias.astype(np.float32)


def dense(rng, given, units, activation="relu"):
    """A Dense layer; the softmax gets larger weights, so that its probabilities differ."""
    scale = (3 if activation == "softmax" else 1) / np.sqrt(given)
    kernel, bias = rng.normal(0, scale, (given, units)), rng.uniform(0.1, 0.5, units)
    return "dense", kernel.astype(np.float32), bias.astype(np.float32), activation


def network(rng):
    """The network of the handout, with few filters: seven layers."""
    return [
        convolution(rng, 3, 1, 4),
        ("pool", 2),
        convolution(rng, 3, 4, 6),
        ("pool", 2),
        ("flatten",),
        dense(rng, 5 * 5 * 6, 16),
        dense(rng, 16, 10, "softmax"),
    ]


def other_network(rng):
    """One of eight layers in another order."""
    return [
        convolution(rng, 5, 1, 3),
        convolution(rng, 3, 3, 2),
        ("pool", 2),
        ("flatten",),
        dense(rng, 11 * 11 * 2, 12),
        dense(rng, 12, 9),
        dense(rng, 9, 8),
        dense(rng, 8, 10, "softmax"),
    ]


def draw(rng, load):
    """All inputs by name; images have the shape (number, 28, 28, 1) and values from 0 to 1, only `flat` lacks the axis."""
    every = load("fashion_mnist", "x_test").reshape(-1, 28, 28, 1)

    def pictures(places):
        return (every[places] / 255).astype(np.float32)

    several = rng.choice(len(every), int(rng.integers(5, 9)), replace=False)
    return {
        "network": network(rng),
        "other_network": other_network(rng),
        "shoes": pictures(SHOES),
        "other_shoes": pictures(OTHER_SHOES),
        "one": pictures(several[:1]),
        "several": pictures(several),
        "flat": pictures(several[:2]).reshape(-1, 28, 28),
        "filter": int(rng.choice([0, 2, 3])),
    }
