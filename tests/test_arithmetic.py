"""Which arithmetic a verdict rests on: the whole pipeline, with sandboxes that only say what they were told to."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from grader.model.result import Result
from grader.model.training import Arithmetic
from grader.pipeline import cases
from grader.pipeline.errands import Errand, Outcome, TrainNetwork
from grader.pipeline.trainer_desk import Trained
from tests.factories import make_run
from tests.test_remembered import SETTINGS, Class, Programs

TRAINING = "[training]\nthreshold = 0.99\nmax_epochs = 2\n"
CHECK = "if training.run.epochs[-1].accuracy < 0.6: fail('Too low.')"
TOO_LOW, JUST, HIGH = [0.5, 0.599], [0.5, 0.601], [0.5, 0.7]


@dataclass
class Trainer(Programs):
    """Trains as it is told to, by arithmetic."""

    curves: dict[Arithmetic, list[float]] = field(default_factory=dict)
    problem: str = ""
    """Of trainings by fused arithmetic."""
    by: list[Arithmetic] = field(default_factory=list)
    """What was carried out."""

    def _outcome(self, errand: Errand) -> Outcome:
        found = super()._outcome(errand)
        if isinstance(errand, TrainNetwork):
            arithmetic = errand.plan.arithmetic
            self.by.append(arithmetic)
            problem = self.problem if arithmetic == "fused" else ""
            return Trained(make_run(self.curves[arithmetic], arithmetic=arithmetic, problem=problem), {})
        return found


@pytest.fixture
def class_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Class:
    """Two students with one network; nothing is graded yet."""
    found = Class(tmp_path, monkeypatch)
    found.programs = Trainer(fits=True)
    found.write(toml=SETTINGS + TRAINING, checks=CHECK, asked="training")
    return found


def graded(
    class_: Class, by_fused: list[float], by_keras: list[float], **settings: Any
) -> tuple[list[Result], list[str]]:
    """(results, arithmetics of the trainings that were carried out)."""
    trainer = class_.programs
    assert isinstance(trainer, Trainer)
    trainer.curves, trainer.by = {"fused": by_fused, "keras": by_keras}, []
    return class_.grade(**settings), list(trainer.by)


@pytest.mark.parametrize(("fused", "exact", "score"), [(TOO_LOW, JUST, 2.0), (JUST, TOO_LOW, 0.0), (JUST, JUST, 2.0)])
def test_near_a_limit_the_exact_training_counts(
    class_: Class, fused: list[float], exact: list[float], score: float
) -> None:
    """Whatever the other came to; one exact training serves all who have the network."""
    results, by = graded(class_, fused, exact)
    assert [(result.score, result.needs_review) for result in results] == [(score, False)] * 2
    assert by == ["fused", "keras"]


def test_far_from_it_one_training_will_do(class_: Class) -> None:
    """The fused one."""
    results, by = graded(class_, HIGH, [0.0, 0.0])
    assert [result.score for result in results] == [2.0, 2.0]
    assert by == ["fused"]


def test_exact_trains_exactly_and_is_known_afterwards(class_: Class) -> None:
    """`--exact` asks for nothing else, and what it left in the store serves everybody."""
    assert graded(class_, HIGH, HIGH, exact=True)[1] == ["keras"]
    assert graded(class_, HIGH, HIGH, force=True)[1] == []


def test_a_fused_failure_is_not_believed(class_: Class) -> None:
    """A problem that only our own operations have costs nobody a point."""
    trainer = class_.programs
    assert isinstance(trainer, Trainer)
    trainer.problem = "ours"
    results, by = graded(class_, [], HIGH)
    assert [result.score for result in results] == [2.0, 2.0]
    assert by == ["fused", "keras"]


def test_quick_trains_nothing_and_says_what_it_left_out(class_: Class) -> None:
    """A fused training that is known and lies near the limit waits for a person."""
    graded(class_, HIGH, HIGH)
    class_.write(checks=CHECK.replace("0.6", "0.699"), asked="training")
    results, by = graded(class_, HIGH, HIGH, quick=True)
    assert by == []
    assert [result.needs_review for result in results] == [True, True]
    assert "left out (--quick)" in results[0].message


def test_where_no_round_is_left_a_person_decides(class_: Class, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that uses up its runs cannot have the luck of the faster arithmetic."""
    monkeypatch.setattr(cases, "MAX_ROUNDS", 2)
    results, by = graded(class_, JUST, TOO_LOW)
    assert by == ["fused"]
    assert [result.needs_review for result in results] == [True, True]
    assert "a rounding could decide (works)" in results[0].message
