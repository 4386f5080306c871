"""Files by content, and entries that name them, in one folder that many processes and machines share.

    <folder>/objects/<aa>/<sha256>     a file, named by its content
    <folder>/<kind>/<aa>/<key>.json    an entry: JSON that names objects by their digests
    <folder>/leases/<place>-<random>   a run in progress

Theory of operation. No lock decides what is right. A file is written beside its place under a name that nobody else has
(`O_EXCL`), flushed, and renamed. So whoever reads sees a whole file or none, and of two writers of one file the last
counts: of an object they write the same bytes. Whatever is missing, damaged or half there counts as absent.

What this needs of NFS (version 3 or later): that a rename within one folder is atomic to clients (RFC 1813, section
3.3.14, and RFC 7530, 16.27), that creation can be exclusive (RFC 1813, 3.3.8), and that a file which was closed is
seen whole by whoever opens it afterwards (close-to-open consistency, nfs(5)). A rename whose answer was lost may be
reported as failed though it was done (rename(2)): the place is looked at before that is believed. That another client
learns of a new name only after its cache of names ages costs a training done twice, nothing else. Times are those of
the server: they are set without saying which.

Eviction. The last use of an entry is its time of change. Who uses a shelf holds a lease, whose time of change says that
he is alive, and which names when he began. Whatever was used since the oldest living lease began stays, and so does
what was written in the last hour, since an entry is written after its objects.
"""

import contextlib
import hashlib
import json
import math
import os
import secrets
import socket
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil

OBJECTS, LEASES = "objects", "leases"
LONGEST_ENTRY = 64 * 2**20
GRACE_SECONDS = 3600.0
"""What is younger is never removed."""
DEAD_AFTER_SECONDS = 24 * 3600.0
"""A lease of another machine that was not renewed for so long is nobody's any more."""
RENEWED_EVERY_SECONDS = 60.0
SLACK_SECONDS = 60.0
"""Servers keep times in whole seconds, some in two, and clients cache them."""


class Damaged(Exception):  # noqa: N818 - a state of the shelf, for whoever reads it
    """What is named is not there, or not as it was written."""


@dataclass(frozen=True)
class Entry:
    """An entry as it lies there, read or not."""

    kind: str
    key: str
    path: Path
    size: int
    used: float
    """When it was last used."""


@dataclass
class Trimmed:
    """What was removed."""

    entries: int = 0
    bytes: int = 0
    left_bytes: int = 0
    protected: int = 0
    """Entries that are in use, though room was wanted."""

    def count(self, size: int) -> None:
        """So many bytes more."""
        self.bytes += size
        self.left_bytes -= size


class Shelf:
    """The folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lease: Lease | None = None
        self._lock = threading.Lock()

    # ── objects ──

    def add(self, data: bytes) -> str:
        """Keep a file; returns its digest. Raises OSError."""
        digest = hashlib.sha256(data).hexdigest()
        path = self._object(digest)
        if not self.has(digest) or not touch(path):  # touched, so that it is not removed before an entry names it
            write_whole(path, data)
        return digest

    def has(self, digest: str) -> bool:
        """Whether a file is there, and whole."""
        try:
            self.get(digest)
        except Damaged:
            return False
        return True

    def get(self, digest: str) -> bytes:
        """A file by its digest. Raises Damaged."""
        path = self._object(digest)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise Damaged(f"{path.name[:12]} cannot be read: {error.strerror}") from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise Damaged(f"{path.name[:12]} is not what it was")
        return data

    def _object(self, digest: str) -> Path:
        if not is_digest(digest):
            raise Damaged("a name that is no digest")
        return self.folder / OBJECTS / digest[:2] / digest

    # ── entries ──

    def write(self, kind: str, key: str, body: Any) -> None:
        """Write an entry, in place of one that is there. Raises OSError."""
        write_whole(self._entry(kind, key), json.dumps(body, separators=(",", ":")).encode())

    def read(self, kind: str, key: str) -> Any:
        """The JSON of an entry. Raises Damaged."""
        path = self._entry(kind, key)
        try:
            with path.open("rb") as handle:
                data = handle.read(LONGEST_ENTRY + 1)
            if len(data) > LONGEST_ENTRY:
                raise Damaged("it is too long")
            return json.loads(data)
        except (OSError, ValueError, RecursionError) as error:
            raise Damaged(f"it cannot be read ({type(error).__name__})") from error

    def use(self, kind: str, key: str, digests: list[str]) -> None:
        """Say that an entry and its objects are used."""
        for path in [self._entry(kind, key), *map(self._object, digests)]:
            touch(path)

    def remove(self, entry: Entry) -> None:
        """Remove an entry; its objects go when the shelf is trimmed."""
        with contextlib.suppress(OSError):
            entry.path.unlink()

    def entries(self, *kinds: str) -> Iterator[Entry]:
        """All entries of these kinds."""
        for kind in kinds:
            for path, size, used in files_in(self.folder / kind):
                key = path.name.removesuffix(".json")
                if path.suffix == ".json" and is_digest(key):
                    yield Entry(kind, key, path, size, used)

    def _entry(self, kind: str, key: str) -> Path:
        return self.folder / kind / key[:2] / f"{key}.json"

    # ── use and eviction ──

    def hold(self) -> None:
        """Keep what is used from now on from being evicted, until `release` or the end of this process."""
        with self._lock:
            if self._lease is None:
                self._lease = Lease(self.folder / LEASES)
            self._lease.renew()

    def release(self) -> None:
        """Give up the lease."""
        with self._lock:
            if self._lease is not None:
                self._lease.end()
                self._lease = None

    def trim(self, limit: int, *kinds: str, pretend: bool = False) -> Trimmed:
        """Remove what nobody names, and then what was not used for longest, until no more than `limit` bytes are left.

        What a run in progress uses stays, and what was written in the last hour. With `pretend` nothing is removed.
        """
        horizon = self._horizon()
        objects = {path.name: Removable(path, size, used) for path, size, used in files_in(self.folder / OBJECTS)}
        entries = sorted(self.entries(*kinds), key=lambda entry: entry.used)
        named = {entry.path: self._named_by(entry) for entry in entries}
        if None in named.values():  # an entry that cannot be read now: its objects are not known, so that all stay
            horizon = 0.0
        for digest in (digest for digests in named.values() for digest in digests or ()):
            if digest in objects:
                objects[digest].named += 1
        done = Trimmed(left_bytes=sum(item.size for item in objects.values()) + sum(entry.size for entry in entries))
        drop = remove_unused if not pretend else (lambda *_: True)

        def give_up(item: Removable) -> None:
            if not item.named and item.used < horizon and drop(item.path, item.used):
                done.count(item.size)

        for item in objects.values():
            give_up(item)
        for entry in entries:
            if done.left_bytes <= limit:
                break
            if entry.used >= horizon or not drop(entry.path, entry.used):
                done.protected += 1
                continue
            done.entries += 1
            done.count(entry.size)
            for digest in named[entry.path] or ():
                if digest in objects:
                    objects[digest].named -= 1
                    give_up(objects[digest])
        if not pretend:
            self._sweep(horizon)
        return done

    def _named_by(self, entry: Entry) -> set[str] | None:
        """Digests that an entry names: none where it is damaged, None where that cannot be found out."""
        try:
            body = self.read(entry.kind, entry.key)
        except Damaged as damage:
            unsure = isinstance(damage.__cause__, OSError) and not isinstance(damage.__cause__, FileNotFoundError)
            return None if unsure else set()
        files = body.get("files") if isinstance(body, dict) else None
        return {digest for digest in files.values() if isinstance(digest, str)} if isinstance(files, dict) else set()

    def _horizon(self) -> float:
        """Whatever was used since then stays."""
        with Lease(self.folder / LEASES) as mine:
            now = mine.began if mine.began is not None else time.time()
            living = [lease for lease in leases_in(self.folder / LEASES) if lease.path != mine.path]
        began = [lease.began for lease in living if lease.is_alive(now)]
        return min([now - GRACE_SECONDS, *(moment - SLACK_SECONDS for moment in began)])

    def _sweep(self, horizon: float) -> None:
        """Remove what killed processes left behind."""
        for path, _, used in files_in(self.folder):
            if path.name.startswith(".new-") and used < horizon:
                remove_unused(path, used)
        for lease in leases_in(self.folder / LEASES):
            if not lease.is_alive(time.time()):
                lease.path.unlink(missing_ok=True)


@dataclass
class Removable:
    """An object, and how many entries name it."""

    path: Path
    size: int
    used: float
    named: int = 0


class Lease:
    """Says that a run is in progress. On a shelf that cannot be written it says nothing."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / f"{place_of_process()}-{secrets.token_hex(8)}"
        self.began: float | None = None
        self._renewed = time.monotonic()
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            with self.path.open("x") as handle:
                self.began = os.fstat(handle.fileno()).st_mtime  # by the clock of the file server
                handle.write(f"{self.began:.3f}")
        self._end = weakref.finalize(self, remove_quietly, self.path)

    def renew(self) -> None:
        """Say that the run still goes on; not more often than every minute."""
        if time.monotonic() - self._renewed > RENEWED_EVERY_SECONDS:
            self._renewed = time.monotonic()
            touch(self.path)

    def end(self) -> None:
        """The run is over."""
        self._end()

    def __enter__(self) -> "Lease":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


@dataclass(frozen=True)
class SeenLease:
    """A lease that lies there, perhaps of another machine."""

    path: Path
    began: float
    renewed: float

    def is_alive(self, now: float) -> bool:
        """Whether its run may still go on: it was renewed within a day, and if its process was one of here, that lives."""
        place, _, number = self.path.name.rpartition("-")[0].rpartition("-")
        if place == place_of_process().rpartition("-")[0] and number.isdigit() and not psutil.pid_exists(int(number)):
            return False
        return now - self.renewed < DEAD_AFTER_SECONDS


def leases_in(folder: Path) -> Iterator[SeenLease]:
    """All leases; one whose time cannot be read began when it was renewed last."""
    for path, _, renewed in files_in(folder):
        began = renewed
        with contextlib.suppress(OSError, ValueError):
            began = float(path.read_text()[:40])
        yield SeenLease(path, min(renewed, began) if math.isfinite(began) else renewed, renewed)


def place_of_process() -> str:
    """Machine, system start, namespace and number of this process, in one word: a number means a process only there."""
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text())
        parts.append(str(Path("/proc/self/ns/pid").stat().st_ino))
    return f"{hashlib.sha256(' '.join(parts).encode()).hexdigest()[:16]}-{os.getpid()}"


def write_whole(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, and have it on disk. Raises OSError."""
    write_whole_with(path, lambda handle: handle.write(data))


def write_whole_with(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """The same for what is written bit by bit."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".new-{place_of_process()}-{secrets.token_hex(8)}")
    try:
        with scratch.open("xb") as handle:
            write(handle)
            handle.flush()
            os.fsync(handle.fileno())
            size = os.fstat(handle.fileno()).st_size
        try:
            scratch.replace(path)
        except OSError:
            if scratch.exists() or not is_of_size(path, size):
                raise  # else it was renamed, and only the answer was lost
        sync_folder(path.parent)
    except BaseException:
        remove_quietly(scratch)
        raise


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on disk, where a system can be asked to."""
    if os.name == "nt":
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def touch(path: Path) -> bool:
    """Set a file's time to now, by the clock of whoever keeps it; False if that cannot be done."""
    try:
        os.utime(path)
    except OSError:
        return False
    return True


def is_of_size(path: Path, size: int) -> bool:
    """Whether there is a file of this size."""
    try:
        return path.is_file() and path.stat().st_size == size
    except OSError:
        return False


def remove_unused(path: Path, used: float) -> bool:
    """Remove a file, unless it was used since it was looked at; whether it is gone."""
    try:
        if path.lstat().st_mtime > used:
            return False
        path.unlink()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def remove_quietly(path: Path) -> None:
    """Remove a file if that can be done."""
    with contextlib.suppress(OSError):
        path.unlink()


def files_in(folder: Path) -> Iterator[tuple[Path, int, float]]:
    """(path, size, time of change) of the files in a folder and below; links and what vanishes are left out."""
    waiting = [folder]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as found:
                items = list(found)
        except OSError:
            continue
        for item in items:
            with contextlib.suppress(OSError):
                if item.is_dir(follow_symlinks=False):
                    waiting.append(Path(item.path))
                elif item.is_file(follow_symlinks=False):
                    status = item.stat(follow_symlinks=False)
                    yield Path(item.path), status.st_size, status.st_mtime


def is_digest(text: Any) -> bool:
    """Whether this is a SHA-256 in hexadecimal digits."""
    return isinstance(text, str) and len(text) == 64 and set(text) <= set("0123456789abcdef")
