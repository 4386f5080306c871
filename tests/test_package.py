"""The package for students: nothing hidden is in it, it is a right wheel, and what it says is what the class will hear."""

import ast
import csv
import io
import json
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.authoring.leaks import squeezed
from grader.authoring.package import reference_lines, toml
from grader.authoring.public import public_checks, public_probe
from grader.authoring.wheel import make_wheel
from grader.cli import main, places
from grader.errors import SetupError
from grader.importing import import_notebook, write_files
from grader.model.assignment import Assignment, load_assignment
from grader.model.submission import Submission
from grader.pipeline.batch import read_file
from grader.pipeline.check import judged_later, public_part
from grader.pipeline.grade import Grading
from grader.pipeline.packages import all_checks, make_package
from grader.pipeline.settings import Settings
from grader.pipeline.watch import Silent
from grader.results.folder import ResultsFolder

CHECKOUT = Path(__file__).resolve().parent.parent
COURSE = sorted(path.parent for path in (CHECKOUT / "assignments").glob("*/assignment.toml"))
SETTINGS = """id = "demo"
title = "A demo"
files = ["demo"]
entry_points = ["double"]
prerequisites = []
extra_credit = ["on_a_secret"]

[points]
on_a_secret = 3
doubles = 1

[late]
due = 2026-12-01T23:59:00+01:00
extensions = { ada_lovelace = 2026-12-24T12:00:00+01:00 }
"""
CHECKS = '''"""Checks of a demo."""

import math

from grader.judging import fail, points

SECRET_NUMBER = 4711  # only the hidden check knows it
SHOWN = 21


def twice_the_secret():
    """What comes back for the secret number."""
    return math.prod((2, SECRET_NUMBER))


@points(1)
def doubles(evidence):
    """double gives twice its argument."""
    if evidence.called("shown").value != 2 * SHOWN:
        fail("double(21) is not 42. Multiply by two.")


# students must not know that a large number is tried
@points(2, hidden=True)
def on_a_secret(evidence):
    """double works for a number that you do not know."""
    if evidence.called("a large one").value != twice_the_secret():
        fail("double does not work for a large number.")
'''
PROBE = '''"""Calls double."""


def probe(student, rng):
    """Two numbers."""
    student.call_as("shown", "double", 21)
    student.call_as("a large one", "double", 4711)  # 4711 is the secret
'''
HIDDEN_WORDS = ("4711", "SECRET", "secret", "a large one", "large number", "on_a_secret", "do not know", "import math")
ANSWER = "def double(number):\n    return 2 * number\n"
WRONG = "def double(number):\n    return number + 21\n"


def write_demo(folder: Path, checks: str = CHECKS, probe: str = PROBE, settings: str = SETTINGS) -> Assignment:
    folder.mkdir(parents=True)
    for name, text in (("assignment.toml", settings), ("checks.py", checks), ("probe.py", probe)):
        (folder / name).write_text(text)
    (folder / "README.md").write_text("# A demo\n")
    (folder / "starter").mkdir()
    (folder / "starter" / "demo.py").write_text("def double(number):\n    pass\n")
    return load_assignment(folder)


def wheel_of(*assignments: Assignment, solutions: Path = Path("/nowhere")) -> dict[str, str]:
    """Text by path of all that is in the package."""
    _, content, _ = make_package(assignments, solutions, "course-assignments", "1.0")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


# ── what is in it ──


def test_nothing_of_a_hidden_check_is_in_the_package(tmp_path: Path) -> None:
    """Neither the check, nor what only it uses, nor its question in the probe, nor comments, nor its name anywhere."""
    files = wheel_of(write_demo(tmp_path / "demo"))
    found = {word: name for name, text in files.items() for word in HIDDEN_WORDS if word in text}
    assert found == {}
    assert "doubles" in files["course_assignments/demo/checks.py"]
    assert "SHOWN = 21" in files["course_assignments/demo/checks.py"]
    assert "'shown', 'double', 21" in files["course_assignments/demo/probe.py"]


def test_how_many_points_are_hidden_is_told(tmp_path: Path) -> None:
    """A number of checks and their points as this assignment gives them."""
    files = wheel_of(write_demo(tmp_path / "demo"))
    assert json.loads(files["course_assignments/demo/hidden.json"]) == {"checks": 1, "points": 3.0}


def test_nothing_about_the_class_is_in_the_package(tmp_path: Path) -> None:
    """Deadlines and names of students stay with the instructor."""
    files = wheel_of(write_demo(tmp_path / "demo"))
    settings = tomllib.loads(files["course_assignments/demo/assignment.toml"])
    assert settings["points"] == {"doubles": 1.0}
    assert not {"late", "attempts", "extra_credit"} & set(settings)
    assert not any("lovelace" in text for text in files.values())


@pytest.mark.parametrize("folder", COURSE, ids=lambda folder: folder.name)
def test_of_the_course_no_solution_is_in_the_package(folder: Path) -> None:
    """No training, no reference network, and in what students read no line that only the reference has."""
    assignment = load_assignment(folder)
    solutions = CHECKOUT / "solutions"
    files = wheel_of(assignment, solutions=solutions)
    names = {Path(name).name for name in files}
    assert not {"reference.json", "mutants.toml", "expected.toml"} & names
    assert not any("trainings" in name for name in files)
    answer = reference_lines(assignment, solutions / folder.name)
    assert answer
    for name, text in files.items():
        told = {squeezed(line) for line in text.split("\n")} & answer
        if name.endswith(("checks.py", "probe.py")):
            assert len(told) <= len(answer) / 4, (name, told)
        else:
            assert told == set(), name


@pytest.mark.parametrize("folder", COURSE, ids=lambda folder: folder.name)
def test_of_the_course_every_check_is_in_the_package(folder: Path, tmp_path: Path) -> None:
    """As it is and in its order, with its points; the settings that decide verdicts are the same."""
    whole = load_assignment(folder)
    for name, text in wheel_of(whole).items():
        if name.startswith(f"course_assignments/{folder.name}/"):
            place = tmp_path / name.partition("/")[2]
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
    public = load_assignment(tmp_path / folder.name)
    kept = {"points", "limits", "training", "files", "entry_points", "graded_fit", "old_names", "title", "datasets"}
    assert public.model_dump(include=kept) == whole.model_dump(include=kept)
    assert (public.probe_source, public.inputs_source) == (whole.probe_source, whole.inputs_source)
    assert all_checks(public) == tuple(check for check in all_checks(whole) if not check.hidden)


def test_an_import_with_hidden_tests_loses_them(tmp_path: Path) -> None:
    """What nbgrader hid stays hidden: cells of the probe go with the checks that they are asked for."""
    imported = import_notebook(CHECKOUT / "tests/importing/nbgrader/column-means.ipynb")
    write_files(tmp_path / "assignments/column_means", imported.assignment)
    write_files(tmp_path / "solutions/column_means", imported.solutions)
    files = wheel_of(load_assignment(tmp_path / "assignments/column_means"), solutions=tmp_path / "solutions")
    texts = [text for name, text in files.items() if name.endswith((".py", ".toml"))]
    for secret in ("test_centred_hidden", "task_1_hidden", "biggest", "144", "RandomState", "rand(20"):
        assert not any(secret in text for text in texts), secret
    assert "test_centred_refuses" in files["course_assignments/column_means/probe.py"]


# ── what is refused ──


def test_a_public_check_behind_a_hidden_one_is_refused(tmp_path: Path) -> None:
    """Its verdict would tell that of the hidden one."""
    checks = CHECKS + '\n\n@points(1, after=["on_a_secret"])\ndef last(evidence):\n    """The last."""\n'
    settings = SETTINGS.replace("doubles = 1\n", "doubles = 1\nlast = 1\n")
    with pytest.raises(SetupError, match="the public check last comes after the hidden check on_a_secret"):
        wheel_of(write_demo(tmp_path / "demo", checks=checks, settings=settings))


@pytest.mark.parametrize(
    "question",
    [
        '    found = student.call_as("a large one", "double", 4711)\n',
        '    for label in {"a large one"}:\n        student.call_as(label, "double", 4711)\n',
        '    label = "a large one"\n    student.call_as(label, "double", 4711)\n',
    ],
)
def test_a_question_that_cannot_be_cut_out_is_refused(question: str, tmp_path: Path) -> None:
    """Better no package than one with a hidden input."""
    probe = PROBE.partition('    student.call_as("a large one"')[0] + question
    with pytest.raises(SetupError, match="'a large one' is asked for hidden checks alone"):
        wheel_of(write_demo(tmp_path / "demo", probe=probe))


def test_a_question_with_a_drawn_input_is_refused(tmp_path: Path) -> None:
    """Without it students would get other inputs than the class."""
    probe = PROBE.replace("4711)", "int(rng.integers(9)))")
    with pytest.raises(SetupError, match=r"draws inputs here.*Draw them in inputs\.py"):
        wheel_of(write_demo(tmp_path / "demo", probe=probe))


def test_a_check_that_is_no_plain_function_is_refused(tmp_path: Path) -> None:
    """What cannot be found cannot be cut out."""
    checks = CHECKS.replace("@points(2, hidden=True)\ndef on_a_secret", "def hidden_one") + (
        "\n\non_a_secret = points(2, hidden=True)(hidden_one)\n"
    )
    settings = SETTINGS.replace('extra_credit = ["on_a_secret"]\n', "").replace("on_a_secret = 3\n", "")
    with pytest.raises(SetupError, match="on_a_secret is no plain function"):
        wheel_of(write_demo(tmp_path / "demo", checks=checks, settings=settings))


def test_a_starter_with_a_line_of_a_hidden_check_is_refused(tmp_path: Path) -> None:
    """The last look goes through every file."""
    assignment = write_demo(tmp_path / "demo")
    (assignment.folder / "README.md").write_text("Try\n\n    return math.prod((2, SECRET_NUMBER))\n")
    with pytest.raises(SetupError, match=r"demo/README.md, line 3: students would get a line of a hidden check"):
        wheel_of(assignment)


def test_a_probe_with_the_reference_in_it_is_refused(tmp_path: Path) -> None:
    """A program may share a line with the reference, and not most of it."""
    lines = "    first_value = number + number + 0\n    second_value = first_value * 1\n    return second_value\n"
    reference = f"def double(number):\n    # YOUR CODE STARTS HERE\n{lines}    # YOUR CODE ENDS HERE\n"
    place = tmp_path / "solutions/demo/reference/demo.py"
    place.parent.mkdir(parents=True)
    place.write_text(reference)
    probe = PROBE + f"\n\ndef double(number):\n{lines}"
    with pytest.raises(SetupError, match=r"demo/probe.py: students would get \d of the \d lines of the reference"):
        wheel_of(write_demo(tmp_path / "demo", probe=probe), solutions=tmp_path / "solutions")


NAMES = st.sampled_from([f"name_{number}" for number in range(6)])


@given(st.lists(st.tuples(NAMES, st.lists(NAMES, max_size=3)), max_size=6), st.sets(NAMES, max_size=2))
def test_cutting_leaves_a_program_that_still_has_what_it_uses(
    functions: list[tuple[str, list[str]]], used: set[str]
) -> None:
    """Whatever public code uses, directly or not, stays; whatever only hidden code uses goes."""
    bodies = dict(functions)
    text = "".join(
        f"def {name}():\n    return ({' + '.join(f'{c}()' for c in calls) or 0})\n" for name, calls in bodies.items()
    )
    text += f"def public():\n    return [{', '.join(sorted(used))}]\n"
    text += f"def hidden():\n    return [{', '.join(sorted(bodies))}]\n"
    clean = public_checks("checks.py", text, {"hidden"})
    left = {node.name for node in ast.parse(clean.text).body if isinstance(node, ast.FunctionDef)}
    wanted, waiting = set(), [name for name in used if name in bodies]
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            waiting += [called for called in bodies[name] if called in bodies]
    assert wanted | {"public"} <= left
    assert "hidden" not in left
    assert left - wanted - {"public"} == set()


def test_a_label_that_is_put_together_is_cut() -> None:
    """An f-string with a word that only hidden checks read."""
    text = "def probe(student, rng):\n    for n in (1, 2):\n        student.call_as(f'large {n}', 'f', n)\n    student.call('f')\n"
    clean = public_probe("probe.py", text, set(), {"large "})
    assert "large" not in clean.text
    assert "student.call('f')" in clean.text


def test_labels_in_a_list_and_entries_of_a_table_are_cut() -> None:
    """The two other ways in which a probe asks for many checks."""
    text = (
        "def ask(student):\n    for label, size in (('small', 1), ('huge', 9)):\n        student.call_as(label, 'f', size)\n"
        "def one():\n    pass\ndef two():\n    pass\nCELLS = {'first': one, 'second': two}\n"
    )
    clean = public_probe("probe.py", text, {"second"}, {"huge"})
    assert not any(word in clean.text for word in ("huge", "9", "second", "two"))
    assert all(word in clean.text for word in ("small", "first", "one"))


@given(st.text(max_size=30).filter(lambda text: not any(0xD800 <= ord(char) < 0xE000 for char in text)))
def test_a_title_of_any_kind_is_written_as_toml(title: str) -> None:
    """Quotes, line ends, control characters and emoji come back as they were."""
    assert tomllib.loads(f"title = {toml(title)}")["title"] == title


# ── the wheel ──


def test_the_same_files_make_the_same_wheel_with_a_right_record() -> None:
    """Each file is in RECORD with its digest and size, as pip checks it; RECORD itself without."""
    made = [make_wheel("a-course", "2.1", {"__init__.py": b"", "x/y.txt": b"yes"}, "About it", "g") for _ in range(2)]
    assert made[0] == made[1]
    assert made[0][0] == "a_course-2.1-py3-none-any.whl"
    with zipfile.ZipFile(io.BytesIO(made[0][1])) as archive:
        rows = {
            row[0]: row[1:] for row in csv.reader(archive.read("a_course-2.1.dist-info/RECORD").decode().splitlines())
        }
        assert set(rows) == set(archive.namelist())
        assert rows.pop("a_course-2.1.dist-info/RECORD") == ["", ""]
        assert {name: int(size) for name, (_, size) in rows.items()} == {
            name: archive.getinfo(name).file_size for name in rows
        }


@pytest.mark.parametrize(
    ("name", "version"), [("../x", "1.0"), ("grader", "1.0"), ("1x", "1.0"), ("x", "one"), ("x", "1/2")]
)
def test_names_and_versions_that_are_none_are_refused(name: str, version: str) -> None:
    """They become paths and module names."""
    with pytest.raises(SetupError, match="Choose another"):
        make_wheel(name, version, {}, "About it", "g")


# ── used ──


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """A folder in which pip has installed the package of the demo; grader finds no other assignments."""
    write_demo(tmp_path / "whole" / "demo")
    monkeypatch.setenv("GRADER_ASSIGNMENTS", str(tmp_path / "whole"))
    monkeypatch.setattr(
        sys, "argv", ["grader", "package", "--output", str(tmp_path / "dist"), "--solutions", "nowhere"]
    )
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 0
    assert "demo: 6 files without 1 check" in capsys.readouterr().out
    wheel = next((tmp_path / "dist").glob("*.whl"))
    target = tmp_path / "target"
    options = ["--quiet", "--no-deps", "--no-index", "--disable-pip-version-check", "--target", str(target)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(wheel)], check=True)
    monkeypatch.delenv("GRADER_ASSIGNMENTS")
    monkeypatch.setattr(places, "CHECKOUT", tmp_path / "nowhere")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(target)
    return target


def test_an_installed_package_is_found(installed: Path) -> None:
    """By its entry point, without running anything of it."""
    init = installed / "course_assignments" / "__init__.py"
    init.write_text(init.read_text() + "\nraise RuntimeError\n")
    assert places.assignments_folders() == [installed / "course_assignments"]
    assert list(places.load_assignments()) == ["demo"]
    shutil.rmtree(installed / "course_assignments")
    with pytest.raises(SetupError, match="install the package of your course"):
        places.assignments_folders()


@pytest.mark.sandbox
def test_public_verdicts_with_the_package_are_those_of_the_whole_assignment(installed: Path, tmp_path: Path) -> None:
    """Right and wrong files get the same with the package and with everything, and are told the same of what is hidden."""
    whole = load_assignment(tmp_path / "whole" / "demo")
    public = places.find_assignment("demo")
    assert public.folder.parent.parent == installed
    settings = Settings(places.datasets(), store=None, jobs=1)
    files = {"right": ANSWER, "wrong": WRONG, "nothing": "x = 1\n"}
    hand_ins: list[Submission] = []
    for name, text in files.items():
        (tmp_path / f"{name}.py").write_text(text)
        hand_ins.append(read_file(tmp_path / f"{name}.py"))
    graded = {
        item.student: item for item in Grading(whole, settings, ResultsFolder(tmp_path / "r"), Silent()).run(hand_ins)
    }
    at_home = {
        item.student: item for item in Grading(public, settings, ResultsFolder(tmp_path / "h"), Silent()).run(hand_ins)
    }
    for name in files:
        shown = [item for item in graded[name].checks if not item.hidden]
        assert list(at_home[name].checks) == shown
    assert [item.checks[1].status for item in graded.values()] == ["failed", "passed", "failed"]  # sorted by name
    assert (public_part(at_home["right"]).score, public_part(at_home["right"]).max_score) == (1.0, 1.0)
    assert judged_later(public, at_home["right"]) == judged_later(whole, graded["right"])
