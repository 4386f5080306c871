"""Arrays are read without parsing Python: whatever NumPy writes comes back, and nothing else is taken."""

import ast
import gc
import io
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from grader.wire.frames import Decoder, encode
from grader.wire.npy import NotPlainError, map_npy, read_npy, read_npz

PLAIN = arrays.arrays(
    dtype=st.sampled_from(["<f4", "<f8", "<f2", ">f4", "|u1", "|i1", "<i8", "<u2", "|b1"]),
    shape=arrays.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=5),
)


def written(array: Any, version: tuple[int, int] | None = None) -> bytes:
    """The bytes that NumPy writes."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version=version, allow_pickle=False)
    return buffer.getvalue()


@given(PLAIN, st.sampled_from([None, (1, 0), (2, 0), (3, 0)]), st.booleans())
@settings(deadline=None, max_examples=150)
def test_what_numpy_writes_comes_back(array: Any, version: tuple[int, int] | None, fortran: bool) -> None:
    """Every plain type and shape, in both orders and all versions of the format."""
    found = read_npy(written(np.asfortranarray(array) if fortran and array.ndim else array, version))
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x93NUMPY",
        b"\x93NUMPY\x01\x00\xff\xff{",
        b"\x93NUMPY\x09\x00" + written(np.zeros(2))[8:],
        written(np.zeros(2))[:-1],
        written(np.zeros(2)) + b"x",
        written(np.zeros(2)).replace(b"(2,)", b"(9,)"),
        written(np.zeros(2)).replace(b"<f8", b"<c8"),
        written(np.zeros(2)).replace(b"'<f8'", b"'|O' "),
        written(np.zeros(2)).replace(b"(2,)", b"-2, "),
        written(np.zeros(2)).replace(b"{'descr'", b"{exit()#"),
        written(np.zeros(2, [("a", "<f4")])),
        written(np.array(["text"])),
        written(np.zeros(2, np.complex64)),
    ],
    ids=lambda data: repr(data[:12]),
)
def test_anything_else_is_refused(data: bytes) -> None:
    """Cut, lengthened, of another type, or with a header that is more than a header."""
    with pytest.raises(NotPlainError):
        read_npy(data)


@given(st.binary(max_size=200), st.integers(0, 127), st.integers(0, 255))
@settings(deadline=None, max_examples=300)
def test_damaged_bytes_are_read_or_refused(noise: bytes, place: int, value: int) -> None:
    """No other exception comes out, whatever the bytes are."""
    damaged = bytearray(written(np.arange(6.0).reshape(2, 3)))
    damaged[place] = value
    for data in (bytes(damaged), noise, b"\x93NUMPY\x01\x00" + noise):
        try:
            read_npy(data)
        except NotPlainError:
            continue


def test_files_are_mapped_and_archives_are_read(tmp_path: Path) -> None:
    """From disk, too; an empty array cannot be mapped and comes back all the same."""
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    np.save(tmp_path / "a.npy", array)
    np.save(tmp_path / "none.npy", np.zeros((0, 3)))
    np.savez(tmp_path / "a.npz", one=array, two=np.array(5))
    np.testing.assert_array_equal(map_npy(tmp_path / "a.npy"), array)
    assert map_npy(tmp_path / "none.npy").shape == (0, 3)
    found = read_npz((tmp_path / "a.npz").read_bytes())
    assert found["one"].tolist() == array.tolist()
    assert found["two"] == 5


class Slow:
    """Something whose end takes Python code, so that a collection of garbage may let another thread run."""

    def __init__(self) -> None:
        self.me = self

    def __del__(self) -> None:
        sum(range(200))


def test_arrays_are_read_while_another_thread_parses() -> None:
    """One thread decodes frames, another parses Python as pytest does: neither disturbs the other.

    With NumPy's own reader one of them failed within a second on Python 3.11 (SystemError).
    """
    frame = encode({"type": "t"}, [np.zeros((2, 2))] * 20)
    source = "\n".join(f"x{number} = [({number}, {{'a': [1, 2, (3,)]}})]" for number in range(200))
    failed: list[BaseException] = []
    end = time.monotonic() + 2.0

    def repeat(action: Callable[[], object], deep: int) -> None:
        if deep:
            repeat(action, deep - 1)
            return
        while time.monotonic() < end and not failed:
            Slow()
            try:
                action()
            except Exception as error:  # noqa: BLE001 - whatever it is, it must not happen
                failed.append(error)

    threshold, interval = gc.get_threshold(), sys.getswitchinterval()
    gc.set_threshold(50)
    sys.setswitchinterval(1e-6)
    try:
        threads = [
            threading.Thread(target=repeat, args=(lambda: ast.parse(source), 5)),
            threading.Thread(target=repeat, args=(lambda: Decoder().feed(frame), 100)),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        gc.set_threshold(*threshold)
        sys.setswitchinterval(interval)
    assert failed == []
