"""What grading from Python returns: results to look at, and the same as JSON, as a table, as a page of a notebook."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console, RenderableType

from grader.errors import SetupError
from grader.model.result import CourseScores, Result, Scores, Verdict
from grader.pipeline.check import Checked, checked_as_json
from grader.reports.console import plain, result_details, results_table
from grader.reports.notebook import class_table, verdict_table
from grader.results.files import as_strict_json

if TYPE_CHECKING:
    import pandas as pd

WIDTH = 110
SUBMISSION_COLUMNS = ("assignment", "student", "path", "status", "score", "max_score", "needs_review", "message")
TRAINING_COLUMNS = ("source", "epochs", "accuracy", "stopped_by_callback", "seconds_per_epoch_ratio", "fingerprint")
CHECK_COLUMNS = ("check", "title", "hidden", "check_status", "points", "max_points", "check_message")


@dataclass(frozen=True, repr=False)
class GradeReport:
    """The results of a class.

    `report["ada"]` is one student's result, over several assignments `report["mnist_conv", "ada"]`; a loop goes over all
    results.
    """

    scores: Scores | CourseScores
    """What stands in `scores.json`."""
    folder: Path | None = None
    """Where results and pages are; None if they were not kept."""

    @property
    def by_assignment(self) -> dict[str, Scores]:
        """The scores of each assignment."""
        if isinstance(self.scores, CourseScores):
            return dict(self.scores.assignments)
        return {self.scores.assignment: self.scores}

    @property
    def results(self) -> tuple[Result, ...]:
        """All results, assignment by assignment, by student."""
        return tuple(result for scores in self.by_assignment.values() for result in scores.submissions)

    @property
    def needs_review(self) -> tuple[Result, ...]:
        """Those that wait for a person."""
        return tuple(result for result in self.results if result.needs_review)

    def __getitem__(self, key: str | tuple[str, str]) -> Result:
        """One student's result; KeyError that says who there is."""
        assignment, student = key if isinstance(key, tuple) else (None, key)
        found = [
            (name, result)
            for name, scores in self.by_assignment.items()
            for result in scores.submissions
            if result.student == student and assignment in (None, name)
        ]
        if not found:
            known = ", ".join(dict.fromkeys(result.student for result in self.results)) or "nobody"
            raise KeyError(
                f"no result of {student!r}{f' for {assignment!r}' if assignment else ''}. Results of: {known}"
            )
        if len(found) > 1:
            names = ", ".join(repr(name) for name, _ in found)
            raise KeyError(f"{student!r} has several results. Name the assignment first, one of {names}")
        return found[0][1]

    def __iter__(self) -> Iterator[Result]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)

    def to_json(self) -> str:
        """The text of `scores.json`."""
        return as_strict_json(self.scores)

    def to_dataframe(self, *, checks: bool = False) -> "pd.DataFrame":
        """A pandas table with one row per submission, or with `checks` one row per submission and check.

        Raises SetupError where pandas is not installed.
        """
        rows = [
            row
            for name, scores in self.by_assignment.items()
            for result in scores.submissions
            for row in (check_rows(name, result) if checks else [submission_row(name, result)])
        ]
        return dataframe(rows, SUBMISSION_COLUMNS + (CHECK_COLUMNS if checks else TRAINING_COLUMNS))

    def __repr__(self) -> str:
        tables = [
            results_table(list(scores.submissions), name, scores.missing) for name, scores in self.by_assignment.items()
        ]
        return "\n".join(as_text(table) for table in tables)

    def _repr_html_(self) -> str:
        """A table for notebooks."""
        return "".join(
            class_table(name, scores.submissions, scores.missing) for name, scores in self.by_assignment.items()
        )


@dataclass(frozen=True, repr=False)
class CheckReport:
    """What the public checks say about one file. `report["check_id"]` is one verdict; a loop goes over all."""

    checked: Checked

    @property
    def result(self) -> Result:
        """The result, with the public checks and their points."""
        return self.checked.result

    @property
    def score(self) -> float | None:
        """The points of the public checks; None if there is no score."""
        return self.result.score

    @property
    def max_score(self) -> float:
        """The most points that the public checks can give."""
        return self.result.max_score

    @property
    def remarks(self) -> tuple[str, ...]:
        """What was taken as the student's work, what was not checked, and why."""
        return self.checked.remarks

    def __getitem__(self, check: str) -> Verdict:
        """The verdict of one check; KeyError that lists them."""
        for verdict in self.result.checks:
            if verdict.id == check:
                return verdict
        raise KeyError(f"no check {check!r}. Checks: {', '.join(verdict.id for verdict in self.result.checks)}")

    def __iter__(self) -> Iterator[Verdict]:
        return iter(self.result.checks)

    def __len__(self) -> int:
        return len(self.result.checks)

    def to_json(self) -> str:
        """The same as `grader check --json` prints."""
        return checked_as_json(self.checked)

    def to_dataframe(self) -> "pd.DataFrame":
        """A pandas table with one row per check. Raises SetupError where pandas is not installed."""
        rows = check_rows(self.checked.assignment, self.result)
        return dataframe(rows, SUBMISSION_COLUMNS + CHECK_COLUMNS)

    def __repr__(self) -> str:
        return "\n".join([as_text(result_details(self.result)), *(str(plain(text)) for text in self.remarks)])

    def _repr_html_(self) -> str:
        """A table for notebooks."""
        return verdict_table(self.checked.title, self.result, self.remarks)


def submission_row(assignment: str, result: Result) -> dict[str, Any]:
    """One submission as a row; a training that there is not leaves its columns empty."""
    row = {"assignment": assignment} | {name: getattr(result, name) for name in SUBMISSION_COLUMNS[1:]}
    return row | {name: getattr(result.training, name, None) for name in TRAINING_COLUMNS}


def check_rows(assignment: str, result: Result) -> list[dict[str, Any]]:
    """One row for each check of a submission. Points that are not known, because we failed, are empty."""
    head = {"assignment": assignment} | {name: getattr(result, name) for name in SUBMISSION_COLUMNS[1:]}
    return [
        head
        | {
            "check": verdict.id,
            "title": verdict.title,
            "hidden": verdict.hidden,
            "check_status": verdict.status,
            "points": None if verdict.status == "error" or result.score is None else verdict.points,
            "max_points": verdict.max_points,
            "check_message": verdict.message,
        }
        for verdict in result.checks
    ]


def dataframe(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> "pd.DataFrame":
    """Rows as a pandas table; SetupError where pandas is not installed."""
    try:
        import pandas
    except ImportError as error:
        raise SetupError("to_dataframe: expected pandas, found none. Install grader[dataframe].") from error
    table = pandas.DataFrame(rows, columns=list(columns))
    for name in ("score", "max_score", "points", "max_points", "accuracy", "seconds_per_epoch_ratio"):
        if name in table:
            table[name] = table[name].astype("float64")
    return table


def as_text(shown: RenderableType) -> str:
    """What the console would show, without colours."""
    console = Console(file=io.StringIO(), width=WIDTH, color_system=None)
    with console.capture() as captured:
        console.print(shown)
    return captured.get().rstrip("\n")
