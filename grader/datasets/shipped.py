"""Shipped data sets, unpacked once and mapped into memory by every process that needs them.

Theory of operation. The archives beside this module are compressed with LZMA: small to ship, seconds to read. So they
are unpacked once into `home/datasets/<digest>/<name>/<part>.npy`, plain files that many processes can map read-only
and share. The digest is that of `checksums.toml`: new data gets a new folder, and an old one never changes its
meaning. Unpacking happens in a hidden folder beside the target, under a lock, and ends with one rename: whoever finds
the folder finds it whole. Checksums are verified before that rename; later calls only compare file sizes.
"""

import hashlib
import lzma
import math
import os
import shutil
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from grader.errors import SetupError
from grader.scratch import lock

SHIPPED = Path(__file__).parent
"""The folder of the archives."""

_CHECKSUMS_TEXT = (SHIPPED / "checksums.toml").read_bytes()
_CHECKSUMS = tomllib.loads(_CHECKSUMS_TEXT.decode())

ARRAYS: dict[str, dict[str, dict[str, Any]]] = _CHECKSUMS["arrays"]
"""dtype, shape and sha256 of every array, by name and part."""

DATASETS: dict[str, tuple[str, ...]] = {name: tuple(parts) for name, parts in ARRAYS.items()}
"""The parts of every data set: `x_train y_train x_test y_test` for MNIST and Fashion-MNIST, `image` for ascent."""

IDX_FILES: dict[str, str] = _CHECKSUMS["idx_files"]
"""SHA-256 of MNIST's four original files."""

DIGEST = hashlib.sha256(_CHECKSUMS_TEXT).hexdigest()[:16]

_HEADER_BYTES = 128
"""NumPy pads the header of an array as small in dimensions as these to 128 bytes."""

_REMEDY = "The shipped copy is damaged: install grader again, or restore the file from the repository."


def unpack(home: Path, shipped: Path = SHIPPED) -> Path:
    """The folder with every data set in it, unpacked from the archives in `shipped` if `home` lacks it.

    Raises SetupError when an archive is missing, damaged or not what `checksums.toml` says, or cannot be written.
    """
    folder = home / "datasets" / DIGEST
    if _is_complete(folder):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _only_process(folder.parent / ".lock"):
            if not _is_complete(folder):  # another process may have unpacked while this one waited
                _unpack_all(folder, shipped)
    except OSError as error:
        raise SetupError(
            f"{folder.parent}: expected to unpack the data sets here (110 MB), found: {error}. "
            "Free some space or choose another folder."
        ) from error
    return folder


def load(name: str, part: str, folder: Path) -> npt.NDArray[np.uint8]:
    """One array from a folder that `unpack` returned, mapped into memory and read-only.

    Images are `(count, 28, 28)` and labels `(count,)`, 60,000 in training parts and 10,000 in test parts; `ascent`'s
    `image` is `(512, 512)`. All are uint8. Raises SetupError for a name or part that does not ship with grader.
    """
    if part not in DATASETS.get(name, ()):
        known = ", ".join(
            f"{known_name}/{known_part}" for known_name, parts in DATASETS.items() for known_part in parts
        )
        raise SetupError(f"{name}/{part}: expected one of {known}. Correct the name.")
    array: npt.NDArray[np.uint8] = np.load(folder / name / f"{part}.npy", mmap_mode="r", allow_pickle=False)
    return array


def verify(name: str, part: str, array: npt.NDArray[Any]) -> None:
    """Raise SetupError unless the array is, byte for byte, the one that `checksums.toml` describes."""
    expected = ARRAYS[name][part]
    found = {
        "dtype": str(array.dtype),
        "shape": list(array.shape),
        "sha256": hashlib.sha256(array.tobytes()).hexdigest(),
    }
    if found != expected:
        wrong = "; ".join(
            f"{key} {expected[key]}, found {found[key]}" for key in expected if found[key] != expected[key]
        )
        raise SetupError(f"data set {name}/{part}: expected {wrong}. {_REMEDY}")


def _is_complete(folder: Path) -> bool:
    """Whether every array's file is there with its full size."""
    files = [(folder / name / f"{part}.npy", facts) for name, parts in ARRAYS.items() for part, facts in parts.items()]
    return all(path.is_file() and path.stat().st_size == _file_bytes(facts) for path, facts in files)


def _file_bytes(facts: dict[str, Any]) -> int:
    """Size of the `.npy` file of an array with this dtype and shape."""
    count: int = math.prod(facts["shape"])
    item_bytes: int = np.dtype(facts["dtype"]).itemsize
    return _HEADER_BYTES + count * item_bytes


@contextmanager
def _only_process(path: Path) -> Iterator[None]:
    """Hold the lock on `path`, which the kernel lets go even if this process is killed."""
    with path.open("w") as file:
        lock(file, wait=True)
        yield


def _unpack_all(folder: Path, shipped: Path) -> None:
    """Unpack and verify everything in a hidden folder, then put it in place; the lock is held."""
    for left_over in folder.parent.glob(".unpacking-*"):  # of a process that was killed
        shutil.rmtree(left_over)
    scratch = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=folder.parent))
    try:
        whole = scratch / "whole"
        for name in DATASETS:
            _unpack_archive(name, shipped / f"{name}.npz", whole / name)
        if folder.exists():  # incomplete; processes that mapped its files keep what they have
            folder.rename(scratch / "replaced")
        whole.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _unpack_archive(name: str, archive_path: Path, target: Path) -> None:
    """Write each part of one archive to `target/<part>.npy`, verified and read-only."""
    if not archive_path.is_file():
        raise SetupError(f"{archive_path}: expected the data set {name}, found no file. {_REMEDY}")
    target.mkdir(parents=True)
    try:
        with zipfile.ZipFile(archive_path) as archive:
            for part in DATASETS[name]:
                _unpack_part(archive, part, target / f"{part}.npy")
                verify(name, part, np.load(target / f"{part}.npy", mmap_mode="r", allow_pickle=False))
    except (zipfile.BadZipFile, lzma.LZMAError, EOFError, KeyError, ValueError, RuntimeError) as error:
        raise SetupError(f"{archive_path}: expected a readable archive, found: {error}. {_REMEDY}") from error


def _unpack_part(archive: zipfile.ZipFile, part: str, path: Path) -> None:
    """Copy one member to a file, and see it on disk: sizes are all that later calls look at."""
    with archive.open(f"{part}.npy") as source, path.open("wb") as target:
        shutil.copyfileobj(source, target, length=1 << 20)
        target.flush()
        os.fsync(target.fileno())
    path.chmod(0o444)
