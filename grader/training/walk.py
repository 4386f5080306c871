"""Walk a config that came out of a guest, and give back its canonical form.

The walk decides three things at once: that nothing but listed classes with plain arguments is in it (else `Refused`),
that no size is absurd, and what is the same network under other names. The canonical form has layers named by
position and no bookkeeping of Keras; the trainer builds from it, and its digest is the fingerprint.
"""

import hashlib
import json
import math
from collections.abc import Iterator
from typing import Any

from grader.training import allowed

Config = dict[str, Any]
MAX_LAYERS = 300
_LIST = 64


class Refused(Exception):  # noqa: N818 - a verdict about data, not an error of ours
    """The config cannot be trained by the trusted trainer; the message says what is in the way."""


def canonical_model(config: Any) -> Config:
    """The canonical form of a model's `to_json` config. Raises Refused."""
    try:
        model = _model(config, [0], depth=0)
        if not model["config"]["layers"]:
            raise Refused("the model has no layers")
        return as_chain(model)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        raise Refused(f"the model's config is malformed ({type(error).__name__})") from error


def original_names(config: Config) -> dict[str, str]:
    """The student's names of the layers, by canonical name; for a config that `canonical_model` has accepted."""
    names: dict[str, str] = {}

    def visit(model: Config) -> None:
        for layer in model["config"]["layers"]:
            name = f"layer_{len(names) + 1}"
            names[name] = str(layer.get("name") or layer["config"].get("name"))[:80]
            if layer["class_name"] in ("Sequential", "Functional"):
                visit(layer)
            elif layer["class_name"] == "TimeDistributed":
                visit({"config": {"layers": [layer["config"]["layer"]]}})

    visit(config)
    return names


def as_chain(model: Config) -> Config:
    """A Functional model that is a plain chain of layers, as the Sequential model that it equals."""
    layers = model["config"]["layers"]
    if model["class_name"] != "Functional" or layers[0]["class_name"] != "InputLayer":
        return model
    before = layers[0]["config"]["name"]
    for layer in layers[1:]:
        node = {"args": [{"keras_history": [before, 0, 0]}], "kwargs": {}}
        found = layer.get("inbound_nodes", [])
        if layer["class_name"] not in allowed.LAYERS - {"InputLayer"} or [_heads(item) for item in found] != [node]:
            return model
        before = layer["config"]["name"]
    ends = model["config"]["output_layers"]
    if [before, 0, 0] not in (ends, *ends):
        return model
    plain = [{key: layer[key] for key in ("module", "class_name", "config", "registered_name")} for layer in layers]
    body = {"name": model["config"]["name"], "trainable": model["config"]["trainable"], "layers": plain}
    return {"module": "keras", "class_name": "Sequential", "config": body, "registered_name": None}


def _heads(node: Config) -> Config:
    """A node with its tensors reduced to where they come from."""
    args = [
        {"keras_history": item["config"]["keras_history"]}
        if isinstance(item, dict) and item.get("class_name") == "__keras_tensor__"
        else item
        for item in node["args"]
    ]
    return {"args": args, "kwargs": {key: value for key, value in node["kwargs"].items() if value is not None}}


def canonical_compile(config: Any) -> Config:
    """The canonical form of a compile config: optimizer, loss, metrics and weights. Raises Refused."""
    if not isinstance(config, dict):
        raise Refused("the model was not compiled with plain arguments")
    loss, metrics = config.get("loss"), config.get("metrics")
    optimizer = _object(config.get("optimizer"), allowed.OPTIMIZERS, "optimizer")
    optimizer["config"].pop("name", None)
    return {
        "optimizer": optimizer,
        "loss": _word_or_object(loss, allowed.LOSS_WORDS | allowed.LOSSES, allowed.LOSSES, "loss"),
        "loss_weights": _plain(config.get("loss_weights"), "loss_weights"),
        "metrics": _metrics(metrics),
        "weighted_metrics": _metrics(config.get("weighted_metrics")),
    }


def fingerprint(value: Any) -> str:
    """SHA-256 of a JSON value with sorted keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _model(config: Any, counter: list[int], depth: int) -> Config:
    """A Sequential or Functional model, nested ones included."""
    kind = _class_name(config)
    if kind not in ("Sequential", "Functional"):
        raise Refused(f"the model is of the class {kind}")
    if depth > 5:
        raise Refused("models are nested more than five deep")
    inner = config["config"]
    if not isinstance(inner, dict) or not isinstance(inner.get("layers"), list):
        raise Refused("the model's config holds no list of layers")
    names: dict[str, str] = {}
    layers = [_layer(layer, counter, names, depth) for layer in inner["layers"]]
    body: Config = {"name": f"model_{depth}", "trainable": bool(inner.get("trainable", True)), "layers": layers}
    module = "keras" if kind == "Sequential" else "keras.src.models.functional"
    if kind == "Functional":
        for layer, original in zip(layers, inner["layers"], strict=True):
            layer["name"] = layer["config"]["name"]
            layer["inbound_nodes"] = [_node(node, names) for node in _list(original.get("inbound_nodes"), "nodes")]
        body["input_layers"] = _references(inner.get("input_layers"), names)
        body["output_layers"] = _references(inner.get("output_layers"), names)
    return {"module": module, "class_name": kind, "config": body, "registered_name": None}


def _layer(layer: Any, counter: list[int], names: dict[str, str], depth: int) -> Config:
    """One layer, renamed by its position."""
    kind = _class_name(layer)
    counter[0] += 1
    if counter[0] > MAX_LAYERS:
        raise Refused(f"the model has more than {MAX_LAYERS} layers")
    name = f"layer_{counter[0]}"
    inner = layer["config"]
    if not isinstance(inner, dict):
        raise Refused(f"the layer {kind} has no config")
    names[str(layer.get("name") or inner.get("name"))] = name
    if kind in ("Sequential", "Functional"):
        nested = _model(layer, counter, depth + 1)
        nested["config"]["name"] = name
        return nested
    module = str(layer.get("module"))
    if module.startswith("keras.src.ops") and kind in allowed.OPERATIONS:
        return {"module": module, "class_name": kind, "config": {"name": name}, "registered_name": None}
    if kind not in allowed.LAYERS:
        raise Refused(f"it contains a layer of the class {kind}")
    values = {key: _argument(kind, key, value, counter, depth) for key, value in inner.items() if key != "name"}
    return {"module": "keras.layers", "class_name": kind, "config": {"name": name, **values}, "registered_name": None}


def _argument(kind: str, key: str, value: Any, counter: list[int], depth: int) -> Any:
    """One argument of a layer."""
    if key == "dtype":
        return _dtype(value)
    if key == "layer" and kind == "TimeDistributed":
        return _layer(value, counter, {}, depth + 1)
    if key.endswith("initializer"):
        return _word_or_object(value, frozenset(), allowed.INITIALIZERS, f"{key} of {kind}")
    if key.endswith("regularizer"):
        return value and _object(value, allowed.REGULARIZERS, f"{key} of {kind}")
    if key.endswith("constraint"):
        return value and _object(value, allowed.CONSTRAINTS, f"{key} of {kind}")
    if key == "activation":
        return _word_or_object(
            value, allowed.ACTIVATIONS, frozenset({"ReLU", "LeakyReLU", "Softmax"}), f"{key} of {kind}"
        )
    if any(isinstance(number, float) for number in _numbers_in(value)) and isinstance(value, list):
        raise Refused(f"{kind} has a list of numbers under {key}; weights do not travel in a config")
    if key in ("scale", "offset") and isinstance(value, list):
        raise Refused(f"{kind} has a list under {key}; one number is accepted")
    _bound(kind, key, value)
    return _plain(value, f"{key} of {kind}")


def _bound(kind: str, key: str, value: Any) -> None:
    """Refuse absurd sizes, before anything is built."""
    largest = allowed.LARGEST.get(key)
    if largest is None:
        return
    for number in _numbers_in(value):
        if number > largest:
            raise Refused(f"{kind} has {key}={number:g}; at most {largest} is accepted here")


def _numbers_in(value: Any) -> Iterator[float]:
    if isinstance(value, list):
        for item in value:
            yield from _numbers_in(item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


def _dtype(value: Any) -> str:
    """The name of a dtype policy."""
    name = value["config"].get("name") if isinstance(value, dict) and isinstance(value.get("config"), dict) else value
    if name not in ("float32", "float64", "uint8", "int32", "int64", None):
        raise Refused(f"it computes in {str(name)[:40]}; only float32 is trained here")
    return str(name or "float32")


def _metrics(value: Any) -> Any:
    """A list of metrics, or None; words as they are written, since Keras logs a metric under the word itself."""
    if value is None:
        return None
    if isinstance(value, dict) and "class_name" not in value:
        raise Refused("metrics are given by output name")
    items = value if isinstance(value, list) else [value]
    flat = [entry for item in items for entry in (item if isinstance(item, list) else [item])]
    known = [_word_or_object(item, allowed.METRIC_WORDS | allowed.METRICS, allowed.METRICS, "metric") for item in flat]
    return [item if isinstance(item, str) else found for item, found in zip(flat, known, strict=True)]


def _word_or_object(value: Any, words: frozenset[str], classes: frozenset[str], what: str) -> Any:
    """A known word, a Keras or TensorFlow function of a known name, or an object of a listed class."""
    if value is None:
        return None
    if isinstance(value, dict) and value.get("class_name") == "function":
        name = str(value.get("config"))
        value = allowed.FUNCTION_NAMES.get(name, name)
    if isinstance(value, str):
        if value in words or value.lower() in words:
            return value if value in words else value.lower()
        raise Refused(f"{what}: {value[:60]!r} is not one that Keras brings")
    return _object(value, classes, what)


def _object(value: Any, classes: frozenset[str], what: str) -> Config:
    """A serialised object of a listed class, with plain arguments."""
    kind = _class_name(value)
    if kind not in classes:
        raise Refused(f"{what}: {kind} is not one that can be trained here")
    config = value.get("config") or {}
    if not isinstance(config, dict):
        raise Refused(f"{what}: {kind} has no plain arguments")
    body: Config = {}
    for key, item in config.items():
        if key == "dtype":
            body[key] = _dtype(item)
        elif key == "learning_rate" and isinstance(item, dict):
            body[key] = _object(item, allowed.SCHEDULES, "learning rate")
        elif key == "fn":
            raise Refused(f"{what}: it wraps a function")
        else:
            body[key] = _scalar_or_short(item, kind, key)
    return {
        "module": str(value.get("module")).split(".src")[0][:60],
        "class_name": kind,
        "config": body,
        "registered_name": None,
    }


def _scalar_or_short(value: Any, kind: str, key: str) -> Any:
    """A number or word; lists only where the class is a schedule or metric that needs them."""
    if isinstance(value, list) and kind not in ("PiecewiseConstantDecay", "AUC", "Precision", "Recall"):
        raise Refused(f"{kind} has a list under {key}; weights do not travel in a config")
    return _plain(value, f"{key} of {kind}")


def _plain(value: Any, what: str) -> Any:
    """None, a word, a finite number, or a short list of those."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and len(value) <= 100 and value.isprintable():
        return value
    if isinstance(value, int) and abs(value) < 2**53:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, list) and len(value) <= _LIST:
        return [_plain(item, what) for item in value]
    raise Refused(f"{what} is not a plain, finite value: {str(value)[:60]}")


def _class_name(value: Any) -> str:
    if not isinstance(value, dict) or not isinstance(value.get("class_name"), str) or "config" not in value:
        raise Refused(f"expected a Keras object, found {str(value)[:60]!r}")
    return str(value["class_name"])[:80]


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list) or len(value) > 1000:
        raise Refused(f"the {what} of the graph are no short list")
    return value


def _node(node: Any, names: dict[str, str]) -> Any:
    """One application of a layer, its tensors renamed."""
    if not isinstance(node, dict):
        raise Refused("a node of the graph is malformed")
    return {"args": _tensors(node.get("args", []), names, 0), "kwargs": _tensors(node.get("kwargs", {}), names, 0)}


def _tensors(value: Any, names: dict[str, str], depth: int) -> Any:
    """Arguments of a node: tensors by reference, else plain values."""
    if depth > 6:
        raise Refused("the arguments of a node are nested too deep")
    if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
        config = value["config"]
        history = config["keras_history"]
        return {
            "class_name": "__keras_tensor__",
            "config": {
                "shape": _plain(config.get("shape"), "shape"),
                "dtype": _dtype(config.get("dtype")),
                "keras_history": [_renamed(history[0], names), int(history[1]), int(history[2])],
            },
        }
    if isinstance(value, dict):
        return {str(key)[:40]: _tensors(item, names, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        if len(value) > _LIST or (depth and any(isinstance(item, int | float) for item in value)):
            raise Refused("a node of the graph has a list of numbers or too many arguments")
        return [_tensors(item, names, depth + 1) for item in value]
    return _plain(value, "argument of a node")


def _references(value: Any, names: dict[str, str]) -> Any:
    """Input or output tensors of a model: one triple, or a list of them."""
    if isinstance(value, list) and len(value) == 3 and isinstance(value[0], str):
        return [_renamed(value[0], names), int(value[1]), int(value[2])]
    return [_references(item, names) for item in _list(value, "ends")]


def _renamed(name: Any, names: dict[str, str]) -> str:
    if str(name) not in names:
        raise Refused(f"the graph refers to an unknown layer {str(name)[:60]!r}")
    return names[str(name)]
