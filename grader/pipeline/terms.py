"""What of an assignment is needed where sandboxes are; neither checks nor points are part of it."""

from typing import Any

from grader.model.assignment import Assignment, Limits, TrainingPolicy
from grader.model.record import Record


class Terms(Record):
    """What of an assignment is needed where sandboxes are: how to call a program, and how to train."""

    id: str
    entry_points: tuple[str, ...]
    probe_source: str
    inputs_source: str
    old_names: bool
    limits: Limits
    training: TrainingPolicy | None
    reference: dict[str, Any] | None


def terms_of(assignment: Assignment) -> Terms:
    """The terms of an assignment, read from its folder once."""
    return Terms(
        id=assignment.id,
        entry_points=assignment.entry_points,
        probe_source=assignment.probe_source,
        inputs_source=assignment.inputs_source,
        old_names=assignment.old_names,
        limits=assignment.limits,
        training=assignment.training,
        reference=assignment.reference,
    )
