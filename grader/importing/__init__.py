"""Notebooks of nbgrader and otter, made into assignments."""

from pathlib import Path

from grader.errors import SetupError
from grader.importing.nbgrader import is_nbgrader, read_nbgrader
from grader.importing.otter_source import is_assign, read_assign, refuse_old
from grader.importing.otter_student import is_student, read_student
from grader.importing.plan import Notebook, Plan, identifier, read_notebook
from grader.importing.report import needs_person, report_lines, report_page
from grader.importing.write import Imported, make_files, refuse_existing, write_files

__all__ = [
    "Imported",
    "import_notebook",
    "needs_person",
    "refuse_existing",
    "report_lines",
    "report_page",
    "write_files",
]


def import_notebook(path: Path, name: str | None = None) -> Imported:
    """The files of an assignment made from a notebook; raises SetupError for one that is malformed.

    Args:
        path: of the notebook.
        name: id of the assignment; by default the name of the file, as an identifier.
    """
    notebook = read_notebook(path)
    chosen = name or identifier(path.stem)
    if identifier(chosen) != chosen:
        raise SetupError(f"--id {chosen}: expected a Python name, for example {identifier(chosen)}.")
    return make_files(read_plan(notebook), chosen, path.name)


def read_plan(notebook: Notebook) -> Plan:
    """What is in a notebook, of whichever kind it is."""
    if is_nbgrader(notebook):
        return read_nbgrader(notebook)
    if is_assign(notebook):
        return read_assign(notebook)
    refuse_old(notebook)
    if is_student(notebook):
        return read_student(notebook)
    raise SetupError(
        f"{notebook.path}: expected a notebook of nbgrader (cells with its metadata) or of otter (raw cells `# BEGIN "
        "QUESTION`, or calls of `grader.check`), found neither. Import the source notebook."
    )
