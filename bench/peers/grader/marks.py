"""The scores in scores.json."""

import json
from pathlib import Path

scores = json.loads(Path("results/scores.json").read_text())["submissions"]
print(json.dumps({item["student"]: (item["score"] or 0) / item["max_score"] for item in scores}))
