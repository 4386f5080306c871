"""From verdicts to a result: status by ending, points, and whose fault it was."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.model.observation import Claimed, EndingKind
from grader.model.result import Result
from grader.model.submission import Note, Source
from grader.results.verdicts import ENDINGS, make_result, total, without_run
from tests.factories import make_observation, make_submission, make_verdict

PASSED = make_verdict()
HALF = make_verdict(id="half", status="failed", points=0.5, message="Nearly.")
ERROR = make_verdict(id="broken", status="error", points=0.0)


def ended(kind: EndingKind, detail: str = "", *verdicts: object) -> Result:
    observation = make_observation(ending=kind, detail=detail)
    return make_result(make_submission(), observation, verdicts or (PASSED, HALF))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "status", "sentence"),
    [
        ("finished", "graded", ""),
        ("not_run", "graded", ""),
        ("timeout", "timeout", "Your program did not end within 60 s. Look for a loop that never ends."),
        ("cpu", "timeout", "Your program used more than 60 s."),
        ("memory", "memory", "Your program asked for 60 s of memory, more than it may use."),
        ("output", "output", "Your program printed without end (60 s)."),
        ("processes", "crashed", "Your program started too many processes (60 s)."),
        (
            "exited",
            "crashed",
            "Your program ended itself (exit code 60 s) before it was done. Do not call os._exit.",
        ),
        ("signalled", "crashed", "Your program crashed or was killed (60 s) before it was done."),
        ("protocol", "rejected", "Your program interfered with the grader: 60 s."),
    ],
)
def test_every_ending_has_a_status_and_a_sentence(kind: EndingKind, status: str, sentence: str) -> None:
    """How a run ended decides the status, and the student reads why."""
    result = ended(kind, "60 s")
    assert (result.status, result.message) == (status, sentence)


def test_no_ending_is_forgotten() -> None:
    """Every kind of ending has a status."""
    assert set(ENDINGS) == set(get_args(EndingKind))


def test_an_ending_without_detail_still_reads_well() -> None:
    """A missing detail is said to be unknown."""
    assert ended("timeout").message.startswith("Your program did not end within unknown.")


def test_score_is_the_sum_of_the_points() -> None:
    """Partial points count, and so does the maximum of every check."""
    result = ended("finished")
    assert (result.score, result.max_score, result.needs_review) == (2.5, 4.0, False)


@pytest.mark.parametrize("kind", ["timeout", "memory", "output", "exited", "signalled"])
def test_a_program_that_failed_keeps_what_it_earned(kind: EndingKind) -> None:
    """What was shown before the end counts."""
    assert ended(kind).score == 2.5


def test_interference_withdraws_all_points() -> None:
    """Nothing that a program showed counts once it broke the protocol."""
    result = ended("protocol")
    assert (result.score, result.max_score, result.flags) == (0.0, 4.0, ("protocol_violation",))
    assert {(item.status, item.message) for item in result.checks} == {
        ("skipped", "Skipped: the program interfered with the grader.")
    }


def test_an_error_leaves_no_score() -> None:
    """Our fault is no grade: no number, status `error`, and a person must look."""
    result = ended("finished", "", PASSED, ERROR)
    assert (result.status, result.score, result.needs_review, result.max_score) == ("error", None, True, 4.0)


@pytest.mark.parametrize("kind", get_args(EndingKind))
def test_an_error_leaves_no_score_however_the_program_ended(kind: EndingKind) -> None:
    """A check of ours that broke is never hidden behind the student's ending."""
    result = ended(kind, "", PASSED, ERROR)
    assert (result.status, result.score, result.needs_review) == ("error", None, True)


def test_what_waits_for_a_person_needs_review_and_keeps_its_score() -> None:
    """The points so far stand, and each reason is told once."""
    why = "it was trained live"
    result = make_result(make_submission(), make_observation(), (PASSED,), person=(why, why))
    assert (result.status, result.score, result.needs_review, result.message) == ("graded", 2.0, True, why)


def test_flags_are_listed_once() -> None:
    """Flags of the run, and notes that matter to a class, in order and without repetition."""
    note = Note(kind="old_name", where="line 3", text="`acc` is now `accuracy`.")
    other = Note(kind="dropped_magic", where="cell 1", text="`!pip` was left out.")
    observation = make_observation(flags=("a", "b", "a"), claimed=Claimed(notes=(note, note, other)))
    assert make_result(make_submission(), observation, (PASSED,)).flags == ("a", "b", "old_name")


def test_notes_of_reading_and_running_are_kept() -> None:
    """The student reads notes about the file, then about the run."""
    read, ran = (Note(kind=kind, where="", text=kind) for kind in ("read", "ran"))
    submission = make_submission(source=Source(kind="module", cells=(), notes=(read,)))
    observation = make_observation(claimed=Claimed(notes=(ran,)))
    assert make_result(submission, observation, (PASSED,)).notes == (read, ran)


def test_times_are_those_of_the_run() -> None:
    """Wall and CPU seconds, to the millisecond."""
    timing = ended("finished").timing
    assert timing is not None
    assert (timing.wall_seconds, timing.cpu_seconds) == (1.25, 1.0)


@given(st.lists(st.floats(0, 100), max_size=20))
def test_total_is_the_sum_to_the_thousandth(points: list[float]) -> None:
    """Ten times 0.1 is 1, not 0.9999999999999999."""
    found = total(tuple(make_verdict(points=value, max_points=100) for value in points))
    assert found == pytest.approx(sum(points), abs=0.00051)
    assert found == round(found, 3)


def test_tenths_add_up() -> None:
    """A class of ten checks worth a tenth each is worth one point."""
    assert total(tuple(make_verdict(points=0.1) for _ in range(10))) == 1.0


def test_an_unreadable_hand_in_is_rejected_with_no_points() -> None:
    """Status `rejected`, nought points, and the reason in every check."""
    submission = make_submission(problem="This is no notebook.")
    result = without_run(submission, (PASSED, HALF), digests=("a", "b"))
    assert (result.status, result.score, result.max_score, result.needs_review) == ("rejected", 0.0, 4.0, False)
    assert result.message == "This is no notebook."
    assert {(item.status, item.points, item.message) for item in result.checks} == {
        ("skipped", 0.0, "Skipped: This is no notebook.")
    }


def test_a_failure_of_ours_is_no_grade() -> None:
    """Where the sandbox failed there is no number, and a person must look."""
    result = without_run(make_submission(), (PASSED,), digests=("a", "b"), ours="no memory")
    assert (result.status, result.score, result.needs_review) == ("error", None, True)
    assert result.message == "The grader could not run this: no memory"


def test_digests_are_kept() -> None:
    """A result says for which hand-in, assignment and run it stands."""
    result = make_result(make_submission(), make_observation(), (PASSED,), digests=("assignment", "resume"))
    assert (result.submission_digest, result.assignment_digest, result.resume_key) == ("d", "assignment", "resume")
