"""What a training is at the end of its last epoch, so that it can go on from there."""

import io
import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from grader.wire.npy import read_npz

Array = np.ndarray[Any, Any]
STATE_FILE = "state.npz"


@dataclass(frozen=True)
class State:
    """What a training is at the end of its last epoch."""

    rules: list[dict[str, float]]
    """What its learning-rate rules remember."""
    arrays: tuple[Array, ...]
    """Variables of the model, then of the optimizer."""


def pack_state(state: State) -> bytes:
    """A state as the bytes of an `.npz`."""
    buffer = io.BytesIO()
    arrays = {f"v{index:05d}": array for index, array in enumerate(state.arrays)}
    rules = np.frombuffer(json.dumps(state.rules).encode(), np.uint8)
    np.savez(buffer, rules=rules, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def unpack_state(data: bytes) -> State:
    """The inverse of `pack_state`."""
    archive = read_npz(data)
    arrays = tuple(archive[name] for name in sorted(archive) if name.startswith("v"))
    return State(json.loads(archive["rules"].tobytes().decode()), arrays)
