"""How points come together: the sum of the checks, what lateness costs, which attempt counts, what a person gave.

The same sentences for pages, Markdown and the terminal. Names and reasons come in as they are; who shows them escapes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from grader.model.result import Lateness, Override, Result, Verdict


@dataclass(frozen=True)
class Words:
    """One language."""

    sum: str
    extra: str
    """Takes the points above the maximum of all other checks."""
    late: str
    score: str
    given: str
    open: str
    of: str
    minutes: str
    hours: str
    days: str
    one_day: str
    on_time: str
    """Takes when it came and when it was due; so do the next three, with how late it was."""
    in_grace: str
    was_late: str
    """Takes the days counted and the points, too."""
    too_late: str
    unknown: str
    """The platform says late, and not by how much."""
    attempt: str
    """Takes the number, of how many, and which one counts."""
    first: str
    best: str
    last: str
    attempts: str
    """Takes the scores."""
    this: str
    one_point: str
    points: str
    by_hand: str
    """Takes points, who, when and the reason."""
    instead: str
    """Takes points, those before, who, when and the reason."""
    whole: str
    """Before points that were given for the whole; takes the sentence."""


ENGLISH = Words(
    sum="Sum of the checks",
    extra="{} of it extra credit",
    late="Late",
    score="Score",
    given="Given by a person for the whole",
    open="no score yet",
    of="of {}",
    minutes="{} min",
    hours="{} h",
    days="{} days",
    one_day="1 day",
    on_time="Handed in {0}, due {1}: on time.",
    in_grace="Handed in {0}, due {1}: {2} late, within the time of grace; it costs nothing.",
    was_late="Handed in {0}, due {1}: {2} late, counted as {3}; it costs {4}.",
    too_late="Handed in {0}, due {1}: {2} late, after the last moment at which it counts.",
    unknown="Handed in late, by how much is not known.",
    attempt="This is attempt {} of {}; {}.",
    first="the first one counts",
    best="the best one counts",
    last="the last one counts",
    attempts="Each would give: {}.",
    this="{} (this one)",
    one_point="1 point",
    points="{} points",
    by_hand="{1} gave {0} ({2}): {3}",
    instead="{2} gave {0} instead of {1} ({3}): {4}",
    whole="For the whole submission: {}",
)
CHINESE = Words(
    sum="各项检查合计",
    extra="其中附加分 {}",
    late="迟交",
    score="得分",
    given="由教师评定的总分",
    open="暂无成绩",
    of="/ {}",
    minutes="{} 分钟",
    hours="{} 小时",
    days="{} 天",
    one_day="1 天",
    on_time="提交时间 {0}，截止时间 {1}：按时提交。",
    in_grace="提交时间 {0}，截止时间 {1}：迟交 {2}，在宽限时间内，不扣分。",
    was_late="提交时间 {0}，截止时间 {1}：迟交 {2}，按 {3}计，扣 {4}。",
    too_late="提交时间 {0}，截止时间 {1}：迟交 {2}，已超过最后期限，不计分。",
    unknown="迟交，具体时间不详。",
    attempt="这是第 {} 次提交，共 {} 次；{}。",
    first="以第一次为准",
    best="以最好的一次为准",
    last="以最后一次为准",
    attempts="各次提交的得分：{}。",
    this="{}（本次）",
    one_point="1 分",
    points="{} 分",
    by_hand="{1} 给了 {0}（{2}）：{3}",
    instead="{2} 给了 {0}，原为 {1} 分（{3}）：{4}",
    whole="整份作业：{}",
)
LANGUAGES = {"en": ENGLISH, "zh": CHINESE}


@dataclass(frozen=True)
class Line:
    """One line below the points of the checks."""

    label: str
    value: str


def points(value: float) -> str:
    """Points without needless zeros, with a true minus."""
    return f"{round(value, 3) or 0:g}".replace("-", "\u2212")


def addition(result: Result, words: Words = ENGLISH) -> list[Line]:
    """How the score comes about: lines that add up, the score last. One line where there is nothing to add."""
    score = (
        words.open if result.score is None else f"{points(result.score)} {words.of.format(points(result.max_score))}"
    )
    lines = [Line(words.score, score)]
    sum_of_checks = Line(words.sum + _extra(result, words), points(sum(verdict.points for verdict in result.checks)))
    if result.score is None:
        return lines
    if result.override is not None:
        return [sum_of_checks, Line(words.given, points(result.override.points)), *lines]
    if result.lateness is not None and result.lateness.penalty > 0:
        cost = Line(f"{words.late} ({days(result.lateness.days, words)})", points(-result.lateness.penalty))
        return [sum_of_checks, cost, *lines]
    return [sum_of_checks, *lines] if _extra(result, words) else lines


def _extra(result: Result, words: Words) -> str:
    earned = sum(verdict.points for verdict in result.checks if verdict.extra)
    return f" ({words.extra.format(points(earned))})" if earned else ""


def remarks(result: Result, words: Words = ENGLISH) -> list[str]:
    """Which attempt this is, how late it came, and what a person gave for the whole: a sentence each."""
    found = []
    if result.attempt is not None:
        counts = {"first": words.first, "best": words.best, "last": words.last}[result.attempt.policy]
        found.append(words.attempt.format(result.attempt.number, result.attempt.of, counts))
        found.append(
            words.attempts.format(", ".join(_of_attempts(result.attempt.scores, result.attempt.number, words)))
        )
    if result.lateness is not None:
        found.append(lateness(result.lateness, result.handed_in, words))
    elif result.marked_late and result.handed_in is None:
        found.append(words.unknown)
    if result.override is not None:
        found.append(words.whole.format(by_hand(result.override, words)))
    return found


def _of_attempts(scores: Sequence[float | None], number: int, words: Words) -> list[str]:
    said = [words.open if score is None else points(score) for score in scores]
    return [words.this.format(text) if place == number else text for place, text in enumerate(said, 1)]


def lateness(late: Lateness, handed_in: datetime | None, words: Words = ENGLISH) -> str:
    """When it came, when it was due, and what that means."""
    came = handed_in or late.due + timedelta(seconds=late.seconds)
    times = moment(came.astimezone(late.due.tzinfo)), moment(late.due)
    how_late = duration(late.seconds, words)
    if late.seconds <= 0:
        return words.on_time.format(*times)
    if late.too_late:
        return words.too_late.format(*times, how_late)
    if not late.days:
        return words.in_grace.format(*times, how_late)
    return words.was_late.format(*times, how_late, days(late.days, words), amount(late.penalty, words))


def moment(time: datetime) -> str:
    """A time to the minute, with its offset."""
    return time.isoformat(sep=" ", timespec="minutes")


def duration(seconds: float, words: Words = ENGLISH) -> str:
    """The two largest units; less than a minute is one."""
    minutes = max(int(seconds // 60), 1)
    counts = (minutes // 1440, minutes // 60 % 24, minutes % 60)
    parts = [
        days(counts[0], words) if counts[0] else "",
        words.hours.format(counts[1]) if counts[1] else "",
        words.minutes.format(counts[2]) if counts[2] else "",
    ]
    return " ".join([part for part in parts if part][:2])


def amount(value: float, words: Words = ENGLISH) -> str:
    """So many points."""
    return words.one_point if value == 1 else words.points.format(points(value))


def days(count: int, words: Words = ENGLISH) -> str:
    """So many days."""
    return words.one_day if count == 1 else words.days.format(count)


def by_hand(given: Override, words: Words = ENGLISH) -> str:
    """Who gave how many points, when, and why."""
    if given.before is None:
        return words.by_hand.format(amount(given.points, words), given.by, given.when, given.reason)
    return words.instead.format(amount(given.points, words), points(given.before), given.by, given.when, given.reason)


def waiting(result: Result) -> list[Verdict]:
    """The checks whose points a person must give."""
    return [verdict for verdict in result.checks if verdict.waits]


def reason(result: Result) -> str:
    """Why there is no full grade; empty if nothing is open any more, since a person has given what was waited for."""
    return result.message if result.needs_review or result.status != "graded" else ""
