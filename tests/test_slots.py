"""An optimizer that is built when somebody asks: nobody finds a difference to one that is built at once."""

import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import pytest
from keras.src.optimizers.base_optimizer import BaseOptimizer

from grader.guest.slots import can_wait, install, put_off

Array = np.ndarray[Any, Any]


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in a guest, for one test."""
    monkeypatch.setattr(BaseOptimizer, "variables", BaseOptimizer.variables)
    install()
    yield
    del BaseOptimizer.built


def network(optimizer: Any, waits: bool) -> Any:
    """A compiled network, whose optimizer is built for it at once, or waits."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(3)
    made = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")])
    made.compile(optimizer, "sparse_categorical_crossentropy")
    if waits:
        with put_off(made.optimizer):
            made.optimizer.build(made.trainable_variables)
        assert not vars(made.optimizer)["built"]
    else:
        made.optimizer.build(made.trainable_variables)
    return made


def built(made: Any) -> bool:
    """Whether it is."""
    return bool(made.optimizer.built)


def names(made: Any) -> list[tuple[str, tuple[int, ...]]]:
    """The variables of the optimizer."""
    return [(item.path, tuple(item.shape)) for item in made.optimizer.variables]


def saved(made: Any) -> dict[str, Array]:
    """What is saved of the optimizer."""
    store: dict[str, Array] = {}
    made.optimizer.save_own_variables(store)
    return store


def reloaded(made: Any) -> list[tuple[str, tuple[int, ...]]]:
    """The optimizer of the network that comes back from a file."""
    with tempfile.TemporaryDirectory() as folder:
        made.save(f"{folder}/network.keras")
        return names(keras.models.load_model(f"{folder}/network.keras"))


def summary(made: Any) -> list[str]:
    """The printed summary, which counts the optimizer's parameters."""
    lines: list[str] = []
    made.summary(print_fn=lambda line, **_: lines.append(line))
    return lines


def step(made: Any) -> list[list[float]]:
    """The weights after a step of training."""
    made.train_on_batch(np.ones((2, 4)), np.array([0, 2]))
    return [np.asarray(value).ravel().tolist() for value in made.get_weights()]


def applied(made: Any) -> list[list[float]]:
    """The weights after a gradient that names no weights, which only a built optimizer takes."""
    made.optimizer.apply([np.ones(tuple(item.shape), np.float32) for item in made.trainable_variables])
    return [np.asarray(value).ravel().tolist() for value in made.get_weights()]


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # h5py, when Keras writes a file
@pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop"])
@pytest.mark.parametrize("look", [built, names, saved, reloaded, summary, step, applied])
def test_nobody_finds_a_difference(optimizer: str, look: Callable[[Any], Any]) -> None:
    """However they look."""
    found = [look(network(optimizer, waits)) for waits in (False, True)]
    np.testing.assert_equal(found[1], found[0])


@pytest.mark.parametrize(
    "optimizer",
    [
        keras.optimizers.Adam(use_ema=True),
        keras.optimizers.Adam(gradient_accumulation_steps=2),
        keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam()),
        type("Own", (keras.optimizers.Adam,), {"__module__": "student"})(),
        "a text",
        None,
    ],
)
def test_an_optimizer_out_of_the_ordinary_does_not_wait(optimizer: Any) -> None:
    """It may do more than its steps."""
    assert not can_wait(optimizer)
    with put_off(optimizer):
        pass


def test_an_optimizer_that_is_built_stays_so() -> None:
    """A second training goes on with what the first has made."""
    made = network("adam", waits=False)
    assert not can_wait(made.optimizer)


def test_what_was_noted_is_forgotten_once_it_is_built() -> None:
    """By whom ever."""
    made = network("adam", waits=True)
    made.optimizer.build(made.trainable_variables)
    before = made.optimizer.variables
    assert [id(item) for item in made.optimizer.variables] == [id(item) for item in before]
