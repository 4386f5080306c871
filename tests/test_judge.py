"""Judging: from what a check raises to its verdict, and what is wanted to decide the rest."""

import importlib
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.errors import SetupError
from grader.judging import CheckFailed, Evidence, points
from grader.judging.evidence import graded_fit
from grader.judging.judge import Court, judge
from grader.judging.marks import mark_of
from grader.judging.plugin import Judgement, JudgePlugin
from grader.model.observation import Call, Claimed, Fit
from grader.model.result import Verdict
from tests.factories import (
    make_assignment,
    make_call,
    make_curve,
    make_description,
    make_evidence,
    make_fit,
    make_observation,
    make_run,
    make_training,
    write_assignment,
)

EVERY_OUTCOME = '''
import sys
from grader.judging import CheckFailed, fail, points
from grader.judging.marks import NotApplicable, PersonNeeded


@points(2)
def works():
    """It
    works."""


@points(3, hidden=True)
def fails_in_words():
    """It is hidden, and fails."""
    fail("Do it otherwise.", points=1)


@points(1)
def fails_with_too_many_points():
    """It asks for more than there is."""
    fail("No.", points=5)


@points(1)
def asserts():
    """It asserts with a message."""
    assert 1 == 2, "One is not two."


@points(1)
def asserts_silently():
    """It asserts without a message."""
    raise AssertionError


@points(1)
def breaks():
    """It has a bug."""
    raise ZeroDivisionError("ours")


@points(1)
def leaves():
    """It ends the process."""
    sys.exit(3)


@points(1)
def does_not_apply():
    """It is skipped."""
    raise NotApplicable("there is nothing to look at")


@points(1)
def asks_a_person():
    """It cannot be decided."""
    raise PersonNeeded("somebody must look")


@points(1)
def waits(training):
    """It needs a training."""


@points(1, after=["works"])
def comes_after_a_pass():
    """It is looked at."""


@points(1, after=["works", "fails_in_words"])
def comes_after_a_failure():
    """It is not looked at."""


@points(1)
def asks_for_something_unknown(nothing_of_the_sort):
    """It misspelt a fixture."""


@points(1)
def a_first_by_name():
    """It stands last."""


def not_a_check():
    raise RuntimeError


class Neither:
    def works(self):
        raise RuntimeError
'''


@pytest.fixture(scope="module")
def judgement(tmp_path_factory: pytest.TempPathFactory) -> Judgement:
    """One judgement with every outcome in it."""
    assignment = write_assignment(tmp_path_factory.mktemp("judge") / "every", EVERY_OUTCOME)
    return judge(make_evidence(make_fit(), assignment=assignment))


def verdict(judgement: Judgement, name: str) -> Verdict:
    return next(item for item in judgement.verdicts if item.id == name)


def outcome(judgement: Judgement, name: str) -> tuple[str, float, str]:
    found = verdict(judgement, name)
    return found.status, found.points, found.message


def judge_checks(folder: Path, checks: str, evidence: Evidence | None = None) -> Judgement:
    """Judge with this text as `checks.py`."""
    assignment = write_assignment(folder, f"from grader.judging import fail, points\n{checks}")
    known = evidence or make_evidence(make_fit())
    return judge(Evidence(assignment, known.observation, known.training, known.training_refused))


def one_check(arguments: str, body: str = "pass", mark: str = "points(1)") -> str:
    return f'@{mark}\ndef check({arguments}):\n    """It holds."""\n    {body}\n'


# ── outcomes ──


def test_order_is_that_of_the_file(judgement: Judgement) -> None:
    """Verdicts come in the order in which the checks are written, one for each."""
    names = [line.split("(")[0].removeprefix("def ") for line in EVERY_OUTCOME.splitlines() if line.startswith("def ")]
    assert [item.id for item in judgement.verdicts] == [name for name in names if name != "not_a_check"]


def test_a_check_that_raises_nothing_passes(judgement: Judgement) -> None:
    """All points, no message."""
    assert outcome(judgement, "works") == ("passed", 2.0, "")


def test_title_is_the_docstring_on_one_line(judgement: Judgement) -> None:
    """The student reads the docstring."""
    assert verdict(judgement, "works").title == "It works."


def test_a_failure_may_keep_some_points(judgement: Judgement) -> None:
    """`fail` says why, and what remains."""
    assert outcome(judgement, "fails_in_words") == ("failed", 1.0, "Do it otherwise.")


def test_points_never_exceed_the_maximum(judgement: Judgement) -> None:
    """A failure that asks for five points of one gets one."""
    assert all(0 <= item.points <= item.max_points for item in judgement.verdicts)
    assert outcome(judgement, "fails_with_too_many_points") == ("failed", 1.0, "No.")


def test_an_assertion_fails_with_its_message(judgement: Judgement) -> None:
    """A plain assert is a failure; what pytest adds to its message is cut."""
    assert outcome(judgement, "asserts") == ("failed", 0.0, "One is not two.")


def test_a_silent_assertion_says_something(judgement: Judgement) -> None:
    """A failure always has a message."""
    assert outcome(judgement, "asserts_silently") == ("failed", 0.0, "not as asked")


@pytest.mark.parametrize(
    ("name", "what"),
    [("breaks", "ZeroDivisionError: ours"), ("leaves", "SystemExit: 3"), ("asks_for_something_unknown", "")],
)
def test_any_other_exception_is_our_fault(judgement: Judgement, name: str, what: str) -> None:
    """A bug in a check is the verdict `error`, and the message says so."""
    status, got, message = outcome(judgement, name)
    assert (status, got) == ("error", 0.0)
    assert what in message
    assert message.endswith("It is not your fault.")


def test_a_check_that_does_not_apply_is_skipped_with_its_reason(judgement: Judgement) -> None:
    """The reason of a skip is always told."""
    assert outcome(judgement, "does_not_apply") == ("skipped", 0.0, "Skipped: there is nothing to look at.")


def test_a_check_for_a_person_waits(judgement: Judgement) -> None:
    """What only a person can decide is noted with its reason."""
    assert outcome(judgement, "asks_a_person") == ("skipped", 0.0, "Waits for a person: somebody must look.")
    assert judgement.person == ("somebody must look",)


def test_a_check_that_needs_a_training_is_pending(judgement: Judgement) -> None:
    """It is skipped for now, and listed."""
    assert outcome(judgement, "waits") == ("skipped", 0.0, "Skipped: the training has not been carried out.")
    assert judgement.pending == ("waits",)


def test_a_check_after_one_that_passed_is_looked_at(judgement: Judgement) -> None:
    """`after` lets through what its checks let through."""
    assert outcome(judgement, "comes_after_a_pass") == ("passed", 1.0, "")


def test_a_check_after_one_that_failed_is_skipped_with_the_reason(judgement: Judgement) -> None:
    """One of two is enough to skip, and is named in words."""
    assert outcome(judgement, "comes_after_a_failure") == (
        "skipped",
        0.0,
        "Skipped: it is looked at only after fails in words, which did not pass.",
    )


def test_hidden_stays_hidden(judgement: Judgement) -> None:
    """The mark `hidden` reaches the verdict, and only that one."""
    assert [item.id for item in judgement.verdicts if item.hidden] == ["fails_in_words"]


# ── the file ──


def test_two_assignments_are_judged_by_their_own_checks(tmp_path: Path) -> None:
    """In one process, a second assignment is judged by its own `checks.py`, not by the first one's."""
    first = judge_checks(tmp_path / "one", one_check("", mark="points(1)"))
    second = judge_checks(tmp_path / "two", one_check("", mark="points(2)"))
    assert [first.verdicts[0].max_points, second.verdicts[0].max_points] == [1, 2]


def test_checks_that_changed_are_read_again(tmp_path: Path) -> None:
    """A rubric that was corrected between two judgements in one process counts at once."""
    judge_checks(tmp_path / "one", one_check("", "fail('no')"))
    assert judge_checks(tmp_path / "one", one_check("", "return None")).verdicts[0].status == "passed"


@pytest.mark.parametrize(
    ("checks", "reason"),
    [
        ("def check(:", "SyntaxError"),
        ("import nothing_of_the_sort", "ModuleNotFoundError"),
        ("@points(1)\ndef bare():\n    pass", "the check bare needs a docstring"),
        ("", "pytest ended with"),
    ],
    ids=["syntax", "import", "docstring", "empty"],
)
def test_broken_checks_are_a_setup_error(tmp_path: Path, checks: str, reason: str) -> None:
    """A `checks.py` that cannot be run stops the grading with its reason; no student is judged by half of it."""
    with pytest.raises(SetupError) as caught:
        judge_checks(tmp_path / "demo", checks)
    assert reason in str(caught.value)
    assert "checks.py" in str(caught.value)


def test_a_check_that_waits_for_an_unknown_check_is_a_setup_error(tmp_path: Path) -> None:
    """A misspelt id under `after` would skip the check for everybody: the assignment is broken."""
    with pytest.raises(SetupError, match="misspelt"):
        judge_checks(tmp_path / "demo", one_check("", mark="points(1, after=['misspelt'])"))


@pytest.mark.parametrize("options", ["-x", "-k nothing", "--no-such-option"])
def test_options_of_the_users_own_pytest_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: str
) -> None:
    """PYTEST_ADDOPTS is for the user's tests: all checks are judged whatever it says."""
    monkeypatch.setenv("PYTEST_ADDOPTS", options)
    found = judge_checks(tmp_path / "demo", one_check("", "fail('no')") + one_check("").replace("check", "other"))
    assert [item.id for item in found.verdicts] == ["check", "other"]


def test_what_checks_print_is_not_shown(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Judging prints nothing, whatever the checks print."""
    judge_checks(tmp_path / "demo", one_check("", "print('hello')"))
    assert capfd.readouterr() == ("", "")


def test_a_check_that_never_ends_is_our_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that runs into its time limit is an error, and the others are judged all the same."""
    monkeypatch.setattr("grader.judging.plugin.CHECK_SECONDS", 1)
    endless = one_check("", "import time; time.sleep(20)").replace("check", "endless")
    assert [item.status for item in judge_checks(tmp_path / "demo", endless + one_check("")).verdicts] == [
        "error",
        "passed",
    ]


# ── what a check may ask for ──


def test_a_check_gets_what_it_names(tmp_path: Path) -> None:
    """Evidence, observation, call, fit, network and training are handed over by name."""
    fit = make_fit(played=make_curve([0.9], name="run"))
    observation = make_observation(fit, descriptions={"net": make_description()})
    training = make_training(make_run([0.9]), make_curve([0.9]))
    body = "assert (call.name, fit.number, network.parameters, training.run.seed) == ('train', 0, 100, 1)"
    same = "assert evidence.observation is observation"
    checks = one_check("evidence, observation, call, fit, network, training", f"{body}; {same}")
    evidence = make_evidence(observation=observation, training=training)
    assert judge_checks(tmp_path / "demo", checks, evidence).verdicts[0].status == "passed"


@pytest.mark.parametrize(
    ("calls", "message"),
    [
        ((make_call(error="NameError: x"),), "Your program did not come to model.fit: NameError: x."),
        ((), "Your program never calls model.fit, and has no function train."),
        ((make_call(found=False),), "Your program never calls model.fit, and has no function train."),
        ((make_call(),), "Your function ended without calling model.fit."),
    ],
    ids=["error", "no_call", "not_found", "no_fit"],
)
def test_without_a_fit_the_check_fails_with_the_cause(tmp_path: Path, calls: tuple[Call, ...], message: str) -> None:
    """A check that asks for the fit fails where nothing was trained, and says as much as is known."""
    evidence = make_evidence(observation=make_observation(calls=calls))
    found = judge_checks(tmp_path / "demo", one_check("fit"), evidence).verdicts[0]
    assert (found.status, found.message) == ("failed", message)


def test_a_fit_that_could_not_be_read_fails(tmp_path: Path) -> None:
    """A training that was refused and not carried out live fails with the reason."""
    evidence = make_evidence(make_fit(request=None, refused="it contains a layer of the class Mine"))
    found = judge_checks(tmp_path / "demo", one_check("fit"), evidence).verdicts[0]
    assert found.message == "Your training could not be read: it contains a layer of the class Mine."


def test_a_live_training_waits_for_a_person(tmp_path: Path) -> None:
    """What a program trained itself proves no accuracy: a person must look, and reads why."""
    evidence = make_evidence(make_fit(request=None, refused="it has a layer of its own", live=True))
    found = judge_checks(tmp_path / "demo", one_check("training"), evidence)
    assert found.person == ("the grader cannot repeat this training itself, because it has a layer of its own",)


def test_a_live_network_is_the_one_the_program_describes(tmp_path: Path) -> None:
    """Where the trainer cannot build a network, a check sees what the program says of it."""
    layer = {"name": "mine", "class_name": "Mine", "output_shape": [None, 10], "parameters": 5}
    evidence = make_evidence(make_fit(request=None, refused="why", live=True, claimed_layers=(layer,)))
    body = "assert (network.layers[0].class_name, network.output_shape) == ('Mine', (None, 10))"
    assert judge_checks(tmp_path / "demo", one_check("network", body), evidence).verdicts[0].status == "passed"


def test_checks_that_looked_at_the_training_are_known(tmp_path: Path) -> None:
    """Which checks used the real training is noted, passed or failed."""
    fit = make_fit(played=make_curve([0.9], name="run"))
    evidence = make_evidence(fit, training=make_training(make_run([0.9]), make_curve([0.9])))
    checks = one_check("training", "fail('no')") + one_check("fit").replace("check", "other")
    assert judge_checks(tmp_path / "demo", checks, evidence).trained == ("check",)


def test_without_a_fit_in_a_program_that_was_ended_the_ending_is_told(tmp_path: Path) -> None:
    """A program that ran into a limit before `fit` reads so."""
    evidence = make_evidence(observation=make_observation(calls=(), ending="timeout"))
    assert judge_checks(tmp_path / "demo", one_check("fit"), evidence).verdicts[0].message == (
        "Your program did not come to its end, and had not called model.fit inside the function before."
    )


def test_a_live_fit_can_be_looked_at(tmp_path: Path) -> None:
    """Callback and message of a live training are judged like any other."""
    evidence = make_evidence(make_fit(request=None, refused="why", live=True))
    assert judge_checks(tmp_path / "demo", one_check("fit"), evidence).verdicts[0].status == "passed"


def test_a_network_that_was_not_described_is_our_fault(tmp_path: Path) -> None:
    """A captured network without a description is an error, not a failure of the student."""
    assert judge_checks(tmp_path / "demo", one_check("network")).verdicts[0].status == "error"


def test_a_training_that_will_not_come_says_why(tmp_path: Path) -> None:
    """Under `--quick` the skip carries the reason."""
    evidence = make_evidence(make_fit(), training_refused="left out by --quick")
    assert judge_checks(tmp_path / "demo", one_check("training"), evidence).verdicts[0].message == (
        "Skipped: left out by --quick."
    )


# ── marks and evidence ──


def test_a_check_without_a_docstring_is_refused() -> None:
    """The docstring is what the student reads: there is no check without it."""
    with pytest.raises(ValueError, match="needs a docstring"):
        points(1)(lambda: None)


def test_an_unmarked_function_is_no_check() -> None:
    """Only `@points` makes a check."""
    assert mark_of(test_an_unmarked_function_is_no_check) is None


@given(st.floats(0, 100), st.floats(0, 100))
def test_a_verdict_never_has_more_points_than_its_check(maximum: float, kept: float) -> None:
    """Whatever a failure says remains, the verdict has at most the points of the check."""

    def check() -> None:
        """It holds."""

    class Item:
        name = "check"
        obj = staticmethod(points(maximum)(check))

    plugin = JudgePlugin()
    plugin.evidence_value = make_evidence()
    found = plugin._verdict(Item, CheckFailed("no", kept))
    assert 0 <= found.points <= found.max_points == maximum


INSIDE = [make_fit(number=1), make_fit(number=2)]
OUTSIDE = [make_fit(number=3, phase="top_level"), make_fit(number=4, phase="top_level")]


@pytest.mark.parametrize(
    ("fits", "defined", "rule", "number"),
    [
        (INSIDE + OUTSIDE, True, "last", 2),
        (INSIDE + OUTSIDE, True, "first", 1),
        (OUTSIDE, False, "last", 4),
        (OUTSIDE, False, "first", 3),
        (OUTSIDE, True, "last", None),
        ([], True, "last", None),
    ],
    ids=["last_inside", "first_inside", "last_at_top_level", "first_at_top_level", "function_without_fit", "nothing"],
)
def test_graded_fit_is_the_one_the_assignment_names(
    fits: list[Fit], *, defined: bool, rule: str, number: int | None
) -> None:
    """The last or first fit inside the entry point; at top level only where the function does not exist."""
    observation = make_observation(*fits, claimed=Claimed(defined=("train",) if defined else ()))
    found = graded_fit(make_assignment(graded_fit=rule), observation)
    assert (found.number if found else None) == number


def test_call_is_the_first_one_of_the_entry_point() -> None:
    """Calls of other functions are not the call."""
    calls = (make_call(name="other"), make_call(1), make_call(2))
    found = make_evidence(observation=make_observation(calls=calls)).call
    assert found is not None
    assert found.value == 1


def test_layer_names_are_those_of_the_graded_fit() -> None:
    """The student's names come from the fit that counts; without one there are none."""
    assert make_evidence(make_fit(layer_names={"layer_1": "mine"})).layer_names == {"layer_1": "mine"}
    assert make_evidence().layer_names == {}


def test_an_interruption_is_no_fault_of_the_checks(tmp_path: Path) -> None:
    """Pytest swallows Ctrl-C; whoever pressed it wants the run to end, and no sentence about broken checks."""
    checks = (
        "from grader.judging import points\n\n@points(1)\ndef slow():\n    '''Slow.'''\n    raise KeyboardInterrupt\n"
    )
    assignment = write_assignment(tmp_path / "demo", checks)
    with pytest.raises(KeyboardInterrupt):
        judge(make_evidence(assignment=assignment))


CHECKS = """
from grader.judging import points

@points(1)
def trained(fit):
    '''It is trained.'''
    print("said by a check")
"""


def test_a_sitting_judges_as_one_judgement_at_a_time_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing of one hand-in is left for the next, and only what the work prints is seen."""
    assignment = write_assignment(tmp_path / "demo", CHECKS)
    many = [make_evidence(*fits, assignment=assignment) for fits in ((make_fit(),), (), (make_fit(),), ())]
    court, found = Court(assignment), []

    def work() -> None:
        for evidence in many:
            print("said by the work")
            found.append(court.judge(evidence))

    court.sit(work)

    assert found == [judge(evidence) for evidence in many]
    assert [verdict.status for judgement in found for verdict in judgement.verdicts] == ["passed", "failed"] * 2
    assert capsys.readouterr().out == "said by the work\n" * len(many)
    assert court.judge(many[1]) == found[1], "after the sitting"


@pytest.mark.parametrize("error", [ValueError("mine"), KeyboardInterrupt(), SetupError("mine"), SystemExit(3)])
def test_what_the_work_raises_is_raised(tmp_path: Path, error: BaseException) -> None:
    """It is no business of pytest's, which would turn it into a code."""
    court = Court(write_assignment(tmp_path / "demo", CHECKS))

    def work() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        court.sit(work)
    assert caught.value is error


def test_where_checks_are_broken_no_work_is_begun(tmp_path: Path) -> None:
    """It is said before anything is run."""
    court = Court(write_assignment(tmp_path / "demo", "import no_such_module\n"))
    begun: list[int] = []
    with pytest.raises(SetupError, match=r"checks\.py: the checks cannot be run: .*no_such_module"):
        court.sit(lambda: begun.append(1))
    assert begun == []


ODD = """
from grader.judging import points

class Odd(Exception):
    def __str__(self):
        raise RuntimeError("no words")

@points(1)
def odd(observation):
    '''It is odd for one.'''
    if observation.fits:
        raise Odd

@points(1)
def even(observation):
    '''It is even.'''
"""


def test_an_exception_without_words_is_an_error_like_any_other(tmp_path: Path) -> None:
    """It is the check's fault, and the checks after it are carried out."""
    assignment = write_assignment(tmp_path / "demo", ODD)
    verdicts = judge(make_evidence(make_fit(), assignment=assignment)).verdicts
    assert [verdict.status for verdict in verdicts] == ["error", "passed"]
    assert "(Odd: )" in verdicts[0].message


@pytest.mark.filterwarnings("ignore::pluggy.PluggyTeardownRaisedWarning")  # the bug that is made here raises in a hook
def test_a_bug_that_one_hand_in_meets_is_not_held_against_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What pytest had begun for one must not become the verdict of another."""
    assignment = write_assignment(tmp_path / "demo", CHECKS)
    hand_in = make_evidence(make_fit(), assignment=assignment)
    court, found = Court(assignment), []

    def bug(*_: Any) -> None:
        raise ValueError("a bug of ours")

    def work() -> None:
        found.append(court.judge(hand_in))
        with monkeypatch.context() as patch:
            patch.setattr(JudgePlugin, "_verdict", bug)
            with pytest.raises(ValueError, match="a bug of ours"):
                court.judge(hand_in)
        found.extend(court.judge(hand_in) for _ in range(2))

    court.sit(work)
    assert [[verdict.status for verdict in judgement.verdicts] for judgement in found] == [["passed"]] * 3


# ── which text is judged by ──


def test_checks_are_those_of_the_file_and_not_of_its_compiled_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python knows compiled files by time and size, and an archive or two quick edits give other checks both."""
    path = tmp_path / "checks.py"
    head = "from grader.judging import points\n"
    path.write_text(head + one_check("", "pass    "))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)  # as it is for everybody who has not asked for less
    when = path.stat().st_mtime_ns
    evidence = make_evidence(assignment=make_assignment(tmp_path))
    assert judge(evidence).verdicts[0].status == "passed"
    path.write_text(head + one_check("", "assert 0"))
    os.utime(path, ns=(when, when))
    assert judge(evidence).verdicts[0].status == "failed"


def test_checks_in_a_package_are_read_again_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a course that is installed, in a notebook that stays open: pytest knew the module that it imported first."""
    folder = tmp_path / "course_of_this_test" / "demo"
    folder.mkdir(parents=True)
    for place in (folder.parent, folder):
        (place / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    evidence = make_evidence(assignment=make_assignment(folder))
    (folder / "checks.py").write_text("")
    importlib.import_module("course_of_this_test.demo.checks")
    found = []
    for body in ("pass", "assert 0", "pass"):
        (folder / "checks.py").write_text("from grader.judging import points\n" + one_check("", body))
        found.append(judge(evidence).verdicts[0].status)
    assert found == ["passed", "failed", "passed"]


def test_judging_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of an assignment holds what its author put there."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    judge_checks(tmp_path, one_check(""))
    assert not list(tmp_path.rglob("__pycache__"))
    assert not [item for item in sys.meta_path if type(item).__module__.startswith("grader")]
