"""The output folder.

    DIR/scores.json                        what other people's scripts read
    DIR/submissions/<student>/result.json  verdicts of one submission
    DIR/submissions/<student>/evidence.json what was seen, for `grader regrade`
    DIR/submissions/<student>/arrays.npz    arrays that the student's functions returned, if they did
    DIR/submissions/<student>/source.json   the code as it was read, if it could be
    DIR/submissions/<student>/attempts/<n>/ the same four files of earlier attempts

`result.json` is what the checks gave. `scores.json` is what counts: which attempt, how late it was, and what a person
decided are taken into account there.

Every file is written beside its place and renamed, so that a killed run leaves whole files only.
"""

import contextlib
import hashlib
import re
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from pydantic import Field, ValidationError

from grader import __version__
from grader.errors import SetupError
from grader.model.observation import Curve, Observation
from grader.model.record import Record
from grader.model.result import CourseScores, Missing, Result, Scores
from grader.model.submission import Source
from grader.model.training import TrainingRun
from grader.results.files import as_json, as_strict_json, packed, sync_folder, write_atomically
from grader.results.lean import lean
from grader.scratch import lock
from grader.wire.npy import read_npz

Array = np.ndarray[Any, Any]
R = TypeVar("R", bound=Record)
NO_SUBMISSIONS = ' "submissions": [],'
"""How the key looks in `scores.json` of a class that handed in nothing; in a text its quotes would be escaped."""
OPENS_SUBMISSIONS = b' "submissions": [\n'
OF_AN_ATTEMPT = ("source.json", "arrays.npz", "evidence.json", "result.json")


class RecordedTraining(Record):
    """The training behind a verdict, without weights."""

    run: TrainingRun
    played: Curve
    others: tuple[TrainingRun, ...] = ()


class RecordedEvidence(Record):
    """All that judging needs, as it is kept."""

    observation: Observation
    training: RecordedTraining | None = None
    """That of the graded fit."""
    beside: dict[int, RecordedTraining] = Field(default_factory=dict)
    """Those of the other fits that count, by number."""
    training_refused: str = ""
    problem: str = ""
    """Why the hand-in could not be read; then nothing was run."""
    observation_key: str = ""
    """What must be equal for what was seen to stand for a new run: code, probe, limits, versions."""
    arrays_digest: str = ""
    """SHA-256 over `arrays.npz`; empty where there are no arrays."""


class Kept:
    """One attempt of one student, in a folder of its own."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def result(self) -> Result | None:
        """The result, or None if there is none that can be read."""
        return _read_result(self.place / "result.json")

    def evidence(self) -> RecordedEvidence | None:
        """The evidence, or None."""
        return _read(self.place / "evidence.json", RecordedEvidence)

    def has_evidence(self) -> bool:
        """Whether there is a file with the evidence, be it one that can be read or not."""
        return (self.place / "evidence.json").is_file()

    def source(self) -> Source | None:
        """The code as it was read, or None: unreadable, or graded before the code was kept."""
        return _read(self.place / "source.json", Source)

    def arrays(self) -> tuple[Array, ...]:
        """What the calls of the student's code returned and drew, in the order of their places."""
        try:
            archive = read_npz((self.place / "arrays.npz").read_bytes())
            return tuple(archive[f"a{number}"] for number in range(len(archive)))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return ()

    def arrays_of(self, evidence: RecordedEvidence) -> tuple[Array, ...] | None:
        """The same, if they are those of this evidence; None if they are others, or damaged."""
        try:
            data = (self.place / "arrays.npz").read_bytes()
        except FileNotFoundError:
            return None if evidence.arrays_digest else ()
        except OSError:
            return None
        return self.arrays() if hashlib.sha256(data).hexdigest() == evidence.arrays_digest else None

    def write(
        self,
        result: Result,
        evidence: RecordedEvidence | None = None,
        arrays: Sequence[Array] = (),
        source: Source | None = None,
    ) -> None:
        """Write it: the evidence first, so that a result never stands without it."""
        if source is not None:
            write_atomically(self.place / "source.json", as_json(source))
        elif evidence is not None:
            (self.place / "source.json").unlink(missing_ok=True)
        if evidence is not None:
            if arrays:
                data = packed(arrays)
                evidence = evidence.model_copy(update={"arrays_digest": hashlib.sha256(data).hexdigest()})
                write_atomically(self.place / "arrays.npz", data)
            else:
                (self.place / "arrays.npz").unlink(missing_ok=True)
            write_atomically(self.place / "evidence.json", as_json(evidence))
        write_atomically(self.place / "result.json", as_strict_json(result))


class ResultsFolder:
    """The results of one assignment in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def kept(self, student: str) -> Kept:
        """The newest attempt of this student, whether it exists or not."""
        return Kept(self.place(student))

    def earlier(self, student: str) -> list[Kept]:
        """The attempts before the newest one, in the order in which they were graded."""
        found = [path for path in (self.place(student) / "attempts").glob("[0-9]*") if path.name.isdigit()]
        return [Kept(path) for path in sorted(found, key=lambda path: int(path.name))]

    def read(self, student: str) -> Result | None:
        """The result written before for this student, or None if there is none that can be read."""
        return self.kept(student).result()

    def evidence(self, student: str) -> RecordedEvidence | None:
        """The evidence written before for this student, or None."""
        return self.kept(student).evidence()

    def has_evidence(self, student: str) -> bool:
        """Whether there is a file with the evidence of this student, be it one that can be read or not."""
        return self.kept(student).has_evidence()

    def source(self, student: str) -> Source | None:
        """The code of this student as it was read, or None: unreadable, or graded before the code was kept."""
        return self.kept(student).source()

    def place(self, student: str) -> Path:
        """Where everything about this student lies."""
        return self.folder / "submissions" / folder_name(student)

    def results(self) -> list[Result]:
        """All results in the folder, by student; of several attempts the newest."""
        submissions = self.folder / "submissions"
        names = sorted(place.name for place in submissions.iterdir()) if submissions.is_dir() else []
        found = (_read_result(submissions / name / "result.json") for name in names)
        return sorted((result for result in found if result is not None), key=lambda result: result.student)

    def arrays(self, student: str) -> tuple[Array, ...]:
        """What the calls of this student's code returned and drew, in the order of their places."""
        return self.kept(student).arrays()

    def write(
        self,
        result: Result,
        evidence: RecordedEvidence | None,
        arrays: Sequence[Array] = (),
        source: Source | None = None,
        *,
        superseded: bool = False,
    ) -> None:
        """Write one submission. What the same student had handed in before, with another file, is kept as an attempt.

        `superseded`: this is an earlier one itself, and does not take the place of the newest.
        """
        newest = self.read(result.student)
        target = self.kept(result.student)
        if newest is not None and is_other_attempt(newest, result):
            if superseded:
                target = self._place_of_earlier(result)
            else:
                self._put_aside(newest)
        target.write(result, evidence, arrays, source)

    def _place_of_earlier(self, result: Result) -> Kept:
        """Where an attempt before the newest one is kept, or is to be."""
        earlier = self.earlier(result.student)
        for place in earlier:
            known = place.result()
            if known is not None and not is_other_attempt(known, result):
                return place
        number = int(earlier[-1].place.name) + 1 if earlier else 1
        return Kept(self.place(result.student) / "attempts" / str(number))

    def _put_aside(self, result: Result) -> None:
        """Keep the files of the newest attempt as an earlier one, whole or not at all."""
        place, earlier = self.place(result.student), self.earlier(result.student)
        last = earlier[-1].result() if earlier else None
        if last is not None and not is_other_attempt(last, result):
            return  # a run that was killed had come so far
        number = int(earlier[-1].place.name) + 1 if earlier else 1
        scratch, target = place / "attempts" / f".{number}", place / "attempts" / str(number)
        try:
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.mkdir(parents=True)
            for name in OF_AN_ATTEMPT:
                if (place / name).is_file():
                    shutil.copy2(place / name, scratch / name)
            scratch.rename(target)
            sync_folder(target.parent)
        except OSError as error:
            raise SetupError(
                f"{target}: an earlier attempt cannot be kept: {error.strerror or error}. Nothing is lost; make room for "
                "it, and give the same command again."
            ) from error

    def write_scores(self, assignment: str, results: Sequence[Result], missing: Sequence[Missing] = ()) -> Scores:
        """Write `scores.json` over these results, and those who handed in nothing."""
        scores = Scores(
            assignment=assignment,
            generated_at=now(),
            grader_version=__version__,
            submissions=tuple(sorted(results, key=lambda result: (result.student, result.path))),
            missing=tuple(sorted(missing, key=lambda item: item.student)),
        )
        write_atomically(self.folder / "scores.json", pieces_of(scores))
        return scores

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for this process; SetupError if another grader works in it."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle = (self.folder / ".lock").open("w")
        except OSError as error:
            raise SetupError(
                f"{self.folder}: cannot write results there: {error.strerror}. Choose another --output."
            ) from error
        with handle:
            try:
                lock(handle, wait=False)
            except OSError as error:
                raise SetupError(
                    f"{self.folder}: another grader is at work in this folder. Wait for it, or choose another --output."
                ) from error
            self._sweep()
            yield

    def _sweep(self) -> None:
        """Remove what a grader that was killed had begun to write."""
        for pattern in (
            ".*.json.*",
            ".*.html.*",
            *(f"submissions/*/.*.{kind}.*" for kind in ("json", "npz", "html", "md")),
            *(f"submissions/*/attempts/*/.*.{kind}.*" for kind in ("json", "npz")),
        ):
            for path in self.folder.glob(pattern):
                if path.suffix[1:].isdigit():
                    path.unlink(missing_ok=True)


def is_other_attempt(before: Result, after: Result) -> bool:
    """Whether these are results of different files, and not one of them only our failure."""
    return before.status != "error" and before.submission_digest != after.submission_digest


def write_course_scores(folder: Path, scores: list[Scores]) -> None:
    """`scores.json` over several assignments."""
    body = CourseScores(
        generated_at=now(), grader_version=__version__, assignments={item.assignment: item for item in scores}
    )
    write_atomically(folder / "scores.json", as_strict_json(body) + "\n")


def read_scores(folder: Path) -> Scores | None:
    """The `scores.json` of one assignment, or None.

    As we write the file each submission is a piece of its lines, and of a large class only one is in memory as text.
    """
    rest: list[bytes] = []
    piece: list[bytes] = []
    found: list[Result] = []
    try:
        with (folder / "scores.json").open("rb") as lines:
            is_inside = False
            for line in lines:
                is_inside = (is_inside or line == OPENS_SUBMISSIONS) and not line.startswith(b" ]")
                (piece if is_inside and line.startswith(b"  ") else rest).append(line)
                if is_inside and line.startswith(b"  }"):
                    found.append(lean(Result.model_validate_json(b"".join(piece).rstrip(b",\n"))))
                    piece.clear()
        scores = Scores.model_validate_json(b"".join(rest))
    except (OSError, ValueError):
        return None
    return scores.model_copy(update={"submissions": (*found, *map(lean, scores.submissions))})


def folder_name(student: str) -> str:
    """A name for a folder that no file system minds; different students never share one."""
    if re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,79}", student):
        return student
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", student)[:60].strip("_") or "student"
    return f"{plain}.{hashlib.sha256(student.encode('utf-8', 'surrogatepass')).hexdigest()[:10]}"


def pieces_of(scores: Scores) -> Iterator[str]:
    """`scores.json` piece by piece: what `as_strict_json` gives, without a large class as one text in memory."""
    before, after = as_strict_json(scores.model_copy(update={"submissions": ()})).split(NO_SUBMISSIONS, 1)
    yield before
    if not scores.submissions:
        yield NO_SUBMISSIONS
    for number, result in enumerate(scores.submissions):
        yield ",\n  " if number else ' "submissions": [\n  '
        yield as_strict_json(result).replace("\n", "\n  ")
    yield "\n ]," if scores.submissions else ""
    yield f"{after}\n"


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _read_result(path: Path) -> Result | None:
    result = _read(path, Result)
    return None if result is None else lean(result)


def _read(path: Path, kind: type[R]) -> R | None:
    try:
        return kind.model_validate_json(path.read_bytes())
    except (OSError, ValidationError, ValueError):
        return None
