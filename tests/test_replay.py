"""Metrics while epochs are played: put back to zero wherever somebody may have changed them."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pytest
from keras.src.backend.tensorflow.trainer import TensorFlowTrainer
from keras.src.trainers.trainer import Trainer

from grader.guest.replay import Epoch, Replay

EPOCHS = 5


@dataclass
class Flat:
    """Always the same epoch."""

    def epoch(self, number: int, *, weights: bool) -> Epoch:  # noqa: ARG002 - as a curve is asked
        return Epoch({"accuracy": 0.5, "loss": 1.0})

    def weights(self, number: int) -> list[Any]:  # noqa: ARG002
        return []

    def stopped_at_batch(self, epoch: int, batch: int) -> Epoch | None:
        raise AssertionError((epoch, batch))


class Disturbs(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes into a metric at the end of each epoch, and looks at it when the next one begins."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 - Keras's own signature
        self.found.append(float(self.model.metrics[0].total))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
        self.model.metrics[0].update_state(3.0)


@pytest.fixture
def resets(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The models whose metrics were really reset."""
    found: list[Any] = []
    real = Trainer.reset_metrics

    def counted(model: Any) -> None:
        found.append(model)
        real(model)

    monkeypatch.setattr(Trainer, "reset_metrics", counted)
    return found


def play(callback: Any, *, quiet: bool) -> Any:
    """A network after some played epochs."""
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    network.compile("sgd", "mse", metrics=["accuracy"])
    arguments = {"x": np.zeros((4, 2)), "y": np.zeros((4, 1)), "epochs": EPOCHS, "callbacks": [callback], "verbose": 0}
    arguments["validation_data"] = None
    replay = Replay(
        model=network, curve=Flat(), batches=1, validation_batches=0, every_batch=False, direct=False, quiet=quiet
    )
    replay.run(TensorFlowTrainer.fit, arguments)
    return network


def test_what_a_callback_may_have_changed_is_zero_again_when_an_epoch_begins(resets: list[Any]) -> None:
    """As in a real training."""
    callback = Disturbs()
    network = play(callback, quiet=False)
    assert callback.found == [0.0] * EPOCHS
    assert resets == [network] * EPOCHS


def test_where_nobody_looks_metrics_are_reset_once(resets: list[Any]) -> None:
    """At the beginning, since something may have been measured before."""
    network = play(keras.callbacks.Callback(), quiet=True)
    assert resets == [network]


def test_after_the_training_metrics_are_reset_as_ever(resets: list[Any]) -> None:
    """A program evaluates what it has trained, twice."""
    network = play(keras.callbacks.Callback(), quiet=True)
    x, y = np.ones((4, 2)), np.zeros((4, 1))
    assert network.evaluate(x, y, verbose=0) == network.evaluate(x, y, verbose=0)
    assert len(resets) > 1
