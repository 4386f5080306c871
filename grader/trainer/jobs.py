"""Two of the trainer's jobs: describe a network, and train one.

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

from grader.trainer.callbacks import OURS, Recorder, StopAtBatch, learning_rate
from grader.trainer.fused import fuse, fuse_optimizer
from grader.trainer.resume import (
    Late,
    Resume,
    Skip,
    StateMismatchError,
    restore,
    state_of,
    train_again,
    train_nothing,
    validated,
)
from grader.wire.channel import Channel
from grader.wire.frames import Frame
from grader.wire.recipes import cook

Array = np.ndarray[Any, Any]
STEPS_PER_EXECUTION = 25
REFERENCE_STEPS = 50


def single_thread() -> None:
    """One thread: the only setting with which a training can be repeated bit for bit."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def take_place(*, fused: bool) -> bool:
    """Whether this training is carried out on a graphics processor: where there is one, and rounding may differ.

    An exact training is Keras's own on the processor, wherever it is carried out. To be called before anything is
    computed.
    """
    visible = bool(tf.config.list_physical_devices("GPU"))
    if visible and not fused:
        tf.config.set_visible_devices([], "GPU")
    return visible and fused


def describe(message: Frame, channel: Channel) -> None:
    """Build a network and say what layers it has, of which shapes."""
    single_thread()
    take_place(fused=False)
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
    state: list[Array] = []
    try:
        # what is fused is fused for the processor; a graphics processor has its own rounding with Keras's operations
        on_gpu = take_place(fused=bool(order["fused"]))
        fused = bool(order["fused"]) and not on_gpu
        arrays = Arrays(order["arrays"], message.arrays, datasets)
        resume = read_resume(order, message.arrays)
        keras.utils.set_random_seed(int(order["seed"]))
        model = None
        for place, link in enumerate(order["chain"]):
            model = prepare_link(model, link, arrays, fused=fused)
            known = known_epochs(resume, place, link)
            recorder = None
            if link is order["chain"][-1]:
                first = int(link["fit"]["initial_epoch"]) + known
                recorder = Recorder(channel, order, link, read_test_set(order, datasets), first)
            mine = resume if resume is not None and resume.link == place else None
            rules = fit_link(model, link, arrays, recorder, known, mine)
        closing["steps_per_epoch"] = steps_per_epoch(order["chain"][-1], arrays)
        if order["keep_state"]:
            closing["state"], state = state_of(model, rules)
        if order.get("reference"):
            closing["reference_step_seconds"] = time_reference(order["reference"], fused=fused)
    except StateMismatchError as error:
        closing["mismatch"] = str(error)
    except OSError:
        raise  # a file of ours, which no network can be the cause of
    except Exception as error:  # noqa: BLE001 - Keras may raise anything for a network that does not fit its data
        closing["problem"] = sentence(error)
    channel.send({"type": "trained", **closing, "versions": versions()}, state)
    channel.receive()


def read_resume(order: dict[str, Any], arrays: tuple[Array, ...]) -> Resume | None:
    """Where the training goes on; None if it begins at its beginning."""
    known = order.get("resume")
    if known is None:
        return None
    return Resume(int(known["link"]), int(known["epochs"]), arrays[int(known["first_array"]) :], known["rules"])


def known_epochs(resume: Resume | None, place: int, link: dict[str, Any]) -> int:
    """How many epochs of a request of the chain need not be trained."""
    if resume is None or place > resume.link:
        return 0
    fit = link["fit"]
    return resume.epochs if place == resume.link else int(fit["epochs"]) - int(fit["initial_epoch"])


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


def prepare_link(model: Any, link: dict[str, Any], arrays: Arrays, *, fused: bool) -> Any:
    """The model, compiled; fresh for the first link, and compiled anew where the student did.

    With `fused` its arithmetic is not Keras's own, see `grader/trainer/fused.py`.
    """
    labels = arrays(link["y"])
    assert labels is not None
    if model is None:
        images = arrays(link["x"])
        assert images is not None
        model = build_model(link["model"], list(images.shape[1:]) if fused else None)
        if fused:
            fuse(model)
    elif not link["recompiled"]:
        return model
    config = serialization_lib.deserialize_keras_object(link["compile"])
    metrics = list(tree.flatten(config.get("metrics") or []))
    if fused:
        fuse_optimizer(config["optimizer"])
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


def fit_link(
    model: Any,
    link: dict[str, Any],
    arrays: Arrays,
    recorder: Recorder | None,
    known: int,
    resume: Resume | None,
) -> list[Any]:
    """One `fit` as the student asked for it; returns its learning-rate rules.

    Args:
        model: compiled.
        link: the request.
        arrays: gives its data.
        recorder: takes down its epochs.
        known: how many of its epochs are gone through without training.
        resume: the state after these, unless a later request has it.
    """
    fit = link["fit"]
    begin, end = int(fit["initial_epoch"]), int(fit["epochs"])
    rules = [learning_rate(item, begin) for item in link["learning_rates"]]
    callbacks, frequency = list(rules), fit["validation_freq"]
    if known:
        until = begin + known
        memories = resume.rules if resume is not None else []
        late = [Late(rule, until, dict(memories[place] if memories else {})) for place, rule in enumerate(rules)]
        callbacks = [Skip(until, resume), *late]
        frequency = validated(frequency, until, end)
        train_nothing(model)
    if link["stop_batch"] is not None:
        callbacks.append(StopAtBatch(end - 1, int(link["stop_batch"])))
    if recorder is not None:
        callbacks.append(recorder)
    validation = tuple(arrays(key) for key in link["validation"]) or None
    weights = fit["class_weight"]
    model.fit(
        arrays(link["x"]),
        arrays(link["y"]),
        sample_weight=arrays(link["sample_weight"]),
        batch_size=fit["batch_size"],
        epochs=end,
        initial_epoch=begin,
        shuffle=fit["shuffle"],
        validation_split=fit["validation_split"],
        validation_data=validation,
        validation_batch_size=fit["validation_batch_size"],
        validation_freq=frequency,
        class_weight={int(key): value for key, value in weights.items()} if weights else None,
        callbacks=callbacks,
        verbose=0,
    )
    if known >= end - begin:  # nothing of it was trained
        train_again(model)
        if resume is not None:
            restore(model, resume)
    return rules


def steps_per_epoch(link: dict[str, Any], arrays: Arrays) -> int:
    """Batches in an epoch."""
    x = arrays(link["x"])
    assert x is not None
    samples = int(len(x) * (1 - link["fit"]["validation_split"]))
    return -(-samples // int(link["fit"]["batch_size"]))


def read_test_set(order: dict[str, Any], datasets: Path) -> tuple[Array, Array] | None:
    """Test images, prepared as the training images were, and their labels; None if they are not wanted."""
    if not order.get("test"):
        return None
    arrays = Arrays(order["test"], (), datasets)
    x, y = arrays("x"), arrays("y")
    return None if x is None or y is None else (x, y)


def time_reference(reference: dict[str, Any], *, fused: bool) -> float:
    """Seconds of one step of the reference network in this process, median of three short runs."""
    model = build_model(reference["model"])
    config = serialization_lib.deserialize_keras_object(reference["compile"])
    if fused:
        fuse(model)
        fuse_optimizer(config["optimizer"])
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
