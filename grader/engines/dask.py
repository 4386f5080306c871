"""Do work on a Dask cluster: the same promises as the local engine, on machines that can go away.

Theory of operation. Tasks wait here, in order, and are handed to the cluster only when one of its threads is free, so
that what is lost with a worker is what it had in hand; Dask begins that again elsewhere. Each worker has a plugin that
holds its places by kind, warm between tasks, and closes them when this engine is closed, when the worker ends, or when
nothing was heard of this engine for a while.

A task on a worker can talk with this process over its `Line`: questions travel as events of the scheduler, answers as
a function that is run on the worker. Dask pickles functions on the way; what they carry is bytes of our own.
"""

import contextlib
import itertools
import queue
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol, TypeVar

from distributed import Client, LocalCluster, Reschedule, Worker, get_worker
from distributed.diagnostics.plugin import WorkerPlugin
from distributed.scheduler import KilledWorker

from grader.engines.local import Place
from grader.errors import GraderError, SandboxError, SetupError

PULSE_SECONDS = 1.0
TOUCH_SECONDS = 30.0
LEASE_SECONDS = 180.0
"""A worker that hears nothing of its engine for so long closes its places: their owner was killed."""
ANSWER_SECONDS = 300.0
CONNECT_SECONDS = 20
PATIENCE_SECONDS = 600.0
"""A cluster without a single worker for so long ends the run."""

P = TypeVar("P", bound=Place)
T = TypeVar("T")


class Line:
    """A worker's connection to the process whose task it does."""

    def __init__(self, name: str, worker: Worker) -> None:
        self._name, self._worker = name, worker
        self._waiting: dict[str, queue.SimpleQueue[bytes]] = {}

    def tell(self, message: bytes) -> None:
        """Say something."""
        self._worker.log_event(self._name, {"question": "", "worker": self._worker.address, "body": message})

    def ask(self, message: bytes) -> bytes:
        """Ask something, and wait; SandboxError if there is no answer."""
        number = uuid.uuid4().hex
        self._waiting[number] = queue.SimpleQueue()
        try:
            self._worker.log_event(self._name, {"question": number, "worker": self._worker.address, "body": message})
            answer = self._waiting[number].get(timeout=ANSWER_SECONDS)
        except queue.Empty:
            raise SandboxError("the grading process did not answer the worker") from None
        finally:
            del self._waiting[number]
        if not answer:
            raise SandboxError("the grading process could not answer the worker")
        return answer

    def hear(self, number: str, answer: bytes) -> None:
        """The answer to a question."""
        waiting = self._waiting.get(number)
        if waiting is not None:
            waiting.put(answer)


class Factory(Protocol):
    """Makes places on a worker."""

    def __call__(self, kind: str) -> Place:
        """A new place of a kind."""

    def close(self) -> None:
        """Release what its places share."""


Furnish = Callable[[Line], Factory]


class PlacesPlugin(WorkerPlugin):
    """The places of one engine on one worker."""

    def __init__(self, name: str, furnish: Furnish) -> None:
        self.name = name
        self._furnish = furnish

    def setup(self, worker: Worker) -> None:
        """Get ready; places are made when first needed."""
        self.line = Line(self.name, worker)
        self.expired = False
        self._factory: Factory | None = None
        self._free: dict[str, list[Place]] = {}
        self._all: list[Place] = []
        self._lock = threading.Lock()
        self._furnishing = threading.Lock()
        self._closed = threading.Event()
        self._heard = time.monotonic()
        threading.Thread(target=self._watch, daemon=True).start()

    def teardown(self, worker: Worker) -> None:  # noqa: ARG002 - as Dask calls it
        """Close every place; tasks that run are ended with theirs."""
        self._closed.set()
        threading.Thread(target=self._close_places, args=(True,)).start()  # the worker's own loop must go on

    def touch(self) -> None:
        """The engine is still there."""
        self._heard = time.monotonic()
        self.expired = False

    def take(self, kind: str) -> Place:
        """A free place of a kind, or a new one."""
        with self._lock:
            if self._free.get(kind):
                return self._free[kind].pop()
        with self._furnishing:
            if self._factory is None:
                self._factory = self._furnish(self.line)
        place = self._factory(kind)
        with self._lock:
            self._all.append(place)
        if self._closed.is_set() or self.expired:
            place.close()
        return place

    def give_back(self, kind: str, place: Place) -> None:
        """The task is over."""
        with self._lock:
            if place in self._all:
                self._free.setdefault(kind, []).append(place)

    def _watch(self) -> None:
        """Close the places when the engine has not been heard of for too long."""
        while not self._closed.wait(LEASE_SECONDS / 10):
            if time.monotonic() - self._heard > LEASE_SECONDS and not self.expired:
                self.expired = True
                self._close_places(False)

    def _close_places(self, for_good: bool) -> None:
        with self._lock:
            places, self._all, self._free = self._all, [], {}
        for place in places:
            place.close()
        with self._furnishing:
            if for_good and self._factory is not None:
                self._factory.close()


def do_task(name: str, kind: str, task: Callable[[Place], T]) -> T:
    """On a worker: do a task in a place of its kind."""
    plugin: Any = get_worker().plugins.get(name)
    if plugin is None:
        raise SandboxError("the grader is ending")
    try:
        place = plugin.take(kind)
        try:
            return task(place)
        finally:
            plugin.give_back(kind, place)
    finally:
        if plugin.expired:
            time.sleep(PULSE_SECONDS)
            raise Reschedule


def deliver(name: str, number: str, answer: bytes, dask_worker: Worker) -> None:
    """On a worker: the answer to one of its questions."""
    plugin: Any = dask_worker.plugins.get(name)
    if plugin is not None:
        plugin.line.hear(number, answer)


def touch(name: str, dask_worker: Worker) -> None:
    """On a worker: its engine is still there."""
    plugin: Any = dask_worker.plugins.get(name)
    if plugin is not None:
        plugin.touch()


class DaskEngine:
    """Hands tasks to a Dask cluster.

    Args:
        furnish: makes the maker of places, on each worker.
        address: of a scheduler, or a scheduler file; None starts a cluster on this machine.
        jobs: tasks at a time at most, and workers of a cluster on this machine; 0 for what the cluster has.
        answer: answers what tasks ask over their line; None where they do not.
        changed: hears of workers that came, and of workers that went.
    """

    def __init__(
        self,
        furnish: Furnish,
        *,
        address: str | None = None,
        jobs: int = 0,
        answer: Callable[[bytes], bytes | None] | None = None,
        changed: Callable[[set[str], set[str]], None] | None = None,
    ) -> None:
        self._name = f"grader-{uuid.uuid4().hex[:12]}"
        self._jobs, self._answer, self._changed = jobs, answer, changed
        self._cluster: Any = None
        self._client: Any = self._connect(address)
        self._where = str(address or "this machine")
        self._order = itertools.count()
        self._waiting: list[tuple[int, int, Callable[[], None]]] = []
        self._in_hand: dict[str, tuple[Any, Future[Any]]] = {}
        """By key: Dask's future, and ours."""
        self._threads: dict[str, int] = {}
        self._problem: GraderError | None = None
        self._seen = time.monotonic()
        self._lock = threading.RLock()
        self._closed = threading.Event()
        self._answering = ThreadPoolExecutor(2, thread_name_prefix="grader-answers")
        try:
            self._client.subscribe_topic(self._name, self._hear)
            self._client.register_plugin(PlacesPlugin(self._name, furnish))
            self._look()
        except BaseException:
            self.close()
            raise
        self._pulse = threading.Thread(target=self._beat, daemon=True)
        self._pulse.start()

    def _connect(self, address: str | None) -> Any:
        """A client of the scheduler at this address, or of a new cluster."""
        if address is None:
            cluster: Any = LocalCluster
            self._cluster = cluster(
                n_workers=self._jobs or None,
                threads_per_worker=1,
                processes=True,
                dashboard_address="127.0.0.1:0",
                worker_dashboard_address="127.0.0.1:0",
            )
            return make_client(address=self._cluster)
        place = {"scheduler_file": address} if Path(address).is_file() else {"address": address}
        try:
            return make_client(**place, timeout=CONNECT_SECONDS)
        except (OSError, ValueError, TimeoutError) as error:
            raise SetupError(
                f"{address}: expected a Dask scheduler, found none ({str(error)[:200]}). Start one with `dask scheduler`, "
                "and give the address that it prints, such as tcp://scheduler.example.org:8786."
            ) from error

    @property
    def address(self) -> str:
        """Of the scheduler."""
        return str(self._client.scheduler.address)

    def submit(self, kind: str, priority: int, task: Callable[[Any], T]) -> "Future[T]":
        """Do `task` with a place of `kind` on some worker; the future has its result or what it raised."""
        future: Future[T] = Future()

        def begin() -> None:
            if not future.set_running_or_notify_cancel():
                return
            key = f"{self._name}-{next(self._order)}"
            handed = self._client.submit(do_task, self._name, kind, task, key=key, pure=False)
            self._in_hand[key] = handed, future
            handed.add_done_callback(self._after)

        with self._lock:
            self._waiting.append((priority, next(self._order), begin))
            self._waiting.sort(key=lambda item: item[:2])
        self._hand_out()
        return future

    def cores(self) -> int:
        """Tasks at a time; 0 while there is no worker. Raises SetupError when the cluster is lost."""
        if self._problem is not None:
            raise self._problem
        threads = sum(self._threads.values())
        return min(threads, self._jobs) if self._jobs else threads

    def on_workers(self, function: Callable[[], T]) -> dict[str, T]:
        """What a function gives on each worker that there is, by its address."""
        return dict(self._client.run(function))

    def close(self) -> None:
        """Give up all tasks and close every place of this engine on all workers."""
        self._closed.set()
        with self._lock:
            self._waiting.clear()
            handed = [item for item, _ in self._in_hand.values()]
        with contextlib.suppress(Exception):
            if self._client.status == "running":
                self._client.cancel(handed)
                self._client.unregister_worker_plugin(self._name)
        for item in (self._client, self._cluster):
            with contextlib.suppress(Exception):
                if item is not None:
                    item.close(timeout=10)
        self._answering.shutdown(wait=False, cancel_futures=True)

    def _hand_out(self) -> None:
        """Give the cluster as many tasks as it has threads."""
        with self._lock:
            most = min(sum(self._threads.values()), self._jobs or 2**31)
            while self._waiting and len(self._in_hand) < most and not self._closed.is_set():
                self._waiting.pop(0)[2]()

    def _after(self, handed: Any) -> None:
        """A task is over, in one way or another."""
        with self._lock:
            _, future = self._in_hand.pop(handed.key, (None, None))
        if future is None:
            return
        try:
            if handed.status == "finished":
                future.set_result(handed.result())
            elif handed.status == "error":
                future.set_exception(what_happened(handed.exception()))
            else:  # the connection broke: Dask cancels everything then
                self._fail(self._lost())
                future.set_exception(self._problem)
        except Exception as error:  # noqa: BLE001 - the result could not be fetched: the future says so
            self._fail(self._lost(error))
            future.set_exception(self._problem)
        finally:
            handed.release()
            self._hand_out()

    def _lost(self, error: Exception | None = None) -> GraderError:
        """Why there is no cluster any more."""
        detail = f" ({type(error).__name__}: {str(error)[:200]})" if error is not None else ""
        return SetupError(
            f"{self._where}: the Dask scheduler is gone{detail}. Start it and its workers, and give the same command "
            "again: it goes on where it stopped."
        )

    def _beat(self) -> None:
        """Look at the cluster from time to time, and be heard by it."""
        touched = time.monotonic()
        while not self._closed.wait(PULSE_SECONDS):
            try:
                self._look()
                if time.monotonic() - touched > TOUCH_SECONDS:
                    touched = time.monotonic()
                    self._client.run(touch, self._name, on_error="ignore")
            except Exception as error:  # noqa: BLE001 - whatever it is, the scheduler cannot be asked
                if not self._closed.is_set():
                    self._fail(self._lost(error))
                return
            if time.monotonic() - self._seen > PATIENCE_SECONDS:
                self._fail(
                    SetupError(
                        f"{self._where}: no Dask worker for {PATIENCE_SECONDS / 60:.0f} minutes. Start some with `dask worker "
                        f"{self.address} --nthreads 1`, and give the same command again: it goes on where it stopped."
                    )
                )
                return
            self._hand_out()

    def _look(self) -> None:
        """Which workers there are now."""
        before, self._threads = self._threads, dict(self._client.nthreads())
        if self._threads:
            self._seen = time.monotonic()
        came, went = set(self._threads) - set(before), set(before) - set(self._threads)
        if self._changed is not None and (came or went):
            self._changed(came, went)

    def _fail(self, problem: GraderError) -> None:
        """Everything that is asked for from now on, and everything that waits, fails for this reason."""
        self._problem = self._problem or problem
        with self._lock:
            futures, self._in_hand = [future for _, future in self._in_hand.values()], {}
            self._waiting.clear()
        for future in futures:
            future.set_exception(self._problem)

    def _hear(self, event: tuple[float, dict[str, Any]]) -> None:
        """A worker says or asks something; called by Dask's own loop."""
        with contextlib.suppress(RuntimeError):  # it comes while this engine is being closed
            self._answering.submit(self._respond, event[1])

    def _respond(self, message: dict[str, Any]) -> None:
        answer = b""
        with contextlib.suppress(Exception):  # no answer is an answer too: the worker gives up the task
            answer = (self._answer(message["body"]) if self._answer is not None else None) or b""
        if message["question"]:
            with contextlib.suppress(Exception):  # the worker is gone, and so is who asked
                self._client.run(
                    deliver, self._name, message["question"], answer, workers=[message["worker"]], on_error="ignore"
                )


def make_client(**arguments: Any) -> Any:
    """A client of Dask's that is nobody's default.

    Dask asserts that the thread of its loop begins within ten seconds, which it does not always on a machine that is
    very busy: then there is a second one.
    """
    client: Any = Client
    with contextlib.suppress(AssertionError):
        return client(**arguments, set_as_default=False, name="grader")
    return client(**arguments, set_as_default=False, name="grader")


def what_happened(error: BaseException | None) -> BaseException:
    """What a task raised; a worker that ended with it is told as our failure."""
    if isinstance(error, KilledWorker):
        return SandboxError(
            f"the Dask worker that ran it ended, {error.allowed_failures + 1} times (the last one was "
            f"{error.last_worker.address}); its log may say why. Workers with one thread each lose no other job with it"
        )
    return error if error is not None else SandboxError("a task failed without saying why")
