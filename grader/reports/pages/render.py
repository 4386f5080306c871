"""The instructor's pages: of a class, of several assignments, of one submission.

Each page is one file. Its policy lets nothing be fetched and no script run but the one of ours, named by its digest;
autoescaping is on for every template, and no template turns it off.
"""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from grader.model.assignment import Assignment
from grader.model.result import Result, Scores, Verdict
from grader.reports import standing
from grader.reports.console import lost_points
from grader.reports.pages import statistics
from grader.reports.pages.cells import shown, verdicts_at_cells
from grader.reports.pages.charts import curves, histogram, percent
from grader.reports.pages.code import code_cells, linked, remarks
from grader.reports.pages.curves import closeness, curve_figure, curve_lines
from grader.reports.pages.exhibit import Exhibit, shape
from grader.reports.pages.visible import clear, in_one_line, printed
from grader.reports.pages.wording import ENGLISH, Words

TEMPLATES = Path(__file__).parent / "templates"
PIECE = 1000
"""Parts of a template that are put together before they are handed on."""


def number(value: float) -> str:
    """Points without needless zeros."""
    return f"{round(value, 3):g}"


def thousands(value: float) -> str:
    """A whole number with commas."""
    return f"{value:,}"


@cache
def environment() -> jinja2.Environment:
    """The templates, with what they may call."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined, auto_reload=False
    )
    made.filters.update(
        number=number,
        thousands=thousands,
        percent=percent,
        clear=clear,
        line=in_one_line,
        spaced=lambda name: name.replace("_", " "),
        by_hand=standing.by_hand,
    )
    return made


@cache
def _text_of(name: str) -> str:
    return (TEMPLATES / name).read_text("utf-8")


def render(template: str, **values: Any) -> str:
    """A page from a template; arguments as of `render_in_pieces`."""
    return "".join(render_in_pieces(template, **values))


def render_in_pieces(
    template: str, *, script: bool = False, language: str = "en", skip: str = ENGLISH.skip, **values: Any
) -> Iterator[str]:
    """A page from a template, of which only a piece is in memory; `script` puts the one that sorts tables into it."""
    text = _text_of("table.js") if script else ""
    allowed = f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" if script else "'none'"
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src {allowed}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    ours = {"style": Markup(_text_of("style.css")), "script": Markup(text), "policy": policy}  # noqa: S704 - our files
    stream = environment().get_template(template).stream(**ours, language=language, skip=skip, **values)
    stream.enable_buffering(PIECE)
    return iter(stream)


def class_page(
    scores: Scores,
    assignment: Assignment | None,
    links: Mapping[str, str],
    *,
    anonymous: bool = False,
    up: str = "",
) -> Iterator[str]:
    """The page of a class for one assignment, in pieces; `links` says where each student's page is."""
    results = statistics.in_order(scores.submissions)
    trainings = statistics.trainings(results)
    shown_trainings = trainings[: statistics.MOST_TRAININGS]
    policy = assignment.training if assignment else None
    threshold = policy.threshold if policy else None
    bars, spread, rates = statistics.distribution(results), statistics.spread(results), statistics.check_rates(results)
    most = max((result.max_score for result in results), default=0.0)
    place = {rate.id: str(index) for index, rate in enumerate(rates, 1)}
    description = _scores_in_words(bars, spread)
    figure_words = _trainings_in_words(trainings, threshold)

    def lost_numbers(result: Result) -> str:
        return " ".join(place[verdict.id] for verdict in result.checks if verdict.status != "passed")

    return render_in_pieces(
        "class.html",
        script=True,
        title=assignment.title if assignment else scores.assignment,
        id=scores.assignment,
        scores=scores,
        anonymous=anonymous,
        up=up,
        links=links,
        results=results,
        spread=spread,
        most=most,
        full=sum(result.score is not None and result.score >= result.max_score for result in results),
        urgent=statistics.first_to_decide(results),
        waiting=statistics.waiting(results),
        missing=sorted(scores.missing, key=lambda item: (item.student.casefold(), item.student)),
        people=statistics.people(scores),
        cells=statistics.bookkeeping(results),
        by_hand=statistics.has_points_by_hand,
        awaited=standing.waiting,
        reason=standing.reason,
        standing_days=standing.days,
        points=standing.points,
        odd=[result for result in results if statistics.urgency(result) == 1],
        mild=_by_mild_flag(results),
        mild_flags=statistics.MILD_FLAGS,
        flag_words=_FLAG_WORDS,
        bars=bars,
        description=description,
        histogram=histogram(bars, "Scores", description, "points"),
        rates=rates,
        statuses=sorted({result.status for result in results}),
        kinds=_kinds,
        lost=lost_points,
        lost_numbers=lost_numbers,
        trainings=trainings,
        shown_trainings=shown_trainings,
        numbers={result.student: item.number for item in trainings for result in item.students},
        figure=curves(statistics.lines(shown_trainings), threshold, "Training curves of the class", figure_words),
        figure_words=figure_words,
        times=statistics.times(results),
    )


class _Words(dict[str, str]):
    """Words that may be missing."""

    def __missing__(self, key: str) -> str:
        return ""


_FLAG_WORDS = _Words(statistics.FLAG_WORDS)


def _kinds(result: Result) -> str:
    """The words by which a row can be filtered."""
    full = result.score is not None and result.score >= result.max_score
    found = [f"status-{result.status}", "full" if full else "lost"]
    found += ["review"] if statistics.urgency(result) == 0 else []
    found += ["flagged"] if result.flags else []
    found += ["late"] if statistics.is_late(result) else []
    found += ["byhand"] if statistics.has_points_by_hand(result) else []
    return " ".join(found)


def _by_mild_flag(results: Sequence[Result]) -> list[tuple[str, list[Result]]]:
    """Who has each of the flags that say how somebody writes."""
    found = [(flag, [item for item in results if flag in item.flags]) for flag in statistics.MILD_FLAGS]
    return [(flag, members) for flag, members in found if members]


def _scores_in_words(bars: Sequence[Any], spread: statistics.Spread | None) -> str:
    if spread is None:
        return "Nobody has a score."
    counts = "; ".join(f"{bar.label}: {bar.count}" for bar in bars if bar.count)
    return (
        f"{spread.count} scores, from {number(spread.lowest)} to {number(spread.highest)}, median "
        f"{number(spread.median)}, mean {number(round(spread.mean, 2))}. Points and how many have them: {counts}."
    )


def _trainings_in_words(trainings: Sequence[statistics.Training], threshold: float | None) -> str:
    count = sum(len(item.students) for item in trainings)
    parts = [f"{len(trainings)} different trainings of {count} submissions; the heavier a line, the more have it."]
    if threshold is not None:
        reached = sum(item.best is not None and item.best >= threshold - 1e-7 for item in trainings)
        parts.append(f"{reached} reach the {percent(threshold, 3)} asked for.")
    if len(trainings) > statistics.MOST_TRAININGS:
        parts.append(f"Drawn are the {statistics.MOST_TRAININGS} that most submissions have.")
    parts.append("A dot marks where students' code stopped; the larger, the more students.")
    return " ".join(parts)


def course_page(
    parts: Sequence[tuple[Scores, Assignment | None]],
    links: Mapping[str, Mapping[str, str]],
    anonymous: bool = False,
) -> str:
    """The page over several assignments; `links` leads from an assignment's id to the pages of its students."""
    shown = []
    table: dict[str, dict[str, Result]] = {}
    people = statistics.people(*(scores for scores, _ in parts))
    for scores, assignment in parts:
        for nobody in scores.missing:
            table.setdefault(nobody.student, {})
        for result in scores.submissions:
            table.setdefault(result.student, {})[scores.assignment] = result
        shown.append(
            {
                "id": scores.assignment,
                "title": assignment.title if assignment else scores.assignment,
                "link": f"{scores.assignment}/report.html",
                "results": scores.submissions,
                "missing": scores.missing,
                "spread": statistics.spread(scores.submissions),
                "urgent": sum(statistics.urgency(result) == 0 for result in scores.submissions),
            }
        )
    ids = [scores.assignment for scores, _ in parts]
    rows = [
        (student, [(found.get(name), f"{name}/{links[name].get(student, '')}") for name in ids])
        for student, found in sorted(table.items(), key=lambda item: (item[0].casefold(), item[0]))
    ]
    return render("course.html", script=True, parts=shown, rows=rows, people=people, anonymous=anonymous)


def submission_page(exhibit: Exhibit, title: str) -> str:
    """Everything about one submission, for its instructor."""
    observation, fit = exhibit.observation, exhibit.fit
    lines = curve_lines(exhibit, ENGLISH)
    images = fit.x if fit else None
    facts = {
        "x": f"{shape((0, *images.shape))} {images.dtype}, {_origin(images.dataset, images.part, images.recipe)}"
        if images
        else "",
        "callbacks": ", ".join(fit.callbacks) if fit else "",
    }
    return render(
        "submission.html",
        exhibit=exhibit,
        result=exhibit.result,
        title=title,
        up="../../report.html",
        words=ENGLISH,
        mild_flags=statistics.MILD_FLAGS,
        flag_words=_FLAG_WORDS,
        linked=lambda text: linked(text, exhibit.source),
        standing=standing.ENGLISH,
        days=standing.days,
        total=standing.addition(exhibit.result),
        remarks=standing.remarks(_without_times(exhibit.result) if exhibit.anonymous else exhibit.result),
        waiting=standing.waiting(exhibit.result),
        reason=standing.reason(exhibit.result),
        notebook=exhibit.source is not None and exhibit.source.kind == "notebook",
        lines=lines,
        figure=curve_figure(exhibit, lines, ENGLISH) if lines else "",
        closeness=closeness(exhibit, ENGLISH),
        facts=facts,
        cells=annotated(exhibit, exhibit.result.checks, ENGLISH),
        stdout=printed(observation.stdout) if observation else "",
        stderr=printed(observation.stderr) if observation else "",
    )


def annotated(exhibit: Exhibit, verdicts: Sequence[Verdict], words: Words) -> Markup:
    """The student's code or notebook, with what these verdicts and the notes say at its lines and cells."""
    source, entry_points = exhibit.source, exhibit.assignment.entry_points if exhibit.assignment else ()
    below = {number: shown(found) for number, found in verdicts_at_cells(source, verdicts, entry_points).items()}
    return code_cells(source, remarks(source, verdicts, exhibit.result.notes), below, words)


def _without_times(result: Result) -> Result:
    """Only which attempt it is."""
    return result.model_copy(update={"lateness": None, "override": None, "marked_late": False})


def _origin(dataset: str, part: str, recipe: str) -> str:
    """Which data they are, in words."""
    return " ".join(filter(None, (dataset, part, f"({recipe})" if recipe else ""))) or "no data set that is known"
