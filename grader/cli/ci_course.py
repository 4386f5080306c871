"""An instructor's repository in CI: its rubrics are proven, and submissions that lie in it are graded.

The log and the summary hold no names of students: both may be public, and results are not.
"""

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from grader.ci import Changes, Memory, digest_of, digest_of_folders
from grader.cli.base import NEEDS_PERSON
from grader.cli.ci_telling import Telling
from grader.cli.pages import report_after
from grader.errors import SetupError
from grader.exports.github import SHOWN_OF_A_LEVEL, markdown
from grader.exports.request import as_bytes
from grader.exports.workflow_commands import annotation
from grader.model.assignment import Assignment
from grader.model.submission import Submission
from grader.pipeline import places
from grader.pipeline.batch import collect, grade_batch
from grader.pipeline.repository import is_touched, remembered_as
from grader.pipeline.settings import Settings
from grader.pipeline.watch import Silent, Watcher
from grader.validation import Options, Proof, Report, as_lines

SOLUTIONS = "solutions"


@dataclass(frozen=True)
class Asked:
    """What is to be done."""

    repository: Path
    submissions: Path | None
    output: Path
    everything: bool


@dataclass
class Done:
    """What came of it."""

    reports: list[Report] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    graded: list[str] = field(default_factory=list)
    """A sentence for each assignment of which submissions were graded."""
    person: bool = False

    @property
    def wrong(self) -> list[str]:
        """Assignments whose rubric is not proven."""
        return [report.assignment.id for report in self.reports if report.wrong]

    def sentence(self) -> str:
        """All of it."""
        proven = f"{len(self.reports) - len(self.wrong)} of {len(self.reports)} changed rubrics proven"
        wrong = f"; wrong: {', '.join(self.wrong)}" if self.wrong else ""
        person = " Some submissions need a person." if self.person else ""
        return f"{proven if self.reports else 'No rubric has changed'}{wrong}.{person}"


def run(asked: Asked, changes: Changes, memory: Memory, settings: Settings, telling: Telling) -> int:
    """Prove what changed, grade what is to be graded; return the exit code."""
    if asked.submissions is not None and not asked.submissions.exists():
        raise SetupError(f"--submissions {asked.submissions}: expected a folder of submissions, found none.")
    known = places.load_assignments()
    done = Done()
    for name, assignment in known.items():
        folders = [assignment.folder, asked.repository / SOLUTIONS / name]
        digest = digest_of(digest_of_folders(*folders))
        inside = [_relative(asked.repository, folder) for folder in folders]
        if not asked.everything and memory.knows(f"rubric {name}", digest) and not changes.touches_any(inside):
            done.unchanged.append(name)
            continue
        with telling.folded(f"Rubric of {name}"):
            report = _prove(assignment, asked.repository / SOLUTIONS / name, settings, telling)
        for problem in _problems(report)[:SHOWN_OF_A_LEVEL]:
            telling.command([annotation("error", problem, title=f"{name}: the rubric is not proven")])
        done.reports.append(report)
        if not report.wrong:
            memory.keep(f"rubric {name}", digest)
    if asked.submissions is not None:
        with telling.folded("Submissions"):
            _grade(asked, asked.submissions, changes, memory, settings, done)
    with telling.quoted():
        for text in [*done.graded, done.sentence()]:
            telling.say(text)
    telling.page(_page(done, telling))
    telling.outputs({"outcome": "failed" if done.wrong else "graded"})
    return NEEDS_PERSON if done.wrong or done.person else 0


def _prove(assignment: Assignment, solutions: Path, settings: Settings, telling: Telling) -> Report:
    """Prove one rubric without mutants, which take long; say what is wrong with it."""
    proof = Proof(assignment, solutions, replace(settings, quick=False), Silent(), Options(mutants=False))
    telling.say(proof.estimate())
    started = time.monotonic()
    report = proof.run()
    for line in as_lines(report):
        telling.say(line)
    telling.say(f"{assignment.id}: {time.monotonic() - started:.0f} s")
    return report


def _problems(report: Report) -> list[str]:
    found = [f"{item.name}: {text}" for item in [*report.solutions, *report.starters] for text in item.problems]
    return [*report.problems, *found]


def _grade(
    asked: Asked,
    submissions: Path,
    changes: Changes,
    memory: Memory,
    settings: Settings,
    done: Done,
) -> None:
    """Grade the submissions that changed, or all where their assignment did."""
    batch = collect(submissions, assignment=None)
    chosen = {}
    digests: dict[tuple[str, str], str] = {}
    for name, items in batch.submissions.items():
        by_student = _by_student(items)
        for student, its in by_student.items():
            digests[name, student] = digest_of(*(remembered_as(batch.known[name], item) for item in its))
        chosen[name] = [
            item
            for student, its in by_student.items()
            if asked.everything
            or not memory.knows(_remembered(name, student), digests[name, student])
            or any(is_touched(asked.repository, item, changes) for item in its)
            for item in its
        ]
    chosen = {name: items for name, items in chosen.items() if items}
    kept = replace(settings, keep_others=True)
    for scores in grade_batch(replace(batch, submissions=chosen), kept, asked.output, _silent):
        name = scores.assignment
        handed_in = {item.student for item in chosen[name]}
        mine = [result for result in scores.submissions if result.student in handed_in]
        waiting = [result for result in mine if result.needs_review]
        done.person = done.person or bool(waiting)
        done.graded.append(f"{name}: {len(mine)} graded, {len(waiting)} of them need a person.")
        for result in mine:
            if not result.needs_review and not settings.quick:
                memory.keep(_remembered(name, result.student), digests[name, result.student])
    if not chosen:
        done.graded.append("No submission has changed.")
    else:
        report_after(asked.output, batch.known.get)


def _by_student(items: Sequence[Submission]) -> dict[str, list[Submission]]:
    """All attempts of each student: which one counts is told from all of them."""
    found: dict[str, list[Submission]] = {}
    for item in items:
        found.setdefault(item.student, []).append(item)
    return found


def _remembered(assignment: str, student: str) -> str:
    """A name under which a submission is remembered, without the student's own."""
    return f"submission {digest_of(assignment, student)[:32]}"


@contextlib.contextmanager
def _silent(assignment: Assignment, settings: Settings) -> Iterator[Watcher]:  # noqa: ARG001 - what watching is told
    """Nobody's name in the log."""
    yield Silent()


def _relative(repository: Path, folder: Path) -> str:
    place = folder.resolve()
    return place.relative_to(repository).as_posix() if place.is_relative_to(repository) else str(place)


def _page(done: Done, telling: Telling) -> bytes:
    rows: Sequence[str] = [
        f"| {markdown(report.assignment.id)} | {'**wrong**' if report.wrong else 'proven'} | {len(report.solutions)} "
        f"| {report.seconds:.0f} |"
        for report in done.reports
    ]
    table = ["| assignment | rubric | solutions | seconds |", "|---|---|---:|---:|", *rows, ""] if rows else []
    wrong = [
        f"- {markdown(report.assignment.id)}: {markdown(text)}" for report in done.reports for text in _problems(report)
    ]
    unchanged = [f"Not changed: {markdown(', '.join(done.unchanged))}.", ""] if done.unchanged else []
    graded = [f"- {markdown(text)}" for text in done.graded]
    parts = [f"**{markdown(done.sentence())}**", "", *table, *wrong, "", *unchanged, *graded, ""]
    return as_bytes("\n".join([*parts, "### About this run", "", *telling.facts(), ""]))
