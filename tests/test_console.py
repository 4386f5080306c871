"""The console: what is shown while grading goes on, and at the end; nothing that students write is markup."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console, RenderableType

from grader.model.result import Result, TrainingSummary
from grader.model.submission import Note
from grader.reports.console import LiveView, lost_points, plain, result_details, results_table
from grader.results.verdicts import make_result, without_run
from tests.factories import make_observation, make_submission, make_verdict

FAILED = make_verdict(id="stops_in_time", title="It stops.", status="failed", points=0.5, message="Too late.")


def shown(item: RenderableType, width: int = 120) -> str:
    """What stands on a console that is no terminal."""
    console = Console(file=io.StringIO(), width=width)
    console.print(item)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def graded(student: str = "ada", **changes: object) -> Result:
    result = make_result(make_submission(student=student), make_observation(), (make_verdict(), FAILED))
    return result.model_copy(update=changes)


def broken() -> Result:
    return without_run(make_submission(student="bela"), (make_verdict(),), digests=("", ""), ours="no memory")


@given(st.text())
def test_plain_text_has_no_control_characters(text: str) -> None:
    """Escape sequences, line ends and direction marks of a student do not reach the terminal."""
    assert plain(text).plain.isprintable() or not text


@given(st.text(st.characters(categories=["L", "N", "P", "Zs"], exclude_characters="\u00a0\u3000"), max_size=20))
def test_plain_text_keeps_what_can_be_printed(text: str) -> None:
    """Letters of any script, digits, points and brackets stay as they are."""
    kept = "".join(char for char in text if char.isprintable())
    assert plain(kept).plain == kept


def test_markup_in_a_name_is_text() -> None:
    """A student called `[red]` is shown as such."""
    assert "[red]ada[/red]" in shown(results_table([graded("[red]ada[/red]")], "demo"))


def test_an_escape_sequence_in_a_name_is_made_visible() -> None:
    """A name that would clear the screen is written out."""
    table = shown(results_table([graded("\x1b[2Jada")], "demo"))
    assert "\x1b" not in table
    assert "\\x1b[2Jada" in table


def test_table_has_score_status_and_what_cost_points() -> None:
    """One line tells how many points there are, and which check cost some."""
    line = next(line for line in shown(results_table([graded()], "demo")).splitlines() if "ada" in line)
    assert all(part in line for part in ("2.5/4", "graded", "stops in time"))


def test_table_says_what_needs_a_person() -> None:
    """A result without a number has a dash, and `needs review`."""
    line = next(line for line in shown(results_table([broken()], "demo")).splitlines() if "bela" in line)
    assert all(part in line for part in ("\u2013", "error · needs review"))


def test_lost_points_lists_failed_checks_only() -> None:
    """Checks that passed are not mentioned."""
    assert lost_points(graded()) == "stops in time"


def test_lost_points_of_a_program_that_did_not_end_is_the_reason() -> None:
    """Where nothing was run to its end, the reason stands there."""
    assert lost_points(graded(message="Your program crashed.", status="crashed")) == "Your program crashed."


def test_a_reason_counts_until_a_person_has_decided() -> None:
    """What a person was waited for is told while it is open, and not when the points are given."""
    assert lost_points(graded(message="Look at it.", needs_review=True)) == "Look at it."
    assert lost_points(graded(message="Look at it.")) == "stops in time"


def test_details_show_every_check_with_its_points_and_message() -> None:
    """Passed and failed checks, each with a sign, points, title; the message below."""
    lines = [line.strip() for line in shown(result_details(graded())).splitlines()]
    assert lines[:4] == ["ada  ada/demo.py", "✓ 2/2  It works.", "✗ 0.5/2  It stops.", "Too late."]


def test_details_end_with_the_score() -> None:
    """The last line is the sum."""
    assert shown(result_details(graded())).splitlines()[-1] == "2.5 of 4 points"


def test_details_without_a_score_say_so() -> None:
    """Where there is no number, a person must look."""
    assert shown(result_details(broken())).splitlines()[-1] == "no score: a person must look"


@pytest.mark.parametrize(("where", "line"), [("line 3", "note (line 3): Old name."), ("", "note: Old name.")])
def test_details_show_notes(where: str, line: str) -> None:
    """Notes stand with their place, if they have one."""
    note = Note(kind="old_name", where=where, text="Old name.")
    assert line in shown(result_details(graded(notes=(note,)))).splitlines()


@pytest.mark.parametrize(
    ("accuracy", "part"), [(0.9985, "2 epochs, accuracy 0.99850 (shared)"), (None, "2 epochs (shared)")]
)
def test_details_show_the_training(accuracy: float | None, part: str) -> None:
    """How long it was trained, how far it came, and where the training is from."""
    training = TrainingSummary(source="shared", epochs=2, accuracy=accuracy, stopped_by_callback=True)
    assert f"training: {part}" in shown(result_details(graded(training=training)))


def test_a_student_cannot_add_lines_to_the_details() -> None:
    """A message with line ends in it stays on its line: no forged `✓ 10/10`."""
    forged = FAILED.model_copy(update={"message": "no\n✓ 10/10  All is well."})
    assert not any(line.startswith("✓ 10/10") for line in shown(result_details(graded(checks=(forged,)))).splitlines())


# ── while it goes on ──


def watched(terminal: bool = False) -> tuple[LiveView, io.StringIO]:
    file = io.StringIO()
    return LiveView(Console(file=file, force_terminal=terminal, width=150, color_system=None)), file


def said(file: io.StringIO) -> list[str]:
    """The lines without their times."""
    return [line.split("] ", 1)[1] for line in file.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("count", "kept", "line"),
    [
        (1, 0, "1 submission to grade"),
        (3, 0, "3 submissions to grade"),
        (3, 2, "3 submissions to grade (2 graded before and unchanged)"),
    ],
)
def test_the_beginning_is_told(count: int, kept: int, line: str) -> None:
    """How many are to be graded, and how many stand from before."""
    view, file = watched()
    view.begin(count, kept)
    assert said(file) == [line]


def test_trainings_are_told_line_by_line() -> None:
    """Without a terminal, each step of a training is a line."""
    view, file = watched()
    view.training_planned("abcdefgh" * 8, 1, 20, 3)
    view.training_epoch("abcdefgh" * 8, 1, 2, 0.98765)
    view.training_epoch("abcdefgh" * 8, 1, 3, None)
    assert said(file) == [
        "training abcdefgh (seed 1) is needed by 3 students, at most 20 epochs",
        "training abcdefgh: epoch 2 of at most 20, accuracy 0.98765",
        "training abcdefgh: epoch 3 of at most 20",
    ]


@pytest.mark.parametrize(("result", "line"), [(graded(), "ada: 2.5 of 4"), (broken(), "bela: needs a person")])
def test_each_result_is_told(result: Result, line: str) -> None:
    """A submission that is done is a line, on a terminal or not."""
    view, file = watched()
    view.finished(result)
    assert said(file) == [line]


def test_a_terminal_keeps_results_only() -> None:
    """On a terminal the view shows the rest, and only results stay."""
    view, file = watched(terminal=True)
    view.begin(1, 0)
    view.training_planned("a" * 64, 1, 20, 1)
    view.finished(graded())
    assert said(file) == ["ada: 2.5 of 4"]


def test_view_counts_what_was_done() -> None:
    """Captured, trained and finished, each with its total."""
    view, _ = watched(terminal=True)
    view.begin(3, 0)
    view.captured("ada")
    view.training_planned("a" * 64, 1, 20, 1)
    view.training_planned("b" * 64, 1, 20, 1)
    view.training_epoch("a" * 64, 1, 1, 0.9)
    view.training_ended("a" * 64, 1)
    view.finished(graded())
    assert shown(view._render()).splitlines()[0] == "captured 1/3 · trained 1/2 different · finished 1/3"


def test_view_shows_trainings_that_run() -> None:
    """A training that runs stands with its epoch, accuracy and students; one that waits does not."""
    view, _ = watched(terminal=True)
    view.training_planned("a" * 64, 1, 20, 2)
    view.training_planned("b" * 64, 1, 20, 1)
    view.training_epoch("a" * 64, 1, 4, 0.95)
    assert shown(view._render()).splitlines()[1:] == ["  aaaaaaaa epoch 4/20 accuracy 0.95000 (2 students)"]


def test_students_who_join_a_training_are_counted() -> None:
    """A training that began early is shown with everybody who waits for it."""
    view, _ = watched(terminal=True)
    view.training_planned("a" * 64, 1, 20, 1)
    view.training_joined("a" * 64, 1, 7)
    view.training_epoch("a" * 64, 1, 4, None)
    assert "(7 students)" in shown(view._render())


@pytest.mark.parametrize(
    ("seconds", "complete", "words"),
    [
        (None, True, ""),
        (2, True, " · about 10 seconds left"),
        (44, True, " · about 40 seconds left"),
        (200, True, " · about 3 minutes left"),
        (200, False, " · about 3 minutes for what is known so far"),
        (9000, True, " · about 2.5 hours left"),
    ],
)
def test_time_left_is_told_once_it_is_known(seconds: float | None, complete: bool, words: str) -> None:
    """What is foretold is shown no more exactly than it is known, and not at all before there is something to go by."""
    view, _ = watched(terminal=True)
    view.begin(3, 0)
    view.foretold(seconds, complete, 0)
    assert shown(view._render()).splitlines()[0] == f"captured 0/3 · trained 0/0 different · finished 0/3{words}"


def test_view_counts_trainings_that_wait() -> None:
    """A training that has not begun is one of those to be done."""
    view, _ = watched(terminal=True)
    view.training_planned("a" * 64, 1, 20, 1)
    view.foretold(None, False, 4)
    assert "trained 0/5 different" in shown(view._render())


def test_nothing_is_left_when_all_have_results() -> None:
    """The last forecast does not stand beside the end."""
    view, _ = watched(terminal=True)
    view.begin(1, 0)
    view.finished(graded())
    view.foretold(30.0, True, 0)
    assert "left" not in shown(view._render())


def test_words_about_machines_are_plain_text() -> None:
    """A worker's address is no markup, and has no control characters."""
    view, file = watched(terminal=True)
    view.said("the worker [red]tcp://\x1b[2J is gone")
    assert said(file) == ["the worker [red]tcp://\\x1b[2J is gone"]
