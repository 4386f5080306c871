"""The scores that went to the learner."""

import json
from pathlib import Path

feedback = {path.parent.parent.name: json.loads(path.read_text()) for path in Path("students").glob("*/shared/*.json")}
print(json.dumps({student: said["fractionalScore"] for student, said in feedback.items()}))
