"""Read `.npy` without NumPy's own reader.

NumPy reads the header of a `.npy` file as Python source (`ast.literal_eval`). Python 3.11 counts the depth of a syntax
tree for the whole interpreter, so that two threads which parse at the same moment raise "SystemError: AST constructor
recursion depth mismatch": an honest array was then refused, and a check could not be carried out, once in some hundred
runs. The grading process reads arrays in its worker threads and runs pytest in its main thread, so nothing here parses
Python. A pattern that knows only plain numbers is also the stricter reader.

Source: the format in `numpy.lib.format` (versions 1 to 3).
"""

import io
import math
import re
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
MAGIC = b"\x93NUMPY"
LONGEST_HEADER = 4096
HEADER = re.compile(
    rb"\{'descr': '([<>|=][biuf](?:1|2|4|8))', 'fortran_order': (True|False), 'shape': \(((?:\d{1,15}, ?)*(?:\d{1,15})?)\), \}[ ]*\n?"
)


class NotPlainError(ValueError):
    """These bytes are no `.npy` of plain numbers."""


def read_header(data: bytes | bytearray) -> tuple[np.dtype[Any], tuple[int, ...], bool, int]:
    """(dtype, shape, Fortran order, where the numbers begin) of a `.npy`; NotPlainError for anything else."""
    if bytes(data[:6]) != MAGIC or len(data) < 12 or data[6] not in (1, 2, 3):
        raise NotPlainError("no header of a .npy file")
    width = 2 if data[6] == 1 else 4
    (length,) = struct.unpack("<H" if width == 2 else "<I", data[8 : 8 + width])
    start = 8 + width + length
    if length > LONGEST_HEADER or len(data) < start:
        raise NotPlainError("a header of the wrong length")
    found = HEADER.fullmatch(bytes(data[8 + width : start]))
    if found is None:
        raise NotPlainError("a header that is not one of plain numbers")
    descr, order, sizes = found.groups()
    shape = tuple(int(size) for size in sizes.replace(b" ", b"").split(b",") if size)
    try:
        dtype = np.dtype(descr.decode())
    except TypeError as error:
        raise NotPlainError(f"an unknown type {descr.decode()}") from error
    if len(shape) > 32:
        raise NotPlainError("too many axes")
    return dtype, shape, order == b"True", start


def read_npy(data: bytes | bytearray) -> Array:
    """The array in the bytes of a `.npy`; it shares memory with `data`, and can be written to if that can be."""
    dtype, shape, fortran, start = read_header(data)
    if math.prod(shape) * dtype.itemsize != len(data) - start:
        raise NotPlainError("more or fewer bytes than its shape needs")
    flat: Array = np.frombuffer(data, dtype, offset=start)
    return flat.reshape(shape, order="F" if fortran else "C")


def map_npy(path: Path) -> Array:
    """A `.npy` file, mapped into memory for reading."""
    with path.open("rb") as file:
        dtype, shape, fortran, start = read_header(file.read(LONGEST_HEADER + 12))
    if math.prod(shape) == 0:
        return np.zeros(shape, dtype)
    return np.asarray(np.memmap(path, dtype, "r", start, shape, "F" if fortran else "C"))


def read_npz(data: bytes) -> dict[str, Array]:
    """The arrays in the bytes of an `.npz`, by name; ValueError, KeyError or BadZipFile for anything else."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name.removesuffix(".npy"): read_npy(bytearray(archive.read(name))) for name in archive.namelist()}
