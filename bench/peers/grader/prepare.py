"""A folder for each student, with the notebook in it."""

import shutil
import sys
from pathlib import Path

for path in Path(sys.argv[1]).glob("*/mnist_conv.ipynb"):
    folder = Path("submissions", path.parent.name)
    folder.mkdir(parents=True)
    shutil.copy(path, folder)
