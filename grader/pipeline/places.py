"""Where things are: the assignments, the store, the data sets."""

import importlib.metadata
import importlib.util
import os
import re
from pathlib import Path

from grader.datasets.shipped import unpack
from grader.errors import SetupError
from grader.model.assignment import Assignment, load_assignment, prerequisite_mistakes
from grader.model.mistakes import raise_all
from grader.training.store import DEFAULT_BYTES

CHECKOUT = Path(__file__).resolve().parent.parent.parent
INSTALLED = "grader.assignments"
"""The entry points by which an installed package says that it holds assignments; each names a module, a folder."""


def home() -> Path:
    """Grader's own folder: `GRADER_HOME`, else `grader` in the user's cache folder."""
    chosen = os.environ.get("GRADER_HOME")
    if chosen:
        return Path(chosen).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "grader"


def store_folder() -> Path:
    """Where finished trainings are kept."""
    return home() / "store"


def store_bytes() -> int:
    """How large the store may be: `GRADER_STORE_BYTES`, else 20 GiB. SetupError for what is no size."""
    chosen = os.environ.get("GRADER_STORE_BYTES")
    return parse_bytes(chosen, "GRADER_STORE_BYTES") if chosen else DEFAULT_BYTES


def parse_bytes(text: str, what: str) -> int:
    """A size: a number of bytes, or a number with a unit, such as `500 MB` or `1.5GiB`. SetupError for anything else."""
    found = re.fullmatch(r"\s*([0-9]{1,18}(?:\.[0-9]{1,9})?)\s*([kKMGT]?)(i?)[bB]?\s*", text)
    if found is None:
        raise SetupError(f"{what}: expected a size such as 500MB, 20GiB or a number of bytes, found {text[:40]!r}.")
    number, prefix, binary = found.groups()
    return int(float(number) * (1024 if binary else 1000) ** " KMGT".index(prefix.upper() or " "))


def datasets() -> Path:
    """The shipped data sets, unpacked."""
    return unpack(home())


def assignments_folders() -> list[Path]:
    """Where assignments are.

    `GRADER_ASSIGNMENTS`, else `assignments/` here, else that of the checkout that grader runs from, else the folders of
    all installed packages of assignments.
    """
    chosen = os.environ.get("GRADER_ASSIGNMENTS")
    places = [Path(chosen)] if chosen else [Path.cwd() / "assignments", CHECKOUT / "assignments"]
    for place in places:
        if place.is_dir():
            return [place.absolute()]
    found = [] if chosen else installed_folders()
    if found:
        return found
    raise SetupError(
        f"assignments: expected a folder {places[0]}, found none. Run grader in the course's checkout, install the "
        "package of your course, or set GRADER_ASSIGNMENTS."
    )


def installed_folders() -> list[Path]:
    """The folders of installed packages of assignments; they are looked up, and nothing in them is run."""
    found = []
    for point in importlib.metadata.entry_points(group=INSTALLED):
        try:
            module = importlib.util.find_spec(point.module)
        except (ImportError, ValueError):
            continue
        if module is not None:
            found += [Path(folder) for folder in module.submodule_search_locations or ()]
    return sorted({folder.absolute() for folder in found if folder.is_dir()})


def own_assignments_folder() -> Path:
    """Where a new assignment goes: `GRADER_ASSIGNMENTS`, else `assignments/` here, whether it exists or not."""
    return Path(os.environ.get("GRADER_ASSIGNMENTS") or "assignments")


def finds(folder: Path) -> bool:
    """Whether grader, run from here, finds the assignment in this folder."""
    try:
        return folder.parent.absolute() in assignments_folders()
    except SetupError:
        return False


def load_assignments() -> dict[str, Assignment]:
    """All assignments by id; SetupError with a line for each mistake in any of them."""
    found: dict[str, Assignment] = {}
    problems = []
    for folder in sorted(path.parent for place in assignments_folders() for path in place.glob("*/assignment.toml")):
        if folder.name in found:
            problems.append(f"{folder}: there is another assignment of this id in {found[folder.name].folder.parent}.")
            continue
        try:
            found[folder.name] = load_assignment(folder)
        except SetupError as problem:
            problems.append(str(problem))
    if problems:
        raise SetupError("\n".join(problems))
    raise_all(prerequisite_mistakes(found))
    return found


def find_assignment(name: str) -> Assignment:
    """The assignment with this id; SetupError that names those there are."""
    for place in assignments_folders():
        if (place / name / "assignment.toml").is_file():
            return load_assignment(place / name)
    known = ", ".join(sorted(load_assignments())) or "none"
    raise SetupError(f"assignment: there is none called {name!r}. Known here: {known}.")
