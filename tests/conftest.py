"""What all tests share: the quick ones run first.

There are two marks, declared in `pyproject.toml`: `sandbox` (needs kernel features) and `training` (slow).
"""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests marked `sandbox` behind the others and those marked `training` last; the rest keep their order."""
    items.sort(
        key=lambda item: (
            item.get_closest_marker("training") is not None,
            item.get_closest_marker("sandbox") is not None,
        )
    )
