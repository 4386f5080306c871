"""Frames: JSON with arrays beside it.

Theory of operation. Both ends of a pipe may be hostile, so nothing is ever unpickled. A frame is

    4 bytes  length of the JSON text
    2 bytes  number of arrays
    JSON     one object, UTF-8, with a string under "type"
    arrays   each: 8 bytes length, then the bytes of an `.npy` file (no objects)

`Decoder` takes bytes as they come and gives whole frames; it refuses what is too large, too deep or not of this
form with `ProtocolError`, before it has stored more than the limit.
"""

import io
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from grader.errors import ProtocolError
from grader.wire.npy import NotPlainError, read_npy

_HEAD = struct.Struct(">IH")
_LENGTH = struct.Struct(">Q")
_MAX_DEPTH = 60


@dataclass(frozen=True)
class Frame:
    """One message: `body["type"]` says what it is."""

    body: dict[str, Any]
    arrays: tuple[np.ndarray[Any, Any], ...] = field(default=())

    @property
    def type(self) -> str:
        """The kind of message."""
        return str(self.body["type"])


def encode(body: dict[str, Any], arrays: Sequence[np.ndarray[Any, Any]] = ()) -> bytes:
    """Return the bytes of one frame; `arrays` must hold no Python objects."""
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=True).encode()
    parts = [_HEAD.pack(len(text), len(arrays)), text]
    for array in arrays:
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, np.asarray(array), allow_pickle=False)
        parts += [_LENGTH.pack(buffer.tell()), buffer.getvalue()]
    return b"".join(parts)


class Decoder:
    """Turns a stream of bytes into frames.

    Args:
        json_bytes: largest JSON text accepted.
        array_bytes: largest sum of array bytes accepted in one frame.
        arrays: largest number of arrays accepted in one frame.
    """

    def __init__(self, json_bytes: int = 4 * 2**20, array_bytes: int = 2 * 2**30, arrays: int = 4096) -> None:
        self._json_bytes = json_bytes
        self._array_bytes = array_bytes
        self._arrays = arrays
        self._buffer = bytearray()
        self._need = _HEAD.size

    def feed(self, data: bytes | memoryview) -> list[Frame]:
        """Take more bytes; return the frames that are now complete. Raises ProtocolError."""
        self._buffer += data
        frames = []
        while len(self._buffer) >= self._need:
            frame = self._take()
            if frame is None:
                break
            frames.append(frame)
        return frames

    @property
    def idle(self) -> bool:
        """True if no part of a frame is waiting for its rest."""
        return not self._buffer

    def _take(self) -> Frame | None:
        """The first frame if it is complete; otherwise note how many bytes it needs."""
        text_bytes, count = _HEAD.unpack_from(self._buffer)
        if text_bytes > self._json_bytes or count > self._arrays:
            raise ProtocolError(f"frame too large: {text_bytes} bytes of JSON, {count} arrays")
        end = _HEAD.size + text_bytes
        spans = []
        total = 0
        for _ in range(count):
            if len(self._buffer) < end + _LENGTH.size:
                self._need = end + _LENGTH.size
                return None
            (size,) = _LENGTH.unpack_from(self._buffer, end)
            total += size
            if total > self._array_bytes:
                raise ProtocolError(f"frame too large: more than {self._array_bytes} bytes of arrays")
            spans.append((end + _LENGTH.size, end + _LENGTH.size + size))
            end += _LENGTH.size + size
        if len(self._buffer) < end:
            self._need = end
            return None
        body = parse_json(bytes(self._buffer[_HEAD.size : _HEAD.size + text_bytes]))
        arrays = tuple(_read_array(self._buffer[first:last]) for first, last in spans)
        del self._buffer[:end]
        self._need = _HEAD.size
        return Frame(body, arrays)


def parse_json(text: bytes) -> dict[str, Any]:
    """Return the object in `text`; ProtocolError if it is no object with a `type`, or too deep."""
    try:
        body = json.loads(text)
        if b"\\ud" in text.lower():  # half a surrogate pair is no text that a file can hold
            body = json.loads(json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"frame is not JSON: {error}") from None
    if not isinstance(body, dict) or not isinstance(body.get("type"), str):
        raise ProtocolError('frame is not an object with a "type"')
    check_depth(body)
    return body


def check_depth(value: Any, limit: int = _MAX_DEPTH) -> None:
    """Raise ProtocolError if lists and objects in `value` are nested deeper than `limit`."""
    level = [value]
    for _ in range(limit):
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return
    raise ProtocolError(f"frame is nested deeper than {limit}")


def _read_array(data: bytearray) -> np.ndarray[Any, Any]:
    """The array in the bytes of an `.npy` file; only plain numbers and booleans."""
    try:
        return read_npy(data)
    except NotPlainError as error:
        raise ProtocolError(f"array is not a plain .npy: {error}") from None
