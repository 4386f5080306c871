"""How late a hand-in is, and what that costs."""

import math
from datetime import datetime

from grader.model.lateness import LatePolicy
from grader.model.result import Lateness

SECONDS_PER_DAY = 86_400


def lateness(
    policy: LatePolicy, student: str, handed_in: datetime | None, *, earned: float, maximum: float
) -> Lateness | None:
    """What the policy says of a hand-in worth `earned` of `maximum` points; None if nothing is due or no time is known."""
    due = policy.due_of(student)
    if due is None or handed_in is None:
        return None
    seconds = max((handed_in - due).total_seconds(), 0.0)
    if seconds <= policy.grace_minutes * 60:
        return Lateness(due=due, seconds=seconds, days=0, penalty=0.0)
    days = math.ceil(seconds / SECONDS_PER_DAY)
    if policy.stop_days is not None and seconds > policy.stop_days * SECONDS_PER_DAY:
        return Lateness(due=due, seconds=seconds, days=days, penalty=max(earned, 0.0), too_late=True)
    share = min(policy.per_day * days, policy.most)
    penalty = share * (maximum if policy.of == "maximum" else earned)
    return Lateness(due=due, seconds=seconds, days=days, penalty=round(max(min(penalty, earned), 0.0), 3))


def matters(policy: LatePolicy) -> bool:
    """Whether it can cost points to be late."""
    return policy.per_day > 0 or policy.stop_days is not None
