"""Prove a rubric before any student sees it.

Every solution must get exactly the verdicts written beside it, the starters nothing, every mutant of the reference less
than full marks, and what students get must give nothing away. Trainings that come with the assignment are used instead
of trained again; what is missing is trained, for mutants only where that is asked for.
"""

import hashlib
import math
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from grader.authoring import LANGUAGES, differences, make_release, make_starters
from grader.errors import SetupError
from grader.model.assignment import Assignment, Limits
from grader.model.result import Result
from grader.model.submission import Cell, Source, Submission
from grader.pipeline.grade import Grading
from grader.pipeline.settings import Settings
from grader.pipeline.watch import Watcher
from grader.results.folder import ResultsFolder
from grader.training.kept import KeptRun
from grader.validation.mutants import MOST_PER_OPERATOR, Mutant
from grader.validation.outcomes import Outcome, load_plan, mutants_of, outcome, problems_with
from grader.validation.seeds import SeedResult, try_seeds
from grader.validation.shipped import ShippedRuns, write_shipped
from grader.validation.solutions import compare, expected, load_solutions, read_submission
from grader.wire.inputs import draw_inputs

SECONDS_PER_RUN, SECONDS_WITH_WEIGHTS = 1.5, 4.0
"""For the estimate: one submission without a training, on one core; more where programs evaluate what was trained."""
REFERENCE = "reference"
WAITS = "Waits for a person"


@dataclass(frozen=True)
class Options:
    """How much is to be proven."""

    mutants: bool = True
    most: int = MOST_PER_OPERATOR
    """At most so many mutants by one operator."""
    train_mutants: bool = False
    """Also carry out the trainings of mutants on which nothing else decides."""
    shipped: bool = True
    """Use the trainings that come with the assignment."""
    record: bool = False
    """Write the trainings that were used beside the assignment, in place of those there."""
    seeds: int = 0


@dataclass(frozen=True)
class SolutionOutcome:
    """One solution or starter, and what is wrong with its verdicts."""

    name: str
    result: Result
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Usage:
    """What the right answers need, and the limits that follow from it."""

    wall_seconds: float
    cpu_seconds: float
    memory_bytes: int

    @property
    def proposed(self) -> Limits:
        """Ten times the time, at least 20 seconds; twice the memory, at least 1 GiB; rounded up."""
        return Limits(
            wall_seconds=max(20.0, 10.0 * math.ceil(self.wall_seconds)),
            cpu_seconds=max(20.0, 10.0 * math.ceil(self.cpu_seconds)),
            memory_bytes=max(1, math.ceil(2 * self.memory_bytes / 2**30)) * 2**30,
        )


@dataclass
class Report:
    """What came of one assignment."""

    assignment: Assignment
    solutions: list[SolutionOutcome] = field(default_factory=list)
    starters: list[SolutionOutcome] = field(default_factory=list)
    mutants: list[Outcome] = field(default_factory=list)
    seeds: list[SeedResult] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """What is wrong with the rubric; each is a sentence."""
    usage: Usage | None = None
    recorded: int = 0
    """Trainings written by `record`."""
    trained: int = 0
    """Trainings that were carried out now, since they did not come with the assignment and were not in the store."""
    seconds: float = 0.0

    @property
    def checks(self) -> list[str]:
        """The ids of all checks."""
        return [verdict.id for verdict in self.solutions[0].result.checks] if self.solutions else []

    @property
    def kills(self) -> dict[str, tuple[int, int]]:
        """How many solutions, and how many mutants, each check fails."""
        failed = [verdict.id for item in self.solutions for verdict in item.result.checks if verdict.status == "failed"]
        killed = [name for item in self.mutants for name in item.killers]
        return {name: (failed.count(name), killed.count(name)) for name in self.checks}

    @property
    def manual(self) -> set[str]:
        """Checks that wait for a person even where the answer is right."""
        right = [item.result for item in self.solutions if item.name == REFERENCE]
        return {verdict.id for result in right for verdict in result.checks if verdict.message.startswith(WAITS)}

    @property
    def wrong(self) -> bool:
        """Whether anything is wrong with the rubric."""
        return bool(self.problems) or any(item.problems for item in [*self.solutions, *self.starters])


class Proof:
    """Takes one assignment through everything that its rubric must stand."""

    def __init__(
        self, assignment: Assignment, solutions: Path, settings: Settings, watcher: Watcher, options: Options
    ) -> None:
        self.assignment, self.folder, self.watcher, self.options = assignment, solutions, watcher, options
        self.shipped = ShippedRuns(self._trainings if options.shipped else Path())
        self.settings = replace(settings, shipped=self.shipped, force=True, exact=True)
        self.variants = load_solutions(solutions)
        self.plan = load_plan(solutions)
        self.made = mutants_of(solutions, self.plan, options.most) if options.mutants else []
        self.report = Report(assignment)
        self.used: dict[tuple[str, int], KeptRun] = {}
        """The trainings on which the verdicts rest, by fingerprint and seed."""

    @property
    def _trainings(self) -> Path:
        return self.assignment.folder / "trainings"

    @property
    def minutes(self) -> float:
        """About how long it will take, trainings that are not recorded apart."""
        runs = len(self.variants) + len(self.made) + len(self._starters())
        evaluates = any(self._trainings.glob("*.npz"))
        return runs * (SECONDS_WITH_WEIGHTS if evaluates else SECONDS_PER_RUN) / self.settings.jobs / 60

    def estimate(self) -> str:
        """How long it will take, in a sentence."""
        starters = len(self._starters())
        words = f"{len(self.variants)} solutions, {len(self.made)} mutants, {starters} starters"
        kept = "" if self.assignment.training is None else f", {len(self.shipped)} recorded trainings"
        more = "" if self.assignment.training is None else "; what is not recorded is trained"
        return f"{self.assignment.id}: {words}{kept}: about {self.minutes:.1f} min on {self.settings.jobs} cores{more}."

    def run(self) -> Report:
        """Everything, in order."""
        started = time.monotonic()
        self._inputs()
        self._solutions()
        self._release()
        self._without_training()
        if self.options.train_mutants:
            self._train_mutants()
        self.report.problems += problems_with(self.report.mutants, self.plan)
        self._silent_checks()
        if self.options.seeds:
            self._seeds()
        if self.options.record:
            self._record()
        self.report.seconds = time.monotonic() - started
        return self.report

    def _inputs(self) -> None:
        """Inputs are the same whenever they are drawn from one seed: the box and the judge draw them apart."""
        source = self.assignment.inputs_source
        once, again = (draw_inputs(source, 1, self.settings.datasets) for _ in range(2))
        if repr_of(once) != repr_of(again):
            self.report.problems.append(
                "inputs.py: drawn twice from one seed, the inputs differ. Draw from `rng` alone, not from a clock or a set."
            )

    def _solutions(self) -> None:
        """Solutions and their verdicts."""
        with self._graded(self.variants, quick=False) as (results, folder):
            by_name = {result.student: result for result in results}
            for name in (variant.student for variant in self.variants):
                problems = compare(by_name[name], expected(self.folder / name))
                self.report.solutions.append(SolutionOutcome(name, by_name[name], tuple(problems)))
            self.report.usage = usage(folder, results)

    def _starters(self) -> list[Submission]:
        files = sorted((self.assignment.folder / "starter").glob("*.*"))
        return [read_submission(file, file.name) for file in files if file.suffix in (".py", ".ipynb")]

    def _release(self) -> None:
        """The starters in the folder are those made from the reference, and nothing that is released gives it away."""
        try:
            made = make_starters(self.assignment, self.folder.parent)
            self.report.problems += differences(made, self.assignment.folder / "starter")
            for language, handout in LANGUAGES.items():
                if (self.assignment.folder / handout).is_file():
                    make_release(self.assignment, self.folder.parent, language)
        except SetupError as error:
            self.report.problems.append(str(error))

    def _without_training(self) -> None:
        """Starters, which must earn nothing, and every mutant, as far as the trainings that are there tell."""
        mutants = {mutant.id: mutant for mutant in self.made}
        with self._graded([*self._starters(), *map(self._handed_in, self.made)], quick=True) as (results, _):
            for result in results:
                if result.student in mutants:
                    self.report.mutants.append(outcome(mutants[result.student], result, self.plan))
                    continue
                earned = [item for item in result.checks if item.points]
                problems = [f"{item.id}: an untouched starter gets {item.points:g} points for it" for item in earned]
                self.report.starters.append(SolutionOutcome(result.student, result, tuple(problems)))

    def _train_mutants(self) -> None:
        """The mutants that are not decided, with the trainings that decide."""
        waiting = {item.mutant.id: item.mutant for item in self.report.mutants if not item.decided}
        if not waiting:
            return
        with self._graded([self._handed_in(mutant) for mutant in waiting.values()], quick=False) as (results, _):
            decided = {result.student: outcome(waiting[result.student], result, self.plan) for result in results}
        self.report.mutants = [decided.get(item.mutant.id, item) for item in self.report.mutants]

    def _handed_in(self, mutant: Mutant) -> Submission:
        """A mutant as a submission that is named by it."""
        path = f"{mutant.id}/{self.assignment.files[0]}.py"
        return Submission(student=mutant.id, path=path, digest="", source=module(mutant.text))

    def _silent_checks(self) -> None:
        """A check that no wrong answer fails proves nothing, unless it is a person who decides it."""
        if not self.options.mutants:
            return  # it may be a mutant that fails it
        self.report.problems += [
            f"no wrong answer fails {name}: a check that cannot fail proves nothing. Add a wrong solution that fails it."
            for name, (solutions, mutants) in self.report.kills.items()
            if not solutions and not mutants and name not in self.report.manual
        ]

    def _seeds(self) -> None:
        reference = next((variant for variant in self.variants if variant.student == REFERENCE), None)
        if reference is None or self.assignment.training is None:
            return

        def grade(assignment: Assignment, submission: Submission) -> Result:
            with self._graded([submission], quick=False, assignment=assignment) as (results, _):
                return results[0]

        used = dict(self.used)
        self.report.seeds = try_seeds(self.assignment, reference, grade, self.options.seeds)
        self.used = used

    def _record(self) -> None:
        """Keep the trainings that were used; their weights only if a verdict of a solution depends on them."""
        self.report.recorded = write_shipped(self._trainings, self.used, weights=False)
        if not self.report.recorded:
            return
        settings = replace(self.settings, store=None, shipped=ShippedRuns(self._trainings), quick=True)
        with tempfile.TemporaryDirectory() as scratch:
            results = Grading(self.assignment, settings, ResultsFolder(Path(scratch)), self.watcher).run(self.variants)
        if any(compare(result, expected(self.folder / result.student)) for result in results):
            write_shipped(self._trainings, self.used, weights=True)

    def _remember(self, used: Mapping[tuple[str, int], KeptRun]) -> None:
        """Trainings that another part of the proof has used; what was asked of them before is still asked."""
        for key, kept in used.items():
            if key in self.used:
                kept.asked |= self.used[key].asked
            self.used[key] = kept

    @contextmanager
    def _graded(
        self, submissions: Sequence[Submission], *, quick: bool, assignment: Assignment | None = None
    ) -> Iterator[tuple[list[Result], ResultsFolder]]:
        """The results of submissions, in a folder that is there as long as the block."""
        settings = replace(self.settings, quick=quick)
        with tempfile.TemporaryDirectory() as scratch:
            folder = ResultsFolder(Path(scratch))
            grading = Grading(assignment or self.assignment, settings, folder, self.watcher)
            results = grading.run(list(submissions))
            self._remember(grading.store.used)
            self.report.trained += grading.store.kept
            yield results, folder


def repr_of(value: Any) -> str:
    """Inputs in a form that can be compared: arrays by their bytes."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{value.shape}{hashlib.sha256(value.tobytes()).hexdigest()}"
    if isinstance(value, dict):
        return repr({key: repr_of(item) for key, item in value.items()})
    return repr([repr_of(item) for item in value]) if isinstance(value, list | tuple) else repr(value)


def module(text: str) -> Source:
    """The text of a module as the source of a submission."""
    return Source(kind="module", cells=(Cell(number=1, text=text),))


def usage(folder: ResultsFolder, results: Sequence[Result]) -> Usage | None:
    """The most that any answer with full marks needed; None if there is none."""
    right = [result for result in results if result.score == result.max_score]
    measured = [
        known.observation.measured for result in right if (known := folder.evidence(result.student)) is not None
    ]
    if not measured:
        return None
    return Usage(
        max(item.wall_seconds for item in measured),
        max(item.cpu_seconds for item in measured),
        max(item.peak_memory_bytes for item in measured),
    )
