"""Gradescope: an autograder, ready to upload.

Source: "Autograder Specifications" (`docs/specs.md` of gradescope/autograder_samples): `setup.sh` and `run_autograder`
at the root of the zip; the zip is unpacked to `/autograder/source`, the hand-in lies in `/autograder/submission`, and
`/autograder/results/results.json` is read.

The zip carries this very package and the assignment, and asks for the versions of libraries that are installed here:
nothing called `grader` is fetched from an index, where the name may be somebody else's.
"""

import importlib.metadata
import io
import re
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import grader
from grader.errors import SetupError
from grader.exports.request import Export, Request, as_bytes

LEFT_AT_HOME = {"trainings", "starter"}
"""Folders of an assignment that grading does not need."""
RUNNABLE, READABLE = 0o755, 0o644
DATE = (2020, 1, 1, 0, 0, 0)
"""Of every file: the same input makes the same zip."""

SETUP = """\
#!/usr/bin/env bash
# Prepares the container of Gradescope: a Python from 3.11 on, and the libraries that grader needs.
set -euo pipefail
root="${AUTOGRADER_ROOT:-/autograder}"
good='import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'
python=""
for name in python3 python3.13 python3.12 python3.11; do
  if command -v "$name" >/dev/null && "$name" -c "$good" 2>/dev/null; then python="$name"; break; fi
done
if [ -z "$python" ]; then
  apt-get update
  for name in python3.13 python3.12 python3.11; do
    if apt-get install -y "$name" "$name-venv"; then python="$name"; break; fi
  done
fi
if [ -z "$python" ]; then
  echo "setup.sh: expected Python 3.11 or newer, found none. Choose a newer base image in Gradescope." >&2
  exit 1
fi
"$python" -m venv "$root/venv"
"$root/venv/bin/python" -m pip install --no-input -r "$root/source/requirements.txt"
PYTHONPATH="$root/source/lib" "$root/venv/bin/python" -m grader doctor || true
"""

RUN = """\
#!/usr/bin/env bash
# Grades the one hand-in of this container with --sandbox contained: Gradescope's containers refuse user namespaces,
# and each one is thrown away after one hand-in. Student code cannot reach the checks or results.json: Landlock, a
# filter of system calls and limits confine it. If they are not to be had here, nothing is graded, and the log says so.
set -u
root="${{AUTOGRADER_ROOT:-/autograder}}"
work="$(mktemp -d)"
python="$root/venv/bin/python"
export PYTHONPATH="$root/source/lib" GRADER_ASSIGNMENTS="$root/source/assignments" GRADER_HOME="$root/home"
mkdir -p "$work/submissions/student/{assignment}" "$root/results"
cp -R "$root/submission/." "$work/submissions/student/{assignment}/"
"$python" -m grader grade "$work/submissions" --assignment {assignment} --sandbox contained --output "$work/results"
code=$?
if [ "$code" -gt 1 ]; then
  echo "run_autograder: grading ended with code $code; there is no results.json, so nobody gets a wrong grade." >&2
  exit "$code"
fi
"$python" -m grader export gradescope "$work/results" --provisional --output "$root/results/results.json"{points}
[ -f "$root/results/results.json" ] || {{ echo "run_autograder: there is no grade; a person must look." >&2; exit 1; }}
"""


def gradescope_zip(request: Request) -> Export:
    """The zip for one assignment. SetupError if its folder is not known."""
    if request.folder is None:
        raise SetupError(
            f"assignment: expected the folder of {request.assignment!r}, found none. Run grader where the course's "
            "assignments are, or set GRADER_ASSIGNMENTS."
        )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        points = "" if request.points is None else f" --points {request.points:g}"
        _add(archive, "setup.sh", as_bytes(SETUP), RUNNABLE)
        _add(archive, "run_autograder", as_bytes(RUN.format(assignment=request.assignment, points=points)), RUNNABLE)
        _add(archive, "requirements.txt", as_bytes("".join(f"{line}\n" for line in requirements())))
        for place, path in _files(Path(grader.__file__).parent, set()):
            _add(archive, f"lib/grader/{place}", path.read_bytes())
        for place, path in _files(request.folder, LEFT_AT_HOME):
            _add(archive, f"assignments/{request.assignment}/{place}", path.read_bytes())
    return Export(buffer.getvalue())


def requirements() -> list[str]:
    """What grader needs, each library in the version that is installed here; markers stay."""
    lines = []
    for requirement in _wanted():
        wanted, _, marker = (part.strip() for part in requirement.partition(";"))
        if "extra ==" not in marker:
            name = re.split(r"[^\w.-]", wanted, maxsplit=1)[0]
            lines.append(f"{_pinned(name) or wanted}{f' ; {marker}' if marker else ''}")
    return lines


def _wanted() -> list[str]:
    """The requirements of the checkout, where there is one: those of an installation may be older."""
    project = Path(grader.__file__).parent.parent / "pyproject.toml"
    if project.is_file():
        return list(tomllib.loads(project.read_text("utf-8"))["project"]["dependencies"])
    return importlib.metadata.requires("grader") or []


def _pinned(name: str) -> str:
    """The installed version, without what only this machine's build is called; empty if there is none."""
    try:
        return f"{name}=={importlib.metadata.version(name).partition('+')[0]}"
    except importlib.metadata.PackageNotFoundError:
        return ""


def _files(folder: Path, without: set[str]) -> Iterator[tuple[str, Path]]:
    """Every file below a folder, with its place in it, in a fixed order; without what is hidden, compiled or named."""
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        hidden = any(part.startswith(".") or part in without for part in place.parts)
        if path.is_file() and not hidden and path.suffix != ".pyc":
            yield place.as_posix(), path


def _add(archive: zipfile.ZipFile, name: str, content: bytes, mode: int = READABLE) -> None:
    entry = zipfile.ZipInfo(name, DATE)
    entry.create_system = 3  # Unix, so that the mode is read
    entry.external_attr = (0o100000 | mode) << 16
    entry.compress_type = zipfile.ZIP_STORED if name.endswith(".npz") else zipfile.ZIP_DEFLATED
    archive.writestr(entry, content)
