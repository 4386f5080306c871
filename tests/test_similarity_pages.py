"""`grader similarity` as a user meets it: what is written where, for submissions and for results, and nothing of students runs."""

import html.parser
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from grader.cli import base
from grader.cli.similarity import pairs_table
from grader.errors import SetupError
from grader.model.result import Result
from grader.model.similarity import Comparison, Group, Member, Pair, Passage, SharedTraces, Trace
from grader.model.submission import Source
from grader.pipeline.places import load_assignments
from grader.pipeline.similarity import Question, write_similarity
from grader.results.folder import ResultsFolder
from grader.similarity.fingerprints import GUARANTEE, NOISE, STATEMENT
from grader.similarity.likeness import LEAST_EVIDENCE, NEIGHBOURS
from grader.similarity.traces import RARE_AT_LEAST, SEVERAL_COMMENTS
from tests.browser import PROGRAM, Browser
from tests.similar_classes import blocks_of, in_disguise, long_hand_in, notebook, renamed, write_class

CHECKOUT = Path(__file__).resolve().parent.parent
GOLDEN = CHECKOUT / "tests" / "golden" / "similarity.json"
EVIL = "<script>document.title='pwned'</script><img src=http://evil.example onerror=\"document.title='pwned'\">"
NAME = "eve<img src=x onerror=alert(1)>"
LATE = """
def %s(a, b):
    # {evil} \u202e
    x = a.clip(b) + b['{evil}'] * 2
    return x.sum(a) - [b, a][::-1] + divmod(a, b)
""".replace("{evil}", EVIL.replace("'", '"').replace('"', ""))


def members() -> dict[str, str]:
    """Twelve hands; a copy in disguise, one as a notebook, and a hostile one with its copy."""
    found = {f"s{seed:02}": long_hand_in(seed, functions=2) for seed in range(12)}
    found["yan"] = in_disguise(found["s03"])
    found["zoe"] = notebook(blocks_of(renamed(found["s05"])))
    hostile = "".join(LATE % f"f{number}" + f"    # {number}\n" for number in range(4)) + long_hand_in(77, functions=2)
    found[NAME.replace("/", "")] = hostile
    found["mal"] = renamed(hostile) + f"# {EVIL}\n"
    found["lena"] = '{"cells": [{"cell_type": "code", "source": "'
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_class(tmp_path_factory.mktemp("class"), members())


@pytest.fixture(scope="module")
def output(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("similarity")
    write(folder, place)
    return place


def write(place: Path, output: Path, **options: object) -> Comparison:
    values: dict[str, object] = {"assignment": "mnist_conv", "against": (), "threshold": 0.5, "output": output}
    question = Question(place, **{**values, **options})  # type: ignore[arg-type]
    [(comparison, page)] = write_similarity(question, load_assignments()).values()
    assert page == output / "similarity.html"
    return comparison


def read(output: Path) -> Comparison:
    return Comparison.model_validate(json.loads((output / "similarity.json").read_text("utf-8")))


def run(*words: str, cwd: Path | None = None, code: int = 0) -> str:
    """What the command line prints, in one line."""
    runner = CliRunner()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd or CHECKOUT)
        patch.setenv("GRADER_ASSIGNMENTS", str(CHECKOUT / "assignments"))
        result = runner.invoke(base.app, ["similarity", *words])
    if isinstance(result.exception, SetupError):
        assert code == base.USAGE
        return str(result.exception)
    assert result.exit_code == code, result.output
    return " ".join(result.output.split())


def as_results(folder: Path, texts: dict[str, str]) -> Path:
    """A folder of results in which these modules were graded."""
    results = ResultsFolder(folder)
    found = []
    for student, text in texts.items():
        result = Result(
            student=student,
            path=f"{student}/mnist_conv.py",
            status="graded",
            score=1.0,
            max_score=1.0,
            needs_review=False,
        )
        source = Source.model_validate({"kind": "module", "cells": [{"number": 1, "text": text}]})
        results.write(result, None, source=source)
        found.append(result)
    results.write_scores("mnist_conv", found)
    return folder


def test_pairs_groups_and_pages_are_written(output: Path) -> None:
    """The copies are found, each with a page that the page of the class leads to."""
    found = read(output)
    page = (output / "similarity.html").read_text("utf-8")

    assert {(pair.left, pair.right) for pair in found.pairs} == {("s03", "yan"), ("s05", "zoe"), (NAME, "mal")}
    assert len(found.groups) == 3
    assert "pairs/s03--yan.html" in page
    assert sorted(re.findall(r'href="(pairs/[^"]+)"', page)) == sorted(
        f"pairs/{path.name}" for path in (output / "pairs").iterdir()
    )
    assert "Equal networks are no evidence" in page
    assert "Evidence for a person, not a verdict" in page


def test_who_cannot_be_read_is_said(output: Path) -> None:
    """A damaged notebook is listed with its reason."""
    assert "lena: Your file" in re.sub("<[^>]*>", "", (output / "similarity.html").read_text("utf-8"))
    assert {member.student for member in read(output).members if member.standing == "unreadable"} == {"lena"}


def test_the_same_hand_ins_give_the_same_files(folder: Path, output: Path, tmp_path: Path) -> None:
    """Every file is the same to the last byte when it is written again, in another process as well."""
    run(str(folder), "--assignment", "mnist_conv", "--output", str(tmp_path))

    for path in output.rglob("*.*"):
        assert (tmp_path / path.relative_to(output)).read_bytes() == path.read_bytes()


def test_the_format_is_that_of_the_golden_file(tmp_path: Path) -> None:
    """What `similarity.json` holds for a small class is what it was."""
    texts = {f"s{seed}": long_hand_in(seed, functions=1) for seed in range(10)}
    texts["zoe"] = renamed(texts["s2"])
    write(write_class(tmp_path / "class", texts), tmp_path / "out")
    found = json.loads((tmp_path / "out" / "similarity.json").read_text("utf-8")) | {"grader_version": ""}

    assert found == json.loads(GOLDEN.read_text("utf-8"))


@pytest.mark.parametrize("record", [Comparison, Member, Pair, Passage, Trace, Group, SharedTraces])
def test_every_key_is_in_the_reference(record: type[Comparison]) -> None:
    """The reference names every key of `similarity.json`."""
    text = (CHECKOUT / "docs" / "reference" / "similarity-json.md").read_text("utf-8")
    written = {name for name, item in record.model_fields.items() if not item.exclude}

    assert written <= set(re.findall(r"`([^`\n]+)`", text))


def test_numbers_of_the_source_are_in_the_reference() -> None:
    """The page says the numbers by which things are decided."""
    text = (CHECKOUT / "docs" / "reference" / "similarity-json.md").read_text("utf-8")
    for number in (
        NOISE,
        GUARANTEE,
        STATEMENT,
        int(LEAST_EVIDENCE),
        NEIGHBOURS,
        RARE_AT_LEAST,
        SEVERAL_COMMENTS,
    ):
        assert f"**{number}**" in text


def test_results_are_compared_like_submissions(tmp_path: Path) -> None:
    """From the code that results keep come the same pairs; they are written below the results."""
    texts = {name: text for name, text in members().items() if not text.startswith("{")}
    results = as_results(tmp_path / "results", texts)
    said = run(str(results))

    assert {(pair.left, pair.right) for pair in read(results / "similarity").pairs} == {("s03", "yan"), (NAME, "mal")}
    assert f"{results / 'similarity' / 'similarity.html'}: open it in a browser." in said
    assert len(ResultsFolder(results).results()) == len(texts)


def test_results_without_code_say_so(tmp_path: Path) -> None:
    """Results of which the code was not kept are not compared, and the page says what to do."""
    results = as_results(tmp_path, {"ada": "x = 1"})
    (results / "submissions" / "ada" / "source.json").unlink()

    assert (
        write(results, tmp_path / "out").members[0].message == "Its code is not in the results; grade again to keep it."
    )


def test_an_earlier_class_is_named_by_its_folder(folder: Path, tmp_path: Path) -> None:
    """Hand-ins of `--against` carry the name of their folder, and may be given as results or as submissions."""
    old = {"ada": long_hand_in(3, functions=2), "max": long_hand_in(50, functions=2)}
    before = as_results(tmp_path / "2023", old)
    other = write_class(tmp_path / "2024", {"eva": in_disguise(long_hand_in(4, functions=2))})
    out = tmp_path / "out"
    said = run(str(folder), "--assignment", "mnist_conv", "--against", str(before), "--against", str(other), "--output", str(out))  # fmt: skip
    found = {(pair.left, pair.right) for pair in read(out).pairs}

    assert {("s03", "2023: ada"), ("yan", "2023: ada"), ("s04", "2024: eva")} <= found
    assert "20 hand-ins" in said


def test_anonymous_pages_hold_nothing_that_students_wrote(folder: Path, tmp_path: Path) -> None:
    """Without names, paths, code and traces; the names are kept where they were, not in what is shared."""
    run(str(folder), "--assignment", "mnist_conv", "--anonymous", cwd=tmp_path)
    shared = tmp_path / "similarity" / "anonymous"
    names = json.loads((tmp_path / "similarity" / "pseudonyms.json").read_text("utf-8"))
    text = "".join(path.read_text("utf-8") for path in shared.rglob("*.*"))

    assert sorted(path.name for path in shared.iterdir()) == ["similarity.html", "similarity.json"]
    assert len(read(shared).pairs) == 3
    assert not [name for name in names if len(name) > 3 and name in text]
    assert not [
        name for name in ("yan", "zoe", "s03", "s05", "renamed_", "mnist_conv.py", "evil.example") if name in text
    ]
    assert names["zoe"] in text


def test_pages_of_pairs_that_are_no_more_are_removed(tmp_path: Path) -> None:
    """A pair that is not reported any longer loses its page, and nothing else in the folder is touched."""
    texts = {f"s{seed}": long_hand_in(seed, functions=1) for seed in range(8)}
    copies = {"yan": renamed(texts["s1"]), "zoe": renamed(texts["s2"])}
    write(write_class(tmp_path / "before", texts | copies), tmp_path / "out")
    pages = tmp_path / "out" / "pairs"
    (pages / "notes.html").write_text("mine", "utf-8")
    assert sorted(path.name for path in pages.iterdir()) == ["notes.html", "s1--yan.html", "s2--zoe.html"]

    write(write_class(tmp_path / "after", texts | {"zoe": copies["zoe"]}), tmp_path / "out")

    assert sorted(path.name for path in pages.iterdir()) == ["notes.html", "s2--zoe.html"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere",), "nowhere: expected submissions or results, found nothing. Check the name."),
        (("examples/submissions", "--against", "nowhere"), "nowhere: expected submissions or results"),
        (("examples/submissions", "--threshold", "7"), "--threshold 7: expected a share from 0 to 1"),
        (("examples/submissions", "--threshold", "nan"), "--threshold nan: expected a share from 0 to 1"),
        (("examples/submissions", "--assignment", "moon"), "assignment: there is none called 'moon'."),
        (("docs/images", "--assignment", "mnist_conv"), "found neither"),
    ],
)
def test_a_wrong_call_is_told(words: tuple[str, ...], said: str, tmp_path: Path) -> None:
    """Set-up mistakes say what was expected, what was found, and what to do."""
    place = tmp_path / "empty"
    place.mkdir()
    words = tuple(str(place) if word == "docs/images" else word for word in words)

    assert said in run(*words, code=base.USAGE)


def test_the_table_escapes_names(tmp_path: Path) -> None:
    """A name with markup or control characters is text in the terminal."""
    texts = {"[bold]ada[/bold]": long_hand_in(1), "zoe\x1b[31m": renamed(long_hand_in(1))}
    texts |= {f"s{seed}": long_hand_in(seed + 10, functions=1) for seed in range(8)}
    comparison = write(as_results(tmp_path / "results", texts), tmp_path / "out")
    written = io.StringIO()
    Console(width=200, file=written, force_terminal=True, no_color=True, highlight=False).print(pairs_table(comparison))
    said = written.getvalue()

    assert "[bold]ada[/bold]" in said
    assert "\\x1b[31m" in said
    assert "\x1b[31m" not in said


class _Checker(html.parser.HTMLParser):
    """Counts elements that a page of ours never has, and attributes that run something."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("img", "iframe", "object", "embed", "link", "base", "form"):
            self.found.append(tag)
        for name, value in attrs:
            if name.startswith("on"):
                self.found.append(name)
            if name == "id":
                self.ids.append(value or "")
            if name == "href" and value and value.startswith("#"):
                self.links.append(value[1:])


def test_pages_are_escaped_and_their_links_lead_somewhere(output: Path) -> None:
    """No element or handler of a student, no id twice, no link to an anchor that is not there."""
    for path in [output / "similarity.html", *(output / "pairs").iterdir()]:
        checker = _Checker()
        text = path.read_text("utf-8")
        checker.feed(text)

        assert checker.found == []
        assert len(checker.ids) == len(set(checker.ids))
        assert set(checker.links) <= set(checker.ids), path.name
        assert "\u202e" not in text


def test_a_pair_is_shown_line_by_line(output: Path) -> None:
    """Both sides have all their lines as they are written, whatever is marked in them."""
    text = (output / "pairs" / "s03--yan.html").read_text("utf-8")
    sides = text.split('<pre class="code">')[1:]
    for side, source in zip(sides, (members()["s03"], members()["yan"]), strict=True):
        body = re.sub(r'<a class="to".*?</a>|<span class="no".*?</span>', "", side.split("</pre>")[0])
        plain = html.unescape(re.sub(r"<[^>]*>", "", body))
        assert plain == source.removesuffix("\n") + "\n"


in_a_browser = pytest.mark.browser
needs_chromium = pytest.mark.skipif(PROGRAM is None, reason="chromium is missing; apt-get install chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as made:
        yield made


@in_a_browser
@needs_chromium
def test_nothing_runs_and_nothing_is_asked_for(browser: Browser, output: Path) -> None:
    """No title changes, nothing is logged, and the only request is for the page."""
    for path in [output / "similarity.html", *sorted((output / "pairs").iterdir())]:
        browser.open(path)
        assert "convolution" in browser.run("document.title")
        assert browser.logged == []
        assert browser.asked == [path.as_uri()]


@in_a_browser
@needs_chromium
def test_pairs_are_sorted_and_found_by_keyboard(browser: Browser, output: Path) -> None:
    """Enter on a head sorts; typing a name leaves its pairs."""
    browser.open(output / "similarity.html")
    browser.run("document.querySelectorAll('table[data-tools] thead button')[3].focus()")
    browser.press("Enter")
    values = "[...document.querySelectorAll('table[data-tools] tbody tr')].filter(row => !row.hidden).map(row => Number(row.cells[3].dataset.v))"
    assert browser.run(values) == sorted(browser.run(values))
    browser.run("document.querySelector('input[type=search]').focus()")
    browser.press(*"yan")
    assert len(browser.run(values)) == 1


@in_a_browser
@needs_chromium
def test_a_number_leads_to_the_other_side(browser: Browser, output: Path) -> None:
    """Enter on the number of a passage goes to the same number on the other side."""
    browser.open(output / "pairs" / "s03--yan.html")
    browser.run("document.getElementById('l2').focus()")
    browser.press("Enter")
    assert browser.run("location.hash") == "#r2"
    assert browser.run("document.querySelector(':target').textContent") == "2"


@in_a_browser
@needs_chromium
@pytest.mark.parametrize("width", [360, 1280])
def test_no_page_scrolls_sideways(browser: Browser, output: Path, width: int) -> None:
    """Code scrolls inside its frame; the page fits a telephone."""
    for path in [output / "similarity.html", *sorted((output / "pairs").iterdir())]:
        browser.open(path, width=width)
        assert browser.run("document.documentElement.scrollWidth") <= width


@in_a_browser
@needs_chromium
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_pages_have_no_barrier(browser: Browser, output: Path, dark: bool) -> None:
    """The rules of axe-core find nothing serious, contrast included."""
    for path in (output / "similarity.html", output / "pairs" / "s03--yan.html"):
        browser.open(path, dark=dark)
        assert browser.barriers() == []


@in_a_browser
@needs_chromium
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_marked_code_can_be_read(browser: Browser, output: Path, dark: bool) -> None:
    """Every mark, and the code that does not count, has a contrast of 4.5 or more (WCAG AA)."""
    browser.open(output / "pairs" / "s03--yan.html", dark=dark)
    contrasts = browser.run(CONTRASTS)
    assert len(contrasts) > 5
    assert min(contrasts) >= 4.5


CONTRASTS = """(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
    .reduce((sum, c, place) => sum + c * [.2126, .7152, .0722][place], 0);
  return [...document.querySelectorAll(".code mark, .code .u, .code .no, .code a.to")].map((item) => {
    let back = item;
    while (rgb(getComputedStyle(back).backgroundColor)[3] === 0) back = back.parentElement;
    const [a, b] = [light(rgb(getComputedStyle(item).color)), light(rgb(getComputedStyle(back).backgroundColor))];
    return (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
  });
})()"""
