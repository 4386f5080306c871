"""The share of checks that passed."""

import json
from pathlib import Path

marks = {}
for path in Path("results").glob("*.json"):
    results = json.loads(path.read_text())["results"]
    marks[path.stem] = sum(result["passed"] is True for result in results) / len(results)
print(json.dumps(marks))
