"""Inputs for student code, drawn from the recorded seed.

They are the same inside the box, where they are used, and outside, where what came of them is judged.
"""

import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from grader.wire.npy import map_npy

Array = np.ndarray[Any, Any]


def draw_inputs(source: str, seed: int, datasets: Path) -> dict[str, Any]:
    """What `draw(rng, load)` of an assignment's `inputs.py` gives for a seed; empty if there is no such file.

    Args:
        source: text of `inputs.py`.
        seed: of the run.
        datasets: folder of the shipped data sets; `load("ascent", "image")` reads an array from it.
    """
    if not source:
        return {}
    module = types.ModuleType("inputs")
    exec(compile(source, "inputs.py", "exec"), module.__dict__)  # noqa: S102 - the instructor's code
    found = module.__dict__["draw"](np.random.default_rng(seed), loader(datasets))
    return dict(found)


def loader(datasets: Path) -> Callable[[str, str], Array]:
    """Reads shipped arrays, each time a copy of its own."""

    def load(name: str, part: str) -> Array:
        return map_npy(datasets / name / f"{part}.npy").copy()

    return load
