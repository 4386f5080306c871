"""The order of work, and how long it will take: replays, captures, trainings, on one core or several."""

import heapq
import itertools
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.errors import SetupError
from grader.model.training import TrainingRun
from grader.pipeline import dispatch
from grader.pipeline.agenda import Agenda
from grader.pipeline.dispatch import Dispatcher
from grader.pipeline.forecast import Course, Forecast
from tests.factories import make_run


def agenda(
    replays: Iterable[str] = (), captures: Iterable[str] = (), trainings: dict[str, Course] | None = None
) -> tuple[Agenda, list[str]]:
    """An agenda, and what was begun by it, in order."""
    begun: list[str] = []
    found = Agenda(Forecast())
    for name in replays:
        found.add_replay(partial(begun.append, name))
    for name in captures:
        found.add_capture(partial(begun.append, name))
    for name, course in (trainings or {}).items():
        found.add_training(name, course, partial(begun.append, name))
    return found, begun


def take_all(found: Agenda, cores: int = 2) -> None:
    while (begin := found.take(cores)) is not None:
        begin()


def course(seconds: float, **changes: Any) -> Course:
    """A training that is foretold to take so long."""
    return Course(**{"cost": seconds / 10, "epochs": 10, "waiting": 0, **changes})


def test_replays_go_before_captures_and_captures_before_trainings() -> None:
    """Where no training would decide the end."""
    found, begun = agenda(["r1"], [f"c{number}" for number in range(9)], {"t1": course(3), "t2": course(3)})
    take_all(found)
    assert begun == ["r1", *(f"c{number}" for number in range(9)), "t1", "t2"]


def test_the_longest_training_begins_first() -> None:
    """So that none is left alone at the end."""
    found, begun = agenda(trainings={"short": course(3), "long": course(30), "middle": course(10)})
    take_all(found)
    assert begun == ["long", "middle", "short"]


def test_a_training_that_decides_the_end_begins_before_captures() -> None:
    """One that takes longer than all the rest on the other core does not wait for the rest."""
    found, begun = agenda(captures=["c1", "c2", "c3"], trainings={"t": course(60)})
    take_all(found)
    assert begun == ["t", "c1", "c2", "c3"]


def test_of_two_such_trainings_one_waits_while_there_are_captures() -> None:
    """A core is left for the captures: they may tell of more."""
    found, begun = agenda(captures=["c1", "c2"], trainings={"t1": course(60), "t2": course(50)})
    take_all(found)
    assert begun == ["t1", "c1", "c2", "t2"]


def test_on_one_core_nothing_goes_across() -> None:
    """There the sum is the same, whatever comes first, and captures give results."""
    found, begun = agenda(captures=["c1"], trainings={"t": course(60)})
    take_all(found, cores=1)
    assert begun == ["c1", "t"]


def test_more_who_wait_for_a_training_make_its_path_longer() -> None:
    """What comes after a training is part of what it keeps waiting."""
    found, begun = agenda(trainings={"alone": course(10), "asked for": course(8, waiting=20)})
    take_all(found)
    assert begun == ["asked for", "alone"]


STAGES = st.lists(st.sampled_from(["replay", "capture", "training"]), max_size=30)


@given(STAGES, st.lists(st.floats(0.1, 1000), min_size=30, max_size=30), st.integers(1, 8))
def test_everything_is_begun_once_and_no_replay_waits_behind_a_training(
    stages: list[str], seconds: list[float], cores: int
) -> None:
    """Whatever the lengths: nothing is lost or done twice, and an agenda with work always gives some."""
    found, begun = agenda(
        [f"replay {number}" for number, stage in enumerate(stages) if stage == "replay"],
        [f"capture {number}" for number, stage in enumerate(stages) if stage == "capture"],
        {f"training {n}": course(seconds[n]) for n, stage in enumerate(stages) if stage == "training"},
    )
    for left in range(len(stages), 0, -1):
        assert len(found) == left
        begin = found.take(cores)
        assert begin is not None
        begin()
    assert found.take(cores) is None
    assert sorted(begun) == sorted(f"{stage} {number}" for number, stage in enumerate(stages))
    first = [name.split()[0] for name in begun]
    assert "replay" not in itertools.dropwhile(lambda stage: stage == "replay", first)


# ── forecasts ──


def test_nothing_is_foretold_before_a_program_was_run() -> None:
    """There is nothing to go by."""
    assert Forecast().remaining(3, {}, 2) is None


def test_nothing_is_foretold_of_trainings_before_an_epoch_was_seen() -> None:
    """What a network costs is foretold in seconds of another machine."""
    forecast = Forecast()
    forecast.saw_run(1.0)
    assert forecast.remaining(3, {"t": course(10)}, 2) is None
    assert forecast.remaining(4, {}, 2) == 2.0


def test_epochs_of_this_machine_scale_the_others() -> None:
    """An epoch that took twice as long as foretold makes all trainings twice as long."""
    forecast = Forecast()
    forecast.saw_run(1.0)
    forecast.saw_epoch(1.0, 2.0)
    assert forecast.training_seconds(course(10)) == 20.0
    assert forecast.training_seconds(course(10, done=4)) == 12.0
    assert forecast.training_seconds(course(10, before=3.0)) == 26.0


def test_one_slow_epoch_does_not_change_the_forecast() -> None:
    """The first epoch of a process takes longer; the middle one counts."""
    forecast = Forecast()
    for seconds in (9.0, 1.0, 1.1):
        forecast.saw_epoch(1.0, seconds)
    assert forecast.epoch_seconds(course(10)) == 1.1


def test_trainings_that_ended_early_shorten_what_is_expected() -> None:
    """Where half of the epochs were enough, half are expected; never less than one, and only where it may end early."""
    forecast = Forecast()
    run: TrainingRun = make_run([0.9] * 5)
    forecast.saw_training(Course(cost=1.0, epochs=10), run)
    assert forecast.training_seconds(Course(cost=1.0, epochs=20)) == 10.0
    assert forecast.training_seconds(Course(cost=1.0, epochs=20, to_threshold=False)) == 20.0
    assert forecast.training_seconds(Course(cost=1.0, epochs=20, done=15)) == 0.0


def test_the_longest_training_bounds_the_end() -> None:
    """More cores do not make one training shorter."""
    forecast = Forecast()
    forecast.saw_run(1.0)
    forecast.saw_epoch(1.0, 1.0)
    assert forecast.remaining(0, {"t": course(100), "u": course(1)}, 50) == 100.0


# ── all cores stay busy ──


class Simulated:
    """A carrier whose tasks take made-up seconds of a made-up clock, and whoever waits moves the clock."""

    def __init__(self, cores: int) -> None:
        self.now, self.free = 0.0, cores
        self._cores = cores
        self._ends: list[tuple[float, int, Future[Any]]] = []
        self._numbers = itertools.count()
        self.idle_with_work = False
        self.dispatcher: Dispatcher | None = None

    def submit(self, errand: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        heapq.heappush(self._ends, (self.now + errand, next(self._numbers), future))
        self.free -= 1
        assert self.free >= 0, "more tasks than cores"
        return future

    def cores(self) -> int:
        return self._cores

    def wait(self, in_hand: Any, *_: Any) -> tuple[list[Any], None]:
        assert self.dispatcher is not None
        assert len(in_hand) == len(self._ends)
        self.idle_with_work |= bool(self.free and self.dispatcher.agenda)
        self.now, _number, future = heapq.heappop(self._ends)
        self.free += 1
        future.set_result(self.now)
        return [future], None


def simulate(monkeypatch: pytest.MonkeyPatch, cores: int, fill: Callable[[Any], None]) -> Simulated:
    carrier: Any = Simulated(cores)
    monkeypatch.setattr(dispatch, "wait", carrier.wait)
    carrier.dispatcher = Dispatcher(carrier, lambda *_: None)
    fill(carrier.dispatcher)
    carrier.dispatcher.work()
    assert isinstance(carrier, Simulated)
    return carrier


@given(
    st.lists(st.floats(0.1, 5), max_size=20),
    st.lists(st.tuples(st.floats(1, 60), st.integers(0, 5)), max_size=6),
    st.integers(1, 4),
)
def test_no_core_is_idle_while_there_is_work(
    captures: list[float], trainings: list[tuple[float, int]], cores: int
) -> None:
    """Captures that tell of trainings, trainings that let programs be run again: all is done, and no core waits for it."""
    done: list[str] = []

    def fill(work: Any) -> None:
        def captured(number: int, _: "Future[Any]") -> None:
            done.append(f"capture {number}")
            if number < len(trainings):
                seconds, waiting = trainings[number]
                about = course(seconds, waiting=waiting)
                work.training(number, about, lambda: seconds, partial(trained, number, waiting))

        def trained(number: int, waiting: int, _: "Future[Any]") -> None:
            done.append(f"training {number}")
            work.agenda.training_over(number)
            for _again in range(waiting):
                work.replay(0.5, lambda _: done.append("replay"))

        for number, seconds in enumerate(captures):
            work.capture(seconds, partial(captured, number))

    with pytest.MonkeyPatch.context() as monkeypatch:
        carrier = simulate(monkeypatch, cores, fill)
    known = trainings[: len(captures)]
    assert not carrier.idle_with_work
    assert carrier.free == cores
    assert len(done) == len(captures) + len(known) + sum(waiting for _, waiting in known)


def test_a_long_training_does_not_lengthen_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """On two cores a training of a minute and a minute of captures take a minute, not one and a half."""

    def fill(work: Any) -> None:
        def captured(_: "Future[Any]") -> None:
            if 0 not in work.agenda.courses:
                about = course(60, waiting=0)
                work.training(0, about, lambda: 60.0, lambda _: None)

        for _ in range(60):
            work.forecast.saw_run(1.0)
            work.capture(1.0, captured)

    assert simulate(monkeypatch, 2, fill).now <= 63


def test_a_failed_cluster_ends_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """What no submission is to blame for goes up, and no result is made of it."""
    carrier: Any = Simulated(1)
    work: Any = Dispatcher(carrier, lambda *_: None)

    def lost(in_hand: Any, *_: Any) -> tuple[list[Any], None]:
        future = next(iter(in_hand))
        future.set_exception(SetupError("the scheduler is gone"))
        return [future], None

    monkeypatch.setattr(dispatch, "wait", lost)
    work.capture(1.0, lambda _: pytest.fail("it was taken for an outcome"))
    with pytest.raises(SetupError, match="gone"):
        work.work()
