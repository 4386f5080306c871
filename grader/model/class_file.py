"""What one class changes: points, limits, trainings and deadlines of assignments, in a file that the instructor keeps.

    [mnist_conv]
    attempts = "best"
    [mnist_conv.points]
    reaches_the_accuracy_within_20_epochs = 3
    [mnist_conv.limits]
    wall_seconds = 120
    [mnist_conv.training]
    seeds = [1, 2, 3]
    [mnist_conv.late]
    due = 2026-12-01T23:59:00+01:00
    per_day = 0.1

What checks are written for, such as the threshold, belongs to the assignment and cannot be changed here.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from grader.model.assignment import Assignment, Limits, TrainingPolicy, Worth, check_ids
from grader.model.lateness import LatePolicy
from grader.model.mistakes import Mistake, TomlFile, mistakes_in, raise_all, read_toml, said, unknown
from grader.model.toml_lines import Place

OF_THE_CHECKS = dict.fromkeys(
    ("metric", "threshold", "test"),
    "belongs to the assignment, whose checks are written for it. Change it in assignment.toml, or leave it.",
)
"""Keys of `[training]` that a class cannot change."""
TABLES: dict[str, type[BaseModel]] = {"limits": Limits, "training": TrainingPolicy, "late": LatePolicy}
PLAIN = ("attempts", "extra_credit")
"""Keys outside of all tables."""
FOR_JUDGING = ("points", "limits", "training")
"""What changes verdicts; the others only change what counts, so that older results stand."""
WORTH = TypeAdapter(Worth)


def read_class(path: Path, assignments: Mapping[str, Assignment]) -> dict[str, Assignment]:
    """All assignments by id, as this class has them; raises SetupError with a line for each mistake in the file."""
    file = read_toml(path)
    mistakes: list[Mistake] = []
    changed = dict(assignments)
    for name, tables in file.values.items():
        if name not in assignments:
            mistakes.append(file.mistake((name,), unknown("assignment", name, assignments)))
        elif not isinstance(tables, dict):
            mistakes.append(file.mistake((name,), f"expected a table such as [{name}.points], found {said(tables)}."))
        else:
            mistakes += _mistakes(file, assignments[name])
    raise_all(mistakes)
    for name, tables in file.values.items():
        changed[name] = _changed(assignments[name], tables)
    return changed


def _mistakes(file: TomlFile, assignment: Assignment) -> Iterator[Mistake]:
    """What is wrong in the tables of one assignment."""
    for key, values in file.values[assignment.id].items():
        place = (assignment.id, key)
        if key in PLAIN:
            yield from _wrong_plain(file, place, values, assignment)
        elif key != "points" and key not in TABLES:
            yield file.mistake(place, _homeless(assignment, key))
        elif not isinstance(values, dict):
            yield file.mistake(place, f"expected a table, found {said(values)}.")
        elif key == "points":
            yield from _wrong_points(file, place, values, check_ids(assignment.folder))
        elif key == "training" and assignment.training is None:
            yield file.mistake(place, f"{assignment.id} trains nothing, so that this has no effect. Remove it.")
        else:
            yield from _wrong_values(file, place, values, getattr(assignment, key))


def _homeless(assignment: Assignment, key: str) -> str:
    """What to do about a key that is none of the tables."""
    home = next((table for table, model in TABLES.items() if key in model.model_fields), None)
    if home is None and key in check_ids(assignment.folder):
        home = "points"
    if home is None:
        return unknown("key", key, ["points", *TABLES, *PLAIN])
    return f"unknown key here; it belongs under [{assignment.id}.{home}]."


def _wrong_points(file: TomlFile, place: Place, values: dict[str, Any], checks: list[str]) -> Iterator[Mistake]:
    for name, value in values.items():
        if name not in checks:
            yield file.mistake((*place, name), unknown("check", name, checks))
        else:
            try:
                WORTH.validate_python(value)
            except ValidationError:
                yield file.mistake((*place, name), f"expected points, a number from 0, found {said(value)}.")


def _wrong_plain(file: TomlFile, place: Place, value: Any, base: Assignment) -> Iterator[Mistake]:
    try:
        _with(base, {str(place[-1]): value})
    except ValidationError as error:
        yield from mistakes_in(error, Assignment, file, place[:-1])
    else:
        checks = check_ids(base.folder) if place[-1] == "extra_credit" else []
        for number, name in enumerate(value if place[-1] == "extra_credit" else ()):
            if name not in checks:
                yield file.mistake((*place, number), unknown("check", name, checks))


def _fields(assignment: Assignment) -> dict[str, Any]:
    """The values of an assignment, as they are."""
    return {name: getattr(assignment, name) for name in Assignment.model_fields}


def _wrong_values(file: TomlFile, place: Place, values: dict[str, Any], base: BaseModel) -> Iterator[Mistake]:
    refused = OF_THE_CHECKS if isinstance(base, TrainingPolicy) else {}
    for key, reason in refused.items():
        if key in values:
            yield file.mistake((*place, key), reason)
    try:
        _merged(base, {key: value for key, value in values.items() if key not in refused})
    except ValidationError as error:
        yield from mistakes_in(error, type(base), file, place, refused)


def _merged(base: BaseModel, values: dict[str, Any]) -> BaseModel:
    """The record with other values, checked."""
    return type(base).model_validate({**base.model_dump(), **values})


def _changed(assignment: Assignment, tables: dict[str, Any]) -> Assignment:
    """The assignment with what its tables say. What changes verdicts is part of its digest, so that no older result stands."""
    if not any(tables.values()):
        return assignment
    update: dict[str, Any] = {key: _merged(getattr(assignment, key), tables[key]) for key in TABLES if tables.get(key)}
    update |= {key: getattr(_with(assignment, {key: tables[key]}), key) for key in PLAIN if key in tables}
    points = {name: float(value) for name, value in tables.get("points", {}).items()}
    judging = {key: tables[key] for key in FOR_JUDGING if tables.get(key)}
    if judging:
        changes = json.dumps(judging, sort_keys=True, separators=(",", ":"))
        update["digest"] = hashlib.sha256(f"{assignment.digest}\0{changes}".encode()).hexdigest()
    return assignment.model_copy(update={**update, "points": {**assignment.points, **points}})


def _with(assignment: Assignment, values: dict[str, Any]) -> Assignment:
    """The assignment with other values, checked."""
    return Assignment.model_validate({**_fields(assignment), **values})
