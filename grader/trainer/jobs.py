"""The trainer's two jobs: describe a network, and train one.

A training request has been walked by the grading process before it comes here: it holds only allowed classes with
allowed arguments. The trainer has no store and no files: data that ship with grader are mapped from the data folder,
other arrays come with the order, and every epoch goes back over the channel.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras.src import tree
from keras.src.models.functional import Functional
from keras.src.saving import serialization_lib

from grader.wire.channel import Channel
from grader.wire.frames import Frame
from grader.wire.recipes import cook

Array = np.ndarray[Any, Any]
STEPS_PER_EXECUTION = 25
OURS = "grader_accuracy"
REFERENCE_STEPS = 50


def single_thread() -> None:
    """One thread: the only setting with which a training can be repeated bit for bit."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def describe(message: Frame, channel: Channel) -> None:
    """Build a network and say what layers it has, of which shapes."""
    single_thread()
    keras.utils.set_random_seed(0)
    try:
        model = build_model(message.body["model"], message.body.get("input_shape"))
        body = {
            "layers": describe_layers(model, ""),
            "input_shape": shape_of(model, "input_shape"),
            "output_shape": shape_of(model, "output_shape"),
            "parameters": int(model.count_params()),
            "problem": "",
        }
    except Exception as error:  # noqa: BLE001 - whatever Keras raises for this config is the answer
        body = {"layers": [], "problem": sentence(error)}
    channel.send({"type": "description", **body})
    channel.receive()


def build_model(config: dict[str, Any], input_shape: list[int] | None = None) -> Any:
    """The network of a checked config; built for `input_shape` (without the batch axis) if it says none itself."""
    plain = {key: value for key, value in config.items() if key != "compile_config"}
    model = keras.models.model_from_json(json.dumps(plain))
    if not model.built and input_shape is not None:
        model.build((None, *input_shape))
    return model


def describe_layers(model: Any, path: str) -> list[dict[str, Any]]:
    """All layers, those of nested models after the model itself."""
    found = []
    for layer in model.layers:
        if type(layer) is keras.layers.InputLayer:
            continue
        found.append(
            {
                "name": layer.name,
                "class_name": type(layer).__name__,
                "output_shape": shape_of(layer, "output_shape"),
                "parameters": int(layer.count_params()) if layer.built else 0,
                "path": path,
            }
        )
        if isinstance(layer, keras.Sequential | Functional):
            found += describe_layers(layer, f"{path}/{layer.name}".strip("/"))
    return found


def shape_of(layer: Any, name: str) -> list[int | None] | None:
    """A layer's single input or output shape, or None."""
    try:
        shape = getattr(layer, name) if hasattr(layer, name) else getattr(layer, name.split("_")[0]).shape
    except (AttributeError, ValueError, RuntimeError):
        return None
    plain = isinstance(shape, tuple | list) and all(item is None or isinstance(item, int) for item in shape)
    return list(shape) if plain else None


def sentence(error: BaseException) -> str:
    """The first line of an error, for people."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0].strip()[:400] if lines else ''}"


def train(message: Frame, channel: Channel) -> None:
    """Train a chain of requests on one model (all but the last are parents), and stream the epochs of the last."""
    single_thread()
    order = message.body
    datasets = Path(os.environ.get("GRADER_DATASETS", "/box/datasets"))
    closing: dict[str, Any] = {"problem": ""}
    try:
        arrays = Arrays(order["arrays"], message.arrays, datasets)
        keras.utils.set_random_seed(int(order["seed"]))
        model = None
        for link in order["chain"]:
            model = prepare_link(model, link, arrays)
            last = link is order["chain"][-1]
            recorder = Recorder(channel, order, link, read_test_set(order, datasets)) if last else None
            fit_link(model, link, arrays, recorder)
        closing["steps_per_epoch"] = steps_per_epoch(order["chain"][-1], arrays)
        if order.get("reference"):
            closing["reference_step_seconds"] = time_reference(order["reference"])
    except Exception as error:  # noqa: BLE001 - Keras may raise anything for a network that does not fit its data
        closing["problem"] = sentence(error)
    channel.send({"type": "trained", **closing, "versions": versions()})
    channel.receive()


class Arrays:
    """The arrays of an order by their key."""

    def __init__(self, table: dict[str, dict[str, Any]], sent: tuple[Array, ...], datasets: Path) -> None:
        self._table, self._sent, self._datasets = table, sent, datasets

    def __call__(self, key: str | None) -> Array | None:
        """The array under `key`; None stays None."""
        if key is None:
            return None
        entry = self._table[key]
        if "sent" in entry:
            return self._sent[entry["sent"]]
        shipped = np.load(self._datasets / entry["dataset"] / f"{entry['part']}.npy", mmap_mode="r", allow_pickle=False)
        return cook(entry["part"], entry["recipe"], np.asarray(shipped), tuple(entry["shape"]))


def prepare_link(model: Any, link: dict[str, Any], arrays: Arrays) -> Any:
    """The model, compiled; fresh for the first link, and compiled anew where the student did."""
    if model is None:
        model = build_model(link["model"])
    elif not link["recompiled"]:
        return model
    config = serialization_lib.deserialize_keras_object(link["compile"])
    metrics = list(tree.flatten(config.get("metrics") or []))
    labels = arrays(link["y"])
    assert labels is not None
    model.compile(
        optimizer=config["optimizer"],
        loss=config["loss"],
        loss_weights=config.get("loss_weights"),
        metrics=[*metrics, *measuring(labels)],
        weighted_metrics=config.get("weighted_metrics"),
        steps_per_execution=1 if link["batch_logs"] else STEPS_PER_EXECUTION,
        jit_compile=False,
    )
    return model


def measuring(labels: Array) -> list[Any]:
    """Plain classification accuracy for these labels, under a name of our own."""
    if labels.ndim == 2 and labels.shape[1] > 1:
        return [keras.metrics.CategoricalAccuracy(name=OURS)]
    return [keras.metrics.SparseCategoricalAccuracy(name=OURS)]


def fit_link(model: Any, link: dict[str, Any], arrays: Arrays, recorder: "Recorder | None") -> None:
    """One `fit` as the student asked for it."""
    fit = link["fit"]
    callbacks = [learning_rate(item, int(fit["initial_epoch"])) for item in link["learning_rates"]]
    if link["stop_batch"] is not None:
        callbacks.append(StopAtBatch(int(fit["epochs"]) - 1, int(link["stop_batch"])))
    if recorder is not None:
        callbacks.append(recorder)
    validation = tuple(arrays(key) for key in link["validation"]) or None
    weights = fit["class_weight"]
    model.fit(
        arrays(link["x"]),
        arrays(link["y"]),
        sample_weight=arrays(link["sample_weight"]),
        batch_size=fit["batch_size"],
        epochs=fit["epochs"],
        initial_epoch=fit["initial_epoch"],
        shuffle=fit["shuffle"],
        validation_split=fit["validation_split"],
        validation_data=validation,
        validation_batch_size=fit["validation_batch_size"],
        validation_freq=fit["validation_freq"],
        class_weight={int(key): value for key, value in weights.items()} if weights else None,
        callbacks=callbacks,
        verbose=0,
    )


def learning_rate(item: dict[str, Any], initial_epoch: int) -> Any:
    """The callback behind a learning-rate rule."""
    if item["kind"] == "ReduceLROnPlateau":
        return keras.callbacks.ReduceLROnPlateau(**item["config"])
    table = item["table"]
    return keras.callbacks.LearningRateScheduler(lambda epoch: table[epoch - initial_epoch])


def steps_per_epoch(link: dict[str, Any], arrays: Arrays) -> int:
    """Batches in an epoch."""
    x = arrays(link["x"])
    assert x is not None
    samples = int(len(x) * (1 - link["fit"]["validation_split"]))
    return -(-samples // int(link["fit"]["batch_size"]))


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
    """Sends every epoch over the channel, and stops at the threshold or where it is told to."""

    def __init__(
        self, channel: Channel, order: dict[str, Any], link: dict[str, Any], test: tuple[Array, Array] | None
    ) -> None:
        super().__init__()
        self._test = test
        self._channel = channel
        self._threshold = order.get("threshold")
        self._keep_weights = bool(order["keep_weights"])
        self._watch = bool(link["batch_logs"])
        self._last_epoch = int(link["fit"]["epochs"]) - 1
        self._batches: list[list[float]] = []
        self._keys: list[str] = []
        self._started = 0.0
        self._current = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Start the clock."""
        self._current = epoch
        self._batches = []
        self._started = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Keep the logs of the batch; stop in mid-epoch where the student's code did."""
        if not self._watch:
            return
        plain = {key: value for key, value in logs.items() if key != OURS}
        self._keys = list(plain)
        self._batches.append([float(value) for value in plain.values()])

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Send logs, accuracy, seconds and weights."""
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


def read_test_set(order: dict[str, Any], datasets: Path) -> tuple[Array, Array] | None:
    """Test images, prepared as the training images were, and their labels; None if they are not wanted."""
    if not order.get("test"):
        return None
    arrays = Arrays(order["test"], (), datasets)
    x, y = arrays("x"), arrays("y")
    return None if x is None or y is None else (x, y)


def accuracy_on(model: Any, images: Array, labels: Array, size: int = 1000) -> float:
    """The share of images whose largest output is the label; leaves the model and its metrics as they are."""
    infer = tf.function(lambda batch: model(batch, training=False), reduce_retracing=True)
    right = 0
    for start in range(0, len(images), size):
        outputs = infer(tf.constant(images[start : start + size])).numpy()
        right += int(np.sum(np.argmax(outputs, axis=-1) == labels[start : start + size]))
    return right / len(images)


def time_reference(reference: dict[str, Any]) -> float:
    """Seconds of one step of the reference network in this process, median of three short runs."""
    model = build_model(reference["model"])
    config = serialization_lib.deserialize_keras_object(reference["compile"])
    model.compile(optimizer=config["optimizer"], loss=config["loss"], metrics=config["metrics"], jit_compile=False)
    model.steps_per_execution = STEPS_PER_EXECUTION
    rng = np.random.default_rng(0)
    x = rng.random((32 * REFERENCE_STEPS, *reference["input_shape"]), dtype=np.float32)
    y = rng.integers(0, 10, len(x))
    model.fit(x, y, epochs=1, verbose=0)
    seconds = []
    for _ in range(3):
        started = time.monotonic()
        model.fit(x, y, epochs=1, verbose=0)
        seconds.append((time.monotonic() - started) / REFERENCE_STEPS)
    return float(np.median(seconds))


def versions() -> dict[str, str]:
    """Versions that decide the result of a training."""
    return {"tensorflow": tf.__version__, "keras": keras.__version__, "numpy": np.__version__}
