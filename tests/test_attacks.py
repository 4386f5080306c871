"""Programs that attack the grader get no more than their honest part deserves, and harm nobody.

Each folder of `attacks/` holds a hand-in and what it may get at most. All are graded in one run without training,
with honest submissions before, between and after them.
"""

import runpy
import tomllib
from pathlib import Path
from typing import Any

import pytest

from grader.cli import places
from grader.discovery import discover
from grader.model.assignment import load_assignment
from grader.model.result import Result
from grader.pipeline.grade import Grading
from grader.pipeline.settings import Settings
from grader.pipeline.watch import Silent
from grader.results.folder import ResultsFolder

ATTACKS = Path(__file__).parent / "attacks"
CHECKOUT = Path(__file__).parent.parent
HONEST = (CHECKOUT / "solutions/mnist_conv/reference/mnist_conv.py").read_text()
WITHOUT_TRAINING = 7.5
"""Points of an honest submission where nothing is trained."""

EXPECTED: dict[str, dict[str, Any]] = {
    f"{path.parent.parent.name}-{path.parent.name}": tomllib.loads(path.read_text())
    for path in sorted(ATTACKS.glob("*/*/expected.toml"))
}
CONTROLS = (
    "a",
    "forging-d",
    "forging-p",
    "exhausting-c",
    "exhausting-m",
    "exhausting-z",
    "forging-z",
    "malformed-m",
    "persisting-c",
    "persisting-j",
    "persisting-z",
    "snooping-m",
    "trainer-b",
    "trainer-m",
    "z",
)

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(900)]


def hand_in(attack: Path, folder: Path) -> None:
    """Put an attack's submission into a student's folder: as it is, or made by its `make.py` where it is large."""
    if (attack / "make.py").is_file():
        runpy.run_path(str(attack / "make.py"))["make"](folder)
    else:
        (folder / "mnist_conv.py").write_bytes((attack / "mnist_conv.py").read_bytes())


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> ResultsFolder:
    """Where the results of the class lie."""
    return ResultsFolder(tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory, output: ResultsFolder) -> dict[str, Result]:
    """Results by student of the whole class; there is a secret in the environment of the grading process."""
    folder = tmp_path_factory.mktemp("class")
    for name in EXPECTED:
        (folder / name).mkdir()
        hand_in(ATTACKS / name.replace("-", "/"), folder / name)
    for name in CONTROLS:
        (folder / f"{name}_honest").mkdir()
        (folder / f"{name}_honest/mnist_conv.py").write_text(HONEST)
    found = discover(
        folder, assignment_ids=["mnist_conv"], files={"mnist_conv": ["mnist_conv"]}, assignment="mnist_conv", only=None
    )
    assignment = load_assignment(CHECKOUT / "assignments/mnist_conv")
    settings = Settings(datasets=places.datasets(), store=None, jobs=2, quick=True, timeout_seconds=20.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADER_TEST_SECRET", "do-not-look-at-me")
        grading = Grading(assignment, settings, output, Silent())
        return {result.student: result for result in grading.run([submission for _, submission in found])}


def test_there_are_attacks_of_each_sort() -> None:
    """Every group is tried, and there are enough of them."""
    groups = [name.partition("-")[0] for name in EXPECTED]
    assert set(groups) == {"exhausting", "forging", "malformed", "persisting", "snooping", "trainer"}
    assert len(groups) >= 60


@pytest.mark.parametrize("name", EXPECTED)
def test_an_attack_gets_no_more_than_it_deserves(name: str, graded: dict[str, Result]) -> None:
    """The score is at most that of the honest part, and there is one: an attack is never our own error."""
    result = graded[name]
    assert result.status != "error", result.message
    assert result.score is not None
    assert result.score <= EXPECTED[name]["max_score"], [(v.id, v.points, v.message) for v in result.checks]


@pytest.mark.parametrize("name", [name for name, expected in EXPECTED.items() if set(expected) - {"max_score", "said"}])
def test_an_attack_is_called_by_its_name(name: str, graded: dict[str, Result]) -> None:
    """Status and flags say what happened, and what cannot be decided here waits for a person."""
    result, expected = graded[name], EXPECTED[name]
    assert result.status == expected.get("status", result.status), result.message
    assert expected.get("flag", "") in ("", *result.flags)
    assert result.needs_review or not expected.get("needs_review")


@pytest.mark.parametrize("name", [name for name, expected in EXPECTED.items() if "said" in expected])
def test_an_attack_ran_and_found_nothing(name: str, graded: dict[str, Result], output: ResultsFolder) -> None:
    """The attack did what it was written for, and printed what came of it."""
    assert name in graded
    evidence = output.evidence(name)
    assert evidence is not None
    assert EXPECTED[name]["said"] in evidence.observation.stdout, evidence.observation.stderr


@pytest.mark.parametrize("name", CONTROLS)
def test_honest_work_keeps_its_points(name: str, graded: dict[str, Result], output: ResultsFolder) -> None:
    """Honest submissions between the attacks lose nothing and find nothing of them."""
    result = graded[f"{name}_honest"]
    assert result.score == WITHOUT_TRAINING, [(v.id, v.points, v.message) for v in result.checks]
    assert (result.status, result.flags, result.notes) == ("graded", (), ())
    evidence = output.evidence(result.student)
    assert evidence is not None
    assert "PLANTED" not in evidence.observation.stdout
