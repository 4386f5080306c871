"""One job: run a hand-in and the assignment's probe, and report what happened."""

import random
import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from grader.guest.clock import at_most, real_seconds
from grader.guest.program import Program, bound_names
from grader.guest.quotients import Quotients
from grader.guest.session import Session
from grader.guest.values import Values
from grader.wire.channel import Channel, ChannelBroken
from grader.wire.inputs import draw_inputs


def run_program(order: dict[str, Any], channel: Channel, tools: dict[str, Any]) -> None:
    """Run the program in `order`, then its probe, and send the report.

    Args:
        order: the job as the grading process sent it: cells, entry points, probe, seed.
        channel: where frames go.
        tools: prepared by the zygote: transformer, data folder, original fit, whether drills may be forked, digests of
            the shipped images, their quotients.
    """
    quotients: Quotients = tools["quotients"]
    program = Program(str(order["name"]), bool(order["notebook"]), tools["transform"], quotients.divide)
    session = Session(channel, tools["original_fit"], program.explain, program.note, old_names=bool(order["old_names"]))
    session.forks, session.known = tools["forks"], tools["known"]
    session.clock.install()
    tools["install"](session, program.note, bool(order["old_names"]))
    cells = [(int(cell["number"]), str(cell["text"])) for cell in order["cells"]]
    entry_points = [str(name) for name in order["entry_points"]]
    statements = program.load(cells)
    defined = {name for statement, _ in statements for name in bound_names(statement)}
    channel.ask({"type": "begin", "defines": [name for name in entry_points if name in defined]})
    program.run(statements)
    session.phase = "entry"
    student = Student(program, session, channel)
    student.inputs = draw_inputs(str(order["inputs"]), int(order["seed"]), tools["datasets"])
    run_probe(str(order["probe"]), student, int(order["seed"]))
    channel.ask(
        {
            "type": "done",
            "notes": program.notes,
            "readable": program.readable,
            "divided": sorted(quotients.asked),
            "defined": [name for name in entry_points if name in program.namespace],
        }
    )


def run_probe(source: str, student: "Student", seed: int) -> None:
    """Run the assignment's probe, which calls student code on inputs drawn from `seed`."""
    module = types.ModuleType("probe")
    exec(compile(source, "probe.py", "exec"), module.__dict__)  # noqa: S102 - the probe is the instructor's code
    module.__dict__["probe"](student, np.random.default_rng(seed))


class Student:
    """What a probe sees of the student's code.

    Attributes:
        inputs: what the assignment's `inputs.py` draws from the seed.
        seconds: most wall seconds of each call that follows; None for no limit beside that of the whole run.
        error: what the last call raised, in a sentence; empty if nothing.
        keep_arrays: whether arrays that come back are handed to the checks; if not, only their shape and type.
    """

    def __init__(self, program: Program, session: Session, channel: Channel) -> None:
        self._program = program
        self._session = session
        self._channel = channel
        self.inputs: dict[str, Any] = {}
        self.seconds: float | None = None
        self.error = ""
        self.values = Values()

    @property
    def keep_arrays(self) -> bool:
        """Whether arrays that come back are handed to the checks."""
        return self.values.keep

    @keep_arrays.setter
    def keep_arrays(self, keep: bool) -> None:
        self.values.keep = keep

    def call(self, name: str, *args: Any, **keywords: Any) -> Any:
        """Call the student's function and write down what came back; the value itself is returned, or None."""
        return self.call_as("", name, *args, **keywords)

    def call_as(self, label: str, name: str, *args: Any, **keywords: Any) -> Any:
        """The same under a label by which the checks find it. Arrays are handed over as copies.

        Open figures are written down with the call, and closed.
        """
        value = self._program.namespace.get(name)
        record: dict[str, Any] = {
            "name": name,
            "label": label,
            "found": value is not None,
            "kind": type(value).__name__[:80],
        }
        if not callable(value):
            return self._report({**record, "error": self._program.lost.get(name, "")}, None)
        given = [copied(item) for item in args], {key: copied(item) for key, item in keywords.items()}
        return self._record(record, lambda: value(*given[0], **given[1]))

    def fit(self, model: Any, *args: Any, **keywords: Any) -> Any:
        """Train a model that the student's code made, as if the student had; what it raises is written down."""
        record: dict[str, Any] = {"name": "fit", "label": "fit", "found": model is not None, "kind": "method"}
        if not hasattr(model, "fit"):
            return self._report({**record, "error": f"there is no model to train, but a {type(model).__name__}"}, None)
        return self._record(record, lambda: model.fit(*args, **keywords))

    def _record(self, record: dict[str, Any], action: Callable[[], Any]) -> Any:
        random.seed(0)
        first = self._session.fits
        start = real_seconds()
        result = None
        self._channel.ask({"type": "calling", "name": record["name"]})
        try:
            with at_most(self.seconds):
                result = action()
            record["value"] = self.values.plain(result)
        except (MemoryError, ChannelBroken):
            raise
        except BaseException as error:  # noqa: BLE001 - whatever student code raises is data
            record["error"] = self._program.explain(error)
        try:
            record["figures"] = self.values.figures()
        except (MemoryError, ChannelBroken):
            raise
        except BaseException as error:  # noqa: BLE001 - what a figure shows is drawn only now
            record.setdefault("error", self._program.explain(error))
        record["fits"] = list(range(first, self._session.fits))
        record["wall_seconds"] = real_seconds() - start
        return self._report(record, result)

    def value(self, label: str, name: str) -> Any:
        """What the program has left under a name, written down under a label; None if there is no such name."""
        found = name in self._program.namespace
        value = self._program.namespace.get(name)
        record = {"name": name, "label": label, "found": found, "kind": type(value).__name__[:80]}
        if not found:
            return self._report({**record, "error": self._program.lost.get(name, f"there is no {name}")}, None)
        return self._report({**record, "value": self.values.plain(value)}, value)

    def note(self, label: str, value: Any) -> None:
        """Write down a fact that the probe itself has found out, under a label by which the checks find it."""
        self._report({"name": "note", "label": label, "found": True, "value": self.values.plain(value)}, None)

    def _report(self, record: dict[str, Any], result: Any) -> Any:
        """Send what came of a call at once, so that nothing that happens later can take it away."""
        self.error = str(record.get("error", ""))
        sys.stdout.flush()
        self._channel.ask({"type": "called", "call": record}, self.values.take())
        return result


def copied(value: Any) -> Any:
    """A copy of an array, so that a function that changes its argument harms only itself; anything else as it is."""
    return value.copy() if isinstance(value, np.ndarray) else value
