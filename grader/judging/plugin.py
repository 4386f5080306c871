"""The plugin that makes verdicts of what checks do: pytest collects and runs them, this says what it means.

What a check raises decides: nothing — passed; `CheckFailed` or an assertion — failed, with its message; a request for a
training or a person — noted; anything else is a fault of the check, which is ours, and the verdict is `error`.
"""

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from grader.judging.evidence import Evidence, Training
from grader.judging.marks import CheckFailed, Mark, NotApplicable, PersonNeeded, TrainingNeeded, mark_of
from grader.judging.tolerance import neighbours
from grader.model.observation import Call, Fit, Observation
from grader.model.result import Verdict
from grader.model.training import Description, Layer

CHECK_SECONDS = 30


@dataclass(frozen=True)
class Judgement:
    """Verdicts in the order of `checks.py`, and what is still wanted."""

    verdicts: tuple[Verdict, ...]
    pending: tuple[str, ...] = ()
    """Checks that wait for a training and may still earn points."""
    person: tuple[str, ...] = ()
    """Why a person must decide."""
    trained: tuple[str, ...] = ()
    """Checks that looked at the real training."""
    unsettled: tuple[str, ...] = ()
    """Checks that would come out otherwise within the tolerance of a training by fused arithmetic."""


class CheckTookTooLong(Exception):  # noqa: N818 - named for the verdict's message
    """The check did not end in time: a fault of the check."""


@contextlib.contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Interrupt what runs here after `seconds`, by a timer of the main thread; elsewhere there is no limit."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def interrupt(*_: Any) -> None:
        raise CheckTookTooLong(f"no answer within {seconds:g} s")

    handler = signal.signal(signal.SIGALRM, interrupt)
    left, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    started = time.monotonic()
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - started), 0.001) if left else 0)
        signal.signal(signal.SIGALRM, handler)


class JudgePlugin:
    """Collects checks, hands them one piece of evidence after the other, and turns what they raise into verdicts.

    Args:
        work: called when the checks are collected; may call `judge` as often as it likes.
    """

    evidence_value: Evidence

    def __init__(self, work: Callable[[], None] = lambda: None) -> None:
        self._work = work
        self._items: list[Any] = []
        self.broken = ""
        self.is_sound = True
        """False once a judgement was not brought to its end: then pytest's own state is that of the item at hand."""
        self.raised: BaseException | None = None
        """What the work raised: none of pytest's business."""
        self._begin()

    def judge(self, evidence: Evidence) -> Judgement:
        """All checks for this evidence; called by the work."""
        self._begin()
        self.evidence_value = evidence
        self.is_sound = False
        for item, following in zip(self._items, [*self._items[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        self.is_sound = True
        return self._judgement()

    def _begin(self) -> None:
        """Nothing is known of the next submission."""
        self.verdicts: list[Verdict] = []
        self.pending: list[str] = []
        self.person: list[str] = []
        self.trained: list[str] = []
        self.unsettled: list[str] = []
        self._neighbours: tuple[Evidence, ...] | None = None

    @property
    def neighbours(self) -> tuple[Evidence, ...]:
        """The evidence elsewhere within the tolerance of its trainings."""
        if self._neighbours is None:
            self._neighbours = neighbours(self.evidence_value)
        return self._neighbours

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: Any) -> bool | None:
        """The work, in the place of one run through all checks."""
        if self.broken or session.testsfailed or not session.items:
            return None  # as pytest does it: it says what is wrong
        self._items = session.items
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - the court raises it again
            self.raised = error
        return True

    def _judgement(self) -> Judgement:
        """What came of one piece of evidence."""
        fit = self.evidence_value.fit
        if fit is not None and fit.live and not self.person:
            self.person.append(f"its training ran inside the sandbox, because {fit.refused}")
        return Judgement(
            tuple(self.verdicts),
            tuple(self.pending),
            tuple(dict.fromkeys(self.person)),
            tuple(self.trained),
            tuple(self.unsettled),
        )

    def pytest_configure(self, config: Any) -> None:
        """Plain tracebacks: nobody reads them, and pytest's own style parses the source of every frame."""
        config.option.tbstyle = "native"

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makeitem(self, collector: Any, name: str, obj: Any) -> Any:  # noqa: ARG002 - pytest's names
        """Only functions with a mark are checks."""
        return None if mark_of(obj) is not None else []

    def pytest_collectreport(self, report: Any) -> None:
        """An error in `checks.py` itself."""
        if report.failed:
            self.broken = str(report.longrepr).strip().splitlines()[-1]

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Every dependency is a check that stands before the one that names it."""
        before: set[str] = set()
        for item in items:
            unknown = [name for name in check_mark(item).after if name not in before]
            if unknown:
                self.broken = f"{item.name} comes after {unknown[0]}, which is no check before it"
            before.add(item.name)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_call(self) -> Iterator[None]:
        """One check, in limited time."""
        with at_most(CHECK_SECONDS):
            yield

    @pytest.hookimpl(hookwrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem: Any) -> Generator[None, Any, None]:
        """A check that looks at trainings is asked again about what these could have been by other arithmetic."""
        came = yield
        looks_at = {"evidence", "training", "trainings"} & set(pyfuncitem.funcargs)
        if not looks_at or not self.neighbours:
            return
        here = outcome(came.excinfo[1] if came.excinfo else None, check_mark(pyfuncitem))
        there = set()
        for other in self.neighbours:
            values = {"evidence": other, "training": other.training, "trainings": other.trainings}
            arguments = {**pyfuncitem.funcargs, **{name: values[name] for name in looks_at}}
            arguments = {name: arguments[name] for name in pyfuncitem._fixtureinfo.argnames}
            try:
                pyfuncitem.obj(**arguments)
            except Exception as error:  # noqa: BLE001 - whatever a check raises is its outcome
                there.add(outcome(error, check_mark(pyfuncitem)))
            else:
                there.add(outcome(None, check_mark(pyfuncitem)))
        # A check that passes here and nowhere beside compares with the training itself, not with a limit.
        compares = here[0] == "passed" and all(status != "passed" for status, _ in there)
        if there != {here} and not compares:
            self.unsettled.append(pyfuncitem.name)

    def pytest_runtest_setup(self, item: Any) -> None:
        """A check waits for those it depends on."""
        passed = {verdict.id: verdict.status for verdict in self.verdicts}
        for other in check_mark(item).after:
            if passed.get(other) != "passed":
                raise NotApplicable(f"it is looked at only after {other.replace('_', ' ')}, which did not pass")
        if check_mark(item).manual:
            raise PersonNeeded("its points are given by hand")

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: Any, call: Any) -> Iterator[None]:
        """One verdict per check: from its setup if that raised, else from its call."""
        yield
        if call.when == "call" and {"training", "trainings"} & set(item.fixturenames):
            self.trained.append(item.name)
        if call.when == "call" or (call.when == "setup" and call.excinfo is not None):
            self.verdicts.append(self._verdict(item, call.excinfo.value if call.excinfo else None))

    def _verdict(self, item: Any, raised: BaseException | None) -> Verdict:
        """What an outcome means."""
        mark = check_mark(item)
        (status, points), said, message = outcome(raised, mark), words_of(raised), ""
        if isinstance(raised, CheckFailed | AssertionError):
            message = said.split("\nassert ")[0].strip() or "not as asked"
        elif isinstance(raised, NotApplicable):
            message = f"Skipped: {said}."
        elif isinstance(raised, TrainingNeeded):
            message = f"Skipped: {said}."
            self.pending.append(item.name)
        elif isinstance(raised, PersonNeeded):
            message = f"Waits for a person: {said}."
            self.person.append(said)
        elif raised is not None:
            message = (
                f"This check could not be carried out ({type(raised).__name__}: {said[:300]}). It is not your fault."
            )
        title = " ".join((item.obj.__doc__ or "").split())
        worth = self.evidence_value.assignment.points.get(item.name, mark.points)
        if worth != mark.points:  # what this class gives for the check; a part of the points stays the same part
            share = points / mark.points if mark.points else float(status == "passed")
            points = worth if share == 1 else round(share * worth, 10)
        return Verdict(
            id=item.name,
            title=title,
            status=status,  # type: ignore[arg-type]
            points=points,
            max_points=worth,
            message=message,
            hidden=mark.hidden,
            waits=isinstance(raised, PersonNeeded),
        )

    @pytest.fixture
    def evidence(self) -> Evidence:
        """Everything about the submission."""
        return self.evidence_value

    @pytest.fixture
    def observation(self) -> Observation:
        """The run of the submission."""
        return self.evidence_value.observation

    @pytest.fixture
    def call(self) -> Call | None:
        """The probe's first call of the first entry point."""
        return self.evidence_value.call

    @pytest.fixture
    def inputs(self) -> dict[str, Any]:
        """What the student's functions were called with, drawn by the assignment's `inputs.py`."""
        return self.evidence_value.inputs

    @pytest.fixture
    def fit(self) -> Fit:
        """The graded call of `fit`; the check fails if nothing was trained."""
        return need_fit(self.evidence_value)

    @pytest.fixture
    def network(self) -> Description:
        """The network of the graded fit."""
        fit, network = need_fit(self.evidence_value), self.evidence_value.network
        if network is None and fit.live:
            return claimed_network(fit)
        if network is None:
            raise RuntimeError("the network was not described")
        return network

    @pytest.fixture
    def training(self) -> Training:
        """The real training."""
        fit = need_fit(self.evidence_value)
        if fit.live:
            raise PersonNeeded(f"the grader cannot repeat this training itself, because {fit.refused}")
        if self.evidence_value.training is None:
            raise TrainingNeeded(self.evidence_value.training_refused or "the training has not been carried out")
        return self.evidence_value.training

    @pytest.fixture
    def trainings(self) -> Mapping[int, Training]:
        """The real training behind every fit that counts, by the number of the fit; none is missing."""
        need_fit(self.evidence_value)
        known = self.evidence_value.trainings
        for fit in self.evidence_value.fits:
            if fit.live:
                raise PersonNeeded(f"the grader cannot repeat one of the trainings itself, because {fit.refused}")
            if fit.number not in known:
                raise TrainingNeeded(self.evidence_value.training_refused or "a training has not been carried out")
        return known


def words_of(raised: BaseException | None) -> str:
    """What an exception says; one that cannot say it says nothing."""
    try:
        return str(raised)
    except Exception:  # noqa: BLE001 - a check's own class may do anything
        return ""


def outcome(raised: BaseException | None, mark: Mark) -> tuple[str, float]:
    """What an outcome means: the status, and points as the check gives them."""
    if raised is None:
        return "passed", mark.points
    if isinstance(raised, CheckFailed | AssertionError):
        return "failed", min(getattr(raised, "points", 0.0), mark.points)
    return ("skipped" if isinstance(raised, NotApplicable | TrainingNeeded | PersonNeeded) else "error"), 0.0


def check_mark(item: Any) -> Mark:
    """The mark of a collected check."""
    mark = mark_of(item.obj)
    assert mark is not None
    return mark


def need_fit(evidence: Evidence) -> Fit:
    """The graded fit; CheckFailed with the reason if there is none."""
    fit = evidence.fit
    if fit is None:
        raise CheckFailed(no_fit_message(evidence))
    if fit.request is None and not fit.live:
        raise CheckFailed(f"Your training could not be read: {fit.refused}.")
    return fit


def claimed_network(fit: Fit) -> Description:
    """A network that cannot be taken out of the program, as the program describes it: a person will look anyway."""
    layers = tuple(
        Layer(
            name=str(layer["name"]),
            class_name=str(layer["class_name"]),
            output_shape=tuple(layer["output_shape"]) if layer["output_shape"] else None,
            parameters=int(layer["parameters"]),
        )
        for layer in fit.claimed_layers
    )
    return Description(layers=layers, output_shape=layers[-1].output_shape if layers else None)


def no_fit_message(evidence: Evidence) -> str:
    """Why nothing was trained, as far as it is known."""
    call = evidence.call
    ending = evidence.observation.measured.ending.kind
    if call is None and ending not in ("finished", "not_run"):
        return "Your program did not come to its end, and had not called model.fit inside the function before."
    if call is not None and call.error:
        return f"Your program did not come to model.fit: {call.error}."
    if call is None or not call.found:
        return f"Your program never calls model.fit, and has no function {evidence.assignment.entry_points[0]}."
    return "Your function ended without calling model.fit."
