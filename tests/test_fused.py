"""Fused arithmetic is Keras's up to rounding, and a training that goes on is one that never stopped."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAMS = Path(__file__).parent / "programs"
pytestmark = pytest.mark.training
FUSED = pytest.mark.xdist_group("fused")


def printed(program: str) -> Any:
    """What a program printed as JSON."""
    command = [sys.executable, str(PROGRAMS / program)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=PROGRAMS.parent.parent)
    assert ran.returncode == 0, ran.stderr[-2000:]
    return json.loads(ran.stdout)


@pytest.fixture(scope="module")
def compared() -> Any:
    return printed("fused.py")


@FUSED
def test_fused_networks_compute_the_same(compared: Any) -> None:
    """Outputs, gradients, and losses over some epochs, also where the largest value of a window is not alone."""
    for name, found in compared["networks"].items():
        assert found["outputs"] < 1e-6, name
        assert found["gradients"] < 1e-4, name
        assert found["losses"] < 2e-3, name
        assert found["learns"], name
        assert found["names"], name


@FUSED
def test_fused_trainings_repeat_to_the_last_bit(compared: Any) -> None:
    """From one seed the same curve."""
    assert all(found["repeats"] for found in compared["networks"].values())


@FUSED
def test_what_is_known_is_exchanged_and_nothing_else(compared: Any) -> None:
    """Convolution with pooling, pooling alone, wide dense layers; other layers and optimizers stay Keras's."""
    exchanged = {name: found["exchanged"] for name, found in compared["networks"].items()}
    assert exchanged == {
        "reference": 3,
        "same size, odd images": 2,
        "three channels, no bias, large kernel": 2,
        "scaled inside, two convolutions": 3,
        "a convolution of what another has reshaped": 1,
        "a convolution inside of a model that follows another": 0,
        "wide dense": 1,
    }
    assert set(compared["untouched"].values()) == {0}, compared["untouched"]
    assert [name for name, taken in compared["optimizers"].items() if taken] == ["Adam", "AdamW"]


@FUSED
def test_batches_of_any_size(compared: Any) -> None:
    """The last batch is shorter, and a program may predict one image."""
    assert all(found["sizes"] == [1, 96] for found in compared["networks"].values())


def test_a_training_that_goes_on_is_one_that_never_stopped() -> None:
    """Logs, weights and the state at the end, bit for bit; a state of another network is refused."""
    found = printed("going_on.py")
    assert len(found) > 7
    assert [name for name, equal in found.items() if not equal] == []
