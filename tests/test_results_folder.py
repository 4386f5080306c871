"""The results folder: whole files, safe names, one grader at a time, and the contract of `scores.json`."""

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.errors import SetupError
from grader.model.observation import Curve, EpochSeen, Observation
from grader.model.result import CourseScores, Missing, Result, Scores, TrainingSummary
from grader.model.submission import Identity, Note
from grader.results import folder as folder_module
from grader.results.files import as_strict_json, write_atomically
from grader.results.folder import (
    RecordedEvidence,
    RecordedTraining,
    ResultsFolder,
    folder_name,
    read_scores,
    write_course_scores,
)
from grader.results.lean import lean
from grader.results.verdicts import make_result, without_run
from tests.factories import (
    make_call,
    make_curve,
    make_description,
    make_fit,
    make_observation,
    make_run,
    make_submission,
    make_verdict,
)

GOLDEN = Path(__file__).parent / "golden" / "scores.json"
TIME = "2025-03-01T12:00:00Z"


def training() -> TrainingSummary:
    other = ({"seed": 2, "best_accuracy": 0.9971},)
    return TrainingSummary(
        source="trained",
        epochs=2,
        accuracy=0.9985,
        stopped_by_callback=True,
        seconds_per_epoch_ratio=1.25,
        fingerprint="f" * 64,
        seed=1,
        curve=(0.99, 0.9985),
        other_seeds=other,
    )


def result_of(student: str, **changes: Any) -> Result:
    submission = make_submission(student=student, path=f"{student}/demo.py")
    return make_result(submission, make_observation(), (make_verdict(),)).model_copy(update=changes)


def class_results() -> list[Result]:
    """One result of each sort: graded, failed in part, our error, rejected, killed."""
    note = Note(kind="old_name", where="line 3", text="`acc` is now `accuracy`.")
    half = make_verdict(id="half", status="failed", points=0.5, message="Nearly.", hidden=True)
    broken = make_verdict(id="broken", status="error", points=0)
    plain, stopped = make_observation(), make_observation(ending="timeout", detail="60 s")
    return [
        make_result(make_submission(), plain, (make_verdict(), half), training=training(), digests=("a", "r")),
        make_result(make_submission(student="bela"), plain, (broken,)),
        without_run(make_submission(student="chen", problem="No."), (make_verdict(),), digests=("a", "r")),
        make_result(make_submission(student="dina"), stopped, (half,)).model_copy(update={"notes": (note,)}),
    ]


# ── scores.json ──


def scores_text(place: Path, monkeypatch: pytest.MonkeyPatch, results: list[Result]) -> str:
    """`scores.json` at a fixed time, by a fixed version."""
    monkeypatch.setattr(folder_module, "now", lambda: TIME)
    monkeypatch.setattr(folder_module, "__version__", "0.0.0")
    ResultsFolder(place).write_scores("demo", results)
    return (place / "scores.json").read_text("utf-8")


def test_scores_are_those_of_the_golden_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`scores.json` is a contract: it changes only when the golden file is changed with it."""
    assert scores_text(tmp_path, monkeypatch, class_results()) == GOLDEN.read_text("utf-8")


def test_scores_follow_their_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written validates against the schema that `grader schema` prints."""
    body = json.loads(scores_text(tmp_path, monkeypatch, class_results()))
    jsonschema.Draft202012Validator(Scores.model_json_schema(mode="serialization")).validate(body)


def test_the_schema_refuses_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A submission without a score is no submission: the schema is not empty."""
    body = json.loads(scores_text(tmp_path, monkeypatch, class_results()))
    del body["submissions"][0]["score"]
    with pytest.raises(jsonschema.ValidationError, match="'score' is a required property"):
        jsonschema.validate(body, Scores.model_json_schema(mode="serialization"))


def test_scores_are_sorted_by_student(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order in which submissions finish does not show."""
    one = scores_text(tmp_path, monkeypatch, class_results())
    assert scores_text(tmp_path, monkeypatch, class_results()[::-1]) == one


def test_scores_can_be_read_back(tmp_path: Path) -> None:
    """`scores.json` is the record that was written."""
    scores = ResultsFolder(tmp_path).write_scores("demo", class_results())
    assert Scores.model_validate_json((tmp_path / "scores.json").read_text("utf-8")) == scores


@pytest.mark.parametrize("count", [0, 1, 3])
def test_scores_in_pieces_are_those_in_one(count: int) -> None:
    """However many there are, and whatever they call themselves."""
    people = [result_of("ada"), result_of(' "submissions": [],\n'), result_of("zoë", training=training())][:count]
    missing = (Missing(student="nobody", identity=Identity(name="N")),) * (count // 2)
    scores = Scores(
        assignment='"submissions": [],',
        generated_at=TIME,
        grader_version="0.0.0",
        submissions=tuple(people),
        missing=missing,
    )
    assert "".join(folder_module.pieces_of(scores)) == as_strict_json(scores) + "\n"


@pytest.mark.parametrize("indent", [None, 1, 2])
def test_scores_are_read_however_they_are_laid_out(tmp_path: Path, indent: int | None) -> None:
    """Another program may have written them anew; whoever is missing is no submission."""
    missing = [Missing(student="nobody", identity=Identity(name="N"))]
    scores = ResultsFolder(tmp_path).write_scores("demo", class_results(), missing)
    body = json.loads((tmp_path / "scores.json").read_text("utf-8"))
    (tmp_path / "scores.json").write_text(json.dumps(body, indent=indent), "utf-8")
    assert read_scores(tmp_path) == scores


def test_scores_that_were_cut_off_are_none(tmp_path: Path) -> None:
    """Half a class is not taken for the whole."""
    ResultsFolder(tmp_path).write_scores("demo", class_results())
    text = (tmp_path / "scores.json").read_text("utf-8")
    for length in range(0, len(text) - 2, 97):
        (tmp_path / "scores.json").write_text(text[:length], "utf-8")
        assert read_scores(tmp_path) is None


def test_equal_verdicts_are_kept_once(tmp_path: Path) -> None:
    """Of a large class there are few different ones: memory hardly grows with their number."""
    results = ResultsFolder(tmp_path)
    results.write(result_of("ada"), None)
    results.write(result_of("bela"), None)
    results.write_scores("demo", [result_of("ada")])
    one, two = results.results()
    scores = read_scores(tmp_path)
    assert scores is not None
    assert one.checks[0] is two.checks[0] is scores.submissions[0].checks[0]


def strictly(text: str) -> Any:
    """JSON as other languages read it: no NaN, no Infinity."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize("accuracy", [math.nan, math.inf])
def test_scores_are_json_for_everybody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, accuracy: float) -> None:
    """A live training may log NaN; a script in another language must be able to read the scores all the same."""
    summary = training().model_copy(update={"accuracy": accuracy, "curve": (accuracy,)})
    assert strictly(scores_text(tmp_path, monkeypatch, [result_of("ada", training=summary)]))


def test_course_scores_hold_every_assignment(tmp_path: Path) -> None:
    """Several assignments: one file with the scores of each under its id, following its own schema."""
    scores = [ResultsFolder(tmp_path / name).write_scores(name, class_results()) for name in ("one", "two")]
    write_course_scores(tmp_path, scores)
    body = json.loads((tmp_path / "scores.json").read_text("utf-8"))
    jsonschema.validate(body, CourseScores.model_json_schema(mode="serialization"))
    assert list(body["assignments"]) == ["one", "two"]


# ── one submission ──


def test_a_result_comes_back(tmp_path: Path) -> None:
    """What was written for a student is read for that student."""
    results = ResultsFolder(tmp_path)
    results.write(result_of("ada"), None)
    assert results.read("ada") == result_of("ada")


def test_an_unknown_student_has_no_result(tmp_path: Path) -> None:
    """Nothing was written, nothing is read."""
    assert ResultsFolder(tmp_path).read("ada") is None
    assert ResultsFolder(tmp_path).evidence("ada") is None


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"student": "ada"}', "\ufeff", "\x00"])
def test_a_damaged_result_counts_as_absent(tmp_path: Path, text: str) -> None:
    """A file that is no result is graded anew, and does not stop the others."""
    results = ResultsFolder(tmp_path)
    results.write(result_of("ada"), None)
    results.write(result_of("bela"), None)
    (tmp_path / "submissions" / "ada" / "result.json").write_text(text)
    assert results.read("ada") is None
    assert [item.student for item in results.results()] == ["bela"]


def test_bytes_that_are_no_text_count_as_absent(tmp_path: Path) -> None:
    """A file that is not UTF-8 is no result."""
    results = ResultsFolder(tmp_path)
    results.write(result_of("ada"), None)
    (tmp_path / "submissions" / "ada" / "result.json").write_bytes(b"\xff\xfe\x00")
    assert results.read("ada") is None


@pytest.mark.parametrize("student", ["ada", "Zoë Müller", "../../etc", "a/b", "", ".", "x" * 300, "ada\n"])
def test_any_student_can_be_written(tmp_path: Path, student: str) -> None:
    """Whatever the name, its result lies below `submissions` and comes back."""
    results = ResultsFolder(tmp_path)
    results.write(result_of("plain").model_copy(update={"student": student}), None)
    assert results.read(student) is not None
    assert [path.parent.parent.name for path in tmp_path.rglob("result.json")] == ["submissions"]


@given(st.text(max_size=120))
def test_folder_names_are_safe(student: str) -> None:
    """No separator, no dots alone, no control characters, and short enough for any file system."""
    name = folder_name(student)
    assert name not in ("", ".", "..")
    assert len(name) <= 100
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


@given(st.lists(st.text(max_size=90), unique=True, min_size=2, max_size=6))
def test_different_students_have_different_folders(students: list[str]) -> None:
    """No two names share a folder."""
    assert len({folder_name(student) for student in students}) == len(students)


def test_ordinary_names_are_kept() -> None:
    """A name that is safe is the folder's name."""
    assert folder_name("ada_lovelace-2.b") == "ada_lovelace-2.b"


# ── whole files ──


def test_nothing_is_left_beside_a_file(tmp_path: Path) -> None:
    """After writing twice there is one file, with the later text."""
    for text in ("one", "two"):
        write_atomically(tmp_path / "deep" / "file", text)
    assert [(path.name, path.read_text()) for path in (tmp_path / "deep").iterdir()] == [("file", "two")]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full the old file stays whole, and no scratch file is left."""
    path = tmp_path / "file"
    write_atomically(path, "old")

    def full(_: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SetupError, match="no space"):
        write_atomically(path, "new")
    assert [(item.name, item.read_text()) for item in tmp_path.iterdir()] == [("file", "old")]


def test_evidence_is_written_before_the_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A killed run never leaves a result without its evidence."""
    written: list[str] = []
    monkeypatch.setattr(folder_module, "write_atomically", lambda path, _: written.append(path.name))
    ResultsFolder(tmp_path).write(result_of("ada"), RecordedEvidence(observation=make_observation()))
    assert written == ["evidence.json", "result.json"]


# ── the lock ──


def test_a_second_grader_is_refused(tmp_path: Path) -> None:
    """While one process holds the folder, another one gets a sentence that says what to do."""
    code = (
        "import sys; from pathlib import Path; from grader.results.folder import ResultsFolder\n"
        "with ResultsFolder(Path(sys.argv[1])).locked(): pass"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    place = {**os.environ, "PYTHONPATH": str(Path(folder_module.__file__).parents[2])}
    with ResultsFolder(tmp_path).locked():
        second = subprocess.run(command, capture_output=True, text=True, env=place, check=False)
    third = subprocess.run(command, capture_output=True, text=True, env=place, check=False)
    assert (second.returncode, third.returncode) == (1, 0)
    assert "another grader is at work in this folder" in second.stderr


def test_a_folder_that_cannot_be_made_is_a_setup_error(tmp_path: Path) -> None:
    """A file in the place of the folder is told, with the remedy."""
    (tmp_path / "results").write_text("in the way")
    with (
        pytest.raises(SetupError, match=r"cannot write results there.*Choose another --output"),
        ResultsFolder(tmp_path / "results").locked(),
    ):
        pass


# ── records survive JSON ──

FLOATS = st.floats(width=32) | st.just(math.nan)
LOGS = st.dictionaries(st.sampled_from(["loss", "accuracy", "val_loss"]), FLOATS, max_size=3)
CURVES = st.builds(
    lambda logs, printed: Curve(
        name="run",
        supplied=tuple(logs),
        epochs=tuple(EpochSeen(epoch=index, logs=item, printed=printed) for index, item in enumerate(logs)),
    ),
    st.lists(LOGS, max_size=3),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=10),
)


@given(CURVES)
def test_an_observation_survives_json(curve: Curve) -> None:
    """Curves come back as they were, NaN and infinities included."""
    observation = make_observation(make_fit(curve, played=curve), descriptions={"net": make_description()})
    again = Observation.model_validate_json(observation.model_dump_json())
    assert repr(again) == repr(observation)


@pytest.mark.parametrize("value", [math.nan, [math.inf, None], {"array": [1.5]}, "text", [[0, 1], 0.5], True])
def test_a_returned_value_survives_json(value: Any) -> None:
    """What student code returned comes back as it was."""
    observation = make_observation(calls=(make_call(value),))
    again = Observation.model_validate_json(observation.model_dump_json())
    assert repr(again.claimed.calls[0].value) == repr(value)


def test_evidence_comes_back(tmp_path: Path) -> None:
    """Observation and training are read as they were written."""
    played = make_curve([0.5, math.nan], 1, name="run", printed={1: "done"})
    kept = RecordedTraining(run=make_run([0.5, None]), played=played, others=(make_run([0.1]),))
    evidence = RecordedEvidence(observation=make_observation(make_fit(played=played)), training=kept)
    results = ResultsFolder(tmp_path)
    results.write(result_of("ada"), evidence)
    assert repr(results.evidence("ada")) == repr(evidence)


def test_text_that_no_file_can_hold_does_not_stop_the_class(tmp_path: Path) -> None:
    """Half a surrogate pair in what student code returned is written in some form, and the evidence can be read."""
    results = ResultsFolder(tmp_path)
    results.write(result_of("ada"), RecordedEvidence(observation=make_observation(calls=(make_call("\ud800"),))))
    assert results.evidence("ada") is not None


def test_a_result_that_is_lean_is_the_same_result() -> None:
    """It is equal, and written it is the same text; equal verdicts of a class are one object."""
    for result in class_results():
        found = lean(result)
        assert found == result
        assert found.model_dump_json() == result.model_dump_json()
    checks = [lean(result_of(name)).checks for name in ("ada", "bela")]
    assert checks[0]
    assert all(one is other for one, other in zip(*checks, strict=True))


def test_a_piece_that_cannot_be_made_leaves_what_was_there(tmp_path: Path) -> None:
    """The file before stands, and nothing lies beside it."""
    path = tmp_path / "report.html"
    write_atomically(path, "before")

    def pieces() -> Iterator[str]:
        yield "begun"
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        write_atomically(path, pieces())
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]
