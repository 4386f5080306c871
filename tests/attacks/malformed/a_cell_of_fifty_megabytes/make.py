import json
from pathlib import Path


def make(folder: Path) -> None:
    """Write the notebook."""
    cell = {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": [], "source": "x = 1\n" * 8_000_000}
    body = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "mnist_conv.ipynb").write_text(json.dumps(body))
