"""Otter's configuration archive, and the notebooks.

Otter, "Generating Configuration Files": `otter generate` packs the folder `tests` into `autograder.zip`.
"""

import shutil
import subprocess
import sys
from pathlib import Path

shutil.copytree(Path(__file__).parent / "tests", "tests")
subprocess.run(["otter", "generate"], check=True)
Path("submissions").mkdir()
for path in Path(sys.argv[1]).glob("*/mnist_conv.ipynb"):
    shutil.copy(path, Path("submissions", f"{path.parent.name}.ipynb"))
    Path("results", path.parent.name).mkdir(parents=True)
