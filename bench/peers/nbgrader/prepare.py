"""A course folder of nbgrader with one assignment, released, and handed in by every student.

nbgrader, "Creating and grading assignments": the instructor's version lies in `source`, with a solution cell and a cell
of tests that gives points; `nbgrader generate_assignment` makes the students' version and puts the assignment into the
database. nbgrader, "Managing assignment files manually": hand-ins lie in `submitted/STUDENT/ASSIGNMENT/`.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

TEST = """epochs, accuracy = train_mnist_conv()
assert epochs == [0]
assert 0 <= accuracy <= 1"""


def cell(name: str, text: str, solution: bool = False, points: int = 0) -> dict[str, Any]:
    """A code cell as nbgrader marks them."""
    mark = {"schema_version": 3, "grade_id": name, "solution": solution, "grade": points > 0, "task": False}
    mark |= {"locked": not solution} | ({"points": points} if points else {})
    return {
        "cell_type": "code",
        "id": name,
        "metadata": {"nbgrader": mark},
        "execution_count": None,
        "outputs": [],
        "source": text,
    }


hand_ins = {path.parent.name: json.loads(path.read_text()) for path in Path(sys.argv[1]).glob("*/mnist_conv.ipynb")}
first = next(iter(hand_ins.values()))
imports, function = ("".join(part["source"]) for part in first["cells"])
header, body = function.split("\n", 1)
solved = f"{header}\n    ### BEGIN SOLUTION\n{body}\n    ### END SOLUTION"
source = Path("source/one_step")
source.mkdir(parents=True)
cells = [cell("imports", imports), cell("function", solved, solution=True), cell("test", TEST, points=1)]
(source / "mnist_conv.ipynb").write_text(json.dumps(first | {"cells": cells}))
Path("nbgrader_config.py").write_text('c = get_config()\nc.CourseDirectory.course_id = "bench"\n')
subprocess.run(["nbgrader", "generate_assignment", "one_step"], check=True)
released = Path("release/one_step/mnist_conv.ipynb").read_text()
for student, notebook in hand_ins.items():
    handed_in = json.loads(released)
    handed_in["cells"][1]["source"] = notebook["cells"][1]["source"]
    folder = Path("submitted", student, "one_step")
    folder.mkdir(parents=True)
    (folder / "mnist_conv.ipynb").write_text(json.dumps(handed_in))
