"""Run a student's program with plain Keras, as at home: one thread, a fixed seed. Prints what `main()` returned.

python plain_run.py PROGRAM SEED DATASETS
"""

import json
import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import keras
import numpy as np
import tensorflow as tf

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)


def load_data() -> object:
    """MNIST from the unpacked copy."""
    folder = Path(sys.argv[3]) / "mnist"
    parts = [np.load(folder / f"{name}.npy") for name in ("x_train", "y_train", "x_test", "y_test")]
    return (parts[0], parts[1]), (parts[2], parts[3])


for module in (tf.keras.datasets.mnist, keras.datasets.mnist):
    module.load_data = load_data
keras.utils.set_random_seed(int(sys.argv[2]))
namespace: dict[str, object] = {"__name__": "__main__"}
exec(compile(Path(sys.argv[1]).read_text(), sys.argv[1], "exec"), namespace)  # noqa: S102 - a program of our own
value = namespace["main"]()  # type: ignore[operator]
sys.stdout.write("\nRESULT " + json.dumps(value) + "\n")
