"""From what the checks gave to what counts: points by hand, extra credit, lateness, and which attempt."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from grader.gradebook.late import lateness, matters
from grader.gradebook.overrides import OverrideEntry
from grader.gradebook.roster import Roster
from grader.model.assignment import Assignment
from grader.model.result import Attempt, Result, Verdict

UNKNOWN_LATENESS = "late_by_unknown_time"
"""Flag: the platform calls it late, and nobody says by how much."""


@dataclass(frozen=True)
class Rules:
    """All that decides what counts, for one assignment of one class."""

    assignment: Assignment
    overrides: tuple[OverrideEntry, ...] = ()
    roster: Roster = field(default_factory=Roster)

    def of(self, student: str, attempt: int) -> tuple[OverrideEntry, ...]:
        """The points given by hand to this attempt of a student."""
        return tuple(item for item in self.overrides if item.student == student and item.attempt in (None, attempt))


def settled(attempts: Sequence[Result], rules: Rules) -> Result:
    """What counts of a student's attempts, given in the order in which they were graded; there is at least one."""
    ordered = _in_order(attempts)
    counted = [_settled_one(result, number, rules) for number, result in enumerate(ordered, start=1)]
    policy = rules.assignment.attempts
    place = _chosen(counted, policy)
    result = counted[place]
    if len(counted) == 1:
        return result
    scores = tuple(item.score for item in counted)
    attempt = Attempt(number=place + 1, of=len(counted), policy=policy, scores=scores)
    return result.model_copy(update={"attempt": attempt, "needs_review": _is_open(counted, place, policy)})


def _in_order(attempts: Sequence[Result]) -> list[Result]:
    """By the time of handing in, if it is known of all; else as they were graded."""
    times = [result.handed_in for result in attempts]
    if any(time is None for time in times):
        return list(attempts)
    return sorted(attempts, key=lambda result: result.handed_in.timestamp() if result.handed_in else 0.0)


def _chosen(counted: Sequence[Result], policy: Literal["last", "best", "first"]) -> int:
    """The place of the attempt that counts; of equally good ones the first."""
    if policy != "best":
        return 0 if policy == "first" else len(counted) - 1
    numbers = [-1.0 if result.score is None else result.score for result in counted]
    return numbers.index(max(numbers))


def _is_open(counted: Sequence[Result], place: int, policy: Literal["last", "best", "first"]) -> bool:
    """Whether a person must decide: on the attempt that counts, or on one that could turn out better."""
    chosen = counted[place]
    if policy != "best" or chosen.score is None:
        return chosen.needs_review
    best = chosen.score
    return chosen.needs_review or any(item.needs_review and item.max_score > best for item in counted)


def _settled_one(result: Result, number: int, rules: Rules) -> Result:
    """One attempt: points by hand, then extra credit, then lateness."""
    entries = rules.of(result.student, number)
    by_check = {item.check: item for item in entries if item.check is not None}
    whole = next((item for item in entries if item.check is None), None)
    extra = rules.assignment.extra_credit
    checks = tuple(_given(verdict, by_check.get(verdict.id), verdict.id in extra) for verdict in result.checks)
    touched = whole is not None or any(verdict.override for verdict in checks)
    undecided = any(verdict.waits or verdict.status == "error" for verdict in checks)
    failed = result.score is None and not _all_decided(result, checks)
    score = None if failed else round(sum(verdict.points for verdict in checks), 3)
    if whole is not None:
        score = whole.points
    open_still = result.needs_review and not (touched and score is not None and (whole is not None or not undecided))
    decided = result.needs_review and not open_still
    settled = result.model_copy(
        update={
            "checks": checks,
            "score": score,
            "max_score": sum(verdict.max_points for verdict in checks if not verdict.extra),
            "status": "graded" if result.status == "error" and score is not None else result.status,
            "needs_review": open_still,
            "message": "" if decided and result.status in ("graded", "error") else result.message,
            "identity": rules.roster.identity(result.student, result.identity) or result.identity,
            "override": whole.override(result.score) if whole is not None else None,
        }
    )
    return settled if whole is not None else _with_lateness(settled, rules)


def _given(verdict: Verdict, entry: OverrideEntry | None, extra: bool) -> Verdict:
    """A verdict, with the points that a person gave."""
    if entry is None:
        return verdict.model_copy(update={"extra": True}) if extra else verdict
    had_none = verdict.waits or verdict.status == "error"
    return verdict.model_copy(
        update={
            "extra": extra,
            "points": entry.points,
            "status": "passed" if entry.points >= verdict.max_points else "failed",
            # what a broken check said may quote the answer, and what it waited for is no news any more
            "message": "" if had_none else verdict.message,
            "waits": False,
            "override": entry.override(None if had_none else verdict.points),
        }
    )


def _all_decided(result: Result, checks: Sequence[Verdict]) -> bool:
    """Whether a result without a number has points for every check by now: of a person where we had failed."""
    if any(verdict.status == "error" for verdict in result.checks):  # checks of ours broke; the others stand
        return not any(verdict.status == "error" for verdict in checks)
    return bool(checks) and all(verdict.override for verdict in checks)


def _with_lateness(result: Result, rules: Rules) -> Result:
    """The score after what lateness costs."""
    policy = rules.assignment.late
    due = policy.due_of(result.student)
    if result.marked_late and result.handed_in is None and due is not None and matters(policy):
        flags = tuple(dict.fromkeys((*result.flags, UNKNOWN_LATENESS)))
        sentence = "the platform marks it as late, and does not say by how much; give the times with --times"
        message = "; ".join(part for part in (result.message, sentence) if part)
        return result.model_copy(update={"flags": flags, "needs_review": True, "message": message})
    if result.score is None:
        return result
    late = lateness(policy, result.student, result.handed_in, earned=result.score, maximum=result.max_score)
    if late is None:
        return result
    return result.model_copy(update={"lateness": late, "score": round(result.score - late.penalty, 3)})
