import json
from pathlib import Path


def make(folder: Path) -> None:
    """Write the notebook."""
    cell = {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": [], "source": "x = 1"}
    body = {"cells": [cell] * 10_000, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "mnist_conv.ipynb").write_text(json.dumps(body))
