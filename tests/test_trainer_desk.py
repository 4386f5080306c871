"""The grading process's side of a trainer's jobs: what a network is the cause of, and what it is not."""

from pathlib import Path
from typing import Any

import pytest

from grader.errors import SandboxError
from grader.model.observation import Ending, EndingKind, Measured
from grader.pipeline.trainer_desk import describe
from grader.sandbox.peer import Streams
from grader.trainer import jobs
from grader.wire.frames import Frame
from tests.factories import make_request


class Ended:
    """A slot whose jobs end in one way, without a word."""

    def __init__(self, kind: EndingKind) -> None:
        self._kind = kind

    def run(self, _job: Any, _converse: Any) -> tuple[Measured, Streams]:
        return Measured(ending=Ending(kind=self._kind, detail="7"), sandbox="full"), Streams()


@pytest.mark.parametrize("kind", ["memory", "timeout"])
def test_a_network_that_is_too_large_to_build_has_that_as_its_problem(kind: EndingKind) -> None:
    """It crossed a limit that was measured."""
    found = describe(Ended(kind), make_request())  # type: ignore[arg-type]
    assert found.problem == f"the network is too large to build here ({kind})"


@pytest.mark.parametrize("kind", ["signalled", "exited", "cpu"])
def test_a_trainer_that_is_killed_says_nothing_about_the_network(kind: EndingKind) -> None:
    """A machine without memory kills what it likes: before, an honest network was said to be too large."""
    with pytest.raises(SandboxError, match=f"the trainer could not describe a network: {kind} 7"):
        describe(Ended(kind), make_request())  # type: ignore[arg-type]


class Silent:
    """A channel that nobody should say anything on."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def send(self, body: dict[str, Any], _arrays: Any = ()) -> None:
        self.sent.append(body)

    def receive(self) -> None:
        """The other end is done."""


def order(**changes: Any) -> Frame:
    """To train on shipped images, as far as that is read before they are."""
    table = {"dataset": "mnist", "part": "y_train", "recipe": "raw", "shape": [60_000]}
    body = {"fused": False, "arrays": {"y": table}, "seed": 1, "chain": [{"y": "y", "x": "y"}]}
    return Frame({"type": "order", **body, **changes})


def test_a_data_set_that_is_lost_is_no_problem_of_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The job fails, instead of saying that the network cannot be trained; what Keras says of a network it does say."""
    monkeypatch.setattr(jobs, "single_thread", lambda: None)
    monkeypatch.setenv("GRADER_DATASETS", str(tmp_path))
    silent = Silent()
    with pytest.raises(FileNotFoundError):
        jobs.train(order(), silent)  # type: ignore[arg-type] # as much of a channel as is used
    assert silent.sent == []
    jobs.train(order(seed=-1), silent)  # type: ignore[arg-type]
    assert "seed" in silent.sent[0]["problem"].lower()
