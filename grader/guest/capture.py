"""Describe a call of `fit` as data, or say why that cannot be done."""

import contextlib
import inspect
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from blake3 import blake3
from keras.src import tree
from keras.src.models.functional import Functional
from keras.src.trainers import data_adapters
from keras.src.trainers.data_adapters import array_slicing, data_adapter_utils

from grader.guest.build import build
from grader.guest.quiet import are_quiet
from grader.guest.rewind import Rewind, can_be_rewound
from grader.wire.recipes import NOTHING_KNOWN, as_fed, digest_as_fed

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
    state: tuple[str, float] | None = None
    """Weights and learning rate before any drill."""
    quiet: bool = False
    """No callback looks at the weights or changes them."""
    rewind: Rewind | None = None
    """Puts back what a drill changes, where callbacks can be played to in this process."""


def capture_fit(model: Any, arguments: dict[str, Any], known: Mapping[str, str] = NOTHING_KNOWN) -> Captured:
    """Return what `model.fit(**arguments)` asks for; raise what Keras would raise for arguments that do not fit.

    A model or callbacks that are no plain data leave a reason under `refused`: such a training can be rehearsed, but
    not carried out elsewhere. Raises CannotCaptureError if not even the data are arrays.

    Args:
        model: compiled.
        arguments: of `fit`, all by name.
        known: digests of the shipped images by `grader.wire.recipes.fingerprint`.
    """
    model._assert_compile_called("fit")
    if arguments["steps_per_epoch"] is not None or arguments["validation_steps"] is not None:
        raise CannotCaptureError("fit is called with a number of steps")
    captured = Captured({})
    data, train, held_out = read_data(arguments, Referrer(captured.arrays, known))
    captured.batches = int(adapt(train, arguments).num_batches)
    if held_out is not None:
        batch_size = arguments["validation_batch_size"] or arguments["batch_size"] or 32
        captured.validation_batches = -(-len(held_out[0]) // batch_size)
    callbacks = list_callbacks(arguments["callbacks"])
    captured.body = {
        "data": data,
        "fit": fit_settings(arguments),
        "callbacks": [type(callback).__name__[:80] for callback in callbacks],
        "batches": captured.batches,
        "validation_batches": captured.validation_batches,
        "batch_hooks": watches_batches(callbacks),
        **describe_model(model, train, callbacks, arguments),
    }
    averages = bool(getattr(model.optimizer, "use_ema", False))
    captured.quiet = not captured.body["batch_hooks"] and not averages and are_quiet(callbacks, model)
    keys = log_keys(model)
    captured.body["log_keys"] = keys + ([f"val_{key}" for key in keys] if held_out is not None else [])
    captured.body["layers"] = claimed_layers(model)
    if captured.quiet and not captured.body["refused"] and can_be_rewound(callbacks):
        captured.rewind = Rewind(callbacks, model)
    return captured


def read_data(arguments: dict[str, Any], refer: "Referrer") -> tuple[dict[str, Any], Any, Any]:
    """(references to all arrays, what is trained on, what is held out for validation or None)."""
    x, y, weight = (numbers(arguments[name]) for name in ("x", "y", "sample_weight"))
    split, validation = arguments["validation_split"], arguments["validation_data"]
    data: dict[str, Any] = {"x": refer(x), "y": refer(y), "sample_weight": refer(weight)}
    if data["x"] is None or data["y"] is None:
        raise CannotCaptureError("fit is called without images or without labels")
    train, held_out = (x, y, weight), None
    if split and validation is None:
        train, held_out = array_slicing.train_validation_split((x, y, weight), validation_split=split)
    elif validation is not None:
        held_out = tuple(numbers(value) for value in data_adapter_utils.unpack_x_y_sample_weight(validation))
        data["validation"] = [refer(value) for value in held_out if value is not None]
    return data, train, held_out


def describe_model(model: Any, train: Any, callbacks: list[Any], arguments: dict[str, Any]) -> dict[str, Any]:
    """The network and its compilation as JSON, or why they are none."""
    empty: dict[str, Any] = {"model": None, "compile": None, "learning_rates": []}
    try:
        refuse_unusual(model)
    except CannotCaptureError as error:
        with contextlib.suppress(Exception):
            build(model, train)
        return {**empty, "refused": str(error)}
    build(model, train)
    try:
        return {
            "model": json.loads(model.to_json()),
            "compile": compile_config(model),
            "learning_rates": learning_rates(model, callbacks, arguments),
            "refused": "",
        }
    except (CannotCaptureError, TypeError, ValueError, NotImplementedError) as error:
        words = (str(error).splitlines() or [type(error).__name__])[0]
        return {**empty, "refused": f"it cannot be written down as data ({words[:200]})"}


def refuse_unusual(model: Any) -> None:
    """Raise CannotCaptureError for what cannot be trained outside."""
    if type(model) not in (keras.Sequential, Functional):
        raise CannotCaptureError(f"the model is of a class of its own ({type(model).__name__})")
    own = [
        layer for layer in model._flatten_layers(include_self=False) if not type(layer).__module__.startswith("keras.")
    ]
    if own:
        raise CannotCaptureError(f"the layer {own[0].name} is of a class of its own ({type(own[0]).__name__})")
    for name in ("train_step", "compute_loss", "call", "compute_metrics"):
        if name in vars(model):
            raise CannotCaptureError(f"the model's {name} was replaced")
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

    def __init__(self, arrays: dict[str, Array], known: Mapping[str, str]) -> None:
        self._arrays = arrays
        self._known = known

    def __call__(self, array: Array | None) -> dict[str, Any] | None:
        """The reference to an array as Keras would feed it."""
        if array is None:
            return None
        if array.ndim == 0:
            raise CannotCaptureError("the data is a single number")
        digest = digest_as_fed(array, self._known)
        self._arrays[digest] = array
        fed = str(as_fed(array[:0]).dtype)
        return {"digest": digest, "dtype": fed, "shape": list(array.shape), "original_dtype": str(array.dtype)}


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
    found: list[dict[str, Any]] = []
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


def log_keys(model: Any) -> list[str]:
    """Keys that Keras will log for training, in its order; guessed where the model could not be built."""
    keys: list[str] = []
    with contextlib.suppress(Exception):
        keys = [str(key) for key in model.get_metrics_result()]
    without = model._compile_metrics is None  # compiled without metrics: then there is only the loss
    return keys if len(keys) > 1 or (keys and without) else ["accuracy", "loss"]


def claimed_layers(model: Any) -> list[dict[str, Any]]:
    """The layers as the guest sees them: testimony, used only for a network that cannot be taken out of the program."""
    layers: list[dict[str, Any]] = []
    for layer in in_order(model):
        if len(layers) >= 200 or isinstance(layer, keras.layers.InputLayer):
            continue
        shape = None
        with contextlib.suppress(Exception):
            shape = [size if size is None else int(size) for size in layer.output.shape]
        kind = next(
            (base.__name__ for base in type(layer).__mro__ if base.__module__.startswith("keras.src.layers.")), ""
        )
        layers.append(
            {
                "name": layer.name[:80],
                "class_name": (kind or type(layer).__name__)[:80],
                "output_shape": shape,
                "parameters": int(layer.count_params()) if layer.built else 0,
                "times": max(len(getattr(layer, "_inbound_nodes", ())), 1),
                "activation": str(getattr(getattr(layer, "activation", None), "__name__", "linear"))[:40],
            }
        )
    return layers


def in_order(model: Any) -> Iterator[Any]:
    """The layers of a model in the order in which it holds them, those of nested models in their place."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from in_order(layer)
        else:
            yield layer


def bind_fit(function: Any, args: tuple[Any, ...], keywords: dict[str, Any]) -> dict[str, Any]:
    """All arguments of a call of `fit` by name; TypeError as Python raises it for a wrong call."""
    bound = inspect.signature(function).bind(*args, **keywords)
    bound.apply_defaults()
    arguments = dict(bound.arguments)
    arguments.pop("self", None)
    return arguments


def model_state(model: Any) -> tuple[str, float]:
    """(BLAKE3 over all weights, learning rate): to see whether a callback changes them."""
    digest = blake3()
    for variable in model.weights:
        digest.update(np.ascontiguousarray(variable.numpy()).reshape(-1).view(np.uint8).data)
    rate = getattr(model.optimizer, "learning_rate", math.nan)
    return digest.hexdigest(), float(np.array(rate))
