"""A batch survives whatever happens to it: what is graded stays, and the same command goes on."""

import contextlib
import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from grader.cli import places
from grader.errors import SetupError
from grader.model.assignment import load_assignment
from grader.pipeline.conversation import Conversation
from grader.pipeline.grade import Grading
from grader.pipeline.settings import Settings
from grader.pipeline.watch import Silent
from grader.results.folder import ResultsFolder
from grader.scratch import PREFIX, make_scratch, scratch_root, sweep
from tests.test_sharing import students

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(900)]
KILLS = int(os.environ.get("GRADER_TEST_KILLS", "3"))
HOSTILE = {
    "raises": "def train():\n    raise ValueError('mine')\n",
    "ends_the_process": "import os\nos._exit(3)\n",
    "sleeps": "import time\ntime.sleep(1000)\n",
    "leaves_a_daemon": "import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(1000)\n",
}


def write_assignment(place: Path) -> None:
    """An assignment with one check that needs a training of a second."""
    place.mkdir(parents=True)
    (place / "assignment.toml").write_text(
        'id = "share"\ntitle = "t"\nfiles = ["p"]\nentry_points = ["train"]\n[training]\nthreshold = 1.0\n'
    )
    (place / "probe.py").write_text('def probe(student, rng):\n    student.call("train")\n')
    (place / "checks.py").write_text(
        "from grader.judging import points\n\n@points(1)\ndef trained(training):\n    'It is trained.'\n"
    )


def write_class(folder: Path, honest: int) -> None:
    """Honest students who share four networks, and a hostile one after every fourth."""
    hostile = list(HOSTILE.items())
    for number, submission in enumerate(students(honest)):
        assert submission.source is not None
        (folder / submission.student).mkdir(parents=True)
        (folder / submission.student / "p.py").write_text(submission.source.cells[0].text)
        if number % 4 == 3:
            name, text = hostile[number // 4 % len(hostile)]
            (folder / f"{submission.student}_{name}").mkdir()
            (folder / f"{submission.student}_{name}" / "p.py").write_text(text)


def command(output: str) -> list[str]:
    """`grader grade` over the class."""
    words = ["grade", "submissions", "--assignment", "share", "--output", output, "--jobs", "2", "--timeout", "8"]
    return [sys.executable, "-m", "grader", *words]


def start(place: Path, output: str, home: Path) -> "subprocess.Popen[bytes]":
    """The command, running in a session of its own."""
    return subprocess.Popen(
        command(output),
        cwd=place,
        env={**os.environ, "GRADER_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def scores(folder: Path) -> list[dict[str, Any]]:
    """What `scores.json` says, without times."""
    found = json.loads((folder / "scores.json").read_text())["submissions"]
    for item in found:
        item.pop("timing")
        if item["training"]:
            item["training"].pop("seconds_per_epoch_ratio")
    return list(found)


def running(home: Path) -> list[str]:
    """Command lines of living processes of a grader that works with `home`."""
    found = []
    for path in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if path.name.isdigit() and str(home).encode() in (path / "cmdline").read_bytes():
                found.append(path.name)
    return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course with one assignment and a class."""
    folder = tmp_path_factory.mktemp("course")
    write_assignment(folder / "assignments/share")
    write_class(folder / "submissions", 16)
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home for stores, in which the data sets are unpacked already."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "datasets").symlink_to(places.datasets().parent)
    return folder


@pytest.mark.training
def test_a_batch_that_is_killed_again_and_again_ends_as_if_it_had_not_been(place: Path, home: Path) -> None:
    """Killed at random moments and started again, it comes to the same scores, and leaves nothing behind."""
    quiet = start(place, "undisturbed", home)
    begun = time.monotonic()
    assert quiet.wait(300) in (0, 1)
    length = time.monotonic() - begun
    forget_trainings(home)
    moments = random.Random(7)  # noqa: S311 - moments to kill at, no secret
    kept = 0
    for _ in range(KILLS):
        process = start(place, "killed", home)
        time.sleep(moments.uniform(0.15, 0.6) * length)
        process.kill()
        process.wait()
        results = ResultsFolder(place / "killed").results()
        assert len(results) >= kept
        kept = len(results)
    written = {result.student: result for result in ResultsFolder(place / "killed").results()}
    assert start(place, "killed", home).wait(300) in (0, 1)
    assert scores(place / "killed") == scores(place / "undisturbed")
    after = {result.student: result for result in ResultsFolder(place / "killed").results()}
    assert [name for name in written if written[name].timing != after[name].timing] == []
    assert [path.name for path in (place / "killed").rglob(".*.json.*")] == []
    assert running(home) == []
    mine = [path.name for path in scratch_root().glob(f"{PREFIX}*") if path.name.startswith(f"{PREFIX}{quiet.pid}-")]
    assert mine == []


def forget_trainings(home: Path) -> None:
    """Forget the trainings."""
    subprocess.run(["rm", "-rf", str(home / "store")], check=True)


@pytest.mark.parametrize(
    ("number", "working"), [(signal.SIGINT, True), (signal.SIGTERM, True), (signal.SIGTERM, False)]
)
def test_a_batch_that_is_asked_to_end_cleans_up(
    place: Path, home: Path, tmp_path: Path, number: int, working: bool
) -> None:
    """It ends at once with 130, with every process gone and every scratch folder removed; also while slots are starting."""
    process = start(place, str(tmp_path / "asked"), home)
    begun = "submissions/*/result.json" if working else ".lock"
    while process.poll() is None and not [*(tmp_path / "asked").glob(begun)]:
        time.sleep(0.01)
    process.send_signal(number)
    assert process.wait(30) == 130
    assert [path.name for path in scratch_root().glob(f"{PREFIX}{process.pid}-*")] == []
    assert running(home) == []


def test_scratch_folders_of_graders_that_are_gone_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the dead go, with whatever is in them; those of the living, and what others named so, stay."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    mine = make_scratch()
    ended = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    )
    dead = tmp_path / f"{PREFIX}{ended.stdout.strip()}-x"
    (dead / "locked").mkdir(parents=True)
    (dead / "locked").chmod(0)
    other = tmp_path / f"{PREFIX}notes"
    other.mkdir()
    link = tmp_path / f"{PREFIX}{ended.stdout.strip()}-link"
    link.symlink_to(mine)
    assert sweep() == 1
    assert mine.exists()
    assert other.exists()
    assert link.is_symlink()
    assert not dead.exists()


def test_a_full_disk_is_told_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writing fails in the middle of a class: the results before it stand, and the same command ends the rest."""
    write_assignment(tmp_path / "share")
    assignment = load_assignment(tmp_path / "share")
    settings = Settings(datasets=places.datasets(), store=None, jobs=1, quick=True)
    output = ResultsFolder(tmp_path / "results")
    real, calls = os.fsync, [0]

    def full(descriptor: int) -> None:
        calls[0] += 1
        if calls[0] > 20:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    monkeypatch.setattr("grader.results.files.os.fsync", full)
    with pytest.raises(SetupError, match=r"cannot be written: No space left on device\. Nothing that was graded"):
        Grading(assignment, settings, output, Silent()).run(students(8))
    monkeypatch.undo()
    before = {result.student: result.timing for result in output.results()}
    assert 1 <= len(before) < 8
    assert [path.name for path in output.folder.rglob(".*.json.*")] == []
    results = Grading(assignment, settings, output, Silent()).run(students(8))
    assert len(results) == 8
    assert {name: result.timing for result in results if (name := result.student) in before} == before


def test_a_bug_of_ours_ends_one_submission_and_not_the_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It gets the status error, no number and a person to look at it; the others get their points."""
    write_assignment(tmp_path / "share")
    real = Conversation._fit

    def broken(conversation: Conversation, *arguments: Any) -> Any:
        if conversation.submission.student == "s01":
            raise ZeroDivisionError("ours")
        return real(conversation, *arguments)

    monkeypatch.setattr(Conversation, "_fit", broken)
    settings = Settings(datasets=places.datasets(), store=None, jobs=2, quick=True)
    output = ResultsFolder(tmp_path / "results")
    results = Grading(load_assignment(tmp_path / "share"), settings, output, Silent()).run(students(4))
    assert [(result.student, result.status, result.score) for result in results] == [
        ("s00", "graded", 0.0),
        ("s01", "error", None),
        ("s02", "graded", 0.0),
        ("s03", "graded", 0.0),
    ]
    assert results[1].needs_review
    assert "a bug of grader, not of the submission (ZeroDivisionError: ours, test_crashes.py line" in results[1].message


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """Nothing is graded where nothing could be kept."""
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(SetupError, match=r"cannot write results there: .*Choose another --output"),
        ResultsFolder(tmp_path / "file/results").locked(),
    ):
        raise AssertionError("never reached")
