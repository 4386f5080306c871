"""How the files of results are written: whole or not at all, and as JSON that every language reads."""

import contextlib
import io
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from grader.errors import SetupError
from grader.model.record import Record

Array = np.ndarray[Any, Any]


def as_strict_json(record: Record) -> str:
    """A record as JSON that every language reads: null where a number is not finite."""
    text = as_json(record, indent=1)
    if "NaN" not in text and "Infinity" not in text:
        return text
    return json.dumps(json.loads(text, parse_constant=lambda _: None), indent=1, ensure_ascii=False)


def as_json(record: Record, indent: int | None = None) -> str:
    """A record as JSON; half surrogate pairs, which no file can hold, become question marks."""
    try:
        return record.model_dump_json(indent=indent)
    except ValueError:
        text = json.dumps(record.model_dump(mode="python"), ensure_ascii=False, indent=indent, default=str)
        return text.encode("utf-8", "replace").decode()


def packed(arrays: Sequence[Array]) -> bytes:
    """Arrays as the bytes of a compressed `.npz`, by place."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{f"a{number}": array for number, array in enumerate(arrays)})  # type: ignore[arg-type]
    return buffer.getvalue()


def write_atomically(path: Path, content: str | bytes | Iterable[str], *, flushed: bool = True) -> None:
    """Write a file whole: beside its place, flushed to disk, then renamed. Raises SetupError where that fails.

    `content` may come in pieces. What can be made again from other files need not be `flushed`, which takes most of the time.
    """
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        pieces = [content] if isinstance(content, str | bytes) else content
        with scratch.open("wb") as handle:
            for piece in pieces:
                handle.write(piece if isinstance(piece, bytes) else piece.encode("utf-8", "backslashreplace"))
            if flushed:
                handle.flush()
                os.fsync(handle.fileno())
        scratch.replace(path)
        if flushed:
            sync_folder(path.parent)
    except BaseException as error:
        with contextlib.suppress(OSError):
            scratch.unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise  # while a piece was made
        raise SetupError(
            f"{path}: cannot be written: {error.strerror or error}. Nothing that was graded before is lost. Make room for it, and "
            "give the same command again: it goes on where it stopped."
        ) from error


def sync_folder(folder: Path) -> None:
    """Have a folder's list of names on disk, so that a rename survives a loss of power; Windows cannot be asked to."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
