"""What a probe asks of student code for the test cells of an imported notebook.

This text is put at the top of each generated `probe.py`: inside the box there is nothing of the importer. It records
what came back with the types that JSON does not keep (a tuple is no list), as a flat list of tokens that
`grader.importing.tokens` reads outside. It compares nothing and knows no answers.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

MOST_CALLS = 230
"""Each makes two entries in the record of a run, which holds 500."""
MOST_TOKENS = 1900


class Stopped(Exception):  # noqa: N818 - the cell ends here, as it would in a notebook
    """Student code failed where the test cell needs what it gives."""


class Budget:
    """How many calls are left for all test cells together."""

    def __init__(self) -> None:
        self.left = MOST_CALLS


class Asked:
    """Asks for one test cell; every place in the cell that asks has a number, and may ask many times."""

    def __init__(self, student: Any, check: str, budget: Budget) -> None:
        self.student = student
        self.check = check
        self.budget = budget
        self.times: dict[int, int] = {}

    def run(self, cell: Callable[["Asked"], None]) -> None:
        """Ask what a cell asks; where it cannot go on, that is written down."""
        try:
            cell(self)
        except Exception as error:  # noqa: BLE001 - the next cell must have its turn
            self.student.note(f"{self.check} ended", f"{type(error).__name__}: {str(error)[:300]}")

    def attempt(self, site: int, name: str, *args: Any, **keywords: Any) -> Any:
        """Call a function of the student; None if it fails."""
        label = self.label(site)
        self.student.keep_arrays = False
        value = self.student.call_as(label, name, *args, **keywords)
        failed = bool(self.student.error)
        self.student.keep_arrays = True
        if not failed:
            self.student.note(f"{label} is", tokens(value))
        self.failed = failed
        return value

    def call(self, site: int, name: str, *args: Any, **keywords: Any) -> Any:
        """The same for a value that the cell goes on with."""
        value = self.attempt(site, name, *args, **keywords)
        if self.failed:
            raise Stopped(f"{name} failed: {self.student.error}")
        return value

    def name(self, site: int, name: str) -> Any:
        """What the student's program has left under a name."""
        label = self.label(site)
        self.student.keep_arrays = False
        value = self.student.value(label, name)
        failed = self.student.error
        self.student.keep_arrays = True
        if failed:
            raise Stopped(failed)
        self.student.note(f"{label} is", tokens(value))
        return value

    def given(self, site: int, name: str) -> Any:
        """The same to hand it over to a function; what it is is not written down."""
        self.student.keep_arrays = False
        value = self.student.value(self.label(site), name)
        failed = self.student.error
        self.student.keep_arrays = True
        if failed:
            raise Stopped(failed)
        return value

    def look(self, site: int, of: Callable[[], Any]) -> Any:
        """A fact about an object that cannot leave the box, such as the number of units of a layer."""
        label = self.label(site)
        try:
            value = of()
        except Exception as error:  # noqa: BLE001 - whatever the object raises is data
            self.student.note(f"{label} failed", f"{type(error).__name__}: {str(error)[:300]}")
            raise Stopped(f"{type(error).__name__}: {str(error)[:200]}") from None
        self.student.note(f"{label} is", tokens(value))
        return value

    def label(self, site: int) -> str:
        """The name of this question; raises when there have been too many."""
        if not self.budget.left:
            raise OverflowError(f"the test cells ask more than {MOST_CALLS} times")
        self.budget.left -= 1
        self.times[site] = self.times.get(site, 0) + 1
        return f"{self.check}/{site}.{self.times[site]}"


def tokens(value: Any) -> list[Any]:
    """A value as a flat list: what it is, how much of it there is, then its parts."""
    found: list[Any] = []
    try:
        write(value, found, 0)
    except OverflowError:
        return ["large"]
    return found


def write(value: Any, found: list[Any], depth: int) -> None:
    """Add the tokens of a value; raises OverflowError if there are too many."""
    if len(found) > MOST_TOKENS or depth > 40:
        raise OverflowError
    kind = type(value)
    if value is None or value is Ellipsis:
        found.append("none" if value is None else "ellipsis")
    elif kind is bool:
        found += ["bool", value]
    elif kind is int:
        found += ["int", str(value) if abs(value) < 10**300 else "large"]
    elif kind is float:
        found += ["float", value.hex()]
    elif kind is complex:
        found += ["complex", value.real.hex(), value.imag.hex()]
    elif kind is str:
        parts = [value[place : place + 1900] for place in range(0, len(value), 1900)]
        found += ["str", len(parts), *parts]
    elif kind in (list, tuple) and len(value) > 50 and {type(item) for item in value} in ({int}, {float}):
        pack(value, found)
    elif kind in (list, tuple, set, frozenset):
        found += [kind.__name__, len(value)]
        for item in value:
            write(item, found, depth + 1)
    elif kind is dict:
        found += ["dict", len(value)]
        for key, item in value.items():
            write(key, found, depth + 1)
            write(item, found, depth + 1)
    else:
        write_other(value, found)


def pack(value: Any, found: list[Any]) -> None:
    """A long list of numbers, as an array."""
    array = np.asarray(value)
    if array.dtype.kind not in "if":
        raise OverflowError
    found += ["numbers", type(value).__name__, type(value[0]).__name__, array.reshape(1, -1)]


def write_other(value: Any, found: list[Any]) -> None:
    """Arrays and their like; of any other object, what it is called."""
    kind = type(value)
    if isinstance(value, np.bool_ | np.integer | np.floating) and value.dtype.itemsize <= 8:
        found += ["scalar", str(value.dtype), float(value).hex() if value.dtype.kind == "f" else str(int(value))]
        return
    tensor = hasattr(value, "numpy") and kind.__module__.split(".")[0] in ("tensorflow", "keras")
    array = np.asarray(value.numpy()) if tensor else value
    if type(array) is np.ndarray and array.dtype.kind in "biuf" and array.dtype.itemsize <= 8:
        found += ["tensor" if tensor else "array", str(array.dtype), array.ndim, *array.shape]
        found.append(array.reshape(1, -1))
        return
    if type(array) is np.ndarray and array.dtype.kind == "U" and array.size < 500:
        found += ["texts", array.ndim, *array.shape]
        for text in array.ravel().tolist():
            write(text, found, 0)
        return
    names = [f"{base.__module__}.{base.__qualname__}"[:200] for base in kind.__mro__[:30]]
    found += [
        "object",
        "__eq__" not in {name for base in kind.__mro__[:-1] for name in vars(base)},
        callable(value),
        len(names),
        *names,
    ]
