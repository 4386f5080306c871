"""What is asked of the students, read once from `assignments/<id>/`."""

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from grader.errors import SetupError
from grader.model.record import Record


class Limits(Record):
    """What one run of student code may use."""

    wall_seconds: float = 60.0
    cpu_seconds: float = 60.0
    memory_bytes: int = 3 * 2**30
    """Beyond the warm zygote."""
    file_bytes: int = 256 * 2**20
    """Largest single file; the job's scratch space is twice as large."""
    output_bytes: int = 4 * 2**20
    """Printed to standard output, and to standard error, each."""
    processes: int = 64
    live_wall_seconds: float = 900.0
    """For a training that cannot be replayed and runs inside the sandbox."""


class TrainingPolicy(Record):
    """How submissions of this assignment are trained."""

    metric: str = "accuracy"
    threshold: float = 1.0
    """Training may stop at the first epoch whose measured accuracy is at or over this; a callback is tried around it."""
    max_epochs: int = 20
    seeds: tuple[int, ...] = (1,)
    """Tried in order; the next one only when the best accuracy came within `margin` of the threshold."""
    margin: float = 0.0
    max_parameters: int = 20_000_000
    test: bool = False
    """Also measure the accuracy on the test images after every epoch."""
    test_threshold: float | None = None
    """A network that comes within `margin` of this accuracy on the test images is given the next seed."""
    epoch_time_ratio: float | None = None
    """Most seconds per epoch as a multiple of the reference network's."""


class Assignment(Record):
    """An assignment folder, loaded."""

    id: str
    title: str
    files: tuple[str, ...] = Field(min_length=1)
    """File stems expected, the first one being the usual name."""
    entry_points: tuple[str, ...] = Field(min_length=1)
    datasets: tuple[str, ...] = ()
    old_names: bool = False
    """Serve TensorFlow 1 names such as `logs['acc']`, with a note."""
    graded_fit: Literal["last", "first", "all"] = "last"
    """Which training inside the entry point counts; with `all` every one is carried out, and the last is graded."""
    limits: Limits = Limits()
    training: TrainingPolicy | None = None
    reference: dict[str, Any] | None = None
    """Training request of the reference network, for timing."""
    folder: Path = Field(exclude=True)
    digest: str
    """SHA-256 over `assignment.toml`, `probe.py`, `inputs.py` and `checks.py`."""

    @property
    def probe_source(self) -> str:
        """Text of `probe.py`, sent into the sandbox."""
        return (self.folder / "probe.py").read_text("utf-8")

    @property
    def inputs_source(self) -> str:
        """Text of `inputs.py`, by which inputs are drawn from the seed; empty if there is none."""
        path = self.folder / "inputs.py"
        return path.read_text("utf-8") if path.is_file() else ""


def load_assignment(folder: Path) -> Assignment:
    """Return the assignment in `folder`; raise SetupError that lists every mistake in its `assignment.toml`."""
    settings = folder / "assignment.toml"
    if not settings.is_file():
        raise SetupError(f"{folder}: expected an assignment.toml, found none. Is this an assignment folder?")
    try:
        values = tomllib.loads(settings.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SetupError(f"{settings}: not valid TOML: {error}") from error
    missing = [name for name in ("probe.py", "checks.py") if not (folder / name).is_file()]
    if missing:
        raise SetupError(f"{folder}: missing {' and '.join(missing)}.")
    reference = folder / "reference.json"
    if reference.is_file():
        try:
            values["reference"] = json.loads(reference.read_text("utf-8"))
        except ValueError as error:
            raise SetupError(
                f"{reference}: not valid JSON: {error}. Make it with tools/reference_network.py."
            ) from error
    try:
        assignment = Assignment(**values, folder=folder, digest=_digest(folder))
    except (ValidationError, TypeError) as error:
        raise SetupError(f"{settings}: {_explain(error)}") from error
    if assignment.id != folder.name:
        raise SetupError(f"{settings}: id is {assignment.id!r}, but the folder is {folder.name!r}. Make them equal.")
    return assignment


def _digest(folder: Path) -> str:
    """SHA-256 over the files that decide verdicts."""
    digest = hashlib.sha256()
    for name in ("assignment.toml", "probe.py", "inputs.py", "checks.py", "reference.json"):
        path = folder / name
        if path.is_file():
            digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _explain(error: ValidationError | TypeError) -> str:
    """All mistakes of one file, one after another."""
    if isinstance(error, TypeError):
        return str(error)
    return "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
