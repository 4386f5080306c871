"""New assignments: folders that are right from the beginning, made from the templates beside this module.

A template folder holds `assignment/`, with the files of the assignment, and `solutions/`, with a folder for each
variant; there `solution.py` stands for `<id>.py`. Everything is made in a scratch folder, loaded and given its starters
there, and put into its place only when it is whole.
"""

import json
import keyword
import shutil
import tempfile
from pathlib import Path

import jinja2

from grader.authoring.release import make_starters
from grader.errors import SetupError
from grader.model.assignment import load_assignment

TEMPLATES = Path(__file__).parent / "templates"
KINDS = ("function", "training")
"""`function`: a NumPy function, compared with one of ours; `training`: a small network for MNIST."""
_SUFFIX = ".jinja"
_TAKEN = {"keras", "np", "numpy", "tensorflow", "tf"}
"""Names that the templates import: a function of such a name would hide the module."""


def make_assignment(name: str, title: str, kind: str, assignments: Path, solutions: Path) -> tuple[Path, Path]:
    """Make the assignment `name` in the folder `assignments`, and its solutions; returns both folders made.

    Raises SetupError for a name that is no Python identifier, a title that is not one line, and folders that exist.
    """
    _refuse(name, title, [assignments / name, solutions / name])
    try:
        assignments.mkdir(parents=True, exist_ok=True)
        solutions.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=assignments) as scratch:
            place = Path(scratch)
            _write(place, kind, name, title)
            made = load_assignment(place / "assignment" / name)
            for file, text in make_starters(made, place / "solutions").items():
                _put(made.folder / "starter" / file, text)
            shutil.move(place / "solutions" / name, solutions / name)
            shutil.move(place / "assignment" / name, assignments / name)
    except OSError as error:
        raise SetupError(
            f"{error.filename or assignments}: cannot be written: {error.strerror}. Choose another --output or "
            "--solutions."
        ) from error
    return assignments / name, solutions / name


def _refuse(name: str, title: str, folders: list[Path]) -> None:
    """Everything that is wrong with what was asked for, in one SetupError."""
    problems = []
    if not (name.isascii() and name.isidentifier()) or keyword.iskeyword(name):
        problems.append(
            f"{name!r}: expected an id that can name a Python function: letters, digits and underscores, no digit first, "
            "no keyword. Choose one such as my_task."
        )
    elif name in _TAKEN:
        problems.append(f"{name}: this is the name of a module that solutions import. Choose another id.")
    else:
        problems += [
            f"{folder}: exists already. Choose another id, or remove it." for folder in folders if folder.exists()
        ]
    if not title.strip() or not title.isprintable():
        problems.append(f"--title {title!r}: expected one line of text.")
    if problems:
        raise SetupError("\n".join(problems))


def _write(place: Path, kind: str, name: str, title: str) -> None:
    """Write every template of this kind, filled in."""
    templates = jinja2.Environment(  # noqa: S701 - makes Python, TOML and Markdown, never a page
        loader=jinja2.FileSystemLoader(TEMPLATES / kind), undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
    templates.filters |= {"toml": _toml, "docstring": _docstring}
    for template in templates.list_templates():
        top, _, rest = template.removesuffix(_SUFFIX).partition("/")
        path = place / top / name / rest
        if path.name == "solution.py":
            path = path.with_name(f"{name}.py")
        _put(path, templates.get_template(template).render(id=name, title=title))


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def _toml(text: str) -> str:
    """A line of text as TOML writes it."""
    return json.dumps(text, ensure_ascii=False)


def _docstring(text: str) -> str:
    """A line of text as it may stand in a docstring, without the stop at its end."""
    return text.rstrip(".").replace("\\", "\\\\").replace('"', '\\"')
