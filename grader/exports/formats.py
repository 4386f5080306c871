"""The formats by name, and what each one takes."""

from collections.abc import Callable
from dataclasses import dataclass

from grader.exports.canvas import canvas
from grader.exports.check50 import check50
from grader.exports.classroom50 import classroom50
from grader.exports.coursera import coursera
from grader.exports.csv_tables import checks_csv, class_csv
from grader.exports.github import github
from grader.exports.gradescope import gradescope
from grader.exports.gradescope_zip import gradescope_zip
from grader.exports.junit import junit
from grader.exports.moodle import moodle
from grader.exports.parquet import parquet
from grader.exports.prairielearn import prairielearn
from grader.exports.request import Export, Request


@dataclass(frozen=True)
class Format:
    """A format: how it is made, and which options mean something to it."""

    make: Callable[[Request], Export]
    ending: str
    """Of files, with its dot."""
    single: bool = False
    """Whether an export holds one student."""
    fills: bool = False
    """Whether it fills a table that was exported before."""
    binary: bool = False
    """Whether it cannot be shown on a console."""
    takes: tuple[str, ...] = ()
    """Names of further options."""


FORMATS = {
    "csv": Format(class_csv, ".csv", takes=("student", "points")),
    "checks-csv": Format(checks_csv, ".csv", takes=("student",)),
    "canvas": Format(canvas, ".csv", fills=True, takes=("points", "column", "match")),
    "moodle": Format(moodle, ".csv", fills=True, takes=("points", "match")),
    "gradescope": Format(gradescope, ".json", single=True, takes=("student", "points")),
    "gradescope-zip": Format(gradescope_zip, ".zip", binary=True, takes=("points",)),
    "github": Format(github, ".txt", single=True, takes=("student", "points", "file")),
    "classroom50": Format(classroom50, ".json", single=True, takes=("student", "points")),
    "coursera": Format(coursera, ".json", single=True, takes=("student",)),
    "prairielearn": Format(prairielearn, ".json", single=True, takes=("student",)),
    "check50": Format(check50, ".json", single=True, takes=("student",)),
    "junit": Format(junit, ".xml", takes=("student",)),
    "parquet": Format(parquet, ".parquet", binary=True, takes=("student",)),
}
