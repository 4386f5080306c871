"""Stand for `model.evaluate` where the network is one that was trained outside.

Theory of operation. After a training that was played, a model has weights that the grading process sent. As long as it
has them, and its network, loss and metrics are those of the training, what `evaluate` gives is a fact about the
training, which the grading process knows or can find out once for everybody. The answer goes through Keras's own
`evaluate`, which calls callbacks, prints its progress and orders the numbers; only its batches are left out. Everything
out of the ordinary is evaluated here, by Keras.
"""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras.src.backend.tensorflow import trainer as keras_trainer
from keras.src.trainers.trainer import Trainer

from grader.guest.capture import Referrer, bind_fit, compile_config, numbers
from grader.guest.clock import Clock
from grader.guest.replay import Logs, Steps, exchanged, weights_digest
from grader.wire.channel import Channel
from grader.wire.recipes import as_fed

Array = np.ndarray[Any, Any]
REPLACEABLE = ("test_step", "compute_loss", "compute_metrics", "call")
"""Methods that `evaluate` calls, and that a program may put another in the place of."""


@dataclass(frozen=True)
class Played:
    """The last training of a model, as it was played."""

    number: int
    """Of the model."""
    described: Mapping[str, Any]
    """The request, with `model` and `compile`."""
    ends: Mapping[str, int]
    """Epochs by the digest of the weights at their end; empty if no weights came."""


@dataclass
class Question:
    """A call of `evaluate` as the grading process understands it."""

    body: dict[str, Any]
    batches: int
    first: tuple[Array, Array]
    """Images and labels of the first batch."""
    arrays: dict[str, Array]
    """By digest, for the case that they are asked for."""


class Evaluations:
    """All calls of `evaluate` of one program.

    Args:
        channel: to the grading process.
        clock: the program's.
    """

    def __init__(self, channel: Channel, clock: Clock) -> None:
        self._channel, self._clock = channel, clock
        self._played: dict[int, Played] = {}

    def fitted(self, model: Any, number: int, described: Mapping[str, Any], ends: Mapping[str, int]) -> None:
        """A training was played to a model, which is kept alive by somebody else."""
        if not described["refused"]:
            self._played[id(model)] = Played(number, described, ends)

    def forget(self, model: Any) -> None:
        """A model is trained, in whatever way: nothing is known of it."""
        self._played.pop(id(model), None)

    def __call__(
        self,
        original: Callable[..., Any],
        model: Any,
        args: tuple[Any, ...],
        keywords: dict[str, Any],
        known: Mapping[str, str],
    ) -> Any:
        """What `original(model, *args, **keywords)` gives.

        Args:
            original: Keras's own `evaluate`.
            model: any.
            args: of the call.
            keywords: of the call.
            known: digests of the shipped images, by fingerprint.
        """
        played = self._played.get(id(model))
        asked = None
        if played is not None:
            with contextlib.suppress(Exception):  # what is wrong with the call, Keras says in its own words
                asked = question(model, bind_fit(original, (model, *args), keywords), played, known)
        answer = None if asked is None else self._ask(asked)
        if asked is None or answer is None or not (answer["known"] or fits_first_batch(model, asked.first)):
            return original(model, *args, **keywords)
        self._clock.advance(float(answer["seconds"]))
        with answered({key: float(value) for key, value in answer["logs"].items()}, asked.batches):
            try:
                return original(model, *args, **keywords)
            finally:
                model.test_function = None

    def _ask(self, asked: Question) -> Mapping[str, Any] | None:
        """The grading process's answer; None if it has none."""
        answer = self._channel.ask({"type": "evaluate", **asked.body})
        while answer.type == "send_array":
            digest = str(answer.body["digest"])
            answer = self._channel.ask({"type": "array", "digest": digest}, [as_fed(asked.arrays[digest])])
        return answer.body if answer.type == "evaluated" else None


def question(model: Any, arguments: dict[str, Any], played: Played, known: Mapping[str, str]) -> Question | None:
    """What `model.evaluate(**arguments)` asks for; None, or an exception, if it is to be evaluated here."""
    unusual = arguments["steps"] is not None or arguments["callbacks"] or arguments.get("kwargs")
    if unusual or arguments["sample_weight"] is not None or not is_as_trained(model, played):
        return None
    epoch = played.ends.get(weights_digest([variable.numpy() for variable in model.weights]), -1)
    x, y = numbers(arguments["x"]), numbers(arguments["y"])
    if x is None or y is None or not len(x) or len(x) != len(y) or (played.ends and epoch < 0):
        return None
    size = int(arguments["batch_size"] or 32)
    arrays: dict[str, Array] = {}
    refer = Referrer(arrays, known)
    body = {"model_number": played.number, "epoch": epoch, "x": refer(x), "y": refer(y), "batch_size": size}
    return Question(body, -(-len(x) // size), (as_fed(x[:size]), as_fed(y[:size])), arrays)


def is_as_trained(model: Any, played: Played) -> bool:
    """Whether network, loss and metrics are those of the training."""
    if any(name in vars(model) for name in REPLACEABLE):
        return False
    config = json.loads(model.to_json())
    if any(config[key] != played.described["model"][key] for key in ("class_name", "config")):
        return False
    before, now = played.described["compile"], compile_config(model)
    return all(before.get(key) == now.get(key) for key in {*before, *now} - {"optimizer"})


@contextlib.contextmanager
def answered(logs: Logs, batches: int) -> Iterator[None]:
    """Have Keras's `evaluate` find these logs, whatever batches it is given."""
    trainer = keras_trainer.TensorFlowTrainer

    def iterator(*_: Any, **__: Any) -> Steps:
        return Steps(batches, every=False)

    def make_test_function(model: Any, force: bool = False) -> Any:  # noqa: ARG001 - as Keras calls it
        model.test_function = lambda _step: dict(logs)
        return model.test_function

    changes: list[tuple[Any, str, Any]] = [
        (keras_trainer, "TFEpochIterator", iterator),
        (trainer, "make_test_function", make_test_function),
        (Trainer, "_get_metrics_result_or_logs", lambda _model, _logs: dict(logs)),
        (Trainer, "reset_metrics", lambda _model: None),
    ]
    with exchanged(changes):
        yield


def fits_first_batch(model: Any, first: tuple[Array, Array]) -> bool:
    """Whether Keras can evaluate the first batch; if not, it has to be asked for the words."""
    try:
        model.test_step(first)
    except Exception:  # noqa: BLE001 - whatever Keras raises, it raises again
        return False
    return True
