"""Values of metrics as Keras logs them."""

import math
from collections.abc import Mapping


def value_of(logs: Mapping[str, float], metric: str) -> float:
    """The metric under whatever key Keras logs it (`accuracy`, `acc`, `sparse_categorical_accuracy`)."""
    for key in (metric, "acc", f"sparse_categorical_{metric}", f"categorical_{metric}"):
        if key in logs:
            return logs[key]
    plain = [key for key in logs if "acc" in key and not key.startswith("val_")]
    return logs[plain[0]] if plain else math.nan


def reached(value: float, threshold: float) -> bool:
    """At or over the threshold, as far as float32 can tell; NaN is not."""
    return value >= threshold - 1e-7
