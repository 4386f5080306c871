"""What became of the mutants: which check kills which, and which are taken for right."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.errors import SetupError
from grader.model.result import Result
from grader.validation.mutants import Mutant, make_mutants
from grader.validation.operators import ALWAYS, FIXED

NOT_TRAINED = "left out by --quick"
A_PERSON = "(a person decides)"


@dataclass(frozen=True)
class Plan:
    """What an assignment says about its mutants, in `solutions/<id>/mutants.toml`."""

    also: tuple[str, ...] = ()
    """Operators that hold only where the handout fixes a network's numbers."""
    survivors: tuple[tuple[str, str], ...] = ()
    """Mutants that are right answers too, and why."""


@dataclass(frozen=True)
class Outcome:
    """One mutant and its verdicts."""

    mutant: Mutant
    killers: tuple[str, ...]
    """Checks that failed; empty if it has full marks, or if nobody knows yet."""
    decided: bool
    """False if only a training that was not carried out can tell."""
    reason: str = ""
    """Why it may survive."""

    @property
    def survived(self) -> bool:
        """Whether it has full marks."""
        return self.decided and not self.killers


def load_plan(folder: Path) -> Plan:
    """The plan in a folder of solutions; SetupError for one that cannot be read."""
    path = folder / "mutants.toml"
    if not path.is_file():
        return Plan()
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SetupError(f"{path}: not valid TOML: {error}") from error
    unknown = [key for key in values if key not in ("also", "survivors")]
    unknown += [f"also: {name}" for name in values.get("also", []) if name not in FIXED]
    if unknown:
        raise SetupError(
            f"{path}: unknown {', '.join(unknown)}. It may have `also`, a list of {', '.join(FIXED)}, and a table "
            "[survivors] of mutant = reason."
        )
    survivors = {str(key): str(value) for key, value in values.get("survivors", {}).items()}
    return Plan(tuple(values.get("also", ())), tuple(survivors.items()))


def mutants_of(folder: Path, plan: Plan, most: int) -> list[Mutant]:
    """The mutants of the reference module in a folder of solutions, at most so many of an operator; none without module."""
    modules = sorted((folder / "reference").glob("*.py"))
    if not modules:
        return []
    return make_mutants(modules[0].read_text("utf-8"), ALWAYS | FIXED, [*ALWAYS, *plan.also], most)


def outcome(mutant: Mutant, result: Result, plan: Plan) -> Outcome:
    """What a result says about a mutant."""
    killers = tuple(verdict.id for verdict in result.checks if verdict.status == "failed")
    waiting = any(NOT_TRAINED in verdict.message for verdict in result.checks)
    if not killers and not waiting and (result.needs_review or result.score != result.max_score):
        killers = (A_PERSON if result.needs_review else result.status,)
    return Outcome(mutant, killers, bool(killers) or not waiting, dict(plan.survivors).get(mutant.id, ""))


def problems_with(outcomes: Sequence[Outcome], plan: Plan) -> list[str]:
    """Survivors that nobody has explained, and explanations of what did not survive."""
    survived = {item.mutant.id: item for item in outcomes if item.survived}
    undecided = {item.mutant.id for item in outcomes if not item.decided}
    found = [
        f"a wrong answer gets full marks: {name}, line {item.mutant.line}: {shown(item.mutant)}. Add a check that sees it, "
        "or say in mutants.toml why it is right."
        for name, item in survived.items()
        if not item.reason
    ]
    return found + [
        f"mutants.toml explains {name}, which does not survive. Take the line out."
        for name, _ in plan.survivors
        if name not in survived and name not in undecided
    ]


def shown(mutant: Mutant) -> str:
    """What was changed, in one line."""
    return f"{mutant.before} → {mutant.after or 'left out'}"
