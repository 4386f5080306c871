"""Hostile JSON for properties: whatever a guest may put where a config was expected."""

import copy
from typing import Any

from hypothesis import strategies as st

NUMBERS = st.integers() | st.floats() | st.sampled_from([10**400, -(2**53)])
WORDS = st.text(max_size=6) | st.sampled_from(
    ["Dense", "Sequential", "Functional", "__keras_tensor__", "function", "\ud800"]
)
KEYS = st.sampled_from(["class_name", "config", "layers", "module", "name", "layer", "keras_history", "args", "dtype"])
HOSTILE = st.recursive(
    st.none() | st.booleans() | NUMBERS | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | WORDS, inner, max_size=4),
    max_leaves=12,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of everything inside a JSON value."""
    pairs: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list):
        pairs = list(enumerate(value))
    return [path, *(deeper for key, item in pairs for deeper in places(item, (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy of a JSON value with another thing at `path`."""
    if not path:
        return new
    whole = copy.deepcopy(value)
    inner = whole
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = new
    return whole
