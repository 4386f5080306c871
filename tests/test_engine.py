"""The engines: order, places, limits, and what becomes of exceptions; the same for threads here and workers of Dask.

A task for Dask is pickled on its way, also to a worker in this process. So that one suite serves both, tasks are named:
what travels is the name.
"""

import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from grader.engines import dask
from grader.engines.dask import DaskEngine, Line
from grader.engines.local import LocalEngine
from grader.errors import SandboxError, SetupError
from tests.clusters import cluster_here

WAIT = 10
NAMES = itertools.count()
TASKS: dict[int, Callable[["FakePlace"], Any]] = {}


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
        self.closed = threading.Event()

    def __call__(self, kind: str) -> FakePlace:
        if kind == "impossible":
            raise OSError("no room")
        self.made.append(FakePlace(kind))
        return self.made[-1]

    def close(self) -> None:
        self.closed.set()


FACTORIES: dict[int, Places] = {}


def furnish(number: int, line: Line) -> Places:
    """On a worker, which is in this process: the places of a test."""
    assert isinstance(line, Line)
    return FACTORIES[number]


@dataclass(frozen=True)
class Named:
    """A task by its name."""

    name: int

    def __call__(self, place: FakePlace) -> Any:
        return TASKS[self.name](place)


class Engine:
    """One of the engines, with tasks that need not be pickled."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self.close: Callable[[], None] = engine.close

    def submit(self, kind: str, priority: int, task: Callable[[FakePlace], Any]) -> "Future[Any]":
        name = next(NAMES)
        TASKS[name] = task
        found: Future[Any] = self._engine.submit(kind, priority, Named(name))
        return found


@pytest.fixture
def places() -> Places:
    return Places()


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """A Dask cluster in this process, with four threads."""
    with cluster_here(threads=4) as address:
        yield address


@pytest.fixture(params=["local", "dask"])
def start(request: pytest.FixtureRequest, places: Places) -> Iterator[Callable[[int], Engine]]:
    """Starts engines, and closes them after the test."""
    engines: list[Engine] = []

    def make(jobs: int) -> Engine:
        if request.param == "local":
            engines.append(Engine(LocalEngine(jobs, places)))
        else:
            number = next(NAMES)
            FACTORIES[number] = places
            address = request.getfixturevalue("scheduler")
            engines.append(Engine(DaskEngine(partial(furnish, number), address=address, jobs=jobs)))
        return engines[-1]

    yield make
    for engine in engines:
        engine.close()


Start = Callable[[int], Engine]


def held(engine: Engine) -> tuple[threading.Event, "Future[bool]"]:
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
    assert eventually(lambda: [place.closed for place in places.made] == [True, True])


def test_close_ends_tasks_that_run(start: Start, places: Places) -> None:
    """Closing does not wait for a task to end by itself: its place is closed under it."""
    ended = threading.Event()
    engine = start(1)

    def task(place: FakePlace) -> None:
        while not place.closed:
            threading.Event().wait(0.01)
        ended.set()

    engine.submit("guest", 0, task)
    assert eventually(lambda: bool(places.made))
    engine.close()
    assert ended.wait(WAIT)


def eventually(true: Callable[[], bool]) -> bool:
    """Whether something becomes true within some seconds."""
    for _ in range(100 * WAIT):
        if true():
            return True
        threading.Event().wait(0.01)
    return False


# ── what only Dask has ──

LINES: dict[int, Line] = {}


def furnish_and_keep(number: int, line: Line) -> Places:
    """As `furnish`, and a test can use the worker's line."""
    LINES[number] = line
    return FACTORIES[number]


def answer(question: bytes) -> bytes | None:
    """The grading process of these tests."""
    if question == b"bad":
        raise ValueError(question)
    return None if question == b"secret" else b"you said " + question


@pytest.fixture
def ask(scheduler: str, places: Places) -> Iterator[Callable[[bytes], bytes]]:
    """Asks the grading process from a task on a worker."""
    number = next(NAMES)
    FACTORIES[number] = places
    engine = DaskEngine(partial(furnish_and_keep, number), address=scheduler, jobs=1, answer=answer)

    def ask(question: bytes) -> bytes:
        found: bytes = Engine(engine).submit("guest", 0, lambda _: LINES[number].ask(question)).result(WAIT)
        return found

    yield ask
    engine.close()


def test_a_task_can_ask_the_grading_process(ask: Callable[[bytes], bytes]) -> None:
    """An answer finds the task that asked."""
    assert ask(b"hello") == b"you said hello"


@pytest.mark.parametrize("question", [b"bad", b"secret"])
def test_a_question_that_cannot_be_answered_fails_its_task(ask: Callable[[bytes], bytes], question: bytes) -> None:
    """Whether nothing is known or the answer fails: the task does not wait for ever."""
    with pytest.raises(SandboxError, match="could not answer"):
        ask(question)


@pytest.mark.parametrize("start", ["dask"], indirect=True)
def test_closing_releases_what_places_share(start: Start, places: Places) -> None:
    """The maker of places is closed with them, on every worker."""
    engine = start(1)
    engine.submit("guest", 0, lambda _: None).result(WAIT)
    engine.close()
    assert places.closed.wait(WAIT)


def test_a_worker_that_hears_nothing_closes_its_places_and_goes_on_when_it_does(
    scheduler: str, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A grader that was killed leaves no sandbox behind; one that only slept finds its task done again."""
    monkeypatch.setattr(dask, "LEASE_SECONDS", 0.5)
    monkeypatch.setattr(dask, "TOUCH_SECONDS", 1000.0)
    monkeypatch.setattr(dask, "PULSE_SECONDS", 0.05)
    number = next(NAMES)
    FACTORIES[number] = places
    engine = DaskEngine(partial(furnish, number), address=scheduler, jobs=1)
    runs: list[FakePlace] = []

    def task(place: FakePlace) -> int:
        runs.append(place)
        if len(runs) == 1:
            assert eventually(lambda: place.closed)
            raise OSError("the box is gone")
        return len(runs)

    future = Engine(engine).submit("guest", 0, task)
    assert eventually(lambda: bool(runs) and runs[0].closed)
    monkeypatch.setattr(dask, "LEASE_SECONDS", 100.0)
    monkeypatch.setattr(dask, "TOUCH_SECONDS", 0.0)
    assert future.result(WAIT) >= 2
    assert runs[-1] is not runs[0]
    engine.close()


def test_a_cluster_without_workers_ends_the_run_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for ever: it is said what to start."""
    monkeypatch.setattr(dask, "PATIENCE_SECONDS", 0.3)
    monkeypatch.setattr(dask, "PULSE_SECONDS", 0.05)
    with cluster_here(workers=0) as address:
        engine = DaskEngine(partial(furnish, 0), address=address)
        assert engine.cores() == 0
        with pytest.raises(SetupError, match="no Dask worker for"):
            eventually(lambda: engine.cores() > 0)
        engine.close()


def test_a_scheduler_that_ends_is_told(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """A task whose scheduler is gone fails with what to do, and so does everything after it."""
    monkeypatch.setattr(dask, "PULSE_SECONDS", 0.05)
    number = next(NAMES)
    FACTORIES[number] = places
    gate = threading.Event()
    with cluster_here() as address:
        engine = DaskEngine(partial(furnish, number), address=address)
        future = Engine(engine).submit("guest", 0, lambda _: gate.wait(WAIT))
        assert eventually(lambda: bool(places.made))
    gate.set()
    with pytest.raises(SetupError, match="the Dask scheduler is gone"):
        future.result(WAIT)
    with pytest.raises(SetupError, match="the Dask scheduler is gone"):
        engine.cores()
    engine.close()


def test_a_client_whose_loop_had_no_turn_is_begun_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once: found in a run of all tests, with as many programs beside it as the machine could bear."""
    begun: list[dict[str, Any]] = []

    def client(**arguments: Any) -> str:
        begun.append(arguments)
        assert len(begun) > 1
        return "a client"

    monkeypatch.setattr(dask, "Client", client)
    assert dask.make_client(address="a") == "a client"
    assert [arguments["address"] for arguments in begun] == ["a", "a"]


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "no address", "127.0.0.1:99999999", "http://a:1"])
def test_an_address_without_scheduler_is_told(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever stands there, it is a sentence with the address, and what to start."""
    monkeypatch.setattr(dask, "CONNECT_SECONDS", 1)
    with pytest.raises(SetupError, match="expected a Dask scheduler, found none") as told:
        DaskEngine(partial(furnish, 0), address=address)
    assert str(told.value).startswith(f"{address}: ")
