"""Verdicts on trainings by fused arithmetic: given only where they hold within the tolerance."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grader.judging.evidence import Evidence
from grader.judging.judge import judge
from grader.judging.tolerance import ACCURACY, EPOCHS, must_be_confirmed, neighbours, share
from grader.model.assignment import Assignment, TrainingPolicy
from grader.model.training import TrainingRun
from grader.pipeline.cases import Case
from grader.pipeline.conversation import Link
from grader.pipeline.errands import Seen
from tests.factories import (
    make_curve,
    make_evidence,
    make_fit,
    make_run,
    make_submission,
    make_training,
    write_assignment,
)

CHECKS = '''
from grader.judging import CheckFailed, points
from grader.judging.training_expectations import expect_reached, expect_returned_test_accuracy, expect_test_accuracy


@points(2)
def reaches(training):
    """It reaches 90 %."""
    expect_reached(training, metric="accuracy", threshold=0.9, epochs=10)


@points(1)
def is_good_on_test_images(training):
    """It is good."""
    expect_test_accuracy(training, 0.8)


@points(1)
def own_limit(evidence):
    """A limit of the instructor's own, by the hundred, with part of the points."""
    value = 100 * evidence.training.run.epochs[-1].accuracy
    if value < 85:
        raise CheckFailed("too low", points=0.5)


@points(1)
def is_what_was_measured(trainings):
    """A comparison with the training itself."""
    training = next(iter(trainings.values()))
    assert training.run.epochs[-1].accuracy == training.played.epochs[-1].logs["accuracy"]


@points(1)
def looks_at_no_training(fit):
    """Nothing of this hangs on a training."""
    assert fit.epochs_asked
'''


@pytest.fixture
def assignment(tmp_path: Path) -> Assignment:
    policy = TrainingPolicy(threshold=0.9, max_epochs=10, seeds=(1, 2), margin=0.05)
    return write_assignment(tmp_path / "demo", CHECKS).model_copy(update={"training": policy})


def evidence(assignment: Assignment, run: TrainingRun, asked: int = 10) -> Evidence:
    """One fit, played this run as far as it goes."""
    played = make_curve([epoch.accuracy or 0.0 for epoch in run.epochs], name="run")
    fit = make_fit(epochs_asked=asked, played=played)
    training = make_training(run, played)
    return make_evidence(fit, assignment=assignment, training=training, trainings={fit.number: training})


def case_of(assignment: Assignment, evidence: Evidence) -> Case:
    """A submission whose training was played to it."""
    fit, run = evidence.fits[0], evidence.trainings[0].run
    assert fit.request is not None
    chains: dict[str, tuple[Link, ...]] = {fit.fingerprint: (Link(fit.request, len(run.epochs), None),)}
    seen = Seen(evidence.observation, chains, ())
    return Case(
        assignment,
        make_submission(),
        observation=evidence.observation,
        seen=seen,
        runs=[run],
        beside={fit.number: run},
        rounds=1,
    )


def fused(accuracies: list[float], test: float = 0.9, **changes: Any) -> TrainingRun:
    """A run by fused arithmetic."""
    run = make_run(accuracies)
    epochs = tuple(
        epoch.model_copy(update={"logs": {**epoch.logs, "accuracy": epoch.accuracy}, "test_accuracy": test})
        for epoch in run.epochs
    )
    return run.model_copy(update={"epochs": epochs, "arithmetic": "fused", **changes})


def unsettled(assignment: Assignment, run: TrainingRun, asked: int = 10) -> set[str]:
    """Checks whose verdict hangs on the arithmetic."""
    return set(judge(evidence(assignment, run, asked)).unsettled)


def test_far_from_every_limit_all_is_settled(assignment: Assignment) -> None:
    """High above, and far below."""
    assert unsettled(assignment, fused([0.5, 0.8, 0.95])) == set()
    assert unsettled(assignment, fused([0.5, 0.6], test=0.5)) == set()


def test_what_is_just_reached_or_just_missed_is_not(assignment: Assignment) -> None:
    """At the last epochs, within the tolerance on either side."""
    for value in (0.9 + ACCURACY / 2, 0.9 - ACCURACY / 2):
        assert unsettled(assignment, fused([0.5, 0.6, value]), asked=3) == {"reaches"}
    for value in (0.9 + 2 * ACCURACY, 0.9 - 2 * ACCURACY):
        assert unsettled(assignment, fused([0.5, 0.6, value]), asked=3) == set()


def test_a_threshold_reached_in_time_is_reached(assignment: Assignment) -> None:
    """With epochs to spare it does not matter by how little, for the arithmetic costs no more than these."""
    just = [0.5, 0.6, 0.9 + ACCURACY / 10]
    assert unsettled(assignment, fused(just), asked=3 + EPOCHS) == set()
    assert unsettled(assignment, fused(just), asked=2 + EPOCHS) == {"reaches"}


def test_limits_of_any_kind_are_seen(assignment: Assignment) -> None:
    """On held-out images, and in an instructor's own words, where only a part of the points hangs on it."""
    assert unsettled(assignment, fused([0.5, 0.95], test=0.805)) == {"is_good_on_test_images"}
    assert unsettled(assignment, fused([0.95, 0.8495])) == {"own_limit"}


def test_exact_trainings_settle_everything(assignment: Assignment) -> None:
    """Keras's own arithmetic is what is asked for."""
    run = fused([0.5, 0.9]).model_copy(update={"arithmetic": "keras"})
    assert neighbours(evidence(assignment, run)) == ()
    assert unsettled(assignment, run, asked=2) == set()


def test_verdicts_themselves_are_those_of_the_run(assignment: Assignment) -> None:
    """Asking again changes no verdict."""
    run = fused([0.5, 0.6, 0.9 + ACCURACY / 2])
    exact = run.model_copy(update={"arithmetic": "keras"})
    assert judge(evidence(assignment, run)).verdicts == judge(evidence(assignment, exact)).verdicts


def test_an_unsettled_case_asks_for_exact_trainings(assignment: Assignment) -> None:
    """And for nothing else; settled ones are final."""
    near, far = fused([0.5, 0.6, 0.9 + ACCURACY / 2]), fused([0.5, 0.8, 0.95])
    for run, wanted in ((near, True), (far, False)):
        case = case_of(assignment, evidence(assignment, run, asked=3))
        judgement = judge(case.evidence())
        assert case.is_final(judgement) is not wanted
        assert [demand.exact for demand in case.demands(judgement)] == [True] * wanted


def test_who_loses_nothing_is_not_asked_how_near_he_came(assignment: Assignment) -> None:
    """A network that reached the threshold by less than the margin of other seeds is final, and trained once."""
    assert assignment.training is not None
    policy = assignment.training.model_copy(update={"margin": ACCURACY / 2})
    close = assignment.model_copy(update={"training": policy})
    case = case_of(close, evidence(close, fused([0.5, 0.6, 0.9 + ACCURACY / 4]), asked=3 + EPOCHS))
    assert case.is_final(judge(case.evidence()))


def test_who_nearly_came_near_is_trained_exactly(assignment: Assignment) -> None:
    """Whether another seed is tried must not hang on the arithmetic."""
    case = case_of(assignment, evidence(assignment, fused([0.5, 0.85 - ACCURACY / 2], test=0.5), asked=2))
    demands = case.demands(replace(judge(case.evidence()), unsettled=()))
    assert [(demand.exact, demand.seed) for demand in demands] == [(True, 1)]


def test_what_failed_is_confirmed() -> None:
    """A problem, a number that is none, an unsteady curve, or none that rises, is believed only of Keras's own operations."""
    assert must_be_confirmed(fused([0.5], problem="it does not fit"))
    assert must_be_confirmed(fused([math.nan]))
    assert must_be_confirmed(fused([0.5, 0.9, 0.88, 0.95]))
    assert must_be_confirmed(fused([0.11, 0.12]))
    assert not must_be_confirmed(fused([0.5, 0.9, 0.895, 0.95]))
    assert not must_be_confirmed(fused([0.5]))
    assert not must_be_confirmed(make_run([math.nan]))


def test_shares_stay_shares() -> None:
    """Beyond 0 and 1 there is nothing."""
    assert (share(0.999, 0.01), share(0.001, -0.01)) == (1.0, 0.0)
