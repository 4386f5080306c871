"""Workflows, action and templates: their structure, and their steps run for real on a repository with commits."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from grader.authoring.scaffold import make_assignment
from grader.ci import KINDS, SERVICES, record_of, write_record, write_template
from grader.ci.written import template
from grader.cli import app as command_line
from tests.actions_runner import Expression, Job, filled, read_yaml
from tests.test_exports_github import obeyed

CHECKOUT = Path(__file__).resolve().parent.parent
ACTION = CHECKOUT / "action.yml"
STUDENT, COURSE = (CHECKOUT / ".github" / "workflows" / f"grade-{kind}.yml" for kind in KINDS)
TEMPLATES = sorted((CHECKOUT / "grader" / "ci" / "templates").glob("*.yml"))
OF_GITHUB = [ACTION, STUDENT, COURSE, *(path for path in TEMPLATES if path.name.startswith("github"))]
OF_GITLAB = [path for path in TEMPLATES if path.name.startswith("gitlab")]

WORKFLOW_KEYS = {"name", "run-name", "on", "permissions", "env", "defaults", "concurrency", "jobs"}
JOB_KEYS = {
    *("name", "permissions", "needs", "if", "runs-on", "environment", "concurrency", "outputs", "env", "defaults"),
    *("steps", "timeout-minutes", "strategy", "continue-on-error", "container", "services", "uses", "with", "secrets"),
}
STEP_KEYS = {"id", "if", "name", "uses", "run", "working-directory", "shell", "with", "env", "continue-on-error"}
ACTION_KEYS = {"name", "author", "description", "inputs", "outputs", "runs", "branding"}
GITLAB_KEYS = {
    *("after_script", "allow_failure", "artifacts", "before_script", "cache", "image", "interruptible", "rules"),
    *("script", "stage", "tags", "timeout", "variables", "needs", "retry", "services"),
}


def steps_of(path: Path) -> Iterator[dict[str, Any]]:
    """All steps of a workflow or an action."""
    value = read_yaml(path)
    yield from value.get("runs", {}).get("steps", [])
    for job in value.get("jobs", {}).values():
        yield from job.get("steps", [])


def scripts() -> Iterator[tuple[str, str]]:
    """Every script that is run by a shell, with its place."""
    for path in OF_GITHUB:
        for step in steps_of(path):
            if "run" in step:
                yield f"{path.name}: {step['name']}", step["run"]
    for path in OF_GITLAB:
        for name, job in read_yaml(path).items():
            if name != "workflow":
                yield f"{path.name}: {name}", "\n".join([*job["before_script"], *job["script"]])


# ── structure ──


def test_there_is_a_template_for_each_service_and_kind() -> None:
    """And no other."""
    assert {path.name for path in TEMPLATES} == {f"{service}-{kind}.yml" for service in SERVICES for kind in KINDS}


@pytest.mark.parametrize("path", OF_GITHUB, ids=lambda path: path.name)
def test_nothing_is_interpolated_into_a_script(path: Path) -> None:
    """What a student may choose reaches a shell as an environment variable, never as text of the script."""
    for step in steps_of(path):
        assert "${{" not in step.get("run", "")


@pytest.mark.parametrize(("place", "script"), list(scripts()), ids=[place for place, _ in scripts()])
def test_scripts_are_right_for_bash(place: str, script: str) -> None:
    """Bash reads each of them; below they are run."""
    ran = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True, timeout=20, check=False)
    assert (ran.returncode, ran.stderr) == (0, ""), place


@pytest.mark.parametrize("path", OF_GITHUB, ids=lambda path: path.name)
def test_keys_are_those_that_github_documents(path: Path) -> None:
    """Of workflows, jobs, steps and actions; each step runs or uses something, and each run of an action has a shell."""
    value = read_yaml(path)
    if path == ACTION:
        assert set(value) <= ACTION_KEYS
        assert set(value) >= {"name", "description", "runs"}
        assert value["runs"]["using"] == "composite"
        assert all(set(item) <= {"description", "required", "default"} for item in value["inputs"].values())
        assert all(set(item) == {"description", "value"} for item in value["outputs"].values())
        assert all("shell" in step for step in steps_of(path) if "run" in step)
    else:
        assert set(value) <= WORKFLOW_KEYS
        assert set(value) >= {"name", "on", "permissions", "jobs"}
        assert all(set(job) <= JOB_KEYS for job in value["jobs"].values())
    for step in steps_of(path):
        assert set(step) <= STEP_KEYS
        assert ("run" in step) != ("uses" in step)
        assert step["name"]


@pytest.mark.parametrize("path", OF_GITHUB, ids=lambda path: path.name)
def test_actions_of_others_are_pinned_by_major_version_with_a_word_about_it(path: Path) -> None:
    """GitHub's own ones only."""
    for line in path.read_text().splitlines():
        match = re.match(r"\s+(?:- )?uses: (actions/\S+|[^.\s]\S+@\S+)(.*)", line)
        if match and "OWNER/COURSE" not in line:
            assert re.fullmatch(r"actions/[a-z-]+(?:/[a-z]+)?@v\d+", match[1])
            assert "# by major version" in match[2]


@pytest.mark.parametrize("path", [path for path in OF_GITHUB if path != ACTION], ids=lambda path: path.name)
def test_a_workflow_has_the_least_rights_and_an_end(path: Path) -> None:
    """It reads contents, and nothing else; jobs end after a time; of two runs of a branch the older is given up."""
    value = read_yaml(path)
    assert value["permissions"] == {"contents": "read"}
    for job in value["jobs"].values():
        assert "permissions" not in job
        assert "uses" in job or job["timeout-minutes"] <= 180
        assert all(
            step["with"]["persist-credentials"] is False
            for step in job.get("steps", [])
            if step.get("uses", "").startswith("actions/checkout@")
        )
    if "workflow_call" not in value["on"]:
        assert value["concurrency"]["cancel-in-progress"] is True
        assert "github.ref" in value["concurrency"]["group"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_template_calls_a_workflow_that_is_there(kind: str) -> None:
    """By its path, with inputs and secrets that it takes."""
    [job] = read_yaml(CHECKOUT / "grader" / "ci" / "templates" / f"github-{kind}.yml")["jobs"].values()
    called = re.fullmatch(r"OWNER/COURSE/(\.github/workflows/grade-\w+\.yml)@main", job["uses"])
    assert called is not None
    wanted = read_yaml(CHECKOUT / called[1])["on"]["workflow_call"]
    assert set(job["with"]) <= set(wanted["inputs"])
    assert set(job.get("secrets", {})) <= set(wanted.get("secrets", {}))


@pytest.mark.parametrize("path", [STUDENT, COURSE], ids=lambda path: path.name)
def test_a_workflow_gives_the_action_inputs_that_it_takes(path: Path) -> None:
    """And reads outputs that it has."""
    action = read_yaml(ACTION)
    used = [step for step in steps_of(path) if step.get("uses") == "./course"]
    assert len(used) == 1
    assert set(used[0]["with"]) <= set(action["inputs"])
    read = re.findall(r"steps\.grade\.outputs\.([\w-]+)", path.read_text())
    assert set(read) <= set(action["outputs"])


def test_the_action_names_steps_outputs_and_options_that_exist() -> None:
    """Every output of a step that is read is written, and every option of `grader ci` is one."""
    text = ACTION.read_text()
    written = set(re.findall(r'echo "(\w+)=', text)) | {"score", "max-score", "outcome", "sandbox", "result"}
    ids = {step.get("id") for step in steps_of(ACTION)}
    for step, output in re.findall(r"steps\.(\w+)\.outputs\.([\w-]+)", text):
        assert step in ids
        assert output in written
    assert set(re.findall(r"inputs\.([\w-]+)", text)) == set(read_yaml(ACTION)["inputs"])
    command = typer.main.get_command(command_line.app).commands["ci"]  # type: ignore[attr-defined] # it is a group
    known = {name for item in command.params for name in item.opts}
    assert set(re.findall(r"(?<=[( ])(--[a-z-]+)(?=[=)])", text)) <= known


@pytest.mark.parametrize("path", OF_GITLAB, ids=lambda path: path.name)
def test_keys_are_those_that_gitlab_documents(path: Path) -> None:
    """Of jobs, caches and artifacts; and the sandbox is one that a container gives."""
    value = read_yaml(path)
    assert set(value.pop("workflow")) == {"rules"}
    [job] = value.values()
    assert set(job) <= GITLAB_KEYS
    assert set(job["cache"]) <= {"key", "fallback_keys", "paths", "when", "policy"}
    assert set(job["artifacts"]) <= {"when", "expire_in", "paths", "reports"}
    assert set(job["artifacts"].get("reports", {})) <= {"junit", "codequality"}
    assert "--sandbox contained" in " ".join(job["script"])
    assert all(isinstance(line, str) for line in [*job["before_script"], *job["script"]])


def test_what_students_can_download_holds_nothing_hidden() -> None:
    """scores.json, evidence and the instructor's report stay behind: they have messages of hidden checks."""
    kept = [step for step in steps_of(STUDENT) if "upload-artifact" in step.get("uses", "")]
    [job] = [job for name, job in read_yaml(OF_GITLAB[1]).items() if name != "workflow"]
    for path in [*kept[0]["with"]["path"].split(), *job["artifacts"]["paths"]]:
        assert re.fullmatch(r"results/(summary\.md|\*\*/(junit\.xml|feedback\.(html|md)))", path)


# ── the small runner itself ──


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("inputs.a || 'b'", "b"),
        ("inputs.full && 'yes'", "yes"),
        ("always() && inputs.full != ''", True),
        ("inputs.full == 'X'", True),
        ("!inputs.a", True),
        ("steps.none.outputs.x", ""),
        ("'it''s'", "it's"),
    ],
)
def test_expressions_come_to_what_github_documents(text: str, value: object) -> None:
    """Empty texts are false, comparisons ignore case, and what is not there is empty."""
    assert Expression(text, {"inputs": {"a": "", "full": "x"}, "steps": {}}).value() == value


def test_an_unknown_expression_is_an_error() -> None:
    """The runner guesses nothing."""
    for text in ("fromJSON('1')", "a ? b", "secrets.x"):
        with pytest.raises((ValueError, KeyError)):
            filled(f"${{{{ {text} }}}}", {"inputs": {}})


# ── steps, run for real ──

PYTHON = f"""\
#!/usr/bin/env bash
# Stands for Python on a runner: makes an environment whose pip installs nothing and whose grader is the one here.
printf '%s\\n' "$*" >> "$STAND_IN_LOG"
case "$*" in
  "-m venv "*)
    mkdir -p "$3/bin"
    cp "$0" "$3/bin/python"
    printf '#!/bin/sh\\nexec {sys.executable} -P -m grader "$@"\\n' > "$3/bin/grader"
    if [ -n "$STAND_IN_GRADER" ]; then cp "$STAND_IN_GRADER" "$3/bin/grader"; fi
    cp "$3/bin/grader" "$3/bin/pip"
    chmod +x "$3/bin/grader" "$3/bin/pip" ;;
esac
"""
ARGUMENTS = """\
#!/usr/bin/env bash
# Stands for grader: writes down how it was called.
{ printf '%s\\0' "$PWD" "$GRADER_ASSIGNMENTS" "${CI_JOB_TOKEN-none}" "$@"; } > "$STAND_IN_CALL"
"""
SYSCTL = """\
#!/usr/bin/env bash
if [ "$1" = -n ]; then cat "$STAND_IN_SWITCH"; else printf '%s\\n' "${@: -1}" > "$STAND_IN_SWITCH"; fi
"""
SUDO = """\
#!/usr/bin/env bash
[ "$STAND_IN_SUDO" = allowed ] && [ "$1" = -n ] && shift && "$@"
"""


def git(folder: Path, *arguments: str) -> str:
    """Run git."""
    who = ["-c", "user.name=ada", "-c", "user.email=ada@example.org", "-c", "init.defaultBranch=main"]
    ran = subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True, timeout=60)
    return ran.stdout.strip()


class Site:
    """A course, a student's repository, and a GitHub that runs jobs on them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.jobs = folder, 0
        self.course, self.student = folder / "course", folder / "student"
        for path in (ACTION, STUDENT, COURSE, CHECKOUT / "requirements" / "runtime.txt"):
            (self.course / path.relative_to(CHECKOUT)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, self.course / path.relative_to(CHECKOUT))
        make_assignment("double_it", "Double it", "function", self.course / "assignments", self.course / "solutions")
        self.student.mkdir()
        git(self.student, "init", "-q")
        write_template(self.student, "github", "student", "uni/course")
        starter = self.course / "assignments" / "double_it" / "starter" / "double_it.ipynb"
        shutil.copy(starter, self.student)
        self.digest = write_record(self.student).digest
        self.before, self.head = "0" * 40, ""
        self.tools = folder / "tools"
        self.tools.mkdir()
        for name, text in {"python": PYTHON, "sysctl": SYSCTL, "sudo": SUDO, "arguments": ARGUMENTS}.items():
            (self.tools / name).write_text(text)
            (self.tools / name).chmod(0o755)
        (folder / "switch").write_text("0\n")

    def push(self, repository: Path | None = None) -> None:
        """Commit everything."""
        place = repository or self.student
        git(place, "add", "-A")
        git(place, "commit", "-q", "--allow-empty", "-m", "work")
        self.before, self.head = self.head or "0" * 40, git(place, "rev-parse", "HEAD")

    def job(self, checked_out: Path, *, fake: bool = False, **variables: str) -> Job:
        """A job on a fresh machine that shares caches with those before it."""
        self.jobs += 1
        folder = self.folder / f"job{self.jobs}"
        folder.mkdir()
        event = {"before": self.before, "repository": {"owner": {"type": "Organization"}}}
        (folder / "event.json").write_text(json.dumps(event))
        environment = {
            "PATH": f"{self.tools}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "PYTHONPATH": str(CHECKOUT),
            "GITHUB_ACTIONS": "true",
            "CI": "true",
            "GITHUB_EVENT_NAME": "push",
            "GITHUB_EVENT_PATH": str(folder / "event.json"),
            "GITHUB_REPOSITORY": "uni/double-it-ada",
            "GITHUB_ACTOR": "ada",
            "GITHUB_REF": "refs/heads/main",
            "STAND_IN_LOG": str(folder / "python.log"),
            "STAND_IN_CALL": str(folder / "call"),
            "STAND_IN_SWITCH": str(self.folder / "switch"),
            "STAND_IN_SUDO": "allowed",
            "STAND_IN_GRADER": str(self.tools / "arguments") if fake else "",
            **variables,
        }
        contexts = {
            "github": {"token": "t", "run_id": str(self.jobs), "run_attempt": "1", "ref": "refs/heads/main"},
            "job": {"workflow_repository": "uni/course", "workflow_sha": "c" * 40},
            "runner": {"os": "Linux", "arch": "X64", "environment": "github-hosted"},
            "vars": {"GRADER_RELEASE_DIGEST": self.digest},
            "secrets": {},
        }
        cache = self.folder / "cache"

        def checkout(job: Job, inputs: dict[str, str]) -> None:
            source = self.course if inputs.get("repository") else checked_out
            assert inputs.get("repository", "uni/course") == "uni/course"
            shutil.copytree(source, job.workspace / inputs["path"], symlinks=True)

        def restore(_job: Job, inputs: dict[str, str]) -> None:
            for place in inputs["path"].split():
                if (cache / Path(place).name).is_dir():
                    shutil.copytree(cache / Path(place).name, place, dirs_exist_ok=True)

        def save(_job: Job, inputs: dict[str, str]) -> None:
            for place in inputs["path"].split():
                if Path(place).is_dir():
                    shutil.copytree(place, cache / Path(place).name, dirs_exist_ok=True)

        stand_ins = {
            "actions/checkout": checkout,
            "actions/setup-python": lambda _job, _inputs: None,
            "actions/cache": lambda _job, _inputs: None,
            "actions/cache/restore": restore,
            "actions/cache/save": save,
            "actions/upload-artifact": lambda _job, _inputs: None,
        }
        return Job(folder, contexts, environment, stand_ins)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A course with one assignment, and a student's repository with its starter."""
    made = Site(tmp_path)
    made.push()
    return made


def called(job: Job) -> list[str]:
    """How the stand-in for grader was called: folder, assignments, token, then the arguments."""
    return (job.folder / "call").read_text().rstrip("\0").split("\0")


def test_the_steps_install_from_the_lock_and_call_grader(site: Site) -> None:
    """Hashes are required, nothing else is fetched; grader runs in an empty folder that is not the student's."""
    job = site.job(site.student, fake=True)
    job.run_workflow(STUDENT, "grade", {"fail-under": "60%"})
    assert not job.failed, job.log
    log = (job.folder / "python.log").read_text()
    assert f"--require-hashes -r {job.workspace}/course/requirements/runtime.txt" in log
    assert log.count("pip install") == 2
    folder, assignments, _, *arguments = called(job)
    assert list(Path(folder).iterdir()) == []
    assert Path(assignments).resolve() == job.workspace / "course" / "assignments"
    assert arguments == [
        "ci",
        f"--output={job.workspace}/results",
        "--sandbox=auto",
        "--fail-under=60%",
        "--",
        f"{job.workspace}/student",
    ]


EVIL = """$(touch pwned) `touch pwned` "; touch pwned; " '; touch pwned; ' --help ${IFS}\n-x ::error::x"""


@pytest.mark.parametrize("name", ["assignment", "fail-under"])
def test_no_input_is_run_by_a_shell(site: Site, name: str) -> None:
    """Whatever an input holds, it reaches grader as one argument, and as nothing else."""
    job = site.job(site.student, fake=True)
    job.run_workflow(STUDENT, "grade", {name: EVIL})
    assert not job.failed, job.log
    assert f"--{name}={EVIL}" in called(job)
    assert not list(site.folder.rglob("pwned"))


@pytest.mark.parametrize(
    ("switch", "sudo", "hosted", "after", "words"),
    [
        ("0", "allowed", "github-hosted", "0", "nothing to change"),
        ("1", "allowed", "github-hosted", "kernel.apparmor_restrict_unprivileged_userns=0", "allowed on this runner"),
        ("1", "refused", "github-hosted", "1", "could not be changed"),
        ("1", "allowed", "self-hosted", "1", "left as it is"),
    ],
)
def test_user_namespaces_are_allowed_on_github_s_own_runners_only(
    site: Site, switch: str, sudo: str, hosted: str, after: str, words: str
) -> None:
    """The kernel's switch is set where the machine is thrown away, and the log says what was done."""
    (site.folder / "switch").write_text(f"{switch}\n")
    job = site.job(site.student, fake=True, STAND_IN_SUDO=sudo)
    job.contexts["runner"]["environment"] = hosted
    job.run_workflow(STUDENT, "grade", {})
    assert not job.failed, job.log
    assert (site.folder / "switch").read_text().strip() == after
    assert words in job.log


@pytest.mark.sandbox
def test_pushes_of_a_student_are_graded(site: Site) -> None:
    """The starter first, then right work, then an edited workflow: red, green, and green with a word about it."""
    first = site.job(site.student)
    outputs = first.run_workflow(STUDENT, "grade", {"fail-under": "60%"})
    assert first.failed
    assert (outputs["score"], outputs["max-score"], outputs["outcome"]) == ("0", "10", "below"), first.log
    errors = [command for command in obeyed(first.log) if command.name == "error"]
    assert {command.properties.get("file") for command in errors} == {"double_it.ipynb", None}
    assert "first push of the branch" in first.summary
    assert first.used[-1][0].startswith("actions/upload-artifact"), "feedback is kept also after a red build"

    solution = (site.course / "solutions" / "double_it" / "reference" / "double_it.py").read_text()
    (site.student / "double_it.ipynb").unlink()
    (site.student / "double_it.py").write_text(solution)
    (site.student / "grader.py").write_text("raise SystemExit('imported from the student')\n")
    workflow = site.student / ".github" / "workflows" / "grade.yml"
    workflow.write_text(workflow.read_text().replace("60%", "0"))
    (site.student / ".github" / "workflows" / "forge.yml").write_text("on: push\n")
    write_record(site.student)
    site.push()
    second = site.job(site.student)
    outputs = second.run_workflow(STUDENT, "grade", {"fail-under": "60%"})
    assert not second.failed, second.log
    assert (outputs["score"], outputs["outcome"]) == ("10", "graded")
    assert next(command.data for command in obeyed(second.log) if command.name == "notice") == "Points 10/10"
    assert "The record of the release is not the one that was released." in second.log
    assert "Student: ada (by the name of the repository, double-it-ada)." in second.log
    assert re.search(r"Sandbox&#58; (full|contained), this machine", second.summary)
    [result] = json.loads((second.workspace / "results" / "scores.json").read_text())["submissions"]
    assert (result["flags"], result["score"]) == (["release_record_changed"], 10.0)


@pytest.mark.sandbox
def test_pushes_to_a_course_prove_what_changed(site: Site) -> None:
    """A right rubric is proven once; the next push, which leaves it alone, proves nothing again."""
    git(site.course, "init", "-q")
    site.before, site.head = "0" * 40, ""
    site.push(site.course)
    first = site.job(site.course)
    first.run_workflow(COURSE, "course", {})
    assert not first.failed, first.log
    assert "1 of 1 changed rubrics proven" in first.log
    assert "| double&#95;it | proven |" in first.summary

    site.push(site.course)
    second = site.job(site.course)
    second.run_workflow(COURSE, "course", {})
    assert not second.failed
    assert "No rubric has changed." in second.summary


# ── GitLab ──


@pytest.mark.parametrize(
    ("kind", "threshold"), [("student", ""), ("student", "60%"), ("student", EVIL), ("course", "")]
)
def test_gitlabs_script_calls_grader(site: Site, kind: str, threshold: str) -> None:
    """In a container of its own: without the job's token in the environment, and without a cache that was pushed."""
    [job] = [
        job
        for name, job in read_yaml(CHECKOUT / f"grader/ci/templates/gitlab-{kind}.yml").items()
        if name != "workflow"
    ]
    project, root = site.student, site.folder / "container"
    root.mkdir()
    (project / ".grader-cache" / "home" / "store").mkdir(parents=True)
    (project / ".grader-cache" / "home" / "store" / "forged.json").write_text("{}")
    (project / "results").mkdir()
    (project / "results" / "junit.xml").write_text("<testsuites/>")
    site.push()
    script = "\n".join([*job["before_script"], *job["script"]]).replace("/tmp", str(root))
    clone = f'case "$*" in clone*) cp -r {site.course} {root}/course; mkdir -p {root}/course/.git ;; *) exec /usr/bin/env -i PATH="$REST" git "$@" ;; esac'
    (site.tools / "git").write_text(f"#!/usr/bin/env bash\n{clone}\n")
    (site.tools / "git").chmod(0o755)
    environment = {
        "PATH": f"{site.tools}{os.pathsep}{os.environ['PATH']}",
        "REST": os.environ["PATH"],
        "CI_PROJECT_DIR": str(project),
        "CI_JOB_TOKEN": "secret",
        "CI_SERVER_FQDN": "gitlab.example.org",
        "GRADER_COURSE": "uni/course",
        "FAIL_UNDER": threshold,
        "STAND_IN_LOG": str(root / "python.log"),
        "STAND_IN_CALL": str(root / "call"),
        "STAND_IN_GRADER": str(site.tools / "arguments"),
    }
    subprocess.run(["bash", "-e", "-o", "pipefail", "-c", script], cwd=project, env=environment, check=True, timeout=60)
    _, _, token, *arguments = (root / "call").read_text().rstrip("\0").split("\0")
    assert token == "none"
    wanted = ["ci", *(["--course"] if kind == "course" else []), "--sandbox", "contained"]
    wanted += ["--output", f"{project}/results", *([f"--fail-under={threshold}"] if threshold else [])]
    assert arguments == [*wanted, "--", str(project)]
    assert not (root / "course" / ".git").exists()
    assert kind == "course" or not [name for name in (".grader-cache", "results") if (project / name).exists()]
    assert not list(site.folder.rglob("pwned"))


def test_a_record_holds_the_file_of_each_service(tmp_path: Path) -> None:
    """So that a student's edit of it is seen; templates say what students need to know."""
    for service in SERVICES:
        write_template(tmp_path, service, "student", "uni/course")
        assert "Students: there is no need to change this file" in template(service, "student")
    assert set(record_of(tmp_path).files) == set(SERVICES.values())
