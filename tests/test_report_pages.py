"""The parts of pages: visible text, figures, statistics, words, and colours that can be read."""

import re
from dataclasses import fields
from html.parser import HTMLParser
from itertools import pairwise
from string import Formatter

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from grader.model.result import Result, Scores, TrainingSummary
from grader.model.submission import Cell, Note, Source
from grader.reports.pages import charts, statistics
from grader.reports.pages.charts import Bar, Line, percent
from grader.reports.pages.code import code_cells, linked, remarks
from grader.reports.pages.curves import closeness, curve_lines
from grader.reports.pages.exhibit import Curve, Exhibit
from grader.reports.pages.feedback import feedback_markdown, public
from grader.reports.pages.render import TEMPLATES, class_page
from grader.reports.pages.visible import code_lines, in_one_line, printed, shortened, visible
from grader.reports.pages.wording import CHINESE, ENGLISH, LANGUAGES, Words
from grader.results.verdicts import make_result
from tests.factories import make_assignment, make_observation, make_run, make_submission, make_verdict

FAILED = make_verdict(id="stops_in_time", title="It stops.", status="failed", points=0, message="Too late.")


def result(student: str = "ada", score: float | None = 2.0, **changes: object) -> Result:
    made = make_result(make_submission(student=student), make_observation(), (make_verdict(),))
    return made.model_copy(update={"score": score, **changes})


def trained(student: str, curve: tuple[float, ...], fingerprint: str = "f", **changes: object) -> Result:
    values = {"source": "shared", "epochs": len(curve), "accuracy": curve[-1], "stopped_by_callback": True, "seed": 1}
    training = TrainingSummary.model_validate({**values, "fingerprint": fingerprint, "curve": curve, **changes})
    return result(student, training=training)


def elements(markup: str) -> list[tuple[str, dict[str, str | None]]]:
    """Start tags with their attributes."""
    found: list[tuple[str, dict[str, str | None]]] = []

    class Collector(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append((tag, dict(attrs)))

    Collector().feed(markup)
    return found


# ── text ──


@given(st.text())
def test_visible_text_has_nothing_unseen(text: str) -> None:
    """After `visible` there are only characters with a look of their own, spaces, tabs and line ends."""
    assert all(char.isprintable() or char in "\n\t" or char.isspace() for char in visible(text))
    assert not re.search(
        "[\u202a-\u202e\u2066-\u2069\u200b-\u200f\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", visible(text)
    )


@given(st.text(st.characters(categories=["L", "N", "P", "S", "M", "Zs"])))
def test_visible_text_keeps_every_script(text: str) -> None:
    """Letters, signs and spaces of any script stay as they are."""
    kept = "".join(char for char in text if char.isprintable() or char.isspace())
    assert visible(kept) == kept


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[2Jb", "a⟨escape⟩[2Jb"),
        ("\b" * 76, "⟨backspace⟩×76"),
        ("\0\0", "⟨NUL⟩⟨NUL⟩"),
        ("gpj.\u202eexe", "gpj.⟨U+202E⟩exe"),
        ("\ud800", "⟨U+D800⟩"),
    ],
)
def test_unseen_characters_are_written_out(text: str, shown: str) -> None:
    """Escapes, runs of backspaces, NUL, direction marks and half surrogate pairs are said by name."""
    assert visible(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[1m5/5\x1b[0m", "5/5"),
        ("loss 1\rdone", "done 1"),
        ("Reached\b\b\b\b\b\b\b\b\bdone", "donehed"),
        ("\x1b]0;title\x07text", "text"),
        ("a\nb", "a\nb"),
    ],
)
def test_printed_text_is_what_a_terminal_shows(text: str, shown: str) -> None:
    """Colours and titles are dropped; returns and backspaces overwrite."""
    assert printed(text) == shown


def test_printed_text_leaves_out_the_middle() -> None:
    """Of many lines the first and last hundred stay, and the number between them is said."""
    lines = printed("\n".join(map(str, range(1_000)))).split("\n")
    assert (lines[0], lines[100], lines[-1], len(lines)) == ("0", "… 800 lines left out …", "999", 201)


def test_shortened_says_how_much_is_missing() -> None:
    """Beginning and end stay."""
    assert shortened("a" * 10 + "b" * 10, 9) == "aaaaaa … 11 characters left out … bbb"


def test_one_line_is_one_line() -> None:
    """Line ends cannot add a forged line."""
    assert in_one_line("no\n✓ 10/10\r\nyes") == "no ✓ 10/10⟨return⟩ yes"


def test_code_is_bounded() -> None:
    """A program of a million lines, or one line of a million characters, does not make an endless page."""
    assert len(code_lines("x\n" * 1_000_000)) == 5_001
    assert len(code_lines("x" * 1_000_000)[0]) < 3_000


# ── figures ──


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.998, "99.8 %"), (1.0, "100 %"), (0.99999, "99.999 %"), (0.999999, "99.9999 %"), (0.5, "50 %"), (0.0, "0 %")],
)
def test_percent_never_rounds_up_to_all(value: float, text: str) -> None:
    """99.999 % is not 100 %."""
    assert percent(value) == text


def test_histogram_has_a_bar_for_each_count() -> None:
    """A bar is drawn where somebody is, and the description is the text alternative."""
    svg = charts.histogram([Bar("0–1", 3), Bar("1–2", 0), Bar("full", 1)], "Scores", "Four of them.", "points")
    assert sum(tag == "rect" for tag, _ in elements(svg)) == 2
    assert elements(svg)[0] == (
        "svg",
        {"viewbox": "0 0 640 280", "role": "img", "aria-label": "Scores. Four of them."},
    )


def test_figures_escape_what_they_are_given() -> None:
    """A label or description that is markup stays text."""
    evil = '"><script>alert(1)</script>'
    svg = charts.curves([Line((0.5, 0.9), evil)], 0.9, evil, evil, (evil, evil, evil))
    svg += charts.histogram([Bar(evil, 1)], evil, evil, evil)
    assert {tag for tag, _ in elements(svg)} <= {"svg", "g", "title", "line", "text", "polyline", "circle", "rect"}
    assert "<script" not in svg


@given(st.lists(st.lists(st.floats(0, 1), max_size=30), max_size=5), st.none() | st.floats(0, 1))
def test_curves_stay_in_their_figure(values: list[list[float]], threshold: float | None) -> None:
    """Every point lies inside the frame, whatever the accuracies are."""
    svg = charts.curves([Line(tuple(item), stops=((len(item), 1),)) for item in values], threshold, "T", "D")
    for points in re.findall(r'points="([^"]*)"', svg):
        for x, y in (pair.split(",") for pair in points.split()):
            assert 0 <= float(x) <= charts.WIDTH
            assert 0 <= float(y) <= charts.HEIGHT


def test_the_threshold_is_a_line_with_its_value() -> None:
    """What is asked for stands at the axis."""
    svg = charts.curves([Line((0.9, 0.99))], 0.998, "T", "D")
    assert 'class="threshold"' in svg
    assert "99.8 %" in svg


def test_a_higher_accuracy_is_drawn_higher() -> None:
    """The axis grows with the accuracy, also close to 100 %."""
    svg = charts.curves([Line((0.5, 0.9, 0.99, 0.999, 0.9999))], None, "T", "D")
    points = re.findall(r'points="([^"]*)"', svg)[0].split()
    heights = [float(point.split(",")[1]) for point in points]
    assert all(lower > higher for lower, higher in pairwise(heights))


# ── statistics ──


def test_what_needs_a_person_stands_first() -> None:
    """Review, then our errors and protocol violations, then everybody by name; mild flags move nobody."""
    members = [
        result("zoe", needs_review=True),
        result("bela", flags=("old_name",)),
        result("Ada"),
        result("yan", flags=("protocol_violation",)),
        result("xi", None, status="error"),
        result("chen", flags=("something_new",)),
    ]
    order = [item.student for item in statistics.in_order(members)]
    assert order == ["xi", "zoe", "chen", "yan", "Ada", "bela"]


def test_distribution_counts_everybody_with_a_score_once() -> None:
    """Full marks have a bar of their own; who has no score is in none."""
    members = [result(score=value, max_score=10.0) for value in (0.0, 0.5, 9.5, 10.0, 10.0)] + [result(score=None)]
    bars = {bar.label: bar.count for bar in statistics.distribution(members)}
    assert (bars["0–1"], bars["9–10"], bars["full"], sum(bars.values())) == (2, 1, 2, 5)


@given(st.lists(st.floats(0, 1), min_size=1), st.floats(0.1, 500))
def test_distribution_loses_nobody(shares: list[float], maximum: float) -> None:
    """Whatever the scores and the maximum are, bars add up, and there are not too many."""
    bars = statistics.distribution([result(score=share * maximum, max_score=maximum) for share in shares])
    assert sum(bar.count for bar in bars) == len(shares)
    assert len(bars) <= 11


@pytest.mark.parametrize("members", [[], [result(score=None)], [result(score=0.0, max_score=0.0)]])
def test_distribution_of_nothing_is_nothing(members: list[Result]) -> None:
    """Without a score or without points there is no figure."""
    assert statistics.distribution(members) == []


def test_members_stand_by_urgency_and_then_by_name() -> None:
    """Capital letters make no difference, unless nothing else does."""
    mild = statistics.MILD_FLAGS[:1]
    members = [result("Zoe"), result("ada"), result("Ada"), result("bela", flags=mild)]
    members += [result("odd", flags=("strange",)), result("waits", needs_review=True), result("A", needs_review=True)]
    assert [item.student for item in statistics.in_order(members)] == [
        *("A", "waits", "odd"),
        *("Ada", "ada", "bela", "Zoe"),
    ]


def test_check_rates_tell_partly_from_failed() -> None:
    """Some points of a check are neither passed nor failed."""
    half = FAILED.model_copy(update={"points": 1.0})
    rate = statistics.check_rates([result(checks=(item,)) for item in (FAILED, half, FAILED)])[0]
    assert (rate.passed, rate.partly, rate.failed, rate.total) == (0, 1, 2, 3)


def test_equal_trainings_are_one_with_the_longest_curve() -> None:
    """Who stopped earlier has the same training; the curve is that of whoever went furthest."""
    members = [trained("ada", (0.9,)), trained("bela", (0.9, 0.99)), trained("chen", (0.8,), "g")]
    first, second = statistics.trainings(members)
    assert ([item.student for item in first.students], first.curve) == (["ada", "bela"], (0.9, 0.99))
    assert second.best == 0.8


def test_dots_say_where_students_stopped() -> None:
    """One dot for each length, with how many have it."""
    members = [trained("ada", (0.9,)), trained("bela", (0.9, 0.99)), trained("chen", (0.9, 0.99))]
    assert statistics.lines(statistics.trainings(members))[0].stops == ((1, 1), (2, 2))


@pytest.mark.parametrize("count", [3, 233])
def test_the_trainings_that_most_have_are_drawn_and_listed(count: int) -> None:
    """Of a class in which everybody has another network, a figure of all would show nothing, and fill the page."""
    members = [trained(f"s{number:03}", (0.9, 0.95), f"{number:03}") for number in range(count)]
    members.append(trained("twin", (0.9, 0.95), f"{count - 1:03}"))
    scores = Scores(assignment="demo", generated_at="now", grader_version="0", submissions=tuple(members))
    page = BeautifulSoup("".join(class_page(scores, None, {item.student: "x" for item in members})), "html.parser")
    drawn = {line.title.get_text(): line for line in page.select("svg g") if line.title}
    listed = page.select("section table tbody tr:has(span.key)")
    shown = min(count, 200)
    assert len(drawn) == len(listed) == shown
    assert ("Drawn are the 200" in page.get_text()) == (count > 200)
    assert (f"{count - 200} more networks" in page.get_text()) == (count > 200)
    assert listed[0].select("td")[0].get_text() == "2"
    for row in listed:
        [key], [number, *_] = row.select("span.key"), row.get_text(" ", strip=True).split()
        [line] = [item.select("polyline")[0] for label, item in drawn.items() if label.startswith(f"network {number},")]
        assert key["class"][-1] in line["class"]


# ── one submission ──


def exhibit(*curves: Curve, threshold: float | None = 0.998) -> Exhibit:
    assignment = make_assignment()
    policy = assignment.training.model_copy(update={"threshold": threshold}) if assignment.training else None
    return Exhibit(
        trained("ada", (0.9,)), assignment.model_copy(update={"training": policy if threshold else None}), curves=curves
    )


@pytest.mark.parametrize(
    ("curve", "sentences"),
    [
        (
            Curve(make_run([0.9, 0.9985]), 0, 2),
            ["99.8 % was reached for the first time in epoch 2, with 99.85 % (seed 1)."],
        ),
        (
            Curve(make_run([0.9, 0.9985]), 0, 1),
            [
                "The code stopped the training after epoch 1, at 90 %. Left to run, the network reaches 99.8 % in epoch 2."
            ],
        ),
        (
            Curve(make_run([0.9985, 0.9, 0.9]), 0, 3),
            [
                "99.8 % was reached for the first time in epoch 1, with 99.85 % (seed 1).",
                "The code let it run for 2 more epochs after that.",
            ],
        ),
        (
            Curve(make_run([0.9, 0.997]), 0, 2),
            ["The best accuracy was 99.7 %, in epoch 2 with seed 1: 0.1 percentage points short of 99.8 %."],
        ),
        (Curve(make_run([]), 0, 0), []),
    ],
)
def test_closeness_is_told(curve: Curve, sentences: list[str]) -> None:
    """When the threshold was reached, what was missing, and when the student's code stopped."""
    assert closeness(exhibit(curve), ENGLISH) == sentences


def test_closeness_names_the_best_seed() -> None:
    """Of several seeds the best one is named."""
    found = closeness(exhibit(Curve(make_run([0.9]), 0, 1), Curve(make_run([0.95], seed=2), 0)), ENGLISH)
    assert "seed 2" in found[0]


def test_without_a_threshold_only_the_best_is_told() -> None:
    """An assignment that is not known here asks for nothing."""
    assert closeness(exhibit(Curve(make_run([0.9]), 0, 1), threshold=None), ENGLISH) == [
        "The best accuracy was 90 %, in epoch 1 with seed 1."
    ]


def test_every_seed_has_a_line() -> None:
    """The graded one first and heavier, with a dot; others are named by their seed."""
    curves = (Curve(make_run([0.9, 0.91]), 0, 1), Curve(make_run([0.8], seed=2), 0))
    assert [(line.label, line.stops) for line in curve_lines(exhibit(*curves), ENGLISH)] == [
        ("seed 1, graded", ((1, 1),)),
        ("seed 2", ()),
    ]


def test_without_evidence_the_curve_of_the_result_is_drawn() -> None:
    """Results that were written without evidence have a figure too."""
    assert [line.values for line in curve_lines(exhibit(), ENGLISH)] == [(0.9,)]


def test_a_curve_ends_before_it_is_no_number() -> None:
    """An accuracy that is NaN is not drawn, nor what comes after it."""
    assert Curve(make_run([0.9, float("nan"), 0.95])).values == (0.9,)


NOTEBOOK = Source(kind="notebook", cells=(Cell(number=3, text="a = 1\nb = 2"),))
MODULE = Source(kind="module", cells=(Cell(number=1, text="a = 1\nb = 2"),))


@pytest.mark.parametrize(
    ("text", "source", "links"),
    [
        ("ValueError (cell 3, line 2)", NOTEBOOK, ["#C3L2"]),
        ("line 2 and line 1", MODULE, ["#L2", "#L1"]),
        ("line 9", MODULE, []),
        ("cell 4, line 1", NOTEBOOK, []),
        ("line 2", NOTEBOOK, []),
        ("line 2", None, []),
    ],
)
def test_places_lead_to_the_code(text: str, source: Source | None, links: list[str]) -> None:
    """A place that exists in the code is a link to its line; any other is text."""
    assert [attributes["href"] for tag, attributes in elements(linked(text, source)) if tag == "a"] == links


def test_links_escape_what_is_around_them() -> None:
    """Markup beside a place stays text."""
    assert "<b>" not in linked("<b>line 1</b>", MODULE)


def test_remarks_stand_below_their_lines() -> None:
    """A message is placed at the first line it names, a note at its own, and one without a place nowhere."""
    wrong = FAILED.model_copy(update={"message": "<b>No</b> (cell 3, line 2), nor cell 3, line 1."})
    notes = (Note(kind="old_name", where="cell 3, line 1", text="Old."), Note(kind="old_name", where="", text="Gone."))
    text = str(code_cells(NOTEBOOK, remarks(NOTEBOOK, (wrong, FAILED), notes)))
    assert re.findall(r'id="(C3L\d)"|class="(r \w+)"', text) == [
        ("C3L1", ""),
        ("", "r quiet"),
        ("C3L2", ""),
        ("", "r bad"),
    ]
    assert "&lt;b&gt;No" in text
    assert "Gone." not in text


def test_a_hidden_check_shows_one_line() -> None:
    """Of a hidden check's message only the first line is public."""
    hidden = FAILED.model_copy(update={"hidden": True, "message": "Wrong for one image.\nIt was [[1, 2], [3, 4]]."})
    assert public(hidden, ENGLISH).message == "Wrong for one image."
    assert public(FAILED, ENGLISH).message == "Too late."


def test_what_broke_on_our_side_is_not_quoted() -> None:
    """A check that raised something says to the student only that it was our fault."""
    broken = FAILED.model_copy(update={"status": "error", "message": "AssertionError: expected = [1, 2]"})
    assert public(broken, ENGLISH).message == ENGLISH.ours


@pytest.mark.parametrize(
    "evil",
    [
        "<img src=x onerror=alert(1)>",
        "@everyone",
        "#1",
        "[x](http://a.example)",
        "![x](y)",
        "`",
        "https://a.example",
        "$x$",
        "www.a.example",
    ],
)
def test_markdown_of_others_is_text(evil: str) -> None:
    """Nothing in a message marks up, links, or calls anybody where the Markdown is posted."""
    shown = Exhibit(result(evil, checks=(FAILED.model_copy(update={"message": evil}),)), make_assignment())
    text = feedback_markdown(shown)
    assert not re.search(r"(?<!\\)[<\[`$]|@\w|#\d|https?:|www\.a", text)


def test_feedback_says_points_in_both_languages() -> None:
    """The score, and each check with its word."""
    shown = Exhibit(result(checks=(make_verdict(), FAILED)), make_assignment())
    assert "ada: **2** of 2 points" in feedback_markdown(shown)
    assert "- ✗ **0/2** 未通过: It stops." in feedback_markdown(shown, "zh")


@pytest.mark.parametrize("name", [field.name for field in fields(Words)])
def test_languages_take_the_same_arguments(name: str) -> None:
    """A sentence has the same places to fill in every language, and is empty in none."""
    taken = [
        sorted(part[1] for part in Formatter().parse(getattr(words, name)) if part[1] is not None)
        for words in LANGUAGES.values()
    ]
    assert all(item == taken[0] for item in taken)
    assert all(getattr(words, name) for words in (ENGLISH, CHINESE))


# ── style ──


def colours(dark: bool) -> dict[str, str]:
    """The variables of the style sheet, in light or dark."""
    light, _, rest = (TEMPLATES / "style.css").read_text("utf-8").partition("@media (prefers-color-scheme: dark)")
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", light))
    return {**found, **dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", rest.split("@media")[0]))} if dark else found


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("text", ["text", "quiet", "link", "good", "bad", "odd"])
def test_text_can_be_read(text: str, dark: bool) -> None:
    """Every colour of text has a contrast of at least 4.5 to every background it stands on (WCAG AA)."""
    known = colours(dark)
    backs = ["back", "panel", "odd-back", "bad-back", "mark"] if text in ("text", "link") else ["back", "panel"]
    backs += {"odd": ["odd-back"], "bad": ["bad-back"], "good": ["good-back"]}.get(text, [])
    assert {back: contrast(known[text], known[back]) >= 4.5 for back in backs} == dict.fromkeys(backs, True)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("mark", ["bar", "c0", "c1", "c2", "c3", "c4", "c5"])
def test_figures_can_be_seen(mark: str, dark: bool) -> None:
    """Bars and curves have a contrast of at least 3 to the figure's background (WCAG AA)."""
    assert contrast(colours(dark)[mark], colours(dark)["panel"]) >= 3


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("*.html")), ids=lambda path: path.name)
def test_no_template_turns_escaping_off(path: object) -> None:
    """No template says `safe` or switches autoescape off, and none has a handler or a link to elsewhere."""
    text = path.read_text("utf-8")  # type: ignore[attr-defined]
    assert not re.search(r"\|\s*safe|autoescape|\son\w+=|https?://|javascript:", text)
