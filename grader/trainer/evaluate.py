"""The trainer's third job: evaluate a network as it was after an epoch of its training."""

import os
import time
from pathlib import Path
from typing import Any

import keras
from keras.src.saving import serialization_lib

from grader.trainer.jobs import STEPS_PER_EXECUTION, Arrays, build_model, sentence, single_thread, take_place
from grader.wire.channel import Channel
from grader.wire.frames import Frame


def evaluate(message: Frame, channel: Channel) -> None:
    """Give a network its weights, have Keras evaluate it, and send loss and metrics."""
    single_thread()
    take_place(fused=False)
    order = message.body
    datasets = Path(os.environ.get("GRADER_DATASETS", "/box/datasets"))
    closing: dict[str, Any] = {"logs": {}, "seconds": 0.0, "problem": ""}
    try:
        arrays = Arrays(order["arrays"], message.arrays, datasets)
        x, y = arrays(order["x"]), arrays(order["y"])
        assert x is not None
        model = build_model(order["model"], list(x.shape[1:]))
        compile_as(model, order["compile"])
        for variable, value in zip(model.weights, message.arrays[int(order["first_weight"]) :], strict=True):
            variable.assign(value)
        started = time.monotonic()
        logs = model.evaluate(x, y, batch_size=int(order["batch_size"]), verbose=0, return_dict=True)
        closing["seconds"] = time.monotonic() - started
        closing["logs"] = {str(key): float(value) for key, value in logs.items()}
    except Exception as error:  # noqa: BLE001 - Keras may raise anything for data that do not fit the network
        closing["problem"] = sentence(error)
    channel.send({"type": "evaluated", **closing})
    channel.receive()


def compile_as(model: Any, config: dict[str, Any]) -> None:
    """Compile with the loss and the metrics of a checked config, and nothing beside."""
    keras.utils.set_random_seed(0)
    found = serialization_lib.deserialize_keras_object(config)
    model.compile(
        optimizer=found["optimizer"],
        loss=found["loss"],
        loss_weights=found.get("loss_weights"),
        metrics=found.get("metrics"),
        weighted_metrics=found.get("weighted_metrics"),
        steps_per_execution=STEPS_PER_EXECUTION,
        jit_compile=False,
    )
