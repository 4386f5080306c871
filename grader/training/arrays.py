"""Recognise what a student fed to `fit`: the shipped data sets under a recipe, or an array of the student's own.

A digest that stands in the table is proof enough of what was meant: the trainer makes the array again from the shipped
copy. Anything else travels once, and is compared with the shipped images by value.
"""

import contextlib
import json
import os
import tempfile
import weakref
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from grader.model.observation import ArrayFacts
from grader.model.training import ArrayRef
from grader.scratch import make_scratch, remove_scratch
from grader.wire.known import FILE
from grader.wire.npy import map_npy
from grader.wire.recipes import HELD_IMAGES, content_digest, digest_as_fed, fingerprint, recipes_of

Array = np.ndarray[Any, Any]
IMAGE_SETS = ("mnist", "fashion_mnist")
PARTS = ("x_train", "y_train", "x_test", "y_test")
IMAGE_PARTS = ("x_train", "x_test")
CASTS = {"int32": "raw", "int64": "raw", "raw_float": "raw", "one_hot_int": "one_hot"}
"""Recipes that only cast, and the recipe of the array that stands for theirs: Keras casts again before it computes."""
_RANGE = {"raw": (0.0, 255.0), "raw_float": (0.0, 255.0), "unit": (0.0, 1.0), "unit_float32": (0.0, 1.0)}


@dataclass(frozen=True)
class Known:
    """A shipped array under a recipe."""

    dataset: str
    part: str
    recipe: str


class DataBook:
    """Knows the shipped arrays, and keeps the unknown ones that travelled."""

    def __init__(self, datasets: Path, sets: tuple[str, ...] = IMAGE_SETS) -> None:
        self._datasets = datasets
        self._sets = tuple(name for name in sets if (datasets / name).is_dir())
        self._table = self._load_table()
        self._made = {known: key for key, known in reversed(self._table.items())}
        self._write_fingerprints()
        self._spool = make_scratch()
        self._clean = weakref.finalize(self, remove_scratch, self._spool)
        self._sent: dict[str, Array] = {}
        self._facts: dict[str, tuple[ArrayFacts, ArrayFacts]] = {}
        self._divided: set[str] = set()

    def close(self) -> None:
        """Remove the arrays that travelled."""
        self._sent.clear()
        self._clean()

    @property
    def divided(self) -> tuple[str, ...]:
        """Images that programs of this run have divided by 255, as `mnist/x_train`."""
        return tuple(sorted(self._divided))

    def note_divided(self, names: Iterable[str]) -> None:
        """A program says that it has divided these; what is no shipped images is passed over."""
        self._divided |= {f"{name}/{part}" for name in self._sets for part in IMAGE_PARTS} & {*names}

    def knows(self, reference: ArrayRef) -> bool:
        """True if the array need not travel."""
        return self._known(reference) is not None or reference.key in self._sent

    def sent(self, key: str) -> Array | None:
        """An array that travelled."""
        return self._sent.get(key)

    def accept(self, reference: ArrayRef, array: Array) -> bool:
        """Keep an array that travelled, if it is the one that was announced."""
        same = (
            str(array.dtype) == reference.dtype
            and array.shape == reference.shape
            and content_digest(array) == reference.digest
        )
        if same and reference.key not in self._sent:
            descriptor, path = tempfile.mkstemp(".npy", dir=self._spool)  # several threads may be sent the same array
            with os.fdopen(descriptor, "wb") as file:
                np.save(file, array, allow_pickle=False)
            mapped = map_npy(Path(path))
            if self._sent.setdefault(reference.key, mapped) is not mapped:
                Path(path).unlink()  # another was quicker
        return same

    def uncast(self, reference: ArrayRef) -> ArrayRef:
        """The array that stands for one that was made of a shipped array by a cast; any other stands for itself."""
        known = self._known(reference)
        recipe = CASTS.get(known.recipe) if known is not None else None
        if known is None or recipe is None:
            return reference
        digest, dtype = self._made[Known(known.dataset, known.part, recipe)].split("-")
        return reference.model_copy(update={"digest": digest, "dtype": dtype})

    def for_trainer(self, references: list[ArrayRef]) -> tuple[dict[str, dict[str, Any]], tuple[Array, ...]]:
        """(table of recipes and positions by key, arrays that must be sent)."""
        table: dict[str, dict[str, Any]] = {}
        sent: list[Array] = []
        for reference in references:
            known = self._known(reference)
            if reference.key in table:
                continue
            if known is not None:
                table[reference.key] = {**known.__dict__, "shape": list(reference.shape)}
            else:
                table[reference.key] = {"sent": len(sent)}
                sent.append(self._sent[reference.key])
        return table, tuple(sent)

    def facts(self, x: ArrayRef, y: ArrayRef) -> tuple[ArrayFacts, ArrayFacts]:
        """What images and labels are, judged together, since shuffled images need equally shuffled labels."""
        key = f"{x.key}/{y.key}"
        if key not in self._facts:
            self._facts[key] = self._find_facts(x, y)
        return self._facts[key]

    def _find_facts(self, x: ArrayRef, y: ArrayRef) -> tuple[ArrayFacts, ArrayFacts]:
        images, labels = self._simple_facts(x), self._simple_facts(y)
        if not images.dataset and x.key in self._sent and np.prod(x.shape[1:]) == 784:
            images, order = self._compare(images, self._sent[x.key])
            if order is not None and y.key in self._sent:
                labels = self._compare_labels(labels, self._sent[y.key], images, order)
        return images, labels

    def _simple_facts(self, reference: ArrayRef) -> ArrayFacts:
        """Shape and dtype, and where the array comes from if its digest is known."""
        plain = ArrayFacts(shape=reference.shape, dtype=reference.dtype, original_dtype=reference.original_dtype)
        known = self._known(reference)
        if known is not None:
            low, high = _RANGE.get(known.recipe, (0.0, 9.0)) if known.part.startswith("x") else (0.0, 9.0)
            found = {"dataset": known.dataset, "part": known.part, "recipe": known.recipe, "order": "as_shipped"}
            return plain.model_copy(update={**found, "minimum": low, "maximum": high})
        array = self._sent.get(reference.key)
        if array is None or array.size == 0:
            return plain
        return plain.model_copy(update={"minimum": float(np.min(array)), "maximum": float(np.max(array))})

    def _compare(self, facts: ArrayFacts, array: Array) -> tuple[ArrayFacts, Array | None]:
        """Compare unknown images with the shipped ones by value: the same up to scale, in any order."""
        flat = array.reshape(len(array), 784)
        for name in self._sets:
            for part in ("x_train", "x_test"):
                base = self._array(name, part).reshape(-1, 784)
                if len(flat) < len(base) and is_pointwise(flat, base[: len(flat)]):
                    found = {"dataset": name, "part": part, "recipe": "pointwise", "order": "first_rows"}
                    return facts.model_copy(update=found), np.arange(len(flat))
                if len(base) != len(flat):
                    continue
                if is_pointwise(flat, base):
                    found = {"dataset": name, "part": part, "recipe": "pointwise", "order": "as_shipped"}
                    return facts.model_copy(update=found), None
                order = shuffled_order(flat, base)
                if order is not None:
                    found = {"dataset": name, "part": part, "recipe": "pointwise", "order": "shuffled"}
                    return facts.model_copy(update=found), order
        return facts, None

    def _compare_labels(self, facts: ArrayFacts, array: Array, images: ArrayFacts, order: Array | None) -> ArrayFacts:
        """Labels that follow the order of shuffled images."""
        part = images.part.replace("x", "y")
        truth = self._array(images.dataset, part)[order]
        for recipe, function in recipes_of(part).items():
            cooked = function(truth)
            if cooked.size == array.size and np.array_equal(cooked.reshape(array.shape), array):
                found = {"dataset": images.dataset, "part": part, "recipe": recipe, "order": images.order}
                return facts.model_copy(update=found)
        return facts

    def test_set(self, reference: ArrayRef) -> dict[str, dict[str, Any]] | None:
        """Recipes for the test images, prepared as these training images were, and their labels; None if unknown."""
        known = self._known(reference)
        if known is None or known.part != "x_train":
            return None
        count = len(self._array(known.dataset, "y_test"))
        x = {**known.__dict__, "part": "x_test", "shape": [count, *reference.shape[1:]]}
        return {"x": x, "y": {"dataset": known.dataset, "part": "y_test", "recipe": "raw", "shape": [count]}}

    def _known(self, reference: ArrayRef) -> Known | None:
        known = self._table.get(f"{reference.digest}-{reference.dtype}")
        if known is None:
            return None
        size = self._array(known.dataset, known.part).size * (10 if known.recipe.startswith("one_hot") else 1)
        return known if int(np.prod(reference.shape)) == size else None

    def _array(self, dataset: str, part: str) -> Array:
        return map_npy(self._datasets / dataset / f"{part}.npy")

    def _load_table(self) -> dict[str, Known]:
        """Digest and dtype of every shipped array under every recipe; computed once, then kept beside the arrays."""
        path = self._datasets / "digests-blake3.json"
        if not path.is_file():
            table: dict[str, list[str]] = {}
            for dataset in self._sets:
                for part in PARTS:
                    for recipe, function in recipes_of(part).items():
                        array = function(self._array(dataset, part))
                        key = f"{content_digest(array)}-{array.dtype}"
                        table.setdefault(key, [dataset, part, recipe])
            keep(path, table)
        return {key: Known(*value) for key, value in json.loads(path.read_text()).items()}

    def _write_fingerprints(self) -> None:
        """For guests, by which they recognise the shipped images in the usual forms; computed once.

        Where the folder cannot be written, as of data sets that came with an earlier version, guests digest as before.
        """
        path = self._datasets / FILE
        if path.is_file():
            return
        table: dict[str, str] = {}
        for dataset in self._sets:
            for part in IMAGE_PARTS:
                for function in HELD_IMAGES:
                    array = function(self._array(dataset, part))
                    table[fingerprint(array)] = digest_as_fed(array)
        with contextlib.suppress(OSError):
            keep(path, table)


def keep(path: Path, table: dict[str, Any]) -> None:
    """Write a table as JSON, at once."""
    scratch = path.with_suffix(f".{os.getpid()}.{id(table)}")
    scratch.write_text(json.dumps(table))
    scratch.replace(path)


def is_pointwise(flat: Array, base: Array) -> bool:
    """True if every pixel is a rising function of the shipped pixel alone (any scaling): equal greys stay equal."""
    table, greys = grey_table(flat, base)
    if not np.all(np.diff(table[greys].astype(np.float64)) > 0):
        return False
    starts = [0, *range(100, len(flat), 4096)]
    ends = [*starts[1:], len(flat)]
    return all(
        np.allclose(flat[start:end], table[base[start:end]], rtol=0, atol=1e-6, equal_nan=False)
        for start, end in zip(starts, ends, strict=True)
    )


def grey_table(flat: Array, base: Array) -> tuple[Array, Array]:
    """(value in `flat` of each grey of `base` where it first stands, greys that occur)."""
    some, first = np.unique(base[:500], return_index=True)
    table = np.zeros(256, flat.dtype)
    table[some] = flat[:500].reshape(-1)[first]
    greys = list(some)
    for grey in sorted(set(range(256)) - set(some.tolist())):
        where = np.flatnonzero(base == grey)
        if len(where):
            table[grey] = flat.reshape(-1)[where[0]]
            greys.append(grey)
    return table, np.sort(np.array(greys, np.int64))


def shuffled_order(flat: Array, base: Array) -> Array | None:
    """For each row of `flat` the row of `base` it equals up to the scales 1 and 255, or None."""
    scale = 255.0 if float(np.max(flat)) <= 1.0 + 1e-6 else 1.0
    grey = np.rint(flat.astype(np.float32) * scale)
    if np.min(grey) < 0 or np.max(grey) > 255 or not np.allclose(flat[:2000] * scale, grey[:2000], atol=1e-3):
        return None
    weights = np.random.default_rng(0).integers(1, 2**40, base.shape[1])
    mine, theirs = grey.astype(np.int64) @ weights, base.astype(np.int64) @ weights
    mine_order, their_order = np.argsort(mine, kind="stable"), np.argsort(theirs, kind="stable")
    if not np.array_equal(mine[mine_order], theirs[their_order]):
        return None
    order = np.empty(len(base), np.int64)
    order[mine_order] = their_order
    return order
