"""The training curves of one submission: the lines of its figure, and how close it came, in sentences."""

from markupsafe import Markup

from grader.reports.pages.charts import Line, curves, percent
from grader.reports.pages.exhibit import Curve, Exhibit
from grader.reports.pages.wording import Words

SLACK = 1e-7
"""Accuracies are float32 values: a threshold is reached by one that prints the same."""


def curve_lines(exhibit: Exhibit, words: Words) -> list[Line]:
    """A line for each training, the graded one first; a dot where the student's code stopped."""
    found = []
    several = len({curve.fit for curve in exhibit.all_curves}) > 1
    for curve in exhibit.all_curves:
        if not curve.values:
            continue
        graded = curve.stopped_after is not None
        label = (words.graded if graded else words.other).format(curve.run.seed)
        if several and curve.fit is not None:
            label = words.fit.format(curve.fit + 1) + label
        stop = min(curve.stopped_after or 0, len(curve.values))
        found.append(Line(curve.values, label, 2 if graded else 1, ((stop, 1),) if stop else ()))
    return found


def curve_figure(exhibit: Exhibit, lines: list[Line], words: Words) -> Markup:
    """The lines against the threshold."""
    highest = max((max(line.values) for line in lines), default=0.0)
    description = " ".join([words.curves_end.format(len(lines), percent(highest, 3)), *closeness(exhibit, words)])
    return curves(lines, exhibit.threshold, words.figure, description, (words.epoch, words.accuracy, words.asked))


def closeness(exhibit: Exhibit, words: Words) -> list[str]:
    """How close the trainings came to the threshold, and when the student's code stopped."""
    drawn = [curve for curve in exhibit.all_curves if curve.values]
    if not drawn:
        return []
    best = max(drawn, key=lambda curve: max(curve.values))
    value = max(best.values)
    epoch, seed = best.values.index(value) + 1, best.run.seed
    threshold = exhibit.threshold
    if threshold is None:
        return [words.best.format(percent(value, 3), epoch, seed)]
    if value < threshold - SLACK:
        missing = f"{(threshold - value) * 100:.3f}".rstrip("0").rstrip(".")
        return [words.short.format(percent(value, 3), epoch, seed, missing, percent(threshold, 3))]
    graded = next((curve for curve in drawn if curve.stopped_after is not None), best)
    return _reached(graded if max(graded.values) >= threshold - SLACK else best, threshold, words)


def _reached(curve: Curve, threshold: float, words: Words) -> list[str]:
    """When a curve reached the threshold, and how the student's code took it."""
    index = next(index for index, value in enumerate(curve.values) if value >= threshold - SLACK)
    wanted = percent(threshold, 3)
    found = [words.reached.format(wanted, index + 1, percent(curve.values[index], 3), curve.run.seed)]
    stop = curve.stopped_after
    if stop is not None and 0 < stop <= index:
        return [words.too_early.format(stop, percent(curve.values[stop - 1], 3), wanted, index + 1)]
    if stop is not None and stop > index + 1:
        found.append(words.too_late.format(stop - index - 1))
    return found
