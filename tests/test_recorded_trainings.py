"""The trainings that come with an assignment are what a training gives.

On the kind of machine on which they were recorded bit for bit; elsewhere, and by fused arithmetic, within a tolerance and
with the same verdicts. The flagship's reference is compared on every push (`tests/test_solutions.py`), everything else by `make records`, which
takes hours.
"""

from pathlib import Path

import pytest

from grader.cli import places
from grader.model.assignment import Assignment, load_assignment
from grader.model.training import TrainingRun
from grader.pipeline.settings import Settings
from grader.pipeline.watch import Silent
from grader.training.store import library_versions, machine_kind
from grader.validation import Options, Proof
from grader.validation.shipped import ShippedRuns

CHECKOUT = Path(__file__).parent.parent
TRAINED = sorted(path.parent.parent.name for path in (CHECKOUT / "assignments").glob("*/trainings/runs.jsonl"))
TOLERANCE = 0.01
"""Of the accuracy after an epoch, on another kind of machine: from the second epoch on, curves of one network and one seed
on two kinds of processor lay within 0.004 of each other."""


def load(name: str) -> Assignment:
    """An assignment of the course."""
    return load_assignment(CHECKOUT / "assignments" / name)


def differences(recorded: TrainingRun, fresh: TrainingRun) -> list[str]:
    """Where two trainings of one request differ by more than they may, epoch by epoch as far as both go."""
    same_place = (recorded.machine, recorded.versions) == (machine_kind(), library_versions())
    same_place = same_place and recorded.arithmetic == fresh.arithmetic
    found = []
    for number, (old, new) in enumerate(zip(recorded.epochs, fresh.epochs, strict=False), 1):
        if same_place:
            equal = (old.logs, old.accuracy, old.test_accuracy) == (new.logs, new.accuracy, new.test_accuracy)
        elif old.accuracy is None or new.accuracy is None:
            equal = old.accuracy is new.accuracy
        else:
            equal = number == 1 or abs(old.accuracy - new.accuracy) <= TOLERANCE
        if not equal:
            found.append(f"epoch {number}: recorded {old.accuracy}, now {new.accuracy}")
    return found


@pytest.mark.records
@pytest.mark.sandbox
@pytest.mark.timeout(4 * 3600)
@pytest.mark.parametrize("name", TRAINED)
def test_every_record_is_what_a_training_gives(name: str, tmp_path: Path) -> None:
    """All trainings of all solutions and mutants, carried out now: equal curves and equal verdicts."""
    settings = Settings(places.datasets(), store=tmp_path, jobs=2)
    proof = Proof(
        load(name), CHECKOUT / "solutions" / name, settings, Silent(), Options(train_mutants=True, shipped=False)
    )
    report = proof.run()
    assert not report.wrong
    recorded = ShippedRuns(CHECKOUT / "assignments" / name / "trainings")
    assert {(run.fingerprint, run.seed) for run in recorded.runs()} == set(proof.used)
    for run in recorded.runs():
        assert differences(run, proof.used[run.fingerprint, run.seed].run) == []


def test_a_difference_is_seen() -> None:
    """Equal on this kind of machine means equal; on another, near."""
    recorded = ShippedRuns(CHECKOUT / "assignments/mnist_conv/trainings").runs()[0]
    here = recorded.model_copy(update={"machine": machine_kind(), "versions": library_versions()})
    elsewhere = recorded.model_copy(update={"machine": "another"})
    assert recorded.epochs[1].accuracy is not None
    for change, here_equal, elsewhere_equal in ((0.0, True, True), (1e-6, False, True), (0.02, False, False)):
        epochs = list(recorded.epochs)
        epochs[1] = epochs[1].model_copy(update={"accuracy": recorded.epochs[1].accuracy + change})
        fresh = recorded.model_copy(update={"epochs": tuple(epochs)})
        assert (differences(here, fresh) == []) is here_equal
        assert (differences(elsewhere, fresh) == []) is elsewhere_equal
