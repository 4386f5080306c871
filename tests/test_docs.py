"""The documentation says what the program does: commands, options, words, keys, links and functions."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import typer.main
from pydantic import BaseModel

from grader.cli import base as command_line
from grader.cli import places
from grader.gradebook.settle import UNKNOWN_LATENESS
from grader.judging import expectations, value_expectations
from grader.judging.marks import Mark
from grader.judging.plugin import JudgePlugin
from grader.model.assignment import Assignment, Limits, TrainingPolicy, load_assignment
from grader.model.departure import REPOSITORY_FLAGS
from grader.model.lateness import LatePolicy
from grader.model.observation import EndingKind
from grader.model.result import CheckStatus, CourseScores, Result, Scores, Status, TrainingSummary, Verdict
from grader.pipeline.repository import GIVEN_CODE
from grader.results.verdicts import ENDINGS
from grader.sandbox.box import LEVELS
from grader.training.drills import make_drills

CHECKOUT = Path(__file__).resolve().parent.parent
DOCS = CHECKOUT / "docs"
REFERENCE = DOCS / "reference"
COMMANDS: dict[str, Any] = typer.main.get_command(command_line.app).commands  # type: ignore[attr-defined]
PARAMETERS: dict[str, list[Any]] = {
    verb: [*command.params, *(item for inner in getattr(command, "commands", {}).values() for item in inner.params)]
    for verb, command in COMMANDS.items()
}
"""Arguments and options of each verb, those of its own verbs included."""
FILLED_IN = {"folder", "digest", "reference"}
"""Fields of an Assignment that are not read from TOML."""


def text_of(name: str) -> str:
    return (CHECKOUT / name).read_text("utf-8")


def words_in(text: str) -> set[str]:
    """Everything that stands between backticks."""
    return set(re.findall(r"`([^`\n]+)`", text))


def section_of(text: str, heading: str) -> str:
    """The text below a heading, up to the next one of the same depth or above."""
    depth = heading.split(" ")[0]
    _, found, rest = f"\n{text}".partition(f"\n{heading}\n")
    assert found, f"there is no heading {heading!r}"
    return re.split(rf"\n#{{1,{len(depth)}}} ", rest)[0]


def first_cells(section: str) -> set[str]:
    """Words between backticks in the first column of tables."""
    return {word for line in section.splitlines() if line.startswith("| `") for word in words_in(line.split("|")[1])}


def tracked(*patterns: str) -> list[Path]:
    """Files under version control, or that would be, so that nothing that a tool left behind is looked at."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *patterns]
    try:
        listed = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is not a git checkout")
    return [CHECKOUT / name for name in sorted(listed.split("\0")) if name and (CHECKOUT / name).is_file()]


def own_pages() -> list[Path]:
    """README, changelog and everything in docs/."""
    return [CHECKOUT / "README.md", CHECKOUT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]


def named_functions() -> Iterator[tuple[str, str, str]]:
    """(page, file, name) for each `grader/….py:name` in the documents."""
    for page in own_pages():
        for file, name in re.findall(r"`((?:grader|tools)/[\w/]+\.py):([\w.]+)`", page.read_text("utf-8")):
            yield page.name, file, name


def definitions(path: Path) -> set[str]:
    """Functions, classes and methods in a file, as `name` and `Class.name`."""
    found = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{item.name}" for item in node.body if isinstance(item, ast.FunctionDef)}
    return found


def python_sources(*folders: str) -> str:
    """All source text of packages of grader."""
    return "\n".join(
        path.read_text("utf-8") for folder in folders for path in sorted(CHECKOUT.glob(f"{folder}/**/*.py"))
    )


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_reference_has_a_section_for_each_command(command: str) -> None:
    """Every command has a section in the reference of the command line, and no section is left over."""
    headings = re.findall(r"^## grader (\w+)$", text_of("docs/reference/cli.md"), re.MULTILINE)

    assert command in headings
    assert set(headings) == set(COMMANDS)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_reference_has_every_option_of_a_command_and_no_other(command: str) -> None:
    """The table of a command lists exactly the options that the command takes."""
    section = section_of(text_of("docs/reference/cli.md"), f"## grader {command}")
    options = {name for item in PARAMETERS[command] if item.param_type_name == "option" for name in item.opts}

    assert {word.split()[0] for word in first_cells(section)} == options


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_reference_shows_the_arguments_of_a_command(command: str) -> None:
    """Arguments stand in the section of their command, in capitals."""
    section = section_of(text_of("docs/reference/cli.md"), f"## grader {command}")
    missing = [
        item.name
        for item in PARAMETERS[command]
        if item.param_type_name == "argument" and item.name.upper() not in section
    ]

    assert missing == []


def test_reference_has_the_options_before_the_verb() -> None:
    """Options of `grader` itself are in the reference."""
    group = typer.main.get_command(command_line.app)
    text = text_of("docs/reference/cli.md")

    assert [name for item in group.params for name in item.opts if f"`{name}`" not in text] == []


def test_reference_names_each_level_of_the_sandbox() -> None:
    """Every level of `--sandbox` is explained in the reference and in the threat model."""
    table = section_of(text_of("docs/reference/cli.md"), "## Sandbox levels")
    missing = section_of(text_of("docs/explanation/threat-model.md"), "## When a layer is missing")

    assert first_cells(table) == set(LEVELS)
    assert set(LEVELS) <= words_in(missing)


def test_reference_names_the_environment_variables_that_are_read() -> None:
    """What `grader` reads from the environment of its user stands in the reference."""
    source = Path(places.__file__).read_text("utf-8") + text_of("grader/sandbox/box.py")
    read = set(re.findall(r'os\.environ\.get\("(\w+)"', source))

    assert read
    assert read <= first_cells(section_of(text_of("docs/reference/cli.md"), "## Environment variables"))


def test_every_status_is_in_the_reference() -> None:
    """The table of statuses is that of the records."""
    assert first_cells(section_of(text_of("docs/reference/scores-json.md"), "### Status")) == set(get_args(Status))


def test_every_status_of_a_check_is_in_the_reference() -> None:
    """All four answers of a check are explained, in the page of the scores and in the page of the checks."""
    statuses = set(get_args(CheckStatus))

    assert statuses <= words_in(section_of(text_of("docs/reference/scores-json.md"), "### A check"))
    assert statuses <= words_in(section_of(text_of("docs/reference/checks.md"), "## What the outcome means"))


def test_every_ending_is_in_the_reference_with_its_status() -> None:
    """The table of endings has every kind of ending, and the status that follows from it."""
    section = section_of(text_of("docs/reference/scores-json.md"), "### Endings")
    rows = dict(re.findall(r"^\| `(\w+)` \| `(\w+)` \|", section, re.MULTILINE))

    assert set(rows) == set(get_args(EndingKind))
    assert rows == ENDINGS


def test_every_exit_code_is_in_the_reference() -> None:
    """The table of exit codes has the names and numbers of the source; README has the numbers."""
    names = ("GRADED", "NEEDS_PERSON", "USAGE", "OUR_BUG", "INTERRUPTED")
    rows = dict(re.findall(r"^\| (\d+) \| `(\w+)` \|", text_of("docs/reference/exit-codes.md"), re.MULTILINE))
    readme = set(re.findall(r"^\| (\d+) \|", section_of(text_of("README.md"), "## Exit codes"), re.MULTILINE))

    assert {name: int(code) for code, name in rows.items()} == {name: getattr(command_line, name) for name in names}
    assert readme == set(rows)


@pytest.mark.parametrize(
    ("heading", "record"),
    [
        ("## Top level", Scores),
        ("## A submission", Result),
        ("### A check", Verdict),
        ("### The training", TrainingSummary),
    ],
)
def test_every_key_of_the_scores_is_in_the_reference(heading: str, record: type[BaseModel]) -> None:
    """The reference lists exactly the keys that `scores.json` has."""
    section = section_of(text_of("docs/reference/scores-json.md"), heading).split("\n### ")[0]

    assert first_cells(section) == set(record.model_fields)


def test_keys_of_scores_over_several_assignments_are_in_the_reference() -> None:
    """The `scores.json` of a course is described too."""
    assert set(CourseScores.model_fields) <= words_in(
        section_of(text_of("docs/reference/scores-json.md"), "## Top level")
    )


def test_sample_in_readme_has_only_true_keys() -> None:
    """The sample in README is `scores.json`, shortened: it has no key that the records do not have."""
    sample = section_of(text_of("README.md"), "## scores.json").split("```json\n")[1].split("```")[0]

    scores = Scores.model_validate_json(sample)

    assert scores.submissions[0].training is not None
    assert [verdict.id for verdict in scores.submissions[0].checks] == ["train_mnist_conv_runs"]


def test_every_kind_of_note_is_in_the_reference() -> None:
    """Each kind of note that the source can make is in the table, and the table has no other."""
    source = python_sources("grader/guest", "grader/discovery", "grader/results")
    kinds = set(re.findall(r"note\(\s*\"(\w+)\"", source)) | set(re.findall(r"Note\(\s*kind=\"(\w+)\"", source))

    assert len(kinds) >= 8
    assert first_cells(section_of(text_of("docs/reference/notes-and-flags.md"), "## Notes")) == kinds | {GIVEN_CODE}


def test_every_flag_is_in_the_reference() -> None:
    """Each flag that the source can raise is in the table, and the table has no other."""
    source = python_sources("grader")
    raised = set(re.findall(r"flags\.append\(\s*\"(\w+)\"", source))
    from_notes = re.search(r"note\.kind in \(([^)]*)\)", python_sources("grader/results"))
    assert from_notes is not None
    flags = raised | set(re.findall(r"\"(\w+)\"", from_notes[1])) | {UNKNOWN_LATENESS, *REPOSITORY_FLAGS}

    assert first_cells(section_of(text_of("docs/reference/notes-and-flags.md"), "## Flags")) == flags


@pytest.mark.parametrize(
    ("heading", "record"),
    [
        ("## Top level", Assignment),
        ("## [limits]", Limits),
        ("## [training]", TrainingPolicy),
        ("## [late]", LatePolicy),
    ],
)
def test_every_key_of_assignment_toml_is_in_the_reference(heading: str, record: type[BaseModel]) -> None:
    """The reference lists exactly the keys that are read from `assignment.toml`."""
    section = section_of(text_of("docs/reference/assignment-toml.md"), heading)

    assert first_cells(section) == set(record.model_fields) - FILLED_IN


@pytest.mark.parametrize(("heading", "record"), [("## [limits]", Limits), ("## [training]", TrainingPolicy)])
def test_defaults_of_assignment_toml_are_those_of_the_source(heading: str, record: type[BaseModel]) -> None:
    """A number in the column of defaults is the default; `required` is said of keys without one."""
    section = section_of(text_of("docs/reference/assignment-toml.md"), heading)
    rows = {
        cells[1].strip("` "): cells[3].strip("` ") for line in section.splitlines() if len(cells := line.split("|")) > 4
    }

    for name, field in record.model_fields.items():
        if field.is_required():
            assert rows[name] == "required"
        elif isinstance(field.default, bool):
            assert rows[name] == str(field.default).lower()
        elif isinstance(field.default, int | float):
            assert float(rows[name]) == field.default


@pytest.mark.parametrize("page", ["docs/reference/assignment-toml.md", "docs/how-to/write-an-assignment.md"])
def test_examples_of_assignment_toml_can_be_loaded(page: str, tmp_path: Path) -> None:
    """The first TOML block of a page that has an id is a right `assignment.toml`."""
    block = next(text for text in re.findall(r"```toml\n(.*?)```", text_of(page), re.DOTALL) if "id =" in text)
    folder = tmp_path / tomllib.loads(block)["id"]
    folder.mkdir()
    (folder / "assignment.toml").write_text(block)
    for name in ("probe.py", "checks.py"):
        (folder / name).touch()

    assert load_assignment(folder).training is not None


def test_every_expectation_is_in_the_reference() -> None:
    """Each ready-made expectation is in the table of checks, and the table has no other."""
    named = {
        name
        for module in (expectations, value_expectations)
        for name in vars(module)
        if name.startswith(("expect_", "compare_"))
    }
    section = section_of(text_of("docs/reference/checks.md"), "## Ready-made expectations")

    assert {word.split("(")[0] for word in first_cells(section)} == named


def test_every_argument_of_a_check_is_in_the_reference() -> None:
    """What a check can ask for is what the judge offers."""
    tree = ast.parse(text_of("grader/judging/plugin.py"))
    plugin = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == JudgePlugin.__name__)
    fixtures = {
        item.name
        for item in plugin.body
        if isinstance(item, ast.FunctionDef) and any("fixture" in ast.unparse(mark) for mark in item.decorator_list)
    }
    text = text_of("docs/reference/checks.md")

    assert fixtures
    assert first_cells(section_of(text, "## What a check can ask for")) == fixtures
    assert set(Mark.__dataclass_fields__) - {"points"} <= words_in(text)


def test_every_drill_is_in_the_reference() -> None:
    """The table of drills has the curves that are played."""
    drills = {drill.name for drill in make_drills(["accuracy", "loss"], 20, 0.998, 1)}

    assert first_cells(section_of(text_of("docs/reference/checks.md"), "## Drills")) == drills


@pytest.mark.parametrize("page", own_pages(), ids=lambda page: page.name)
def test_relative_links_lead_somewhere(page: Path) -> None:
    """Each link to a file, from a page of ours, leads to a file."""
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if not re.match(r"[a-z]+:|#", link)]

    assert [link for link in links if not (page.parent / link).is_file()] == []


def test_every_page_can_be_reached_from_the_index() -> None:
    """The index links to all pages."""
    links = {(DOCS / link).resolve() for link in re.findall(r"\]\(([^)\s]+\.md)\)", text_of("docs/index.md"))}

    assert set(DOCS.rglob("*.md")) - links == {DOCS / "index.md"}


def test_named_functions_exist() -> None:
    """Each `grader/file.py:name` in the documents is defined in that file."""
    named = list(named_functions())
    wrong = [
        f"{page}: {file}:{name}"
        for page, file, name in named
        if not (CHECKOUT / file).is_file() or name not in definitions(CHECKOUT / file)
    ]

    assert len(named) > 50
    assert wrong == []


def test_named_files_exist() -> None:
    """A path of our own that stands between backticks is there, unless it is a pattern."""
    wrong = []
    made = DOCS / "tutorial" / "your-own-assignment.md"  # names what it makes; tests/test_new.py carries it out
    for page in own_pages():
        for word in words_in(page.read_text("utf-8")) if page != made else ():
            match = re.fullmatch(r"((?:grader|solutions|examples|assignments|tools|tests|docs)/[\w/.-]+?)/?", word)
            if match and not (CHECKOUT / match[1]).exists():
                wrong.append(f"{page.name}: {word}")

    assert wrong == []


def test_readme_mentions_both_commands_for_a_fresh_machine() -> None:
    """README says `make demo` and `make test`, what they leave behind, and that data have licences; it stays short."""
    readme = text_of("README.md")

    for word in (
        "make demo",
        "make test",
        ".venv/",
        "results/",
        "grader/datasets/LICENSES.md",
        "Debian 12",
        "Python 3.11",
    ):
        assert word in readme
    assert len(readme.splitlines()) < 120


def test_readme_names_only_targets_that_the_makefile_has() -> None:
    """Every `make` target in README and in the documents is in the Makefile."""
    targets = set(re.findall(r"^([a-z]+):", text_of("Makefile"), re.MULTILINE))
    pages = "\n".join(page.read_text("utf-8") for page in own_pages())
    named = set(re.findall(r"(?:`|\$ |run: )make (?:-C \w+ )?([a-z]+)", pages))

    assert named
    assert named <= targets


def test_commands_in_examples_exist() -> None:
    """Each `grader VERB --option` in a console or YAML block is a command, with options that it has."""
    for page in own_pages():
        for block in re.findall(r"```(?:console|yaml)\n(.*?)```", page.read_text("utf-8"), re.DOTALL):
            for verb, rest in re.findall(r"(?:^|\$ |bin/)grader ([a-z]+)\b([^\n#]*)", block, re.MULTILINE):
                assert verb in COMMANDS, f"{page.name}: grader {verb}"
                known = {name for item in PARAMETERS[verb] for name in item.opts}
                assert set(re.findall(r"(?<!\S)--[\w-]+", rest)) <= known, f"{page.name}: grader {verb}{rest}"


@pytest.mark.parametrize("page", sorted((DOCS / "decisions").glob("*.md")), ids=lambda page: page.name[:4])
def test_a_decision_has_the_four_headings_on_one_page(page: Path) -> None:
    """Each decision says context, decision, what we gave up, and how we would know; its number is its file's."""
    text = page.read_text("utf-8")

    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == [
        "Context",
        "Decision",
        "What we gave up",
        "How we would know we were wrong",
    ]
    assert text.startswith(f"# {page.name[:4]}: ")
    assert len(text.splitlines()) <= 60


def test_decisions_are_numbered_without_gaps() -> None:
    """Decisions are numbered from 0001, each number once."""
    numbers = [int(page.name[:4]) for page in sorted((DOCS / "decisions").glob("*.md"))]

    assert numbers == list(range(1, len(numbers) + 1))


def test_documents_name_no_registry_and_no_place_of_one_machine() -> None:
    """No document that is shipped holds the host of a package registry or a path of somebody's machine."""
    hosts = (
        r"pypi\.org|pythonhosted\.org|registry\.npmjs|proxy\.golang|deb\.debian|docker\.io|ghcr\.io|artifactory|nexus"
    )
    machine = r"/home/\w|/root\b|/work/|/Users/|/tmp/w\b|\b(?:\d{1,3}\.){3}\d{1,3}:\d|localhost:\d|index-url"
    pages = [page for page in tracked("*.md") if "malformed" not in page.parts]
    wrong = [
        f"{page.relative_to(CHECKOUT)}: {match[0]}"
        for page in pages
        for match in re.finditer(f"{hosts}|{machine}", page.read_text("utf-8"))
    ]

    assert len(pages) > 20
    assert wrong == []
