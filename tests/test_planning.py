"""By which arithmetic a training is carried out, and from where on."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.model.training import Arithmetic, Parent
from grader.pipeline.cases import Demand
from grader.pipeline.conversation import Link
from grader.pipeline.planning import order_for
from grader.training.requests import training_fingerprint
from grader.training.state import State, pack_state, unpack_state
from grader.training.store import Store
from tests.factories import make_request, make_run

FIRST = make_request()
SECOND = FIRST.model_copy(update={"parent": Parent(fingerprint=training_fingerprint(FIRST), epochs=2)})
STATE = State([{"best": 0.5}], (np.arange(6, dtype=np.float32).reshape(2, 3), np.array(7, np.int64)))


def keep(store: Store, request: Any, accuracies: list[float], arithmetic: Arithmetic = "fused", **changes: Any) -> None:
    """Put a training into a store, with weights and logs of batches."""
    run = make_run(accuracies, fingerprint=training_fingerprint(request), arithmetic=arithmetic)
    batches = changes.get("batches")
    parts = {index: ([np.zeros(2, np.float32)], batches) for index in range(len(accuracies))}
    store.keep(run, parts, changes.get("state", STATE))


def demand(*requests: Any, epochs: int = 5, **changes: Any) -> Demand:
    """The training of the last request, after the others."""
    chain = tuple(Link(request, 2 if request is not requests[-1] else 0, None) for request in requests)
    values = {"fingerprint": training_fingerprint(requests[-1]), "seed": 1, "chain": chain, "epochs": epochs}
    return Demand(**{**values, "to_threshold": True, **changes})


@pytest.fixture(params=["disk", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return Store(tmp_path if request.param == "disk" else None, fused=True)


def test_a_new_training_begins_at_its_beginning(store: Store) -> None:
    """Nothing is known of it."""
    order = order_for(demand(FIRST), 0.9, store, fused=True)
    assert (order.plan.arithmetic, order.plan.going_on, order.state) == ("fused", None, None)
    assert order.plan.threshold == 0.9


def test_a_shorter_one_is_gone_on_from(store: Store) -> None:
    """With the state that was kept, of the same arithmetic only."""
    keep(store, FIRST, [0.5, 0.6])
    order = order_for(demand(FIRST), 0.9, store, fused=True)
    assert order.plan.going_on is not None
    assert (order.plan.going_on.link, len(order.plan.going_on.epochs)) == (0, 2)
    assert order.state is not None
    assert order.state.rules == STATE.rules
    assert [array.tolist() for array in order.state.arrays] == [array.tolist() for array in STATE.arrays]
    assert order_for(demand(FIRST), 0.9, store, fused=False).plan.going_on is None
    assert order_for(demand(FIRST, exact=True), 0.9, store, fused=True).plan.arithmetic == "keras"


def test_what_cannot_be_gone_on_from(store: Store) -> None:
    """A run as long as wanted, one that would have stopped, one without a state, one that stops in mid-epoch."""
    keep(store, FIRST, [0.5, 0.95])
    assert order_for(demand(FIRST), 0.9, store, fused=True).plan.going_on is None
    assert order_for(demand(FIRST, to_threshold=False), 0.9, store, fused=True).plan.going_on is not None
    assert order_for(demand(FIRST, epochs=2, to_threshold=False), 0.9, store, fused=True).plan.going_on is None
    assert order_for(demand(FIRST, batch=3, to_threshold=False), 0.9, store, fused=True).plan.going_on is None
    keep(store, FIRST, [0.5, 0.6, 0.7], state=None)
    assert order_for(demand(FIRST, to_threshold=False), 0.9, store, fused=True).plan.going_on is None


def test_logs_of_batches_must_be_there_if_somebody_looks(store: Store) -> None:
    """Else the epochs that are known would have none."""
    watched = FIRST.model_copy(update={"batch_logs": True})
    keep(store, FIRST, [0.5])
    assert order_for(demand(watched), 0.9, store, fused=True).plan.going_on is None
    keep(store, FIRST, [0.5], batches=(["loss"], np.zeros((3, 1), np.float32)))
    assert order_for(demand(watched), 0.9, store, fused=True).plan.going_on is not None


def test_a_model_fitted_again_goes_on_from_its_first_training(store: Store) -> None:
    """If that ended where the program went on."""
    keep(store, FIRST, [0.5, 0.6])
    going_on = order_for(demand(FIRST, SECOND), 0.9, store, fused=True).plan.going_on
    assert going_on is not None
    assert going_on.link == 0
    keep(store, FIRST, [0.5, 0.6, 0.7])
    assert order_for(demand(FIRST, SECOND), 0.9, store, fused=True).plan.going_on is None


def test_after_an_exact_training_comes_an_exact_one(store: Store) -> None:
    """The program goes on from weights that were played to it."""
    keep(store, FIRST, [0.5, 0.6], "keras")
    assert order_for(demand(FIRST, SECOND), 0.9, store, fused=True).plan.arithmetic == "keras"


def test_what_was_begun_exactly_goes_on_exactly(store: Store) -> None:
    """The exact run stands for both, so that a fused one beside it would never be played."""
    keep(store, FIRST, [0.5, 0.6], "keras")
    plan = order_for(demand(FIRST), 0.9, store, fused=True).plan
    assert plan.arithmetic == "keras"
    assert plan.going_on is not None
    assert len(plan.going_on.epochs) == 2


def test_exact_runs_stand_for_both_and_fused_ones_for_themselves(tmp_path: Path) -> None:
    """Whoever wants exact trainings does not see the others."""
    any_kind, exact = Store(tmp_path, fused=True), Store(tmp_path)
    keep(any_kind, FIRST, [0.5])
    name = training_fingerprint(FIRST)
    assert exact.find(name, 1) is None
    assert (kept := Store(tmp_path, fused=True).find(name, 1)) is not None
    assert kept.run.arithmetic == "fused"
    keep(exact, FIRST, [0.6], "keras")
    for store in (Store(tmp_path, fused=True), Store(tmp_path)):
        assert (kept := store.find(name, 1)) is not None
        assert kept.run.arithmetic == "keras"


def test_a_longer_run_keeps_the_parts_of_the_shorter(store: Store) -> None:
    """Only what was trained now is handed over; the state is that of the end."""
    keep(store, FIRST, [0.5])
    name = training_fingerprint(FIRST)
    longer = make_run([0.5, 0.6], fingerprint=name, arithmetic="fused")
    end = State([], (np.ones(1, np.float32),))
    store.keep(longer, {1: ([np.ones(2, np.float32)], None)}, end, store.find_by(name, 1, "fused"))
    kept = store.find(name, 1)
    assert kept is not None
    assert [kept.part(index)[0][0].tolist() for index in (0, 1)] == [[0, 0], [1, 1]]
    state = kept.state()
    assert state is not None
    assert state.arrays[0].tolist() == [1]


def test_a_state_survives_packing() -> None:
    """Arrays of any type, and numbers."""
    found = unpack_state(pack_state(STATE))
    assert found.rules == STATE.rules
    assert [(array.dtype, array.tolist()) for array in found.arrays] == [
        (array.dtype, array.tolist()) for array in STATE.arrays
    ]
