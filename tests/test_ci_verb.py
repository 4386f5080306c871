"""`grader ci`, in this process: what it grades, tells and ends with. Grading itself is a fake that keeps the books."""

import base64
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest

from grader.authoring.scaffold import make_assignment
from grader.ci import record_of
from grader.cli import ci as ci_module
from grader.cli import ci_course, main, places
from grader.model.assignment import Assignment
from grader.model.result import Result, Scores
from grader.model.submission import Note
from grader.pipeline.batch import Batch
from grader.pipeline.settings import Settings
from grader.results.folder import ResultsFolder, read_scores
from grader.sandbox.doctor import Finding
from grader.validation import Report
from tests.factories import make_verdict
from tests.test_exports_github import obeyed

HOSTILE = "::error::forged\n##[error]forged\n\x1b[0Ksection_end:1:grader\r\x1b[0K<script>|x|</script>"


@dataclass
class Repository:
    """A student's repository on GitHub, and what `grader ci` said about it."""

    folder: Path
    course: Path
    run: Callable[..., int]
    graded: list[str] = field(default_factory=list)
    """Assignments that were graded, in their order, over all runs."""
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What the fake gives, by assignment, where that is not full marks."""
    settings: list[Settings] = field(default_factory=list)
    grade_batch: Any = None
    out: str = ""
    err: str = ""

    def git(self, *arguments: str) -> str:
        """Run git here."""
        who = ["-c", "user.name=ada", "-c", "user.email=ada@example.org", "-c", "init.defaultBranch=main"]
        ran = subprocess.run(
            ["git", *who, *arguments], cwd=self.folder, check=True, capture_output=True, text=True, timeout=60
        )
        return ran.stdout.strip()

    def push(self, **files: str | None) -> None:
        """Change files, commit them, and let GitHub's event name the commit before; a dot in a name is written `__`."""
        before = subprocess.run(
            ["git", "rev-parse", "-q", "--verify", "HEAD"], cwd=self.folder, capture_output=True, text=True, check=False
        ).stdout.strip()
        for name, text in files.items():
            path = self.folder / name.replace("__", ".")
            path.unlink() if text is None else path.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "work")
        event = {"before": before or "0" * 40, "repository": {"owner": {"type": "Organization"}}}
        (self.folder.parent / "event.json").write_text(json.dumps(event))

    @property
    def summary(self) -> str:
        """What GitHub shows of the step."""
        return (self.folder.parent / "summary").read_text()

    @property
    def outputs(self) -> dict[str, str]:
        """The outputs of the step."""
        lines = (self.folder.parent / "output").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def result(self, assignment: str = "") -> Result:
        """The one result that was written."""
        scores = read_scores(self.folder.parent / "results" / assignment)
        assert scores is not None
        [result] = scores.submissions
        return result


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Repository:
    """A repository with one finished and one untouched assignment, in a course that has two."""
    course = tmp_path / "course"
    for name in ("double_it", "triple_it"):
        make_assignment(name, name, "function", course / "assignments", course / "solutions")
    variables = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
        "GITHUB_REPOSITORY": "uni/homework",
        "GITHUB_REF": "refs/heads/main",
        "GITHUB_ACTOR": "ada",
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "GRADER_HOME": str(tmp_path / "home"),
        "GRADER_ASSIGNMENTS": str(course / "assignments"),
        "COLUMNS": "200",
    }
    for name in ("GITLAB_CI", "CI", "GRADER_RELEASE_DIGEST"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(places, "datasets", lambda: tmp_path)
    monkeypatch.setattr(ci_module, "missing_for", lambda _: [])
    monkeypatch.setattr("grader.pipeline.batch.missing_for", lambda _: [])

    def command(*arguments: str) -> int:
        for name in ("output", "summary"):
            (tmp_path / name).write_text("")
        monkeypatch.setattr(sys, "argv", ["grader", "ci", "student", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        captured = capsys.readouterr()
        made.out, made.err = captured.out, captured.err
        return int(end.value.code or 0)

    made = Repository(tmp_path / "student", course, command)

    def fake(batch: Batch, settings: Settings, output: Path, _watching: object) -> Iterator[Scores]:
        made.settings.append(settings)
        for name, submissions in batch.submissions.items():
            folder = ResultsFolder(output / name if batch.several else output)
            results = []
            for submission in submissions:
                made.graded.append(name)
                values = {"points": 4, "max_points": 4, **made.results.get(name, {}).get("verdict", {})}
                verdict = make_verdict(**values)
                score = {"score": verdict.points, "max_score": 4.0, "status": "graded", "needs_review": False}
                fields = {**score, **made.results.get(name, {}).get("result", {})}
                student, path, digest = submission.student, submission.path, submission.digest
                result = Result(student=student, path=path, submission_digest=digest, checks=(verdict,), **fields)
                folder.write(result, None)
                results.append(result)
            yield folder.write_scores(name, results)

    made.grade_batch = fake
    monkeypatch.setattr(ci_module, "grade_batch", fake)
    made.folder.mkdir()
    made.git("init", "-q")
    for name in ("double_it", "triple_it"):
        text = (course / "assignments" / name / "starter" / f"{name}.py").read_text()
        (made.folder / f"{name}.py").write_text(text)
    (made.folder / ".github" / "workflows").mkdir(parents=True)
    (made.folder / ".github" / "workflows" / "grade.yml").write_text("on: push\n")
    made.run("--record")
    made.push()
    return made


# ── what is graded ──


def test_the_first_push_grades_everything(repository: Repository) -> None:
    """Points of both together, as GitHub Classroom reads them; the student is who pushed."""
    assert repository.run() == 0
    assert repository.graded == ["double_it", "triple_it"]
    assert "everything counts as changed, because this is the first push of the branch" in repository.out
    notices = [command.data for command in obeyed(repository.out) if command.name == "notice"]
    assert notices == ["Points 8/8", '{"totalPoints": 8, "maxPoints": 8}']
    assert {name: repository.outputs[name] for name in ("score", "max-score", "outcome", "sandbox")} == {
        "score": "8",
        "max-score": "8",
        "outcome": "graded",
        "sandbox": "full",
    }
    assert json.loads(base64.b64decode(repository.outputs["result"]))["max_score"] == 8
    assert repository.result("double_it").student == "ada"


def test_the_next_push_grades_what_changed(repository: Repository) -> None:
    """The other one is left out, and that is said, also in the summary."""
    repository.run()
    repository.push(triple_it__py="x = 1\n")
    assert repository.run() == 0
    assert repository.graded[2:] == ["triple_it"]
    assert "double_it: not graded now, because it did not change since commit" in repository.out
    assert "double&#95;it&#58; not graded now" in repository.summary


def test_a_push_that_changes_nothing_of_it_grades_nothing(repository: Repository) -> None:
    """The build is green, and says that grades stand; there is a summary, and no points that would replace others."""
    repository.run("--fail-under", "60%")
    repository.push(README__md="Hello.\n")
    assert repository.run("--fail-under", "60%") == 0
    assert len(repository.graded) == 2
    assert repository.outputs["outcome"] == "unchanged"
    assert "the grades stand" in repository.summary
    assert not [command for command in obeyed(repository.out) if command.name == "notice"]


def test_all_grades_everything(repository: Repository) -> None:
    """`--all` asks neither git nor memory."""
    repository.run()
    repository.push(README__md="Hello.\n")
    repository.run("--all")
    assert repository.graded == ["double_it", "triple_it"] * 2


def test_a_changed_assignment_is_graded_anew(repository: Repository) -> None:
    """The student changed nothing, the instructor a check."""
    repository.run()
    checks = repository.course / "assignments" / "double_it" / "checks.py"
    checks.write_text(checks.read_text() + "# other\n")
    repository.push(README__md="Hello.\n")
    repository.run()
    assert repository.graded[2:] == ["double_it"]


def test_another_version_of_grader_grades_anew(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an older grader found is not taken for its own."""
    repository.run()
    monkeypatch.setattr("grader.pipeline.repository.__version__", "99")
    repository.push(README__md="Hello.\n")
    repository.run()
    assert repository.graded[2:] == ["double_it", "triple_it"]


def test_a_push_whose_job_was_cancelled_is_made_up_for(repository: Repository) -> None:
    """Git says that the last push changed nothing; but the one before, which did, was never graded."""
    repository.run()
    repository.push(double_it__py="x = 1\n")
    repository.push(README__md="Hello.\n")
    repository.run()
    assert repository.graded[2:] == ["double_it"]


def test_what_waits_for_a_person_is_graded_again(repository: Repository) -> None:
    """Only a final grade is remembered: not one that waits, and not one that was looked at quickly."""
    repository.results["double_it"] = {"result": {"needs_review": True}}
    repository.run()
    repository.push(README__md="Hello.\n")
    repository.run()
    assert repository.graded[2:] == ["double_it"]
    repository.run("--all", "--quick")
    repository.graded.clear()
    repository.results.clear()
    repository.push(README__md="Hello!\n")
    repository.run()
    assert repository.graded == ["double_it"]


def test_another_branch_has_a_memory_of_its_own(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was graded on one branch says nothing about the last run of another."""
    repository.run()
    repository.push(README__md="Hello.\n")
    monkeypatch.setenv("GITHUB_REF", "refs/heads/other")
    repository.run()
    assert repository.graded[2:] == ["double_it", "triple_it"]


def test_an_assignment_that_is_alone_is_always_graded(repository: Repository) -> None:
    """GitHub Classroom reads the points of the last run, so that each run must have them."""
    repository.push(triple_it__py=None)
    repository.run()
    repository.push(README__md="Hello.\n")
    repository.run()
    assert repository.graded == ["double_it", "double_it"]


def test_a_classroom_repository_says_student_and_assignment(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`double-it-zoe` is zoe's, whoever pushed; a file of any name is then for double_it."""
    monkeypatch.setenv("GITHUB_REPOSITORY", "uni/double-it-zoe")
    repository.push(triple_it__py=None, double_it__py=None, answer__py="x = 1\n")
    assert repository.run() == 0
    assert (repository.graded, repository.result().student) == (["double_it"], "zoe")
    assert repository.result().path == "answer.py"


def test_a_folder_for_each_assignment_is_found(repository: Repository) -> None:
    """Its path in the repository is that of the annotations, also from a subfolder of it."""
    (repository.folder / "double_it").mkdir()
    repository.git("mv", "double_it.py", "double_it/my answer.py")
    repository.results["double_it"] = {"verdict": {"status": "failed", "points": 0, "message": "Look at line 3."}}
    repository.push(triple_it__py=None)
    assert repository.run() == 0
    [error] = [command for command in obeyed(repository.out) if command.name == "error"]
    assert error.properties["file"] == "double_it/my answer.py"
    assert error.properties["line"] == "3"


def test_a_repository_without_work_is_told(repository: Repository) -> None:
    """Exit code 2, as an annotation that names what was expected."""
    repository.push(double_it__py=None, triple_it__py=None)
    assert repository.run() == 2
    [error] = [command for command in obeyed(repository.out) if command.name == "error"]
    assert "expected a notebook or module named after an assignment (double_it.py, triple_it.py" in error.data


def test_results_of_an_earlier_run_are_no_hand_in(repository: Repository) -> None:
    """The output may lie in the repository; what is left there is graded anew, and is nobody's work."""
    place = repository.folder / "results"
    (place / "submissions").mkdir(parents=True)
    (place / "double_it.py").write_text("x = 1")
    assert repository.run("--output", str(place)) == 0
    assert repository.settings[-1].force


@pytest.mark.parametrize("how", ["file", "folder", "link"])
def test_results_that_a_push_brought_are_refused(repository: Repository, how: str) -> None:
    """A committed result, or points by hand, would else be taken for the grader's and the instructor's own."""
    place = repository.folder / "results"
    if how == "link":
        (repository.folder.parent / "elsewhere").mkdir()
        place.symlink_to("../elsewhere")
    else:
        (place / "submissions" / "ada").mkdir(parents=True)
        name = "overrides.toml" if how == "file" else "submissions/ada/result.json"
        (place / name).write_text("")
    repository.push()
    assert repository.run("--output", str(place)) == 2
    assert "found files that belong to the repository" in repository.out
    assert repository.graded == []


# ── what it ends with ──


@pytest.mark.parametrize(
    ("fake", "threshold", "code", "outcome"),
    [
        ({}, None, 0, "graded"),
        ({"verdict": {"status": "failed", "points": 0}}, None, 0, "graded"),
        ({"verdict": {"status": "failed", "points": 0}}, "60%", 1, "below"),
        ({"verdict": {"status": "failed", "points": 3}}, "3", 0, "graded"),
        ({"verdict": {"status": "skipped", "points": 0}, "result": {"needs_review": True}}, None, 0, "graded"),
        ({"verdict": {"status": "skipped", "points": 0}, "result": {"needs_review": True}}, "60%", 1, "waits"),
        ({"result": {"score": None, "status": "error", "needs_review": True}}, None, 1, "failed"),
        ({"result": {"score": None, "status": "error", "needs_review": True}}, "60%", 1, "failed"),
    ],
)
def test_the_exit_code_says_what_a_colour_can(
    repository: Repository, fake: dict[str, Any], threshold: str | None, code: int, outcome: str
) -> None:
    """A low grade is green without a threshold; what is ours or a person's is never called below."""
    repository.results = {"double_it": fake, "triple_it": fake}
    assert repository.run(*(["--fail-under", threshold] if threshold else [])) == code
    assert repository.outputs["outcome"] == outcome
    levels = {command.name for command in obeyed(repository.out) if command.properties.get("title") == "grader"}
    assert levels == ({"error"} if outcome == "below" else {"warning"} if code else set())


def test_a_wrong_setup_is_no_grade(repository: Repository) -> None:
    """More points than there are: exit code 2 and a sentence, not a red build that says below."""
    assert repository.run("--fail-under", "60") == 2
    assert "Did you mean 60%25?" in repository.out
    assert "outcome" not in repository.outputs


# ── what is not as it was released ──


def test_an_edited_workflow_is_told_and_costs_nothing(repository: Repository) -> None:
    """In the log, as a warning at the file, in the summary, and as a flag in the results."""
    digest = record_of(repository.folder).digest
    (repository.folder / ".github/workflows/grade.yml").write_text("on: never\n")
    repository.push()
    assert repository.run("--release-digest", digest) == 0
    [warning] = [command for command in obeyed(repository.out) if command.name == "warning"]
    assert warning.properties["file"] == ".github/workflows/grade.yml"
    assert "### Not as released" in repository.summary
    result = repository.result("double_it")
    assert (result.flags, result.score) == (("workflow_changed",), 4.0)
    stored = ResultsFolder(Path("results/double_it")).read("ada")
    assert stored is not None
    assert stored.flags == ("workflow_changed",)


def test_a_record_that_was_edited_too_is_found_out_by_the_digest(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The digest comes from the environment, as the reusable workflow sets it."""
    monkeypatch.setenv("GRADER_RELEASE_DIGEST", record_of(repository.folder).digest)
    (repository.folder / ".github/workflows/grade.yml").write_text("on: never\n")
    repository.run("--record")
    repository.push()
    repository.run()
    assert repository.result("double_it").flags == ("release_record_changed",)


def test_without_a_digest_from_outside_that_is_said(repository: Repository) -> None:
    """Who reads the summary knows how much the comparison is worth."""
    repository.run()
    assert "whoever changes files can change it too" in repository.summary
    (repository.folder / ".grader/release.json").unlink()
    repository.run()
    assert "there is no .grader&#47;release.json" in repository.summary


def own_checks(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the repository its own assignments, released with it, and return the checks of one."""
    monkeypatch.delenv("GRADER_ASSIGNMENTS")
    (repository.course / "assignments").rename(repository.folder / "assignments")
    repository.run("--record")
    repository.push()
    return repository.folder / "assignments" / "double_it" / "checks.py"


def test_checks_of_the_repository_itself_are_run_as_released(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The simple set-up: all in one repository; the starters in it are no hand-ins."""
    own_checks(repository, monkeypatch)
    assert repository.run() == 0
    assert [repository.result(name).path for name in ("double_it", "triple_it")] == ["double_it.py", "triple_it.py"]


def test_edited_checks_are_not_run(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """They would run with the rights of the job. There is no grade, no points are lost, and a person must look."""
    checks = own_checks(repository, monkeypatch)
    checks.write_text("raise SystemExit('run')\n")
    repository.push()
    assert repository.run("--fail-under", "60%") == 1
    assert repository.graded == []
    result = repository.result("double_it")
    assert (result.score, result.needs_review, result.flags) == (None, True, ("checks_changed",))
    assert "assignments/double_it/checks.py" in result.message
    assert repository.outputs["outcome"] == "failed"


def test_checks_that_lie_elsewhere_are_run_whatever_the_repository_holds(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change of a copy is told, and changes nothing about the grade."""
    checks = own_checks(repository, monkeypatch)
    (repository.course / "assignments").mkdir()
    for name in ("double_it", "triple_it"):
        make_assignment(name, name, "function", repository.course / "assignments", repository.course / f"other_{name}")
    monkeypatch.setenv("GRADER_ASSIGNMENTS", str(repository.course / "assignments"))
    checks.write_text("raise SystemExit('run')\n")
    repository.push()
    assert repository.run() == 0
    assert repository.result("double_it").flags == ("checks_changed",)
    assert repository.result("double_it").score == 4.0


def test_given_code_that_is_gone_is_a_note(repository: Repository) -> None:
    """Mild: in the results and the summary, no flag, no warning, no points."""
    starter = (repository.folder / "double_it.py").read_text()
    repository.push(double_it__py=starter.replace("return result", "return result * 1"))
    assert repository.run() == 0
    result = repository.result("double_it")
    assert [note.kind for note in result.notes] == ["given_code_changed"]
    assert (result.flags, result.score) == ((), 4.0)
    assert "return result" in repository.summary
    assert not [command for command in obeyed(repository.out) if command.name == "warning"]


def test_a_store_that_a_push_brought_is_not_used(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Committed trainings were never trained, and a committed memory would keep work from being graded."""
    home = repository.folder / ".cache"
    monkeypatch.setenv("GRADER_HOME", str(home))
    repository.run()
    (home / "store").mkdir()
    (home / "store" / "run.json").write_text("{}")
    repository.push()
    repository.run()
    assert [settings.store for settings in repository.settings] == [home / "store", None]
    assert repository.graded == ["double_it", "triple_it"] * 2


# ── what students write ──


def test_nothing_that_a_student_wrote_is_obeyed(repository: Repository) -> None:
    """Messages, notes, and names hold workflow commands and markup: none of it reaches GitHub as such."""
    repository.results["double_it"] = {
        "verdict": {"status": "failed", "points": 0, "message": HOSTILE},
        "result": {"notes": (Note(kind="failed_statement", where=HOSTILE, text=HOSTILE),), "message": HOSTILE},
    }
    repository.run("--student", f"ada{HOSTILE}")
    commands = obeyed(repository.out)
    assert "forged" not in [command.data for command in commands]
    assert {command.name for command in commands} <= {"error", "warning", "notice", "group", "endgroup"}
    assert "<script>" not in repository.summary
    assert "\x1b" not in repository.out
    assert len([line for line in (Path("output").read_text()).splitlines() if "=" in line]) == 5


def test_the_word_that_starts_commands_again_is_never_used_twice(repository: Repository) -> None:
    """It stands in the log, so that what is printed later may know it."""
    repository.results["double_it"] = {"verdict": {"status": "failed", "points": 0}}
    repository.run()
    words = [line.rpartition("::")[2] for line in repository.out.splitlines() if line.startswith("::stop-commands::")]
    assert len(words) == len(set(words)) > 2


# ── other platforms ──


@pytest.fixture
def gitlab(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """The same repository on GitLab."""
    monkeypatch.delenv("GITHUB_ACTIONS")
    before = repository.git("rev-parse", "HEAD")
    for name, value in {
        "GITLAB_CI": "true",
        "CI": "true",
        "CI_COMMIT_BEFORE_SHA": before,
        "CI_PROJECT_NAME": "homework",
        "CI_COMMIT_REF_NAME": "main",
        "GITLAB_USER_LOGIN": "ada",
    }.items():
        monkeypatch.setenv(name, value)
    return repository


def test_gitlab_gets_sections_and_reports(gitlab: Repository) -> None:
    """A folded section, JUnit XML and code quality beside the results, and no command of GitHub's."""
    gitlab.results["double_it"] = {"verdict": {"status": "failed", "points": 0, "message": HOSTILE}}
    assert gitlab.run("--fail-under", "60%") == 1
    assert gitlab.out.count("\x1b[0Ksection_start:") == gitlab.out.count("\x1b[0Ksection_end:") == 1
    assert "[collapsed=true]\r\x1b[0KGrading" in gitlab.out
    assert not [command for command in obeyed(gitlab.out) if command.name != "error"]  # forged, and nobody obeys here
    assert Path("results/double_it/junit.xml").is_file()
    issues = json.loads(Path("results/code-quality.json").read_text())
    assert [issue["location"]["path"] for issue in issues] == ["double_it.py"]
    assert "Below what is asked for" in Path("results/summary.md").read_text()
    assert Path("output").read_text() == Path("summary").read_text() == ""


def test_elsewhere_a_wrong_setup_is_told_as_always(gitlab: Repository) -> None:
    """On the error console."""
    assert gitlab.run("--fail-under", "much") == 2
    assert gitlab.err.startswith("grader: --fail-under 'much': expected points")


# ── the sandbox ──


def lacking(*levels: Any) -> Callable[[str], list[Finding]]:
    """A machine on which these levels cannot be had."""
    finding = Finding("namespaces", False, "refused", "Allow them.", levels)
    return lambda level: [finding] if level in levels else []


def test_a_runner_falls_back_and_says_so(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """`contained` in the settings, the log, the summary and the outputs, with the reason."""
    monkeypatch.setattr(ci_module, "missing_for", lacking("full"))
    repository.run()
    assert repository.settings[-1].sandbox == repository.outputs["sandbox"] == "contained"
    assert "Sandbox: contained, this machine does not give the full one (namespaces: refused)." in repository.out
    assert "Sandbox&#58; contained" in repository.summary


def test_what_is_asked_for_is_taken(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--sandbox full` where it cannot be had ends with 2: only `auto` falls back."""
    monkeypatch.setattr("grader.pipeline.batch.missing_for", lacking("full"))
    assert repository.run("--sandbox", "full") == 2
    assert repository.run("--sandbox", "contained") == 0


def test_outside_of_ci_nothing_falls_back(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody's own machine is not thrown away."""
    monkeypatch.delenv("GITHUB_ACTIONS")
    monkeypatch.setattr(ci_module, "missing_for", lacking("full"))
    monkeypatch.setattr("grader.pipeline.batch.missing_for", lacking("full"))
    assert repository.run() == 2
    assert "namespaces: refused" in repository.err


def test_several_students_never_share_the_weaker_sandbox(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With submissions of a class, `auto` refuses and names the way."""
    monkeypatch.setattr(ci_module, "missing_for", lacking("full"))
    assert repository.run("--course", "--submissions", "student") == 2
    assert "Say --sandbox contained if you accept that" in repository.out


# ── an instructor's repository ──


class FakeProof:
    """Proves without running anything: what `wrong` names is wrong."""

    wrong: ClassVar[dict[str, str]] = {}
    proven: ClassVar[list[str]] = []

    def __init__(self, assignment: Assignment, *_: object) -> None:
        self.assignment = assignment

    def estimate(self) -> str:
        """Words."""
        return f"{self.assignment.id}: about 1 min."

    def run(self) -> Report:
        """Prove it."""
        self.proven.append(self.assignment.id)
        problem = self.wrong.get(self.assignment.id)
        return Report(self.assignment, problems=[problem] if problem else [])


@pytest.fixture
def course(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """The repository as an instructor's: assignments and solutions in it."""
    monkeypatch.setattr(ci_course, "Proof", FakeProof)
    monkeypatch.setattr(ci_course, "grade_batch", repository.grade_batch)
    FakeProof.wrong, FakeProof.proven = {}, []
    monkeypatch.delenv("GRADER_ASSIGNMENTS")
    for name in ("assignments", "solutions"):
        (repository.course / name).rename(repository.folder / name)
    repository.push(double_it__py=None, triple_it__py=None)
    return repository


def test_rubrics_that_changed_are_proven(course: Repository) -> None:
    """All at first; then those whose assignment or solutions a push changed, and none where it changed neither."""
    assert course.run("--course") == 0
    assert FakeProof.proven == ["double_it", "triple_it"]
    (course.folder / "solutions" / "triple_it" / "reference" / "expected.toml").write_text("# other\n")
    course.push()
    course.run("--course")
    assert FakeProof.proven[2:] == ["triple_it"]
    course.push(README__md="Hello.\n")
    assert course.run("--course") == 0
    assert len(FakeProof.proven) == 3
    assert "No rubric has changed." in course.summary


def test_a_wrong_rubric_is_told_until_it_is_right(course: Repository) -> None:
    """Red, an annotation, the summary; and proven again by the next push, whatever that changes."""
    FakeProof.wrong = {"triple_it": "A check | never fails."}
    assert course.run("--course") == 1
    [error] = [command for command in obeyed(course.out) if command.name == "error"]
    assert (error.properties["title"], error.data) == ("triple_it: the rubric is not proven", "A check | never fails.")
    assert "wrong&#58; triple&#95;it" in course.summary
    assert "A check &#124; never fails." in course.summary
    course.push(README__md="Hello.\n")
    assert course.run("--course") == 1
    assert FakeProof.proven[2:] == ["triple_it"]


def test_submissions_of_a_course_are_graded_without_names(course: Repository) -> None:
    """Only those that changed the next time; log and summary, which may be public, name nobody."""
    for student in ("ada", "zoe"):
        (course.folder / "submissions" / student).mkdir(parents=True)
        (course.folder / "submissions" / student / "double_it.py").write_text(f"x = '{student}'\n")
    course.push()
    given = ("--course", "--submissions", str(course.folder / "submissions"))
    assert course.run(*given) == 0
    assert course.graded == ["double_it", "double_it"]
    assert "double_it: 2 graded, 0 of them need a person." in course.out
    assert not re.search(r"\b(ada|zoe)\b", course.out + course.err + course.summary)
    (course.folder / "submissions" / "zoe" / "double_it.py").write_text("x = 2\n")
    course.push()
    course.results["double_it"] = {"result": {"needs_review": True}}
    assert course.run(*given) == 1
    assert "double_it: 1 graded, 1 of them need a person." in course.out


# ── usage ──


@pytest.mark.parametrize(
    "arguments",
    [
        ("--submissions", "x"),
        ("--kind", "course"),
        ("--from", "a/b"),
        ("--course", "--fail-under", "3"),
        ("--course", "--student", "ada"),
        ("--record", "--assignment", "double_it"),
        ("--release-digest", "abc"),
        ("--student", ""),
        ("--assignment", "other"),
        ("--course", "--submissions", "nowhere"),
    ],
)
def test_options_that_mean_nothing_are_refused(repository: Repository, arguments: tuple[str, ...]) -> None:
    """Exit code 2, and nothing is graded."""
    assert repository.run(*arguments) == 2
    assert repository.graded == []


def test_init_writes_the_file_and_its_record(repository: Repository) -> None:
    """The digest that is printed is that of the record, and the repository is as released."""
    assert repository.run("--init", "gitlab", "--from", "uni/course") == 0
    digest = repository.out.split()[-1]
    assert "GRADER_COURSE: uni/course" in (repository.folder / ".gitlab-ci.yml").read_text()
    assert digest == record_of(repository.folder).digest
    repository.push()
    repository.run("--release-digest", digest)
    assert repository.result("double_it").flags == ()


def test_init_for_a_course_writes_no_record(repository: Repository) -> None:
    """An instructor's own repository is nobody's to compare with."""
    (repository.folder / ".grader/release.json").unlink()
    (repository.folder / ".github/workflows/grade.yml").unlink()
    assert repository.run("--init", "github", "--kind", "course") == 0
    assert "Replace OWNER/COURSE" in repository.out
    assert not (repository.folder / ".grader/release.json").exists()
