"""Tokens from the box, read as values again: plain Python, arrays, and stand-ins for what cannot leave the box.

Theory of operation. Nothing is unpickled and nothing evaluated: a token says what follows, and only exact types of
Python and NumPy are made. Anything else becomes an `Opaque`, of which no more is known than the names of its classes;
whoever wants to know more gets `Undecided`.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import numpy as np

Array = np.ndarray[Any, Any]
_SEQUENCES: dict[str, Callable[[list[Any]], Any]] = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}
_NUMBERS: dict[str, type] = {"int": int, "float": float}
_DEEPEST = 45


class Undecided(Exception):  # noqa: N818 - an answer: it cannot be known out here
    """What is asked cannot be known outside the box."""


class Tensor(np.ndarray[Any, Any]):
    """The numbers of a tensor; `numpy()` gives them as an array, as TensorFlow does."""

    def numpy(self) -> Array:
        """A plain array."""
        return np.asarray(self)


class Opaque:
    """An object that stayed in the box."""

    def __init__(self, names: tuple[str, ...], *, by_identity: bool, can_be_called: bool) -> None:
        self.names = names
        self.by_identity = by_identity
        self.can_be_called = can_be_called

    def __repr__(self) -> str:
        """Its class, for messages."""
        return f"<{self.names[0] if self.names else 'object'}>"

    def __eq__(self, other: object) -> bool:
        """False for all that is plain, if the class does not say what equal is; else nobody knows."""
        if self.by_identity and not isinstance(other, Opaque):
            return False
        raise Undecided(f"a {self!r} cannot be compared outside the box")

    def __hash__(self) -> int:
        """Such objects may be members of a set."""
        return id(self)

    def _unknown(self, *_: Any) -> NoReturn:
        raise Undecided(f"a {self!r} cannot be looked into outside the box")

    __lt__ = __le__ = __gt__ = __ge__ = __bool__ = __len__ = __iter__ = __getitem__ = __contains__ = _unknown
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __array__ = _unknown
    __float__ = __int__ = __index__ = __abs__ = __neg__ = __round__ = __matmul__ = __rmatmul__ = __str__ = _unknown
    __mod__ = __rmod__ = __floordiv__ = __rfloordiv__ = __pow__ = __rpow__ = __getattr__ = _unknown


def read_tokens(value: object, array: Callable[[object], Array | None]) -> Any:
    """The value that tokens stand for.

    Args:
        value: the list of tokens, as it came.
        array: gives the array that an entry of the record names.

    Raises:
        Undecided: it was too large to be sent.
        ValueError: these are no tokens.
    """
    if not isinstance(value, list):
        raise ValueError("no list of tokens")
    try:
        reader = iter(value)
        found = _read(reader, array, 0)
    except (StopIteration, RuntimeError, KeyError, IndexError, TypeError, OverflowError, AttributeError) as error:
        raise ValueError(f"no value can be read from it ({type(error).__name__})") from None
    if next(reader, None) is not None:
        raise ValueError("there is more than one value")
    return found


def _read(tokens: Iterator[Any], array: Callable[[object], Array | None], depth: int) -> Any:
    if depth > _DEEPEST:
        raise ValueError("too deep")
    kind = next(tokens)
    match kind:
        case "none":
            return None
        case "ellipsis":
            return Ellipsis
        case "bool":
            return bool(next(tokens))
        case "int":
            return _whole(next(tokens))
        case "float":
            return float.fromhex(next(tokens))
        case "complex":
            return complex(float.fromhex(next(tokens)), float.fromhex(next(tokens)))
        case "str":
            return "".join(str(next(tokens)) for _ in range(_count(tokens)))
        case "list" | "tuple" | "set" | "frozenset":
            return _SEQUENCES[kind]([_read(tokens, array, depth + 1) for _ in range(_count(tokens))])
        case "dict":
            pairs = [(_read(tokens, array, depth + 1), _read(tokens, array, depth + 1)) for _ in range(_count(tokens))]
            return dict(pairs)
        case "numbers":
            make, number = _SEQUENCES[next(tokens)], _NUMBERS[next(tokens)]
            return make([number(item) for item in _array(next(tokens), array).ravel().tolist()])
        case "scalar":
            dtype, text = _dtype(next(tokens)), next(tokens)
            return dtype.type(float.fromhex(text) if dtype.kind == "f" else int(text))
        case "array" | "tensor":
            dtype, ndim = _dtype(next(tokens)), _count(tokens)
            shape = tuple(_count(tokens) for _ in range(ndim))
            made = _array(next(tokens), array).astype(dtype).reshape(shape)
            return made.view(Tensor) if kind == "tensor" else made
        case "texts":
            shape = tuple(_count(tokens) for _ in range(_count(tokens)))
            texts = [str(_read(tokens, array, depth + 1)) for _ in range(min(math.prod(shape), 500))]
            return np.array(texts, dtype=str).reshape(shape)
        case "object":
            by_identity, can_be_called = bool(next(tokens)), bool(next(tokens))
            names = tuple(str(next(tokens)) for _ in range(_count(tokens)))
            return Opaque(names, by_identity=by_identity, can_be_called=can_be_called)
        case "large":
            raise Undecided("it is too large to leave the box")
    raise ValueError("an unknown token")


def _whole(text: str) -> int:
    if text == "large":
        raise Undecided("the number is too large to leave the box")
    if len(text) > 302:
        raise ValueError("a number that is too long")
    return int(text)


def _count(tokens: Iterator[Any]) -> int:
    count = next(tokens)
    if type(count) is not int or count < 0:
        raise ValueError("no count")
    return count


def _dtype(text: object) -> np.dtype[Any]:
    dtype = np.dtype(str(text))
    if dtype.kind not in "biuf" or dtype.itemsize > 8:
        raise ValueError("no dtype of numbers")
    return dtype


def _array(entry: object, array: Callable[[object], Array | None]) -> Array:
    found = array(entry)
    if found is None:
        raise Undecided("the array is too large to leave the box")
    return found
