"""A run that was interrupted goes on where it stopped."""

import contextlib
from pathlib import Path
from typing import Any

import pytest

from grader.cli import places
from grader.errors import SetupError
from grader.model.assignment import load_assignment
from grader.model.result import Result
from grader.model.submission import Cell, Source, Submission
from grader.pipeline.grade import Grading
from grader.pipeline.settings import Settings
from grader.pipeline.watch import Silent
from grader.results.folder import ResultsFolder

CHECKOUT = Path(__file__).parent.parent
pytestmark = pytest.mark.sandbox


class Interrupting(Silent):
    """Behaves like a person who presses Ctrl-C after some results, and notes what a run begins with."""

    def __init__(self, after: int | None = None) -> None:
        self.after, self.done = after, 0
        self.began = (0, 0)

    def begin(self, submissions: int, kept: int) -> None:
        """Note it."""
        self.began = (submissions, kept)

    def finished(self, result: Result) -> None:  # noqa: ARG002
        """Interrupt."""
        self.done += 1
        if self.done == self.after:
            raise KeyboardInterrupt


def submissions(changed: int | None = None) -> list[Submission]:
    """Four small hand-ins, one of them perhaps changed."""
    found = []
    for number in range(4):
        text = f"def train_mnist_conv():\n    raise ValueError({number if number != changed else 'changed'!r})\n"
        source = Source(kind="module", cells=(Cell(number=1, text=text),))
        found.append(Submission(student=f"s{number}", path=f"s{number}.py", digest=str(hash(text)), source=source))
    return found


def grade(folder: Path, items: list[Submission], after: int | None = None, **settings: Any) -> Interrupting:
    """Grade until interrupted."""
    watcher = Interrupting(after)
    chosen = Settings(places.datasets(), None, jobs=1, **settings)
    grading = Grading(load_assignment(CHECKOUT / "assignments/mnist_conv"), chosen, ResultsFolder(folder), watcher)
    with contextlib.suppress(KeyboardInterrupt):
        grading.run(items)
    return watcher


def test_an_interrupted_run_goes_on(tmp_path: Path) -> None:
    """What was finished is kept, what was not is graded, a changed hand-in is graded again, and --force grades all."""
    grade(tmp_path, submissions(), after=2)
    assert len(ResultsFolder(tmp_path).results()) == 2
    assert grade(tmp_path, submissions()).began == (2, 2)
    assert len(ResultsFolder(tmp_path).results()) == 4
    assert grade(tmp_path, submissions(changed=1)).began == (1, 3)
    assert grade(tmp_path, submissions(changed=1), force=True).began == (4, 0)


def test_two_graders_in_one_folder_are_told_so(tmp_path: Path) -> None:
    """The second one is refused, with what to do."""
    with (
        ResultsFolder(tmp_path).locked(),
        pytest.raises(SetupError, match="another grader is at work"),
        ResultsFolder(tmp_path).locked(),
    ):
        raise AssertionError("never reached")
