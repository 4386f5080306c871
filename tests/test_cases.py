"""What a submission asks to be trained next."""

from typing import Any

import pytest

from grader.judging.plugin import Judgement
from grader.pipeline.cases import Case
from grader.pipeline.conversation import Link
from grader.pipeline.errands import Seen
from tests.factories import make_assignment, make_curve, make_fit, make_observation, make_submission

STOPS = make_curve([0.5, 0.8, 0.95], stop=2)


def case_with(**changes: Any) -> Case:
    """A submission whose graded fit is this one."""
    observation = make_observation(make_fit(STOPS, **changes))
    request = observation.fits[0].request
    assert request is not None
    seen = Seen(observation, chains={"f": (Link(request, 1),)}, arrays=())
    return Case(make_assignment(), make_submission(), observation=observation, seen=seen)


@pytest.mark.parametrize(
    ("missing", "played", "wanted"),
    [
        ("run", [0.5, 0.95], True),  # made up: says nothing about the real training
        ("epochs", [0.5, 0.8], True),  # kept for a lower threshold: it may still stop at this one
        ("epochs", [0.5, 0.95], False),  # the code let it run on past the threshold
    ],
)
def test_a_training_stops_at_the_threshold_unless_the_code_let_one_run_past_it(
    missing: str, played: list[float], wanted: bool
) -> None:
    """A training that is too short is trained again, and no longer than needed."""
    case = case_with(missing=missing, played=make_curve(played, name="run"))
    demands = case.demands(Judgement((), pending=("reaches_it",)))
    assert [demand.to_threshold for demand in demands] == [wanted]
