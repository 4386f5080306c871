"""Going on with a training where it ended before, to the last bit as if it had never been interrupted.

What a training is at the end of an epoch: the variables of its model, those of its optimizer, what its learning-rate
rules remember, and how far its random numbers are. The first three are kept. Random numbers inside of the model come
from variables of it. The order of the images is TensorFlow's, from a state that nobody can read; so the epochs that are
known are gone through without training: of each, the order is drawn and thrown away. With Keras 3.15 and TensorFlow 2.21
every epoch begins anew from the seed and has the same order, so that nothing depends on it; nobody promises that.
"""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

Array = np.ndarray[Any, Any]
MOST_BYTES = 256 * 2**20
REMEMBERED = ("best", "wait", "cooldown_counter")
"""What ReduceLROnPlateau remembers; a table of rates remembers nothing."""


class StateMismatchError(Exception):
    """A kept state is not one of this training: it has to be trained from the start."""


@dataclass(frozen=True)
class Resume:
    """Where a training goes on."""

    link: int
    """The place in the chain of requests."""
    epochs: int
    """How many epochs of that request are known."""
    arrays: tuple[Array, ...]
    rules: list[dict[str, float]]


def state_of(model: Any, rules: list[Any]) -> tuple[dict[str, Any], list[Array]]:
    """(what stands beside them, arrays) of a training at the end of an epoch; no arrays where it cannot be kept."""
    variables = [*model.variables, *model.optimizer.variables]
    size = sum(int(np.prod(variable.shape)) * 4 for variable in variables)
    if size > MOST_BYTES or model.optimizer.use_ema:  # Keras puts averages in place of weights at the end
        return {}, []
    memory = [
        {name: float(getattr(rule, name)) for name in REMEMBERED if getattr(rule, name, None) is not None}
        for rule in rules
    ]
    return {"rules": memory}, [np.asarray(variable.numpy()) for variable in variables]


def restore(model: Any, resume: Resume) -> None:
    """Set a model and its optimizer as they were. Raises StateMismatchError."""
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    variables = [*model.variables, *model.optimizer.variables]
    shapes = [tuple(variable.shape) for variable in variables], [tuple(array.shape) for array in resume.arrays]
    if shapes[0] != shapes[1]:
        raise StateMismatchError(f"its variables are of the shapes {shapes[1]}, those of the model {shapes[0]}"[:400])
    for variable, array in zip(variables, resume.arrays, strict=True):
        variable.assign(array)


class Skip(keras.callbacks.Callback):
    """Lets the epochs before `until` go by untrained; then restores the state, if there is one to go on from.

    Args:
        until: the first epoch that is trained.
        resume: the state at its beginning; None where a later request of the chain has it.
    """

    def __init__(self, until: int, resume: Resume | None) -> None:
        super().__init__()
        self._until, self._resume = until, resume

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Train from here on."""
        if epoch == self._until and self._resume is not None:
            restore(self.model, self._resume)
            train_again(self.model)
            self.model.make_train_function()


def train_nothing(model: Any) -> None:
    """Let epochs of a model go by untrained, until `train_again`."""
    model.train_function = drawing
    model._get_metrics_result_or_logs = dict  # metrics that have seen nothing have no result


def train_again(model: Any) -> None:
    """Undo `train_nothing`."""
    model.train_function = None
    vars(model).pop("_get_metrics_result_or_logs", None)


@tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
def draw(iterator: Any) -> Any:
    """Take a batch away."""
    return iterator.get_next_as_optional().has_value()


def drawing(iterator: Any) -> dict[str, float]:
    """In place of a train function."""
    draw(iterator)
    return {}


class Late(keras.callbacks.Callback):
    """A learning-rate rule that begins at an epoch, with what it remembers of those before.

    Args:
        rule: the callback.
        until: the first epoch that it hears of.
        memory: see `REMEMBERED`.
    """

    def __init__(self, rule: Any, until: int, memory: dict[str, float]) -> None:
        super().__init__()
        self._rule, self._until, self._memory = rule, until, memory

    def set_model(self, model: Any) -> None:
        """Hand on."""
        super().set_model(model)
        self._rule.set_model(model)

    def on_train_begin(self, logs: Any = None) -> None:
        """Remember."""
        self._rule.on_train_begin(logs)
        for name in REMEMBERED:
            if name in self._memory:
                value = self._memory[name]
                setattr(self._rule, name, value if name == "best" else int(value))

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Hand on what is trained."""
        if epoch >= self._until:
            self._rule.on_epoch_begin(epoch, logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Hand on what is trained."""
        if epoch >= self._until:
            self._rule.on_epoch_end(epoch, logs)


def validated(frequency: int | list[int], until: int, epochs: int) -> list[int]:
    """The epochs from `until` to before `epochs` after which held-out data are measured, counted from 1 as Keras does."""
    numbers = range(until + 1, epochs + 1)
    if isinstance(frequency, int):
        return [number for number in numbers if number % frequency == 0]
    return [number for number in numbers if number in frequency]
