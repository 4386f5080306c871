"""Solutions: right and wrong answers, each with the verdicts that it must get written beside it."""

import tomllib
from pathlib import Path
from typing import Any

from grader.discovery import UnreadableSource, read_source
from grader.errors import SetupError
from grader.model.result import Result
from grader.model.submission import Submission


def load_solutions(solutions: Path) -> list[Submission]:
    """Every solution folder as a submission named by its folder; SetupError if there is none, or one is incomplete."""
    found = []
    for folder in sorted(path.parent for path in solutions.glob("*/expected.toml")):
        files = sorted([*folder.glob("*.py"), *folder.glob("*.ipynb")])
        if len(files) != 1:
            raise SetupError(f"{folder}: expected one .py or .ipynb beside expected.toml, found {len(files)}.")
        found.append(read_submission(files[0], folder.name))
    if not found:
        raise SetupError(f"{solutions}: expected folders with an expected.toml, found none.")
    return found


def read_submission(file: Path, name: str) -> Submission:
    """A file as a submission with this name, also one that cannot be read."""
    try:
        source, problem = read_source(file), ""
    except UnreadableSource as unreadable:
        source, problem = None, str(unreadable)
    return Submission(student=name, path=f"{name}/{file.name}", digest="", source=source, problem=problem)


def expected(folder: Path) -> dict[str, Any]:
    """The verdicts and points that a solution must get; SetupError with the place if the file is wrong."""
    path = folder / "expected.toml"
    try:
        wanted = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SetupError(f"{path}: not valid TOML: {error}") from error
    if not isinstance(wanted.get("verdicts"), dict):
        raise SetupError(f"{path}: expected a table [verdicts] with a status for each check, found none.")
    return wanted


def compare(result: Result, wanted: dict[str, Any]) -> list[str]:
    """Differences between a result and what was expected, in sentences."""
    verdicts = {verdict.id: verdict for verdict in result.checks}
    problems = [f"{name}: not a check of this assignment" for name in wanted["verdicts"] if name not in verdicts]
    for name, verdict in verdicts.items():
        status = wanted["verdicts"].get(name)
        points = wanted.get("points", {}).get(name)
        points = points if points is not None else verdict.max_points if status == "passed" else 0.0
        if verdict.status != status or verdict.points != points:
            problems.append(
                f"{name}: expected {status} with {points:g}, found {verdict.status} with {verdict.points:g}: {verdict.message}"
            )
    return problems
