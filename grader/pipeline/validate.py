"""Prove a rubric: every solution gets exactly the verdicts that are written beside it."""

import tempfile
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grader.discovery import UnreadableSource, read_source
from grader.errors import SetupError
from grader.model.assignment import Assignment
from grader.model.result import Result
from grader.model.submission import Submission
from grader.pipeline.grade import Grading, Settings
from grader.pipeline.watch import Watcher
from grader.results.folder import ResultsFolder


@dataclass
class Report:
    """What came of the solutions."""

    lines: list[str] = field(default_factory=list)
    wrong: int = 0


def validate(assignment: Assignment, solutions: Path, settings: Settings, watcher: Watcher, seeds: int = 0) -> Report:
    """Grade all solutions and compare; with `seeds`, also say how often the reference passes."""
    variants = load_solutions(solutions)
    report = Report()
    results = grade_solutions(assignment, variants, settings, watcher)
    for result in results:
        problems = compare(result, expected(solutions / result.student))
        report.wrong += bool(problems)
        report.lines.append(f"{'WRONG' if problems else 'ok   '} {result.student}: {result.score}")
        report.lines += [f"      {problem}" for problem in problems]
    report.lines += unfailed_checks(results)
    if seeds:
        report.lines += try_seeds(assignment, variants, settings, watcher, seeds)
    return report


def load_solutions(solutions: Path) -> list[Submission]:
    """Every solution folder as a submission named by its folder."""
    found = []
    for folder in sorted(path.parent for path in solutions.glob("*/expected.toml")):
        files = sorted([*folder.glob("*.py"), *folder.glob("*.ipynb")])
        if len(files) != 1:
            raise SetupError(f"{folder}: expected one .py or .ipynb beside expected.toml, found {len(files)}.")
        try:
            source, problem = read_source(files[0]), ""
        except UnreadableSource as unreadable:
            source, problem = None, str(unreadable)
        found.append(
            Submission(
                student=folder.name, path=f"{folder.name}/{files[0].name}", digest="", source=source, problem=problem
            )
        )
    if not found:
        raise SetupError(f"{solutions}: expected folders with an expected.toml, found none.")
    return found


def grade_solutions(
    assignment: Assignment, variants: list[Submission], settings: Settings, watcher: Watcher
) -> list[Result]:
    """The results of all solutions, in a scratch folder."""
    with tempfile.TemporaryDirectory() as scratch:
        return Grading(assignment, settings, ResultsFolder(Path(scratch)), watcher).run(variants)


def expected(folder: Path) -> dict[str, Any]:
    """The verdicts and points that a solution must get."""
    return tomllib.loads((folder / "expected.toml").read_text("utf-8"))


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


def unfailed_checks(results: list[Result]) -> list[str]:
    """Checks that no solution fails: a check that cannot fail proves nothing."""
    failed = {verdict.id for result in results for verdict in result.checks if verdict.status == "failed"}
    every = [verdict.id for verdict in results[0].checks] if results else []
    return [f"note  no solution fails {name}" for name in every if name not in failed]


def try_seeds(
    assignment: Assignment, variants: list[Submission], settings: Settings, watcher: Watcher, seeds: int
) -> list[str]:
    """Train the reference with many seeds, and say how often it gets all points."""
    reference = [variant for variant in variants if variant.student == "reference"]
    if not reference or assignment.training is None:
        return ["note  there is no solution called `reference`, or this assignment trains nothing"]
    passed, lines = 0, []
    for seed in range(1, seeds + 1):
        policy = assignment.training.model_copy(update={"seeds": (seed,)})
        result = grade_solutions(assignment.model_copy(update={"training": policy}), reference, settings, watcher)[0]
        passed += result.score == result.max_score
        best = max(result.training.curve, default=0.0) if result.training else 0.0
        lines.append(
            f"seed {seed}: {result.score:g} points, best accuracy {best:.5f}"
            if result.score is not None
            else f"seed {seed}: no score"
        )
    return [*lines, f"the reference passes with {passed} of {seeds} seeds"]
