"""Comparing hand-ins: disguises change nothing, what is usual counts for nothing, and nothing makes it fail."""

import io
import token as token_types
import tokenize
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.discovery import UnreadableSource, read_source
from grader.model.similarity import Comparison, Pair
from grader.model.submission import Cell, Source
from grader.similarity import HandIn, Known, compare
from grader.similarity.fingerprints import GUARANTEE, NOISE, prints, run_hashes, winnowed
from grader.similarity.groups import groups
from grader.similarity.lexer import tokens
from grader.similarity.likeness import LEAST_EVIDENCE, Class, Likeness
from grader.similarity.normal import Normal, normal
from grader.similarity.traces import notebook_traces
from tests.similar_classes import (
    blocks_of,
    commented,
    in_disguise,
    long_hand_in,
    notebook,
    renamed,
    reordered,
    short_hand_in,
    with_dead_code,
)

CHECKOUT = Path(__file__).resolve().parent.parent
SEEDS = st.integers(0, 10_000)
THRESHOLD = 0.5
"""The default of `--threshold`."""


def source_of(*cells: str) -> Source:
    kind = "module" if len(cells) == 1 else "notebook"
    return Source.model_validate({"kind": kind, "cells": [{"number": n, "text": t} for n, t in enumerate(cells, 1)]})


def words_of(*cells: str) -> list[str]:
    """The normal form in one line for each segment, in an order that does not depend on theirs."""
    return segments_of(normal(source_of(*cells)))


def segments_of(form: Normal) -> list[str]:
    return sorted(" ".join(word.text for word in segment.words) for segment in form.segments)


def compared(members: dict[str, Source], known: Known | None = None, threshold: float = THRESHOLD) -> Comparison:
    return compare("demo", [HandIn(name, source=item) for name, item in members.items()], known or Known(), threshold)


def written(members: dict[str, str], threshold: float = THRESHOLD) -> Comparison:
    return compared({name: source_of(text) for name, text in members.items()}, threshold=threshold)


def names_of(pairs: Iterable[Pair]) -> set[tuple[str, str]]:
    return {(pair.left, pair.right) for pair in pairs}


def read_all(folder: Path) -> dict[str, Source]:
    """All hand-ins below a folder that can be read."""
    found = {}
    for path in sorted(folder.glob("*/*")):
        if path.suffix in (".py", ".ipynb"):
            try:
                found[path.parent.name] = read_source(path)
            except UnreadableSource:
                continue
    return found


def starter_of(assignment: str) -> Known:
    places = sorted((CHECKOUT / "assignments" / assignment / "starter").iterdir())
    return Known(tuple((read_source(path), path.read_bytes()) for path in places))


# ── the normal form ────────────────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_other_names_and_layout_are_the_same_program(seed: int) -> None:
    """A program with other names, other layout and no comments has the same normal form."""
    text = long_hand_in(seed, functions=3)

    assert words_of(renamed(text)) == words_of(text)


@settings(max_examples=25, deadline=None)
@given(SEEDS, SEEDS)
def test_comments_and_the_order_of_functions_do_not_matter(seed: int, other: int) -> None:
    """Comments at every line, and functions in another order, leave the same segments."""
    text = long_hand_in(seed, functions=3)

    assert words_of(commented(reordered(text, other), other)) == words_of(text)


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_borders_of_cells_do_not_matter(seed: int) -> None:
    """A notebook with one statement in each cell is the same as the module."""
    text = long_hand_in(seed, functions=3)

    assert words_of(*blocks_of(text)) == words_of(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 'word'", 'y = """other"""'),
        ("x = 0x10 + 1_000", "x = 16 + 1e3"),
        ("x = 'a' 'b'", "x = 'ab'"),
        ("x = (1 + 2)", "x = 1 + 2"),
        ("x = [1, 2, 3]", "x = (4, 5,)"),
        ("x = f(a, b,)", "x = f(a,\n      b)"),
        ("x = 1; y = 2", "x = 1\ny = 2"),
        ("import a\nimport b\nf(x)", "import b, a\nf(x)"),
        ("import numpy as np\nnp.zeros(3)", "from numpy import zeros as z\nz(3)"),
        ("import tensorflow as tf\ntf.keras.layers.Dense(3)", "from tensorflow.keras import layers\nlayers.Dense(4)"),
        (
            "import tensorflow as tf\ntf.keras.layers.Dense(3)",
            "import tensorflow as tf\nL = tf.keras.layers\nL.Dense(4)",
        ),
        ("import tensorflow as t\nt.f(units=3)", "import tensorflow as t\nt.f(3)"),
        ("def f(a: int, b: str = 's') -> int:\n    return a", "def g(x, y='t'):\n    return x"),
        ("def f():\n    '''Text.'''\n    pass\n    return 1", "def f():\n    return 1"),
        ("%matplotlib inline\n!pip install x\nx = 1", "x = 1"),
        ("%%time\nx = f(1)", "x = f(1)"),
        ("class A:\n    def f(self): return self.x\n", "class A:\n\tdef f(this):\n\t\treturn this.x\n"),
        ("def f():\n    class A(B):\n        y = 1\n    return 1", "class A(B):\n    y = 1\ndef f():\n    return 1"),
        ("for i, j in f(x): print(i)", "for a, b in f(x):\n    print(a)"),
        ("g(lambda a, b: a + b)", "g(lambda x, y: x + y)"),
        ("say = print\nsay(1)", "print(2)"),
        ("print = print\nprint(1)", "print(2)"),
        ("if x > 1: y = 2", "if x > 1:\n    y = 2"),
        ("class A:\n def f(self): self.goal = 1", "class B:\n def g(self): self.aim = 2"),
    ],
)
def test_spellings_of_the_same_thing(one: str, other: str) -> None:
    """Two spellings have one normal form."""
    assert words_of(one) == words_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = f(a) + 1", "x = f(a) - 1"),
        ("x = a.sum()", "x = a.mean()"),
        ("x = a[1]", "x = a(1)"),
        ("if x > 1: y = 2", "while x > 1: y = 2"),
        ("import a\nx = a.f(1)", "import a\nx = a.g(1)"),
    ],
)
def test_what_a_program_does_stays(one: str, other: str) -> None:
    """Two programs that do different things have different normal forms: the normal form is not empty of meaning."""
    assert words_of(one) != words_of(other)


def test_a_program_that_does_not_parse_is_read_to_its_end() -> None:
    """A bracket too few loses its own statement and the next ones, not the functions after it."""
    text = "def f(a):\n    return (a + 1\n\ndef g(b):\n    return b[1] * 2\n"

    assert "def V ( V return V [ N * N" in words_of(text)


@pytest.mark.parametrize(
    ("text", "strings"),
    [
        (f"{quote * 3}{inside}{quote * 3}{rest}", expected)
        for quote in "\"'"
        for inside, rest, expected in (
            ("", f"{quote * 3}a{quote * 3}", 2),
            (f"a{quote}b{quote * 2}c", "", 1),
            (f"a\\{quote * 2}\\\\", f" {quote}b{quote}", 2),
            ("a\nb", f"\n{quote}\\{quote}{quote}", 2),
        )
    ],
)
def test_strings_end_where_python_ends_them(text: str, strings: int) -> None:
    """Long ones with quotes and escapes inside, whatever follows."""
    found = [token.text for token in tokens(source_of(text)) if token.kind == "string"]
    mine = [
        item.string
        for item in tokenize.generate_tokens(io.StringIO(text + "\n").readline)
        if item.type == token_types.STRING
    ]
    assert found == mine
    assert len(found) == strings


def test_a_cell_of_javascript_is_no_code() -> None:
    """What stands below a cell magic for another language has no words."""
    assert words_of("%%javascript\nwindow.close();") == []


@given(st.text(max_size=300) | st.text(alphabet="()[]{}'\"\\\n\t #%=:,.;defclass import as for lambda", max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_text_has_tokens_in_order(text: str) -> None:
    """Whatever a text is, its tokens do not overlap, say what stands there, and have a normal form."""
    source = source_of(text)
    last = 0
    for token in tokens(source):
        assert last <= token.start <= token.end <= len(text)
        assert token.kind == "line" or text[token.start : token.end] == token.text
        last = token.end
    normal(source)


HOSTILE = {
    "brackets": "(" * 10_000,
    "closed_brackets": "x = " + "(" * 5_000 + ")" * 5_000,
    "calls": "f(" * 3_000,
    "a_line_of_a_megabyte": "x = '" + "a" * 1_000_000 + "' + 1",
    "a_string_of_a_megabyte": "x = '" + "a" * 1_000_000,
    "an_open_docstring": '"""' + "a\n" * 100_000,
    "zeros": "\0x = \0 1\n" * 1_000,
    "halves_of_characters": "\ud800 = '\udfff'\n" * 1_000,
    "backslashes": "\\\n" * 100_000,
    "quotes": "'" * 20_001,
    "html": "x = '<script>alert(1)</script>'  # </pre><img src=x onerror=alert(1)>\n" * 100,
    "indents": "\n".join(" " * depth + "if x:" for depth in range(500)),
    "functions": "\n".join(" " * depth + "def f(a):" for depth in range(500)),
    "lambdas": "lambda a," * 3_000,
    "annotations": "def f(a:" * 3_000,
    "layers": "Dense(" * 3_000,
    "one_statement": "x = f(a, b, c, d) + g(e) * h(i)\n" * 10_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_survived(name: str) -> None:
    """Two hostile hand-ins are compared like any other, in bounded time and length."""
    found = written({"one": HOSTILE[name], "two": HOSTILE[name], "three": "x = 1"})

    assert [member.student for member in found.members] == ["one", "three", "two"]
    assert all(member.words <= 20_000 for member in found.members)


def test_a_long_beginning_of_numbers_hides_nothing() -> None:
    """A table of 30,000 numbers before a copy is one word; a copy behind it is found."""
    table = f"table = [{', '.join(map(str, range(30_000)))}]\n"
    members = {f"s{seed}": long_hand_in(seed) for seed in range(12)}

    found = written(members | {"zoe": table + renamed(members["s3"])})

    assert names_of(found.pairs) == {("s3", "zoe")}


def test_what_is_too_long_is_said() -> None:
    """A hand-in of which only the beginning is compared is marked."""
    found = written({"long": "x = f(a) + b\n" * 2_900, "short": "x = 1"})

    assert {member.student: member.cut for member in found.members} == {"long": True, "short": False}


# ── fingerprints ───────────────────────────────────────────────────────────────────────────────────────────────────


@given(
    st.lists(st.integers(1, 50), min_size=GUARANTEE, max_size=GUARANTEE),
    *(st.lists(st.integers(1, 50), max_size=40) for _ in range(4)),
)
def test_a_common_run_of_the_guaranteed_length_is_found(
    run: list[int], before: list[int], after: list[int], ahead: list[int], behind: list[int]
) -> None:
    """Two sequences that share so many words in one piece select a common fingerprint."""
    selected = []
    for sequence in ([*before, *run, *after], [*ahead, *run, *behind]):
        hashes = run_hashes(sequence, NOISE)
        selected.append({hashes[place] for place in winnowed(hashes, GUARANTEE - NOISE + 1)})

    assert selected[0] & selected[1]


@given(st.lists(st.integers(1, 10), min_size=NOISE, max_size=60))
def test_the_hash_of_a_run_depends_on_the_run_alone(numbers: list[int]) -> None:
    """The rolling hash is what each run has by itself."""
    alone = [run_hashes(numbers[place : place + NOISE], NOISE)[0] for place in range(len(numbers) - NOISE + 1)]

    assert run_hashes(numbers, NOISE) == alone


@given(st.lists(st.integers(0, 5) | st.none(), max_size=60), st.integers(1, 8))
def test_every_window_has_its_smallest_hash_selected(hashes: list[int | None], window: int) -> None:
    """Of each full window that has a hash, one with the smallest value is selected, and nothing ignored is."""
    places = winnowed(hashes, window)

    assert places == sorted(set(places))
    assert all(hashes[place] is not None for place in places)
    for begin in range(len(hashes) - window + 1):
        inside = [value for value in hashes[begin : begin + window] if value is not None]
        chosen = [hashes[place] for place in places if begin <= place < begin + window]
        assert not inside or min(inside) in chosen


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_the_starter_leaves_no_fingerprint(seed: int) -> None:
    """A hand-in that is the starter has nothing of its own; in one that contains it, nothing of it is selected."""
    starter, more = long_hand_in(seed, functions=2), long_hand_in(seed + 1, functions=2)
    given_away = prints(normal(source_of(starter))).places
    own = prints(normal(source_of(starter + "\n" + more)), given_away)
    found = compared({"a": source_of(starter), "b": source_of(starter)}, Known(((source_of(starter), b""),)), 0.0)

    assert not own.selected & given_away.keys()
    assert [member.own for member in found.members] == [0.0, 0.0]
    assert found.pairs == ()


# ── a class ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def long_class() -> dict[str, str]:
    return {f"s{seed:02}": long_hand_in(seed) for seed in range(20)}


DISGUISES: dict[str, Callable[[str], tuple[str, ...]]] = {
    "verbatim": lambda text: (text,),
    "renamed": lambda text: (renamed(text),),
    "reordered": lambda text: (reordered(text, 1),),
    "commented": lambda text: (commented(text),),
    "with_dead_code": lambda text: (with_dead_code(text),),
    "with_dead_code_after_every_statement": lambda text: (with_dead_code(text, 1),),
    "in_cells": lambda text: tuple(blocks_of(text)),
    "in_disguise": lambda text: (in_disguise(text, 1),),
    "in_disguise_and_in_cells": lambda text: tuple(blocks_of(in_disguise(text, 1))),
    "does_not_parse": lambda text: (renamed(text) + "\nprint((1, 2)\n",),
}


@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_copy_in_disguise_is_found(long_class: dict[str, str], disguise: str) -> None:
    """The copy and its source are the only pair of a class; the share says that nearly all of it is there."""
    members = {name: source_of(text) for name, text in long_class.items()}

    found = compared(members | {"zoe": source_of(*DISGUISES[disguise](long_class["s07"]))})

    assert names_of(found.pairs) == {("s07", "zoe")}
    assert found.pairs[0].share > 0.9
    assert found.pairs[0].evidence > 5 * LEAST_EVIDENCE


def test_different_hands_are_no_pair(long_class: dict[str, str]) -> None:
    """Authors who write by themselves are not reported, and their shares are far from the threshold."""
    members = [prints(normal(source_of(text))) for text in long_class.values()]
    forms = [normal(source_of(text)) for text in long_class.values()]
    layers = [[word.layer for segment in form.segments for word in segment.words] for form in forms]
    found = Class(members, (), layers)
    alike = [found.likeness(*pair) for pair in combinations(range(len(members)), 2)]

    assert written(long_class).pairs == ()
    assert max(item.share for item in alike if item.evidence >= LEAST_EVIDENCE / 2) < THRESHOLD / 2


@pytest.mark.parametrize("count", [15, 120])
def test_a_short_task_gives_no_alarm(count: int) -> None:
    """Where there are few ways to write a thing, equal ones are not reported: there is too little evidence."""
    found = written({f"s{seed}": short_hand_in(seed) for seed in range(count)})

    assert found.pairs == ()
    assert sum(member.standing == "too_little" for member in found.members) > count / 2


@pytest.mark.parametrize("assignment", sorted(path.name for path in (CHECKOUT / "solutions").iterdir()))
def test_the_solutions_of_the_course_give_no_alarm(assignment: str) -> None:
    """Right and wrong solutions are one way of writing with one mistake each: usual, or too little to say something."""
    found = compared(read_all(CHECKOUT / "solutions" / assignment), starter_of(assignment))

    assert len(found.members) > 10
    assert found.pairs == ()


def examples() -> dict[str, Source]:
    return read_all(CHECKOUT / "examples" / "submissions")


def test_the_example_class_gives_no_alarm() -> None:
    """Sixteen students who have seen the same lab; several have equal networks and equal callbacks."""
    found = compared(examples(), starter_of("mnist_conv"), threshold=0.3)

    assert found.pairs == ()


@pytest.mark.parametrize("student", ["goran", "pavel"])
def test_a_copy_in_the_example_class_is_found(student: str) -> None:
    """Those who wrote something of their own are found again, disguised and as a notebook."""
    text = (CHECKOUT / f"examples/submissions/{student}/mnist_conv.py").read_text("utf-8")
    members = examples() | {"zoe": source_of(*blocks_of(in_disguise(text, 1)))}

    found = compared(members, starter_of("mnist_conv"))

    assert names_of(found.pairs) == {(student, "zoe")}


def test_equal_networks_are_no_evidence() -> None:
    """Twelve programs, two of which alone have a network of twenty layers in common."""
    layers = "\n".join(
        f"    layers.{kind}({size}, activation='relu'),"
        for size in (3, 5, 7, 9, 11)
        for kind in ("Conv2D", "MaxPooling2D", "Dropout", "Dense")
    )
    network = f"from tensorflow.keras import layers\nmodel = Sequential([\n{layers}\n])\n"
    members = {f"s{seed:02}": short_hand_in(seed) for seed in range(12)}
    members["s03"] += network
    members["s05"] += network

    assert written(members, threshold=0.0).pairs == ()


@settings(max_examples=10, deadline=None)
@given(st.permutations(range(8)))
def test_the_order_of_hand_ins_does_not_matter(order: list[int]) -> None:
    """The comparison is the same, in whatever order hand-ins are found; which of two is the copy changes nothing."""
    texts = {f"s{seed}": long_hand_in(seed, functions=2) for seed in range(7)} | {
        "s7": in_disguise(long_hand_in(2, functions=2))
    }
    shuffled = {f"s{number}": texts[f"s{number}"] for number in order}

    assert written(shuffled) == written(texts)


def test_likeness_is_symmetric(long_class: dict[str, str]) -> None:
    """Share and evidence are the same from both sides, and the two directions change places."""
    forms = [normal(source_of(text)) for text in [*long_class.values(), in_disguise(long_class["s03"])]]
    layers = [[word.layer for segment in form.segments for word in segment.words] for form in forms]
    found = Class([prints(form) for form in forms], (), layers)
    one, other = found.likeness(3, 20), found.likeness(20, 3)

    assert (one.share, one.evidence) == (other.share, other.evidence)
    assert (one.left_share, one.right_share) == (other.right_share, other.left_share)


def test_what_most_of_a_class_has_counts_for_nothing() -> None:
    """A helper that thirteen of twenty have is usual; that of two is evidence."""
    helper, other = long_hand_in(100, functions=3), long_hand_in(200, functions=3)
    members = {f"s{seed:02}": long_hand_in(seed, functions=2) for seed in range(20)}
    spread = {name: text + (helper if int(name[1:]) < 13 else "") for name, text in members.items()}

    assert written(spread, threshold=0.0).pairs == ()
    assert names_of(written({**spread, "s18": spread["s18"] + other, "s19": spread["s19"] + other}, 0.2).pairs) == {
        ("s18", "s19")
    }


def test_code_added_to_a_copy_does_not_help() -> None:
    """The share is that of the smaller one: the source of a copy that goes on for long is found whole."""
    members = {f"s{seed:02}": long_hand_in(seed, functions=3) for seed in range(12)}
    padded = renamed(members["s04"]) + long_hand_in(99, functions=30)

    found = written(members | {"zoe": padded})

    assert names_of(found.pairs) == {("s04", "zoe")}
    assert found.pairs[0].left_share > 0.95 > 0.5 > found.pairs[0].right_share


def test_earlier_classes_are_compared_with_this_one_only() -> None:
    """A copy of last year's is found; two of last year's that are alike are not reported."""
    old = {f"old{seed}": long_hand_in(seed) for seed in range(6)}
    hand_ins = [HandIn(f"s{seed}", source=source_of(long_hand_in(50 + seed))) for seed in range(6)]
    hand_ins += [HandIn(name, source=source_of(text), earlier=True) for name, text in old.items()]
    hand_ins += [HandIn("old7", source=source_of(renamed(old["old1"])), earlier=True)]
    hand_ins += [HandIn("zoe", source=source_of(in_disguise(old["old4"])))]

    found = compare("demo", hand_ins, Known(), THRESHOLD)

    assert names_of(found.pairs) == {("zoe", "old4")}


def test_many_copies_of_one_hand_in_are_one_group() -> None:
    """Where many have the same, each is compared with some; all of them are one group."""
    copy = long_hand_in(1, functions=2)
    members = {f"a{number:02}": in_disguise(copy, number) for number in range(45)}
    members |= {f"b{seed:03}": short_hand_in(seed) for seed in range(120)}

    found = written(members)

    assert [len(group.students) for group in found.groups] == [45]


# ── passages, groups, traces ───────────────────────────────────────────────────────────────────────────────────────


def test_passages_say_where_the_same_code_stands(long_class: dict[str, str]) -> None:
    """What a passage covers on both sides has the same normal form, and no piece is in two of them."""
    copy = in_disguise(long_class["s07"], 2)
    found = written(long_class | {"zoe": copy}).pairs[0]
    texts = {"left": long_class["s07"], "right": copy}

    assert len(found.passages) > 5
    for side, text in texts.items():
        covered = sorted(
            (stretch.start, stretch.end) for passage in found.passages for stretch in getattr(passage, side)
        )
        assert all(one[1] <= other[0] for one, other in pairwise(covered))
        assert 0.5 * len(text) < sum(end - start for start, end in covered) <= len(text)
    for passage in found.passages:
        left, right = (
            Counter(
                word.text
                for segment in normal(source_of(text)).segments
                for word in segment.words
                if any(stretch.start <= word.start and word.end <= stretch.end for stretch in getattr(passage, side))
            )
            for side, text in texts.items()
        )
        assert left == right


def test_a_chain_is_not_one_group() -> None:
    """Two tight groups with one chance pair between them stay two; a triangle with one pair missing is one."""
    pairs = [(0, 1), (1, 2), (0, 2), (3, 4), (4, 5), (2, 3)]
    chain = [Likeness(left, right, 1.0, 100.0 - place, 1.0, 1.0) for place, (left, right) in enumerate(pairs)]

    assert groups(chain) == [[0, 1, 2], [3, 4]] or groups(chain) == [[0, 1, 2], [3, 4, 5]]
    assert groups([item for item in chain if item.left != 4]) == [[0, 1, 2], [3, 4]]


def test_a_long_chain_does_not_join_a_class() -> None:
    """Of thirty hand-ins each of which is like the next, no group has more than three."""
    chain = [Likeness(number, number + 1, 1.0, 50.0, 1.0, 1.0) for number in range(29)]

    assert max(len(group) for group in groups(chain)) <= 3


def test_traces_are_listed_and_not_counted(long_class: dict[str, str]) -> None:
    """Equal rare comments and names are said, and change neither share nor evidence."""
    silent = written(long_class | {"zoe": renamed(long_class["s07"])}).pairs[0]
    speaking = long_class["s07"] + "\nhiden_unnits_of_ada = 3  # wiht a mistaek that nobody else makes\n"
    telling = written(long_class | {"s07": speaking, "zoe": speaking}).pairs[0]
    kinds = {trace.kind: trace for trace in telling.traces}

    assert (telling.share, round(telling.evidence)) == (silent.share, round(silent.evidence))
    assert "wiht a mistaek that nobody else makes" in kinds["comments"].values
    assert {"mistaek"} <= set(kinds["words"].values)
    assert "hiden_unnits_of_ada" in kinds["names"].values


def test_the_same_file_is_said_whatever_the_code_is() -> None:
    """Byte for byte the same file is listed, though a short task has too little code of its own."""
    texts = {f"s{seed:02}": short_hand_in(seed) for seed in range(12)} | {"zoe": short_hand_in(4)}
    hand_ins = [HandIn(name, digest=str(hash(text)), source=source_of(text)) for name, text in texts.items()]

    found = compare("demo", hand_ins, Known(), THRESHOLD)

    assert found.pairs == ()
    assert ("s04", "zoe") in {(item.left, item.right) for item in found.traces if item.traces[0].kind == "file"}


NOTEBOOK = (
    '{"cells": [{"cell_type": "code", "id": "9f3a77c1", "metadata": {"executionInfo": {"user": {"userId": "11223344"}}},'
    ' "outputs": [{"output_type": "stream", "name": "stdout", "text": ["Epoch 1/20 - 37s 19ms/step - loss: 0.1523 -", '
    '" accuracy: 0.9541"]}, {"data": {"image/png": "iVBOR"}, "output_type": "display_data"}], "source": "x = 1"}],'
    ' "metadata": {"colab": {"authorship_tag": "ABX9TyMabc"}}, "nbformat": 4, "nbformat_minor": 5}'
)


def test_a_notebook_file_has_traces_of_its_own() -> None:
    """Ids of cells, outputs, and marks of the account are read from the file."""
    found = notebook_traces(NOTEBOOK.encode())

    assert found["cell_ids"] == {"9f3a77c1"}
    assert found["account"] == {"ABX9TyMabc", "11223344"}
    assert {text.split()[0] for text in found["outputs"]} == {"Epoch", "picture"}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"[" * 100_000,
        b"[]",
        b'{"cells": 3}',
        b'{"cells": [3, {"id": 4, "outputs": 5, "metadata": 6}], "metadata": 7}',
        b'{"cells": [{"outputs": [1, {"data": 2, "text": 3}, {"data": {"text/plain": {}, "image/png": [1]}}]}]}',
        b'{"cells": [{"metadata": {"executionInfo": {"user": []}}}]}',
        b'{"x": ' + b"9" * 10_000 + b"}",
        notebook(["x = 1"]).encode(),
    ],
)
def test_any_file_is_survived(data: bytes) -> None:
    """A file that is no notebook, or a strange one, has no traces."""
    assert not any(notebook_traces(data).values())


def test_nothing_to_compare_is_no_mistake() -> None:
    """A class of nobody, of one, and of unreadable files is compared as well."""
    unreadable = HandIn("lena", "lena/x.ipynb", "d", problem="It is damaged.")

    assert compare("demo", [], Known(), 0.5).members == ()
    assert written({"ada": "x = 1"}).pairs == ()
    assert (
        compare("demo", [unreadable, HandIn("max", problem="Empty.")], Known(), 0.0).members[0].standing == "unreadable"
    )


def test_the_starter_of_a_notebook_is_known_by_its_cells() -> None:
    """An id of a cell that is in the starter is no trace."""
    source = Source(kind="notebook", cells=(Cell(number=1, text="x = 1"),))
    known = Known(((source, NOTEBOOK.encode()),))
    found = [HandIn(name, source=source, data=NOTEBOOK.encode()) for name in ("a", "b")]

    assert compare("demo", found, known, 0.5).traces == ()
    assert len(compare("demo", found, Known(), 0.5).traces) == 1
