"""From a file's bytes to the code in it, whatever its name says it is."""

from pathlib import Path

from grader.discovery.decoding import decode
from grader.discovery.folder import read_named_file
from grader.discovery.notebooks import NotJsonError, load_json, notebook_source, parse_notebook
from grader.discovery.shapes import shape_of
from grader.discovery.tree import CODE_SUFFIXES, is_code, shown
from grader.discovery.unreadable import UnreadableSource
from grader.model.submission import Cell, Note, Source

MAX_SOURCE_BYTES = 8 * 1024 * 1024

_EXPORT = "export the notebook itself (File > Download .ipynb)"
_PYTHON_NOTE = Note(
    kind="python_under_ipynb",
    where="",
    text="Your file is plain Python under an .ipynb name; it was graded as a Python file. Name it .py next time.",
)
_NOTEBOOK_NOTE = Note(
    kind="notebook_under_py",
    where="",
    text="Your file is a notebook under a .py name; it was graded as a notebook. Name it .ipynb next time.",
)


def read_source(path: Path) -> Source:
    """The code in a Python file or notebook; raises UnreadableSource with a sentence for the student."""
    return parse_source(path.name, read_named_file(path))


def parse_source(name: str, data: bytes) -> Source:
    """The code in the bytes of a file of this name; raises UnreadableSource."""
    if not is_code(name):
        raise UnreadableSource(
            f"Your file {shown(name)} is neither {' nor '.join(CODE_SUFFIXES)}. Hand in one of them."
        )
    decoded = decode(name, data)
    is_module = name.lower().endswith(".py")
    source = _from_module(name, decoded.text) if is_module else _from_notebook(name, decoded.text)
    _require_source_size(name, source)
    return source.model_copy(update={"notes": decoded.notes + source.notes})


def _from_module(name: str, text: str) -> Source:
    shape = shape_of(text)
    if shape == "page":
        raise _web_page(name)
    if shape == "json" and ('"cells"' in text or '"worksheets"' in text):
        return _from_misnamed_notebook(name, text) or _module(text)
    return _module(text)


def _from_misnamed_notebook(name: str, text: str) -> Source | None:
    """The notebook that a .py file really is; None when it is not one."""
    try:
        notebook, notes = load_json(name, text)
    except (NotJsonError, UnreadableSource):
        return None
    if not isinstance(notebook, dict) or not ("cells" in notebook or "worksheets" in notebook):
        return None
    return notebook_source(name, notebook, (_NOTEBOOK_NOTE, *notes))


def _from_notebook(name: str, text: str) -> Source:
    try:
        return parse_notebook(name, text)
    except NotJsonError as error:
        return _from_misnamed_text(name, text, str(error))


def _from_misnamed_text(name: str, text: str, json_error: str) -> Source:
    """The Python that an .ipynb file really is; raises UnreadableSource when it is something else."""
    file = f"Your file {shown(name)}"
    shape = shape_of(text)
    if shape == "python":
        return _module(text, _PYTHON_NOTE)
    if shape == "page":
        raise _web_page(name)
    if shape == "markdown":
        raise UnreadableSource(f"{file}: this is a Markdown text under an .ipynb name; {_EXPORT}.")
    if shape == "json":
        raise UnreadableSource(f"{file} is damaged: it is not valid JSON ({json_error}). Save it again and {_EXPORT}.")
    raise UnreadableSource(f"{file} is not a notebook: expected JSON, found other text. Please {_EXPORT}.")


def _web_page(name: str) -> UnreadableSource:
    return UnreadableSource(f"Your file {shown(name)} is a web page (HTML), not code. Please {_EXPORT}.")


def _module(text: str, *notes: Note) -> Source:
    return Source(kind="module", cells=(Cell(number=1, text=text),), notes=notes)


def _require_source_size(name: str, source: Source) -> None:
    size = sum(len(cell.text.encode()) for cell in source.cells)
    if size > MAX_SOURCE_BYTES:
        raise UnreadableSource(
            f"Your file {shown(name)} holds more than {MAX_SOURCE_BYTES // 2**20} MiB of code. "
            "Load data from a file instead of writing it into the code."
        )
