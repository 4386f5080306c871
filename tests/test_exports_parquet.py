"""The Parquet export, read back by pyarrow."""

import io
import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from grader.errors import SetupError
from grader.exports import FORMATS, Request
from grader.exports.csv_tables import CHECK_COLUMNS
from grader.exports.parquet import parquet
from grader.model.result import Result, Scores
from grader.results.verdicts import make_result
from tests.command import Run
from tests.factories import make_observation, make_submission, make_verdict

GOLDEN = Path(__file__).parent / "golden" / "exports" / "scores.json"


def class_of_tests() -> tuple[Result, ...]:
    return Scores.model_validate_json(GOLDEN.read_bytes()).submissions


def read(request: Request) -> pa.Table:
    content = parquet(request).content
    assert content is not None
    return pq.read_table(io.BytesIO(content))


def test_every_check_is_a_row_with_types() -> None:
    """Columns in the order of `checks-csv`; numbers, truths and text are such."""
    results = class_of_tests()
    table = read(Request("demo", results))
    assert tuple(table.column_names) == CHECK_COLUMNS
    assert table.num_rows == sum(len(result.checks) for result in results)
    kinds = {field.name: str(field.type) for field in table.schema}
    assert {name for name, kind in kinds.items() if kind == "double"} == {"points", "max_points"}
    assert {name for name, kind in kinds.items() if kind == "bool"} == {"needs_review", "hidden", "extra"}
    assert set(kinds.values()) == {"double", "bool", "string"}


def test_values_are_those_of_the_scores() -> None:
    """Row by row; points that are not known are null, and not 0."""
    results = class_of_tests()
    rows = read(Request("demo", results)).to_pylist()
    wanted = [(result, verdict) for result in results for verdict in result.checks]
    for row, (result, verdict) in zip(rows, wanted, strict=True):
        known = verdict.status != "error" and result.score is not None
        assert (row["student"], row["check"], row["message"]) == (result.student, verdict.id, verdict.message)
        assert (row["points"], row["max_points"]) == (verdict.points if known else None, verdict.max_points)
    assert any(row["points"] is None for row in rows)


def test_text_of_students_is_kept_as_it_is() -> None:
    """No apostrophe before a formula, as a spreadsheet would need; half a surrogate pair becomes an escape."""
    verdict = make_verdict(message="=1+1 \ud800")
    result = make_result(make_submission(student="@ada"), make_observation(), (verdict,))
    row = read(Request("demo", (result,))).to_pylist()[0]
    assert (row["student"], row["message"]) == ("@ada", "=1+1 \\ud800")


def test_an_empty_class_has_the_columns() -> None:
    """So that a script over many files does not fail on it."""
    table = read(Request("demo", ()))
    assert (table.num_rows, tuple(table.column_names)) == (0, CHECK_COLUMNS)


def test_without_pyarrow_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """And names the export that needs nothing."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(SetupError, match=r"Install grader\[parquet\], or export checks-csv"):
        parquet(Request("demo", ()))


def test_the_command_writes_a_file(run: Run, tmp_path: Path) -> None:
    """Not to the console, where nobody could read it."""
    assert FORMATS["parquet"].binary
    (tmp_path / "results").mkdir()
    body = json.loads(GOLDEN.read_text("utf-8"))
    (tmp_path / "results" / "scores.json").write_text(json.dumps(body))
    assert run("export", "parquet", "results").code == 2
    ran = run("export", "parquet", "results", "--output", "checks.parquet")
    assert ran.code in (0, 1), ran.err
    assert pq.read_table(tmp_path / "checks.parquet").num_rows > 0
