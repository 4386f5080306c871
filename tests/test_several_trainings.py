"""Where every training counts: all are carried out, played with their seconds, handed to the checks, and kept."""

import time
from pathlib import Path

import pytest

from grader.cli import places
from grader.guest.clock import Clock
from grader.judging.evidence import Training, counted_fits
from grader.judging.judge import judge
from grader.model.assignment import load_assignment
from grader.model.submission import Cell, Source, Submission
from grader.pipeline.grade import Grading
from grader.pipeline.regrade import regrade
from grader.pipeline.settings import Settings
from grader.pipeline.watch import Silent
from grader.results.folder import ResultsFolder
from grader.training.drills import Drill
from tests.factories import make_curve, make_evidence, make_fit, make_observation, make_run, write_assignment

SETTINGS = """
id = "demo"
title = "Demo"
files = ["demo"]
entry_points = ["compare"]
datasets = ["mnist"]
graded_fit = "all"
[training]
max_epochs = 3
test = true
"""
PROBE = """
def probe(student, rng):
    student.call("compare")
"""
CHECKS = '''
from grader.judging import fail, points

@points(1)
def numbers_are_those_of_the_trainings(call, trainings, evidence):
    """The table holds what the trainings measured."""
    if len(trainings) != 2:
        fail(f"{len(trainings)} trainings")
    for (accuracy, seconds, epochs_seconds), fit in zip(call.value, evidence.fits):
        epochs = trainings[fit.number].run.epochs[:fit.epochs_asked]
        if abs(accuracy - epochs[-1].accuracy) > 1e-6:
            fail(f"accuracy {accuracy}, measured {epochs[-1].accuracy}")
        real = sum(epoch.seconds for epoch in epochs)
        if not real <= seconds < real + 5:
            fail(f"{seconds} s, measured {real} s")
        if not real <= epochs_seconds <= seconds:
            fail(f"{epochs_seconds} s from begin to end of epochs, measured {real} s")
        if epochs[-1].test_accuracy is None:
            fail("no accuracy on the test images")
'''
PROGRAM = """
import time
import tensorflow as tf

(x, y), _ = tf.keras.datasets.mnist.load_data()

class Watch(tf.keras.callbacks.Callback):
    seconds = 0.0

    def on_epoch_begin(self, epoch, logs=None):
        self.begun = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds += time.perf_counter() - self.begun

def compare():
    table = []
    for units, epochs in ((4, 1), (8, 2)):
        model = tf.keras.Sequential([
            tf.keras.layers.Input((28, 28)), tf.keras.layers.Flatten(),
            tf.keras.layers.Dense(units, activation="relu"), tf.keras.layers.Dense(10, activation="softmax")])
        model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        start, watch = time.time(), Watch()
        history = model.fit(x / 255.0, y, epochs=epochs, batch_size=500, verbose=0, callbacks=[watch])
        table.append([history.history["accuracy"][-1], time.time() - start, watch.seconds])
    return table
"""


def test_only_the_graded_fit_counts_unless_all_are_asked_for() -> None:
    """`last` gives one fit, `all` every one in the phase of the graded one."""
    fits = [make_fit(number=0, phase="top_level"), make_fit(number=1), make_fit(number=2)]
    evidence = make_evidence(*fits)
    assert [fit.number for fit in counted_fits(evidence.assignment, evidence.observation)] == [2]
    every = evidence.assignment.model_copy(update={"graded_fit": "all"})
    assert [fit.number for fit in counted_fits(every, evidence.observation)] == [1, 2]
    assert counted_fits(every, make_observation()) == []


def test_a_check_of_all_trainings_waits_for_the_last_of_them(tmp_path: Path) -> None:
    """With one training missing, the check is pending, and not failed."""
    written = write_assignment(
        tmp_path,
        "from grader.judging import points\n\n@points(1)\ndef seen(trainings):\n    '''Seen.'''\n    assert len(trainings) == 2\n",
    )
    assignment = written.model_copy(update={"graded_fit": "all"})
    fits = [make_fit(number=0), make_fit(number=1)]
    first = {0: Training(make_run([0.5]), make_curve([0.5]))}
    evidence = make_evidence(*fits, assignment=assignment, trainings=first)
    assert judge(evidence).pending == ("seen",)
    both = {**first, 1: Training(make_run([0.6]), make_curve([0.6]))}
    judgement = judge(make_evidence(*fits, assignment=assignment, trainings=both))
    assert [verdict.status for verdict in judgement.verdicts] == ["passed"]
    assert judgement.trained == ("seen",)


@pytest.mark.sandbox
def test_all_trainings_are_carried_out_and_judged_again_from_what_was_kept(tmp_path: Path) -> None:
    """Two trainings; the program finds their accuracies and their seconds; a regrading gives the same."""
    folder = tmp_path / "demo"
    folder.mkdir()
    for name, text in (("assignment.toml", SETTINGS), ("probe.py", PROBE), ("checks.py", CHECKS)):
        (folder / name).write_text(text)
    source = Source(kind="module", cells=(Cell(number=1, text=PROGRAM),))
    submission = Submission(student="ada", path="ada.py", digest="d", source=source)
    assignment = load_assignment(folder)
    results = ResultsFolder(tmp_path / "results")
    settings = Settings(places.datasets(), None, jobs=2)
    result = Grading(assignment, settings, results, Silent()).run([submission])[0]
    assert [verdict.message for verdict in result.checks] == [""]
    assert result.score == 1.0
    evidence = results.evidence("ada")
    assert evidence is not None
    assert evidence.training is not None
    assert [len(evidence.training.played.epochs), *(len(kept.run.epochs) for kept in evidence.beside.values())] == [
        2,
        1,
    ]
    (folder / "checks.py").write_text(CHECKS.replace("points(1)", "points(3)"))
    regrade(results.folder, lambda _: load_assignment(folder), places.datasets())
    again = results.read("ada")
    assert again is not None
    assert (again.score, again.status) == (3.0, "graded")


@pytest.mark.sandbox
def test_a_call_has_the_fits_that_were_recorded_in_it(tmp_path: Path) -> None:
    """A fit that Keras refuses before it begins is not counted, so that the numbers of the others are theirs."""
    folder = tmp_path / "demo"
    folder.mkdir()
    checks = '''
from grader.judging import fail, points

@points(1)
def fits_are_known(evidence):
    """Each call has its fit."""
    found = [(call.name, list(call.fits)) for call in evidence.observation.claimed.calls]
    if found != [("refused", []), ("note", []), ("trained", [0])] or len(evidence.observation.fits) != 1:
        fail(str(found))
'''
    program = """
import numpy as np
import tensorflow as tf

model = tf.keras.Sequential([tf.keras.layers.Input((2,)), tf.keras.layers.Dense(1)])

def refused():
    model.fit(np.zeros((4, 2)), np.zeros(4))

def trained():
    model.compile(loss="mse")
    model.fit(np.zeros((4, 2)), np.zeros(4))
"""
    probe = (
        "def probe(student, rng):\n    student.call('refused')\n    student.note('n', 1)\n    student.call('trained')\n"
    )
    settings = SETTINGS.replace('"compare"', '"refused", "trained"')
    for name, text in (("assignment.toml", settings), ("probe.py", probe), ("checks.py", checks)):
        (folder / name).write_text(text)
    source = Source(kind="module", cells=(Cell(number=1, text=program),))
    submission = Submission(student="ada", path="ada.py", digest="d", source=source)
    quick = Settings(places.datasets(), None, jobs=1, quick=True)
    result = Grading(load_assignment(folder), quick, ResultsFolder(tmp_path / "results"), Silent()).run([submission])[0]
    assert [verdict.message for verdict in result.checks] == [""]


def test_the_clock_goes_forward_and_never_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """All clocks of `time` are put forward alike; nonsense moves nothing."""
    names = [name + suffix for name in ("time", "monotonic", "perf_counter") for suffix in ("", "_ns")]
    for name in names:
        monkeypatch.setattr(time, name, getattr(time, name))
    clock = Clock()
    clock.install()
    before = {name: getattr(time, name)() for name in names}
    clock.advance(100.0)
    for name in names:
        passed = (getattr(time, name)() - before[name]) / (1e9 if name.endswith("_ns") else 1)
        assert 100.0 <= passed < 110.0
    for nonsense in (-5.0, float("nan"), float("inf")):
        clock.advance(nonsense)
    assert clock.ahead == 100.0


@pytest.mark.sandbox
def test_a_fit_without_callbacks_has_the_drills_that_one_with_an_idle_callback_plays(tmp_path: Path) -> None:
    """Nothing can react, so that nothing is played; what is written down is the same."""
    folder = tmp_path / "demo"
    folder.mkdir()
    checks = "from grader.judging import points\n\n@points(1)\ndef trained(fit):\n    '''Trained.'''\n"
    program = """
import numpy as np
import tensorflow as tf

def compare():
    for callbacks in (None, [tf.keras.callbacks.Callback()]):
        model = tf.keras.Sequential([tf.keras.layers.Input((2,)), tf.keras.layers.Dense(2, activation="softmax")])
        model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(np.zeros((4, 2)), np.zeros(4), epochs=15, callbacks=callbacks, verbose=0)
"""
    for name, text in (("assignment.toml", SETTINGS), ("probe.py", PROBE), ("checks.py", checks)):
        (folder / name).write_text(text)
    source = Source(kind="module", cells=(Cell(number=1, text=program),))
    submission = Submission(student="ada", path="ada.py", digest="d", source=source)
    results = ResultsFolder(tmp_path / "results")
    quick = Settings(places.datasets(), None, jobs=1, quick=True)
    Grading(load_assignment(folder), quick, results, Silent()).run([submission])
    evidence = results.evidence("ada")
    assert evidence is not None
    plain, idle = evidence.observation.fits
    assert (plain.callbacks, idle.callbacks) == ((), ("Callback",))
    assert len(plain.drills) == len(idle.drills) == 6
    for curve in (*plain.drills, *idle.drills):
        enough = Drill(curve.name, curve.supplied).enough("accuracy", 1.0)
        assert repr([seen.logs for seen in curve.epochs]) == repr(list(curve.supplied[:enough]))
        assert [seen.epoch for seen in curve.epochs] == list(range(enough))
        assert (curve.stopped_at, curve.error, curve.hung, curve.printed) == (None, "", False, "")
