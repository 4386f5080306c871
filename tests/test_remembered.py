"""What was seen of a submission before stands as long as nothing changed that decides it; then only the checks run."""

import json
import shutil
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.model.assignment import Assignment, load_assignment
from grader.model.observation import Call, Observation
from grader.model.result import Result
from grader.model.submission import Cell, Source, Submission
from grader.pipeline import remembered
from grader.pipeline.conversation import Link
from grader.pipeline.errands import DescribeNetwork, Errand, Outcome, RunProgram, Seen, TrainNetwork
from grader.pipeline.grade import Grading
from grader.pipeline.settings import Settings
from grader.pipeline.trainer_desk import Trained
from grader.pipeline.watch import Silent
from grader.results.folder import ResultsFolder
from tests.factories import make_call, make_curve, make_description, make_fit, make_observation, make_request, make_run

CHECKS = '''from grader.judging import fail, points


@points(2)
def works({asked}):
    """It works."""
    {body}
'''
SETTINGS = 'id = "demo"\ntitle = "Demo"\nfiles = ["demo"]\nentry_points = ["train"]\n'
TRAINING = "[training]\nthreshold = 0.9\nseeds = [1, 2]\nmargin = 0.5\n"


@dataclass
class Programs:
    """Stands in for all sandboxes: says what it saw, and counts."""

    fits: bool = False
    runs: list[str] = field(default_factory=list)
    trained: int = 0
    fails: bool = False
    known: set[int] = field(default_factory=set)
    """Seeds of trainings that were carried out."""

    def submit(self, errand: Errand) -> "Future[Outcome]":
        future: Future[Outcome] = Future()
        try:
            future.set_result(self._outcome(errand))
        except RuntimeError as error:
            future.set_exception(error)
        return future

    def _outcome(self, errand: Errand) -> Outcome:
        if isinstance(errand, RunProgram):
            self.runs.append(errand.submission.student)
            if self.fails:
                raise RuntimeError("no memory")
            return Seen(self._observation(errand), {"f": (Link(make_request(), 3),)}, (np.arange(3.0),))
        if isinstance(errand, DescribeNetwork):
            return make_description()
        assert isinstance(errand, TrainNetwork)
        self.trained += 1
        self.known.add(errand.plan.seed)
        return Trained(make_run([0.5, 0.6], seed=errand.plan.seed), {})

    def _observation(self, errand: RunProgram) -> Observation:
        submission = errand.submission
        played = make_curve([0.5, 0.6], name="run" if errand.seed in self.known else "provisional")
        fit = make_fit(played=played, missing="" if errand.seed in self.known else "run", epochs_asked=2)
        call: Call = make_call({"array": 0, "shape": [3], "dtype": "float64"})
        who: dict[str, Any] = {"student": submission.student, "submission_digest": submission.digest}
        return make_observation(*[fit] * self.fits, calls=(call,), seed=errand.seed, **who)

    def cores(self) -> int:
        return 1

    def machines(self) -> str:
        return ""

    def warm_up(self) -> None:
        raise AssertionError

    def close(self) -> None:
        return


class Hearing(Silent):
    """Writes down what is said."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def said(self, text: str) -> None:
        self.told.append(text)


class Class:
    """Two students, an assignment on disk, and their results."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.programs = folder, Programs()
        monkeypatch.setattr(Grading, "_make_carrier", lambda *_: self.programs)
        self.assignment = folder / "assignments" / "demo"
        self.assignment.mkdir(parents=True)
        (folder / "datasets").mkdir()
        self.write(
            toml=SETTINGS, probe="def probe(student, rng):\n    student.call('train')\n", checks="assert call.found"
        )
        self.results = ResultsFolder(folder / "results")
        self.submissions = [
            Submission(
                student=name, path=f"{name}/demo.py", digest=f"digest of {name}",
                source=Source(kind="module", cells=(Cell(number=1, text=f"# {name}"),)),
            )
            for name in ("ada", "bela")
        ]  # fmt: skip

    def write(self, *, toml: str = "", probe: str = "", checks: str = "", asked: str = "call") -> None:
        if toml:
            (self.assignment / "assignment.toml").write_text(toml)
        if probe:
            (self.assignment / "probe.py").write_text(probe)
        if checks:
            (self.assignment / "checks.py").write_text(CHECKS.format(asked=asked, body=checks))

    def change(self, index: int, **changes: Any) -> None:
        self.submissions[index] = self.submissions[index].model_copy(update=changes)

    def loaded(self) -> Assignment:
        return load_assignment(self.assignment)

    def grade(self, watcher: Silent | None = None, **settings: Any) -> list[Result]:
        """Grade them all; `programs.runs` says who was run."""
        self.programs.runs = []
        chosen = Settings(self.folder / "datasets", self.folder / "store", jobs=1, **settings)
        return Grading(self.loaded(), chosen, self.results, watcher or Silent()).run(self.submissions)


@pytest.fixture
def class_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Class:
    """A class that was graded once."""
    found = Class(tmp_path, monkeypatch)
    found.grade()
    assert found.programs.runs == ["ada", "bela"]
    return found


def points(results: list[Result]) -> list[float | None]:
    return [result.score for result in results]


def test_nothing_is_run_where_nothing_changed(class_: Class) -> None:
    """The same command again runs nobody, and gives the same."""
    before = class_.results.results()
    assert class_.grade() == before
    assert class_.programs.runs == []


def test_changed_checks_judge_what_was_seen(class_: Class) -> None:
    """After a change of checks nobody is run, and everybody has the points that the new checks give."""
    class_.write(checks="fail('No.', points=0.5)")
    assert points(class_.grade()) == [0.5, 0.5]
    assert class_.programs.runs == []


def test_judging_again_gives_what_a_new_run_gives(class_: Class) -> None:
    """Verdicts, totals, keys: the results are those of running everybody anew."""
    class_.write(
        checks="assert list(evidence.array(call.value)) == [0, 1, 2]\n    fail('Half.', points=1)",
        asked="call, evidence",
    )
    judged = class_.grade()
    assert class_.programs.runs == []
    assert judged == class_.grade(force=True)
    assert class_.programs.runs == ["ada", "bela"]


def test_results_that_were_judged_again_stand(class_: Class) -> None:
    """The next run has nothing to do, not even to judge."""
    class_.write(checks="fail('No.')")
    class_.grade()
    watcher = Hearing()
    class_.grade(watcher)
    assert (class_.programs.runs, watcher.told) == ([], [])


def test_it_is_said_how_many_were_judged_again(class_: Class) -> None:
    """An instructor who changed a check is told that nobody was run."""
    class_.write(checks="fail('No.')")
    watcher = Hearing()
    class_.grade(watcher)
    assert watcher.told == ["2 judged again, by today's checks, from what was recorded of them"]


ONLY_VERDICTS: dict[str, Callable[[Class], object]] = {
    "title": lambda class_: class_.write(toml=SETTINGS.replace("Demo", "Another")),
    "points": lambda class_: class_.write(toml=f"{SETTINGS}[points]\nworks = 3\n"),
    "extra credit": lambda class_: class_.write(toml=f'{SETTINGS}extra_credit = ["works"]\n'),
    "attempts": lambda class_: class_.write(toml=f'{SETTINGS}attempts = "best"\n'),
    "folder": lambda class_: class_.change(0, path="elsewhere/demo.py"),
    "time": lambda class_: class_.change(0, marked_late=True),
}


@pytest.mark.parametrize("change", ONLY_VERDICTS.values(), ids=ONLY_VERDICTS.keys())
def test_what_decides_nothing_that_is_seen_runs_nobody(class_: Class, change: Callable[[Class], object]) -> None:
    """Titles, points, folders: no reason to run anybody."""
    change(class_)
    class_.grade()
    assert class_.programs.runs == []


def source(text: str) -> Source:
    return Source(kind="module", cells=(Cell(number=1, text=text),))


OBSERVATION: dict[str, tuple[Callable[[Class], object], list[str]]] = {
    "code": (lambda class_: class_.change(0, digest="another", source=source("# new")), ["ada"]),
    "code under the same digest": (lambda class_: class_.change(0, source=source("# new")), ["ada"]),
    "digest alone": (lambda class_: class_.change(0, digest="another"), ["ada"]),
    "kind": (lambda class_: class_.change(0, source=source("# ada").model_copy(update={"kind": "notebook"})), ["ada"]),
    "name of the file": (lambda class_: class_.change(0, path="ada/other.py"), ["ada"]),
    "probe": (lambda class_: class_.write(probe="def probe(student, rng):\n    pass\n"), ["ada", "bela"]),
    "inputs": (lambda class_: (class_.assignment / "inputs.py").write_text("def inputs(rng): ...\n"), ["ada", "bela"]),
    "reference": (lambda class_: (class_.assignment / "reference.json").write_text("{}"), ["ada", "bela"]),
    "entry points": (
        lambda class_: class_.write(toml=SETTINGS.replace('["train"]', '["train", "b"]')),
        ["ada", "bela"],
    ),
    "old names": (lambda class_: class_.write(toml=f"{SETTINGS}old_names = true\n"), ["ada", "bela"]),
    "graded fit": (lambda class_: class_.write(toml=f'{SETTINGS}graded_fit = "all"\n'), ["ada", "bela"]),
    "limits": (lambda class_: class_.write(toml=f"{SETTINGS}[limits]\nwall_seconds = 5.0\n"), ["ada", "bela"]),
    "training": (lambda class_: class_.write(toml=f"{SETTINGS}{TRAINING}"), ["ada", "bela"]),
}


@pytest.mark.parametrize(("change", "who"), OBSERVATION.values(), ids=OBSERVATION.keys())
def test_what_decides_what_is_seen_runs_again(class_: Class, change: Callable[[Class], object], who: list[str]) -> None:
    """Code, probe, limits, …: whoever they concern is run again, and nobody else."""
    change(class_)
    class_.grade()
    assert class_.programs.runs == who


@pytest.mark.parametrize("way", [{"quick": True}, {"live": False}, {"sandbox": "none"}, {"timeout_seconds": 7.0}])
def test_another_way_of_running_runs_again(class_: Class, way: dict[str, Any]) -> None:
    """What was seen without training, in another sandbox, or in less time does not stand."""
    class_.grade(**way)
    assert class_.programs.runs == ["ada", "bela"]


@pytest.mark.parametrize("name", ["code_that_observes", "libraries"])
def test_evidence_of_another_version_is_not_used(class_: Class, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Another version of grader, or of the libraries, might see something else: everybody is run."""
    monkeypatch.setattr(remembered, name, lambda: "of another version")
    class_.grade()
    assert class_.programs.runs == ["ada", "bela"]


def test_another_version_of_what_judges_only_judges(class_: Class, monkeypatch: pytest.MonkeyPatch) -> None:
    """Corrected expectations of grader are applied, and nobody is run."""
    watcher = Hearing()
    monkeypatch.setattr(remembered, "code_that_judges", lambda: "of another version")
    class_.grade(watcher)
    assert (class_.programs.runs, len(watcher.told)) == ([], 1)


def test_force_runs_everybody(class_: Class) -> None:
    """`--force` means what it meant."""
    class_.grade(force=True)
    assert class_.programs.runs == ["ada", "bela"]


def test_evidence_of_somebody_else_is_not_used(class_: Class) -> None:
    """Evidence that was put in the place of another's is not judged in its stead."""
    ada, bela = (class_.results.place(name) for name in ("ada", "bela"))
    shutil.copy(ada / "evidence.json", bela / "evidence.json")
    class_.write(checks="fail('No.')")
    class_.grade()
    assert class_.programs.runs == ["bela"]


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"x")])
@pytest.mark.parametrize("name", ["evidence.json", "arrays.npz"])
def test_evidence_that_is_not_whole_is_not_used(class_: Class, name: str, damage: Callable[[Path], object]) -> None:
    """Where a part of what was seen is missing, or is that of another run, it is seen anew."""
    damage(class_.results.place("ada") / name)
    class_.write(checks="fail('No.')")
    class_.grade()
    assert class_.programs.runs == ["ada"]


def test_evidence_without_a_key_is_not_used(class_: Class) -> None:
    """Evidence of a version that wrote no key is run again."""
    path = class_.results.place("ada") / "evidence.json"
    body = json.loads(path.read_text())
    del body["observation_key"]
    path.write_text(json.dumps(body))
    class_.write(checks="fail('No.')")
    class_.grade()
    assert class_.programs.runs == ["ada"]


def test_a_check_that_failed_us_is_judged_again(class_: Class) -> None:
    """After a check was repaired that could not be carried out, nobody has to be run: all was seen."""
    class_.write(checks="raise RuntimeError('a bug')")
    assert points(class_.grade()) == [None, None]
    class_.write(checks="pass")
    assert points(class_.grade()) == [2.0, 2.0]
    assert class_.programs.runs == []


def test_where_we_failed_it_is_run_again(class_: Class) -> None:
    """A run of ours that failed leaves evidence of an earlier one behind: it does not stand for it."""
    class_.programs.fails = True
    assert points(class_.grade(force=True)) == [None, None]
    class_.programs.fails = False
    assert points(class_.grade()) == [2.0, 2.0]
    assert class_.programs.runs == ["ada", "bela"]


def test_a_hand_in_of_which_nothing_is_known_is_not_taken_for_another(class_: Class) -> None:
    """A newcomer is run, the others are not."""
    class_.submissions.append(class_.submissions[0].model_copy(update={"student": "chen", "path": "chen/demo.py"}))
    class_.grade()
    assert class_.programs.runs == ["chen"]


# ── trainings ──


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Class:
    """A class whose programs call `fit`, graded by a check that needs no training."""
    found = Class(tmp_path, monkeypatch)
    found.programs.fits = True
    found.write(toml=SETTINGS + TRAINING)
    found.grade()
    assert found.programs.trained == 0
    return found


def test_a_check_that_needs_a_training_has_it_carried_out(trained: Class) -> None:
    """Where the new checks need a training that nobody carried out, the programs are run and it is trained."""
    trained.write(checks="assert training.run.best_accuracy > 0.55", asked="training")
    assert points(trained.grade()) == [2.0, 2.0]
    assert trained.programs.runs
    assert trained.programs.trained == 1


def test_a_recorded_training_is_judged_again(trained: Class) -> None:
    """Where the training was carried out, its record is enough; the result says so as before."""
    trained.write(checks="assert training.run.best_accuracy > 0.55", asked="training")
    before = trained.grade()
    trained.write(checks="assert training.run.best_accuracy > 0.59", asked="training")
    after = trained.grade()
    assert trained.programs.runs == []
    assert (points(after), after[0].training) == ([2.0, 2.0], before[0].training)


def test_another_seed_is_tried_where_a_new_run_would_try_it(trained: Class) -> None:
    """A network that came close and is failed by the new checks gets its next seed: judging alone would be unfair."""
    trained.write(checks="assert training.run.best_accuracy > 0.55", asked="training")
    trained.grade()
    trained.write(checks="assert training.run.best_accuracy > 0.95", asked="training")
    trained.grade()
    assert trained.programs.known == {1, 2}
    trained.write(checks="assert training.run.best_accuracy > 0.96", asked="training")
    results = trained.grade()
    assert trained.programs.runs == []
    assert [item.training and (item.training.seed, len(item.training.other_seeds)) for item in results] == [(2, 1)] * 2


def test_the_packages_that_only_judge_exist() -> None:
    """A package that was renamed would count as one that sees: nothing wrong comes of it, but the list would lie."""
    root = Path(remembered.__file__).parent.parent
    assert {path.name for path in root.iterdir() if path.is_dir()} >= remembered.AFTERWARDS | set(remembered.JUDGING)
    assert not remembered.AFTERWARDS & {
        "guest",
        "wire",
        "zygote",
        "trainer",
        "training",
        "sandbox",
        "discovery",
        "pipeline",
    }
