"""What counts, on pages and in the terminal: who handed in nothing, lateness, attempts, points of a person, how it adds up."""

import io
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Formatter

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console, RenderableType

from grader.gradebook import OverrideEntry, Rules, settled
from grader.model.lateness import LatePolicy
from grader.model.result import Lateness, Override, Result, Scores, Verdict
from grader.pipeline.report import Wanted, write_report
from grader.reports import standing
from grader.reports.console import result_details, results_table
from grader.reports.pages.exhibit import Exhibit, anonymised_missing, anonymised_result
from grader.reports.pages.feedback import feedback_markdown, feedback_page
from grader.reports.pages.render import class_page
from grader.results.folder import ResultsFolder, write_course_scores
from grader.results.verdicts import make_result
from tests.factories import make_assignment, make_observation, make_submission, make_verdict
from tests.report_classes import kept_assignment, kept_class, submission

SECRET = (
    "Ada|Lovelace|Bartok|Noether|zebra|school.example|1815|1881|1882|1999|Monday|Tuesday|Hungarian|Feynman|emmy"
    r"|2026-12-0\d|1970|23:59|09:59|20:59|34 h|10 h|\bada\b|\bbela\b|\bzoe\b"
)
"""What must not be known of the members of `kept_class` where it is shared."""


def shown(item: RenderableType) -> str:
    """What stands on a wide console, in one line."""
    console = Console(file=io.StringIO(), width=400)
    console.print(item)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def result(*verdicts: Verdict, **changes: object) -> Result:
    made = make_result(make_submission(), make_observation(), verdicts or (make_verdict(),))
    return made.model_copy(update=changes)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All pages of the class, made on another day than any of those that must not be seen."""
    folder = tmp_path_factory.mktemp("kept")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("grader.results.folder.now", lambda: "2030-05-06T07:08:09Z")
        kept_class(folder)
    write_report(folder, kept_assignment, Wanted(folder))
    write_report(folder, lambda name: kept_assignment(name, language="zh"), Wanted(folder / "zh"))
    write_report(folder, kept_assignment, Wanted(folder / "shared", anonymous=True))
    return folder


def page(folder: Path, student: str = "", name: str = "report.html") -> BeautifulSoup:
    path = folder / "submissions" / student / name if student else folder / name
    return BeautifulSoup(path.read_text("utf-8"), "html.parser")


def said(folder: Path, student: str = "", name: str = "report.html") -> str:
    return page(folder, student, name).get_text(" ", strip=True)


def row(folder: Path, student: str) -> list[str]:
    """The cells of a student's row, without those about training."""
    for item in page(folder).select("table[data-tools] tbody tr"):
        cells = [cell.get_text(" ", strip=True) for cell in item.select("th, td")]
        if cells[0].split()[0] == student:
            return cells[:-4]
    raise AssertionError(f"no row of {student}")


# ── the class ──


def test_who_handed_in_nothing_has_a_row_without_a_grade(kept: Path) -> None:
    """Emmy is in the list: a row that can be chosen, with no link, no score, and as many cells as the others."""
    item = page(kept).select("tr[data-kind=missing]")
    assert [cells.th.get_text() for cells in item if cells.th] == ["emmy"]
    assert not item[0].select("a")
    assert row(kept, "emmy") == ["emmy", "Emmy Noether", "Monday 10", "–", "", "", "handed in nothing", ""]
    assert page(kept).select("option[value=missing]")
    assert len({len(line.select("th, td")) for line in page(kept).select("table[data-tools] tr")}) == 1
    assert "1 handed in nothing" in said(kept)


def test_a_row_has_name_section_lateness_and_attempt(kept: Path) -> None:
    """Days and points that lateness costs, and which attempt of how many counts."""
    assert row(kept, "ada")[1:6] == ["Ada Lovelace", "Monday 10", "2.9 / 4", "2 days, \u22121.6", "1 of 2"]


def test_columns_are_there_only_if_anybody_has_them(tmp_path: Path) -> None:
    """A class of which nothing is known has none of these columns, and no choice for them."""
    ResultsFolder(tmp_path).write_scores("demo", [submission(tmp_path)])
    write_report(tmp_path, kept_assignment, Wanted(tmp_path))
    heads = [head.get_text() for head in page(tmp_path).select("table[data-tools] th[scope=col]")]
    assert heads == ["Student", "Score", "Status", "What cost points", "Epochs", "Accuracy", "Network", "Seconds"]
    assert not page(tmp_path).select("select[name=section], option[value=late], option[value=missing]")


def test_sections_can_be_chosen(kept: Path) -> None:
    """Each row carries the number of its section, each choice has one."""
    choices = {str(item["value"]): item.get_text() for item in page(kept).select("select[name=section] option")}
    assert choices == {"": "all", "1": "Monday 10", "2": "Tuesday 12"}
    found = [str(item["data-section"]) for item in page(kept).select("table[data-tools] tbody tr")]
    assert sorted(found) == ["1", "1", "1", "2"]


def test_points_by_hand_are_marked(kept: Path) -> None:
    """Bela's row says so and can be chosen."""
    assert "points by hand" in row(kept, "bela")[6]
    assert [item.th.a.get_text() for item in page(kept).select("tr[data-kind~=byhand]") if item.th and item.th.a] == [
        "bela"
    ]


def test_what_waits_for_points_is_named(kept: Path) -> None:
    """Zoe needs a person, and it says for which check; the check says of how many it waits."""
    section = page(kept).select_one("section[aria-labelledby=first]")
    assert section is not None
    text = section.get_text(" ", strip=True)
    assert "It is explained. waits for points of a person in 1 submission ( explains , 3 points each)" in text
    assert re.search(r"zoe needs a person.*Waits for points: It is explained\.", text)


def test_a_whole_class_that_waits_is_not_listed_one_by_one() -> None:
    """Of a thousand who wait fifty are named; one whose score we owe stands before them."""
    waits = make_verdict(status="skipped", points=0).model_copy(update={"waits": True})
    members = [result(waits, student=f"s{number:04}", needs_review=True) for number in range(1_000)]
    members.append(result(student="zz", status="error", score=None, needs_review=True))
    scores = Scores(assignment="demo", generated_at="now", grader_version="0", submissions=tuple(members))
    text = "".join(class_page(scores, None, {item.student: "submissions/x/report.html" for item in members}))
    boxes = BeautifulSoup(text, "html.parser").select("section[aria-labelledby=first] div.say")
    assert len(boxes) == 50
    assert "zz needs a person" in boxes[0].get_text(" ", strip=True)
    assert "951 more need a person" in text
    assert "in 1,000 submissions" in text


# ── one submission ──


def total(folder: Path, student: str, name: str = "report.html") -> list[tuple[str, str]]:
    """Label and value of each line below the checks."""
    found = page(folder, student, name).select("tfoot tr")
    return [(item.th.get_text() if item.th else "", item.select("td")[1].get_text()) for item in found]


def test_points_add_up_visibly(kept: Path) -> None:
    """Sum of the checks, less what lateness costs, is the score."""
    assert total(kept, "ada") == [
        ("Sum of the checks (0.5 of it extra credit)", "4.5"),
        ("Late (2 days)", "\u22121.6"),
        ("Score", "2.9 of 4"),
    ]


@given(
    st.lists(st.sampled_from([0.0, 0.25, 1.0, 2.0]), min_size=1, max_size=5),
    st.floats(0, 20),
    st.sampled_from(["maximum", "points"]),
    st.none() | st.floats(0, 10),
    st.booleans(),
)
def test_lines_add_up_for_whatever_is_settled(
    points: list[float], days: float, share: str, given_points: float | None, extra: bool
) -> None:
    """All lines but the last, added, are the last; points for the whole take their place."""
    verdicts = [make_verdict(id=f"c{number}", points=value) for number, value in enumerate(points)]
    due = datetime(2026, 12, 1, tzinfo=UTC)
    late = LatePolicy(due=due, per_day=0.15, of=share)  # type: ignore[arg-type]
    assignment = make_assignment(late=late, extra_credit=("c0",) if extra else ())
    entry = OverrideEntry(student="ada", points=given_points or 0.0, reason="r", by="b", when="2026-12-02")
    made = settled(
        [result(*verdicts, handed_in=due + timedelta(days=days))],
        Rules(assignment, overrides=() if given_points is None else (entry,)),
    )
    lines = standing.addition(made)
    values = [float(line.value.replace("\u2212", "-").split(" ")[0]) for line in lines]
    if given_points is None:
        assert sum(values[:-1] or values) == pytest.approx(values[-1], abs=2e-3)
    else:
        assert values[-1] == values[-2]


def test_the_attempt_that_counts_is_the_one_shown(kept: Path) -> None:
    """Ada's first notebook counts: its cells are on the page, and the curve; not the module that came later."""
    for name in ("report.html", "feedback.html"):
        assert "The network has one layer." in said(kept, "ada", name)
        assert "import numpy" in said(kept, "ada", name)
        assert page(kept, "ada", name).select("polyline")
        assert "This is attempt 1 of 2; the best one counts. Each would give: 2.9 (this one), 0." in said(
            kept, "ada", name
        )


def test_lateness_is_told_with_its_times(kept: Path) -> None:
    """When it came, when it was due, how late that is, and what it costs; in Chinese too."""
    sentence = "Handed in 2026-12-03 09:59+01:00, due 2026-12-01 23:59+01:00: 1 day 10 h late, counted as 2 days; it costs 1.6 points."
    assert sentence in said(kept, "ada")
    assert sentence in said(kept, "ada", "feedback.html")
    assert "on time" in said(kept, "bela")
    assert "迟交 1 天 10 小时，按 2 天计，扣 1.6 分" in said(kept / "zh", "ada", "feedback.html")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (5, "1 min"),
        (3_599, "59 min"),
        (3_600, "1 h"),
        (86_400, "1 day"),
        (176_460, "2 days 1 h"),
        (86_460, "1 day 1 min"),
    ],
)
def test_durations_have_two_units(seconds: float, text: str) -> None:
    """The two largest, and never nothing."""
    assert standing.duration(seconds) == text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seconds": 0.0, "days": 0}, "on time"),
        ({"seconds": 300.0, "days": 0}, "5 min late, within the time of grace"),
        ({"seconds": 300.0, "days": 1, "penalty": 1.0}, "counted as 1 day; it costs 1 point."),
        ({"seconds": 9e5, "days": 11, "penalty": 2.0, "too_late": True}, "after the last moment at which it counts"),
    ],
)
def test_every_kind_of_lateness_has_a_sentence(changes: dict[str, object], words: str) -> None:
    """On time, within the grace, late, and too late."""
    values = {"due": datetime(2026, 12, 1, tzinfo=UTC), "penalty": 0.0, **changes}
    assert words in standing.lateness(Lateness.model_validate(values), None)


def test_points_of_a_person_come_with_reason_and_name(kept: Path) -> None:
    """Who, how many instead of how many, when and why; the check's own words once, and the gradebook's not at all."""
    for name in ("report.html", "feedback.html"):
        text = said(kept, "bela", name)
        assert "R. Feynman gave 1.5 points instead of 0 (2026-12-03): In Hungarian, which is allowed." in text
        assert text.count("In Hungarian") == 1
        assert "A person gave" not in text
    markdown = (kept / "submissions/bela/feedback.md").read_text("utf-8")
    assert "R. Feynman gave 1.5 points instead of 0" in markdown
    assert "R. Feynman 给了 1.5 分，原为 0 分" in said(kept / "zh", "bela", "feedback.html")


def test_a_check_that_broke_is_not_quoted_when_a_person_gives_the_points() -> None:
    """What a broken check said may quote the answer: its student reads the person's words only."""
    broken = make_verdict(status="error", points=0, message="This check could not be carried out (AssertionError: 42).")
    entry = OverrideEntry(student="ada", check="works", points=2, reason="It is right.", by="c", when="2026-12-02")
    made = settled([result(broken, status="error", score=None)], Rules(make_assignment(), overrides=(entry,)))
    exhibit = Exhibit(made, make_assignment())
    for text in (feedback_page(exhibit), feedback_markdown(exhibit)):
        assert "It is right" in text
        assert "AssertionError" not in text


def test_what_waits_is_said_to_the_student(kept: Path) -> None:
    """The check has a mark of its own, in both languages."""
    assert "waits for a person" in said(kept, "zoe", "feedback.html")
    assert "等待人工评分" in said(kept / "zh", "zoe", "feedback.html")
    assert "Points of a person are waited for: It is explained. (3 points)" in said(kept, "zoe")


def test_feedback_in_markdown_adds_up(kept: Path) -> None:
    """The same lines, in one."""
    text = (kept / "submissions/ada/feedback.md").read_text("utf-8")
    assert (
        "- Sum of the checks (0.5 of it extra credit): **4.5**; Late (2 days): **\u22121.6**; Score: **2.9 of 4**"
        in text
    )
    assert "- This is attempt 1 of 2; the best one counts." in text


@pytest.mark.parametrize("name", sorted(standing.Words.__dataclass_fields__))
def test_languages_take_the_same_arguments(name: str) -> None:
    """A sentence has the same places to fill in English and Chinese, and is empty in neither."""
    taken = [
        sorted(part[1] for part in Formatter().parse(getattr(words, name)) if part[1] is not None)
        for words in standing.LANGUAGES.values()
    ]
    assert taken[0] == taken[1]
    assert all(getattr(words, name) for words in standing.LANGUAGES.values())


# ── several assignments ──


def test_the_page_over_assignments_has_everybody_of_the_lists(tmp_path: Path) -> None:
    """Emmy handed in nothing anywhere, and has a row with her name and section."""
    write_course_scores(tmp_path, [kept_class(tmp_path / "demo")])
    write_report(tmp_path, kept_assignment, Wanted(tmp_path, feedback=False))
    rows = [item.get_text(" ", strip=True) for item in page(tmp_path).select("table[data-tools] tbody tr")]
    assert "emmy Emmy Noether Monday 10 nothing" in rows
    assert len(rows) == 4


# ── sharing ──


def test_anonymous_pages_do_not_say_who_or_when(kept: Path) -> None:
    """No name, mail, number, section, reason, giver, time of handing in, or due date of anybody; no name in a path."""
    files = [path for path in (kept / "shared").rglob("*") if path.is_file()]
    assert len(files) == 4
    for path in files:
        assert not re.search(SECRET, path.read_text("utf-8"), re.IGNORECASE), path
        assert not re.search(SECRET, str(path.relative_to(kept)), re.IGNORECASE)


def test_what_is_shared_is_no_longer_there(tmp_path: Path) -> None:
    """A result is anonymous in itself, whatever a page would show of it; so is somebody who handed in nothing."""
    scores = kept_class(tmp_path)
    names = dict.fromkeys(("ada", "bela", "zoe", "emmy"), "S-1")
    given_points = Override(points=1.0, reason="In Hungarian.", by="R. Feynman", when="2026-12-03", before=0.0)
    for item in scores.submissions:
        made = anonymised_result(item.model_copy(update={"override": given_points}), names)
        assert not re.search(SECRET, made.model_dump_json().replace("1970", ""), re.IGNORECASE)
        assert made.score == item.score
    assert not re.search(SECRET, anonymised_missing(scores.missing[0], names).model_dump_json(), re.IGNORECASE)


def test_anonymous_pages_still_say_what_counts(kept: Path) -> None:
    """Days and points of lateness, attempts, that points came from a person, and how many handed in nothing."""
    text = said(kept / "shared")
    for part in ("2 days, \u22121.6", "1 of 2", "points by hand", "handed in nothing"):
        assert part in text
    assert len(page(kept / "shared").select("tr[data-kind=missing]")) == 1


# ── the terminal ──


def test_the_table_has_columns_for_what_happened(tmp_path: Path) -> None:
    """Late, attempt, points by hand, and who handed in nothing; without any of it the table is as it was."""
    scores = kept_class(tmp_path)
    lines = shown(results_table(list(scores.submissions), "demo", scores.missing)).splitlines()
    found = {name: next(line for line in lines if f" {name} " in line) for name in ("ada", "bela", "emmy")}
    assert "2 days, \u22121.6 │ 1 of 2" in found["ada"]
    assert "graded · points by hand" in found["bela"]
    assert "handed in nothing" in found["emmy"]
    plain = shown(results_table([result()], "demo"))
    assert "late" not in plain
    assert "attempt" not in plain


def test_explain_says_how_points_come_together(tmp_path: Path) -> None:
    """Attempt, times, what a person gave, and lines that add up before the score."""
    members = {item.student: item for item in kept_class(tmp_path).submissions}
    text = shown(result_details(members["ada"]))
    assert "This is attempt 1 of 2; the best one counts." in text
    assert "it costs 1.6 points" in text
    assert "✓ 0.5/0.5 extra  More than asked for." in text
    assert text.splitlines()[-2:] == [
        "Sum of the checks (0.5 of it extra credit): 4.5; Late (2 days): \u22121.6",
        "2.9 of 4 points",
    ]
    assert "R. Feynman gave 1.5 points instead of 0 (2026-12-03)" in shown(result_details(members["bela"]))


def test_a_score_that_a_person_gave_is_told() -> None:
    """Points for the whole, with reason; what the checks gave stands before it."""
    given_points = Override(points=3.0, reason="\x1b[2JAn interview.", by="me", when="2026-12-01", before=2.0)
    text = shown(result_details(result(score=3.0, override=given_points)))
    assert "For the whole submission: me gave 3 points instead of 2 (2026-12-01): \\x1b[2JAn interview." in text
    assert "Sum of the checks: 2; Given by a person for the whole: 3" in text
