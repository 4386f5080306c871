"""Full marks if the cell that checks printed so."""

import json
from pathlib import Path

marks = {}
for path in Path("notebooks").glob("*.ipynb"):
    outputs = json.loads(path.read_text())["cells"][-1]["outputs"]
    printed = "".join("".join(output["text"]) for output in outputs if output.get("name") == "stdout")
    marks[path.stem] = float(printed.endswith("full marks\n"))
print(json.dumps(marks))
