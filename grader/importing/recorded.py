"""What the box reported for an imported test cell, and what the cell says about it.

The checks that `grader import` writes use this. Everything here runs outside the box, on values that were read from
the record; the names of functions and variables are the student's, the assertions the instructor's.
"""

import builtins
import contextlib
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, NoReturn, Protocol

import numpy as np

from grader.importing.tokens import Array, Opaque, Undecided, read_tokens
from grader.model.observation import Call, Observation

Condition = Callable[[], Any]
KEPT_TO_ITSELF = "Your code does not do what a hidden test expects of it."


class Failed(AssertionError):  # noqa: N818 - a verdict, in words for the student
    """The assertions of a cell do not hold."""


class Record(Protocol):
    """The part of the evidence that is looked at."""

    @property
    def observation(self) -> Observation:
        """What is known of the run."""

    def called(self, label: str) -> Call | None:
        """The entry with this label."""

    def array(self, value: Any) -> Array | None:
        """The array that an entry names."""


class Answer:
    """One question to the student's code, and what came of it."""

    def __init__(self, answers: "Answers", label: str, what: str) -> None:
        self.answers = answers
        self.label = label
        self.what = what

    @property
    def call(self) -> Call:
        """The entry of the call; fails if it was not made or did not come to its end."""
        call = self.answers.record.called(self.label)
        if call is None:
            self.answers.fail_unasked(self.what)
        if not call.found:
            missing = f" ({call.error}.)" if call.error not in ("", f"there is no {call.name}") else ""
            self.answers.fail(f"There is no {call.name}. Define it under exactly this name.{missing}", secret=False)
        if call.fits:
            raise self.answers.need(f"{self.what} trains a network, and what it gives depends on the training")
        return call

    @property
    def value(self) -> Any:
        """What came back, as a value; fails if the call failed."""
        record = self.answers.record
        failed = record.called(f"{self.label} failed")
        if failed is not None:
            self.answers.fail(f"{self.what} cannot be found out: {failed.value}.")
        if record.called(self.label) is not None and self.call.error:
            self.answers.fail(f"{self.what} failed: {self.call.error}.")
        told = record.called(f"{self.label} is")
        if told is None:
            self.answers.fail_unasked(self.what)
        self.answers.opaque = self.answers.opaque or (isinstance(told.value, list) and "object" in told.value)
        try:
            return read_tokens(told.value, record.array)
        except Undecided as why:
            raise self.answers.need(f"{self.what}: {why}") from None
        except ValueError as why:
            self.answers.fail(f"What {self.what} gave cannot be read: {why}.")


class Answers:
    """All questions of one check.

    Args:
        record: the evidence of a submission.
        check: id of the check, as the probe wrote it.
        person: the exception that asks for a person.
        hidden: whether messages must keep the inputs to themselves.
    """

    def __init__(self, record: Record, check: str, person: type[Exception], *, hidden: bool = False) -> None:
        self.record = record
        self.check = check
        self.person = person
        self.hidden = hidden
        self.times: dict[int, int] = {}
        self.undecided: list[str] = []
        self.opaque = False
        """Whether some value held an object that stayed in the box."""

    def ask(self, site: int, what: str, **names: Any) -> Answer:
        """The next answer at this place of the cell; `names` are what the text of the call does not say by itself."""
        self.times[site] = self.times.get(site, 0) + 1
        told = ", ".join(f"{name} = {short(value)}" for name, value in names.items())
        return Answer(self, f"{self.check}/{site}.{self.times[site]}", f"{what} with {told}" if told else what)

    def expect(self, condition: Condition, text: str, *answers: Answer, message: str = "") -> None:
        """The assertion holds. What cannot be decided out here is kept for the end."""
        try:
            holds = bool(condition())
        except Failed:
            raise
        except (self.person, Undecided) as why:
            self.undecided.append(f"{text}: {why}" if isinstance(why, Undecided) else str(why))
            return
        except AssertionError:
            holds = False
        except Exception as error:  # noqa: BLE001 - values of the wrong kind make an assertion fail, as in the notebook
            if self.opaque:
                self.undecided.append(f"{text}: it is about an object that stayed in the box")
                return
            self.fail(f"{text} cannot be worked out ({type(error).__name__}: {error}).{self.found(answers)}")
        if not holds:
            said = f" {message}" if message else ""
            self.fail(f"Expected {text}.{said}{self.found(answers)}")

    def ran(self, answer: Answer) -> None:
        """The call came to its end."""
        error = answer.call.error
        if error:
            self.fail(f"{answer.what} failed: {error}.")

    def raises(self, answer: Answer, names: Sequence[str], message: str = "") -> None:
        """The call raised one of these exceptions of Python."""
        call = answer.call
        raised = call.error.split(":")[0].split(" ")[0] if call.error else ""
        wanted = tuple(getattr(builtins, name) for name in names)
        expected = " or ".join(names)
        kind = getattr(builtins, raised, None)
        if not raised:
            said = f" {message}" if message else ""
            self.fail(f"{answer.what} should raise {expected}, and raised nothing.{said}")
        if not (isinstance(kind, type) and issubclass(kind, BaseException)):
            self.undecided.append(f"{answer.what} raised {raised}; is that a kind of {expected}?")
        elif not issubclass(kind, wanted):
            self.fail(f"{answer.what} should raise {expected}; it raised {call.error}.")

    def leave(self, text: str) -> None:
        """A part of the cell that could not be carried over: if all else holds, a person must look."""
        self.undecided.append(text)

    def __enter__(self) -> "Answers":
        """The statements of the cell."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """The end of the cell. Where its own statements fail, the student's values are not what they should be."""
        if isinstance(error, Undecided) or (self.opaque and isinstance(error, TypeError | AttributeError)):
            raise self.need(f"the cell is about an object that stayed in the box ({error})") from None
        if isinstance(error, Exception) and not isinstance(error, Failed | self.person):
            self.fail(f"The test cannot go on with what your code gave ({type(error).__name__}: {error}).")
        if error is None and self.undecided:
            raise self.need("; ".join(dict.fromkeys(self.undecided)))

    def need(self, reason: str) -> Exception:
        """The exception that asks for a person; of a hidden test, students learn no more than that."""
        return self.person(
            "hidden tests that cannot be carried out here; they stand in IMPORT.md" if self.hidden else reason
        )

    def fail_unasked(self, what: str) -> NoReturn:
        """Fail for a question that was not asked, because the cell could not go on."""
        ended = self.record.called(f"{self.check} ended")
        if ended is not None and "test cells ask more than" in str(ended.value):
            raise self.need(f"{what} was not called: {ended.value}")
        why = f" ({ended.value})" if ended is not None else ", because the program did not come so far"
        self.fail(f"{what} was not called{why}.")

    def fail(self, message: str, *, secret: bool = True) -> NoReturn:
        """Fail with the message; that of a hidden test keeps to itself what it tried, unless it is no `secret`."""
        raise Failed(KEPT_TO_ITSELF if self.hidden and secret else message)

    def found(self, answers: Sequence[Answer]) -> str:
        """What came back, as a further sentence."""
        told = []
        for answer in answers:
            with contextlib.suppress(Failed, Undecided, self.person):
                told.append(f"{answer.what} is {short(answer.value)}")
        return f" Found: {'; '.join(told)}." if told else ""


def short(value: Any) -> str:
    """A value in at most 100 characters."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 100 else f"{text[:97]}..."


def shows(value: Any, expected: str) -> bool:
    """Whether Python shows the value as these characters; numbers of NumPy as it showed them before version 2."""
    if isinstance(value, np.generic) and repr(value.item()).strip() == expected:
        return True
    return bool(("" if value is None else repr(value)).strip() == expected)


def prints(value: Any, expected: str) -> bool:
    """Whether `print` writes the value as these characters."""
    return str(value).strip() == expected


def is_a(value: Any, kinds: Any) -> bool:
    """`isinstance`, which for an object in the box goes by the names of its classes."""
    if not isinstance(value, Opaque):
        return isinstance(value, kinds)
    wanted = kinds if isinstance(kinds, tuple) else (kinds,)
    return any(f"{kind.__module__}.{kind.__qualname__}" in value.names for kind in wanted)


def is_named(value: Any, package: str, name: str) -> bool:
    """`isinstance` for a class of a library that is not at hand out here: by package and name."""
    if not isinstance(value, Opaque):
        return False
    return any(
        each.rpartition(".")[2] == name and each.split(".")[0] in ("keras", "tensorflow", package)
        for each in value.names
    )


def kind_of(value: Any) -> Any:
    """`type`; of an object in the box, something that is no type of Python."""
    return value if isinstance(value, Opaque) else type(value)


def can_be_called(value: Any) -> bool:
    """`callable`."""
    return value.can_be_called if isinstance(value, Opaque) else callable(value)


def has_attribute(value: Any, name: str) -> bool:
    """`hasattr`, for values that left the box."""
    if isinstance(value, Opaque):
        raise Undecided(f"whether a {value!r} has {name} cannot be known outside the box")
    return hasattr(value, name)
