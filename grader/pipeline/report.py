"""Write the pages about a results folder: of the class, of each submission, and what each student gets.

Pages are made from what is recorded; nothing is run and no result is changed. Each is written whole.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from grader import __version__
from grader.errors import SetupError
from grader.judging.evidence import graded_fit
from grader.model.assignment import Assignment
from grader.model.observation import Fit, Observation
from grader.model.result import Result, Scores
from grader.pipeline.regrade import stands_for
from grader.reports.pages import (
    Curve,
    Exhibit,
    anonymised,
    anonymised_missing,
    anonymised_result,
    class_page,
    course_page,
    feedback_markdown,
    feedback_page,
    submission_page,
)
from grader.results.files import write_atomically
from grader.results.folder import Kept, RecordedTraining, ResultsFolder, folder_name, now, read_scores
from grader.results.pseudonyms import pseudonyms

Find = Callable[[str], Assignment | None]


@dataclass(frozen=True)
class Wanted:
    """What is to be written, and where."""

    output: Path
    anonymous: bool = False
    feedback: bool = True


@dataclass(frozen=True)
class Part:
    """One assignment of a results folder."""

    results: ResultsFolder
    scores: Scores
    assignment: Assignment | None

    @property
    def title(self) -> str:
        """What the pages call it."""
        return self.assignment.title if self.assignment else self.scores.assignment


def write_report(folder: Path, find: Find, wanted: Wanted) -> Path:
    """Write all pages about a results folder, of one assignment or of several; return where the first page is.

    Raises SetupError if there are no results, or if a page cannot be written.
    """
    parts = _parts(folder, find)
    several = parts[0].results.folder != folder
    names: dict[str, str] = {}
    if wanted.anonymous:
        everybody = [result.student for part in parts for result in part.scores.submissions]
        everybody += [nobody.student for part in parts for nobody in part.scores.missing]
        names = pseudonyms(folder, everybody)
    links = {}
    for part in parts:
        place = wanted.output / part.scores.assignment if several else wanted.output
        links[part.scores.assignment] = _write_part(part, replace(wanted, output=place), names, several)
    if several:
        shown = [(_named(part.scores, names) if wanted.anonymous else part.scores, part.assignment) for part in parts]
        write_page(wanted.output / "report.html", course_page(shown, links, wanted.anonymous))
    return wanted.output / "report.html"


def _parts(folder: Path, find: Find) -> list[Part]:
    """The assignments in a results folder, by name of folder."""
    places = [folder] if (folder / "submissions").is_dir() else [path.parent for path in folder.glob("*/submissions")]
    if not places and read_scores(folder) is not None:
        places = [folder]
    if not places:
        raise SetupError(
            f"{folder}: expected results with a folder `submissions`, found none. Name the --output of `grade`."
        )
    found = []
    for place in sorted(places):
        results = ResultsFolder(place)
        scores = read_scores(place) or _collected(results)
        found.append(Part(results, scores, find(scores.assignment)))
    return found


def _collected(results: ResultsFolder) -> Scores:
    """What `scores.json` would say, where there is none that can be read."""
    members = tuple(results.results())
    observed = (results.evidence(result.student) for result in members)
    name = next((item.observation.assignment for item in observed if item is not None), results.folder.name)
    return Scores(assignment=name, generated_at=now(), grader_version=__version__, submissions=members)


class Pages(Mapping[str, str]):
    """Where the page of each student is, seen from that of the class; made when asked for, since a class may be large."""

    def __init__(self, members: Sequence[Result]) -> None:
        self._members = members

    def __getitem__(self, student: str) -> str:
        return f"submissions/{folder_name(student)}/report.html"

    def __iter__(self) -> Iterator[str]:
        return (result.student for result in self._members)

    def __len__(self) -> int:
        return len(self._members)


def _write_part(part: Part, wanted: Wanted, names: dict[str, str], several: bool) -> Mapping[str, str]:
    """The pages of one assignment; returns where the page of each student is, seen from that of the class."""
    members = part.scores.submissions
    links: Mapping[str, str] = Pages(members)
    if wanted.anonymous:
        links = {result.student: f"submissions/{names[result.student]}/report.html" for result in members}
    sharing = _sharing(members)
    for result in members:
        exhibit = _exhibit(part, result, sharing, links)
        if wanted.anonymous:
            exhibit = anonymised(exhibit, names)
        page = wanted.output / links[result.student]
        write_page(page, submission_page(exhibit, part.title))
        if wanted.feedback and not wanted.anonymous:
            language = part.assignment.language if part.assignment else "en"
            write_page(page.with_name("feedback.html"), feedback_page(exhibit, language))
            write_page(page.with_name("feedback.md"), feedback_markdown(exhibit, language))
    shown = links
    scores = part.scores
    if wanted.anonymous:
        shown = {names[student]: link for student, link in links.items()}
        scores = _named(scores, names)
    up = "../report.html" if several else ""
    pieces = class_page(scores, part.assignment, shown, anonymous=wanted.anonymous, up=up)
    write_atomically(wanted.output / "report.html", pieces, flushed=False)
    return shown


def write_page(path: Path, text: str) -> None:
    """Write a page whole, unless it stands there; it can be made again, so it need not survive a loss of power."""
    data = text.encode("utf-8", "backslashreplace")
    try:
        if path.read_bytes() == data:
            return
    except OSError:
        pass  # there is none yet, or it cannot be read: then writing says why
    write_atomically(path, data, flushed=False)


def _named(scores: Scores, names: dict[str, str]) -> Scores:
    """Scores under pseudonyms, in their order."""
    members = sorted((anonymised_result(item, names) for item in scores.submissions), key=lambda item: item.student)
    missing = sorted((anonymised_missing(item, names) for item in scores.missing), key=lambda item: item.student)
    return scores.model_copy(update={"submissions": tuple(members), "missing": tuple(missing)})


def _sharing(results: Sequence[Result]) -> dict[str, tuple[str, ...]]:
    """For each student, who else has the same training."""
    groups: dict[str, list[str]] = {}
    for result in results:
        if result.training is not None and result.training.fingerprint:
            groups.setdefault(result.training.fingerprint, []).append(result.student)
    return {
        student: tuple(other for other in members if other != student)
        for members in groups.values()
        if len(members) > 1
        for student in members
    }


def _exhibit(part: Part, result: Result, sharing: Mapping[str, tuple[str, ...]], links: Mapping[str, str]) -> Exhibit:
    """What is known of one submission: result, code, and the evidence if it is that of the result."""
    kept = _kept(part.results, result)
    exhibit = Exhibit(
        result,
        part.assignment,
        source=kept.source(),
        same_network=sharing.get(result.student, ()),
        links=links,
    )
    recorded = kept.evidence()
    if recorded is None or not stands_for(recorded, result):
        return exhibit
    fit = _graded(part.assignment, recorded.observation)
    curves = [] if recorded.training is None else _curves(recorded.training, fit.number if fit else None)
    for number, training in sorted(recorded.beside.items()):
        if fit is None or number != fit.number:
            curves += _curves(training, number)
    return replace(exhibit, observation=recorded.observation, fit=fit, curves=tuple(curves))


def _kept(results: ResultsFolder, result: Result) -> Kept:
    """The attempt that counts: of several, the one with the file of this result."""
    newest = results.kept(result.student)
    if result.attempt is None:
        return newest
    found = [newest, *results.earlier(result.student)]
    digests = ((place, known.submission_digest) for place in found if (known := place.result()) is not None)
    return next((place for place, digest in digests if digest == result.submission_digest), newest)


def _graded(assignment: Assignment | None, observation: Observation) -> Fit | None:
    """The fit that counts; where the assignment is not known, the last one."""
    if assignment is not None:
        return graded_fit(assignment, observation)
    return observation.fits[-1] if observation.fits else None


def _curves(training: RecordedTraining, fit: int | None) -> list[Curve]:
    """The graded run, and those with other seeds."""
    graded = Curve(training.run, fit, len(training.played.epochs))
    return [graded, *(Curve(run, fit) for run in training.others)]
