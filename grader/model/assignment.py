"""What is asked of the students, read once from `assignments/<id>/`."""

import ast
import hashlib
import json
import keyword
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, field_validator

from grader.errors import SetupError
from grader.model.lateness import LatePolicy
from grader.model.mistakes import Mistake, TomlFile, mistakes_in, raise_all, read_toml, shown, unknown
from grader.model.record import Record

DATASETS = ("mnist", "fashion_mnist", "ascent")
"""The data sets that ship with grader."""
FILLED_IN = {
    "reference": "not written here: it is read from reference.json beside this file. Remove it.",
    "folder": "filled in by grader. Remove it.",
    "digest": "filled in by grader. Remove it.",
}
"""Fields of an Assignment that are not keys of `assignment.toml`."""

T = TypeVar("T")


def _identifier(name: str) -> str:
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ValueError(f"expected a Python name (letters, digits, underscores; no keyword), found {name!r}.")
    return name


def _stem(name: str) -> str:
    if not name.strip() or "/" in name or "\\" in name or name.endswith((".py", ".ipynb")):
        raise ValueError(f"expected the name of a file without folder and without .py or .ipynb, found {name!r}.")
    return name


def _dataset(name: str) -> str:
    if name not in DATASETS:
        raise ValueError(unknown("data set", name, DATASETS))
    return name


def _once(values: tuple[T, ...]) -> tuple[T, ...]:
    repeated = [value for value, count in Counter(values).items() if count > 1]
    if repeated:
        raise ValueError(f"expected each only once, found {repeated[0]!r} again.")
    return values


Text = Annotated[str, Field(strict=True, min_length=1)]
Switch = Annotated[bool, Field(strict=True)]
Name = Annotated[str, Field(strict=True), AfterValidator(_identifier)]
Stem = Annotated[str, Field(strict=True), AfterValidator(_stem)]
Dataset = Annotated[str, Field(strict=True), AfterValidator(_dataset)]
Seed = Annotated[int, Field(strict=True, ge=0, le=2**31 - 1)]
Count = Annotated[int, Field(strict=True, gt=0)]
Positive = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
Worth = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]


class Limits(Record):
    """What one run of student code may use."""

    wall_seconds: Positive = 60.0
    cpu_seconds: Positive = 60.0
    memory_bytes: Count = 3 * 2**30
    """Beyond the warm zygote."""
    file_bytes: Count = 256 * 2**20
    """Largest single file; the job's scratch space is twice as large."""
    output_bytes: Count = 4 * 2**20
    """Printed to standard output, and to standard error, each."""
    processes: Count = 64
    live_wall_seconds: Positive = 900.0
    """For a training that cannot be replayed and runs inside the sandbox."""


class TrainingPolicy(Record):
    """How submissions of this assignment are trained."""

    metric: Text = "accuracy"
    threshold: Share = 1.0
    """Training may stop at the first epoch whose measured accuracy is at or over this; a callback is tried around it."""
    max_epochs: Count = 20
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1), AfterValidator(_once)] = (1,)
    """Tried in order; the next one only when the best accuracy came within `margin` of the threshold."""
    margin: Share = 0.0
    max_parameters: Count = 20_000_000
    test: Switch = False
    """Also measure the accuracy on the test images after every epoch."""
    test_threshold: Share | None = None
    """A network that comes within `margin` of this accuracy on the test images is given the next seed."""
    epoch_time_ratio: Positive | None = None
    """Most seconds per epoch as a multiple of the reference network's."""

    @field_validator("test_threshold")
    @classmethod
    def _is_measured(cls, value: float | None, info: ValidationInfo) -> float | None:
        if value is not None and info.data.get("test") is False:
            raise ValueError("has no effect without `test = true`, which measures that accuracy. Add it.")
        return value


class Assignment(Record):
    """An assignment folder, loaded."""

    id: Name
    title: Text
    files: Annotated[tuple[Stem, ...], Field(min_length=1), AfterValidator(_once)]
    """File stems expected, the first one being the usual name."""
    entry_points: Annotated[tuple[Name, ...], Field(min_length=1), AfterValidator(_once)]
    datasets: Annotated[tuple[Dataset, ...], AfterValidator(_once)] = ()
    language: Literal["en", "zh"] = "en"
    """Of the handout that students get, where `grader release` is not told another."""
    prerequisites: Annotated[tuple[Name, ...], AfterValidator(_once)] = ()
    """Ids of the assignments that students should have done before."""
    old_names: Switch = False
    """Serve TensorFlow 1 names such as `logs['acc']`, with a note."""
    graded_fit: Literal["last", "first", "all"] = "last"
    """Which training inside the entry point counts; with `all` every one is carried out, and the last is graded."""
    limits: Limits = Limits()
    training: TrainingPolicy | None = None
    reference: dict[str, Any] | None = None
    """Training request of the reference network, for timing."""
    points: dict[str, Worth] = Field(default_factory=dict)
    """What checks are worth, by id, where that is not what `checks.py` says."""
    extra_credit: Annotated[tuple[Name, ...], AfterValidator(_once)] = ()
    """Ids of checks whose points come on top: they are not part of the maximum."""
    attempts: Literal["last", "best", "first"] = "last"
    """Which of a student's attempts counts."""
    late: LatePolicy = LatePolicy()
    folder: Path = Field(exclude=True)
    digest: str
    """SHA-256 over `assignment.toml`, `probe.py`, `inputs.py` and `checks.py`, and over what a class changes."""

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
    """Return the assignment in `folder`; raise SetupError with a line for each mistake in its `assignment.toml`."""
    path = folder / "assignment.toml"
    if not path.is_file():
        raise SetupError(f"{shown(folder)}: expected an assignment.toml, found none. Is this an assignment folder?")
    file = read_toml(path)
    missing = [name for name in ("probe.py", "checks.py") if not (folder / name).is_file()]
    if missing:
        raise SetupError(f"{shown(folder)}: missing {' and '.join(missing)}.")
    mistakes = list(_misplaced(file, folder))
    values = {key: value for key, value in file.values.items() if key not in FILLED_IN}
    filled_in = {"reference": _reference(folder), "folder": folder, "digest": _digest(folder)}
    try:
        assignment = Assignment.model_validate({**values, **filled_in})
    except ValidationError as error:
        raise_all([*mistakes, *mistakes_in(error, Assignment, file, refused=FILLED_IN)])
        raise
    raise_all(mistakes)
    return assignment


def _misplaced(file: TomlFile, folder: Path) -> Iterator[Mistake]:
    """Keys that are not written by people, an id that is not the folder's, and points of checks that there are not."""
    for key, reason in FILLED_IN.items():
        if key in file.values:
            yield file.mistake((key,), reason)
    worth, extra = file.values.get("points"), file.values.get("extra_credit")
    named = [("points", key, key) for key in worth] if isinstance(worth, dict) else []
    named += [("extra_credit", number, key) for number, key in enumerate(extra if isinstance(extra, list) else [])]
    checks = check_ids(folder) if named else []
    for table, place, key in named:
        if key not in checks and isinstance(key, str):
            yield file.mistake((table, place), unknown("check", key, checks))
    identifier = file.values.get("id")
    if isinstance(identifier, str) and identifier != folder.name:
        yield file.mistake(("id",), f"id is {identifier!r}, but the folder is {folder.name!r}. Make them equal.")


def _reference(folder: Path) -> dict[str, Any] | None:
    """What is in `reference.json`, if there is one."""
    path = folder / "reference.json"
    if not path.is_file():
        return None
    remedy = "Make it with tools/reference_network.py."
    try:
        found = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise SetupError(f"{shown(path)}: not valid JSON: {error}. {remedy}") from error
    if not isinstance(found, dict):
        raise SetupError(f"{shown(path)}: expected an object, found something else. {remedy}")
    return found


def prerequisite_mistakes(assignments: dict[str, Assignment]) -> Iterator[Mistake]:
    """Prerequisites that are no assignments, or that in the end want the assignment itself to be done first."""
    for name, assignment in assignments.items():
        others = [other for other in assignments if other != name]
        for number, other in enumerate(assignment.prerequisites):
            if other not in others and other != name:
                sentence = unknown("assignment", other, others)
            elif name in _all_before(other, assignments):
                sentence = f"{name} would have to be done before itself. Remove one of the prerequisites in the circle."
            else:
                continue
            yield read_toml(assignment.folder / "assignment.toml").mistake(("prerequisites", number), sentence)


def _all_before(name: str, assignments: dict[str, Assignment]) -> set[str]:
    """An assignment, and all that must be done before it."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one in assignments and one not in found:
            found.add(one)
            waiting += assignments[one].prerequisites
    return found


def check_ids(folder: Path) -> list[str]:
    """Ids of the checks in `checks.py`: its functions marked with `points`. The file is read and not run."""
    path = folder / "checks.py"
    try:
        tree = ast.parse(path.read_text("utf-8"))
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        raise SetupError(f"{shown(path)}:{line}: expected Python, found: {error}. Correct the checks.") from error
    return [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and any(_is_mark(decorator) for decorator in node.decorator_list)
    ]


def _is_mark(decorator: ast.expr) -> bool:
    """True for `points(…)`, also as an attribute of a module."""
    called = decorator.func if isinstance(decorator, ast.Call) else None
    return getattr(called, "id", getattr(called, "attr", None)) == "points"


def _digest(folder: Path) -> str:
    """SHA-256 over the files that decide verdicts."""
    digest = hashlib.sha256()
    for name in ("assignment.toml", "probe.py", "inputs.py", "checks.py", "conftest.py", "reference.json"):
        path = folder / name
        if path.is_file():
            digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
