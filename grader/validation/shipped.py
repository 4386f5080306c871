"""Trainings that come with an assignment, so that its rubric can be proven without training anything again.

    assignments/<id>/trainings/runs.jsonl                     one TrainingRun a line
    assignments/<id>/trainings/<training>-epoch-004.npz       weights after an epoch, where verdicts depend on them

They are measured facts of one machine and stand for those of any other, since a rubric's verdicts must not hang on last
digits. A class is never graded with them.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from grader.errors import SetupError
from grader.model.training import TrainingRun
from grader.training.kept import KeptRun, pack_part

LIST = "runs.jsonl"


class ShippedRuns:
    """The trainings beside an assignment; none if there is no such folder."""

    def __init__(self, folder: Path) -> None:
        self._runs: dict[tuple[str, int], KeptRun] = {}
        path = folder / LIST
        if not path.is_file():
            return
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            try:
                run = TrainingRun.model_validate_json(line)
            except ValidationError as error:
                raise SetupError(
                    f"{path}:{number}: not a recorded training. Make the file again with `grader validate ID --record`."
                ) from error
            self._runs[run.fingerprint, run.seed] = KeptRun(run, folder, prefix=prefix_of(run))

    def __len__(self) -> int:
        """How many there are."""
        return len(self._runs)

    def find(self, fingerprint: str, seed: int) -> KeptRun | None:
        """The training under this fingerprint and seed, or None."""
        return self._runs.get((fingerprint, seed))

    def runs(self) -> list[TrainingRun]:
        """All of them."""
        return [kept.run for kept in self._runs.values()]


def prefix_of(run: TrainingRun) -> str:
    """What the names of a training's files begin with; the part behind `@` names a training that stops in mid-epoch."""
    digest, _, place = run.fingerprint.partition("@")
    return f"{digest[:16]}{'-at-' + place if place else ''}-{run.seed}-"


def write_shipped(folder: Path, used: Mapping[tuple[str, int], KeptRun], *, weights: bool) -> int:
    """Write the trainings that were used, in place of those that were there; returns how many.

    Also those that Keras refused to carry out: that is what is known of them.

    Args:
        folder: `trainings` of the assignment.
        used: trainings by fingerprint and seed.
        weights: whether the weights that programs asked for are kept too; logs of batches always are.
    """
    parts = {}
    for kept in used.values():
        for index in sorted(kept.asked):
            values, batches = kept.part(index)
            if batches is not None or (weights and values):
                name = f"{prefix_of(kept.run)}epoch-{index:03d}.npz"
                parts[name] = pack_part(values if weights else [], batches)
    shutil.rmtree(folder, ignore_errors=True)
    if not used:
        return 0
    folder.mkdir(parents=True)
    for name, data in parts.items():
        (folder / name).write_bytes(data)
    lines = [used[key].run.model_dump_json() for key in sorted(used)]
    (folder / LIST).write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return len(lines)
