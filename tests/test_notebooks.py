"""Notebooks: which cells are read, what is tolerated, what is repaired, what is refused."""

import json
from typing import Any

import nbformat as untyped_nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.discovery import UnreadableSource, notebooks
from grader.discovery.notebooks import NotJsonError, parse_notebook
from grader.discovery.trailing_commas import without_trailing_commas
from grader.model.submission import Source

nbformat: Any = untyped_nbformat
STRINGS = st.text(alphabet=st.sampled_from(list(',]}[{:"\\ \n\tab')), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | STRINGS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(STRINGS, inner, max_size=4),
    max_leaves=20,
)


def code(source: object) -> dict[str, Any]:
    return {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": source}


def markdown(source: object) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def notebook(*cells: object, **top: object) -> str:
    return json.dumps({"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5} | top)


def read(text: str) -> Source:
    return parse_notebook("x.ipynb", text)


def numbered(source: Source) -> list[tuple[int, str]]:
    return [(cell.number, cell.text) for cell in source.cells]


def problem_of(text: str) -> str:
    with pytest.raises(UnreadableSource) as caught:
        read(text)
    return caught.value.message


def test_code_cells_are_numbered_among_all_cells() -> None:
    """A cell has the number that the student counts on the screen."""
    source = read(notebook(markdown("# Title"), code("x = 1"), {"cell_type": "raw", "source": "z"}, code("y = 2")))
    assert numbered(source) == [(2, "x = 1"), (4, "y = 2")]


def test_markdown_is_kept_for_reading() -> None:
    """Markdown cells with something in them, by number; raw cells, and whatever is no text, are not."""
    raw = {"cell_type": "raw", "source": "z"}
    source = read(
        notebook(markdown(["# T\n", "a"]), raw, markdown(" "), code("x = 1"), markdown({"a": 1}), markdown("b"))
    )
    assert [(cell.number, cell.text) for cell in source.prose] == [(1, "# T\na"), (6, "b")]


def test_long_markdown_is_cut() -> None:
    """A notebook that is a book keeps its beginning."""
    source = read(notebook(markdown("a" * 20_000), markdown("b" * 20_000), markdown("c"), code("x = 1")))
    assert [len(cell.text) for cell in source.prose] == [20_000, notebooks.MOST_PROSE - 20_000 + 2]
    assert len(read(notebook(*[markdown("a")] * 2_000, code("x = 1"))).prose) == 500


def test_a_notebook_is_of_its_kind() -> None:
    """What comes out is said to be a notebook, without notes when nothing was odd."""
    source = read(notebook(code("x = 1")))
    assert (source.kind, source.notes) == ("notebook", ())


@pytest.mark.parametrize("source", ["x = 1\ny = 2", ["x = 1\n", "y = 2"], ["x = 1", "\n", "y = 2"]])
def test_source_may_be_text_or_lines(source: object) -> None:
    """Both forms that nbformat allows give the same text."""
    assert numbered(read(notebook(code(source)))) == [(1, "x = 1\ny = 2")]


def test_line_ends_in_cells_are_normalised() -> None:
    """A notebook edited on Windows reads like any other."""
    assert numbered(read(notebook(code(["x = 1\r\n", "y = 2\r"])))) == [(1, "x = 1\ny = 2\n")]


def test_blank_code_cells_are_left_out_but_counted() -> None:
    """The empty cell at the end is no code; one at the start moves the numbers."""
    assert numbered(read(notebook(code(""), code("x = 1"), code(" \n")))) == [(2, "x = 1")]


def test_saved_outputs_are_not_read() -> None:
    """What a cell printed at home proves nothing and changes nothing."""
    output = {"output_type": "stream", "name": "stdout", "text": ["Reached 99.8% accuracy"]}
    with_output = code("x = 1") | {"outputs": [output], "execution_count": 7}
    assert read(notebook(with_output)) == read(notebook(code("x = 1")))


def test_magics_are_kept() -> None:
    """Magics and shell lines are left to whoever runs the code."""
    assert numbered(read(notebook(code("%%javascript\nclose()"), code("!pip install x")))) == [
        (1, "%%javascript\nclose()"),
        (2, "!pip install x"),
    ]


@pytest.mark.parametrize("missing", ["metadata", "nbformat", "nbformat_minor"])
def test_missing_fields_are_tolerated(missing: str) -> None:
    """Nothing but the cells is needed."""
    value = json.loads(notebook(code("x = 1")))
    del value[missing]
    assert numbered(read(json.dumps(value))) == [(1, "x = 1")]


@pytest.mark.parametrize("missing", ["metadata", "outputs", "execution_count"])
def test_missing_fields_of_cells_are_tolerated(missing: str) -> None:
    """A cell needs its kind and its source."""
    cell = code("x = 1")
    del cell[missing]
    assert numbered(read(notebook(cell))) == [(1, "x = 1")]


def test_nbformat_4_is_read_as_its_own_library_writes_it() -> None:
    """A notebook made by nbformat, cell ids included, gives the cells it was made of."""
    made = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell("# Title"), nbformat.v4.new_code_cell("x = 1\ny = 2")]
    )
    assert numbered(read(nbformat.writes(made))) == [(2, "x = 1\ny = 2")]


def test_nbformat_3_is_read_as_its_own_library_writes_it() -> None:
    """The old format has worksheets, and `input` in the place of `source`."""
    sheet = nbformat.v3.new_worksheet(
        cells=[nbformat.v3.new_text_cell("markdown", source="# Title"), nbformat.v3.new_code_cell(input="x = 1\ny = 2")]
    )
    made = nbformat.v3.new_notebook(worksheets=[sheet])
    assert numbered(read(nbformat.v3.writes_json(made))) == [(2, "x = 1\ny = 2")]


def test_worksheets_are_numbered_on() -> None:
    """The cells of several worksheets are one row of cells."""
    cell = {"cell_type": "code", "input": "x = 1"}
    sheet = {"cells": [cell, {"cell_type": "markdown", "source": "y"}]}
    assert numbered(read(json.dumps({"worksheets": [sheet, sheet]}))) == [(1, "x = 1"), (3, "x = 1")]


@pytest.mark.parametrize("value", [[], "text", 7, None, True])
def test_json_of_another_type_is_refused(value: object) -> None:
    """A notebook is an object at the top."""
    assert "JSON but not a notebook: expected an object" in problem_of(json.dumps(value))


@pytest.mark.parametrize("text", ['{"a":' * 200_000, "[" * 200_000, '{"cells": ' + "[" * 100_000 + "]" * 100_000 + "}"])
def test_very_deep_json_is_refused(text: str) -> None:
    """Brackets without end exhaust no stack."""
    assert "nested far too deep" in problem_of(text)


def test_deep_json_with_a_trailing_comma_is_refused() -> None:
    """The second attempt, after the repair, is guarded as well."""
    assert "nested far too deep" in problem_of('{"x": [1,], "cells": ' + "[" * 100_000 + "]" * 100_000 + "}")


@pytest.mark.parametrize(
    "metadata",
    [
        {"kernelspec": {"name": "ir", "language": "R"}},
        {"kernelspec": {"name": "ir"}},
        {"language_info": {"name": "julia"}},
        {"kernelspec": {"language": "python"}, "language_info": {"name": "scala"}},
    ],
)
def test_other_languages_are_refused(metadata: dict[str, Any]) -> None:
    """Either place where a notebook names its language can say that it is not Python."""
    assert "not Python" in problem_of(notebook(code("x"), metadata=metadata))


@pytest.mark.parametrize(
    "metadata",
    [
        {"kernelspec": {"name": "python3", "language": "python"}, "language_info": {"name": "python"}},
        {"kernelspec": {"name": "conda-env-tf-py", "language": "Python"}},
        {"language_info": {"name": "ipython"}},
        {"kernelspec": {"language": ""}},
        {"kernelspec": None, "language_info": ["R"]},
        {"kernelspec": {"language": 3, "name": ["ir"]}},
        {"accelerator": "GPU", "colab": {"provenance": []}},
    ],
)
def test_python_in_any_spelling_is_read(metadata: dict[str, Any]) -> None:
    """Python, or no word about the language, is accepted."""
    assert numbered(read(notebook(code("x"), metadata=metadata))) == [(1, "x")]


def test_a_notebook_without_code_is_refused() -> None:
    """Only text: there is nothing to grade."""
    assert "has no code in it" in problem_of(notebook(markdown("# Title")))


def test_too_many_cells_are_refused() -> None:
    """10,000 cells are no notebook that a person wrote."""
    assert "more than 10000 cells" in problem_of(notebook(*[{"cell_type": "code", "source": "x"}] * 10_001))


def test_10000_cells_are_read() -> None:
    """The limit itself is allowed."""
    assert len(read(notebook(*[{"cell_type": "code", "source": "x"}] * 10_000)).cells) == 10_000


@pytest.mark.parametrize("values", [[[]] * 60, [{}] * 60, [1] * 60, '"' * 60])
def test_too_many_values_are_refused(monkeypatch: pytest.MonkeyPatch, values: object) -> None:
    """Millions of small values would take far more memory than the file."""
    monkeypatch.setattr(notebooks, "_MAX_VALUES", 50)
    assert "too much saved output" in problem_of(notebook(code("x = 1"), data=values))


@pytest.mark.parametrize(
    "text",
    [
        '{"cells": [{"cell_type": "code", "source": "x = 1"},]}',
        '{"cells": [{"cell_type": "code", "source": "x = 1",}]}',
        '{"cells": [{"cell_type": "code", "source": "x = 1"}],}',
        '{"cells": [{"cell_type": "code", "source": ["x = 1",],} , , ], \n }',
        '{"cells": [{"cell_type": "code", "source": "x = 1"}]},',
    ],
)
def test_trailing_commas_are_repaired_with_a_note(text: str) -> None:
    """One comma too many, or several, cost nothing but a note."""
    source = read(text)
    assert (numbered(source), [note.kind for note in source.notes]) == ([(1, "x = 1")], ["repaired_json"])


@pytest.mark.parametrize(
    "text",
    [
        '{"cells": [,]}x',
        '{"cells": [{"cell_type": "code" "source": "x"}]}',
        '{"cells": [{"cell_type": "code", "source": "x"}',
        "{'cells': []}",
        "",
        "import os",
    ],
)
def test_nothing_but_trailing_commas_is_repaired(text: str) -> None:
    """Other damage is not guessed at."""
    with pytest.raises(NotJsonError):
        read(text)


def test_a_valid_notebook_is_not_repaired() -> None:
    """Code with `,]` in it is no reason to touch the file."""
    source = read(notebook(code("x = [1,]")))
    assert (numbered(source), source.notes) == ([(1, "x = [1,]")], ())


def test_code_keeps_its_trailing_commas_when_the_file_is_repaired() -> None:
    """The repair is made outside of strings only, escaped quotes included."""
    text = notebook(code('x = ["a,]",]\ny = "\\\\",}'))
    assert numbered(read(text[:-1] + ",}")) == numbered(read(text))


@settings(max_examples=300, deadline=None)
@given(VALUES)
def test_valid_json_is_never_changed_by_the_repair(value: object) -> None:
    """Strings may hold commas, brackets, quotes and backslashes in any order."""
    text = json.dumps(value)
    assert without_trailing_commas(text) == text


@settings(max_examples=300, deadline=None)
@given(VALUES)
def test_the_repair_brings_back_the_value(value: object) -> None:
    """With a comma put before every closing bracket outside of strings, the repaired text means the same."""
    text = "".join(with_commas(value))
    assert json.loads(without_trailing_commas(text)) == value


def with_commas(value: object) -> list[str]:
    """JSON text of a value, in pieces, with a trailing comma in every list and object that is not empty."""
    if isinstance(value, list) and value:
        return ["[", *(piece for item in value for piece in (*with_commas(item), " ,")), "\n]"]
    if isinstance(value, dict) and value:
        pairs = ((json.dumps(key), ":", *with_commas(item), ",") for key, item in value.items())
        return ["{", *(piece for pair in pairs for piece in pair), "}"]
    return [json.dumps(value)]


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.sampled_from(list(',]}[{:"\\ \nab')), max_size=60))
def test_the_repair_takes_nothing_but_commas(text: str) -> None:
    """Whatever the text, only commas are missing afterwards."""
    assert without_trailing_commas(text).replace(",", "") == text.replace(",", "")


@pytest.mark.parametrize("piece", [",", '"', '\\"', '"\\"', ", ", '","', "\\"])
def test_the_repair_takes_linear_time(piece: str) -> None:
    """A million characters made to confuse the pattern are done at once; a quadratic one would not end."""
    text = piece * (1_000_000 // len(piece))
    assert len(without_trailing_commas(text)) <= len(text)
