"""`parquet`: every check of every submission as a row of an Apache Parquet file, for analysis.

The columns are those of `checks-csv`, with types: text, numbers, true or false. Text is as students and checks wrote it;
no program takes it for a formula, so that nothing stands before it.
"""

import io
from typing import Any

from grader.errors import SetupError
from grader.exports.csv_tables import CHECK_COLUMNS, check_rows
from grader.exports.grades import without_grade
from grader.exports.request import Export, Request

NUMBERS = ("points", "max_points")
TRUTHS = ("needs_review", "hidden", "extra")


def parquet(request: Request) -> Export:
    """One row per student and check; SetupError where pyarrow is not installed."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise SetupError(
            "parquet: expected pyarrow, found none. Install grader[parquet], or export checks-csv."
        ) from error
    columns: dict[str, list[Any]] = {name: [] for name in CHECK_COLUMNS}
    for row in check_rows(request):
        for name, value in zip(CHECK_COLUMNS, row, strict=True):
            columns[name].append(writable(value))
    kinds = {name: pa.float64() for name in NUMBERS} | {name: pa.bool_() for name in TRUTHS}
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in CHECK_COLUMNS])
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns, schema=schema), buffer)
    return Export(buffer.getvalue(), without_grade(request.results, provisional=request.provisional))


def writable(value: Any) -> Any:
    """A value; half surrogate pairs, which no file can hold, become escapes."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
