"""Between two drills, callbacks are what they were: whatever they count, keep, or set."""

import copy
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras.src.backend.tensorflow.trainer import TensorFlowTrainer

from grader.cli import places
from grader.guest.quiet import are_quiet, own_classes
from grader.guest.replay import Epoch, Replay
from grader.guest.rewind import Rewind, can_be_rewound
from grader.model.assignment import load_assignment
from grader.model.submission import Cell, Source, Submission
from grader.pipeline.grade import Grading
from grader.pipeline.settings import Settings
from grader.pipeline.watch import Silent
from grader.results.folder import ResultsFolder

Callback = keras.callbacks.Callback
FIT = TensorFlowTrainer.fit
CHECKOUT = Path(__file__).parent.parent

REWOUND = {
    "the course's own": """
class C(Callback):
    def on_epoch_end(self, epoch, logs={}):
        if logs.get("accuracy") >= 0.9:
            print("Reached")
            self.model.stop_training = True
""",
    "counts in an attribute": """
class C(Callback):
    def __init__(self):
        super().__init__()
        self.seen = 0
    def on_epoch_end(self, epoch, logs=None):
        self.seen += 1
        print("seen", self.seen)
        if self.seen > 2 and logs["accuracy"] >= 0.9:
            self.model.stop_training = True
""",
    "makes an attribute at its first epoch": """
class C(Callback):
    best = None
    def on_epoch_end(self, epoch, logs=None):
        print("before", self.best)
        self.best = logs["accuracy"] if self.best is None else max(self.best, logs["accuracy"])
""",
    "keeps a list of lists": """
class C(Callback):
    def __init__(self):
        super().__init__()
        self.kept = self.again = [[], {"n": []}]
    def on_epoch_end(self, epoch, logs=None):
        self.kept[0].append(epoch)
        self.again[1]["n"].append(logs["accuracy"])
        print(self.kept, self.kept == self.again)
        self.model.stop_training = len(self.kept[0]) > 3
""",
    "a list of the class": """
class C(Callback):
    kept = []
    def on_epoch_end(self, epoch, logs=None):
        self.kept.append(epoch)
        print(self.kept)
""",
    "a list of the module": """
KEPT = []
SEEN = {}
class C(Callback):
    def on_epoch_end(self, epoch, logs=None):
        KEPT.append(epoch)
        SEEN[epoch] = logs["accuracy"]
        print(KEPT, SEEN)
""",
    "a default that grows": """
class C(Callback):
    def on_epoch_end(self, epoch, logs=None):
        print(self.keep(epoch))
    def keep(self, epoch, kept=[]):
        kept.append(epoch)
        return kept
""",
    "free variables": """
def make():
    kept, count = [], 0
    class C(Callback):
        def on_epoch_end(self, epoch, logs=None):
            nonlocal count
            count += 1
            kept.append(count)
            print(kept)
    return C
C = make()
""",
    "an attribute of its class": """
def make():
    class C(Callback):
        number = 0
        def on_epoch_end(self, epoch, logs=None):
            C.number += 1
            C.other = epoch
            print(C.number)
    return C
C = make()
""",
    "an attribute of the model": """
class C(Callback):
    def on_epoch_end(self, epoch, logs=None):
        print("best" in ["best"], epoch)
        self.model.best_so_far = logs["accuracy"]
""",
    "raises": """
class C(Callback):
    count = 0
    def on_epoch_end(self, epoch, logs=None):
        self.count += 1
        print(self.count)
        self.count / (epoch - 2)
""",
}
LEFT_TO_COPIES = {
    "a while loop": "def on_epoch_end(self, epoch, logs=None):\n        while logs: print(1)",
    "a for loop": "def on_epoch_end(self, epoch, logs=None):\n        for key in logs: print(key)",
    "another class in reach": "def on_epoch_end(self, epoch, logs=None): Other.number = 1",
}


@dataclass
class Made:
    """A made-up curve, in the place of what the grading process sends."""

    accuracies: list[float]
    asked: list[int] = field(default_factory=list)

    def epoch(self, number: int, *, weights: bool) -> Epoch:
        """One epoch of the curve."""
        assert not weights
        self.asked.append(number)
        return Epoch({"accuracy": self.accuracies[number], "loss": 1.0})

    def weights(self, number: int) -> list[Any]:
        """Nobody asks for weights in a drill."""
        raise AssertionError(number)

    def stopped_at_batch(self, epoch: int, batch: int) -> Epoch | None:
        """Nobody watches batches here."""
        raise AssertionError((epoch, batch))


@pytest.fixture(scope="module")
def model() -> Any:
    """A small compiled network."""
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    network.compile(optimizer="sgd", loss="mse", metrics=["accuracy"])
    network.optimizer.build(network.trainable_variables)
    return network


def make(text: str) -> Any:
    """The callback that a student's text defines as `C`."""
    names: dict[str, Any] = {"Callback": Callback}
    exec(text, names)  # noqa: S102 - the text is this test's own
    return names["C"]()


def play(callbacks: list[Any], model: Any, accuracies: list[float]) -> tuple[list[int], bool, str]:
    """(epochs asked for, stopped, what was raised) of one drill, without a copy of the process."""
    curve, raised = Made(accuracies), ""
    replay = Replay(
        model=model, curve=curve, batches=1, validation_batches=0, every_batch=False, direct=True, quiet=True
    )
    arguments = {
        "x": np.zeros((4, 2)),
        "y": np.zeros((4, 1)),
        "epochs": len(accuracies),
        "callbacks": callbacks,
        "verbose": 0,
    }
    try:
        replay.run(FIT, arguments)
    except ZeroDivisionError as error:
        raised = str(error)
    return curve.asked, bool(model.stop_training), raised


def state_of(callback: Any) -> Iterator[Any]:
    """All that a callback of this module can change, as values."""
    yield {name: value for name, value in vars(callback).items() if name not in ("_model", "params")}
    for owner in own_classes(type(callback)):
        yield {name: value for name, value in vars(owner).items() if not callable(value)}
        for function in [value for value in vars(owner).values() if hasattr(value, "__code__")]:
            yield function.__defaults__
            yield [cell.cell_contents for cell in function.__closure__ or () if not callable(cell.cell_contents)]
            yield [function.__globals__.get(name) for name in ("KEPT", "SEEN")]


def remembered(callback: Any) -> list[Any]:
    """The same, kept apart from what it becomes."""
    plain = [
        {name: item for name, item in value.items() if not name.startswith("__")} if isinstance(value, dict) else value
        for value in state_of(callback)
    ]
    return copy.deepcopy(plain)


@pytest.mark.parametrize("name", REWOUND)
def test_a_second_drill_meets_what_the_first_met(name: str, model: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """After `put_back` a callback does and prints what one that never saw a drill does."""
    callback, untouched = make(REWOUND[name]), make(REWOUND[name])
    assert are_quiet([callback], model)
    assert can_be_rewound([callback])
    before, of_model = remembered(callback), dict(vars(model))
    rewind = Rewind([callback], model)

    first = play([callback], model, [0.5, 0.95, 0.96, 0.97, 0.98])
    rewind.put_back()
    between = remembered(callback)
    names = dict(vars(model))
    capsys.readouterr()
    second = play([callback], model, [0.1, 0.2, 0.3, 0.95, 0.5])
    said = capsys.readouterr().out
    rewind.put_back()
    alone = play([untouched], model, [0.1, 0.2, 0.3, 0.95, 0.5])

    assert first[0]
    assert between == before == remembered(callback)
    assert names == of_model
    assert (second, said) == (alone, capsys.readouterr().out)


def test_without_putting_back_they_would_differ(model: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The states above are states that a drill changes."""
    unchanged = []
    for name, text in REWOUND.items():
        callback = make(text)
        before, of_model = remembered(callback), set(vars(model))
        play([callback], model, [0.5, 0.95, 0.96, 0.97, 0.98])
        if remembered(callback) == before and set(vars(model)) <= of_model | {"history"}:
            unchanged.append(name)
        vars(model).pop("best_so_far", None)
    capsys.readouterr()

    assert unchanged == ["the course's own"]


def test_two_names_of_one_list_stay_so(model: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Lists are put back in place."""
    callback = make(REWOUND["keeps a list of lists"])
    inner = callback.kept[0]
    rewind = Rewind([callback], model)
    play([callback], model, [0.5, 0.6])
    callback.kept = []
    rewind.put_back()
    capsys.readouterr()

    assert callback.kept is callback.again
    assert callback.kept[0] is inner
    assert inner == []


@pytest.mark.parametrize("name", LEFT_TO_COPIES)
def test_what_may_run_for_ever_is_left_to_copies(name: str, model: Any) -> None:
    """A loop in a hook would end the program; another class could hold anything."""
    text = "def make():\n    class Other(Callback): pass\n    class C(Callback):\n        "
    callback = make(text + LEFT_TO_COPIES[name].replace("\n", "\n    ") + "\n    return C\nC = make()\n")
    assert are_quiet([callback], model)
    assert not can_be_rewound([callback])


def test_keras_callbacks(model: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A History of one's own collects over several trainings; a progress bar keeps more than is seen here."""
    history = keras.callbacks.History()
    assert can_be_rewound([history, keras.callbacks.TerminateOnNaN()])
    assert not can_be_rewound([keras.callbacks.ProgbarLogger()])
    rewind = Rewind([history], model)
    play([history], model, [0.5, 0.6])
    rewind.put_back()
    assert history.history == {}
    capsys.readouterr()


def test_a_drill_draws_no_random_numbers_and_leaves_the_network(model: Any) -> None:
    """What the program does after its training is the same with drills and without."""
    callback = make(REWOUND["the course's own"])
    random.seed(5)
    np.random.seed(5)
    before = random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[index]
    weights = [value.numpy() for value in (*model.variables, *model.optimizer.variables)]
    rewind = Rewind([callback], model)
    play([callback], model, [0.5, 0.95])
    rewind.put_back()

    assert before == (random.getstate(), np.random.get_state()[1].tolist())  # type: ignore[index]
    assert all(
        np.array_equal(old, new.numpy())
        for old, new in zip(weights, (*model.variables, *model.optimizer.variables), strict=True)
    )


PLAIN = st.recursive(
    st.one_of(st.none(), st.integers(), st.text(max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=2), inner, max_size=3), st.tuples(inner, inner)
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(PLAIN, st.randoms(use_true_random=False))
def test_any_plain_value_is_put_back(value: Any, chance: random.Random) -> None:
    """Whatever is done to the containers inside."""

    class Holder:
        """Stands for a model without anything of its own."""

    callback = make(REWOUND["the course's own"])
    callback.value = value
    before = copy.deepcopy(value)
    rewind = Rewind([callback], Holder())
    spoil(value, chance)
    callback.value = 0
    rewind.put_back()

    assert callback.value is value
    assert value == before


def spoil(value: Any, chance: random.Random) -> None:
    """Change containers at all depths."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    for item in list(inside):
        spoil(item, chance)
    if isinstance(value, list):
        value[:] = chance.choice([[], [1, *value], value[1:]])
    elif isinstance(value, dict):
        value["new"] = 1
        if chance.random() < 0.5:
            value.clear()


PROGRAM = """
import contextlib, io, sys
import tensorflow as tf

class Stop(tf.keras.callbacks.Callback):
    highest = []
    def __init__(self):
        super().__init__()
        self.reached = 0
    def on_epoch_end(self, epoch, logs=None):
        LOOP
        self.highest.append(logs["accuracy"])
        if max(self.highest) >= 0.998:
            self.reached += 1
        print("reached", self.reached, "times of", len(self.highest))
        if self.reached == 2:
            self.model.stop_training = True

def train_mnist_conv():
    (x, y), _ = tf.keras.datasets.mnist.load_data()
    model = tf.keras.Sequential([tf.keras.Input((28, 28)), tf.keras.layers.Flatten(), tf.keras.layers.Dense(10)])
    model.compile("adam", "mse", metrics=["accuracy"])
    caught = io.StringIO()
    with contextlib.redirect_stdout(caught if CATCHES else sys.stdout):
        history = model.fit(x[:64], y[:64], epochs=6, verbose=0, callbacks=[Stop()])
    print("caught", caught.getvalue().count("reached"))
    return history.epoch, history.history["accuracy"][-1]
"""


@pytest.mark.sandbox
@pytest.mark.timeout(600)
@pytest.mark.parametrize("catches", [False, True], ids=["prints", "catches_what_it_prints"])
def test_drills_here_and_in_a_copy_are_the_same(tmp_path: Path, *, catches: bool) -> None:
    """The same callback, once as it is and once with a loop, for the sake of which its drills are played in copies."""
    assignment = load_assignment(CHECKOUT / "assignments/mnist_conv")
    settings = Settings(places.datasets(), tmp_path / "store", jobs=2, quick=True)
    output = ResultsFolder(tmp_path / "results")
    program = PROGRAM.replace("CATCHES", str(catches))
    programs = {"here": program.replace("LOOP", "pass"), "copies": program.replace("LOOP", "for _ in (): pass")}
    Grading(assignment, settings, output, Silent()).run(
        [
            Submission(
                student=name,
                path=f"{name}.py",
                digest=name,
                source=Source(kind="module", cells=(Cell(number=1, text=text),)),
            )
            for name, text in programs.items()
        ]
    )
    seen, said = {}, set()
    for name in programs:
        evidence = output.evidence(name)
        assert evidence is not None
        said |= {line for line in evidence.observation.stdout.splitlines() if line.startswith("caught")}
        seen[name] = [
            drill.model_dump() | {"supplied": repr(drill.supplied), "epochs": repr(drill.epochs)}
            for drill in evidence.observation.fits[0].drills
        ]

    assert len(seen["here"]) == 6
    assert any("reached 2 times of" in drill["epochs"] for drill in seen["here"]) or catches
    assert said == {"caught 6" if catches else "caught 0"}
    assert seen["here"] == seen["copies"]
