"""The list of the class: who is in it, whose a submission is, and who handed in nothing."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from grader.errors import SetupError
from grader.gradebook.people import keys_of, read_people
from grader.model.mistakes import shown
from grader.model.names import plain
from grader.model.result import Missing, Result
from grader.model.submission import Identity


@dataclass(frozen=True)
class Member:
    """Somebody in the class."""

    student: str
    """The name to show where there is no submission."""
    identity: Identity
    keys: frozenset[str]
    """The names under which a submission may come."""


@dataclass(frozen=True)
class Roster:
    """The class; empty where there is no list."""

    members: tuple[Member, ...] = ()

    @cached_property
    def _by_key(self) -> dict[str, Member | None]:
        """Whose a name is; None for one that several have."""
        counts = Counter(key for member in self.members for key in member.keys)
        return {key: member if counts[key] == 1 else None for member in self.members for key in member.keys}

    def member(self, student: str, identity: Identity | None = None) -> Member | None:
        """Whose a submission is: by what the platform says of its owner, else by the student's name."""
        said = [identity.id, identity.email, identity.name] if identity else []
        for name in (*said, student):
            found = self._by_key.get(plain(name)) if name else None
            if found is not None:
                return found
        return None

    def identity(self, student: str, identity: Identity | None = None) -> Identity | None:
        """What is known of the owner of a submission; None for somebody who is not in the list."""
        member = self.member(student, identity)
        return None if member is None else member.identity

    def missing(self, results: Iterable[Result]) -> tuple[Missing, ...]:
        """Who handed in nothing."""
        there = {id(self.member(result.student, result.identity)) for result in results}
        return tuple(Missing(student=m.student, identity=m.identity) for m in self.members if id(m) not in there)

    def strangers(self, results: Sequence[Result]) -> list[str]:
        """Students who handed in and are not in the list; none if there is no list."""
        if not self.members:
            return []
        return [result.student for result in results if self.member(result.student, result.identity) is None]


def read_roster(path: Path) -> Roster:
    """The class as a CSV file lists it. SetupError for a row without a name, and for one that is there twice."""
    members: list[Member] = []
    lines: dict[str, str] = {}
    for person in read_people(path):
        line = person["line"]
        student = next((person[key] for key in ("student", "roster", "name", "email", "id") if person.get(key)), "")
        if not student:
            raise SetupError(f"{shown(path)}:{line}: expected a person, found a row without a name. Fill or remove it.")
        who = person.get("student") or person.get("id") or person.get("email") or student
        if who in lines:
            raise SetupError(f"{shown(path)}:{line}: {who!r} stands in line {lines[who]} too. Remove one of them.")
        lines[who] = line
        identity = Identity(
            name=person.get("name", ""),
            email=person.get("email", ""),
            id=person.get("id", "") or person.get("roster", ""),
            section=person.get("section", ""),
        )
        members.append(Member(student, identity, frozenset(keys_of(person))))
    return Roster(tuple(members))
