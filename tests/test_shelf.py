"""The shelf: files by content that many processes share, and what is evicted."""

import errno
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from grader.training import shelf as shelves
from grader.training.shelf import Damaged, Lease, Shelf, files_in, place_of_process, write_whole, write_whole_with

LONG_AGO = time.time() - 30 * 24 * 3600
KEY = "ab" * 32


def key(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def age(path: Path, seconds: float) -> None:
    """Let a file have been used so long ago."""
    os.utime(path, (time.time() - seconds,) * 2)


def put(shelf: Shelf, number: int, *contents: bytes, seconds: float = 0.0) -> Path:
    """An entry with these files, used so long ago."""
    files = {f"epoch-{index:03d}.npz": shelf.add(data) for index, data in enumerate(contents)}
    shelf.write("runs", key(number), {"files": files})
    path = shelf.folder / "runs" / key(number)[:2] / f"{key(number)}.json"
    for used in (path, *(shelf.folder / "objects" / digest[:2] / digest for digest in files.values())):
        age(used, seconds)
    return path


def left(shelf: Shelf) -> set[int]:
    """Which entries are there, by their numbers."""
    keys = {entry.key for entry in shelf.entries("runs")}
    return {number for number in range(10) if key(number) in keys}


def objects(shelf: Shelf) -> int:
    return len(list(files_in(shelf.folder / "objects")))


# ── files ──


def test_a_file_comes_back_by_its_content(tmp_path: Path) -> None:
    """What is kept is found under the digest of it."""
    shelf = Shelf(tmp_path)
    assert shelf.get(shelf.add(b"weights")) == b"weights"


def test_one_content_is_one_file(tmp_path: Path) -> None:
    """The same bytes take no room twice."""
    shelf = Shelf(tmp_path)
    assert shelf.add(b"weights") == shelf.add(b"weights")
    assert objects(shelf) == 1


@pytest.mark.parametrize("damage", [b"weighty", b"", b"weight"])
def test_a_damaged_file_is_told_and_mended(tmp_path: Path, damage: bytes) -> None:
    """A changed file is not handed out, and whoever keeps the same content again mends it."""
    shelf = Shelf(tmp_path)
    digest = shelf.add(b"weights")
    (tmp_path / "objects" / digest[:2] / digest).write_bytes(damage)
    with pytest.raises(Damaged):
        shelf.get(digest)
    shelf.add(b"weights")
    assert shelf.get(digest) == b"weights"


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "a" * 63])
def test_only_digests_are_names(tmp_path: Path, name: str) -> None:
    """No other name leads to a file."""
    with pytest.raises(Damaged):
        Shelf(tmp_path).get(name)


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """Where writing fails, what was there stays, and nothing lies beside it."""
    write_whole(tmp_path / "file", b"old")

    def fail(_: object) -> None:
        raise OSError(errno.ENOSPC, "no room")

    with pytest.raises(OSError, match="no room"):
        write_whole_with(tmp_path / "file", fail)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_a_rename_whose_answer_was_lost_is_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """NFS may say that a rename failed which was done: the file is looked at."""
    true_replace = Path.replace

    def replace(path: Path, target: Path) -> None:
        true_replace(path, target)
        raise OSError(errno.ENOENT, "said after a retransmission")

    monkeypatch.setattr(Path, "replace", replace)
    write_whole(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"


def test_a_rename_that_failed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that was not done is an error, and leaves nothing behind."""

    def replace(*_: object) -> None:
        raise OSError(errno.EACCES, "no")

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(OSError, match="no"):
        write_whole(tmp_path / "file", b"new")
    assert list(tmp_path.iterdir()) == []


WRITER = """
import sys
from pathlib import Path
from grader.training.shelf import Damaged, Shelf
shelf, mine = Shelf(Path(sys.argv[1])), int(sys.argv[2])
shelf.hold()
for turn in range(40):
    number = turn % 5
    data = [bytes([number, index]) * 20_000 for index in range(2)]
    files = {f"epoch-{index:03d}.npz": shelf.add(item) for index, item in enumerate(data)}
    shelf.write("runs", f"{number:064x}", {"files": files, "by": mine})
    for other in range(5):
        try:
            body = shelf.read("runs", f"{other:064x}")
        except Damaged as damage:
            assert "FileNotFoundError" in str(damage), damage
            continue
        for index, digest in enumerate(body["files"].values()):
            assert shelf.get(digest) == bytes([other, index]) * 20_000
    if mine == 0 and turn % 8 == 7:
        shelf.trim(0, "runs")
print("whole")
"""


def test_many_processes_write_read_and_evict_at_once(tmp_path: Path) -> None:
    """Four processes write the same entries, read all of them and evict: nobody ever sees a half."""
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    root = str(Path(__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": root}
    running = [
        subprocess.Popen(
            [*command, str(number)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )
        for number in range(4)
    ]
    said = [process.communicate(timeout=100) for process in running]
    assert [out for out, _ in said] == ["whole\n"] * 4, said
    shelf = Shelf(tmp_path)
    assert len(list(shelf.entries("runs"))) == 5
    assert objects(shelf) == 10
    assert not [path for path, _, _ in files_in(tmp_path) if path.name.startswith(".new-")]


# ── eviction ──


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    """As many as must, oldest use first, and their files with them."""
    shelf = Shelf(tmp_path)
    for number, days in ((1, 3), (2, 9), (3, 6)):
        put(shelf, number, bytes([number]) * 1000, seconds=days * 86_400)
    done = shelf.trim(2500, "runs")
    assert (left(shelf), done.entries, objects(shelf)) == ({1, 3}, 1, 2)
    assert done.left_bytes == sum(size for _, size, _ in files_in(tmp_path))


def test_a_file_of_two_entries_stays_for_the_other(tmp_path: Path) -> None:
    """Equal weights are one file, which goes with the last entry that names it."""
    shelf = Shelf(tmp_path)
    put(shelf, 1, b"x" * 1000, seconds=9 * 86_400)
    put(shelf, 2, b"x" * 1000, b"y" * 10, seconds=3 * 86_400)
    shelf.trim(1250, "runs")
    assert (left(shelf), objects(shelf)) == ({2}, 2)
    shelf.trim(0, "runs")
    assert (left(shelf), objects(shelf)) == (set(), 0)


def test_within_the_limit_nothing_goes(tmp_path: Path) -> None:
    """A shelf that is small enough keeps all its entries."""
    shelf = Shelf(tmp_path)
    put(shelf, 1, b"x", seconds=1e7)
    assert shelf.trim(10_000, "runs").entries == 0
    assert left(shelf) == {1}


def test_what_nothing_names_goes(tmp_path: Path) -> None:
    """Files of entries that were replaced, and what killed writers left, are removed, if they are old."""
    shelf = Shelf(tmp_path)
    old, new = shelf.add(b"old"), shelf.add(b"new")
    age(tmp_path / "objects" / old[:2] / old, 1e6)
    (tmp_path / "objects" / old[:2] / ".new-x-1-y").write_bytes(b"half")
    age(tmp_path / "objects" / old[:2] / ".new-x-1-y", 1e6)
    shelf.trim(10_000, "runs")
    assert [path.name for path, _, _ in files_in(tmp_path / "objects")] == [new]


def test_what_was_written_in_the_last_hour_stays(tmp_path: Path) -> None:
    """An entry is written after its files: somebody may be about to."""
    shelf = Shelf(tmp_path)
    put(shelf, 1, b"x" * 1000)
    done = shelf.trim(0, "runs")
    assert (left(shelf), objects(shelf), done.protected) == ({1}, 1, 1)


def test_what_a_run_in_progress_uses_stays(tmp_path: Path) -> None:
    """Used since the oldest living lease began: it stays, however old by then, and goes when the run is over."""
    shelf = Shelf(tmp_path)
    lease = Lease(tmp_path / "leases")
    lease.path.write_text(str(time.time() - 5 * 3600))
    put(shelf, 1, b"x" * 1000, seconds=4 * 3600)
    put(shelf, 2, b"y" * 1000, seconds=9 * 3600)
    shelf.trim(0, "runs")
    assert left(shelf) == {1}
    lease.end()
    shelf.trim(0, "runs")
    assert left(shelf) == set()


def other_lease(folder: Path, place: str, *, renewed: float) -> Path:
    """A lease of a run that began ten hours ago."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{place}-{'0' * 16}"
    path.write_text(str(time.time() - 10 * 3600))
    age(path, renewed)
    return path


@pytest.mark.parametrize(
    ("place", "renewed", "stays"),
    [
        ("0123456789abcdef-1", 3600, True),
        ("0123456789abcdef-1", 25 * 3600, False),
        (place_of_process(), 3600, True),
        (f"{place_of_process().rpartition('-')[0]}-{2**22 + 1}", 60, False),
        ("nonsense", 60, True),
    ],
    ids=["another machine", "another machine, long gone", "this process", "a process that was killed", "unknown"],
)
def test_whose_lease_counts(tmp_path: Path, place: str, renewed: float, stays: bool) -> None:
    """A lease counts as long as its run may go on: it was renewed within a day, and its process lives if it is ours."""
    shelf = Shelf(tmp_path)
    put(shelf, 1, b"x" * 1000, seconds=5 * 3600)
    lease = other_lease(tmp_path / "leases", place, renewed=renewed)
    shelf.trim(0, "runs")
    assert (left(shelf) == {1}) is stays
    assert lease.exists() is stays


def test_a_lease_ends_with_its_process(tmp_path: Path) -> None:
    """A process that ends without a word leaves none behind; a killed one's is swept up."""
    code = (
        "import sys; from pathlib import Path; from grader.training.shelf import Shelf; Shelf(Path(sys.argv[1])).hold()"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, env=environment)
    assert list((tmp_path / "leases").iterdir()) == []


def test_a_lease_is_renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every use says that the run goes on."""
    monkeypatch.setattr(shelves, "RENEWED_EVERY_SECONDS", -1.0)
    shelf = Shelf(tmp_path)
    shelf.hold()
    (lease,) = (tmp_path / "leases").iterdir()
    age(lease, 10_000)
    shelf.hold()
    assert time.time() - lease.stat().st_mtime < 100


@pytest.mark.parametrize("text", ["nan", "-inf", "", "soon", "1e400"])
def test_a_lease_that_says_nonsense_began_when_it_was_renewed(tmp_path: Path, text: str) -> None:
    """Nonsense keeps nothing from being evicted that was used long before."""
    shelf = Shelf(tmp_path)
    put(shelf, 1, b"x" * 1000, seconds=5 * 3600)
    other_lease(tmp_path / "leases", "0123456789abcdef-1", renewed=60).write_text(text)
    shelf.trim(0, "runs")
    assert left(shelf) == set()


def test_an_entry_that_cannot_be_read_now_loses_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file server that does not answer for a moment is no reason to remove what an entry names."""
    shelf = Shelf(tmp_path)
    put(shelf, 1, b"x" * 1000, seconds=5 * 3600)
    true_open = Path.open

    def fail(path: Path, *args: object, **keywords: object) -> object:
        if path.suffix == ".json":
            raise OSError(errno.ESTALE, "stale")
        return true_open(path, *args, **keywords)  # type: ignore[call-overload]

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", fail)
        shelf.trim(0, "runs")
    assert (left(shelf), objects(shelf)) == ({1}, 1)


def test_what_was_used_meanwhile_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever finds an entry while others are being evicted keeps it."""
    shelf = Shelf(tmp_path)
    path = put(shelf, 1, b"x" * 1000, seconds=5 * 3600)
    true_horizon = Shelf._horizon

    def used_now(self: Shelf) -> float:
        horizon = true_horizon(self)
        monkeypatch.setattr(Shelf, "_named_by", lambda self, _: self.use("runs", key(1), []) or set())
        return horizon

    monkeypatch.setattr(Shelf, "_horizon", used_now)
    shelf.trim(0, "runs")
    assert path.exists()


def test_pretending_removes_nothing(tmp_path: Path) -> None:
    """`--dry-run` says the same numbers and leaves everything."""
    shelf = Shelf(tmp_path)
    put(shelf, 1, b"x" * 1000, seconds=5 * 3600)
    pretended = shelf.trim(0, "runs", pretend=True)
    assert left(shelf) == {1}
    assert shelf.trim(0, "runs") == pretended


def test_links_are_not_followed(tmp_path: Path) -> None:
    """A link in a shared folder leads nobody out of it."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / f"{KEY}.json").write_text("{}")
    age(outside / f"{KEY}.json", 1e7)
    shelf = Shelf(tmp_path / "store")
    (tmp_path / "store" / "runs").mkdir(parents=True)
    (tmp_path / "store" / "runs" / "ab").symlink_to(outside)
    shelf.trim(0, "runs")
    assert list(shelf.entries("runs")) == []
    assert (outside / f"{KEY}.json").exists()


def test_a_shelf_that_cannot_be_written_can_be_read(tmp_path: Path) -> None:
    """On a read-only share there are no leases, and no errors."""
    (tmp_path / "leases").write_text("in the way")
    shelf = Shelf(tmp_path)
    shelf.hold()
    shelf.release()
    assert shelf.trim(0, "runs").entries == 0


@pytest.mark.parametrize("text", ["", "[", "\udc80", "[" * 100_000])
def test_an_entry_that_is_no_json_is_damaged(tmp_path: Path, text: str) -> None:
    """Whatever lies under an entry's name, it is JSON or damaged."""
    shelf = Shelf(tmp_path)
    put(shelf, 1).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(Damaged):
        shelf.read("runs", key(1))


def test_an_entry_is_written_whole(tmp_path: Path) -> None:
    """It is plain JSON, for whoever looks."""
    shelf = Shelf(tmp_path)
    assert json.loads(put(shelf, 1, b"x").read_text()) == shelf.read("runs", key(1))
