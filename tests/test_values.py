"""What functions returned and drew, as data: written down inside the box, compared outside."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

from grader.guest.values import Values
from grader.judging.evidence import Evidence
from grader.judging.marks import CheckFailed, PersonNeeded, fail_by_parts, problem_with
from grader.judging.value_expectations import expect_array, expect_figure, expect_list, expect_number, expect_shown
from grader.model.observation import Axes, Call, Figure
from grader.wire.inputs import draw_inputs
from tests.factories import make_call, make_evidence, make_fit, make_observation


def seen(value: Any, figures: list[dict[str, Any]] | None = None, values: Values | None = None) -> Evidence:
    """Evidence of one call, labelled `it`, that returned this value."""
    values = values or Values()
    drawn = tuple(
        Figure(png=figure["png"], axes=tuple(Axes(**axes) for axes in figure["axes"])) for figure in figures or []
    )
    call = make_call(values.plain(value), label="it", figures=drawn)
    return make_evidence(observation=make_observation(calls=(call,)), arrays=tuple(values.arrays))


# ── inside ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.float32(0.5), 0.5),
        (np.int64(7), 7),
        (np.array(3), 3),
        (np.arange(3), [0, 1, 2]),
        ((1, "a", None, True), [1, "a", None, True]),
        ({"a": (1,)}, {"a": [1]}),
        (np.array(["a"]), {"object": "array of <U1"}),
        (object(), {"object": "object"}),
        (10**5000, {"object": "whole number beyond 64 bits"}),
        ([2**63 - 1, -(2**64)], [2**63 - 1, {"object": "whole number beyond 64 bits"}]),
    ],
    ids=lambda value: str(value)[:20] if not isinstance(value, int) else "whole",
)
def test_small_values_are_written_down_as_they_are(value: Any, plain: Any) -> None:
    """Numbers, texts and short lists are JSON; what is no number is named by its class."""
    values = Values()
    assert values.plain(value) == plain
    assert values.arrays == []


def test_arrays_stand_beside_and_are_named_by_place() -> None:
    """An array of two dimensions is referred to, with its shape and type."""
    values = Values()
    first, second = np.arange(6.0).reshape(2, 3), np.zeros((1, 1), np.uint8)
    assert values.plain([first, second]) == [
        {"array": 0, "shape": [2, 3], "dtype": "float64"},
        {"array": 1, "shape": [1, 1], "dtype": "uint8"},
    ]
    assert [array.tolist() for array in values.arrays] == [first.tolist(), second.tolist()]


def test_arrays_beyond_the_limit_leave_their_shape_only() -> None:
    """A program cannot fill the grader's memory by what it returns."""
    values = Values(room=100)
    assert values.plain(np.zeros((10, 10)))["array"] is None
    assert values.plain(np.zeros((2, 2)))["array"] == 0
    assert values.room == 100 - 32


def test_figures_are_data_and_closed() -> None:
    """Axes with their place, titles, images and lines; and a picture."""
    figure, axes = plt.subplots(1, 2)
    axes[0].imshow(np.arange(4.0).reshape(2, 2), cmap="inferno")
    axes[0].set_title("maps")
    axes[1].plot([1.0, 2.0])
    values = Values()
    (found,) = values.figures()
    assert plt.get_fignums() == []
    assert bytes(values.arrays[found["png"]])[:8] == b"\x89PNG\r\n\x1a\n"
    first, second = found["axes"]
    assert (first["place"], first["title"], first["images"][0]["cmap"]) == ([0, 0, 1, 2], "maps", "inferno")
    assert values.arrays[first["images"][0]["array"]].tolist() == [[0, 1], [2, 3]]
    assert second["lines"] == [[1.0, 2.0]]
    del figure


# ── outside ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def message(check: Any, *args: Any, **keywords: Any) -> str:
    """What a failing expectation says."""
    with pytest.raises(CheckFailed) as failed:
        check(*args, **keywords)
    return str(failed.value)


def test_right_values_pass() -> None:
    """Arrays, nested lists, whole numbers and floats."""
    expect_array(seen(np.ones((2, 2))), "it", np.ones((2, 2)), what="f(x)")
    expect_array(seen([[1, 1], [1, 1]]), "it", np.ones((2, 2)), what="f(x)")
    expect_number(seen(26), "it", 26, what="f(28)")
    expect_number(seen(np.float64(0.1) * 3), "it", 0.3, what="f(x)")
    assert expect_list(seen([np.ones((2, 2)), 1]), "it", 2, what="f(x)")[1] == 1


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "f(x) returned nothing (None); expected an array of shape (2, 2)."),
        ("text", "f(x) returned 'text'; expected an array of shape (2, 2)."),
        (object(), "f(x) returned a object; expected an array of shape (2, 2)."),
        (np.ones((2, 3)), "f(x) has the shape (2, 3); expected (2, 2)."),
        (np.array([[1, np.nan], [1, 1]]), "f(x) holds values that are not finite numbers."),
        (np.array([[1, 1], [3, 1.0]]), "f(x): 1 of 4 values are wrong; at [1, 0] it is 3, expected 1."),
        ([[1, 2], [3]], "f(x) returned [[1, 2], [3]]; expected an array of shape (2, 2)."),
    ],
    ids=["nothing", "text", "object", "shape", "nan", "value", "ragged"],
)
def test_wrong_arrays_are_told(value: Any, words: str) -> None:
    """What was expected, what was found, and where."""
    assert message(expect_array, seen(value), "it", np.ones((2, 2)), what="f(x)") == words


def test_an_array_that_was_too_large_is_told() -> None:
    """Its shape is all there is of it."""
    evidence = seen(np.zeros((10, 10)), values=Values(room=8))
    assert "an array of shape (10, 10), which is too large" in message(
        expect_array, evidence, "it", np.zeros((2, 2)), what="f(x)"
    )


def test_wrong_numbers_are_told() -> None:
    """Also a truth value where a number is due."""
    assert message(expect_number, seen(27), "it", 26, what="f(28)", hint="Look again.") == (
        "f(28) returned 27; expected 26. Look again."
    )
    assert "returned True; expected the number 1" in message(expect_number, seen(True), "it", 1, what="f(28)")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            Call(name="f", label="it", found=False, error=""),
            "There is no function f. Define it under exactly this name.",
        ),
        (
            Call(name="f", label="it", found=True, error="ValueError: no (line 3)"),
            "f(x) failed: ValueError: no (line 3).",
        ),
        (Call(name="f", label="other", found=True), "f(x) was not called, because the program did not come so far."),
    ],
    ids=["missing", "raised", "not called"],
)
def test_calls_that_came_to_nothing_are_told(call: Call, words: str) -> None:
    """A function that is missing, one that fails, and one that was never reached."""
    evidence = make_evidence(observation=make_observation(calls=(call,)))
    assert message(expect_number, evidence, "it", 1, what="f(x)") == words


def test_a_place_outside_is_no_array() -> None:
    """A program may claim any place."""
    for place in (-1, 5, "0", 1.5):
        value = {"array": place, "shape": [1], "dtype": "float64"}
        assert make_evidence(arrays=(np.ones((1, 1)),)).array(value) is None


def test_a_figure_is_looked_at_by_row_and_column() -> None:
    """Right images pass; a missing plot, a missing image and a wrong one are told."""
    image = np.arange(4.0).reshape(2, 2)
    figure, axes = plt.subplots(2, 2)
    for place in ((0, 0), (0, 1), (1, 0)):
        axes[place].imshow(image)
    values = Values()
    evidence = seen(None, values.figures(), values)
    found = expect_figure(evidence, "it", what="plot()", grid=(2, 2))
    expect_shown(evidence, found, [[image, image], [image]], what="plot()")
    assert message(expect_shown, evidence, found, [[image, image + 1]], what="plot()").startswith(
        "plot(), row 1, column 2: 4 of 4 values are wrong"
    )
    assert "row 2, column 2: there is no image" in message(
        expect_shown, evidence, found, [[image, image], [image, image]], what="plot()"
    )
    assert "expected a grid of 3 rows and 4 columns" in message(
        expect_figure, evidence, "it", what="plot()", grid=(3, 4)
    )
    assert "drew nothing" in message(expect_figure, seen(None), "it", what="plot()", grid=(2, 2))
    del figure


# ── inputs ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_inputs_are_the_same_for_a_seed_and_others_for_another(tmp_path: Path) -> None:
    """Drawn twice they are equal; a shipped array is a copy."""
    (tmp_path / "set").mkdir()
    np.save(tmp_path / "set/part.npy", np.arange(3))
    source = "def draw(rng, load):\n    return {'n': rng.integers(10**9), 'a': load('set', 'part')}\n"
    one, same, other = (draw_inputs(source, seed, tmp_path) for seed in (1, 1, 2))
    assert one["n"] == same["n"] != other["n"]
    one["a"][0] = 9
    assert same["a"].tolist() == draw_inputs(source, 1, tmp_path)["a"].tolist() == [0, 1, 2]
    assert draw_inputs("", 1, tmp_path) == {}


# ── part by part ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_problem_is_a_sentence_or_nothing() -> None:
    """What an expectation says; other exceptions are faults of the check and come through."""
    assert problem_with(expect_number, seen(26), "it", 26, what="f(28)") == ""
    assert problem_with(expect_number, seen(27), "it", 26, what="f(28)") == "f(28) returned 27; expected 26."
    with pytest.raises(ZeroDivisionError):
        problem_with(lambda: 1 / 0)


def test_points_remain_for_the_parts_that_are_right() -> None:
    """The first problem is told; without one the check passes."""
    fail_by_parts([(0.5, ""), (1.0, "")])
    with pytest.raises(CheckFailed, match="second") as failed:
        fail_by_parts([(0.5, ""), (0.25, "second"), (0.25, "third"), (1.0, "")])
    assert failed.value.points == 1.5


def test_numbers_of_any_size_are_compared() -> None:
    """A claim of thousands of digits is a wrong answer, not a fault of the check."""
    call = Call(name="f", label="it", found=True, value=10**400)
    evidence = make_evidence(observation=make_observation(calls=(call,)))
    assert "expected the number 26" in message(expect_number, evidence, "it", 26, what="f(28)")
    assert evidence.array([10**400, 1]) is None


def test_a_call_that_we_left_out_waits_for_a_person() -> None:
    """A training in the sandbox that is not wanted ends the program: what comes after it is nobody's failure."""
    left = make_observation(make_fit(live=True), ending="not_run", calls=())
    with pytest.raises(PersonNeeded, match="was left out"):
        expect_number(make_evidence(observation=left), "it", 1, what="f(x)")
    with pytest.raises(CheckFailed):
        expect_number(make_evidence(observation=make_observation(calls=())), "it", 1, what="f(x)")


def test_figures_are_closed_also_where_one_cannot_be_drawn() -> None:
    """So that they are not taken for those of the next call."""
    figure, axes = plt.subplots()
    axes.set_title(r"$\notacommand$")
    values = Values()
    with pytest.raises(ValueError, match="notacommand"):
        values.figures()
    assert plt.get_fignums() == []
    del figure
    assert values.figures() == []
