"""One job: run a hand-in and the assignment's probe, and report what happened."""

import random
import sys
import time
import types
from typing import Any

import numpy as np

from grader.guest.program import Program, bound_names
from grader.guest.session import Session
from grader.wire.channel import Channel, ChannelBroken


def run_program(order: dict[str, Any], channel: Channel, tools: dict[str, Any]) -> None:
    """Run the program in `order`, then its probe, and send the report.

    Args:
        order: the job as the grading process sent it: cells, entry points, probe, seed.
        channel: where frames go.
        tools: prepared by the zygote: transformer, data folder, original fit.
    """
    program = Program(str(order["name"]), bool(order["notebook"]), tools["transform"])
    session = Session(channel, tools["original_fit"], program.explain, program.note, old_names=bool(order["old_names"]))
    tools["install"](session, program.note, bool(order["old_names"]))
    cells = [(int(cell["number"]), str(cell["text"])) for cell in order["cells"]]
    entry_points = [str(name) for name in order["entry_points"]]
    statements = program.load(cells)
    defined = {name for statement, _ in statements for name in bound_names(statement)}
    channel.ask({"type": "begin", "defines": [name for name in entry_points if name in defined]})
    program.run(statements)
    session.phase = "entry"
    student = Student(program, session, channel)
    run_probe(str(order["probe"]), student, int(order["seed"]))
    channel.ask(
        {
            "type": "done",
            "calls": student.calls,
            "notes": program.notes,
            "readable": program.readable,
            "defined": [name for name in entry_points if name in program.namespace],
        }
    )


def run_probe(source: str, student: "Student", seed: int) -> None:
    """Run the assignment's probe, which calls student code on inputs drawn from `seed`."""
    module = types.ModuleType("probe")
    exec(compile(source, "probe.py", "exec"), module.__dict__)  # noqa: S102 - the probe is the instructor's code
    module.__dict__["probe"](student, np.random.default_rng(seed))


class Student:
    """What a probe sees of the student's code."""

    def __init__(self, program: Program, session: Session, channel: Channel) -> None:
        self._program = program
        self._session = session
        self._channel = channel
        self.calls: list[dict[str, Any]] = []

    def call(self, name: str, *args: Any, **keywords: Any) -> Any:
        """Call the student's function and write down what came back; the value itself is returned, or None."""
        value = self._program.namespace.get(name)
        record: dict[str, Any] = {"name": name, "found": value is not None, "kind": type(value).__name__[:80]}
        self.calls.append(record)
        if not callable(value):
            record["error"] = self._program.lost.get(name, "")
            return None
        random.seed(0)
        first = self._session.fits
        start = time.monotonic()
        result = None
        self._channel.ask({"type": "calling", "name": name})
        try:
            result = value(*args, **keywords)
            record["value"] = plain(result)
        except (MemoryError, ChannelBroken):
            raise
        except BaseException as error:  # noqa: BLE001 - whatever student code raises is data
            record["error"] = self._program.explain(error)
        record["fits"] = list(range(first, self._session.fits))
        record["wall_seconds"] = time.monotonic() - start
        sys.stdout.flush()
        return result


def plain(value: Any, depth: int = 0) -> Any:
    """A returned value as JSON: numbers, texts, lists, dictionaries; other objects by their class name."""
    if value is None or type(value) in (bool, int, str):
        return value[:2000] if isinstance(value, str) else value
    if isinstance(value, float | np.floating):
        return float(value)
    if isinstance(value, np.integer | np.bool_):
        return value.item()
    if depth < 5 and isinstance(value, list | tuple):
        return [plain(item, depth + 1) for item in value[:2000]]
    if depth < 5 and isinstance(value, dict):
        return {str(key)[:200]: plain(item, depth + 1) for key, item in list(value.items())[:200]}
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf" and value.size <= 2000:
        return value.tolist()
    if hasattr(value, "numpy") and getattr(value, "shape", None) == ():
        return float(value.numpy())
    return {"object": type(value).__name__[:80]}
