"""Images divided by 255 that are there already are those that a program would have made, and its own."""

import ast
import builtins
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.inputtransformer2 import TransformerManager

from grader.guest import quotients
from grader.guest.program import Program
from grader.guest.quotients import DIVIDE, Quotients, names_of_images, replace_divisions
from grader.training.arrays import PARTS, DataBook
from grader.wire.known import read_known

Array = np.ndarray[Any, Any]
TRANSFORM = TransformerManager().transform_cell  # type: ignore[no-untyped-call]
NAME = "mnist/x_train"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two data sets, large enough to be looked at."""
    place, rng = tmp_path_factory.mktemp("datasets"), np.random.default_rng(5)
    for name in ("mnist", "fashion_mnist"):
        (place / name).mkdir()
        for part in PARTS:
            shape = (1400, 28, 28) if part.startswith("x") else (1400,)
            np.save(place / name / f"{part}.npy", rng.integers(0, 256 if len(shape) > 1 else 10, shape, np.uint8))
    DataBook(place)
    return place


@pytest.fixture
def held(folder: Path) -> Quotients:
    """As a guest has it whose zygote holds the training images of MNIST."""
    found = Quotients(folder, read_known(folder))
    found.hold([NAME])
    return found


def images(folder: Path, name: str = NAME) -> Array:
    return np.asarray(np.load(folder / f"{name}.npy", mmap_mode="c").view(np.ndarray))


def is_held(array: Array) -> bool:
    """Whether an array lies in memory that is another's; what NumPy divides has its own."""
    return not array.flags.owndata


@pytest.mark.parametrize("shape", [(1400, 28, 28), (1400, 28, 28, 1), (1400, 784), (-1,), (28, 1400, 28)])
@pytest.mark.parametrize("divisor", [255, 255.0])
def test_it_is_what_numpy_gives(folder: Path, shape: tuple[int, ...], divisor: float) -> None:
    """The same bits in the same shape, to be changed at will; a copy serves as well as the array itself."""
    shipped = images(folder).reshape(shape)
    for dividend in (shipped, shipped.copy()):
        fresh = Quotients(folder, read_known(folder))
        fresh.hold([NAME])
        found, plain = fresh.divide(dividend, divisor), dividend / divisor
        assert is_held(found)
        assert (found.dtype, found.shape, found.tobytes()) == (plain.dtype, plain.shape, plain.tobytes())
        assert found.flags.writeable
        assert found.flags.c_contiguous


def test_it_is_given_once(held: Quotients, folder: Path) -> None:
    """Two arrays of a program never share their memory."""
    first, second = (held.divide(images(folder), 255.0) for _ in range(2))
    assert (is_held(first), is_held(second)) == (True, False)
    first[:] = 7.0
    np.testing.assert_array_equal(second, images(folder) / 255.0)
    np.testing.assert_array_equal(held.divide(images(folder), 255.0), images(folder) / 255.0)


def changed(array: Array) -> Array:
    array[3, 4, 5] ^= 1
    return array


@pytest.mark.parametrize(
    "make",
    [
        lambda array: changed(array),
        lambda array: array[1:],
        lambda array: array[::-1],
        lambda array: np.asfortranarray(array),
        lambda array: array.astype(np.float32),
        lambda array: array.astype(np.int64),
        lambda array: array.view(np.int8),
        lambda array: np.ma.masked_array(array),
        lambda array: array[0],
    ],
)
def test_everything_else_is_divided(held: Quotients, folder: Path, make: Any) -> None:
    """Changed images, some of them, in another order or type: NumPy divides, and nothing is noted."""
    dividend = make(images(folder))
    found, plain = held.divide(dividend, 255.0), dividend / 255.0
    assert (type(found), found.dtype, found.tobytes()) == (type(plain), plain.dtype, plain.tobytes())
    assert held.asked == set()


def test_what_is_divided_is_noted(folder: Path) -> None:
    """So that those who come later find it there."""
    found = Quotients(folder, read_known(folder))
    for name in ("mnist/x_test", "fashion_mnist/x_train"):
        np.testing.assert_array_equal(found.divide(images(folder, name), 255), images(folder, name) / 255)
    assert found.asked == {"mnist/x_test", "fashion_mnist/x_train"}


def test_unknown_names_are_passed_over(folder: Path) -> None:
    """Only shipped images are held."""
    found = Quotients(folder, read_known(folder))
    found.hold(["../../etc/passwd", "mnist/y_train", "cifar10/x_train", ""])
    assert found._held == {}


def test_nothing_is_held_where_memory_is_short(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor tried again for each program that follows."""
    looks = list[int]()

    def short() -> int:
        looks.append(1)
        return 8 * 1400 * 784 * 8 - 1

    monkeypatch.setattr(quotients, "free_bytes", short)
    found = Quotients(folder, read_known(folder))
    for _ in range(3):
        found.hold([NAME])
    assert (found._held, looks) == ({}, [1])


def test_without_tables_everything_is_divided(folder: Path, tmp_path: Path) -> None:
    """Data sets of an earlier version, in a folder that cannot be written."""
    assert names_of_images(tmp_path, read_known(folder)) == {}
    found = Quotients(tmp_path, {})
    found.hold([NAME])
    np.testing.assert_array_equal(found.divide(images(folder), 255.0), images(folder) / 255.0)


# ── in a program ──


@pytest.fixture(autouse=True)
def own_names(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A program takes the name `__main__`, and leaves a function among the built-in ones."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    yield
    vars(builtins).pop(DIVIDE, None)


def run(text: str, divide: Any, *, notebook: bool = False) -> Program:
    program = Program("homework.py", notebook, TRANSFORM, divide)
    program.run(program.load([(1, text)]))
    return program


@pytest.mark.parametrize(
    "text",
    [
        "a = x / 255.0",
        "a = x.reshape(1400, 28, 28, 1) / 255",
        "def scale(images):\n    return images / 255.\na = scale(x)",
        "a = (lambda images: images / 255.0)(x)",
        "a, b = x / 255.0, 3",
        "a = [item / 255.0 for item in (x,)][0]",
        "class Pipeline:\n    def scale(self):\n        return x / 255.0\na = Pipeline().scale()",
    ],
)
def test_divisions_of_a_program_are_found(held: Quotients, folder: Path, text: str) -> None:
    """Wherever they stand, if they are by the constant."""
    program = Program("homework.py", False, TRANSFORM, held.divide)
    program.namespace["x"] = images(folder)
    program.run(program.load([(1, text)]))
    assert program.notes == []
    assert is_held(program.namespace["a"])
    np.testing.assert_array_equal(program.namespace["a"].reshape(1400, 28, 28), images(folder) / 255.0)


def test_a_mistake_is_told_as_ever(held: Quotients) -> None:
    """The same sentence, at the student's own line."""
    text = "a = 1\n\ndef scale(images):\n    return images / 255.0\n\nscale('images')\n"
    mine, plain = (run(text, divide).notes for divide in (held.divide, None))
    assert mine == plain
    assert "unsupported operand type(s) for /" in mine[0]["text"]
    assert "line 4" in mine[0]["text"]


LEAVES = st.sampled_from(["a", "b", "2", "255", "255.0", "-255", "True", "256", "0.5", "c"])
OPERATORS = st.sampled_from([" / ", " // ", " * ", " + ", " - ", " % "])
POWERS = st.sampled_from(["0", "1", "-1", "0.5"])
"""None by which whole numbers grow: 255 ** 255 ** 255 is never done, and no time limit ends it."""
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda left, how, right: f"({left}{how}{right})", inner, OPERATORS, inner),
        st.builds(lambda left, power: f"({left} ** {power})", inner, POWERS),
        st.builds(lambda left: f"({left} / 255.0)", inner),
        st.builds(lambda left: f"abs({left} / 255)", inner),
    ),
    max_leaves=6,
)


def value_of(expression: ast.Expression) -> str:
    """What an expression gives, or what it raises."""
    names = {"a": 51, "b": -3.5, "c": np.arange(4, dtype=np.uint8)}
    try:
        with np.errstate(all="ignore"):
            return repr(eval(compile(expression, "e", "eval"), names))  # noqa: S307 - made of the pieces above
    except Exception as error:  # noqa: BLE001 - whatever it raises, the other must raise too
        return repr(error)


@given(EXPRESSIONS)
def test_no_expression_changes_its_value(text: str) -> None:
    """Nested in whatever way, with numbers and arrays, exceptions included."""
    vars(builtins)[DIVIDE] = Quotients(Path("/nowhere"), {}).divide
    tree = ast.parse(text, mode="eval")
    replace_divisions(tree)
    assert value_of(tree) == value_of(ast.parse(text, mode="eval"))


@pytest.mark.parametrize(
    "text", ["a /= 255.0", "a = b / c", "a = b / 254", "a = b // 255", "a = b / True", "a = 255 / b"]
)
def test_other_operations_are_left_alone(text: str) -> None:
    """Only a division by the constant is touched: in place, by a name, or of the constant is none."""
    tree = ast.parse(text)
    replace_divisions(tree)
    assert ast.dump(tree) == ast.dump(ast.parse(text))


def test_a_long_expression_is_no_mistake(held: Quotients) -> None:
    """A sum of as many terms as Python reads, each divided."""
    text = "a = " + " + ".join(["51 / 255.0"] * 900)
    program = run(text, held.divide)
    assert program.notes == run(text, None).notes == []
    assert program.namespace["a"] == pytest.approx(180)
