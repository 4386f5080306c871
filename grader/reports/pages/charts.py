"""Figures as SVG inside a page: a histogram of scores, and training curves against a threshold.

Colours come from the page's style sheet, so that they follow light, dark and print. Each figure has a title and a
description, which is all that a screen reader says of it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

WIDTH, HEIGHT = 640, 280
LEFT, RIGHT, TOP, BOTTOM = 72, 14, 24, 42
SMALLEST_ERROR = 1e-4
"""Accuracies nearer to 1 than this are drawn at 99.99 %."""
TICKS = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999)

Scale = Callable[[float], float]
"""From a value to its place in the figure."""


@dataclass(frozen=True, slots=True)
class Line:
    """A training curve."""

    values: tuple[float, ...]
    """Accuracy of each epoch."""
    label: str = ""
    weight: int = 1
    """How many students have it; drawn heavier."""
    stops: tuple[tuple[int, int], ...] = ()
    """(number of epochs, how many stopped there)."""


@dataclass(frozen=True)
class Bar:
    """One bar of a histogram."""

    label: str
    count: int


def percent(value: float, digits: int = 2) -> str:
    """A share as per cent without needless zeros: 0.998 is `99.8 %`; never rounded up to 100."""
    scaled = value * 100
    if digits < 4 and value < 1 and round(scaled, digits) >= 100:
        return percent(value, digits + 1)
    text = f"{scaled:.{digits}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} %"


def histogram(bars: Sequence[Bar], title: str, description: str, axis: str) -> Markup:
    """Bars side by side, each with its count above and its label below."""
    top = max([bar.count for bar in bars] + [1])
    step = (WIDTH - LEFT - RIGHT) / max(len(bars), 1)
    floor = HEIGHT - BOTTOM
    parts = [_across("axis", floor)]
    for index, bar in enumerate(bars):
        height = (floor - TOP - 16) * bar.count / top
        x, middle = LEFT + index * step, LEFT + (index + 0.5) * step
        if bar.count:
            place = (
                f'x="{x + step * 0.09:.1f}" y="{floor - height:.1f}" width="{step * 0.82:.1f}" height="{height:.1f}"'
            )
            parts.append(f'<rect class="bar" {place} rx="2"/>')
            parts.append(_text(middle, floor - height - 5, f"{bar.count:,}", "middle"))
        parts.append(_text(middle, floor + 16, bar.label, "middle"))
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, axis, "middle"))
    return _figure(parts, title, description)


def curves(
    lines: Sequence[Line],
    threshold: float | None,
    title: str,
    description: str,
    words: tuple[str, str, str] = ("epoch", "accuracy", "asked for"),
) -> Markup:
    """Accuracy by epoch, on an axis on which each step towards 100 % is as long as the last (the error's logarithm)."""
    drawn = [line for line in lines if line.values]
    values = [value for line in drawn for value in line.values if math.isfinite(value)]
    if threshold is not None and math.isfinite(threshold):
        values.append(threshold)
    low, high = min(values, default=0.0), max(values, default=1.0)
    top, bottom = _height(high) + 0.15, min(_height(low), _height(high) - 0.5) - 0.05
    epochs = max((len(line.values) for line in drawn), default=1)

    def across(epoch: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (epoch - 0.5) / epochs

    def up(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * (_height(value) - bottom) / (top - bottom)

    parts = [_across("axis", HEIGHT - BOTTOM)]
    parts += _levels(bottom, top, up, threshold, words[2])
    every = max(1, math.ceil(epochs / 14))
    parts += [_text(across(epoch), HEIGHT - BOTTOM + 16, str(epoch), "middle") for epoch in range(1, epochs + 1, every)]
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, words[0], "middle"))
    parts.append(_text(8, TOP - 9, words[1], "start"))
    heaviest = max((line.weight for line in drawn), default=1)
    for index, line in enumerate(drawn):
        parts.append(_polyline(line, index, heaviest, across, up))
    return _figure(parts, title, description)


def _levels(bottom: float, top: float, up: Scale, threshold: float | None, word: str) -> list[str]:
    """Lines across at round accuracies, and the one of the threshold, which keeps others' labels away."""
    found: list[str] = []
    taken: list[float] = []
    if threshold is not None and math.isfinite(threshold):
        y = up(threshold)
        taken.append(y)
        found.append(_across("threshold", y))
        found.append(_text(LEFT - 6, y + 4, percent(threshold), "end", "strong"))
        found.append(_text(LEFT + 4, y - 5, word, "start", "strong"))
    for level in TICKS:
        y = up(level)
        if bottom <= _height(level) <= top and all(abs(y - other) >= 15 for other in taken):
            taken.append(y)
            found.append(_across("grid", y))
            found.append(_text(LEFT - 6, y + 4, percent(level), "end"))
    return found


def _polyline(line: Line, index: int, heaviest: int, across: Scale, up: Scale) -> str:
    """A curve with a dot where somebody stopped; the weight is the share of the class that has it."""
    points = [(across(epoch), up(value)) for epoch, value in enumerate(line.values, 1) if math.isfinite(value)]
    kind = f"curve c{index % 6}"
    width = 1.5 + 2.5 * (line.weight - 1) / max(heaviest - 1, 1)
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    parts = [f'<polyline class="{kind}" stroke-width="{width:.1f}" points="{path}"/>']
    for epochs, count in line.stops:
        if 0 < epochs <= len(points):
            x, y = points[epochs - 1]
            radius = min(3 + math.sqrt(count), 9)
            parts.append(f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"/>')
    return f"<g><title>{escape(line.label)}</title>{''.join(parts)}</g>"


def _height(accuracy: float) -> float:
    """How far up an accuracy stands: 90 % at 1, 99 % at 2, 99.9 % at 3."""
    return -math.log10(min(max(1 - accuracy, SMALLEST_ERROR), 1.0))


def _across(kind: str, y: float) -> str:
    return f'<line class="{kind}" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>'


def _text(x: float, y: float, text: str, anchor: str, kind: str = "") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _figure(parts: Sequence[str], title: str, description: str) -> Markup:
    """The parts, which hold numbers, words of ours, and escaped text only."""
    head = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(f"{title}. {description}")}">'
    return Markup(f"{head}{''.join(parts)}</svg>")  # noqa: S704 - each part has escaped what it was given
