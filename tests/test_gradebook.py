"""What counts: lateness, points by hand, extra credit, attempts, the list of the class and of times."""

import tomllib
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.errors import SetupError
from grader.gradebook import OverrideEntry, Roster, Rules, read_overrides, read_roster, read_times, settled
from grader.gradebook.late import lateness
from grader.gradebook.overrides import as_toml, without_effect
from grader.gradebook.times import read_time
from grader.model.assignment import Assignment
from grader.model.lateness import LatePolicy
from grader.model.result import Result, Verdict
from grader.model.submission import Identity
from grader.results.verdicts import make_result, without_run
from tests.factories import make_assignment, make_observation, make_submission, make_verdict, write_assignment

DUE = datetime(2026, 12, 1, 23, 59, tzinfo=UTC)
CHECKS = '''from grader.judging import points


@points(2)
def works():
    """It works."""


@points(3)
def nice():
    """It is nice."""
'''


@pytest.fixture
def assignment(tmp_path: Path) -> Assignment:
    return write_assignment(tmp_path / "assignments" / "demo", CHECKS)


def a_result(*verdicts: Verdict, digest: str = "d", student: str = "ada", **changes: Any) -> Result:
    """A graded hand-in, on which a person must look if a verdict waits."""
    checks = verdicts or (make_verdict(points=2, max_points=2), make_verdict(id="nice", points=1.5, max_points=3))
    person = ("look",) if any(verdict.waits for verdict in checks) else ()
    made = make_result(make_submission(student=student, digest=digest), make_observation(), checks, person=person)
    return made.model_copy(update=changes)


def an_entry(**changes: Any) -> OverrideEntry:
    values = {"student": "ada", "check": "nice", "points": 3.0, "reason": "It is.", "by": "Eve", "when": "2026-12-03"}
    return OverrideEntry(**{**values, **changes})


def rules(assignment: Assignment, *entries: OverrideEntry, **changes: Any) -> Rules:
    roster = changes.pop("roster", Roster())
    return Rules(assignment.model_copy(update=changes), entries, roster)


# ── lateness ──


def late_by(policy: LatePolicy, *, earned: float = 8.0, **after: float) -> tuple[int, float, bool] | None:
    found = lateness(policy, "ada", DUE + timedelta(**after), earned=earned, maximum=10.0)
    return None if found is None else (found.days, found.penalty, found.too_late)


@pytest.mark.parametrize(
    ("policy", "after", "want"),
    [
        ({"per_day": 0.1}, {"days": -1}, (0, 0, False)),
        ({"per_day": 0.1}, {"seconds": 0}, (0, 0, False)),
        ({"per_day": 0.1}, {"seconds": 1}, (1, 1.0, False)),
        ({"per_day": 0.1}, {"days": 1}, (1, 1.0, False)),
        ({"per_day": 0.1}, {"days": 1, "seconds": 1}, (2, 2.0, False)),
        ({"per_day": 0.1, "of": "points"}, {"hours": 30}, (2, 1.6, False)),
        ({"per_day": 0.1, "grace_minutes": 15.0}, {"minutes": 15}, (0, 0, False)),
        ({"per_day": 0.1, "grace_minutes": 15.0}, {"minutes": 16}, (1, 1.0, False)),
        ({"per_day": 0.1, "most": 0.3}, {"days": 9}, (9, 3.0, False)),
        ({"per_day": 0.5}, {"days": 3}, (3, 8.0, False)),
        ({"per_day": 0.1, "stop_days": 2.0}, {"days": 2}, (2, 2.0, False)),
        ({"per_day": 0.1, "stop_days": 2.0}, {"days": 2, "seconds": 1}, (3, 8.0, True)),
        ({"stop_days": 0.0}, {"seconds": 1}, (1, 8.0, True)),
        ({"stop_days": 0.0, "grace_minutes": 5.0}, {"minutes": 5}, (0, 0, False)),
        ({}, {"days": 30}, (30, 0, False)),
    ],
)
def test_lateness_costs_what_the_policy_says(
    policy: dict[str, Any], after: dict[str, float], want: tuple[int, float, bool]
) -> None:
    """Days begun, with grace, a largest share and a hard stop; of all points that there are, or of those earned."""
    assert late_by(LatePolicy(due=DUE, **policy), **after) == want


def test_nothing_is_late_without_a_deadline_or_a_time() -> None:
    """Of an unknown time nobody says that it was late."""
    assert lateness(LatePolicy(per_day=1.0), "ada", DUE, earned=1, maximum=1) is None
    assert lateness(LatePolicy(due=DUE, per_day=1.0), "ada", None, earned=1, maximum=1) is None


def test_an_extension_is_for_one_student() -> None:
    """Others keep their deadline; the time zone is that of whoever wrote it."""
    far = datetime(2026, 12, 8, 1, tzinfo=timezone(timedelta(hours=2)))
    policy = LatePolicy(due=DUE, per_day=0.1, extensions={"ada": far})
    found = lateness(policy, "ada", far, earned=5, maximum=5)
    other = lateness(policy, "bela", far, earned=5, maximum=5)
    assert found is not None
    assert found.due == far
    assert found.penalty == 0
    assert other is not None
    assert other.days == 6
    assert other.penalty == 3.0


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 5000), st.none() | st.floats(0, 30), st.floats(0, 100), st.data())
def test_a_penalty_is_between_nothing_and_what_was_earned(
    per_day: float, most: float, grace: float, stop: float | None, earned: float, data: st.DataObject
) -> None:
    """And coming earlier never costs more, if the penalty is a share of all points."""
    policy = LatePolicy(due=DUE, per_day=per_day, most=most, grace_minutes=grace, stop_days=stop)
    early, later = sorted(data.draw(st.tuples(st.floats(-1e6, 5e6), st.floats(-1e6, 5e6))))
    costs = []
    for seconds in (early, later):
        found = lateness(policy, "ada", DUE + timedelta(seconds=seconds), earned=earned, maximum=100)
        assert found is not None
        assert 0 <= found.penalty <= earned + 1e-3
        costs.append(found.penalty)
    assert costs[0] <= costs[1] + 1e-3


def test_a_late_score_is_what_is_left(assignment: Assignment) -> None:
    """The checks keep their points; what lateness takes is told beside them."""
    late = LatePolicy(due=DUE, per_day=0.1)
    result = settled([a_result(handed_in=DUE + timedelta(days=1))], rules(assignment, late=late))
    assert (result.score, sum(verdict.points for verdict in result.checks)) == (3.0, 3.5)
    assert result.lateness is not None
    assert result.lateness.penalty == 0.5


def test_late_by_an_unknown_time_waits_for_a_person(assignment: Assignment) -> None:
    """Canvas marks files as late and does not say by how much; without a policy that costs points it does not matter."""
    result = settled([a_result(marked_late=True)], rules(assignment, late=LatePolicy(due=DUE, per_day=0.1)))
    assert result.needs_review
    assert "late_by_unknown_time" in result.flags
    assert "--times" in result.message
    assert not settled([a_result(marked_late=True)], rules(assignment, late=LatePolicy(due=DUE))).needs_review
    assert not settled([a_result(marked_late=True)], rules(assignment)).needs_review


# ── points by hand ──


def test_points_by_hand_replace_those_of_the_check(assignment: Assignment) -> None:
    """With who gave them, why, and what stood there before."""
    result = settled([a_result()], rules(assignment, an_entry()))
    nice = result.checks[1]
    assert (result.score, nice.points, nice.status) == (5.0, 3.0, "passed")
    assert nice.override is not None
    assert (nice.override.before, nice.override.by) == (1.5, "Eve")
    assert (nice.override.reason, nice.override.when) == ("It is.", "2026-12-03")


def test_points_by_hand_for_the_whole_are_the_score(assignment: Assignment) -> None:
    """Nothing is taken off for being late then: the person knew."""
    entry = an_entry(check=None, points=4.0)
    late = LatePolicy(due=DUE, per_day=0.5)
    result = settled([a_result(handed_in=DUE + timedelta(days=3))], rules(assignment, entry, late=late))
    assert result.score == 4.0
    assert result.lateness is None
    assert result.override is not None
    assert result.override.before == 3.5


def test_others_keep_their_points(assignment: Assignment) -> None:
    """An entry is for one student."""
    assert settled([a_result(student="bela")], rules(assignment, an_entry())).score == 3.5


def test_manual_points_end_the_waiting(assignment: Assignment) -> None:
    """A check for a person waits until a person gives points, be it none."""
    waiting = a_result(
        make_verdict(points=2, max_points=2), make_verdict(id="nice", points=0, status="skipped", waits=True)
    )
    assert waiting.needs_review
    assert settled([waiting], rules(assignment)).needs_review
    given_none = settled([waiting], rules(assignment, an_entry(points=0.0)))
    assert not given_none.needs_review
    assert given_none.score == 2.0
    assert given_none.checks[1].override is not None
    assert given_none.checks[1].override.before is None


def test_one_of_two_waiting_checks_is_not_enough(assignment: Assignment) -> None:
    """A person must decide on both."""
    two = a_result(*(make_verdict(id=name, points=0, status="skipped", waits=True) for name in ("works", "nice")))
    assert settled([two], rules(assignment, an_entry())).needs_review
    assert not settled([two], rules(assignment, an_entry(), an_entry(check="works"))).needs_review


def test_a_broken_check_is_decided_by_a_person(assignment: Assignment) -> None:
    """What was no grade, through our fault, becomes one with the points of a person."""
    broken = a_result(make_verdict(points=2, max_points=2), make_verdict(id="nice", points=0, status="error"))
    assert broken.score is None
    assert settled([broken], rules(assignment)).score is None
    fixed = settled([broken], rules(assignment, an_entry()))
    assert (fixed.score, fixed.status, fixed.needs_review) == (5.0, "graded", False)


def test_what_was_open_is_not_told_after_it_is_decided(assignment: Assignment) -> None:
    """Neither why a person had to look, nor what a broken check said, which may quote the answer."""
    said = make_verdict(id="nice", points=0, status="error", message="KeyError: 'the answer is 42'")
    broken = a_result(make_verdict(), said, message="look")
    fixed = settled([broken], rules(assignment, an_entry()))
    assert fixed.message == ""
    assert "42" not in fixed.checks[1].message
    assert settled([broken], rules(assignment)).message == "look"


def test_where_we_failed_a_few_points_are_no_grade(assignment: Assignment) -> None:
    """If nothing was run, a person gives points for every check, or for the whole."""
    verdicts = (make_verdict(), make_verdict(id="nice"))
    failed = without_run(make_submission(), verdicts, digests=("a", "r"), ours="the disk is full")
    one = settled([failed], rules(assignment, an_entry()))
    assert one.score is None
    assert one.needs_review
    both = settled([failed], rules(assignment, an_entry(), an_entry(check="works", points=1.0)))
    assert (both.score, both.needs_review, both.status) == (4.0, False, "graded")
    whole = settled([failed], rules(assignment, an_entry(check=None, points=3.0)))
    assert (whole.score, whole.needs_review) == (3.0, False)


def test_entries_survive_a_round_trip(tmp_path: Path) -> None:
    """What is written is what is read, whatever stands in the words."""
    entry = an_entry(reason='He said "no", \\ and\nleft.\x7f é', attempt=2, assignment="demo")
    (tmp_path / "o.toml").write_text(as_toml(entry) + as_toml(an_entry()), "utf-8")
    assert read_overrides(tmp_path / "o.toml", "demo") == (entry, an_entry())
    assert read_overrides(tmp_path / "o.toml", "other") == (an_entry(),)


@given(st.text(min_size=1), st.text(min_size=1))
def test_any_words_can_be_written(reason: str, by: str) -> None:
    """TOML takes them all."""
    text = as_toml(an_entry(reason=reason, by=by))
    assert tomllib.loads(text.encode("utf-8", "replace").decode())["override"][0]["points"] == 3.0


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("[[override]]\nstudent='a'\npoints=1.0\nreason='r'\nby='b'\n", "override.0.when: required"),
        ("[[override]]\nstudent='a'\npoint=1.0\nreason='r'\nby='b'\nwhen=2026-01-01\n", "did you mean points?"),
        ("[[override]]\nstudent='a'\npoints=-1.0\nreason='r'\nby='b'\nwhen=2026-01-01\n", "a number from 0"),
        ("[[override]]\nstudent='a'\npoints=1.0\nreason=''\nby='b'\nwhen=2026-01-01\n", "not empty"),
        ("[[override]]\nstudent='a'\npoints=1.0\nreason='r'\nby='b'\nwhen='soon'\n", "expected a date"),
        ("[[overrides]]\n", "did you mean override?"),
        ("x = \n", "not valid TOML"),
    ],
)
def test_mistakes_are_told_with_their_lines(tmp_path: Path, text: str, want: str) -> None:
    """All strict: points that nobody reads would be lost in silence."""
    (tmp_path / "o.toml").write_text(text)
    with pytest.raises(SetupError, match=r"o\.toml:\d+: ") as caught:
        read_overrides(tmp_path / "o.toml", "demo")
    assert want in str(caught.value)


def test_points_given_twice_are_a_mistake(tmp_path: Path) -> None:
    """Which would count?"""
    (tmp_path / "o.toml").write_text(as_toml(an_entry()) + as_toml(an_entry(points=1.0)))
    with pytest.raises(SetupError, match="given twice"):
        read_overrides(tmp_path / "o.toml", "demo")


def test_over_several_assignments_each_entry_names_its_own(tmp_path: Path) -> None:
    """Or it would count in all."""
    (tmp_path / "o.toml").write_text(as_toml(an_entry()))
    with pytest.raises(SetupError, match="expected `assignment`"):
        read_overrides(tmp_path / "o.toml", "demo", several=True)


def test_entries_without_effect_are_told() -> None:
    """A misspelt student or check, and more points than there are."""
    entries = [an_entry(student="adda"), an_entry(check="nicer"), an_entry(points=99.0), an_entry()]
    said = list(without_effect(entries, [a_result()]))
    assert len(said) == 3
    assert "Did you mean ada?" in said[0]
    assert "did you mean nice?" in said[1]
    assert "more than the 3" in said[2]


# ── extra credit ──


def test_extra_credit_is_on_top(assignment: Assignment) -> None:
    """Its points count, and are not part of the maximum."""
    result = settled([a_result()], rules(assignment, extra_credit=("nice",)))
    assert (result.score, result.max_score) == (3.5, 2.0)
    assert [verdict.extra for verdict in result.checks] == [False, True]


# ── attempts ──


def tries(*points: float, **changes: Any) -> list[Result]:
    """Attempts with these points, of 5."""
    return [
        a_result(make_verdict(points=value, max_points=5), digest=str(number), **changes)
        for number, value in enumerate(points)
    ]


@pytest.mark.parametrize(("policy", "number", "score"), [("last", 3, 2.0), ("best", 2, 4.0), ("first", 1, 1.0)])
def test_the_policy_says_which_attempt_counts(assignment: Assignment, policy: str, number: int, score: float) -> None:
    """And all of them are told."""
    result = settled(tries(1, 4, 2), rules(assignment, attempts=policy))
    assert result.attempt is not None
    assert (result.attempt.number, result.attempt.of, result.score) == (number, 3, score)
    assert result.attempt.scores == (1.0, 4.0, 2.0)


def test_a_single_attempt_is_not_counted(assignment: Assignment) -> None:
    """There is nothing to choose."""
    assert settled(tries(3), rules(assignment)).attempt is None


def test_attempts_stand_in_the_order_of_their_times(assignment: Assignment) -> None:
    """Also when they were graded in another one."""
    second, first = tries(4, 1)
    times = [second.model_copy(update={"handed_in": DUE}), first.model_copy(update={"handed_in": DUE - timedelta(1)})]
    result = settled(times, rules(assignment))
    assert result.score == 4.0


def test_the_best_attempt_is_the_best_after_lateness(assignment: Assignment) -> None:
    """A late improvement may be worth less."""
    early, late = tries(3, 4)
    late = late.model_copy(update={"handed_in": DUE + timedelta(days=2)})
    early = early.model_copy(update={"handed_in": DUE})
    policy = LatePolicy(due=DUE, per_day=0.2)
    result = settled([early, late], rules(assignment, attempts="best", late=policy))
    assert result.attempt is not None
    assert (result.attempt.number, result.score) == (1, 3.0)


def test_an_open_attempt_that_could_be_better_waits_for_a_person(assignment: Assignment) -> None:
    """With a full score elsewhere nobody needs to look."""
    waiting = a_result(make_verdict(points=0, max_points=5, status="skipped", waits=True))
    assert settled([*tries(3), waiting], rules(assignment, attempts="best")).needs_review
    assert not settled([*tries(5), waiting], rules(assignment, attempts="best")).needs_review


def test_points_by_hand_can_be_for_one_attempt(assignment: Assignment) -> None:
    """Counted from 1, in the order of the attempts."""
    entry = an_entry(check=None, attempt=1, points=5.0)
    result = settled(tries(1, 4), rules(assignment, entry, attempts="best"))
    assert result.attempt is not None
    assert result.attempt.scores == (5.0, 4.0)


@given(st.lists(st.floats(0, 5), min_size=1, max_size=6))
def test_best_is_never_below_first_and_last(points: list[float]) -> None:
    """Whatever the points."""
    made = make_assignment()
    scores = {
        policy: settled(tries(*points), Rules(made.model_copy(update={"attempts": policy}))).score
        for policy in ("last", "best", "first")
    }
    assert max(scores.values(), key=lambda score: score or 0.0) == scores["best"]


# ── the list of the class ──

ROSTER = 'Student,Email,Login,Section\n"Lovelace, Ada",ada@x.org,al1,A\nBéla Bartók,bela@x.org,bb2,B\nChen Ning,cn@x.org,cn3,A\n'


def test_a_list_names_owners_and_finds_who_is_missing(tmp_path: Path) -> None:
    """By login, address, name in either order, or what the platform says."""
    (tmp_path / "r.csv").write_text(ROSTER, "utf-8")
    roster = read_roster(tmp_path / "r.csv")
    results = [a_result(student="ada"), a_result(student="x", identity=Identity(email="BELA@x.org"))]
    assert [roster.identity(item.student, item.identity).section for item in results] == ["A", "B"]  # type: ignore[union-attr]
    assert [item.student for item in roster.missing(results)] == ["Chen Ning"]
    assert roster.strangers([*results, a_result(student="zoe")]) == ["zoe"]


def test_names_that_two_have_are_nobodys(tmp_path: Path) -> None:
    """Better no owner than the wrong one."""
    (tmp_path / "r.csv").write_text("name,id\nAda,1\nAda,2\n")
    roster = read_roster(tmp_path / "r.csv")
    assert roster.identity("Ada") is None
    assert roster.identity("x", Identity(id="2", name="Ada")) == Identity(name="Ada", id="2")


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("", "found none"),
        ("colour,size\nred,3\n", "expected columns such as"),
        ("name,id\nAda,1\nBela,1\n", "r.csv:3: '1' stands in line 2 too"),
        ("name,id,section\n,,A\n", "r.csv:2: expected a person"),
    ],
)
def test_mistakes_in_the_list_are_told(tmp_path: Path, text: str, want: str) -> None:
    """With their lines."""
    (tmp_path / "r.csv").write_text(text)
    with pytest.raises(SetupError, match=r"r\.csv") as caught:
        read_roster(tmp_path / "r.csv")
    assert want in str(caught.value)


# ── the list of times ──


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("2026-12-01T23:59:00+01:00", "2026-12-01T23:59:00+01:00"),
        ("2026-12-01 21:03:04 -0800", "2026-12-01T21:03:04-08:00"),
        ("2026-12-01 21:03:04 UTC", "2026-12-01T21:03:04+00:00"),
        ("Tuesday, 1 December 2026, 9:15 PM", "2026-12-01T21:15:00"),
        ("Tuesday, December 1, 2026, 9:15 PM", "2026-12-01T21:15:00"),
        ("yesterday", None),
    ],
)
def test_times_are_read_as_platforms_write_them(text: str, want: str | None) -> None:
    """ISO 8601, Gradescope, GitHub Classroom, Moodle."""
    found = read_time(text)
    assert (found.isoformat() if found else None) == want


def test_a_worksheet_of_moodle_gives_the_times(tmp_path: Path) -> None:
    """Without an offset they are in that of the deadline; without a time nothing is said."""
    (tmp_path / "t.csv").write_text(
        "Identifier,Full name,Email address,Last modified (submission),Grade\n"
        'Participant 55,Ada Lovelace,ada@x.org,"Tuesday, 1 December 2026, 9:15 PM",\n'
        "Participant 56,Bela B,bela@x.org,-,\n",
        "utf-8",
    )
    times = read_times(tmp_path / "t.csv", timezone(timedelta(hours=1)))
    want = datetime(2026, 12, 1, 20, 15, tzinfo=UTC)
    assert times.of_student("Ada Lovelace") == want
    assert times.of_student("x", Identity(id="55")) == want
    assert times.of_student("Bela B") is None


def test_a_time_without_an_offset_needs_a_deadline(tmp_path: Path) -> None:
    """Nobody knows when it was."""
    (tmp_path / "t.csv").write_text("student,handed_in\nada,2026-12-01T10:00:00\n")
    with pytest.raises(SetupError, match=r"t\.csv:2: expected a time such as"):
        read_times(tmp_path / "t.csv", None)


def test_a_list_without_times_is_a_mistake(tmp_path: Path) -> None:
    """It was given for the times."""
    (tmp_path / "t.csv").write_text("student\nada\n")
    with pytest.raises(SetupError, match="a column with the times"):
        read_times(tmp_path / "t.csv", None)
