"""Describe a call of `fit` as data, or say why that cannot be done."""

import hashlib
import inspect
import json
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from keras.src import tree
from keras.src.models.functional import Functional
from keras.src.trainers import data_adapters
from keras.src.trainers.data_adapters import array_slicing, data_adapter_utils

from grader.wire.recipes import as_fed, content_digest

Array = np.ndarray[Any, Any]
BATCH_HOOKS = ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")
TEST_HOOKS = ("on_test_batch_begin", "on_test_batch_end")


class CannotCaptureError(Exception):
    """This training cannot be described as data; the message says why, in words for the student."""


@dataclass
class Captured:
    """One call of `fit`: the request as JSON, and the arrays that it refers to by digest."""

    body: dict[str, Any]
    arrays: dict[str, Array] = field(default_factory=dict)
    batches: int = 0
    validation_batches: int = 0


def capture_fit(model: Any, arguments: dict[str, Any]) -> Captured:
    """Return what `model.fit(**arguments)` asks for; raise what Keras would raise for arguments that do not fit.

    Raises CannotCaptureError for a model, data or callbacks that are not plain data.
    """
    model._assert_compile_called("fit")
    refuse_unusual(model, arguments)
    x, y, weight = arguments["x"], arguments["y"], arguments["sample_weight"]
    split, validation = arguments["validation_split"], arguments["validation_data"]
    x, y, weight = (numbers(value) for value in (x, y, weight))
    captured = Captured({})
    refer = Referrer(captured.arrays)
    data: dict[str, Any] = {"x": refer(x, "x"), "y": refer(y, "y"), "sample_weight": refer(weight, "sample_weight")}
    train, held_out = (x, y, weight), None
    if split and validation is None:
        train, held_out = array_slicing.train_validation_split((x, y, weight), validation_split=split)
    elif validation is not None:
        held_out = tuple(numbers(value) for value in data_adapter_utils.unpack_x_y_sample_weight(validation))
        data["validation"] = [refer(value, "validation_data") for value in held_out if value is not None]
    adapter = adapt(train, arguments)
    captured.batches = int(adapter.num_batches)
    if held_out is not None:
        batch_size = arguments["validation_batch_size"] or arguments["batch_size"] or 32
        captured.validation_batches = -(-len(held_out[0]) // batch_size)
    build(model, train)
    callbacks = list_callbacks(arguments["callbacks"])
    captured.body = {
        "model": json.loads(model.to_json()),
        "compile": compile_config(model),
        "data": data,
        "fit": fit_settings(arguments),
        "learning_rates": learning_rates(model, callbacks, arguments),
        "callbacks": [type(callback).__name__[:80] for callback in callbacks],
        "log_keys": log_keys(model, held_out is not None),
        "batches": captured.batches,
        "validation_batches": captured.validation_batches,
        "batch_hooks": watches_batches(callbacks),
        "layers": claimed_layers(model),
    }
    return captured


def refuse_unusual(model: Any, arguments: dict[str, Any]) -> None:
    """Raise CannotCaptureError for what cannot be trained outside."""
    if type(model) not in (keras.Sequential, Functional):
        raise CannotCaptureError(f"the model is of a class of its own ({type(model).__name__})")
    own = [layer for layer in model._flatten_layers(include_self=False) if not type(layer).__module__.startswith("keras.")]
    if own:
        raise CannotCaptureError(f"the layer {own[0].name} is of a class of its own ({type(own[0]).__name__})")
    for name in ("train_step", "compute_loss", "call", "compute_metrics"):
        if name in vars(model):
            raise CannotCaptureError(f"the model's {name} was replaced")
    if arguments["steps_per_epoch"] is not None or arguments["validation_steps"] is not None:
        raise CannotCaptureError("fit is called with a number of steps")
    if not isinstance(model.optimizer, keras.optimizers.Optimizer):
        raise CannotCaptureError("the optimizer is of a class of its own")


def numbers(value: Any) -> Array | None:
    """The array behind `value` (NumPy array or eager tensor, list of numbers); None stays None."""
    if value is None or isinstance(value, np.ndarray):
        array = value
    elif hasattr(value, "numpy") and not hasattr(value, "element_spec"):
        array = np.asarray(value.numpy())
    elif hasattr(value, "to_numpy"):
        array = np.asarray(value.to_numpy())
    else:
        raise CannotCaptureError(f"the data is a {type(value).__name__}, not an array")
    if array is not None and array.dtype.kind not in "biuf":
        raise CannotCaptureError(f"the data has the dtype {array.dtype}")
    return array


class Referrer:
    """Names arrays by content, and keeps them for the case that they are asked for."""

    def __init__(self, arrays: dict[str, Array]) -> None:
        self._arrays = arrays

    def __call__(self, array: Array | None, role: str) -> dict[str, Any] | None:
        """The reference to an array as Keras would feed it; `role` is part of no digest."""
        if array is None:
            return None
        fed = as_fed(array)
        digest = content_digest(fed)
        self._arrays[digest] = fed
        return {"digest": digest, "dtype": str(fed.dtype), "shape": list(fed.shape), "original_dtype": str(array.dtype)}


def adapt(train: tuple[Any, Any, Any], arguments: dict[str, Any]) -> Any:
    """Keras's own data adapter: it raises for lengths that differ and for weights given twice."""
    x, y, weight = train
    return data_adapters.get_data_adapter(
        x=x,
        y=y,
        sample_weight=weight,
        batch_size=arguments["batch_size"],
        steps_per_epoch=None,
        shuffle=arguments["shuffle"],
        class_weight=arguments["class_weight"],
    )


def build(model: Any, train: tuple[Any, Any, Any]) -> None:
    """Build model, loss, metrics and optimizer on symbolic batches, as the first step of a real training would."""
    def symbolic(array: Any) -> Any:
        return None if array is None else keras.KerasTensor((None, *array.shape[1:]), dtype=str(array.dtype))

    x, y, weight = train
    model._symbolic_build(data_batch=tuple(symbolic(array) for array in (x, y, weight)))


def compile_config(model: Any) -> dict[str, Any]:
    """Optimizer, loss and metrics as JSON."""
    try:
        config = json.loads(json.dumps(model.get_compile_config()))
    except (TypeError, ValueError) as error:
        raise CannotCaptureError(f"the arguments of compile are no plain data ({error})") from None
    return dict(config)


def fit_settings(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments of `fit` that are numbers."""
    frequency = arguments["validation_freq"]
    weights = arguments["class_weight"]
    return {
        "batch_size": int(arguments["batch_size"] or 32),
        "epochs": int(arguments["epochs"]),
        "initial_epoch": int(arguments["initial_epoch"]),
        "shuffle": bool(arguments["shuffle"]),
        "validation_split": float(arguments["validation_split"] or 0.0),
        "validation_batch_size": arguments["validation_batch_size"] and int(arguments["validation_batch_size"]),
        "validation_freq": list(frequency) if isinstance(frequency, list | tuple) else int(frequency),
        "class_weight": {str(int(key)): float(value) for key, value in weights.items()} if weights else None,
    }


def list_callbacks(callbacks: Any) -> list[Any]:
    """The callbacks as Keras would flatten them."""
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return list(callbacks.callbacks)
    return list(tree.flatten(callbacks)) if callbacks else []


def own_callbacks(callbacks: list[Any]) -> list[Any]:
    """Callbacks that are not Keras's own History and progress bar."""
    internal = (keras.callbacks.History, keras.callbacks.ProgbarLogger)
    return [callback for callback in callbacks if type(callback) not in internal]


def watches_batches(callbacks: list[Any]) -> bool:
    """True if a callback overrides a hook that is called for each batch."""
    return any(
        not keras.src.utils.is_default(getattr(callback, hook))
        for callback in own_callbacks(callbacks)
        for hook in (*BATCH_HOOKS, *TEST_HOOKS)
        if hasattr(callback, hook)
    )


def learning_rates(model: Any, callbacks: list[Any], arguments: dict[str, Any]) -> list[dict[str, Any]]:
    """Learning-rate callbacks as data: a plateau rule by its numbers, a schedule of the epoch as a table."""
    found = []
    for callback in callbacks:
        if type(callback) is keras.callbacks.ReduceLROnPlateau:
            names = ("monitor", "factor", "patience", "mode", "min_delta", "cooldown", "min_lr")
            found.append({"kind": "ReduceLROnPlateau", "config": {name: getattr(callback, name) for name in names}})
        elif type(callback) is keras.callbacks.LearningRateScheduler:
            found.append({"kind": "table", "table": tabulate(model, callback.schedule, arguments)})
    return found


def tabulate(model: Any, schedule: Any, arguments: dict[str, Any]) -> list[float]:
    """The rate at each epoch that a schedule gives."""
    rate = float(np.array(model.optimizer.learning_rate))
    table = []
    for epoch in range(int(arguments["initial_epoch"]), min(int(arguments["epochs"]), 1000)):
        try:
            rate = float(schedule(epoch, rate))
        except TypeError:
            rate = float(schedule(epoch))
        table.append(rate)
    return table


def log_keys(model: Any, validation: bool) -> list[str]:
    """Keys that Keras will log, in its order."""
    keys = list(model.get_metrics_result())
    return keys + [f"val_{key}" for key in keys] if validation else keys


def claimed_layers(model: Any) -> list[dict[str, Any]]:
    """Names and shapes of the layers as the guest sees them: for the record only."""
    layers = []
    for layer in model.layers[:200]:
        shape = getattr(getattr(layer, "output", None), "shape", None) if layer.built else None
        layers.append({"name": layer.name[:80], "class": type(layer).__name__[:80], "output_shape": shape and list(shape)})
    return layers


def bind_fit(function: Any, args: tuple[Any, ...], keywords: dict[str, Any]) -> dict[str, Any]:
    """All arguments of a call of `fit` by name; TypeError as Python raises it for a wrong call."""
    bound = inspect.signature(function).bind(*args, **keywords)
    bound.apply_defaults()
    arguments = dict(bound.arguments)
    arguments.pop("self", None)
    return arguments


def weights_digest(model: Any) -> str:
    """SHA-256 over all weights, to see whether a callback changed them."""
    digest = hashlib.sha256()
    for variable in model.weights:
        digest.update(np.ascontiguousarray(variable.numpy()).tobytes())
    return digest.hexdigest()
