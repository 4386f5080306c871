"""Assignments: read once from their folder, with every mistake told at once."""

from pathlib import Path

import pytest

from grader.errors import SetupError
from grader.model.assignment import load_assignment
from tests.factories import write_assignment

SHIPPED = sorted(path.parent for path in (Path(__file__).parent.parent / "assignments").glob("*/assignment.toml"))
FULL = """
datasets = ["mnist"]
old_names = true
graded_fit = "first"
[limits]
wall_seconds = 5
[training]
threshold = 0.9
seeds = [1, 2]
"""


def problem(folder: Path) -> str:
    with pytest.raises(SetupError) as caught:
        load_assignment(folder)
    return str(caught.value)


def test_settings_are_those_of_the_file(tmp_path: Path) -> None:
    """What stands in assignment.toml is in the record."""
    write_assignment(tmp_path / "demo", "", FULL)
    found = load_assignment(tmp_path / "demo")
    assert (found.id, found.old_names, found.graded_fit, found.limits.wall_seconds) == ("demo", True, "first", 5)
    assert found.training is not None
    assert (found.training.threshold, found.training.seeds) == (0.9, (1, 2))


def test_an_assignment_need_not_train(tmp_path: Path) -> None:
    """Without a section `training` there is no policy, and limits have their defaults."""
    write_assignment(tmp_path / "demo", "")
    found = load_assignment(tmp_path / "demo")
    assert (found.training, found.limits.wall_seconds) == (None, 60)


def test_a_folder_without_settings_is_told(tmp_path: Path) -> None:
    """Whoever names another folder is asked."""
    assert problem(tmp_path).endswith("expected an assignment.toml, found none. Is this an assignment folder?")


@pytest.mark.parametrize("missing", [["probe.py"], ["checks.py"], ["probe.py", "checks.py"]])
def test_missing_files_are_listed(tmp_path: Path, missing: list[str]) -> None:
    """All files that are missing are named in one message."""
    write_assignment(tmp_path / "demo", "")
    for name in missing:
        (tmp_path / "demo" / name).unlink()
    assert problem(tmp_path / "demo").endswith(f"missing {' and '.join(missing)}.")


@pytest.mark.parametrize("text", [b"id = ", b"\xff\xfe", b"[[["])
def test_what_is_no_toml_is_told(tmp_path: Path, text: bytes) -> None:
    """A file that cannot be parsed is named."""
    write_assignment(tmp_path / "demo", "")
    (tmp_path / "demo" / "assignment.toml").write_bytes(text)
    assert "not valid TOML" in problem(tmp_path / "demo")


def test_all_mistakes_are_told_together(tmp_path: Path) -> None:
    """A misspelt key and two wrong values: one message with all three."""
    settings = 'dataset = ["mnist"]\ngraded_fit = "best"\n[training]\nthreshold = "high"\n'
    write_assignment(tmp_path / "demo", "", settings)
    message = problem(tmp_path / "demo")
    assert all(place in message for place in ("dataset: ", "graded_fit: ", "training.threshold: "))


@pytest.mark.parametrize("key", ["folder", "digest"])
def test_keys_of_our_own_are_not_taken_from_the_file(tmp_path: Path, key: str) -> None:
    """What grader computes itself cannot be set."""
    write_assignment(tmp_path / "demo", "", f'{key} = "x"\n')
    assert key in problem(tmp_path / "demo")


def test_id_and_folder_must_agree(tmp_path: Path) -> None:
    """An assignment that was copied but not renamed is told."""
    write_assignment(tmp_path / "demo", "")
    (tmp_path / "demo").rename(tmp_path / "copy")
    assert problem(tmp_path / "copy").endswith("id is 'demo', but the folder is 'copy'. Make them equal.")


def test_a_broken_reference_is_a_setup_error(tmp_path: Path) -> None:
    """A reference.json that is no JSON is told like every other mistake."""
    write_assignment(tmp_path / "demo", "")
    (tmp_path / "demo" / "reference.json").write_text("{")
    assert "reference.json" in problem(tmp_path / "demo")


@pytest.mark.parametrize("settings", ["entry_points = []\n", "files = []\n"])
def test_an_assignment_names_something_to_grade(tmp_path: Path, settings: str) -> None:
    """Without a file or an entry point there is nothing to grade: told here, not as a bug later."""
    write_assignment(tmp_path / "demo", "")
    path = tmp_path / "demo" / "assignment.toml"
    key = settings.split(" ")[0]
    path.write_text(
        "".join(line for line in path.read_text().splitlines(keepends=True) if not line.startswith(key)) + settings
    )
    assert key in problem(tmp_path / "demo")


@pytest.mark.parametrize("name", ["assignment.toml", "probe.py", "checks.py", "reference.json"])
def test_digest_covers_what_decides_verdicts(tmp_path: Path, name: str) -> None:
    """A change in any of these files makes results from before stale."""
    write_assignment(tmp_path / "demo", "")
    (tmp_path / "demo" / "reference.json").write_text("{}")
    before = load_assignment(tmp_path / "demo").digest
    path = tmp_path / "demo" / name
    path.write_text(f"{path.read_text()}\n")
    assert load_assignment(tmp_path / "demo").digest != before


def test_digest_does_not_cover_the_handout(tmp_path: Path) -> None:
    """A typing error corrected in the handout grades nobody again."""
    write_assignment(tmp_path / "demo", "")
    before = load_assignment(tmp_path / "demo").digest
    (tmp_path / "demo" / "README.md").write_text("Hello")
    assert load_assignment(tmp_path / "demo").digest == before


def test_probe_is_read_from_the_folder(tmp_path: Path) -> None:
    """The probe's text is what is sent into the sandbox."""
    write_assignment(tmp_path / "demo", "")
    assert "student.call('train')" in load_assignment(tmp_path / "demo").probe_source


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: str(folder.name))
def test_shipped_assignments_can_be_read(folder: Path) -> None:
    """Every assignment of this repository loads, and has the id of its folder."""
    assert load_assignment(folder).id == folder.name
