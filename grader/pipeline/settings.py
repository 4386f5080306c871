"""How to grade."""

from dataclasses import dataclass
from pathlib import Path

from grader.sandbox.box import Level
from grader.training.store import DEFAULT_BYTES, Runs


@dataclass(frozen=True)
class Settings:
    """How to grade."""

    datasets: Path
    store: Path | None
    jobs: int = 2
    """Tasks at a time; 0 for what a cluster can do."""
    timeout_seconds: float | None = None
    sandbox: Level = "full"
    quick: bool = False
    force: bool = False
    live: bool = True
    shipped: Runs | None = None
    """Trainings that come with the assignment; for proving a rubric, never for grading a class."""
    keep_others: bool = False
    """Results of students who are not graded now stay in the scores (`--only`)."""
    engine: str = "local"
    """`local` or `dask`."""
    scheduler: str | None = None
    """Address of a Dask scheduler; None for a cluster on this machine."""
    exact: bool = False
    """Train with Keras's own operations only, bit for bit as a plain `fit`; also where trainings come with the assignment."""
    store_bytes: int = DEFAULT_BYTES
    """How large the store may be; what was not used for longest is evicted."""
