"""What happened when a submission ran, without opinion.

`measured` comes from outside the sandbox and can be trusted. `claimed` comes from inside: it is testimony, good as
evidence only where it is itself the behaviour that was asked for.
"""

from typing import Any, Literal

from pydantic import Field

from grader.model.record import Record
from grader.model.submission import Note
from grader.model.training import Description, TrainingRequest

EndingKind = Literal[
    "finished", "exited", "signalled", "timeout", "cpu", "memory", "output", "processes", "protocol", "not_run"
]


class Ending(Record):
    """How a job ended, seen from outside."""

    kind: EndingKind
    detail: str = ""
    """Exit code, signal name, or the limit that was crossed."""


class Measured(Record):
    """Facts taken outside the sandbox."""

    ending: Ending
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_memory_bytes: int = 0
    """Peak memory of the job beyond its warm zygote."""
    stdout_bytes: int = 0
    stderr_bytes: int = 0
    sandbox: str = "full"
    """The level it ran at: full, contained or none."""


class EpochSeen(Record):
    """One epoch as it was played to the student's callbacks."""

    epoch: int
    """Counted from 0, as Keras counts."""
    logs: dict[str, float]
    """The values supplied from outside."""
    printed: str = ""
    """Standard output between this epoch's logs and the next frame."""
    stopped: bool = False
    """The student's code ended the training here."""
    batch: int | None = None
    """The batch at which a batch hook stopped it, counted from 0."""


class Curve(Record):
    """A sequence of epochs played to the callbacks at one `fit`, and how they reacted."""

    name: str
    """The drill's name, or `run` (a recorded training) or `provisional` (made up, to find what comes later)."""
    supplied: tuple[dict[str, float], ...] = ()
    """All epochs that were ready to be played."""
    epochs: tuple[EpochSeen, ...] = ()
    error: str = ""
    """What the student's callback raised, with its place; empty if nothing."""
    hung: bool = False
    """It did not end in time; such a curve proves nothing."""
    changed: tuple[str, ...] = ()
    """What the callbacks changed in the model: `weights`, `learning_rate`."""

    @property
    def stopped_at(self) -> int | None:
        """Index into `epochs` of the epoch at which the student's code stopped, or None."""
        return next((index for index, seen in enumerate(self.epochs) if seen.stopped), None)

    @property
    def printed(self) -> str:
        """Everything printed from the first epoch to the return of `fit`."""
        return "".join(seen.printed for seen in self.epochs)


class ArrayFacts(Record):
    """An array that reached `fit`, recognised or measured outside the sandbox."""

    shape: tuple[int, ...]
    dtype: str
    original_dtype: str = ""
    dataset: str = ""
    """`mnist`, `fashion_mnist`, or empty if it is no data set that ships with grader."""
    part: str = ""
    """`x_train`, `y_train`, `x_test` or `y_test`."""
    recipe: str = ""
    """How it was made from that part: `raw`, `unit` (divided by 255), `one_hot`, `pointwise`, …"""
    minimum: float | None = None
    maximum: float | None = None
    order: str = ""
    """`as_shipped`, `shuffled` or `first_rows` (a part of the set), for recognised data."""


class Fit(Record):
    """One call of `fit` (or a live training) inside the program."""

    number: int
    """Counted from 0 over the whole program."""
    phase: Literal["top_level", "entry"]
    request: TrainingRequest | None = None
    refused: str = ""
    """Why it cannot be trained by the trusted trainer; empty if it can."""
    fingerprint: str = ""
    architecture: str = ""
    """Fingerprint of the network alone."""
    model_number: int = 0
    """Which model of the program, so that two fits on one model are known as such."""
    epochs_asked: int = 0
    x: ArrayFacts | None = None
    y: ArrayFacts | None = None
    drills: tuple[Curve, ...] = ()
    played: Curve | None = None
    """The recorded or provisional curve after which the program went on."""
    callbacks: tuple[str, ...] = ()
    """Class names of the callbacks passed to `fit`."""
    claimed_layers: tuple[dict[str, Any], ...] = ()
    layer_names: dict[str, str] = Field(default_factory=dict)
    """The student's names of the layers, by the name that the trainer gives them."""
    live: bool = False
    missing: str = ""
    """What a further training must supply: empty, `run`, `epochs` or `batch`."""


class Axes(Record):
    """One system of axes of a figure."""

    place: tuple[int, int, int, int] | None = None
    """Row, column, rows and columns of the grid that it stands in; None if it stands in none."""
    title: str = ""
    labels: tuple[str, str] = ("", "")
    images: tuple[dict[str, Any], ...] = ()
    """Each image as {"array": …, "shape": …, "dtype": …, "cmap": …}."""
    lines: tuple[Any, ...] = ()
    """The values of each line."""


class Figure(Record):
    """A figure that a call left open."""

    png: int | None = None
    """Place of its picture among the arrays of the run: the bytes of a PNG."""
    axes: tuple[Axes, ...] = ()


class Call(Record):
    """One call of student code by the probe."""

    name: str
    label: str = ""
    """What the probe calls this call, if it makes several."""
    found: bool
    kind: str = "function"
    """What the name is bound to, in words."""
    value: Any = None
    """The value returned, as JSON; arrays as {"array": place, "shape": …, "dtype": …}, other objects as {"object": class
    name}. The place is one among the arrays of the run, or None for an array that was too large."""
    error: str = ""
    """What it raised, with its place, in a sentence for the student."""
    fits: tuple[int, ...] = ()
    """Numbers of the fits that happened inside the call."""
    figures: tuple[Figure, ...] = ()
    wall_seconds: float = 0.0


class Claimed(Record):
    """Testimony from inside the sandbox."""

    calls: tuple[Call, ...] = ()
    notes: tuple[Note, ...] = ()
    defined: tuple[str, ...] = ()
    """Names of the entry points that exist after the program ran."""
    extra: dict[str, Any] = Field(default_factory=dict)


class Observation(Record):
    """All that is known of one run of a submission."""

    schema_version: int = 1
    student: str
    assignment: str
    submission_digest: str
    seed: int
    measured: Measured
    claimed: Claimed = Claimed()
    fits: tuple[Fit, ...] = ()
    descriptions: dict[str, Description] = Field(default_factory=dict)
    """Networks built outside, by architecture fingerprint."""
    stdout: str = ""
    """Printed text, shortened in the middle if long."""
    stderr: str = ""
    flags: tuple[str, ...] = ()
