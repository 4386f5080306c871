"""Dask clusters for tests: in this process, or with a process for each worker."""

import os
import signal
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dask
from distributed import LocalCluster


@contextmanager
def cluster_here(*, threads: int = 1, workers: int = 1) -> Iterator[str]:
    """A cluster whose workers are in this process; its address."""
    with make_cluster(n_workers=workers, threads_per_worker=threads, processes=False) as cluster:
        yield cluster.scheduler_address


@contextmanager
def cluster_of_processes(workers: int = 2, allowed_failures: int = 3) -> Iterator[Any]:
    """A cluster with a process for each worker, and a nanny that starts it again."""
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": allowed_failures}),
        make_cluster(n_workers=workers, threads_per_worker=1, processes=True) as cluster,
    ):
        yield cluster


def make_cluster(**settings: Any) -> Any:
    """A cluster that says nothing, with the page about it at any free port."""
    cluster: Any = LocalCluster
    return cluster(**settings, dashboard_address="127.0.0.1:0", silence_logs=50)


class Nowhere:
    """A place that is nothing: for tasks that need none."""

    def close(self) -> None:
        """Nothing to release."""


class Anywhere:
    """Makes such places, on workers that have a process of their own."""

    def __call__(self, kind: str) -> Nowhere:  # noqa: ARG002 - all are the same
        return Nowhere()

    def close(self) -> None:
        """Nothing to release."""


def furnish_nothing(_line: object) -> Anywhere:
    """On a worker."""
    return Anywhere()


def note_and_wait(folder: str, name: str, seconds: float, _place: object) -> str:
    """A task that leaves a file each time it is begun, with the process that did, and takes its time."""
    (Path(folder) / f"{name}-{uuid.uuid4().hex}").write_text(str(os.getpid()))
    time.sleep(seconds)
    return name


def note_and_die(folder: str, name: str, _place: object) -> str:
    """A task that ends the worker's process, as the kernel does when memory is short."""
    (Path(folder) / f"{name}-{uuid.uuid4().hex}").write_text(str(os.getpid()))
    os.kill(os.getpid(), signal.SIGKILL)
    return name
