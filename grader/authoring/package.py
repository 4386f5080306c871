"""The package that students install: the public part of assignments, in a wheel.

Of each assignment it holds the handout, the starters, the settings that matter at home, `inputs.py`, and `probe.py` and
`checks.py` without what only hidden checks have. It holds no solution, no recorded training, no description of the
reference network, no deadline and no name of a student. At the end everything is looked through for lines of hidden
checks and of the reference solution. Public checks are programs that students can read: how they find out what is right
is no secret.
"""

import ast
import json
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.authoring.leaks import find_secrets, squeezed
from grader.authoring.passages import Passage, raise_together
from grader.authoring.public import public_checks, public_probe, telling_lines
from grader.authoring.release import LANGUAGES
from grader.authoring.starter import find_cuts
from grader.errors import SetupError
from grader.model.assignment import Assignment
from grader.model.result import Verdict

HIDDEN_FILE = "hidden.json"
"""How many checks were left out, and what they are worth."""
SETTINGS = ("id", "title", "files", "entry_points", "datasets", "language", "old_names", "graded_fit")
"""Keys of `assignment.toml` that are copied as they are."""
TABLES = ("limits", "training")
PROGRAMS = ("checks.py", "probe.py", "inputs.py")
"""They must be able to compute what is right, in words of their own."""


@dataclass(frozen=True)
class PublicPart:
    """What students get of one assignment."""

    id: str
    title: str
    files: dict[str, bytes]
    """By path below the assignment's folder."""
    hidden: int
    """How many checks were left out."""
    points: float
    """What they are worth."""
    remarks: tuple[str, ...] = ()
    """What students can read in the checks, and the author may not want them to."""


def public_part(
    assignment: Assignment, checks: Sequence[Verdict], solutions: Path | None, others: Set[str]
) -> PublicPart:
    """What students get; SetupError with every reason for which something would be given away.

    Args:
        assignment: the whole one.
        checks: a verdict of each check, whatever it says, by which it is known which are hidden and what they are worth.
        solutions: the folder of its solutions, whose reference is looked for in the package; None if there is none.
        others: ids of the assignments that come with it; no other one can be asked for first.
    """
    hidden = {check.id for check in checks if check.hidden}
    named = assignment.id
    sources = {name: _text(assignment.folder / name) for name in ("checks.py", "probe.py", "inputs.py")}
    clean = public_checks(f"{named}/checks.py", sources["checks.py"], hidden)
    labels = clean.strings - set(assignment.entry_points)
    probe = public_probe(f"{named}/probe.py", sources["probe.py"], hidden, labels)
    inputs = (
        ast.unparse(ast.parse(sources["inputs.py"])) + "\n" if hidden and sources["inputs.py"] else sources["inputs.py"]
    )
    points = sum(check.max_points for check in checks if check.hidden)
    texts = {
        "assignment.toml": settings_text(assignment, hidden, others),
        "checks.py": clean.text,
        "probe.py": probe.text,
        **({"inputs.py": inputs} if inputs else {}),
        **({HIDDEN_FILE: json.dumps({"checks": len(hidden), "points": points}) + "\n"} if hidden else {}),
    }
    for path in [*(assignment.folder / name for name in LANGUAGES.values()), *_starters(assignment)]:
        if path.is_file():
            texts[path.relative_to(assignment.folder).as_posix()] = _text(path)
    refuse_leaks(
        named, texts, set(telling_lines([*clean.gone, *probe.gone], [clean.text, probe.text])), "a hidden check"
    )
    answer = reference_lines(assignment, solutions)
    for_reading = {name: text for name, text in texts.items() if name not in PROGRAMS}
    refuse_leaks(named, for_reading, answer, "the reference solution")
    programs = {name: texts[name] for name in PROGRAMS if name in texts}
    refuse_answer(named, programs, answer)
    files = {name: text.encode("utf-8", "surrogatepass") for name, text in texts.items()}
    remarks = tuple(
        f"{place}: students can read this line of the reference." for place, _ in found_in(named, programs, answer)
    )
    return PublicPart(named, assignment.title, files, len(hidden), points, remarks)


def package_files(parts: Sequence[PublicPart]) -> dict[str, bytes]:
    """The files of a package by path."""
    titles = "\n".join(f"- {part.id}: {part.title}" for part in parts)
    about = f"Assignments, to be checked at home with grader.\n\n{titles}\n".replace("\\", "\\\\").replace('"""', "'''")
    files = {"__init__.py": f'"""{about}"""\n'.encode()}
    for part in parts:
        files |= {f"{part.id}/{name}": content for name, content in part.files.items()}
    return files


def settings_text(assignment: Assignment, hidden: Set[str], others: Set[str]) -> str:
    """`assignment.toml` for students: what decides public verdicts, and nothing about the class."""
    values = assignment.model_dump(mode="json")
    lines = [f"{name} = {toml(values[name])}" for name in SETTINGS]
    lines.append(f"prerequisites = {toml([name for name in assignment.prerequisites if name in others])}")
    extra = [name for name in assignment.extra_credit if name not in hidden]
    lines += [f"extra_credit = {toml(extra)}"] if extra else []
    for name in TABLES:
        table = values[name]
        if table:
            lines += ["", f"[{name}]", *(f"{key} = {toml(value)}" for key, value in table.items() if value is not None)]
    points = {name: worth for name, worth in assignment.points.items() if name not in hidden}
    lines += ["", "[points]", *(f"{name} = {toml(worth)}" for name, worth in points.items())] if points else []
    return "\n".join(lines) + "\n"


def toml(value: Any) -> str:
    """A value as TOML writes it, which for these is nearly what JSON writes."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def refuse_leaks(name: str, texts: Mapping[str, str], secrets: Set[str], owner: str) -> None:
    """SetupError for each line of a text that is a secret line."""
    found = found_in(name, texts, secrets)
    raise_together(
        [SetupError(f"{place}: students would get a line of {owner}: {line!r}. Change it.") for place, line in found]
    )


def refuse_answer(name: str, programs: Mapping[str, str], answer: Set[str]) -> None:
    """SetupError for a program that holds most of the reference solution; a line in common is nothing unusual."""
    for file, text in programs.items():
        told = {squeezed(line) for _, line in found_in(name, {file: text}, answer)}
        if len(told) > len(answer) / 2:
            raise SetupError(
                f"{name}/{file}: students would get {len(told)} of the {len(answer)} lines of the reference solution. "
                "Compare with recorded values, or hide the checks that need them."
            )


def found_in(name: str, texts: Mapping[str, str], secrets: Set[str]) -> list[tuple[str, str]]:
    """(place, line) of each line that is a secret one."""
    return [
        (f"{name}/{file}, line {row}", line.strip())
        for file, text in texts.items()
        for row, line in enumerate(text.split("\n"), start=1)
        if squeezed(line) in secrets
    ]


def reference_lines(assignment: Assignment, solutions: Path | None) -> Set[str]:
    """Lines of code that only the regions of the reference have; none where there is no reference with regions."""
    source = solutions / "reference" / f"{assignment.files[0]}.py" if solutions else None
    if source is None or not source.is_file():
        return frozenset()
    passage = Passage(f"{assignment.id}/{source.name}", _text(source))
    return find_secrets([passage], find_cuts([passage])).lines


def _starters(assignment: Assignment) -> list[Path]:
    """The files that students start from."""
    return sorted(path for path in (assignment.folder / "starter").glob("*") if path.suffix in (".py", ".ipynb"))


def _text(path: Path) -> str:
    """The text of a file; empty if there is none."""
    try:
        return path.read_text("utf-8-sig")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"{path}: expected a text in UTF-8, found: {error}.") from error
