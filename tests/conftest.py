"""What all tests share: the quick ones run first.

There are two marks, declared in `pyproject.toml`: `sandbox` (needs kernel features) and `training` (slow).
"""

import pytest


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
