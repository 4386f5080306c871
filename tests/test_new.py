"""`grader new`: what it makes is right at once; and the tutorial that begins with it is carried out, line by line."""

import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.authoring import differences, make_starters
from grader.authoring.scaffold import KINDS, make_assignment
from grader.cli import main
from grader.errors import SetupError
from grader.model.assignment import check_ids, load_assignment

TUTORIAL = Path(__file__).resolve().parent.parent / "docs" / "tutorial" / "your-own-assignment.md"


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `grader …` in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GRADER_ASSIGNMENTS", raising=False)
    monkeypatch.setenv("COLUMNS", "200")

    def command(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["grader", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        captured = capsys.readouterr()
        return Ran(int(end.value.code or 0), captured.out, captured.err)

    return command


# ── what is made ──


@pytest.mark.parametrize("kind", KINDS)
def test_all_files_of_an_assignment_are_made(run: Run, kind: str) -> None:
    """Settings, probe, checks, handout, both starters, a reference and wrong solutions with their verdicts."""
    assert run("new", "my_task", "--kind", kind).code == 0
    made = {path.as_posix() for path in Path().rglob("*") if path.is_file()}
    for name in (
        "assignment.toml",
        "probe.py",
        "checks.py",
        "README.md",
        "starter/my_task.py",
        "starter/my_task.ipynb",
    ):
        assert f"assignments/my_task/{name}" in made
    assert ("assignments/my_task/inputs.py" in made) is (kind == "function")
    variants = {path.parent.name for path in Path("solutions/my_task").glob("*/expected.toml")}
    assert "reference" in variants
    assert len(variants) > 1
    assert all(f"solutions/my_task/{variant}/my_task.py" in made for variant in variants)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_the_template_is_left(run: Run, kind: str) -> None:
    """No placeholder, no suffix, no scratch folder."""
    run("new", "my_task", "--kind", kind)
    for path in Path().rglob("*"):
        assert not path.name.endswith(".jinja")
        assert not path.name.startswith(".")
        if path.suffix in (".py", ".toml", ".md"):
            assert "{{" not in path.read_text()


@pytest.mark.parametrize("kind", KINDS)
def test_handout_and_solutions_speak_of_the_checks_there_are(run: Run, kind: str) -> None:
    """The table of the handout lists each check with its points, and each solution says a verdict for each."""
    run("new", "my_task", "--kind", kind)
    folder = Path("assignments/my_task")
    rows = re.findall(r"^\| `(\w+)` \| ([\d.]+) \|", (folder / "README.md").read_text(), re.MULTILINE)
    worth = [float(number) for number in re.findall(r"@points\(([\d.]+)", (folder / "checks.py").read_text())]
    ids = check_ids(folder)
    assert [(name, float(points)) for name, points in rows] == list(zip(ids, worth, strict=True))
    assert sum(worth) == 10
    for path in Path("solutions/my_task").glob("*/expected.toml"):
        assert re.findall(r'^(\w+) = "', path.read_text(), re.MULTILINE) == ids


@pytest.mark.parametrize("kind", KINDS)
def test_starters_are_those_of_release(run: Run, kind: str) -> None:
    """`grader release --check` has nothing to say."""
    run("new", "my_task", "--kind", kind)
    assert run("release", "my_task", "--check") == Ran(0, "", "")
    assert run("release", "my_task").code == 0


def test_the_title_is_made_from_the_id(run: Run) -> None:
    """Unless it is given."""
    run("new", "my_first_task")
    run("new", "other", "--title", 'A "quoted" title \\ with `code`.')
    listed = run("assignments").out.splitlines()
    assert listed == ["my_first_task  My first task", 'other  A "quoted" title \\ with `code`.']


@settings(deadline=None, max_examples=30)
@given(
    title=st.text(min_size=1).filter(lambda text: text.isprintable() and text.strip()),
    name=st.from_regex(r"[a-z_][a-z0-9_]{0,20}", fullmatch=True),
    kind=st.sampled_from(KINDS),
)
def test_any_title_and_id_that_is_taken_makes_a_right_assignment(
    tmp_path_factory: pytest.TempPathFactory, title: str, name: str, kind: str
) -> None:
    """It can be loaded, has this title, and its starters are up to date; or the id is refused in a sentence."""
    place = tmp_path_factory.mktemp("any")
    try:
        made, _ = make_assignment(name, title, kind, place / "assignments", place / "solutions")
    except SetupError as error:
        assert "Choose" in str(error)  # noqa: PT017 - some ids are keywords
        return
    assert load_assignment(made).title == title
    assert differences(make_starters(load_assignment(made), place / "solutions"), made / "starter") == []


# ── where it goes, and what comes next ──


def test_what_to_do_next_is_told(run: Run) -> None:
    """The folders made, and commands that can be copied."""
    lines = run("new", "my_task").out.splitlines()
    assert lines[0].startswith("assignments/my_task: README.md, assignment.toml, ")
    assert lines[1] == "solutions/my_task: one_mean_for_all_columns, reference"
    assert lines[-2:] == ["  3. grader validate my_task", "  4. grader release my_task"]


def test_other_folders_stand_in_the_commands(run: Run) -> None:
    """Where grader would not find them, it is told how to."""
    lines = run("new", "my_task", "--output", "here", "--solutions", "there").out.splitlines()
    assert lines[-1] == "  4. GRADER_ASSIGNMENTS=here grader release my_task --solutions there"
    assert Path("here/my_task/assignment.toml").is_file()
    assert Path("there/my_task/reference/my_task.py").is_file()


def test_the_folder_of_assignments_may_come_from_the_environment(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where every other command looks."""
    monkeypatch.setenv("GRADER_ASSIGNMENTS", str(tmp_path / "course"))
    assert run("new", "my_task").out.splitlines()[-1] == "  4. grader release my_task"
    assert (tmp_path / "course" / "my_task").is_dir()


# ── what is refused ──


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("1st",), "'1st': expected an id that can name a Python function"),
        (("my-task",), "'my-task': expected an id that can name a Python function"),
        (("",), "'': expected an id that can name a Python function"),
        (("../x",), "'../x': expected an id that can name a Python function"),
        (("übung",), "'übung': expected an id that can name a Python function"),
        (("class",), "'class': expected an id that can name a Python function"),
        (("np",), "np: this is the name of a module that solutions import."),
        (("x", "--title", " "), "--title ' ': expected one line of text."),
        (("x", "--title", "a\nb"), "--title 'a\\nb': expected one line of text."),
        (("x", "--kind", "functoin"), "--kind functoin: expected one of function, training. Did you mean function?"),
        (("x", "--output", "file/sub"), "cannot be written"),
    ],
)
def test_what_makes_no_sense_is_refused(run: Run, arguments: tuple[str, ...], sentence: str) -> None:
    """With a sentence and exit code 2, and nothing is made."""
    Path("file").touch()
    ran = run("new", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert sentence in ran.err
    assert not [path for path in Path().rglob("*") if path.is_file() and path.name != "file"]


@pytest.mark.parametrize("existing", ["assignments/my_task", "solutions/my_task"])
def test_nothing_is_overwritten(run: Run, existing: str) -> None:
    """A folder that is there stays as it is, and the other one is not made."""
    Path(existing).mkdir(parents=True)
    ran = run("new", "my_task")
    assert ran.code == 2
    assert f"{existing}: exists already. Choose another id, or remove it." in ran.err
    assert [path.as_posix() for path in Path().glob("*/*")] == [existing]


# ── it is green ──


@pytest.mark.parametrize("kind", KINDS)
def test_every_check_is_failed_by_a_solution(run: Run, kind: str) -> None:
    """A check that cannot fail proves nothing."""
    run("new", "my_task", "--kind", kind)
    expected = [path.read_text() for path in Path("solutions/my_task").glob("*/expected.toml")]
    assert [
        name for name in check_ids(Path("assignments/my_task")) if f'{name} = "failed"' not in "".join(expected)
    ] == []


@pytest.mark.sandbox
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", ["function", pytest.param("training", marks=pytest.mark.training)])
def test_what_is_made_is_proven_at_once(run: Run, kind: str) -> None:
    """Every solution gets its verdicts, and no change of the reference is taken for right."""
    run("new", "my_task", "--kind", kind)
    ran = run("validate", "my_task", "--no-store")
    assert ran.code == 0, ran.out
    assert "ok    reference: 10" in ran.out
    assert "WRONG" not in ran.out


@pytest.mark.sandbox
@pytest.mark.parametrize("kind", KINDS)
def test_the_untouched_starter_earns_nothing(run: Run, kind: str) -> None:
    """No points for work that was not done."""
    run("new", "my_task", "--kind", kind)
    ran = run("check", "my_task", "assignments/my_task/starter/my_task.ipynb", "--no-store")
    assert ran.out.splitlines()[-1] == "0 of 10 points"


# ── the tutorial ──


@dataclass(frozen=True)
class Block:
    """A fenced block of the page, and the words before it."""

    line: int
    kind: str
    text: str
    before: str


def blocks() -> Iterator[Block]:
    """The fenced blocks of the tutorial in their order."""
    page = TUTORIAL.read_text("utf-8")
    for found in re.finditer(r"(?P<before>(?:[^\n]+\n)*)\n```(?P<kind>\w+)\n(?P<text>.*?)```\n", page, re.DOTALL):
        before = " ".join(found["before"].split())
        yield Block(page.count("\n", 0, found.start("text")) + 1, found["kind"], found["text"], before)


def squeezed(text: str) -> str:
    """Words of a text, however its lines are broken."""
    return " ".join(text.split())


def pattern(printed: str) -> str:
    """What fits to the words that the page shows: `...` stands for lines left out, and seconds for any number."""
    kept = [re.escape(squeezed(part)) for part in re.split(r"^\.\.\.\n", printed, flags=re.MULTILINE)]
    return re.sub(r"\\\(\d+\\ s\\\)", r"\\(\\d+ s\\)", ".*".join(kept))


def follow(block: Block, run: Run) -> None:
    """Do what the page says: run a command and compare what it prints, write, change or look into a file."""
    if block.kind == "console":
        for command, printed in re.findall(r"^\$ ([^\n]*)\n((?:(?!\$ )[^\n]*\n)*)", block.text, re.MULTILINE):
            verb, *arguments = shlex.split(command)
            if verb == "grader":
                found = run(*arguments).out
            else:
                found = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout
            assert re.fullmatch(pattern(printed), squeezed(found)), f"line {block.line}: {command}\n{found}"
        return
    named = r"`([\w/.]+/[\w.]+)`"
    sentence = [words for words in re.split(r"(?<=[.!?]) (?=[A-Z])", block.before) if re.search(named, words)][-1]
    path = Path(re.findall(named, sentence)[-1])
    if sentence.startswith("Write "):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text)
    elif sentence.startswith("Add to the end of "):
        path.write_text(path.read_text() + block.text)
    elif block.kind == "diff":
        lines = block.text.splitlines()
        old = "\n".join(line[1:] for line in lines if line[0] != "+")
        new = "\n".join(line[1:] for line in lines if line[0] != "-")
        assert path.read_text().count(old) == 1, f"line {block.line}: {path}"
        path.write_text(path.read_text().replace(old, new))
    else:
        assert block.text in path.read_text(), f"line {block.line}: {path}"


@pytest.mark.sandbox
@pytest.mark.timeout(900)
def test_the_tutorial_is_true(run: Run) -> None:
    """Every command prints what the page shows, and every file is what the page says it is."""
    followed = list(blocks())
    assert len(followed) > 15
    for block in followed:
        follow(block, run)
    assert load_assignment(Path("assignments/standard_scores").absolute()).title == "Standard scores"
