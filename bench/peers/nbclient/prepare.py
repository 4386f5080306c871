"""The notebook of each student, with a cell at its end that checks: nbclient runs notebooks, and grades nothing itself."""

import json
import sys
from pathlib import Path
from typing import Any

CHECK = """epochs, accuracy = train_mnist_conv()
assert epochs == [0]
assert 0 <= accuracy <= 1
print("full marks")"""

Path("notebooks").mkdir()
for path in Path(sys.argv[1]).glob("*/mnist_conv.ipynb"):
    notebook = json.loads(path.read_text())
    cell: dict[str, Any] = {
        "cell_type": "code",
        "id": "check",
        "metadata": {},
        "execution_count": None,
        "outputs": [],
        "source": CHECK,
    }
    notebook["cells"].append(cell)
    Path("notebooks", f"{path.parent.name}.ipynb").write_text(json.dumps(notebook))
