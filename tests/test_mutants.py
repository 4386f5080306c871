"""Mutants: the reference with one mistake each."""

import ast
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from grader.validation.mutants import MOST_PER_OPERATOR, Mutant, make_mutants
from grader.validation.operators import ALWAYS, FIXED

CHECKOUT = Path(__file__).parent.parent
EVERY = ALWAYS | FIXED
REFERENCES = sorted((CHECKOUT / "solutions").glob("*/reference/*.py"))
NETWORK = '''
"""A program."""
import tensorflow as tf

class Stop(tf.keras.callbacks.Callback):
    """Stops."""

    def on_epoch_end(self, epoch, logs=None):
        if logs["accuracy"] >= 0.9:
            print("Reached 90% accuracy!")
            self.model.stop_training = True

def train():
    """Trains."""
    (train_images, train_labels), (test_images, test_labels) = tf.keras.datasets.mnist.load_data()
    train_images = train_images.reshape(-1, 28, 28, 1) / 255.0
    model = tf.keras.Sequential([
        tf.keras.layers.Conv2D(32, (3, 3), activation="relu"),
        tf.keras.layers.MaxPooling2D(2, 2),
        tf.keras.layers.Flatten(),
        tf.keras.layers.Dense(64, activation="relu"),
        tf.keras.layers.Dense(10, activation="softmax"),
    ])
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(train_images, train_labels, epochs=5, batch_size=64, callbacks=[Stop()])
    return history.epoch, history.history["accuracy"][-1]

if __name__ == "__main__":
    print(train() + 1)
'''


def mutants(text: str, *names: str) -> list[Mutant]:
    """The mutants of a program by these operators, or by all."""
    return make_mutants(text, EVERY, names or list(EVERY))


def changes(text: str, name: str) -> list[tuple[str, str]]:
    """Before and after, of one operator."""
    return [(mutant.before, mutant.after) for mutant in mutants(text, name)]


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("drop_layer", "tf.keras.layers.Flatten()", ""),
        ("double_layer", "tf.keras.layers.MaxPooling2D(2, 2)", "tf.keras.layers.MaxPooling2D(2, 2); tf.keras."),
        ("one_filter", "Conv2D(32", "Conv2D(1,"),
        ("one_unit", "Dense(64", "Dense(1,"),
        ("other_filters", "Conv2D(32", "Conv2D(48,"),
        ("other_units", "Dense(64", "Dense(100,"),
        ("other_size", "Conv2D(32, (3, 3)", "Conv2D(32, 5,"),
        ("other_size", "MaxPooling2D(2, 2)", "MaxPooling2D(3)"),
        ("outputs", "Dense(10", "Dense(9,"),
        ("activation", 'Dense(10, activation="softmax")'.replace('"', "'"), "Dense(10)"),
        ("linear", "def train():", "def train():"),
        ("loss", "'sparse_categorical_crossentropy'", "'mean_squared_error'"),
        ("optimizer", "'adam'", "'sgd'"),
        ("no_metrics", "metrics=['accuracy']", "crossentropy')"),
        ("epochs", "epochs=5", "epochs=6"),
        ("epochs", "epochs=5", "epochs=1"),
        ("batch_size", "batch_size=64", "batch_size=128"),
        ("no_callbacks", "callbacks=[Stop()]", "batch_size=64)"),
        ("fitted_data", "fit(train_images", "fit(train_images[:30000]"),
        ("fitted_data", "fit(train_images", "fit(test_images"),
        ("dataset", "datasets.mnist", "datasets.fashion_mnist"),
        ("scale", "/ 255.0", "/ 25.5"),
        ("scale", "/ 255.0", "reshape(-1, 28, 28, 1)"),
        ("reshape", ".reshape(", "train_images"),
        ("threshold", "0.9", "0.89"),
        ("threshold", "0.9", "0.95"),
        ("comparison", ">=", "<="),
        ("message", "Reached 90%", "Reached 80%"),
        ("message", "print(", ""),
        ("stopping", "= True", "= False"),
        ("hook", "on_epoch_end", "on_epcho_end"),
        ("log_key", "logs['accuracy']", "logs['loss']"),
        ("log_key", "history.history['accuracy']", "history.history['loss']"),
        ("name", "def train()", "def train_()"),
        ("returned", "return (history", "return None"),
        ("returned", "return (history", "return history.epoch"),
        ("off_by_one", "1", "2"),
        ("no_statement", "model.compile", ""),
    ],
)
def test_each_mistake_is_made(name: str, before: str, after: str) -> None:
    """Every operator finds its place in an ordinary program, and changes what it says."""
    assert any(
        (before in old and after in new and old != new) or name == "linear" for old, new in changes(NETWORK, name)
    )


@pytest.mark.parametrize(
    ("name", "text", "after"),
    [
        ("arithmetic", "def f(n):\n    return n // 2\n", "n * 2"),
        ("reduction", "def f(x):\n    return x.max(axis=1)\n", "x.min(axis=1)"),
        ("reduction", "import numpy as np\ndef f(x):\n    return np.median(x)\n", "np.mean(x)"),
        ("no_clip", "import numpy as np\ndef f(x):\n    return np.clip(x, 0, 255)\n", "x"),
        ("no_keyword", "import numpy as np\ndef f(x):\n    return np.pad(x, 1, mode='wrap')\n", "np.pad(x, 1)"),
        ("turned_flag", "def f(axes):\n    axes.grid(False)\n", "True"),
        ("drop_layer", "m.add(layers.Flatten())\n", ""),
        ("double_layer", "m.add(layers.Conv2D(3, 3))\n", "m.add(layers.Conv2D(3, 3)); m.add(layers.Conv2D(3, 3))"),
    ],
)
def test_mistakes_in_plain_code(name: str, text: str, after: str) -> None:
    """Operators that have nothing to do with networks, and networks built by `add`."""
    assert after in [new for _, new in changes(text, name)]


@pytest.mark.parametrize("path", REFERENCES, ids=lambda path: path.parts[-3])
def test_mutants_of_the_course_are_programs_of_their_own(path: Path) -> None:
    """Each compiles, no two are the same, none is the reference, and their ids are unique."""
    text = path.read_text("utf-8")
    made = mutants(text)
    assert len(made) >= 10
    texts = [mutant.text for mutant in made]
    assert len({*texts, ast.unparse(ast.parse(text))}) == len(made) + 1
    assert len({mutant.id for mutant in made}) == len(made)
    for mutant in made:
        compile(mutant.text, mutant.id, "exec")
        assert 0 < mutant.line <= len(text.splitlines())


def test_what_is_no_part_of_the_work_is_left_alone() -> None:
    """Docstrings and what stands below `if __name__ == "__main__"`."""
    for mutant in mutants(NETWORK):
        tree = ast.parse(mutant.text)
        assert ast.get_docstring(tree) == "A program."
        assert mutant.text.rstrip().endswith("print(train() + 1)")


def test_of_one_operator_there_are_only_so_many_evenly_chosen() -> None:
    """A table of numbers does not drown the rest, and its end is not forgotten."""
    text = f"TABLE = {list(range(100, 200))}\n"
    made = mutants(text, "off_by_one")
    assert len(made) == MOST_PER_OPERATOR
    assert {mutant.before for mutant in made} >= {"100", "196"}


@given(st.integers(0, 10**6), st.sampled_from(["+", "-", "*", "//"]), st.integers(0, 10**6))
@example(0, "+", 255)
def test_a_mutant_differs_in_one_place(left: int, sign: str, right: int) -> None:
    """Whatever the numbers: off by one in one of them; 255 is the scale of images and stays."""
    text = f"def f(x):\n    return x {sign} {left} + {right}\n"
    pairs = [(left + 1, right)] * (left != 255) + [(left, right + 1)] * (right != 255)
    want = {f"def f(x):\n    return x {sign} {a} + {b}" for a, b in pairs}
    assert {mutant.text for mutant in mutants(text, "off_by_one")} == want
