"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """To this version."""
    op.create_table(
        "assignments",
        sa.Column("id", sa.String(200), primary_key=True),
        sa.Column("title", sa.Text, nullable=False),
    )
    op.create_table(
        "students",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("student", sa.String(500), nullable=False, unique=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("section", sa.Text, nullable=False),
    )
    op.create_table(
        "grades",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("assignment_id", sa.String(200), sa.ForeignKey("assignments.id"), nullable=False, index=True),
        sa.Column("student_id", sa.Integer, sa.ForeignKey("students.id"), nullable=False, index=True),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("generated_at", sa.String(40), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("score", sa.Double),
        sa.Column("max_score", sa.Double, nullable=False),
        sa.Column("needs_review", sa.Boolean, nullable=False),
        sa.Column("handed_in", sa.DateTime(timezone=True)),
        sa.Column("late_days", sa.Integer, nullable=False),
        sa.Column("penalty", sa.Double, nullable=False),
        sa.Column("override_by", sa.Text, nullable=False),
        sa.Column("override_reason", sa.Text, nullable=False),
        sa.UniqueConstraint("assignment_id", "student_id"),
    )
    op.create_table(
        "attempts",
        sa.Column("grade_id", sa.Integer, sa.ForeignKey("grades.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("score", sa.Double),
        sa.Column("counts", sa.Boolean, nullable=False),
    )
    op.create_table(
        "points",
        sa.Column("grade_id", sa.Integer, sa.ForeignKey("grades.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("place", sa.Integer, primary_key=True),
        sa.Column("check_id", sa.String(200), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("points", sa.Double, nullable=False),
        sa.Column("max_points", sa.Double, nullable=False),
        sa.Column("extra", sa.Boolean, nullable=False),
        sa.Column("override_by", sa.Text, nullable=False),
        sa.Column("override_reason", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Back to no tables."""
    for table in ("points", "attempts", "grades", "students", "assignments"):
        op.drop_table(table)
