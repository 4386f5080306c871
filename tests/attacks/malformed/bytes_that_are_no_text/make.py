from pathlib import Path


def make(folder: Path) -> None:
    """Write the module."""
    (folder / "mnist_conv.py").write_bytes(b"x = 1\x00\n\xed\xa0\x80\n\xef\xbb\xbfprint(1)\xff\xfe\n")
