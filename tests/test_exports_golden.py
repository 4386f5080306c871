"""Every format, for one class of five, byte by byte, and read by a parser that is not ours.

The class in `golden/exports/scores.json`: full marks; a hidden check failed; a hand-in that cannot be read; a timeout;
a failure of ours. `UPDATE_GOLDEN=1 pytest tests/test_exports_golden.py` writes the files anew.
"""

import base64
import csv
import io
import json
import os
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from junitparser import Error as JUnitError
from junitparser import Failure, JUnitXml, Skipped

from grader.exports import FORMATS, Export, Request
from grader.exports.wording import feedback
from grader.model.result import Attempt, Lateness, Override, Scores
from grader.results.verdicts import make_result
from tests.factories import make_observation, make_submission, make_verdict

GOLDEN = Path(__file__).parent / "golden" / "exports"
SCORES = Scores.model_validate_json((GOLDEN / "scores.json").read_bytes())
ADA, ZOE, DANA, EVIL, WANG = (result.student for result in SCORES.submissions)
CLASSROOM = {
    "CLASSROOM": "cs",
    "ASSIGNMENT": "demo",
    "USERNAME": "ada",
    "SUBMISSION_TAG": "submit/2026-09-01T11-00-00Z-abc1234",
    "COMMIT_URL": "https://git.example/cs/demo/commit/abc",
    "RELEASE_URL": "https://git.example/cs/demo/releases/tag/x",
}
REQUEST = Request("demo", SCORES.submissions, title="Demo", generated_at=SCORES.generated_at, environment=CLASSROOM)
SINGLE = [name for name, chosen in FORMATS.items() if chosen.single]
SHORT = {ADA: "ada", ZOE: "zoe", DANA: "dana", EVIL: "evil", WANG: "wang"}


@pytest.fixture(autouse=True)
def _same_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """The word that starts commands again is random; here it is not."""
    monkeypatch.setattr("secrets.token_hex", lambda count: "5a" * count)


def of(student: str, **changes: Any) -> Request:
    """The request for one of the five."""
    chosen = tuple(result for result in SCORES.submissions if result.student == student)
    return replace(REQUEST, results=chosen, **changes)


def table_to_fill(name: str) -> Request:
    """The request that fills one of the golden tables."""
    return replace(REQUEST, fill=(GOLDEN / name).read_bytes(), fill_name=name)


def made(name: str, request: Request) -> Export:
    """An export, by the name of its format."""
    return FORMATS[name].make(request)


def content(export: Export) -> bytes:
    """What was exported; it must be something."""
    assert export.content is not None
    return export.content


def compare(name: str, found: bytes) -> None:
    """Compare with the golden file of this name."""
    place = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        place.write_bytes(found)
    assert found == place.read_bytes()


def schema(name: str) -> dict[str, Any]:
    return dict(json.loads((GOLDEN / "schemas" / f"{name}.json").read_text("utf-8")))


def whole_class() -> list[tuple[str, str, Request]]:
    """File, format and request of all exports that hold a class."""
    return [
        ("class.csv", "csv", REQUEST),
        ("checks.csv", "checks-csv", REQUEST),
        ("junit.xml", "junit", REQUEST),
        ("canvas-filled.csv", "canvas", table_to_fill("canvas-gradebook.csv")),
        ("moodle-filled.csv", "moodle", table_to_fill("moodle-worksheet.csv")),
    ]


@pytest.mark.parametrize(("file", "name", "request_"), whole_class(), ids=lambda value: str(value)[:12])
def test_exports_of_a_class_are_the_golden_files(file: str, name: str, request_: Request) -> None:
    """What registrars import changes only when the golden file is changed with it."""
    compare(file, content(made(name, request_)))


@pytest.mark.parametrize("name", SINGLE)
@pytest.mark.parametrize("student", [ADA, ZOE, DANA, EVIL], ids=SHORT.get)
def test_exports_of_a_student_are_the_golden_files(name: str, student: str) -> None:
    """What platforms read of one submission is fixed too, with what lies beside it."""
    export = made(name, of(student))
    ending = FORMATS[name].ending

    compare(f"{name}-{SHORT[student]}{ending}", content(export))
    for piece, text in export.beside.items():
        compare(f"{name}-{SHORT[student]}-{piece}", text)


# ── nobody gets a number that is none ──


@pytest.mark.parametrize(("file", "name", "request_"), whole_class(), ids=lambda value: str(value)[:12])
def test_a_class_names_who_has_no_grade(file: str, name: str, request_: Request) -> None:
    """The student whose grading failed is listed, whatever the format."""
    del file
    assert WANG in {item.who for item in made(name, request_).left_out}


@pytest.mark.parametrize("name", [name for name in SINGLE if name != "github"])
@pytest.mark.parametrize("provisional", [False, True])
def test_a_failure_of_ours_is_no_grade(name: str, provisional: bool) -> None:
    """Where the grader failed nothing is written, even if points that wait for a person may be."""
    export = made(name, of(WANG, provisional=provisional))

    assert export.content is None
    assert [item.who for item in export.left_out] == [WANG]


def test_a_failure_of_ours_gives_github_no_points() -> None:
    """GitHub gets a warning and a runner's error without a maximum, and no line of points."""
    export = made("github", of(WANG))
    commands = content(export).decode()
    runner = json.loads(base64.b64decode(export.beside["result.txt"]))

    assert "Autograding" not in commands
    assert "::warning title=No grade yet::" in commands
    assert (runner["status"], runner["max_score"]) == ("error", 0)
    assert [test["score"] for test in runner["tests"]] == [0, 0, 0]


def test_a_score_that_waits_for_a_person_is_exported_only_when_asked_for() -> None:
    """`needs_review` with points: no number without `provisional`; with it a number, and still on the list."""
    waiting = SCORES.submissions[0].model_copy(update={"needs_review": True, "score": 4.0})
    request = replace(REQUEST, results=(waiting,))
    strict, loose = made("csv", request), made("csv", replace(request, provisional=True))

    assert rows_of(content(strict))[0]["score"] == ""
    assert rows_of(content(loose))[0]["score"] == "4"
    assert [item.who for item in strict.left_out] == [item.who for item in loose.left_out] == [ADA]


# ── CSV, read by Python's csv module ──


def rows_of(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8"), newline=""), strict=True))


def test_class_csv_has_a_row_per_student_and_a_column_per_check() -> None:
    """Names come back as they are, points as numbers, and there is no zero where there is no grade."""
    rows = rows_of((GOLDEN / "class.csv").read_bytes())

    assert [row["student"].removeprefix("'") for row in rows] == [ADA, ZOE, DANA, EVIL, WANG]
    assert [row["score"] for row in rows] == ["7.5", "4", "0", "2", ""]
    assert rows[1]["secret"] == "0"
    assert (rows[4]["runs"], rows[4]["shape"], rows[4]["needs_review"]) == ("", "", "true")


def test_checks_csv_has_a_row_per_student_and_check() -> None:
    """Messages of several lines survive."""
    rows = rows_of((GOLDEN / "checks.csv").read_bytes())

    assert len(rows) == 15
    assert rows[4]["message"].splitlines()[1].startswith("100 % of the images")
    assert {row["points"] for row in rows if row["student"] == WANG} == {""}


@pytest.mark.parametrize("file", ["class.csv", "checks.csv"])
def test_no_cell_of_our_tables_is_a_formula(file: str) -> None:
    """What a student wrote never begins as a formula begins."""
    for row in csv.reader(io.StringIO((GOLDEN / file).read_text("utf-8"), newline="")):
        assert not [cell for cell in row if cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r"))]


# ── JSON, against schemas written from the formats' documentation ──


@pytest.mark.parametrize("student", ["ada", "zoe", "dana", "evil"])
@pytest.mark.parametrize("name", ["gradescope", "classroom50", "coursera", "prairielearn", "check50"])
def test_json_follows_the_schema_of_its_reader(name: str, student: str) -> None:
    """Every JSON export is valid for the format's field list."""
    jsonschema.Draft202012Validator(schema(name)).validate(
        json.loads((GOLDEN / f"{name}-{student}.json").read_text("utf-8"))
    )


def test_gradescope_hides_hidden_checks_and_nothing_else() -> None:
    """The hidden check has the visibility `hidden`; the total counts it all the same."""
    body = json.loads((GOLDEN / "gradescope-zoe.json").read_text("utf-8"))

    assert [test["visibility"] for test in body["tests"]] == ["visible", "visible", "hidden"]
    assert body["score"] == sum(test["score"] for test in body["tests"]) == 4
    assert [test["status"] for test in body["tests"]] == ["passed", "failed", "failed"]


def test_gradescope_scales_score_and_tests_alike() -> None:
    """With `--points` the sum of the tests is still the total."""
    body = json.loads(content(made("gradescope", of(ZOE, points=100))))

    assert body["score"] == 53.333
    assert sum(test["max_score"] for test in body["tests"]) == pytest.approx(100, abs=0.01)


def test_classroom50_has_whole_points_of_one_factor() -> None:
    """7.5 points become 15: a whole class has the same factor, and nobody gets a maximum for a check not passed."""
    body = json.loads((GOLDEN / "classroom50-zoe.json").read_text("utf-8"))

    assert (body["score"], body["max-score"]) == (8, 15)
    assert [(test["score"], test["max-score"]) for test in body["tests"]] == [(4, 4), (4, 8), (0, 3)]
    assert body["score"] == sum(test["score"] for test in body["tests"])
    assert "multiplied by 2" in made("classroom50", of(ZOE)).remarks[0]


def test_coursera_has_the_part_of_the_points() -> None:
    """The score is a number from 0 to 1, never a bool."""
    assert json.loads((GOLDEN / "coursera-ada.json").read_text("utf-8"))["fractionalScore"] == 1.0
    assert json.loads((GOLDEN / "coursera-zoe.json").read_text("utf-8"))["fractionalScore"] == 0.533333


def test_prairielearn_stays_below_its_limit() -> None:
    """Messages are cut where the file would be larger than 1 MB."""
    long = tuple(SCORES.submissions[1].checks[1].model_copy(update={"message": "x" * 9000}) for _ in range(200))
    result = SCORES.submissions[1].model_copy(update={"checks": long})

    assert len(content(made("prairielearn", replace(REQUEST, results=(result,))))) < 1_000_000


def test_check50_says_null_of_what_was_not_checked() -> None:
    """Skipped is neither passed nor failed, and has a cause."""
    body = json.loads((GOLDEN / "check50-dana.json").read_text("utf-8"))

    assert [check["passed"] for check in body["results"]] == [None, None, None]
    assert "damaged" in body["results"][0]["cause"]["rationale"]


# ── JUnit XML, against its field list ──

FIELDS: dict[str, tuple[set[str], set[str]]] = {
    "testsuites": (
        {"name", "tests", "failures", "errors", "skipped", "assertions", "time", "timestamp"},
        {"testsuite"},
    ),
    "testsuite": (
        {"name", "tests", "failures", "errors", "skipped", "assertions", "time", "timestamp", "hostname", "file"},
        {"properties", "testcase", "system-out", "system-err"},
    ),
    "properties": (set(), {"property"}),
    "property": ({"name", "value"}, set()),
    "testcase": (
        {"name", "classname", "assertions", "time"},
        {"properties", "skipped", "failure", "error", "system-out", "system-err"},
    ),
    "failure": ({"message", "type"}, set()),
    "error": ({"message", "type"}, set()),
    "skipped": ({"message"}, set()),
}
"""Attributes and children of each element, as commonly supported (`file` and `line` of cases left out: xunit2)."""


def junit_root() -> ET.Element:
    return ET.parse(GOLDEN / "junit.xml").getroot()  # noqa: S314 - our own file


def test_junit_has_only_known_elements_and_right_counts() -> None:
    """Each element and attribute is in the field list, and the counts are those of the cases."""
    root = junit_root()
    for element in root.iter():
        attributes, children = FIELDS[element.tag]
        assert set(element.attrib) <= attributes
        assert {child.tag for child in element} <= children
    for suite in [root, *root.findall("testsuite")]:
        for count, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.attrib[count]) == len(suite.findall(f".//testcase/{tag}"))
        assert int(suite.attrib["tests"]) == len(suite.findall(".//testcase"))


def test_a_reader_of_ci_servers_finds_the_same_in_the_junit_file() -> None:
    """Parsed by somebody else's code: suites, counts, results with their sentences, and times."""
    found = JUnitXml.fromfile(str(GOLDEN / "junit.xml"))
    suites = list(found)
    cases = {suite.name: list(suite) for suite in suites}
    counts = {suite.name: (suite.tests, suite.failures, suite.errors, suite.skipped) for suite in suites}

    assert [suite.name for suite in suites] == [item.get("name") for item in junit_root().findall("testsuite")]
    for name, own in cases.items():
        results = [result for case in own for result in case.result]
        kinds = [sum(isinstance(result, kind) for result in results) for kind in (Failure, JUnitError, Skipped)]
        assert counts[name] == (len(own), *kinds)
        assert all(result.message for result in results if isinstance(result, Failure | JUnitError))
    assert (found.tests, found.failures) == (sum(map(len, cases.values())), sum(suite.failures for suite in suites))


def test_junit_tells_the_students_failures_from_ours() -> None:
    """A failed check is a failure; a timeout and a failure of ours are errors; who cannot be read has a failure."""
    suites = junit_root().findall("testsuite")
    seen = {
        SHORT[str(suite.get("name"))]: [
            next((c.tag for c in case if c.tag != "properties"), "") for case in suite.iter("testcase")
        ]
        for suite in suites
    }

    assert seen["ada"] == ["", "", "", ""]
    assert seen["zoe"] == ["", "", "failure", "failure"]
    assert seen["dana"] == ["failure", "skipped", "skipped", "skipped"]
    assert seen["evil"] == ["error", "", "error", "error"]
    assert seen["wang"] == ["error", "", "error", ""]


def test_junit_has_points_as_properties_and_none_where_there_are_none() -> None:
    """Points stand in the properties of cases; a suite without a grade has no score."""
    suites = junit_root().findall("testsuite")

    def properties(element: ET.Element) -> dict[str, str]:
        return {item.attrib["name"]: item.attrib["value"] for item in element.findall("properties/property")}

    assert properties(suites[1]) == {"status": "graded", "needs_review": "false", "max_score": "7.5", "score": "4"}
    assert "score" not in properties(suites[4])
    assert [properties(case).get("points") for case in suites[1].findall("testcase")] == [None, "2", "2", "0"]
    assert not [case for case in suites[4].findall("testcase") if "points" in properties(case)]


def test_what_counts_is_said_where_points_are_handed_on() -> None:
    """Attempt, lateness, and points by hand with their reason; of a hidden check, too."""
    told = Override(points=1, reason="It was meant well.", by="Eve", when="2026-12-03", before=0.0)
    late = Lateness(due=datetime(2026, 12, 1, tzinfo=UTC), seconds=90_000, days=2, penalty=1.5)
    hidden = make_verdict(points=1, hidden=True, override=told, message="One.\nTwo.")
    attempt = Attempt(number=2, of=3, policy="best", scores=(1.0, 2.0, 1.0))
    result = make_result(make_submission(), make_observation(), (hidden,))
    text = feedback(result.model_copy(update={"lateness": late, "attempt": attempt, "override": told}))

    assert "This is attempt 2 of 3; the best one counts." in text
    assert "up to 2 days late: 1.5 points are taken off." in text
    assert "For the whole submission: Eve gave 1 point (2026-12-03): It was meant well." in text
    assert text.count("Eve gave 1 point (2026-12-03)") == 2
    assert "Two." not in text
