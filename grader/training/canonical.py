"""What is the same training under another spelling.

A request as a guest describes it keeps the student's words: checks speak about those. What is trained, and what the
fingerprint is taken of, is its canonical form, made here and nowhere else:

- names are dropped: of metrics, losses, schedules, and of layers that serve as activations (those of layers and models
  are gone since the walk);
- words and objects that Keras makes the same of become one word: `'mse'`, `'MeanSquaredError'` and `MeanSquaredError()`,
  `'acc'` and `'accuracy'`, `ReLU()` and `'relu'`;
- a whole number where Keras computes with a fraction becomes one; settings without effect take their defaults, such as
  a validation's batch size where nothing is validated;
- shipped labels and images that were only cast become the shipped array.

Two requests with one canonical form are trained alike to the last bit, which `tests/test_spellings.py` shows with Keras
itself. Whatever is not known to be equal stays different. Names of metrics come back when a training is played: the
student's callbacks see logs under the student's own keys (`log_names`).
"""

from collections.abc import Callable, Mapping
from typing import Any

from grader.model.training import ArrayRef, FitSettings, LearningRate, TrainingRequest

Config = dict[str, Any]
SameArray = Callable[[ArrayRef], ArrayRef]

LOSSES = {
    "SparseCategoricalCrossentropy": "sparse_categorical_crossentropy",
    "CategoricalCrossentropy": "categorical_crossentropy",
    "BinaryCrossentropy": "binary_crossentropy",
    "MeanSquaredError": "mean_squared_error",
    "MeanAbsoluteError": "mean_absolute_error",
    "KLDivergence": "kl_divergence",
    "Poisson": "poisson",
    "CategoricalFocalCrossentropy": "categorical_focal_crossentropy",
    "CategoricalHinge": "categorical_hinge",
    "Hinge": "hinge",
    "SquaredHinge": "squared_hinge",
    "LogCosh": "log_cosh",
}
"""Losses by class, with the word for the same function."""
METRICS = {
    "BinaryAccuracy": "binary_accuracy",
    "CategoricalAccuracy": "categorical_accuracy",
    "SparseCategoricalAccuracy": "sparse_categorical_accuracy",
    "TopKCategoricalAccuracy": "top_k_categorical_accuracy",
    "SparseTopKCategoricalAccuracy": "sparse_top_k_categorical_accuracy",
    "MeanSquaredError": "mean_squared_error",
    "MeanAbsoluteError": "mean_absolute_error",
    "CategoricalCrossentropy": "categorical_crossentropy",
    "SparseCategoricalCrossentropy": "sparse_categorical_crossentropy",
}
"""The same for metrics. (The class `Accuracy` counts equal values, which the word `accuracy` does not mean.)"""
METRIC_NAMES = {
    **METRICS,
    "Accuracy": "accuracy",
    "RootMeanSquaredError": "root_mean_squared_error",
    "Precision": "precision",
    "Recall": "recall",
    "AUC": "auc",
    "F1Score": "f1_score",
    "Mean": "mean",
}
"""What Keras calls a metric of each class where nothing is said."""
SHORT = {
    "mse": "mean_squared_error",
    "mae": "mean_absolute_error",
    "kld": "kl_divergence",
    "bce": "binary_crossentropy",
}
SYNONYMS = {"swish": "silu", "hard_swish": "hard_silu"}
ACCURACY = frozenset({"accuracy", "acc"})

USUAL: Config = {
    "reduction": "sum_over_batch_size",
    "from_logits": False,
    "ignore_class": None,
    "label_smoothing": 0.0,
    "axis": -1,
    "alpha": 0.25,
    "gamma": 2.0,
    "k": 5,
    "dtype": "float32",
}
"""Arguments of losses and metrics as they are where nothing is said."""
USUAL_OF: dict[str, Config] = {"BinaryAccuracy": {"threshold": 0.5}}
ACTIVATIONS: dict[str, tuple[str, Config]] = {
    "ReLU": ("relu", {"max_value": None, "negative_slope": 0.0, "threshold": 0.0}),
    "LeakyReLU": ("leaky_relu", {"negative_slope": 0.2}),
    "Softmax": ("softmax", {"axis": -1}),
}
"""Layers that serve as activations, the word for the same function, and the arguments under which it is the same."""
FRACTIONS = frozenset(
    [
        "alpha",
        "beta_1",
        "beta_2",
        "clipnorm",
        "clipvalue",
        "decay_rate",
        "decay_steps",
        "ema_momentum",
        "end_learning_rate",
        "epsilon",
        "factor",
        "first_decay_steps",
        "gain",
        "gamma",
        "global_clipnorm",
        "initial_accumulator_value",
        "initial_learning_rate",
        "l1",
        "l2",
        "l2_shrinkage_regularization_strength",
        "label_smoothing",
        "learning_rate",
        "learning_rate_power",
        "loss_weights",
        "m_mul",
        "max_value",
        "maxval",
        "mean",
        "min_delta",
        "min_lr",
        "min_value",
        "minval",
        "momentum",
        "negative_slope",
        "offset",
        "power",
        "rate",
        "rho",
        "scale",
        "stddev",
        "t_mul",
        "threshold",
        "value",
        "warmup_steps",
        "warmup_target",
        "weight_decay",
    ]
)
"""Arguments that Keras computes with as fractions, so that `0` and `0.0` are one."""


def canonical_request(request: TrainingRequest, same_array: SameArray = lambda array: array) -> TrainingRequest:
    """The request that is trained in place of this one, and of all that mean the same.

    Args:
        request: with configs that the walk has accepted.
        same_array: gives the array that stands for one that differs from it by a cast only.
    """
    words = dict(zip(spelled_names(request.compile), canonical_names(request), strict=True))
    fit = _fit(request.fit, validated_apart=bool(request.validation))
    inputs = [layer["config"].get("dtype") for layer in request.model["config"]["layers"] if is_input(layer)]
    feeds_fractions = set(inputs) == {"float32"}

    def images(array: ArrayRef) -> ArrayRef:
        """Whole numbers become fractions at the network's input, if that is one of fractions."""
        return same_array(array) if feeds_fractions else array

    validation = [(images if place == 0 else same_array)(array) for place, array in enumerate(request.validation)]
    return request.model_copy(
        update={
            "model": _model(request.model),
            "compile": _compile(request),
            "x": images(request.x),
            "y": same_array(request.y),
            "validation": tuple(validation),
            "fit": fit,
            "learning_rates": tuple(_rule(rule, words) for rule in request.learning_rates),
        }
    )


def log_names(request: TrainingRequest) -> dict[str, str]:
    """The student's keys in the logs by those of the canonical training; empty where they are the same."""
    pairs = dict(zip(canonical_names(request), spelled_names(request.compile), strict=True))
    return {} if all(key == name for key, name in pairs.items()) else pairs


def renamed_logs(logs: Mapping[str, float], names: Mapping[str, str]) -> dict[str, float]:
    """Logs under the student's keys, in the order in which Keras hands them to callbacks: sorted, `val_…` last."""
    if not names:
        return dict(logs)
    first = {key: value for key, value in logs.items() if key not in names and not _is_validation(key, names)}
    new = first | {names[key]: value for key, value in logs.items() if key in names}
    held_out = {_key(key, names): value for key, value in logs.items() if _is_validation(key, names)}
    return dict(sorted(new.items())) | dict(sorted(held_out.items()))


def renamed_keys(keys: list[str], names: Mapping[str, str]) -> list[str]:
    """The same for keys in their order."""
    return [_key(key, names) for key in keys]


def _is_validation(key: str, names: Mapping[str, str]) -> bool:
    return key.startswith("val_") and key not in names


def _key(key: str, names: Mapping[str, str]) -> str:
    if _is_validation(key, names):
        inner = key.removeprefix("val_")
        return f"val_{names.get(inner, inner)}"
    return names.get(key, key)


# ── the network ──


def _model(model: Config) -> Config:
    """A walked model whose activations and numbers are canonical; the ends of its graph too."""
    body = {**model["config"], "layers": [_layer(layer) for layer in model["config"]["layers"]]}
    for ends in ("input_layers", "output_layers"):
        value = body.get(ends)
        if isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
            body[ends] = value[0]  # a list of one tensor, as in Model([i], [o])
    return {**model, "config": body}


def _layer(layer: Config) -> Config:
    config = layer["config"]
    if isinstance(config.get("layers"), list):
        return {**layer, "config": {**config, "layers": [_layer(inner) for inner in config["layers"]]}}
    return {**layer, "config": {key: _argument(key, value) for key, value in config.items()}}


def _argument(key: str, value: Any) -> Any:
    if key == "activation":
        return _activation(value)
    if isinstance(value, dict) and isinstance(value.get("config"), dict):
        return _layer(value) if key == "layer" else _numbers_of(value)
    return _fraction(key, value)


def _activation(value: Any) -> Any:
    if isinstance(value, str):
        return SYNONYMS.get(value, value)
    if not isinstance(value, dict):
        return value
    config = {key: _fraction(key, item) for key, item in value["config"].items() if key not in ("name", "trainable")}
    word, usual = ACTIVATIONS.get(value["class_name"], ("", {}))
    if word and config == {**usual, "dtype": "float32"}:
        return word
    return {**value, "config": config}


def is_input(layer: Config) -> bool:
    """Whether data enter a model at this layer."""
    return bool(layer["class_name"] == "InputLayer")


def _fraction(key: str, value: Any) -> Any:
    """A whole number as a fraction, where Keras computes with one."""
    if key not in FRACTIONS:
        return value
    if isinstance(value, list):
        return [_fraction(key, item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _numbers_of(value: Config) -> Config:
    """A serialised object with canonical numbers."""
    config = {key: _fraction(key, item) for key, item in value["config"].items()}
    return {**value, "config": config}


# ── the compilation ──


def _compile(request: TrainingRequest) -> Config:
    compiled = request.compile
    labels, classes = request.y.shape, _classes(request.model)
    return {
        **compiled,
        "optimizer": _optimizer(compiled["optimizer"]),
        "loss": _function(compiled["loss"], LOSSES, LOSSES),
        "loss_weights": _fraction("loss_weights", compiled["loss_weights"]),
        **{kind: _metrics(compiled[kind], labels, classes) for kind in ("metrics", "weighted_metrics")},
    }


def _optimizer(optimizer: Config) -> Config:
    plain = _numbers_of(optimizer)
    rate = plain["config"].get("learning_rate")
    if isinstance(rate, dict):
        schedule = _numbers_of(rate)
        schedule["config"].pop("name", None)
        plain["config"]["learning_rate"] = schedule
    return plain


def _function(value: Any, words: Mapping[str, str], names: Mapping[str, str]) -> Any:
    """A loss or metric as one word, or as an object under the usual name of its class."""
    if value is None:
        return None
    if isinstance(value, str):
        word = words.get(value, value)
        return SHORT.get(word.lower(), word)
    kind = value["class_name"]
    config = {key: _fraction(key, item) for key, item in value["config"].items() if key != "name"}
    usual = {**USUAL, **USUAL_OF.get(kind, {})}
    if kind in words and all(key in usual and usual[key] == item for key, item in config.items()):
        return words[kind]
    return {**value, "config": {"name": names.get(kind, kind.lower()), **config}}


def _metrics(value: list[Any] | None, labels: tuple[int, ...], classes: int) -> list[Any] | None:
    """Canonical metrics; an empty list is none."""
    return [_metric(item, labels, classes) for item in value] if value else None


def _metric(value: Any, labels: tuple[int, ...], classes: int) -> Any:
    """A metric; `accuracy` also where another word means the same for labels that are numbers of classes."""
    if isinstance(value, str) and value.lower() in ACCURACY:
        return "accuracy"
    found = _function(value, METRICS, METRIC_NAMES)
    numbers_of_classes = len(labels) == 1 or (len(labels) == 2 and labels[1] == 1)
    return "accuracy" if found == "sparse_categorical_accuracy" and numbers_of_classes and classes > 1 else found


def _classes(model: Config) -> int:
    """How many outputs a chain that ends in a dense layer has; 0 where that is not plain to see."""
    if model["class_name"] != "Sequential":
        return 0
    kept = [layer for layer in model["config"]["layers"] if layer["class_name"] not in ("Activation", "Softmax")]
    last = kept[-1] if kept else None
    return int(last["config"]["units"]) if last is not None and last["class_name"] == "Dense" else 0


def canonical_names(request: TrainingRequest) -> list[str]:
    """The keys under which the canonical training logs its metrics, in the order of the metrics."""
    return spelled_names(_compile(request))


def spelled_names(compiled: Config) -> list[str]:
    """The keys under which a program with this compilation logs its metrics, in the order of the metrics."""
    metrics, weighted = (
        [item if isinstance(item, str) else str(item["config"].get("name")) for item in compiled[kind] or ()]
        for kind in ("metrics", "weighted_metrics")
    )
    return logged_names(metrics, weighted)


def logged_names(metrics: list[str], weighted: list[str]) -> list[str]:
    """Keys in the logs as Keras makes them of the names of metrics: those that occur again are numbered.

    Source: `CompileMetrics.result` in Keras 3.
    """
    seen: dict[str, int] = {}

    def unique(name: str) -> str:
        count = seen.get(name, 0)
        seen[name] = count + 1
        return f"{name}_{count}" if count else name

    return [unique(name) for name in metrics] + [
        unique(name if name not in seen else f"weighted_{name}") for name in weighted
    ]


# ── the settings of `fit` ──


def _fit(fit: FitSettings, *, validated_apart: bool) -> FitSettings:
    """Settings in which those without effect have their defaults."""
    split = 0.0 if validated_apart else fit.validation_split
    if not validated_apart and not split:
        return fit.model_copy(update={"validation_batch_size": None, "validation_freq": 1})
    size, frequency = fit.validation_batch_size or None, fit.validation_freq
    return fit.model_copy(
        update={
            "validation_split": split,
            "validation_batch_size": None if size == fit.batch_size else size,
            "validation_freq": frequency if isinstance(frequency, int) else tuple(sorted(set(frequency))),
        }
    )


def _monitor(key: str, words: Mapping[str, str]) -> str:
    """What a rule looks at; a key that the student's program does not log is one that nothing logs."""
    new = _key(key, words)
    logged = new != key or key.removeprefix("val_") in words
    return new if logged or new.removeprefix("val_") not in words.values() else f"{new} (not logged)"


def _rule(rule: LearningRate, words: Mapping[str, str]) -> LearningRate:
    """A rule that looks at canonical keys; of a table, the end is left out that only repeats the last rate.

    So programs that ask for more or fewer epochs of one schedule are one training where the rate stays.
    """
    config = {key: _fraction(key, value) for key, value in rule.config.items()}
    if isinstance(config.get("monitor"), str):
        config["monitor"] = _monitor(config["monitor"], words)
    table = rule.table
    while len(table) > 1 and table[-1] == table[-2]:
        table = table[:-1]
    return rule.model_copy(update={"config": config, "table": table})
