"""Evaluations that programs ask for are carried out once, by the trainer, and the programs run again."""

from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from grader.cli import places
from grader.errors import SandboxError, SetupError
from grader.model.assignment import TrainingPolicy, load_assignment
from grader.model.observation import Fit, Observation
from grader.model.submission import Cell, Source, Submission
from grader.model.training import ArrayRef, Evaluation, EvaluationRequest
from grader.pipeline import errands, evaluator
from grader.pipeline.conversation import Link
from grader.pipeline.errands import DescribeNetwork, Errand, EvaluateNetwork, Outcome, RunProgram, Seen
from grader.pipeline.evaluations import Evaluations, lacking, last_epoch
from grader.pipeline.grade import MOST_RUNS_FOR_EVALUATIONS, Grading
from grader.pipeline.settings import Settings
from grader.pipeline.trainer_desk import Trained
from grader.pipeline.watch import Silent
from grader.results.folder import ResultsFolder
from grader.training.store import Store
from tests.factories import make_curve, make_description, make_fit, make_observation, make_request, make_run

POLICY = TrainingPolicy(threshold=0.9, seeds=(1, 2))
STOPS, RUNS_ON = make_curve([0.5, 0.95, 0.96], stop=1), make_curve([0.5, 0.95, 0.96])


def wanted(epoch: int | None = 1, fingerprint: str = "f", batch_size: int = 32) -> EvaluationRequest:
    x = ArrayRef(digest="a" * 64, dtype="float32", shape=(2, 3))
    return EvaluationRequest(fingerprint=fingerprint, epoch=epoch, x=x, y=x, batch_size=batch_size)


def seen(*evaluations: EvaluationRequest, drill: Any = RUNS_ON, seed: int = 1) -> Seen:
    observation = make_observation(make_fit(drill), seed=seed)
    return Seen(observation, {"f": (Link(make_request(), 1), Link(make_request("sequential"), 3))}, (), evaluations)


def store(*accuracies: float, seed: int = 1, **changes: Any) -> Store:
    found = Store(None)
    found.keep(make_run(accuracies, seed=seed, **changes), {})
    return found


# ── which ──


def test_what_was_asked_for_is_what_is_lacking() -> None:
    """Once, however often it was asked for; with the last request of the chain."""
    [errand] = lacking(seen(wanted(), wanted()), 1, POLICY, store(0.5, 0.6))
    assert errand == EvaluateNetwork(make_request(), 1, wanted())


def test_what_is_known_is_not_lacking() -> None:
    """Nor is anything of a training that is not known, or that could not be carried out."""
    known = store(0.5, 0.6)
    known.keep_evaluation("f", 1, wanted().key, Evaluation(logs={"loss": 1.0}))
    assert lacking(seen(wanted()), 1, POLICY, known) == []
    assert lacking(seen(wanted()), 1, POLICY, Store(None)) == []
    assert lacking(seen(wanted(None)), 1, POLICY, store(0.5, problem="it does not fit")) == []


@pytest.mark.parametrize(
    ("drill", "accuracies", "asked", "end"),
    [
        (STOPS, [0.5, 0.95, 0.99], 20, 1),  # where its own callback will stop
        (STOPS, [0.5, 0.6, 0.7], 20, 2),  # it never will
        (RUNS_ON, [0.5, 0.95, 0.99], 20, 2),  # it does not stop
        (RUNS_ON, [0.5, 0.95, 0.99, 0.99], 2, 1),  # somebody else asked for more
    ],
)
def test_the_end_of_a_training_is_foreseen(drill: Any, accuracies: list[float], asked: int, end: int) -> None:
    """A program whose training was made up when it asked will ask for the epoch at which its training ends."""
    request = make_request()
    request = request.model_copy(update={"fit": request.fit.model_copy(update={"epochs": asked})})
    fit: Fit = make_fit(drill, request=request)
    assert last_epoch(fit, make_run(accuracies), POLICY) == end
    assert last_epoch(fit, make_run(accuracies), None) == min(asked, len(accuracies)) - 1


def test_another_seed_ends_elsewhere() -> None:
    """An epoch that was asked for under another seed is foreseen anew."""
    known = store(0.5, 0.6, 0.7, seed=2)
    assert [item.wanted.epoch for item in lacking(seen(wanted(0)), 2, POLICY, known)] == [2]
    assert [item.wanted.epoch for item in lacking(seen(wanted(None), seed=2), 2, POLICY, known)] == [2]
    assert [item.wanted.epoch for item in lacking(seen(wanted(0), seed=2), 2, POLICY, known)] == [0]


# ── once each ──


class Bench:
    """Takes errands, and carries them out when told."""

    def __init__(self) -> None:
        self.store = store(0.5, 0.6)
        self.begun: list[tuple[EvaluateNetwork, Any]] = []
        self.evaluations = Evaluations(self.store, lambda errand, then: self.begun.append((errand, then)))

    def end(self, index: int, outcome: Evaluation | Exception) -> None:
        _, then = self.begun[index]
        future: Future[Evaluation] = Future()
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
        then(future)


def errand(batch_size: int = 32) -> EvaluateNetwork:
    return EvaluateNetwork(make_request(), 1, wanted(batch_size=batch_size))


def test_everybody_waits_for_one() -> None:
    """The second to ask for it starts nothing, and both go on when it is over; who lacks more waits on."""
    bench, went_on = Bench(), list[str]()
    bench.evaluations.before([errand()], lambda: went_on.append("ada"))
    bench.evaluations.before([errand(), errand(64)], lambda: went_on.append("bela"))
    bench.evaluations.before([], lambda: went_on.append("chen"))
    assert [item.wanted.batch_size for item, _ in bench.begun] == [32, 64]
    assert went_on == ["chen"]
    bench.end(0, Evaluation(logs={"loss": 0.5}))
    assert went_on == ["chen", "ada"]
    bench.end(1, Evaluation(logs={"loss": 0.6}))
    assert went_on == ["chen", "ada", "bela"]
    kept = bench.store.find("f", 1)
    assert kept is not None
    assert {key: item.logs for key, item in kept.evaluations.items()} == {
        wanted().key: {"loss": 0.5},
        wanted(batch_size=64).key: {"loss": 0.6},
    }


def test_where_it_fails_programs_evaluate_themselves() -> None:
    """A fault of ours costs nobody a grade; a set-up that cannot work ends the run."""
    bench, went_on = Bench(), list[str]()
    bench.evaluations.before([errand()], lambda: went_on.append("ada"))
    bench.end(0, SandboxError("no memory"))
    kept = bench.store.find("f", 1)
    assert kept is not None
    assert (went_on, kept.evaluations[wanted().key].problem) == (["ada"], "no memory")
    bench.evaluations.before([errand(64)], lambda: went_on.append("bela"))
    with pytest.raises(SetupError):
        bench.end(1, SetupError("no workers"))


# ── in a class ──


@dataclass
class Programs:
    """Stands in for all sandboxes: a training of two epochs, and programs that evaluate its network."""

    store: Any = None
    fickle: bool = False
    """Each run asks for something else."""
    runs: list[tuple[str, bool]] = field(default_factory=list)
    """Students, and whether they were told to evaluate what is not known."""
    evaluated: list[EvaluationRequest] = field(default_factory=list)
    trained: bool = False

    def submit(self, errand: Errand) -> "Future[Outcome]":
        future: Future[Outcome] = Future()
        future.set_result(self._outcome(errand))
        return future

    def _outcome(self, errand: Errand) -> Outcome:
        if isinstance(errand, DescribeNetwork):
            return make_description()
        if isinstance(errand, EvaluateNetwork):
            self.evaluated.append(errand.wanted)
            return Evaluation(logs={"accuracy": 0.25})
        if not isinstance(errand, RunProgram):
            self.trained = True
            return Trained(make_run([0.5, 0.6], seed=errand.plan.seed), {})
        self.runs.append((errand.submission.student, errand.evaluates))
        return Seen(self._observation(errand), {"f": (Link(make_request(), 2),)}, (), self._asked(errand))

    def _observation(self, errand: RunProgram) -> Observation:
        played = make_curve([0.5, 0.6], name="run" if self.trained else "provisional")
        fit = make_fit(played=played, missing="" if self.trained else "run", epochs_asked=2)
        who: dict[str, Any] = {
            "student": errand.submission.student,
            "submission_digest": errand.submission.digest,
            "seed": errand.seed,
        }
        return make_observation(fit, **who)

    def _asked(self, errand: RunProgram) -> tuple[EvaluationRequest, ...]:
        if not self.trained:
            return (wanted(None),)
        asked = wanted(1, batch_size=len(self.runs) if self.fickle else 32)
        kept = self.store.find("f", errand.seed)
        return () if errand.evaluates or asked.key in kept.evaluations else (asked,)

    def cores(self) -> int:
        return 1

    def machines(self) -> str:
        return ""

    def close(self) -> None:
        return


def grade(folder: Path, programs: Programs, monkeypatch: pytest.MonkeyPatch, *students: str) -> list[Any]:
    """Grade a class whose programs these are."""
    place = folder / "demo"
    place.mkdir(exist_ok=True)
    (folder / "datasets").mkdir(exist_ok=True)
    toml = 'id = "demo"\ntitle = "Demo"\nfiles = ["demo"]\nentry_points = ["train"]\n[training]\nseeds = [1]\n'
    (place / "assignment.toml").write_text(toml)
    (place / "probe.py").write_text("def probe(student, rng):\n    student.call('train')\n")
    (place / "checks.py").write_text(
        "from grader.judging import points\n\n@points(1)\ndef trained(training):\n    'It is trained.'\n"
    )
    monkeypatch.setattr(Grading, "_make_carrier", lambda *_: programs)
    grading = Grading(
        load_assignment(place), Settings(folder / "datasets", None, jobs=1), ResultsFolder(folder / "out"), Silent()
    )
    programs.store = grading.store
    if programs.trained:
        grading.store.keep(make_run([0.5, 0.6]), {})
    source = Source(kind="module", cells=(Cell(number=1, text="#"),))
    return grading.run(
        [Submission(student=name, path=f"{name}/demo.py", digest=name, source=source) for name in students]
    )


def test_one_evaluation_serves_a_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is carried out when the training is there, before the programs are run again: each is run twice."""
    programs = Programs()
    results = grade(tmp_path, programs, monkeypatch, "ada", "bela", "chen")
    assert [result.score for result in results] == [1.0, 1.0, 1.0]
    assert programs.evaluated == [wanted(1)]
    assert sorted(name for name, _ in programs.runs) == ["ada", "ada", "bela", "bela", "chen", "chen"]


def test_a_program_that_met_a_known_training_is_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was made up in its first run is not judged."""
    programs = Programs(trained=True)
    results = grade(tmp_path, programs, monkeypatch, "bela")
    assert [result.score for result in results] == [1.0]
    assert (len(programs.runs), programs.evaluated) == (2, [wanted(1)])


def test_a_program_that_always_asks_for_something_else_comes_to_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After some runs it evaluates for itself, and is judged by that."""
    programs = Programs(fickle=True)
    results = grade(tmp_path, programs, monkeypatch, "ada")
    assert [result.score for result in results] == [1.0]
    leaves = [leave for _, leave in programs.runs]
    assert leaves == [False] * (len(leaves) - 1) + [True]
    assert len(leaves) == MOST_RUNS_FOR_EVALUATIONS + 3  # before the training, those that only told, and the last


PROGRAM = """
import tensorflow as tf

(x, y), (x_test, y_test) = tf.keras.datasets.mnist.load_data()
x, y, x_test, y_test = x[:2000] / 255.0, y[:2000], x_test[:1000] / 255.0, y_test[:1000]

def train():
    model = tf.keras.Sequential([tf.keras.layers.Input((28, 28)), tf.keras.layers.Flatten(),
        tf.keras.layers.Dense(16, activation="relu"), tf.keras.layers.Dense(10, activation="softmax")])
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=METRICS)
    model.fit(x, y, epochs=2, batch_size=100, verbose=0)
    first = model.evaluate(x_test, y_test, verbose=0)
    moved = [w * 1.0 for w in model.get_weights()]
    moved[-1][3] += 5.0
    kept = model.get_weights()
    model.set_weights(moved)
    second = model.evaluate(x_test, y_test, verbose=0)
    model.set_weights(kept)
    return first, second, model.evaluate(x_test, y_test, return_dict=True, batch_size=77, verbose=0)
"""


@pytest.mark.sandbox
def test_a_real_class_evaluates_once_and_finds_what_keras_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three students, two spellings: two evaluations outside; a program that changes weights evaluates those itself."""
    place = tmp_path / "demo"
    place.mkdir()
    toml = 'id = "demo"\ntitle = "Demo"\nfiles = ["m"]\nentry_points = ["train"]\n[training]\nseeds = [1]\nmax_epochs = 2\n'
    (place / "assignment.toml").write_text(toml)
    (place / "probe.py").write_text("def probe(student, rng):\n    student.call('train')\n")
    (place / "checks.py").write_text(
        "from grader.judging import points\n\n@points(1)\ndef trained(training):\n    'It is trained.'\n"
    )
    carried, answers = list[str](), list[str]()
    really, answer = errands.carry_out_evaluation, evaluator.Evaluator.answer

    def carry_out(errand: EvaluateNetwork, *rest: Any) -> Evaluation:
        carried.append(errand.wanted.key)
        return really(errand, *rest)

    def noted(self: Any, *given: Any) -> dict[str, Any]:
        found = answer(self, *given)
        answers.append(f"{found['type']} {found.get('known', '')}".strip())
        return found

    monkeypatch.setattr(errands, "carry_out_evaluation", carry_out)
    monkeypatch.setattr(evaluator.Evaluator, "answer", noted)
    submissions = [
        Submission(
            student=name,
            path="m.py",
            digest=name,
            source=Source(kind="module", cells=(Cell(number=1, text=PROGRAM.replace("METRICS", f'["{metric}"]')),)),
        )
        for name, metric in (("ada", "accuracy"), ("bela", "acc"), ("chen", "accuracy"))
    ]
    results = ResultsFolder(tmp_path / "results")
    graded = Grading(load_assignment(place), Settings(places.datasets(), None, jobs=2), results, Silent()).run(
        submissions
    )
    assert [result.score for result in graded] == [1.0, 1.0, 1.0]
    assert len(carried) == len(set(carried)) == 2
    assert answers.count("evaluated True") == 2 * 3
    values = {}
    for name in ("ada", "bela", "chen"):
        evidence = results.evidence(name)
        assert evidence is not None
        values[name] = evidence.observation.claimed.calls[0].value
    first, second, third = values["ada"]
    assert values["chen"] == values["ada"]
    assert values["bela"] == [first, second, {"acc": third["accuracy"], "loss": third["loss"]}]
    assert third["accuracy"] == first[1]
    assert third["loss"] == pytest.approx(first[0], abs=1e-5)
    assert second[1] < first[1] - 0.05
