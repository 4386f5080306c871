"""From bytes to text: encodings, line ends, limits, and what a text is by its looks."""

import json
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from grader.discovery import UnreadableSource, read_source, sources
from grader.discovery.decoding import decode
from grader.discovery.shapes import Shape, shape_of
from grader.discovery.sources import parse_source
from grader.model.submission import Source

GREETING = 'print("Привет, naïve 世界")\n'


def module(data: bytes) -> Source:
    return parse_source("x.py", data)


def text_of(source: Source) -> str:
    [cell] = source.cells
    return cell.text


def note_kinds(source: Source) -> list[str]:
    return [note.kind for note in source.notes]


def test_a_module_is_one_cell() -> None:
    """All of a module is cell 1."""
    source = module(b"x = 1\n\ny = 2\n")
    assert (source.kind, [(cell.number, cell.text) for cell in source.cells]) == ("module", [(1, "x = 1\n\ny = 2\n")])


def test_read_source_reads_from_disk(tmp_path: Path) -> None:
    """The same from a path."""
    (tmp_path / "x.py").write_text(GREETING, encoding="utf-8")
    assert text_of(read_source(tmp_path / "x.py")) == GREETING


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("suffix", [".py", ".ipynb"])
def test_unicode_is_read_without_a_note(encoding: str, suffix: str) -> None:
    """UTF-8 with or without a byte order mark, and UTF-16 with one, say themselves what they are."""
    cell = {"cell_type": "code", "source": GREETING}
    text = GREETING if suffix == ".py" else json.dumps({"cells": [cell]}, ensure_ascii=False)
    source = parse_source(f"x{suffix}", text.encode(encoding))
    assert (text_of(source), note_kinds(source)) == (GREETING, [])


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_both_byte_orders_are_read(encoding: str) -> None:
    """The byte order mark tells the order."""
    assert text_of(module(("\ufeff" + GREETING).encode(encoding))) == GREETING


@pytest.mark.parametrize(
    ("cookie", "encoding"),
    [
        ("# -*- coding: cp1251 -*-", "cp1251"),
        ("# coding=koi8-r", "koi8-r"),
        ("#!/usr/bin/env python\n# vim: set fileencoding=cp1251 :", "cp1251"),
        ("# coding: gbk", "gbk"),
    ],
)
def test_a_coding_cookie_is_obeyed(cookie: str, encoding: str) -> None:
    """PEP 263: a comment in one of the first two lines names the encoding."""
    text = f'{cookie}\nprint("Привет")\n'
    source = module(text.encode(encoding))
    assert (text_of(source), note_kinds(source)) == (text, [])


def test_a_cookie_in_the_third_line_is_a_comment() -> None:
    """Only the first two lines count, as in Python."""
    assert note_kinds(module("x = 1\ny = 2\n# coding: cp1251\nz = 'ы'\n".encode("cp1251"))) == ["encoding"]


@pytest.mark.parametrize("codec", ["rot13", "unicode_escape", "raw_unicode_escape", "utf-7", "zlib", "idna", "no-such"])
def test_a_cookie_that_is_no_character_set_is_not_obeyed(codec: str) -> None:
    """A codec that rewrites text would let a file say one thing to a person and another to the grader."""
    source = module(f"# coding: {codec}\nx = 'é'\n".encode("latin-1"))
    assert (text_of(source), note_kinds(source)) == (f"# coding: {codec}\nx = 'é'\n", ["encoding"])


def test_utf_8_wins_over_a_wrong_cookie() -> None:
    """A file that is UTF-8 is read as UTF-8, whatever an old comment says."""
    assert text_of(module("# coding: latin-1\nx = 'é'\n".encode())).endswith("x = 'é'\n")


def test_other_bytes_are_read_as_latin_1_with_a_note() -> None:
    """The last resort reads every byte, and the student is told."""
    source = module(b"x = 'caf\xe9'\n")
    assert (text_of(source), note_kinds(source)) == ("x = 'caf\u00e9'\n", ["encoding"])


@pytest.mark.parametrize("data", [b"a = 1\r\nb = 2\r\n", b"a = 1\rb = 2\r", b"a = 1\nb = 2\n"])
def test_line_ends_are_normalised(data: bytes) -> None:
    """Windows, old Mac and Unix line ends all become a single newline."""
    assert text_of(module(data)) == "a = 1\nb = 2\n"


def test_form_feeds_are_no_line_ends() -> None:
    """Only what Python takes for a line end is changed."""
    assert decode("x.py", b"a = '\x0c\xe2\x80\xa8'\n").text == "a = '\x0c\u2028'\n"


def test_syntax_errors_are_not_looked_for() -> None:
    """A module that Python cannot parse is read all the same; running it will tell."""
    assert text_of(module(b"def f(:\n")) == "def f(:\n"


def test_a_module_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Code has a limit far below that of files, which may carry pictures."""
    monkeypatch.setattr(sources, "MAX_SOURCE_BYTES", 8)
    with pytest.raises(UnreadableSource, match="of code"):
        module(b"x = 123456\n")


def test_the_size_limit_itself_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit counts bytes of UTF-8, and a source of exactly that size is read."""
    monkeypatch.setattr(sources, "MAX_SOURCE_BYTES", 9)
    assert text_of(module("x = 'é'\n".encode())) == "x = 'é'\n"


def test_8_mib_is_the_limit() -> None:
    """The number that the documentation names."""
    with pytest.raises(UnreadableSource, match="more than 8 MiB of code"):
        module(b"x = 1\n" * (8 * 2**20 // 6 + 1))


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("import numpy as np\n", "python"),
        ("from os import path\n", "python"),
        ("x, y = load()\n", "python"),
        ("model.fit(x, y)\n", "python"),
        ('"""Some words about\nwhat this file does."""\nimport os\nx = 1\n', "python"),
        ("# Title\nimport os\n", "python"),
        ("@decorated\ndef f():\n    pass\n", "python"),
        ("# Title\n", "markdown"),
        ("Some words of prose.\n", "markdown"),
        ("- one\n- two\n", "markdown"),
        ("```\nx = 1\n```\n", "markdown"),
        ("Please import the data first\nand then train the network\nuntil it is good\n", "markdown"),
        ("x = 1\nThe words that follow\nare prose again\nand outweigh it\n", "markdown"),
        ("<!doctype html><p>", "page"),
        ("<?xml version='1.0'?>\n<!-- a --><!-- b -->\n<html>", "page"),
        ("  {", "json"),
        ("[1,", "json"),
        ("123\n", "unknown"),
    ],
)
def test_shape_of(text: str, shape: Shape) -> None:
    """A text is told by the look of its lines."""
    assert shape_of(text) == shape


@pytest.mark.parametrize("piece", ["<!---->", "<!--", "a, ", "a[", "import a, ", "# ", '"\\"', "x.", "if :", "\n\n"])
def test_shapes_are_told_in_linear_time(piece: str) -> None:
    """No text makes the patterns run for ever; a quadratic one would not end within the suite's patience."""
    assert shape_of(piece * 50_000) in ("python", "markdown", "unknown")


names = st.sampled_from(["x.py", "x.ipynb", "x.PY", "x.IPYNB"])
json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(
        ["cells", "worksheets", "metadata", "kernelspec", "language_info", "language", "name", "cell_type", "source",
         "input", "outputs", "code"]) | st.text(max_size=3), inner, max_size=5),
    max_leaves=25,
)  # fmt: skip
sentences = st.lists(
    st.sampled_from(["import os", "x = 1", "# Title", "```", '"', ",", "{", "}", "[", "]", '"cells"', ":", "\\",
                     "words of prose", "<html>", "\r\n", "\ufeff", "\ud83d", "# coding: utf-7", "\0", "1e999", "NaN"]),
    max_size=30,
).map(lambda pieces: "\n".join(pieces).encode("utf-8", "surrogatepass"))  # fmt: skip


def outcome(name: str, data: bytes) -> Source | str:
    """The source, or the problem; anything else raised fails the test."""
    try:
        return parse_source(name, data)
    except UnreadableSource as problem:
        return problem.message


def is_sound(result: Source | str) -> bool:
    """A source that survives JSON and has code in it, or a sentence."""
    if isinstance(result, str):
        return result.endswith(".")
    again = Source.model_validate_json(result.model_dump_json())
    return again == result and all(cell.text.strip() for cell in result.cells)


@settings(max_examples=300, deadline=None)
@given(names, st.binary(max_size=300) | sentences)
@example("x.ipynb", b"[" * 100_000)
@example("x.ipynb", b'{"cells":' * 100_000)
@example("x.py", b'{"cells":' * 100_000)
@example("x.ipynb", b"9" * 100_000)
@example("x.py", b"\xff\xfe\x00\xd8")
@example("x.py", b"\xef\xbb\xbf\xef\xbb\xbf")
@example("x.py", b"# coding: cp1\n\xff")
def test_no_bytes_are_a_crash(name: str, data: bytes) -> None:
    """Arbitrary bytes under either name give a sound source or a sentence, and no other exception."""
    assert is_sound(outcome(name, data))


@settings(max_examples=300, deadline=None)
@given(names, json_like)
def test_no_json_is_a_crash(name: str, value: object) -> None:
    """The same for JSON of any shape, with the keys of notebooks in the wrong places."""
    assert is_sound(outcome(name, json.dumps(value).encode()))


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0\r\ufeff"), min_size=1).filter(str.strip))
def test_utf_8_text_is_kept_as_it_is(text: str) -> None:
    """Nothing but line ends is changed in a module."""
    assert decode("x.py", text.encode()).text == text
