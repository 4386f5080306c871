"""What counts of the results in a folder: the checks' verdicts, with the rules of the class applied.

    DIR/class.toml      what the class changes: deadlines and which attempt counts among it
    DIR/overrides.toml  points that people gave
    DIR/roster.csv      who is in the class

All three are the instructor's. They are read when grading begins, so that a mistake in them is told before anything is
run, and never written over.
"""

from collections.abc import Sequence
from pathlib import Path

from grader.errors import SetupError
from grader.gradebook import OverrideEntry, Roster, Rules, read_overrides, read_roster, settled
from grader.gradebook.overrides import as_toml, without_effect
from grader.model.assignment import Assignment
from grader.model.mistakes import close, shown
from grader.model.result import Missing, Result, Scores
from grader.results.files import write_atomically
from grader.results.folder import ResultsFolder
from grader.results.lean import lean

OVERRIDES = "overrides.toml"
ROSTER = "roster.csv"


class Bookkeeping:
    """Settles the results of one assignment in one folder. Raises SetupError for mistakes in the instructor's files."""

    def __init__(self, assignment: Assignment, results: ResultsFolder) -> None:
        overrides, roster = results.folder / OVERRIDES, results.folder / ROSTER
        self.results = results
        self.rules = Rules(
            assignment,
            overrides=read_overrides(overrides, assignment.id) if overrides.is_file() else (),
            roster=read_roster(roster) if roster.is_file() else Roster(),
        )
        self._settled: dict[str, tuple[Result, Result]] = {}

    def settled(self, results: Sequence[Result]) -> list[Result]:
        """What counts, given everybody's newest result."""
        return [self._one(result) for result in results]

    def missing(self, results: Sequence[Result]) -> tuple[Missing, ...]:
        """Who is in the list of the class and handed in nothing."""
        return self.rules.roster.missing(results)

    def write(self, results: Sequence[Result]) -> Scores:
        """Write `scores.json` over these results."""
        counted = self.settled(results)
        return self.results.write_scores(self.rules.assignment.id, counted, self.missing(counted))

    def remarks(self, results: Sequence[Result]) -> list[str]:
        """What the instructor should know: rules that name nobody, and hand-ins whose time is not known."""
        known = [result.student for result in results]
        found = list(without_effect(self.rules.overrides, results))
        late = self.rules.assignment.late
        for student in late.extensions:
            if student not in known and all(student != item.student for item in self.missing(results)):
                guess = close(student, known)
                found.append(
                    f"late.extensions: nobody is called {student!r}.{f' Did you mean {guess}?' if guess else ''}"
                )
        timeless = [
            result for result in results if result.handed_in is None and late.due_of(result.student) is not None
        ]
        if timeless:
            who = f"{len(timeless)} of {len(results)} submissions"
            found.append(f"The work is due, but of {who} no time is known: nothing is taken off. Give --times FILE.")
        strangers = self.rules.roster.strangers(results)
        if strangers:
            found.append(f"Not in the list of the class: {', '.join(strangers)}.")
        return found

    def _one(self, newest: Result) -> Result:
        """Settled once for each newest result: attempts before it do not change while we are at work."""
        known = self._settled.get(newest.student)
        if known is None or known[0] is not newest:
            earlier = [result for kept in self.results.earlier(newest.student) if (result := kept.result()) is not None]
            found = settled([*earlier, newest], self.rules)
            known = self._settled[newest.student] = (newest, newest if found == newest else lean(found))
        return known[1]


def add_override(folder: Path, entry: OverrideEntry) -> None:
    """Write an entry at the end of the folder's `overrides.toml`, whose other text stays as it is.

    SetupError if the same points are given there already, or if the file has mistakes.
    """
    path = folder / OVERRIDES
    known = read_overrides(path, entry.assignment or "") if path.is_file() else ()
    if any((item.student, item.check, item.attempt) == (entry.student, entry.check, entry.attempt) for item in known):
        raise SetupError(
            f"{shown(path)}: points for {entry.check or 'the whole'} of {entry.student!r} stand there. Edit them."
        )
    before = path.read_text("utf-8") if path.is_file() else ""
    gap = "\n" * (2 if before and not before.endswith("\n") else 1) if before else ""
    write_atomically(path, before + gap + as_toml(entry))
