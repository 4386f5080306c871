"""`evaluate` of a network that was trained outside: asked for where it is a fact about the training, else by Keras."""

import inspect
import re
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from keras.src.backend.tensorflow import trainer as keras_trainer

from grader.guest.capture import capture_fit
from grader.guest.clock import Clock
from grader.guest.evaluate import Evaluations, answered
from grader.guest.replay import weights_digest
from grader.wire.frames import Frame
from grader.wire.recipes import as_fed, digest_as_fed

RNG = np.random.default_rng(3)
X, Y = RNG.random((70, 6, 6, 1)), RNG.integers(0, 10, 70).astype(np.uint8)
EVALUATE = keras_trainer.TensorFlowTrainer.evaluate
FOR_ITSELF = {"type": "evaluate_yourself"}


class Asked:
    """A channel whose other end is here."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers = list(answers)
        self.bodies: list[dict[str, Any]] = []
        self.arrays: list[Any] = []

    def ask(self, body: dict[str, Any], arrays: Sequence[Any] = ()) -> Frame:
        self.bodies.append(body)
        self.arrays += arrays
        return Frame(self.answers.pop(0))


def network() -> Any:
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            layers.Conv2D(2, 3, activation="relu"),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def fitted(asked: Asked, *, made_up: bool = False, refused: str = "") -> tuple[Any, Evaluations]:
    """A model as it is after a training of three epochs that was played."""
    model = network()
    fit = inspect.signature(keras_trainer.TensorFlowTrainer.fit).bind(model, X, Y)
    fit.apply_defaults()
    body = capture_fit(model, {key: value for key, value in fit.arguments.items() if key != "self"}).body
    found = Evaluations(asked, Clock())  # type: ignore[arg-type] # as much of a channel as is used
    ends = {} if made_up else {"of another epoch": 1, digest_of(model): 2}
    found.fitted(model, 4, {**body, "refused": refused}, ends)
    return model, found


def digest_of(model: Any) -> str:
    return weights_digest([variable.numpy() for variable in model.weights])


def reply(known: bool = True, **logs: float) -> dict[str, Any]:
    return {"type": "evaluated", "logs": logs or {"accuracy": 0.25, "loss": 1.5}, "seconds": 2.5, "known": known}


def call(found: Evaluations, model: Any, *args: Any, **keywords: Any) -> Any:
    return found(EVALUATE, model, args, keywords, {})


def test_the_answer_is_what_evaluate_returns() -> None:
    """As a list in the order of Keras, or as a dictionary."""
    model, found = fitted(Asked(reply(), reply()))
    assert call(found, model, X, Y, verbose=0) == [1.5, 0.25]
    assert call(found, model, X, Y, verbose=0, return_dict=True) == {"loss": 1.5, "accuracy": 0.25}


def test_the_right_answer_is_what_keras_gives() -> None:
    """Told what Keras computes, a program finds the same list and prints the same end of a line as without us."""
    model, found = fitted(asked := Asked())
    real = EVALUATE(model, X, Y, return_dict=True, verbose=0)
    asked.answers = [reply(**real)]
    assert call(found, model, X, Y, verbose=0) == EVALUATE(model, X, Y, verbose=0)


def test_progress_is_printed_as_keras_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    """The number of batches, and loss and metrics at the end; only the times differ."""
    model, found = fitted(asked := Asked())
    EVALUATE(model, X, Y)
    plain = capsys.readouterr().out
    asked.answers = [reply(**EVALUATE(model, X, Y, return_dict=True, verbose=0))]
    call(found, model, X, Y)
    mine = capsys.readouterr().out

    def last(text: str) -> str:
        plain = re.sub(r"\x1b\[[0-9;]*m|\x08", "", text).strip()
        return re.sub(r"\d+[mu]?s(/step)?", "", re.split(r"[\r\n]", plain)[-1])[-60:]

    assert "loss" in last(plain)
    assert last(mine) == last(plain)


def test_the_question_names_model_epoch_data_and_batches() -> None:
    """What the grading process needs to know which evaluation is meant; the data only by their digests."""
    model, found = fitted(asked := Asked(reply()))
    call(found, model, X, Y, batch_size=50, verbose=0)
    [body] = asked.bodies
    assert (body["type"], body["model_number"], body["epoch"], body["batch_size"]) == ("evaluate", 4, 2, 50)
    assert (body["x"]["digest"], body["y"]["digest"]) == (digest_as_fed(X), digest_as_fed(Y))
    assert asked.arrays == []


def test_data_travel_where_they_are_asked_for() -> None:
    """As Keras would feed them."""
    model, found = fitted(asked := Asked({"type": "send_array", "digest": digest_as_fed(X)}, reply()))
    assert call(found, model, X, Y, verbose=0) == [1.5, 0.25]
    assert asked.bodies[1] == {"type": "array", "digest": digest_as_fed(X)}
    np.testing.assert_array_equal(asked.arrays[0], as_fed(X))


def test_the_clock_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that takes the time of an evaluation finds the seconds of the trainer."""
    asked = Asked(reply())
    model, _ = fitted(asked)
    clock, passed = Clock(), list[float]()
    monkeypatch.setattr(clock, "advance", passed.append)
    found = Evaluations(asked, clock)  # type: ignore[arg-type] # as much of a channel as is used
    found.fitted(model, 0, capture(model), {digest_of(model): 0})
    call(found, model, X, Y, verbose=0)
    assert passed == [2.5]


def capture(model: Any) -> dict[str, Any]:
    bound = inspect.signature(keras_trainer.TensorFlowTrainer.fit).bind(model, X, Y)
    bound.apply_defaults()
    return capture_fit(model, {key: value for key, value in bound.arguments.items() if key != "self"}).body


def move_weights(model: Any) -> None:
    model.layers[0].kernel.assign_add(model.layers[0].kernel * 0.01)


def compile_anew(model: Any) -> None:
    model.compile(
        optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["sparse_top_k_categorical_accuracy"]
    )


def use_another_activation(model: Any) -> None:
    model.layers[0].activation = keras.activations.tanh


def replace_a_step(model: Any) -> None:
    model.test_step = lambda data: type(model).test_step(model, data)


CHANGES: list[Callable[[Any], None]] = [move_weights, compile_anew, use_another_activation, replace_a_step]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("made_up", [False, True])
def test_a_network_that_is_another_is_evaluated_here(change: Callable[[Any], None], made_up: bool) -> None:
    """After a change of weights, loss, activation or method nobody is asked; a made-up training has no weights to tell."""
    model, found = fitted(asked := Asked(reply(known=False)), made_up=made_up)
    change(model)
    here = call(found, model, X, Y, verbose=0)
    if change is move_weights and made_up:
        assert [body["epoch"] for body in asked.bodies] == [-1]
    else:
        assert (asked.bodies, here) == ([], EVALUATE(model, X, Y, verbose=0))


class Quiet(keras.callbacks.Callback):  # type: ignore[misc] # Keras has no types
    """Does nothing."""


@pytest.mark.parametrize(
    "keywords",
    [
        {"x": X, "y": Y, "sample_weight": np.ones(70)},
        {"x": X, "y": Y, "steps": 1},
        {"x": X, "y": Y, "callbacks": [Quiet()]},
        {"x": [(X[:35], Y[:35])][0][0], "y": Y[:35].tolist()},
    ],
)
def test_unusual_calls_are_evaluated_here(keywords: dict[str, Any]) -> None:
    """Weights, steps, callbacks and lists: Keras answers, or says what is wrong."""
    model, found = fitted(asked := Asked())
    try:
        plain: Any = EVALUATE(model, **keywords, verbose=0)
    except ValueError as error:
        plain = str(error)
    try:
        mine: Any = call(found, model, **keywords, verbose=0)
    except ValueError as error:
        mine = str(error)
    assert (mine, asked.bodies) == (plain, [])


@pytest.mark.parametrize("keywords", [{"x": X[:60], "y": Y}, {"x": X, "z": 1}, {"x": X}])
def test_wrong_calls_raise_what_keras_raises(keywords: dict[str, Any]) -> None:
    """Lengths that do not fit, arguments that there are not, labels that are missing."""
    model, found = fitted(asked := Asked())
    with pytest.raises((ValueError, TypeError)) as plain:
        EVALUATE(model, **keywords, verbose=0)
    with pytest.raises(plain.type) as mine:
        call(found, model, **keywords, verbose=0)
    assert str(mine.value) == str(plain.value)
    assert asked.bodies == []


def test_made_up_numbers_hide_no_mistake() -> None:
    """Images of a wrong shape fail as ever, although the numbers of a training that is not known could be any."""
    model, found = fitted(Asked(reply(known=False), reply(known=False)), made_up=True)
    wrong = X.reshape(70, 3, 12, 1)
    with pytest.raises(Exception) as plain:  # noqa: PT011 - whatever Keras raises
        EVALUATE(model, wrong, Y, verbose=0)
    with pytest.raises(plain.type):
        call(found, model, wrong, Y, verbose=0)
    assert call(found, model, X, Y, verbose=0) == [1.5, 0.25]


def test_it_is_evaluated_here_if_so_told() -> None:
    """The grading process has no answer, and the next call asks again."""
    model, found = fitted(asked := Asked(FOR_ITSELF, reply()))
    assert call(found, model, X, Y, verbose=0) == EVALUATE(model, X, Y, verbose=0)
    assert call(found, model, X, Y, verbose=0) == [1.5, 0.25]
    assert len(asked.bodies) == 2


def test_other_models_are_none_of_our_business() -> None:
    """One that was never trained, one that was trained here, one that could not be written down."""
    model, found = fitted(asked := Asked())
    other = network()
    assert call(found, other, X, Y, verbose=0) == EVALUATE(other, X, Y, verbose=0)
    found.forget(model)
    assert call(found, model, X, Y, verbose=0) == EVALUATE(model, X, Y, verbose=0)
    refused, found = fitted(asked, refused="a class of its own")
    assert call(found, refused, X, Y, verbose=0) == EVALUATE(refused, X, Y, verbose=0)
    assert asked.bodies == []


def test_keras_is_put_back() -> None:
    """After an answer, and after an error inside, everything is Keras's own, and evaluates."""
    model = network()
    before = EVALUATE(model, X, Y, verbose=0)
    names = {name: vars(keras_trainer.TensorFlowTrainer)[name] for name in ("make_test_function", "evaluate")}
    with pytest.raises(KeyError), answered({"loss": 1.0}, 3):
        raise KeyError
    assert {name: vars(keras_trainer.TensorFlowTrainer)[name] for name in names} == names
    assert EVALUATE(model, X, Y, verbose=0) == before
