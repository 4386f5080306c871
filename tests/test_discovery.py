"""Layouts of a submissions folder: which file is whose, and which one is the hand-in."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from grader.discovery import discover, layouts
from grader.errors import SetupError
from grader.model.submission import Submission

CODE = "import tensorflow as tf\nx = 1\n"
NOTEBOOK = json.dumps({"cells": [{"cell_type": "code", "source": "x = 1"}], "nbformat": 4, "metadata": {}})
TWO = ("mnist_conv", "callbacks")


def write(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def found_in(
    root: Path, *, ids: tuple[str, ...] = ("mnist_conv",), assignment: str | None = None, only: str | None = None
) -> list[tuple[str, Submission]]:
    return discover(root, assignment_ids=ids, files={one: [one] for one in ids}, assignment=assignment, only=only)


def one_in(root: Path, *, ids: tuple[str, ...] = ("mnist_conv",), assignment: str | None = None) -> Submission:
    [(_, submission)] = found_in(root, ids=ids, assignment=assignment)
    return submission


def text_of(submission: Submission) -> str:
    assert submission.source is not None, submission.problem
    return "".join(cell.text for cell in submission.source.cells)


@pytest.mark.parametrize(
    "path",
    [
        "ada/mnist_conv.py",
        "ada/mnist_conv/answer.py",
        "ada/mnist_conv/mnist_conv.py",
        "ada/MNIST_Conv.py",
        "ada/mnist-conv.py",
        "ada/mnist conv.py",
        "ada/mnist_conv (1).py",
        "ada/mnist_conv-1.py",
        "ada/mnist_conv-Copy1.py",
        "ada/homework/mnist_conv.py",
        "ada/mnist_conv.PY",
        "ada/mnist-conv/answer.py",
    ],
)
def test_named_hand_ins_are_found_without_assignment(tmp_path: Path, path: str) -> None:
    """A file or folder named after the assignment says by itself what it is for."""
    write(tmp_path, {path: CODE})
    [(assignment, submission)] = found_in(tmp_path, ids=TWO)
    assert (assignment, submission.student, submission.path) == ("mnist_conv", "ada", path)
    assert text_of(submission) == CODE


@pytest.mark.parametrize("path", ["ada/answer.py", "ada/Untitled.ipynb", "ada/work/answer.py", "ada.py", "ada.ipynb"])
def test_any_single_file_is_found_with_assignment(tmp_path: Path, path: str) -> None:
    """With --assignment a student's only file is the hand-in, whatever its name."""
    write(tmp_path, {path: NOTEBOOK if path.endswith("ipynb") else CODE})
    submission = one_in(tmp_path, ids=TWO, assignment="callbacks")
    assert (submission.student, submission.path, submission.problem) == ("ada", path, "")


def test_the_only_assignment_need_not_be_named(tmp_path: Path) -> None:
    """With one assignment known, everything is for that one."""
    write(tmp_path, {"ada/answer.py": CODE})
    assert one_in(tmp_path).problem == ""


def test_one_student_may_hand_in_several_assignments(tmp_path: Path) -> None:
    """Without --assignment each assignment of a student is a submission of its own, in the order of the ids."""
    write(tmp_path, {"ada/callbacks.py": CODE, "ada/mnist_conv.ipynb": NOTEBOOK})
    found = found_in(tmp_path, ids=TWO)
    assert [(one, submission.path) for one, submission in found] == [
        ("mnist_conv", "ada/mnist_conv.ipynb"),
        ("callbacks", "ada/callbacks.py"),
    ]


def test_assignment_leaves_out_other_assignments(tmp_path: Path) -> None:
    """With --assignment a student's other hand-ins are not reported."""
    write(tmp_path, {"ada/callbacks.py": CODE, "ada/mnist_conv.py": CODE})
    assert [one for one, _ in found_in(tmp_path, ids=TWO, assignment="callbacks")] == ["callbacks"]


def test_a_file_named_after_another_assignment_is_not_taken(tmp_path: Path) -> None:
    """A student who handed in only another assignment is told so, not graded on the wrong one."""
    write(tmp_path, {"ada/callbacks.py": CODE})
    submission = one_in(tmp_path, ids=TWO, assignment="mnist_conv")
    assert submission.source is None
    assert "callbacks.py" in submission.problem
    assert "mnist_conv.py" in submission.problem


def test_a_file_in_another_assignments_folder_is_not_taken(tmp_path: Path) -> None:
    """The folder of an assignment holds files of that assignment only."""
    write(tmp_path, {"ada/callbacks/mnist_conv.py": CODE, "ada/mnist_conv/answer.py": CODE})
    assert one_in(tmp_path, ids=TWO, assignment="mnist_conv").path == "ada/mnist_conv/answer.py"


def test_other_stems_expected_are_accepted(tmp_path: Path) -> None:
    """The stems that an assignment expects are names as good as its id."""
    write(tmp_path, {"ada/train.py": CODE, "ada/other.py": CODE})
    [(_, submission)] = discover(
        tmp_path, assignment_ids=["mnist_conv"], files={"mnist_conv": ["train"]}, assignment=None
    )
    assert submission.path == "ada/train.py"


def test_students_come_sorted(tmp_path: Path) -> None:
    """The order is that of the names, not that of the disk."""
    write(tmp_path, {f"{name}/mnist_conv.py": CODE for name in ("cleo", "Bob", "ada")})
    assert [submission.student for _, submission in found_in(tmp_path)] == ["ada", "Bob", "cleo"]


def test_only_keeps_one_student(tmp_path: Path) -> None:
    """`only` filters by the student's name."""
    write(tmp_path, {"ada/mnist_conv.py": CODE, "bob/mnist_conv.py": CODE})
    assert [submission.student for _, submission in found_in(tmp_path, only="bob")] == ["bob"]


def test_only_finds_nobody(tmp_path: Path) -> None:
    """A name that nobody has gives no submission."""
    write(tmp_path, {"ada/mnist_conv.py": CODE})
    assert found_in(tmp_path, only="bo") == []


def test_exact_name_wins_over_others(tmp_path: Path) -> None:
    """A file named after the assignment is the hand-in, even among others."""
    write(tmp_path, {"ada/a.py": CODE, "ada/b.ipynb": NOTEBOOK, "ada/mnist_conv.py": CODE})
    assert one_in(tmp_path).path == "ada/mnist_conv.py"


def test_exact_name_wins_over_a_copy(tmp_path: Path) -> None:
    """A second download beside the first is not a doubt."""
    write(tmp_path, {"ada/mnist_conv.ipynb": NOTEBOOK, "ada/mnist_conv (1).ipynb": NOTEBOOK})
    assert one_in(tmp_path).path == "ada/mnist_conv.ipynb"


def test_two_files_are_a_doubt_that_names_both(tmp_path: Path) -> None:
    """Of two files that could be it none is chosen; the student reads both names and what to do."""
    write(tmp_path, {"ada/a.py": CODE, "ada/b.ipynb": NOTEBOOK})
    submission = one_in(tmp_path)
    assert submission.problem == (
        "We found two files that could be the hand-in: a.py, b.ipynb. Hand in one, or name it mnist_conv.py."
    )


def test_a_doubt_has_the_folder_as_path(tmp_path: Path) -> None:
    """Where no file was chosen, the path is the student's folder and there is no digest."""
    write(tmp_path, {"ada/a.py": CODE, "ada/b.py": NOTEBOOK})
    submission = one_in(tmp_path)
    assert (submission.path, submission.digest, submission.source) == ("ada", "", None)


def test_module_and_notebook_of_the_exact_name_are_a_doubt(tmp_path: Path) -> None:
    """`<id>.py` beside `<id>.ipynb`: nobody can tell which is meant."""
    write(tmp_path, {"ada/mnist_conv.py": CODE, "ada/mnist_conv.ipynb": NOTEBOOK})
    problem = one_in(tmp_path).problem
    assert "mnist_conv.ipynb, mnist_conv.py" in problem
    assert problem.endswith("Hand in only one of them.")


def test_equal_files_are_no_doubt(tmp_path: Path) -> None:
    """Two copies of the same bytes are one answer."""
    write(tmp_path, {"ada/a.py": CODE, "ada/b.py": CODE})
    assert one_in(tmp_path).path == "ada/a.py"


def test_many_files_are_not_all_listed(tmp_path: Path) -> None:
    """A folder full of files gives a sentence, not a page."""
    write(tmp_path, {f"ada/part{number:02}.py": f"x = {number}\n" for number in range(30)})
    problem = one_in(tmp_path).problem
    assert problem.startswith("We found 30 files")
    assert "and 24 more" in problem


def test_flat_files_of_one_stem_are_one_student(tmp_path: Path) -> None:
    """`ada.py` beside `ada.ipynb` is one student with two files."""
    write(tmp_path, {"ada.py": CODE, "ada.ipynb": NOTEBOOK})
    submission = one_in(tmp_path)
    assert submission.student == "ada"
    assert "ada.ipynb, ada.py" in submission.problem


def test_flat_files_without_assignment_are_not_lost(tmp_path: Path) -> None:
    """When names cannot tell what a file is for, its owner still gets an entry, under the first assignment."""
    write(tmp_path, {"ada.py": CODE})
    [(assignment, submission)] = found_in(tmp_path, ids=TWO)
    assert assignment == "mnist_conv"
    assert "mnist_conv.py or callbacks.py" in submission.problem


def test_an_empty_folder_gets_an_entry(tmp_path: Path) -> None:
    """A student with an empty folder is in the scores, with the reason."""
    (tmp_path / "ada").mkdir()
    submission = one_in(tmp_path)
    assert (submission.student, submission.path) == ("ada", "ada")
    assert submission.problem.startswith("Your hand-in is empty")


def test_a_folder_without_code_gets_an_entry(tmp_path: Path) -> None:
    """The problem names what was found instead."""
    write(tmp_path, {"ada/report.docx": "text"})
    assert "found report.docx" in one_in(tmp_path).problem


@pytest.mark.parametrize(
    "path",
    [
        "ada/.ipynb_checkpoints/mnist_conv-checkpoint.ipynb",
        "ada/__MACOSX/mnist_conv.py",
        "ada/__pycache__/mnist_conv.py",
        "ada/.git/mnist_conv.py",
        "ada/venv/mnist_conv.py",
        "ada/.venv/mnist_conv.py",
        "ada/.mnist_conv.py",
        "ada/._mnist_conv.py",
    ],
)
def test_litter_is_not_a_hand_in(tmp_path: Path, path: str) -> None:
    """Hidden files and what tools leave behind are never graded."""
    write(tmp_path, {path: CODE})
    assert one_in(tmp_path).source is None


@pytest.mark.parametrize(
    "path", [".git/config.py", "__MACOSX/ada/mnist_conv.py", ".DS_Store", "grades.csv", "README.md"]
)
def test_litter_is_not_a_student(tmp_path: Path, path: str) -> None:
    """What lies beside the students' folders makes no entry."""
    write(tmp_path, {path: CODE, "ada/mnist_conv.py": CODE})
    assert [submission.student for _, submission in found_in(tmp_path)] == ["ada"]


def test_course_modules_are_not_candidates(tmp_path: Path) -> None:
    """The course's `unittests.py` beside the answer is not a second answer."""
    write(tmp_path, {"ada/answer.py": CODE, "ada/unittests.py": CODE, "ada/__init__.py": CODE})
    assert one_in(tmp_path).path == "ada/answer.py"


def test_the_shallowest_file_is_taken(tmp_path: Path) -> None:
    """Helpers in a folder below do not compete with the file above."""
    write(tmp_path, {"ada/answer.py": CODE, "ada/parts/layers.py": "y = 2\n"})
    assert one_in(tmp_path).path == "ada/answer.py"


def test_a_folder_of_data_does_not_hide_the_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the files are too many to be looked at, those nearest to the top are looked at first."""
    monkeypatch.setattr(layouts, "_MAX_FILES", 5)
    write(tmp_path, {f"ada/images/{number}.png": "x" for number in range(9)} | {"ada/mnist_conv.py": CODE})
    assert one_in(tmp_path).path == "ada/mnist_conv.py"


def test_too_many_files_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the answer was not among the files looked at, the student reads why."""
    monkeypatch.setattr(layouts, "_MAX_FILES", 5)
    write(tmp_path, {f"ada/images/{number}.png": "x" for number in range(9)})
    assert one_in(tmp_path).problem.startswith("Your hand-in holds more than 5 files.")


def test_digest_is_of_the_raw_bytes(tmp_path: Path) -> None:
    """The digest is SHA-256 of the file as handed in, before any reading."""
    (tmp_path / "ada").mkdir()
    data = b"\xef\xbb\xbfx = 1\r\n"
    (tmp_path / "ada" / "mnist_conv.py").write_bytes(data)
    assert one_in(tmp_path).digest == hashlib.sha256(data).hexdigest()


def test_a_file_that_cannot_be_graded_keeps_its_digest(tmp_path: Path) -> None:
    """What was handed in can be proved even when it could not be read as code."""
    write(tmp_path, {"ada/mnist_conv.ipynb": "# Title\n\nSome words of prose.\n"})
    submission = one_in(tmp_path)
    assert submission.digest == hashlib.sha256(b"# Title\n\nSome words of prose.\n").hexdigest()
    assert "Markdown" in submission.problem


def test_location_is_the_file_on_disk(tmp_path: Path) -> None:
    """The location of a file in a folder can be opened."""
    write(tmp_path, {"ada/mnist_conv.py": CODE})
    location = one_in(tmp_path).location
    assert location is not None
    assert location.read_text(encoding="utf-8") == CODE


def test_submissions_survive_json(tmp_path: Path) -> None:
    """What was found can be written and read back."""
    write(tmp_path, {"ada/mnist_conv.ipynb": NOTEBOOK})
    submission = one_in(tmp_path)
    assert Submission.model_validate_json(submission.model_dump_json()) == submission


def test_an_empty_submissions_folder_has_nobody(tmp_path: Path) -> None:
    """No entries, no submissions, no error."""
    assert found_in(tmp_path) == []


def test_a_single_student_is_not_taken_for_a_wrapper(tmp_path: Path) -> None:
    """One folder with folders in it is a student, unless a platform's names say otherwise."""
    write(tmp_path, {"ada/src/answer.py": CODE, "ada/data/words.txt": "x"})
    assert one_in(tmp_path).student == "ada"


def test_missing_submissions_are_a_setup_error(tmp_path: Path) -> None:
    """A path that does not exist is the instructor's to mend."""
    with pytest.raises(SetupError, match="expected a folder or a zip of submissions, found nothing"):
        found_in(tmp_path / "nowhere")


def test_another_kind_of_file_is_a_setup_error(tmp_path: Path) -> None:
    """SUBMISSIONS is a folder or a zip, not a table."""
    write(tmp_path, {"grades.csv": "x"})
    with pytest.raises(SetupError, match="found another kind of file"):
        found_in(tmp_path / "grades.csv")


def test_an_unknown_assignment_is_a_setup_error(tmp_path: Path) -> None:
    """A mistyped --assignment shows the ids there are."""
    with pytest.raises(SetupError, match="expected one of mnist_conv, callbacks, found mnist"):
        found_in(tmp_path, ids=TWO, assignment="mnist")


def test_no_assignments_are_a_setup_error(tmp_path: Path) -> None:
    """Without any assignment nothing can be a hand-in."""
    with pytest.raises(SetupError, match="No assignment is known"):
        found_in(tmp_path, ids=())
