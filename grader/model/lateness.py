"""When a hand-in is due, and what it costs to be late."""

import contextlib
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from grader.model.record import Record


def _a_time(value: Any) -> Any:
    if isinstance(value, str):  # as it comes back from JSON
        with contextlib.suppress(ValueError):
            value = datetime.fromisoformat(value)
    if not isinstance(value, datetime):
        raise ValueError(f"expected a time such as 2026-12-01T23:59:00+01:00, found {value!r}.")
    return value


def _with_offset(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError(
            f"expected a time with its offset from UTC, such as {value.isoformat()}+01:00 or …Z, found none. Add it."
        )
    return value


Time = Annotated[datetime, BeforeValidator(_a_time), AfterValidator(_with_offset)]
Portion = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
FromZero = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]


class LatePolicy(Record):
    """When the work is due, and what is taken off after that. As it stands, nothing is ever late."""

    due: Time | None = None
    """The last moment that is on time."""
    grace_minutes: FromZero = 0.0
    """Up to so much later is still on time; beyond it the whole time since `due` counts."""
    per_day: Portion = 0.0
    """Share taken off for each day begun after `due`."""
    of: Literal["maximum", "points"] = "maximum"
    """What the share is a share of: all points that there are, or those that were earned."""
    most: Portion = 1.0
    """The largest share that is taken off."""
    stop_days: FromZero | None = None
    """So many days after `due` it is too late: no points. 0 is a hard deadline."""
    extensions: dict[str, Time] = Field(default_factory=dict)
    """For single students: due at another time."""

    def due_of(self, student: str) -> datetime | None:
        """When this student's work is due; None if it is never late."""
        return self.extensions.get(student, self.due)
