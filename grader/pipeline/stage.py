"""Play curves to one `fit` of a guest, an epoch at a time, and write down how its callbacks react."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from grader.model.observation import Curve, EpochSeen
from grader.model.training import FitSettings
from grader.pipeline.hearing import Broken, hearing
from grader.sandbox.peer import Peer
from grader.training.drills import Drill, batch_logs
from grader.training.kept import KeptRun
from grader.wire.frames import Frame

MAX_EPOCHS = 2000
Array = np.ndarray[Any, Any]


@dataclass
class EpochSource:
    """Epochs ready to be played."""

    name: str
    logs: list[dict[str, float]]
    kept: KeptRun | None = None
    enough: int | None = None
    """A drill is ended after so many epochs, since nothing more can be learnt from it."""
    beyond: str = ""
    """What is missing when more epochs are asked for than there are."""


class Stage:
    """Plays curves to one `fit` of a guest."""

    def __init__(
        self,
        peer: Peer,
        fit: FitSettings,
        watch: bool,
        batches: int,
        keys: list[str],
        find_partial: Callable[[str, int, int], KeptRun | None],
    ) -> None:
        self.peer, self.keys = peer, keys
        self._first = fit.initial_epoch
        self.total = min(max(fit.epochs - fit.initial_epoch, 0), MAX_EPOCHS)
        self._watch = watch
        if not 0 <= batches <= 100_000:
            raise Broken("an absurd number of batches")
        self._batches = batches
        self._find_partial = find_partial

    def drill(self, drill: Drill, enough: int) -> Curve:
        """One drill, which leaves nothing behind in the guest."""
        frame = self.peer.ask({"type": "drill", "name": drill.name})
        curve, _, frame = self._epochs(frame, EpochSource(drill.name, list(drill.epochs), enough=enough))
        if frame.type == "fit_over":
            with hearing():
                changed = tuple(str(what) for what in frame.body["changed"])
            curve = curve.model_copy(update={"error": str(frame.body.get("error", ""))[:600], "changed": changed})
            frame = self.peer.receive()
        if frame.type != "drill_over":
            raise Broken(f"a frame {frame.type[:40]!r} where a drill should end")
        ended = frame.body.get("status") == "ended"
        return curve if ended else curve.model_copy(update={"hung": True})

    def untouched(self, drill: Drill, enough: int) -> Curve:
        """The same for a training without callbacks: nothing in the program can react, so that nothing is played."""
        seen = [EpochSeen(epoch=self._first + index, logs=logs) for index, logs in enumerate(drill.epochs[:enough])]
        return Curve(name=drill.name, supplied=drill.epochs, epochs=tuple(seen))

    def play(self, source: EpochSource) -> tuple[Curve, str]:
        """The curve after which the program goes on; also what is missing of it."""
        frame = self.peer.ask({"type": "play", "name": source.name})
        curve, missing, frame = self._epochs(frame, source)
        if frame.type != "fit_over":
            raise Broken(f"a frame {frame.type[:40]!r} inside a training")
        return curve.model_copy(update={"error": str(frame.body.get("error", ""))[:600]}), missing

    def _epochs(self, frame: Frame, source: EpochSource) -> tuple[Curve, str, Frame]:
        """Supply epochs until the guest says something else."""
        seen: list[EpochSeen] = []
        mark = self.peer.printed()
        missing = source.beyond if source.name == "provisional" else ""
        batch: int | None = None
        while frame.type in ("epoch", "batch_stop"):
            if frame.type == "batch_stop":
                with hearing():
                    batch = int(frame.body["batch"])
                reply, lacking = self._supply_partial(source, len(seen) - 1, batch)
                missing = missing or lacking
                frame = self.peer.ask(*reply)
                continue
            if frame.body.get("epoch") != self._first + len(seen) or len(seen) >= self.total:
                raise Broken("epochs out of order")
            if source.enough is not None and len(seen) >= source.enough:
                frame = self.peer.ask({"type": "enough"})
                continue
            self._close_epoch(seen, mark)
            mark = self.peer.printed()
            index = len(seen)
            if index >= len(source.logs):
                missing = missing or source.beyond
            seen.append(EpochSeen(epoch=self._first + index, logs=source.logs[min(index, len(source.logs) - 1)]))
            frame = self.peer.ask(*self._supply(source, index, weights=bool(frame.body.get("weights"))))
        if frame.type == "weights":
            with hearing():
                index = int(frame.body["epoch"]) - self._first
            if not 0 <= index < len(seen):
                raise Broken("weights of an epoch that was not played")
            frame = self.peer.ask({"type": "weights"}, self._weights(source, index))
        self._close_epoch(seen, mark)
        ended = len(seen) < self.total and not frame.body.get("enough")
        if seen and (ended or frame.body.get("stopped")):
            error = bool(frame.body.get("error"))
            seen[-1] = seen[-1].model_copy(update={"stopped": not error and frame.type == "fit_over", "batch": batch})
        return Curve(name=source.name, supplied=tuple(source.logs), epochs=tuple(seen)), missing, frame

    def _supply_partial(
        self, source: EpochSource, index: int, batch: int
    ) -> tuple[tuple[dict[str, Any], tuple[Array, ...]], str]:
        """What a training had at the batch where the student's code stopped it; and `batch` if that is not known."""
        if source.kept is None:
            return ({"type": "none"}, ()), ""
        found = self._find_partial(source.kept.run.fingerprint, index, batch)
        if found is None:
            return ({"type": "none"}, ()), "batch"
        weights, _ = found.part(len(found.run.epochs) - 1)
        return ({"type": "logs", "logs": found.run.epochs[-1].logs}, tuple(weights)), ""

    def _close_epoch(self, seen: list[EpochSeen], mark: int) -> None:
        """Give the last epoch the bytes printed since its logs were supplied."""
        if seen:
            text = bytes(self.peer.streams.out[mark : self.peer.printed()]).decode("utf-8", "replace")
            seen[-1] = seen[-1].model_copy(update={"printed": text[:100_000]})

    def _weights(self, source: EpochSource, index: int) -> tuple[Array, ...]:
        """Weights at the end of an epoch; none for made-up epochs."""
        return tuple(source.kept.part(index)[0]) if source.kept is not None and index < len(source.logs) else ()

    def _supply(self, source: EpochSource, index: int, *, weights: bool) -> tuple[dict[str, Any], tuple[Array, ...]]:
        """The frame with one epoch: logs, perhaps logs of its batches, perhaps weights."""
        last = min(index, len(source.logs) - 1)
        logs = source.logs[last]
        body: dict[str, Any] = {"type": "logs", "logs": logs}
        if source.kept is not None and index < len(source.logs):
            body["seconds"] = source.kept.run.epochs[index].seconds
        arrays = self._weights(source, index) if weights else ()
        if not self._watch:
            return body, arrays
        recorded = source.kept.part(index)[1] if source.kept is not None and index < len(source.logs) else None
        keys, batches = recorded or ([key for key in logs if not key.startswith("val_")], None)
        if batches is None:
            batches = batch_logs(source.logs[last - 1] if last else None, logs, self._batches)
        return {**body, "batch_keys": keys}, (batches, *arrays)
