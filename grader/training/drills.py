"""Made-up curves on which a student's callbacks are tried.

The values are drawn from the assignment's recorded seed and rounded to float32, as Keras logs them; the loss falls as
the accuracy rises. Every curve is as long as the student's `fit` may run. A student may well find out that a curve is
a drill: it does not matter, since each reaction is judged against the curve that was supplied.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Logs = dict[str, float]
Values = list[tuple[float, float]]


@dataclass(frozen=True)
class Drill:
    """A named curve: logs of each epoch."""

    name: str
    epochs: tuple[Logs, ...]

    def enough(self, metric: str, threshold: float) -> int:
        """After how many epochs the outcome is known if the training still goes on: a few past the threshold, or ten."""
        over = [
            i for i, logs in enumerate(self.epochs) if any(v >= threshold for k, v in logs.items() if metric[:3] in k)
        ]
        return min((over[0] + 4) if over else 10, len(self.epochs))


def make_drills(keys: list[str], epochs: int, threshold: float, seed: int) -> list[Drill]:
    """The drills for one `fit` that logs `keys` over `epochs` epochs."""
    rng = np.random.default_rng(seed)
    length = max(epochs, 1)
    curves: dict[str, Callable[[], Values]] = {
        "crossing": lambda: crossing(rng, length, threshold),
        "landing": lambda: landing(rng, length, threshold),
        "never": lambda: never(rng, length, threshold),
        "not_a_number": lambda: [(0.0987, float("nan"))] * length,
        "dip": lambda: dip(rng, length, threshold),
        "perfect": lambda: perfect(rng, length),
    }
    return [Drill(name, tuple(to_logs(keys, *pair) for pair in make())) for name, make in curves.items()]


def make_provisional(keys: list[str], epochs: int, threshold: float, seed: int) -> Drill:
    """A curve to go on with while the true one is not known."""
    values = crossing(np.random.default_rng(seed + 1), max(epochs, 1), threshold)
    return Drill("provisional", tuple(to_logs(keys, *pair) for pair in values))


def crossing_epoch(rng: np.random.Generator, length: int) -> int:
    """Where a curve crosses: not the first epoch and not the last, if there are enough."""
    return int(rng.integers(1, max(min(length - 1, 7), 2))) if length > 2 else length - 1


def rise(rng: np.random.Generator, count: int, top: float) -> list[float]:
    """`count` rising accuracies that stay below `top`."""
    gaps = np.sort(rng.uniform(0.15, 1.0, count))[::-1] if count else np.zeros(0)
    return [float(top - 0.04 * gap * (0.6**index)) for index, gap in enumerate(gaps)]


def loss_of(accuracy: float) -> float:
    """A loss that goes with an accuracy, as seen on MNIST: about three times the errors."""
    return max(3.0 * (1.0 - accuracy), 1e-5)


def crossing(rng: np.random.Generator, length: int, threshold: float) -> Values:
    """Rises, crosses the threshold once, and stays above."""
    at = crossing_epoch(rng, length)
    above = threshold + (1.0 - threshold) * rng.uniform(0.3, 0.6)
    accuracies = rise(rng, at, threshold - 0.0004) + [above] * (length - at)
    return [(value, loss_of(value)) for value in accuracies]


def landing(rng: np.random.Generator, length: int, threshold: float) -> Values:
    """Lands exactly on the threshold, and goes on above it one epoch later."""
    at = crossing_epoch(rng, length)
    above = threshold + (1.0 - threshold) * 0.5
    accuracies = [*rise(rng, at, threshold - 0.0004), threshold, *[above] * (length - at - 1)]
    return [(value, loss_of(value)) for value in accuracies[:length]]


def never(rng: np.random.Generator, length: int, threshold: float) -> Values:
    """Stays below the threshold, while the loss becomes as small as one could wish."""
    top = threshold - (1.0 - threshold) * 0.2
    accuracies = [min(value, top) for value in rise(rng, length, top)]
    return [(value, max(0.5 * 0.3**index, 1e-4)) for index, value in enumerate(accuracies)]


def dip(rng: np.random.Generator, length: int, threshold: float) -> Values:
    """Crosses for one epoch and falls back."""
    values = crossing(rng, length, threshold)
    at = next((index for index, (value, _) in enumerate(values) if value >= threshold), length - 1)
    lower = threshold - 0.003
    return values[: at + 1] + [(lower, loss_of(lower))] * (length - at - 1)


def perfect(rng: np.random.Generator, length: int) -> Values:
    """Crosses any sensible rule for accuracy or loss: ends at accuracy 1 and hardly any loss."""
    at = crossing_epoch(rng, length)
    accuracies = [*rise(rng, at, 0.985), *[1.0] * (length - at)]
    return [(value, loss_of(value)) for value in accuracies]


def to_logs(keys: list[str], accuracy: float, loss: float) -> Logs:
    """One epoch's logs under the keys that Keras will use, as float32 values."""
    logs = {}
    for key in keys:
        plain = key.removeprefix("val_")
        value = loss if "loss" in plain or "error" in plain or "entropy" in plain else accuracy
        logs[key] = float(np.float32(value))
    return logs


def batch_logs(before: Logs | None, after: Logs, batches: int) -> np.ndarray[Any, Any]:
    """Logs after each batch of a made-up epoch, from the last epoch's values to this one's; (batches, keys)."""
    keys = [key for key in after if not key.startswith("val_")]
    start = np.array([(before or {}).get(key, 0.1 if "loss" not in key else 2.3) for key in keys])
    end = np.array([after[key] for key in keys])
    steps = np.linspace(0.0, 1.0, batches + 1)[1:, None]
    logs: np.ndarray[Any, Any] = (start + (end - start) * steps).astype(np.float32)
    return logs
