"""What all tests share: the quick ones run first.

The marks are declared in `pyproject.toml`. `make test` runs those of `sandbox`, `training` and `browser` apart.
"""

import sys
from pathlib import Path

import pytest
from hypothesis import settings

from grader.cli import app as app_module
from grader.cli import main, places
from tests.command import DEMO_CHECKS, Ran, Run
from tests.factories import write_assignment

settings.register_profile("untimed", deadline=None)  # how fast something is, benchmarks say
settings.load_profile("untimed")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `grader …` in an empty folder with one assignment, `demo`, on a machine where every sandbox works."""
    write_assignment(tmp_path / "assignments" / "demo", DEMO_CHECKS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRADER_ASSIGNMENTS", str(tmp_path / "assignments"))
    monkeypatch.setenv("GRADER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(app_module, "examine", list)
    monkeypatch.setattr(places, "datasets", lambda: tmp_path)

    def command(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["grader", *arguments])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return command


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests marked `sandbox` behind the others and those marked `training` last; the rest keep their order."""
    items.sort(
        key=lambda item: (
            item.get_closest_marker("training") is not None,
            item.get_closest_marker("sandbox") is not None,
        )
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many of the attacks were held: those for which no test failed."""
    outcomes: dict[str, bool] = {}
    for outcome in ("passed", "failed", "error"):
        for report in terminalreporter.stats.get(outcome, []):
            test, _, name = getattr(report, "nodeid", "").partition("[")
            if "test_attacks.py::test_an_attack" in test:
                outcomes[name] = outcomes.get(name, True) and outcome == "passed"
    if outcomes:
        terminalreporter.write_line(f"attacks held: {sum(outcomes.values())} of {len(outcomes)}")
