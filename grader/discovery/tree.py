"""One shape for folders and archives, so that everything else is written once.

A tree is made of branches and leaves. Both are lazy: nothing is listed or read before it is asked for, and what must
not be touched (a link that leads outside, a device) is a branch or leaf that refuses when asked.
"""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from grader.discovery.unreadable import UnreadableSource

MAX_FILE_BYTES = 64 * 1024 * 1024
CODE_SUFFIXES = (".py", ".ipynb")

_IGNORED = frozenset({"__MACOSX", "__pycache__", "venv", "node_modules", "site-packages"})
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


@dataclass(frozen=True)
class Leaf:
    """A file, in a folder or in an archive."""

    name: str
    """The name the student gave it, without what a download put before it."""
    path: str
    """The place relative to the submissions, with `/`, ready to be shown."""
    read: Callable[[], bytes]
    """The file's bytes; raises UnreadableSource."""
    location: Path | None = None
    """The file on disk; None inside an archive."""
    archives: int = 0
    """How many archives it lies in."""


@dataclass(frozen=True)
class Branch:
    """A folder, on disk or in an archive."""

    name: str
    path: str
    entries: Callable[[], "list[Entry]"]
    """What lies in it, sorted by name; raises UnreadableSource."""


Entry = Leaf | Branch


def refusal(sentence: str) -> Callable[[], NoReturn]:
    """A reader or lister that only says why it does nothing."""

    def refuse() -> NoReturn:
        raise UnreadableSource(sentence)

    return refuse


def is_ignored(name: str) -> bool:
    """Whether a name is hidden, or the litter of a tool (`.git`, `__MACOSX`, a virtual environment)."""
    return name.startswith(".") or name in _IGNORED


def stem_of(name: str) -> str:
    """A file name without its last suffix."""
    return name.rpartition(".")[0] or name


def is_code(name: str) -> bool:
    """Whether a name says Python module or notebook."""
    return name.lower().endswith(CODE_SUFFIXES)


def is_zip(name: str) -> bool:
    """Whether a name says zip archive."""
    return name.lower().endswith(".zip")


def shown(name: str) -> str:
    r"""A name that can be printed anywhere: control and format characters become `\x1b`, `\u202e`."""
    return "".join(_escaped(character) for character in unicodedata.normalize("NFC", name))


def _escaped(character: str) -> str:
    if unicodedata.category(character) not in _INVISIBLE:
        return character
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a file name that is not UTF-8, as Python smuggles it
        code -= 0xDC00
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def joined(folder: str, name: str) -> str:
    """The path to show for a name in a folder; the submissions folder itself is empty."""
    return f"{folder}/{shown(name)}" if folder else shown(name)
