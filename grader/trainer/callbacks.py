"""Callbacks of a training: what ends it, what changes its learning rate, and who takes down its epochs."""

import time
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from grader.wire.channel import Channel

Array = np.ndarray[Any, Any]
OURS = "grader_accuracy"
"""The metric that is measured beside the student's own."""


def learning_rate(item: dict[str, Any], initial_epoch: int) -> Any:
    """The callback behind a learning-rate rule."""
    if item["kind"] == "ReduceLROnPlateau":
        return keras.callbacks.ReduceLROnPlateau(**item["config"])
    table = item["table"]
    return keras.callbacks.LearningRateScheduler(lambda epoch: table[epoch - initial_epoch])


class StopAtBatch(keras.callbacks.Callback):
    """Ends a training in mid-epoch, where a student's batch hook did."""

    def __init__(self, epoch: int, batch: int) -> None:
        super().__init__()
        self._epoch, self._batch, self._current = epoch, batch, -1

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Know where we are."""
        self._current = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Stop after the batch."""
        if self._current == self._epoch and batch >= self._batch:
            self.model.stop_training = True


class Recorder(keras.callbacks.Callback):
    """Sends every epoch over the channel, and stops at the threshold or where it is told to.

    Args:
        channel: where epochs go.
        order: the training's order.
        link: the request that is trained.
        test: images and labels to be measured after each epoch.
        first: the first epoch to send; those before it are known.
    """

    def __init__(
        self,
        channel: Channel,
        order: dict[str, Any],
        link: dict[str, Any],
        test: tuple[Array, Array] | None,
        first: int,
    ) -> None:
        super().__init__()
        self._test = test
        self._channel = channel
        self._threshold = order.get("threshold")
        self._keep_weights = bool(order["keep_weights"])
        self._watch = bool(link["batch_logs"])
        self._last_epoch = int(link["fit"]["epochs"]) - 1
        self._first = first
        self._batches: list[list[float]] = []
        self._keys: list[str] = []
        self._started = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Start the clock."""
        self._batches = []
        self._started = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Keep the logs of the batch."""
        if not self._watch:
            return
        plain = {key: value for key, value in (logs or {}).items() if key != OURS}
        self._keys = list(plain)
        self._batches.append([float(value) for value in plain.values()])

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Send logs, accuracy, seconds and weights."""
        if epoch < self._first:
            return
        seconds = time.monotonic() - self._started
        accuracy = logs.get(OURS)
        body = {
            "type": "epoch",
            "epoch": epoch,
            "logs": {key: float(value) for key, value in logs.items() if OURS not in key},
            "accuracy": None if accuracy is None else float(accuracy),
            "test_accuracy": None if self._test is None else accuracy_on(self.model, *self._test),
            "seconds": seconds,
            "batch_keys": self._keys,
        }
        if self._threshold is not None and accuracy is not None and accuracy >= self._threshold:
            self.model.stop_training = True
        arrays: list[Array] = [np.array(self._batches, np.float32)] if self._keys else []
        if self._keep_weights or epoch == self._last_epoch or self.model.stop_training:
            arrays += [variable.numpy() for variable in self.model.weights]
        self._channel.send(body, arrays)


def accuracy_on(model: Any, images: Array, labels: Array, size: int = 1000) -> float:
    """The share of images whose largest output is the label; leaves the model and its metrics as they are."""
    infer = tf.function(lambda batch: model(batch, training=False), reduce_retracing=True)
    right = 0
    for start in range(0, len(images), size):
        outputs = infer(tf.constant(images[start : start + size])).numpy()
        right += int(np.sum(np.argmax(outputs, axis=-1) == labels[start : start + size]))
    return right / len(images)
