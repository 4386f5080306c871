"""The console: a live view while grading goes on, and the table at the end.

Names and messages come from students: they are printed as plain text, without markup or control characters.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from grader.model.result import Missing, Result
from grader.reports import standing


def plain(text: str) -> Text:
    """Text as it is: no markup, and control characters made visible."""
    return Text("".join(char if char.isprintable() or char == " " else repr(char)[1:-1] for char in text))


@dataclass
class Row:
    """One training in the live view."""

    epochs: int
    students: int
    epoch: int = 0
    accuracy: float | None = None
    over: bool = False


def duration(seconds: float) -> str:
    """A time that is foretold, no more exact than it is: `40 seconds`, `7 minutes`, `2.5 hours`."""
    if seconds < 90:
        rounded = max(round(seconds / 10) * 10, 10)
        return f"{rounded} seconds"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} minutes"
    return f"{seconds / 3600:.1f} hours"


class LiveView:
    """Shows captured n/N, the trainings with their epochs and accuracy, and the time that is left."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._total = self._kept = self._captured = self._finished = 0
        self._rows: dict[tuple[str, int], Row] = {}
        self._left = ""
        self._waiting = 0
        self._interactive = console.is_terminal
        self._started = time.monotonic()
        self._live = Live(console=console, get_renderable=self._render, refresh_per_second=4, transient=True)

    def __enter__(self) -> "LiveView":
        if self._interactive:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._interactive:
            self._live.stop()

    def begin(self, submissions: int, kept: int) -> None:
        """So many submissions are to be graded; so many results stand from before."""
        self._total, self._kept = submissions, kept
        stand = f" ({kept} graded before and unchanged)" if kept else ""
        self._say(f"{submissions} {'submission' if submissions == 1 else 'submissions'} to grade{stand}")

    def captured(self, student: str) -> None:  # noqa: ARG002 - only how many is shown
        """A submission has been run for the first time."""
        self._captured += 1

    def training_planned(self, fingerprint: str, seed: int, epochs: int, students: int) -> None:
        """A training will be needed."""
        self._rows[(fingerprint, seed)] = Row(epochs, students)
        who = "1 student" if students == 1 else f"{students} students"
        self._say(f"training {fingerprint[:8]} (seed {seed}) is needed by {who}, at most {epochs} epochs")

    def training_joined(self, fingerprint: str, seed: int, students: int) -> None:
        """More students wait for a training that has begun."""
        self._rows[(fingerprint, seed)].students = students

    def training_epoch(self, fingerprint: str, seed: int, epoch: int, accuracy: float | None) -> None:
        """A training has finished an epoch."""
        row = self._rows[(fingerprint, seed)]
        row.epoch, row.accuracy = epoch, accuracy
        shown = "" if accuracy is None else f", accuracy {accuracy:.5f}"
        self._say(f"training {fingerprint[:8]}: epoch {epoch} of at most {row.epochs}{shown}")

    def training_ended(self, fingerprint: str, seed: int) -> None:
        """A training is over."""
        self._rows[(fingerprint, seed)].over = True

    def finished(self, result: Result) -> None:
        """A submission has its result."""
        self._finished += 1
        score = "needs a person" if result.score is None else f"{result.score:g} of {result.max_score:g}"
        self._say(f"{plain(result.student)}: {score}", permanent=True)

    def foretold(self, seconds: float | None, complete: bool, waiting: int) -> None:
        """So long it will take; as long as programs are left that nobody has run, for what is known so far."""
        self._waiting = waiting
        if seconds is None or self._finished == self._total:
            self._left = ""
        elif complete:
            self._left = f" · about {duration(seconds)} left"
        else:
            self._left = f" · about {duration(seconds)} for what is known so far"

    def said(self, text: str) -> None:
        """Something about the machines that do the work."""
        self._say(str(plain(text)), permanent=True)

    def _say(self, text: str, *, permanent: bool = False) -> None:
        """A line that stays: everything where there is no live view, only results where there is."""
        if permanent or not self._interactive:
            seconds = time.monotonic() - self._started
            self._console.print(Text(f"[{seconds:6.1f} s] {text}"), highlight=False)

    def _render(self) -> Group:
        """The view as it stands now."""
        trainings = list(self._rows.values())
        done = sum(row.over for row in trainings)
        head = f"captured {self._captured}/{self._total} · trained {done}/{len(trainings) + self._waiting} different · finished {self._finished}/{self._total}"
        lines = [Text(head + self._left)]
        for (fingerprint, _), row in self._rows.items():
            if row.epoch and not row.over:
                accuracy = "" if row.accuracy is None else f" accuracy {row.accuracy:.5f}"
                who = f"{row.students} student{'s' if row.students != 1 else ''}"
                lines.append(Text(f"  {fingerprint[:8]} epoch {row.epoch}/{row.epochs}{accuracy} ({who})"))
        return Group(*lines)


def results_table(results: list[Result], title: str, missing: Sequence[Missing] = ()) -> Table:
    """The table at the end: one line per student, those who handed in nothing last."""
    late = any(result.lateness is not None and result.lateness.days for result in results)
    again = any(result.attempt is not None for result in results)
    table = Table(title=title, title_justify="left", header_style="bold")
    table.add_column("student")
    table.add_column("score", justify="right")
    for heading in ["late"] * late + ["attempt"] * again:
        table.add_column(heading)
    table.add_column("status")
    table.add_column("what cost points", overflow="fold")
    for result in results:
        score = "–" if result.score is None else f"{result.score:g}/{result.max_score:g}"
        more = [_late(result)] * late + [_attempt(result)] * again
        table.add_row(plain(result.student), score, *more, _status(result), plain(lost_points(result)))
    for nobody in missing:
        table.add_row(plain(nobody.student), "–", *[""] * (late + again), "handed in nothing", "")
    return table


def _late(result: Result) -> str:
    late = result.lateness
    if late is None or not late.days:
        return ""
    cost = "too late" if late.too_late else standing.points(-late.penalty) if late.penalty else ""
    return ", ".join(filter(None, (standing.days(late.days), cost)))


def _attempt(result: Result) -> str:
    return f"{result.attempt.number} of {result.attempt.of}" if result.attempt is not None else ""


def _status(result: Result) -> str:
    by_hand = result.override is not None or any(check.override for check in result.checks)
    return result.status + (" · points by hand" if by_hand else "") + (" · needs review" if result.needs_review else "")


def lost_points(result: Result) -> str:
    """The checks that did not pass, by name; or why nothing was run."""
    if standing.reason(result):
        return standing.reason(result)
    failed = [check.id.replace("_", " ") for check in result.checks if check.status == "failed"]
    return "; ".join(failed)


def result_details(result: Result) -> Group:
    """Everything about one submission, for the student or for `explain`."""
    lines = [Text(f"{plain(result.student)}  {plain(result.path)}", style="bold")]
    for check in result.checks:
        mark = {"passed": "✓", "failed": "✗", "skipped": "–", "error": "!"}[check.status]
        worth = f"{check.points:g}/{check.max_points:g}{' extra' if check.extra else ''}"
        lines.append(Text(f"{mark} {worth}  {plain(check.title)}"))
        said = [check.message, standing.by_hand(check.override) if check.override else ""]
        lines += [Text("        ") + plain(sentence) for sentence in said if sentence]
    for note in result.notes:
        lines.append(Text("note") + plain(f" ({note.where}): {note.text}" if note.where else f": {note.text}"))
    if standing.reason(result):
        lines.append(plain(standing.reason(result)))
    if result.training is not None:
        accuracy = result.training.accuracy
        shown = "" if accuracy is None else f", accuracy {accuracy:.5f}"
        lines.append(Text(f"training: {result.training.epochs} epochs{shown} ({result.training.source})"))
    lines += [plain(sentence) for sentence in standing.remarks(result)]
    added = standing.addition(result)[:-1]
    if added:
        lines.append(plain("; ".join(f"{line.label}: {line.value}" for line in added)))
    score = (
        "no score: a person must look" if result.score is None else f"{result.score:g} of {result.max_score:g} points"
    )
    lines.append(Text(score, style="bold"))
    return Group(*lines)
