"""The page of benchmarks: numbers appear, bars are said to be met or missed, and what is missing is said to be."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bench import scheduling, tables
from bench.scaling import Copy, Known
from grader.model.submission import Cell, Source
from grader.results.folder import ResultsFolder


def peer(tool: str, ratio: float | None, bar: float | None, **changes: Any) -> dict[str, Any]:
    """A row of `bench/against_peers.py`."""
    row = {"tool": tool, "version": "1.2", "bar": bar, "failed": None, "submissions": 8, "cpu_seconds": 5.25}
    row |= {"wall_seconds": 6.5, "without_training_cpu_seconds": None if ratio is None else ratio / 4}
    row |= {"ratio_without_training": ratio, "peak_bytes": 512 * 2**20}
    return row | {"samples": [{"cpu": 40.0}, {"cpu": 42.0}, {"cpu": 44.0}]} | changes


def size(submissions: int, seconds: float, mib: float) -> dict[str, Any]:
    """A row of `bench/scaling.py`."""
    used = {"wall_seconds": seconds / 2, "cpu_seconds": seconds / 2, "peak_bytes": mib * 2**20}
    row = {"submissions": submissions, "regrade": used, "report": used, "wall_seconds": seconds}
    return row | {"cpu_seconds": seconds, "peak_bytes": mib * 2**20}


WORKERS = {"workers": 8, "latency_ms": 10, "makespan_seconds": 390.4, "ideal_seconds": 309.2} | {
    "longest_first_seconds": 333.3,
    "efficiency": 0.79,
    "lowest_efficiency": 0.68,
}
MEASURED: dict[str, dict[str, Any]] = {
    "machine": {"processor": "Abacus 9", "cores": 2, "memory_bytes": 8 * 2**30, "system": "Linux x86_64"}
    | {"python": "3.11.7", "tensorflow": "2.99.0", "keras": "3.99.0", "date": "2026-12-01"},
    "peers": {"rows": [peer("grader", 1.0, None), peer("nbgrader", 22.46, 15.0), peer("check50", 0.8, 1.0)]},
    "trainer": {"gflops": 61.2, "gbytes": 9.87, "rows": [{"network": "32 filters"}]},
    "curves": {
        "rows": [
            {
                "dataset": "mnist",
                "network": "32 filters",
                "key": "accuracy",
                "exact": [0.9, 0.95],
                "apart": [0.0002, -0.0011],
            },
            {
                "dataset": "mnist",
                "network": "32 filters",
                "key": "val_accuracy",
                "exact": [0.9, 0.95],
                "apart": [0.0, 0.002],
            },
            {"dataset": "mnist", "network": "32 filters", "key": "loss", "exact": [0.5, 0.2], "apart": [0.005, 0.004]},
        ]
    },
    "throughput": {"students": 200, "networks": 12, "epochs": 2, "plain_seconds_each": [50.0] * 12}
    | {"plain_scaled_seconds": 5000.0, "grader_seconds": 250.0, "ratio": 20.0, "second_run_seconds": 12.34}
    | {"trainings": 12, "repeated_exactly": 3},
    "scaling": {"rows": [size(1_000, 90.0, 100), size(10_000, 899.0, 130)]},
    "scheduling": {"students": 200, "networks": 12, "classes": 20, "rows": [WORKERS]},
    "dask": {"copies": 60, "rounds": 5, "workers": 2, "local_per_second": 2.0, "dask_per_second": 1.9}
    | {"ratio": 0.95, "lost_worker_seconds": 7.7, "full_marks": 60},
    "overhead": {"copies": 100, "per_core_seconds": 1.31, "fresh_seconds": 13.1, "ratio": 10.0, "fresh_runs": 7}
    | {"job_peak_bytes": 740 * 2**20, "fresh_peak_bytes": 1040 * 2**20},
    "report": {"students": 1000, "first_seconds": 9.1, "again_seconds": 8.2, "pages": 2001, "page_bytes": 2**26}
    | {"class_page_bytes": 2**20, "browser_ms": {"sorted": 74.4}},
}
MEASURED["trainer"]["rows"][0] |= {"plain_ms": 20.01, "exact_ms": 18.02, "fused_ms": 10.03, "roofline_ms": 6.04}
MEASURED["trainer"]["rows"][0] |= {"exact_ratio": 1.11, "fused_ratio": 1.99, "roofline_ratio": 3.31}


def page(folder: Path, measured: dict[str, Any]) -> str:
    """The page about these numbers."""
    (folder / "results").mkdir(parents=True, exist_ok=True)
    for name, found in measured.items():
        (folder / f"results/{name}.json").write_text(json.dumps(found))
    tables.write_page(folder / "results", folder / "docs")
    return (folder / "docs/benchmarks.md").read_text("utf-8")


def line_of(text: str, words: str) -> list[str]:
    """The cells of the row that begins with these words."""
    (found,) = [line for line in text.splitlines() if line.startswith(f"| {words}")]
    return [cell.strip() for cell in found.strip("|").split("|")]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> str:
    return page(tmp_path_factory.mktemp("whole"), MEASURED)


@pytest.mark.parametrize(
    ("row", "cells"),
    [
        ("nbgrader", ["nbgrader 1.2", "8", "5.25", "6.50", "5.615", "22.5", "at least 15 times", "met", "512", "10 %"]),
        (
            "32 filters",
            ["32 filters", "20.01", "18.02", "10.03", "6.04", "1.11", "1.99", "at least 1.5 times", "met", "3.31"],
        ),
        ("mnist", ["mnist", "32 filters", "2", "0.0011", "0.0020", "2.0 %"]),
        ("grader, empty store", ["grader, empty store", "250 s", "–", "–"]),
        ("of them repeated exactly", ["of them repeated exactly", "3", "–", "–"]),
        ("times as fast", ["times as fast", "20.0", "at least 12 times", "met"]),
        ("10,000 |", ["10,000", "449.5", "449.5", "899.0", "90", "130", "130"]),
        ("8 |", ["8", "10", "390", "309", "333", "79 %", "68 %"]),
        ("Dask / local", ["Dask / local", "0.95", "at least 0.9", "met"]),
        ("a fresh process", ["a fresh process", "13.10 s", "1040"]),
        ("in chromium: sorted", ["in chromium: sorted", "after 74 ms"]),
    ],
)
def test_the_numbers_appear(whole: str, row: str, cells: list[str]) -> None:
    """Each benchmark has its row, with its numbers rounded."""
    assert line_of(whole, row) == cells


def test_a_bar_that_is_not_reached_is_missed(whole: str) -> None:
    """A peer that costs less than grader, and memory that grew by more than a quarter."""
    assert line_of(whole, "check50")[6:8] == ["more than 1 times", "**missed**"]
    assert line_of(whole, "memory of 10,000")[1:] == ["1.300 times", "below 1.25 times that of 1,000", "**missed**"]


def test_a_bar_that_is_reached_is_met(whole: str) -> None:
    """Ten thousand in a second less than fifteen minutes."""
    assert line_of(whole, "10,000 judged and reported")[1:] == ["899 s", "below 900 s", "met"]


def test_a_number_without_a_bar_has_no_verdict(whole: str) -> None:
    """Grader itself is not compared with grader."""
    assert line_of(whole, "grader 1.2")[6:8] == ["–", "–"]


def test_the_machine_is_described(whole: str) -> None:
    """Processor, cores, memory, versions and the day."""
    words = " ".join(whole.split())
    assert "Machine: Abacus 9, 2 cores, 8 GiB of memory, Linux x86_64; Python 3.11.7, TensorFlow 2.99.0, Keras" in words
    assert "Measured on 2026-12-01." in words


def test_what_is_missing_is_said_to_be(tmp_path: Path) -> None:
    """Without any numbers each section says so, and no number is made up."""
    text = page(tmp_path, {})
    assert text.count("Not measured.") == len(tables.PARTS)
    assert "The machine was not described." in text
    assert "|" not in text


def test_a_smaller_class_does_not_stand_for_the_largest(tmp_path: Path) -> None:
    """The bar is about 10,000: a run that stopped before them has not met it."""
    text = page(tmp_path, {"scaling": {"rows": [size(1_000, 90.0, 100)]}})
    assert line_of(text, "10,000 judged and reported")[1:] == ["not measured", "below 900 s", "–"]


def test_a_tool_that_failed_is_named_with_its_reason(tmp_path: Path) -> None:
    """It is left out of the table, and never counted as fast."""
    failed = {"tool": "otter-grader", "version": "6", "bar": 15.0, "failed": "no full marks:\n student001"}
    text = page(tmp_path, {"peers": {"rows": [peer("grader", 1.0, None), failed]}})
    assert "otter-grader is not in the table: no full marks: student001" in text


def test_every_plot_in_the_page_is_there(tmp_path: Path) -> None:
    """Plots are small SVG files, and the page names no other."""
    text = page(tmp_path, MEASURED)
    named = set(re.findall(r"\(images/(.*?)\)", text))
    assert named == {path.name for path in (tmp_path / "docs/images").iterdir()}
    assert named == {"bench-peers.svg", "bench-trainer.svg", "bench-scaling.svg"}
    assert all((tmp_path / "docs/images" / name).stat().st_size < 60_000 for name in named)


def test_equal_numbers_give_equal_files(tmp_path: Path) -> None:
    """No time and no random name gets into a plot or the page."""
    texts = []
    for name in ("one", "two"):
        page(tmp_path / name, MEASURED)
        texts.append([path.read_bytes() for path in sorted((tmp_path / name / "docs").rglob("*.*"))])
    assert texts[0] == texts[1]


def test_a_plot_goes_when_its_numbers_are_gone(tmp_path: Path) -> None:
    """No plot of an earlier run stays beside a page that says nothing was measured."""
    page(tmp_path, MEASURED)
    (tmp_path / "results/scaling.json").unlink()
    page(tmp_path, {})
    assert not (tmp_path / "docs/images/bench-scaling.svg").exists()


# ── what the tables are made from ──


def test_a_copy_has_a_curve_a_digest_and_a_fingerprint_of_its_own(tmp_path: Path) -> None:
    """Numbers of the training are moved wherever they stand, and nothing else is changed."""
    run = {"fingerprint": "f1", "epochs": [{"logs": {"accuracy": 0.5, "loss": 2.0}, "accuracy": 0.5}]}
    observation = {"student": "a", "submission_digest": "d", "claimed": [0.5, 0.25, 1], "fits": [{"fingerprint": "f1"}]}
    known = Known(
        {"student": "a", "path": "demo.py", "submission_digest": "d", "curve": [0.5], "score": 10.0},
        {"observation": observation, "training": {"run": run}},
        Source(kind="module", cells=(Cell(number=1, text="pass"),)),
    )
    results = ResultsFolder(tmp_path)
    for number in (0, 2):
        Copy(known, number).write(results, known.source)
    first, second = (
        json.loads((results.place(name) / "evidence.json").read_text()) for name in ("student00000", "student00002")
    )
    assert first["observation"]["claimed"][0] == first["training"]["run"]["epochs"][0]["accuracy"] < 0.5
    assert first["observation"]["claimed"][1:] == [0.25, 1]
    assert first["observation"]["fits"][0]["fingerprint"] == first["training"]["run"]["fingerprint"] != "f1"
    assert first["observation"]["submission_digest"] != second["observation"]["submission_digest"]
    assert first["training"]["run"]["epochs"] != second["training"]["run"]["epochs"]


@pytest.mark.parametrize("workers", [1, 2, 32])
def test_a_simulated_class_takes_at_least_the_ideal_time(workers: int) -> None:
    """No order of work is faster than all work shared out evenly; on one core none is slower either."""
    row = scheduling.simulate([scheduling.School.drawn(20, 3, 1)], workers, 0)
    assert row["makespan_seconds"] >= row["ideal_seconds"] - 1e-6
    assert row["longest_first_seconds"] >= row["ideal_seconds"] - 1e-6
    assert workers > 1 or row["efficiency"] == pytest.approx(1.0)


def test_latency_makes_a_class_slower() -> None:
    """It is spent for each errand: at least for 20 runs and three trainings."""
    school = scheduling.School.drawn(20, 3, 1)
    quick, slow = (scheduling.simulate([school], 1, latency)["makespan_seconds"] for latency in (0, 100))
    assert slow - quick >= 0.1 * 23 - 1e-6
