"""A hand-in runs statement by statement: what fails is noted and passed over, and nothing runs on stale values."""

import ast
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from IPython.core.inputtransformer2 import TransformerManager

from grader.guest.program import Program, lenient_chunks, try_parse
from grader.wire.channel import ChannelBroken

TRANSFORM: Callable[[str], str] = TransformerManager().transform_cell  # type: ignore[no-untyped-call]


@pytest.fixture(autouse=True)
def own_main(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program takes the name `__main__`; give it back to pytest afterwards."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


def run(*cells: str, notebook: bool = True) -> Program:
    """The program of these cells, after it ran."""
    program = Program("homework.ipynb" if notebook else "homework.py", notebook, TRANSFORM)
    program.run(program.load(list(enumerate(cells, 1))))
    return program


def values(program: Program) -> dict[str, Any]:
    """The names that the student's code has bound."""
    return {name: value for name, value in program.namespace.items() if name != "get_ipython" and name[:2] != "__"}


def places(program: Program) -> list[str]:
    """Where each note points to."""
    return [note["where"] for note in program.notes]


def kinds(program: Program) -> list[str]:
    """What each note is about."""
    return [note["kind"] for note in program.notes]


# ── statements that fail ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_failing_statement_is_noted_and_passed_over() -> None:
    """What stands before and after a failing statement runs, and the note says where it is and why it failed."""
    program = run("before = 1\nbroken = 1 / 0\nafter = 2")
    assert values(program) == {"before": 1, "after": 2}
    assert kinds(program) == ["failed_statement"]
    assert places(program) == ["cell 1, line 2"]
    assert "ZeroDivisionError: division by zero (cell 1, line 2)" in program.notes[0]["text"]


def test_statements_on_one_line_stand_alone() -> None:
    """A statement behind a semicolon is a statement of its own."""
    assert values(run("x = 1; y = 1 / 0; z = 2")) == {"x": 1, "z": 2}


@pytest.mark.parametrize("line", ["import no_such_module_here, json", "from json import dumps, no_such_name_here"])
def test_imports_are_split_by_name(line: str) -> None:
    """One module that is missing does not take the others of its line with it."""
    program = run(line)
    assert len(values(program)) == 1
    assert len(program.notes) == 1
    assert "no_such" in program.notes[0]["text"]


@pytest.mark.parametrize(
    "line",
    [
        "x = 1 / 0",
        "x, other = 1, 2, 3",
        "x += 1 / 0",
        "import no_such_module_here as x",
        "for x in 1 / 0: pass",
        "with 1 / 0 as x: pass",
        "(x := 1 / 0)",
        "@undefined\ndef x(): pass",
        "class x(undefined): pass",
    ],
)
def test_a_failing_statement_leaves_no_stale_value(line: str) -> None:
    """Every name that a failing statement would have bound is unbound, also if it was bound before."""
    program = run("x = 'stale'", line, "y = x")
    assert "x" not in values(program)
    assert "y" not in values(program)


def test_a_name_error_is_explained_as_a_consequence() -> None:
    """A later NameError names the first place where things went wrong."""
    program = run("import no_such_module_here as cv2", "y = 1", "z = cv2.imread('a.png')")
    text = program.notes[-1]["text"]
    assert "NameError: name 'cv2' is not defined (cell 3, line 1)" in text
    assert "cv2 has no value because cell 1, line 1 failed (ModuleNotFoundError" in text


def test_a_name_error_inside_a_function_is_explained_too() -> None:
    """The consequence is named at the line inside the function, and so is the cause."""
    program = run("size = 1 / 0", "def area():\n    return size * size", "area()")
    text = program.notes[-1]["text"]
    assert "(cell 2, line 2)" in text
    assert "size has no value because cell 1, line 1 failed" in text


def test_an_ordinary_name_error_has_no_cause() -> None:
    """A name that was never bound is reported as such."""
    assert "because" not in run("print(never_bound)").notes[0]["text"]


def test_rebinding_heals() -> None:
    """A name that is bound again has its value, and is no longer called lost."""
    program = run("x = 1 / 0", "x = 5", "y = x", "del x", "z = x")
    assert values(program) == {"y": 5}
    assert "because" not in program.notes[-1]["text"]


def test_the_last_definition_counts() -> None:
    """Of two definitions of one function the later one is there at the end."""
    program = run("def train():\n    return 1", "x = 0", "def train():\n    return 2")
    assert program.namespace["train"]() == 2


def test_a_definition_may_stand_in_a_later_cell_than_its_use() -> None:
    """The call fails and is noted; the function is there all the same when the probe asks for it."""
    program = run("train()", "def train():\n    return 2")
    assert places(program) == ["cell 1, line 1"]
    assert program.namespace["train"]() == 2


def test_a_note_is_written_once() -> None:
    """The same failure at the same place, in a loop or from two callers, is one note."""
    program = Program("homework.py", False, TRANSFORM)
    for _ in range(3):
        program.note("old_name", "line 1", "the same")
    assert len(program.notes) == 1


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("import sys\nsys.exit()", "the code called exit (no message)"),
        ("import sys\nsys.exit(3)", "the code called exit (3)"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("raise GeneratorExit('gone')", "GeneratorExit: gone"),
        (
            "class Mute(Exception):\n    def __str__(self): raise ValueError\nraise Mute()",
            "Mute: (no readable message)",
        ),
        ("raise ValueError('first\\nsecond')", "ValueError: first (cell"),
    ],
)
def test_whatever_a_statement_raises_is_data(line: str, words: str) -> None:
    """Exits, interrupts and exceptions that cannot be printed are noted like any other, and the next cell runs."""
    program = run(line, "after = 1")
    assert words in program.notes[0]["text"]
    assert program.namespace["after"] == 1


@pytest.mark.parametrize(
    "definition",
    [
        "class Rude(Exception):\n    def __str__(self): raise SystemExit(1)",
        "class Rude(Exception):\n    def __str__(self): raise GeneratorExit",
        "class Rude(NameError):\n    @property\n    def name(self): raise ValueError",
        "class Rude(NameError):\n    name = property(lambda self: type('N', (), {'__str__': lambda self: 1 / 0})())",
    ],
)
def test_an_exception_that_misbehaves_when_looked_at_is_data(definition: str) -> None:
    """An exception whose message or name raises in turn, whatever it raises, stops nothing."""
    program = run(f"{definition}\nraise Rude('x')", "after = 1")
    assert places(program) == [f"cell 1, line {definition.count(chr(10)) + 2}"]
    assert program.namespace["after"] == 1


@pytest.mark.parametrize("error", [MemoryError, ChannelBroken])
def test_what_ends_the_guest_passes_through(error: type[BaseException]) -> None:
    """Exhausted memory and a broken channel are no statement's failure: they end the run."""
    program = Program("homework.py", False, TRANSFORM)
    program.namespace["error"] = error
    with pytest.raises(error):
        program.run(program.load([(1, "raise error\nafter = 1")]))
    assert "after" not in values(program)


# ── notebooks: magics, shell lines, input ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("%matplotlib inline", "%matplotlib"),
        ("!pip install tensorflow", "shell command"),
        ("files = !ls", "shell command"),
        ("?print", "%pinfo"),
        ("print?", "%pinfo"),
        ("print??", "%pinfo2"),
        ("%cd drive/My Drive", "%cd"),
        ("home = %env HOME", "%env"),
        ("%tensorflow_version 2.x", "%tensorflow_version"),
    ],
)
def test_commands_are_dropped_and_noted(line: str, words: str) -> None:
    """A magic or shell command is left out, said so at its place, and what stands beside it runs."""
    program = run(f"before = 1\n{line}\nafter = 2")
    assert values(program) == {"before": 1, "after": 2}
    assert kinds(program) == ["dropped_magic"]
    assert places(program) == ["cell 1, line 2"]
    assert words in program.notes[0]["text"]


def test_a_name_from_a_command_is_lost() -> None:
    """What a shell command would have bound is missing, and a later NameError says why."""
    program = run("files = !ls", "first = files[0]")
    assert "files has no value because cell 1, line 1 failed" in program.notes[-1]["text"]


@pytest.mark.parametrize("line", ["x = !ls", "x = %env HOME", "x = %time 2"])
def test_a_command_leaves_no_stale_value(line: str) -> None:
    """A name that a command would have bound has no value from before, unless the command's body gives it a new one."""
    program = run("x = 'stale'", line, "y = x")
    assert values(program).get("x") in (None, 2)
    assert values(program).get("y") in (None, 2)


@pytest.mark.parametrize("name", ["javascript", "bash", "html", "sh", "writefile x.py", "latex", "R"])
def test_cells_in_another_language_are_dropped(name: str) -> None:
    """Nothing of such a cell runs, not even what would be Python, and the rest of the notebook does."""
    program = run("before = 1", f"%%{name}\nwindow = 5", "after = 2")
    assert values(program) == {"before": 1, "after": 2}
    assert kinds(program) == ["dropped_magic"]
    assert f"%%{name.split()[0]}" in program.notes[0]["text"]


@pytest.mark.parametrize(
    "cell",
    [
        "%%time\nruns.append(1)",
        "%%timeit\nruns.append(1)",
        "%%timeit -n 5\nruns.append(1)",
        "%%timeit -n 5 -r 3\nruns.append(1)",
        "%%capture\nruns.append(1)",
        "%%capture out\nruns.append(1)",
        "%%capture --no-stderr out\nruns.append(1)",
        "%%prun\nruns.append(1)",
        "%time runs.append(1)",
        "%timeit runs.append(1)",
        "%timeit -n 5 runs.append(1)",
        "%timeit -n5 -r 3 runs.append(1)",
    ],
)
def test_timing_and_capture_keep_their_body_run_once(cell: str) -> None:
    """Magics around code are left out and the code itself runs, once."""
    program = run("runs = []", cell)
    assert program.namespace["runs"] == [1]
    assert program.notes == []


def test_a_timed_assignment_binds() -> None:
    """`%time x = …` binds x, as in a notebook."""
    assert values(run("%time x = 3\ny = x")) == {"x": 3, "y": 3}


def test_a_timed_training_may_fail_at_its_place() -> None:
    """A failure inside a timed cell is named by the line where it stands in the notebook."""
    assert places(run("%%time\nx = 1\ny = 1 / 0")) == ["cell 1, line 3"]
    assert places(run("x = 1\n%time y = 1 / 0")) == ["cell 1, line 2"]


def test_blank_lines_behind_a_cell_magic_keep_line_numbers_right() -> None:
    """A body that begins with blank lines still fails at its own line."""
    assert places(run("%%time\n\n\nx = 1 / 0")) == ["cell 1, line 4"]


def test_an_indented_body_of_a_cell_magic_runs() -> None:
    """IPython accepts an indented cell, also behind a timing magic."""
    assert values(run("%%time\n    x = 1\n    y = 2")) == {"x": 1, "y": 2}


def test_a_bare_input_is_left_out() -> None:
    """`input()` that only waits for a key is dropped and noted; the program does not wait."""
    program = run("input()\ninput('Press a key')\nx = 1")
    assert kinds(program) == ["dropped_input", "dropped_input"]
    assert places(program) == ["cell 1, line 1", "cell 1, line 2"]
    assert values(program) == {"x": 1}


# ── places ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_places_are_named_as_the_student_would() -> None:
    """`cell 3, line 2` in a notebook, `line 2` in a module."""
    assert places(run("", "", "x = 1\n1 / 0")) == ["cell 3, line 2"]
    assert places(run("x = 1\n1 / 0", notebook=False)) == ["line 2"]


@pytest.mark.parametrize("lead", ["\n", "\n\n\n", "# a comment\n", "#\n\n"])
def test_leading_lines_keep_line_numbers_right(lead: str) -> None:
    """Empty lines and comments before the first statement count."""
    assert places(run(f"{lead}1 / 0")) == [f"cell 1, line {lead.count(chr(10)) + 1}"]


@pytest.mark.parametrize("lead", ["  \n", "\n   \n", "\t\n\n"])
def test_leading_lines_of_blanks_keep_line_numbers_right(lead: str) -> None:
    """Lines that hold only blanks count too."""
    assert places(run(f"{lead}1 / 0")) == [f"cell 1, line {lead.count(chr(10)) + 1}"]


def test_line_numbers_stay_right_behind_an_unreadable_piece() -> None:
    """In a cell that is read in pieces, each failure keeps its own line."""
    program = run("\n\nx = 1\nnot python at all\n\n1 / 0\n%matplotlib inline")
    assert sorted(zip(places(program), kinds(program), strict=True)) == [
        ("cell 1, line 4", "syntax_error"),
        ("cell 1, line 6", "failed_statement"),
        ("cell 1, line 7", "dropped_magic"),
    ]


def test_indented_cells_run() -> None:
    """IPython accepts a cell that is indented as a whole, and so do we."""
    program = run("    x = 1\n    y = 2\n    1 / 0")
    assert values(program) == {"x": 1, "y": 2}
    assert places(program) == ["cell 1, line 3"]


def test_pasted_prompts_run() -> None:
    """Code that was pasted with its prompts is read without them."""
    assert values(run(">>> x = 1\n>>> y = 2")) == {"x": 1, "y": 2}


# ── syntax errors ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_syntax_error_costs_only_its_own_piece() -> None:
    """What stands before and behind it in the same cell runs, and so do the other cells."""
    program = run("a = 1", "b = 2\nc = = 3\nd = 4", "e = 5")
    assert values(program) == {"a": 1, "b": 2, "d": 4, "e": 5}
    assert kinds(program) == ["syntax_error"]
    assert places(program) == ["cell 2, line 2"]


def test_a_syntax_error_inside_a_function_is_named_by_its_line() -> None:
    """The function is lost; the note points into it."""
    program = run("x = 1\ndef train():\n    a = 1\n    return = a\ny = 2")
    assert values(program) == {"x": 1, "y": 2}
    assert places(program) == ["cell 1, line 4"]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("@staticmethod\ndef f():\n    return 1\nx = f()", 1),
        ("@staticmethod\n\n# why\ndef f():\n    return 1\nx = f()", 1),
        ("s = '''\nzero\n  indented\nlast'''\nx = len(s.split())", 3),
        ("if 0:\n    x = 1\nelif 0:\n    x = 2\nelse:\n    x = 3", 3),
        ("try:\n    1 / 0\nexcept ZeroDivisionError:\n    x = 4\nfinally:\n    pass", 4),
        ("values = [\n    1,\n    2,\n]\nx = len(values)", 2),
        ("values = (1 +\n2\n)\nx = values", 3),
        ("x = 1 + \\\n2", 3),
        ("def f():\n    '''Docstring.\n\nAt the margin.\n'''\n    return 5\nx = f()", 5),
        ("%time y = 7\nx = y", 7),
        ("for i in range(3):\n    x = i\n# comment at the margin\n    x = x + 1", 3),
    ],
)
def test_whole_statements_survive_beside_an_unreadable_line(code: str, expected: int) -> None:
    """Decorators, strings over several lines, `else` and brackets stay with their statement."""
    for cell in (f"not python at all\n{code}", f"{code}\nnot python at all"):
        program = run(cell)
        assert program.namespace.get("x") == expected, cell
        assert kinds(program) == ["syntax_error"]


def test_code_that_is_only_garbage_is_not_readable() -> None:
    """`readable` is False where no statement could be parsed, and True where one could."""
    assert not run("not python at all", "nor this one").readable
    assert run("not python at all", "x = 1").readable


def test_a_python_2_print_costs_only_its_line() -> None:
    """`print 'x'` is noted, the rest runs."""
    program = run("print 'hello'\nx = 1")
    assert values(program) == {"x": 1}
    assert places(program) == ["cell 1, line 1"]


def test_what_only_the_compiler_refuses_is_noted() -> None:
    """`return` outside of a function parses and does not compile: it is passed over like any failing statement."""
    program = run("x = 1\nreturn x\ny = 2")
    assert values(program) == {"x": 1, "y": 2}
    assert kinds(program) == ["failed_statement"]


@pytest.mark.parametrize("text", ["x = " + "(" * 500, "x = " + "-" * 100_000 + "1", "\0", "x = '\\", "\x0c", ""])
def test_hostile_text_is_data(text: str) -> None:
    """Deep nesting, null bytes and open strings are notes, never an error of ours."""
    assert "x" not in values(run(text))


STATEMENTS = [
    "import json",
    "a = 1",
    "a += 1",
    "b = [\n    1,\n    2,\n]",
    "def f(x):\n    return x\n",
    "def g():\n    '''Text.\n\n    More.\n    '''\n    if 1:\n        return 1\n\n    return 2",
    "class C:\n    def m(self):\n        pass\n\n    n = 1",
    "@staticmethod\ndef h():\n    pass",
    "if a:\n    pass\nelse:\n    pass",
    "try:\n    pass\nexcept ValueError:\n    pass\nfinally:\n    pass",
    "for i in range(3):\n    pass\nelse:\n    pass",
    "while 0:\n    pass",
    "with open('x') as o:\n    pass",
    "print('x')",
    "d = {'k': (1,\n     2)}",
    "%matplotlib inline",
    "!ls",
    "# a comment",
    "",
]
SIMPLE = ["import json", "a = 1", "b = [\n    1,\n    2,\n]", "print('x')", "%matplotlib inline", "!ls", "# a comment"]
MARGIN = ["not python at all", "x = = 1", "print 'x'", "def (:", "$", "1 2", "return return", "import", "5 = y"]
INSIDE = ["  import os", "    y = 1", ")", "]", "else:", "  )", "][", "except ValueError:", "   not python"]


def kept(text: str) -> list[str]:
    """The statements that lenient parsing finds, in words."""
    return [
        ast.dump(statement)
        for _, chunk in lenient_chunks(text, TRANSFORM)
        if isinstance(chunk, ast.Module)
        for statement in chunk.body
    ]


def of(statement: str) -> list[str]:
    """A statement in words, by itself."""
    parsed = try_parse(statement, TRANSFORM)
    assert isinstance(parsed, ast.Module)
    return [ast.dump(part) for part in parsed.body]


@given(st.lists(st.sampled_from(STATEMENTS), max_size=8), st.sampled_from(MARGIN), st.integers(0, 8))
def test_no_statement_is_lost_beside_garbage(statements: list[str], garbage: str, at: int) -> None:
    """A module of valid statements with one garbage line among them keeps every statement, in order."""
    at = min(at, len(statements))
    text = "\n".join([*statements[:at], garbage, *statements[at:]])
    assert kept(text) == [part for statement in statements for part in of(statement)]


@given(st.lists(st.sampled_from(SIMPLE), max_size=5), st.sampled_from(INSIDE), st.integers(0, 5))
@example(["import json", "a = 1"], "  import os", 1)
def test_no_statement_is_lost_beside_a_line_that_seems_to_continue_it(
    statements: list[str], garbage: str, at: int
) -> None:
    """A stray indented line, bracket or `else:` costs itself and not the statement above it."""
    at = min(at, len(statements))
    found = kept("\n".join([*statements[:at], garbage, *statements[at:]]))
    wanted = [part for statement in statements for part in of(statement)]
    assert [part for part in found if part in wanted] == wanted


@pytest.mark.filterwarnings("ignore:.*make_tokens_by_line:UserWarning")  # IPython, about odd line ends
@given(st.text() | st.text("ab =():[]{}'\"\n\t\\#@%!?el:dfiforx", max_size=60))
def test_lenient_parsing_never_raises(text: str) -> None:
    """Whatever stands in a cell, parsing gives trees and errors with places inside the cell."""
    for before, chunk in lenient_chunks(text, TRANSFORM):
        assert isinstance(chunk, ast.Module | SyntaxError)
        assert 0 <= before <= text.count("\n")


@pytest.mark.parametrize(
    ("text", "supplied"),
    [
        ("def f():\n    return np.zeros(2)\n", {"np"}),
        ("import numpy as np\ndef f():\n    return np.zeros(2)\n", set()),
        ("def f(np):\n    return np.zeros(2)\n", set()),
        ("import numpy\nx = tf.zeros(2)\n", {"tf"}),
        ("try:\n    import numpy as np\nexcept ImportError:\n    np = None\nnp.zeros(2)\n", set()),
        ("x = 1\n", set()),
        ("from pylab import *\nplot = np.zeros(2), plt\n", set()),
        ("def np(x):\n    return x\nnp(1)\n", set()),
        ("class tf:\n    pass\ntf()\n", set()),
        ("try:\n    pass\nexcept ValueError as np:\n    print(np)\n", set()),
    ],
    ids=["used", "imported", "argument", "another", "in a try", "unused", "star", "function", "class", "exception"],
)
def test_usual_imports_that_are_missing_are_supplied(text: str, supplied: set[str]) -> None:
    """What everybody calls tf, np or plt is there where the code never says so, with a note that names the line."""
    program = Program("homework.py", False, TRANSFORM)
    program.load([(1, text)])
    assert {name for name in ("np", "tf", "plt") if name in program.namespace} == supplied
    assert {note["text"].split(" ")[0] for note in program.notes if note["kind"] == "missing_import"} == supplied


def test_names_that_pylab_binds_are_supplied_without_a_word() -> None:
    """The magic was left out by us, so that nobody is told to add an import."""
    program = Program("homework.ipynb", True, TRANSFORM)
    program.load([(1, "%pylab inline\n"), (2, "x = np.zeros(2)\nplt.plot(x)\n")])
    assert {"np", "plt"} <= set(program.namespace)
    assert [note["kind"] for note in program.notes] == ["dropped_magic"]


def test_keras_errors_are_told_by_their_telling_line() -> None:
    """Where Keras only says which layer failed, the reason below follows; colours are left out."""
    text = "Exception encountered when calling Flatten.call().\\n\\n\\x1b[1mThe shape has no rank.\\x1b[0m\\n\\nArguments received:"
    program = run(f'raise ValueError("{text}")')
    (note,) = [item for item in program.notes if item["kind"] != "module"][:1]
    words = str(note)
    assert "Exception encountered when calling Flatten.call(): The shape has no rank." in words
    assert "\x1b" not in words
