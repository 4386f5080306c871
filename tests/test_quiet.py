"""Callbacks whose code shows that they leave the weights alone are called quiet; all others are not."""

import builtins
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from grader.guest.quiet import are_quiet, is_plain

Callback = keras.callbacks.Callback

QUIET = {
    "the course's own": """
class C(Callback):
    def on_epoch_end(self, epoch, logs={}):
        if logs.get("accuracy") is not None and logs.get("accuracy") >= 0.998:
            print("\\nReached 99.8% accuracy so cancelling training!")
            self.model.stop_training = True
""",
    "a threshold in __init__": """
class C(Callback):
    def __init__(self, target=0.998):
        super().__init__()
        self.target, self.seen = target, []
    def on_epoch_end(self, epoch, logs=None):
        self.seen.append(round(float(logs["accuracy"]), 4))
        if self.reached(logs):
            print(f"Reached {100 * self.target:.1f}%", len(self.seen))
            self.model.stop_training = True
    def reached(self, logs):
        return max(self.seen) >= self.target and "loss" in logs.keys()
""",
    "a class between": """
class Base(Callback):
    limit = 0.998
    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = logs["accuracy"] > self.limit
class C(Base):
    def on_train_end(self, logs=None):
        print("over")
""",
    "a constant of the module": """
DESIRED = 0.998
class C(Callback):
    def on_epoch_end(self, epoch, logs=None):
        if logs.get("acc", 0) > DESIRED:
            self.model.stop_training = True
""",
}
NOT_QUIET = {
    "evaluates": "def on_epoch_end(self, epoch, logs=None): self.model.evaluate(x, verbose=0)",
    "looks at weights": "def on_epoch_end(self, epoch, logs=None): print(self.model.weights[0])",
    "gets weights": "def on_epoch_end(self, epoch, logs=None): self.kept = self.model.get_weights()",
    "calls the model": "def on_epoch_end(self, epoch, logs=None): self.model(x)",
    "calls a global function": "def on_epoch_end(self, epoch, logs=None): helper(self)",
    "uses a global object": "def on_epoch_end(self, epoch, logs=None): print(np.mean([1.0]))",
    "changes the rate": "def on_epoch_end(self, epoch, logs=None): self.model.optimizer.learning_rate = 0.1",
    "formats an attribute": 'def on_epoch_end(self, epoch, logs=None): print("{0.weights}".format(self.model))',
    "uses getattr": 'def on_epoch_end(self, epoch, logs=None): print(getattr(self.model, "weights"))',
    "imports": "def on_epoch_end(self, epoch, logs=None):\n        import gc",
    "makes a function": "def on_epoch_end(self, epoch, logs=None): return [v for v in (lambda: [1])()]",
    "sets a global": "def on_epoch_end(self, epoch, logs=None):\n        global x\n        x = self.model",
    "reads its class": "def on_epoch_end(self, epoch, logs=None): print(self.__class__)",
    "is a static method": "@staticmethod\n    def on_epoch_end(epoch, logs=None): pass",
    "takes a default that is an object": "def on_epoch_end(self, epoch, logs=None, m=np): pass",
    "has a property": "@property\n    def rate(self): return self.model.optimizer",
    "looks everything up": "def __getattr__(self, name): raise AttributeError(name)\n    trick = np",
}


@pytest.fixture(scope="module")
def model() -> Any:
    """A small compiled network."""
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    network.compile(optimizer="sgd", loss="mse")
    return network


def make(text: str) -> Any:
    """The callback that a student's text defines as `C`."""
    names: dict[str, Any] = {"Callback": Callback, "np": np, "x": np.zeros((1, 2)), "helper": print}
    exec(text, names)  # noqa: S102 - the text is this test's own
    return names["C"]()


@pytest.mark.parametrize("name", QUIET)
def test_what_reads_logs_and_prints_is_quiet(name: str, model: Any) -> None:
    """Most callbacks of the field only look at logs."""
    assert are_quiet([make(QUIET[name])], model)


@pytest.mark.parametrize("name", NOT_QUIET)
def test_what_could_see_the_weights_is_not_quiet(name: str, model: Any) -> None:
    """One way to the weights, or to code that is not seen, is enough."""
    assert not are_quiet([make(f"class C(Callback):\n    {NOT_QUIET[name]}\n")], model)


@pytest.mark.parametrize(
    "make_one",
    [
        lambda: keras.callbacks.LambdaCallback(on_epoch_end=lambda _epoch, _logs: None),
        lambda: keras.callbacks.EarlyStopping(restore_best_weights=True),
        lambda: object(),
        lambda: keras.callbacks.ModelCheckpoint("a.keras"),
    ],
    ids=["lambda", "early stopping", "no callback", "checkpoint"],
)
def test_keras_callbacks_that_may_look_are_not_quiet(make_one: Callable[[], Any], model: Any) -> None:
    """Keras's own callbacks are quiet only if they are on the list."""
    assert not are_quiet([make_one()], model)


def test_the_history_is_quiet_and_no_callbacks_are_quiet(model: Any) -> None:
    """A `fit` without callbacks has nobody who looks."""
    assert are_quiet([], model)
    assert are_quiet([keras.callbacks.History(), keras.callbacks.TerminateOnNaN()], model)


def test_a_hook_put_on_the_object_is_not_quiet(model: Any) -> None:
    """A function among the attributes of an instance runs instead of the class's."""
    callback = make(QUIET["the course's own"])
    callback.on_epoch_end = lambda _epoch, **_: callback.model.get_weights()
    assert not are_quiet([callback], model)


def test_a_replaced_print_is_not_quiet(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A built-in function that is no longer Python's own may do anything."""
    callback = make(QUIET["the course's own"])
    monkeypatch.setattr(builtins, "print", lambda *_: None)
    assert not are_quiet([callback], model)


def test_a_closure_over_the_model_is_not_quiet(model: Any) -> None:
    """A free variable may be the model itself; a number may not."""

    def factory(value: Any) -> Any:
        class Local(Callback):  # type: ignore[misc, valid-type]
            def on_train_begin(self, logs: Any = None) -> None:
                print(value, logs)

        return Local()

    assert not are_quiet([factory(model)], model)
    assert are_quiet([factory(0.998)], model)


def test_plain_values() -> None:
    """Numbers, texts and small collections of them; nothing deep, nothing with code."""
    assert is_plain({"a": [1, 2.5, None, ("x", b"y")]})
    assert not is_plain(np.float64(1.0))
    assert not is_plain([[[[[1]]]]])
    assert not is_plain(range(3))
