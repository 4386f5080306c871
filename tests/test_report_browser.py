"""Pages in a real browser: they ask nothing of the network, run nothing of students, and work by keyboard."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.pipeline.report import Wanted, write_report
from grader.results.folder import ResultsFolder, write_course_scores
from tests.browser import PROGRAM, Browser
from tests.factories import make_assignment
from tests.report_classes import EVIL, hostile_class, kept_assignment, kept_class, large_class

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(PROGRAM is None, reason="chromium is missing; apt-get install chromium"),
]
VISIBLE = "[...document.querySelectorAll('table[data-tools] tbody tr')].filter(row => !row.hidden)"
NAMES = f"{VISIBLE}.map(row => row.cells[0].querySelector('a').textContent)"
SAID = "document.querySelector('[data-said]').textContent"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as made:
        yield made


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    hostile_class(folder)
    write_report(folder, lambda name: make_assignment(id=name), Wanted(folder))
    return folder


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("large")
    large_class(folder, 120)
    return write_report(folder, lambda name: make_assignment(id=name), Wanted(folder, feedback=False))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of a course in English; feedback in Chinese beside it."""
    folder = tmp_path_factory.mktemp("kept")
    write_course_scores(folder, [kept_class(folder / "demo")])
    write_report(folder, kept_assignment, Wanted(folder))
    write_report(folder, lambda name: kept_assignment(name, language="zh"), Wanted(folder / "zh"))
    return folder


def pages(folder: Path) -> list[Path]:
    """The page of the class, and both pages of each hostile student."""
    return [folder / "report.html", *sorted((folder / "submissions").glob("*/*.html"))]


def test_nothing_of_a_hostile_class_runs(browser: Browser, hostile: Path) -> None:
    """No title changes, nothing is logged or refused: there is nothing that would have to be."""
    assert len(pages(hostile)) == 1 + 2 * len(EVIL)
    for path in pages(hostile):
        browser.open(path)
        assert "grades" in browser.run("document.title") or "Demo" in browser.run("document.title")
        assert browser.run("document.title") != "pwned"
        assert browser.logged == []


def test_pages_ask_for_nothing_but_themselves(browser: Browser, hostile: Path) -> None:
    """The only request is for the page."""
    for path in pages(hostile):
        browser.open(path)
        assert browser.asked == [path.as_uri()]


def test_the_policy_would_stop_a_script(browser: Browser, tmp_path: Path) -> None:
    """If escaping ever failed, the policy refuses a handler, a script, and an address."""
    ResultsFolder(tmp_path).write_scores("demo", [])
    page = write_report(tmp_path, lambda _: None, Wanted(tmp_path))
    evil = "<script>document.title='pwned'</script><img src=http://evil.example onerror=\"document.title='pwned'\">"
    page.write_text(page.read_text("utf-8").replace("<main", f"{evil}<main"), "utf-8")
    browser.open(page)
    assert browser.run("document.title") != "pwned"
    assert len([line for line in browser.logged if "Content Security Policy" in line]) >= 2


def test_a_column_is_sorted_by_keyboard(browser: Browser, large: Path) -> None:
    """Enter on a head sorts, Enter again turns round, and `aria-sort` says so; a number is sorted as one."""
    browser.open(large)
    browser.run("document.querySelectorAll('table[data-tools] thead button')[1].focus()")
    scores = f"{VISIBLE}.map(row => Number(row.cells[1].dataset.v))"
    browser.press("Enter")
    found = browser.run(scores)
    assert found == sorted(found)
    assert browser.run("document.activeElement.parentElement.getAttribute('aria-sort')") == "ascending"
    browser.press("Enter")
    found = browser.run(scores)
    assert found == sorted(found, reverse=True)
    assert browser.run("document.querySelectorAll('[aria-sort]').length") == 1


def test_rows_are_found_by_typing(browser: Browser, large: Path) -> None:
    """Typing into the search leaves the rows that have it, and their number is said."""
    browser.open(large)
    browser.run("document.querySelector('input[type=search]').focus()")
    browser.press(*"student007")
    assert browser.run(NAMES) == [f"student007{digit}" for digit in range(10)]
    assert browser.run(SAID) == "10 of 120 shown"


def test_rows_are_filtered_by_what_they_need(browser: Browser, large: Path) -> None:
    """The choice `needs a person` leaves those; the check that was not passed narrows further."""
    browser.open(large)
    choose = "(name, value) => {{ const field = document.querySelector(`select[name=${{name}}]`); field.value = value; field.dispatchEvent(new Event('input')); }}"
    browser.run(f"({choose.format()})('kind', 'review')")
    assert browser.run(NAMES) == ["student0000", "student0100"]
    browser.run(f"({choose.format()})('lost', '5')")
    assert browser.run(NAMES) == ["student0100"]


def test_everything_is_reached_by_tab(browser: Browser, large: Path) -> None:
    """From the top, Tab comes to the link past the head, then to links, fields, and heads of the table."""
    browser.open(large)
    reached = []
    for _ in range(45):
        browser.press("Tab")
        reached.append(browser.run("document.activeElement.tagName"))
    assert reached[0] == "A"
    assert {"INPUT", "SELECT", "BUTTON"} <= set(reached)


def test_who_handed_in_nothing_is_found_by_keyboard(browser: Browser, kept: Path) -> None:
    """Typing a name, or choosing a section with the arrows, leaves the rows that fit."""
    browser.open(kept / "demo/report.html")
    names = f"{VISIBLE}.map(row => row.cells[0].querySelector('bdi').textContent)"
    browser.run("document.querySelector('input[type=search]').focus()")
    browser.press(*"noether")
    assert browser.run(names) == ["emmy"]
    browser.press(*["Backspace"] * 7)
    browser.run("document.querySelector('select[name=section]').focus()")
    browser.press("ArrowDown", "ArrowDown")
    assert browser.run(names) == ["bela"]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_nobody_is_kept_out(browser: Browser, kept: Path, hostile: Path, dark: bool) -> None:
    """By the rules of axe-core nothing serious or critical is wrong with any kind of page."""
    ada = "demo/submissions/ada"
    paths = [kept / "report.html", kept / "demo/report.html", kept / ada / "report.html", kept / ada / "feedback.html"]
    paths += [kept / "zh" / ada / "feedback.html", hostile / "report.html", pages(hostile)[3]]
    for path in paths:
        browser.open(path, dark=dark)
        assert browser.barriers() == [], path


def test_a_barrier_would_be_found(browser: Browser, tmp_path: Path) -> None:
    """A picture without a text, and grey on grey, are told."""
    (tmp_path / "bad.html").write_text(
        "<title>x</title><img src=data:,><p style='color: #ccc; background: #fff'>grey</p>"
    )
    browser.open(tmp_path / "bad.html")
    assert {line.split(":")[0] for line in browser.barriers()} >= {"image-alt", "color-contrast"}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_light_and_dark_follow_the_reader(browser: Browser, large: Path, dark: bool) -> None:
    """The background is the one of the reader's choice."""
    browser.open(large, dark=dark)
    colour = browser.run("getComputedStyle(document.body).backgroundColor")
    assert colour == ("rgb(13, 17, 23)" if dark else "rgb(255, 255, 255)")


@pytest.mark.parametrize("width", [360, 1280])
def test_no_page_scrolls_sideways(browser: Browser, large: Path, hostile: Path, width: int) -> None:
    """Wide tables scroll inside their frame; the page fits a telephone."""
    for path in (large, *pages(hostile)[:7]):
        browser.open(path, width=width)
        assert browser.run("document.documentElement.scrollWidth") <= width


def test_a_large_class_is_soon_interactive(browser: Browser, large: Path) -> None:
    """The page is ready in under two seconds."""
    browser.open(large)
    timing = "performance.getEntriesByType('navigation')[0]"
    assert browser.run(f"{timing}.domInteractive") < 2_000
