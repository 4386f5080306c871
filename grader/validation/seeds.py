"""How often the reference passes, and by how much: its training with many seeds."""

from collections.abc import Callable
from dataclasses import dataclass

from grader.model.assignment import Assignment
from grader.model.result import Result
from grader.model.submission import Submission


@dataclass(frozen=True)
class SeedResult:
    """The reference, trained with one seed and no other."""

    seed: int
    passed: bool
    """Whether it has full marks."""
    epochs: int = 0
    accuracy: float | None = None
    """Training accuracy at the end."""
    test_accuracy: float | None = None
    margin: float | None = None
    """How far the best accuracy lies above the one that is asked for, on the test images where that is asked for."""


def try_seeds(
    assignment: Assignment,
    reference: Submission,
    grade: Callable[[Assignment, Submission], Result],
    number: int,
) -> list[SeedResult]:
    """The reference with the seeds from 1 to `number`, one after another; each training is kept for the next time."""
    assert assignment.training is not None
    found = []
    for seed in range(1, number + 1):
        policy = assignment.training.model_copy(update={"seeds": (seed,)})
        result = grade(assignment.model_copy(update={"training": policy}), reference)
        training = result.training
        if training is None:
            found.append(SeedResult(seed, passed=False))
            continue
        best, asked = max(training.curve, default=None), policy.threshold if policy.threshold < 1 else None
        if policy.test_threshold is not None:
            best, asked = training.test_accuracy, policy.test_threshold
        found.append(
            SeedResult(
                seed,
                passed=result.score == result.max_score,
                epochs=training.epochs,
                accuracy=training.accuracy,
                test_accuracy=training.test_accuracy,
                margin=None if best is None or asked is None else best - asked,
            )
        )
    return found
