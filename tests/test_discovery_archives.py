"""Zip archives: read like folders, and refused when they are made to do harm."""

import io
import stat
import struct
import tracemalloc
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.discovery import UnreadableSource, archives, discover
from grader.discovery.archives import archive_tree
from grader.discovery.layouts import survey
from grader.discovery.tree import MAX_FILE_BYTES, Leaf
from grader.errors import SetupError
from grader.model.submission import Submission

CODE = b"x = 1\n"
MIB = 2**20


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def zipped_with_mode(name: str, data: bytes, mode: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        archive.writestr(info, data)
    return buffer.getvalue()


def patched(data: bytes, local_offset: int, central_offset: int, value: bytes) -> bytes:
    """A one-member archive with a field of both its headers overwritten."""
    changed = bytearray(data)
    for signature, offset in ((b"PK\x03\x04", local_offset), (b"PK\x01\x02", central_offset)):
        start = data.index(signature) + offset
        changed[start : start + len(value)] = value
    return bytes(changed)


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def all_in(root: Path) -> list[Submission]:
    return [found for _, found in discover(root, assignment_ids=["mnist_conv"], files={}, assignment=None)]


def one_from(tmp_path: Path, archive: bytes) -> Submission:
    """The submission of a student whose folder holds one archive."""
    write(tmp_path / "ada" / "hand-in.zip", archive)
    [submission] = all_in(tmp_path)
    return submission


@pytest.mark.parametrize("path", ["ada.zip", "ada/anything.zip", "ada/mnist_conv/x.zip", "ada_12_34_x.zip"])
@pytest.mark.parametrize("member", ["mnist_conv.py", "answer.py", "homework/mnist_conv.py", "mnist_conv/answer.py"])
def test_a_students_zip_is_read(tmp_path: Path, path: str, member: str) -> None:
    """A zip in the place of a folder or a file is looked into."""
    write(tmp_path / path, zipped({member: CODE}))
    [submission] = all_in(tmp_path)
    assert (submission.student, submission.path, submission.problem) == ("ada", f"{path}/{member}", "")


def test_a_member_has_no_location(tmp_path: Path) -> None:
    """Nothing is unpacked to disk, so there is no file to point to."""
    assert one_from(tmp_path, zipped({"mnist_conv.py": CODE})).location is None


def test_nothing_is_written_to_disk(tmp_path: Path) -> None:
    """The submissions folder is the same afterwards."""
    one_from(tmp_path, zipped({"mnist_conv.py": CODE}))
    assert [path.name for path in tmp_path.rglob("*")] == ["ada", "hand-in.zip"]


def test_a_zip_beside_its_unpacked_folder_is_one_student(tmp_path: Path) -> None:
    """`ada.zip` and `ada/` are the same person, and the file in the folder is preferred."""
    write(tmp_path / "ada.zip", zipped({"mnist_conv.py": CODE}))
    write(tmp_path / "ada" / "mnist_conv.py", b"x = 2\n")
    assert [submission.path for submission in all_in(tmp_path)] == ["ada/mnist_conv.py"]


def test_a_zip_of_data_does_not_hide_the_answer(tmp_path: Path) -> None:
    """An archive that cannot be read matters only where nothing else is there."""
    write(tmp_path / "ada" / "data.zip", b"not a zip")
    write(tmp_path / "ada" / "answer.py", CODE)
    assert [submission.problem for submission in all_in(tmp_path)] == [""]


def test_a_zip_named_after_the_assignment_tells_it(tmp_path: Path) -> None:
    """Without --assignment an archive's name is as good as a folder's."""
    write(tmp_path / "ada" / "callbacks.zip", zipped({"answer.py": CODE}))
    found = discover(tmp_path, assignment_ids=["mnist_conv", "callbacks"], files={}, assignment=None)
    assert [(one, submission.problem) for one, submission in found] == [("callbacks", "")]


@pytest.mark.parametrize(
    ("members", "students"),
    [
        (("ada/mnist_conv.py", "bob/mnist_conv.py"), ["ada", "bob"]),
        (("ada/mnist_conv.py",), ["ada"]),
        (("class/ada/mnist_conv.py", "class/bob/x.py"), ["ada", "bob"]),
        (("class/ada/mnist_conv.py",), ["ada"]),
        (("ada/mnist_conv/x.py", "ada/data/y.csv"), ["ada"]),
        (("ada.py", "bob.ipynb"), ["ada", "bob"]),
        (("doejane_1_2_x.py", "roe_LATE_2_3_x.py"), ["doejane", "roe"]),
        (("A B_1_assignsubmission_file_/x.py",), ["A B"]),
        (("export/submission_1/x.py", "export/submission_2/x.py", "export/a.yml"), ["submission_1", "submission_2"]),
        (("repos/mnist-conv-ada/x.py",), ["ada"]),
        (("__MACOSX/ada/._x.py", "ada/x.py"), ["ada"]),
    ],
)  # fmt: skip
def test_a_class_zip_is_read(tmp_path: Path, members: tuple[str, ...], students: list[str]) -> None:
    """The zip that a platform exports can be given as it is."""
    root = write(tmp_path / "class.zip", zipped(dict.fromkeys(members, CODE)))
    assert [submission.student for submission in all_in(root)] == students


def test_paths_in_a_class_zip_are_relative_to_it(tmp_path: Path) -> None:
    """The path is the member's, without the archive's own name."""
    root = write(tmp_path / "class.zip", zipped({"ada/mnist_conv.py": CODE}))
    assert [submission.path for submission in all_in(root)] == ["ada/mnist_conv.py"]


def test_students_zips_in_a_class_zip_are_read(tmp_path: Path) -> None:
    """One level of nesting is what Canvas and Moodle make of uploaded archives."""
    root = write(tmp_path / "class.zip", zipped({"ada_1_2_x.zip": zipped({"mnist_conv.py": CODE})}))
    assert [submission.path for submission in all_in(root)] == ["ada_1_2_x.zip/mnist_conv.py"]


def test_a_third_zip_is_not_opened(tmp_path: Path) -> None:
    """A zip in a zip in a zip is refused, and the student told."""
    inner = zipped({"c.zip": zipped({"mnist_conv.py": CODE})})
    submission = one_from(tmp_path, zipped({"b.zip": inner}))
    assert submission.source is None
    assert "lies too deep" in submission.problem


def test_a_damaged_class_zip_is_a_setup_error(tmp_path: Path) -> None:
    """The instructor's own file is not a student's problem."""
    with pytest.raises(SetupError, match="damaged or not a zip"):
        all_in(write(tmp_path / "class.zip", b"PK nothing"))


def test_a_damaged_zip_is_named(tmp_path: Path) -> None:
    """A half-uploaded archive is the student's problem."""
    archive = zipped({"mnist_conv.py": CODE})
    assert "damaged or not a zip" in one_from(tmp_path, archive[: len(archive) // 2]).problem


@pytest.mark.parametrize(
    "name", ["../evil.py", "a/../../evil.py", "/etc/evil.py", "C:\\evil.py", "..\\evil.py", "C:/x.py"]
)
def test_unsafe_paths_are_refused(tmp_path: Path, name: str) -> None:
    """An archive that tries to leave its place is not read at all."""
    submission = one_from(tmp_path, zipped({name: CODE, "mnist_conv.py": CODE}))
    assert submission.source is None
    assert "holds the unsafe path" in submission.problem


def test_unsafe_paths_are_shown_safely(tmp_path: Path) -> None:
    """The name of a hostile member cannot reach the terminal as it is."""
    assert "\x1b" not in one_from(tmp_path, zipped({"../\x1b[2J": CODE})).problem


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_in_a_zip_are_refused(tmp_path: Path, kind: int) -> None:
    """A member marked as a link is not read as if its target were the code."""
    submission = one_from(tmp_path, zipped_with_mode("mnist_conv.py", b"/etc/passwd", kind | 0o777))
    assert submission.source is None
    assert "is a link inside the archive" in submission.problem


def test_a_locked_member_is_named(tmp_path: Path) -> None:
    """A password is not asked for."""
    archive = patched(zipped({"mnist_conv.py": CODE}), 6, 8, b"\x01\x00")
    assert "locked with a password" in one_from(tmp_path, archive).problem


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_rare_compression_is_refused(tmp_path: Path, method: int) -> None:
    """LZMA may ask for gigabytes to unpack a few bytes, so only plain zips are read."""
    assert "packed in a way that cannot be read" in one_from(tmp_path, zipped({"mnist_conv.py": CODE}, method)).problem


def test_a_wrong_checksum_is_named(tmp_path: Path) -> None:
    """Damaged content is not graded as if it were the student's."""
    archive = patched(zipped({"mnist_conv.py": CODE}), 14, 16, b"\0\0\0\0")
    assert "is damaged inside the archive" in one_from(tmp_path, archive).problem


def test_too_many_members_are_refused(tmp_path: Path) -> None:
    """2,000 files are enough for any hand-in."""
    archive = zipped({f"f{number}.txt": b"" for number in range(2001)}, zipfile.ZIP_STORED)
    assert "holds more than 2000 files" in one_from(tmp_path, archive).problem


def test_2000_members_are_accepted(tmp_path: Path) -> None:
    """The limit itself is allowed."""
    archive = zipped({f"f{number}.txt": b"" for number in range(1999)} | {"mnist_conv.py": CODE}, zipfile.ZIP_STORED)
    assert one_from(tmp_path, archive).problem == ""


def test_litter_does_not_count(tmp_path: Path) -> None:
    """A repository's `.git` inside the zip does not use up the limit."""
    archive = zipped({f".git/{number}": b"" for number in range(2001)} | {"mnist_conv.py": CODE}, zipfile.ZIP_STORED)
    assert one_from(tmp_path, archive).problem == ""


def test_a_directory_of_members_is_counted_before_it_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive of very many entries costs no memory."""
    monkeypatch.setattr(archives, "_MAX_SIGNATURES", 2)
    leaf = Leaf("x.zip", "x.zip", lambda: zipped({"a": b"", "b": b"", "c": b""}))
    with pytest.raises(UnreadableSource, match="holds too many files"):
        archive_tree(leaf)


def test_an_archive_that_grows_too_much_is_refused(tmp_path: Path) -> None:
    """32 MiB of zeros in 32 KiB are made to burst."""
    assert "would grow more than 100 times" in one_from(tmp_path, zipped({"x.bin": bytes(32 * MIB)})).problem


def test_a_small_file_may_shrink_well(tmp_path: Path) -> None:
    """A repetitive notebook of ordinary size is no bomb."""
    assert one_from(tmp_path, zipped({"mnist_conv.py": b"x = 1\n" * 100_000})).problem == ""


def test_a_claim_of_too_many_bytes_is_refused(tmp_path: Path) -> None:
    """The total is judged by what the archive says, before anything is unpacked."""
    archive = patched(zipped({"mnist_conv.py": CODE}), 22, 24, struct.pack("<L", 600 * MIB))
    assert "would unpack to more than 512 MiB" in one_from(tmp_path, archive).problem


def test_a_member_of_too_many_bytes_is_refused(tmp_path: Path) -> None:
    """A single file in an archive has the limit of a file on disk."""
    archive = zipped({"mnist_conv.py": bytes(range(256)) * 16}, zipfile.ZIP_STORED)
    archive = patched(archive, 22, 24, struct.pack("<L", 70 * MIB))
    archive = patched(archive, 18, 20, struct.pack("<L", 70 * MIB))
    assert "larger than 64 MiB" in one_from(tmp_path, archive).problem


def test_a_lie_about_the_size_is_not_believed(tmp_path: Path) -> None:
    """A member that unpacks to more than it says is damaged."""
    archive = patched(zipped({"mnist_conv.py": bytes(8 * MIB)}), 22, 24, struct.pack("<L", 10))
    assert "is damaged inside the archive" in one_from(tmp_path, archive).problem


def test_no_more_is_unpacked_than_the_size_said(tmp_path: Path) -> None:
    """32 MiB under a claim of ten bytes never come into memory."""
    archive = patched(zipped({"mnist_conv.py": bytes(32 * MIB)}), 22, 24, struct.pack("<L", 10))
    tracemalloc.start()
    try:
        one_from(tmp_path, archive)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 8 * MIB


def test_folders_without_end_are_refused(tmp_path: Path) -> None:
    """A path of thousands of folders would exhaust the stack."""
    assert "folders inside each other" in one_from(tmp_path, zipped({"a/" * 5000 + "x.py": CODE})).problem


def test_backslashes_are_folders(tmp_path: Path) -> None:
    """Some Windows programs write a backslash between folder and file."""
    assert (
        one_from(tmp_path, zipped({"homework\\mnist_conv.py": CODE})).path == "ada/hand-in.zip/homework/mnist_conv.py"
    )


def test_names_in_utf_8_without_the_mark_are_read(tmp_path: Path) -> None:
    """Some programs, those of macOS too, write UTF-8 names without saying so; the student's name is still right."""
    data = zipped({"Zoë/mnist_conv.py": CODE})
    root = write(tmp_path / "class.zip", patched(data, 6, 8, b"\0\0"))
    assert [submission.student for submission in all_in(root)] == ["Zoë"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_of_two_members_of_one_name_the_last_counts(tmp_path: Path) -> None:
    """That is what unpacking would leave."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("mnist_conv.py", b"x = 1\n")
        archive.writestr("mnist_conv.py", b"x = 2\n")
    source = one_from(tmp_path, buffer.getvalue()).source
    assert source is not None
    assert source.cells[0].text == "x = 2\n"


def test_an_empty_zip_gets_an_entry(tmp_path: Path) -> None:
    """A student who uploaded an empty archive is in the scores."""
    assert one_from(tmp_path, zipped({})).problem.startswith("Your hand-in is empty")


def test_an_archive_of_another_kind_gets_an_entry(tmp_path: Path) -> None:
    """A .rar in the place of a student's zip is named."""
    write(tmp_path / "ada.rar", b"Rar!")
    [submission] = all_in(tmp_path)
    assert submission.student == "ada"
    assert "found ada.rar" in submission.problem


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=8))
def test_no_damage_to_a_zip_is_a_crash(changes: list[tuple[int, int]]) -> None:
    """Whatever bytes of an archive are changed, it is read or refused with a sentence."""
    data = bytearray(zipped({"mnist_conv.py": CODE * 9, "b/c.txt": b"text"}))
    for place, value in changes:
        data[place % len(data)] = value
    seen = survey([Leaf("x.zip", "x.zip", lambda: bytes(data))])
    assert all(is_read_or_refused(found.leaf) for found in seen.files)
    assert all(obstacle.endswith(".") for obstacle in seen.obstacles)


def is_read_or_refused(leaf: Leaf) -> bool:
    """Whether a member is read within the limits or refused with a sentence; any other exception fails the test."""
    try:
        return len(leaf.read()) <= MAX_FILE_BYTES
    except UnreadableSource as problem:
        return problem.message.endswith(".")
