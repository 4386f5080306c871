"""For each student the folder that Gradescope makes in a new container.

Gradescope, "Autograder Specifications", section "File hierarchy": source, submission, results and run_autograder.
"""

import shutil
import sys
from pathlib import Path

for path in Path(sys.argv[1]).glob("*/mnist_conv.py"):
    folder = Path("students", path.parent.name)
    shutil.copytree(Path(__file__).parent / "source", folder / "source")
    shutil.copy(folder / "source/run_autograder", folder)
    (folder / "submission").mkdir()
    (folder / "results").mkdir()
    shutil.copy(path, folder / "submission")
