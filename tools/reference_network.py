"""Write `assignments/<id>/reference.json`: the network that seconds per epoch are compared with.

    python tools/reference_network.py RESULTS ID

RESULTS holds the evidence of the reference solution, as `grader grade solutions/<id> --quick --only reference` leaves
it.
"""

import json
import sys
from pathlib import Path

from grader.results.folder import ResultsFolder


def main(results: Path, assignment: Path) -> None:
    """Take the request of the last fit of `reference`, and keep what the trainer needs to time its steps."""
    evidence = ResultsFolder(results).evidence("reference")
    if evidence is None or not evidence.observation.fits or evidence.observation.fits[-1].request is None:
        raise SystemExit(f"{results}: expected the evidence of a solution called `reference`, found none.")
    request = evidence.observation.fits[-1].request
    body = {"model": request.model, "compile": request.compile, "input_shape": list(request.x.shape[1:])}
    (assignment / "reference.json").write_text(json.dumps(body, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path("assignments") / sys.argv[2])
