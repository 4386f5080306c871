"""Run an assignment's checks on evidence, as pytest tests.

Judging is pure: no file but `checks.py` is read, nothing is run but the checks. What they do becomes verdicts in
`grader/judging/plugin.py`.
"""

import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterator

import pytest

from grader.errors import SetupError
from grader.judging.evidence import Evidence
from grader.judging.from_text import from_text
from grader.judging.plugin import Judgement, JudgePlugin
from grader.model.assignment import Assignment

UNUSED = [
    "cacheprovider",
    "terminal",
    "faulthandler",
    "junitxml",
    "unraisableexception",
    "threadexception",
    "doctest",
    "setuponly",
    "setupplan",
    "pastebin",
    "stepwise",
    "legacypath",
    "unittest",
    "logging",
    "recwarn",
]
"""Parts of pytest that checks do not need: without them a submission is judged about three times as fast."""

OPTIONS = [
    "--disable-plugin-autoload",
    "--import-mode=importlib",
    "--assert=plain",
    "--capture=no",
    *("-c", os.devnull),
    *(word for name in UNUSED for word in ("-p", f"no:{name}")),
    *("-o", "python_files=checks.py", "-o", "python_functions=*", "-o", "python_classes="),
]


def judge(evidence: Evidence) -> Judgement:
    """All verdicts for this evidence.

    Raises SetupError if `checks.py` itself is broken, and KeyboardInterrupt if somebody interrupted.
    """
    return Court(evidence.assignment).judge(evidence)


class Court:
    """Judges the hand-ins of one assignment; while it sits, all in one session of pytest.

    A session takes about three times as long to begin and to end as the checks of a hand-in do.
    """

    def __init__(self, assignment: Assignment) -> None:
        self.assignment = assignment
        self._plugin: JudgePlugin | None = None
        self._aside = io.StringIO()

    def judge(self, evidence: Evidence) -> Judgement:
        """All verdicts for this evidence of the court's assignment; raises as `judge` does."""
        plugin = self._plugin
        if plugin is not None and plugin.is_sound:
            with self._put_aside():
                return plugin.judge(evidence)
        if plugin is not None:
            return judge(evidence)  # in a session of its own: what broke for another must not be held against this one
        found: list[Judgement] = []
        self.sit(lambda: found.append(self.judge(evidence)))
        return found[0]

    def sit(self, work: Callable[[], None]) -> None:
        """Do the work, which may ask for judgements.

        Raises:
            SetupError: if `checks.py` itself is broken; then the work was not begun.
            BaseException: what the work raises.
        """
        checks = self.assignment.folder / "checks.py"
        arguments = [str(checks), "--rootdir", str(checks.parent), *OPTIONS]
        ours = sys.stdout, sys.stderr

        def openly() -> None:
            with contextlib.redirect_stdout(ours[0]), contextlib.redirect_stderr(ours[1]):
                work()

        self._plugin = plugin = JudgePlugin(openly)
        try:
            with clean_pytest(), from_text(checks.parent), self._put_aside():
                code = pytest.main(arguments, plugins=[plugin])
        finally:
            self._plugin = None
        if plugin.raised is not None:
            raise plugin.raised
        if code == pytest.ExitCode.INTERRUPTED and not plugin.broken:
            raise KeyboardInterrupt  # while the checks were collected
        if plugin.broken or code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            words = self._aside.getvalue().strip()[-600:]
            said = plugin.broken or f"pytest ended with {code}. {words}".strip()
            raise SetupError(f"{checks}: the checks cannot be run: {said}")

    @contextlib.contextmanager
    def _put_aside(self) -> Iterator[None]:
        """What pytest and checks print is for nobody, but for the case that the checks cannot be run."""
        self._aside.seek(0)
        self._aside.truncate()
        with contextlib.redirect_stdout(self._aside), contextlib.redirect_stderr(self._aside):
            yield


@contextlib.contextmanager
def clean_pytest() -> Iterator[None]:
    """No options from the environment, and no `checks` module of another assignment."""
    options = os.environ.pop("PYTEST_ADDOPTS", None)
    sys.modules.pop("checks", None)
    try:
        yield
    finally:
        sys.modules.pop("checks", None)
        if options is not None:
            os.environ["PYTEST_ADDOPTS"] = options
