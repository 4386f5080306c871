"""Call the student's function once; training is captured, and replayed."""

from typing import Any


def probe(student: Any, rng: Any) -> None:  # noqa: ARG001
    """`student.call` writes down what came back; nothing is drawn."""
    student.call("train_mnist_conv")
