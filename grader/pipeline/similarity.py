"""Compare the hand-ins of a class, from a folder of submissions or from results, and write pages. Nothing is run.

DIR/similarity.json        the comparison
DIR/similarity.html        the page of the class
DIR/pairs/<one>--<other>.html  two hand-ins side by side
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from grader.discovery import UnreadableSource, discover, read_source
from grader.errors import SetupError
from grader.model.assignment import Assignment
from grader.model.result import Scores
from grader.model.similarity import Comparison, Pair
from grader.model.submission import Source, Submission
from grader.pipeline.report import write_page
from grader.reports.pages import pair_page, similarity_page
from grader.results.files import as_json, write_atomically
from grader.results.folder import ResultsFolder, folder_name, read_scores
from grader.results.pseudonyms import pseudonyms
from grader.similarity import HandIn, Known, compare

MOST_PAGES = 200
"""Pairs that get a page of their own, those with the strongest evidence."""
MOST_FILE_BYTES = 32 * 1024 * 1024

Classes = dict[str, list[HandIn]]
"""Hand-ins by the assignment that they are for."""


@dataclass(frozen=True)
class Question:
    """What is to be compared, and where the answer goes."""

    place: Path
    """A folder or zip of submissions, or a folder of results."""
    assignment: str | None
    against: Sequence[Path]
    threshold: float
    output: Path
    anonymous: bool = False
    names: Path | None = None
    """Where pseudonyms are kept."""


def write_similarity(question: Question, known: Mapping[str, Assignment]) -> dict[str, tuple[Comparison, Path]]:
    """Compare each assignment's hand-ins; returns, for each, the comparison and where its page is."""
    classes = read_classes(question.place, known, question.assignment)
    if question.assignment is not None and question.assignment not in classes:
        found = ", ".join(sorted(classes)) or "none"
        raise SetupError(f"{question.place}: expected hand-ins of {question.assignment!r}, found those of: {found}.")
    if question.assignment is not None:
        classes = {question.assignment: classes[question.assignment]}
    before = [(place, read_classes(place, known, question.assignment)) for place in question.against]
    written = {}
    for name, hand_ins in classes.items():
        earlier = [item for place, found in before for item in earlier_hand_ins(place, found.get(name, []))]
        output = question.output / name if len(classes) > 1 else question.output
        written[name] = _write(name, [*hand_ins, *earlier], known.get(name), replace(question, output=output))
    return written


def is_results(place: Path) -> bool:
    """Whether a folder is one that `grade` wrote, for one assignment or for several."""
    if not place.is_dir():
        return False
    return read_scores(place) is not None or any(
        True for pattern in ("submissions/*/result.json", "*/submissions/*/result.json") for _ in place.glob(pattern)
    )


def read_classes(place: Path, known: Mapping[str, Assignment], assignment: str | None) -> Classes:
    """All hand-ins in a folder of submissions or of results; SetupError if there are none."""
    found = _from_results(place, assignment) if is_results(place) else _from_submissions(place, known, assignment)
    if not any(found.values()):
        raise SetupError(f"{place}: expected submissions, or results that `grade` wrote; found neither.")
    return found


def _from_submissions(place: Path, known: Mapping[str, Assignment], assignment: str | None) -> Classes:
    files = {name: item.files for name, item in known.items()}
    found: Classes = {}
    for name, item in discover(place, assignment_ids=list(known), files=files, assignment=assignment):
        if not item.superseded:
            found.setdefault(name, []).append(_hand_in(item))
    return {name: _told_apart(items) for name, items in found.items()}


def _hand_in(item: Submission) -> HandIn:
    return HandIn(item.student, item.path, item.digest, item.source, item.problem, _file(item.location))


def _file(place: Path | None) -> bytes | None:
    """The bytes of a file of usual size; None if there is none that can be read."""
    try:
        if place is None or place.stat().st_size > MOST_FILE_BYTES:
            return None
        return place.read_bytes()
    except OSError:
        return None


def _from_results(place: Path, assignment: str | None) -> Classes:
    places = [place] if (place / "submissions").is_dir() else [path.parent for path in place.glob("*/submissions")]
    found: Classes = {}
    for folder in sorted(places):
        results = ResultsFolder(folder)
        scores = read_scores(folder)
        name = scores.assignment if scores else assignment or folder.name
        members = scores.submissions if isinstance(scores, Scores) else results.results()
        items = []
        for result in members:
            source = results.source(result.student)
            problem = "" if source else result.message or "Its code is not in the results; grade again to keep it."
            items.append(HandIn(result.student, result.path, result.submission_digest, source, problem))
        found.setdefault(name, []).extend(items)
    return {name: _told_apart(items) for name, items in found.items()}


def _told_apart(items: Sequence[HandIn]) -> list[HandIn]:
    """The same hand-ins; those of one student are told apart by their paths."""
    names = [item.student for item in items]
    return [
        replace(item, student=f"{item.student} ({item.path})") if names.count(item.student) > 1 else item
        for item in items
    ]


def earlier_hand_ins(place: Path, items: Sequence[HandIn]) -> list[HandIn]:
    """Hand-ins of an earlier class, named by its folder."""
    label = place.resolve().name
    return [replace(item, student=f"{label}: {item.student}", earlier=True) for item in items]


def _known(assignment: Assignment | None) -> Known:
    """What students were given: starters and handout."""
    if assignment is None:
        return Known()
    starters, texts = [], []
    for path in sorted((assignment.folder / "starter").glob("*")):
        try:
            starters.append((read_source(path), path.read_bytes()))
        except (UnreadableSource, OSError):
            continue  # another file that students were given
    for path in sorted(assignment.folder.glob("*.md")):
        texts.append(path.read_text("utf-8", "replace"))
    return Known(tuple(starters), "\n".join(texts))


def _write(
    name: str, hand_ins: Sequence[HandIn], assignment: Assignment | None, question: Question
) -> tuple[Comparison, Path]:
    comparison = compare(name, hand_ins, _known(assignment), question.threshold)
    title = assignment.title if assignment else name
    output = question.output
    links: dict[tuple[str, str], str] = {}
    if question.anonymous:
        students = [item.student for item in comparison.members]
        comparison = anonymised(comparison, pseudonyms(question.names or output, students))
    else:
        links = {(pair.left, pair.right): _page_of(pair) for pair in comparison.pairs[:MOST_PAGES]}
        _write_pairs(comparison, links, hand_ins, title, output)
    _remove_others(output / "pairs", set(links.values()))
    write_atomically(output / "similarity.json", as_json(comparison, indent=1) + "\n")
    page = output / "similarity.html"
    write_page(page, similarity_page(comparison, title, links))
    return comparison, page


def _page_of(pair: Pair) -> str:
    return f"pairs/{folder_name(pair.left)}--{folder_name(pair.right)}.html"


def _write_pairs(
    comparison: Comparison,
    links: Mapping[tuple[str, str], str],
    hand_ins: Sequence[HandIn],
    title: str,
    output: Path,
) -> None:
    members = {member.student: member for member in comparison.members}
    sources: dict[str, Source] = {item.student: item.source for item in hand_ins if item.source is not None}
    for pair in comparison.pairs[:MOST_PAGES]:
        both = members[pair.left], members[pair.right]
        text = pair_page(pair, both, (sources[pair.left], sources[pair.right]), title)
        write_page(output / links[(pair.left, pair.right)], text)


def _remove_others(folder: Path, links: set[str]) -> None:
    """Remove pages of pairs that are reported no more: nobody should go on being shown there."""
    for path in folder.glob("*--*.html"):
        if f"pairs/{path.name}" not in links:
            path.unlink(missing_ok=True)


def anonymised(comparison: Comparison, names: Mapping[str, str]) -> Comparison:
    """The same under pseudonyms, without paths, passages, and what traces say."""
    plain: Callable[[str], str] = names.__getitem__
    pairs = [
        pair.model_copy(
            update={
                "left": plain(pair.left),
                "right": plain(pair.right),
                "passages": tuple(item.model_copy(update=_NOWHERE) for item in pair.passages),
                "traces": tuple(item.model_copy(update={"values": ()}) for item in pair.traces),
            }
        )
        for pair in comparison.pairs
    ]
    members = [
        item.model_copy(update={"student": plain(item.student), "path": "", "message": ""})
        for item in comparison.members
    ]
    return comparison.model_copy(
        update={
            "anonymous": True,
            "members": tuple(sorted(members, key=lambda item: (item.earlier, item.student))),
            "pairs": tuple(pairs),
            "groups": tuple(
                item.model_copy(update={"students": tuple(sorted(map(plain, item.students)))})
                for item in comparison.groups
            ),
            "traces": tuple(
                item.model_copy(
                    update={
                        "left": plain(item.left),
                        "right": plain(item.right),
                        "traces": tuple(trace.model_copy(update={"values": ()}) for trace in item.traces),
                    }
                )
                for item in comparison.traces
            ),
        }
    )


_NOWHERE = {"left_lines": "", "right_lines": "", "left": (), "right": ()}
