"""The files that students get, made from the reference of an assignment, and compared with those in its folder."""

import difflib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from grader.authoring.leaks import Secrets, refuse_lines, refuse_quotes
from grader.authoring.notebook import (
    Cell,
    as_lines,
    cells_of_handout,
    notebook_of_module,
    passages_of,
    read_notebook,
    with_code,
    without_ids,
    write_notebook,
)
from grader.authoring.passages import Passage, raise_together
from grader.authoring.starter import make_starter
from grader.errors import SetupError
from grader.model.assignment import Assignment

LANGUAGES = {"en": "README.md", "zh": "README.zh.md"}
"""The handout in each language."""
_LONGEST_DIFFERENCE = 20
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest that a zip file can say: equal contents make equal files."""


@dataclass(frozen=True)
class _Handout:
    """What students read, and the name of its file."""

    name: str
    text: str


def make_starters(assignment: Assignment, solutions: Path, language: str = "en") -> dict[str, str]:
    """The starters, module and notebook, by name of file; `solutions` has a folder for each assignment.

    The notebook begins with the handout in the language. Raises SetupError with every mistake in the module or in the
    notebook, and for whatever would be given away.
    """
    return _starters(assignment, solutions, _read_handout(assignment, language))


def make_release(assignment: Assignment, solutions: Path, language: str) -> dict[str, bytes]:
    """All files of a release by name: starters, handout, and the zip file that holds them."""
    handout = _read_handout(assignment, language)
    starters = _starters(assignment, solutions, handout)
    files = {name: content.encode() for name, content in {**starters, handout.name: handout.text}.items()}
    return {**files, f"{assignment.id}-student.zip": _zipped(files)}


def write_release(files: Mapping[str, bytes], folder: Path) -> None:
    """Put the files into a folder, which is made if need be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
    except OSError as error:
        raise SetupError(f"{folder}: cannot be written: {error.strerror}. Choose another --output.") from error


def differences(starters: Mapping[str, str], folder: Path) -> list[str]:
    """Lines that say where the starters in a folder are not the generated ones; none if all are equal."""
    lines: list[str] = []
    for name, text in starters.items():
        path = folder / name
        if path.is_file():
            lines += _difference(name, _read(path, "the starter"), text)
        else:
            lines.append(f"starter/{name}: there is none.")
    return lines


def _difference(name: str, found: str, generated: str) -> list[str]:
    """A short diff from what was found to what is generated; notebooks are compared cell by cell."""
    notebook = name.endswith(".ipynb")
    one, other = (as_lines(text) if notebook else text.split("\n") for text in (found, generated))
    changes = [*difflib.unified_diff(one, other, f"starter/{name}", f"generated/{name}", n=1, lineterm="")]
    if len(changes) > _LONGEST_DIFFERENCE:
        return [*changes[:_LONGEST_DIFFERENCE], f"... and {len(changes) - _LONGEST_DIFFERENCE} lines more"]
    if notebook and not changes and without_ids(found) != without_ids(generated):
        return [f"starter/{name}: the cells are equal, but outputs, counts or metadata are not."]
    return changes


def _read_handout(assignment: Assignment, language: str) -> _Handout:
    name = LANGUAGES[language]
    return _Handout(name, _read(assignment.folder / name, "the handout"))


def _starters(assignment: Assignment, solutions: Path, handout: _Handout) -> dict[str, str]:
    stem, folder = assignment.files[0], solutions / assignment.id
    source = folder / "reference" / f"{stem}.py"
    module = Passage(_shown(source, solutions), _read(source, "the reference solution"))
    starter = make_starter(module.name, [module], [handout.text])
    secrets = [starter.secrets]
    text = starter.texts[0]
    notebook = _reference_notebook(folder, stem)
    if notebook is None:
        cells = notebook_of_module(Passage(f"{stem}.py", text))
    else:
        cells, its_secrets = _notebook_starter(notebook, _shown(notebook, solutions), handout.text)
        secrets.append(its_secrets.except_lines(text))
    code = {f"{stem}.py": text}
    prose = {handout.name: handout.text}
    for number, cell in enumerate(cells, start=1):
        (code if cell.kind == "code" else prose)[f"{stem}.ipynb, cell {number}"] = cell.text
    problems = [
        *(problem for name in code for each in secrets for problem in refuse_lines(name, code[name], each)),
        *(problem for name in prose for each in secrets for problem in refuse_quotes(name, prose[name], each)),
    ]
    raise_together(problems)
    return {f"{stem}.py": text, f"{stem}.ipynb": write_notebook([*cells_of_handout(handout.text), *cells])}


def _notebook_starter(path: Path, name: str, handout: str) -> tuple[list[Cell], Secrets]:
    cells = read_notebook(name, _read(path, "the reference notebook"))
    prose = [handout, *(cell.text for cell in cells if cell.kind == "markdown")]
    starter = make_starter(name, passages_of(name, cells), prose)
    return with_code(cells, starter.texts), starter.secrets


def _reference_notebook(folder: Path, stem: str) -> Path | None:
    places = [folder / name / f"{stem}.ipynb" for name in ("reference", "reference_notebook")]
    return next((place for place in places if place.is_file()), None)


def _shown(path: Path, solutions: Path) -> str:
    """A path as people name it: from the folder of the assignment's solutions on."""
    return path.relative_to(solutions).as_posix()


def _read(path: Path, what: str) -> str:
    """The text of a file, with line ends of one kind; raises SetupError that names what it should be."""
    try:
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise SetupError(f"{path}: expected {what}, found none ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise SetupError(f"{path}: expected {what} in UTF-8, found other bytes. Save it as UTF-8.") from error


def _zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip file, the same for the same contents."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _ZIP_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return buffer.getvalue()
