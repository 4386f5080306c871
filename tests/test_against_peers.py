"""What the benchmark against other tools computes; nothing is installed or run."""

import ast
import re
from pathlib import Path

import pytest

from bench import against_peers as peers
from bench.against_peers import FRESH, GRADER, TOOLS, UNTRAINED_FRESH, Sample, Taken

PINNED = ("tensorflow", "keras", "numpy")
NBGRADER = next(tool for tool in TOOLS if tool.name == "nbgrader")


def taken(hand_ins: int, first: float, further: float) -> Taken:
    """Three equal rounds of a tool with this cost."""
    many = Sample(cpu=first + further * (hand_ins - 1), wall=1.0, peak=2**20)
    return Taken(hand_ins, [many] * 3, [Sample(cpu=first, wall=1.0, peak=2**20)] * 3)


def pins(text: str) -> dict[str, str]:
    """The exact versions in a list of requirements."""
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", text, re.MULTILINE))


@pytest.mark.parametrize("tool", [tool for tool in TOOLS if tool is not GRADER], ids=lambda tool: tool.name)
def test_every_peer_is_pinned_and_has_the_tensorflow_of_grader(tool: peers.Tool) -> None:
    """Every line pins one version, and what does the mathematics is the same everywhere."""
    own = pins((peers.CHECKOUT / "requirements/runtime.txt").read_text())
    text = peers.requirements(tool)
    listed = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert len(pins(text)) == len(listed)
    assert {name: pins(text)[name] for name in PINNED} == {name: own[name] for name in PINNED}
    assert peers.version(tool)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_every_tool_has_its_three_scripts(tool: peers.Tool) -> None:
    """They are what sets it up, what is measured, and what tells the marks."""
    assert {"prepare.py", "grade.sh", "marks.py"} <= {path.name for path in (peers.PEERS / tool.folder).iterdir()}


def test_hand_ins_differ_and_train_one_step_or_none(tmp_path: Path) -> None:
    """Each student's text is another one, as module and as notebook the same function."""
    folder = peers.write_class(tmp_path / "class", 2, trained=True)
    texts = {path.read_text() for path in folder.glob("*/mnist_conv.py")}
    assert len(texts) == 2
    assert all("epochs=1" in text and "epochs=20" not in text for text in texts)
    assert "model.fit" not in peers.hand_in(0, trained=False)
    cells = peers.as_notebook(peers.hand_in(0, trained=True))["cells"]
    assert [type(node).__name__ for node in ast.parse(cells[1]["source"]).body] == ["FunctionDef"]
    assert cells[0]["source"].startswith("# written by number 0\n")


def test_ratios_leave_the_step_out_for_peers_and_nothing_for_grader() -> None:
    """A peer's further hand-in, less the step, is divided by grader's whole command on its class."""
    results: dict[peers.Tool, Taken | str] = {
        GRADER: taken(100, first=10.4, further=0.4),
        FRESH: taken(8, first=5.0, further=5.0),
        UNTRAINED_FRESH: taken(8, first=4.0, further=4.0),
        NBGRADER: taken(8, first=10.0, further=8.5),
    }
    found = {row["tool"]: row for row in peers.rows(results, rounds=3)}
    assert found["grader"]["cpu_seconds"] == pytest.approx(0.5)
    assert found["nbgrader"]["further_cpu_seconds"] == pytest.approx(8.5)
    assert found["nbgrader"]["without_training_cpu_seconds"] == pytest.approx(7.5)
    assert found["nbgrader"]["ratio_without_training"] == pytest.approx(15.0)
    assert found["fresh process, no step"]["without_training_cpu_seconds"] == pytest.approx(4.0)
    assert [line.rsplit(" ", 1)[1] for line in peers.bars(found.values())] == ["met", "met", "met"]


def test_a_tool_that_failed_is_told_with_its_reason_and_never_counted() -> None:
    """Neither ratio nor bar is claimed for it."""
    results: dict[peers.Tool, Taken | str] = {
        GRADER: taken(100, first=10.4, further=0.4),
        NBGRADER: "no full\nmarks",
    }
    found = peers.rows(results, rounds=3)
    assert found[1]["failed"] == "no full\nmarks"
    assert "ratio" not in found[1]
    assert peers.bars(found) == []
    assert "failed: no full marks" in peers.table(found)


def test_full_marks_are_asked_of_every_student() -> None:
    """One who was left out is as bad as one with less."""
    marks = {"student000": 1.0, "student001": 0.5}
    assert peers.without_full_marks(marks, 3) == ["student001", "student002"]
