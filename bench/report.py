"""Time and size of the pages about a large class.

    python bench/report.py [--students 1000] [--evidence FOLDER] [--json FILE]

The solutions of `mnist_conv` are graded with its recorded trainings, so that curves, evidence and sources are real ones;
`--evidence` takes a folder of such results instead. They are handed to as many students as asked for, every second one as
a notebook with the Markdown of the handout and a cell of its own; a list of the class has as many and a tenth more, and
some are late. Printed: seconds and bytes of all pages, what the page of the class weighs, and, where there is chromium,
when it can be used and how long sorting and searching take.
"""

import argparse
import itertools
import json
import shutil
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from grader.discovery import read_source
from grader.model.assignment import Assignment, load_assignment
from grader.model.lateness import LatePolicy
from grader.model.submission import Cell, Source, Submission
from grader.pipeline import places
from grader.pipeline.bookkeeping import Bookkeeping
from grader.pipeline.grade import Grading
from grader.pipeline.report import Wanted, write_report
from grader.pipeline.settings import Settings
from grader.pipeline.watch import Silent
from grader.results.folder import ResultsFolder
from grader.validation.shipped import ShippedRuns
from tests.browser import PROGRAM, Browser

CHECKOUT = Path(__file__).resolve().parent.parent
FOLDER = CHECKOUT / "assignments/mnist_conv"
DUE = datetime(2026, 12, 1, 12, tzinfo=UTC)
SORT = """async (column) => { const begun = performance.now();
  document.querySelectorAll("table[data-tools] thead button")[column].click();
  await new Promise(done => requestAnimationFrame(() => setTimeout(done))); return performance.now() - begun; }"""
SEARCH = """async (text) => { const begun = performance.now(), field = document.querySelector("input[type=search]");
  field.value = text; field.dispatchEvent(new Event("input"));
  await new Promise(done => requestAnimationFrame(() => setTimeout(done))); return performance.now() - begun; }"""


def graded_solutions(folder: Path) -> ResultsFolder:
    """The solutions, graded without training anything."""
    members = []
    for number, place in enumerate(sorted(FOLDER.parents[1].glob("solutions/mnist_conv/*/mnist_conv.*"))):
        name = place.parent.name
        members.append(Submission(student=name, path=place.name, digest=f"{number:064x}", source=read_source(place)))
    settings = Settings(places.datasets(), None, jobs=2, quick=True, shipped=ShippedRuns(FOLDER / "trainings"))
    output = ResultsFolder(folder)
    Grading(load_assignment(FOLDER), settings, output, Silent()).run(members)
    return output


def as_notebook(source: Source, handout: Source, number: int) -> Source:
    """The code behind the Markdown of the handout, and a cell that nobody else has."""
    own = f"## What I found\n\nStudent **{number}** saw `{number % 97}` epochs and $a_{number}$:\n\n- one\n- two\n"
    prose = [*handout.prose, Cell(number=100, text=own)]
    cells = [cell.model_copy(update={"number": 101 + place}) for place, cell in enumerate(source.cells)]
    return Source(kind="notebook", cells=tuple(cells), notes=source.notes, prose=tuple(prose))


def write_class(folder: Path, known: ResultsFolder, count: int, assignment: Assignment) -> None:
    """A class of so many."""
    output, handout = ResultsFolder(folder), read_source(FOLDER / "starter/mnist_conv.ipynb")
    for number, known_one in zip(range(count), itertools.cycle(known.results()), strict=False):
        name, kept = f"student{number:04}", known.kept(known_one.student)
        evidence, source = kept.evidence(), kept.source()
        if source is not None and source.kind == "module" and number % 2:
            source = as_notebook(source, handout, number)
        came = DUE + timedelta(hours=number % 50 - 40)
        changes = {"student": name, "path": f"{name}/mnist_conv.ipynb", "handed_in": came}
        output.write(known_one.model_copy(update=changes), evidence, source=source)
    people = [f"student{number:04},Student Number {number},Section {number % 8}" for number in range(count * 11 // 10)]
    (folder / "roster.csv").write_text("\n".join(["student,name,section", *people]) + "\n")
    Bookkeeping(assignment, output).write(output.results())


def seconds_of_report(folder: Path, assignment: Assignment) -> float:
    """Seconds for all pages."""
    begun = time.perf_counter()
    write_report(folder, lambda _: assignment, Wanted(folder))
    return time.perf_counter() - begun


def use(page: Path) -> Sequence[tuple[str, float]]:
    """What a person waits for on a page, in milliseconds; with an empty cache, the worst of three."""
    worst: dict[str, float] = {}
    for _ in range(3):
        with Browser() as browser:
            browser.open(page)
            timing = "performance.getEntriesByType('navigation')[0]"
            found = {
                "interactive": browser.run(f"{timing}.domInteractive"),
                "loaded": browser.run(f"{timing}.loadEventEnd"),
                "sorted": browser.page.evaluate(SORT, 1),
                "searched": browser.page.evaluate(SEARCH, "student01"),
            }
        worst = {name: max(value, worst.get(name, 0.0)) for name, value in found.items()}
    return list(worst.items())


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", type=int, default=1_000)
    parser.add_argument("--evidence", type=Path)
    parser.add_argument("--json", type=Path, help="where the numbers are written")
    options = parser.parse_args()
    late = LatePolicy(due=DUE, per_day=0.1)
    assignment = load_assignment(FOLDER).model_copy(update={"late": late})
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        known = ResultsFolder(options.evidence) if options.evidence else graded_solutions(place / "known")
        folder = place / "class"
        folder.mkdir()
        write_class(folder, known, options.students, assignment)
        first, again = seconds_of_report(folder, assignment), seconds_of_report(folder, assignment)
        pages = list(folder.rglob("*.html"))
        size = sum(path.stat().st_size for path in pages) / 2**20
        print(
            f"{options.students} submissions: {first:.1f} s for {len(pages)} pages of {size:.0f} MiB; again {again:.1f} s"
        )
        page = folder / "report.html"
        print(f"page of the class: {page.stat().st_size / 2**20:.2f} MiB")
        in_browser = [] if PROGRAM is None else use(page)
        if in_browser:
            print("in chromium: " + ", ".join(f"{name} after {value:.0f} ms" for name, value in in_browser))
        if options.json:
            found = {
                "students": options.students,
                "first_seconds": first,
                "again_seconds": again,
                "pages": len(pages),
                "page_bytes": sum(path.stat().st_size for path in pages),
                "class_page_bytes": page.stat().st_size,
                "browser_ms": dict(in_browser),
            }
            options.json.write_text(json.dumps(found, indent=1))
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
