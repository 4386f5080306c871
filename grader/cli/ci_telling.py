"""What CI is told: lines in the log, annotations, a summary, outputs, and files for its reports.

Everything that a student may have written is printed where GitHub obeys no commands, and without control characters,
which GitLab would obey.
"""

import base64
import contextlib
import json
import secrets
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from grader.ci import Changes, Platform, Threshold, prefix
from grader.cli.base import out
from grader.cli.exporting import append, tell_github
from grader.exports.code_quality import code_quality
from grader.exports.github import (
    SHOWN_OF_A_LEVEL,
    SUMMARY_BYTES,
    cut,
    finding_commands,
    markdown,
    merged,
    points_commands,
    runner_result,
    summary,
)
from grader.exports.grades import shown
from grader.exports.junit import junit
from grader.exports.request import Export, Request, as_bytes
from grader.exports.wording import feedback_lines
from grader.exports.workflow_commands import Level, annotation
from grader.model.assignment import Assignment
from grader.model.departure import Departure
from grader.model.result import Result, Scores
from grader.pipeline.repository import Student, Work, files_of
from grader.reports.console import plain
from grader.results.files import write_atomically

SUMMARY, JUNIT, QUALITY = "summary.md", "junit.xml", "code-quality.json"


@dataclass(frozen=True)
class Outcome:
    """What the job ends with, and why."""

    word: str
    """`graded`, `below`, `waits`, `failed` or `unchanged`."""
    sentence: str

    @property
    def good(self) -> bool:
        """Whether the build is green."""
        return self.word in ("graded", "unchanged")

    @property
    def level(self) -> Level:
        """Of an annotation that says it: only what is the student's is an error."""
        return "error" if self.word == "below" else "warning"


def decide(scores: Sequence[Scores], threshold: Threshold | None) -> Outcome:
    """Green says that there is a grade, and that it reaches the threshold; red says which of three reasons it has."""
    results = [result for item in scores for result in item.submissions]
    if not results:
        return Outcome("unchanged", "Nothing of what is graded here has changed: the grades stand.")
    if any(result.score is None for result in results):
        return Outcome("failed", "There is no grade: a person must look. This is not counted against the student.")
    reached = [] if threshold is None else [threshold.reached(result) for result in results]
    wanted = "" if threshold is None else threshold.text if threshold.percent else f"{threshold.text} points"
    if any(item is False for item in reached):
        return Outcome("below", f"Below what is asked for ({wanted}).")
    if any(item is None for item in reached):
        return Outcome("waits", f"A person must decide whether this reaches what is asked for ({wanted}).")
    waits = " A person must still look at it." if any(result.needs_review for result in results) else ""
    return Outcome("graded", (f"What is asked for ({wanted}) is reached." if threshold else "Graded.") + waits)


class Telling:
    """Tells one platform about one run."""

    def __init__(self, platform: Platform, environment: Mapping[str, str], repository: Path, output: Path) -> None:
        self.platform, self.environment, self.output = platform, environment, output
        self._prefix = prefix(repository)
        self._word = ""
        self._facts: list[str] = []
        self._departures: list[Departure] = []

    @contextlib.contextmanager
    def quoted(self) -> Iterator[None]:
        """A part of the log that may hold anything: GitHub obeys no command in it."""
        self._quote()
        try:
            yield
        finally:
            self._unquote()

    @contextlib.contextmanager
    def folded(self, title: str) -> Iterator[None]:
        """The same, folded where the platform can."""
        name = f"grader_{secrets.token_hex(4)}"
        if self.platform.name == "github":
            _write(f"::group::{title}")
        elif self.platform.name == "gitlab":
            _write(f"\x1b[0Ksection_start:{int(time.time())}:{name}[collapsed=true]\r\x1b[0K{title}")
        try:
            with self.quoted():
                yield
        finally:
            if self.platform.name == "github":
                _write("::endgroup::")
            elif self.platform.name == "gitlab":
                _write(f"\x1b[0Ksection_end:{int(time.time())}:{name}\r\x1b[0K")

    def _quote(self) -> None:
        """Stop commands, until a word that is drawn anew each time."""
        if self.platform.name == "github":
            self._word = secrets.token_hex(16)
            _write(f"::stop-commands::{self._word}")

    def _unquote(self) -> None:
        if self._word:
            _write(f"::{self._word}::")
            self._word = ""

    def command(self, lines: Iterable[str]) -> None:
        """Lines that GitHub shall obey; elsewhere there are none."""
        commands = list(lines)
        if commands and self.platform.name == "github":
            quoting = bool(self._word)
            self._unquote()
            _write(*(plain(line).plain for line in commands))
            if quoting:
                self._quote()

    def say(self, text: str) -> None:
        """A line for the log."""
        out.print(plain(text), soft_wrap=True, highlight=False)

    def fact(self, text: str) -> None:
        """A line for the log that the summary also has."""
        self.say(text)
        self._facts.append(text)

    def about(self, sandbox: str, why: str, changes: Changes) -> None:
        """Where this runs, how students' code is confined, and what changes are counted from."""
        self.fact(f"Platform: {self.platform.label}.")
        self.fact(f"Sandbox: {sandbox}{f', {why}' if why else ''}.")
        if changes.paths is None:
            self.fact(f"Changes: everything counts as changed, because {changes.reason}.")
        else:
            self.fact(f"Changes: {len(changes.paths)} files since {changes.reason}.")
        self.outputs({"sandbox": sandbox})

    def student(self, student: Student) -> None:
        """Who is graded."""
        self.fact(f"Student: {student.name} (by {student.known_by}).")

    def departures(self, found: Sequence[Departure], remark: str) -> None:
        """What is not as it was released."""
        self._departures = list(found)
        self.fact(f"Released files: {remark}")
        for item in found:
            self.say(f"Not as released: {item.path}: {item.text}")
        self.command(
            annotation("warning", item.text, title="Not as released", file=f"{self._prefix}{item.path}")
            for item in found[:SHOWN_OF_A_LEVEL]
        )

    def left_out(self, found: Mapping[str, str]) -> None:
        """What is not graded now."""
        for name, why in found.items():
            self.fact(f"{name}: not graded now, because it {why}. --all grades everything.")

    def results(self, scores: Sequence[Scores], work: Work, known: Mapping[str, Assignment], outcome: Outcome) -> None:
        """Everything about what was graded: log, annotations, summary, outputs, and files beside the results."""
        pairs = [
            (self._request(item, result, known, f"{self._prefix}{path}" if path else ""), result)
            for item, result, path in files_of(scores, work)
        ]
        for request, result in pairs:
            self.say("")
            self.say(f"{request.title or request.assignment}")
            for line in feedback_lines(result, provisional=True):
                self.say(line)
        self.say("")
        self.say(outcome.sentence)
        last = [] if outcome.good else [annotation(outcome.level, outcome.sentence, title="grader")]
        findings = [line for pair in pairs for line in finding_commands(*pair)]
        self.command([*points_commands(pairs), *last, *findings])
        page = self._summary(pairs, outcome)
        self._write_files(pairs, page)
        runner = merged([runner_result(*pair) for pair in pairs]) if pairs else None
        self._tell(page, runner)
        self.outputs({**_totals([result for _, result in pairs]), "outcome": outcome.word})

    def problem(self, text: str) -> bool:
        """A wrong set-up, where the platform shows it; False if it has no such place."""
        if self.platform.name == "github":
            _write(annotation("error", text, title="grader: wrong set-up"))
        return self.platform.name == "github"

    def page(self, page: bytes) -> None:
        """A summary of the run, beside the results and where the platform shows it."""
        write_atomically(self.output / SUMMARY, page)
        self._tell(page, None)

    def facts(self) -> list[str]:
        """The facts as a list in Markdown."""
        return [f"- {markdown(text)}" for text in self._facts]

    def outputs(self, values: Mapping[str, str]) -> None:
        """Outputs of the step; each is one line."""
        place = self.environment.get("GITHUB_OUTPUT") if self.platform.name == "github" else None
        if place:
            lines = [f"{name}={' '.join(value.split())}\n" for name, value in values.items()]
            append(Path(place), as_bytes("".join(lines)))

    def _request(self, item: Scores, result: Result, known: Mapping[str, Assignment], file: str) -> Request:
        return Request(
            item.assignment,
            (result,),
            title=known[item.assignment].title,
            generated_at=item.generated_at,
            file=file,
            environment=self.environment,
        )

    def _summary(self, pairs: Sequence[tuple[Request, Result]], outcome: Outcome) -> bytes:
        parts = [as_bytes(f"**{markdown(outcome.sentence)}**\n\n")]
        if self._departures:
            rows = [f"- {markdown(item.path)}: {markdown(item.text)}" for item in self._departures]
            words = "These files are not as they were released. It costs no points by itself; your instructor is told."
            parts.append(as_bytes("\n".join(["### Not as released", "", words, "", *rows, "", ""])))
        parts += [summary(replace(request, provisional=True), result) + b"\n" for request, result in pairs]
        parts.append(as_bytes("\n".join(["### About this run", "", *self.facts(), ""])))
        return cut(b"".join(parts), SUMMARY_BYTES)

    def _write_files(self, pairs: Sequence[tuple[Request, Result]], page: bytes) -> None:
        write_atomically(self.output / SUMMARY, page)
        requests = [request for request, _ in pairs]
        write_atomically(self.output / QUALITY, code_quality(requests, self._departures))
        for request in requests:
            place = self.output / request.assignment if len(requests) > 1 else self.output
            write_atomically(place / JUNIT, junit(request).content or b"")

    def _tell(self, page: bytes, runner: Mapping[str, object] | None) -> None:
        if self.platform.name != "github":
            return
        beside = {SUMMARY: page}
        if runner is not None:
            beside["result.txt"] = base64.b64encode(json.dumps(runner).encode("ascii"))
        tell_github(Export(None, beside=beside), Request("", (), environment=self.environment))


def _totals(results: Sequence[Result]) -> dict[str, str]:
    """Points over all results; none if one has none."""
    points = [result.score for result in results]
    known = [number for number in points if number is not None]
    whole = bool(points) and len(known) == len(points)
    most = sum(result.max_score for result in results)
    return {"score": shown(sum(known)) if whole else "", "max-score": shown(most) if results else ""}


def _write(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()
