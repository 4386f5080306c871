"""`grader release`: regions, what they hold, what replaces it, what must not leak, and the files students get."""

import ast
import html
import json
import keyword
import re
import sys
import textwrap
import tokenize
import zipfile
from collections.abc import Callable
from io import BytesIO, StringIO
from pathlib import Path

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbconvert import HTMLExporter
from rich.console import Console
from typer.testing import CliRunner

from grader.authoring import LANGUAGES, differences, make_release, make_starters
from grader.authoring.leaks import find_secrets, squeezed
from grader.authoring.notebook import (
    cells_of_handout,
    notebook_of_module,
    passages_of,
    read_notebook,
    write_notebook,
)
from grader.authoring.passages import Passage
from grader.authoring.regions import find_regions
from grader.authoring.starter import find_cuts, make_starter
from grader.cli import authoring as app_module
from grader.cli.base import app
from grader.errors import SetupError
from grader.model.assignment import Assignment, load_assignment
from tests.factories import write_assignment

START, END = "# YOUR CODE STARTS HERE", "# YOUR CODE ENDS HERE"
CHECKOUT = Path(__file__).resolve().parent.parent

REFERENCE = '''"""Assignment: learn a line.

Write between the lines.
"""

import numpy as np


def scale(images):
    """Bring the images to 0...1."""
    # YOUR CODE STARTS HERE
    #: Divide.
    images = images / 255.0
    # YOUR CODE ENDS HERE
    return images


def train(images):
    """Train, and return the history."""
    # 1. Three layers.
    # YOUR CODE STARTS HERE
    hidden_units = 512
    model = make_model(hidden_units, secret="relu")
    # YOUR CODE ENDS HERE
    history = model.fit(
        images,
        # YOUR CODE STARTS HERE
        epochs=37,
        callbacks=[
            Stop(),
        ],
        # YOUR CODE ENDS HERE
    )
    return history


### BEGIN SOLUTION
def make_model(units, secret):
    return [units, secret]


class Stop:
    """Stops."""
### END SOLUTION

LAST = 1
'''
STARTER = '''"""Assignment: learn a line.

Write between the lines.
"""

import numpy as np


def scale(images):
    """Bring the images to 0...1."""
    # YOUR CODE STARTS HERE
    #: Divide.
    pass
    # YOUR CODE ENDS HERE
    return images


def train(images):
    """Train, and return the history."""
    # 1. Three layers.
    # YOUR CODE STARTS HERE
    model = None
    # YOUR CODE ENDS HERE
    history = model.fit(
        images,
        # YOUR CODE STARTS HERE
        # YOUR CODE ENDS HERE
    )
    return history


### BEGIN SOLUTION
pass
### END SOLUTION

LAST = 1
'''


def passage(text: str, cell: int | None = None) -> Passage:
    return Passage("task.py" if cell is None else "task.ipynb", textwrap.dedent(text), cell)


def starter(text: str) -> str:
    return make_starter("task.py", [passage(text)]).texts[0]


def between(*lines: str, before: str = "", after: str = "") -> str:
    """A module with one region."""
    return "\n".join([*([before] if before else []), START, *lines, END, *([after] if after else [])]) + "\n"


def refusal(make: Callable[[], object]) -> str:
    with pytest.raises(SetupError) as caught:
        make()
    return str(caught.value)


def notebook(*cells: tuple[str, str]) -> str:
    """A notebook that was run, with all that a run leaves behind."""
    left = {"execution_count": 7, "outputs": [{"output_type": "stream", "name": "stdout", "text": "512"}]}
    written = [
        {"cell_type": kind, "id": f"c{number}", "metadata": {"scrolled": True}, "source": text.splitlines(True)}
        | (left if kind == "code" else {})
        for number, (kind, text) in enumerate(cells)
    ]
    return json.dumps({"cells": written, "metadata": {"author": "me"}, "nbformat": 4, "nbformat_minor": 5})


@pytest.fixture
def course(tmp_path: Path) -> Assignment:
    """An assignment `demo` with handouts in two languages, and its reference."""
    folder = tmp_path / "assignments" / "demo"
    write_assignment(folder, "")
    (folder / "README.md").write_text("# Demo\n\nLearn a line.\n")
    (folder / "README.zh.md").write_text("# 示例\n")
    reference = tmp_path / "solutions" / "demo" / "reference"
    reference.mkdir(parents=True)
    (reference / "demo.py").write_text(REFERENCE)
    return load_assignment(folder)


@pytest.fixture
def solutions(tmp_path: Path) -> Path:
    return tmp_path / "solutions"


def add_notebook(solutions: Path, *cells: tuple[str, str]) -> None:
    folder = solutions / "demo" / "reference_notebook"
    folder.mkdir()
    (folder / "demo.ipynb").write_text(notebook(*cells))


# ── regions ──


@pytest.mark.parametrize(("start", "end"), [(START, END), ("### BEGIN SOLUTION", "### END SOLUTION")])
def test_both_spellings_mark_a_region(start: str, end: str) -> None:
    """A region is found by either pair of markers, with its rows."""
    (region,) = find_regions(passage(f"x = 1\n{start}\ny = 2\n{end}\n"))
    assert (region.start, region.end) == (2, 4)


def test_markers_in_strings_mark_nothing() -> None:
    """What stands in a string is no marker, also on a line of its own."""
    assert find_regions(passage(f'text = """\n{START}\n"""\nother = "{END}"\n')) == []


@pytest.mark.parametrize(
    ("text", "row", "reason"),
    [
        (f"{START}\n{START}\n{END}\n", 2, "a region starts inside the region of line 1"),
        (f"x = 1\n{START}\n", 2, "this region has no end. Add `# YOUR CODE ENDS HERE` below it."),
        (f"x = 1\n\n{END}\n", 3, "a region ends here that did not start"),
        (f"{START}\n### END SOLUTION\n{END}\n", 2, "expected `# YOUR CODE ENDS HERE`, for the region of line 1"),
        (f"x = 1  {START}\n{END}\n", 1, "a marker stands behind code"),
        ("# Your code starts here\n", 1, "is almost a marker"),
        ("# YOUR CODE STARTS HERE: a layer\n", 1, "is almost a marker"),
        ("# END OF SOLUTION\n# END SOLUTIONS\n", 2, "is almost a marker"),
    ],
    ids=["nested", "no_end", "no_start", "other_end", "behind_code", "small", "longer", "plural"],
)
def test_misplaced_markers_are_refused_with_their_place(text: str, row: int, reason: str) -> None:
    """Each mistake in markers is a SetupError with file, line and remedy."""
    message = refusal(lambda: find_regions(passage(text)))
    assert f"task.py:{row}: " in message
    assert reason in message


def test_mistakes_in_one_file_are_reported_together() -> None:
    """One message lists all of them."""
    message = refusal(lambda: find_regions(passage(f"{END}\n{START}\n")))
    assert "task.py:1: " in message
    assert "task.py:2: " in message


def test_a_place_in_a_notebook_names_the_cell() -> None:
    """Rows of a notebook are counted in their cell."""
    assert "task.ipynb, cell 4, line 2: " in refusal(lambda: find_regions(passage(f"x = 1\n{END}\n", cell=4)))


# ── what a region holds ──


def test_golden_starter() -> None:
    """Statements, arguments of a call and top-level definitions are cut; the rest stays as it is."""
    assert starter(REFERENCE) == STARTER


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            f"model = Sequential([\n    Flatten(),\n    {START}\n    Dense(\n        64,\n    ),\n    {END}\n    Out(),\n])\n",
            f"model = Sequential([\n    Flatten(),\n    {START}\n    {END}\n    Out(),\n])\n",
        ),
        (f"x = {{\n{START}\n'a': (1 + 2),\n**rest,\n{END}\n}}\n", f"x = {{\n{START}\n{END}\n}}\n"),
        (f"f(\n    a,\n    {START}\n    *b, c=3, **d\n    {END}\n)\n", f"f(\n    a,\n    {START}\n    {END}\n)\n"),
        (f"x = [\n{START}\n#: two\n(1), (2,),\n{END}\n]\n", f"x = [\n{START}\n#: two\n{END}\n]\n"),
        (
            f"if a:\n    {START}\n    x = 1\n    {END}\nelse:\n    y = 2\n",
            f"if a:\n    {START}\n    pass\n    {END}\nelse:\n    y = 2\n",
        ),
        (
            f"def f():\n    for a in b:\n        {START}\n        print(a)\n\n        {END}\n\n\nf()\n",
            f"def f():\n    for a in b:\n        {START}\n        pass\n        {END}\n\n\nf()\n",
        ),
        (
            f"try:\n    {START}\n    a()\n    {END}\nfinally:\n    {START}\n    b()\n    {END}\n",
            f"try:\n    {START}\n    pass\n    {END}\nfinally:\n    {START}\n    pass\n    {END}\n",
        ),
        (
            f"match a:\n    case 1:\n        {START}\n        b()\n        {END}\n    case _:\n        c()\n",
            f"match a:\n    case 1:\n        {START}\n        pass\n        {END}\n    case _:\n        c()\n",
        ),
        (f"{START}\n@mark\ndef f():\n    pass\n{END}\n", f"{START}\npass\n{END}\n"),
        (f"{START}\na = 1; b = 2\n'''\n{END}\n'''\n{END}\n", f"{START}\npass\n{END}\n"),
        (f"def f():\n    '''Say.'''\n    {START}\n    {END}\n", f"def f():\n    '''Say.'''\n    {START}\n    pass\n    {END}\n"),
        (f"x = ['é', \n{START}\n'ü' , 'ö',\n{END}\n]\n", f"x = ['é', \n{START}\n{END}\n]\n"),
    ],
    ids=[
        "elements", "dict", "arguments", "parentheses", "if", "loop", "try", "match", "decorator", "string", "empty",
        "wide",
    ],
)  # fmt: skip
def test_whole_things_are_cut(text: str, expected: str) -> None:
    """Whole statements leave `pass`, whole elements of a bracket leave nothing."""
    assert starter(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        f"x = f(\n    1,\n{START}\n    2)\ny = 3\n{END}\n",
        f"{START}\nx = f(\n{END}\n    1)\n",
        f"x = (\n{START}\n    1\n{END}\n)\n",
        f"x = (1\n{START}\n    + 2\n{END}\n)\n",
        f"x = (\n'a'\n{START}\n'b'\n{END}\n)\n",
        f"if a:\n    b()\n{START}\nelse:\n    c()\n{END}\n",
        f"if a:\n    {START}\n    b()\nelse:\n    c()\n    {END}\n",
        f"if a:\n    {START}\n    b()\nc()\n{END}\n",
        f"@mark\n{START}\ndef f():\n    pass\n{END}\n",
        f"def f(\n{START}\n    a,\n{END}\n    b):\n    pass\n",
        f"from a import (\n{START}\n    b,\n{END}\n    c)\n",
        f"x = {{'a':\n{START}\n    1,\n{END}\n}}\n",
        f"x = f(\n{START}\n    a=\n{END}\n    1)\n",
        f"try:\n    a()\n{START}\nexcept E:\n    pass\n{END}\nfinally:\n    b()\n",
        f"x = [a\n{START}\n    for a in b\n{END}\n]\n",
        f"x = [a,\n{START}\n    b\n{END}\n, c]\n",
    ],
    ids=[
        "begins_in_call", "ends_in_call", "value", "operator", "joined_string", "else", "over_else", "out_of_block",
        "below_decorator", "parameter", "import", "value_of_pair", "half_argument", "except", "comprehension", "comma",
    ],
)  # fmt: skip
def test_torn_things_are_refused_with_their_place(text: str) -> None:
    """A region that holds a part of something is refused, with the line in which it starts."""
    row = text.split("\n").index(next(line for line in text.split("\n") if START in line)) + 1
    assert f"task.py:{row}: " in refusal(lambda: starter(text))


def test_python_that_is_none_is_refused_with_its_place() -> None:
    """A mistake of syntax in the reference is told with its line."""
    assert "task.py:2: expected Python" in refusal(lambda: starter(f"{START}\nx = = 1\n{END}\n"))


# ── names and hints ──


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (between("a = b = 1", "c = 2", after="print(c, a)"), ["a = None", "c = None"]),
        (between("a, (b, *c) = f()", after="print(c)"), ["c = None"]),
        (between("import numpy as np", after="np.zeros(3)"), ["np = None"]),
        (between("class A:\n    b = 1", after="def f():\n    return A()"), ["A = None"]),
        (between("a = 1", after="def f(a):\n    return a"), ["pass"]),
        (between("a = 1", after="def f():\n    a = 2\n    return a"), ["pass"]),
        (between("a = 1", after="[a for a in range(3)]"), ["pass"]),
        (between("a = 2", before="a = 1", after="print(a)"), ["pass"]),
        (between("a = 2", before="if b:\n    a = 1", after="a += 1"), ["pass"]),
        (between("a = 1", before="print(a)"), ["pass"]),
        (between("a = 1", before="def f():\n    return a"), ["a = None"]),
        (between("a = 1", after="print(b.a)"), ["pass"]),
        (between("for a in b:\n    c = a", after="print(c)"), ["c = None"]),
        (between("with b as a:\n    pass", after="print(a)"), ["a = None"]),
        (between("print(a := 1)", after="print(a)"), ["a = None"]),
        (between("a = 1", after="a += 1"), ["a = None"]),
    ],
)
def test_names_read_later_get_none(text: str, kept: list[str]) -> None:
    """A name that the region alone gives a value, and that code outside regions reads, is `None`; else `pass`."""
    assert [line for line in starter(text).split("\n") if line in (*kept, "pass") or line.endswith("None")] == kept


def test_a_name_of_the_other_branch_is_not_bound() -> None:
    """A value that another branch gives does not spare the name."""
    text = f"if b:\n    a = 1\nelse:\n    {START}\n    a = 2\n    {END}\nprint(a)\n"
    assert f"    {START}\n    a = None\n" in starter(text)


def test_a_name_read_only_in_another_region_is_not_told() -> None:
    """Regions do not tell each other's names."""
    assert "model" not in starter(between("model = 1") + between("result = model", after="print(result)"))


def test_a_name_read_in_a_later_cell_gets_none() -> None:
    """The cells of a notebook are one program."""
    cells = [passage(between("model = 17"), 1), passage("print(model)\n", 3)]
    assert make_starter("task.ipynb", cells).texts == [f"{START}\nmodel = None\n{END}\n", "print(model)\n"]


def test_hints_stay_and_other_comments_go() -> None:
    """Lines directly below the start that begin with `#:` or `# TODO:` stay, as `#:`."""
    text = between("#: First.", "# TODO: Second.", "# A thought.", "#: Too late.", "a = 1")
    assert starter(text) == between("#: First.", "#: Second.", "pass")


# ── leaks ──


@pytest.mark.parametrize(
    ("hint", "told"),
    [
        ("Take `units` of them.", "units"),
        ("Use hidden_units.", "hidden_units"),
        ("Call build() at the end.", "build"),
        ("Write x.build here.", "build"),
        ("Take 512 of them.", "512"),
        ("Stop at 0.998, please.", "0.998"),
        ('Say "relu" here.', "'relu'"),
    ],
)
def test_a_hint_that_gives_a_secret_away_is_refused(hint: str, told: str) -> None:
    """Code, numbers and strings that only the region has must not stand in a hint."""
    message = refusal(lambda: starter(between(f"#: {hint}", "units = hidden_units = build(512, 0.998, 'relu')")))
    assert f"task.py:2: the hint gives away {told}" in message


@pytest.mark.parametrize("hint", ["Build it with many units.", "Use `len` and 1 or 2.", "Call `known`.", "Take 64."])
def test_a_hint_in_plain_words_is_kept(hint: str) -> None:
    """English words, Python's own names, and what is said outside the region are no secrets."""
    text = between(f"#: {hint}", "units = build(1, 2, len('a'), known, 64)", before="known = 3  # not 64")
    assert f"#: {hint}" in starter(text)


def test_secrets_are_what_only_regions_have() -> None:
    """Identifiers, numbers and strings of regions, without those that stand outside, in comments too."""
    own = [passage(between("alpha = beta('text', 'said', 512, 300, 1)", before="beta = 300  # said"))]
    assert find_secrets(own, find_cuts(own)).words == {"alpha", "'text'", "512"}


def test_solution_in_a_comment_is_refused(course: Assignment, solutions: Path) -> None:
    """A line of the solution that was commented out elsewhere is found, in other quotes too."""
    text = between("model = make_model(units=512, kind='relu')", after='# model = make_model(units=512, kind="relu")')
    (solutions / "demo/reference/demo.py").write_text(text)
    assert "demo.py, line 4: students would get a line of" in refusal(lambda: make_starters(course, solutions))


def test_a_reference_without_regions_is_refused(course: Assignment, solutions: Path) -> None:
    """It would be the whole solution."""
    (solutions / "demo/reference/demo.py").write_text("x = 1\n")
    assert "demo.py: expected regions, found none" in refusal(lambda: make_starters(course, solutions))


def test_a_missing_reference_is_told(course: Assignment, solutions: Path) -> None:
    """Without a reference solution there is nothing to make starters from."""
    (solutions / "demo/reference/demo.py").unlink()
    assert "expected the reference solution, found none" in refusal(lambda: make_starters(course, solutions))


names = st.sampled_from(["alpha", "beta", "gamma", "delta", "omega"])
statements = st.one_of(
    st.builds("{} = {} + {}".format, names, names, st.integers(100, 999)),
    st.builds("{} = '{}'".format, names, st.text("xyz", min_size=3, max_size=6)),
    st.builds("print({},\n      {})".format, names, names),
    st.builds("def {}({}):\n    return {}".format, names, names, names),
    st.builds("if {}:\n    {} = {}\nelse:\n    pass".format, names, names, names),
    st.builds("[\n    {},\n    {},\n]".format, names, names),
)
blocks = st.lists(st.tuples(st.booleans(), st.lists(statements, min_size=1, max_size=3)), min_size=1, max_size=5)


@settings(deadline=None)
@given(blocks, st.booleans())
def test_nothing_of_a_region_is_left(parts: list[tuple[bool, list[str]]], indented: bool) -> None:
    """Whatever the program: the starter parses, keeps what is outside, and has no token that only regions have."""
    parts = [*parts, (True, ["solution = 1"])]
    lines: list[str] = ["first = 0"]
    hidden: list[str] = []
    shown: list[str] = ["first = 0"]
    for marked, body in parts:
        lines += [START, *body, END] if marked else body
        (hidden if marked else shown).extend(body)
    text = "\n".join(lines)
    if indented:
        text = "def function():\n" + textwrap.indent(text, "    ")
    made = starter(text + "\n")

    ast.parse(made)
    assert not (tokens("\n".join(hidden)) - tokens("\n".join(shown)) - set(keyword.kwlist)) & tokens(made)
    assert all(line.strip() in {row.strip() for row in made.split("\n")} for body in shown for line in body.split("\n"))


def tokens(text: str) -> set[str]:
    """Names, numbers and strings."""
    kinds = {tokenize.NAME, tokenize.NUMBER, tokenize.STRING}
    return {token.string for token in tokenize.generate_tokens(StringIO(text).readline) if token.type in kinds}


@settings(deadline=None)
@given(st.lists(st.sampled_from([START, END, "x = 1", "### BEGIN SOLUTION", "### END SOLUTION"]), max_size=8))
def test_markers_pair_up_or_are_refused(lines: list[str]) -> None:
    """Regions of any sequence of markers lie one behind the other; all markers belong to one."""
    try:
        regions = find_regions(passage("\n".join(lines)))
    except SetupError:
        return
    rows = [row for region in regions for row in (region.start, region.end)]
    assert rows == sorted(rows)
    assert len(rows) == sum(line != "x = 1" for line in lines)


SOURCES = [path.read_text("utf-8") for path in sorted((CHECKOUT / "grader" / "authoring").glob("*.py"))]


@settings(deadline=None)
@given(st.data())
def test_a_region_anywhere_is_cut_or_refused(data: st.DataObject) -> None:
    """Wherever two markers stand in real code: a SetupError, or a starter that parses and holds what is around."""
    rows = data.draw(st.sampled_from(SOURCES)).split("\n")
    start = data.draw(st.integers(0, len(rows)))
    end = data.draw(st.integers(start, min(len(rows), start + 8)))
    indent = data.draw(st.sampled_from(["", " " * 4, " " * 8]))
    marked = [*rows[:start], indent + START, *rows[start:end], indent + END, *rows[end:]]
    try:
        made = starter("\n".join(marked))
    except SetupError:
        return
    ast.parse(made)
    assert made.split("\n")[: start + 1] == marked[: start + 1]
    assert made.split("\n")[len(made.split("\n")) - len(rows[end:]) :] == rows[end:]


@settings(deadline=None)
@given(st.integers(0, 6), st.integers(0, 6), st.sampled_from(["[]", "()", "{}"]))
def test_elements_of_any_bracket_can_be_cut(first: int, last: int, brackets: str) -> None:
    """A region between any two elements leaves those around it, in order."""
    first, last = sorted((first, last))
    elements = [f"    layer_{number}(size={number}00)," for number in range(6)]
    lines = [*elements[:first], START, *elements[first:last], END, *elements[last:]]
    made = starter("\n".join([f"x = {brackets[0]}", *lines, brackets[1], ""]))
    assert made.split("\n") == [f"x = {brackets[0]}", *elements[:first], START, END, *elements[last:], brackets[1], ""]


# ── notebooks ──


def test_module_becomes_cells() -> None:
    """What follows the title is Markdown; imports, each definition and each region have a cell; comments go along."""
    cells = notebook_of_module(Passage("demo.py", STARTER))
    assert [(cell.kind, cell.text.split("\n")[0]) for cell in cells] == [
        ("markdown", "Write between the lines."),
        ("code", "import numpy as np"),
        ("code", "def scale(images):"),
        ("code", "def train(images):"),
        ("code", "### BEGIN SOLUTION"),
        ("code", "LAST = 1"),
    ]
    assert cells[4].text == "### BEGIN SOLUTION\npass\n### END SOLUTION"


def test_a_region_is_never_parted() -> None:
    """Names without a value stay between the markers, with the comment above them."""
    text = f"# Some values.\n{START}\na = None\nb = None\n{END}\n\n# Use them.\nprint(a, b)\n# The end.\n"
    assert [cell.text for cell in notebook_of_module(Passage("demo.py", text))] == [
        f"# Some values.\n{START}\na = None\nb = None\n{END}",
        "# Use them.\nprint(a, b)",
        "# The end.",
    ]


def test_cells_of_a_module_hold_all_its_code() -> None:
    """The cells, joined, are the module without its docstring."""
    joined = "\n".join(cell.text for cell in notebook_of_module(Passage("demo.py", STARTER)) if cell.kind == "code")
    assert ast.dump(ast.parse(joined)) == ast.dump(ast.Module(ast.parse(STARTER).body[1:], []))


def test_reference_notebook_is_cut_cell_by_cell(course: Assignment, solutions: Path) -> None:
    """Markdown and magics stay; outputs, counts and metadata go."""
    add_notebook(
        solutions,
        ("markdown", "## Plan"),
        ("code", "%matplotlib inline\nimport numpy as np"),
        ("code", f"{START}\nunits = 4711\nmodel = units\n{END}\n"),
        ("code", "%%bash\nls"),
        ("code", "print(model)"),
    )
    made = json.loads(make_starters(course, solutions)["demo.ipynb"])

    assert ["".join(cell["source"]) for cell in made["cells"]] == [
        "# Demo\n\nLearn a line.",
        "## Plan",
        "%matplotlib inline\nimport numpy as np",
        f"{START}\nmodel = None\n{END}\n",
        "%%bash\nls",
        "print(model)",
    ]
    assert all(cell["metadata"] == {} and not cell.get("outputs") for cell in made["cells"])
    assert all(cell["execution_count"] is None for cell in made["cells"] if cell["cell_type"] == "code")
    assert set(made["metadata"]) == {"kernelspec", "language_info"}


def test_a_cell_without_a_region_that_solves_the_task_is_refused(course: Assignment, solutions: Path) -> None:
    """A line that the module has in a region must not stand open in the notebook."""
    line = 'model = make_model(hidden_units, secret="relu")'
    add_notebook(solutions, ("code", f"{START}\nunits = 1\n{END}"), ("code", f"hidden_units = 3\n{line}"))
    assert "demo.ipynb, cell 2, line 2: students would get a line" in refusal(lambda: make_starters(course, solutions))


@pytest.mark.parametrize("text", ["[]", "{", '{"cells": [1]}', '{"cells": [{"cell_type": "code"}]}'])
def test_what_is_no_notebook_is_refused(text: str) -> None:
    """A file that is not a notebook of format 4 is a SetupError."""
    assert "demo.ipynb: expected a notebook of format 4" in refusal(lambda: read_notebook("demo.ipynb", text))


@pytest.mark.parametrize("with_notebook", [False, True])
def test_notebooks_are_valid(course: Assignment, solutions: Path, with_notebook: bool) -> None:
    """Both kinds follow the schema of notebooks, and written again they stay the same."""
    if with_notebook:
        add_notebook(solutions, ("markdown", "Hello"), ("code", f"{START}\nunits = 1\n{END}"))
    text = make_starters(course, solutions)["demo.ipynb"]

    nbformat.validate(json.loads(text))
    assert write_notebook(read_notebook("demo.ipynb", text)) == text


# ── files ──


def test_release_has_starters_handout_and_zip(course: Assignment, solutions: Path, tmp_path: Path) -> None:
    """Students get these files and no other; the zip holds the others, byte by byte."""
    files = make_release(course, solutions, "en")
    assert list(files) == ["demo.py", "demo.ipynb", "README.md", "demo-student.zip"]
    (tmp_path / "all.zip").write_bytes(files["demo-student.zip"])
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    assert held == {name: content for name, content in files.items() if name != "demo-student.zip"}
    assert files["demo.py"].decode() == STARTER


def test_release_is_the_same_each_time(course: Assignment, solutions: Path) -> None:
    """Equal sources make equal bytes."""
    assert make_release(course, solutions, "zh") == make_release(course, solutions, "zh")


def test_nothing_of_the_solution_is_in_any_file(course: Assignment, solutions: Path) -> None:
    """No secret word stands in any released file."""
    text = b"\n".join(make_release(course, solutions, "en").values())
    assert not [word for word in (b"hidden_units", b"512", b"relu", b"37", b"Stop", b"callbacks") if word in text]


def test_a_handout_that_quotes_the_solution_is_refused(course: Assignment, solutions: Path) -> None:
    """A long line of a region must not stand in the handout."""
    with (course.folder / "README.md").open("a") as handout:
        handout.write("\n    model = make_model( hidden_units, secret='relu' )\n")
    assert "README.md, line 5: students would get a line" in refusal(lambda: make_release(course, solutions, "en"))


def test_equal_starters_do_not_differ(course: Assignment, solutions: Path, tmp_path: Path) -> None:
    """What was generated is what is generated; ids of cells and order of keys do not matter."""
    starters = make_starters(course, solutions)
    other = json.loads(starters["demo.ipynb"])
    for number, cell in enumerate(other["cells"]):
        cell["id"] = f"other-{number}"
    (tmp_path / "demo.py").write_text(starters["demo.py"])
    (tmp_path / "demo.ipynb").write_text(json.dumps(dict(reversed(other.items()))))
    assert differences(starters, tmp_path) == []


def test_outputs_in_a_committed_notebook_differ(course: Assignment, solutions: Path, tmp_path: Path) -> None:
    """A starter that was run and saved is told."""
    starters = make_starters(course, solutions)
    (tmp_path / "demo.py").write_text(starters["demo.py"])
    (tmp_path / "demo.ipynb").write_text(starters["demo.ipynb"].replace("null", "3", 1))
    assert differences(starters, tmp_path) == [
        "starter/demo.ipynb: the cells are equal, but outputs, counts or metadata are not."
    ]


@pytest.mark.parametrize(("language", "title"), [("en", "# Demo"), ("zh", "# 示例")])
@pytest.mark.parametrize("with_notebook", [False, True])
def test_notebook_begins_with_the_handout(
    course: Assignment, solutions: Path, language: str, title: str, with_notebook: bool
) -> None:
    """The first cells of a released notebook are the handout in the language asked for, word by word."""
    if with_notebook:
        add_notebook(solutions, ("code", f"{START}\nunits = 1\n{END}"))
    files = make_release(course, solutions, language)
    handout = files[LANGUAGES[language]].decode()
    cells = [cell for cell in read_notebook("demo.ipynb", files["demo.ipynb"].decode()) if "handout" in cell.id]

    assert "\n\n".join(cell.text for cell in cells) == handout.strip()
    assert cells[0].text.startswith(title)
    assert {cell.kind for cell in cells} == {"markdown"}


def test_handout_has_a_cell_for_each_section() -> None:
    """A heading of level 2 begins a cell; one that stands in a block of code does not, nor do deeper ones."""
    text = "# A\n\nB\n\n## C\n\n````md\n```\n## no\n```\n````\n\n### D\n\n~~~\n## no\n~~~\n\n## E\n"
    cells = cells_of_handout(text)
    assert [cell.text.split("\n")[0] for cell in cells] == ["# A", "## C", "## E"]
    assert "\n\n".join(cell.text for cell in cells) == text.strip()
    assert len({cell.id for cell in cells}) == 3


def test_starters_hold_the_english_handout(course: Assignment, solutions: Path) -> None:
    """What is committed as the starter is what the English release has."""
    files = make_release(course, solutions, "en")
    assert make_starters(course, solutions) == {name: files[name].decode() for name in ("demo.py", "demo.ipynb")}


def test_what_the_handout_says_is_no_secret(course: Assignment, solutions: Path) -> None:
    """A hint may name what students read in the handout anyway."""
    reference = solutions / "demo/reference/demo.py"
    reference.write_text(REFERENCE.replace("#: Divide.", "#: Divide by 255."))
    assert "the hint gives away 255" in refusal(lambda: make_starters(course, solutions))

    with (course.folder / "README.md").open("a") as handout:
        handout.write("\nPixels go up to 255.\n")
    assert "#: Divide by 255." in make_starters(course, solutions)["demo.py"]


def test_a_long_hint_is_no_line_of_the_solution(course: Assignment, solutions: Path) -> None:
    """What the author writes as a hint is for students, however long it is."""
    reference = solutions / "demo/reference/demo.py"
    hint = "#: Bring what is there between nothing and all."
    reference.write_text(REFERENCE.replace("#: Divide.", hint))
    assert hint in make_starters(course, solutions)["demo.py"]


def test_a_hint_that_is_a_line_of_the_solution_is_refused(course: Assignment, solutions: Path) -> None:
    """Also when the handout says each word of it."""
    with (course.folder / "README.md").open("a") as handout:
        handout.write("\nTake 512 hidden_units for make_model, and relu as its secret.\n")
    line = 'model = make_model(hidden_units, secret="relu")'
    reference = solutions / "demo/reference/demo.py"
    reference.write_text(REFERENCE.replace("    hidden_units = 512\n", f"    #: {line}\n    hidden_units = 512\n"))
    assert "demo.py, line 22: students would get a line of" in refusal(lambda: make_starters(course, solutions))


def test_squeezed_lines_ignore_quotes_and_spaces() -> None:
    """A line is the same however it is spaced, quoted or commented out."""
    assert squeezed('#   f( "a",  b )') == squeezed("f('a', b),")


# ── the verb ──


@pytest.fixture
def run(course: Assignment, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    """Runs `grader release demo …` in the course's folder; gives exit code and output."""
    root = course.folder.parent.parent
    monkeypatch.chdir(root)
    monkeypatch.setenv("GRADER_ASSIGNMENTS", str(course.folder.parent))
    monkeypatch.setattr(sys, "argv", ["grader"])

    def command(*arguments: str) -> tuple[int, str]:
        with monkeypatch.context() as patch:
            text = StringIO()
            patch.setattr(app_module, "out", Console(file=text, width=200))
            result = CliRunner().invoke(app, ["release", "demo", *arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, text.getvalue()

    return command


@pytest.mark.parametrize(("language", "handout"), [("en", "README.md"), ("zh", "README.zh.md")])
def test_release_writes_the_files(
    run: Callable[..., tuple[int, str]], tmp_path: Path, language: str, handout: str
) -> None:
    """The verb writes four files into --output, the handout in the language asked for."""
    code, said = run("--output", "out", "--language", language)
    assert code == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "demo.py",
        "demo.ipynb",
        handout,
        "demo-student.zip",
    }
    assert handout in said


def test_release_goes_to_a_folder_of_its_own(run: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    """Without --output it is release/ID."""
    assert run()[0] == 0
    assert (tmp_path / "release" / "demo" / "demo.py").read_text() == STARTER


def test_an_unknown_language_is_refused(run: Callable[..., tuple[int, str]]) -> None:
    """--language takes what there are handouts for."""
    assert "--language fr: expected one of en, zh." in refusal(lambda: run("--language", "fr"))


def test_nothing_is_written_when_something_is_refused(run: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    """A release is whole or not there."""
    (tmp_path / "assignments/demo/README.md").unlink()
    assert "expected the handout, found none" in refusal(run)
    assert not (tmp_path / "release").exists()


def test_check_tells_missing_and_changed_starters(run: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    """--check ends with 1 and a short diff while they differ, and with 0 when they are equal; it writes nothing."""
    code, said = run("--check")
    assert (code, said) == (1, "starter/demo.py: there is none.\nstarter/demo.ipynb: there is none.\n")

    run("--output", "assignments/demo/starter")
    assert run("--check") == (0, "")

    changed = tmp_path / "assignments/demo/starter/demo.py"
    changed.write_text(STARTER.replace("model = None", "model = 3"))
    code, said = run("--check")
    assert code == 1
    assert "--- starter/demo.py\n+++ generated/demo.py\n" in said
    assert "-    model = 3\n+    model = None\n" in said


def test_check_tells_a_changed_handout(run: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    """The notebook holds the handout, so --check ends with 1 when only that has changed."""
    run("--output", "assignments/demo/starter")
    (tmp_path / "assignments/demo/README.md").write_text("# Demo\n\nLearn a curve.\n")
    code, said = run("--check")
    assert code == 1
    assert "-Learn a line.\n+Learn a curve.\n" in said
    assert "starter/demo.py" not in said


def test_a_long_difference_is_cut(run: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    """A diff says how much of it is not shown."""
    run("--output", "assignments/demo/starter")
    (tmp_path / "assignments/demo/starter/demo.py").write_text("\n" * 60)
    assert "lines more" in run("--check")[1]


# ── the course and its documents ──


def test_example_of_the_how_to_is_true() -> None:
    """The second block of the page is what becomes of the first."""
    page = (CHECKOUT / "docs/how-to/release-to-students.md").read_text("utf-8")
    source, expected = (block.split("```")[0] for block in page.split("```python\n")[1:3])
    assert starter(source) == expected


ASSIGNMENTS = sorted(
    (path.parent for path in CHECKOUT.glob("assignments/*/assignment.toml")), key=lambda path: path.name
)
SOLUTIONS = CHECKOUT / "solutions"
SHORTEST_LINE = 12
"""Characters, without spaces, of a line that could only come from the solution or from the grader's side."""
WORDS = re.compile(r"\\text\{[^}]*\}")
"""The parts of a formula that are translated."""
FORMULA = re.compile(r"\$\$.+?\$\$|\$[^$\n]+\$", re.DOTALL)

every_assignment = pytest.mark.parametrize("folder", ASSIGNMENTS, ids=lambda path: path.name)
every_language = pytest.mark.parametrize("language", sorted(LANGUAGES))


def references(name: str) -> list[list[Passage]]:
    """The passages of the reference module, and of the reference notebook if there is one."""
    found = [[Passage(path.name, path.read_text("utf-8"))] for path in SOLUTIONS.glob(f"{name}/reference/*.py")]
    for path in SOLUTIONS.glob(f"{name}/reference*/*.ipynb"):
        found.append(passages_of(path.name, read_notebook(path.name, path.read_text("utf-8"))))
    return found


def lines_of_the_solution(name: str) -> tuple[set[str], set[str]]:
    """(lines that regions hold, lines that students may read), squeezed; hints are among the latter."""
    inside: set[str] = set()
    outside: set[str] = set()
    for passages in references(name):
        for own in passages:
            regions = find_regions(own)
            hints = {row for region in regions for row, _ in region.hints}
            for row, line in enumerate(own.rows, start=1):
                hidden = row not in hints and any(region.start < row < region.end for region in regions)
                (inside if hidden else outside).add(squeezed(line))
    return inside, outside


def lines_of_the_grader(folder: Path) -> set[str]:
    """What stands in the bodies of functions and classes of the checks, the probe and the inputs, and all verdicts."""
    found: set[str] = set()
    for path in folder.glob("*.py"):
        text = path.read_text("utf-8")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found.update(text.split("\n")[node.body[0].lineno - 1 : node.end_lineno])
    for path in SOLUTIONS.glob(f"{folder.name}/*/expected.toml"):
        found.update(path.read_text("utf-8").split("\n"))
    return {squeezed(line) for line in found}


def lines_in_zip(archive: bytes) -> list[str]:
    """All lines that students can read, squeezed; a notebook by its cells."""
    lines: list[str] = []
    with zipfile.ZipFile(BytesIO(archive)) as files:
        for name in files.namelist():
            text = files.read(name).decode("utf-8")
            cells = [cell.text for cell in read_notebook(name, text)] if name.endswith(".ipynb") else [text]
            lines += [squeezed(line) for cell in cells for line in cell.split("\n")]
    return lines


def released(folder: Path, language: str) -> dict[str, bytes]:
    return make_release(load_assignment(folder), SOLUTIONS, language)


@every_assignment
def test_every_reference_has_regions(folder: Path) -> None:
    """The module is there, and it and the notebook say what students write."""
    sources = references(folder.name)
    assert sources
    assert all(any(find_regions(own) for own in passages) for passages in sources)


@every_assignment
def test_committed_starters_are_the_generated_ones(folder: Path) -> None:
    """Byte by byte, and no other file lies beside them."""
    starters = make_starters(load_assignment(folder), SOLUTIONS)
    committed = {path.name: path.read_bytes() for path in (folder / "starter").iterdir()}
    assert committed == {name: text.encode() for name, text in starters.items()}


@every_language
@every_assignment
def test_release_of_the_course_holds_nothing_of_the_solution(folder: Path, language: str) -> None:
    """No line that only regions have is in any file of the zip, alone or as a part of a line."""
    inside, outside = lines_of_the_solution(folder.name)
    secrets = {line for line in inside - outside if len(line) >= SHORTEST_LINE}
    lines = lines_in_zip(released(folder, language)[f"{folder.name}-student.zip"])
    assert secrets
    assert [secret for secret in secrets if any(secret in line for line in lines)] == []


@every_language
@every_assignment
def test_release_of_the_course_holds_nothing_of_the_grader(folder: Path, language: str) -> None:
    """No line of the checks, of the probe, of the inputs or of expected verdicts is in any file of the zip."""
    _, outside = lines_of_the_solution(folder.name)
    secrets = {line for line in lines_of_the_grader(folder) - outside if len(line) >= SHORTEST_LINE}
    lines = lines_in_zip(released(folder, language)[f"{folder.name}-student.zip"])
    assert secrets
    assert [secret for secret in secrets if any(secret in line for line in lines)] == []


@every_language
@every_assignment
def test_nothing_calls_itself_a_solution(folder: Path, language: str) -> None:
    """What was written for those who read the reference does not reach students."""
    lines = lines_in_zip(released(folder, language)[f"{folder.name}-student.zip"])
    assert [line for line in lines if "referencesolution" in line.lower()] == []


def formulas(text: str) -> list[str]:
    """The formulas of a handout, in order; dollar signs in code are none."""
    text = re.sub(r"^( *)```.*?^ *```$", "", text, flags=re.DOTALL | re.MULTILINE)
    return FORMULA.findall(re.sub(r"`[^`\n]+`", "", text))


@every_assignment
def test_handouts_of_all_languages_have_the_same_formulas(folder: Path) -> None:
    """A formula is neither forgotten nor mistyped in a translation."""
    texts = {name: (folder / name).read_text("utf-8") for name in LANGUAGES.values()}
    found = {name: {WORDS.sub("", formula) for formula in formulas(text)} for name, text in texts.items()}
    assert found == dict.fromkeys(found, found["README.md"])


@every_language
@every_assignment
def test_formulas_reach_the_page(folder: Path, language: str) -> None:
    """Made to HTML by nbconvert, a released notebook has each formula as it was written, for MathJax to set."""
    files = released(folder, language)
    made = nbformat.reads(files[f"{folder.name}.ipynb"].decode(), 4)  # type: ignore[no-untyped-call] # has no types
    page, _ = HTMLExporter().from_notebook_node(made)  # type: ignore[no-untyped-call] # has no types
    body = re.sub(r"<(code|pre)\b.*?</\1>", "", page[page.index("<body") :], flags=re.DOTALL)
    assert FORMULA.findall(html.unescape(body)) == formulas(files[LANGUAGES[language]].decode())
