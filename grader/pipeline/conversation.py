"""The grading process's side of the talk with a guest.

It answers each `fit`: reads the request, asks for arrays that it does not know, has the drills played, and supplies the
curve after which the program goes on — the recorded training if there is one, else a provisional curve. What it hears
becomes the `Observation`. A guest that breaks the order of the talk is rejected; what fails on this side is no fault of
the guest's, and goes up.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from grader.model.observation import Call, Claimed, Curve, EpochSeen, Fit, Observation
from grader.model.submission import Note, Submission
from grader.model.training import ArrayRef, EvaluationRequest, FitSettings, Parent, TrainingRequest
from grader.pipeline.evaluator import Evaluator, Played
from grader.pipeline.hearing import Broken, hearing
from grader.pipeline.stage import MAX_EPOCHS, EpochSource, Stage
from grader.pipeline.terms import Terms
from grader.sandbox.peer import Job, Peer
from grader.training.arrays import DataBook
from grader.training.canonical import canonical_request, log_names
from grader.training.drills import make_drills, make_provisional
from grader.training.kept import KeptRun
from grader.training.requests import (
    architecture_fingerprint,
    read_array,
    read_fit,
    read_request,
    training_fingerprint,
)
from grader.training.store import Runs
from grader.training.walk import Refused, original_names
from grader.wire.frames import Frame

NO_NAMES: Mapping[str, str] = {}
MAX_FITS = 50
MAX_ARRAY_BYTES = 4 * 2**30
MAX_RETURNED_BYTES = 300 * 2**20
MAX_CALLS = 500
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Link:
    """One `fit` of a chain on the same model, with the epochs it was trained for."""

    request: TrainingRequest
    """In its canonical form."""
    epochs: int
    batch: int | None = None
    """The batch of the last epoch at which a batch hook stopped it."""


def partial(fingerprint: str, epoch: int, batch: int) -> str:
    """The name of the training that stops in mid-epoch: what it ends with is kept under a name of its own."""
    return f"{fingerprint}@{epoch}.{batch}"


@dataclass
class Conversation:
    """One run of a submission, from the first frame to the last."""

    terms: Terms
    submission: Submission
    book: DataBook
    runs: Runs
    seed: int
    """Seed of the trainings to be played."""
    drill_alone: str = ""
    """Play only this drill, in the guest itself, and end: for a drill that hung in a forked copy."""
    allow_live: bool = True
    evaluates: bool = False
    """Leave it to the program to evaluate networks whose evaluation is not known."""
    fits: list[Fit] = field(default_factory=list)
    chains: dict[str, tuple[Link, ...]] = field(default_factory=dict)
    claimed: Claimed = field(default_factory=Claimed)
    flags: list[str] = field(default_factory=list)
    defines: tuple[str, ...] = ()
    finished: bool = False
    live_refused: bool = False
    arrays: tuple[Array, ...] = ()
    """What the calls of the probe returned and drew; the claims name them by place."""
    _array_bytes: int = 0
    _fits_before: int = 0
    """How many fits there were when the call began that is going on."""
    _models: dict[int, tuple[Link, ...]] = field(default_factory=dict)
    _lost: set[int] = field(default_factory=set)
    """Models that were trained live."""

    def __post_init__(self) -> None:
        self._evaluator = Evaluator(self.runs, self.seed, self._fetch_arrays, self.book.uncast, leave=self.evaluates)

    @property
    def evaluations(self) -> tuple[EvaluationRequest, ...]:
        """What the program asked to be evaluated, and was answered with made-up numbers."""
        return tuple(self._evaluator.wanted)

    def job(self) -> Job:
        """The order for the guest."""
        source = self.submission.source
        assert source is not None
        order = {
            "name": self.submission.path.rsplit("/", 1)[-1],
            "notebook": source.kind == "notebook",
            "cells": [{"number": cell.number, "text": cell.text} for cell in source.cells],
            "entry_points": list(self.terms.entry_points),
            "probe": self.terms.probe_source,
            "inputs": self.terms.inputs_source,
            "seed": self.seed,
            "old_names": self.terms.old_names,
        }
        return Job("program", order, limits=self.terms.limits, held=self.book.divided)

    def __call__(self, peer: Peer) -> None:
        """Talk until the guest is done."""
        try:
            frame = peer.receive()
            while frame.type != "done":
                frame = self._answer(peer, frame)
            self._take_report(frame.body)
            peer.finish()
            peer.send({"type": "bye"})
            self.finished = True
        except Broken as broken:
            peer.reject(str(broken)[:200])

    def observation(self, measured: Any, streams: Any) -> Observation:
        """The record of this run."""
        return Observation(
            student=self.submission.student,
            assignment=self.terms.id,
            submission_digest=self.submission.digest,
            seed=self.seed,
            measured=measured,
            claimed=self.claimed,
            fits=tuple(self.fits),
            stdout=shorten(bytes(streams.out)),
            stderr=shorten(bytes(streams.err)),
            flags=tuple(dict.fromkeys(self.flags)),
        )

    def _answer(self, peer: Peer, frame: Frame) -> Frame:
        """Answer one frame of the main line; returns the next."""
        if frame.type == "begin":
            with hearing():
                self.defines = tuple(str(name) for name in frame.body["defines"])
            return peer.ask({"type": "ok"})
        if frame.type == "calling":
            self._fits_before = len(self.fits)
            return peer.ask({"type": "ok"})
        if frame.type == "called":
            self._take_call(frame)
            return peer.ask({"type": "ok"})
        if frame.type == "fit":
            return self._fit(peer, frame)
        if frame.type == "evaluate":
            return peer.ask(self._evaluator.answer(peer, frame.body))
        if frame.type == "live":
            return self._live(peer, frame)
        if frame.type == "live_over":
            peer.allow(self.terms.limits.wall_seconds)
            return peer.ask({"type": "ok"})
        raise Broken(f"an unexpected frame {frame.type[:40]!r}")

    def _fit(self, peer: Peer, frame: Frame) -> Frame:
        """One `fit`: read it, rehearse it, play it."""
        body = frame.body
        if len(self.fits) >= MAX_FITS:
            raise Broken(f"more than {MAX_FITS} trainings in one program")
        with hearing():
            fit = Fit(
                number=len(self.fits),
                phase="entry" if body["phase"] == "entry" else "top_level",
                model_number=int(body["model_number"]),
                epochs_asked=int(body["fit"]["epochs"]),
                callbacks=tuple(str(name)[:80] for name in body["callbacks"][:50]),
                claimed_layers=tuple(dict(layer) for layer in body["layers"][:200]),
            )
            reason, recompiled = str(body["refused"])[:300] if body["refused"] else "", bool(body["recompiled"])
        if not reason and fit.model_number in self._lost:
            reason = "its model was trained before in a way that cannot be repeated elsewhere"
        if reason:
            return self._rehearse_and_order_live(peer, fit, reason, body)
        try:
            request = read_request(body, self._parent(fit.model_number, recompiled))
            with hearing():
                names = original_names(body["model"])
        except Refused as refused:
            return self._rehearse_and_order_live(peer, fit, str(refused), body)
        self._fetch_arrays(peer, [request.x, request.y, request.sample_weight, *request.validation])
        x, y = self.book.facts(request.x, request.y)
        fit = fit.model_copy(
            update={
                "request": request,
                "fingerprint": training_fingerprint(self._canonical(request)),
                "architecture": architecture_fingerprint(request),
                "layer_names": names,
                "x": x,
                "y": y,
            }
        )
        return self._play(peer, fit, request, body)

    def _play(self, peer: Peer, fit: Fit, request: TrainingRequest, body: dict[str, Any]) -> Frame:
        """Drills, then the curve after which the program goes on."""
        stage = self._stage(peer, body, request.fit, request.batch_logs, log_names(request))
        if self.drill_alone and self._is_graded(fit) and stage.total:
            return self._play_alone(stage, fit)
        drills = self._drills(stage, fit)
        changed = {what for curve in drills for what in curve.changed}
        if changed:
            reason = f"its callbacks change the {' and the '.join(sorted(changed)).replace('_', ' ')}"
            return self._order_live(peer, fit.model_copy(update={"drills": drills}), reason)
        self._record(fit, drills=drills)
        source = self._source(fit, stage)
        played, missing = stage.play(source)
        self._record(fit, drills=drills, played=played, missing=missing)
        batch = played.epochs[-1].batch if played.epochs else None
        if played.epochs and batch is None and (missing or source.kept is not None):
            names, logs = log_names(request), played.epochs[-1].logs
            left = Played(fit.fingerprint, request.fit.initial_epoch, len(played.epochs), logs, names, bool(missing))
            self._evaluator.played(fit.model_number, left)
        else:
            self._evaluator.played(fit.model_number, None)
        link = Link(self._canonical(request), len(played.epochs), batch)
        self.chains[fit.fingerprint] = (*self._models.get(fit.model_number, ()), link)
        self._models[fit.model_number] = self.chains[fit.fingerprint]
        return peer.ask({"type": "ok"})

    def _record(self, fit: Fit, **changes: Any) -> None:
        """Write down what is known of a fit so far: the guest may end at any moment."""
        self.fits = [known for known in self.fits if known.number != fit.number]
        self.fits.append(fit.model_copy(update=changes))

    def _rehearse_and_order_live(self, peer: Peer, fit: Fit, reason: str, body: dict[str, Any]) -> Frame:
        """A training that cannot be carried out elsewhere: its data are looked at and its callbacks tried all the same."""
        try:
            with hearing():
                x, y = read_array(body["data"]["x"], "x"), read_array(body["data"]["y"], "y")
                settings, watch = FitSettings(**read_fit(body["fit"])), bool(body["batch_hooks"])
        except Refused:
            return self._order_live(peer, fit, reason)
        self._fetch_arrays(peer, [x, y])
        images, labels = self.book.facts(x, y)
        fit = fit.model_copy(update={"x": images, "y": labels})
        stage = self._stage(peer, body, settings, watch)
        if self.drill_alone and self._is_graded(fit) and stage.total:
            return self._play_alone(stage, fit)
        return self._order_live(peer, fit.model_copy(update={"drills": self._drills(stage, fit)}), reason)

    def _canonical(self, request: TrainingRequest) -> TrainingRequest:
        """The training that is carried out for this request, and for all that mean the same."""
        return canonical_request(request, self.book.uncast)

    def _stage(
        self, peer: Peer, body: dict[str, Any], fit: FitSettings, watch: bool, names: Mapping[str, str] = NO_NAMES
    ) -> Stage:
        with hearing():
            keys, batches = [str(key)[:100] for key in body["log_keys"][:100]], int(body["batches"])

        def find_partial(fingerprint: str, epoch: int, batch: int) -> KeptRun | None:
            found = self.find_partial(fingerprint, epoch, batch)
            return None if found is None else found.under(names)

        return Stage(peer, fit, watch, batches, keys, find_partial)

    def find_partial(self, fingerprint: str, epoch: int, batch: int) -> KeptRun | None:
        """The training that stopped at this batch, if it was carried out."""
        return self.runs.find(partial(fingerprint, epoch, batch), self.seed)

    @property
    def _threshold(self) -> float:
        return self.terms.training.threshold if self.terms.training else 1.0

    @property
    def _metric(self) -> str:
        return self.terms.training.metric if self.terms.training else "accuracy"

    def _is_graded(self, fit: Fit) -> bool:
        """Whether a fit can count: inside the entry point, or at top level where there is none."""
        return fit.phase == "entry" or not self.defines

    def _drills(self, stage: Stage, fit: Fit) -> tuple[Curve, ...]:
        """All drills of one fit, each written down as soon as it is over; a plain fit without callbacks plays none."""
        drills: tuple[Curve, ...] = ()
        if self._is_graded(fit) and stage.total:
            for item in make_drills(stage.keys, min(stage.total, 60), self._threshold, self._drill_seed(fit)):
                enough = item.enough(self._metric, self._threshold)
                plain = fit.request is not None and not fit.callbacks
                drills = (*drills, stage.untouched(item, enough) if plain else stage.drill(item, enough))
                self._record(fit, drills=drills)
        return drills

    def _play_alone(self, stage: Stage, fit: Fit) -> Frame:
        """Play one drill in the guest itself; the program is ended where `fit` would return."""
        made = make_drills(stage.keys, min(stage.total, 60), self._threshold, self._drill_seed(fit))
        drill = next(item for item in made if item.name == self.drill_alone)
        played, _ = stage.play(EpochSource(drill.name, list(drill.epochs)))
        self._record(fit, drills=(played,))
        stage.peer.finish()
        stage.peer.end("finished", "a drill played alone")
        return Frame({"type": "done", "notes": [], "defined": [], "readable": True, "divided": []})

    def _source(self, fit: Fit, stage: Stage) -> EpochSource:
        """The recorded training if it is known, else a provisional curve."""
        kept = self.runs.find(fit.fingerprint, self.seed)
        if kept is None or kept.run.problem:
            made = make_provisional(stage.keys, min(stage.total, 60), self._threshold, self._drill_seed(fit))
            return EpochSource("provisional", list(made.epochs), beyond="run" if kept is None else "")
        most = min(stage.total, self.terms.training.max_epochs) if self.terms.training else stage.total
        beyond = "epochs" if len(kept.run.epochs) < most else ""
        if fit.request is not None:
            kept = kept.under(log_names(fit.request))
        return EpochSource("run", [epoch.logs for epoch in kept.run.epochs], kept, beyond=beyond)

    def _drill_seed(self, fit: Fit) -> int:
        """The same curves for the same place in the program, whoever wrote it."""
        return 1000 * (self.terms.training.seeds[0] if self.terms.training else 1) + fit.number

    def _parent(self, model: int, recompiled: bool) -> Parent | None:
        chain = self._models.get(model)
        if not chain:
            return None
        return Parent(
            fingerprint=training_fingerprint(chain[-1].request), epochs=chain[-1].epochs, recompiled=recompiled
        )

    def _fetch_arrays(self, peer: Peer, wanted: list[ArrayRef | None]) -> None:
        """Ask for arrays that are not known; what comes must be what was announced."""
        for reference in wanted:
            if reference is None or self.book.knows(reference):
                continue
            self._array_bytes += math.prod(reference.shape) * 8
            if self._array_bytes > MAX_ARRAY_BYTES:
                raise Broken(f"more than {MAX_ARRAY_BYTES // 2**30} GiB of data of its own")
            answer = peer.ask({"type": "send_array", "digest": reference.digest})
            sent = answer.arrays if answer.type == "array" else ()
            if len(sent) != 1 or not self.book.accept(reference, sent[0]):
                raise Broken("an array that is not the one it announced")

    def _order_live(self, peer: Peer, fit: Fit, reason: str) -> Frame:
        """Tell the guest to train this one live; it announces that with a frame of its own."""
        answer = peer.ask({"type": "live"})
        if answer.type != "live":
            raise Broken("no live training where one was ordered")
        return self._live(peer, answer, fit.model_copy(update={"refused": reason}))

    def _live(self, peer: Peer, frame: Frame, fit: Fit | None = None) -> Frame:
        """A training that cannot be replayed: allow it more time, or end the run where no training is wanted."""
        body = frame.body
        with hearing():
            live = fit or Fit(
                number=len(self.fits),
                phase="entry" if body["phase"] == "entry" else "top_level",
                refused=str(body["reason"])[:300],
                model_number=int(body["model_number"]),
                callbacks=tuple(str(name)[:80] for name in body["callbacks"][:50]),
            )
            live = live.model_copy(update={"live": True, "epochs_asked": int(body["epochs"])})
        self._forget(live.model_number)
        self._record(live)
        if not self.allow_live:
            self.live_refused = True
            peer.end("not_run", "live training is left out")
            return peer.receive()
        peer.allow(self.terms.limits.live_wall_seconds)
        before = peer.printed()
        answer = peer.ask({"type": "ok"})
        if answer.type == "live_over":
            logs = told_logs(answer.body)
            text = bytes(peer.streams.out[before : peer.printed()]).decode("utf-8", "replace")
            seen = tuple(
                EpochSeen(epoch=index, logs=item, printed=text if index == len(logs) - 1 else "")
                for index, item in enumerate(logs)
            )
            self._record(live, played=Curve(name="live", supplied=tuple(logs), epochs=seen))
        return self._answer(peer, answer) if answer.type != "done" else answer

    def _forget(self, model: int) -> None:
        """What a model has become is not known any more."""
        self._models.pop(model, None)
        self._lost.add(model)
        self._evaluator.played(model, None)

    def _take_call(self, frame: Frame) -> None:
        """A call of the probe has ended: what came of it, and its arrays."""
        self.arrays = (*self.arrays, *frame.arrays)
        if sum(array.nbytes for array in self.arrays) > MAX_RETURNED_BYTES or len(self.claimed.calls) >= MAX_CALLS:
            raise Broken(f"more than {MAX_CALLS} calls, or more than {MAX_RETURNED_BYTES // 2**20} MiB returned")
        fits = range(self._fits_before, len(self.fits))  # counted here: the guest also counts those that never began
        self._fits_before = len(self.fits)
        with hearing():
            call = Call(**{**frame.body["call"], "fits": fits})
        self.claimed = self.claimed.model_copy(update={"calls": (*self.claimed.calls, call)})

    def _take_report(self, body: dict[str, Any]) -> None:
        """The guest's last frame: notes, names defined, images divided."""
        with hearing():
            divided = [str(name) for name in body["divided"]]
            self.claimed = Claimed(
                calls=self.claimed.calls,
                notes=tuple(Note(**note) for note in body["notes"][:200]),
                defined=tuple(str(name) for name in body["defined"]),
                extra={"readable": bool(body["readable"])},
            )
        self.book.note_divided(divided)


def shorten(data: bytes, limit: int = 20_000) -> str:
    """Printed text, with the middle left out if it is long."""
    text = data.decode("utf-8", "replace")
    if len(text) <= limit:
        return text
    return f"{text[: limit // 2]}\n… {len(text) - limit} characters left out …\n{text[-limit // 2 :]}"


def told_logs(body: dict[str, Any]) -> list[dict[str, float]]:
    """The logs of each epoch of a live training, as the guest tells them."""
    with hearing():
        history = {str(key): [float(v) for v in values] for key, values in body["history"].items()}
        epochs = min(int(body["epochs"]), MAX_EPOCHS)
    return [{key: values[at] for key, values in history.items() if at < len(values)} for at in range(epochs)]
