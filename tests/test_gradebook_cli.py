"""The gradebook as an instructor uses it: grade, override, regrade, and the verbs of `grader gradebook`."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from grader.results.folder import RecordedEvidence, ResultsFolder
from grader.results.verdicts import make_result
from tests.command import Run
from tests.factories import make_fit, make_observation, make_submission, make_verdict, write_assignment

GRADE = ("grade", "class", "--assignment", "demo", "--sandbox", "none")
CHECKS = '''from grader.judging import points


@points(2)
def works(call):
    """It works."""
    assert call.found


@points(3, manual=True)
def explains(call):
    """The figure is explained."""
    raise RuntimeError("it is not run")
'''


def hand_in(folder: Path, student: str = "ada", text: str = "{") -> None:
    """A notebook that cannot be read, so that nothing is run to grade it."""
    (folder / "class" / student).mkdir(parents=True, exist_ok=True)
    (folder / "class" / student / "demo.ipynb").write_text(text)


def record(folder: Path, student: str = "ada", name: str = "demo") -> None:
    """A graded submission with its evidence, as `grade` leaves it."""
    observation = make_observation(make_fit(), student=student, assignment=name)
    result = make_result(make_submission(student=student), observation, (make_verdict(),))
    ResultsFolder(folder).write(result, RecordedEvidence(observation=observation))


def entries(folder: Path) -> dict[str, dict[str, Any]]:
    """The submissions in the scores, by student."""
    body = json.loads((folder / "scores.json").read_text())
    return {item["student"]: item for item in body["submissions"]}


def give(**values: Any) -> str:
    """An entry of `overrides.toml`."""
    told = {"student": "ada", "points": 1.5, "reason": "Well.", "by": "Eve", "when": "2026-12-03", **values}
    return "[[override]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in told.items())


# ── attempts ──


def test_a_changed_hand_in_is_another_attempt(run: Run, tmp_path: Path) -> None:
    """The earlier one is kept, and graded again with the rest."""
    hand_in(tmp_path)
    run(*GRADE)
    hand_in(tmp_path, text="[")
    run(*GRADE)
    assert entries(tmp_path / "results")["ada"]["attempt"] == {
        "number": 2,
        "of": 2,
        "policy": "last",
        "scores": [0.0, 0.0],
    }
    assert (tmp_path / "results/submissions/ada/attempts/1/evidence.json").is_file()
    (tmp_path / "results/overrides.toml").write_text(give(attempt=1))
    (tmp_path / "c.toml").write_text('[demo]\nattempts = "best"\n')
    ran = run("regrade", "results", "--class", "c.toml")
    assert "ada: 0.0 → 1.5 (a person gave the score)" in ran.out
    assert entries(tmp_path / "results")["ada"]["attempt"]["number"] == 1


def test_the_same_hand_in_again_is_no_attempt(run: Run, tmp_path: Path) -> None:
    """Also not with --force, and not after a run that was killed while it put an attempt aside."""
    hand_in(tmp_path)
    for options in ((), ("--force",), ()):
        run(*GRADE, *options)
    assert entries(tmp_path / "results")["ada"]["attempt"] is None
    assert not (tmp_path / "results/submissions/ada/attempts").exists()


def test_going_back_to_an_earlier_file_is_a_third_attempt(run: Run, tmp_path: Path) -> None:
    """What lies in the folder of submissions is what the student wants to count."""
    for text in ("{", "[", "{"):
        hand_in(tmp_path, text=text)
        run(*GRADE)
    assert entries(tmp_path / "results")["ada"]["attempt"]["number"] == 3


def test_uploads_of_one_download_are_attempts(run: Run, tmp_path: Path) -> None:
    """Canvas numbers them; graded again they stay two."""
    (tmp_path / "class").mkdir()
    for number, name in ((5, "demo.ipynb"), (9, "demo-1.ipynb")):
        (tmp_path / "class" / f"lovelaceada_77_{number}_{name}").write_text("{" * number)
    for options in ((), ("--force",), ()):
        run(*GRADE, *options)
        ada = entries(tmp_path / "results")["lovelaceada"]
        assert (ada["attempt"]["number"], ada["attempt"]["of"]) == (2, 2)
    assert ada["path"] == "lovelaceada_77_9_demo-1.ipynb"
    assert ada["identity"]["id"] == "77"


def test_different_files_of_one_upload_are_no_attempts(run: Run, tmp_path: Path) -> None:
    """A number at the end of a name can be part of it."""
    (tmp_path / "class").mkdir()
    for number, name in ((5, "part-1.py"), (9, "part-2.py")):
        (tmp_path / "class" / f"lovelaceada_77_{number}_{name}").write_text(f"x = {number}")
    run(*GRADE)
    assert "We found two files" in entries(tmp_path / "results")["lovelaceada"]["message"]


METADATA = """---
submission_11:
  :submitters:
  - :name: Ada Lovelace
    :sid: '1815'
    :email: ada@example.org
  - :name: Bela Bartok
    :sid: '1881'
    :email: bela@example.org
  :created_at: 2026-12-01 10:00:00.512 Z
  :score: 0.0
submission_12:
  :submitters:
  - :name: Ada Lovelace
    :sid: '1815'
    :email: ada@example.org
  :created_at: 2026-12-02 10:00:00 Z
"""


def gradescope(folder: Path, metadata: str = METADATA) -> None:
    """A bulk download with a group and a second attempt of one member."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("assignment_1_export/submission_metadata.yml", metadata)
        archive.writestr("assignment_1_export/submission_11/demo.ipynb", "{")
        archive.writestr("assignment_1_export/submission_12/demo.ipynb", "[")
    (folder / "class.zip").write_bytes(content.getvalue())


def test_gradescope_says_who_handed_in_and_when(run: Run, tmp_path: Path) -> None:
    """Every member of a group has the submission; two submissions of one person are attempts."""
    gradescope(tmp_path)
    run("grade", "class.zip", "--assignment", "demo", "--sandbox", "none")
    found = entries(tmp_path / "results")
    assert list(found) == ["Ada Lovelace", "Bela Bartok"]
    ada = found["Ada Lovelace"]
    assert ada["identity"] == {"name": "Ada Lovelace", "email": "ada@example.org", "id": "1815", "section": ""}
    assert (ada["attempt"]["of"], ada["handed_in"]) == (2, "2026-12-02T10:00:00Z")
    assert found["Bela Bartok"]["attempt"] is None


@pytest.mark.parametrize(
    "metadata", ["", "- a\n- b\n", "{", "submission_11: 3\n", "submission_11: {':submitters': [1, {':name': [2]}]}\n"]
)
def test_metadata_that_cannot_be_read_is_done_without(run: Run, tmp_path: Path, metadata: str) -> None:
    """The folders name the students then."""
    gradescope(tmp_path, metadata)
    run("grade", "class.zip", "--assignment", "demo", "--sandbox", "none")
    assert list(entries(tmp_path / "results")) == ["submission_11", "submission_12"]


# ── deadlines ──


def test_a_deadline_of_the_class_costs_points(run: Run, tmp_path: Path) -> None:
    """By the times of a list; without them nothing is taken off, and that is said."""
    record(tmp_path / "results")
    (tmp_path / "c.toml").write_text("[demo.late]\ndue = 2026-12-01T12:00:00+01:00\nper_day = 0.25\n")
    ran = run("regrade", "results", "--class", "c.toml")
    assert "of 1 of 1 submissions no time is known" in ran.err
    (tmp_path / "t.csv").write_text("student,handed_in\nada,2026-12-02 13:00:00\n")
    ran = run("regrade", "results", "--times", "t.csv")
    assert "ada: 2.0 → 1.0 (late 0 → -1)" in ran.out
    late = entries(tmp_path / "results")["ada"]["lateness"]
    assert (late["days"], late["penalty"], late["seconds"]) == (2, 1.0, 90_000)
    assert run("regrade", "results").out.startswith("0 of 1 submissions changed.")


def test_a_deadline_does_not_make_the_class_be_run_again(run: Run, tmp_path: Path) -> None:
    """It changes what counts, and no verdict."""
    hand_in(tmp_path)
    run(*GRADE)
    (tmp_path / "c.toml").write_text("[demo.late]\ndue = 2026-12-01T12:00:00Z\n")
    before = (tmp_path / "results/submissions/ada/result.json").stat().st_mtime_ns
    run(*GRADE, "--class", "c.toml")
    assert (tmp_path / "results/submissions/ada/result.json").stat().st_mtime_ns == before


def test_times_given_later_reach_results_from_before(run: Run, tmp_path: Path) -> None:
    """Nothing is run again for them; of two times of one file the earlier counts."""
    hand_in(tmp_path)
    run(*GRADE)
    for time in ("2026-12-02T13:00:00Z", "2026-12-09T13:00:00Z"):
        (tmp_path / "t.csv").write_text(f"student,handed_in\nada,{time}\n")
        run(*GRADE, "--times", "t.csv")
        assert entries(tmp_path / "results")["ada"]["handed_in"] == "2026-12-02T13:00:00Z"


def test_an_extension_for_nobody_is_told(run: Run, tmp_path: Path) -> None:
    """A misspelt name would cost points in silence."""
    record(tmp_path / "results")
    (tmp_path / "c.toml").write_text("[demo.late.extensions]\nadda = 2026-12-01T12:00:00Z\n")
    assert "nobody is called 'adda'. Did you mean ada?" in run("regrade", "results", "--class", "c.toml").err


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("[demo.late]\ndue = 2026-12-01T12:00:00\n", "c.toml:2: demo.late.due: expected a time with its offset"),
        ("[demo.late]\ndue = 2026-12-01\n", "c.toml:2: demo.late.due: expected a time such as"),
        ("[demo.late]\nper_day = 10.0\n", "c.toml:2: demo.late.per_day: expected a number up to 1"),
        ("[demo.late]\nperday = 0.1\n", "did you mean per_day?"),
        ('[demo]\nattempts = "worst"\n', "c.toml:2: demo.attempts: expected one of last, best, first"),
        ('[demo]\nextra_credit = ["work"]\n', "did you mean works?"),
    ],
)
def test_mistakes_in_a_deadline_are_told(run: Run, tmp_path: Path, text: str, want: str) -> None:
    """With their lines, before anything is written."""
    record(tmp_path / "results")
    (tmp_path / "c.toml").write_text(text)
    ran = run("regrade", "results", "--class", "c.toml")
    assert ran.code == 2
    assert want in ran.err


# ── points by hand ──


def test_points_by_hand_survive_regrading(run: Run, tmp_path: Path) -> None:
    """They are written down beside the results, with who, why and when; `explain` shows them."""
    record(tmp_path / "results")
    run("regrade", "results")
    words = ("--check", "works", "--points", "0.5", "--reason", 'Not "really".', "--by", "Eve")
    ran = run("override", "results", "ada", *words)
    assert (ran.code, "ada: 2.0 → 0.5 of 2.0" in ran.out) == (0, True)
    for _ in range(2):
        assert run("regrade", "results").code == 0
        assert entries(tmp_path / "results")["ada"]["score"] == 0.5
    explained = run("explain", "results", "ada").out
    assert "Eve gave 0.5 points instead of 2" in explained
    assert 'Not "really".' in explained
    assert "0.5" in explained


@pytest.mark.parametrize(
    ("options", "want"),
    [
        (("adda",), "no submission of 'adda', so these points are not given. Did you mean ada?"),
        (("ada", "--check", "work"), "did you mean works?"),
        (("ada", "--check", "works", "--points", "3"), "more than the 2 it is worth"),
        (("ada", "--points", "-1"), "--points takes a number from 0"),
        (("ada", "--points", "nan"), "--points takes a number from 0"),
        (("ada", "--reason", " "), "--reason and --by some words"),
        (("ada", "--attempt", "0"), "--attempt a whole number from 1"),
    ],
)
def test_points_by_hand_that_make_no_sense_are_refused(
    run: Run, tmp_path: Path, options: tuple[str, ...], want: str
) -> None:
    """And nothing is written."""
    record(tmp_path / "results")
    run("regrade", "results")
    student, *more = options
    ran = run("override", "results", student, "--points", "1", "--reason", "So.", "--by", "Eve", *more)
    assert (ran.code, want in ran.err) == (2, True)
    assert not (tmp_path / "results/overrides.toml").exists()


def test_a_second_override_of_the_same_is_refused(run: Run, tmp_path: Path) -> None:
    """Two entries for one check would be a riddle; the file is edited instead."""
    record(tmp_path / "results")
    run("regrade", "results")
    words = ("override", "results", "ada", "--points", "1", "--reason", "So.", "--by", "Eve")
    assert run(*words).code == 0
    before = (tmp_path / "results/overrides.toml").read_text()
    ran = run(*words)
    assert ran.code == 2
    assert "stand there. Edit them." in ran.err
    assert (tmp_path / "results/overrides.toml").read_text() == before


def test_a_manual_check_waits_for_its_points(run: Run, tmp_path: Path) -> None:
    """Its function is not run; with points from a person the grade is whole."""
    write_assignment(tmp_path / "assignments" / "demo", CHECKS)
    record(tmp_path / "results")
    assert run("regrade", "results").code == 1
    ada = entries(tmp_path / "results")["ada"]
    assert (ada["needs_review"], ada["checks"][1]["waits"], ada["max_score"]) == (True, True, 5.0)
    words = ("--check", "explains", "--points", "2.5", "--reason", "Clear.", "--by", "Eve")
    assert run("override", "results", "ada", *words).code == 0
    assert run("regrade", "results").code == 0
    assert entries(tmp_path / "results")["ada"]["score"] == 4.5


def test_a_mistake_in_the_overrides_ends_with_2_before_anything_is_graded(run: Run, tmp_path: Path) -> None:
    """Both where the file is given and where it lies beside the results."""
    hand_in(tmp_path)
    (tmp_path / "o.toml").write_text("[[override]]\n")
    ran = run(*GRADE, "--overrides", "o.toml")
    assert (ran.code, "o.toml:1: override.0.student: required" in ran.err) == (2, True)
    assert not (tmp_path / "results").exists()
    (tmp_path / "results").mkdir()
    (tmp_path / "results/overrides.toml").write_text("[[override]]\n")
    assert run(*GRADE).code == 2
    assert not (tmp_path / "results/scores.json").exists()


# ── the list of the class ──


def test_who_handed_in_nothing_is_shown_as_such(run: Run, tmp_path: Path) -> None:
    """In the scores, and in what `explain` says; strangers are told."""
    hand_in(tmp_path)
    hand_in(tmp_path, "zoe")
    (tmp_path / "r.csv").write_text("login,name,section\nada,Ada Lovelace,A\nbela,Bela Bartok,B\n")
    ran = run(*GRADE, "--roster", "r.csv")
    assert "Not in the list of the class: zoe." in ran.err
    body = json.loads((tmp_path / "results/scores.json").read_text())
    assert [item["student"] for item in body["missing"]] == ["bela"]
    assert entries(tmp_path / "results")["ada"]["identity"]["section"] == "A"
    assert "'bela' handed in nothing" in run("explain", "results", "bela").err
    run(*GRADE)  # the list is kept
    assert json.loads((tmp_path / "results/scores.json").read_text())["missing"] == body["missing"]


# ── over a course ──


def test_a_course_in_one_table(run: Run, tmp_path: Path) -> None:
    """Filled from results, printed, written as CSV, and made again from the results alone."""
    write_assignment(tmp_path / "assignments" / "second", CHECKS)
    for name in ("demo", "second"):
        record(tmp_path / name, name=name)
        record(tmp_path / name, "=bela", name=name)
    (tmp_path / "demo/roster.csv").write_text("student\nada\n=bela\nchen\n")
    for name in ("demo", "second"):
        run("regrade", name)
    ran = run("gradebook", "sync", "demo", "second")
    assert (ran.code, "demo: 2 submissions, 1 who handed in nothing." in ran.out) == (0, True)
    table = [line.split() for line in run("gradebook", "show").out.splitlines()]
    assert [word for word in table[-2] if word != "│"] == ["chen", "missing", "0"]
    assert "?: a person must look; not in the sum." in " ".join(table[-1])
    assert run("gradebook", "show", "--csv", "g.csv").code == 0
    assert (tmp_path / "g.csv").read_bytes().decode() == (
        "student,name,section,demo,second,sum\r\n'=bela,,,2,2?,2\r\nada,,,2,2?,2\r\nchen,,,missing,,0\r\n"
    )
    single = run("gradebook", "show", "--student", "ada").out
    assert "works" in single
    assert "2? of 5" in single
    (tmp_path / "gradebook.db").unlink()
    assert run("gradebook", "rebuild", "demo", "second").code == 0
    assert run("gradebook", "show", "--student", "ada").out == single


def test_results_that_cannot_be_read_empty_no_gradebook(run: Run, tmp_path: Path) -> None:
    """All are read before anything is forgotten."""
    record(tmp_path / "results")
    run("regrade", "results")
    run("gradebook", "sync", "results")
    assert run("gradebook", "rebuild", "results", "nowhere").code == 2
    assert "ada" in run("gradebook", "show").out


def test_an_empty_gradebook_says_how_to_fill_it(run: Run) -> None:
    """Instead of an empty table."""
    ran = run("gradebook", "show")
    assert (ran.code, "fill it with `grader gradebook sync`" in ran.err) == (2, True)
