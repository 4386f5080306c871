"""Answers a program's calls of `evaluate` from what the trainer has evaluated.

A network whose training was played is evaluated once, outside, however many programs ask for it. Who asks before it is
known is answered with the numbers of the last epoch that was played, and has to be run again: the question is kept under
`wanted`. Where the answer cannot come from a training, the program evaluates for itself, with Keras.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from grader.model.training import ArrayRef, Evaluation, EvaluationRequest
from grader.pipeline.hearing import hearing
from grader.sandbox.peer import Peer
from grader.training.canonical import renamed_logs
from grader.training.requests import read_array
from grader.training.store import Runs
from grader.training.walk import Refused

MAX_EVALUATIONS = 20
"""That are carried out for one run of a program; what it asks for beyond, it evaluates in its own time."""
MAX_BATCH = 2**20
FOR_ITSELF: Mapping[str, Any] = {"type": "evaluate_yourself"}
Fetch = Callable[[Peer, list[ArrayRef | None]], None]


@dataclass(frozen=True)
class Played:
    """The last training of a model, as it was played."""

    fingerprint: str
    first: int
    """The number of its first epoch, as Keras counts."""
    epochs: int
    logs: Mapping[str, float]
    """Of its last epoch."""
    names: Mapping[str, str]
    """The student's names of metrics, by those of the training."""
    made_up: bool
    """Whether epochs were played that are none of a training."""


class Evaluator:
    """Knows how the models of one program were left.

    Args:
        runs: finished trainings, with their evaluations.
        seed: of the trainings that are played.
        fetch: has a program send the arrays that are not known.
        uncast: gives the array that stands for one that was made by a cast.
        leave: whether to leave it to the program to evaluate what is not known.
    """

    def __init__(
        self, runs: Runs, seed: int, fetch: Fetch, uncast: Callable[[ArrayRef], ArrayRef], *, leave: bool
    ) -> None:
        self._runs, self._seed, self._fetch, self._uncast, self._leave = runs, seed, fetch, uncast, leave
        self._models: dict[int, Played] = {}
        self.wanted: list[EvaluationRequest] = []
        """What was asked for and not known."""

    def played(self, model: int, played: Played | None) -> None:
        """A model was fitted; None if its network is not that of a training after one of its epochs."""
        self._models.pop(model, None)
        if played is not None:
            self._models[model] = played

    def answer(self, peer: Peer, body: Mapping[str, Any]) -> dict[str, Any]:
        """The frame that answers a question about a model."""
        with hearing():
            played = self._models.get(int(body["model_number"]))
        wanted = None if played is None else self._read(peer, played, body)
        if played is None or wanted is None:
            return dict(FOR_ITSELF)
        known = self._known(wanted)
        if known is not None and not known.problem:
            logs = renamed_logs(known.logs, played.names)
            return {"type": "evaluated", "logs": logs, "seconds": known.seconds, "known": True}
        if known is not None or self._leave or len(self.wanted) >= MAX_EVALUATIONS:
            return dict(FOR_ITSELF)
        self.wanted.append(wanted)
        logs = {key: value for key, value in played.logs.items() if not key.startswith("val_")}
        return {"type": "evaluated", "logs": logs, "seconds": 0.0, "known": False}

    def _read(self, peer: Peer, played: Played, body: Mapping[str, Any]) -> EvaluationRequest | None:
        """What is asked for, with its arrays here; None if it is none of a training that could be looked at."""
        try:
            with hearing():
                x, y = read_array(body["x"], "x"), read_array(body["y"], "y")
                epoch, batch_size = int(body["epoch"]) - played.first, int(body["batch_size"])
        except Refused:
            return None
        if not 1 <= batch_size <= MAX_BATCH or (not played.made_up and not 0 <= epoch < played.epochs):
            return None
        self._fetch(peer, [x, y])
        return EvaluationRequest(
            fingerprint=played.fingerprint,
            epoch=None if played.made_up else epoch,
            x=self._uncast(x),
            y=self._uncast(y),
            batch_size=batch_size,
        )

    def _known(self, wanted: EvaluationRequest) -> Evaluation | None:
        kept = None if wanted.epoch is None else self._runs.find(wanted.fingerprint, self._seed)
        return None if kept is None else kept.evaluations.get(wanted.key)
