"""What an epoch is foretold to cost: more work costs more, whatever shape it has."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.model.training import Description, FitSettings, Layer, TrainingRequest
from grader.training.cost import epoch_cost, operations_per_sample
from tests.factories import make_description, make_request


def layer(name: str, shape: tuple[int | None, ...] | None, parameters: int, path: str = "") -> Layer:
    return Layer(name=name, class_name="Layer", output_shape=shape, parameters=parameters, path=path)


def convolution(filters: int) -> Description:
    layers = (
        layer("c", (None, 26, 26, filters), 10 * filters),
        layer("p", (None, 13, 13, filters), 0),
        layer("d", (None, 128), 169 * filters * 128),
    )
    return make_description(*layers, parameters=sum(item.parameters for item in layers))


def request(**fit: Any) -> TrainingRequest:
    return make_request().model_copy(update={"fit": FitSettings(**fit)})


def test_a_layer_uses_its_parameters_at_every_position() -> None:
    """A convolution of ten parameters a filter works at 26 x 26 places; a dense layer at one."""
    dense = make_description(layer("d", (None, 10), 7850))
    assert operations_per_sample(dense) == 7850 + 10
    conv = make_description(layer("c", (None, 26, 26, 32), 320))
    assert operations_per_sample(conv) == 320 * 26 * 26 + 26 * 26 * 32


def test_a_model_inside_a_model_counts_once() -> None:
    """Its layers are listed themselves."""
    inner = layer("d", (None, 10), 7850, path="inner")
    assert operations_per_sample(make_description(layer("inner", (None, 10), 7850), inner)) == 7860


@given(st.integers(1, 200), st.integers(1, 200))
def test_more_filters_cost_more(one: int, more: int) -> None:
    """The order of trainings follows the size of their networks."""
    small, large = (epoch_cost(request(), convolution(filters)) for filters in (one, one + more))
    assert small < large


@pytest.mark.parametrize("fit", [{"batch_size": 8}, {"batch_size": 1}])
def test_smaller_batches_cost_more(fit: dict[str, int]) -> None:
    """Each step costs something of its own."""
    assert epoch_cost(request(**fit), convolution(32)) > epoch_cost(request(batch_size=32), convolution(32))


def test_what_is_held_back_is_looked_at_and_not_trained_on() -> None:
    """A validation costs a pass forwards: less than training on the same samples, more than leaving them out."""
    all_of_it = epoch_cost(request(), convolution(32))
    half = epoch_cost(request(validation_split=0.5), convolution(32))
    assert all_of_it / 2 < half < all_of_it


@given(st.one_of(st.none(), st.just(Description()), st.just(Description(problem="too large"))))
def test_a_network_that_nobody_described_has_a_cost_too(description: Description | None) -> None:
    """Never nothing: it is a divisor."""
    assert epoch_cost(request(), description) > 0


def test_a_layer_without_a_single_shape_costs_its_parameters() -> None:
    """Where Keras gives none."""
    assert operations_per_sample(make_description(layer("l", None, 100))) == 101
