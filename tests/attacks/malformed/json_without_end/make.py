from pathlib import Path


def make(folder: Path) -> None:
    """Write the notebook."""
    (folder / "mnist_conv.ipynb").write_text('{"cells": ' + "[" * 200_000 + "]" * 200_000 + ', "nbformat": 4}')
