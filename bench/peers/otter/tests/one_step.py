"""Otter, "Python Format", section "Exception-Based Format": a function that fails by an exception."""

from collections.abc import Callable

from otter.test_files import test_case  # type: ignore[import-not-found]

OK_FORMAT = False
name = "one_step"
points = 1


@test_case()  # type: ignore[untyped-decorator]
def test_one_step(train_mnist_conv: Callable[[], tuple[list[int], float]]) -> None:
    """One epoch, and the share of images that were right."""
    epochs, accuracy = train_mnist_conv()
    assert epochs == [0]
    assert 0 <= accuracy <= 1
