"""The parts of `grader ci`: platforms, what a push changed, what was released, thresholds, given code."""

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.authoring import count_given, missing_lines
from grader.ci import (
    RECORD,
    Memory,
    changed_since,
    compare,
    detect,
    digest_of,
    digest_of_folders,
    is_tracked,
    parse_digest,
    parse_threshold,
    prefix,
    read_record,
    record_of,
    write_record,
    write_template,
)
from grader.cli.ci_telling import decide
from grader.errors import SetupError
from grader.exports.code_quality import code_quality
from grader.exports.request import Request
from grader.model.departure import Departure
from grader.model.result import Result, Scores
from grader.model.submission import Cell, Source
from grader.pipeline.regrade import regrade
from grader.pipeline.repository import given_code_note, marked, who
from grader.results.folder import RecordedEvidence, ResultsFolder
from grader.results.verdicts import make_result
from tests.factories import (
    make_assignment,
    make_fit,
    make_observation,
    make_submission,
    make_verdict,
    write_assignment,
)

CHECKOUT = Path(__file__).resolve().parent.parent
STARTERS = sorted((CHECKOUT / "assignments").glob("*/starter/*.*"))
ONE, ZEROS = "1" * 40, "0" * 40


def payload(tmp_path: Path, **values: object) -> dict[str, str]:
    """The environment of GitHub Actions with an event."""
    place = tmp_path / "event.json"
    place.write_text(json.dumps(values))
    return {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "push", "GITHUB_EVENT_PATH": str(place)}


# ── platforms ──


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({}, "none"),
        ({"CI": "false"}, "none"),
        ({"CI": "true"}, "other"),
        ({"CI": "1"}, "other"),
        ({"CI": "true", "GITLAB_CI": "true"}, "gitlab"),
        ({"CI": "true", "GITHUB_ACTIONS": "true"}, "github"),
    ],
)
def test_a_platform_is_known_by_its_variable(environment: Mapping[str, str], name: str) -> None:
    """Each platform sets a variable of its own, and all of them CI."""
    assert detect(environment).name == name


@pytest.mark.parametrize(
    ("event", "values", "base", "why"),
    [
        ("push", {"before": ONE}, ONE, ""),
        ("push", {"before": ZEROS}, "", "first push"),
        ("push", {"before": ONE, "forced": True}, "", "by force"),
        ("push", {"before": "--output=x"}, "", "names no earlier commit"),
        ("push", {}, "", "names no earlier commit"),
        ("pull_request", {"pull_request": {"base": {"sha": ONE}}}, ONE, ""),
        ("pull_request", {"pull_request": []}, "", "names no base"),
        ("workflow_dispatch", {}, "", "workflow_dispatch"),
    ],
)
def test_the_commit_before_comes_from_githubs_event(
    tmp_path: Path, event: str, values: dict[str, object], base: str, why: str
) -> None:
    """A push names the commit before it, a pull request its base; where there is none, the reason is told."""
    platform = detect({**payload(tmp_path, **values), "GITHUB_EVENT_NAME": event})
    assert (platform.base, platform.merge) == (base, event == "pull_request")
    assert why in platform.why_no_base


@pytest.mark.parametrize("content", [b"", b"[1]", b"\xff", b"{", b"[" * 100_000])
def test_an_event_that_cannot_be_read_names_nothing(tmp_path: Path, content: bytes) -> None:
    """A broken payload is no reason to fail: everything counts as changed."""
    environment = payload(tmp_path)
    (tmp_path / "event.json").write_bytes(content)
    assert detect(environment).base == ""


@pytest.mark.parametrize(
    ("variables", "base", "merge"),
    [
        ({"CI_COMMIT_BEFORE_SHA": ONE}, ONE, False),
        ({"CI_COMMIT_BEFORE_SHA": ZEROS}, "", False),
        ({"CI_COMMIT_BEFORE_SHA": ZEROS, "CI_MERGE_REQUEST_DIFF_BASE_SHA": ONE}, ONE, True),
        ({}, "", False),
    ],
)
def test_the_commit_before_comes_from_gitlabs_variables(variables: dict[str, str], base: str, merge: bool) -> None:
    """That of the merge request, else that before the push."""
    platform = detect({"GITLAB_CI": "true", **variables})
    assert (platform.base, platform.merge) == (base, merge)


@pytest.mark.parametrize(
    ("variables", "owner", "name", "known_by"),
    [
        ({"GITHUB_REPOSITORY": "uni/demo-ada", "GITHUB_ACTOR": "teacher"}, "Organization", "ada", "name of the repo"),
        ({"GITHUB_REPOSITORY": "uni/hw", "GITHUB_ACTOR": "ada"}, "Organization", "ada", "who pushed"),
        (
            {"GITHUB_REPOSITORY": "ada/hw", "GITHUB_ACTOR": "bob", "GITHUB_REPOSITORY_OWNER": "ada"},
            "User",
            "ada",
            "own",
        ),
        ({"GITHUB_REPOSITORY": "uni/hw", "GITHUB_ACTOR": "dependabot[bot]"}, "Organization", "hw", "repository"),
    ],
)
def test_the_student_is_told_by_the_platform(
    tmp_path: Path, variables: dict[str, str], owner: str, name: str, known_by: str
) -> None:
    """The name of a Classroom repository, the owner if that is a person, who pushed if that is no robot, the name."""
    environment = {**payload(tmp_path, repository={"owner": {"type": owner}}), **variables}
    student = who(detect(environment), None, tmp_path, ["demo"])
    assert student.name == name
    assert known_by in student.known_by


def test_the_student_can_be_named(tmp_path: Path) -> None:
    """A name that is given stands; an empty one is a mistake."""
    assert who(detect({}), "eve", tmp_path, []).name == "eve"
    assert who(detect({}), None, tmp_path, []).name == tmp_path.name
    with pytest.raises(SetupError, match="--student"):
        who(detect({}), " ", tmp_path, [])


# ── what changed ──

Git = Callable[..., str]


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """Runs git in a new repository, `repo`."""
    folder = tmp_path / "repo"
    folder.mkdir()

    def run(*arguments: str) -> str:
        who_am_i = ["-c", "user.name=ada", "-c", "user.email=ada@example.org", "-c", "init.defaultBranch=main"]
        ran = subprocess.run(
            ["git", *who_am_i, *arguments], cwd=folder, check=True, capture_output=True, text=True, timeout=60
        )
        return ran.stdout.strip()

    run("init", "-q")
    return run


def commit(git: Git, folder: Path, **files: str) -> str:
    """Write files, commit them, return the commit."""
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    git("add", "-A")
    git("commit", "-q", "-m", "work")
    return git("rev-parse", "HEAD")


def test_what_a_push_changed_is_what_git_says(git: Git, tmp_path: Path) -> None:
    """Added, changed and removed files between two commits; nothing else."""
    repo = tmp_path / "repo"
    before = commit(git, repo, same="1", changed="1", removed="1")
    (repo / "removed.py").unlink()
    commit(git, repo, changed="2", añadido="3")
    changes = changed_since(repo, before, merge=False)
    assert changes.paths == frozenset({"changed.py", "removed.py", "añadido.py"})
    assert changes.touches("changed.py")
    assert not changes.touches("same.py")


def test_a_folder_changed_if_anything_in_it_did(git: Git, tmp_path: Path) -> None:
    """Names that only begin alike are another folder."""
    repo = tmp_path / "repo"
    before = commit(git, repo, other="1")
    (repo / "demo").mkdir()
    (repo / "demo" / "a.py").write_text("1")
    commit(git, repo)
    changes = changed_since(repo, before, merge=False)
    assert changes.touches("demo")
    assert not changes.touches("dem")
    assert prefix(repo / "demo") == "demo/"
    assert prefix(repo) == prefix(tmp_path) == ""


def test_a_pull_request_is_compared_with_where_it_began(git: Git, tmp_path: Path) -> None:
    """What others changed on the base branch in the meantime is not the student's change."""
    repo = tmp_path / "repo"
    commit(git, repo, mine="1", theirs="1")
    git("checkout", "-q", "-b", "work")
    commit(git, repo, mine="2")
    git("checkout", "-q", "main")
    base = commit(git, repo, theirs="2")
    git("checkout", "-q", "work")
    assert changed_since(repo, base, merge=True).paths == frozenset({"mine.py"})


def test_everything_changed_where_the_commit_before_is_unknown(git: Git, tmp_path: Path) -> None:
    """Not in this clone, not an ancestor, or no repository at all: the reason is told."""
    repo = tmp_path / "repo"
    commit(git, repo, a="1")
    lost = commit(git, repo, a="2")
    git("reset", "-q", "--hard", "HEAD~1")
    commit(git, repo, a="3")
    for folder, base, reason in ((repo, ONE, "not in this checkout"), (repo, lost, "by force"), (tmp_path, ONE, "")):
        changes = changed_since(folder, base, merge=False)
        assert changes.paths is None
        assert reason in changes.reason
        assert changes.touches("anything")


def test_a_shallow_clone_knows_nothing(git: Git, tmp_path: Path) -> None:
    """With a depth of 1, the usual one, the commit before is not there."""
    repo = tmp_path / "repo"
    before = commit(git, repo, a="1")
    commit(git, repo, a="2")
    git("clone", "-q", "--depth", "1", f"file://{repo}", str(tmp_path / "clone"))
    assert changed_since(tmp_path / "clone", before, merge=False).paths is None


def test_files_that_a_push_brought_are_told_from_a_cache(git: Git, tmp_path: Path) -> None:
    """A committed folder is tracked, one that a cache put there is not."""
    repo = tmp_path / "repo"
    (repo / "cache").mkdir()
    (repo / "cache" / "run.json").write_text("{}")
    assert not is_tracked(repo, repo / "cache")
    commit(git, repo)
    assert is_tracked(repo, repo / "cache")


def test_memory_outlives_a_run(tmp_path: Path) -> None:
    """What was kept is known by exactly this digest; a damaged file knows nothing, and is written anew."""
    place = tmp_path / "home" / "memory.json"
    Memory(place).keep("demo", digest_of("a", "b"))
    assert Memory(place).knows("demo", digest_of("a", "b"))
    assert not Memory(place).knows("demo", digest_of("ab"))
    place.write_text('{"demo": 3}')
    assert not Memory(place).knows("demo", "3")
    place.write_text("[")
    Memory(place).keep("demo", "x")
    assert Memory(place).knows("demo", "x")


def test_memory_without_a_place_forgets(tmp_path: Path) -> None:
    """Where nothing can be written, that is no failure."""
    (tmp_path / "file").touch()
    Memory(tmp_path / "file" / "memory.json").keep("demo", "x")
    assert not Memory(tmp_path / "file" / "memory.json").knows("demo", "x")


def test_a_digest_of_folders_sees_names_and_contents(tmp_path: Path) -> None:
    """Renaming a file and changing it both count; what Python compiled does not."""
    place = tmp_path / "a"
    place.mkdir()
    (place / "x").write_text("1")
    seen = {digest_of_folders(tmp_path)}
    (place / "x").rename(place / "y")
    seen.add(digest_of_folders(tmp_path))
    (place / "y").write_text("2")
    seen.add(digest_of_folders(tmp_path))
    (place / "__pycache__").mkdir()
    (place / "__pycache__" / "y.pyc").touch()
    seen.add(digest_of_folders(tmp_path))
    assert len(seen) == 3


# ── what was released ──

FILES = {
    ".github/workflows/grade.yml": "on: push\n",
    ".github/actions/mine/action.yml": "runs: {}\n",
    ".github/classroom/autograding.json": "{}\n",
    ".gitlab-ci.yml": "grade: {}\n",
    "action.yml": "name: x\n",
    "assignments/demo/assignment.toml": "id = 'demo'\n",
    "assignments/demo/checks.py": "pass\n",
}


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """A repository as it was released."""
    for name, text in {
        **FILES,
        "demo.py": "",
        "README.md": "",
        ".github/.keep": "",
        "assignments/data.csv": "",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    write_record(tmp_path)
    return tmp_path


def test_a_record_holds_workflows_and_checks_and_nothing_else(released: Path) -> None:
    """Work, handouts and what Classroom adds are a student's to change."""
    record = read_record(released)
    assert record is not None
    assert set(record.files) == set(FILES)
    assert compare(released, record, record.digest) == []


@pytest.mark.parametrize("name", sorted(FILES))
@pytest.mark.parametrize("how", ["changed", "removed"])
def test_each_released_file_is_watched(released: Path, name: str, how: str) -> None:
    """A change and a removal are told with the path; of checks under a flag of their own."""
    (released / name).write_text("other") if how == "changed" else (released / name).unlink()
    record = read_record(released)
    found = [item for item in compare(released, record) if item.path == name]
    assert [item.flag for item in found] == ["checks_changed" if "assignments" in name else "workflow_changed"]
    assert how in found[0].text


@pytest.mark.parametrize("name", [".github/workflows/forge.yml", "assignments/demo/conftest.py", "action.yaml"])
def test_a_workflow_or_check_that_was_added_is_told(released: Path, name: str) -> None:
    """A second workflow can print whatever points it likes."""
    (released / name).write_text("x")
    assert [(item.path, "added" in item.text) for item in compare(released, read_record(released))] == [(name, True)]


def test_a_link_in_place_of_a_workflow_is_told(released: Path) -> None:
    """Also if it leads to the very same text; it is not followed, and nor is a link in place of a folder."""
    workflow = released / ".github/workflows/grade.yml"
    workflow.rename(released / "copy.yml")
    workflow.symlink_to("../../copy.yml")
    (released / ".gitlab").symlink_to("/")
    assert [item.path for item in compare(released, read_record(released))] == [
        ".github/workflows/grade.yml",
        ".gitlab",
    ]


@pytest.mark.parametrize("text", ["on: push\r\n", "on: push\n"])
def test_line_ends_do_not_count(released: Path, text: str) -> None:
    """Git may write others on another machine."""
    (released / ".github/workflows/grade.yml").write_bytes(text.encode())
    assert compare(released, read_record(released)) == []


def test_a_record_that_was_written_anew_is_seen_by_its_digest(released: Path) -> None:
    """Who changes a workflow and the record with it is found out by the digest from outside, and only by that."""
    digest = record_of(released).digest
    (released / ".gitlab-ci.yml").write_text("other")
    write_record(released)
    assert compare(released, read_record(released)) == []
    assert [item.flag for item in compare(released, read_record(released), digest)] == ["release_record_changed"]


@pytest.mark.parametrize("content", [None, "", "[]", "{", '{"files": 3}', '{"files": {"a": 1}}', "[" * 100_000])
def test_a_record_that_is_gone_or_broken_is_told_where_one_is_expected(released: Path, content: str | None) -> None:
    """Without a digest from outside there is nothing to say: not every repository has a record."""
    digest = record_of(released).digest
    (released / RECORD).unlink()
    if content is not None:
        (released / RECORD).write_text(content)
    assert compare(released, read_record(released)) == []
    assert [item.path for item in compare(released, read_record(released), digest)] == [RECORD]


@pytest.mark.parametrize("text", ["", "a" * 63, "g" * 64, "sha512:" + "a" * 64])
def test_a_digest_that_is_none_is_a_mistake_of_the_setup(text: str) -> None:
    """A wrong variable must not be taken for a student's change."""
    with pytest.raises(SetupError, match="64 hexadecimal digits"):
        parse_digest(text)


def test_a_digest_is_read_with_and_without_its_kind() -> None:
    """Capitals and spaces around it do not matter."""
    assert parse_digest(f" sha256:{'AB' * 32}\n") == parse_digest("ab" * 32) == "ab" * 32


# ── thresholds ──


def result(*statuses: str, review: bool = False, score: float | None = None) -> Result:
    """A result with a check of two points for each status."""
    checks = tuple(
        make_verdict(id=f"c{number}", status=status, points=2 if status == "passed" else 0)
        for number, status in enumerate(statuses)
    )
    points = sum(check.points for check in checks) if score is None else score
    values: dict[str, Any] = {"student": "ada", "path": "demo.py", "status": "graded", "max_score": 2.0 * len(checks)}
    return Result(**{**values, "score": None if points < 0 else points, "needs_review": review, "checks": checks})


def scores(*results: Result) -> list[Scores]:
    """Scores of one assignment each."""
    return [
        Scores(assignment=f"a{number}", generated_at="", grader_version="", submissions=(item,))
        for number, item in enumerate(results)
    ]


@pytest.mark.parametrize(
    ("threshold", "item", "reached"),
    [
        ("2", result("passed", "failed"), True),
        ("2.5", result("passed", "failed"), False),
        ("50%", result("passed", "failed"), True),
        ("50,1%", result("passed", "failed"), False),
        ("0", result("failed"), True),
        ("100 %", result("passed"), True),
        ("3", result("passed", "skipped", review=True), None),
        ("2", result("passed", "skipped", review=True), True),
        ("5", result("passed", "skipped", "failed", review=True), False),
        ("3", result("passed", "skipped"), False),
        ("1", result("passed", score=-1), None),
    ],
)
def test_points_that_wait_for_a_person_leave_it_open(threshold: str, item: Result, reached: bool | None) -> None:
    """Reached by what is sure, out of reach whatever a person gives, or not known."""
    assert parse_threshold(threshold).reached(item) is reached


@pytest.mark.parametrize("text", ["", "x", "-1", "101%", "nan", "inf", "1e3", "6 points", "%", "6%%", "٦"])
def test_a_threshold_that_is_none_is_refused(text: str) -> None:
    """With what was expected."""
    if text == "٦":  # a digit of another script is a number to Python, too
        assert parse_threshold(text).number == 6
        return
    with pytest.raises(SetupError, match=r"expected points, such as 6 or 6\.5, or a share of them, such as 60%"):
        parse_threshold(text)


def test_more_points_than_there_are_is_a_mistake_of_the_setup() -> None:
    """60 of 4 points was meant as 60 %: nobody's build turns red for it."""
    with pytest.raises(SetupError, match="Did you mean 60%"):
        parse_threshold("60").reached(result("passed", "passed"))


@given(st.integers(0, 100), st.lists(st.sampled_from(["passed", "failed"]), min_size=1, max_size=8))
def test_a_share_is_reached_exactly_from_its_points_on(percent: int, statuses: list[str]) -> None:
    """Percent of the maximum, compared in whole numbers."""
    item = result(*statuses)
    assert parse_threshold(f"{percent}%").reached(item) is (statuses.count("passed") * 100 >= percent * len(statuses))


@pytest.mark.parametrize(
    ("items", "threshold", "word", "good"),
    [
        ([], None, "unchanged", True),
        ([result("failed")], None, "graded", True),
        ([result("passed", "skipped", review=True)], None, "graded", True),
        ([result("failed")], "1", "below", False),
        ([result("passed"), result("failed")], "50%", "below", False),
        ([result("passed"), result("passed")], "50%", "graded", True),
        ([result("skipped", review=True)], "50%", "waits", False),
        ([result("passed", score=-1, review=True)], None, "failed", False),
        ([result("passed", score=-1, review=True), result("failed")], "1", "failed", False),
    ],
)
def test_what_a_job_ends_with(items: list[Result], threshold: str | None, word: str, good: bool) -> None:
    """Our own failure is neither green nor below: it is its own word; a low grade is green unless asked otherwise."""
    outcome = decide(scores(*items), None if threshold is None else parse_threshold(threshold))
    assert (outcome.word, outcome.good) == (word, good)
    assert ("person" in outcome.sentence) is any(item.needs_review for item in items)


# ── given code ──

STARTER = '''"""Do it.

Write between the lines.
"""
import numpy as np


def train(images, labels):
    """Train."""
    # 1. A model.
    # YOUR CODE STARTS HERE
    model = None
    # YOUR CODE ENDS HERE
    history = model.fit(
        images,
        labels,
        # YOUR CODE STARTS HERE
        # YOUR CODE ENDS HERE
    )
    return history.history['accuracy'][-1]
'''


def cells_of(path: Path) -> list[str]:
    """The code cells of a starter."""
    text = path.read_text("utf-8")
    if path.suffix == ".py":
        return [text]
    return ["".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]


@pytest.mark.parametrize("path", STARTERS, ids=lambda path: path.name)
def test_nothing_is_missing_from_an_untouched_starter(path: Path) -> None:
    """Every starter of the course gives code, and has all of it."""
    assert count_given(path.name, path.read_text("utf-8")) > 0
    assert missing_lines(path.name, path.read_text("utf-8"), cells_of(path)) == []


@pytest.mark.parametrize(
    "path",
    [path for path in sorted((CHECKOUT / "solutions").glob("*/reference*/*")) if path.suffix in (".py", ".ipynb")],
    ids=lambda path: f"{path.parent.name}/{path.name}",
)
def test_nothing_is_missing_from_a_reference(path: Path) -> None:
    """Module against module starter, notebook against notebook starter: no false alarm on right work."""
    starter = CHECKOUT / "assignments" / path.parent.parent.name / "starter" / path.name
    if not starter.is_file():
        starter = next(starter.parent.glob(f"*{path.suffix}"))
    assert missing_lines(starter.name, starter.read_text("utf-8"), cells_of(path)) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text,
        lambda text: text.replace("'", '"'),
        lambda text: text.replace("    ", "\t"),
        lambda text: text.replace("model = None", "model = make()\n    extra = 3"),
        lambda text: text.replace("labels,\n", "labels, epochs=3\n"),
        lambda text: text.replace('"""Train."""', '"""Обучение."""'),
        lambda text: "\n".join(line for line in text.split("\n") if not line.strip().startswith("#")),
        lambda text: text.replace(
            "history = model.fit(\n        images,\n        labels,", "history = model.fit(images, labels,"
        ),
        lambda text: "!pip install numpy\n%matplotlib inline\n" + text + "\ntrain(1, 2)\n",
        lambda text: text + "\nprint('it does not end",
    ],
    ids=["same", "quotes", "tabs", "answer", "argument", "docstring", "comments", "joined", "magics", "broken"],
)
def test_what_students_do_is_no_change_of_given_code(change: Callable[[str], str]) -> None:
    """Adding, formatting, quotes, comments and docstrings, also beside code that is not Python."""
    assert missing_lines("demo.py", STARTER, [change(STARTER)]) == []


@pytest.mark.parametrize(
    ("old", "new", "missing"),
    [
        ("import numpy as np\n", "", "import numpy as np"),
        ("'accuracy'][-1]", "'accuracy'][-2]", "return history.history['accuracy'][-1]"),
        ("return history.history", "return 1 or history.history", "return history.history['accuracy'][-1]"),
        ("def train(images, labels):", "def train(images, labels, epochs):", "def train(images, labels):"),
        ("history = model.fit(", "history = model.evaluate(", "history = model.fit("),
    ],
)
def test_a_changed_line_is_named(old: str, new: str, missing: str) -> None:
    """As the starter has it."""
    assert missing_lines("demo.py", STARTER, [STARTER.replace(old, new)]) == [missing]


def test_a_line_that_is_given_twice_is_wanted_twice() -> None:
    """One of two equal lines may not go unseen."""
    starter = "def a():\n    return 7\n\n\ndef b():\n    return 7\n"
    assert missing_lines("d.py", starter, [starter]) == []
    assert missing_lines("d.py", starter, [starter.replace("return 7", "return 8", 1)]) == ["return 7"]


@given(st.text(max_size=200))
def test_any_text_is_survived(text: str) -> None:
    """A hand-in of any kind gives an answer, and text beside the given code takes nothing away from it."""
    assert len(missing_lines("demo.py", STARTER, [text])) <= count_given("demo.py", STARTER)
    assert missing_lines("demo.py", STARTER, [STARTER, text]) == []


@pytest.mark.parametrize("text", ["(" * 100_000, "x" * 3_000_000, "\0", "\ud800", "'\\d'", "a = 1\n  b = 2"])
def test_hostile_text_is_survived(text: str) -> None:
    """Deep nesting, a line of megabytes, null bytes, half surrogates."""
    missing_lines("demo.py", STARTER, [STARTER, text])


def note_of(tmp_path: Path, code: str) -> str:
    """What is said about a module, given the starter."""
    (tmp_path / "starter").mkdir(exist_ok=True)
    (tmp_path / "starter" / "demo.py").write_text(STARTER)
    source = Source(kind="module", cells=(Cell(number=1, text=code),))
    note = given_code_note(make_assignment(tmp_path), make_submission(source=source))
    return note.text if note else ""


def test_a_note_is_mild(tmp_path: Path) -> None:
    """It quotes what is missing, says that it costs nothing, and of a file that begins from nothing it says only that."""
    assert note_of(tmp_path, STARTER) == ""
    assert "changed or missing: import numpy as np." in note_of(tmp_path, STARTER.replace("import numpy as np", ""))
    assert "costs no points" in note_of(tmp_path, "x = 1")
    assert "does not begin from the starter" in note_of(tmp_path, "x = 1")


def test_no_note_where_there_is_nothing_to_compare(tmp_path: Path) -> None:
    """No starter, or one that is broken: not the student's fault."""
    assert given_code_note(make_assignment(tmp_path), make_submission()) is None
    (tmp_path / "starter").mkdir()
    (tmp_path / "starter" / "demo.py").write_text("def (")
    (tmp_path / "starter" / "demo.ipynb").write_text("{")
    source = Source(kind="module", cells=(Cell(number=1, text="x = 1"),))
    assert given_code_note(make_assignment(tmp_path), make_submission(source=source)) is None


def test_marks_take_the_place_of_those_of_an_earlier_run() -> None:
    """Marking twice is marking once; other flags and notes stay, and points are not touched."""
    before = result("passed").model_copy(update={"flags": ("old_name",)})
    departure = Departure(flag="workflow_changed", path="x", text="Changed.")
    once = marked(before, [departure, departure], None)
    assert once.flags == ("old_name", "workflow_changed")
    assert marked(once, [departure], None) == once
    assert marked(once, [], None) == before


def test_flags_of_a_repository_survive_judging_again(tmp_path: Path) -> None:
    """A corrected check changes points, and not what was seen of the repository."""
    checks = 'from grader.judging import points\n\n\n@points(2)\ndef works(call):\n    """It works."""\n    assert call.found\n'
    assignment = write_assignment(tmp_path / "assignments" / "demo", checks)
    observation = make_observation(make_fit())
    before = make_result(make_submission(), observation, (make_verdict(),))
    departure = Departure(flag="workflow_changed", path="x", text="Changed.")
    folder = ResultsFolder(tmp_path / "results")
    folder.write(marked(before, [departure], None), RecordedEvidence(observation=observation))
    regrade(tmp_path / "results", lambda _: assignment)
    after = folder.read("ada")
    assert after is not None
    assert (after.flags, after.score) == (("workflow_changed",), 2.0)


# ── files ──


def test_code_quality_has_what_gitlab_requires() -> None:
    """Each entry has all required keys, a fingerprint of its own, and a line from 1 on; only what failed is in it."""
    item = result("passed", "failed", "skipped", "failed")
    failed = item.checks[1].model_copy(update={"message": "Look at line 7."})
    item = item.model_copy(update={"checks": (item.checks[0], failed, *item.checks[2:])})
    departure = Departure(flag="workflow_changed", path=".gitlab-ci.yml", text="Changed.")
    issues = json.loads(code_quality([Request("demo", (item,), file="demo.py")], [departure]))
    assert [(issue["location"]["path"], issue["location"]["lines"]["begin"]) for issue in issues] == [
        (".gitlab-ci.yml", 1),
        ("demo.py", 7),
        ("demo.py", 1),
    ]
    assert len({issue["fingerprint"] for issue in issues}) == 3
    for issue in issues:
        assert set(issue) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert issue["severity"] in {"info", "minor", "major", "critical", "blocker"}


def test_a_template_is_written_once(tmp_path: Path) -> None:
    """Again it is the same; a file of one's own is never written over."""
    place = write_template(tmp_path, "github", "student", "uni/course")
    assert "uses: uni/course/.github/workflows/" in place.read_text()
    assert write_template(tmp_path, "github", "student", "uni/course") == place
    with pytest.raises(SetupError, match="it is another one"):
        write_template(tmp_path, "github", "student", "uni/other")


@pytest.mark.parametrize(
    ("service", "kind", "course"),
    [
        ("travis", "student", None),
        ("github", "teacher", None),
        ("github", "student", "uni"),
        ("gitlab", "course", "a/$(x)"),
    ],
)
def test_names_that_are_not_known_are_refused(tmp_path: Path, service: str, kind: str, course: str | None) -> None:
    """Nothing is written, and nothing gets into a workflow that is no path of a repository."""
    with pytest.raises(SetupError, match="expected"):
        write_template(tmp_path, service, kind, course)
    assert list(tmp_path.iterdir()) == []
