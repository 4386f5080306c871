"""Writes docs/benchmarks.md and its plots from the numbers that the benchmarks left in bench/results/.

    python bench/tables.py --machine                        describe this machine in bench/results/machine.json
    python bench/tables.py [--results FOLDER] [--docs DOCS]  write the page and the plots

Nothing is measured here. A benchmark whose file is missing is said not to be measured, and has no plot.
"""

import argparse
import importlib.metadata
import json
import math
import operator
import os
import platform
import statistics
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import matplotlib
import psutil

from grader.judging import tolerance

matplotlib.use("svg")
from matplotlib import pyplot

CHECKOUT = Path(__file__).resolve().parent.parent
RESULTS = CHECKOUT / "bench/results"
MIB = 2**20
Numbers = dict[str, Any]
NOT_MEASURED = "Not measured."
COLOURS = {"grader": "#1b6ca8", "others": "#9aa5b1", "plain": "#9aa5b1", "exact": "#5b8def", "fused": "#1b6ca8"} | {
    "roofline": "#d9822b"
}


@dataclass(frozen=True)
class Bar:
    """What a number must reach."""

    limit: float
    side: str = "at least"
    unit: str = ""

    def met(self, value: float) -> bool:
        """Whether it does."""
        return SIDES[self.side](value, self.limit)

    def __str__(self) -> str:
        """The bar in words."""
        return f"{self.side} {self.limit:g}{self.unit}"


SIDES: dict[str, Callable[[float, float], bool]] = {"at least": operator.ge, "more than": operator.gt} | {
    "below": operator.lt
}
BARS = {
    "cheaper": Bar(1.0, "more than", " times"),
    "seconds of 10,000": Bar(900, "below", " s"),
    "memory of 10,000": Bar(1.25, "below", " times that of 1,000"),
    "Dask": Bar(0.9),
    "fused": Bar(1.5, unit=" times"),
    "class": Bar(12, unit=" times"),
    "second run": Bar(60, "below", " s"),
}
"""Those that the benchmarks do not state themselves. Memory is called flat if ten times as many students need less than
a quarter more."""


REFERENCES = ("32 filters", "64 filters")
"""The networks for which there is a bar."""


def judged(value: float, bar: Bar | None) -> list[str]:
    """Two cells: the bar, and whether it is met."""
    if bar is None:
        return ["–", "–"]
    return [str(bar), "met" if bar.met(value) else "**missed**"]


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table in Markdown; everything but the first column is set right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in cells)} |" for cells in lines)


def prose(words: str) -> str:
    """A paragraph in lines of 120."""
    return textwrap.fill(words, 120, break_long_words=False, break_on_hyphens=False)


def figure(name: str, words: str) -> str:
    """A plot in the page."""
    return f"![{words}](images/bench-{name}.svg)"


# ── the parts of the page ──


def peers(found: Numbers) -> str:
    """What grading costs beside training, against others."""
    rows, failed = [], []
    for row in found["rows"]:
        name = f"{row['tool']} {row['version']}".strip()
        if row["failed"] is not None:
            failed.append(prose(f"{row['tool']} is not in the table: {' '.join(row['failed'].split())[:200]}"))
            continue
        times, bare = row["ratio_without_training"], row["without_training_cpu_seconds"]
        bar = None if row["bar"] is None else Bar(row["bar"], unit=" times") if row["bar"] > 1 else BARS["cheaper"]
        verdict = ["–", "–"] if times is None else judged(times, bar)
        samples = [sample["cpu"] for sample in row["samples"]]
        spread = 100 * (max(samples) - min(samples)) / statistics.median(samples)
        rows.append(
            [
                name,
                row["submissions"],
                f"{row['cpu_seconds']:.2f}",
                f"{row['wall_seconds']:.2f}",
                "–" if bare is None else f"{bare:.3f}",
                "–" if times is None else f"{times:.1f}",
                *verdict,
                f"{row['peak_bytes'] / MIB:.0f}",
                f"{spread:.0f} %",
            ]
        )
    head = "tool,hand-ins,processor s each,wall s each,without training,times grader,bar,,largest process MiB,spread"
    return "\n\n".join(
        [
            prose(
                "The same hand-in for every tool: the reference of `mnist_conv`, trained for one step. Each tool is set up as "
                "its documentation says, in an environment of its own with the same TensorFlow, and gives full marks to all. "
                "*Without training* is what a further hand-in costs, less the step; for grader it is the whole command, start "
                "included, divided by the hand-ins. *Spread* is the distance between the rounds, as a part of the median."
            ),
            figure("peers", "Processor seconds of a hand-in without training, by tool"),
            table(head.split(","), rows),
            *failed,
        ]
    )


def trainer(found: Numbers) -> str:
    """Plain fit, exact and fused arithmetic, and the machine's limit."""
    rows = [
        [
            row["network"],
            *(f"{row[f'{mode}_ms']:.2f}" for mode in ("plain", "exact", "fused", "roofline")),
            *(f"{row[f'{mode}_ratio']:.2f}" for mode in ("exact", "fused")),
            *judged(row["fused_ratio"], BARS["fused"] if row["network"] in REFERENCES else None),
            f"{row['roofline_ratio']:.2f}",
        ]
        for row in found["rows"]
    ]
    head = "network,plain ms,exact ms,fused ms,roofline ms,exact: times as fast,fused,bar,,roofline"
    return "\n\n".join(
        [
            prose(
                f"Milliseconds of a step of 32 images on one thread. This core does {found['gflops']:.0f} GFLOP/s in a product "
                f"of large matrices and moves {found['gbytes']:.1f} GB/s; the roofline is what a step would take if nothing but "
                "its unavoidable operations and traffic took time, at these rates."
            ),
            figure("trainer", "Milliseconds of a step by network and arithmetic"),
            table(head.split(","), rows),
        ]
    )


def curves(found: Numbers) -> str:
    """How far fused arithmetic lies from Keras's own."""
    apart: dict[tuple[str, str], dict[str, float]] = {}
    epochs: dict[tuple[str, str], int] = {}
    for row in found["rows"]:
        place = row["dataset"], row["network"]
        parts = [1.0] * len(row["apart"]) if row["key"] != "loss" else row["exact"]
        most = max(abs(value) / part for value, part in zip(row["apart"], parts, strict=True))
        apart.setdefault(place, {})[row["key"]] = most
        epochs[place] = len(row["apart"])
    rows = [
        [
            dataset,
            network,
            epochs[dataset, network],
            f"{most['accuracy']:.4f}",
            f"{most['val_accuracy']:.4f}",
            f"{100 * most['loss']:.1f} %",
        ]
        for (dataset, network), most in apart.items()
    ]
    head = "data,network,epochs,accuracy,on test images,loss"
    bounds = [f"{tolerance.ACCURACY}", f"{tolerance.TEST_ACCURACY}", f"{100 * tolerance.LOSS:.0f} %"]
    return "\n\n".join(
        [
            prose(
                "All training images, one seed, trained by the trainer's exact and by its fused arithmetic: the largest "
                "difference after any of the epochs. The last row is the tolerance within which a verdict must hold."
            ),
            table(head.split(","), [*rows, ["tolerance", "", "", *bounds]]),
        ]
    )


def throughput(found: Numbers) -> str:
    """A class, against one training for each hand-in."""
    most = found["students"] / found["networks"]
    rows = [
        ["plain Keras, each hand-in on its own", f"{found['plain_scaled_seconds']:.0f} s", "–", "–"],
        ["grader, empty store", f"{found['grader_seconds']:.0f} s", "–", "–"],
        ["times as fast", f"{found['ratio']:.1f}", *judged(found["ratio"], BARS["class"])],
        [
            "grader again, after a check was changed",
            f"{found['second_run_seconds']:.1f} s",
            *judged(found["second_run_seconds"], BARS["second run"]),
        ],
        ["trainings", found["trainings"], "–", "–"],
    ]
    if found.get("repeated_exactly") is not None:
        rows.append(["of them repeated exactly", found["repeated_exactly"], "–", "–"])
    return "\n\n".join(
        [
            prose(
                f"{found['students']} students share {found['networks']} networks, each trained for {found['epochs']} epochs. "
                f"{len(found['plain_seconds_each'])} hand-ins were trained with plain Keras, as many at a time as there are "
                f"cores, and their time is scaled to the class. Sharing alone could give at most {most:.1f} times; "
                "faster trainings come on top, and running every hand-in takes some of it."
            ),
            table(["", "measured", "bar", ""], rows),
        ]
    )


def scaling(found: Numbers) -> str:
    """10 to 10,000."""
    rows = [
        [
            f"{row['submissions']:,}",
            f"{row['regrade']['wall_seconds']:.1f}",
            f"{row['report']['wall_seconds']:.1f}",
            f"{row['cpu_seconds']:.1f}",
            f"{1000 * row['wall_seconds'] / row['submissions']:.0f}",
            f"{row['regrade']['peak_bytes'] / MIB:.0f}",
            f"{row['report']['peak_bytes'] / MIB:.0f}",
        ]
        for row in found["rows"]
    ]
    head = "hand-ins,`regrade` s,`report` s,processor s of both,ms each,`regrade` MiB,`report` MiB"
    return "\n\n".join(
        [
            prose(
                "Recorded observations of `mnist_conv`, a training, a curve and a text of its own for each student. After a "
                "check was changed, `grader regrade` judges everybody again and writes all pages; `grader report` writes "
                "them once more elsewhere. Memory is the largest resident memory of the command."
            ),
            figure("scaling", "Seconds and memory for 10 to 10,000 hand-ins"),
            table(head.split(","), rows),
            table(["", "measured", "bar", ""], scaling_bars({row["submissions"]: row for row in found["rows"]})),
        ]
    )


def scaling_bars(rows: dict[int, Numbers]) -> list[list[str]]:
    """The two bars of the largest class, as far as they were measured."""
    seconds, memory = "10,000 judged and reported", "memory of 10,000"
    if 10_000 not in rows:
        return [[seconds, "not measured", str(BARS["seconds of 10,000"]), "–"]]
    wall = rows[10_000]["wall_seconds"]
    found = [[seconds, f"{wall:.0f} s", *judged(wall, BARS["seconds of 10,000"])]]
    if 1_000 in rows:
        ratio = rows[10_000]["peak_bytes"] / rows[1_000]["peak_bytes"]
        found.append([memory, f"{ratio:.3f} times", *judged(ratio, BARS[memory])])
    return found


def scheduling(found: Numbers) -> str:
    """How busy workers are kept, by simulation."""
    rows = [
        [
            row["workers"],
            row["latency_ms"],
            f"{row['makespan_seconds']:.0f}",
            f"{row['ideal_seconds']:.0f}",
            f"{row['longest_first_seconds']:.0f}",
            f"{100 * row['efficiency']:.0f} %",
            f"{100 * row['lowest_efficiency']:.0f} %",
        ]
        for row in found["rows"]
    ]
    head = "workers,latency ms,s needed,s ideal,s longest first,efficiency,lowest"
    return "\n\n".join(
        [
            prose(
                f"By simulation, with a clock of its own: {found['students']} students, {found['networks']} networks, runs of "
                "1.2 s, 5 to 12 epochs of 20 s, and a latency for each errand. *Ideal* is all work shared out evenly, or the "
                "longest training with its runs where that takes longer. No order reaches it where few trainings, which "
                "cannot be divided, meet several workers: *longest first* is what would be needed if every length were known "
                f"beforehand. Means of {found['classes']} classes."
            ),
            table(head.split(","), rows),
        ]
    )


def dask(found: Numbers) -> str:
    """A cluster on this machine, against threads."""
    rows = [
        ["local engine", f"{found['local_per_second']:.2f} a second", "–", "–"],
        ["Dask", f"{found['dask_per_second']:.2f} a second", "–", "–"],
        ["Dask / local", f"{found['ratio']:.2f}", *judged(found["ratio"], BARS["Dask"])],
        ["one worker killed", f"{found['lost_worker_seconds']:+.1f} s", "–", "–"],
        ["full marks after that", found["full_marks"], *judged(found["full_marks"], Bar(found["copies"]))],
    ]
    return "\n\n".join(
        [
            prose(
                f"{found['copies']} hand-ins whose training is known, on {found['workers']} workers; medians of "
                f"{found['rounds']} rounds in turn."
            ),
            table(["", "measured", "bar", ""], rows),
        ]
    )


def overhead(found: Numbers) -> str:
    """A hand-in whose training is known, and its memory, against a fresh process."""
    rows = [
        ["grader, a hand-in and core", f"{found['per_core_seconds']:.2f} s", f"{found['job_peak_bytes'] / MIB:.0f}"],
        ["a fresh process", f"{found['fresh_seconds']:.2f} s", f"{found['fresh_peak_bytes'] / MIB:.0f}"],
    ]
    return "\n\n".join(
        [
            prose(
                f"{found['copies']} hand-ins whose training is known, with warm sandboxes, and {found['fresh_runs']} fresh Python "
                "processes that import TensorFlow, load MNIST and compile the same network. The memory of a job is what it needs "
                "beyond its zygote, which all jobs of a core share; both are the largest that were seen. "
                f"grader is {found['ratio']:.1f} times as fast."
            ),
            table(["", "wall time", "MiB"], rows),
        ]
    )


def report(found: Numbers) -> str:
    """The pages of a large class."""
    rows = [
        ["all pages, written", f"{found['first_seconds']:.1f} s"],
        ["again, unchanged", f"{found['again_seconds']:.1f} s"],
        ["pages", f"{found['pages']:,} of {found['page_bytes'] / MIB:.0f} MiB"],
        ["page of the class", f"{found['class_page_bytes'] / MIB:.2f} MiB"],
        *([f"in chromium: {name}", f"after {value:.0f} ms"] for name, value in found["browser_ms"].items()),
    ]
    return "\n\n".join(
        [prose(f"A class of {found['students']:,} with real curves, sources and prose."), table(["", "measured"], rows)]
    )


# ── plots ──


def plot_peers(found: Numbers) -> None:
    """Processor seconds without training, on a logarithmic axis."""
    rows = [row for row in found["rows"] if row["failed"] is None and (row["without_training_cpu_seconds"] or 0) > 0]
    rows.sort(key=lambda row: -float(row["without_training_cpu_seconds"]))
    values = [row["without_training_cpu_seconds"] for row in rows]
    colours = [COLOURS["grader" if row["tool"] == "grader" else "others"] for row in rows]
    pyplot.figure(figsize=(7, 0.4 * len(rows) + 1))
    bars = pyplot.barh([row["tool"] for row in rows], values, color=colours)
    pyplot.bar_label(bars, [f"{value:.2g}" for value in values], padding=3)
    pyplot.xscale("log")
    pyplot.xlim(10 ** math.floor(math.log10(min(values, default=1))), 2 * max(values, default=1))
    pyplot.gca().xaxis.set_major_formatter("{x:g}")
    pyplot.gca().xaxis.set_minor_formatter("")
    pyplot.xlabel("processor seconds of a hand-in, training left out (logarithmic)")


def plot_trainer(found: Numbers) -> None:
    """Bars of a step, by network."""
    rows, modes = found["rows"], ("plain", "exact", "fused", "roofline")
    pyplot.figure(figsize=(7, 3.5))
    for place, mode in enumerate(modes):
        where = [index + 0.2 * (place - 1.5) for index in range(len(rows))]
        pyplot.bar(where, [row[f"{mode}_ms"] for row in rows], 0.2, label=mode, color=COLOURS[mode])
    pyplot.xticks(range(len(rows)), [row["network"] for row in rows])
    pyplot.ylabel("ms a step")
    pyplot.legend(frameon=False)


def plot_scaling(found: Numbers) -> None:
    """Seconds and memory over the size of the class."""
    rows = found["rows"]
    sizes = [row["submissions"] for row in rows]
    _, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    for verb, colour in (("regrade", COLOURS["fused"]), ("report", COLOURS["roofline"])):
        left.loglog(sizes, [row[verb]["wall_seconds"] for row in rows], "o-", color=colour, label=f"grader {verb}")
        right.semilogx(sizes, [row[verb]["peak_bytes"] / MIB for row in rows], "o-", color=colour)
    left.axhline(BARS["seconds of 10,000"].limit, color="black", linewidth=0.8, linestyle="--", label="bar for both")
    left.set(xlabel="hand-ins", ylabel="wall seconds")
    for axes in (left, right):
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
        axes.minorticks_off()
    left.yaxis.set_major_formatter("{x:g}")
    right.set(xlabel="hand-ins", ylabel="largest resident memory, MiB")
    right.set_ylim(bottom=0)
    left.legend(frameon=False)


def write_plot(draw: Callable[[Numbers], None], found: Numbers, path: Path) -> None:
    """One plot, the same bytes for the same numbers."""
    path.parent.mkdir(parents=True, exist_ok=True)
    settings: dict[Any, Any] = {"svg.hashsalt": "grader", "svg.fonttype": "none"}
    settings |= {"axes.spines.top": False, "axes.spines.right": False}
    with matplotlib.rc_context(settings):
        draw(found)
        pyplot.savefig(path, bbox_inches="tight", metadata={"Date": None, "Creator": None})
        pyplot.close()
    path.write_text("\n".join(line.rstrip() for line in path.read_text("utf-8").splitlines()) + "\n", "utf-8")


# ── the page ──


@dataclass(frozen=True)
class Part:
    """A section of the page."""

    name: str
    """Of the file with its numbers, without `.json`."""
    title: str
    script: str
    write: Callable[[Numbers], str]
    plot: Callable[[Numbers], None] | None = None


PARTS = (
    Part("peers", "What a hand-in costs beside training", "bench/against_peers.py", peers, plot_peers),
    Part("trainer", "Training", "bench/trainer.py", trainer, plot_trainer),
    Part("curves", "How far fast trainings lie from exact ones", "bench/trainer.py --curves", curves),
    Part("throughput", "A class that shares networks", "bench/class_throughput.py", throughput),
    Part("scaling", "From 10 to 10,000", "bench/scaling.py", scaling, plot_scaling),
    Part("scheduling", "From 1 to 32 workers", "bench/scheduling.py", scheduling),
    Part("dask", "A Dask cluster", "bench/dask_engine.py", dask),
    Part("overhead", "Time and memory of a sandbox", "bench/overhead.py", overhead),
    Part("report", "Pages of a large class", "bench/report.py", report),
)
INTRODUCTION = """# Benchmarks

<!-- Written by bench/tables.py from bench/results/; do not edit. -->

What `grader` costs, measured on one machine, each number beside the bar that it must reach where there is one. `make
bench` measures everything anew, which takes half an hour to eighty minutes on two cores, and writes this page; `python bench/tables.py`
writes it from the numbers in `bench/results/`. Each section names its script, which says in its first lines what is
measured and how; `--json FILE` writes its numbers.
"""
NOISE = """## What noise to expect

Nothing else should run while it is measured. On a machine whose processors are shared, wall times can double in a bad
minute while processor times stay nearly the same: compare those first. What is compared is measured in turn, within one
run, and medians are taken, so that a ratio repeats better than its seconds; the spread in the first table says how far
the rounds of this run lay apart. Resident memory is looked at 20 times a second, and a shorter peak can be missed. The
simulation gives the same numbers everywhere.
"""


def machine() -> Numbers:
    """This machine."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "tensorflow": importlib.metadata.version("tensorflow"),
        "keras": importlib.metadata.version("keras"),
        "date": datetime.now(UTC).date().isoformat(),
    }


def processor() -> str:
    """The name of the processor, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor())


def described(found: Numbers | None) -> str:
    """The machine in words."""
    if found is None:
        return "The machine was not described."
    return prose(
        f"Machine: {found['processor'] or 'processor not known'}, {found['cores']} cores, "
        f"{found['memory_bytes'] / 2**30:.0f} GiB of memory, {found['system']}; Python {found['python']}, TensorFlow "
        f"{found['tensorflow']}, Keras {found['keras']}. Measured on {found['date']}."
    )


def read(results: Path, name: str) -> Numbers | None:
    """The numbers of a benchmark; None if there are none."""
    path = results / f"{name}.json"
    if not path.is_file():
        return None
    found: Numbers = json.loads(path.read_text("utf-8"))
    return found


def write_page(results: Path, docs: Path) -> None:
    """The page and its plots; a plot without numbers is removed."""
    sections = [INTRODUCTION, described(read(results, "machine")) + "\n"]
    for part in PARTS:
        found, image = read(results, part.name), docs / f"images/bench-{part.name}.svg"
        if found is None:
            image.unlink(missing_ok=True)
        elif part.plot is not None:
            write_plot(part.plot, found, image)
        text = NOT_MEASURED if found is None else part.write(found)
        sections.append(f"## {part.title}\n\n{text}\n\nScript: `{part.script}`.\n")
    docs.mkdir(parents=True, exist_ok=True)
    (docs / "benchmarks.md").write_text("\n".join([*sections, NOISE]), "utf-8")


def main() -> None:
    """Write the description of the machine, or the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--machine", action="store_true", help="describe this machine only")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--docs", type=Path, default=CHECKOUT / "docs")
    options = parser.parse_args()
    if options.machine:
        options.results.mkdir(parents=True, exist_ok=True)
        (options.results / "machine.json").write_text(json.dumps(machine(), indent=1) + "\n", "utf-8")
    else:
        write_page(options.results, options.docs)


if __name__ == "__main__":
    main()
