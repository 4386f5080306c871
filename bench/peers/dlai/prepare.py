"""For each student the folder of the grader, as `dlai_grader --init` makes it, and what Coursera binds into it.

dlai-grader, its README, section "Tagging graded cells": cells without the tag `graded` are left out.
"""

import json
import shutil
import sys
from pathlib import Path

for path in Path(sys.argv[1]).glob("*/mnist_conv.ipynb"):
    folder = Path("students", path.parent.name)
    (folder / "shared/submission").mkdir(parents=True)
    (folder / "submission").mkdir()
    for name in ("entry.py", "grader.py"):
        shutil.copy(Path(__file__).parent / name, folder)
    (folder / ".conf").write_text("ASSIGNMENT_NAME=one_step\nGRADER_VERSION=1\n")
    notebook = json.loads(path.read_text())
    for cell in notebook["cells"]:
        cell["metadata"]["tags"] = ["graded"]
    (folder / "shared/submission/submission.ipynb").write_text(json.dumps(notebook))
