"""The pages about exports say what `grader export` does."""

import re
from pathlib import Path

import pytest

from grader.exports import FORMATS
from grader.exports.classroom50 import VARIABLES
from grader.exports.csv_tables import CHECK_COLUMNS, CLASS_COLUMNS, PERSON_COLUMNS
from grader.exports.moodle import OURS

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "reference" / "exports.md").read_text("utf-8")


def section(name: str) -> str:
    """The text below the heading of a format."""
    return re.split(r"\n## ", PAGE.partition(f"\n## {name}\n")[2])[0]


def test_the_table_has_every_format() -> None:
    """And no other."""
    assert set(re.findall(r"^\| `([\w-]+)` \|", PAGE.partition("\n## ")[0], re.MULTILINE)) == set(FORMATS)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_has_a_section(name: str) -> None:
    """Each one says what is written where."""
    assert len(section(name)) > 60


def test_columns_of_our_tables_are_listed_in_their_order() -> None:
    """Scripts read these columns."""
    assert tuple(re.findall(r"`([\w]+)`", section("checks-csv"))) == CHECK_COLUMNS
    first, _, rest = section("csv").partition(", then one")
    assert tuple(re.findall(r"`([\w]+)`", first)) == CLASS_COLUMNS
    assert tuple(re.findall(r"`([\w]+)`", rest.partition(". Cells")[0])) == PERSON_COLUMNS


def test_variables_of_classroom50_are_listed() -> None:
    """Each key has a row with the variables that say it."""
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", section("classroom50"), re.MULTILINE))

    assert {key: tuple(re.findall(r"`([A-Z_]+)`", rows[key])) for key in VARIABLES} == VARIABLES


def test_the_beginning_of_a_comment_is_the_one_that_is_looked_for() -> None:
    """Instructors must not begin their own comments so."""
    assert f"`{OURS.strip()}`" in section("moodle")
