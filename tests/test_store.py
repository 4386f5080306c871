"""The store of trainings: what was kept comes back whole, and what is damaged counts as absent."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.model.training import Evaluation, Layer, TrainingRun
from grader.training.kept import KeptRun, RecentParts, pack_part, unpack_part
from grader.training.store import MOST_EVALUATIONS, Store, epoch_logs, library_versions, machine_kind, with_digest
from tests.factories import make_description, make_run

WEIGHTS = [np.arange(6, dtype=np.float32).reshape(2, 3), np.zeros(3, np.float32)]
BATCHES = (["accuracy", "loss"], np.array([[0.1, 2.0], [0.2, 1.0]], np.float32))
RUN = make_run([0.5, 0.9], steps_per_epoch=2)


def filled(folder: Path | None, run: TrainingRun = RUN) -> Store:
    """A store with one training in it."""
    store = Store(folder)
    store.keep(run, {0: (WEIGHTS, BATCHES), 1: (WEIGHTS, None)})
    return store


def only(folder: Path, pattern: str) -> Path:
    """The one file of this name below a store."""
    found = list(folder.rglob(pattern))
    assert len(found) == 1
    return found[0]


def entry_of(folder: Path) -> Path:
    """The file of the one training in a store."""
    return only(folder / "runs", "*.json")


def object_of(folder: Path, name: str) -> Path:
    """The file with the weights of an epoch of the one training in a store."""
    digest = json.loads(entry_of(folder).read_text())["files"][name]
    return only(folder / "objects", digest)


def found_again(folder: Path) -> KeptRun:
    kept = Store(folder).find("f", 1)
    assert kept is not None
    return kept


def test_a_run_comes_back_from_disk(tmp_path: Path) -> None:
    """Another process finds the run as it was kept."""
    filled(tmp_path)
    assert found_again(tmp_path).run == RUN


def test_weights_come_back_bit_for_bit(tmp_path: Path) -> None:
    """Weights after an epoch are the same arrays, in their order."""
    filled(tmp_path)
    weights, _ = found_again(tmp_path).part(0)
    assert [(array.dtype, array.tolist()) for array in weights] == [(array.dtype, array.tolist()) for array in WEIGHTS]


def test_batch_logs_come_back(tmp_path: Path) -> None:
    """Keys and logs of the batches of an epoch are the same."""
    filled(tmp_path)
    _, batches = found_again(tmp_path).part(0)
    assert batches is not None
    assert (batches[0], batches[1].tolist()) == (BATCHES[0], BATCHES[1].tolist())


@pytest.mark.parametrize("index", [1, 7])
def test_what_was_not_kept_is_empty(tmp_path: Path, index: int) -> None:
    """An epoch without batch logs, or without anything, gives nothing and no error."""
    filled(tmp_path)
    assert found_again(tmp_path).part(index)[1] is None


def test_without_a_folder_the_store_remembers() -> None:
    """`--no-store` keeps runs for this process, weights included."""
    kept = filled(None).find("f", 1)
    assert kept is not None
    assert [array.tolist() for array in kept.part(0)[0]] == [array.tolist() for array in WEIGHTS]


def test_without_a_folder_nothing_outlives_the_process() -> None:
    """Another store without a folder knows nothing."""
    filled(None)
    assert Store(None).find("f", 1) is None


@pytest.mark.parametrize(("fingerprint", "seed"), [("f", 2), ("g", 1)])
def test_another_fingerprint_or_seed_is_another_run(tmp_path: Path, fingerprint: str, seed: int) -> None:
    """A run is found only under its own fingerprint and seed."""
    filled(tmp_path)
    assert Store(tmp_path).find(fingerprint, seed) is None


def test_a_later_run_replaces_the_earlier_one(tmp_path: Path) -> None:
    """A training that went further takes the place of the shorter one."""
    filled(tmp_path)
    longer = make_run([0.5, 0.9, 0.95])
    filled(tmp_path, longer)
    assert found_again(tmp_path).run == longer


def test_a_run_with_a_problem_stays_in_memory(tmp_path: Path) -> None:
    """What could not be trained is not kept on disk: the next run tries again."""
    store = filled(tmp_path, make_run([], problem="it exploded"))
    assert store.find("f", 1) is not None
    assert Store(tmp_path).find("f", 1) is None


def test_a_store_that_cannot_be_written_still_remembers(tmp_path: Path) -> None:
    """With a file where the folder should be, runs are remembered for this process."""
    (tmp_path / "store").write_text("in the way")
    assert filled(tmp_path / "store").find("f", 1) is not None


def test_no_scratch_folder_is_left(tmp_path: Path) -> None:
    """After keeping a run twice there is one entry, its two files and nothing beside them."""
    filled(tmp_path).close()
    filled(tmp_path).close()
    assert list(entry_of(tmp_path).parent.iterdir()) == [entry_of(tmp_path)]
    assert len([path for path in (tmp_path / "objects").rglob("*") if path.is_file()]) == 2
    assert not list((tmp_path / "leases").iterdir())


@given(st.data())
@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("name", ["epoch-000.npz", "run"])
def test_a_changed_byte_makes_the_run_absent(tmp_path: Path, name: str, data: st.DataObject) -> None:
    """One byte changed or cut off anywhere, and the run counts as absent, or is whole all the same."""
    filled(tmp_path)
    path = entry_of(tmp_path) if name == "run" else object_of(tmp_path, name)
    whole = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(whole) - 1))
    if data.draw(st.booleans()):
        del whole[place:]
    else:
        whole[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(bytes(whole))
    kept = Store(tmp_path).find("f", 1)
    assert kept is None or (name == "run" and kept.run == RUN)


def test_missing_weights_make_the_run_absent(tmp_path: Path) -> None:
    """A run whose weights were deleted is trained again."""
    filled(tmp_path)
    object_of(tmp_path, "epoch-001.npz").unlink()
    assert Store(tmp_path).find("f", 1) is None


@pytest.mark.parametrize("change", [{"files": []}, {"files": None}, {"run": []}, {"run": None}, {"digest": ""}])
def test_an_entry_of_another_form_is_absent(tmp_path: Path, change: dict[str, Any]) -> None:
    """An entry of the wrong form counts as absent."""
    filled(tmp_path)
    path = entry_of(tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert Store(tmp_path).find("f", 1) is None


@pytest.mark.parametrize("text", ["", "[]", "null", "3", '{"run":'])
def test_something_else_under_the_name_is_absent(tmp_path: Path, text: str) -> None:
    """Whatever lies under an entry's name, it is a run or absent."""
    filled(tmp_path)
    entry_of(tmp_path).write_text(text)
    assert Store(tmp_path).find("f", 1) is None


def test_an_accuracy_changed_by_hand_makes_the_run_absent(tmp_path: Path) -> None:
    """The run carries a digest of itself."""
    filled(tmp_path)
    path = entry_of(tmp_path)
    path.write_text(path.read_text().replace("0.9", "1.0"))
    assert Store(tmp_path).find("f", 1) is None


KNOWN = Evaluation(logs={"accuracy": 0.75, "loss": float("inf")}, seconds=2.0)


def test_evaluations_come_back_from_disk(tmp_path: Path) -> None:
    """Each under its key, whichever process added it; the training and its files are as before."""
    filled(tmp_path)
    for key in ("one", "two"):
        Store(tmp_path).keep_evaluation("f", 1, key, KNOWN)
    found = found_again(tmp_path)
    assert found.evaluations == {"one": KNOWN, "two": KNOWN}
    assert found.run == RUN
    assert [array.tolist() for array in found.part(0)[0]] == [array.tolist() for array in WEIGHTS]


def test_evaluations_of_two_processes_are_both_kept(tmp_path: Path) -> None:
    """What another has written since a training was read is not lost."""
    filled(tmp_path)
    stores = [Store(tmp_path), Store(tmp_path)]
    for store in stores:
        store.find("f", 1)
    for number, store in enumerate(stores):
        store.keep_evaluation("f", 1, str(number), KNOWN)
    assert sorted(found_again(tmp_path).evaluations) == ["0", "1"]


def test_a_longer_training_keeps_its_evaluations(tmp_path: Path) -> None:
    """The epochs that were there are the same."""
    store = filled(tmp_path)
    store.keep_evaluation("f", 1, "one", KNOWN)
    store.keep(make_run([0.5, 0.9, 0.95]), {2: (WEIGHTS, None)}, before=store.find("f", 1))
    assert found_again(tmp_path).evaluations == {"one": KNOWN}
    assert len(found_again(tmp_path).run.epochs) == 3


def test_what_could_not_be_evaluated_is_not_written(tmp_path: Path) -> None:
    """Another day there may be more memory."""
    store = filled(tmp_path)
    store.keep_evaluation("f", 1, "one", Evaluation(problem="too large"))
    kept = store.find("f", 1)
    assert kept is not None
    assert list(kept.evaluations) == ["one"]
    assert found_again(tmp_path).evaluations == {}


def test_an_entry_does_not_grow_for_ever(tmp_path: Path) -> None:
    """Beyond a number, evaluations are remembered by this process only."""
    store = filled(tmp_path)
    for number in range(MOST_EVALUATIONS + 3):
        store.keep_evaluation("f", 1, str(number), KNOWN)
    kept = store.find("f", 1)
    assert kept is not None
    assert len(kept.evaluations) == MOST_EVALUATIONS + 3
    assert len(found_again(tmp_path).evaluations) == MOST_EVALUATIONS


def test_an_evaluation_of_an_unknown_training_is_dropped(tmp_path: Path) -> None:
    """There is nothing that it could belong to."""
    filled(tmp_path).keep_evaluation("g", 1, "one", KNOWN)
    assert found_again(tmp_path).evaluations == {}


@pytest.mark.parametrize("evaluations", [[], {"one": 1}, {"one": {"logs": {"loss": "low"}}}])
def test_an_entry_with_other_evaluations_is_absent(tmp_path: Path, evaluations: Any) -> None:
    """Even if its digest is right: nothing of it is believed; an empty list is none."""
    filled(tmp_path)
    path = entry_of(tmp_path)
    path.write_text(json.dumps(with_digest({**json.loads(path.read_text()), "evaluations": evaluations})))
    assert (Store(tmp_path).find("f", 1) is None) == bool(evaluations)


def test_descriptions_come_back_from_disk(tmp_path: Path) -> None:
    """What a network looks like is kept by its architecture."""
    layer = Layer(name="layer_2", class_name="Conv2D", output_shape=(None, 26, 26, 32), parameters=320)
    Store(tmp_path).keep_description("net", make_description(layer))
    assert Store(tmp_path).find_description("net") == make_description(layer)


def test_an_unknown_description_is_none(tmp_path: Path) -> None:
    """A network that was not built before is not described."""
    assert Store(tmp_path).find_description("net") is None


def test_a_damaged_description_is_none(tmp_path: Path) -> None:
    """Half a file counts as absent."""
    Store(tmp_path).keep_description("net", make_description())
    path = only(tmp_path / "networks", "*.json")
    path.write_text(path.read_text()[:20])
    assert Store(tmp_path).find_description("net") is None


def test_runs_with_nan_come_back(tmp_path: Path) -> None:
    """A training whose loss blew up is kept like any other."""
    run = make_run([0.1]).model_copy(update={"epochs": (epoch_logs({"logs": {"loss": float("nan")}, "seconds": 1}),)})
    filled(tmp_path, run)
    assert repr(found_again(tmp_path).run) == repr(run)


@pytest.mark.parametrize(("accuracy", "kept"), [(None, None), (1, 1.0)])
def test_an_epoch_frame_becomes_a_record(accuracy: float | None, kept: float | None) -> None:
    """Logs, accuracy and seconds of an epoch are floats, an accuracy that was not measured is None."""
    logs = epoch_logs({"logs": {"loss": 2}, "accuracy": accuracy, "seconds": 3})
    assert (logs.logs, logs.accuracy, logs.seconds) == ({"loss": 2.0}, kept, 3.0)


@given(st.integers(0, 12))
@settings(deadline=None, max_examples=10)
def test_weights_keep_their_order(count: int) -> None:
    """However many weights there are, they come back in the order of the model."""
    weights, _ = unpack_part(pack_part([np.full(1, index) for index in range(count)], None))
    assert [int(array[0]) for array in weights] == list(range(count))


def test_library_versions_name_what_decides_the_digits() -> None:
    """The key of a run depends on TensorFlow, Keras and NumPy."""
    assert set(library_versions()) == {"tensorflow", "keras", "numpy"}


def test_machine_is_named_the_same_twice() -> None:
    """The kind of machine is no matter of chance."""
    assert machine_kind() == machine_kind()


@pytest.mark.parametrize("first", ["keras", "fused"])
def test_arithmetics_are_kept_apart(tmp_path: Path, first: str) -> None:
    """A training repeated exactly takes no other one's place, and an exact store never sees the fast one."""
    second = "keras" if first == "fused" else "fused"
    curves = {"keras": 0.75, "fused": 0.5}
    for arithmetic in (first, second):
        epochs = tuple(epoch.model_copy(update={"accuracy": curves[arithmetic]}) for epoch in RUN.epochs)
        run = RUN.model_copy(update={"arithmetic": arithmetic, "epochs": epochs})
        Store(tmp_path, fused=True).keep(run, {})

    for arithmetic, accuracy in curves.items():
        kept = Store(tmp_path, fused=True).find_by(RUN.fingerprint, RUN.seed, arithmetic)  # type: ignore[arg-type]
        assert kept is not None
        assert [epoch.accuracy for epoch in kept.run.epochs] == [accuracy] * len(RUN.epochs)
    exact = Store(tmp_path, fused=False).find(RUN.fingerprint, RUN.seed)
    assert exact is not None
    assert exact.run.arithmetic == "keras"


def test_parts_that_were_read_last_are_remembered() -> None:
    """Up to so many bytes; the one that was used longest ago goes first, and one that is too large is not kept."""
    parts = RecentParts(100)
    first, second, third = (([np.zeros(size, np.uint8)], None) for size in (40, 40, 60))
    parts.keep("first", first)
    parts.keep("second", second)
    assert parts.get("first") is first
    assert parts.keep("third", third) is third
    assert [parts.get(name) for name in ("first", "second", "third")] == [first, None, third]
    batches = ([np.zeros(60, np.uint8)], (["loss"], np.zeros((6, 1))))
    assert parts.keep("large", batches) is batches
    assert parts.get("large") is None


def test_a_part_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A class asks for the same weights again and again."""
    filled(tmp_path)
    monkeypatch.setattr("grader.training.kept.RECENT", RecentParts(1000))
    once, again = found_again(tmp_path).part(0), found_again(tmp_path).part(0)
    assert once[0] is again[0]
