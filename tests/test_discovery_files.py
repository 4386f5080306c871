"""Files on disk that are not what they seem: links, pipes, devices, odd sizes and odd names."""

import errno
import os
import socket
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from grader.discovery import UnreadableSource, discover, read_source
from grader.discovery.folder import folder_tree, read_file
from grader.discovery.tree import MAX_FILE_BYTES, Branch, Entry, Leaf, is_ignored, shown
from grader.errors import SetupError
from grader.model.submission import Submission
from grader.pipeline import places
from grader.pipeline.grade import Grading
from grader.pipeline.settings import Settings
from grader.pipeline.watch import Silent
from grader.results.folder import ResultsFolder

CODE = "x = 1\n"
SECRET = "secret = 1\n"
NOBODY = 65534
"""The user id of `nobody`."""
FOR_EVERYBODY = "/tmp"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A submissions folder with one student's empty folder, and a secret beside it."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "mnist_conv.py").write_text(SECRET, encoding="utf-8")
    (tmp_path / "submissions" / "ada").mkdir(parents=True)
    return tmp_path / "submissions"


def all_in(root: Path) -> list[Submission]:
    found = discover(root, assignment_ids=["mnist_conv"], files={}, assignment=None)
    return [submission for _, submission in found]


def one_in(root: Path) -> Submission:
    [submission] = all_in(root)
    return submission


def test_a_link_to_a_file_outside_is_not_followed(root: Path) -> None:
    """A link is no way to have a file of the instructor's disk shown or graded."""
    (root / "ada" / "mnist_conv.py").symlink_to(root.parent / "outside" / "mnist_conv.py")
    submission = one_in(root)
    assert (submission.source, submission.digest, submission.location) == (None, "", None)
    assert "leads out of the submissions" in submission.problem


def test_a_relative_link_outside_is_not_followed(root: Path) -> None:
    """A path with `..` is resolved before it is judged."""
    (root / "ada" / "mnist_conv.py").symlink_to("../../outside/mnist_conv.py")
    assert "leads out of the submissions" in one_in(root).problem


def test_a_link_through_a_link_outside_is_not_followed(root: Path) -> None:
    """Every step of a chain of links counts."""
    (root / "ada" / "step.txt").symlink_to(root.parent / "outside" / "mnist_conv.py")
    (root / "ada" / "mnist_conv.py").symlink_to("step.txt")
    assert "leads out of the submissions" in one_in(root).problem


def test_a_folder_with_a_like_name_is_outside(root: Path) -> None:
    """`submissions-old` is not inside `submissions`."""
    other = root.parent / "submissions-old"
    other.mkdir()
    (other / "mnist_conv.py").write_text(SECRET, encoding="utf-8")
    (root / "ada" / "mnist_conv.py").symlink_to(other / "mnist_conv.py")
    assert "leads out of the submissions" in one_in(root).problem


def test_a_student_folder_that_is_a_link_outside_gets_an_entry(root: Path) -> None:
    """The student is in the scores, with the reason."""
    (root / "bob").symlink_to(root.parent / "outside")
    bob = all_in(root)[1]
    assert (bob.student, bob.source) == ("bob", None)
    assert "leads out of the submissions" in bob.problem


def test_a_folder_below_that_is_a_link_outside_is_not_followed(root: Path) -> None:
    """A link in the place of the assignment's folder is refused as well."""
    (root / "ada" / "mnist_conv").symlink_to(root.parent / "outside")
    submission = one_in(root)
    assert submission.source is None
    assert "leads out of the submissions" in submission.problem


def test_a_link_outside_does_not_hide_a_good_file(root: Path) -> None:
    """A stray link beside the answer costs nothing."""
    (root / "ada" / "data").symlink_to(root.parent / "outside")
    (root / "ada" / "mnist_conv.py").write_text(CODE, encoding="utf-8")
    assert one_in(root).problem == ""


def test_a_link_inside_to_a_file_is_read(root: Path) -> None:
    """A link that stays within the submissions is as good as the file."""
    (root / "ada" / "v2.txt").write_text(CODE, encoding="utf-8")
    (root / "ada" / "mnist_conv.py").symlink_to("v2.txt")
    submission = one_in(root)
    assert submission.problem == ""
    assert submission.location == (root / "ada" / "v2.txt").resolve()


def test_a_link_to_a_folder_inside_is_not_followed(root: Path) -> None:
    """Folders that contain themselves would have no end."""
    (root / "ada" / "again").symlink_to(root / "ada")
    assert "is a link to another folder" in one_in(root).problem


@pytest.mark.parametrize("target", ["nowhere.py", "mnist_conv.py"])
def test_a_link_that_leads_nowhere_is_named(root: Path, target: str) -> None:
    """A broken link, or one to itself, is a problem and not a crash."""
    (root / "ada" / "mnist_conv.py").symlink_to(target)
    submission = one_in(root)
    assert submission.source is None
    assert "link" in submission.problem


def test_the_submissions_folder_may_be_a_link(root: Path) -> None:
    """What the instructor names is followed."""
    (root / "ada" / "mnist_conv.py").write_text(CODE, encoding="utf-8")
    (root.parent / "current").symlink_to(root)
    assert one_in(root.parent / "current").problem == ""


def test_a_named_pipe_is_not_opened(root: Path) -> None:
    """Opening a pipe that nobody writes to would wait for ever."""
    os.mkfifo(root / "ada" / "mnist_conv.py")
    assert one_in(root).problem.startswith("mnist_conv.py is a named pipe, not a file.")


def test_a_socket_is_not_opened(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket under the name of a module is named as what it is."""
    monkeypatch.chdir(root / "ada")  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("mnist_conv.py")
        assert "is a socket, not a file" in one_in(root).problem


def test_a_device_is_not_opened() -> None:
    """A device is refused before it is opened."""
    with pytest.raises(UnreadableSource, match=r"x\.py is a device, not a file"):
        read_file(Path(os.devnull), "x.py")


def test_a_file_exchanged_for_a_link_is_not_opened(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever swaps a file for a link after the first look gains nothing."""
    link, plain = root / "ada" / "mnist_conv.py", root / "ada" / "plain.py"
    plain.write_text(CODE, encoding="utf-8")
    link.symlink_to(root.parent / "outside" / "mnist_conv.py")
    status = os.lstat(plain)
    monkeypatch.setattr(os, "lstat", lambda _: status)
    with pytest.raises(UnreadableSource):
        read_file(link, "mnist_conv.py")


def test_a_folder_with_the_name_of_a_file_is_named(root: Path) -> None:
    """`mnist_conv.py/` is not a module."""
    (root / "ada" / "mnist_conv.py").mkdir()
    assert one_in(root).problem.startswith("mnist_conv.py is a folder, not a file.")


def test_a_folder_with_the_name_of_a_file_does_not_hide_a_good_file(root: Path) -> None:
    """The notebook beside it is graded."""
    (root / "ada" / "mnist_conv.py").mkdir()
    (root / "ada" / "mnist_conv.ipynb").write_text(
        '{"cells": [{"cell_type": "code", "source": "x"}]}', encoding="utf-8"
    )
    assert one_in(root).path == "ada/mnist_conv.ipynb"


@pytest.mark.parametrize("data", [b"", b" \n\t\r\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf \n", b"\xff\xfe"])
@pytest.mark.parametrize("suffix", [".py", ".ipynb"])
def test_an_empty_file_is_named(root: Path, data: bytes, suffix: str) -> None:
    """No bytes, white space alone or a byte order mark alone are an empty file."""
    (root / "ada" / f"mnist_conv{suffix}").write_bytes(data)
    assert one_in(root).problem.startswith(f"Your file mnist_conv{suffix} is empty.")


@pytest.mark.parametrize(
    "data", [b"\x89PNG\r\n\x1a\n\0\0", b"x = 1\n\0", b"PK\x03\x04\x14\x00\x08", b"\x01\xff\xfe\xfd"]
)
@pytest.mark.parametrize("suffix", [".py", ".ipynb"])
def test_a_binary_file_is_named(root: Path, data: bytes, suffix: str) -> None:
    """A picture or an archive under the name of code is said to be binary."""
    (root / "ada" / f"mnist_conv{suffix}").write_bytes(data)
    assert "is not text but a binary file" in one_in(root).problem


def test_a_huge_file_is_not_read(root: Path) -> None:
    """A file above 64 MiB is refused by its size alone (this one is a hole on disk)."""
    with (root / "ada" / "mnist_conv.py").open("wb") as stream:
        stream.truncate(MAX_FILE_BYTES + 1)
    submission = one_in(root)
    assert "larger than 64 MiB" in submission.problem
    assert submission.digest == ""


def refuse_permission(*_: object) -> None:
    raise PermissionError(13, "Permission denied")


def test_a_file_without_permission_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that the grader may not open is a problem of that student alone."""
    (root / "ada" / "mnist_conv.py").write_text(CODE, encoding="utf-8")
    monkeypatch.setattr(os, "open", refuse_permission)  # permission bits do not stop root
    assert "permission denied" in one_in(root).problem


def failing(number: int) -> Callable[..., Any]:
    """A call of the system that fails with an error number."""

    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("call", ["open", "scandir"])
@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EMFILE])
def test_a_disk_that_fails_is_no_fault_of_the_student(
    root: Path, monkeypatch: pytest.MonkeyPatch, number: int, call: str
) -> None:
    """Nobody knows what is in such a file or folder: that student alone is looked at by a person, and gets no number."""
    (root / "ada" / "mnist_conv.py").write_text(CODE, encoding="utf-8")
    top = folder_tree(root).entries()
    monkeypatch.setattr("grader.discovery.submissions.folder_tree", lambda _: Branch(root.name, "", lambda: top))
    monkeypatch.setattr(os, call, failing(number))
    submission = one_in(root)
    assert submission.ours
    assert submission.problem.endswith(f"could not be read here: {os.strerror(number)}")
    assert submission.source is None


def test_a_disk_that_fails_below_a_zip_of_the_class_is_no_damage_of_a_file(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The member is whole, and its owner has nothing to zip again."""
    archive = root.parent / "class.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("ada/mnist_conv.py", CODE)
    monkeypatch.setattr(zipfile.ZipExtFile, "read", failing(errno.EIO))
    submission = one_in(archive)
    assert submission.ours
    assert "could not be read here" in submission.problem


def test_a_list_of_owners_that_cannot_be_read_stops_all(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody would be graded without name and time, and nobody would see it."""
    (root / "submission_metadata.yml").write_text("submission_1: {}\n")
    (root / "submission_1").mkdir()
    (root / "submission_1" / "mnist_conv.py").write_text(CODE, encoding="utf-8")
    assert all_in(root)
    monkeypatch.setattr(os, "open", failing(errno.EIO))
    with pytest.raises(
        SetupError, match=r"the file submission_metadata\.yml could not be read here: Input/output error"
    ):
        all_in(root)


def test_a_name_that_is_too_long_is_the_students(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What no other machine could read either."""
    (root / "ada" / "mnist_conv.py").write_text(CODE, encoding="utf-8")
    monkeypatch.setattr(os, "open", failing(errno.ENAMETOOLONG))
    submission = one_in(root)
    assert not submission.ours
    assert submission.problem.endswith("Hand it in again.")


def test_what_this_machine_could_not_read_has_no_number(tmp_path: Path) -> None:
    """Beside a hand-in that is unreadable by its owner's fault, which is rejected."""
    output = ResultsFolder(tmp_path / "results")
    settings = Settings(datasets=places.datasets(), store=None, jobs=1)
    grading = Grading(places.find_assignment("mnist_conv"), settings, output, Silent())
    problem = "the file mnist_conv.py could not be read here: Input/output error"
    grading.run(
        [
            Submission(student="ada", path="ada", digest="", problem=problem, ours=True),
            Submission(student="ben", path="ben", digest="", problem="Your file is empty."),
        ]
    )
    results = output.results()
    found = [(item.status, item.score, item.needs_review) for item in results]
    assert found == [("error", None, True), ("rejected", 0.0, False)]
    assert results[0].message == f"The grader could not run this: {problem}"
    assert {check.status for check in results[0].checks} == {"skipped"}


@pytest.fixture
def ordinary_rights() -> Iterator[None]:
    """As root, whom permission bits do not stop, the rights of an ordinary user for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_permission_bits_are_respected(ordinary_rights: None) -> None:  # noqa: ARG001 - it is in force
    """The same with real permission bits."""
    with tempfile.TemporaryDirectory(dir=FOR_EVERYBODY) as folder:  # pytest's own are closed to others
        path = Path(folder, "ada", "mnist_conv.py")
        path.parent.mkdir()
        path.write_text(CODE, encoding="utf-8")
        assert one_in(Path(folder)).problem == ""
        path.chmod(0)
        assert "permission denied" in one_in(Path(folder)).problem


def test_a_folder_without_permission_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that cannot be listed says so when asked for its entries, as a student's problem."""
    [ada] = folder_tree(root).entries()
    assert isinstance(ada, Branch)
    monkeypatch.setattr(os, "scandir", refuse_permission)
    with pytest.raises(UnreadableSource, match="Your folder ada could not be opened: permission denied"):
        ada.entries()


@pytest.mark.parametrize(
    ("name", "student"),
    [
        ("a\nb", "a\\x0ab"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("a\u202eb", "a\\u202eb"),
        ("a\u200bb", "a\\u200bb"),
        ("a\u2028b", "a\\u2028b"),
        ("a\U000e0001b", "a\\U000e0001b"),
        ("Ada Łovelace", "Ada Łovelace"),
        ("李 明", "李 明"),
        ("Zoe\u0308", "Zo\u00eb"),
        ("<b>ada", "<b>ada"),
    ],
)
def test_names_are_shown_without_control_characters(root: Path, name: str, student: str) -> None:
    """A student's name cannot move the cursor, break a line or turn the text around; other letters stay."""
    (root / name).mkdir()
    (root / name / "mnist_conv.py").write_text(CODE, encoding="utf-8")
    (root / "ada").rmdir()
    submission = one_in(root)
    assert (submission.student, submission.path) == (student, f"{student}/mnist_conv.py")


def test_names_that_are_not_utf_8_are_shown(root: Path) -> None:
    """A name in another encoding is shown byte by byte, and the entry can be written as JSON."""
    (root / os.fsdecode(b"caf\xe9")).mkdir()
    (root / "ada").rmdir()
    submission = one_in(root)
    assert submission.student == "caf\\xe9"
    assert "caf" in submission.model_dump_json()


def test_students_whose_shown_names_are_equal_are_counted(root: Path) -> None:
    """Two folders never share one line of the scores."""
    (root / "e\u0301").mkdir()
    (root / "\u00e9").mkdir()
    assert [submission.student for submission in all_in(root)] == ["ada", "\u00e9", "\u00e9 (2)"]


def test_file_names_in_problems_are_shown_safely(root: Path) -> None:
    """A file's name is escaped in the sentence too."""
    (root / "ada" / "a\x1b[2J.py").write_text("", encoding="utf-8")
    assert "a\\x1b[2J.py" in one_in(root).problem


def test_shown_is_stable() -> None:
    """A name that is already printable is not changed again."""
    assert shown(shown("a\x1bb")) == shown("a\x1bb")


@pytest.mark.parametrize("name", [".hidden", "._x.py", "__MACOSX", "__pycache__", ".ipynb_checkpoints", "venv", ".git"])
def test_litter_is_ignored(name: str) -> None:
    """Names that no student's work has."""
    assert is_ignored(name)


def test_entries_are_lazy(root: Path) -> None:
    """Making a tree opens no file: a pipe in it does no harm until it is asked for."""
    os.mkfifo(root / "ada" / "mnist_conv.py")
    [ada] = folder_tree(root).entries()
    assert isinstance(ada, Branch)
    entries: list[Entry] = ada.entries()
    assert [(type(entry), entry.path) for entry in entries] == [(Leaf, "ada/mnist_conv.py")]


def test_read_source_follows_a_link(root: Path) -> None:
    """The file that a person names on the command line may be a link."""
    (root / "link.py").symlink_to(root.parent / "outside" / "mnist_conv.py")
    assert read_source(root / "link.py").cells[0].text == SECRET


@pytest.mark.parametrize(
    ("name", "words"),
    [("missing.py", "is not there"), ("a\0b.py", "could not be read"), ("ada.py", "is a folder"), ("x.txt", "neither")],
)
def test_read_source_raises_only_unreadable_source(root: Path, name: str, words: str) -> None:
    """Whatever is wrong with a path is said in a sentence."""
    (root / "ada.py").mkdir()
    (root / "x.txt").write_text(CODE, encoding="utf-8")
    with pytest.raises(UnreadableSource, match=words):
        read_source(root / name)
