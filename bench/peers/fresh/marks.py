"""Full marks if the last line printed is one epoch and a share of the images."""

import json
from pathlib import Path

marks = {}
for printed in Path("students").glob("*/out.txt"):
    epochs, accuracy = json.loads(printed.read_text().splitlines()[-1])
    marks[printed.parent.name] = float(epochs == [0] and 0 <= accuracy <= 1)
print(json.dumps(marks))
