"""A store in one file: what was exported comes in whole, and nothing else comes in."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.errors import SetupError
from grader.model.training import TrainingRun
from grader.training.bundle import LABEL, Carried, export_bundle, import_bundle, verify
from grader.training.shelf import Shelf
from grader.training.store import NETWORKS, RUNS, Store, body_digest, place_here, run_key
from tests.factories import make_description, make_run

FINGERPRINTS = "a" * 64, "b" * 64
Members = dict[str, bytes]


def filled(folder: Path, *accuracies: float, number: int = 0, **place: Any) -> Store:
    """A store with a training and a network in it."""
    store = Store(folder, **place)
    run = make_run(accuracies, fingerprint=FINGERPRINTS[number], machine="m")
    weights = [np.full((2, 2), value, np.float32) for value in accuracies]
    store.keep(run, {index: ([array], None) for index, array in enumerate(weights)})
    store.keep_description(f"net {number}", make_description())
    store.close()
    return store


def exported(folder: Path) -> Path:
    path = folder / "bundle.zip"
    assert not export_bundle(Shelf(folder / "store"), path).faults
    return path


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A file with two trainings, one of them twice as long, and two networks."""
    filled(tmp_path / "store", 0.5, 0.9)
    filled(tmp_path / "store", 0.4, number=1)
    return exported(tmp_path)


def taken_in(folder: Path, path: Path, *, limit: int = 10**9) -> Carried:
    return import_bundle(Shelf(folder), path, limit=limit, today="2026-12-01", place=place_here())


def run_in(folder: Path, number: int = 0) -> TrainingRun | None:
    kept = Store(folder).find(FINGERPRINTS[number], 1)
    return None if kept is None else kept.run


def changed(path: Path, change: Callable[[Members], object]) -> Path:
    """The bundle with other members."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    other = path.with_name("changed.zip")
    with zipfile.ZipFile(other, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return other


def member(members: Members, kind: str, number: int = 0) -> str:
    """The name of an entry, or of the first file."""
    if kind != RUNS:
        return next(name for name in members if name.startswith(f"{kind}/"))
    return f"{RUNS}/{run_key(FINGERPRINTS[number], 1, place_here())}.json"


def test_what_was_exported_comes_in(tmp_path: Path, bundle: Path) -> None:
    """Trainings, their weights, and networks are those of the other store."""
    done = taken_in(tmp_path / "other", bundle)
    assert (done.runs, done.networks, done.known, done.faults) == (2, 2, 0, [])
    assert [run_in(tmp_path / "other", number) for number in (0, 1)] == [
        run_in(tmp_path / "store", number) for number in (0, 1)
    ]
    kept = Store(tmp_path / "other").find(FINGERPRINTS[0], 1)
    assert kept is not None
    assert kept.part(1)[0][0].tolist() == np.full((2, 2), 0.9, np.float32).tolist()
    assert Store(tmp_path / "other").find_description("net 1") == make_description()


def test_an_export_is_the_same_twice(tmp_path: Path, bundle: Path) -> None:
    """The same store gives the same bytes, also after it was carried somewhere else."""
    before = bundle.read_bytes()
    taken_in(tmp_path / "other", bundle)
    assert exported(tmp_path).read_bytes() == before
    export_bundle(Shelf(tmp_path / "other"), tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == before


def test_what_is_known_stays_as_it_is(tmp_path: Path, bundle: Path) -> None:
    """A second import takes in nothing."""
    taken_in(tmp_path / "other", bundle)
    done = taken_in(tmp_path / "other", bundle)
    assert (done.runs, done.networks, done.known) == (0, 0, 4)


@pytest.mark.parametrize(("mine", "found"), [((0.5,), 2), ((0.5, 0.9, 0.95), 3)])
def test_the_longer_of_two_equal_trainings_stays(
    tmp_path: Path, bundle: Path, mine: tuple[float, ...], found: int
) -> None:
    """An import makes a training longer and never shorter."""
    filled(tmp_path / "other", *mine)
    assert not taken_in(tmp_path / "other", bundle).faults
    run = run_in(tmp_path / "other")
    assert run is not None
    assert len(run.epochs) == found


def test_a_training_that_went_otherwise_here_is_refused(tmp_path: Path, bundle: Path) -> None:
    """What contradicts a training of this machine is forged, or this machine's is: it is told and left out."""
    filled(tmp_path / "other", 0.6)
    done = taken_in(tmp_path / "other", bundle)
    assert [fault.why for fault in done.faults] == [
        "it says something else than the training in this store; one of them is wrong"
    ]
    assert run_in(tmp_path / "other") == make_run([0.6], fingerprint=FINGERPRINTS[0], machine="m")


def test_a_damaged_entry_here_is_replaced(tmp_path: Path, bundle: Path) -> None:
    """What counts as absent is no reason to refuse."""
    taken_in(tmp_path / "other", bundle)
    for path in (tmp_path / "other" / "objects").rglob("*"):
        if path.is_file():
            path.write_bytes(b"rotten")
    assert taken_in(tmp_path / "other", bundle).runs == 2
    assert run_in(tmp_path / "other") is not None


def test_trainings_of_other_machines_are_counted(tmp_path: Path) -> None:
    """They are kept, and it is said that they are not used here."""
    filled(tmp_path / "store", 0.5, machine="another")
    done = taken_in(tmp_path / "other", exported(tmp_path))
    assert (done.runs, done.elsewhere) == (1, 1)
    assert run_in(tmp_path / "other") is None


def test_imported_entries_are_marked(tmp_path: Path, bundle: Path) -> None:
    """Each says when it came, so that all can be thrown out again; an export does not carry the mark on."""
    taken_in(tmp_path / "other", bundle)
    shelf = Shelf(tmp_path / "other")
    marks = {shelf.read(entry.kind, entry.key)["imported"] for entry in shelf.entries(RUNS, NETWORKS)}
    assert marks == {"2026-12-01"}


def test_damage_is_left_out_of_an_export(tmp_path: Path, bundle: Path) -> None:
    """What is not whole does not travel, and is told."""
    assert bundle.exists()
    shelf = Shelf(tmp_path / "store")
    entry = next(iter(shelf.entries(RUNS)))
    entry.path.write_text("{}")
    done = export_bundle(shelf, tmp_path / "again.zip")
    assert (done.runs, len(done.faults)) == (1, 1)
    assert [why for _, why in verify(shelf) if why] == ["it is not what it was when it was written"]


# ── forged ──


def rewritten(members: Members, change: Callable[[dict[str, Any]], object], *, honest: bool = True) -> None:
    """Another body for the first training, with the digest of it."""
    name = member(members, RUNS)
    body = json.loads(members[name])
    change(body)
    if honest:
        body["digest"] = body_digest(body)
    members[name] = json.dumps(body).encode()


def accuracy(value: Any) -> Callable[[dict[str, Any]], object]:
    return lambda body: body["run"]["epochs"][0].update(accuracy=value)


REFUSED: dict[str, tuple[Callable[[Members], object], str]] = {
    "an accuracy without its digest": (
        lambda members: rewritten(members, accuracy(1.0), honest=False),
        "it is not what it was when it was written",
    ),
    "an accuracy over one": (lambda members: rewritten(members, accuracy(1.5)), "an accuracy in it is no share"),
    "words for an accuracy": (lambda members: rewritten(members, accuracy("all")), "it is no training"),
    "another fingerprint": (
        lambda members: rewritten(members, lambda body: body["run"].update(fingerprint="c" * 64)),
        "it lies under a name that is not its own",
    ),
    "another place": (
        lambda members: rewritten(members, lambda body: body["place"].update(machine="yours")),
        "it lies under a name that is not its own",
    ),
    "no place": (lambda members: rewritten(members, lambda body: body.update(place=[])), "it does not say where"),
    "a problem": (
        lambda members: rewritten(members, lambda body: body["run"].update(problem="none")),
        "it is not one that was carried out to its end",
    ),
    "negative seconds": (
        lambda members: rewritten(members, lambda body: body["run"]["epochs"][0].update(seconds=-1.0)),
        "it is not one that was carried out to its end",
    ),
    "a path for a file": (
        lambda members: rewritten(members, lambda body: body.update(files={"../../x.npz": "a" * 64})),
        "it names files that it cannot have",
    ),
    "a path for a digest": (
        lambda members: rewritten(members, lambda body: body.update(files={"epoch-000.npz": "../../../etc/passwd"})),
        "it names files that it cannot have",
    ),
    "a file of an epoch that is none": (
        lambda members: rewritten(
            members, lambda body: body.update(files={"epoch-009.npz": next(iter(body["files"].values()))})
        ),
        "epoch-009.npz belongs to no epoch of it",
    ),
    "a missing file": (lambda members: members.pop(member(members, "objects")), "is missing"),
    "another file": (
        lambda members: members.update({member(members, "objects"): b"forged"}),
        "is not what its name says",
    ),
    "no JSON": (lambda members: members.update({member(members, RUNS): b"{"}), "it is no JSON"),
    "a list": (lambda members: members.update({member(members, RUNS): b"[]"}), "it is not what it was"),
    "another network": (
        lambda members: members.update({member(members, NETWORKS): b'{"network": {}, "digest": ""}'}),
        "it is not what it was",
    ),
}


@pytest.mark.parametrize(("change", "why"), REFUSED.values(), ids=REFUSED.keys())
def test_what_can_be_verified_is(tmp_path: Path, bundle: Path, change: Callable[[Members], object], why: str) -> None:
    """An entry that does not hold up is told and left out; the others come in."""
    done = taken_in(tmp_path / "other", changed(bundle, change))
    assert [why in fault.why for fault in done.faults] == [True], done.faults
    assert done.runs + done.networks == 3


def test_a_file_that_is_no_array_is_refused(tmp_path: Path, bundle: Path) -> None:
    """Weights under their own digest that are no weights do not come in."""
    import hashlib

    def forge(members: Members) -> None:
        digest = hashlib.sha256(b"no zip").hexdigest()
        members[f"objects/{digest}"] = b"no zip"
        rewritten(members, lambda body: body.update(files={"epoch-000.npz": digest}))

    done = taken_in(tmp_path / "other", changed(bundle, forge))
    assert [fault.why for fault in done.faults] == ["epoch-000.npz holds no arrays"]


NO_BUNDLE: dict[str, tuple[Callable[[Members], object], str]] = {
    "a path that leads out": (lambda members: members.update({"../escape": b"x"}), "a file '../escape' in it"),
    "an absolute path": (lambda members: members.update({"/tmp/escape": b"x"}), "a file '/tmp/escape' in it"),
    "something else": (lambda members: members.update({"runs/readme.txt": b"x"}), "a file 'runs/readme.txt' in it"),
    "no label": (lambda members: members.pop(LABEL), f"no {LABEL} in it"),
    "another version": (lambda members: members.update({LABEL: b'{"format": 2}'}), "another version of grader"),
}


@pytest.mark.parametrize(("change", "why"), NO_BUNDLE.values(), ids=NO_BUNDLE.keys())
def test_a_file_that_is_no_bundle_is_refused_whole(
    tmp_path: Path, bundle: Path, change: Callable[[Members], object], why: str
) -> None:
    """Whatever else is in it, nothing is taken in, and nothing is written anywhere."""
    with pytest.raises(SetupError, match="Nothing was taken in") as caught:
        taken_in(tmp_path / "other", changed(bundle, change))
    assert why in str(caught.value)
    assert not (tmp_path / "other" / RUNS).exists()
    assert not (tmp_path / "escape").exists()


def test_a_file_that_would_burst_the_store_is_refused(tmp_path: Path, bundle: Path) -> None:
    """A small zip that holds more than the store may is not unpacked."""
    big = changed(bundle, lambda members: members.update({f"objects/{'f' * 64}": b"0" * 2_000_000}))
    assert big.stat().st_size < 20_000
    with pytest.raises(SetupError, match="the store may hold 1,000,000"):
        taken_in(tmp_path / "other", big, limit=1_000_000)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"hello", bytes(100_000)])
def test_something_that_is_no_zip_is_refused(tmp_path: Path, data: bytes) -> None:
    """Any other file is told to be none."""
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(SetupError, match="that cannot be read"):
        taken_in(tmp_path / "other", tmp_path / "x")


@given(st.data())
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_bundle_brings_in_nothing_that_is_not_true(tmp_path: Path, bundle: Path, data: st.DataObject) -> None:
    """A byte changed, or the end cut off: whatever comes in is what was exported."""
    whole = bytearray(bundle.read_bytes())
    place = data.draw(st.integers(0, len(whole) - 1))
    if data.draw(st.booleans()):
        del whole[place:]
    else:
        whole[place] ^= data.draw(st.integers(1, 255))
    damaged = tmp_path / "damaged.zip"
    damaged.write_bytes(bytes(whole))
    other = Path(str(tmp_path / f"other-{place}-{len(whole)}-{data.draw(st.integers(0, 10**9))}"))
    try:
        taken_in(other, damaged)
    except SetupError:
        return
    for number in (0, 1):
        assert run_in(other, number) in (None, run_in(tmp_path / "store", number))
