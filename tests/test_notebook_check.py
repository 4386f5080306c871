"""Checking from inside a notebook: what is taken as the student's work, the magic, and what is shown."""

import json
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell

import grader
from grader.api import notebook as notebook_module
from grader.api.notebook import check_here
from grader.api.reports import CheckReport
from grader.api.source import as_notebook, asks_only, cells_run, from_colab, newer_than, written
from grader.cli import places
from grader.errors import SetupError
from grader.pipeline.check import Checked
from grader.results.verdicts import make_result
from tests.factories import make_observation, make_submission, make_verdict, write_assignment

DEFINE = "def train():\n    return 1"
NEWER = "def train():\n    return 2"


class Shell:
    """As much of IPython's shell as the source is read from."""

    def __init__(self, *cells: str, **names: str) -> None:
        self.user_ns: dict[str, Any] = dict(names)
        self.history_manager = types.SimpleNamespace(input_hist_raw=["", *cells])
        self.kernel = None


@pytest.fixture(autouse=True)
def no_session(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Tests may be started from a notebook server themselves."""
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    monkeypatch.chdir(tmp_path)


def save(path: Path, *cells: str) -> Path:
    """A notebook with these code cells, each source a list of lines as Jupyter writes it."""
    body = [{"cell_type": "code", "source": text.splitlines(keepends=True)} for text in cells]
    path.write_text(json.dumps({"cells": body, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    return path


def sources(notebook: dict[str, Any]) -> list[str]:
    return ["".join(cell["source"]) for cell in notebook["cells"]]


# ── what is taken ──


@pytest.mark.parametrize("where", ["vscode", "session", "environment", "name_only"])
def test_the_saved_notebook_is_taken_where_it_is_known(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each editor says its path in its own way; a path of another machine still names a file here."""
    path = save(tmp_path / "my.ipynb", "import keras", DEFINE)
    shell = Shell(DEFINE)
    if where == "environment":
        monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    else:
        shell.user_ns["__vsc_ipynb_file__" if where == "vscode" else "__session__"] = (
            "elsewhere/my.ipynb" if where == "name_only" else str(path)
        )
    found = written(shell)
    assert found is not None
    assert sources(found.notebook) == ["import keras", DEFINE]
    assert found.remark == "Checked: the saved notebook my.ipynb."


def test_a_notebook_that_was_not_saved_since_is_not_taken(tmp_path: Path) -> None:
    """The newest definition was run and is not in the file: what was run is checked, and the student is told."""
    path = save(tmp_path / "my.ipynb", DEFINE)
    found = written(Shell(DEFINE, NEWER, __session__=str(path)))
    assert found is not None
    assert sources(found.notebook) == [DEFINE, NEWER]
    assert (
        "the 2 cells that you have run, in that order. my.ipynb is not saved as it was run (train); save it"
        in found.remark
    )


def test_spaces_that_editors_change_are_no_difference(tmp_path: Path) -> None:
    """A line end at the end of a cell, or a space behind a line."""
    path = save(tmp_path / "my.ipynb", DEFINE)
    assert newer_than(json.loads(path.read_text()), [DEFINE.replace(":\n", ":  \n") + "\n"]) == []


def test_without_a_file_the_cells_that_were_run_are_taken() -> None:
    """At the places of their numbers, so that `cell 3` in a message is In [3]."""
    found = written(Shell(DEFINE, "grader.check('demo')", NEWER))
    assert found is not None
    assert sources(found.notebook) == [DEFINE, "", NEWER]
    assert "The file of the notebook was not found" in found.remark


def test_nothing_run_and_nothing_saved_is_nothing() -> None:
    """There is nothing to check."""
    assert written(Shell()) is None
    assert written(Shell("import grader", "grader.check('demo')")) is None


@pytest.mark.parametrize("damaged", ["", "[]", "{", '{"cells": 1}'])
def test_a_file_that_is_no_notebook_is_passed_over(damaged: str, tmp_path: Path) -> None:
    """As if it had not been found."""
    (tmp_path / "my.ipynb").write_text(damaged)
    found = written(Shell(DEFINE, __session__=str(tmp_path / "my.ipynb")))
    assert found is not None
    assert "The file of the notebook was not found" in found.remark


def test_colab_shows_the_notebook_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked for what is on the screen; an answer of another kind, or none, is passed over."""
    answers: list[Any] = [{"ipynb": {"cells": [{"cell_type": "code", "source": DEFINE}]}}, {"error": "no"}, None]

    def ask(*_: object, **__: object) -> Any:
        return answers.pop(0)

    colab = types.ModuleType("google.colab")
    colab.__dict__["_message"] = types.SimpleNamespace(blocking_request=ask)
    monkeypatch.setitem(sys.modules, "google.colab", colab)
    found = written(Shell())
    assert found is not None
    assert (sources(found.notebook), found.remark) == ([DEFINE], "Checked: the notebook as it is on the screen.")
    assert from_colab() is None
    assert from_colab() is None


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        ("%load_ext grader", True),
        ("import grader\ngrader.check('demo')", True),
        ("report = grader.check('demo', quick=True)\n# again", True),
        ("%%grade demo\n" + DEFINE, False),
        ("import grader, keras", False),
        (DEFINE + "\ngrader.check('demo')", False),
        ("other.check('demo')", False),
        ("train(", False),
        ("", False),
    ],
)
def test_cells_that_only_ask_for_a_check_are_left_out(text: str, ours: bool) -> None:
    """And no others: a definition beside the call is the student's work."""
    assert asks_only(text) == ours


CELLS = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 3)).map(lambda pair: f"{pair[0]} = {pair[1]}"), max_size=12
)


@given(CELLS)
def test_cells_that_were_run_again_leave_every_name_as_it_is(cells: list[str]) -> None:
    """First and last runs define the same, with at most two of each; their order stays."""
    kept = [text for text in cells_run(Shell(*cells)) if text]
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    exec("\n".join(cells), before)  # noqa: S102 - made up here
    exec("\n".join(kept), after)  # noqa: S102 - made up here
    before.pop("__builtins__", None)
    after.pop("__builtins__", None)
    assert before == after
    assert all(kept.count(text) <= 2 for text in kept)


@given(st.lists(st.text(max_size=20), max_size=5))
def test_any_cells_make_a_notebook(cells: list[str]) -> None:
    """It is JSON whatever was typed, and its cells are in their places."""
    assert sources(json.loads(json.dumps(as_notebook(["", *cells])))) == cells


# ── the shell ──


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    """A shell like that of a kernel, without a history on disk."""
    InteractiveShell.clear_instance()
    made = InteractiveShell.instance()
    assert made.history_manager is not None
    made.history_manager.enabled = False
    made.colors = "nocolor"
    monkeypatch.setattr(made, "kernel", object(), raising=False)
    yield made
    InteractiveShell.clear_instance()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that were run, each with the sources of its notebook at the end; all give one passed check."""
    calls: list[list[str]] = []

    def run(arguments: list[str], *, progress: bool) -> Checked:  # noqa: ARG001 - as the real one is called
        notebook = json.loads(Path(arguments[2]).read_text())
        calls.append([*arguments[:2], *arguments[3:], *(text for text in sources(notebook) if text)])
        result = make_result(make_submission(), make_observation(), (make_verdict(),))
        return Checked(assignment="demo", title="A demo", result=result, remarks=("A remark.",))

    monkeypatch.setattr(notebook_module, "run_command", run)
    return calls


def run_cell(shell: InteractiveShell, text: str) -> Any:
    return shell.run_cell(text, store_history=True)  # type: ignore[no-untyped-call] # IPython says no types


def test_grader_check_in_a_notebook_checks_what_was_run(shell: InteractiveShell, asked: list[list[str]]) -> None:
    """In a process of its own, with the same options, and it comes back as a report."""
    run_cell(shell, DEFINE)
    ran = run_cell(shell, "import grader\ngrader.check('demo', quick=True, store=False, jobs=1)")
    assert isinstance(ran.result, CheckReport)
    assert asked == [["check", "demo", "--json", "--quick", "--no-store", "--jobs", "1", DEFINE]]
    assert ran.result.remarks[0].startswith("Checked: the 1 cell that you have run")
    assert ran.result.remarks[1:] == ("A remark.",)


def test_the_magic_runs_its_cell_and_checks_the_notebook_with_it(
    shell: InteractiveShell, asked: list[list[str]]
) -> None:
    """What the cell defines is there afterwards, and the cells above are part of what is checked."""
    run_cell(shell, "%load_ext grader")
    run_cell(shell, "first = 1")
    run_cell(shell, "%%grade demo --quick\ndef train():\n    return 3")
    assert isinstance(shell.user_ns["_"], CheckReport)
    assert shell.user_ns["train"]() == 3
    assert asked == [
        ["check", "demo", "--json", "--quick", "first = 1", "%%grade demo --quick\ndef train():\n    return 3"]
    ]


def test_a_cell_that_fails_is_not_checked(
    shell: InteractiveShell, asked: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Its own error is shown."""
    run_cell(shell, "%load_ext grader")
    assert run_cell(shell, "%%grade demo\nraise ValueError('mine')").result is None
    assert asked == []
    assert "ValueError: mine" in capsys.readouterr().out


@pytest.mark.parametrize("line", ["", "demo other", "demo --slow", "'demo"])
def test_a_wrong_call_of_the_magic_is_a_sentence(
    shell: InteractiveShell, asked: list[list[str]], capsys: pytest.CaptureFixture[str], line: str
) -> None:
    """And nothing is run."""
    run_cell(shell, "%load_ext grader")
    run_cell(shell, f"%%grade {line}\nran = 1")
    assert "grader: expected the id of an assignment, as in %%grade mnist_conv" in capsys.readouterr().out
    assert "ran" not in shell.user_ns
    assert asked == []


def test_nothing_to_check_is_a_sentence(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    """No traceback, and None."""
    assert check_here(shell, "demo", None, []) is None
    assert "grader: nothing was run in this notebook yet" in capsys.readouterr().out


def test_a_mistake_is_the_sentence_of_the_command_line(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An id that is not known, by the real command."""
    write_assignment(tmp_path / "assignments" / "demo", "")
    monkeypatch.setenv("GRADER_ASSIGNMENTS", str(tmp_path / "assignments"))
    run_cell(shell, DEFINE)
    assert run_cell(shell, "import grader\ngrader.check('other')").result is None
    said = capsys.readouterr().out
    assert "grader: assignment: there is none called 'other'. Known here: demo." in said
    assert "Traceback" not in said


CHECKS = '''from grader.judging import fail, points


@points(2)
def doubles(evidence):
    """double gives <b>twice</b> its argument."""
    call = evidence.called("two")
    if call is None or call.value != 4:
        fail(f"double(2) is {call.value if call else None}.")
'''
PROBE = "def probe(student, rng):\n    student.call_as('two', 'double', 2)\n"


@pytest.mark.sandbox
def test_a_notebook_is_checked_for_real(
    shell: InteractiveShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The newest definition counts, progress is shown, and the call of the check in the notebook does no harm."""
    monkeypatch.setenv("GRADER_HOME", str(places.home()))
    folder = tmp_path / "assignments" / "demo"
    write_assignment(folder, CHECKS)
    (folder / "probe.py").write_text(PROBE)
    monkeypatch.setenv("GRADER_ASSIGNMENTS", str(tmp_path / "assignments"))
    run_cell(shell, "def double(number):\n    return number + 1")
    cell = "%%grade demo\nimport grader\ndef double(number):\n    return 2 * number\nassert grader.check is not None"
    run_cell(shell, "%load_ext grader")
    run_cell(shell, cell)
    report = shell.user_ns["_"]
    assert isinstance(report, CheckReport), capsys.readouterr().out
    assert (report.score, report["doubles"].status, report.result.notes) == (2, "passed", ())
    assert "1 submission to grade" in capsys.readouterr().out
    page = report._repr_html_()
    assert "&lt;b&gt;twice&lt;/b&gt;" in page
    assert "2 of 2 points" in page


def test_a_script_must_name_its_file() -> None:
    """There is no notebook to look at."""
    InteractiveShell.clear_instance()
    with pytest.raises(SetupError, match="expected a file, since this is no notebook"):
        grader.check("demo")
