"""Errands, and what came of them, as bytes that travel between machines.

A parcel is a frame (`grader/wire/frames.py`): JSON with arrays beside it. Records travel as JSON texts inside of it, and
are checked by their models when they arrive. No student's name is in it: the machine that asked knows whose program it is.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from pydantic import TypeAdapter, ValidationError

from grader.errors import ProtocolError, SandboxError
from grader.model.observation import Observation
from grader.model.record import Record
from grader.model.submission import Source, Submission
from grader.model.training import ArrayRef, Description, Evaluation, EvaluationRequest, TrainingRequest, TrainingRun
from grader.pipeline.conversation import Link
from grader.pipeline.errands import (
    DescribeNetwork,
    Errand,
    EvaluateNetwork,
    Outcome,
    RunProgram,
    Seen,
    TrainNetwork,
)
from grader.pipeline.trainer_desk import Plan, Trained
from grader.training.kept import pack_part, unpack_part
from grader.training.state import pack_state, unpack_state
from grader.wire.frames import Decoder, Frame, encode

Array = np.ndarray[Any, Any]
R = TypeVar("R", bound=Record)
CHAINS: TypeAdapter[dict[str, tuple[Link, ...]]] = TypeAdapter(dict[str, tuple[Link, ...]])
PLAN: TypeAdapter[Plan] = TypeAdapter(Plan)
MALFORMED = (ProtocolError, ValidationError, KeyError, TypeError, ValueError, IndexError, AttributeError)


@dataclass(frozen=True)
class Arrived:
    """What came of an errand that was carried out elsewhere."""

    outcome: Outcome
    sent: tuple[tuple[ArrayRef, Array], ...] = ()
    """Arrays that a program fed to `fit` and that are not known here."""


def pack(body: dict[str, Any], arrays: Sequence[Array] = ()) -> bytes:
    """A parcel."""
    return encode(body, arrays)


def unpack(data: bytes) -> Frame:
    """What is in a parcel; ProtocolError if it is none."""
    frames = Decoder(json_bytes=2**30, array_bytes=16 * 2**30, arrays=2**16).feed(data)
    if len(frames) != 1:
        raise ProtocolError("not one whole parcel")
    return frames[0]


def pack_errand(errand: Errand) -> bytes:
    """An errand for a worker: of a submission only its code travels."""
    if isinstance(errand, RunProgram):
        source = errand.submission.source
        assert source is not None
        code = Source(kind=source.kind, cells=source.cells)
        body = {
            "type": "run_program",
            "file": errand.submission.path.rsplit("/", 1)[-1],
            "digest": errand.submission.digest,
            "source": as_json(code),
            "seed": errand.seed,
            "allow_live": errand.allow_live,
            "evaluates": errand.evaluates,
        }
    elif isinstance(errand, DescribeNetwork):
        body = {"type": "describe", "request": as_json(errand.request)}
    elif isinstance(errand, EvaluateNetwork):
        request, wanted = as_json(errand.request), as_json(errand.wanted)
        body = {"type": "evaluate", "request": request, "seed": errand.seed, "wanted": wanted}
    else:
        body = {"type": "train", "plan": as_text(PLAN, errand.plan)}
        return pack(body, [] if errand.state is None else [as_array(pack_state(errand.state))])
    return pack(body)


def unpack_errand(data: bytes) -> Errand:
    """The errand in a parcel."""
    frame = unpack(data)
    body = frame.body
    if body["type"] == "run_program":
        source = from_json(Source, body["source"])
        submission = Submission(student="", path=body["file"], digest=body["digest"], source=source)
        allow_live, evaluates = bool(body["allow_live"]), bool(body["evaluates"])
        return RunProgram(submission, int(body["seed"]), allow_live=allow_live, evaluates=evaluates)
    if body["type"] == "describe":
        return DescribeNetwork(from_json(TrainingRequest, body["request"]))
    if body["type"] == "evaluate":
        request, wanted = from_json(TrainingRequest, body["request"]), from_json(EvaluationRequest, body["wanted"])
        return EvaluateNetwork(request, int(body["seed"]), wanted)
    state = unpack_state(frame.arrays[0].tobytes()) if frame.arrays else None
    return TrainNetwork(PLAN.validate_python(json.loads(body["plan"])), state)


def pack_outcome(outcome: Outcome, sent: Sequence[tuple[ArrayRef, Array]] = ()) -> bytes:
    """What came of an errand, for the machine that asked."""
    if isinstance(outcome, Seen):
        body = {
            "type": "seen",
            "observation": as_json(outcome.observation),
            "chains": as_text(CHAINS, outcome.chains),
            "evaluations": [as_json(wanted) for wanted in outcome.evaluations],
            "sent": [as_json(reference) for reference, _ in sent],
        }
        return pack(body, [*outcome.arrays, *(array for _, array in sent)])
    if isinstance(outcome, Description):
        return pack({"type": "description", "description": as_json(outcome)})
    if isinstance(outcome, Evaluation):
        return pack({"type": "evaluation", "evaluation": as_json(outcome)})
    parts = {index: as_array(pack_part(*part)) for index, part in outcome.parts.items()}
    about = {"type": "trained", "run": as_json(outcome.run), "parts": list(parts)}
    state = [] if outcome.state is None else [as_array(pack_state(outcome.state))]
    return pack(about, [*parts.values(), *state])


def pack_failure(reason: str) -> bytes:
    """Why an errand could not be carried out."""
    return pack({"type": "failed", "reason": reason})


def unpack_outcome(data: bytes, errand: Errand) -> Arrived:
    """What came of this errand. Raises SandboxError if it failed, or if this is no answer to it."""
    try:
        return _outcome(unpack(data), errand)
    except MALFORMED as error:
        raise SandboxError(f"a worker's answer is malformed ({type(error).__name__}: {str(error)[:200]})") from error


def _outcome(frame: Frame, errand: Errand) -> Arrived:
    body = frame.body
    if body["type"] == "failed":
        raise SandboxError(str(body["reason"])[:1000])
    if isinstance(errand, RunProgram) and body["type"] == "seen":
        observation = from_json(Observation, body["observation"])
        if (observation.submission_digest, observation.seed) != (errand.submission.digest, errand.seed):
            raise ProtocolError("what was seen is of another program")
        observation = observation.model_copy(update={"student": errand.submission.student})
        references = [from_json(ArrayRef, text) for text in body["sent"]]
        cut = len(frame.arrays) - len(references)
        evaluations = tuple(from_json(EvaluationRequest, text) for text in body["evaluations"])
        seen = Seen(observation, CHAINS.validate_python(json.loads(body["chains"])), frame.arrays[:cut], evaluations)
        return Arrived(seen, tuple(zip(references, frame.arrays[cut:], strict=True)))
    if isinstance(errand, DescribeNetwork) and body["type"] == "description":
        return Arrived(from_json(Description, body["description"]))
    if isinstance(errand, EvaluateNetwork) and body["type"] == "evaluation":
        return Arrived(from_json(Evaluation, body["evaluation"]))
    if isinstance(errand, TrainNetwork) and body["type"] == "trained":
        run = from_json(TrainingRun, body["run"])
        plan = errand.plan
        if (run.fingerprint, run.seed, run.arithmetic) != (plan.fingerprint, plan.seed, plan.arithmetic):
            raise ProtocolError("it is another training")
        files = [array.tobytes() for array in frame.arrays]
        count = len(body["parts"])
        parts = {int(index): unpack_part(data) for index, data in zip(body["parts"], files[:count], strict=True)}
        return Arrived(Trained(run, parts, unpack_state(files[count]) if files[count:] else None))
    raise ProtocolError(f"an answer {str(body['type'])[:40]!r} to another errand")


def as_array(data: bytes) -> Array:
    """Bytes that travel as an array."""
    return np.frombuffer(data, np.uint8)


def as_json(record: Record) -> str:
    """A record as JSON: also numbers that are none, and halves of surrogate pairs, which a notebook may hold."""
    return json.dumps(record.model_dump(mode="json"))


def from_json(model: type[R], text: str) -> R:
    """The record in a JSON text."""
    return model.model_validate(json.loads(text))


def as_text(adapter: TypeAdapter[Any], value: Any) -> str:
    """A value as JSON, numbers that are none included."""
    return json.dumps(adapter.dump_python(value, mode="json"))
