"""Hand-ins as students really write them get the points that their work deserves, and notes that help.

Written from what public hand-ins of this course look like; nothing is copied. All are graded in one run, in which
nothing is trained.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from grader.cli import places
from grader.discovery import discover
from grader.model.assignment import load_assignment
from grader.model.result import Result
from grader.pipeline.grade import Grading
from grader.pipeline.settings import Settings
from grader.pipeline.watch import Silent
from grader.results.folder import ResultsFolder

CHECKOUT = Path(__file__).parent.parent
pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(900)]

RUNS, IMAGES, NETWORK = (
    "train_mnist_conv_runs",
    "images_are_reshaped_and_scaled",
    "one_convolution_and_one_pooling_layer",
)
STOPS, MESSAGE = "callback_stops_at_the_threshold", "message_is_printed_when_it_stops"
REACHES, RETURNS = "reaches_the_accuracy_within_20_epochs", "returns_epochs_and_accuracy"
TIMED = "epoch_time_is_reasonable"
ALL_RIGHT = {RUNS: 1.0, IMAGES: 2.0, NETWORK: 2.0, STOPS: 1.0, MESSAGE: 1.0, REACHES: 0.0, RETURNS: 0.5, TIMED: 0.0}
"""Points of a right solution where nothing is trained."""

CALLBACK = """
class myCallback(tf.keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs={}):
        if(logs.get('acc')>0.998):
            print("\\nReached 99.8% accuracy so cancelling training!")
            self.model.stop_training = True
"""
LOAD = """
mnist = tf.keras.datasets.mnist
(training_images, training_labels), (test_images, test_labels) = mnist.load_data()
"""
PREPARE = """
training_images = training_images.reshape(60000, 28, 28, 1)
training_images = training_images / 255.0
"""
MODEL = """
model = tf.keras.models.Sequential([
    tf.keras.layers.Conv2D(32, (3, 3), activation='relu', input_shape=(28, 28, 1)),
    tf.keras.layers.MaxPooling2D(2, 2),
    tf.keras.layers.Flatten(),
    tf.keras.layers.Dense(128, activation='relu'),
    tf.keras.layers.Dense(10, activation='softmax')
])
"""
COMPILE = "model.compile(optimizer='adam', loss='sparse_categorical_crossentropy', metrics=['accuracy'])"
FIT = "history = model.fit(training_images, training_labels, epochs=20, callbacks=[myCallback()])"
RETURN = "return history.epoch, history.history['acc'][-1]"
TRAINING = (LOAD, PREPARE, MODEL, COMPILE, FIT)


def function(*parts: str, name: str = "train_mnist_conv") -> str:
    """A function with these parts as its body."""
    lines = "\n".join(parts).strip().splitlines()
    return f"def {name}():\n" + "\n".join(f"    {line}" if line.strip() else "" for line in lines) + "\n"


def module(*parts: str) -> str:
    """A module that imports TensorFlow and has these parts."""
    return "import tensorflow as tf\nimport numpy as np\n\n" + "\n\n".join(parts) + "\n"


def solution(
    load: str = LOAD, prepare: str = PREPARE, model: str = MODEL, compiled: str = COMPILE, fit: str = FIT
) -> str:
    """A whole solution, right but for the part that is given."""
    return module(CALLBACK, function(load, prepare, model, compiled, fit, RETURN))


def notebook(*cells: str) -> str:
    """A notebook as Jupyter writes it: a title, and code cells that were run out of order."""
    title = {"cell_type": "markdown", "metadata": {}, "source": ["# Exercise 3\n", "In this exercise"]}
    code: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "execution_count": (7 * number) % 11 or None,
            "metadata": {"colab": {}},
            "outputs": [],
            "source": text.strip("\n").splitlines(keepends=True),
        }
        for number, text in enumerate(cells)
    ]
    metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return json.dumps({"cells": [title, *code], "metadata": metadata, "nbformat": 4, "nbformat_minor": 2})


@dataclass(frozen=True)
class HandIn:
    """A file, and what its student gets."""

    code: str
    points: dict[str, float]
    """Points that differ from those of a right solution."""
    words: tuple[str, ...] = ()
    """Parts of what the student reads."""
    flags: tuple[str, ...] = ("old_name",)
    review: bool = True
    """Under `--quick` a training that may still earn points waits for a person."""


COURSERA = notebook(
    "import tensorflow as tf\nfrom os import path, getcwd, chdir\n\n# DO NOT CHANGE THE LINE BELOW.\n"
    'path = f"{getcwd()}/../tmp2/mnist.npz"',
    "config = tf.ConfigProto()\nconfig.gpu_options.allow_growth = True\nsess = tf.Session(config=config)",
    "# GRADED FUNCTION: train_mnist_conv\n"
    + function(
        "# Please write your code only where you are indicated.\n# YOUR CODE STARTS HERE",
        CALLBACK,
        "# YOUR CODE ENDS HERE\n\nmnist = tf.keras.datasets.mnist",
        "(training_images, training_labels), (test_images, test_labels) = mnist.load_data(path=path)",
        "callbacks = myCallback()",
        PREPARE,
        MODEL,
        COMPILE,
        "# model fitting\nhistory = model.fit(\n    training_images, training_labels, epochs=20, callbacks=[callbacks]\n)",
        "# model fitting\nreturn history.epoch, history.history['acc'][-1]",
    ),
    "_, _ = train_mnist_conv()",
    "# Now click the 'Submit Assignment' button above.\n# Once that is complete, please run the following two cells",
    "%%javascript\n<!-- Save the notebook -->\nIPython.notebook.save_checkpoint();",
    "%%javascript\nIPython.notebook.session.delete();\nwindow.onbeforeunload = null\n"
    "setTimeout(function() { window.close(); }, 1000);",
)
COLAB = notebook(
    "!pip install -q tensorflow==2.0.0\n%tensorflow_version 2.x",
    "from google.colab import drive\ndrive.mount('/content/drive')",
    "%cd /content/drive/My Drive\n!ls -la",
    "import cv2, os\nimport tensorflow as tf\nimport matplotlib.pyplot as plt\n%matplotlib inline",
    "sample = cv2.imread('digit.png', 0)\nplt.imshow(sample)",
    CALLBACK.replace("'acc'", "'accuracy'"),
    "%%time\n"
    + function(
        LOAD.replace("load_data()", "load_data(path='/content/drive/My Drive/mnist.npz')"),
        *TRAINING[1:],
        RETURN.replace("'acc'", "'accuracy'"),
    ),
    "%time epochs, acc = train_mnist_conv()",
)
RIGHT_FUNCTION = function(*TRAINING, RETURN)
TWO_CONVOLUTIONS = MODEL.replace(
    "    tf.keras.layers.Flatten()",
    "    tf.keras.layers.Conv2D(64, (3, 3), activation='relu'),\n    tf.keras.layers.Flatten()",
)
LABELS_WRONG = {IMAGES: 0.0}

HANDINS: dict[str, tuple[str, HandIn]] = {
    # student: (file name, hand-in)
    "coursera": (
        "mnist_conv.ipynb",
        HandIn(
            COURSERA,
            {},
            (
                "cell 3, line 1 This statement failed and was passed over: AttributeError",
                "ConfigProto",
                "config has no value because cell 3, line 1 failed",
                "the cell with %%javascript was left out",
                "mnist.load_data was called with a path",
                "'acc' is the TensorFlow 1 name; current Keras calls it 'accuracy'",
            ),
            ("load_data_path", "old_name"),
        ),
    ),
    "colab": (
        "mnist_conv.ipynb",
        HandIn(
            COLAB,
            {},
            (
                "a shell command (!) was left out",
                "the command %tensorflow_version was left out",
                "No module named 'google",
                "No module named 'cv2'",
                "cv2 has no value because cell 5, line 1 failed",
                "mnist.load_data was called with a path",
            ),
            ("load_data_path",),
        ),
    ),
    "defines_after_the_call": (
        "mnist_conv.ipynb",
        HandIn(
            notebook("import tensorflow as tf", "_, _ = train_mnist_conv()", CALLBACK, RIGHT_FUNCTION),
            {},
            ("cell 3, line 1 This statement failed and was passed over: NameError: name 'train_mnist_conv'",),
        ),
    ),
    "defines_twice": (
        "mnist_conv.ipynb",
        HandIn(
            notebook(
                "import tensorflow as tf",
                CALLBACK,
                RIGHT_FUNCTION.replace(MODEL.strip().splitlines()[2].strip(), "tf.keras.layers.Dense(10),"),
                RIGHT_FUNCTION,
            ),
            {},
        ),
    ),
    "spoils_it_in_the_second_definition": (
        "mnist_conv.ipynb",
        HandIn(
            notebook(
                "import tensorflow as tf",
                CALLBACK,
                RIGHT_FUNCTION,
                function(LOAD, PREPARE, TWO_CONVOLUTIONS, COMPILE, FIT, RETURN),
            ),
            {NETWORK: 0.0},
            ("two Conv2D layers",),
            review=False,
        ),
    ),
    "unpacks_over_the_data": (
        "mnist_conv.py",
        HandIn(
            module(
                LOAD,
                PREPARE,
                CALLBACK,
                function(MODEL, COMPILE, FIT, RETURN),
                "test_images, test_labels = train_mnist_conv()",
            ),
            {},
        ),
    ),
    "has_a_second_model": (
        "mnist_conv.py",
        HandIn(solution(model=f"{MODEL}\n{TWO_CONVOLUTIONS.replace('model =', 'other =')}\nother.summary()"), {}),
    ),
    "trains_another_model_first": (
        "mnist_conv.py",
        HandIn(
            solution(
                fit="right = model\n"
                + TWO_CONVOLUTIONS
                + COMPILE
                + "\nmodel.fit(training_images, training_labels, epochs=3)\nmodel = right\n"
                + FIT
            ),
            {},
        ),
    ),
    "trains_another_model_last": (
        "mnist_conv.py",
        HandIn(
            solution(fit=f"{FIT}\n{TWO_CONVOLUTIONS}{COMPILE}\n{FIT}"),
            {NETWORK: 0.0},
            ("two Conv2D layers",),
            review=False,
        ),
    ),
    "passes_the_callback_itself": (
        "mnist_conv.py",
        HandIn(solution(fit=FIT.replace("[myCallback()]", "myCallback()")), {}),
    ),
    "passes_a_callback_list_with_history": (
        "mnist_conv.py",
        HandIn(
            solution(
                fit=FIT.replace(
                    "[myCallback()]", "tf.keras.callbacks.CallbackList([myCallback()], add_history=True, model=model)"
                )
            ),
            {},
        ),
    ),
    "passes_a_callback_list_without_history": (
        "mnist_conv.py",
        HandIn(
            solution(fit=FIT.replace("[myCallback()]", "tf.keras.callbacks.CallbackList([myCallback()], model=model)")),
            {RUNS: 0.0, STOPS: 0.0, MESSAGE: 0.0, RETURNS: 0.0},
            ("train_mnist_conv stopped with an error", "has no attribute 'history'"),
        ),
    ),
    "writes_a_train_step": (
        "mnist_conv.py",
        HandIn(
            module(
                CALLBACK,
                "class Mine(tf.keras.Sequential):\n    def train_step(self, data):\n        return super().train_step(data)\n",
                function(LOAD, PREPARE, MODEL.replace("tf.keras.models.Sequential", "Mine"), COMPILE, FIT, RETURN),
            ),
            {RUNS: 0.0, RETURNS: 0.0},
            ("a class of its own (Mine)", "Waits for a person"),
            (),
        ),
    ),
    "subclasses_the_convolution": (
        "mnist_conv.py",
        HandIn(
            module(
                CALLBACK,
                "class Conv(tf.keras.layers.Conv2D):\n    pass\n",
                function(LOAD, PREPARE, MODEL.replace("tf.keras.layers.Conv2D", "Conv"), COMPILE, FIT, RETURN),
            ),
            {RUNS: 0.0, RETURNS: 0.0},
            ("is of a class of its own (Conv)", "Waits for a person"),
            (),
        ),
    ),
    "one_hot_labels": (
        "mnist_conv.py",
        HandIn(
            solution(
                prepare=PREPARE + "training_labels = tf.keras.utils.to_categorical(training_labels, 10)",
                compiled=COMPILE.replace("sparse_", ""),
            ),
            {},
        ),
    ),
    "one_hot_labels_with_a_sparse_loss": (
        "mnist_conv.py",
        HandIn(
            solution(prepare=PREPARE + "training_labels = tf.keras.utils.to_categorical(training_labels, 10)"),
            {RUNS: 0.0, IMAGES: 0.0, NETWORK: 0.0, STOPS: 0.0, MESSAGE: 0.0, RETURNS: 0.0},
            ("train_mnist_conv stopped with an error: ValueError",),
            (),
            review=False,
        ),
    ),
    "shuffles_both": (
        "mnist_conv.py",
        HandIn(
            solution(
                prepare=PREPARE
                + "order = np.random.permutation(60000)\n"
                + "training_images, training_labels = training_images[order], training_labels[order]"
            ),
            {},
        ),
    ),
    "shuffles_the_images_alone": (
        "mnist_conv.py",
        HandIn(
            solution(prepare=PREPARE + "np.random.shuffle(training_images)"),
            LABELS_WRONG,
            ("The labels are not the training labels of mnist in the order of the images",),
            review=False,
        ),
    ),
    "relabels": (
        "mnist_conv.py",
        HandIn(
            solution(prepare=PREPARE + "training_labels = (training_labels > 4).astype('uint8')"),
            LABELS_WRONG,
            ("The labels are not the training labels of mnist",),
            review=False,
        ),
    ),
    "fashion": (
        "mnist_conv.py",
        HandIn(
            solution(load=LOAD.replace("datasets.mnist", "datasets.fashion_mnist")),
            {IMAGES: 0.0},
            ("trained on x_train of fashion_mnist",),
            review=False,
        ),
    ),
    "test_images_only": (
        "mnist_conv.py",
        HandIn(
            solution(
                prepare="training_images = test_images.reshape(-1, 28, 28, 1) / 255.0\ntraining_labels = test_labels"
            ),
            {IMAGES: 0.0},
            ("trained on x_test of mnist",),
            review=False,
        ),
    ),
    "three_thousand_images": (
        "mnist_conv.py",
        HandIn(
            solution(
                prepare=PREPARE + "training_images, training_labels = training_images[:3000], training_labels[:3000]"
            ),
            {IMAGES: 1.0},
            ("the shape (3000, 28, 28, 1)",),
            review=False,
        ),
    ),
    "separable_convolution_more": (
        "mnist_conv.py",
        HandIn(
            solution(model=TWO_CONVOLUTIONS.replace("layers.Conv2D(64", "layers.SeparableConv2D(64")),
            {NETWORK: 0.0},
            ("two convolution layers",),
            review=False,
        ),
    ),
    "convolution_hidden_in_a_nested_model": (
        "mnist_conv.py",
        HandIn(
            solution(
                model=MODEL.replace(
                    "    tf.keras.layers.Flatten(),",
                    "    tf.keras.Sequential([tf.keras.layers.Conv2D(16, 3), tf.keras.layers.Flatten()]),",
                )
            ),
            {NETWORK: 0.0},
            ("two Conv2D layers",),
            review=False,
        ),
    ),
    "layers_prepare_the_images": (
        "mnist_conv.py",
        HandIn(
            solution(
                prepare="",
                model=MODEL.replace(
                    "    tf.keras.layers.Conv2D(32, (3, 3), activation='relu', input_shape=(28, 28, 1)),",
                    "    tf.keras.layers.Input(shape=(28, 28)),\n    tf.keras.layers.Reshape((28, 28, 1)),\n"
                    "    tf.keras.layers.Rescaling(1.0 / 255),\n"
                    "    tf.keras.layers.Conv2D(32, (3, 3), activation='relu'),",
                ),
            ),
            {},
        ),
    ),
    "expands_with_tensorflow": (
        "mnist_conv.py",
        HandIn(
            solution(
                prepare="training_images = tf.expand_dims(training_images, -1)\n"
                "training_images = tf.cast(training_images, tf.float32) / 255.0"
            ),
            {},
        ),
    ),
    "divides_by_the_maximum": (
        "mnist_conv.py",
        HandIn(
            solution(
                prepare="training_images = training_images[..., np.newaxis].astype('float32')\n"
                "training_images /= training_images.max()"
            ),
            {},
        ),
    ),
    "relies_on_keras_for_the_axis": (
        "mnist_conv.py",
        HandIn(
            solution(prepare="training_images = training_images / 255.0"),
            {IMAGES: 1.0},
            ("the shape (60000, 28, 28)", "(60000, 28, 28, 1) is asked for"),
            review=False,
        ),
    ),
    "has_no_function": (
        "mnist_conv.ipynb",
        HandIn(
            notebook(
                "import tensorflow as tf", CALLBACK, LOAD, PREPARE, MODEL + COMPILE, FIT, "%%javascript\nwindow.close()"
            ),
            {RUNS: 0.0, RETURNS: 0.0},
            ("There is no function train_mnist_conv in your file",),
        ),
    ),
    "prose_in_a_module": (
        "mnist_conv.py",
        HandIn(
            "pip install tensorflow\nExercise 3 of the course, done by myself\n"
            + solution()
            + "\n!ls\nThe end of my work!\n",
            {},
            ("line 1 Python cannot read this", "line 2 Python cannot read this", "a shell command (!) was left out"),
        ),
    ),
    "logs_acc_by_its_key": (
        "mnist_conv.py",
        HandIn(solution().replace("logs.get('acc')", "logs['acc']"), {}),
    ),
    "names_the_metric_acc": (
        "mnist_conv.py",
        HandIn(solution(compiled=COMPILE.replace("'accuracy'", "'acc'")), {}, flags=()),
    ),
    "misses_a_definition": (
        "mnist_conv.ipynb",
        HandIn(
            notebook(
                "import tensorflow as tf",
                "callback = Callback()",
                CALLBACK,
                function(*TRAINING[:4], FIT.replace("myCallback()", "callback"), RETURN),
            ),
            {RUNS: 0.0, IMAGES: 0.0, NETWORK: 0.0, STOPS: 0.0, MESSAGE: 0.0, RETURNS: 0.0},
            ("NameError: name 'callback' is not defined", "callback has no value because cell 3, line 1 failed"),
            (),
            review=False,
        ),
    ),
}


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """Results by student of the whole class."""
    folder = tmp_path_factory.mktemp("class")
    for student, (file, hand_in) in HANDINS.items():
        (folder / student).mkdir()
        (folder / student / file).write_text(hand_in.code, encoding="utf-8")
    found = discover(
        folder, assignment_ids=["mnist_conv"], files={"mnist_conv": ["mnist_conv"]}, assignment="mnist_conv", only=None
    )
    settings = Settings(datasets=places.datasets(), store=None, jobs=2, quick=True)
    grading = Grading(
        load_assignment(CHECKOUT / "assignments/mnist_conv"),
        settings,
        ResultsFolder(tmp_path_factory.mktemp("results")),
        Silent(),
    )
    return {result.student: result for result in grading.run([submission for _, submission in found])}


def words_of(result: Result) -> str:
    """Everything that the student reads."""
    return "\n".join(
        [result.message, *(v.message for v in result.checks), *(f"{n.where} {n.text}" for n in result.notes)]
    )


@pytest.mark.parametrize("student", HANDINS)
def test_each_check_gives_what_the_work_deserves(student: str, graded: dict[str, Result]) -> None:
    """Points of every check, exactly."""
    points = {verdict.id: verdict.points for verdict in graded[student].checks}
    assert points == {**ALL_RIGHT, **HANDINS[student][1].points}, words_of(graded[student])


@pytest.mark.parametrize("student", HANDINS)
def test_the_student_reads_what_helps(student: str, graded: dict[str, Result]) -> None:
    """What was passed over and what went wrong is said, at its place, without a traceback."""
    words = words_of(graded[student])
    assert [part for part in HANDINS[student][1].words if part not in words] == [], words
    assert "Traceback" not in words


@pytest.mark.parametrize("student", HANDINS)
def test_the_instructor_sees_what_matters(student: str, graded: dict[str, Result]) -> None:
    """Every hand-in is graded, with the flags that it earned, and waits for a person only where points are open."""
    result = graded[student]
    assert result.status == "graded", result
    assert result.flags == HANDINS[student][1].flags
    assert result.needs_review == HANDINS[student][1].review, words_of(result)


def test_nothing_is_trained(graded: dict[str, Result]) -> None:
    """Under `--quick` no result tells of a training."""
    assert [student for student, result in graded.items() if result.training is not None] == []
