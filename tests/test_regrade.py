"""Regrading: recorded evidence under today's checks; nothing is run."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.errors import SetupError
from grader.model.assignment import Assignment
from grader.model.result import CourseScores, Result, Scores
from grader.pipeline.regrade import Changes, regrade
from grader.results.folder import RecordedEvidence, RecordedTraining, ResultsFolder, write_course_scores
from grader.results.verdicts import make_result, without_run
from tests.factories import (
    make_curve,
    make_fit,
    make_observation,
    make_run,
    make_submission,
    make_verdict,
    write_assignment,
)

CHECKS = '''from grader.judging import fail, points


@points(2)
def works(call):
    """It works."""
    {body}
'''


def record(folder: Path, *, student: str = "ada", points: float = 2.0, name: str = "demo", digest: str = "d") -> None:
    """A graded submission with its evidence, as `grade` leaves it."""
    observation = make_observation(make_fit(), student=student, assignment=name)
    verdict = make_verdict(points=points, status="passed" if points == 2 else "failed")
    result = make_result(make_submission(student=student, digest=digest), observation, (verdict,))
    ResultsFolder(folder).write(result, RecordedEvidence(observation=observation))


def under(folder: Path, body: str) -> Callable[[str], Assignment]:
    """Finds assignments whose only check has this body."""
    return lambda name: write_assignment(folder / "assignments" / name, CHECKS.format(body=body))


def score(folder: Path, student: str = "ada") -> float | None:
    result = ResultsFolder(folder).read(student)
    assert result is not None
    return result.score


def test_changed_checks_change_the_points(tmp_path: Path) -> None:
    """What was seen is judged by today's checks, and written."""
    record(tmp_path / "results")
    regrade(tmp_path / "results", under(tmp_path, "fail('No.', points=0.5)"))
    assert score(tmp_path / "results") == 0.5


def test_a_change_is_told_with_its_checks(tmp_path: Path) -> None:
    """Who, from what to what, and because of which check."""
    record(tmp_path / "results")
    changes = regrade(tmp_path / "results", under(tmp_path, "fail('No.', points=0.5)"))
    assert [change.sentence() for change in changes] == ["ada: 2.0 → 0.5 (works 2 → 0.5)"]


def test_unchanged_checks_change_nothing(tmp_path: Path) -> None:
    """The same checks give the same points, and no change is listed."""
    record(tmp_path / "results")
    changes = regrade(tmp_path / "results", under(tmp_path, "assert call.found"))
    assert (list(changes), changes.total, score(tmp_path / "results")) == ([], 1, 2.0)


def test_regrading_twice_changes_nothing_more(tmp_path: Path) -> None:
    """Regrading is idempotent."""
    record(tmp_path / "results")
    find = under(tmp_path, "fail('No.')")
    regrade(tmp_path / "results", find)
    assert not list(regrade(tmp_path / "results", find))


def test_scores_are_written_anew(tmp_path: Path) -> None:
    """`scores.json` has the new points."""
    record(tmp_path / "results")
    regrade(tmp_path / "results", under(tmp_path, "fail('No.')"))
    scores = Scores.model_validate_json((tmp_path / "results" / "scores.json").read_text())
    assert [item.score for item in scores.submissions] == [0.0]


def test_a_copy_of_a_student_s_folder_does_not_stop_the_class(tmp_path: Path) -> None:
    """Somebody has kept what was there beside it: then one name has two results."""
    record(tmp_path / "results")
    places = tmp_path / "results/submissions"
    shutil.copytree(places / "ada", places / "ada (before)")
    changes = regrade(tmp_path / "results", under(tmp_path, "fail('No.')"))
    assert score(tmp_path / "results") == 0.0
    assert "ada" in [change.student for change in changes]


def unread(folder: Path) -> Result:
    """A hand-in that could not be read, as `grade` leaves it."""
    result = without_run(make_submission(student="bela", problem="No."), (make_verdict(),), digests=("", ""))
    observation = make_observation(ending="not_run", student="bela")
    ResultsFolder(folder).write(result, RecordedEvidence(observation=observation, problem="No."))
    return result


def test_unread_submissions_stay(tmp_path: Path) -> None:
    """What could not be read has nothing to judge: its status, points and reason stay."""
    record(tmp_path / "results")
    before = unread(tmp_path / "results")
    regrade(tmp_path / "results", under(tmp_path, "pass"))
    after = ResultsFolder(tmp_path / "results").read("bela")
    assert after is not None
    assert (after.status, after.score, after.message) == (before.status, before.score, before.message)


def test_a_result_without_evidence_stays(tmp_path: Path) -> None:
    """Where we failed there is no evidence, and the result waits for a person as before."""
    record(tmp_path / "results")
    failed = without_run(make_submission(student="chen"), (make_verdict(),), digests=("", ""), ours="no memory")
    ResultsFolder(tmp_path / "results").write(failed, None)
    changes = regrade(tmp_path / "results", under(tmp_path, "pass"))
    assert ResultsFolder(tmp_path / "results").read("chen") == failed
    assert changes.needs_review


def test_evidence_of_an_earlier_run_is_not_used(tmp_path: Path) -> None:
    """A run of ours that failed leaves the evidence of an earlier hand-in behind: it must not become a grade."""
    record(tmp_path / "results")
    new = make_submission(digest="another")
    failed = without_run(new, (make_verdict(),), digests=("", ""), ours="no memory")
    ResultsFolder(tmp_path / "results").write(failed, None)
    regrade(tmp_path / "results", under(tmp_path, "pass"))
    assert score(tmp_path / "results") is None


def test_a_course_is_regraded_by_assignment(tmp_path: Path) -> None:
    """Each part of a course is judged by its own assignment."""
    for name in ("one", "two"):
        record(tmp_path / "results" / name, name=name, points=0.0)
    changes = regrade(tmp_path / "results", under(tmp_path, "pass"))
    assert [change.sentence() for change in changes] == ["ada: 0.0 → 2.0 (works 0 → 2)"] * 2


def test_scores_of_a_course_are_written_anew(tmp_path: Path) -> None:
    """The scores over all assignments have the new points too."""
    results = tmp_path / "results"
    for name in ("one", "two"):
        record(results / name, name=name, points=0.0)
    parts = [ResultsFolder(results / name) for name in ("one", "two")]
    write_course_scores(results, [part.write_scores(part.folder.name, part.results()) for part in parts])
    regrade(results, under(tmp_path, "pass"))
    scores = CourseScores.model_validate_json((results / "scores.json").read_text())
    assert [item.score for part in scores.assignments.values() for item in part.submissions] == [2.0, 2.0]


def test_a_folder_without_results_is_a_setup_error(tmp_path: Path) -> None:
    """Whoever names the wrong folder is told which one is meant."""
    with pytest.raises(SetupError, match="Name the --output of `grade`"):
        regrade(tmp_path, under(tmp_path, "pass"))


def test_no_changes_need_no_review() -> None:
    """A list of changes begins empty."""
    changes = Changes()
    assert (list(changes), changes.total, changes.needs_review) == ([], 0, False)


def test_evidence_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """The points stay, and it is said whose they are: a regrading that skips somebody must not look whole."""
    record(tmp_path / "results")
    results = ResultsFolder(tmp_path / "results")
    (name,) = [result.student for result in results.results()]
    before = results.read(name)
    (results.place(name) / "evidence.json").write_text('{"of": "another version"}')
    changes = regrade(tmp_path / "results", under(tmp_path, "fail('No.')"))
    assert (list(changes), changes.unread, changes.total) == ([], [name], 1)
    assert results.read(name) == before


def test_a_limit_within_the_tolerance_waits_for_a_person(tmp_path: Path) -> None:
    """Regrading trains nothing, so that it cannot say what Keras's own operations would have given."""
    body = "assert training.run.epochs[-1].accuracy >= {limit}"
    checks = CHECKS.replace("(call)", "(training)")
    played = make_curve([0.5, 0.7], name="run")
    fit = make_fit(played=played)
    run = make_run([0.5, 0.7], arithmetic="fused")
    observation = make_observation(fit)
    result = make_result(make_submission(), observation, (make_verdict(),))
    training = RecordedTraining(run=run, played=played)
    ResultsFolder(tmp_path / "results").write(result, RecordedEvidence(observation=observation, training=training))
    for limit, waits in ((0.6, False), (0.699, True), (0.702, True), (0.75, False)):
        text = checks.format(body=body.format(limit=limit))
        regrade(tmp_path / "results", lambda name, text=text: write_assignment(tmp_path / "a" / name, text))  # type: ignore[misc]
        found = ResultsFolder(tmp_path / "results").read("ada")
        assert found is not None
        assert found.needs_review is waits, limit
        assert ("a rounding could decide (works)" in found.message) is waits
