"""Notebooks of nbgrader and otter become assignments: what is carried over, what is left, and that it is honest.

The translator is held against plain evaluation: for generated functions and assertions, asking inside the box and
judging outside must give what running the test cell beside the function gives.
"""

import ast
import contextlib
import json
import math
import sys
import tomllib
import types
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.cli import main, places
from grader.discovery import read_source
from grader.errors import SetupError
from grader.guest.values import Values
from grader.importing import Imported, import_notebook, needs_person, report_page, write_files
from grader.importing.asking import MOST_CALLS, tokens
from grader.importing.otter_questions import shares_of
from grader.importing.otter_source import with_regions
from grader.importing.plan import Graded, Part, Plan, SourceCell, identifier
from grader.importing.recorded import is_a
from grader.importing.settings import read_settings
from grader.importing.tokens import Opaque, Undecided, read_tokens
from grader.importing.write import make_files
from grader.judging import Evidence
from grader.judging.marks import PersonNeeded
from grader.model.assignment import load_assignment
from grader.model.observation import Call, Claimed, Ending, Measured, Observation
from grader.model.result import Result
from grader.model.submission import Submission
from grader.pipeline.grade import Grading
from grader.pipeline.settings import Settings
from grader.pipeline.watch import Silent
from grader.results.folder import ResultsFolder
from grader.wire.frames import Decoder, encode

Run = Callable[..., tuple[int, str]]
"""`grader import …`: its exit code, and all that was printed."""
FIXTURES = Path(__file__).parent / "importing"
NOTEBOOKS = ("nbgrader/column-means", "nbgrader/digits", "otter_source/hw", "otter_student/lab")


# ── a box in this process ──


class Channel:
    """What a guest sends, over real frames."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.arrays: list[Any] = []

    def ask(self, body: dict[str, Any], arrays: Any = ()) -> None:
        decoder = Decoder(json_bytes=2**24, array_bytes=2**28)
        for frame in decoder.feed(encode(body, arrays)):
            if frame.type == "called":
                self.calls.append(Call(**frame.body["call"]))
                self.arrays += frame.arrays


class Box:
    """Stands for `grader.guest.job.Student`, which needs TensorFlow: what a probe sees of a program."""

    def __init__(self, program: str, channel: Channel) -> None:
        self.namespace: dict[str, Any] = {}
        self.values = Values()
        self.channel = channel
        self.error = ""
        self.seconds: float | None = None
        exec(compile(program, "program", "exec"), self.namespace)  # noqa: S102 - the program of the test

    @property
    def keep_arrays(self) -> bool:
        return self.values.keep

    @keep_arrays.setter
    def keep_arrays(self, keep: bool) -> None:
        self.values.keep = keep

    def call_as(self, label: str, name: str, *args: Any, **keywords: Any) -> Any:
        function = self.namespace.get(name)
        record: dict[str, Any] = {"name": name, "label": label, "found": name in self.namespace}
        if not callable(function):
            return self.report(record, None)
        given = [item.copy() if isinstance(item, np.ndarray) else item for item in args]
        try:
            result = function(*given, **keywords)
            record["value"] = self.values.plain(result)
        except Exception as error:  # noqa: BLE001 - whatever student code raises is data
            return self.report({**record, "error": f"{type(error).__name__}: {error} (line 3)"}, None)
        return self.report(record, result)

    def value(self, label: str, name: str) -> Any:
        value = self.namespace.get(name)
        record: dict[str, Any] = {"name": name, "label": label, "found": name in self.namespace}
        if name not in self.namespace:
            return self.report({**record, "error": f"there is no {name}"}, None)
        return self.report({**record, "value": self.values.plain(value)}, value)

    def note(self, label: str, value: Any) -> None:
        self.report({"name": "note", "label": label, "found": True, "value": self.values.plain(value)}, None)

    def report(self, record: dict[str, Any], result: Any) -> Any:
        self.error = str(record.get("error", ""))
        self.channel.ask({"type": "called", "call": record}, self.values.take())
        return result


def make_student(program: str) -> tuple[Box, Channel]:
    channel = Channel()
    return Box(program, channel), channel


def run_text(text: str, name: str) -> dict[str, Any]:
    module = types.ModuleType(name)
    exec(compile(text, name, "exec"), module.__dict__)  # noqa: S102 - a generated file of the test
    return module.__dict__


def make_evidence(channel: Channel) -> Evidence:
    observation = Observation(
        student="ada",
        assignment="demo",
        submission_digest="",
        seed=1,
        measured=Measured(ending=Ending(kind="finished")),
        claimed=Claimed(calls=tuple(channel.calls)),
    )
    return Evidence(types.SimpleNamespace(), observation, arrays=tuple(channel.arrays))  # type: ignore[arg-type]


def imported_test(program: str, test: str, *, hidden: bool = False, later: str = "") -> Imported:
    """An assignment of one program and one test cell."""
    cells = [SourceCell("code", program, 1), SourceCell("code", later, 3)]
    plan = Plan("nbgrader", "Demo", [cell for cell in cells if cell.text])
    plan.tasks.append(Graded("checked", "It works.", 1.0, (Part(test, hidden),), 2))
    return make_files(plan, "demo", "demo.ipynb")


def judged(program: str, test: str, answer: str | None = None, *, hidden: bool = False) -> str:
    """What the imported test says of an answer: empty if it passes, else why not; `person: …` if it asks for one."""
    imported = imported_test(program, test, hidden=hidden)
    probe = run_text(imported.assignment["probe.py"], "probe")
    student, channel = make_student(program if answer is None else answer)
    probe["probe"](student, None)
    checks = run_text(imported.assignment["checks.py"], "checks")
    try:
        checks["checked"](make_evidence(channel))
    except PersonNeeded as why:
        return f"person: {why}"
    except AssertionError as why:
        return str(why) or "failed"
    return ""


def holds_plainly(program: str, test: str) -> bool:
    """Whether a test cell passes in the process of the program."""
    namespace: dict[str, Any] = {"np": np, "math": math}
    exec(program, namespace)  # noqa: S102 - plain evaluation is what the translation is held against
    try:
        exec(test, namespace)  # noqa: S102 - as above
    except Exception:  # noqa: BLE001 - any exception fails a test cell
        return False
    return True


def reasons(program: str, test: str, later: str = "") -> list[str]:
    return [reason for _, _, reason in imported_test(program, test, later=later).left]


# ── translating, then judging, is evaluating ──

VALUES = [
    "n", "n + 1", "-n", "float(n)", "[n]", "[n, n]", "(n, n)", "(n, [n])", "str(n)", "'ab' * n", "None", "n > 1",
    "{n: 1}", "{n, 1}", "np.array([n, 1])", "np.array([[n, 1.5]])", "np.float32(n)", "np.int64(n)", "np.bool_(n > 0)",
    "float('nan')", "float('inf')", "[float(n)] * 60", "list(range(60))", "range(n)", "10**40", "1j * n", "int(np.zeros(2).sum())",
    "1 / n", "n.missing", "[[n], []]", "{'a': [n], 'b': (n,)}", "np.zeros((0, 2))", "'x' * 3000", "frozenset({n})", "...",
]  # fmt: skip
TESTS = [
    "assert f({k}) == {literal}",
    "assert f({k}) != {literal}",
    "assert f({k}) == {literal} and f({j}) == {literal}",
    "assert not f({k})",
    "assert f({k})",
    "assert f({k}) > 0",
    "assert {j} <= f({k}) < 5",
    "assert isinstance(f({k}), {kind})",
    "assert type(f({k})) == {kind}",
    "assert type(f({k})) is {kind}",
    "assert len(f({k})) == 2",
    "assert f({k})[0] == {k}",
    "assert f({k})[-1] == {j}, 'the last one'",
    "assert np.allclose(f({k}), {literal})",
    "assert np.array_equal(f({k}), {literal})",
    "np.testing.assert_allclose(f({k}), {literal})",
    "assert abs(f({k}) - {j}) < 1e-6",
    "assert f({k}) is None",
    "assert f({k}) in [1, 2, (1, 1)]",
    "assert sorted(f({k})) == [{k}, {k}]",
    "assert f({k}).shape == (2,)",
    "assert f({k}).dtype == np.int64",
    "assert f({k}) + {j} == {literal}",
    "assert f(f({k})) == {j}",
    "result = f({k})\nassert result == {literal}\nassert f(result) != 7",
    "a, b = f({k})\nassert a == b",
    "for n in range({j}):\n    assert f(n) == n",
    "for n, want in [(1, 1), (2, 3)]:\n    assert f(n) == want",
    "cases = {{1: 1, 2: 2}}\nfor given, want in cases.items():\n    assert f(given) == want",
    "assert all(f(n) == n for n in range({j}))",
    "assert [f(n) for n in (1, 2)] == [1, 2]",
    "assert all(item == {k} for item in f({k}))",
    "for item in f({k}):\n    assert item == {k}",
    "def ref(n):\n    return n + 1\nfor n in range(3):\n    assert f(n) == ref(n)",
    "try:\n    f({k})\nexcept ZeroDivisionError:\n    pass\nelse:\n    raise AssertionError('no')",
    "try:\n    f({k})\n    assert False\nexcept (AttributeError, ArithmeticError):\n    pass",
    "assert x == {literal}",
    "assert x > f({k})",
    "assert f(x) == {literal}",
    "np.random.seed({k})\ndrawn = np.random.randint(0, 3)\nassert f(drawn) == drawn",
    "f({k})",
    "if {k} > 1:\n    assert f({k}) == {k}\nelse:\n    assert f({j}) == {j}",
    "total = 0\nfor n in range(3):\n    total += f(n)\nassert total == 3",
    "assert f(n={k}) == {literal}",
    "assert str(f({k})) == '{k}'",
    "assert (f({k}) if {j} > 0 else f({j})) == {k}",
]  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(
    value=st.sampled_from(VALUES),
    x=st.sampled_from(VALUES),
    test=st.sampled_from(TESTS),
    k=st.integers(0, 3),
    j=st.integers(0, 3),
    literal=st.sampled_from(VALUES[:16]),
    kind=st.sampled_from(["int", "float", "list", "tuple", "str", "bool", "dict", "np.ndarray", "(int, float)", "set"]),
)
@pytest.mark.filterwarnings("ignore")
def test_translating_then_judging_is_evaluating(
    value: str, x: str, test: str, k: int, j: int, literal: str, kind: str
) -> None:
    """For plain functions and assertions, the check passes exactly where the test cell passes."""
    program = f"import numpy as np\n\n\ndef f(n=1):\n    return {value}\n\n\nn = {k}\ntry:\n    x = {x}\nexcept Exception:\n    x = 0\n"
    text = test.format(
        k=k, j=j, literal=literal.replace("n", "1") if literal == "n" else _literal(literal, k), kind=kind
    )
    plain = holds_plainly(program, text)
    imported = imported_test(program, text)
    assert imported.left == []

    said = judged(program, text)

    if said.startswith("person: "):  # a range, or an array of objects, of which more is asked than its class
        assert "range(n)" in (value, x) or "numpy.ndarray" in said, said
    else:
        assert (said == "") is plain, said


def _literal(text: str, k: int) -> str:
    """An expression of n with a number in its place."""
    tree = ast.parse(text, mode="eval")
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == "n":
            node.id = str(k)
    return ast.unparse(tree)


# ── what cannot be carried over ──

SQUARE = "import numpy as np\n\n\ndef square(n):\n    return n * n\n\n\nnine = square(3)\n"


@pytest.mark.parametrize(
    ("test", "reason"),
    [
        ("import inspect\nassert 'return' in inspect.getsource(square)", "inspect.getsource is not at hand"),
        ("from unittest import mock\nwith mock.patch('numpy.sum') as spied:\n    square(1)", "`with`"),
        ("import matplotlib.pyplot as plt\nassert len(plt.gca().lines) == 1", "cannot be worked out"),
        ("assert square(np.random.rand()) == np.random.rand()", "cannot be drawn again"),
        ("assert unknown == 3", "defined neither in the program nor in this cell"),
        ("open('file').read()", "does something that grader does not know"),
        ("assert square(2) == (yield)", "cannot be worked out"),
        ("assert 2 ** square(2) == 16", "decides how much"),
        ("assert [0] * square(1) == [0]", "decides how much"),
        ("assert np.zeros(square(2)).sum() == 0", "more room"),
        ("try:\n    square('a')\n    assert False\nexcept Exception:\n    pass", "catches its own complaint"),
        ("while square(2) < 3:\n    pass", "`while`"),
        ("for item in square(2):\n    assert square(item)", "it comes from a loop outside the box"),
        ("answers = square(2)\nassert answers == 4", "which grader needs itself"),
        ("assert square(2) ==", "not Python"),
    ],
)
def test_what_cannot_be_carried_over_is_left_with_its_reason(test: str, reason: str) -> None:
    """Nothing is dropped: the statement goes to a person, with the reason and its text."""
    imported = imported_test(SQUARE, test)

    assert any(reason in why for _, _, why in imported.left), imported.left
    assert needs_person(imported)
    assert judged(SQUARE, test).startswith("person: ")
    assert 'checked = "skipped"' in imported.solutions["reference/expected.toml"]
    assert test.split("\n")[-1].strip("' ")[:12] in report_page(imported, "demo.ipynb").replace('"', "'")


def test_a_test_of_a_name_that_changes_later_is_left() -> None:
    """The box is asked at the end of the program, when the name has another value."""
    assert "another value later, in cell 3" in reasons(SQUARE, "assert nine == 9", later="nine = 4")[0]


def test_a_test_that_takes_a_function_away_leaves_all_below_it() -> None:
    """Nbgrader's way to see whether one function uses the other: the state that it makes cannot be made here."""
    program = SQUARE + "\n\ndef cube(n):\n    return n * square(n)\n"
    test = (
        "kept = square\ndel square\ntry:\n    cube(2)\nexcept NameError:\n    pass\nelse:\n    raise AssertionError()"
        "\nfinally:\n    square = kept"
    )

    assert judged(program, test).startswith("person: ")


def test_what_can_be_judged_is_judged_before_a_person_is_asked() -> None:
    """A wrong answer fails by the assertions that were carried over; only a right one waits for a person."""
    test = "assert square(2) == 4\nimport inspect\nassert inspect.isfunction(square)"

    assert judged(SQUARE, test).startswith("person: ")
    assert "square(2) == 4" in judged(SQUARE, test, "def square(n):\n    return n + n + 1\n")


def test_a_value_that_depends_on_a_training_is_left() -> None:
    """What a training gives is not known before it is carried out."""
    program = "def train(model, x):\n    return model.fit(x).history\n\n\nhistory = train(None, [])\n"

    assert "depends on a training" in reasons(program, "assert history['loss'][-1] < 1")[0]
    assert "depends on a training" in reasons(program, "assert train(1, 2)['loss'] == 3")[0]


def test_a_call_that_trained_asks_for_a_person() -> None:
    """Where only the run shows that a call trains, its value is no evidence."""
    checks = run_text(imported_test(SQUARE, "assert square(2) == 4").assignment["checks.py"], "checks")
    channel = Channel()
    channel.calls = [Call(name="square", label="checked/1.1", found=True, fits=(0,))]
    channel.calls.append(Call(name="note", label="checked/1.1 is", found=True, value=["int", "4"]))

    with pytest.raises(PersonNeeded, match="trains a network"):
        checks["checked"](make_evidence(channel))


# ── honesty of what is generated ──


def test_the_probe_holds_no_expected_values() -> None:
    """Student code can read the probe: expected values and reference implementations stay outside."""
    test = (
        "def reference(n):\n    return n * n + 777 - 777\n\n\n"
        "expected = [4321]\ncases = {2: 4123, 3: 9123}\n"
        "for given, want in [(1, 1234), (2, 4234)]:\n    assert square(given) == want\n"
        "for given, want in cases.items():\n    assert square(given) == want == reference(given)\n"
        "for given, want in zip([5, 6], [2555, 3666]):\n    assert square(given) == want\n"
        "assert [square(2)] == expected\n"
    )
    probe = imported_test(SQUARE, test).assignment["probe.py"]

    assert imported_test(SQUARE, test).left == []
    for secret in ("1234", "4234", "4123", "9123", "2555", "3666", "4321", "777", "reference"):
        assert secret not in probe


def test_loops_over_less_ask_the_same() -> None:
    """The half of a table that the probe keeps asks what the whole table asks."""
    test = "cases = {2: 4, 3: 9}\nfor given, want in cases.items():\n    assert square(given) == want"

    assert judged(SQUARE, test) == ""
    assert "with given = 3" in judged(SQUARE, test, "def square(n):\n    return 4\n")


def test_messages_of_hidden_tests_keep_the_inputs_to_themselves() -> None:
    """Neither a failure nor a request for a person tells what was tried."""
    wrong = "def square(n):\n    return 1 / 0\n"

    for test in (
        "assert square(123) == 5",
        "value = square(123)\nassert value == 5",
        "import os\nassert os.sep == square(123)",
    ):
        assert "123" in judged(SQUARE, test, wrong)
        assert "123" not in judged(SQUARE, test, wrong, hidden=True)


def test_more_calls_than_a_run_holds_ask_for_a_person() -> None:
    """The record of a run has an end; a test cell that passes it is not the student's fault."""
    test = f"for n in range({MOST_CALLS + 5}):\n    assert square(n) == n * n"

    assert "more than" in judged(SQUARE, test)
    assert judged(SQUARE, test).startswith("person: ")


def test_a_missing_name_is_told() -> None:
    """The message says what to define."""
    assert "There is no square" in judged(SQUARE, "assert square(2) == 4", "x = 1")
    assert "There is no nine" in judged(SQUARE, "assert nine == 9", "x = 1")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_generated_files_are_python_and_evaluate_no_text(name: str) -> None:
    """Probe and checks compile; the judging process neither executes nor evaluates a text."""
    files = import_notebook(FIXTURES / f"{name}.ipynb").assignment

    for file in ("probe.py", "checks.py"):
        called = {node.id for node in ast.walk(ast.parse(files[file])) if isinstance(node, ast.Name)}
        assert not called & {"exec", "eval", "compile", "__import__", "globals"}
    for module in ("recorded", "tokens"):
        tree = ast.parse((Path(make_files.__code__.co_filename).parent / f"{module}.py").read_text("utf-8"))
        assert not {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} & {"exec", "eval", "compile"}


# ── values from the box ──

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.complex_numbers(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=3)
    ),
    max_leaves=12,
)


def exact(value: Any) -> str:
    """A value in which equal is the same in type too, and NaN equals itself."""
    return repr(value) if not isinstance(value, dict) else repr(list(value.items()))


@given(PLAIN)
def test_plain_values_leave_the_box_as_they_are(value: Any) -> None:
    """Types and values survive, tuples and the keys of dictionaries included."""
    assert exact(read_tokens(tokens(value), lambda _: None)) == exact(value)


@given(st.recursive(st.none() | st.integers(-5, 500) | st.text(max_size=8) | st.booleans(), st.lists, max_leaves=20))
def test_tokens_of_a_hostile_box_are_refused_or_read(value: Any) -> None:
    """Whatever comes, there is a value, a refusal, or an honest `Undecided`."""
    with contextlib.suppress(ValueError, Undecided):
        read_tokens(value, lambda _: None)


@pytest.mark.parametrize(
    "value",
    [
        ["list", 10**9],
        ["list", -1],
        ["int", "9" * 5000],
        ["scalar", "O", "1"],
        ["array", "float64", 1, 3, 0],
        ["str", "x"],
        ["str", 2, "x"],
        ["texts", 1, 10**9, "str", 1, "x"],
        [],
    ],
)
def test_odd_tokens_are_refused(value: list[Any]) -> None:
    """No length, type or number of a box's own choosing is believed."""
    with pytest.raises(ValueError, match=r"."):
        read_tokens(value, lambda _: np.zeros(1))


def test_an_object_that_stays_in_the_box_is_known_by_its_classes() -> None:
    """`isinstance` goes by name; anything else about it is undecided, but that it equals no plain value."""

    class Own(dict[str, int]):
        pass

    own = read_tokens(tokens(Own()), lambda _: None)
    maker = read_tokens(tokens(iter([1])), lambda _: None)

    assert isinstance(own, Opaque)
    assert is_a(own, dict)
    assert not is_a(own, list)
    assert maker != [1]
    with pytest.raises(Undecided):
        assert own == {}
    with pytest.raises(Undecided):
        len(own)


# ── nbgrader's metadata ──


def write_notebook(folder: Path, cells: Sequence[tuple[str, str, Mapping[str, Any] | None]], **metadata: Any) -> Path:
    """A notebook of (kind, text, nbgrader's metadata)."""
    written = [
        {"cell_type": kind, "source": text, "metadata": {} if marks is None else {"nbgrader": marks}}
        for kind, text, marks in cells
    ]
    path = folder / "made.ipynb"
    path.write_text(json.dumps({"cells": written, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}))
    return path


ANSWER = ("code", "def f():\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION", None)


def marks(**changes: Any) -> dict[str, Any]:
    return {
        "schema_version": 3,
        "grade": True,
        "solution": False,
        "locked": True,
        "grade_id": "t",
        "points": 1,
        **changes,
    }


@pytest.mark.parametrize(
    ("kind", "text", "metadata", "message"),
    [
        ("code", "assert f()", marks(points=-1), "cell 2: expected points from 0, found -1"),
        ("code", "assert f()", marks(points="many"), "found 'many'"),
        ("code", "assert f()", marks(grade="yes"), "expected grade to be true or false, found 'yes'"),
        ("code", "assert f()", marks(grade_id=""), "expected a grade_id"),
        ("code", "assert f()", marks(schema_version=9), "expected schema_version 0 to 3, found 9"),
        ("code", "assert f()", "text", "as a table, found 'text'"),
        ("markdown", "words", marks(), "a Markdown cell cannot be tests"),
        ("code", "x = 1", marks(grade=False, locked=False, task=True), "expected a task in a Markdown cell"),
        ("code", "### BEGIN HIDDEN TESTS\nassert f()", marks(), "hidden tests have no end"),
        ("code", "### END HIDDEN TESTS\nassert f()", marks(), "did not begin"),
        ("code", "### BEGIN HIDDEN TESTS\n### END HIDDEN TESTS", None, "a cell that holds no tests"),
    ],
)
def test_malformed_metadata_are_named_with_their_cell(
    kind: str, text: str, metadata: Any, message: str, tmp_path: Path
) -> None:
    """The message says in which cell, what was expected and what was found."""
    path = write_notebook(tmp_path, [ANSWER, (kind, text, metadata)])

    with pytest.raises(SetupError, match=r"made\.ipynb, cell 2: ") as raised:
        import_notebook(path) if metadata is not None else import_notebook(
            write_notebook(tmp_path, [ANSWER, (kind, text, None), ("code", "assert f()", marks())])
        )
    assert message in str(raised.value)


def test_all_mistakes_are_told_together(tmp_path: Path) -> None:
    """Two malformed cells and a repeated id are one message."""
    cells = [ANSWER, ("code", "a", marks(points=-1)), ("code", "b", marks()), ("code", "c", marks())]

    with pytest.raises(SetupError, match=r"cell 2: .*cell 4: the grade_id 't' is that of cell 3 too"):
        import_notebook(write_notebook(tmp_path, cells))


@pytest.mark.parametrize(
    "metadata",
    [
        {"grade": True, "grade_id": "t", "points": "2"},
        {"schema_version": 1, "grade": True, "solution": False, "locked": False, "grade_id": "t", "points": 2},
        {"schema_version": 2, "grade": True, "solution": False, "locked": False, "grade_id": "t", "points": 2.0},
    ],
)
def test_older_schemas_are_read(metadata: dict[str, Any], tmp_path: Path) -> None:
    """Schemas before 3 say the same; the first one left out what was false."""
    imported = import_notebook(write_notebook(tmp_path, [ANSWER, ("code", "assert f() == 1", metadata)]))

    assert [(check.id, check.points) for check in imported.checks] == [("t", 2.0)]


def test_an_answer_without_a_region_becomes_one_whole(tmp_path: Path) -> None:
    """As nbgrader clears the whole cell, the starter has nothing of it."""
    answer = ("code", "def f():\n    return 1", marks(grade=False, solution=True, locked=False, grade_id="f"))
    imported = import_notebook(write_notebook(tmp_path, [answer, ("code", "assert f() == 1", marks())]))

    assert "### BEGIN SOLUTION\ndef f():\n    return 1\n### END SOLUTION" in imported.solutions["reference/made.py"]


def test_an_autotest_is_left(tmp_path: Path) -> None:
    """Its assertions exist only in the release."""
    imported = import_notebook(write_notebook(tmp_path, [ANSWER, ("code", "### AUTOTEST f()", marks())]))

    assert [text for _, text, _ in imported.left] == ["### AUTOTEST f()"]


def test_what_the_program_needs_of_a_test_cell_is_told(tmp_path: Path) -> None:
    """Without its test cells a program may miss a name."""
    cells = [ANSWER, ("code", "data = [1]\nassert f() == 1", marks()), ("code", "print(data)", None)]

    assert import_notebook(write_notebook(tmp_path, cells)).left == [
        (2, "data", "cell 3 of the program uses data, which only this test cell sets")
    ]


# ── otter's settings ──


@pytest.mark.parametrize(
    ("wanted", "given", "shares"),
    [
        (None, [None, None], [0.5, 0.5]),
        (3, [None, 2.0], [1.0, 2.0]),
        (None, [None, 2.0], [0.0, 2.0]),
        ({"each": 2}, [None, None], [2.0, 2.0]),
        ([1, 3], [None, None], [1.0, 3.0]),
        (2, [], []),
    ],
)
def test_points_of_cases_are_resolved_as_otter_does(
    wanted: Any, given: list[float | None], shares: list[float]
) -> None:
    """Points of a question go to the cases that have none of their own."""
    assert shares_of(wanted, given) == shares


def test_settings_are_read_and_never_guessed() -> None:
    """Numbers, truth, texts, lists and tables; a line that is none of these is named."""
    text = (
        "# BEGIN QUESTION\nname: q1 # first\npoints:\n    each: 0.5\nmanual: no\nfiles:\n- a.csv\nlist: [1, x]\nnone:\n"
    )

    assert read_settings(text) == {
        "name": "q1",
        "points": {"each": 0.5},
        "manual": False,
        "files": ["a.csv"],
        "list": [1, "x"],
        "none": None,
    }
    with pytest.raises(ValueError, match="line 2: expected `key: value`, found 'words'"):
        read_settings("name: q1\nwords")


def test_lines_marked_as_solution_become_regions() -> None:
    """Neighbouring lines share one region; a prompt is left out."""
    text = (
        'def f():\n    a = 1  # SOLUTION\n    return a # SOLUTION\nb = 2\n""" # BEGIN PROMPT\nc = ...\n""" # END PROMPT'
    )

    assert with_regions(text) == (
        "def f():\n    ### BEGIN SOLUTION\n    a = 1\n    return a\n    ### END SOLUTION\nb = 2",
        1,
    )


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["# BEGIN TESTS"], "cell 1: a tests begins outside of a question"),
        (["# BEGIN QUESTION\npoints: 1"], "cell 1: expected the name of a question"),
        (["# BEGIN QUESTION\nname: q", "# END TESTS"], "cell 2: a tests ends here, but the question is still open"),
        (["# BEGIN QUESTION\nname: q"], "the question has no end"),
        (["# BEGIN QUESTION\nname: q", "# BEGIN QUESTION\nname: p"], "cell 2: a question begins inside another"),
        (["# BEGIN QUESTION\nname q"], "cell 1: line 2: expected `key: value`, found 'name q'"),
    ],
)
def test_misplaced_blocks_of_otter_are_named_with_their_cell(cells: list[str], message: str, tmp_path: Path) -> None:
    """As in the metadata of nbgrader."""
    path = write_notebook(tmp_path, [*(("raw", text, None) for text in cells), ("code", "x = 1", None)])

    with pytest.raises(SetupError) as raised:
        import_notebook(path)
    assert message in str(raised.value)


def test_format_0_of_otter_is_refused_with_what_to_do(tmp_path: Path) -> None:
    """Its questions stand in Markdown."""
    path = write_notebook(tmp_path, [("markdown", "```\nBEGIN QUESTION\nname: q\n```", None), ("code", "x = 1", None)])

    with pytest.raises(SetupError, match=r"cell 1: .*format 0"):
        import_notebook(path)


# ── whole notebooks ──


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `grader import …` in an empty folder; gives the exit code and all that was printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def command(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["grader", "import", *arguments])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return command


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_an_imported_assignment_loads_and_has_everything(name: str, run: Run, tmp_path: Path) -> None:
    """Settings, probe, checks, handout, report, two references with verdicts, and two starters."""
    code, said = run(str(FIXTURES / f"{name}.ipynb"))
    chosen = identifier(name.split("/")[1])
    assignment = load_assignment(tmp_path / "assignments" / chosen)
    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}

    assert code == 1, said
    assert assignment.entry_points
    assert {f"assignments/{chosen}/{file}" for file in ("probe.py", "checks.py", "README.md", "IMPORT.md")} <= files
    assert {f"assignments/{chosen}/starter/{chosen}.{suffix}" for suffix in ("py", "ipynb")} <= files
    assert {f"solutions/{chosen}/reference/{file}" for file in (f"{chosen}.py", "expected.toml")} <= files
    assert {f"solutions/{chosen}/reference_notebook/{file}" for file in (f"{chosen}.ipynb", "expected.toml")} <= files


def points_of(name: str) -> dict[str, tuple[float, bool]]:
    return {check.id: (check.points, check.hidden) for check in import_notebook(FIXTURES / f"{name}.ipynb").checks}


def test_points_and_hidden_tests_of_nbgrader_are_kept() -> None:
    """A cell is a check with its points; of a cell with hidden tests the hidden check has them, and judges all."""
    assert points_of("nbgrader/column-means") == {
        "test_centred": (0.0, False),
        "test_centred_hidden": (2.0, True),
        "test_centred_refuses": (1.0, False),
        "test_squares": (1.5, False),
        "task_1_hidden": (0.5, True),
        "why": (3.0, False),
        "find_table": (2.0, False),
    }


def test_points_and_hidden_tests_of_otter_are_kept() -> None:
    """Each case is a check, since otter gives points case by case."""
    assert points_of("otter_source/hw") == {
        "q1_1": (1.0, False),
        "q1_2": (2.0, True),
        "q2_b_1": (0.5, False),
        "q2_b_2": (0.5, True),
        "q3": (2.0, False),
    }
    assert points_of("otter_student/lab") == {
        "q1_1": (1.0, False),
        "q1_2": (1.0, True),
        "q2_1": (0.0, False),
        "q2_2": (1.0, False),
    }


@pytest.mark.parametrize(
    ("name", "secrets"),
    [
        ("nbgrader/column-means", ["np.ndim", "number**2", "keeps the variance", "an example", "144", "assert"]),
        ("nbgrader/digits", ["Flatten", "softmax", "model.fit", "assert"]),
        ("otter_source/hw", ["number**2", "math.hypot", "Minus times minus", "assert", "otter"]),
    ],
)
def test_students_get_nothing_of_the_solution(name: str, secrets: list[str], run: Run, tmp_path: Path) -> None:
    """Neither starter nor handout has a line of the solution, a test, or a model answer."""
    run(str(FIXTURES / f"{name}.ipynb"))
    folder = tmp_path / "assignments" / identifier(name.split("/")[1])
    given = [folder / "README.md", *(folder / "starter").iterdir()]

    for path in given:
        for secret in secrets:
            assert secret not in path.read_text("utf-8"), path.name


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_report_has_every_cell(name: str) -> None:
    """Each cell of the source is in the table, with what it became."""
    imported = import_notebook(FIXTURES / f"{name}.ipynb")
    count = len(json.loads((FIXTURES / f"{name}.ipynb").read_text("utf-8"))["cells"])
    page = report_page(imported, "source.ipynb").split("## Checks")[0]

    assert {int(row.split("|")[1]) for row in page.splitlines() if row.startswith("| ") and row[2].isdigit()} == set(
        range(1, count + 1)
    )


def test_model_answers_and_mark_schemes_are_kept_for_the_teacher() -> None:
    """They stand in IMPORT.md, which no release takes along."""
    page = report_page(import_notebook(FIXTURES / "nbgrader/column-means.ipynb"), "source.ipynb")

    assert "keeps the variance" in page
    assert "Two points for an example." in page


def test_all_carried_over_is_code_0(run: Run, tmp_path: Path) -> None:
    """Nothing is left for a person."""
    path = write_notebook(tmp_path, [ANSWER, ("code", "assert f() == 1", marks())])

    code, said = run(str(path), "--id", "one", "--output", "here", "--solutions", "there")

    assert code == 0, said
    assert (tmp_path / "here/one/checks.py").is_file()
    assert (tmp_path / "there/one/reference/one.py").is_file()
    assert "1 checks, 1 point." in said


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("words", "expected a notebook of format 4"),
        ('{"cells": []}', "expected cells with code"),
        ('{"cells": [{"cell_type": "code", "source": "x = 1"}]}', "expected a notebook of nbgrader"),
        (
            '{"cells": [{"cell_type": "code", "source": "x"}], "metadata": {"kernelspec": {"language": "R"}}}',
            "one in R",
        ),
    ],
)
def test_an_unreadable_notebook_is_code_2(text: str, message: str, run: Run, tmp_path: Path) -> None:
    """The message says what was expected; nothing is written."""
    (tmp_path / "odd.ipynb").write_text(text)

    code, said = run("odd.ipynb")

    assert code == 2
    assert message in said
    assert [path.name for path in tmp_path.iterdir()] == ["odd.ipynb"]


def test_folders_that_hold_something_are_refused(run: Run, tmp_path: Path) -> None:
    """Neither an assignment nor its solutions are written over; an empty folder is fine."""
    path = write_notebook(tmp_path, [ANSWER, ("code", "assert f() == 1", marks())])
    (tmp_path / "assignments/made").mkdir(parents=True)
    assert run(str(path))[0] == 0

    code, said = run(str(path))

    assert code == 2
    assert "expected no such folder, or an empty one" in said


def test_an_id_that_is_no_name_is_refused(run: Run, tmp_path: Path) -> None:
    """With one that is."""
    path = write_notebook(tmp_path, [ANSWER, ("code", "assert f() == 1", marks())])

    code, said = run(str(path), "--id", "week-1")

    assert (code, "for example week_1" in said) == (2, True)


def test_a_region_that_no_starter_can_be_made_of_is_left(run: Run, tmp_path: Path) -> None:
    """The assignment is there all the same, and the report says which line to correct."""
    torn = (
        "code",
        "def f():\n    return (\n        ### BEGIN SOLUTION\n        1 +\n        ### END SOLUTION\n        2)",
        None,
    )
    path = write_notebook(tmp_path, [torn, ("code", "assert f() == 3", marks())])

    code, said = run(str(path))

    assert code == 1
    assert "the starter could not be made" in said
    assert load_assignment(tmp_path / "assignments/made").id == "made"


# ── in the sandbox ──

WRONG = {
    "nbgrader/column-means": {
        "wrong_axis": ("axis=0)", "axis=1).reshape(-1, 1)", {"test_centred", "test_centred_hidden"}),
        "does_not_raise": ("raise ValueError", "print", {"test_centred_refuses"}),
        "one_too_few": ("count + 1)", "count)", {"test_squares", "task_1_hidden"}),
        "a_tuple": ("return [number**2 for number in range(1, count + 1)]", "return tuple(n**2 for n in range(1, count + 1))", {"test_squares", "task_1_hidden"}),
        "smallest": ("max(squares", "min(squares", {"task_1_hidden"}),
    },
    "nbgrader/digits": {"nine_classes": ("Dense(10", "Dense(9", {"test_model"})},
    "otter_source/hw": {
        "cube": ("number**2", "number**3", {"q1_1", "q1_2"}),
        "ten": ("square(3)", "10", {"q1_2"}),
        "sum_of_sides": ("math.hypot(a, b)", "a + b", {"q2_b_1", "q2_b_2"}),
    },
    "otter_student/lab": {"unwritten": ("", "", {"q1_1", "q1_2", "q2_1", "q2_2"})},
}  # fmt: skip
SOLVED = {"otter_student/lab": {"number = ...": "number = 2 * number", "letters = ...": "letters = sorted('grade')"}}


@pytest.mark.sandbox
@pytest.mark.timeout(600)
def test_the_probe_reads_what_the_program_has_left_under_a_name(tmp_path: Path) -> None:
    """A value; why a name has none, if its statement failed; that there is no such name."""
    plan = Plan("nbgrader", "Names", [SourceCell("code", "x = (1, 2)\ny = 3\nz = 4\n", 1)])
    for name, value in (("x", "(1, 2)"), ("y", "3"), ("z", "4")):
        plan.tasks.append(Graded(f"{name}_is_right", "It is right.", 1.0, (Part(f"assert {name} == {value}"),), 2))
    imported = make_files(plan, "names", "names.ipynb")

    result = grade_texts(imported, {"ada/names.py": "x = (1, 2)\ny = 1 / 0\n"}, tmp_path)["ada"]
    said = {verdict.id: verdict.message for verdict in result.checks}

    assert said["x_is_right"] == ""
    assert "There is no y." in said["y_is_right"]
    assert "y has no value because line 2 failed (ZeroDivisionError" in said["y_is_right"]
    assert said["z_is_right"] == "There is no z. Define it under exactly this name."


def grade(name: str, folder: Path) -> tuple[Imported, dict[str, Result]]:
    """The imported references, the starter, and the wrong answers, each under its name."""
    imported = import_notebook(FIXTURES / f"{name}.ipynb")
    module = imported.solutions[f"reference/{imported.id}.py"]
    notebook = imported.solutions[f"reference_notebook/{imported.id}.ipynb"]
    hand_ins = {}
    for wrong, (old, new, _) in WRONG[name].items():
        assert old in module
        hand_ins[f"{wrong}/{imported.id}.py"] = module.replace(old, new, 1)
    for old, new in SOLVED.get(name, {}).items():
        module, notebook = module.replace(old, new), notebook.replace(old, new)
    hand_ins |= {f"reference/{imported.id}.py": module, f"notebook/{imported.id}.ipynb": notebook}
    return imported, grade_texts(imported, hand_ins, folder)


def grade_texts(imported: Imported, hand_ins: dict[str, str], folder: Path) -> dict[str, Result]:
    """The results of hand-ins, given as text by path, under the names of their folders."""
    write_files(folder / imported.id, imported.assignment)
    write_files(folder / "hand-ins", hand_ins)
    found = [
        Submission(student=path.split("/")[0], path=path, digest="", source=read_source(folder / "hand-ins" / path))
        for path in hand_ins
    ]
    chosen = Settings(places.datasets(), store=None, jobs=2)
    grading = Grading(load_assignment(folder / imported.id), chosen, ResultsFolder(folder / "r"), Silent())
    return {result.student: result for result in grading.run(found)}


@pytest.mark.sandbox
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_reference_gets_all_and_wrong_answers_lose_their_cells(name: str, tmp_path: Path) -> None:
    """In the real sandbox every automatic point goes to the reference; a wrong answer loses those of its test cells."""
    imported, results = grade(name, tmp_path)
    wanted = tomllib.loads(imported.solutions["reference/expected.toml"])["verdicts"]

    for reference in ("reference", "notebook"):
        said = {verdict.id: verdict.message for verdict in results[reference].checks}
        assert {verdict.id: verdict.status for verdict in results[reference].checks} == wanted, said
        assert results[reference].score == sum(check.points for check in imported.checks if not check.for_person)
        assert results[reference].needs_review is any(check.for_person for check in imported.checks)
    for wrong, (_, _, lost) in WRONG[name].items():
        failed = {verdict.id for verdict in results[wrong].checks if verdict.status == "failed"}
        assert failed == lost, {verdict.id: verdict.message for verdict in results[wrong].checks}


def test_the_verb_has_help_with_an_example(run: Run) -> None:
    """As every verb."""
    code, said = run("--help")

    assert code == 0
    assert "Example: grader import" in said
