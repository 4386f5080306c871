"""The local engine: order, places, limits, and what becomes of exceptions."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future

import pytest

from grader.engines.local import LocalEngine

WAIT = 10


class FakePlace:
    """A place that knows its kind, and whether it was closed."""

    def __init__(self, kind: str) -> None:
        self.kind, self.closed = kind, False

    def close(self) -> None:
        self.closed = True


class Places:
    """Makes fake places, and remembers them."""

    def __init__(self) -> None:
        self.made: list[FakePlace] = []

    def __call__(self, kind: str) -> FakePlace:
        if kind == "impossible":
            raise OSError("no room")
        self.made.append(FakePlace(kind))
        return self.made[-1]


@pytest.fixture
def places() -> Places:
    return Places()


@pytest.fixture
def start(places: Places) -> Iterator[Callable[[int], LocalEngine[FakePlace]]]:
    """Starts engines, and closes them after the test."""
    engines: list[LocalEngine[FakePlace]] = []

    def make(jobs: int) -> LocalEngine[FakePlace]:
        engines.append(LocalEngine(jobs, places))
        return engines[-1]

    yield make
    for engine in engines:
        engine.close()


Start = Callable[[int], LocalEngine[FakePlace]]


def held(engine: LocalEngine[FakePlace]) -> tuple[threading.Event, "Future[bool]"]:
    """Occupies one worker until the event is set."""
    gate, begun = threading.Event(), threading.Event()

    def task(_: FakePlace) -> bool:
        begun.set()
        return gate.wait(WAIT)

    future = engine.submit("guest", 0, task)
    assert begun.wait(WAIT)
    return gate, future


def test_future_has_what_the_task_returned(start: Start) -> None:
    """A task is called with a place of its kind, and its value comes back."""
    assert start(1).submit("guest", 0, lambda place: place.kind).result(WAIT) == "guest"


def test_future_carries_the_exception(start: Start) -> None:
    """What a task raises is raised where the result is asked for, and nowhere else."""

    def task(_: FakePlace) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        start(1).submit("guest", 0, task).result(WAIT)


def test_worker_survives_an_exception(start: Start) -> None:
    """After a task that failed, the same worker does the next one."""
    engine = start(1)
    engine.submit("guest", 0, lambda _: 1 // 0)
    assert engine.submit("guest", 0, lambda _: 5).result(WAIT) == 5


def test_a_place_that_cannot_be_made_fails_its_task_only(start: Start) -> None:
    """The future says why there was no place; other kinds go on."""
    engine = start(1)
    with pytest.raises(OSError, match="no room"):
        engine.submit("impossible", 0, lambda _: None).result(WAIT)
    assert engine.submit("guest", 0, lambda _: 5).result(WAIT) == 5


def test_lower_numbers_go_first(start: Start) -> None:
    """Of the tasks that wait, the one with the lowest number is next."""
    engine = start(1)
    gate, _ = held(engine)
    order: list[int] = []
    futures = [engine.submit("guest", number, lambda _, number=number: order.append(number)) for number in (2, 0, 1)]  # type: ignore[misc]
    gate.set()
    for future in futures:
        future.result(WAIT)
    assert order == [0, 1, 2]


def test_equal_numbers_go_in_order(start: Start) -> None:
    """Tasks of one priority are done as they came."""
    engine = start(1)
    gate, _ = held(engine)
    order: list[int] = []
    futures = [engine.submit("guest", 1, lambda _, index=index: order.append(index)) for index in range(5)]  # type: ignore[misc]
    gate.set()
    for future in futures:
        future.result(WAIT)
    assert order == [0, 1, 2, 3, 4]


def test_places_are_used_again(start: Start, places: Places) -> None:
    """Ten tasks one after another need one place."""
    engine = start(1)
    for _ in range(10):
        engine.submit("guest", 0, lambda _: None).result(WAIT)
    assert len(places.made) == 1


def test_a_place_is_used_again_after_an_exception(start: Start, places: Places) -> None:
    """A failed task gives its place back."""
    engine = start(1)
    engine.submit("guest", 0, lambda _: 1 // 0).exception(WAIT)
    engine.submit("guest", 0, lambda _: None).result(WAIT)
    assert len(places.made) == 1


def test_each_kind_has_its_places(start: Start, places: Places) -> None:
    """A trainer's place is not given to a guest."""
    engine = start(1)
    kinds = [engine.submit(kind, 0, lambda place: place.kind).result(WAIT) for kind in ("guest", "trainer", "guest")]
    assert kinds == ["guest", "trainer", "guest"]
    assert [place.kind for place in places.made] == ["guest", "trainer"]


def test_no_place_is_used_by_two_tasks_at_a_time(start: Start) -> None:
    """Two tasks at the same time have two places."""
    engine = start(2)
    meet = threading.Barrier(2)

    def task(place: FakePlace) -> FakePlace:
        meet.wait(WAIT)
        return place

    one, other = (engine.submit("guest", 0, task) for _ in range(2))
    assert one.result(WAIT) is not other.result(WAIT)


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_at_most_so_many_tasks_at_a_time(start: Start, jobs: int) -> None:
    """With all workers busy, a further task waits until one is free."""
    engine = start(jobs)
    gates = [held(engine)[0] for _ in range(jobs)]
    further = engine.submit("guest", 0, lambda _: None)
    with pytest.raises(TimeoutError):
        further.result(0.1)
    gates[0].set()
    further.result(WAIT)
    for gate in gates:
        gate.set()


def test_a_cancelled_task_is_not_done(start: Start) -> None:
    """A task that was cancelled while it waited is passed over."""
    engine = start(1)
    gate, _ = held(engine)
    done: list[int] = []
    future = engine.submit("guest", 0, lambda _: done.append(1))
    assert future.cancel()
    gate.set()
    engine.submit("guest", 0, lambda _: None).result(WAIT)
    assert not done


def test_close_closes_every_place(start: Start, places: Places) -> None:
    """No place is left behind, of whatever kind."""
    engine = start(2)
    for kind in ("guest", "trainer"):
        engine.submit(kind, 0, lambda _: None).result(WAIT)
    engine.close()
    assert [place.closed for place in places.made] == [True, True]


def test_close_ends_tasks_that_run(places: Places) -> None:
    """Closing does not wait for a task to end by itself: its place is closed under it."""
    ended = threading.Event()
    engine = LocalEngine(1, places)

    def task(place: FakePlace) -> None:
        while not place.closed:
            ended.wait(0.01)
        ended.set()

    future = engine.submit("guest", 0, task)
    while not places.made:
        threading.Event().wait(0.01)
    engine.close()
    future.result(WAIT)
    assert ended.is_set()
