import zipfile
from pathlib import Path


def make(folder: Path) -> None:
    """Write the archive, a megabyte of zeros at a time."""
    with zipfile.ZipFile(folder / "mnist_conv.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("mnist_conv.py", "w", force_zip64=True) as file:
            for _ in range(1000):
                file.write(bytes(2**20))
