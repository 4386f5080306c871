"""The grading process's answers to `evaluate`: from the trainings, once they are known, and never from the program."""

from typing import Any

import pytest

from grader.model.training import ArrayRef, Evaluation, EvaluationRequest
from grader.pipeline.evaluator import FOR_ITSELF, MAX_EVALUATIONS, Evaluator, Played
from grader.training.store import Store
from tests.factories import array_body, make_run

X, Y = array_body((100, 28, 28)), array_body((100,), "b")


class Desk:
    """A store with one training, and what was fetched."""

    def __init__(self, *, leave: bool = False) -> None:
        self.store = Store(None)
        self.store.keep(make_run([0.5, 0.9]), {})
        self.fetched: list[ArrayRef | None] = []
        self.evaluator = Evaluator(self.store, 1, self.fetch, self.uncast, leave=leave)

    def fetch(self, _peer: Any, wanted: list[ArrayRef | None]) -> None:
        self.fetched += wanted

    def uncast(self, reference: ArrayRef) -> ArrayRef:
        return reference.model_copy(update={"original_dtype": ""})

    def played(self, **changes: Any) -> "Desk":
        logs = {"acc": 0.9, "loss": 0.3, "val_acc": 0.8}
        values = {"fingerprint": "f", "first": 3, "epochs": 2, "logs": logs, "names": {}, "made_up": False}
        self.evaluator.played(7, Played(**{**values, **changes}))
        return self

    def ask(self, **changes: Any) -> dict[str, Any]:
        body = {"model_number": 7, "epoch": 4, "x": X, "y": Y, "batch_size": 32}
        return self.evaluator.answer(None, {**body, **changes})  # type: ignore[arg-type] # nobody is talked to here

    def learn(self, **values: Any) -> None:
        [wanted] = self.evaluator.wanted
        self.store.keep_evaluation("f", 1, wanted.key, Evaluation(**values))


def test_what_is_not_known_is_made_up_and_noted() -> None:
    """The program goes on with the numbers of the last epoch, and it is known what it asked for."""
    desk = Desk().played()
    assert desk.ask() == {"type": "evaluated", "logs": {"acc": 0.9, "loss": 0.3}, "seconds": 0.0, "known": False}
    [wanted] = desk.evaluator.wanted
    assert (wanted.fingerprint, wanted.epoch, wanted.batch_size) == ("f", 1, 32)
    assert [wanted.x.shape, wanted.y.shape] == [(100, 28, 28), (100,)]
    assert desk.fetched[0] is not None


def test_what_is_known_is_answered() -> None:
    """Under the student's own names, and nothing more has to be found out."""
    desk = Desk().played(names={"accuracy": "acc", "loss": "loss"})
    desk.ask()
    desk.learn(logs={"accuracy": 0.75, "loss": 0.5}, seconds=1.5)
    found = desk.ask()
    assert found == {"type": "evaluated", "logs": {"acc": 0.75, "loss": 0.5}, "seconds": 1.5, "known": True}
    assert len(desk.evaluator.wanted) == 1


@pytest.mark.parametrize(
    "other", [{"epoch": 3}, {"batch_size": 33}, {"x": array_body((100, 28, 28), "c")}, {"y": array_body((100, 1), "b")}]
)
def test_another_evaluation_is_another(other: dict[str, Any]) -> None:
    """Of another epoch, in other batches, on other data."""
    desk = Desk().played()
    desk.ask()
    desk.learn(logs={"accuracy": 0.75})
    assert not desk.ask(**other)["known"]
    assert len({wanted.key for wanted in desk.evaluator.wanted}) == 2


def test_what_cannot_be_evaluated_outside_is_left_to_the_program() -> None:
    """Then it fails, or takes its time, there."""
    desk = Desk().played()
    desk.ask()
    desk.learn(problem="too large")
    assert desk.ask() == FOR_ITSELF


@pytest.mark.parametrize(
    "body",
    [
        {"model_number": 8},
        {"epoch": 2},
        {"epoch": 5},
        {"epoch": -1},
        {"batch_size": 0},
        {"batch_size": 2**40},
        {"x": array_body((2**40, 1))},
        {"y": {**Y, "digest": "no digest"}},
    ],
)
def test_absurd_questions_are_left_to_the_program(body: dict[str, Any]) -> None:
    """A model that was not played, an epoch that it had not, numbers that cannot be: nothing is fetched or noted."""
    desk = Desk().played()
    assert desk.ask(**body) == FOR_ITSELF
    assert (desk.fetched, desk.evaluator.wanted) == ([], [])


def test_of_a_made_up_training_the_epoch_is_not_known() -> None:
    """What is wanted is noted all the same, so that it can be evaluated as soon as the training is there."""
    desk = Desk().played(made_up=True)
    assert desk.ask(epoch=-1)["known"] is False
    assert [wanted.epoch for wanted in desk.evaluator.wanted] == [None]


def test_a_model_that_was_trained_otherwise_is_forgotten() -> None:
    """After a training in the program itself, nothing is known of its network."""
    desk = Desk().played()
    desk.evaluator.played(7, None)
    assert desk.ask() == FOR_ITSELF


def test_a_program_can_be_left_alone_with_what_is_not_known() -> None:
    """One that asks for something else each time would never end."""
    desk = Desk(leave=True).played()
    assert desk.ask() == FOR_ITSELF
    assert desk.evaluator.wanted == []


def test_nobody_asks_without_end() -> None:
    """What goes beyond is evaluated by the program, in its own time."""
    desk = Desk().played()
    answers = [desk.ask(batch_size=number + 1)["type"] for number in range(MAX_EVALUATIONS + 2)]
    assert answers == ["evaluated"] * MAX_EVALUATIONS + ["evaluate_yourself"] * 2


def test_a_key_says_what_makes_an_evaluation_another() -> None:
    """Where the training lies is said elsewhere; how an array was cast does not matter."""
    x = ArrayRef(digest="a" * 64, dtype="float32", shape=(2, 3))
    wanted = EvaluationRequest(fingerprint="f", epoch=1, x=x, y=x, batch_size=32)
    cast = x.model_copy(update={"original_dtype": "float64"})
    assert wanted.key == wanted.model_copy(update={"x": cast}).key
    assert wanted.key != wanted.model_copy(update={"epoch": 0}).key
