"""From bytes to text, the way Python and editors would read a source file."""

import codecs
import re
from dataclasses import dataclass

from grader.discovery.tree import shown
from grader.discovery.unreadable import UnreadableSource
from grader.model.submission import Note

_COOKIE = re.compile(rb"\A(?:[^\r\n]*\r?\n)?[ \t\f]*#[^\r\n]*?coding[:=][ \t]*([-\w.]+)")
"""PEP 263, in the first line or the second."""
_SAFE_CODEC = re.compile(r"(?:ascii|us-ascii|latin|iso|cp\d|windows|koi8|gb|big5|shift|sjis|euc|mac)", re.IGNORECASE)
"""Codecs that are character sets: `rot13` or `unicode_escape` would turn one program into another."""
_BINARY = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_ENCODING_NOTE = Note(
    kind="encoding",
    where="",
    text="Your file is not UTF-8 and does not say what it is, so it was read as Latin-1; save it as UTF-8.",
)


@dataclass(frozen=True)
class Decoded:
    """A file's text, line ends normalised, and what the student should know about how it was read."""

    text: str
    notes: tuple[Note, ...] = ()


def decode(name: str, data: bytes) -> Decoded:
    """The text of a file; raises UnreadableSource when it is empty or not text."""
    decoded = _decode_known(data)
    notes: tuple[Note, ...] = ()
    if decoded is None:
        decoded, notes = data.decode("latin-1"), (_ENCODING_NOTE,)
    if "\0" in decoded or (notes and _BINARY.search(decoded)):
        raise UnreadableSource(
            f"Your file {shown(name)} is not text but a binary file. Save the code as a notebook or Python file."
        )
    if not decoded.strip().strip("\ufeff"):
        raise UnreadableSource(f"Your file {shown(name)} is empty. Save your work in it and hand it in again.")
    return Decoded(normalise_lines(decoded), notes)


def normalise_lines(text: str) -> str:
    """The text with every line end a single newline, and without halves of characters that nothing could write."""
    return _LONE_SURROGATE.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def _decode_known(data: bytes) -> str | None:
    """The text in the encoding that the file has by itself; None when there is no telling."""
    for encoding in ("utf-8-sig", _cookie(data), _utf_16(data)):
        if encoding is None:
            continue
        try:
            return data.decode(encoding)
        except (UnicodeError, LookupError):
            continue
    return None


def _cookie(data: bytes) -> str | None:
    match = _COOKIE.match(data)
    encoding = match[1].decode("ascii", "replace") if match else ""
    return encoding if _SAFE_CODEC.match(encoding) else None


def _utf_16(data: bytes) -> str | None:
    return "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else None
