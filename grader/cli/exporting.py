"""The verb that hands results to other programs."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from grader.cli.base import NEEDS_PERSON, app, err
from grader.cli.scores import find_scores, try_assignment
from grader.errors import SetupError
from grader.exports import FORMATS, Export, Format, Request
from grader.exports.github import SUMMARY_BYTES, cut
from grader.model.assignment import load_assignment
from grader.reports.console import plain
from grader.results.files import write_atomically
from grader.results.folder import folder_name

CONSOLE = "-"


@app.command()
def export(
    format: Annotated[str, typer.Argument(help=f"One of {', '.join(FORMATS)}.")],  # noqa: A002 - it is called so
    results: Annotated[Path, typer.Argument(help="A folder of results.")],
    output: Annotated[str, typer.Option("--output", help="File or folder to write; - for the console.")] = CONSOLE,
    fill: Annotated[
        Path | None, typer.Option("--fill", "--gradebook", help="The gradebook or worksheet to fill, as exported.")
    ] = None,
    student: Annotated[str | None, typer.Option("--student", help="This student only.")] = None,
    assignment: Annotated[str | None, typer.Option("--assignment", help="Id, where there are several.")] = None,
    points: Annotated[float | None, typer.Option("--points", help="What a full score is worth there.")] = None,
    column: Annotated[str | None, typer.Option("--column", help="Column to fill: its title or number.")] = None,
    match: Annotated[str | None, typer.Option("--match", help="The column by which students are found.")] = None,
    file: Annotated[str | None, typer.Option("--file", help="Path of the graded file in its repository.")] = None,
    provisional: Annotated[
        bool, typer.Option("--provisional", help="Also export scores that wait for a person.")
    ] = False,
) -> None:
    """Write results in the format of a gradebook, a course platform or CI.

    Example: grader export canvas results/ --fill gradebook.csv --output filled.csv
    """
    chosen = find_format(format)
    options = {"student": student, "points": points, "column": column, "match": match, "file": file}
    refuse_options(format, chosen, fill, options)
    if points is not None and not 0 < points < 1e9:
        raise SetupError(f"--points {points:g}: expected a number above 0.")
    request = replace(
        make_request(results, assignment, student),
        points=points,
        provisional=provisional,
        column=column,
        match=match,
        file=file or "",
        environment=os.environ,
    )
    if fill is not None:
        request = replace(request, fill=read_table(fill, output), fill_name=fill.name)
    report(write_exports(format, chosen, request, output))


def find_format(name: str) -> Format:
    """The format of this name; SetupError that lists them all."""
    if name not in FORMATS:
        raise SetupError(f"{name}: expected a format, one of {', '.join(FORMATS)}.")
    return FORMATS[name]


def refuse_options(name: str, chosen: Format, fill: Path | None, options: Mapping[str, object]) -> None:
    """SetupError for an option that means nothing to the format, and for one that it needs."""
    wrong = [option for option, value in options.items() if value is not None and option not in chosen.takes]
    if fill is not None and not chosen.fills:
        wrong.insert(0, "fill")
    if wrong:
        raise SetupError(f"--{wrong[0]}: it means nothing to the format {name}. Leave it out.")
    if chosen.fills and fill is None:
        raise SetupError(f"{name}: expected --fill FILE, the table as it was exported there; its other cells are kept.")


def make_request(results: Path, assignment: str | None, student: str | None) -> Request:
    """The results that are asked for, and what is known of their assignment."""
    if (results / "assignment.toml").is_file():  # no results yet: enough to make an autograder of
        folder = load_assignment(results)
        return Request(folder.id, (), title=folder.title, folder=folder.folder)
    scores = find_scores(results, assignment)
    found = [result for result in scores.submissions if student in (None, result.student)]
    if not found:
        known = ", ".join(result.student for result in scores.submissions) or "nobody"
        raise SetupError(f"{results}: no result of {student!r} there. Results of: {known}.")
    known_as = try_assignment(scores.assignment)
    return Request(
        scores.assignment,
        tuple(found),
        missing=scores.missing if student is None else (),
        title=known_as.title if known_as else "",
        folder=known_as.folder if known_as else None,
        generated_at=scores.generated_at,
    )


def read_table(path: Path, output: str) -> bytes:
    """The table to fill. SetupError if it cannot be read, or would be written over."""
    if output != CONSOLE and Path(output).exists() and path.exists() and Path(output).samefile(path):
        raise SetupError(
            f"--output {output}: this is the file to fill. Choose another name, so that it can be compared."
        )
    try:
        return path.read_bytes()
    except OSError as error:
        raise SetupError(f"{path}: cannot be read: {error.strerror}. Give the file as it was exported.") from error


def write_exports(name: str, chosen: Format, request: Request, output: str) -> list[Export]:
    """Make and write: one file, or one for each student where the format holds only one."""
    if chosen.single and len(request.results) != 1:
        return write_each(name, chosen, request, output)
    if not request.results and not chosen.binary:
        raise SetupError(f"{request.assignment}: there are no results to export. Grade first.")
    if chosen.binary and output == CONSOLE:
        raise SetupError(f"{name}: expected --output FILE{chosen.ending}; this format is not for a console.")
    export = chosen.make(request)
    if export.beside and output != CONSOLE:
        for piece, content in {"commands.txt": export.content or b"", **export.beside}.items():
            write_atomically(Path(output) / piece, content)
    else:
        write_one(export, output)
        tell_github(export, request)
    return [export]


def write_each(name: str, chosen: Format, request: Request, output: str) -> list[Export]:
    """A file for each student in a folder."""
    folder = Path(output)
    if name == "github" or output == CONSOLE or folder.is_file():
        way = "" if name == "github" else ", or give a folder as --output"
        raise SetupError(f"{name}: it holds one student, and there are {len(request.results)}. Use --student{way}.")
    exports = []
    for result in request.results:
        export = chosen.make(replace(request, results=(result,)))
        write_one(export, str(folder / f"{folder_name(result.student)}{chosen.ending}"))
        exports.append(export)
    return exports


def write_one(export: Export, output: str) -> None:
    """Write a file whole, or to the console. Where there is no grade, none of an earlier export stays."""
    if output == CONSOLE:
        sys.stdout.flush()
        sys.stdout.buffer.write(export.content or b"")
        sys.stdout.buffer.flush()
    elif export.content is None:
        Path(output).unlink(missing_ok=True)
    else:
        write_atomically(Path(output), export.content)


def tell_github(export: Export, request: Request) -> None:
    """In a step of GitHub Actions: its summary, as far as there is room, and its output `result`."""
    page, values = (request.environment.get(name) for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"))
    if page and "summary.md" in export.beside:
        place = Path(page)
        room = SUMMARY_BYTES - (place.stat().st_size if place.exists() else 0)
        append(place, cut(export.beside["summary.md"], room))
    if values and "result.txt" in export.beside:
        append(Path(values), b"result=" + export.beside["result.txt"] + b"\n")


def append(path: Path, content: bytes) -> None:
    """Add to a file of GitHub's; SetupError if that cannot be done."""
    try:
        with path.open("ab") as handle:
            handle.write(content)
    except OSError as error:
        raise SetupError(f"{path}: GitHub's file of this step cannot be written: {error.strerror}.") from error


def report(exports: Sequence[Export]) -> None:
    """Say on the error console what is worth knowing, and who was left out; then leave with code 1."""
    left_out = [item for export in exports for item in export.left_out]
    for remark in dict.fromkeys(remark for export in exports for remark in export.remarks):
        err.print(plain(remark), soft_wrap=True)
    for item in left_out:
        err.print(plain(item.sentence()), soft_wrap=True)
    if left_out:
        err.print(plain(f"{len(left_out)} need a person."), soft_wrap=True)
        raise typer.Exit(NEEDS_PERSON)
