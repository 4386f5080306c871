"""What student code returned or drew, as JSON and plain arrays."""

import io
import sys
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
MAX_BYTES = 256 * 2**20
MAX_FIGURES, MAX_AXES = 20, 100


@dataclass
class Values:
    """Turns values into JSON; arrays go into a list beside it and are named by their place there."""

    arrays: list[Array] = field(default_factory=list)
    room: int = MAX_BYTES
    keep: bool = True
    """Whether arrays are kept at all."""
    taken: int = 0

    def take(self) -> list[Array]:
        """The arrays that have come since this was asked last; places go on counting."""
        new, self.arrays = self.arrays, []
        self.taken += len(new)
        return new

    def place(self, array: Array) -> int | None:
        """Keep an array; its place, or None if there is no room for it."""
        if not self.keep or array.nbytes > self.room:
            return None
        self.room -= array.nbytes
        self.arrays.append(array)
        return self.taken + len(self.arrays) - 1

    def plain(self, value: Any, depth: int = 0) -> Any:
        """A value as JSON: numbers, texts, lists, dictionaries; arrays by place; other objects by their class name."""
        if type(value) is int and abs(value) >= 2**63:
            return {"object": "whole number beyond 64 bits"}
        if value is None or type(value) in (bool, int, str):
            return value[:2000] if isinstance(value, str) else value
        if isinstance(value, float | np.floating):
            return float(value)
        if isinstance(value, np.integer | np.bool_):
            return value.item()
        if depth < 5 and isinstance(value, list | tuple):
            return [self.plain(item, depth + 1) for item in value[:2000]]
        if depth < 5 and isinstance(value, dict):
            return {str(key)[:200]: self.plain(item, depth + 1) for key, item in list(value.items())[:200]}
        if hasattr(value, "numpy") and hasattr(value, "shape"):
            return self.plain(np.asarray(value.numpy()), depth)
        if isinstance(value, np.ndarray):
            return self.array(value)
        return {"object": type(value).__name__[:80]}

    def array(self, value: Array) -> Any:
        """A short list of numbers as such; any other array of numbers by its place, its shape and its type."""
        if value.dtype.kind not in "biuf":
            return {"object": f"array of {value.dtype}"[:80]}
        if value.ndim == 0:
            return value.item()
        if value.ndim == 1 and value.size <= 2000:
            return value.tolist()
        facts = {"shape": list(value.shape), "dtype": str(value.dtype)}
        return {"array": self.place(np.ascontiguousarray(value)), **facts}

    def figures(self) -> list[dict[str, Any]]:
        """All open figures of Matplotlib, closed afterwards: their axes as data, and a picture of each."""
        pyplot = sys.modules.get("matplotlib.pyplot")
        if pyplot is None:
            return []
        try:
            return [self.figure(pyplot.figure(number)) for number in pyplot.get_fignums()[:MAX_FIGURES]]
        finally:
            pyplot.close("all")

    def figure(self, figure: Any) -> dict[str, Any]:
        """One figure: its axes in the order they were made, and a PNG of it."""
        picture = io.BytesIO()
        figure.savefig(picture, format="png", dpi=60)
        pixels = np.frombuffer(picture.getvalue(), np.uint8)
        return {"png": self.place(pixels), "axes": [self.axes(axes) for axes in figure.axes[:MAX_AXES]]}

    def axes(self, axes: Any) -> dict[str, Any]:
        """One system of axes: where it stands in the grid, what it is called, which images and lines it shows."""
        spec = axes.get_subplotspec()
        spec = spec and spec.get_topmost_subplotspec()  # a colour bar parts the place of its axes in two
        place = None if spec is None else [spec.rowspan.start, spec.colspan.start, *spec.get_gridspec().get_geometry()]
        images = [{**self.picture(image), "cmap": str(image.get_cmap().name)[:40]} for image in axes.images[:10]]
        return {
            "place": place,
            "title": str(axes.get_title())[:200],
            "labels": [str(axes.get_xlabel())[:200], str(axes.get_ylabel())[:200]],
            "images": images,
            "lines": [self.plain(np.asarray(line.get_ydata(), float)) for line in axes.lines[:20]],
        }

    def picture(self, image: Any) -> dict[str, Any]:
        """The numbers behind an image."""
        value = np.asarray(np.ma.getdata(image.get_array()))
        found = self.array(value)
        return (
            found if isinstance(found, dict) else {"array": None, "shape": list(value.shape), "dtype": str(value.dtype)}
        )
