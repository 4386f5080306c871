"""Which programs ask for the same training: the table, from real Keras code.

All programs are described by the guest's own code in one process of plain Keras, and read as the grading process reads
them. Those of a group must have one fingerprint, and are trained by plain Keras too: alike to the last bit, under the
keys that were foretold.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from grader.cli import places
from grader.model.training import TrainingRequest
from grader.training.arrays import DataBook
from grader.training.canonical import canonical_request, log_names, renamed_keys, spelled_names
from grader.training.requests import read_request, training_fingerprint

pytestmark = [pytest.mark.training, pytest.mark.xdist_group("spellings")]
PROGRAM = Path(__file__).parent / "programs" / "spelled.py"

SAME = {
    "names": [
        "fit(compiled(chain()))",
        """
model = keras.Sequential(name="mine")
model.add(layers.InputLayer(shape=(28, 28, 1), name="picture"))
model.add(layers.Flatten(name="flat"))
model.add(layers.Dense(units=4, activation="relu", name="hidden"))
model.add(layers.Dense(10, "softmax", name="classes"))
fit(compiled(model))""",
        """
i = keras.Input((28, 28, 1), name="i")
h = layers.Dense(4, "relu", name="h")(layers.Flatten(name="f")(i))
o = layers.Dense(10, "softmax", name="o")(h)
fit(compiled(keras.Model(inputs=[i], outputs=[o], name="m")))""",
    ],
    "ends of a graph": [
        """
i = keras.Input((28, 28, 1))
f = layers.Flatten()(i)
o = layers.Dense(10, "softmax")(layers.Concatenate()([f, layers.Dense(4)(f)]))
fit(compiled(keras.Model(i, o)))""",
        """
i = keras.Input((28, 28, 1))
f = layers.Flatten()(i)
o = layers.Dense(10, "softmax")(layers.Concatenate()([f, layers.Dense(4)(f)]))
fit(compiled(keras.Model(inputs=[i], outputs=[o])))""",
    ],
    "activations": [
        "fit(compiled(chain()))",
        "fit(compiled(chain(layers.Dense(4, tf.nn.relu), layers.Dense(10, tf.nn.softmax))))",
        "fit(compiled(chain(layers.Dense(4, keras.activations.relu), layers.Dense(10, keras.activations.softmax))))",
        "fit(compiled(chain(layers.Dense(4, layers.ReLU(name='r')), layers.Dense(10, layers.Softmax()))))",
    ],
    "activations with numbers": [
        "fit(compiled(chain(layers.Dense(4, 'leaky_relu'), layers.Dense(10, 'softmax'))))",
        "fit(compiled(chain(layers.Dense(4, layers.LeakyReLU(negative_slope=0.2)), layers.Dense(10, 'softmax'))))",
        "fit(compiled(chain(layers.Dense(4, tf.nn.leaky_relu), layers.Dense(10, 'softmax'))))",
    ],
    "swish": [
        "fit(compiled(chain(layers.Dense(4, 'silu'), layers.Dense(10, 'softmax'))))",
        "fit(compiled(chain(layers.Dense(4, 'swish'), layers.Dense(10, 'softmax'))))",
        "fit(compiled(chain(layers.Dense(4, tf.nn.swish), layers.Dense(10, 'softmax'))))",
    ],
    "named activations": [
        "fit(compiled(chain(layers.Dense(4, layers.ReLU(max_value=6, name='a')), layers.Dense(10, 'softmax'))))",
        "fit(compiled(chain(layers.Dense(4, layers.ReLU(max_value=6.0, name='b')), layers.Dense(10, 'softmax'))))",
    ],
    "sizes and places": [
        """
fit(compiled(keras.Sequential([keras.Input((28, 28, 1)), layers.Conv2D(2, 3, activation="relu"), layers.MaxPooling2D(2),
    layers.Flatten(), layers.Dense(10, activation="softmax")])))""",
        """
fit(compiled(keras.Sequential([layers.Convolution2D(filters=2, kernel_size=(3, 3), strides=1, padding="VALID",
    data_format="channels_last", dilation_rate=(1, 1), activation="relu", kernel_initializer="glorot_uniform",
    bias_initializer=keras.initializers.Zeros(), use_bias=True, input_shape=(28, 28, 1)),
    layers.MaxPool2D(pool_size=(2, 2), strides=(2, 2), padding="valid"), layers.Flatten("channels_last"),
    layers.Dense(units=10, activation="softmax", dtype="float32")])))""",
        """
fit(compiled(keras.Sequential([layers.Conv2D(2, [3, 3], activation=tf.nn.relu), layers.MaxPooling2D(),
    layers.Flatten(), layers.Dense(10, activation=tf.nn.softmax)])))""",
    ],
    "numbers": [
        "fit(compiled(chain(layers.Dropout(0), layers.Rescaling(2, offset=1), layers.Dense(10, 'softmax'))))",
        "fit(compiled(chain(layers.Dropout(0.0), layers.Rescaling(2.0, 1.0), layers.Dense(10, 'softmax'))))",
    ],
    "optimizers": [
        "fit(compiled(chain()))",
        "fit(compiled(chain(), optimizer='Adam'))",
        "fit(compiled(chain(), optimizer=tf.optimizers.Adam()))",
        "fit(compiled(chain(), optimizer=keras.optimizers.Adam(learning_rate=0.001, beta_1=0.9, name='mine')))",
    ],
    "numbers of optimizers": [
        "fit(compiled(chain(), optimizer=keras.optimizers.Adagrad(0.1, initial_accumulator_value=1)))",
        "fit(compiled(chain(), optimizer=keras.optimizers.Adagrad(0.1, initial_accumulator_value=1.0)))",
    ],
    "schedules": [
        "fit(compiled(chain(), optimizer=keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 5, 0.9))))",
        "fit(compiled(chain(), optimizer=keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 5.0, 0.9, "
        "name='mine'))))",
    ],
    "losses": [
        "fit(compiled(chain()))",
        "fit(compiled(chain(), loss='SparseCategoricalCrossentropy'))",
        "fit(compiled(chain(), loss=tf.keras.losses.sparse_categorical_crossentropy))",
        "fit(compiled(chain(), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=False, name='mine')))",
    ],
    "names of losses": [
        "fit(compiled(chain(), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True)))",
        "fit(compiled(chain(), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True, name='mine')))",
    ],
    "short losses": [
        "fit(compiled(chain(), loss='mse'), y=np.eye(10)[y_mnist[:160]])",
        "fit(compiled(chain(), loss='MSE'), y=np.eye(10)[y_mnist[:160]])",
        "fit(compiled(chain(), loss='mean_squared_error'), y=np.eye(10)[y_mnist[:160]])",
        "fit(compiled(chain(), loss='MeanSquaredError'), y=np.eye(10)[y_mnist[:160]])",
        "fit(compiled(chain(), loss=keras.losses.MeanSquaredError()), y=np.eye(10)[y_mnist[:160]])",
    ],
    "one-hot labels": [
        "fit(compiled(chain(), loss='categorical_crossentropy'), y=keras.utils.to_categorical(y_mnist[:160], 10))",
        "fit(compiled(chain(), loss=keras.losses.CategoricalCrossentropy(label_smoothing=0)), "
        "y=keras.utils.to_categorical(y_mnist[:160], 10))",
    ],
    "metrics": [
        "fit(compiled(chain()))",
        "fit(compiled(chain(), metrics=['acc']))",
        "fit(compiled(chain(), metrics=('Accuracy',)))",
        "fit(compiled(chain(), metrics=['sparse_categorical_accuracy']))",
        "fit(compiled(chain(), metrics=[tf.keras.metrics.sparse_categorical_accuracy]))",
        "fit(compiled(chain(), metrics=[keras.metrics.SparseCategoricalAccuracy(name='loss_of_mine')]))",
        "fit(compiled(chain(), metrics=[keras.metrics.SparseCategoricalAccuracy(name='grader_accuracy')]))",
    ],
    "more metrics": [
        "fit(compiled(chain(), loss='mse', metrics=['acc', 'mse', keras.metrics.TopKCategoricalAccuracy(5)]), "
        "y=np.eye(10)[y_mnist[:160]], validation_split=0.2)",
        "fit(compiled(chain(), loss='mse', metrics=['accuracy', keras.metrics.MeanSquaredError('a'), "
        "keras.metrics.TopKCategoricalAccuracy(name='b')]), y=np.eye(10)[y_mnist[:160]], validation_split=0.2, "
        "validation_batch_size=32)",
    ],
    "metrics of one name": [
        "fit(compiled(chain(), metrics=[keras.metrics.SparseTopKCategoricalAccuracy(3, name='a'), "
        "keras.metrics.SparseTopKCategoricalAccuracy(2, name='a')], weighted_metrics=['acc']))",
        "fit(compiled(chain(), metrics=[keras.metrics.SparseTopKCategoricalAccuracy(3), "
        "keras.metrics.SparseTopKCategoricalAccuracy(2)], weighted_metrics=['accuracy']))",
    ],
    "no metrics": ["fit(compiled(chain(), metrics=None))", "fit(compiled(chain(), metrics=[]))"],
    "settings of fit": [
        "fit(compiled(chain()))",
        "fit(compiled(chain()), batch_size=32, epochs=7, verbose=2, validation_freq=3, validation_batch_size=8)",
        """
class Mine(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = True
fit(compiled(chain()), epochs=20, callbacks=[Mine(), keras.callbacks.EarlyStopping("loss")])""",
    ],
    "validation": [
        "fit(compiled(chain()), validation_data=(x_mnist[:9, ..., None] / 255, y_mnist[:9]))",
        "fit(compiled(chain()), validation_data=(x_mnist[:9, ..., None] / 255, y_mnist[:9]), validation_split=0.3)",
    ],
    "rules that look at a metric": [
        "fit(compiled(chain()), callbacks=[keras.callbacks.ReduceLROnPlateau('accuracy', 0.5, patience=1)])",
        "fit(compiled(chain(), metrics=['acc']), callbacks=[keras.callbacks.ReduceLROnPlateau('acc', 0.5, 1, min_lr=0)])",
    ],
    "schedules of the epoch": [
        "fit(compiled(chain()), epochs=3, callbacks=[keras.callbacks.LearningRateScheduler(lambda e: 0.1 if e else 0.2)])",
        "fit(compiled(chain()), epochs=9, callbacks=[keras.callbacks.LearningRateScheduler(lambda e, r: [0.2, 0.1][e > 0])])",
    ],
    "casts of floats": [
        "fit(compiled(chain()))",
        "fit(compiled(chain()), x=x_mnist[:160].reshape(160, 28, 28, 1).astype('float32') / 255)",
        "fit(compiled(chain()), x=tf.cast(x_mnist[:160][..., None], tf.float32) / 255.)",
        "fit(compiled(chain()), x=np.expand_dims(x_mnist[:160] * (1 / 255), 3))",
    ],
}
"""Programs that ask for the same training."""

SHIPPED = {
    "labels": [
        "fit(compiled(chain()), x=x_mnist.reshape(-1, 28, 28, 1), y=y_mnist)",
        "fit(compiled(chain()), x=x_mnist.reshape(-1, 28, 28, 1), y=y_mnist.astype('int64'))",
        "fit(compiled(chain()), x=x_mnist.reshape(-1, 28, 28, 1), y=tf.cast(y_mnist, tf.int32))",
        "fit(compiled(chain()), x=x_mnist.reshape(-1, 28, 28, 1), y=y_mnist.astype(float))",
    ],
    "images": [
        "fit(compiled(chain()), x=x_mnist.reshape(-1, 28, 28, 1), y=y_mnist)",
        "fit(compiled(chain()), x=x_mnist.reshape(-1, 28, 28, 1).astype('float32'), y=y_mnist)",
    ],
}
"""The same for casts of whole shipped arrays. Trained with few images: what is recognised here is the data set."""
FEW = {
    group: [text.replace("y_mnist", "y_mnist[:160]").replace("x_mnist", "x_mnist[:160]") for text in programs]
    for group, programs in SHIPPED.items()
}

PROVEN = {
    "names": (0, 2),
    "ends of a graph": (0, 1),
    "activations": (0, 3),
    "activations with numbers": (0, 1),
    "swish": (0, 2),
    "named activations": (0, 1),
    "numbers": (0, 1),
    "numbers of optimizers": (0, 1),
    "schedules": (0, 1),
    "losses": (0, 1, 3),
    "short losses": (0, 4),
    "one-hot labels": (0, 1),
    "metrics": (0, 1, 2, 5),
    "more metrics": (0, 1),
    "metrics of one name": (0, 1),
    "validation": (0, 1),
    "rules that look at a metric": (0, 1),
    "schedules of the epoch": (0, 1),
}
"""Those whose configs differ as Keras writes them, by place: that they are one is for Keras to prove."""

USUAL = "fit(compiled(chain()))"
DIFFERENT = [
    "fit(compiled(chain(layers.Dense(5, 'relu'), layers.Dense(10, 'softmax'))))",
    "fit(compiled(chain(layers.Dense(4), layers.Dense(10, 'softmax'))))",
    "fit(compiled(chain(layers.Dense(4, 'relu6'), layers.Dense(10, 'softmax'))))",
    "fit(compiled(chain(layers.Dense(4, 'leaky_relu'), layers.Dense(10, 'softmax'))))",
    "fit(compiled(chain(layers.Dense(4, layers.LeakyReLU(0.1)), layers.Dense(10, 'softmax'))))",
    "fit(compiled(chain(layers.Dense(4, layers.ReLU(threshold=0.1)), layers.Dense(10, 'softmax'))))",
    "fit(compiled(chain(layers.Dense(4, 'relu'), layers.Dense(10), layers.Softmax())))",
    "fit(compiled(chain(layers.Dense(4, 'relu', dtype='float64'), layers.Dense(10, 'softmax'))))",
    "fit(compiled(chain(layers.Dense(4, 'relu', kernel_initializer=keras.initializers.GlorotUniform(seed=1)), "
    "layers.Dense(10, 'softmax'))))",
    "fit(compiled(chain(layers.Dense(4, 'relu', kernel_initializer=keras.initializers.GlorotUniform(seed=2)), "
    "layers.Dense(10, 'softmax'))))",
    "fit(compiled(chain(layers.Dense(4, 'relu', kernel_initializer='he_normal'), layers.Dense(10, 'softmax'))))",
    "fit(compiled(chain(layers.Dense(4, 'relu', kernel_regularizer='l2'), layers.Dense(10, 'softmax'))))",
    "fit(compiled(chain(layers.Dense(4, 'relu', trainable=False), layers.Dense(10, 'softmax'))))",
    "fit(compiled(chain(layers.Dense(4, 'relu'), layers.Dropout(0.1), layers.Dense(10, 'softmax'))))",
    "fit(compiled(chain(layers.Dropout(0.1), layers.Dense(4, 'relu'), layers.Dense(10, 'softmax'))))",
    "fit(compiled(chain(layers.Dropout(0.1, seed=3), layers.Dense(4, 'relu'), layers.Dense(10, 'softmax'))))",
    "fit(compiled(chain(), optimizer='sgd'))",
    "fit(compiled(chain(), optimizer=keras.optimizers.Adam(0.002)))",
    "fit(compiled(chain(), optimizer=keras.optimizers.Adam(amsgrad=True)))",
    "fit(compiled(chain(), optimizer=keras.optimizers.Adam(clipnorm=1)))",
    "fit(compiled(chain(), optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.001, 5))))",
    "fit(compiled(chain(), optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.001, 6))))",
    "fit(compiled(chain(), loss='mse'))",
    "fit(compiled(chain(), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True)))",
    "fit(compiled(chain(), loss=keras.losses.SparseCategoricalCrossentropy(ignore_class=1)))",
    "fit(compiled(chain(), loss=keras.losses.SparseCategoricalCrossentropy(reduction='sum')))",
    "fit(compiled(chain(), loss_weights=[0.5]))",
    "fit(compiled(chain(), metrics=None))",
    "fit(compiled(chain(), metrics=['accuracy', 'mse']))",
    "fit(compiled(chain(), metrics=['mse', 'accuracy']))",
    "fit(compiled(chain(), metrics=[keras.metrics.Accuracy()]))",
    "fit(compiled(chain(), metrics=[keras.metrics.SparseTopKCategoricalAccuracy(10, name='accuracy')]))",
    "fit(compiled(chain(), metrics=None, weighted_metrics=['accuracy']))",
    "fit(compiled(chain()), batch_size=16)",
    "fit(compiled(chain()), shuffle=False)",
    "fit(compiled(chain()), initial_epoch=1)",
    "fit(compiled(chain()), class_weight={0: 2.0})",
    "fit(compiled(chain()), sample_weight=np.arange(160))",
    "fit(compiled(chain()), validation_split=0.1)",
    "fit(compiled(chain()), validation_split=0.1, validation_freq=2)",
    "fit(compiled(chain()), validation_split=0.1, validation_batch_size=5)",
    "fit(compiled(chain()), callbacks=[keras.callbacks.ReduceLROnPlateau('loss')])",
    "fit(compiled(chain()), callbacks=[keras.callbacks.ReduceLROnPlateau('accuracy')])",
    "fit(compiled(chain(), metrics=['acc']), callbacks=[keras.callbacks.ReduceLROnPlateau('accuracy', mode='max')])",
    "fit(compiled(chain()), callbacks=[keras.callbacks.LearningRateScheduler(lambda e: 0.1)])",
    "fit(compiled(chain()), callbacks=[keras.callbacks.LearningRateScheduler(lambda e: 0.2)])",
    "fit(compiled(chain()), callbacks=[keras.callbacks.LearningRateScheduler(lambda e: 0.1 / (e + 1))])",
    "fit(compiled(chain()), x=x_mnist[:160].reshape(-1, 28, 28, 1) / 256.0)",
    "fit(compiled(chain()), x=x_mnist[:160].reshape(-1, 28, 28, 1))",
    "fit(compiled(chain()), x=x_mnist[160:320].reshape(-1, 28, 28, 1) / 255.0)",
    "fit(compiled(chain()), y=(y_mnist[:160] + 1) % 10)",
]
"""Programs that ask each for another training, and none for the usual one."""


def described(programs: list[str], *, train: bool) -> dict[str, Any]:
    """What each program asks for, and what came of it, by the program."""
    order = json.dumps({text: [text, train] for text in programs})
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(places.datasets())],
        input=order,
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent.parent,
        env={"PYTHONPATH": str(Path(__file__).parent.parent), "PATH": ""},
    )
    assert "RESULT " in done.stdout, done.stderr[-2000:]
    return dict(json.loads(done.stdout.split("RESULT ")[1]))


def proven(group: str) -> list[str]:
    """The programs of a group that are trained."""
    return FEW[group] if group in FEW else [SAME[group][place] for place in PROVEN[group]]


@pytest.fixture(scope="module")
def book() -> DataBook:
    return DataBook(places.datasets())


@pytest.fixture(scope="module")
def bodies() -> dict[str, Any]:
    """All programs, described."""
    programs = [text for group in (*SAME.values(), *SHIPPED.values()) for text in group]
    found = described([*programs, *DIFFERENT], train=False)
    return {text: item["body"] for text, item in found.items()}


@pytest.fixture(scope="module")
def trained() -> dict[str, Any]:
    """The programs that are trained, by plain Keras."""
    return described([text for group in (*PROVEN, *FEW) for text in proven(group)], train=True)


def request_of(body: dict[str, Any], book: DataBook) -> TrainingRequest:
    """The training that is carried out for a program."""
    assert not body["refused"]
    return canonical_request(read_request(body, None), book.uncast)


@pytest.mark.parametrize("group", [*SAME, *SHIPPED])
def test_other_spellings_are_one_training(group: str, bodies: dict[str, Any], book: DataBook) -> None:
    """Names, spellings of arguments, callbacks, and casts make no other training."""
    prints = {text: training_fingerprint(request_of(bodies[text], book)) for text in {**SAME, **SHIPPED}[group]}
    assert len(set(prints.values())) == 1, prints


def test_whatever_matters_makes_another_training(bodies: dict[str, Any], book: DataBook) -> None:
    """No two of the different programs share a training, and none shares that of the usual one."""
    prints: dict[str, str] = {}
    for text in [USUAL, *DIFFERENT]:
        other = prints.setdefault(training_fingerprint(request_of(bodies[text], book)), text)
        assert other == text, f"{text} and {other} share a training"


@pytest.mark.parametrize("group", [*PROVEN, *FEW])
def test_one_training_means_equal_to_the_last_bit(group: str, trained: dict[str, Any]) -> None:
    """Plain Keras gives the programs of a group the same curves, as far as each goes, and if as far the same weights."""
    first, *others = [trained[text] for text in proven(group)]
    for other in others:
        curves = [list(item["history"].values()) for item in (first, other)]
        epochs = min(len(curve) for part in curves for curve in part)
        assert sorted(curve[:epochs] for curve in curves[0]) == sorted(curve[:epochs] for curve in curves[1])
        if len(curves[0][0]) == len(curves[1][0]):
            assert first["weights"] == other["weights"]


def test_keys_of_the_logs_are_foretold(trained: dict[str, Any]) -> None:
    """Under which keys Keras logs the metrics of a program, and what the canonical training's become when it is played."""
    for text, item in trained.items():
        request = read_request(item["body"], None)
        keys = {key for key in item["history"] if not key.startswith("val_")} - {"learning_rate"}
        assert {"loss", *spelled_names(request.compile)} == keys, text
        played = renamed_keys(["loss", *spelled_names(canonical_request(request).compile)], log_names(request))
        assert set(played) == keys, text
