"""The gradebook as a database: SQLite in a file, or PostgreSQL by its URL.

It is filled from `scores.json` and never the other way round. Tables are made and changed by migrations (alembic), when
a gradebook is opened.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, delete, event, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.orm import Session, selectinload

from grader.errors import SetupError
from grader.gradebook.tables import AssignmentRow, AttemptRow, GradeRow, PointsRow, StudentRow
from grader.model.result import Missing, Override, Result, Scores
from grader.model.submission import Identity

MIGRATIONS = Path(__file__).parent / "migrations"


class Gradebook:
    """An open gradebook. Every method is one transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def sync(self, scores: Scores, source: str, title: str = "") -> list[str]:
        """Take in the scores of one assignment, in place of what `source` had said of it before.

        Returns the students whose grades came from another folder before and are now those of this one.
        """
        with Session(self._engine) as session, session.begin():
            assignment = session.get(AssignmentRow, scores.assignment)
            if assignment is None:
                session.add(AssignmentRow(id=scores.assignment, title=title or scores.assignment))
            elif title:
                assignment.title = title
            of_this = GradeRow.assignment_id == scores.assignment
            _forget(session, session.scalars(select(GradeRow.id).where(of_this, GradeRow.source == source)).all())
            names = [result.student for result in scores.submissions] + [item.student for item in scores.missing]
            found = session.scalars(select(StudentRow)).all()
            students = {row.student: row for row in found if row.student in {_text(name) for name in names}}
            by_id = {row.id: row.student for row in students.values()}
            elsewhere = session.scalars(select(GradeRow).where(of_this, GradeRow.student_id.in_(by_id))).all()
            taken = sorted(by_id[row.student_id] for row in elsewhere)
            _forget(session, [row.id for row in elsewhere])
            items: list[Result | Missing] = [*scores.submissions, *scores.missing]
            for item in items:
                student = _student(session, students, item)
                row = _missing(item) if isinstance(item, Missing) else _grade(item)
                row.assignment_id, row.source, row.generated_at = scores.assignment, source, scores.generated_at
                row.student = student
                session.add(row)
        return taken

    def clear(self) -> None:
        """Forget everything."""
        with Session(self._engine) as session, session.begin():
            for table in (PointsRow, AttemptRow, GradeRow, StudentRow, AssignmentRow):
                session.execute(delete(table))

    def assignments(self) -> list[AssignmentRow]:
        """All assignments, by id."""
        with Session(self._engine) as session:
            return list(session.scalars(select(AssignmentRow).order_by(AssignmentRow.id)))

    def grades(self, assignment: str | None = None, student: str | None = None) -> list[GradeRow]:
        """What counts, by student and assignment, with attempts and the points of each check."""
        wanted = select(GradeRow).join(GradeRow.student).order_by(StudentRow.student, GradeRow.assignment_id)
        if assignment is not None:
            wanted = wanted.where(GradeRow.assignment_id == assignment)
        if student is not None:
            wanted = wanted.where(StudentRow.student == student)
        loaded = wanted.options(
            selectinload(GradeRow.student), selectinload(GradeRow.attempts), selectinload(GradeRow.points)
        )
        with Session(self._engine, expire_on_commit=False) as session:
            return list(session.scalars(loaded))


@contextmanager
def open_gradebook(where: str) -> Iterator[Gradebook]:
    """A gradebook by its URL, or by the name of a file for SQLite; made if there is none.

    Raises SetupError if it cannot be reached, or was made by a newer grader.
    """
    url = _url(where)
    shown = url.render_as_string(hide_password=True)
    try:
        engine = create_engine(url)
    except ModuleNotFoundError as error:
        raise SetupError(f"{shown}: {error.name} is not installed. Install grader[postgresql].") from error
    except NoSuchModuleError as error:
        raise SetupError(f"{shown}: expected a URL of SQLite or PostgreSQL, found another kind.") from error
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA foreign_keys = ON"))
    try:
        _migrate(engine, shown)
        yield Gradebook(engine)
    except DBAPIError as error:
        reason = " ".join(str(error.orig).split())[:300]
        raise SetupError(
            f"{shown}: the gradebook cannot be used: {reason}. Check the address and your rights."
        ) from error
    finally:
        engine.dispose()


def _url(where: str) -> URL:
    if "://" not in where:
        return URL.create("sqlite", database=str(Path(where).absolute()))
    try:
        url = make_url(where)
    except ArgumentError as error:
        raise SetupError(
            "--database: expected a file or a URL such as postgresql://host/name, found neither."
        ) from error
    if url.drivername in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    return url


def _migrate(engine: Engine, shown: str) -> None:
    """Bring the tables to what this version knows; SetupError if a newer one was there."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    with engine.begin() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
        if current == scripts.get_current_head():
            return
        if current is not None and current not in {script.revision for script in scripts.walk_revisions()}:
            raise SetupError(f"{shown}: this gradebook was made by a newer grader ({current}). Use that one.")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _forget(session: Session, grades: Sequence[int]) -> None:
    """Remove rows of grades and what belongs to them; at once, so that their places are free."""
    for part in (grades[start : start + 500] for start in range(0, len(grades), 500)):
        for table in (PointsRow, AttemptRow):
            session.execute(delete(table).where(table.grade_id.in_(part)))
        session.execute(delete(GradeRow).where(GradeRow.id.in_(part)))
    session.expire_all()


def _student(session: Session, known: dict[str, StudentRow], item: Result | Missing) -> StudentRow:
    """The row of a student, with what is known by now."""
    name = _text(item.student)
    row = known.get(name)
    if row is None:
        row = known[name] = StudentRow(student=name, name="", email="", number="", section="")
        session.add(row)
    said = item.identity or Identity()
    row.name, row.email = _text(said.name) or row.name, _text(said.email) or row.email
    row.number, row.section = _text(said.id) or row.number, _text(said.section) or row.section
    return row


def _missing(_: Missing) -> GradeRow:
    return GradeRow(
        status="missing",
        score=None,
        max_score=0.0,
        needs_review=False,
        late_days=0,
        penalty=0.0,
        override_by="",
        override_reason="",
    )


def _grade(result: Result) -> GradeRow:
    late, attempt = result.lateness, result.attempt
    by, reason = _override(result.override)
    return GradeRow(
        status=result.status,
        score=result.score,
        max_score=result.max_score,
        needs_review=result.needs_review,
        handed_in=result.handed_in,
        late_days=late.days if late else 0,
        penalty=late.penalty if late else 0.0,
        override_by=by,
        override_reason=reason,
        attempts=[]
        if attempt is None
        else [
            AttemptRow(number=number, score=score, counts=number == attempt.number)
            for number, score in enumerate(attempt.scores, start=1)
        ],
        points=[
            PointsRow(
                place=place,
                check_id=verdict.id,
                status=verdict.status,
                points=verdict.points,
                max_points=verdict.max_points,
                extra=verdict.extra,
                override_by=_override(verdict.override)[0],
                override_reason=_override(verdict.override)[1],
            )
            for place, verdict in enumerate(result.checks)
        ],
    )


def _override(given: Override | None) -> tuple[str, str]:
    return ("", "") if given is None else (_text(given.by), _text(given.reason))


def _text(text: str) -> str:
    """A text as every database takes it: no zero bytes, no half characters."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
