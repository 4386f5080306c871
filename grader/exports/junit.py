"""JUnit XML: a test suite per student, a test case per check.

Source: the fields that CI systems agree upon, as collected in testmoapp/junitxml. There is no standard. A `failure` is
the student's, an `error` is ours or a limit that stopped the program. The first case of each suite, `hand_in`, says
whether the hand-in could be graded to the end: without it a hand-in that nobody could read would have only skipped
cases, and look well.
"""

import re
import xml.etree.ElementTree as ET

from grader.exports.grades import grade_of, shown, why_none, without_grade
from grader.exports.request import Export, Request
from grader.exports.wording import public_message
from grader.model.result import Result, Verdict

UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 does not have."""
LIMITS = ("timeout", "memory", "output")
"""Statuses of programs that a limit stopped."""


def junit(request: Request) -> Export:
    """All results as one document."""
    root = ET.Element("testsuites", name=text(request.assignment))
    suites = [_suite(request, result) for result in request.results]
    root.extend(suites)
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in suites)))
    root.set("time", f"{sum(float(suite.get('time', '0')) for suite in suites):.3f}")
    ET.indent(root, " ")
    content = ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"
    return Export(content, without_grade(request.results, provisional=request.provisional))


def text(value: str) -> str:
    """Text without the characters that XML cannot hold."""
    return UNWRITABLE.sub("\ufffd", value)


def _suite(request: Request, result: Result) -> ET.Element:
    cases = [_hand_in(request, result), *(_case(request, result, verdict) for verdict in result.checks)]
    grade = grade_of(result, provisional=request.provisional)
    suite = ET.Element(
        "testsuite",
        name=text(result.student),
        tests=str(len(cases)),
        failures=str(sum(case.find("failure") is not None for case in cases)),
        errors=str(sum(case.find("error") is not None for case in cases)),
        skipped=str(sum(case.find("skipped") is not None for case in cases)),
        time=f"{result.timing.wall_seconds if result.timing else 0:.3f}",
        timestamp=request.generated_at.removesuffix("Z"),
    )
    values = {"status": result.status, "needs_review": str(result.needs_review).lower()}
    values["max_score"] = shown(result.max_score)
    if grade is not None:
        values["score"] = shown(grade)
    _properties(suite, values)
    suite.extend(cases)
    return suite


def _hand_in(request: Request, result: Result) -> ET.Element:
    """The case that says whether the hand-in was graded to its end."""
    case = ET.Element("testcase", classname=_class(request, result), name="hand_in", time="0")
    message = text(result.message)
    if result.score is None or result.status == "error":
        _outcome(case, "error", "grader", message or why_none(result))
    elif result.status in LIMITS:
        _outcome(case, "error", result.status, message)
    elif result.status != "graded":
        _outcome(case, "failure", result.status, message)
    elif grade_of(result, provisional=request.provisional) is None:
        _outcome(case, "error", "needs_review", message or why_none(result))
    return case


def _case(request: Request, result: Result, verdict: Verdict) -> ET.Element:
    case = ET.Element("testcase", classname=_class(request, result), name=text(verdict.id), time="0")
    values = {"title": text(verdict.title), "max_points": shown(verdict.max_points)}
    if verdict.status != "error" and result.score is not None:
        values["points"] = shown(verdict.points)
    _properties(case, values)
    message = text(public_message(verdict))
    if verdict.status == "skipped":
        ET.SubElement(case, "skipped", message=message)
    elif verdict.status == "error":
        _outcome(case, "error", "grader", message)
    elif verdict.status == "failed" and result.status in LIMITS:
        _outcome(case, "error", result.status, message)
    elif verdict.status == "failed":
        _outcome(case, "failure", "check", message)
    return case


def _class(request: Request, result: Result) -> str:
    return text(f"{request.assignment}.{result.student}")


def _outcome(case: ET.Element, tag: str, kind: str, message: str) -> None:
    first = message.splitlines()[0] if message else ""
    ET.SubElement(case, tag, message=first, type=kind).text = message


def _properties(parent: ET.Element, values: dict[str, str]) -> None:
    element = ET.SubElement(parent, "properties")
    for name, value in values.items():
        ET.SubElement(element, "property", name=name, value=value)
