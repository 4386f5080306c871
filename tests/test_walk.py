"""The walk over a config: what is the same network, what is another, and what is never built.

The configs under `golden/configs` were written once by Keras 3 (`to_json`, `get_compile_config`).
"""

import copy
import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.training.walk import (
    MAX_LAYERS,
    Refused,
    as_chain,
    canonical_compile,
    canonical_model,
    fingerprint,
    original_names,
)
from tests.factories import CONFIGS, keras_config
from tests.hostile import HOSTILE, places, replaced

Config = dict[str, Any]
MODELS = [
    "sequential",
    "sequential_wrapped",
    "functional_chain",
    "functional_nested",
    "functional_operations",
    "functional_residual",
]


def model_of(name: str = "sequential") -> Config:
    return dict(keras_config(name)["model"])


def compile_of(name: str = "sequential") -> Config:
    return dict(keras_config(name)["compile"])


def layer_of(model: Config, kind: str) -> Config:
    """The arguments of the first layer of this class."""
    return dict_of(next(layer for layer in model["config"]["layers"] if layer["class_name"] == kind))


def dict_of(layer: Config) -> Config:
    found = layer["config"]
    assert isinstance(found, dict)
    return found


def identity(model: Config) -> str:
    return fingerprint(canonical_model(model))


class Damage(NamedTuple):
    """A golden config, a place in it, and what stands there now."""

    name: str
    path: tuple[Any, ...]
    new: Any

    def applied(self, part: str) -> Any:
        return replaced(keras_config(self.name)[part], self.path, self.new)


@st.composite
def damages(draw: st.DrawFn, part: str) -> Damage:
    name = draw(st.sampled_from(MODELS))
    return Damage(name, draw(st.sampled_from(places(keras_config(name)[part]))), draw(HOSTILE))


def only_refused(walk: Callable[[Any], Config], value: Any) -> None:
    try:
        found = walk(value)
    except Refused:
        return
    json.dumps(found)


# ── the same, and not the same ──


@pytest.mark.parametrize("name", MODELS)
def test_canonical_form_is_its_own_canonical_form(name: str) -> None:
    """Walking what the walk gave changes nothing."""
    once = canonical_model(model_of(name))
    assert canonical_model(once) == once


@pytest.mark.parametrize("name", MODELS)
def test_canonical_compile_is_its_own_canonical_form(name: str) -> None:
    """Walking a canonical compile config changes nothing."""
    once = canonical_compile(compile_of(name))
    assert canonical_compile(once) == once


@given(st.sampled_from(MODELS), st.text(alphabet="abcxyz_", min_size=1, max_size=5))
@settings(deadline=None, max_examples=30)
def test_names_of_layers_do_not_matter(name: str, word: str) -> None:
    """Networks that differ in the students' names for model and layers are one network."""
    model = model_of(name)
    text = json.dumps(model)
    for original in sorted(set(original_names(model).values()), key=len, reverse=True):
        text = text.replace(f'"{original}"', f'"{word}{original}"')
    assert text != json.dumps(model)
    assert identity(json.loads(text)) == identity(model)


def test_a_functional_chain_is_the_sequential_model() -> None:
    """The same five layers written both ways are trained once."""
    assert identity(model_of("functional_chain")) == identity(model_of("sequential"))


def test_a_branching_graph_stays_a_graph() -> None:
    """A network with a sum in it is no chain."""
    assert canonical_model(model_of("functional_residual"))["class_name"] == "Functional"


def test_a_layer_called_twice_in_a_row_is_no_chain() -> None:
    """One layer object applied twice is not the sequential model with that layer once."""
    model = model_of("functional_chain")
    flatten = model["config"]["layers"][3]
    flatten["inbound_nodes"].append(copy.deepcopy(flatten["inbound_nodes"][0]))
    assert canonical_model(model)["class_name"] == "Functional"


def test_a_graph_that_ends_before_its_last_layer_is_no_chain() -> None:
    """Where the output is taken from an earlier layer, the graph keeps that."""
    model = model_of("functional_chain")
    model["config"]["output_layers"] = [model["config"]["layers"][4]["config"]["name"], 0, 0]
    assert canonical_model(model)["class_name"] == "Functional"


def test_as_chain_leaves_sequential_models_alone() -> None:
    """A Sequential model comes back as it is."""
    once = canonical_model(model_of())
    assert as_chain(once) is once


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        ("Conv2D", "filters", 33),
        ("Conv2D", "kernel_size", [5, 5]),
        ("Conv2D", "activation", "tanh"),
        ("Conv2D", "padding", "same"),
        ("Conv2D", "use_bias", False),
        ("Conv2D", "trainable", False),
        ("MaxPooling2D", "pool_size", [3, 3]),
        ("Dense", "units", 127),
        ("Dense", "kernel_regularizer", {"module": "keras", "class_name": "L2", "config": {"l2": 0.01}}),
        ("Dense", "kernel_initializer", {"module": "keras", "class_name": "Zeros", "config": {}}),
    ],
)
def test_every_argument_of_a_layer_matters(kind: str, key: str, value: Any) -> None:
    """Another number of filters, kernel, activation, … is another network."""
    model = model_of()
    layer_of(model, kind)[key] = value
    assert identity(model) != identity(model_of())


def test_order_of_layers_matters() -> None:
    """The same layers in another order are another network."""
    model = model_of()
    layers = model["config"]["layers"]
    layers[4], layers[5] = layers[5], layers[4]
    assert identity(model) != identity(model_of())


def test_bookkeeping_of_keras_does_not_matter() -> None:
    """`build_config` and the spelling of the dtype policy say nothing about the network."""
    model = model_of()
    for layer in model["config"]["layers"]:
        layer.pop("build_config", None)
        dict_of(layer)["dtype"] = "float32"
    assert identity(model) == identity(model_of())


@pytest.mark.parametrize(("written", "meant"), [("softmax_v2", "softmax"), ("relu_v2", "relu"), ("relu", "relu")])
def test_functions_of_tensorflow_are_the_activations_they_are(written: str, meant: str) -> None:
    """`tf.nn.softmax` is the activation softmax."""
    one, other = model_of(), model_of()
    layer_of(one, "Dense")["activation"] = {"module": "builtins", "class_name": "function", "config": written}
    layer_of(other, "Dense")["activation"] = meant
    assert identity(one) == identity(other)


@pytest.mark.parametrize(
    ("key", "value"),
    [("learning_rate", 0.002), ("beta_1", 0.8), ("amsgrad", True), ("weight_decay", 0.1)],
)
def test_every_argument_of_the_optimizer_matters(key: str, value: Any) -> None:
    """Another learning rate is another training."""
    config = compile_of()
    config["optimizer"]["config"][key] = value
    assert canonical_compile(config) != canonical_compile(compile_of())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("optimizer", {"module": "keras.optimizers", "class_name": "SGD", "config": {"learning_rate": 0.001}}),
        ("loss", "mse"),
        ("metrics", None),
        ("loss_weights", [0.5]),
    ],
)
def test_every_argument_of_compile_matters(key: str, value: Any) -> None:
    """Another optimizer, loss, or metric is another training."""
    assert canonical_compile(compile_of() | {key: value}) != canonical_compile(compile_of())


def test_name_of_the_optimizer_does_not_matter() -> None:
    """Keras counts optimizers (`adam_3`); the count is dropped."""
    assert canonical_compile(compile_of("functional_chain")) == canonical_compile(compile_of("sequential"))


def test_a_schedule_of_the_learning_rate_is_kept() -> None:
    """A listed schedule is data, and stays in the canonical form."""
    rate = canonical_compile(compile_of("functional_nested"))["optimizer"]["config"]["learning_rate"]
    assert (rate["class_name"], rate["config"]["decay_steps"]) == ("ExponentialDecay", 100)


def test_fingerprint_does_not_see_the_order_of_keys() -> None:
    """Equal JSON objects have one fingerprint."""
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})


# ── names ──


@pytest.mark.parametrize("name", MODELS)
def test_original_names_stand_at_the_layers_they_belong_to(name: str) -> None:
    """Each canonical name leads to the student's name of a layer of the same class."""
    canonical: dict[str, str] = {}
    originals: dict[str, str] = {}

    def collect(model: Config, into: dict[str, str]) -> None:
        for layer in model["config"]["layers"]:
            into[dict_of(layer)["name"]] = layer["class_name"]
            if layer["class_name"] in ("Sequential", "Functional"):
                collect(layer, into)

    collect(canonical_model(model_of(name)), canonical)
    collect(model_of(name), originals)
    names = original_names(model_of(name))
    assert {key: originals.get(names[key]) for key in canonical} == canonical


def test_layers_are_named_by_position() -> None:
    """The first layer is `layer_1`, counted through nested models."""
    layers = canonical_model(model_of("functional_nested"))["config"]["layers"]
    assert [dict_of(layer)["name"] for layer in layers] == ["layer_1", "layer_2", "layer_6", "layer_7"]


def test_original_names_are_short() -> None:
    """A name of a megabyte is cut before it reaches a sentence."""
    model = model_of()
    layer_of(model, "Dense")["name"] = "x" * 1_000_000
    assert max(map(len, original_names(model).values())) == 80


# ── what is refused ──


def with_layer(kind: str, module: str = "keras.layers", **arguments: Any) -> Config:
    """The sequential model with one more layer."""
    model = model_of()
    layer = {"module": module, "class_name": kind, "config": {"name": "more", **arguments}, "registered_name": None}
    model["config"]["layers"].insert(1, layer)
    return model


def with_argument(kind: str, key: str, value: Any) -> Config:
    model = model_of()
    layer_of(model, kind)[key] = value
    return model


def initializer(kind: str, **arguments: Any) -> Config:
    return {"module": "keras.initializers", "class_name": kind, "config": arguments, "registered_name": None}


def own_function(name: str) -> Config:
    return {"module": "builtins", "class_name": "function", "config": name, "registered_name": name}


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (with_layer("Lambda", function={"class_name": "__lambda__"}), "a layer of the class Lambda"),
        (with_layer("Normalization", mean=[0.5]), "a layer of the class Normalization"),
        (with_layer("TFSMLayer", filepath="x"), "a layer of the class TFSMLayer"),
        (with_layer("Mine", module="student"), "a layer of the class Mine"),
        (with_layer("Relu", module="keras.src.activations"), "a layer of the class Relu"),
        (with_layer("Exec", module="keras.src.ops.core"), "a layer of the class Exec"),
        (with_argument("Dense", "units", 10**9), "Dense has units=1e+09; at most 65536"),
        (with_argument("Conv2D", "filters", 1e9), "Conv2D has filters=1e+09"),
        (with_argument("Conv2D", "kernel_size", [3, 4000]), "Conv2D has kernel_size=4000"),
        (with_argument("Dense", "units", float("nan")), "not a plain, finite value"),
        (with_argument("Dense", "kernel_initializer", initializer("Constant", value=[0.1, 0.2])), "a list under value"),
        (with_argument("Dense", "kernel_initializer", initializer("Constant", value={"a": 1})), "not a plain"),
        (with_argument("Dense", "kernel_initializer", initializer("Mine")), "kernel_initializer of Dense: Mine"),
        (with_argument("Dense", "activation", own_function("my_activation")), "'my_activation' is not one that Keras"),
        (with_argument("Dense", "activation", "eval"), "activation of Dense: 'eval'"),
        (with_argument("Dense", "kernel_regularizer", initializer("Mine")), "kernel_regularizer of Dense: Mine"),
        (with_argument("Dense", "dtype", "float16"), "computes in float16"),
        (with_argument("Dense", "units", list(range(65))), "not a plain"),
        (with_argument("Dense", "use_bias", "x" * 101), "not a plain"),
        ({"class_name": "Model", "config": {"layers": []}}, "of the class Model"),
        ({"class_name": "Sequential", "config": {"layers": []}}, "no layers"),
        ({"class_name": "Sequential", "config": []}, "no list of layers"),
        (None, "expected a Keras object"),
    ],
)
def test_what_could_carry_code_weights_or_harm_is_refused(model: Any, reason: str) -> None:
    """Classes, functions, sizes and values off the list are refused, with a reason that names them."""
    with pytest.raises(Refused) as caught:
        canonical_model(model)
    assert reason in str(caught.value)


@pytest.mark.parametrize("key", ["scale", "offset"])
def test_no_layer_carries_a_table_of_numbers(key: str) -> None:
    """`Rescaling` by a table of 28 x 28 x 10 numbers would be a trained network by another name."""
    table = [[[0.1] * 10 for _ in range(28)] for _ in range(28)]
    with pytest.raises(Refused):
        canonical_model(with_layer("Rescaling", "keras.layers", **{"scale": 1.0, key: table}))


def test_no_operation_carries_a_table_of_numbers() -> None:
    """`x * [[…]]` puts constants into the graph: they are weights that did not come from the training."""
    model = model_of("functional_operations")
    multiply = next(layer for layer in model["config"]["layers"] if layer["class_name"] == "Multiply")
    multiply["inbound_nodes"][0]["args"][1] = [[0.1] * 10]
    with pytest.raises(Refused):
        canonical_model(model)


def test_arguments_of_a_node_are_not_cut() -> None:
    """A list too long for the walk is refused; shortening it would train another network."""
    model = model_of("functional_residual")
    total = next(layer for layer in model["config"]["layers"] if layer["class_name"] == "Add")
    total["inbound_nodes"][0]["args"][0] *= 40
    with pytest.raises(Refused):
        canonical_model(model)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"loss": own_function("my_loss")}, "'my_loss' is not one that Keras brings"),
        ({"loss": initializer("LossFunctionWrapper", fn=own_function("mse"))}, "LossFunctionWrapper"),
        ({"loss": initializer("Hinge", fn=own_function("mse"))}, "it wraps a function"),
        ({"loss": initializer("Huber", name="huber_loss")}, "Huber is not one that can be trained here"),
        ({"loss": "my_loss"}, "'my_loss'"),
        ({"loss": ["mse", "mse"]}, "expected a Keras object"),
        ({"metrics": [initializer("MeanMetricWrapper", fn=own_function("mse"))]}, "MeanMetricWrapper"),
        ({"metrics": {"out": ["accuracy"]}}, "by output name"),
        ({"optimizer": initializer("Mine")}, "optimizer: Mine"),
        ({"optimizer": initializer("Adam", learning_rate=float("nan"))}, "not a plain, finite value"),
        ({"optimizer": initializer("Adam", learning_rate=float("inf"))}, "not a plain, finite value"),
        ({"optimizer": initializer("Adam", learning_rate=initializer("Mine"))}, "learning rate: Mine"),
        ({"optimizer": initializer("Adam", learning_rate=[0.1])}, "a list under learning_rate"),
        ({"optimizer": None}, "expected a Keras object"),
        ({"loss_weights": {"a": 1}}, "loss_weights is not a plain"),
    ],
)
def test_own_losses_metrics_and_optimizers_are_refused(change: Config, reason: str) -> None:
    """Compile arguments off the list are refused, with a reason that names them."""
    with pytest.raises(Refused) as caught:
        canonical_compile(compile_of() | change)
    assert reason in str(caught.value)


def test_a_metric_that_wraps_a_function_is_refused_as_keras_writes_it() -> None:
    """A wrapped metric named `accuracy` could log anything."""
    with pytest.raises(Refused, match="MeanMetricWrapper"):
        canonical_compile(compile_of("wrapped_loss"))


def nested(depth: int) -> Config:
    """Models inside models."""
    model = model_of()
    for _ in range(depth):
        model = {"class_name": "Sequential", "config": {"name": "outer", "layers": [model]}}
    return model


@pytest.mark.parametrize(("depth", "good"), [(5, True), (6, False), (15, False)])
def test_models_are_nested_five_deep_at_most(depth: int, good: bool) -> None:
    """Five models around a model are accepted, six are refused."""
    if good:
        assert canonical_model(nested(depth))["class_name"] == "Sequential"
    else:
        with pytest.raises(Refused, match="more than five deep"):
            canonical_model(nested(depth))


def test_wrappers_nested_deeply_are_refused() -> None:
    """Wrappers around wrappers, as deep as a frame can be, are refused and do not exhaust the stack."""
    layer = {"class_name": "Dense", "config": {"name": "d", "units": 1}}
    for _ in range(MAX_LAYERS + 1):
        layer = {"class_name": "TimeDistributed", "config": {"name": "t", "layer": layer}}
    with pytest.raises(Refused):
        canonical_model({"class_name": "Sequential", "config": {"layers": [layer]}})


@pytest.mark.parametrize(("count", "good"), [(MAX_LAYERS, True), (MAX_LAYERS + 1, False)])
def test_number_of_layers_is_limited(count: int, good: bool) -> None:
    """Three hundred layers are accepted, one more is refused."""
    model = {
        "class_name": "Sequential",
        "config": {"layers": [{"class_name": "Flatten", "config": {"name": "f"}}] * count},
    }
    if good:
        assert len(canonical_model(model)["config"]["layers"]) == count
    else:
        with pytest.raises(Refused, match="more than 300 layers"):
            canonical_model(model)


def test_a_graph_with_an_unknown_layer_in_it_is_refused() -> None:
    """A node that refers to a layer that is not there is refused."""
    model = model_of("functional_residual")
    model["config"]["output_layers"] = ["elsewhere", 0, 0]
    with pytest.raises(Refused, match="unknown layer 'elsewhere'"):
        canonical_model(model)


@given(HOSTILE)
@settings(deadline=None)
def test_walk_of_any_json_raises_only_refused(value: Any) -> None:
    """Any JSON is a canonical model or Refused."""
    only_refused(canonical_model, value)


@given(damages("model"))
@settings(deadline=None, max_examples=200)
def test_walk_of_a_damaged_model_raises_only_refused(damage: Damage) -> None:
    """A model's config with something hostile in any place is a canonical model or Refused."""
    only_refused(canonical_model, damage.applied("model"))


@given(damages("compile"))
@settings(deadline=None, max_examples=100)
def test_walk_of_a_damaged_compile_config_raises_only_refused(damage: Damage) -> None:
    """A compile config with something hostile in any place is canonical or Refused."""
    only_refused(canonical_compile, damage.applied("compile"))


def test_golden_configs_are_small() -> None:
    """The configs kept for these tests stay readable: each below 25,000 characters."""
    assert all(len(path.read_text()) < 25_000 for path in CONFIGS.glob("*.json"))
