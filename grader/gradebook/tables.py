"""The tables of the gradebook. What they hold is in the results, too: they can be emptied and filled again.

assignments  what was graded
students     who is known, by the name in the scores
grades       what counts: one row for each assignment and student, those who handed in nothing included
attempts     what each attempt would count
points       the points of each check
"""

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import DateTime, Dialect, Double, ForeignKey, String, Text, TypeDecorator, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Moment(TypeDecorator[datetime]):
    """A time with its zone; kept in UTC, since SQLite keeps no zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - its name
        """To the database."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - its name
        """From the database."""
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


class Table(DeclarativeBase):
    """What all tables share."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {float: Double}  # points are as exact as in the scores


class AssignmentRow(Table):
    """An assignment."""

    __tablename__ = "assignments"

    id: Mapped[str] = mapped_column(String(200), primary_key=True)
    title: Mapped[str] = mapped_column(Text)


class StudentRow(Table):
    """A student."""

    __tablename__ = "students"

    id: Mapped[int] = mapped_column(primary_key=True)
    student: Mapped[str] = mapped_column(String(500), unique=True)
    """The name in the scores; in several folders of results the same one is the same student."""
    name: Mapped[str] = mapped_column(Text)
    email: Mapped[str] = mapped_column(Text)
    number: Mapped[str] = mapped_column(Text)
    """Number or login, by the platform or the list of the class."""
    section: Mapped[str] = mapped_column(Text)


class GradeRow(Table):
    """What counts for a student in an assignment."""

    __tablename__ = "grades"
    __table_args__ = (UniqueConstraint("assignment_id", "student_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    assignment_id: Mapped[str] = mapped_column(ForeignKey("assignments.id"), index=True)
    student_id: Mapped[int] = mapped_column(ForeignKey("students.id"), index=True)
    source: Mapped[str] = mapped_column(Text)
    """The folder of results that says so."""
    generated_at: Mapped[str] = mapped_column(String(40))
    """Of its scores."""
    status: Mapped[str] = mapped_column(String(20))
    """As in `scores.json`, or `missing`."""
    score: Mapped[float | None]
    """None for no grade: our failure, or nothing handed in."""
    max_score: Mapped[float]
    needs_review: Mapped[bool]
    handed_in: Mapped[datetime | None] = mapped_column(Moment)
    late_days: Mapped[int]
    penalty: Mapped[float]
    override_by: Mapped[str] = mapped_column(Text)
    """Who gave the score as a whole; empty if nobody did."""
    override_reason: Mapped[str] = mapped_column(Text)

    student: Mapped[StudentRow] = relationship()
    attempts: Mapped[list["AttemptRow"]] = relationship(cascade="all, delete-orphan", order_by="AttemptRow.number")
    points: Mapped[list["PointsRow"]] = relationship(cascade="all, delete-orphan", order_by="PointsRow.place")


class AttemptRow(Table):
    """An attempt; there is none in the table if there was only one."""

    __tablename__ = "attempts"

    grade_id: Mapped[int] = mapped_column(ForeignKey("grades.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    score: Mapped[float | None]
    counts: Mapped[bool]


class PointsRow(Table):
    """The points of one check."""

    __tablename__ = "points"

    grade_id: Mapped[int] = mapped_column(ForeignKey("grades.id", ondelete="CASCADE"), primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True)
    check_id: Mapped[str] = mapped_column(String(200))
    status: Mapped[str] = mapped_column(String(20))
    points: Mapped[float]
    max_points: Mapped[float]
    extra: Mapped[bool]
    override_by: Mapped[str] = mapped_column(Text)
    override_reason: Mapped[str] = mapped_column(Text)
