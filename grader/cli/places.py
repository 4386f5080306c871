"""Where things are: the assignments, the store, the data sets."""

import os
from pathlib import Path

from grader.datasets.shipped import unpack
from grader.errors import SetupError
from grader.model.assignment import Assignment, load_assignment, prerequisite_mistakes
from grader.model.mistakes import raise_all

CHECKOUT = Path(__file__).resolve().parent.parent.parent


def home() -> Path:
    """Grader's own folder: `GRADER_HOME`, else `grader` in the user's cache folder."""
    chosen = os.environ.get("GRADER_HOME")
    if chosen:
        return Path(chosen).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "grader"


def datasets() -> Path:
    """The shipped data sets, unpacked."""
    return unpack(home())


def assignments_folder() -> Path:
    """`GRADER_ASSIGNMENTS`, else `assignments/` here, else that of the checkout that grader runs from."""
    chosen = os.environ.get("GRADER_ASSIGNMENTS")
    places = [Path(chosen)] if chosen else [Path.cwd() / "assignments", CHECKOUT / "assignments"]
    for place in places:
        if place.is_dir():
            return place.absolute()
    raise SetupError(
        f"assignments: expected a folder {places[0]}, found none. Run grader in the course's checkout, or set "
        "GRADER_ASSIGNMENTS."
    )


def own_assignments_folder() -> Path:
    """Where a new assignment goes: `GRADER_ASSIGNMENTS`, else `assignments/` here, whether it exists or not."""
    return Path(os.environ.get("GRADER_ASSIGNMENTS") or "assignments")


def finds(folder: Path) -> bool:
    """Whether grader, run from here, finds the assignment in this folder."""
    try:
        return assignments_folder() == folder.parent.absolute()
    except SetupError:
        return False


def load_assignments() -> dict[str, Assignment]:
    """All assignments by id; SetupError with a line for each mistake in any of them."""
    folders = sorted(path.parent for path in assignments_folder().glob("*/assignment.toml"))
    found, problems = {}, []
    for folder in folders:
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
    folder = assignments_folder() / name
    if not (folder / "assignment.toml").is_file():
        known = ", ".join(sorted(load_assignments())) or "none"
        raise SetupError(f"assignment: there is none called {name!r}. Known here: {known}.")
    return load_assignment(folder)
