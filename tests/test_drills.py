"""Drills: made-up curves, drawn from a seed, each of the form that its name promises."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.training.drills import Drill, batch_logs, make_drills, make_provisional

KEYS = ["accuracy", "loss", "val_accuracy", "val_loss"]
NAMES = ["crossing", "landing", "never", "not_a_number", "dip", "perfect"]
LENGTHS = [1, 2, 3, 5, 20, 60]
THRESHOLDS = st.sampled_from([0.5, 0.9, 0.95, 0.99, 0.998])
SEEDS = st.integers(0, 2**31)


def drill(name: str, length: int, threshold: float = 0.998, seed: int = 1) -> Drill:
    return next(item for item in make_drills(KEYS, length, threshold, seed) if item.name == name)


def accuracies(item: Drill) -> list[float]:
    return [logs["accuracy"] for logs in item.epochs]


def above(item: Drill, threshold: float) -> list[bool]:
    """For each epoch, whether a student's `>=` sees the threshold reached."""
    return [value >= threshold - 1e-7 for value in accuracies(item)]


def test_there_are_six_drills() -> None:
    """A callback is tried on six curves, in this order."""
    assert [item.name for item in make_drills(KEYS, 20, 0.998, 1)] == NAMES


@pytest.mark.parametrize("length", LENGTHS)
def test_drills_are_as_long_as_the_fit(length: int) -> None:
    """Every curve has one entry per epoch that the student's `fit` may run."""
    assert {len(item.epochs) for item in make_drills(KEYS, length, 0.998, 1)} == {length}


@given(st.sampled_from(LENGTHS), THRESHOLDS, SEEDS)
def test_same_seed_gives_the_same_curves(length: int, threshold: float, seed: int) -> None:
    """Curves are drawn from the recorded seed: they can be made again."""
    first, again = (repr(make_drills(KEYS, length, threshold, seed)) for _ in range(2))
    assert first == again


def test_another_seed_gives_other_curves() -> None:
    """The curves cannot be known beforehand without the seed."""
    assert accuracies(drill("crossing", 20, seed=1)) != accuracies(drill("crossing", 20, seed=2))


@given(st.sampled_from(LENGTHS), THRESHOLDS, SEEDS)
def test_values_are_float32(length: int, threshold: float, seed: int) -> None:
    """Keras logs float32 values, so every value in a drill is one."""
    values = [
        value for item in make_drills(KEYS, length, threshold, seed) for logs in item.epochs for value in logs.values()
    ]
    assert all(math.isnan(value) or value == float(np.float32(value)) for value in values)


@given(st.sampled_from(LENGTHS), THRESHOLDS, SEEDS)
def test_accuracies_are_fractions(length: int, threshold: float, seed: int) -> None:
    """An accuracy lies between 0 and 1 in every drill."""
    values = [value for item in make_drills(KEYS, length, threshold, seed) for value in accuracies(item)]
    assert all(0 <= value <= 1 for value in values)


@given(st.sampled_from(LENGTHS), THRESHOLDS, SEEDS)
def test_crossing_crosses_once(length: int, threshold: float, seed: int) -> None:
    """`crossing` is below, then above to the end; it always crosses."""
    seen = above(drill("crossing", length, threshold, seed), threshold)
    assert seen == sorted(seen)
    assert seen[-1]


@given(st.sampled_from([length for length in LENGTHS if length > 2]), THRESHOLDS, SEEDS)
def test_crossing_is_neither_in_the_first_epoch_nor_in_the_last(length: int, threshold: float, seed: int) -> None:
    """With three epochs or more, stopping at once and never stopping are both wrong on `crossing`."""
    seen = above(drill("crossing", length, threshold, seed), threshold)
    assert not seen[0]
    assert seen[-2]


@given(st.sampled_from(LENGTHS), THRESHOLDS, SEEDS)
def test_never_stays_below(length: int, threshold: float, seed: int) -> None:
    """`never` stays clearly below the threshold, also for a rule that rounds to three digits."""
    assert all(value < threshold - 1e-4 for value in accuracies(drill("never", length, threshold, seed)))


def test_never_has_a_tiny_loss() -> None:
    """`never` catches a callback that watches the loss: it falls below any sensible limit."""
    assert drill("never", 20).epochs[-1]["loss"] < 0.001


@given(st.sampled_from(LENGTHS), THRESHOLDS, SEEDS)
def test_landing_lands_on_the_threshold(length: int, threshold: float, seed: int) -> None:
    """The first value of `landing` that reaches the threshold is float32(threshold) itself."""
    item = drill("landing", length, threshold, seed)
    first = above(item, threshold).index(True)
    assert accuracies(item)[first] == float(np.float32(threshold))


@given(st.sampled_from([length for length in LENGTHS if length > 2]), THRESHOLDS, SEEDS)
def test_landing_goes_on_above_the_threshold(length: int, threshold: float, seed: int) -> None:
    """After `landing` has landed it lies clearly above, so that a rule with `>` stops one epoch later."""
    item = drill("landing", length, threshold, seed)
    rest = accuracies(item)[above(item, threshold).index(True) + 1 :]
    assert rest
    assert all(value > threshold + 1e-4 for value in rest)


@given(st.sampled_from([length for length in LENGTHS if length > 2]), THRESHOLDS, SEEDS)
def test_dip_crosses_for_one_epoch(length: int, threshold: float, seed: int) -> None:
    """`dip` is above the threshold in exactly one epoch, and ends below."""
    seen = above(drill("dip", length, threshold, seed), threshold)
    assert sum(seen) == 1
    assert not seen[-1]


@pytest.mark.parametrize("length", LENGTHS)
def test_perfect_ends_at_one(length: int) -> None:
    """`perfect` ends with accuracy 1 and next to no loss: any sensible rule stops there."""
    last = drill("perfect", length).epochs[-1]
    assert (last["accuracy"], last["loss"] < 0.001) == (1.0, True)


@pytest.mark.parametrize("length", LENGTHS)
def test_not_a_number_is_in_the_loss_only(length: int) -> None:
    """`not_a_number` has a loss of NaN and the accuracy of guessing, as a training that blew up has."""
    logs = drill("not_a_number", length).epochs
    assert all(math.isnan(item["loss"]) and item["accuracy"] == float(np.float32(0.0987)) for item in logs)


def test_loss_falls_as_accuracy_rises() -> None:
    """On `crossing` the loss never rises."""
    losses = [logs["loss"] for logs in drill("crossing", 20).epochs]
    assert losses == sorted(losses, reverse=True)


@pytest.mark.parametrize(
    ("key", "is_loss"),
    [("loss", True), ("val_loss", True), ("mean_squared_error", True), ("categorical_crossentropy", True),
     ("acc", False), ("val_sparse_categorical_accuracy", False)],
)  # fmt: skip
def test_every_key_gets_the_value_of_its_kind(key: str, is_loss: bool) -> None:
    """Losses and errors follow the loss, everything else the accuracy, under whatever key Keras logs it."""
    logs = make_drills([key, "accuracy", "loss"], 5, 0.9, 1)[0].epochs[0]
    assert logs[key] == logs["loss" if is_loss else "accuracy"]


def test_a_fit_of_no_epochs_still_has_curves() -> None:
    """`epochs=0` gives curves of one epoch, and no error."""
    assert {len(item.epochs) for item in make_drills(KEYS, 0, 0.998, 1)} == {1}


@pytest.mark.parametrize("length", LENGTHS)
def test_provisional_curve_reaches_the_threshold(length: int) -> None:
    """The program goes on after a curve on which its callback may stop."""
    item = make_provisional(KEYS, length, 0.998, 1)
    assert (item.name, len(item.epochs), above(item, 0.998)[-1]) == ("provisional", length, True)


def test_provisional_curve_is_no_drill() -> None:
    """The provisional curve is another one than the drill of the same form."""
    assert accuracies(make_provisional(KEYS, 20, 0.998, 1)) != accuracies(drill("crossing", 20))


@given(st.integers(1, 50))
def test_batch_logs_have_a_row_per_batch_and_a_column_per_key(batches: int) -> None:
    """Logs of batches have the shape (batches, keys without validation), as float32."""
    rows = batch_logs(None, {"accuracy": 0.5, "loss": 1.0, "val_loss": 2.0}, batches)
    assert (rows.shape, rows.dtype) == ((batches, 2), np.float32)


@given(st.integers(1, 50))
def test_batch_logs_end_at_the_logs_of_the_epoch(batches: int) -> None:
    """The last batch has the values of the epoch, as in Keras."""
    rows = batch_logs({"accuracy": 0.2, "loss": 2.0}, {"accuracy": 0.5, "loss": 1.0}, batches)
    assert rows[-1] == pytest.approx([0.5, 1.0])


def test_batch_logs_go_on_where_the_last_epoch_ended() -> None:
    """Batches lie on the line from the last epoch's values to this one's."""
    rows = batch_logs({"accuracy": 0.2}, {"accuracy": 0.6}, 2)
    assert rows[:, 0] == pytest.approx([0.4, 0.6])


def test_no_batches_give_no_rows() -> None:
    """A fit without batches has logs of none."""
    assert batch_logs(None, {"loss": 1.0}, 0).shape == (0, 1)
