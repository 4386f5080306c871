"""A small runner for workflows and composite actions of GitHub Actions: as much of it as ours use.

Source: "Workflow syntax", "Metadata syntax", "Evaluate expressions" and "Workflow commands" of GitHub's documentation.
`run:` steps are run by bash as documented for `shell: bash`, with the environment files. `uses:` steps of others are
stand-ins; those of a local path are read and run. An expression or a key that the runner does not know is an error.
"""

import os
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

Values = Mapping[str, Any]
StandIn = Callable[["Job", dict[str, str]], dict[str, str] | None]
_TOKEN = re.compile(r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<sign>\|\||&&|==|!=|[()!])|(?P<name>[A-Za-z_][\w.-]*))")
_KEYS = {"name", "id", "if", "uses", "with", "run", "shell", "env"}


def read_yaml(path: Path) -> dict[str, Any]:
    """A workflow or an action; `on`, which YAML 1.1 takes for true, is called `on`."""
    value = yaml.safe_load(path.read_text("utf-8"))
    assert isinstance(value, dict)
    return {"on" if key is True else key: item for key, item in value.items()}


class Expression:
    """`a || b`, `a && b`, `a == b`, `!a`, `always()`, texts and contexts."""

    def __init__(self, text: str, contexts: Values, *, failed: bool = False) -> None:
        self.contexts, self.failed = contexts, failed
        self.words: list[tuple[str, str]] = []
        place = 0
        while place < len(text.rstrip()):
            match = _TOKEN.match(text, place)
            if match is None or match.lastgroup is None:
                raise ValueError(f"unknown expression: {text!r}")
            self.words.append((match.lastgroup, match[match.lastgroup]))
            place = match.end()

    def value(self) -> Any:
        """What it comes to."""
        found = self._either()
        if self.words:
            raise ValueError(f"left over: {self.words}")
        return found

    def _takes(self, sign: str) -> bool:
        if self.words and self.words[0] == ("sign", sign):
            self.words.pop(0)
            return True
        return False

    def _either(self) -> Any:
        found = self._both()
        while self._takes("||"):
            other = self._both()
            found = found or other
        return found

    def _both(self) -> Any:
        found = self._compared()
        while self._takes("&&"):
            other = self._compared()
            found = found and other
        return found

    def _compared(self) -> Any:
        found = self._single()
        for sign, equal in (("==", True), ("!=", False)):
            if self._takes(sign):
                return (as_text(found).lower() == as_text(self._single()).lower()) is equal
        return found

    def _single(self) -> Any:
        if self._takes("!"):
            return not self._single()
        if self._takes("("):
            found = self._either()
            assert self._takes(")")
            return found
        kind, word = self.words.pop(0)
        if kind == "text":
            return word[1:-1].replace("''", "'")
        if self._takes("("):
            if not self._takes(")"):
                raise ValueError(f"{word}: the runner knows only functions without arguments")
            return {"always": True, "success": not self.failed, "failure": self.failed}[word]
        return self._context(word)

    def _context(self, name: str) -> Any:
        first, *rest = name.split(".")
        found: Any = self.contexts[first]  # a context that does not exist is a mistake in the workflow
        for key in rest:
            found = found.get(key, "") if isinstance(found, Mapping) else ""
        return found


def as_text(value: Any) -> str:
    """A value as it is put into a text."""
    return {True: "true", False: "false", None: ""}.get(value, str(value)) if not isinstance(value, str) else value


def filled(text: Any, contexts: Values, *, failed: bool = False) -> str:
    """A text with its expressions replaced."""
    return re.sub(
        r"\$\{\{(.*?)\}\}",
        lambda match: as_text(Expression(match[1], contexts, failed=failed).value()),
        as_text(text),
        flags=re.DOTALL,
    )


@dataclass
class Job:
    """One job on one machine."""

    folder: Path
    """For everything: the workspace, the temporary folder, GitHub's files."""
    contexts: dict[str, Any]
    environment: dict[str, str]
    stand_ins: Mapping[str, StandIn]
    """By the name before `@`."""
    failed: bool = False
    log: str = ""
    used: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """What was used, with its inputs."""

    @property
    def workspace(self) -> Path:
        """Where repositories are checked out."""
        return self.folder / "workspace"

    @property
    def summary(self) -> str:
        """What all steps wrote for the summary."""
        return "".join(path.read_text() for path in sorted(self.folder.glob("files/*-summary")))

    def run_workflow(self, path: Path, job: str, inputs: Values) -> dict[str, str]:
        """Run the one job of a reusable workflow; return its outputs."""
        for folder in (self.workspace, self.folder / "temp", self.folder / "files"):
            folder.mkdir(parents=True, exist_ok=True)
        workflow = read_yaml(path)
        declared = workflow["on"]["workflow_call"].get("inputs", {})
        assert set(inputs) <= set(declared)
        self.contexts["inputs"] = {name: inputs.get(name, item.get("default")) for name, item in declared.items()}
        steps = self._run_steps(workflow["jobs"][job]["steps"], dict(self.contexts), None)
        outputs = workflow["jobs"][job].get("outputs", {})
        return {name: filled(text, {**self.contexts, "steps": steps}) for name, text in outputs.items()}

    def _run_steps(self, steps: list[dict[str, Any]], contexts: dict[str, Any], action: Path | None) -> dict[str, Any]:
        done: dict[str, Any] = {}
        contexts = {**contexts, "steps": done}
        for step in steps:
            assert set(step) <= _KEYS, f"the runner does not know {set(step) - _KEYS}"
            asked = str(step.get("if", "success()")).strip().removeprefix("${{").removesuffix("}}")
            condition = asked if re.search(r"\b(always|failure|success)\(", asked) else f"success() && ({asked})"
            if not Expression(condition, contexts, failed=self.failed).value():
                continue
            outputs = self._uses(step, contexts) if "uses" in step else self._runs(step, contexts, action)
            if "id" in step:
                done[step["id"]] = {"outputs": outputs}
        return done

    def _uses(self, step: dict[str, Any], contexts: Values) -> dict[str, str]:
        values = {name: filled(value, contexts) for name, value in step.get("with", {}).items()}
        self.used.append((step["uses"], values))
        if not step["uses"].startswith("./"):
            return self.stand_ins[step["uses"].partition("@")[0]](self, values) or {}
        place = self.workspace / step["uses"]
        action = read_yaml(place / "action.yml")
        assert set(values) <= set(action["inputs"])
        inputs = {name: values.get(name, as_text(item.get("default"))) for name, item in action["inputs"].items()}
        steps = self._run_steps(action["runs"]["steps"], {**contexts, "inputs": inputs}, place)
        return {name: filled(item["value"], {**contexts, "steps": steps}) for name, item in action["outputs"].items()}

    def _runs(self, step: dict[str, Any], contexts: Values, action: Path | None) -> dict[str, str]:
        number = len(list((self.folder / "files").glob("*-script")))
        files = {name: self.folder / "files" / f"{number:02}-{name}" for name in ("output", "env", "path", "summary")}
        for path in files.values():
            path.touch()
        script = self.folder / "files" / f"{number:02}-script"
        script.write_text(filled(step["run"], contexts))
        environment = {
            **self.environment,
            **{name: filled(value, contexts) for name, value in step.get("env", {}).items()},
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(self.folder / "temp"),
            "GITHUB_OUTPUT": str(files["output"]),
            "GITHUB_ENV": str(files["env"]),
            "GITHUB_PATH": str(files["path"]),
            "GITHUB_STEP_SUMMARY": str(files["summary"]),
            **({"GITHUB_ACTION_PATH": str(action)} if action else {}),
        }
        ran = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)],
            cwd=self.workspace,
            env=environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        self.log += ran.stdout + ran.stderr
        self.failed = self.failed or ran.returncode != 0
        self.environment.update(assignments_in(files["env"]))
        for line in files["path"].read_text().splitlines():
            self.environment["PATH"] = f"{line}{os.pathsep}{self.environment['PATH']}"
        return assignments_in(files["output"])


def assignments_in(path: Path) -> dict[str, str]:
    """The `name=value` lines of one of GitHub's files; a line of another form is refused, as GitHub does."""
    found = {}
    for line in path.read_text().splitlines():
        name, sign, value = line.partition("=")
        assert sign, f"not name=value: {line!r}"
        found[name] = value
    return found
