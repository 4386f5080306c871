"""The guest's side of the conversation about each `fit`.

The guest describes the call, then does what the grading process asks: send an array, play a drill that leaves nothing
behind, train live, and at last play the curve after which the program goes on.
"""

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from keras.src.backend.tensorflow import trainer as keras_trainer
from keras.src.optimizers.base_optimizer import BaseOptimizer

from grader.guest import slots
from grader.guest.capture import (
    CannotCaptureError,
    Captured,
    bind_fit,
    capture_fit,
    list_callbacks,
    model_state,
)
from grader.guest.clock import Clock, TooLongError, real_seconds
from grader.guest.evaluate import Evaluations
from grader.guest.old_names import AliasedLogs
from grader.guest.replay import Epoch, Replay
from grader.wire.channel import Channel, ChannelBroken
from grader.wire.frames import Frame
from grader.wire.recipes import as_fed

DRILL_SECONDS = 8.0


class EnoughSeen(BaseException):
    """The grading process has seen enough of this drill."""


class PlayedCurve:
    """Epochs that come over the channel, one at a time."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def epoch(self, number: int, *, weights: bool) -> Epoch:
        """Ask for an epoch; the question tells the grading process that the training went on until here."""
        answer = self._channel.ask({"type": "epoch", "epoch": number, "weights": weights})
        if answer.type == "enough":
            raise EnoughSeen
        return to_epoch(answer)

    def weights(self, number: int) -> list[Any]:
        """Ask for the weights of an epoch that came without."""
        return list(self._channel.ask({"type": "weights", "epoch": number}).arrays)

    def stopped_at_batch(self, epoch: int, batch: int) -> Epoch | None:
        """Tell that a batch hook stopped the training; the answer may hold what a real training had then."""
        answer = self._channel.ask({"type": "batch_stop", "epoch": epoch, "batch": batch})
        return to_epoch(answer) if answer.body.get("logs") else None


def to_epoch(frame: Frame) -> Epoch:
    """The epoch in a frame: logs, logs of batches as columns of the first array, weights as the other arrays."""
    arrays = list(frame.arrays)
    batches = []
    keys = frame.body.get("batch_keys")
    if keys:
        batches = [dict(zip(keys, map(float, row), strict=True)) for row in arrays.pop(0)]
    logs = {key: float(value) for key, value in frame.body["logs"].items()}
    return Epoch(logs, batches, arrays, float(frame.body.get("seconds", 0.0)))


@dataclass
class Session:
    """All trainings of one program."""

    channel: Channel
    original_fit: Callable[..., Any]
    explain: Callable[[BaseException], str]
    note: Callable[[str, str, str], None]
    phase: str = "top_level"
    old_names: bool = True
    known: Mapping[str, str] = field(default_factory=dict)
    """Digests of the shipped images, by fingerprint."""
    forks: bool = True
    """Whether a drill may be played in a forked copy; else each one is left to a guest of its own."""
    fits: int = 0
    busy: bool = False
    live: bool = False
    models: list[Any] = field(default_factory=list)
    optimizers: dict[int, Any] = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)
    out: Any = field(default_factory=lambda: sys.stdout)
    """Where prints go; a program that catches them itself must find none of a drill among them."""

    def __post_init__(self) -> None:
        self.evaluations = Evaluations(self.channel, self.clock)

    def fit(self, model: Any, *args: Any, **keywords: Any) -> Any:
        """Stand for `model.fit`: describe, rehearse, and play; return the History that Keras returns."""
        if self.busy or self.live:
            return self.original_fit(model, *args, **keywords)
        arguments = bind_fit(self.original_fit, (model, *args), keywords)
        self.busy = True
        try:
            return self._fit(model, arguments)
        finally:
            self.busy = False

    def _fit(self, model: Any, arguments: dict[str, Any]) -> Any:
        number = self.fits
        self.fits += 1
        try:
            captured = capture_fit(model, arguments, self.known)
        except CannotCaptureError as error:
            return self._train_live(model, arguments, str(error), number)
        except Exception as error:
            if not raised_here(error):
                raise
            why = f"the grader could not read it ({type(error).__name__})"
            return self._train_live(model, arguments, why, number)
        captured.body["refused"] = captured.body["refused"] or self._shared_layers(model)
        body = {
            "type": "fit",
            "number": number,
            "phase": self.phase,
            "model_number": self._number_of(model),
            "recompiled": self._recompiled(model),
        }
        answer = self.channel.ask({**body, **captured.body})
        while answer.type not in ("play", "live"):
            answer = self._obey(answer, model, arguments, captured)
        if answer.type == "live":
            return self._train_live(model, arguments, "as ordered", number)
        self.evaluations.forget(model)
        try:
            history = self._play(model, arguments, captured, direct=False)
        except BaseException as error:
            self.channel.ask({"type": "fit_over", "changed": [], "error": self.explain(error)})
            raise
        self.channel.ask({"type": "fit_over", "changed": [], "stopped": bool(model.stop_training)})
        return history

    def _obey(self, order: Frame, model: Any, arguments: dict[str, Any], captured: Captured) -> Frame:
        """Carry out one order and return the next."""
        if order.type == "send_array":
            digest = str(order.body["digest"])
            return self.channel.ask({"type": "array", "digest": digest}, [as_fed(captured.arrays[digest])])
        if order.type == "drill":
            return self._drill(model, arguments, captured)
        raise RuntimeError(f"the guest does not know the order {order.type!r}")

    def _drill(self, model: Any, arguments: dict[str, Any], captured: Captured) -> Frame:
        """Play one made-up curve: here where all can be put back, else in a forked copy of this process.

        The copy ends where `fit` would return.
        """
        if captured.rewind is not None and sys.stdout is self.out:
            try:
                self._rehearse(model, arguments, captured)
            finally:
                captured.rewind.put_back()
            return self.channel.ask({"type": "drill_over", "status": "ended"})
        if not self.forks:
            return self.channel.ask({"type": "drill_over", "status": "hung"})
        if not captured.quiet:
            captured.state = captured.state or model_state(model)
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                self._rehearse(model, arguments, captured)
                code = 0
            finally:
                os._exit(code)
        deadline = real_seconds() + DRILL_SECONDS
        while real_seconds() < deadline:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                return self.channel.ask({"type": "drill_over", "status": "ended" if status == 0 else "died"})
            time.sleep(0.001)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        return self.channel.ask({"type": "drill_over", "status": "hung"})

    def _rehearse(self, model: Any, arguments: dict[str, Any], captured: Captured) -> None:
        """Play one made-up curve, and tell what came of it."""
        error, enough = "", False
        try:
            self._play(model, arguments, captured, direct=True)
        except EnoughSeen:
            enough = True
        except (ChannelBroken, TooLongError):
            raise  # the program's, not the drill's
        except BaseException as raised:  # noqa: BLE001 - whatever a student's callback raises is data
            error = self.explain(raised)
        changed = [] if captured.state is None else changes(captured.state, model_state(model))
        if captured.body["learning_rates"] and "learning_rate" in changed:
            changed.remove("learning_rate")
        stopped = bool(model.stop_training) and not error and not enough
        self.channel.send(
            {"type": "fit_over", "error": error, "changed": changed, "stopped": stopped, "enough": enough}
        )

    def _play(self, model: Any, arguments: dict[str, Any], captured: Captured, *, direct: bool) -> Any:
        """Let Keras's own loop run on the curve that the grading process supplies."""
        replay = Replay(
            model=model,
            curve=PlayedCurve(self.channel),
            batches=captured.batches,
            validation_batches=captured.validation_batches,
            every_batch=bool(captured.body["batch_hooks"]),
            direct=direct,
            quiet=captured.quiet,
            elapse=self.clock.advance,
        )
        history = replay.run(self.original_fit, arguments)
        if not direct:
            self.evaluations.fitted(model, self._number_of(model), captured.body, replay.ends)
        return self._with_old_names(history)

    def evaluate(self, original: Callable[..., Any], model: Any, *args: Any, **keywords: Any) -> Any:
        """Stand for `model.evaluate`: ask what it gives where that is a fact about a training; else evaluate here."""
        if self.busy or self.live:
            return original(model, *args, **keywords)
        return self.evaluations(original, model, args, keywords, self.known)

    def _with_old_names(self, history: Any) -> Any:
        """The History, in which the old names work if the assignment allows it."""
        if self.old_names:
            history.history = AliasedLogs(history.history, self.note)
        return history

    def _train_live(self, model: Any, arguments: dict[str, Any], reason: str, number: int) -> Any:
        """Train here, with Keras's own `fit`, if the grading process allows it; it has the last word on time."""
        callbacks = [type(item).__name__[:80] for item in list_callbacks(arguments["callbacks"])]
        self.evaluations.forget(model)
        self.announce_live(reason, number, self._number_of(model), callbacks, int(arguments["epochs"] or 1))
        try:
            history = self.original_fit(model, **arguments)
        finally:
            self.live = False
        logs = {str(key)[:80]: [float(v) for v in values] for key, values in history.history.items()}
        self.channel.ask({"type": "live_over", "history": logs, "epochs": len(history.epoch)})
        return self._with_old_names(history)

    def announce_live(self, reason: str, number: int, model: int, callbacks: list[str], epochs: int) -> None:
        """Say that a training begins that cannot be replayed, and wait for leave to do it."""
        self.live = True
        self.channel.ask(
            {
                "type": "live",
                "number": number,
                "phase": self.phase,
                "reason": reason,
                "model_number": model,
                "callbacks": callbacks,
                "epochs": epochs,
            }
        )

    def steps_by_hand(self) -> None:
        """The program applies gradients itself: a live training that no `fit` announces."""
        if not (self.busy or self.live):
            number, self.fits = self.fits, self.fits + 1
            self.announce_live("it trains in a loop of its own", number, -1, [], 0)

    def _recompiled(self, model: Any) -> bool:
        """Whether the model has another optimizer than at its last `fit`."""
        before = self.optimizers.get(id(model))
        self.optimizers[id(model)] = model.optimizer
        return before is not None and before is not model.optimizer

    def _number_of(self, model: Any) -> int:
        """Which model of the program this is, counted from 0."""
        for number, known in enumerate(self.models):
            if known is model:
                return number
        self.models.append(model)
        return len(self.models) - 1

    def _shared_layers(self, model: Any) -> str:
        """A reason if the model has layers in common with one that was trained before."""
        mine = {id(layer) for layer in model._flatten_layers(include_self=False)}
        for other in self.models:
            if other is not model and mine & {id(layer) for layer in other._flatten_layers(include_self=False)}:
                return "the model shares layers with a model that was trained before"
        return ""


def changes(before: tuple[str, float], after: tuple[str, float]) -> list[str]:
    """What differs between two states of a model."""
    same = before[0] == after[0], repr(before[1]) == repr(after[1])
    return [name for name, equal in zip(("weights", "learning_rate"), same, strict=True) if not equal]


def raised_here(error: BaseException) -> bool:
    """True if an exception came out of the guest's own code, not out of Keras: then it is our fault."""
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and "/grader/guest/" in frames[-1].filename.replace("\\", "/")


def install(session: Session) -> None:
    """Put the session in the place of training in Keras."""
    slots.install()
    trainer = keras_trainer.TensorFlowTrainer
    original_batch = trainer.train_on_batch
    original_apply = BaseOptimizer.apply
    original_evaluate = trainer.evaluate

    def fit(model: Any, *args: Any, **keywords: Any) -> Any:
        return session.fit(model, *args, **keywords)

    def train_on_batch(model: Any, *args: Any, **keywords: Any) -> Any:
        session.steps_by_hand()
        return original_batch(model, *args, **keywords)

    def apply(optimizer: Any, *args: Any, **keywords: Any) -> Any:
        session.steps_by_hand()
        return original_apply(optimizer, *args, **keywords)

    def evaluate(model: Any, *args: Any, **keywords: Any) -> Any:
        return session.evaluate(original_evaluate, model, *args, **keywords)

    fit.__wrapped__ = session.original_fit  # type: ignore[attr-defined]
    evaluate.__wrapped__ = original_evaluate  # type: ignore[attr-defined]
    trainer.fit = fit
    trainer.evaluate = evaluate
    trainer.train_on_batch = train_on_batch
    BaseOptimizer.apply = apply
