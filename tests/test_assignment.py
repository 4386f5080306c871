"""Assignments: read once from their folder, with every mistake told at once."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.datasets.shipped import DATASETS as SHIPPED_DATASETS
from grader.errors import SetupError
from grader.judging.judge import judge
from grader.model.assignment import (
    DATASETS,
    Assignment,
    Limits,
    TrainingPolicy,
    check_ids,
    load_assignment,
    prerequisite_mistakes,
)
from grader.model.class_file import read_class
from tests.factories import make_assignment, make_evidence, write_assignment

SHIPPED = sorted(path.parent for path in (Path(__file__).parent.parent / "assignments").glob("*/assignment.toml"))
FULL = """
datasets = ["mnist"]
old_names = true
graded_fit = "first"
[limits]
wall_seconds = 5
[training]
threshold = 0.9
seeds = [1, 2]
"""


def problem(folder: Path) -> str:
    with pytest.raises(SetupError) as caught:
        load_assignment(folder)
    return str(caught.value)


def test_settings_are_those_of_the_file(tmp_path: Path) -> None:
    """What stands in assignment.toml is in the record."""
    write_assignment(tmp_path / "demo", "", FULL)
    found = load_assignment(tmp_path / "demo")
    assert (found.id, found.old_names, found.graded_fit, found.limits.wall_seconds) == ("demo", True, "first", 5)
    assert found.training is not None
    assert (found.training.threshold, found.training.seeds) == (0.9, (1, 2))


def test_an_assignment_need_not_train(tmp_path: Path) -> None:
    """Without a section `training` there is no policy, and limits have their defaults."""
    write_assignment(tmp_path / "demo", "")
    found = load_assignment(tmp_path / "demo")
    assert (found.training, found.limits.wall_seconds) == (None, 60)


def test_a_folder_without_settings_is_told(tmp_path: Path) -> None:
    """Whoever names another folder is asked."""
    assert problem(tmp_path).endswith("expected an assignment.toml, found none. Is this an assignment folder?")


@pytest.mark.parametrize("missing", [["probe.py"], ["checks.py"], ["probe.py", "checks.py"]])
def test_missing_files_are_listed(tmp_path: Path, missing: list[str]) -> None:
    """All files that are missing are named in one message."""
    write_assignment(tmp_path / "demo", "")
    for name in missing:
        (tmp_path / "demo" / name).unlink()
    assert problem(tmp_path / "demo").endswith(f"missing {' and '.join(missing)}.")


@pytest.mark.parametrize("text", [b"id = ", b"\xff\xfe", b"[[["])
def test_what_is_no_toml_is_told(tmp_path: Path, text: bytes) -> None:
    """A file that cannot be parsed is named."""
    write_assignment(tmp_path / "demo", "")
    (tmp_path / "demo" / "assignment.toml").write_bytes(text)
    assert "not valid TOML" in problem(tmp_path / "demo")


def test_all_mistakes_are_told_together(tmp_path: Path) -> None:
    """A misspelt key and two wrong values: one message with all three."""
    settings = 'dataset = ["mnist"]\ngraded_fit = "best"\n[training]\nthreshold = "high"\n'
    write_assignment(tmp_path / "demo", "", settings)
    message = problem(tmp_path / "demo")
    assert all(place in message for place in ("dataset: ", "graded_fit: ", "training.threshold: "))


@pytest.mark.parametrize("key", ["folder", "digest"])
def test_keys_of_our_own_are_not_taken_from_the_file(tmp_path: Path, key: str) -> None:
    """What grader computes itself cannot be set."""
    write_assignment(tmp_path / "demo", "", f'{key} = "x"\n')
    assert key in problem(tmp_path / "demo")


def test_id_and_folder_must_agree(tmp_path: Path) -> None:
    """An assignment that was copied but not renamed is told."""
    write_assignment(tmp_path / "demo", "")
    (tmp_path / "demo").rename(tmp_path / "copy")
    assert problem(tmp_path / "copy").endswith("id is 'demo', but the folder is 'copy'. Make them equal.")


def test_a_broken_reference_is_a_setup_error(tmp_path: Path) -> None:
    """A reference.json that is no JSON is told like every other mistake."""
    write_assignment(tmp_path / "demo", "")
    (tmp_path / "demo" / "reference.json").write_text("{")
    assert "reference.json" in problem(tmp_path / "demo")


@pytest.mark.parametrize("settings", ["entry_points = []\n", "files = []\n"])
def test_an_assignment_names_something_to_grade(tmp_path: Path, settings: str) -> None:
    """Without a file or an entry point there is nothing to grade: told here, not as a bug later."""
    write_assignment(tmp_path / "demo", "")
    path = tmp_path / "demo" / "assignment.toml"
    key = settings.split(" ")[0]
    path.write_text(
        "".join(line for line in path.read_text().splitlines(keepends=True) if not line.startswith(key)) + settings
    )
    assert key in problem(tmp_path / "demo")


@pytest.mark.parametrize("name", ["assignment.toml", "probe.py", "checks.py", "conftest.py", "reference.json"])
def test_digest_covers_what_decides_verdicts(tmp_path: Path, name: str) -> None:
    """A change in any of these files makes results from before stale."""
    write_assignment(tmp_path / "demo", "")
    (tmp_path / "demo" / "reference.json").write_text("{}")
    (tmp_path / "demo" / "conftest.py").touch()
    before = load_assignment(tmp_path / "demo").digest
    path = tmp_path / "demo" / name
    path.write_text(f"{path.read_text()}\n")
    assert load_assignment(tmp_path / "demo").digest != before


def test_digest_does_not_cover_the_handout(tmp_path: Path) -> None:
    """A typing error corrected in the handout grades nobody again."""
    write_assignment(tmp_path / "demo", "")
    before = load_assignment(tmp_path / "demo").digest
    (tmp_path / "demo" / "README.md").write_text("Hello")
    assert load_assignment(tmp_path / "demo").digest == before


def test_probe_is_read_from_the_folder(tmp_path: Path) -> None:
    """The probe's text is what is sent into the sandbox."""
    write_assignment(tmp_path / "demo", "")
    assert "student.call('train')" in load_assignment(tmp_path / "demo").probe_source


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: str(folder.name))
def test_shipped_assignments_can_be_read(folder: Path) -> None:
    """Every assignment of this repository loads, and has the id of its folder."""
    assert load_assignment(folder).id == folder.name


# ── every mistake has its line ──


def write(folder: Path, text: str) -> Path:
    """An assignment folder `demo` whose settings are this text."""
    write_assignment(folder / "demo", "")
    (folder / "demo" / "assignment.toml").write_text(text, "utf-8")
    return folder / "demo"


def told(folder: Path, settings: str) -> list[str]:
    """The mistakes of right settings with these behind them: `line: key: sentence`, where line 5 is their first."""
    write_assignment(folder / "demo", "", settings)
    marker = "assignment.toml:"
    return [line.partition(marker)[2] for line in problem(folder / "demo").split("\n")]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ("datasetz = []", "5: datasetz: unknown key; did you mean datasets?"),
        ("xyz = 1", "5: xyz: unknown key. Known: id, title, files, "),
        ("[training]\n\nthresold = 1.0", "7: training.thresold: unknown key; did you mean threshold?"),
        ("[Training]", "5: Training: unknown key; did you mean training?"),
        ("limits = { wall_second = 1 }", "5: limits.wall_second: unknown key; did you mean wall_seconds?"),
        ("wall_seconds = 1", "5: wall_seconds: unknown key here; it belongs under [limits]."),
        ("[limits]\nlanguage = 'en'", "6: limits.language: unknown key here; it belongs above all tables."),
        ("limits = 3", "5: limits: expected a table, found 3."),
        ("old_names = 1", "5: old_names: expected true or false, found 1."),
        ("datasets = 'mnist'", "5: datasets: expected a list, found 'mnist'."),
        ("datasets = [\n'mnist',\n'mnst']", "7: datasets.1: unknown data set; did you mean mnist?"),
        ("datasets = ['mnist', 'mnist']", "5: datasets: expected each only once, found 'mnist' again."),
        ("graded_fit = 'frist'", "5: graded_fit: expected one of last, first, all, found 'frist'; did you mean first?"),
        ("language = 'de'", "5: language: expected one of en, zh, found 'de'."),
        ("prerequisites = ['a b']", "5: prerequisites.0: expected a Python name"),
        ("limits.wall_seconds = 0", "5: limits.wall_seconds: expected a number above 0, found 0."),
        ("limits.wall_seconds = -1.5", "5: limits.wall_seconds: expected a number above 0, found -1.5."),
        ("limits.wall_seconds = inf", "5: limits.wall_seconds: expected a finite number, found inf."),
        ("limits.wall_seconds = '60'", "5: limits.wall_seconds: expected a number, found '60'."),
        ("limits.processes = 1.5", "5: limits.processes: expected a whole number, found 1.5."),
        ("limits.memory_bytes = -1", "5: limits.memory_bytes: expected a number above 0, found -1."),
        ("training.threshold = 99", "5: training.threshold: expected a number up to 1, found 99."),
        ("training.threshold = -0.1", "5: training.threshold: expected a number from 0, found -0.1."),
        ("training.threshold = nan", "5: training.threshold: expected a finite number, found nan."),
        ("training.margin = -1", "5: training.margin: expected a number from 0, found -1."),
        ("training.max_epochs = true", "5: training.max_epochs: expected a whole number, found true."),
        ("training.seeds = []", "5: training.seeds: expected at least one, found []."),
        ("training.seeds = [1, 2, 1]", "5: training.seeds: expected each only once, found 1 again."),
        ("training.seeds = [1,\n-2]", "6: training.seeds.1: expected a number from 0, found -2."),
        ("training.metric = ''", "5: training.metric: expected a text that is not empty, found ''."),
        ("training.test_threshold = 0.5", "5: training.test_threshold: has no effect without `test = true`"),
        ("training.epoch_time_ratio = 0", "5: training.epoch_time_ratio: expected a number above 0, found 0."),
        ("[reference]\nx = 1", "5: reference: not written here: it is read from reference.json"),
        ("points.wroks = 3", "5: points.wroks: unknown check"),
        ("points = 3", "5: points: expected"),
    ],
)
def test_a_mistake_has_its_line_and_says_what_was_expected(tmp_path: Path, settings: str, sentence: str) -> None:
    """Where, what was expected, what was found."""
    found = told(tmp_path, f"{settings}\n")
    assert len(found) == 1
    assert found[0].startswith(sentence)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("id = 'my task'", "1: id: id is 'my task', but the folder is 'demo'."),
        ("id = 7", "1: id: expected a text, found 7."),
        ("title = ''", "2: title: expected a text that is not empty, found ''."),
        ("files = ['demo.py']", "3: files.0: expected the name of a file without folder and without .py or .ipynb"),
        ("files = ['a/demo']", "3: files.0: expected the name of a file without folder"),
        ("files = []", "3: files: expected at least one, found []."),
        ("entry_points = []", "4: entry_points: expected at least one, found []."),
        ("entry_points = ['train', 'my-task']", "4: entry_points.1: expected a Python name"),
        ("entry_points = ['class']", "4: entry_points.0: expected a Python name"),
        ("entry_points = ['f', 'f']", "4: entry_points: expected each only once, found 'f' again."),
    ],
)
def test_what_is_required_must_make_sense(tmp_path: Path, line: str, sentence: str) -> None:
    """Names of files and functions are looked at, too."""
    rows = ["id = 'demo'", "title = 'Demo'", "files = ['demo']", "entry_points = ['train']"]
    rows[int(sentence[0]) - 1] = line
    assert f"assignment.toml:{sentence}" in problem(write(tmp_path, "\n".join(rows)))


def test_what_is_missing_is_told_with_the_first_line(tmp_path: Path) -> None:
    """A key that should be there has no line of its own."""
    text = "id = 'demo'\nfiles = ['demo']\nentry_points = ['train']\n"
    assert problem(write(tmp_path, text)).endswith("assignment.toml:1: title: required, and not there. Add it.")


def test_a_misspelt_key_is_not_missing_as_well(tmp_path: Path) -> None:
    """One slip is one message."""
    text = "id = 'demo'\ntitel = 'Demo'\nfiles = ['demo']\nentry_points = ['train']\n"
    assert problem(write(tmp_path, text)).endswith("assignment.toml:2: titel: unknown key; did you mean title?")


def test_mistakes_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    """Whoever corrects the file goes through it once."""
    found = told(tmp_path, "old_name = true\n[training]\nseeds = []\nmargin = 2\nthresold = 1\n[limit]\n")
    assert [line.split(":")[0] for line in found] == ["5", "7", "8", "9", "10"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (b"id = 'demo'\ntitle = \n", "assignment.toml:2: not valid TOML: Invalid value."),
        (b"id = 'demo'\ntitle = '\xff'\n", "assignment.toml:2: not valid TOML: expected UTF-8, found other bytes."),
        (b"id = 'demo'\n\ntitle = [\n", "assignment.toml:3: not valid TOML: "),
        (b"id = 1\r\nid = 2\r\n", "assignment.toml:2: not valid TOML: Cannot overwrite a value."),
        (b"x = " + b"[" * 5000, "assignment.toml:1: not valid TOML: "),
    ],
)
def test_what_is_no_toml_has_its_line(tmp_path: Path, text: bytes, place: str) -> None:
    """Also a file that cannot be parsed is told with the line."""
    write_assignment(tmp_path / "demo", "")
    (tmp_path / "demo" / "assignment.toml").write_bytes(text)
    assert place in problem(tmp_path / "demo")


def test_the_path_is_shown_from_the_current_folder_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Short enough to read, and right to click on."""
    folder = write(tmp_path / "assignments", "id = 3\n")
    monkeypatch.chdir(tmp_path)
    assert problem(folder).startswith("assignments/demo/assignment.toml:1: ")


RIGHT: dict[str, dict[str, Any]] = {
    "": {
        "id": "demo",
        "title": "Demo",
        "files": ["demo"],
        "entry_points": ["train"],
        "datasets": ["mnist", "ascent"],
        "language": "zh",
        "prerequisites": ["before"],
        "old_names": True,
        "graded_fit": "all",
    },
    "limits": {"wall_seconds": 5.5, "processes": 3, "memory_bytes": 100},
    "training": {"threshold": 0.5, "seeds": [3, 1, 2], "test": True, "test_threshold": 0.25, "metric": "acc"},
}
SPACE = st.sampled_from(["", "\n", "\n\n", "# id = 3\n", '  # [training] "\n', "\r\n"])


def misspellings(word: str) -> Iterator[str]:
    """Each word that one slip of the finger makes of a key."""
    for place in range(len(word)):
        yield word[:place] + word[place + 1 :]
        yield word[:place] + word[place] * 2 + word[place + 1 :]
        yield word[:place] + "q" + word[place + 1 :]
        if place:
            yield word[: place - 1] + word[place] + word[place - 1] + word[place + 1 :]


@st.composite
def texts(draw: st.DrawFn, slip: bool) -> tuple[str, str, int]:
    """(an assignment.toml, a key that is misspelt in it, its line); keys and tables in any order and notation."""
    tables = {name: dict(values) for name, values in RIGHT.items()}
    wrong = ""
    if slip:
        table = draw(st.sampled_from(sorted(tables)))
        key = draw(st.sampled_from(sorted(tables[table])))
        known = {*Assignment.model_fields, *Limits.model_fields, *TrainingPolicy.model_fields}
        wrong = draw(st.sampled_from(sorted({word for word in misspellings(key) if word not in known})))
        tables[table] = {(wrong if name == key else name): value for name, value in tables[table].items()}
    parts: list[str] = []
    line = 0

    def add(text: str, key: str = "") -> None:
        nonlocal line
        if wrong and key == wrong:
            line = "".join(parts).count("\n") + 1 + text[: text.index(wrong)].count("\n")
        parts.append(text)

    def pair(key: str, value: Any, prefix: str = "") -> None:
        gap = draw(st.sampled_from(["", " ", "\t"]))
        name = draw(st.sampled_from([key, f'"{key}"', f"'{key}'"]))
        add(f"{gap}{prefix}{name}{gap}={gap}{written(draw, value)}{gap}{draw(st.sampled_from(['', '# x = 1']))}\n", key)

    top = draw(st.permutations([*tables[""].items(), *((name, None) for name in ("limits", "training"))]))
    later = []
    for key, value in top:
        add(draw(SPACE))
        if value is not None:
            pair(key, value)
            continue
        notation = draw(st.sampled_from(["dotted", "inline", "table"]))
        items = draw(st.permutations(list(tables[key].items())))
        if notation == "table":
            later.append((key, items))
        elif notation == "dotted":
            for name, inner in items:
                pair(name, inner, f"{key} . " if draw(st.booleans()) else f"{key}.")
        else:
            add(f"{key} = {{ ")
            for number, (name, inner) in enumerate(items):
                add(f"{', ' if number else ''}{name} = {written(draw, inner)}", name)
            add(" }\n")
    for key, items in later:
        add(draw(SPACE))
        add(draw(st.sampled_from([f"[{key}]\n", f'[ "{key}" ] # more\n'])))
        for name, inner in items:
            add(draw(SPACE))
            pair(name, inner)
    return "".join(parts), wrong, line


def written(draw: st.DrawFn, value: Any) -> str:
    """A value as TOML, in one of its notations."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        notations = [f'"{value}"', f"'{value}'", f'"""{value}"""', f"'''\n{value}'''", f'"""\\\n  {value}"""']
        return draw(st.sampled_from(notations))
    if isinstance(value, list):
        comma = draw(st.sampled_from([", ", ",\n", " , # one ] more\n\t"]))
        last = draw(st.sampled_from(["", ",", "\n"]))
        return f"[{comma.join(written(draw, item) for item in value)}{last}]"
    return str(value)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(made=texts(slip=True))
def test_any_misspelt_key_is_told_with_its_line(tmp_path: Path, made: tuple[str, str, int]) -> None:
    """Wherever the key stands and however the file is written."""
    text, wrong, line = made
    message = problem(write(tmp_path, text))
    assert len(message.split("\n")) <= 2  # a required key is missing then
    assert re.search(rf"assignment\.toml:{line}: (\w+\.)?{wrong}: unknown key", message)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(made=texts(slip=False))
def test_right_settings_are_read_however_they_are_written(tmp_path: Path, made: tuple[str, str, int]) -> None:
    """No notation of TOML is refused."""
    found = load_assignment(write(tmp_path, made[0])).model_dump(mode="json")
    assert {key: found[key] for key in RIGHT[""]} == RIGHT[""]
    assert {key: found["training"][key] for key in RIGHT["training"]} == RIGHT["training"]
    assert {key: found["limits"][key] for key in RIGHT["limits"]} == RIGHT["limits"]


# ── what an assignment says about others, and about its checks ──


def test_known_data_sets_are_those_that_ship() -> None:
    """The names that may stand in `datasets` are those of the shipped archives."""
    assert set(DATASETS) == set(SHIPPED_DATASETS)


@pytest.mark.parametrize(
    ("others", "sentences"),
    [
        ({"one": (), "two": ("one",)}, []),
        ({"one": (), "two": ("noe",)}, ["unknown assignment; did you mean one?"]),
        ({"one": ("one",)}, ["one would have to be done before itself."]),
        ({"one": ("two",), "two": ("one",)}, ["one would have to be done before", "two would have to be done before"]),
    ],
)
def test_prerequisites_are_assignments_and_go_in_no_circle(
    tmp_path: Path, others: dict[str, tuple[str, ...]], sentences: list[str]
) -> None:
    """Each is told with the line on which it stands."""
    known = {}
    for name, before in others.items():
        write_assignment(tmp_path / name, "", f"\nprerequisites = {list(before)}\n")
        known[name] = load_assignment(tmp_path / name)
    found = [str(mistake) for mistake in prerequisite_mistakes(known)]
    assert len(found) == len(sentences)
    assert all(
        "assignment.toml:6: prerequisites.0: " in line and said in line
        for line, said in zip(found, sentences, strict=True)
    )


def test_checks_are_known_without_running_them(tmp_path: Path) -> None:
    """Functions with the mark are checks; nothing of the file is carried out."""
    text = "1 / 0\n\n@points(1)\ndef one(): ...\n\n@judging.points(2, after=['one'])\ndef two(): ...\n\n@other\ndef no(): ...\n"
    write_assignment(tmp_path / "demo", text)
    assert check_ids(tmp_path / "demo") == ["one", "two"]


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: str(folder.name))
def test_points_are_no_key_of_an_assignment(folder: Path) -> None:
    """What a class gives for a check is never set by the assignment itself."""
    assert load_assignment(folder).points == make_assignment().points == {}


def test_points_may_stand_in_the_settings(tmp_path: Path) -> None:
    """In the place of what checks.py says; a class may change them once more."""
    checks = "from grader.judging import points\n\n@points(1)\ndef works():\n    '''It works.'''\n"
    write_assignment(tmp_path / "demo", checks, "[points]\nworks = 4\n")
    found = load_assignment(tmp_path / "demo")
    assert found.points == {"works": 4}
    (tmp_path / "class.toml").write_text("[demo.points]\nworks = 7\n")
    assert read_class(tmp_path / "class.toml", {"demo": found})["demo"].points == {"works": 7}
    assert [verdict.max_points for verdict in judge(make_evidence(assignment=found)).verdicts] == [4]
