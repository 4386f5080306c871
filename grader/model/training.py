"""What a student asked Keras to train, and what the trusted trainer measured."""

from typing import Any, Literal

from pydantic import Field

from grader.model.record import Record

Arithmetic = Literal["keras", "fused"]


class ArrayRef(Record):
    """An array by content: what Keras would feed to the network.

    Floats are cast to float32, as Keras does before the first batch, so that equal training data has one digest.
    """

    digest: str
    """SHA-256 over the array's bytes in C order; dtype and shape stand beside it."""
    dtype: str
    shape: tuple[int, ...]
    original_dtype: str = ""
    """The dtype the student passed, before the cast to float32."""

    @property
    def key(self) -> str:
        """The content in one word: digest, dtype and shape."""
        return f"{self.digest[:32]}-{self.dtype}-{'x'.join(map(str, self.shape))}"


class FitSettings(Record):
    """The arguments of `fit` that decide what is learnt. `epochs` says how long, and is no part of the fingerprint."""

    batch_size: int = 32
    epochs: int = 1
    initial_epoch: int = 0
    shuffle: bool = True
    validation_split: float = 0.0
    validation_batch_size: int | None = None
    validation_freq: int | tuple[int, ...] = 1
    class_weight: dict[str, float] | None = None


class Parent(Record):
    """The training that this one continues: the same model, fitted before."""

    fingerprint: str
    epochs: int
    """How many epochs of the parent had been trained when this `fit` began."""
    recompiled: bool = False
    """The model was compiled again in between, so that the optimizer began anew."""


class LearningRate(Record):
    """A learning-rate callback that is data."""

    kind: str
    """`ReduceLROnPlateau` or `table` (a schedule of the epoch, tabulated)."""
    config: dict[str, Any] = Field(default_factory=dict)
    table: tuple[float, ...] = ()


class TrainingRequest(Record):
    """Everything needed to train what the student asked for, as data; canonical, so that equal requests are equal."""

    model: dict[str, Any]
    """The Keras config (`to_json`), layers renamed by position."""
    compile: dict[str, Any]
    """Optimizer, loss, metrics, loss_weights, weighted_metrics."""
    x: ArrayRef
    y: ArrayRef
    sample_weight: ArrayRef | None = None
    validation: tuple[ArrayRef, ...] = ()
    """x, y and perhaps weights of `validation_data`."""
    fit: FitSettings
    learning_rates: tuple[LearningRate, ...] = ()
    parent: Parent | None = None
    batch_logs: bool = False
    """A callback watches batches, so that their logs are recorded; no part of the fingerprint."""


class Layer(Record):
    """One layer of a network as the trainer built it."""

    name: str
    class_name: str
    output_shape: tuple[int | None, ...] | None
    """Batch axis first, as None; None where Keras gives no single shape."""
    parameters: int
    path: str = ""
    """Names of the models and wrappers around it, outermost first, joined with `/`."""


class Description(Record):
    """A network as Keras builds it outside the student's reach."""

    layers: tuple[Layer, ...] = ()
    input_shape: tuple[int | None, ...] | None = None
    output_shape: tuple[int | None, ...] | None = None
    parameters: int = 0
    problem: str = ""
    """Why Keras could not build it; empty if it could."""


class EpochLogs(Record):
    """What one epoch ended with."""

    logs: dict[str, float]
    """As Keras logs them, `val_…` included."""
    accuracy: float | None = None
    """Plain classification accuracy, measured beside whatever metrics the student asked for."""
    test_accuracy: float | None = None
    """The same on the test images of the data set, where the assignment asks for it and the images are known."""
    seconds: float = 0.0


class TrainingRun(Record):
    """What the trainer measured; its weights lie beside it in the store."""

    fingerprint: str
    seed: int
    epochs: tuple[EpochLogs, ...]
    initial_epoch: int = 0
    stopped_at_threshold: bool = False
    """True if it ended because the assignment's threshold was reached, not because the epochs were used up."""
    steps_per_epoch: int = 0
    reference_step_seconds: float | None = None
    """Seconds of one step of the assignment's reference network, timed in the same process."""
    versions: dict[str, str] = Field(default_factory=dict)
    machine: str = ""
    arithmetic: Arithmetic = "keras"
    """Whose operations computed it: Keras's own, bit for bit, or ours, which are faster and equal up to rounding."""
    problem: str = ""
    """Why the training could not be carried out (a fault of the model, in words); empty if it was."""

    @property
    def best_accuracy(self) -> float | None:
        """The highest measured accuracy of any epoch, or None if there is none."""
        values = [epoch.accuracy for epoch in self.epochs if epoch.accuracy is not None]
        return max(values) if values else None


class EvaluationRequest(Record):
    """What a program asked `evaluate` for: the network of a training after one of its epochs, on these data."""

    fingerprint: str
    """Of the training."""
    epoch: int | None
    """Place of the epoch in the training, counted from 0; None while it is not known how the training goes."""
    x: ArrayRef
    y: ArrayRef
    batch_size: int

    @property
    def key(self) -> str:
        """What makes it the same among the evaluations of one training."""
        return f"{self.epoch}/{self.x.key}/{self.y.key}/{self.batch_size}"


class Evaluation(Record):
    """What `evaluate` gives, by Keras's own operations on one thread."""

    logs: dict[str, float] = Field(default_factory=dict)
    """Loss and metrics, as Keras names them."""
    seconds: float = 0.0
    problem: str = ""
    """Why it could not be carried out; then programs evaluate themselves."""
