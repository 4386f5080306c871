"""Tables, curves and networks on which the student's functions are tried, and a few images for the networks."""

import numpy as np

NAMES = [
    "filters 8",
    "filters 24",
    "filters 48",
    "four convolutions",
    "dense layers only",
    "kernels of five",
    "two poolings",
]
ROWS = 6


def draw(rng, load):
    """All inputs by name; `load` reads a shipped array."""
    images = load("fashion_mnist", "x_train")[:64, :, :, np.newaxis] / 255.0
    return {
        "tables": [drawn_table(rng, largest_is_slowest=True), drawn_table(rng, largest_is_slowest=False)],
        "histories": [
            overfitted(rng, 20),
            still_learning(rng, 12),
            collapsed(rng, 9),
            level(rng, 14),
            stumbled(rng, 10),
        ],
        "networks": [(), (int(rng.choice([8, 12, 24])), 1), (int(rng.choice([20, 28, 40])), 3)],
        "images": images.astype("float32"),
        "labels": load("fashion_mnist", "y_train")[:64],
    }


def drawn_table(rng, largest_is_slowest):
    """A made-up table in which the largest number of each column stands in a row of its own.

    Only the most seconds stand beside the most parameters where that is asked for.
    """
    most, slowest, best, best_on_test = (int(row) for row in rng.permutation(ROWS)[:4])
    columns = {
        "name": [NAMES[place] for place in rng.permutation(len(NAMES))[:ROWS]],
        "parameters": [int(value) for value in column(rng, 20_000, 900_000, most)],
        "seconds": column(rng, 15, 240, most if largest_is_slowest else slowest),
        "accuracy": column(rng, 0.85, 0.97, best),
        "test_accuracy": column(rng, 0.83, 0.92, best_on_test),
    }
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def column(rng, low, high, row):
    """Numbers in any order, of which the largest stands in this row."""
    values = sorted(float(value) for value in rng.uniform(low, high, ROWS))
    largest = values.pop() + (high - low) / 100
    rest = [values[place] for place in rng.permutation(len(values))]
    return [*rest[:row], largest, *rest[row:]]


def overfitted(rng, epochs):
    """Training goes on getting better, while the test images are best in the middle and recover only in part."""
    best = int(rng.integers(epochs // 3, 2 * epochs // 3))
    after = rise(rng, epochs - best - 1, 0.89, 0.905)
    return curves(rise(rng, epochs, 0.84, 0.98), [*rise(rng, best, 0.84, 0.88), 0.91, *after])


def still_learning(rng, epochs):
    """Both go up to the last epoch."""
    return curves(rise(rng, epochs, 0.82, 0.93), rise(rng, epochs, 0.83, 0.91))


def collapsed(rng, epochs):
    """Both go up and then down again: something is wrong, but it is not overfitting."""
    best = int(rng.integers(3, epochs - 3))
    falls = epochs - best - 1
    accuracy = rise(rng, best + 1, 0.82, 0.92) + rise(rng, falls, 0.55, 0.8)[::-1]
    return curves(accuracy, rise(rng, best + 1, 0.81, 0.9) + rise(rng, falls, 0.5, 0.78)[::-1])


def level(rng, epochs):
    """Training goes on getting better, and at the end the test images are as good as they were at their best."""
    best = int(rng.integers(3, epochs - 3))
    between = rise(rng, epochs - best - 2, 0.88, 0.895)
    return curves(rise(rng, epochs, 0.84, 0.98), [*rise(rng, best, 0.83, 0.88), 0.9, *between, 0.9])


def stumbled(rng, epochs):
    """Looks like overfitting up to the last epoch, in which training falls below what it was in the best one."""
    best = int(rng.integers(3, epochs - 3))
    accuracy = rise(rng, epochs - 1, 0.84, 0.96)
    return curves(
        [*accuracy, (accuracy[best - 1] + accuracy[best]) / 2],
        [*rise(rng, best, 0.84, 0.88), 0.91, *rise(rng, epochs - best - 1, 0.89, 0.905)[::-1]],
    )


def rise(rng, count, low, high):
    """Rising numbers between two bounds, the upper one last."""
    return [*sorted(float(value) for value in rng.uniform(low, high - 0.002, count - 1)), high]


def curves(accuracy, val_accuracy):
    """What `fit` returns as `history.history`; losses go down where accuracies go up."""
    return {
        "accuracy": accuracy,
        "loss": [2.8 * (1 - value) for value in accuracy],
        "val_accuracy": val_accuracy,
        "val_loss": [3.1 * (1 - value) for value in val_accuracy],
    }
