"""Play to callbacks and put them back as they were, without a copy of the whole process.

Theory of operation. A drill must leave nothing behind, so that it is played in a forked copy of the guest. A fork of a
process with TensorFlow and a data set costs some 40 ms, and most callbacks of the field need none: their code is quiet
(`grader/guest/quiet.py`), so that everything they can reach and change is in sight. That is written down here before a
drill and put back afterwards, in place, so that two names of one list stay names of one list. Code that may run for
ever is left to the copies: a loop in a hook would end the program, not the drill.
"""

import dis
import types
from collections.abc import Iterator
from typing import Any

import keras

from grader.guest.quiet import OF_KERAS, closure, own_classes

KERAS = (keras.callbacks.History, keras.callbacks.TerminateOnNaN)
EMPTY = object()
"""Stands for a closure's cell that has no value yet."""


def can_be_rewound(callbacks: list[Any]) -> bool:
    """True if `Rewind` sees all that these quiet callbacks can change, and none of them can run for ever."""
    return all(
        type(callback) in KERAS
        or (
            type(callback) is not keras.callbacks.ProgbarLogger
            and all(is_straight(function, type(callback)) for function in own_functions(callback))
        )
        for callback in callbacks
    )


def is_straight(function: types.FunctionType, kind: type) -> bool:
    """True if a function's code never jumps back, and no other class is within its reach."""
    classes = [value for value in closure(function) if isinstance(value, type)]
    return all(value in kind.__mro__ for value in classes) and not any(
        "BACKWARD" in step.opname for step in dis.get_instructions(function.__code__)
    )


def own_functions(callback: Any) -> Iterator[types.FunctionType]:
    """The functions of a callback's own classes."""
    for owner in own_classes(type(callback)):
        yield from (value for value in vars(owner).values() if type(value) is types.FunctionType)


def is_filled(cell: types.CellType) -> bool:
    """Whether a closure's cell has a value."""
    try:
        _ = cell.cell_contents
    except ValueError:
        return False
    return True


class Rewind:
    """What callbacks and their model hold at this moment.

    Args:
        callbacks: quiet ones that `can_be_rewound`.
        model: the model that they are played to; the values of its variables are no business of this class.
    """

    def __init__(self, callbacks: list[Any], model: Any) -> None:
        self._objects: list[tuple[dict[str, Any], dict[str, Any]]] = [(vars(model), dict(vars(model)))]
        self._classes: list[tuple[type, dict[str, Any]]] = []
        self._cells: list[tuple[types.CellType, Any]] = []
        self._containers: dict[int, tuple[Any, Any]] = {}
        for callback in callbacks:
            mine = vars(callback)
            self._objects.append((mine, dict(mine)))
            self._note(*(value for name, value in mine.items() if name not in OF_KERAS))
            for owner in own_classes(type(callback)):
                self._classes.append((owner, dict(vars(owner))))
                self._note(*vars(owner).values())
            for function in own_functions(callback):
                self._note_function(function)

    def put_back(self) -> None:
        """Make everything what it was, in the same objects."""
        for mine, before in self._objects:
            mine.clear()
            mine.update(before)
        for owner, names in self._classes:
            for name in set(vars(owner)) - set(names):
                delattr(owner, name)
            for name, value in names.items():
                if vars(owner)[name] is not value:
                    setattr(owner, name, value)
        for cell, value in self._cells:
            if value is not EMPTY:
                cell.cell_contents = value
            elif is_filled(cell):
                del cell.cell_contents
        for container, contents in self._containers.values():
            container.clear()
            container.extend(contents) if type(container) is list else container.update(contents)

    def _note_function(self, function: types.FunctionType) -> None:
        """Defaults, free variables, and the globals that a function names."""
        self._note(*(function.__defaults__ or ()))
        for cell in function.__closure__ or ():
            value = cell.cell_contents if is_filled(cell) else EMPTY
            self._cells.append((cell, value))
            self._note(value)
        known = function.__globals__
        self._note(*(known[name] for name in function.__code__.co_names if name in known))

    def _note(self, *values: Any) -> None:
        """Write down what lists, dictionaries and sets hold, and those inside them."""
        for value in values:
            if id(value) in self._containers:
                continue
            if type(value) in (list, set):
                self._containers[id(value)] = value, list(value)
                self._note(*value)
            elif type(value) is dict:
                self._containers[id(value)] = value, dict(value)
                self._note(*value.values())
            elif type(value) is tuple:
                self._note(*value)
