"""Operations that are called directly: the same results, and a context that a program may still set up."""

import json
import subprocess
import sys
from typing import Any

import pytest

SCRIPT = """
import json, sys
import tensorflow as tf
from tensorflow.python.eager import context
from grader.guest.eager import run_operations_directly

if sys.argv[1] == "directly":
    run_operations_directly()
made_one = context.context()._initialized
tf.config.threading.set_intra_op_parallelism_threads(1)  # refused once there is a context
tf.config.threading.set_inter_op_parallelism_threads(1)
tf.keras.utils.set_random_seed(5)
x = tf.random.stateless_uniform((4, 8, 8, 1), (1, 2))
model = tf.keras.Sequential([
    tf.keras.Input((8, 8, 1)), tf.keras.layers.Conv2D(3, 3, activation="relu"), tf.keras.layers.MaxPooling2D(),
    tf.keras.layers.Flatten(), tf.keras.layers.Dense(4),
])
with tf.GradientTape() as tape:
    y = model(x)
    loss = tf.reduce_mean(y[:, 0] ** 2)
gradients = tape.gradient(loss, model.trainable_variables)
model.compile("adam", tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
history = model.fit(x, tf.constant([0, 1, 2, 3]), epochs=2, verbose=0)
try:
    tf.raw_ops.MatMul(a=tf.ones((2, 3)), b=tf.ones((2, 3)))
except tf.errors.InvalidArgumentError as error:
    said = error.message
print(json.dumps({
    "wrapped": "__wrapped__" in said,
    "made_one": made_one,
    "values": [value.numpy().tobytes().hex() for value in (x, y, loss, *gradients, *model.weights)],
    "history": history.history,
    "softmax": tf.nn.softmax(y).numpy().tolist(),
}))
"""


def results(how: str) -> dict[str, Any]:
    """What a process of its own computes."""
    done = subprocess.run([sys.executable, "-c", SCRIPT, how], capture_output=True, text=True, check=True, timeout=240)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_results_are_the_same_to_the_last_bit() -> None:
    """Of random numbers, a network, gradients, and a training after them; no context is made beforehand."""
    directly, wrapped = results("directly"), results("wrapped")
    assert (directly.pop("wrapped"), wrapped.pop("wrapped")) == (False, True)
    # where TensorFlow computes with oneDNN, as on processors with AVX512-VNNI, it has another softmax inside of functions
    assert directly.pop("softmax") == [pytest.approx(row, abs=2e-7) for row in wrapped.pop("softmax")]
    assert directly == wrapped
    assert directly["made_one"] is False
