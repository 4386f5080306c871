"""Exports of learning platforms, unpacked: whose each entry is."""

from pathlib import Path

import pytest

from grader.discovery import discover
from grader.discovery.downloads import Owner, find_classroom, is_export, owner_of_file, owner_of_folder
from grader.discovery.students import unique_names
from grader.model.submission import Submission


def found_in(root: Path, *paths: str, ids: tuple[str, ...] = ("mnist_conv",)) -> list[tuple[str, Submission]]:
    for number, name in enumerate(paths):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"x = {number}\n", encoding="utf-8")
    return discover(root, assignment_ids=ids, files={}, assignment=None)


def students_in(root: Path, *paths: str, ids: tuple[str, ...] = ("mnist_conv",)) -> list[str]:
    return [submission.student for _, submission in found_in(root, *paths, ids=ids)]


@pytest.mark.parametrize(
    ("name", "owner", "original"),
    [
        ("doejane_123_4567_mnist_conv.ipynb", Owner("doejane", "123"), "mnist_conv.ipynb"),
        ("doejane_LATE_123_4567_mnist_conv.ipynb", Owner("doejane", "123"), "mnist_conv.ipynb"),
        ("doejane_123_4567_my_file_2_3.py", Owner("doejane", "123"), "my_file_2_3.py"),
        ("Jane Doe_55_assignsubmission_file_mnist_conv.py", Owner("Jane Doe", "55"), "mnist_conv.py"),
        ("ada.py", Owner("ada"), "ada.py"),
        ("ada_lovelace_1815.py", Owner("ada_lovelace_1815"), "ada_lovelace_1815.py"),
    ],
)
def test_owner_of_file(name: str, owner: Owner, original: str) -> None:
    """A file's name gives the student and the name that the student gave it."""
    named = owner_of_file(name)
    assert (named.owner, named.original) == (owner, original)


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("Jane Doe_55_assignsubmission_file_", Owner("Jane Doe", "55")),
        ("Jane Doe_55_assignsubmission_file", Owner("Jane Doe", "55")),
        ("Jane Doe_55_assignsubmission_onlinetext_", Owner("Jane Doe", "55")),
        ("O'Neil_Smith, Jane_55_assignsubmission_file_", Owner("O'Neil_Smith, Jane", "55")),
        ("submission_123456", Owner("submission_123456")),
        ("ada", Owner("ada")),
    ],
)
def test_owner_of_folder(name: str, owner: Owner) -> None:
    """A folder's name gives the student, who is the folder's name where no platform's pattern is found."""
    assert owner_of_folder(name).owner == owner


@pytest.mark.parametrize("folders", [["mnist-conv-ada", "mnist-conv-bob"], ["mnist_conv-ada"], ["MNIST-conv-a-b"]])
def test_classroom_is_recognised(folders: list[str]) -> None:
    """Repositories all named after one assignment are a GitHub Classroom download."""
    classroom = find_classroom(folders, ["mnist_conv"])
    assert classroom is not None
    assert classroom.assignment == "mnist_conv"


@pytest.mark.parametrize("folders", [["mnist-conv-ada", "bob"], ["mnist-conv-"], ["mnist-conv"], ["other-ada"], []])
def test_classroom_needs_every_folder(folders: list[str]) -> None:
    """One folder without the prefix, or without a user name, and the folder names are the students."""
    assert find_classroom(folders, ["mnist_conv"]) is None


def test_classroom_prefers_the_longer_assignment() -> None:
    """`mnist-conv-ada` is ada's `mnist_conv`, not conv-ada's `mnist`."""
    classroom = find_classroom(["mnist-conv-ada"], ["mnist", "mnist_conv"])
    assert classroom is not None
    assert classroom.username("mnist-conv-ada") == "ada"


@pytest.mark.parametrize(
    ("files", "folders"),
    [(["doe_1_2_x.py"], []), ([], ["submission_1"]), ([], ["J D_1_assignsubmission_file_"]), ([], ["mnist-conv-ada"])],
)
def test_exports_are_recognised(files: list[str], folders: list[str]) -> None:
    """Each platform's export is known by its names."""
    assert is_export(files, folders, ["mnist_conv"])


def test_a_plain_folder_is_no_export() -> None:
    """Names without a pattern are nobody's export."""
    assert not is_export(["answer.py"], ["ada", "bob"], ["mnist_conv"])


def test_canvas_students_are_named_without_numbers(tmp_path: Path) -> None:
    """The part before the numbers is the student."""
    assert students_in(tmp_path, "doejane_12_34_a.py", "roerick_LATE_13_35_b.ipynb.py") == ["doejane", "roerick"]


def test_canvas_files_of_one_student_belong_together(tmp_path: Path) -> None:
    """Two uploads of one student are one entry, and the doubt names the student's own file names."""
    [(_, submission)] = found_in(tmp_path, "doejane_12_34_a.py", "doejane_12_35_b.py")
    assert submission.student == "doejane"
    assert "a.py, b.py" in submission.problem


def test_canvas_namesakes_get_their_number(tmp_path: Path) -> None:
    """Two students of one name are told apart by the platform's number."""
    names = students_in(tmp_path, "doejane_12_34_a.py", "doejane_99_35_b.py", "roe_1_2_c.py")
    assert names == ["doejane_12", "doejane_99", "roe"]


def test_canvas_original_name_tells_the_assignment(tmp_path: Path) -> None:
    """Without --assignment the student's own file name counts, with Canvas's mark of a second upload."""
    found = found_in(tmp_path, "doejane_12_34_callbacks-1.py", ids=("mnist_conv", "callbacks"))
    assert [(one, submission.path) for one, submission in found] == [("callbacks", "doejane_12_34_callbacks-1.py")]


def test_canvas_upload_of_another_kind_gets_an_entry(tmp_path: Path) -> None:
    """A student who uploaded a report is in the scores."""
    [(_, submission)] = found_in(tmp_path, "doejane_12_34_report.pdf")
    assert (submission.student, submission.source) == ("doejane", None)
    assert "found report.pdf" in submission.problem


def test_moodle_students_have_their_full_names(tmp_path: Path) -> None:
    """The part before the number is the student, both with and without the last underscore."""
    names = students_in(
        tmp_path, "Ada Lovelace_12_assignsubmission_file_/x.py", "Bob Roe_13_assignsubmission_file/mnist_conv.py"
    )
    assert names == ["Ada Lovelace", "Bob Roe"]


def test_moodle_folders_of_one_student_belong_together(tmp_path: Path) -> None:
    """The typed text beside the uploaded file is not a second student."""
    [(_, submission)] = found_in(
        tmp_path,
        "Ada Lovelace_12_assignsubmission_file_/answer.py",
        "Ada Lovelace_12_assignsubmission_onlinetext_/onlinetext.html",
    )
    assert submission.path == "Ada Lovelace_12_assignsubmission_file_/answer.py"


def test_moodle_namesakes_get_their_number(tmp_path: Path) -> None:
    """Two students of one name are told apart by the platform's number."""
    names = students_in(tmp_path, "A B_12_assignsubmission_file_/x.py", "A B_13_assignsubmission_file_/x.py")
    assert names == ["A B_12", "A B_13"]


def test_gradescope_students_are_named_by_submission(tmp_path: Path) -> None:
    """Only the metadata file knows the names, and it is not read."""
    names = students_in(tmp_path, "submission_11/x.py", "submission_12/x.py", "submission_metadata.yml")
    assert names == ["submission_11", "submission_12"]


def test_gradescope_wrapper_is_looked_through(tmp_path: Path) -> None:
    """The folder that an export puts around all submissions is not a student."""
    names = students_in(tmp_path, "assignment_5_export/submission_11/x.py", "assignment_5_export/submission_12/x.py")
    assert names == ["submission_11", "submission_12"]


def test_classroom_students_are_user_names(tmp_path: Path) -> None:
    """The common prefix is the assignment, the rest the user."""
    assert students_in(tmp_path, "mnist-conv-ada/x.py", "mnist-conv-bob-1/y.py") == ["ada", "bob-1"]


def test_classroom_prefix_tells_the_assignment(tmp_path: Path) -> None:
    """A repository named after an assignment needs no --assignment for a file of any name."""
    found = found_in(tmp_path, "callbacks-ada/answer.py", ids=("mnist_conv", "callbacks"))
    assert [(one, submission.problem) for one, submission in found] == [("callbacks", "")]


def test_classroom_wrapper_is_looked_through(tmp_path: Path) -> None:
    """`gh classroom clone` puts all repositories into one folder."""
    names = students_in(
        tmp_path, "mnist-conv-submissions/mnist-conv-ada/x.py", "mnist-conv-submissions/mnist-conv-b/x.py"
    )
    assert names == ["ada", "b"]


def test_names_without_doubt_are_kept() -> None:
    """A number is added only where it is needed."""
    assert unique_names([Owner("ada", "1"), Owner("bob", "2")]) == {Owner("ada", "1"): "ada", Owner("bob", "2"): "bob"}


def test_names_equal_when_shown_are_counted() -> None:
    """Two owners whose printable names are equal still get two names."""
    assert sorted(unique_names([Owner("a\x1b"), Owner("a\\x1b")]).values()) == ["a\\x1b", "a\\x1b (2)"]


def test_a_counted_name_avoids_names_taken() -> None:
    """A student who is really called `a (2)` keeps a name apart from the second `a`."""
    owners = [Owner("e\u0301"), Owner("\u00e9"), Owner("\u00e9 (2)")]
    assert len(set(unique_names(owners).values())) == len(owners)
