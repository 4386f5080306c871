"""What hand-ins may share beside code: weak evidence, listed and never counted.

Names, comments, rare words in comments and strings come from the code. Ids of cells, outputs and accounts come from the
notebook file, where there is one to be read. A trace is worth a line only if few hand-ins have it, and it is not in the
starter or in the handout.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import combinations
from typing import Any, get_args

from grader.model.similarity import Trace, TraceKind
from grader.model.submission import Source
from grader.similarity.lexer import comments
from grader.similarity.normal import KEPT, KNOWN_ATTRIBUTES, Normal

Traces = Mapping[TraceKind, frozenset[str]]

MAX_NOTEBOOK_BYTES = 32 * 1024 * 1024
_MAX_VALUES = 1_000_000
RARE_SHARE, RARE_AT_LEAST = 0.02, 3
"""A trace is rare if at most so many hand-ins have it."""
TELLING: tuple[TraceKind, ...] = ("file", "account", "cell_ids", "outputs")
"""Kinds that are worth a look also where code is not alike."""
TELLING_OR_COMMENTS: tuple[TraceKind, ...] = (*TELLING, "comments")
SEVERAL_COMMENTS = 3
"""So many rare comments are worth a look as well."""
MOST_VALUES, LONGEST_VALUE = 12, 120
_SHORTEST_NAME, _SHORTEST_COMMENT, _SHORTEST_OUTPUT, _SHORTEST_ID = 6, 12, 40, 6
_WORD = re.compile(r"[^\W\d_]{5,40}")


def traces_of(source: Source, form: Normal, digest: str, data: bytes | None) -> dict[TraceKind, frozenset[str]]:
    """All traces of a hand-in by kind; `data` is its file, None where there is none."""
    said = [" ".join(comment.split()).casefold() for comment in comments(source)]
    found: dict[TraceKind, frozenset[str]] = {
        "file": frozenset({digest} - {""}),
        "names": frozenset(name for name in form.own_names if len(name) >= _SHORTEST_NAME and not _is_everybodys(name)),
        "comments": frozenset(text for text in said if len(text) >= _SHORTEST_COMMENT and _WORD.search(text)),
        "words": words_in(" ".join([*said, *form.strings])),
    }
    return found | (notebook_traces(data) if data is not None and source.kind == "notebook" else {})


def _is_everybodys(name: str) -> bool:
    """Whether Python or Keras chose the name."""
    return name in KNOWN_ATTRIBUTES or name in KEPT or name.startswith("__")


def words_in(text: str) -> frozenset[str]:
    """The words of a text that are long enough to be rare."""
    return frozenset(word.casefold() for word in _WORD.findall(text))


def notebook_traces(data: bytes) -> dict[TraceKind, frozenset[str]]:
    """What the file of a notebook has beside code; nothing where it cannot be read."""
    if len(data) > MAX_NOTEBOOK_BYTES or sum(map(data.count, (b",", b"[", b"{"))) > _MAX_VALUES:
        return {}
    try:
        notebook = json.loads(data.decode("utf-8-sig"), parse_int=lambda digits: int(digits[:18]))
    except (ValueError, RecursionError):
        return {}
    if not isinstance(notebook, dict):
        return {}
    listed = notebook.get("cells")
    cells = [cell for cell in listed if isinstance(cell, dict)] if isinstance(listed, list) else []
    ids = (cell.get("id") for cell in cells)
    return {
        "cell_ids": frozenset(item for item in ids if isinstance(item, str) and len(item) >= _SHORTEST_ID),
        "outputs": frozenset(text for cell in cells for text in _outputs(cell)),
        "account": frozenset(_accounts(notebook, cells)),
    }


def _outputs(cell: dict[str, Any]) -> Iterator[str]:
    """What a cell has printed or drawn; a picture by its digest."""
    listed = cell.get("outputs")
    for output in listed if isinstance(listed, list) else ():
        if not isinstance(output, dict):
            continue
        shown = output.get("data") if isinstance(output.get("data"), dict) else {}
        assert isinstance(shown, dict)
        text = " ".join(_joined(output.get("text", shown.get("text/plain"))).split())
        if len(text) >= _SHORTEST_OUTPUT and re.search(r"\d", text):
            yield text
        picture = _joined(shown.get("image/png"))
        if picture:
            yield f"picture {sha256(picture.encode('utf-8', 'replace')).hexdigest()[:12]}"


def _joined(written: object) -> str:
    if isinstance(written, list):
        return "".join(piece for piece in written if isinstance(piece, str))
    return written if isinstance(written, str) else ""


def _accounts(notebook: dict[str, Any], cells: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Marks of the account under which Colab saved or ran a notebook."""
    yield from _found(notebook, "metadata", "colab", "authorship_tag")
    for cell in cells:
        yield from _found(cell, "metadata", "executionInfo", "user", "userId")


def _found(value: object, *keys: str) -> Iterator[str]:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    if isinstance(value, str) and len(value) >= _SHORTEST_ID:
        yield value


class Rare:
    """The traces of a class that few have."""

    def __init__(self, members: Sequence[Traces], known: Traces) -> None:
        most = max(RARE_SHARE * len(members), RARE_AT_LEAST)
        holders = Counter((kind, value) for member in members for kind, values in member.items() for value in values)
        self._values = [
            {
                kind: {item for item in values - known.get(kind, frozenset()) if 1 < holders[(kind, item)] <= most}
                for kind, values in member.items()
            }
            for member in members
        ]

    def shared(self, left: int, right: int) -> tuple[Trace, ...]:
        """The rare traces that two have in common, the most telling kinds first."""
        found = []
        for kind in get_args(TraceKind):
            common = sorted(self._values[left].get(kind, set()) & self._values[right].get(kind, set()))
            if common:
                values = tuple(value[:LONGEST_VALUE] for value in common[:MOST_VALUES])
                found.append(Trace(kind=kind, count=len(common), values=values))
        return tuple(found)

    def telling(self) -> list[tuple[int, int]]:
        """Pairs that share a trace of a telling kind, or several comments."""
        holders: dict[tuple[TraceKind, str], list[int]] = {}
        for number, member in enumerate(self._values):
            for kind in TELLING_OR_COMMENTS:
                for value in member.get(kind, ()):
                    holders.setdefault((kind, value), []).append(number)
        counts = Counter(
            (pair, kind == "comments") for (kind, _), group in holders.items() for pair in combinations(group, 2)
        )
        return sorted({pair for (pair, said), count in counts.items() if not said or count >= SEVERAL_COMMENTS})
