"""Equal trainings are carried out once; the number of jobs and the store change nothing but the time."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from grader.cli import places
from grader.model.assignment import Assignment, load_assignment
from grader.model.submission import Cell, Source, Submission
from grader.pipeline.grade import Grading
from grader.pipeline.settings import Settings
from grader.pipeline.watch import Silent
from grader.results.folder import ResultsFolder

pytestmark = [pytest.mark.sandbox, pytest.mark.training, pytest.mark.timeout(900)]

PROGRAM = """
import tensorflow as tf
# {comment}
def train():
    (x, y), _ = tf.keras.datasets.mnist.load_data()
    x, y = x[:320] / 255.0, y[:320]
    model = tf.keras.Sequential([tf.keras.layers.Flatten(name="{name}"), tf.keras.layers.Dense({units}, {activation})])
    model.compile({optimizer}, {loss}, metrics=["{metric}"])
    class Stop(tf.keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if logs["{metric}"] >= 0 and epoch == {last}:
                self.model.stop_training = True
    history = model.fit(x, y, epochs=3, verbose=0, callbacks=[Stop()])
    return history.epoch, history.history["{metric}"]
"""
KINDS = [(10, "Adam"), (10, "SGD"), (12, "Adam"), (16, "Adam")]
SPELLINGS: list[dict[str, str]] = [
    {
        "activation": '"softmax"',
        "optimizer": '"{kind}"',
        "loss": '"sparse_categorical_crossentropy"',
        "metric": "accuracy",
    },
    {
        "activation": "activation=tf.nn.softmax",
        "optimizer": "tf.optimizers.{kind}()",
        "loss": "tf.keras.losses.SparseCategoricalCrossentropy(name='mine')",
        "metric": "acc",
    },
]
"""Every other student finds these words for the same."""


class Counting(Silent):
    """Counts trainings."""

    def __init__(self) -> None:
        self.trainings: Counter[tuple[str, int]] = Counter()
        self.epochs: list[int] = []

    def training_planned(self, fingerprint: str, seed: int, epochs: int, students: int) -> None:  # noqa: ARG002
        """One more."""
        self.trainings[(fingerprint, seed)] += 1

    def training_epoch(self, fingerprint: str, seed: int, epoch: int, accuracy: float | None) -> None:  # noqa: ARG002
        """An epoch was trained."""
        self.epochs.append(epoch)


def share(place: Path, more: str = "") -> Assignment:
    """An assignment that needs a training for its first check; `more` are others."""
    place.mkdir()
    (place / "assignment.toml").write_text(
        'id = "share"\ntitle = "t"\nfiles = ["p"]\nentry_points = ["train"]\n[training]\nthreshold = 1.0\n'
    )
    (place / "probe.py").write_text('def probe(student, rng):\n    student.call("train")\n')
    (place / "checks.py").write_text(
        "from grader.judging import fail, points\n\n@points(1)\ndef trained(training, call):\n    'It is trained.'\n"
        "    if call.value[1][0] != training.run.epochs[0].accuracy:\n        fail('not the true history')\n" + more
    )
    return load_assignment(place)


@pytest.fixture
def assignment(tmp_path: Path) -> Assignment:
    """With that check alone."""
    return share(tmp_path / "share")


def students(count: int) -> list[Submission]:
    """`count` students who share four networks, with other names, spellings, comments and stop rules."""
    found = []
    for number in range(count):
        units, kind = KINDS[number % 4]
        words = {name: text.format(kind=kind) for name, text in SPELLINGS[number // 4 % 2].items()}
        text = PROGRAM.format(comment=f"number {number}", name=f"flat_{number}", units=units, last=number % 3, **words)
        source = Source(kind="module", cells=(Cell(number=1, text=text),))
        found.append(Submission(student=f"s{number:02d}", path="p.py", digest=str(number), source=source))
    return found


def grade(assignment: Assignment, folder: Path, count: int, **settings: Any) -> tuple[Counting, list[dict[str, Any]]]:
    """(trainings counted, results without measured times and without who shares what)."""
    watcher = Counting()
    chosen = {"datasets": places.datasets(), "store": None, "jobs": 2, **settings}
    results = Grading(assignment, Settings(**chosen), ResultsFolder(folder), watcher).run(students(count))
    plain = [json.loads(result.model_dump_json(exclude={"timing"})) for result in results]
    for result in plain:
        result["training"] and result["training"].pop("seconds_per_epoch_ratio")
        result["training"] and result["training"].pop("source")
    return watcher, plain


def test_forty_students_with_four_networks_start_four_trainings(assignment: Assignment, tmp_path: Path) -> None:
    """The cost grows with the number of different answers, not of students."""
    watcher, results = grade(assignment, tmp_path / "r", 40)
    assert sorted(watcher.trainings.values()) == [1, 1, 1, 1]
    assert [result["score"] for result in results] == [1.0] * 40
    assert [result["training"]["epochs"] for result in results] == [number % 3 + 1 for number in range(40)]


def test_jobs_and_store_change_no_result(assignment: Assignment, tmp_path: Path) -> None:
    """One job or two, the store cold or warm: equal scores and curves; warm, nothing is trained."""
    _, one = grade(assignment, tmp_path / "one", 4, jobs=1)
    cold_watcher, cold = grade(assignment, tmp_path / "cold", 4, store=tmp_path / "store")
    warm_watcher, warm = grade(assignment, tmp_path / "warm", 4, store=tmp_path / "store")
    assert one == cold == warm
    assert sum(cold_watcher.trainings.values()) == 4
    assert sum(warm_watcher.trainings.values()) == 0


def test_a_damaged_entry_is_trained_again(assignment: Assignment, tmp_path: Path) -> None:
    """A run whose weights were touched on disk counts as absent."""
    grade(assignment, tmp_path / "a", 1, store=tmp_path / "store")
    weights = next(path for path in (tmp_path / "store" / "objects").rglob("*") if path.is_file())
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    watcher, results = grade(assignment, tmp_path / "b", 1, store=tmp_path / "store")
    assert sum(watcher.trainings.values()) == 1
    assert results[0]["score"] == 1.0


@pytest.mark.parametrize("exact", [False, True])
def test_more_epochs_go_on_where_the_training_ended(assignment: Assignment, tmp_path: Path, exact: bool) -> None:
    """Three epochs after one are two more, and the curve is that of three in one go."""
    curves, trained = [], []
    for store, epochs in (("one", 1), ("one", 3), ("another", 3)):
        watcher = Counting()
        settings = Settings(places.datasets(), tmp_path / store, jobs=1, exact=exact)
        source = students(1)[0].source
        assert source is not None
        # Of 320 images, one epoch may learn too little to be believed.
        text = source.cells[0].text.replace(":320]", ":3200]")
        cell = Cell(number=1, text=text.replace("epochs=3", f"epochs={epochs}").replace("== 0", "== 9"))
        submission = students(1)[0].model_copy(
            update={"source": Source(kind="module", cells=(cell,)), "digest": f"{store} {epochs}"}
        )
        folder = ResultsFolder(tmp_path / f"results {store} {epochs}")
        (result,) = Grading(assignment, settings, folder, watcher).run([submission])
        assert (result.score, result.training is not None) == (1.0, True)
        curves.append(result.training.curve if result.training else ())
        trained.append(watcher.epochs)
        evidence = folder.evidence(result.student)
        assert evidence is not None
        assert evidence.training is not None
        assert evidence.training.run.arithmetic == ("keras" if exact else "fused")
    assert trained == [[1], [2, 3], [1, 2, 3]]
    assert curves[1] == curves[2]
    assert curves[0] == curves[1][:1]
