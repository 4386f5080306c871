"""What counts: attempts, lateness, points that people give, and the list of the class.

The checks give verdicts; here is decided what they are worth in the end. `settled` is a function of results and rules,
and nothing here looks at a submission. Kept in a database too (`database`), which can be made again from the results.
"""

from grader.gradebook.overrides import OverrideEntry, read_overrides
from grader.gradebook.roster import Member, Roster, read_roster
from grader.gradebook.settle import Rules, settled
from grader.gradebook.times import Times, read_times

__all__ = [
    "Member",
    "OverrideEntry",
    "Roster",
    "Rules",
    "Times",
    "read_overrides",
    "read_roster",
    "read_times",
    "settled",
]
