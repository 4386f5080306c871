"""The files that `grader ci --init` writes, made from the templates that come with grader."""

import re
from pathlib import Path

from grader.errors import SetupError

SERVICES = {"github": ".github/workflows/grade.yml", "gitlab": ".gitlab-ci.yml"}
"""Where each service reads its file."""
KINDS = ("student", "course")
_TEMPLATES = Path(__file__).parent / "templates"
_PLACE_OF_COURSE = "OWNER/COURSE"
_PATH = re.compile(r"[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)+")


def write_template(repository: Path, service: str, kind: str, course: str | None) -> Path:
    """Write the file of a service into a repository, and return its place.

    Raises SetupError for names that are not known, and if there is another file already.
    """
    if service not in SERVICES:
        raise SetupError(f"--init {service}: expected one of {', '.join(SERVICES)}.")
    if kind not in KINDS:
        raise SetupError(f"--kind {kind}: expected one of {', '.join(KINDS)}.")
    if course is not None and not _PATH.fullmatch(course):
        raise SetupError(f"--from {course!r}: expected the course's repository as OWNER/NAME.")
    text = template(service, kind).replace(_PLACE_OF_COURSE, course or _PLACE_OF_COURSE)
    place = repository / SERVICES[service]
    try:
        if place.exists() and place.read_text("utf-8", "replace") != text:
            raise SetupError(f"{place}: there is a file already, and it is another one. Move it away, then try again.")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, "utf-8")
    except OSError as error:
        raise SetupError(f"{place}: cannot be written: {error.strerror}.") from error
    return place


def template(service: str, kind: str) -> str:
    """The text that comes with grader."""
    return (_TEMPLATES / f"{service}-{kind}.yml").read_text("utf-8")
