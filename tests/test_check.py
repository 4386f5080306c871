"""`check`: public verdicts, what is told of the rest, and machines without a sandbox."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from grader.cli import main, places
from grader.errors import SandboxError
from grader.judging.training_expectations import UNTIMED
from grader.model.assignment import load_assignment
from grader.model.result import Result, TrainingSummary, Verdict
from grader.pipeline import carriers
from grader.pipeline.batch import read_file
from grader.pipeline.check import Checked, choose_level, judged_later, not_trained, public_part
from grader.pipeline.grade import Grading
from grader.pipeline.settings import Settings
from grader.pipeline.watch import Silent
from grader.results.folder import ResultsFolder
from grader.results.verdicts import make_result
from grader.sandbox import doctor
from grader.sandbox.box import Box
from grader.sandbox.doctor import Finding
from grader.sandbox.peer import Job
from grader.sandbox.plain import PlainSlot
from grader.validation.shipped import ShippedRuns
from grader.validation.solutions import compare, expected, load_solutions
from tests.factories import make_assignment, make_observation, make_submission, make_verdict

CHECKOUT = Path(__file__).resolve().parent.parent
NAMESPACES = Finding("namespaces", False, "refused", "Allow them.")
LANDLOCK = Finding("landlock", False, "not available", "Use another kernel.", ("full", "contained"))
CHECKS = '''from grader.judging import fail, points


@points(2)
def doubles(evidence):
    """double gives twice its argument."""
    call = evidence.called("two")
    if call is None or call.value != 4:
        fail("double(2) is not 4. Multiply by two.")


@points(1)
def says_so(observation):
    """The program prints a word, and so does a program that it starts."""
    if observation.stdout != "ready\\nstarted\\n":
        fail(f"printed: {observation.stdout!r}")


@points(3, hidden=True)
def is_secret(call):
    """Nobody knows this title."""
    fail("Nobody reads this.")
'''
PROBE = "def probe(student, rng):\n    student.call_as('two', 'double', 2)\n"
PROGRAM = """import subprocess
print("ready", flush=True)
subprocess.run(["echo", "started"])


def double(number):
    return 2 * number
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an assignment and a right answer to it."""
    folder = tmp_path / "assignments" / "demo"
    folder.mkdir(parents=True)
    toml = 'id = "demo"\ntitle = "A demo"\nfiles = ["demo"]\nentry_points = ["double"]\n'
    for name, text in (("assignment.toml", toml), ("checks.py", CHECKS), ("probe.py", PROBE)):
        (folder / name).write_text(text)
    (tmp_path / "demo.py").write_text(PROGRAM)
    monkeypatch.setenv("GRADER_ASSIGNMENTS", str(tmp_path / "assignments"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def result_of(*verdicts: Verdict, **changes: object) -> Result:
    made = make_result(make_submission(), make_observation(), verdicts)
    return made.model_copy(update=changes)


# ── what is told ──


def test_a_student_sees_public_checks_and_their_sum() -> None:
    """Neither a verdict nor a point of a hidden check."""
    secret = make_verdict(id="secret", status="failed", points=0, max_points=3, hidden=True)
    extra = make_verdict(id="extra", points=1, max_points=1, extra=True)
    shown = public_part(result_of(make_verdict(), extra, secret))
    assert [verdict.id for verdict in shown.checks] == ["works", "extra"]
    assert (shown.score, shown.max_score) == (3, 2)


def test_why_a_person_must_look_at_a_hidden_check_is_not_told() -> None:
    """The reason is a word about the hidden check; what waits in public stays."""
    secret = make_verdict(id="secret", status="skipped", points=0, hidden=True, waits=True)
    waiting = result_of(make_verdict(), secret, needs_review=True, message="the secret is 42")
    assert (public_part(waiting).message, public_part(waiting).needs_review) == ("", False)
    public = make_verdict(id="open", status="skipped", points=0, waits=True)
    both = public_part(result_of(public, secret, needs_review=True, message="Look."))
    assert (both.message, both.needs_review) == ("Look.", True)
    training = TrainingSummary(source="live", epochs=1, accuracy=None, stopped_by_callback=False)
    live = result_of(make_verdict(), secret, needs_review=True, message="It ran live.", training=training)
    assert public_part(live).message == "It ran live."


def test_what_quick_left_out_is_named_with_its_points() -> None:
    """The title of each check that waits for a training, and what they are worth together."""
    left = make_verdict(
        title="It is accurate.", status="skipped", points=0, message="Skipped: left out by --quick; run without it."
    )
    said = not_trained(result_of(make_verdict(), left))
    assert said == [
        "Not checked, because nothing was trained (--quick), 2 points: It is accurate. Without --quick it is trained."
    ]
    assert not_trained(result_of(make_verdict())) == []


def test_hidden_points_are_told_with_the_whole_assignment_and_with_that_for_students(tmp_path: Path) -> None:
    """By the hidden verdicts, or by the file that stands in their place; nothing where there are none."""
    secret = make_verdict(id="secret", max_points=3, hidden=True)
    words = "3 points more: judged after you hand in, by 1 check that is not shown here."
    assert judged_later(make_assignment(), result_of(make_verdict(), secret)) == [words]
    (tmp_path / "hidden.json").write_text(json.dumps({"checks": 1, "points": 3}))
    assert judged_later(make_assignment(tmp_path), result_of(make_verdict())) == [words]
    assert judged_later(make_assignment(), result_of(make_verdict())) == []


def test_an_epoch_that_cannot_be_timed_at_home_is_told() -> None:
    """The network that it is compared with does not come with the package."""
    untimed = make_verdict(status="skipped", points=0, message=f"Skipped: {UNTIMED}.")
    assert judged_later(make_assignment(), result_of(untimed)) == [
        "2 points: judged after you hand in, since the time of an epoch is not compared here."
    ]


@pytest.mark.parametrize(
    ("missing", "level", "words"),
    [
        ((), "full", ""),
        ((NAMESPACES,), "contained", "A smaller sandbox (contained): this machine lacks namespaces."),
        ((NAMESPACES, LANDLOCK), "none", "Not sandboxed: this is your own code, and it runs in a process of its own"),
    ],
)
def test_check_takes_the_best_level_that_there_is(
    monkeypatch: pytest.MonkeyPatch, missing: tuple[Finding, ...], level: str, words: str
) -> None:
    """And says so where it is not the full one; what is asked for is not changed."""
    monkeypatch.setattr(doctor, "examine", lambda: missing)
    chosen, remark = choose_level()
    assert chosen == level
    assert remark.startswith(words)
    assert bool(remark) == bool(words)
    assert choose_level("full") == ("full", "")


# ── what is run ──


def run_cli(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str
) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["grader", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    said = capsys.readouterr()
    return int(end.value.code or 0), said.out, said.err


@pytest.mark.sandbox
def test_grade_refuses_where_check_falls_back(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without namespaces and Landlock `grade` ends with code 2, and `check` runs the file and says how."""
    monkeypatch.setattr(doctor, "examine", lambda: (NAMESPACES, LANDLOCK))
    (home / "class").mkdir()
    (home / "class" / "ada.py").write_text(PROGRAM)
    code, _, err = run_cli(capsys, monkeypatch, "grade", "class", "--assignment", "demo")
    assert (code, "namespaces: refused. Allow them." in err) == (2, True)
    code, out, err = run_cli(capsys, monkeypatch, "check", "demo", "demo.py", "--json")
    checked = Checked.model_validate_json(out)
    assert (code, checked.result.score, checked.result.max_score, checked.result.sandbox) == (0, 3, 3, "none")
    assert "Not sandboxed: this is your own code" in err
    assert checked.remarks[0].startswith("Not sandboxed: this is your own code")
    assert checked.remarks[1].startswith("3 points more: judged after you hand in")
    assert "secret" not in out


SITE = """
import builtins, os, signal
LACKS = {"fcntl", "resource", "py_landlock", "termios", "pwd", "grp", "pty"}
find = builtins.__import__

def look(name, globals=None, locals=None, fromlist=(), level=0):
    if name in LACKS and str((globals or {}).get("__name__", "")).startswith("grader."):
        raise ImportError(f"{name} is not on this system")
    return find(name, globals, locals, fromlist, level)

builtins.__import__ = look
for module, names in ((os, ["fork", "pidfd_open", "O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC"]),
                      (signal, ["setitimer", "SIGHUP", "SIGXCPU"])):
    for name in names:
        if hasattr(module, name):
            delattr(module, name)
"""
START = """
import sys
from grader import scratch
from grader.pipeline import carriers, check
from grader.sandbox import doctor, plain
scratch.lock = lambda file, wait: None
check.is_needed = carriers.is_needed = lambda: True
doctor.examine = lambda: (doctor.Finding("system", False, "another", "", ("full", "contained")),)
import grader.datasets.shipped, grader.results.folder
grader.datasets.shipped.lock = grader.results.folder.lock = lambda file, wait: None
from grader.cli import main
main()
"""


@pytest.mark.sandbox
def test_check_works_without_anything_that_only_linux_has(home: Path) -> None:
    """Neither the command nor the process of the program imports or calls it; prints of both kinds arrive."""
    (home / "site").mkdir()
    (home / "site" / "sitecustomize.py").write_text(SITE)
    path = f"{home / 'site'}:{CHECKOUT}"
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": path, "GRADER_HOME": str(places.home()), "HOME": str(home)}
    environment["GRADER_ASSIGNMENTS"] = str(home / "assignments")
    arguments = [sys.executable, "-c", START, "check", "demo", "demo.py", "--json"]
    ran = subprocess.run(arguments, env=environment, cwd=home, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    checked = Checked.model_validate_json(ran.stdout)
    assert [verdict.status for verdict in checked.result.checks] == ["passed", "passed"], checked.result
    assert "it runs in a plain process" in checked.remarks[0]


HOSTILE = {
    "ends": ("import os\nos._exit(3)\n", "crashed"),
    "prints": ("while True:\n    print('x' * 100000)\n", "output"),
}


@pytest.mark.sandbox
def test_a_plain_process_is_watched_all_the_same(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that ends itself or prints without end is told so, and nothing is left running."""
    monkeypatch.setattr(carriers, "is_needed", lambda: True)
    for name, (text, _) in HOSTILE.items():
        (home / f"{name}.py").write_text(text)
    settings = Settings(places.datasets(), store=None, jobs=1, sandbox="none", timeout_seconds=5.0)
    grading = Grading(load_assignment(home / "assignments/demo"), settings, ResultsFolder(home / "results"), Silent())
    results = grading.run([read_file(home / f"{name}.py") for name in HOSTILE])
    endings = {result.student: result.status for result in results}
    assert endings == {name: ending for name, (_, ending) in HOSTILE.items()}, [result.message for result in results]
    left = subprocess.run(["pgrep", "-f", f"grader.zygote.plain.*{home}"], capture_output=True, text=True, check=False)
    assert left.stdout == ""


def test_a_plain_slot_that_cannot_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last words of the process stand in the error, which is ours."""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    slot = PlainSlot("guest", tmp_path)
    with pytest.raises(SandboxError, match="the process did not start: no word from it"):
        slot.run(Job("program", {}), lambda _: None)
    slot.close()


class Unforked(Box):
    """A box whose guests play no drill in a forked copy, as plain processes do."""

    def command(self) -> list[str]:
        *words, settings = super().command()
        return [*words, json.dumps({**json.loads(settings), "forks": False})]


SOLUTIONS = CHECKOUT / "solutions" / "mnist_conv"


@pytest.mark.sandbox
def test_drills_without_forks_give_the_same_verdicts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each drill in a guest of its own: a callback that stops too late is found, and all else is passed."""
    monkeypatch.setattr("grader.sandbox.slot.Box", Unforked)
    assignment = load_assignment(CHECKOUT / "assignments" / "mnist_conv")
    shipped = ShippedRuns(assignment.folder / "trainings")
    settings = Settings(places.datasets(), store=None, jobs=1, quick=True, shipped=shipped, sandbox="none")
    name = "stops_one_epoch_late"
    hand_ins = [item for item in load_solutions(SOLUTIONS) if item.student == name]
    results = Grading(assignment, settings, ResultsFolder(tmp_path), Silent()).run(hand_ins)
    assert [compare(result, expected(SOLUTIONS / name)) for result in results] == [[]]
