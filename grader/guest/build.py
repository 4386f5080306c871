"""Build a network and its compilation as the first step of a training would, without tracing what is known anyway.

Theory of operation. Keras builds loss and metrics by tracing them, and the network before them, on symbolic tensors:
some 100 ms for the course's own network. Of a network that is built, the output is known; of the losses and metrics
that nearly everybody compiles, it is known that they fit labels of such a shape. There their `build` is called, and
nothing is traced. Everything else is left to Keras, which also finds the words for what does not fit.
"""

import contextlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import keras
from keras.src import backend
from keras.src.models.functional import Functional
from keras.src.trainers.compile_utils import CompileLoss, CompileMetrics

from grader.guest.slots import put_off

FOR_NUMBERS = ("sparse_categorical_crossentropy", keras.losses.SparseCategoricalCrossentropy)
"""Losses of labels that are the number of a class."""
FOR_VECTORS = ("categorical_crossentropy", keras.losses.CategoricalCrossentropy)
"""Losses of labels that are as long as the output."""
ACCURACY = ("accuracy", "acc")


def build(model: Any, train: tuple[Any, Any, Any]) -> None:
    """Build model, loss and metrics on symbolic batches of (images, labels, weights or None); the optimizer in time."""
    x, y, weight = (
        None if array is None else keras.KerasTensor((None, *array.shape[1:]), dtype=str(array.dtype))
        for array in train
    )
    with put_off(model.optimizer), known_outcomes(model, x, y, weight):
        model._symbolic_build(data_batch=(x, y, weight))


@contextlib.contextmanager
def known_outcomes(model: Any, x: Any, y: Any, weight: Any) -> Iterator[None]:
    """Answer what comes out of a network, its metrics and its loss, where Keras would trace them to find out."""
    real = backend.compute_output_spec
    usual = weight is None and has_usual_compilation(model, y)

    def compute_output_spec(function: Any, *args: Any, **keywords: Any) -> Any:
        if function is model:
            [made] = model.outputs
            return keras.KerasTensor(made.shape, dtype=made.dtype)
        part = {model.compute_metrics: model._compile_metrics, model._compute_loss: model._compile_loss}.get(function)
        if not usual or part is None:
            return real(function, *args, **keywords)
        return part.build(*(SimpleNamespace(shape=item.shape, dtype=item.dtype) for item in args[1:]))

    if not is_built_for(model, x):
        yield
        return
    backend.compute_output_spec = compute_output_spec
    try:
        yield
    finally:
        backend.compute_output_spec = real


def is_built_for(model: Any, x: Any) -> bool:
    """Whether a plain network with one input and one output is built, and takes images of exactly this shape."""
    plain = type(model) in (keras.Sequential, Functional) and model.built
    if not (plain and len(model.inputs) == 1 and len(model.outputs) == 1 and x is not None):
        return False
    return tuple(model.inputs[0].shape) == (None, *x.shape[1:]) and all(
        layer.built for layer in model._flatten_layers()
    )


def has_usual_compilation(model: Any, y: Any) -> bool:
    """Whether the loss fits labels of this shape, and accuracy or nothing is measured: then all calls would succeed."""
    loss, metrics = model._compile_loss, model._compile_metrics
    outputs = getattr(model, "outputs", None) or []
    if type(loss) is not CompileLoss or loss._user_loss_weights is not None or y is None or len(outputs) != 1:
        return False
    if metrics is not None and (type(metrics) is not CompileMetrics or metrics._user_weighted_metrics):
        return False
    return is_usual_loss(loss._user_loss, tuple(y.shape), tuple(outputs[0].shape), y.dtype) and (
        metrics is None or is_usual_metrics(metrics._user_metrics)
    )


def is_usual_loss(loss: Any, labels: tuple[int | None, ...], output: tuple[int | None, ...], dtype: str) -> bool:
    """Whether a loss is one of Keras's crossentropies, and the labels have the shape that it wants."""
    if len(output) != 2 or (output[1] or 0) < 2 or not dtype.startswith(("int", "uint", "float")):
        return False
    fitting = FOR_NUMBERS if labels in ((None,), (None, 1)) else FOR_VECTORS if labels == output else ()
    return loss in fitting if isinstance(loss, str) else type(loss) in fitting


def is_usual_metrics(metrics: Any) -> bool:
    """Whether nothing but the accuracy is measured."""
    return not metrics or (
        isinstance(metrics, list | tuple) and all(isinstance(item, str) and item in ACCURACY for item in metrics)
    )
