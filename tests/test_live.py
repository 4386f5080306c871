"""Training that cannot be repeated outside runs in the sandbox, and earns everything but the accuracy."""

from pathlib import Path

import pytest

from grader.cli import places
from grader.model.assignment import load_assignment
from grader.model.result import Result
from grader.model.submission import Cell, Source, Submission
from grader.pipeline.grade import Grading
from grader.pipeline.settings import Settings
from grader.pipeline.watch import Silent
from grader.results.folder import ResultsFolder

CHECKOUT = Path(__file__).parent.parent
pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(600)]

HEAD = """
import tensorflow as tf

class Stop(tf.keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if logs["accuracy"] >= 0.998:
            print("\\nReached 99.8% accuracy so cancelling training!")
            self.model.stop_training = True

def network(kind, convolutions=1):
    layers = [tf.keras.Input((28, 28, 1))]
    layers += [tf.keras.layers.Conv2D(4, 3, activation="relu") for _ in range(convolutions)]
    layers += [tf.keras.layers.MaxPooling2D(2), tf.keras.layers.Flatten(), tf.keras.layers.Dense(10, activation="softmax")]
    model = kind(layers)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model

(x, y), _ = tf.keras.datasets.mnist.load_data()
x = x.reshape(60000, 28, 28, 1) / 255.0
"""
PROGRAMS = {
    "no_op_train_step": HEAD
    + """
class Mine(tf.keras.Sequential):
    def train_step(self, data):
        return {"accuracy": tf.constant(0.999), "loss": tf.constant(0.01)}

def train_mnist_conv():
    history = network(Mine).fit(x, y, epochs=15, batch_size=2000, callbacks=[Stop()])
    return history.epoch, history.history["accuracy"][-1]
""",
    "two_convolutions_live": HEAD
    + """
class Mine(tf.keras.Sequential):
    def train_step(self, data):
        return {"accuracy": tf.constant(0.999), "loss": tf.constant(0.01)}

def train_mnist_conv():
    history = network(Mine, 2).fit(x, y, epochs=15, batch_size=2000, callbacks=[Stop()])
    return history.epoch, history.history["accuracy"][-1]
""",
    "loop_of_its_own": HEAD
    + """
def train_mnist_conv():
    model = network(tf.keras.Sequential)
    for step in range(3):
        model.train_on_batch(x[:32], y[:32])
    return [0, 1, 2], 0.999
""",
    "weights_changed_by_a_callback": HEAD
    + """
class Cheat(Stop):
    def on_epoch_begin(self, epoch, logs=None):
        self.model.set_weights([w * 0 for w in self.model.get_weights()])

def train_mnist_conv():
    history = network(tf.keras.Sequential).fit(x[:64], y[:64], epochs=2, callbacks=[Cheat()])
    return history.epoch, history.history["accuracy"][-1]
""",
    "a_data_set_before_the_arrays": HEAD
    + """
def train_mnist_conv():
    model = network(tf.keras.Sequential)
    model.fit(tf.data.Dataset.from_tensor_slices((x[:64], y[:64])).batch(32), epochs=1)
    history = model.fit(x[:64], y[:64], epochs=2, callbacks=[Stop()])
    return history.epoch, history.history["accuracy"][-1]
""",
}


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """All programs, live training allowed."""
    items = [
        Submission(
            student=name, path="m.py", digest=name, source=Source(kind="module", cells=(Cell(number=1, text=text),))
        )
        for name, text in PROGRAMS.items()
    ]
    assignment = load_assignment(CHECKOUT / "assignments/mnist_conv")
    output = ResultsFolder(tmp_path_factory.mktemp("live"))
    results = Grading(assignment, Settings(places.datasets(), None, jobs=2), output, Silent()).run(items)
    return {result.student: result for result in results}


def points(result: Result) -> dict[str, float]:
    """Points by check."""
    return {verdict.id: verdict.points for verdict in result.checks}


@pytest.mark.parametrize("name", PROGRAMS)
def test_live_training_waits_for_a_person_and_earns_no_accuracy(name: str, graded: dict[str, Result]) -> None:
    """`needs_review`, and nothing for accuracy or time, whatever the program logged."""
    result = graded[name]
    assert result.needs_review
    assert result.status == "graded"
    assert points(result)["reaches_the_accuracy_within_20_epochs"] == 0.0
    assert points(result)["epoch_time_is_reasonable"] == 0.0


def test_everything_but_accuracy_can_be_earned_live(graded: dict[str, Result]) -> None:
    """Data, network, callback, message, return value and run are judged; the training is said to be live."""
    result = graded["no_op_train_step"]
    assert result.score == 7.5, [(v.id, v.points, v.message) for v in result.checks]
    assert result.training is not None
    assert result.training.source == "live"
    assert "class of its own" in result.message


def test_a_wrong_network_is_seen_live(graded: dict[str, Result]) -> None:
    """Two convolutions cost their points although the network cannot be taken out of the program."""
    verdict = next(v for v in graded["two_convolutions_live"].checks if v.id.startswith("one_convolution"))
    assert verdict.points == 0.0
    assert "two Conv2D layers" in verdict.message


def test_a_loop_of_its_own_waits_with_all_that_cannot_be_seen(graded: dict[str, Result]) -> None:
    """Without a `fit`, data and callback wait for a person; only the run has been seen."""
    result = graded["loop_of_its_own"]
    assert points(result)["train_mnist_conv_runs"] == 1.0
    waiting = {verdict.id for verdict in result.checks if verdict.message.startswith("Waits for a person")}
    assert {"images_are_reshaped_and_scaled", "callback_stops_at_the_threshold"} <= waiting


def test_a_callback_that_changes_weights_is_told(graded: dict[str, Result]) -> None:
    """Such a training is no plain data, and the reason is said."""
    assert "its callbacks change the weights" in graded["weights_changed_by_a_callback"].message


def test_what_follows_a_live_training_of_the_model_is_live(graded: dict[str, Result]) -> None:
    """Nobody outside knows from which weights it goes on."""
    result = graded["a_data_set_before_the_arrays"]
    assert result.training is not None
    assert result.training.source == "live"
    assert "trained before in a way that cannot be repeated elsewhere" in result.message
