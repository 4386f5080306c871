"""Frames: what goes in comes out, and what a hostile peer sends is refused early and with one kind of error."""

import io
import json
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from grader.errors import ProtocolError
from grader.wire.frames import Decoder, Frame, check_depth, encode, parse_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=15,
)
BODIES = st.dictionaries(st.text(max_size=8), JSON, max_size=4).map(lambda body: body | {"type": "t"})
ARRAYS = st.lists(
    npst.arrays(
        npst.integer_dtypes() | npst.unsigned_integer_dtypes() | npst.boolean_dtypes() | npst.floating_dtypes(),
        npst.array_shapes(min_dims=0, min_side=0, max_side=3),
    ),
    max_size=3,
)
HEAD = struct.Struct(">IH")
LENGTH = struct.Struct(">Q")


def same(one: Frame, body: dict[str, Any], arrays: list[np.ndarray[Any, Any]]) -> bool:
    pairs = zip(one.arrays, arrays, strict=True)
    return one.body == body and all(
        (mine.dtype, mine.shape, mine.tobytes()) == (other.dtype, other.shape, other.tobytes()) for mine, other in pairs
    )


def npy(array: np.ndarray[Any, Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def frame_with(text: bytes, *arrays: bytes) -> bytes:
    parts = [HEAD.pack(len(text), len(arrays)), text]
    for data in arrays:
        parts += [LENGTH.pack(len(data)), data]
    return b"".join(parts)


@given(st.lists(st.tuples(BODIES, ARRAYS), max_size=3), st.lists(st.integers(1, 40), min_size=1, max_size=30))
@settings(deadline=None, max_examples=40)
def test_frames_come_out_as_they_went_in(messages: list[tuple[dict[str, Any], Any]], sizes: list[int]) -> None:
    """Bodies and arrays survive encoding and decoding, however the bytes are cut into pieces."""
    data = b"".join(encode(body, arrays) for body, arrays in messages)
    decoder, start = Decoder(), 0
    found: list[Frame] = []
    while start < len(data):
        size = sizes[len(found) % len(sizes)]
        found += decoder.feed(data[start : start + size])
        start += size
    assert len(found) == len(messages)
    assert all(same(frame, *message) for frame, message in zip(found, messages, strict=True))
    assert decoder.idle


@given(st.lists(st.binary(max_size=60), max_size=6))
def test_decoder_raises_only_protocol_errors_on_noise(pieces: list[bytes]) -> None:
    """Whatever bytes come, the decoder gives frames or raises ProtocolError; nothing else escapes."""
    decoder = Decoder(json_bytes=1000, array_bytes=1000)
    try:
        for piece in pieces:
            decoder.feed(piece)
    except ProtocolError:
        return


@given(st.binary(max_size=80), st.integers(0, 80), st.integers(0, 140))
@settings(deadline=None)
def test_damaged_array_bytes_raise_only_protocol_errors(noise: bytes, start: int, length: int) -> None:
    """An `.npy` overwritten or cut anywhere is an array of numbers or a ProtocolError, never another exception."""
    whole = npy(np.arange(3.0))
    damaged = (whole[:start] + noise + whole[start + len(noise) :])[:length]
    try:
        frames = Decoder().feed(frame_with(b'{"type":"t"}', damaged))
    except ProtocolError:
        return
    assert all(array.dtype.kind in "biuf" for frame in frames for array in frame.arrays)


def test_type_is_that_of_the_body() -> None:
    """A frame's type is what stands under "type"."""
    assert Decoder().feed(encode({"type": "fit", "x": 1}))[0].type == "fit"


def test_idle_is_false_inside_a_frame() -> None:
    """A decoder that waits for the rest of a frame says so."""
    decoder = Decoder()
    decoder.feed(encode({"type": "t"})[:5])
    assert not decoder.idle


def test_json_over_the_limit_is_refused_by_its_head_alone() -> None:
    """Six bytes that announce too much JSON are enough to refuse; nothing of it need be stored."""
    with pytest.raises(ProtocolError, match="1001 bytes of JSON"):
        Decoder(json_bytes=1000).feed(HEAD.pack(1001, 0))


def test_json_at_the_limit_is_accepted() -> None:
    """The limit itself is not too large."""
    text = json.dumps({"type": "t"}).encode()
    assert Decoder(json_bytes=len(text)).feed(frame_with(text))[0].body == {"type": "t"}


def test_too_many_arrays_are_refused_by_the_head_alone() -> None:
    """A count of arrays over the limit is refused before any of them is sent."""
    with pytest.raises(ProtocolError, match="5 arrays"):
        Decoder(arrays=4).feed(HEAD.pack(10, 5))


def test_arrays_over_the_limit_are_refused_before_they_come() -> None:
    """The announced length of an array is refused when it comes, before a byte of the array."""
    text = b'{"type":"t"}'
    with pytest.raises(ProtocolError, match="more than 1000 bytes of arrays"):
        Decoder(array_bytes=1000).feed(HEAD.pack(len(text), 1) + text + LENGTH.pack(1001))


def test_arrays_are_limited_in_sum() -> None:
    """Two arrays that are each small enough are refused when they are too large together."""
    data = npy(np.zeros(60))
    with pytest.raises(ProtocolError, match="bytes of arrays"):
        Decoder(array_bytes=len(data) + 1).feed(frame_with(b'{"type":"t"}', data, data))


@pytest.mark.parametrize(
    "text",
    [b"", b"null", b"[]", b"{}", b'{"type":1}', b'{"type":"t"', b"\xff\xfe", b'{"type":"t","n":' + b"9" * 5000 + b"}"],
    ids=["empty", "null", "list", "no_type", "type_is_a_number", "cut", "not_utf8", "endless_number"],
)
def test_what_is_no_typed_object_is_refused(text: bytes) -> None:
    """A frame is a JSON object with a string under "type", or it is refused."""
    with pytest.raises(ProtocolError):
        parse_json(text)


@pytest.mark.parametrize(("depth", "good"), [(59, True), (61, False)])
def test_depth_is_limited(depth: int, good: bool) -> None:
    """Sixty levels of lists and objects are accepted, more are not."""
    text = b'{"type":"t","v":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"
    if good:
        assert parse_json(text)["type"] == "t"
    else:
        with pytest.raises(ProtocolError, match="nested deeper than 60"):
            parse_json(text)


def test_a_hundred_thousand_brackets_are_refused() -> None:
    """Nesting that would exhaust the parser's stack is a ProtocolError, not a RecursionError."""
    with pytest.raises(ProtocolError):
        parse_json(b'{"type":' + b"[" * 100_000)


def test_depth_counts_the_deepest_branch() -> None:
    """A shallow branch beside a deep one does not hide it."""
    with pytest.raises(ProtocolError, match="deeper than 3"):
        check_depth({"a": 1, "b": [[[[1]]]]}, limit=3)


@pytest.mark.parametrize(
    "array",
    [np.array(["a"]), np.array([1j]), np.array(["2020-01-01"], "datetime64[D]"), np.zeros(1, [("a", "i4")])],
    ids=["text", "complex", "dates", "records"],
)
def test_arrays_of_anything_but_numbers_are_refused(array: np.ndarray[Any, Any]) -> None:
    """Only booleans, whole numbers and floats cross the border."""
    with pytest.raises(ProtocolError, match=r"not a plain \.npy"):
        Decoder().feed(frame_with(b'{"type":"t"}', npy(array)))


def test_arrays_of_objects_are_never_unpickled() -> None:
    """An `.npy` that holds a pickle is refused without looking into it."""
    buffer = io.BytesIO()
    np.save(buffer, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ProtocolError, match=r"not a plain \.npy"):
        Decoder().feed(frame_with(b'{"type":"t"}', buffer.getvalue()))


def test_an_archive_in_place_of_an_array_is_refused() -> None:
    """An `.npz`, which NumPy would open as well, is no array."""
    buffer = io.BytesIO()
    np.savez(buffer, np.zeros(1))
    with pytest.raises(ProtocolError):
        Decoder().feed(frame_with(b'{"type":"t"}', buffer.getvalue()))


def test_an_array_that_announces_terabytes_is_refused() -> None:
    """A header with a huge shape and no data behind it is a ProtocolError, not a MemoryError."""
    whole = npy(np.zeros(1)).replace(b"(1,), }" + b" " * 14, b"(9" + b"9" * 14 + b",), }")
    assert b"999" in whole
    with pytest.raises(ProtocolError):
        Decoder().feed(frame_with(b'{"type":"t"}', whole))


def test_objects_are_not_sent() -> None:
    """Encoding an array of Python objects fails on our side."""
    with pytest.raises(ValueError, match="allow_pickle"):
        encode({"type": "t"}, [np.array([object()])])
