"""Images divided by 255, made before a program asks for them.

Theory of operation. Nearly every hand-in says `images / 255.0` of all the images of a data set: 376 MB of fresh memory for
MNIST, which the kernel has to clear, and which cost more than all the rest of a program whose training is known. The
quotient is always the same. Once a program of a class has made it, the zygote holds it, and each guest that is forked
from there on has it in its memory already, copy on write like everything it inherits. A division by the constant 255 that
stands in a program is compiled as a call of `Quotients.divide`: for exactly the shipped images it gives the array that is
there, once; everything else it divides.
"""

import ast
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from grader.wire.recipes import fingerprint

Array = np.ndarray[Any, Any]
DIVIDE = "divide by 255"
"""The name under which a program finds the function among the built-in ones; none that could be written in Python."""
LARGE_BYTES = 2**20
SPARE = 8
"""A quotient is held only where so many times its memory is free."""


class Quotients:
    """The quotients that a zygote holds, and the division that hands them out.

    Args:
        datasets: folder of the shipped data sets.
        known: digests of the shipped images, by fingerprint.
    """

    def __init__(self, datasets: Path, known: Mapping[str, str]) -> None:
        self._datasets = datasets
        self._names = names_of_images(datasets, known)
        self._held: dict[str, Array] = {}
        self._made: set[str] = set()
        self.asked: set[str] = set()
        """The images that this program has divided."""

    def hold(self, names: Iterable[str]) -> None:
        """Make these quotients and keep them, for all processes that are forked from here on; unknown names are none."""
        for name in sorted({*names} & {*self._names.values()} - self._made):
            self._made.add(name)
            images = np.load(self._datasets / f"{name}.npy", mmap_mode="r", allow_pickle=False)
            if SPARE * images.size * np.float64().nbytes <= free_bytes():
                self._held[name] = np.asarray(images) / 255.0

    def divide(self, dividend: Any, divisor: Any) -> Any:
        """`dividend / divisor`, where the divisor is 255."""
        if type(dividend) is np.ndarray and dividend.dtype == np.uint8 and dividend.nbytes >= LARGE_BYTES:
            name = self._names.get(fingerprint(dividend)) if dividend.flags.c_contiguous else None
            if name is not None:
                self.asked.add(name)
                held = self._held.pop(name, None)  # a second array must not share its memory
                if held is not None:
                    return held.reshape(dividend.shape)
        return dividend / divisor


def replace_divisions(tree: ast.AST) -> None:
    """Have each division by the constant 255 done by the function that is built in under the name `DIVIDE`.

    In place, without recursion, and from the inside: a program may nest as deep as Python can read.
    """
    for node in reversed(list(ast.walk(tree))):
        for name, value in ast.iter_fields(node):
            if isinstance(value, ast.BinOp):
                setattr(node, name, as_call(value))
            elif isinstance(value, list):
                value[:] = [as_call(item) if isinstance(item, ast.BinOp) else item for item in value]


def as_call(node: ast.BinOp) -> ast.expr:
    """A division by 255 as a call; any other operation as it is."""
    divisor = node.right.value if isinstance(node.right, ast.Constant) else None
    if not isinstance(node.op, ast.Div) or type(divisor) not in (int, float) or divisor != 255:
        return node
    function = ast.copy_location(ast.Name(DIVIDE, ast.Load()), node)
    return ast.copy_location(ast.Call(function, [node.left, node.right], []), node)


def names_of_images(datasets: Path, known: Mapping[str, str]) -> dict[str, str]:
    """`mnist/x_train`, … by the fingerprint of the images as they are shipped; empty where no tables were written."""
    path = datasets / "digests-blake3.json"
    if not known or not path.is_file():
        return {}
    table = json.loads(path.read_text())
    raw = {key.removesuffix("-uint8"): value for key, value in table.items() if key.endswith("-uint8")}
    found = {mark: raw.get(digest) for mark, digest in known.items() if mark.startswith("|u1-")}
    return {mark: f"{value[0]}/{value[1]}" for mark, value in found.items() if value is not None and value[2] == "raw"}


def free_bytes() -> int:
    """Memory that can be had without swapping (`MemAvailable`); 0 where the kernel does not say."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), 0)
