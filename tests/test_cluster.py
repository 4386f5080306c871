"""A cluster whose workers are processes: what becomes of one that is killed, and the same results as on one machine."""

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from grader.cli import places
from grader.engines import dask
from grader.engines.dask import DaskEngine
from grader.errors import SandboxError
from grader.model.assignment import Assignment
from grader.model.result import Result
from grader.model.submission import Cell, Source, Submission
from grader.pipeline.grade import Grading
from grader.pipeline.settings import Settings
from grader.pipeline.watch import Silent
from grader.results.folder import ResultsFolder, read_scores
from tests.clusters import cluster_of_processes, furnish_nothing, note_and_die, note_and_wait
from tests.test_sharing import share

WAIT = 60


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """Two workers with a process each; a task may lose a worker twice before it is given up."""
    with cluster_of_processes(workers=2, allowed_failures=1) as cluster:
        yield str(cluster.scheduler_address)


@pytest.fixture
def engine(scheduler: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[DaskEngine]:
    monkeypatch.setattr(dask, "PULSE_SECONDS", 0.1)
    found = DaskEngine(furnish_nothing, address=scheduler)
    assert within(WAIT, lambda: found.cores() == 2)
    yield found
    found.close()


def within(seconds: float, true: Callable[[], bool]) -> bool:
    """Whether something becomes true within some seconds."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def begun(folder: Path) -> Counter[str]:
    """How often each task was begun."""
    return Counter(path.name.rpartition("-")[0] for path in folder.iterdir())


def test_a_worker_that_is_killed_costs_only_what_it_had_in_hand(engine: DaskEngine, tmp_path: Path) -> None:
    """Its task is done again, every other one once, and all have their results."""
    names = [f"task{number}" for number in range(8)]
    tasks = [partial(note_and_wait, str(tmp_path), name, 0.5) for name in names]
    futures = [engine.submit("guest", 0, task) for task in tasks]
    assert within(WAIT, lambda: len(begun(tmp_path)) >= 3)
    newest = max(tmp_path.iterdir(), key=lambda path: path.stat().st_mtime)
    os.kill(int(newest.read_text()), signal.SIGKILL)
    assert [future.result(WAIT) for future in futures] == names
    again = {name: times for name, times in begun(tmp_path).items() if times > 1}
    assert again == {newest.name.rpartition("-")[0]: 2}


def test_a_task_that_kills_its_workers_is_given_up_and_others_go_on(engine: DaskEngine, tmp_path: Path) -> None:
    """After so many workers it is our failure, with where to look; it does not go round for ever."""
    deadly = engine.submit("guest", 0, partial(note_and_die, str(tmp_path), "deadly"))
    with pytest.raises(SandboxError, match=r"the Dask worker that ran it ended, 2 times"):
        deadly.result(WAIT)
    assert begun(tmp_path) == {"deadly": 2}
    assert engine.submit("guest", 0, partial(note_and_wait, str(tmp_path), "after", 0)).result(WAIT) == "after"


# ── grading ──

PROGRAM = """
import numpy as np
import tensorflow as tf
# {comment}
def train():
    (x, y), _ = tf.keras.datasets.mnist.load_data()
    x, y = x[:{rows}] / 255.0, y[:{rows}]
    model = tf.keras.Sequential([tf.keras.layers.Flatten(name="{name}"), tf.keras.layers.Dense({units}, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    class Stop(tf.keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            print(epoch, float(np.sum(self.model.get_weights()[1])) > -1e9)
            if epoch == {last}:
                self.model.stop_training = True
    history = model.fit(x, y, epochs=3, verbose=0, callbacks=[Stop()])
    evaluated = model.evaluate(x[:64], y[:64], verbose=0)
    return history.epoch, history.history["accuracy"], model.get_weights()[0][:3], evaluated
"""


@pytest.fixture
def assignment(tmp_path: Path) -> Assignment:
    """An assignment that needs a training for one of its checks."""
    returns = (
        "\n@points(2)\ndef returns(call):\n    'It returns four things.'\n"
        "    if call is None or not call.found or call.error:\n        fail('It did not return.')\n"
    )
    return share(tmp_path / "share", returns)


def students() -> list[Submission]:
    """Three who share two networks, one of them on rows of its own; one that fails, one that ends its process."""
    texts = [
        PROGRAM.format(comment=number, name=f"flat{number}", units=units, rows=rows, last=last)
        for number, (units, rows, last) in enumerate([(10, 320, 1), (10, 320, 2), (12, 352, 0)])
    ]
    texts += ["def train():\n    return 1 / 0\n", "import os\ndef train():\n    os._exit(3)\n"]
    return [
        Submission(
            student=f"s{number}",
            path=f"s{number}/p.py",
            digest=str(number),
            source=Source(kind="module", cells=(Cell(number=1, text=text),)),
        )
        for number, text in enumerate(texts)
    ]


class Trainings(Silent):
    """Counts trainings, and epochs that were told."""

    def __init__(self) -> None:
        self.planned, self.epochs = 0, 0

    def training_planned(self, fingerprint: str, seed: int, epochs: int, students: int) -> None:  # noqa: ARG002 - as it is told
        self.planned += 1

    def training_epoch(self, fingerprint: str, seed: int, epoch: int, accuracy: float | None) -> None:  # noqa: ARG002 - as it is told
        self.epochs += 1


def grade(assignment: Assignment, folder: Path, **settings: Any) -> tuple[Trainings, list[Result]]:
    watcher = Trainings()
    chosen = Settings(datasets=places.datasets(), **settings)
    results = Grading(assignment, chosen, ResultsFolder(folder), watcher).run(students())
    return watcher, results


def without_times(folder: Path) -> Any:
    """What `scores.json` holds, but for what a clock or the run itself measured."""
    scores = read_scores(folder)
    assert scores is not None
    body = json.loads(scores.model_dump_json(exclude={"generated_at"}))
    for item in body["submissions"]:
        item.pop("timing")
        item["training"] and item["training"].pop("seconds_per_epoch_ratio")
    return body["submissions"]


def returned(folder: Path) -> list[Any]:
    """What the functions of the first three have returned."""
    evidence = [ResultsFolder(folder).evidence(f"s{number}") for number in range(3)]
    return [item.observation.claimed.calls[0].value for item in evidence if item is not None]


@pytest.mark.sandbox
@pytest.mark.training
@pytest.mark.timeout(900)
def test_a_cluster_gives_the_same_scores_as_this_machine(
    assignment: Assignment, tmp_path: Path, scheduler: str
) -> None:
    """Captures, trainings, evaluations and replays on workers: every verdict, curve, value and status is the same."""
    mine, _ = grade(assignment, tmp_path / "here", store=None, jobs=1)
    away, results = grade(assignment, tmp_path / "away", store=None, jobs=2, engine="dask", scheduler=scheduler)
    assert without_times(tmp_path / "here") == without_times(tmp_path / "away")
    assert returned(tmp_path / "here") == returned(tmp_path / "away")
    assert [len(values) for values in returned(tmp_path / "away")] == [4, 4, 4]
    assert [result.score for result in results] == [3.0, 3.0, 3.0, 0.0, 0.0]
    assert [result.status for result in results] == ["graded", "graded", "graded", "graded", "crashed"]
    assert (mine.planned, mine.epochs) == (away.planned, away.epochs) == (2, 6)
