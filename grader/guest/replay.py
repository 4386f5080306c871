"""Play epochs to the student's callbacks through Keras's own `fit`.

Theory of operation. Keras's loop stays as it is: it creates the callback list, calls every hook in its order, honours
`stop_training` where Keras does, and returns the model's `History`. Only five things are replaced while it runs:

- the epoch iterator yields step numbers instead of batches (all steps if a callback watches batches, else the last);
- the train function gives the logs of the step instead of training, and at the last step sets the epoch's weights;
- the metrics at the end of an epoch, and of its validation, are those that were supplied;
- metrics that nobody can have changed are not put back to zero before each epoch;
- `evaluate` inside the loop (validation) runs the same way; any other `evaluate` or `predict` is the real one.

Where the epochs come from is the business of a `Curve`: the grading process sends them one at a time.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import keras
import numpy as np
from keras.src.backend.tensorflow import trainer as keras_trainer
from keras.src.trainers.trainer import Trainer
from xxhash import xxh3_128

Logs = dict[str, float]


@dataclass
class Epoch:
    """What one epoch supplies."""

    logs: Logs
    batches: list[Logs] = field(default_factory=list)
    """Logs after each batch, if batches are watched."""
    weights: list[np.ndarray[Any, Any]] = field(default_factory=list)
    """Weights at the end of the epoch, in the order of `model.weights`; empty if they stay as they are."""
    seconds: float = 0.0
    """How long it took where it was trained."""


class Curve(Protocol):
    """Supplies epochs in order."""

    def epoch(self, number: int, *, weights: bool) -> Epoch:
        """The epoch with this number, counted from 0; without its weights if they are not wanted yet."""

    def weights(self, number: int) -> list[np.ndarray[Any, Any]]:
        """The weights at the end of an epoch that came without them."""

    def stopped_at_batch(self, epoch: int, batch: int) -> Epoch | None:
        """A batch hook stopped the training here: the logs and weights of that moment, if they are known."""


class Steps:
    """Stands for Keras's epoch iterator: it counts steps and holds no data."""

    def __init__(self, batches: int, every: bool) -> None:
        self.num_batches = batches
        self._every = every
        self.data_adapter = None

    def reset(self) -> None:
        """Begin again (Keras calls this before the first epoch)."""

    def __iter__(self) -> Iterator[tuple[int, int, int]]:
        first = 0 if self._every else max(self.num_batches - 1, 0)
        for step in range(first, self.num_batches):
            yield step, step, step

    @contextlib.contextmanager
    def catch_stop_iteration(self) -> Iterator[None]:
        """Nothing runs out of data here."""
        yield


@dataclass
class Replay:
    """One `fit` that is played instead of trained."""

    model: Any
    curve: Curve
    batches: int
    validation_batches: int
    every_batch: bool
    direct: bool = False
    """Serve `evaluate` and `predict` by direct calls of the model: in a forked process `tf.data` would hang."""
    quiet: bool = False
    """No callback looks at the weights: they are set once, when the training is over."""
    elapse: Callable[[float], None] = lambda _: None
    """Lets the seconds of an epoch pass on the program's clock."""
    number: int = -1
    current: Epoch | None = None
    validating: bool = False
    inside_other: int = 0
    last_step: int = 0
    owed_epoch: int | None = None
    owed_steps: int = 0
    ends: dict[str, int] = field(default_factory=dict)
    """The epochs whose weights were set, by the digest of these."""

    def run(self, original_fit: Callable[..., Any], arguments: dict[str, Any]) -> Any:
        """Return the History that `original_fit` returns when it is played this curve."""
        arguments = {**arguments, "validation_split": 0.0}
        if self.validation_batches and arguments["validation_data"] is None:
            arguments["validation_data"] = (np.zeros((1, 1)), np.zeros((1,)))
        with self.patched():
            try:
                return original_fit(self.model, **arguments)
            finally:
                self.settle()
                self.model.train_function = None
                self.model.test_function = None

    def begin_epoch(self, number: int) -> None:
        """Fetch the epoch that Keras is about to train."""
        self.number = number
        self.current = self.curve.epoch(number, weights=not self.quiet)

    def train_step(self, step: int) -> Logs:
        """Logs after a step; the epoch's weights are in place once its last step is over."""
        assert self.current is not None
        self.last_step = step
        if step == self.batches - 1:
            if self.quiet:
                self.owed_epoch = self.number
                self.owed_steps += self.batches
            else:
                self.set_weights(self.current.weights, self.batches, self.number)
        return dict(self.current.batches[step] if step < len(self.current.batches) else self._train_logs())

    def metrics(self) -> Logs:
        """Metrics at the end of the epoch, or of its validation."""
        assert self.current is not None
        if self.validating:
            return {key[4:]: value for key, value in self.current.logs.items() if key.startswith("val_")}
        if self.last_step < self.batches - 1:
            self.current = self.curve.stopped_at_batch(self.number, self.last_step) or self._cut_short()
            self.set_weights(self.current.weights, self.last_step + 1)
        return self._train_logs()

    def _cut_short(self) -> Epoch:
        """An epoch that ended at the last step seen, with the logs of that step."""
        assert self.current is not None
        seen = self.current.batches[self.last_step] if self.last_step < len(self.current.batches) else {}
        return Epoch({**self.current.logs, **seen})

    def _train_logs(self) -> Logs:
        assert self.current is not None
        return {key: value for key, value in self.current.logs.items() if not key.startswith("val_")}

    def settle(self) -> None:
        """Set the weights that were left out, once nobody can look at those in between."""
        if self.owed_epoch is not None and not self.direct:
            self.set_weights(self.curve.weights(self.owed_epoch), self.owed_steps, self.owed_epoch)
        self.owed_epoch = None

    def set_weights(self, weights: list[np.ndarray[Any, Any]], steps: int, epoch: int | None = None) -> None:
        """Put weights into the model, and count the optimizer's steps; note of which whole epoch they are."""
        if weights and epoch is not None:
            self.ends[weights_digest(weights)] = epoch
        for variable, value in zip(self.model.weights, weights, strict=False):
            if tuple(variable.shape) == value.shape:
                variable.assign(value)
        if weights:
            self.model.optimizer.iterations.assign_add(steps)

    @contextlib.contextmanager
    def patched(self) -> Iterator[None]:
        """Replace what would train, for this model only, as long as its `fit` runs."""
        replay = self
        trainer = keras_trainer.TensorFlowTrainer
        real_iterator, real_metrics = keras_trainer.TFEpochIterator, Trainer._get_metrics_result_or_logs
        real_train, real_test = trainer.make_train_function, trainer.make_test_function
        real_evaluate, real_predict = trainer.evaluate, trainer.predict
        callback_list = keras.callbacks.CallbackList
        real_epoch_begin, real_reset = callback_list.on_epoch_begin, Trainer.reset_metrics

        def mine(model: Any) -> bool:
            return model is replay.model and not replay.inside_other

        def iterator(*args: Any, **keywords: Any) -> Any:
            if replay.inside_other:
                return real_iterator(*args, **keywords)
            if (
                keywords.get("shuffle") is False
                and hasattr(replay.model, "_eval_epoch_iterator")
                and replay.number >= 0
            ):
                return Steps(replay.validation_batches, replay.every_batch)
            return Steps(replay.batches, replay.every_batch)

        def make_train_function(model: Any, force: bool = False) -> Any:
            if not mine(model):
                return real_train(model, force)
            model.train_function = replay.train_step
            return model.train_function

        def make_test_function(model: Any, force: bool = False) -> Any:
            if not (mine(model) and replay.validating):
                return real_test(model, force)
            model.test_function = lambda _step: replay.metrics()
            return model.test_function

        def metrics_or_logs(model: Any, logs: Any) -> Any:
            return replay.metrics() if mine(model) else real_metrics(model, logs)

        def evaluate(model: Any, *args: Any, **keywords: Any) -> Any:
            if keywords.get("_use_cached_eval_dataset") and mine(model):
                replay.validating = True
                try:
                    return real_evaluate(model, *args, **keywords)
                finally:
                    replay.validating = False
            with replay.other():
                return real_evaluate(model, *args, **keywords)

        def predict(model: Any, *args: Any, **keywords: Any) -> Any:
            with replay.other():
                return real_predict(model, *args, **keywords)

        def on_epoch_begin(callbacks: Any, epoch: int, logs: Any = None) -> None:
            if not replay.inside_other:
                replay.begin_epoch(epoch)
            real_epoch_begin(callbacks, epoch, logs)
            if not replay.inside_other and replay.current is not None:
                replay.elapse(replay.current.seconds)

        def reset_metrics(model: Any) -> None:
            if not (mine(model) and replay.quiet and replay.number >= 0):
                real_reset(model)

        if self.direct:
            evaluate, predict = direct_evaluate(evaluate), direct_predict
        changes: list[tuple[Any, str, Any]] = [
            (keras_trainer, "TFEpochIterator", iterator),
            (Trainer, "_get_metrics_result_or_logs", metrics_or_logs),
            (Trainer, "reset_metrics", reset_metrics),
            (trainer, "make_train_function", make_train_function),
            (trainer, "make_test_function", make_test_function),
            (trainer, "evaluate", evaluate),
            (trainer, "predict", predict),
            (callback_list, "on_epoch_begin", on_epoch_begin),
        ]
        with exchanged(changes):
            yield

    @contextlib.contextmanager
    def other(self) -> Iterator[None]:
        """Inside a real `evaluate` or `predict` that a callback called."""
        self.inside_other += 1
        train_function = self.model.train_function
        test_function, self.model.test_function = self.model.test_function, None
        try:
            yield
        finally:
            self.inside_other -= 1
            self.model.train_function = train_function
            self.model.test_function = test_function


@contextlib.contextmanager
def exchanged(changes: list[tuple[Any, str, Any]]) -> Iterator[None]:
    """Put other values in the place of attributes, (owner, name, value) each, and put back what was there."""
    saved = [(owner, name, getattr(owner, name)) for owner, name, _ in changes]
    try:
        for owner, name, value in changes:
            setattr(owner, name, value)
        yield
    finally:
        for owner, name, value in saved:
            setattr(owner, name, value)


def weights_digest(weights: list[np.ndarray[Any, Any]]) -> str:
    """XXH3 over the weights of a model: to know those again that were set."""
    digest = xxh3_128()
    for array in weights:
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def direct_predict(model: Any, x: Any, batch_size: int | None = None, **_: Any) -> Any:
    """`predict` by direct calls, a batch at a time; returns the same array."""
    size = batch_size or 32
    x = np.asarray(x)
    parts = [np.asarray(model(x[start : start + size], training=False)) for start in range(0, len(x), size)]
    return np.concatenate(parts) if parts else np.zeros((0,))


def direct_evaluate(validation: Callable[..., Any]) -> Callable[..., Any]:
    """`evaluate` by direct steps on batches, except for the validation inside `fit`, which stays played."""

    def evaluate(model: Any, x: Any = None, y: Any = None, **keywords: Any) -> Any:
        if keywords.get("_use_cached_eval_dataset"):
            return validation(model, x=x, y=y, **keywords)
        size = keywords.get("batch_size") or 32
        model.reset_metrics()
        logs: Any = {}
        for start in range(0, len(x), size):
            logs = model.test_step((x[start : start + size], y[start : start + size]))
        values = {key: float(np.asarray(value)) for key, value in dict(logs).items()}
        return values if keywords.get("return_dict") else list(values.values())

    return evaluate
