"""Graphics processors: found by their files, given to the trainer's box alone, and to no training that must be exact.

There is none here: files stand in the place of devices, and a list of our own in the place of TensorFlow's.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from grader import gpu
from grader.cli import places
from grader.sandbox.box import Box, Level
from grader.sandbox.doctor import graphics
from grader.sandbox.peer import Job, Peer
from grader.sandbox.slot import Slot
from grader.training.store import machine_kind

CHECKOUT = Path(__file__).parent.parent
TWO = ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the place of /dev, another in that of the driver's."""
    (tmp_path / "dev").mkdir()
    monkeypatch.setattr(gpu, "DEV", tmp_path / "dev")
    monkeypatch.setattr(gpu, "PROC", tmp_path / "gpus")
    monkeypatch.delenv(gpu.SWITCH, raising=False)
    return tmp_path


def add(machine: Path, *names: str, models: tuple[str, ...] = ()) -> None:
    """Put files there as the driver does."""
    for name in names:
        (machine / "dev" / name).write_text("")
    for number, model in enumerate(models):
        place = machine / "gpus" / f"0000:0{number}:00.0"
        place.mkdir(parents=True)
        (place / "information").write_text(f"Model: \t\t {model}\nIRQ:   \t\t 42\nDevice Minor: \t {number}\n")


@pytest.mark.parametrize("names", [(), ("null", "zero"), ("nvidiactl", "nvidia-uvm"), ("nvidia-caps",)])
def test_without_a_numbered_device_there_is_none(machine: Path, names: tuple[str, ...]) -> None:
    """A driver alone computes nothing."""
    add(machine, *names)
    assert (gpu.devices(), gpu.models(), graphics().good) == ((), (), True)
    assert "none" in graphics().detail


def test_devices_and_models_are_found(machine: Path) -> None:
    """All that a program needs, and nothing beside it."""
    add(machine, *TWO, "null", "nvidia-caps", models=("Tesla T4", "A100-SXM4"))
    assert [Path(name).name for name in gpu.devices()] == list(TWO)
    assert gpu.models() == ("A100-SXM4", "Tesla T4")
    assert graphics().detail.startswith("A100-SXM4, Tesla T4;")


def test_a_driver_that_tells_nothing_still_makes_another_machine(machine: Path) -> None:
    """In some containers the driver's folder is not there."""
    before = machine_kind()
    add(machine, *TWO)
    assert len(gpu.models()) == 1
    assert machine_kind() != before


def test_the_switch_leaves_them_alone(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the machine is what it is without."""
    before = machine_kind()
    add(machine, *TWO, models=("Tesla T4",))
    assert machine_kind() != before
    monkeypatch.setenv(gpu.SWITCH, "0")
    assert (gpu.devices(), gpu.models(), machine_kind()) == ((), (), before)


def box(level: Level, role: Any, machine: Path) -> Box:
    return Box(level, role, places.datasets(), machine / "scratch", 2**20)


@pytest.mark.parametrize("level", ["full", "contained"])
def test_only_the_trainer_gets_them(machine: Path, level: Level) -> None:
    """A guest runs what students wrote."""
    add(machine, *TWO)
    for role, given in (("guest", ()), ("trainer", gpu.devices())):
        made = box(level, role, machine)
        words = made.command()
        bound = [words[at + 1] for at, word in enumerate(words) if word == "--dev-bind"]
        assert bound == (list(given) if level == "full" else [])
        assert json.loads(words[-1])["devices"] == list(given)
        assert ("TF_FORCE_GPU_ALLOW_GROWTH" in made.environment()) == bool(given)
        assert (made.environment().get("CUDA_VISIBLE_DEVICES") == "-1") == (not given)


def test_the_choice_among_several_is_kept(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for every other program."""
    add(machine, *TWO)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert box("full", "trainer", machine).environment()["CUDA_VISIBLE_DEVICES"] == "1"
    assert box("full", "guest", machine).environment()["CUDA_VISIBLE_DEVICES"] == "-1"


USE = """
import sys
from grader.zygote.confine import apply_landlock
if not apply_landlock(["/"], [sys.argv[1]], [sys.argv[2]]):
    sys.exit(3)
for name in sys.argv[2:]:
    try:
        open(name, "r+").close()
        print("used")
    except PermissionError:
        print("refused")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Landlock is Linux's")
def test_landlock_lets_the_devices_be_used_and_no_others(machine: Path) -> None:
    """Read and written, as a device must be."""
    add(machine, *TWO)
    (machine / "writable").mkdir()
    words = [sys.executable, "-c", USE, str(machine / "writable"), *(str(machine / "dev" / name) for name in TWO[:2])]
    ran = subprocess.run(words, capture_output=True, text=True, check=False, cwd=CHECKOUT)
    if ran.returncode == 3:
        pytest.skip("this kernel has no Landlock")
    assert (ran.returncode, ran.stdout.split()) == (0, ["used", "refused"]), ran.stderr


@pytest.mark.sandbox
@pytest.mark.timeout(120)
@pytest.mark.parametrize("level", ["full", "contained"])
def test_a_trainer_with_devices_that_are_none_computes_without(machine: Path, level: Level) -> None:
    """TensorFlow finds no driver behind the files, and the job is done by the processor."""
    add(machine, *TWO)
    slot = Slot(level, "trainer", places.datasets())
    answers: list[dict[str, Any]] = []

    def converse(peer: Peer) -> None:
        frame = peer.receive()
        answers.append(frame.body)
        peer.finish()
        peer.send({"type": "bye"})

    order = {"model": DENSE, "input_shape": [4]}
    try:
        measured, _ = slot.run(Job("describe", order), converse)
    finally:
        slot.close()
    assert (measured.ending.kind, answers[0]["problem"], answers[0]["parameters"]) == ("finished", "", 15)


DENSE = {
    "module": "keras",
    "class_name": "Sequential",
    "config": {
        "name": "net",
        "layers": [{"module": "keras.layers", "class_name": "Dense", "config": {"name": "last", "units": 3}}],
    },
    "registered_name": None,
}

PLACE = """
import sys
import tensorflow as tf
from grader.trainer.jobs import take_place
hidden = []
tf.config.list_physical_devices = lambda kind: ["one"] * int(sys.argv[1])
tf.config.set_visible_devices = lambda devices, kind: hidden.append((devices, kind))
print(take_place(fused=sys.argv[2] == "fused"), hidden)
"""


@pytest.mark.parametrize(
    ("count", "how", "said"),
    [
        ("0", "fused", "False []"),
        ("0", "exact", "False []"),
        ("1", "fused", "True []"),
        ("1", "exact", "False [([], 'GPU')]"),
    ],
)
def test_an_exact_training_never_sees_one(count: str, how: str, said: str) -> None:
    """Elsewhere its last bits would be others."""
    ran = subprocess.run(
        [sys.executable, "-c", PLACE, count, how], capture_output=True, text=True, check=False, cwd=CHECKOUT
    )
    assert ran.stdout.strip() == said, ran.stderr
