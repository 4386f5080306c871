"""Training requests: what a guest may ask for, and which requests are the same training."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.model.training import Parent, TrainingRequest
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
    "validation_freq": put("fit", "validation_freq", value=2),
    "class_weight": put("fit", "class_weight", value={"0": 2.0}),
    "images": put("data", "x", value=array_body(IMAGES, "c")),
    "labels": put("data", "y", value=array_body((60_000,), "d")),
    "shape": put("data", "x", value=array_body((60_000, 784))),
    "sample_weight": put("data", "sample_weight", value=array_body((60_000,), "e")),
    "validation": put("data", "validation", value=[array_body((10, 28, 28, 1)), array_body((10,))]),
    "optimizer": put("compile", "optimizer", "config", "learning_rate", value=0.1),
    "loss": put("compile", "loss", value="mse"),
    "metrics": put("compile", "metrics", value=["acc"]),
    "learning_rates": put("learning_rates", value=[PLATEAU]),
    "table": put("learning_rates", value=[{"kind": "table", "table": [0.1, 0.01]}]),
}
SAME = {
    "epochs": put("fit", "epochs", value=5),
    "batch_hooks": put("batch_hooks", value=True),
    "original_dtype": put("data", "x", "original_dtype", value="float32"),
    "callbacks": put("callbacks", value=["Mine"]),
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
