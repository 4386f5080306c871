"""What a guest needs, imported once by the zygote and never initialised there."""

import importlib
from collections.abc import Callable, Iterable
from pathlib import Path

import keras
import matplotlib as mpl
import tensorflow as tf
from IPython.core.inputtransformer2 import TransformerManager
from keras.src.backend.tensorflow import trainer as keras_trainer

import grader
from grader.guest.datasets import PACKAGES, serve_datasets
from grader.guest.eager import run_operations_directly
from grader.guest.job import run_program
from grader.guest.old_names import serve_old_names
from grader.guest.quotients import Quotients
from grader.guest.session import Session, install
from grader.wire.channel import Channel
from grader.wire.frames import Frame
from grader.wire.known import read_known

mpl.use("Agg")
Hold = Callable[[Iterable[str]], None]


def prepare(datasets: Path, *, forks: bool = True) -> tuple[dict[str, Callable[[Frame, Channel], None]], Hold]:
    """Return the jobs that a guest can do, and what holds quotients of images for it.

    `forks` says whether it may play drills in forked copies of itself.
    """
    for package in PACKAGES:
        importlib.import_module(package)
    run_operations_directly()
    known = read_known(datasets)
    quotients = Quotients(datasets, known)
    original_fit = keras_trainer.TensorFlowTrainer.fit
    transform = TransformerManager().transform_cell  # type: ignore[no-untyped-call]
    transform("%time 1\n!ls\n")

    def install_all(session: Session, note: Callable[[str, str, str], None], old_names: bool) -> None:
        install(session)
        if old_names:
            serve_old_names(note)
        serve_datasets(datasets, note)
        silence_grader()

    def program(message: Frame, channel: Channel) -> None:
        order = message.body
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        keras.utils.set_random_seed(int(order["seed"]))
        tools = {"transform": transform, "original_fit": original_fit, "install": install_all, "datasets": datasets}
        run_program(order, channel, {**tools, "forks": forks, "known": known, "quotients": quotients})

    return {"program": program}, quotients.hold


def silence_grader() -> None:
    """A program that asks for its own check, as a notebook does at its end, is not checked once more from within."""
    for name in ("check", "grade"):
        setattr(grader, name, lambda *_, **__: None)
