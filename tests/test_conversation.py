"""The talk with a guest: whatever a guest says is read or rejected, and what fails on this side is not laid at its door."""

import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.model.assignment import Limits, TrainingPolicy
from grader.model.submission import Cell, Source, Submission
from grader.pipeline.conversation import Conversation
from grader.pipeline.stage import MAX_EPOCHS
from grader.pipeline.terms import Terms
from grader.sandbox.peer import JobOver
from grader.training.kept import KeptRun
from grader.training.store import Store
from grader.wire.frames import Frame
from tests.factories import array_body, fit_body, image_facts, label_facts, make_run
from tests.hostile import HOSTILE, places, replaced

Body = dict[str, Any]
EPOCHS = 3
TERMS = Terms(
    id="demo",
    entry_points=("train",),
    probe_source="",
    inputs_source="",
    old_names=True,
    limits=Limits(),
    training=TrainingPolicy(threshold=0.9),
    reference=None,
)
IMAGES = np.zeros((4, 28, 28, 1), np.float32)


class Said:
    """A guest that says what stands written, whatever it hears, and is gone after that."""

    def __init__(self, *frames: Body | tuple[Body, np.ndarray[Any, Any]]) -> None:
        self._frames = [Frame(item[0], (item[1],)) if isinstance(item, tuple) else Frame(item) for item in frames]
        self.heard: list[Body] = []
        self.rejected = ""
        self.streams = self
        self.out = b""

    def receive(self) -> Frame:
        if not self._frames or self.rejected:
            raise JobOver
        return self._frames.pop(0)

    def send(self, body: Body, _arrays: Any = ()) -> None:
        self.heard.append(body)

    def ask(self, body: Body, _arrays: Any = ()) -> Frame:
        self.send(body)
        return self.receive()

    def printed(self) -> int:
        return 0

    def allow(self, _seconds: float) -> None:
        """Any time that it likes."""

    def finish(self) -> None:
        """It has said all."""

    def end(self, _kind: str, _detail: str) -> None:
        self._frames.clear()

    def reject(self, reason: str) -> None:
        self.rejected = reason


class Book:
    """Knows no array but those that were sent."""

    divided = ()

    def __init__(self) -> None:
        self.known: set[str] = set()

    def knows(self, reference: Any) -> bool:
        return reference.key in self.known

    def accept(self, reference: Any, array: Any) -> bool:
        self.known.add(reference.key)
        return bool(array.shape == reference.shape)

    def facts(self, x: Any, y: Any) -> tuple[Any, Any]:
        return image_facts(shape=x.shape), label_facts(shape=y.shape)

    def uncast(self, reference: Any) -> Any:
        return reference

    def note_divided(self, names: list[str]) -> None:
        assert all(isinstance(name, str) for name in names)


def fit_frame(**changes: Any) -> Body:
    """A `fit` of four images for three epochs."""
    body = fit_body()
    body["data"] = {"x": array_body(IMAGES.shape), "y": array_body((4,), "b"), "sample_weight": None}
    body["fit"]["epochs"] = EPOCHS
    rest = {"type": "fit", "number": 0, "phase": "entry", "model_number": 0, "recompiled": False, "refused": ""}
    more = {"callbacks": [], "layers": [{"class_name": "Conv2D"}], "log_keys": ["accuracy", "loss"], "batches": 1}
    return {**body, **rest, **more, **changes}


def call_frame(**changes: Any) -> Body:
    call = {
        "name": "train",
        "label": "",
        "found": True,
        "kind": "function",
        "value": 1,
        "fits": [0],
        "wall_seconds": 0.1,
    }
    return {"type": "called", "call": {**call, **changes}}


EPOCH_FRAMES = tuple({"type": "epoch", "epoch": index, "weights": False} for index in range(EPOCHS))
OVER = {"type": "fit_over", "changed": [], "stopped": True, "error": ""}
LIVE = {
    "type": "live",
    "number": 0,
    "phase": "entry",
    "reason": "a loop",
    "model_number": 0,
    "callbacks": [],
    "epochs": 2,
}
LIVE_OVER = {"type": "live_over", "history": {"accuracy": [0.5, 0.9]}, "epochs": 2}
EVALUATE = {
    "type": "evaluate",
    "model_number": 0,
    "epoch": 2,
    "batch_size": 32,
    "x": array_body(IMAGES.shape),
    "y": array_body((4,), "b"),
}
DONE = {
    "type": "done",
    "notes": [{"kind": "k", "where": "w", "text": "t"}],
    "defined": ["train"],
    "readable": True,
    "divided": ["a"],
}
BEGIN = {"type": "begin", "defines": ["train"]}
ARRAYS = (({"type": "array", "digest": "a" * 64}, IMAGES), ({"type": "array", "digest": "b" * 64}, np.zeros(4)))
ALL = (
    BEGIN,
    {"type": "calling", "name": "train"},
    fit_frame(),
    *ARRAYS,
    *EPOCH_FRAMES,
    OVER,
    EVALUATE,
    call_frame(),
    DONE,
)
TALKS: dict[str, tuple[Any, ...]] = {
    "a training": ALL,
    "with drills": (
        BEGIN,
        fit_frame(callbacks=["Stop"]),
        *ARRAYS,
        {"type": "epoch", "epoch": 0, "weights": True},
        {"type": "batch_stop", "epoch": 0, "batch": 1},
        OVER,
        {"type": "drill_over", "status": "ended"},
    ),
    "weights asked for": (BEGIN, fit_frame(), *ARRAYS, EPOCH_FRAMES[0], {"type": "weights", "epoch": 0}, OVER, DONE),
    "a live one": (BEGIN, LIVE, LIVE_OVER, call_frame(), DONE),
    "a refused one": (BEGIN, fit_frame(refused="no"), *ARRAYS, LIVE, LIVE_OVER, DONE),
}


def converse(*frames: Any, **changes: Any) -> tuple[Conversation, Said]:
    """The talk with a guest that says these; a guest that falls silent is no error."""
    source = Source(kind="module", cells=(Cell(number=1, text=""),))
    submission = Submission(student="ada", path="a.py", digest="d", source=source)
    given = {"book": Book(), "runs": Store(None), **changes}
    talk = Conversation(TERMS, submission, seed=1, **given)
    said = Said(*frames)
    try:
        talk(said)  # type: ignore[arg-type] # a guest in one process
    except JobOver:
        assert not talk.finished
    return talk, said


@pytest.mark.parametrize("name", ["a training", "weights asked for", "a live one"])
def test_an_ordinary_talk_comes_to_its_end(name: str) -> None:
    """So that the hostile ones below are near to ones that are heard."""
    talk, said = converse(*TALKS[name])
    assert (talk.finished, said.rejected) == (True, "")
    assert [note.text for note in talk.claimed.notes] == ["t"]


def test_what_was_seen_is_written_down() -> None:
    """Fit, call, and what was asked to be evaluated."""
    talk, said = converse(*ALL)
    [fit] = talk.fits
    assert (fit.epochs_asked, fit.missing, len(fit.played.epochs)) == (EPOCHS, "run", EPOCHS)  # type: ignore[union-attr]
    assert [call.fits for call in talk.claimed.calls] == [(0,)]
    assert len(talk.evaluations) == 1
    assert [body["type"] for body in said.heard if body["type"] in ("send_array", "play")] == ["send_array"] * 2 + [
        "play"
    ]


FRAMES = [(name, number) for name, frames in TALKS.items() for number in range(len(frames))]


@given(st.sampled_from(FRAMES), st.data())
def test_no_word_of_a_guest_is_a_fault_of_ours(which: tuple[str, int], data: st.DataObject) -> None:
    """Anything in the place of anything is heard, or rejected with a reason.

    An exception would cost a person a look at what a student can do at will.
    """
    name, number = which
    frames = list(TALKS[name])
    body, arrays = frames[number] if isinstance(frames[number], tuple) else (frames[number], None)
    body = copy.deepcopy(body)
    place = data.draw(st.sampled_from(list(places(body))))
    worse = replaced(body, place, data.draw(HOSTILE))
    if not isinstance(worse, dict) or not isinstance(worse.get("type"), str):
        return  # no frame: refused by the decoder
    frames[number] = worse if arrays is None else (worse, arrays)
    talk, said = converse(*frames)
    assert not (talk.finished and said.rejected)


@pytest.mark.parametrize(
    "frame",
    [{"type": "begin"}, {"type": "fit"}, {"type": "live"}, {"type": "called"}, {"type": "evaluate"}, {"type": "done"}],
)
def test_a_frame_with_nothing_in_it_is_malformed(frame: Body) -> None:
    """The reason names what was looked for."""
    talk, said = converse(frame)
    assert said.rejected.startswith("a malformed frame (KeyError: ")
    assert not talk.finished


def test_an_array_without_numbers_is_not_the_one_announced() -> None:
    """A frame of the right type that brings nothing."""
    _, said = converse(BEGIN, fit_frame(), {"type": "array", "digest": "a" * 64})
    assert said.rejected == "an array that is not the one it announced"


def test_a_live_training_of_a_thousand_million_epochs_takes_no_memory() -> None:
    """Epochs are counted by the guest, and made into records here."""
    talk, said = converse(BEGIN, LIVE, {"type": "live_over", "history": {}, "epochs": 10**12}, DONE)
    assert not said.rejected
    assert len(talk.fits[0].played.epochs) == MAX_EPOCHS  # type: ignore[union-attr]


class Failing(Book):
    """A book whose file is not as it was written."""

    def accept(self, reference: Any, array: Any) -> bool:  # noqa: ARG002
        raise ValueError("mmap length is greater than file size")


class Lost(Store):
    """A store that finds trainings, and cannot read them."""

    def find(self, fingerprint: str, seed: int) -> KeptRun | None:
        raise KeyError(fingerprint, seed)


@pytest.mark.parametrize(("what", "error"), [({"book": Failing()}, ValueError), ({"runs": Lost(None)}, KeyError)])
def test_what_fails_on_this_side_is_no_fault_of_the_guest(what: Body, error: type[Exception]) -> None:
    """It goes up, where it becomes the status `error`; before, an honest program was said to have broken the protocol."""
    with pytest.raises(error):
        converse(*ALL, **what)


def test_a_training_that_is_known_is_played() -> None:
    """The epochs of the store, and nothing is missing but what was never trained."""
    first, _ = converse(*ALL)
    store = Store(None)
    logs = make_run([0.3, 0.6, 0.9], fingerprint=first.fits[0].fingerprint)
    store.keep(logs, {})
    talk, said = converse(*ALL, runs=store)
    assert talk.fits[0].played is not None
    assert talk.fits[0].played.name == "run"
    assert [body["logs"]["accuracy"] for body in said.heard if body["type"] == "logs"] == [0.3, 0.6, 0.9]
