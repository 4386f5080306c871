"""`grader store`: what each verb says, and with which code it ends."""

import json
from pathlib import Path

import pytest

from grader.errors import SetupError
from grader.pipeline import places
from grader.training.shelf import files_in
from grader.training.store import Store
from tests.command import Run
from tests.factories import make_run
from tests.test_bundle import FINGERPRINTS, filled


def store(folder: Path) -> Path:
    return folder / "home" / "store"


def old(folder: Path) -> None:
    """Let everything in the store have been used long ago."""
    import os

    for path, _, _ in files_in(store(folder)):
        os.utime(path, (1e9, 1e9))


def test_an_empty_store_is_listed(run: Run) -> None:
    """Nothing is there yet, and that is no error."""
    ran = run("store", "ls")
    assert (ran.code, ran.out.split(": ")[1]) == (0, "0 trainings, 0 networks, 0 bytes of 20.0 GiB.\n")


def test_trainings_are_listed(run: Run, tmp_path: Path) -> None:
    """Each with its name, seed, epochs, best accuracy, and where it was made."""
    filled(store(tmp_path), 0.5, 0.9)
    filled(store(tmp_path), 0.4, number=1, machine="another")
    ran = run("store", "ls")
    rows = [[cell.strip() for cell in line.split("│")] for line in ran.out.splitlines()]
    lines = {row[0]: row for row in rows}
    assert lines["aaaaaaaaaaaa"][1:4] == ["1", "2", "0.90000"]
    assert lines["aaaaaaaaaaaa"][5] == "here"
    assert lines["bbbbbbbbbbbb"][5] == "elsewhere"
    assert ": 2 trainings, 2 networks, " in ran.out


def test_what_was_imported_is_marked_and_can_be_thrown_out(run: Run, tmp_path: Path) -> None:
    """`ls` says so, a warning tells what it means, and `gc --imported` takes it back."""
    filled(tmp_path / "elsewhere" / "store", 0.9)
    filled(store(tmp_path), 0.4, number=1)
    from grader.training.bundle import export_bundle
    from grader.training.shelf import Shelf

    export_bundle(Shelf(tmp_path / "elsewhere" / "store"), tmp_path / "x.zip")
    ran = run("store", "import", "x.zip")
    assert (ran.code, ran.out) == (0, "1 training and 1 network taken in, 0 known before, 0 refused.\n")
    assert "could have written any accuracy" in ran.err
    listed = [line for line in run("store", "ls").out.splitlines() if line.startswith(" aaaaaaaaaaaa")]
    assert [cell.strip()[:2] for cell in listed[0].split("│")[5:]] == ["he", "20"]
    assert run("store", "gc", "--imported", "--dry-run").out.startswith("2 imported entries would be removed.\n")
    assert run("store", "gc", "--imported").out.startswith("2 imported entries removed.\n")
    found = Store(store(tmp_path))
    assert [found.find(name, 1) is None for name in FINGERPRINTS] == [True, False]


def test_a_store_is_carried_to_another_machine(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`export` and `import` are a pair."""
    filled(store(tmp_path), 0.5, 0.9)
    ran = run("store", "export", "trainings.zip")
    assert (ran.code, ran.out) == (0, "trainings.zip: 1 training and 1 network.\n")
    monkeypatch.setenv("GRADER_HOME", str(tmp_path / "another"))
    assert run("store", "import", "trainings.zip").code == 0
    kept = Store(tmp_path / "another" / "store").find(FINGERPRINTS[0], 1)
    assert kept is not None
    assert kept.run == make_run([0.5, 0.9], fingerprint=FINGERPRINTS[0], machine="m")


def test_what_is_refused_is_told(run: Run, tmp_path: Path) -> None:
    """A contradiction is named, and the code is 1."""
    filled(store(tmp_path), 0.5)
    run("store", "export", "x.zip")
    for path in store(tmp_path).rglob("runs/*/*.json"):
        path.unlink()
    filled(store(tmp_path), 0.6)
    ran = run("store", "import", "x.zip")
    assert (ran.code, "0 trainings" in ran.out, "1 refused" in ran.out) == (1, True, True)
    assert "one of them is wrong" in ran.err


def test_a_whole_store_is_verified(run: Run, tmp_path: Path) -> None:
    """Everything was read and is as it was."""
    filled(store(tmp_path), 0.5)
    ran = run("store", "verify")
    assert (ran.code, ran.out) == (0, "2 entries whole.\n")


def test_damage_is_found_and_removed(run: Run, tmp_path: Path) -> None:
    """The code is 1 as long as something damaged lies there."""
    filled(store(tmp_path), 0.5)
    for path in (store(tmp_path) / "objects").rglob("*"):
        if path.is_file():
            path.write_bytes(b"rotten")
    ran = run("store", "verify")
    assert (ran.code, "1 damaged: counts as absent" in ran.out) == (1, True)
    ran = run("store", "verify", "--remove")
    assert (ran.code, "1 damaged: removed" in ran.out) == (0, True)
    assert run("store", "verify").out == "1 entry whole.\n"


def test_a_damaged_entry_is_listed_as_such(run: Run, tmp_path: Path) -> None:
    """`ls` does not stumble over it."""
    filled(store(tmp_path), 0.5)
    for path in store(tmp_path).rglob("runs/*/*.json"):
        path.write_text("[]")
    ran = run("store", "ls")
    assert (ran.code, "damaged" in ran.out) == (0, True)


def test_hostile_words_in_a_store_are_harmless_on_the_console(run: Run, tmp_path: Path) -> None:
    """A shared store may hold anything: control characters are spelled out."""
    filled(store(tmp_path), 0.5)
    for path in store(tmp_path).rglob("runs/*/*.json"):
        body = json.loads(path.read_text())
        path.write_text(json.dumps(body | {"imported": "\x1b[31m[red]now"}))
    assert "\\x1b[31m[red]now" in run("store", "ls").out


def test_room_is_made(run: Run, tmp_path: Path) -> None:
    """What was not used for longest goes, until the limit holds; first only in words."""
    filled(store(tmp_path), 0.5)
    old(tmp_path)
    ran = run("store", "gc", "--bytes", "1 kB", "--dry-run")
    assert ran.out.startswith("2 entries would be evicted, ") or ran.out.startswith("1 entry would be evicted, ")
    assert run("store", "ls").out.count("aaaaaaaaaaaa") == 1
    assert run("store", "gc", "--bytes", "0").code == 0
    assert ": 0 trainings, 0 networks, 0 bytes of" in run("store", "ls").out


def test_what_is_in_use_stays_and_that_is_said(run: Run, tmp_path: Path) -> None:
    """A store that is over its limit because of what is new says why."""
    filled(store(tmp_path), 0.5)
    ran = run("store", "gc", "--bytes", "0")
    assert (ran.code, "that stays" in ran.out) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("gc", "--bytes", "much"), "expected a size such as 500MB"),
        (("gc", "--bytes", "-1"), "expected a size such as 500MB"),
        (("import", "nothing.zip"), "found none. Check the name"),
        (("import", "assignments/demo/checks.py"), "that cannot be read"),
        (("export", "assignments"), "cannot be written"),
    ],
)
def test_wrong_usage_is_told(run: Run, arguments: tuple[str, ...], said: str) -> None:
    """Where, what was expected, what to do; the code is 2."""
    ran = run("store", *arguments)
    assert (ran.code, said in ran.err) == (2, True), ran


def test_a_limit_that_is_none_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong `GRADER_STORE_BYTES` is a mistake of set-up, not a limit of nothing."""
    monkeypatch.setenv("GRADER_STORE_BYTES", "lots")
    ran = run("store", "ls")
    assert (ran.code, "GRADER_STORE_BYTES: expected a size" in ran.err) == (2, True)


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("12", 12), ("12B", 12), ("5kB", 5000), ("5 KiB", 5120), ("1.5GiB", 3 * 2**29), ("2T", 2 * 10**12)],
)
def test_sizes(text: str, size: int) -> None:
    """A number of bytes, or one with a unit: of 1000, or with an `i` of 1024."""
    assert places.parse_bytes(text, "size") == size


@pytest.mark.parametrize("text", ["", "GiB", "1e3", "1,000", "5 Gb b", "nan", "٣"])
def test_what_is_no_size(text: str) -> None:
    """Anything else is refused."""
    with pytest.raises(SetupError):
        places.parse_bytes(text, "size")
