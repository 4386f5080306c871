"""Which callbacks can be seen, by their code, to leave the weights of the model alone.

Theory of operation. The weights of every epoch are there to be played, but almost no callback looks at them: it reads
`logs`, prints, and sets `stop_training`. Where the code of all callbacks shows that, the weights travel once, at the
end. The answer "quiet" must never be wrong for an honest program, so that everything out of the ordinary is not quiet:
any call but of a few built-in functions and of the callback's own quiet methods, any attribute that the model has
beside `stop_training`, any closure or global that is no plain constant. "Not quiet" costs time, nothing else.
"""

import builtins
import dis
import types
from collections.abc import Iterator
from typing import Any

import keras

PLAIN = (bool, int, float, complex, str, bytes, type(None))
FUNCTIONS = {
    name: getattr(builtins, name)
    for name in ("abs", "bool", "float", "int", "isinstance", "len", "max", "min", "print", "round", "str", "super")
}
OF_THE_MODEL = {"stop_training", "model"}
READS_ATTRIBUTES = {"format", "format_map"}
"""Methods of `str` that reach attributes by a text (`"{0.weights}".format(model)`)."""
OF_KERAS = ("_model", "params")
"""Attributes of a callback that Keras sets anew before each `fit`."""
KERAS = (keras.callbacks.History, keras.callbacks.ProgbarLogger, keras.callbacks.TerminateOnNaN)
GLOBALS = {"LOAD_GLOBAL", "LOAD_NAME"}
ATTRIBUTES = {"LOAD_ATTR", "LOAD_METHOD", "STORE_ATTR", "LOAD_SUPER_ATTR"}
UNUSUAL = ("MAKE_", "LOAD_BUILD_CLASS", "YIELD_", "GET_A", "SEND")


def are_quiet(callbacks: list[Any], model: Any) -> bool:
    """True if no hook of `callbacks` can read or change the weights of `model`, or run code that is not seen here."""
    return all(is_quiet(callback, model) for callback in callbacks)


def is_quiet(callback: Any, model: Any) -> bool:
    """The same for one callback."""
    kind = type(callback)
    if kind in KERAS:
        return True
    if keras.callbacks.Callback not in kind.__mro__ or type(kind) is not type:
        return False
    attributes = {name: value for name, value in vars(callback).items() if name not in OF_KERAS}
    return all(is_plain(value) for value in attributes.values()) and all(
        is_quiet_member(name, value, model) for owner in own_classes(kind) for name, value in vars(owner).items()
    )


def own_classes(kind: type) -> tuple[type, ...]:
    """The classes of a callback before Keras's own `Callback`; none for another thing."""
    order = kind.__mro__
    return order[: order.index(keras.callbacks.Callback)] if keras.callbacks.Callback in order else ()


def is_plain(value: Any, depth: int = 3) -> bool:
    """True for numbers, texts, None, and small collections of them."""
    if type(value) in PLAIN:
        return True
    if depth and type(value) in (list, tuple, set) and len(value) <= 1000:
        return all(is_plain(item, depth - 1) for item in value)
    if depth and type(value) is dict and len(value) <= 1000:
        return all(is_plain(item, depth - 1) for pair in value.items() for item in pair)
    return False


def is_quiet_member(name: str, value: Any, model: Any) -> bool:
    """A constant, or a function whose code is quiet."""
    if name in ("__dict__", "__weakref__", "__module__", "__doc__", "__qualname__"):
        return True
    if type(value) is types.FunctionType:
        return is_quiet_function(value, model)
    return is_plain(value) and not (name.startswith("__") and name.endswith("__"))


def is_quiet_function(function: types.FunctionType, model: Any) -> bool:
    """True if every name that a function's code uses is known to be harmless."""
    cells = [cell for cell in closure(function) if cell is not keras.callbacks.Callback]
    if not all(is_plain(cell) or is_callback_class(cell) for cell in cells):
        return False
    if not all(is_plain(value) for value in (function.__defaults__ or ())) or function.__kwdefaults__:
        return False
    return all(is_quiet_step(step, function, model) for step in dis.get_instructions(function.__code__))


def closure(function: types.FunctionType) -> Iterator[Any]:
    """The values of a function's free variables (`super()` brings the class itself); a cell without one is skipped."""
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:
            continue


def is_callback_class(value: Any) -> bool:
    """The class that `super()` refers to."""
    return type(value) is type and keras.callbacks.Callback in value.__mro__


def is_quiet_step(step: dis.Instruction, function: types.FunctionType, model: Any) -> bool:
    """One instruction of the byte code."""
    if step.opname.startswith(UNUSUAL):
        return False
    name = str(step.argval)
    if step.opname in GLOBALS:
        known = vars(builtins) if name not in function.__globals__ else function.__globals__
        value = known.get(name)
        return is_plain(value) or value is FUNCTIONS.get(name, step)
    if step.opname in ATTRIBUTES:
        harmless = name not in READS_ATTRIBUTES and not hasattr(model, name) and not name.startswith("__")
        return harmless or name in OF_THE_MODEL or name == "__init__"
    return step.opcode not in dis.hasname
