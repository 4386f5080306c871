"""Every file of tests/malformed is read as its expected.toml says."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from grader.discovery import UnreadableSource
from grader.discovery.sources import parse_source

FOLDER = Path(__file__).parent / "malformed"
EXPECTED: dict[str, dict[str, Any]] = tomllib.loads((FOLDER / "expected.toml").read_text(encoding="utf-8"))
READABLE = sorted(name for name, expected in EXPECTED.items() if "kind" in expected)
UNREADABLE = sorted(name for name, expected in EXPECTED.items() if "problem" in expected)


def content(name: str) -> bytes:
    return (FOLDER / f"{name}.txt").read_bytes()


def problem_of(name: str) -> str:
    with pytest.raises(UnreadableSource) as caught:
        parse_source(name, content(name))
    return caught.value.message


def test_every_malformed_file_has_an_expectation() -> None:
    """No file lies in the folder without a line that says what is expected of it, and none is missing."""
    assert {path.name.removesuffix(".txt") for path in FOLDER.glob("*.txt")} == set(EXPECTED)


@pytest.mark.parametrize("name", READABLE)
def test_readable_files_have_the_kind_expected(name: str) -> None:
    """A file is taken for a module or for a notebook by what is in it."""
    assert parse_source(name, content(name)).kind == EXPECTED[name]["kind"]


@pytest.mark.parametrize("name", READABLE)
def test_readable_files_have_the_cells_expected(name: str) -> None:
    """The cells with code are found, and numbered among all cells."""
    assert [cell.number for cell in parse_source(name, content(name)).cells] == EXPECTED[name]["cells"]


@pytest.mark.parametrize("name", READABLE)
def test_readable_files_have_the_notes_expected(name: str) -> None:
    """The student is told of every liberty taken in reading, and of nothing else."""
    assert [note.kind for note in parse_source(name, content(name)).notes] == EXPECTED[name]["notes"]


@pytest.mark.parametrize("name", UNREADABLE)
def test_unreadable_files_say_what_was_found(name: str) -> None:
    """The problem names what the file really is."""
    assert EXPECTED[name]["problem"] in problem_of(name)


@pytest.mark.parametrize("name", UNREADABLE)
def test_unreadable_files_are_named_to_the_student(name: str) -> None:
    """The problem speaks of the student's file by its name."""
    message = problem_of(name)
    assert message.startswith("Your ")
    assert name in message


@pytest.mark.parametrize("name", UNREADABLE)
def test_problems_end_as_sentences(name: str) -> None:
    """A problem is shown as it is, so it ends like a sentence."""
    assert problem_of(name).endswith(".")
