"""Recipes: the usual arrays that students make of the shipped data, made again from the shipped copy."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as npst

from grader.wire.recipes import (
    IMAGE_RECIPES,
    LABEL_RECIPES,
    as_fed,
    content_digest,
    cook,
    digest_as_fed,
    fingerprint,
    recipes_of,
)

Array = np.ndarray[Any, Any]
GREY = np.arange(256, dtype=np.uint8).reshape(16, 16)
DIGITS = np.array([3, 0, 9], dtype=np.uint8)
NUMBERS = npst.arrays(
    npst.integer_dtypes() | npst.floating_dtypes(sizes=(16, 32, 64)), npst.array_shapes(max_dims=3, max_side=4)
)


@given(NUMBERS)
@settings(deadline=None, max_examples=30)
def test_floats_are_fed_as_float32(array: Array) -> None:
    """Keras feeds every float array as float32, and other arrays with their own dtype."""
    with np.errstate(over="ignore"):
        fed = as_fed(array)
    assert fed.dtype == (np.float32 if array.dtype.kind == "f" else array.dtype)


@given(NUMBERS)
@settings(deadline=None, max_examples=30)
def test_feeding_twice_changes_nothing(array: Array) -> None:
    """An array that has the form of Keras keeps its bytes."""
    with np.errstate(over="ignore"):
        fed = as_fed(array)
    assert as_fed(fed).tobytes() == fed.tobytes()


@given(NUMBERS)
@settings(deadline=None, max_examples=30)
def test_digest_looks_at_the_values_and_not_at_the_memory(array: Array) -> None:
    """Equal arrays have one digest, in C order, in Fortran order, or seen backwards twice."""
    digests = {content_digest(item) for item in (array, np.asfortranarray(array), array[::-1][::-1])}
    assert len(digests) == 1


def test_digest_of_an_array_is_blake3_of_its_bytes() -> None:
    """The digest is the well-known one, so that others can compute it."""
    assert content_digest(np.frombuffer(b"abc", np.uint8)) == (
        "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"
    )


def test_digest_changes_with_one_value() -> None:
    """Another grey value is another digest."""
    other = GREY.copy()
    other[5, 5] += 1
    assert content_digest(other) != content_digest(GREY)


@pytest.mark.parametrize(
    ("recipe", "student"),
    [
        ("raw", lambda images: images),
        ("raw_float", lambda images: images.astype("float32")),
        ("unit", lambda images: images / 255.0),
        ("unit_float32", lambda images: images.astype("float32") / 255),
        ("unit_float32", lambda images: images.astype("float32") / 255.0),
    ],
)
def test_image_recipes_equal_what_students_write(recipe: str, student: Callable[[Array], Array]) -> None:
    """Each recipe gives, to the last bit, what the usual line of NumPy feeds to Keras."""
    assert content_digest(as_fed(IMAGE_RECIPES[recipe](GREY))) == content_digest(as_fed(student(GREY)))


@pytest.mark.parametrize(
    ("recipe", "student"),
    [
        ("raw", lambda labels: labels),
        ("int32", lambda labels: labels.astype("int32")),
        ("int64", lambda labels: labels.astype(np.int64)),
        ("raw_float", lambda labels: labels.astype("float64")),
        ("one_hot", lambda labels: np.eye(10)[labels]),
        ("one_hot_int", lambda labels: np.eye(10, dtype=int)[labels]),
    ],
)
def test_label_recipes_equal_what_students_write(recipe: str, student: Callable[[Array], Array]) -> None:
    """Labels are recognised as they are, converted, or one-hot."""
    made, wanted = LABEL_RECIPES[recipe](DIGITS), as_fed(student(DIGITS))
    assert (made.dtype, made.tobytes()) == (wanted.dtype, wanted.tobytes())


def test_the_two_ways_to_divide_are_one_array() -> None:
    """`/ 255.0` in float64 and in float32 give the same float32 values: students who differ in it share a training."""
    one, other = IMAGE_RECIPES["unit"](GREY), IMAGE_RECIPES["unit_float32"](GREY)
    assert content_digest(one) == content_digest(other)


@pytest.mark.parametrize(("part", "recipes"), [("x_train", IMAGE_RECIPES), ("y_test", LABEL_RECIPES)])
def test_a_part_says_which_recipes_make_sense(part: str, recipes: dict[str, Any]) -> None:
    """Images have image recipes, labels have label recipes."""
    assert recipes_of(part) is recipes


def test_cooking_gives_the_shape_that_is_asked_for() -> None:
    """A recipe says the values, the request the shape."""
    assert cook("x_train", "unit", GREY, (1, 16, 16, 1)).shape == (1, 16, 16, 1)


LARGE = np.arange(2**18, dtype=np.float64).reshape(64, 64, 64)
KNOWN = {fingerprint(LARGE): "the digest that is known"}


def test_a_large_array_that_is_known_is_not_digested() -> None:
    """In whatever shape."""
    assert digest_as_fed(LARGE, KNOWN) == digest_as_fed(LARGE.reshape(64, 4096), KNOWN) == "the digest that is known"


@pytest.mark.parametrize(
    "array",
    [LARGE + 1, LARGE.astype(np.float32), LARGE.view(np.int64), LARGE.transpose(), LARGE[::-1], LARGE[:1], LARGE[:0]],
    ids=["other_values", "other_type", "same_bytes_as_integers", "transposed", "reversed", "a_part", "nothing"],
)
def test_any_other_array_is_digested(array: Array) -> None:
    """Also one that is the same in memory, seen in another order."""
    assert digest_as_fed(array, KNOWN) == content_digest(as_fed(array))


@given(NUMBERS, NUMBERS)
@settings(deadline=None, max_examples=60)
def test_fingerprints_tell_apart_what_differs_in_bytes_or_type(one: Array, other: Array) -> None:
    """And no shape."""
    same = one.dtype == other.dtype and one.tobytes() == other.tobytes()
    assert (fingerprint(one) == fingerprint(other)) == same
