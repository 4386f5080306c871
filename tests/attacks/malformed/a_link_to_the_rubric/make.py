from pathlib import Path


def make(folder: Path) -> None:
    """Make the link."""
    (folder / "mnist_conv.py").symlink_to("/etc/passwd")
