"""Do work on this machine: at most N tasks at a time, each with a place of the kind that it asks for.

Tasks with a lower priority number go first. Places (warm sandboxes) are made when first needed and kept.
"""

import itertools
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, Protocol, TypeVar


class Place(Protocol):
    """Something that a task works in."""

    def close(self) -> None:
        """Release it for good."""


P = TypeVar("P", bound=Place)
T = TypeVar("T")


class LocalEngine(Generic[P]):
    """N worker threads that share places by kind.

    Args:
        jobs: tasks at a time.
        make: makes a new place of a kind.
    """

    def __init__(self, jobs: int, make: Callable[[str], P]) -> None:
        self._make = make
        self._tasks: queue.PriorityQueue[tuple[int, int, Callable[[], None] | None]] = queue.PriorityQueue()
        self._order = itertools.count()
        self._free: dict[str, list[P]] = {}
        self._all: list[P] = []
        self._lock = threading.Lock()
        self._closed = False
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(jobs)]
        for thread in self._threads:
            thread.start()

    def submit(self, kind: str, priority: int, task: Callable[[P], T]) -> "Future[T]":
        """Do `task` with a place of `kind`; the future has its result or what it raised."""
        future: Future[T] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                place = self._take(kind)
            except BaseException as error:  # noqa: BLE001 - the future carries it to the main thread
                future.set_exception(error)
                return
            try:
                future.set_result(task(place))
            except BaseException as error:  # noqa: BLE001 - as above
                future.set_exception(error)
            finally:
                self._give_back(kind, place)

        self._tasks.put((priority, next(self._order), run))
        return future

    def close(self) -> None:
        """Stop the workers and close every place; tasks that run are ended with their place."""
        self._closed = True
        for _ in self._threads:
            self._tasks.put((-1, next(self._order), None))
        with self._lock:
            places = list(self._all)
        for place in places:
            place.close()
        for thread in self._threads:
            thread.join(5)

    def _take(self, kind: str) -> P:
        with self._lock:
            if self._free.get(kind):
                return self._free[kind].pop()
        place = self._make(kind)
        with self._lock:
            self._all.append(place)
        return place

    def _give_back(self, kind: str, place: P) -> None:
        with self._lock:
            self._free.setdefault(kind, []).append(place)

    def _work(self) -> None:
        while not self._closed:
            _, _, run = self._tasks.get()
            if run is None:
                return
            run()
