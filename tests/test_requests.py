"""Training requests: what a guest may ask for, and which requests are the same training."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.model.training import ArrayRef, Parent, TrainingRequest
from grader.pipeline.trainer_desk import rule_order
from grader.training import allowed
from grader.training.canonical import (
    LOSSES,
    METRIC_NAMES,
    canonical_names,
    canonical_request,
    log_names,
    logged_names,
    renamed_logs,
)
from grader.training.requests import MAX_SAMPLES, architecture_fingerprint, read_request, training_fingerprint
from grader.training.walk import Refused
from tests.factories import IMAGES, array_body, fit_body, make_request
from tests.hostile import HOSTILE, places, replaced

Body = dict[str, Any]


def changed(change: Callable[[Body], Any]) -> TrainingRequest:
    """The request of the ordinary body after a change."""
    body = fit_body()
    change(body)
    return read_request(body, None)


def reason_of(change: Callable[[Body], Any]) -> str:
    with pytest.raises(Refused) as caught:
        changed(change)
    return str(caught.value)


def put(*path: str, value: Any) -> Callable[[Body], Any]:
    """A change that puts a value at a place."""

    def change(body: Body) -> None:
        inner = body
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = value

    return change


PLATEAU = {"kind": "ReduceLROnPlateau", "config": {"factor": 0.5, "patience": 2, "verbose": [1]}}
DIFFERENT = {
    "batch_size": put("fit", "batch_size", value=64),
    "initial_epoch": put("fit", "initial_epoch", value=1),
    "shuffle": put("fit", "shuffle", value=False),
    "validation_split": put("fit", "validation_split", value=0.1),
    "class_weight": put("fit", "class_weight", value={"0": 2.0}),
    "images": put("data", "x", value=array_body(IMAGES, "c")),
    "labels": put("data", "y", value=array_body((60_000,), "d")),
    "shape": put("data", "x", value=array_body((60_000, 784))),
    "sample_weight": put("data", "sample_weight", value=array_body((60_000,), "e")),
    "validation": put("data", "validation", value=[array_body((10, 28, 28, 1)), array_body((10,))]),
    "optimizer": put("compile", "optimizer", "config", "learning_rate", value=0.1),
    "loss": put("compile", "loss", value="mse"),
    "metrics": put("compile", "metrics", value=["mse"]),
    "learning_rates": put("learning_rates", value=[PLATEAU]),
    "table": put("learning_rates", value=[{"kind": "table", "table": [0.1, 0.01]}]),
}
SAME = {
    "names of metrics": put("compile", "metrics", value=["acc"]),
    "epochs": put("fit", "epochs", value=5),
    "batch_hooks": put("batch_hooks", value=True),
    "original_dtype": put("data", "x", "original_dtype", value="float32"),
    "callbacks": put("callbacks", value=["Mine"]),
    "validation_freq of nothing": put("fit", "validation_freq", value=2),
}


@pytest.mark.parametrize("change", DIFFERENT.values(), ids=DIFFERENT.keys())
def test_what_decides_the_logs_decides_the_fingerprint(change: Callable[[Body], Any]) -> None:
    """Another batch size, digest, optimizer, … is another training."""
    assert training_fingerprint(changed(change)) != training_fingerprint(make_request())


@pytest.mark.parametrize("change", SAME.values(), ids=SAME.keys())
def test_what_decides_nothing_is_no_part_of_the_fingerprint(change: Callable[[Body], Any]) -> None:
    """How long to train, who watches, and the dtype before the cast do not make another training."""
    assert training_fingerprint(changed(change)) == training_fingerprint(make_request())


def test_a_continued_training_is_another_one() -> None:
    """The same fit after 3 epochs of another is its own training, and after 4 epochs again another."""
    found = {
        training_fingerprint(read_request(fit_body(), parent))
        for parent in (None, Parent(fingerprint="p", epochs=3), Parent(fingerprint="p", epochs=4))
    }
    assert len(found) == 3


def test_functional_and_sequential_are_one_training() -> None:
    """Two students who wrote the same chain in both styles share a training."""
    assert training_fingerprint(make_request("functional_chain")) == training_fingerprint(make_request("sequential"))


def test_optimizer_is_no_part_of_the_architecture() -> None:
    """The architecture fingerprint looks at the network alone."""
    other = changed(DIFFERENT["optimizer"])
    assert architecture_fingerprint(other) == architecture_fingerprint(make_request())


def test_shape_of_the_input_is_part_of_the_architecture() -> None:
    """The same layers fed with other shapes are built otherwise."""
    assert architecture_fingerprint(changed(DIFFERENT["shape"])) != architecture_fingerprint(make_request())


def test_number_of_images_is_no_part_of_the_architecture() -> None:
    """A part of the data set goes through the same network."""

    def fewer(body: Body) -> None:
        body["data"] |= {"x": array_body((100, 28, 28, 1)), "y": array_body((100,))}

    assert architecture_fingerprint(changed(fewer)) == architecture_fingerprint(make_request())


def test_request_survives_json() -> None:
    """A request read back from its JSON is the same request."""
    request = changed(DIFFERENT["table"])
    assert TrainingRequest.model_validate_json(request.model_dump_json()) == request


def test_a_learning_rate_rule_keeps_its_numbers_only() -> None:
    """Of a plateau rule, numbers and words are kept, and nothing else."""
    rule = changed(DIFFERENT["learning_rates"]).learning_rates[0]
    assert (rule.kind, rule.config) == ("ReduceLROnPlateau", {"factor": 0.5, "patience": 2})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (put("data", "y", value=array_body((59_999,))), "not as many labels as images"),
        (put("data", "x", value=array_body((MAX_SAMPLES + 1, 1))), "which is not trained here"),
        (put("data", "x", value=array_body(())), "which is not trained here"),
        (put("data", "x", value=array_body((60_000, 0))), "which is not trained here"),
        (put("data", "x", value=array_body((1,) * 7)), "which is not trained here"),
        (put("data", "x", "digest", value="../../etc/passwd"), "the digest of x is malformed"),
        (put("data", "y", "digest", value="A" * 64), "the digest of y is malformed"),
        (put("fit", "epochs", value=10**9), "epochs=1000000000"),
        (put("fit", "epochs", value=-1), "epochs=-1"),
        (put("fit", "batch_size", value=0), "batch_size=0"),
        (put("fit", "validation_split", value=1.0), "validation_split=1.0"),
        (put("fit", "validation_split", value=float("nan")), "validation_split=nan"),
        (put("fit", "unknown", value=1), "malformed"),
        (put("fit", value=None), "malformed"),
        (put("learning_rates", value=[{"kind": "Mine"}]), "the learning-rate rule Mine is not known"),
        (put("learning_rates", value=[{"kind": "table", "table": ["x"]}]), "malformed"),
        (lambda body: body.pop("data"), "malformed"),
    ],
)
def test_absurd_requests_are_refused(change: Callable[[Body], Any], reason: str) -> None:
    """Sizes, digests and settings that make no sense are refused with a reason."""
    assert reason in reason_of(change)


@given(st.data())
@settings(deadline=None, max_examples=100)
def test_a_damaged_frame_raises_only_refused(data: st.DataObject) -> None:
    """A `fit` frame with something hostile in any place is a request or Refused, never our own error."""
    body = fit_body("functional_residual")
    path = data.draw(st.sampled_from([place for place in places(body) if place]))
    new = data.draw(HOSTILE | st.just(float("inf")))
    try:
        read_request(replaced(body, path, new), None)
    except Refused:
        return


@pytest.mark.parametrize("path", [("data", "x", "shape"), ("fit", "validation_freq")])
def test_an_infinite_whole_number_is_refused(path: tuple[str, ...]) -> None:
    """JSON knows `1e999`, Python reads infinity, and `int` of it is an OverflowError: refused like other nonsense."""
    assert reason_of(put(*path, value=[float("inf")]))


def test_text_that_no_file_can_hold_is_refused() -> None:
    """Half a surrogate pair passes as JSON, but a record with it could not be written: refused at the border."""
    body = fit_body()
    body["model"]["config"]["layers"][1]["config"]["padding"] = json.loads('"\\ud800"')
    try:
        request = read_request(copy.deepcopy(body), None)
    except Refused:
        return
    assert request.model_dump_json()


# ── properties: other spellings are one training, and whatever matters makes another ──


def own(name: str, word: str) -> Body:
    """A function of Keras or TensorFlow, as Keras writes it down."""
    return {"module": "builtins", "class_name": "function", "config": word, "registered_name": name}


def keras_object(module: str, kind: str, **config: Any) -> Body:
    return {"module": module, "class_name": kind, "config": config, "registered_name": None}


CROSSENTROPY = {"from_logits": False, "ignore_class": None}
LOSS_SPELLINGS: list[Any] = [
    "sparse_categorical_crossentropy",
    "SparseCategoricalCrossentropy",
    own("function", "sparse_categorical_crossentropy"),
    keras_object(
        "keras.losses", "SparseCategoricalCrossentropy", name="mine", reduction="sum_over_batch_size", **CROSSENTROPY
    ),
]
METRIC_SPELLINGS: list[Any] = [
    "accuracy",
    "acc",
    "Accuracy",
    "SparseCategoricalAccuracy",
    own("function", "sparse_categorical_accuracy"),
    keras_object("keras.metrics", "SparseCategoricalAccuracy", name="grader_accuracy", dtype="float32"),
    keras_object("keras.metrics", "SparseCategoricalAccuracy", name="loss", dtype="float32"),
]
POLICY = keras_object("keras", "DTypePolicy", name="float32")
RELU = {"trainable": True, "dtype": POLICY, "max_value": None, "negative_slope": 0, "threshold": 0.0}
ACTIVATION_SPELLINGS: dict[str, list[Any]] = {
    "relu": ["relu", own("function", "relu"), keras_object("keras.layers", "ReLU", name="a", **RELU)],
    "softmax": [
        "softmax",
        own("function", "softmax_v2"),
        keras_object("keras.layers", "Softmax", name="b", dtype=POLICY, axis=-1),
    ],
}


WORDS = st.text(alphabet="abc_ é", max_size=5)


@st.composite
def respelled(draw: st.DrawFn, body: Body) -> Body:
    """The same training in other words."""
    other = copy.deepcopy(body)
    for layer in other["model"]["config"]["layers"]:
        word = draw(st.text(alphabet="abc_", min_size=1, max_size=4))
        layer["config"]["name"] = f"{word}_{layer['config']['name']}"
        layer["config"]["dtype"] = draw(st.sampled_from(["float32", POLICY]))
        spellings = ACTIVATION_SPELLINGS.get(layer["config"].get("activation", ""))
        if spellings:
            layer["config"]["activation"] = draw(st.sampled_from(spellings))
        layer.pop("build_config", None)
    other["model"]["config"]["name"] = draw(WORDS)
    other["compile"]["optimizer"]["config"]["name"] = draw(WORDS)
    other["compile"]["loss"] = draw(st.sampled_from(LOSS_SPELLINGS))
    other["compile"]["metrics"] = [draw(st.sampled_from(METRIC_SPELLINGS))]
    other["fit"]["epochs"] = draw(st.integers(1, 50))
    other["fit"]["validation_batch_size"] = draw(st.none() | st.integers(1, 99))
    other["fit"]["validation_freq"] = draw(st.integers(1, 9))
    other["batch_hooks"] = draw(st.booleans())
    other["callbacks"] = draw(st.lists(st.text(max_size=5), max_size=3))
    other["data"]["x"]["original_dtype"] = draw(st.sampled_from(["float64", "float32", "float16"]))
    return other


@given(st.data())
@settings(deadline=None, max_examples=150)
def test_no_spelling_makes_another_training(data: st.DataObject) -> None:
    """Two students who mean the same share a training, whatever words each of them finds."""
    base = fit_body()
    base["compile"]["optimizer"]["config"]["learning_rate"] = data.draw(st.sampled_from([0.001, 0.1]))
    base["fit"]["batch_size"] = data.draw(st.integers(1, 100))
    one, other = (read_request(data.draw(respelled(base)), None) for _ in range(2))
    assert training_fingerprint(one) == training_fingerprint(other)
    assert architecture_fingerprint(one) == architecture_fingerprint(other)


WITHOUT_EFFECT = {"epochs", "batch_logs", "original_dtype", "validation_batch_size", "validation_freq"}
"""What is no part of the fingerprint, or none where nothing is validated."""


def is_without_effect(path: tuple[Any, ...]) -> bool:
    """Those, and names in the arguments of `compile`."""
    return bool(WITHOUT_EFFECT & set(path)) or (path[0] == "compile" and path[-1] == "name")


RECORDS = {"sample_weight", "parent", "class_weight", "weighted_metrics"}
"""What is not there in these requests, and would be more than one value: see DIFFERENT."""


def other_value(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    return f"{value}x" if isinstance(value, str) else 1


@given(st.data())
@settings(deadline=None, max_examples=300)
def test_every_value_in_a_canonical_request_matters(data: st.DataObject) -> None:
    """Another number, word or switch anywhere in what is trained, and it is another training."""
    name = data.draw(st.sampled_from(["sequential", "functional_residual", "functional_nested", "sequential_wrapped"]))
    request = canonical_request(make_request(name))
    body = request.model_dump(mode="json")
    leaves = [path for path in places(body) if path and not isinstance(at(body, path), dict | list)]
    path = data.draw(
        st.sampled_from([path for path in leaves if not is_without_effect(path) and path[-1] not in RECORDS])
    )
    other = TrainingRequest.model_validate(replaced(body, path, other_value(at(body, path))))
    assert training_fingerprint(other) != training_fingerprint(request), path


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


@pytest.mark.parametrize("name", ["sequential", "functional_residual", "functional_nested", "sequential_wrapped"])
def test_a_canonical_request_is_its_own(name: str) -> None:
    """What is trained is described the same when it is described again."""
    once = canonical_request(make_request(name))
    assert canonical_request(once) == once
    assert training_fingerprint(once) == training_fingerprint(make_request(name))


def test_every_class_on_the_list_has_a_name() -> None:
    """A loss or metric that may be trained has a canonical name."""
    assert set(LOSSES) == allowed.LOSSES
    assert set(METRIC_NAMES) == allowed.METRICS


def named(metric: Any) -> TrainingRequest:
    return changed(put("compile", "metrics", value=[metric, "mse"]))


@pytest.mark.parametrize("metric", METRIC_SPELLINGS)
def test_no_name_that_a_student_gives_reaches_the_trainer(metric: Any) -> None:
    """A metric under the name of the trainer's own would be taken for it: the trainer sees canonical names only."""
    assert canonical_names(named(metric)) == ["accuracy", "mean_squared_error"]


def test_any_metric_may_have_the_name_of_the_trainers_own() -> None:
    """One that counts everything as right, under that name, is trained under its class's."""
    fake = keras_object("keras.metrics", "SparseTopKCategoricalAccuracy", name="grader_accuracy", dtype="float32", k=10)
    request = canonical_request(named(fake))
    assert "grader_accuracy" not in request.model_dump_json()
    assert log_names(named(fake)) == {
        "sparse_top_k_categorical_accuracy": "grader_accuracy",
        "mean_squared_error": "mse",
    }


def test_logs_are_played_under_the_students_keys() -> None:
    """In the order in which Keras hands them to callbacks; the values are those of the training."""
    logs = {"accuracy": 0.9, "loss": 0.1, "mean_squared_error": 0.2, "val_accuracy": 0.8, "val_loss": 0.3}
    played = renamed_logs(logs, log_names(named("acc")))
    assert list(played.items()) == [("acc", 0.9), ("loss", 0.1), ("mse", 0.2), ("val_acc", 0.8), ("val_loss", 0.3)]


def test_a_metric_called_loss_hides_the_loss() -> None:
    """As in Keras, where both have one key."""
    metric = keras_object("keras.metrics", "SparseCategoricalAccuracy", name="loss", dtype="float32")
    assert renamed_logs({"accuracy": 0.9, "loss": 0.1}, log_names(named(metric))) == {"loss": 0.9}


@pytest.mark.parametrize(
    ("metrics", "weighted", "keys"),
    [
        (["a", "b"], [], ["a", "b"]),
        (["a", "a", "a"], [], ["a", "a_1", "a_2"]),
        (["a"], ["a", "a", "b"], ["a", "weighted_a", "weighted_a_1", "b"]),
    ],
)
def test_keys_of_metrics_of_one_name(metrics: list[str], weighted: list[str], keys: list[str]) -> None:
    """Those that occur again are numbered, those of `weighted_metrics` named so."""
    assert logged_names(metrics, weighted) == keys


@pytest.mark.parametrize(
    ("metric", "monitor", "looks_at"),
    [
        ("accuracy", "accuracy", "accuracy"),
        ("acc", "acc", "accuracy"),
        ("acc", "val_acc", "val_accuracy"),
        ("acc", "loss", "loss"),
        ("acc", "accuracy", "accuracy (not logged)"),
        ("acc", "val_accuracy", "val_accuracy (not logged)"),
    ],
)
def test_a_plateau_looks_at_what_the_student_named(metric: str, monitor: str, looks_at: str) -> None:
    """Under its canonical key; a key that the program does not log is none that the training logs."""
    body = fit_body()
    body["compile"]["metrics"] = [metric]
    body["learning_rates"] = [{"kind": "ReduceLROnPlateau", "config": {"monitor": monitor, "factor": 0.5}}]
    (rule,) = canonical_request(read_request(body, None)).learning_rates
    assert rule.config["monitor"] == looks_at


def test_a_table_of_rates_is_as_long_as_it_changes() -> None:
    """A schedule that stays at its last rate is one training for any number of epochs; the trainer goes on with it."""
    tables = ([0.2, 0.1, 0.1], [0.2, 0.1], [0.2, 0.1, 0.1, 0.1, 0.1])
    requests = [changed(put("learning_rates", value=[{"kind": "table", "table": table}])) for table in tables]
    assert len({training_fingerprint(request) for request in requests}) == 1
    rule = canonical_request(requests[0]).learning_rates[0]
    assert rule_order(rule, 4)["table"] == [0.2, 0.1, 0.1, 0.1]
    assert rule_order(rule, 1)["table"] == [0.2, 0.1]


def cast(array: ArrayRef) -> ArrayRef:
    """Stands for the array that everything was cast from."""
    return array.model_copy(update={"digest": "0" * 64, "dtype": "uint8"})


@pytest.mark.parametrize(("dtype", "same"), [("float32", True), ("float64", False), ("uint8", False)])
def test_casts_of_images_are_one_where_the_network_casts_anyway(dtype: str, same: bool) -> None:
    """Whole numbers become fractions at an input of float32. At another one they might not be the same."""
    body = fit_body()
    body["model"]["config"]["layers"][0]["config"]["dtype"] = dtype
    request = canonical_request(read_request(body, None), cast)
    assert (request.x.digest == "0" * 64) is same
    assert request.y.digest == "0" * 64
