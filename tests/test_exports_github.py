"""What GitHub Actions makes of an export: read by a small parser written from its documentation."""

import base64
import json
import re
from dataclasses import dataclass
from html import unescape

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.exports import Request
from grader.exports.github import SUMMARY_BYTES, cut, github, runner_result, summary
from grader.exports.workflow_commands import annotation, wrapped
from grader.model.result import Result, Verdict
from grader.model.submission import Note
from tests.factories import make_verdict
from tests.test_exports_golden import ADA, DANA, EVIL, ZOE, content, of, schema


@dataclass(frozen=True)
class Command:
    """A workflow command as the runner sees it."""

    name: str
    properties: dict[str, str]
    data: str


KNOWN = {"error", "warning", "notice", "debug", "group", "endgroup", "add-mask", "stop-commands", "set-output", "echo"}


def unescaped(text: str, *, value: bool) -> str:
    """The other way round, in the order in which the runner does it: the per cent sign last."""
    pairs = [("%0D", "\r"), ("%0A", "\n"), *([("%3A", ":"), ("%2C", ",")] if value else []), ("%25", "%")]
    for written, char in pairs:
        text = text.replace(written, char)
    return text


def obeyed(output: str) -> list[Command]:
    """The commands that the runner acts upon: each line by itself, nothing while commands are stopped."""
    found, stopped = [], ""
    for line in output.split("\n"):
        match = re.fullmatch(r"\s*::([^ :]+)(?: (.*?))?::(.*)", line, re.DOTALL)
        if stopped:
            if line.strip() == f"::{stopped}::":
                stopped = ""
        elif match and match[1] == "stop-commands":
            stopped = match[3]
        elif match and match[1] in KNOWN:
            pairs = [item.partition("=") for item in (match[2] or "").split(",") if "=" in item]
            properties = {name.strip(): unescaped(text, value=True) for name, _, text in pairs}
            found.append(Command(match[1], properties, unescaped(match[3], value=False)))
    assert not stopped, "commands were never started again"
    return found


def result_of(*verdicts: Verdict, notes: tuple[Note, ...] = (), message: str = "") -> Result:
    return Result(
        student="ada",
        path="ada/demo.py",
        status="graded",
        score=sum(verdict.points for verdict in verdicts),
        max_score=sum(verdict.max_points for verdict in verdicts),
        needs_review=False,
        checks=verdicts,
        notes=notes,
        message=message,
    )


def request_of(result: Result, file: str = "demo.py") -> Request:
    return Request("demo", (result,), file=file)


def failed(message: str, **changes: object) -> Verdict:
    return make_verdict(status="failed", points=0, message=message, **changes)


@given(st.text(), st.text(min_size=1), st.text(min_size=1))
def test_an_annotation_comes_back_as_it_was(message: str, title: str, file: str) -> None:
    """Whatever the texts hold, it is one command on one line, with these very texts."""
    line = annotation("error", message, title=title, file=file, line=3)

    [command] = obeyed(line)
    assert (command.name, command.data) == ("error", message)
    assert command.properties == {"file": file, "line": "3", "title": title}


@given(st.lists(st.text(alphabet="ab:=\n%stop-commands ,#[]\r")))
def test_nothing_that_is_wrapped_is_obeyed(lines: list[str]) -> None:
    """Student output between stop-commands does nothing, and commands work again afterwards."""
    output = "\n".join([*wrapped(["::error::mine", *lines, "::stop-commands::x"]), "::notice::after"])

    assert obeyed(output) == [Command("notice", {}, "after")]


def test_the_word_is_drawn_anew() -> None:
    """Nobody can know the word that starts commands again."""
    assert next(wrapped([])) != next(wrapped([]))


def test_classroom_reads_the_points() -> None:
    """The two notices are those that GitHub Classroom looks for."""
    notices = [command for command in obeyed(content(github(of(ZOE))).decode()) if command.name == "notice"]

    assert notices[0] == Command("notice", {"title": "Autograding complete"}, "Points 4/7.5")
    assert notices[1].properties == {"title": "Autograding report"}
    assert json.loads(notices[1].data) == {"totalPoints": 4, "maxPoints": 7.5}


def test_a_failed_check_is_an_error_at_its_line() -> None:
    """In a module the annotation stands at the line that the message names; a hidden check says one line."""
    errors = [item for item in obeyed(content(github(of(ZOE, file="src/demo.py"))).decode()) if item.name == "error"]

    assert errors[0].properties["file"] == "src/demo.py"
    assert errors[0].properties["line"] == "12"
    assert errors[0].data.endswith("2 of 4 points.")
    assert "The picture is 3 x 3" not in errors[1].data


def test_a_cell_of_a_notebook_is_no_line_of_its_file() -> None:
    """`cell 3, line 2` says nothing about the lines of an .ipynb file."""
    note = Note(kind="failed_statement", where="cell 3, line 2", text="It failed.")
    output = content(github(request_of(result_of(make_verdict(), notes=(note,)), "demo.ipynb"))).decode()

    [warning] = [item for item in obeyed(output) if item.name == "warning"]
    assert warning.properties == {"file": "demo.ipynb", "title": "Note (cell 3, line 2)"}


def test_what_a_student_wrote_is_no_command() -> None:
    """Lines that look like commands in messages and notes are shown, not obeyed."""
    names = {command.name for command in obeyed(content(github(of(EVIL))).decode())}

    assert names == {"notice", "error"}


def test_no_more_annotations_than_github_shows() -> None:
    """Of 25 failed checks nine are annotated, and the tenth line says how many there are beyond."""
    result = result_of(*(failed("No.", id=f"c{number}") for number in range(25)))
    errors = [item for item in obeyed(content(github(request_of(result))).decode()) if item.name == "error"]

    assert len(errors) == 10
    assert errors[-1].data.startswith("16 more")


@pytest.mark.parametrize("student", [ADA, ZOE, DANA, EVIL])
def test_a_runner_result_follows_the_schema(student: str) -> None:
    """The result in base64 is what the reporter reads, and its tests add up to the grade."""
    body = json.loads(base64.b64decode(github(of(student)).beside["result.txt"]))

    jsonschema.Draft202012Validator(schema("runner")).validate(body)
    assert sum(test["score"] for test in body["tests"]) == of(student).results[0].score


def test_points_that_no_check_gave_are_a_test_of_their_own() -> None:
    """The reporter adds up tests, so a penalty must be one of them."""
    result = result_of(make_verdict(), make_verdict(id="other")).model_copy(update={"score": 3.0})
    body = runner_result(request_of(result), result)

    assert [test["score"] for test in body["tests"]] == [2, 2, -1]
    assert body["status"] == "fail"


HOSTILE = "<img src=x onerror=alert(1)> | [click](javascript:x) **b** `c` ![i](http://evil) @all #1\n| a | b |"


def test_a_summary_holds_no_markup_of_a_student() -> None:
    """No HTML, link, picture, mention or table row comes from a message; read as HTML it is what was written."""
    page = summary(request_of(result_of(failed(HOSTILE))), result_of(failed(HOSTILE))).decode()
    [row] = [line for line in page.splitlines() if "alert" in line]

    assert row.count("|") == 5
    assert not set("<[]`*@#!") & set(re.sub(r"&#\d+;|<br>", "", row))
    assert HOSTILE.split("\n")[0] in unescape(row)


def test_a_summary_stays_within_its_limit() -> None:
    """A page that is too long ends with whole lines and a word about it."""
    result = result_of(*(failed("x" * 5000, id=f"c{number}") for number in range(300)))
    page = summary(request_of(result), result)

    assert len(page) <= SUMMARY_BYTES
    assert page.decode().endswith("GitHub shows 1 MiB of a summary.\n")


@given(st.lists(st.text(max_size=20)), st.integers(-5, 300))
def test_cut_never_exceeds_its_limit(lines: list[str], limit: int) -> None:
    """However little room there is, no more is written."""
    page = "".join(f"{line}\n" for line in lines).encode()

    assert len(cut(page, limit)) <= max(limit, 0)
