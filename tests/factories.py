"""Plain records for tests: each builder gives an ordinary, right one, and a test changes what it is about."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from grader.judging import Evidence, Training
from grader.model.assignment import Assignment, TrainingPolicy
from grader.model.observation import (
    ArrayFacts,
    Call,
    Claimed,
    Curve,
    Ending,
    EndingKind,
    EpochSeen,
    Fit,
    Measured,
    Observation,
)
from grader.model.result import Verdict
from grader.model.submission import Submission
from grader.model.training import ArrayRef, Description, EpochLogs, Layer, TrainingRequest, TrainingRun
from grader.training.requests import read_request

CONFIGS = Path(__file__).parent / "golden" / "configs"
IMAGES, LABELS = (60_000, 28, 28, 1), (60_000,)


def keras_config(name: str) -> dict[str, Any]:
    """`model` and `compile` as Keras wrote them; captured once from Keras 3 by `to_json` and `get_compile_config`."""
    return dict(json.loads((CONFIGS / f"{name}.json").read_text()))


def array_body(shape: tuple[int, ...], digest: str = "a") -> dict[str, Any]:
    """An array reference as a guest sends it; `digest` is one hexadecimal digit."""
    return {"digest": digest * 64, "dtype": "float32", "shape": list(shape), "original_dtype": "float64"}


def fit_body(name: str = "sequential") -> dict[str, Any]:
    """A guest's `fit` frame, as far as the request is read from it."""
    settings = {"batch_size": 32, "epochs": 20, "initial_epoch": 0, "shuffle": True, "validation_split": 0.0}
    rest = {"validation_batch_size": None, "validation_freq": 1, "class_weight": None}
    return {
        **keras_config(name),
        "data": {"x": array_body(IMAGES), "y": array_body(LABELS, "b"), "sample_weight": None},
        "fit": settings | rest,
        "learning_rates": [],
        "batch_hooks": False,
    }


def make_request(name: str = "sequential") -> TrainingRequest:
    """The training request of a golden config."""
    return read_request(fit_body(name), None)


def make_reference(array: np.ndarray[Any, Any], digest: str) -> ArrayRef:
    """A reference to an array under this digest."""
    return ArrayRef(digest=digest, dtype=str(array.dtype), shape=array.shape)


def image_facts(**changes: Any) -> ArrayFacts:
    """All MNIST training images, reshaped and in [0, 1]."""
    values = {"shape": IMAGES, "dtype": "float32", "dataset": "mnist", "part": "x_train", "recipe": "unit"}
    return ArrayFacts(**{**values, "minimum": 0.0, "maximum": 1.0, "order": "as_shipped", **changes})


def label_facts(**changes: Any) -> ArrayFacts:
    """All MNIST training labels."""
    values = {"shape": LABELS, "dtype": "uint8", "dataset": "mnist", "part": "y_train", "recipe": "raw"}
    return ArrayFacts(**{**values, "minimum": 0.0, "maximum": 9.0, "order": "as_shipped", **changes})


def make_curve(
    values: Sequence[float],
    stop: int | None = None,
    *,
    name: str = "crossing",
    printed: dict[int, str] | None = None,
    key: str = "accuracy",
    **changes: Any,
) -> Curve:
    """A curve played up to the epoch `stop`, where the student's code stopped; to its end if that is None."""
    logs = tuple({key: value, "loss": 1.0} for value in values)
    played = logs if stop is None else logs[: stop + 1]
    epochs = tuple(
        EpochSeen(epoch=index, logs=item, printed=(printed or {}).get(index, ""), stopped=index == stop)
        for index, item in enumerate(played)
    )
    return Curve(name=name, supplied=logs, epochs=epochs, **changes)


def make_fit(*drills: Curve, **changes: Any) -> Fit:
    """The `fit` of a right solution inside the entry point."""
    values = {"number": 0, "phase": "entry", "request": make_request(), "fingerprint": "f", "architecture": "net"}
    facts = {"x": image_facts(), "y": label_facts(), "drills": drills, "epochs_asked": 20}
    return Fit(**{**values, **facts, **changes})


def make_call(value: Any = None, **changes: Any) -> Call:
    """A call of the entry point that ended well."""
    return Call(**{"name": "train", "found": True, "value": value, "fits": (0,), **changes})


def make_observation(
    *fits: Fit, ending: EndingKind = "finished", detail: str = "", calls: tuple[Call, ...] | None = None, **changes: Any
) -> Observation:
    """One run of a submission that defines `train`."""
    claimed = Claimed(calls=(make_call(),) if calls is None else calls, defined=("train",))
    values = {"student": "ada", "assignment": "demo", "submission_digest": "d", "seed": 1, "claimed": claimed}
    measured = Measured(ending=Ending(kind=ending, detail=detail), wall_seconds=1.25, cpu_seconds=1.0)
    return Observation(**{**values, "measured": measured, "fits": fits, **changes})


def make_description(*layers: Layer, **changes: Any) -> Description:
    """A network as the trainer describes it: 28 x 28 images in, ten classes out."""
    values = {"input_shape": (None, 28, 28, 1), "output_shape": (None, 10), "parameters": 100}
    return Description(**{"layers": layers, **values, **changes})


def make_run(accuracies: Sequence[float | None], **changes: Any) -> TrainingRun:
    """A training that measured these accuracies."""
    epochs = tuple(
        EpochLogs(logs={} if value is None else {"accuracy": value}, accuracy=value, seconds=1.0)
        for value in accuracies
    )
    return TrainingRun(**{"fingerprint": "f", "seed": 1, "epochs": epochs, **changes})


def make_training(run: TrainingRun, played: Curve, **changes: Any) -> Training:
    """A run and how the student's code went along with it."""
    return Training(**{"run": run, "played": played, **changes})


def make_assignment(folder: Path = Path("/nowhere"), **changes: Any) -> Assignment:
    """An assignment with one entry point, `train`."""
    values = {"id": "demo", "title": "Demo", "files": ("demo",), "entry_points": ("train",), "digest": "e" * 64}
    return Assignment(**{**values, "training": TrainingPolicy(threshold=0.9), "folder": folder, **changes})


def make_evidence(*fits: Fit, **changes: Any) -> Evidence:
    """What the checks of `make_assignment` may look at."""
    return Evidence(**{"assignment": make_assignment(), "observation": make_observation(*fits), **changes})


def make_verdict(**changes: Any) -> Verdict:
    """A check that was passed for two points."""
    return Verdict(**{"id": "works", "title": "It works.", "status": "passed", "points": 2, "max_points": 2, **changes})


def make_submission(**changes: Any) -> Submission:
    """A hand-in of ada's."""
    return Submission(**{"student": "ada", "path": "ada/demo.py", "digest": "d", **changes})


def write_assignment(folder: Path, checks: str, settings: str = "") -> Assignment:
    """An assignment folder on disk with these checks, as a record; its id is the folder's name."""
    folder.mkdir(parents=True, exist_ok=True)
    plain = f'id = "{folder.name}"\ntitle = "Demo"\nfiles = ["demo"]\nentry_points = ["train"]\n'
    (folder / "assignment.toml").write_text(plain + settings)
    (folder / "probe.py").write_text("def probe(student, rng):\n    student.call('train')\n")
    (folder / "checks.py").write_text(checks)
    return make_assignment(folder, id=folder.name)
