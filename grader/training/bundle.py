"""A store in one file, to be carried to another machine; and what can be known of a file that somebody hands over.

    bundle.json               {"format": 1}
    runs/<key>.json           entries, as they lie in a store
    networks/<key>.json
    objects/<sha256>          files by content

A bundle is a zip file, read member by member; nothing is unpacked by name. What can be verified is: that every file is
what its name says, that every entry is whole, lies under its own key and has all its files, that its numbers are
possible ones, and that it says what a training carried out here said, as far as both go. What cannot is that somebody
trained this at all: whoever made the bundle could have written any accuracy into it. So an entry that came this way is
marked, and can be thrown out again.
"""

import hashlib
import json
import lzma
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from grader.errors import SetupError
from grader.model.training import Description, EpochLogs, TrainingRun
from grader.training.kept import part_index, unpack_part
from grader.training.shelf import LONGEST_ENTRY, OBJECTS, Damaged, Entry, Shelf, write_whole_with
from grader.training.state import STATE_FILE, unpack_state
from grader.training.store import NETWORKS, RUNS, checked_body, network_key, parse_run, read_run

LABEL = "bundle.json"
MEMBER = re.compile(r"(runs|networks)/([0-9a-f]{64})\.json|(objects)/([0-9a-f]{64})")
LONGEST_OBJECT = 4 * 2**30
MOST_MEMBERS = 1_000_000
LONG_AGO = (1980, 1, 1, 0, 0, 0)
UNREADABLE = (
    *(zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, OSError, ValueError, NotImplementedError, RuntimeError),
)
"""What reading a zip file may raise, if it is none, or a damaged or an encrypted one."""


@dataclass(frozen=True)
class Fault:
    """Something that is not as it should be."""

    what: str
    why: str


@dataclass
class Carried:
    """What an export or import did."""

    runs: int = 0
    networks: int = 0
    known: int = 0
    """Entries that were there already."""
    elsewhere: int = 0
    """Trainings of other machines or versions, which are not used here."""
    faults: list[Fault] = field(default_factory=list)


# ── look ──


def verify(shelf: Shelf) -> Iterator[tuple[Entry, str]]:
    """(entry, why it is damaged or empty) of everything in a store."""
    for entry in shelf.entries(RUNS, NETWORKS):
        try:
            check_entry(shelf, entry.kind, entry.key)
        except Damaged as damage:
            yield entry, str(damage)
        else:
            yield entry, ""


def check_entry(shelf: Shelf, kind: str, key: str) -> None:
    """Read an entry and all its files. Raises Damaged."""
    if kind == RUNS:
        entry = read_run(shelf, key)
        check_run(entry.run, {name: shelf.get(digest) for name, digest in entry.files.items()})
    else:
        parse_network(shelf.read(NETWORKS, key), key)


def check_run(run: TrainingRun, files: dict[str, bytes]) -> None:
    """Raise Damaged for numbers that no training gives, and for files that are not weights."""
    shares = [value for epoch in run.epochs for value in (epoch.accuracy, epoch.test_accuracy) if value is not None]
    seconds = [epoch.seconds for epoch in run.epochs]
    if not all(math.isnan(share) or 0 <= share <= 1 for share in shares):
        raise Damaged("an accuracy in it is no share")
    if not all(math.isfinite(value) and value >= 0 for value in seconds) or run.problem or not run.epochs:
        raise Damaged("it is not one that was carried out to its end")
    for name, data in files.items():
        index = part_index(name)
        try:
            weights = list(unpack_state(data).arrays) if name == STATE_FILE else unpack_part(data)[0]
        except (*UNREADABLE, KeyError) as error:
            raise Damaged(f"{name} holds no arrays") from error
        if index is not None and (index >= len(run.epochs) or not all(array.dtype.kind in "fiub" for array in weights)):
            raise Damaged(f"{name} belongs to no epoch of it")


def parse_network(body: Any, key: str) -> Description:
    """The description in an entry. Raises Damaged."""
    try:
        checked = checked_body(body)
        description = Description.model_validate(checked["network"])
        named = network_key(str(checked["architecture"]), checked["place"])
    except (ValidationError, KeyError, ValueError, TypeError) as error:
        raise Damaged(f"it is no description of a network ({type(error).__name__})") from error
    if named != key:
        raise Damaged("it lies under a name that is not its own")
    return description


# ── carry away ──


def export_bundle(shelf: Shelf, path: Path) -> Carried:
    """Write everything whole in a store into one file; what is damaged is left out and told. Raises OSError."""
    done = Carried()
    objects: dict[str, None] = {}

    def write(handle: Any) -> None:
        with zipfile.ZipFile(handle, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(zipfile.ZipInfo(LABEL, LONG_AGO), json.dumps({"format": 1}))
            for entry in sorted(shelf.entries(RUNS, NETWORKS), key=lambda entry: (entry.kind, entry.key)):
                try:
                    check_entry(shelf, entry.kind, entry.key)
                    body = shelf.read(entry.kind, entry.key)
                except Damaged as damage:
                    done.faults.append(Fault(f"{entry.kind}/{entry.key[:12]}", str(damage)))
                    continue
                body.pop("imported", None)
                objects.update(dict.fromkeys(body.get("files", {}).values()))
                archive.writestr(zipfile.ZipInfo(f"{entry.kind}/{entry.key}.json", LONG_AGO), json.dumps(body))
                done.runs += entry.kind == RUNS
                done.networks += entry.kind == NETWORKS
            for digest in sorted(objects):
                archive.writestr(zipfile.ZipInfo(f"{OBJECTS}/{digest}", LONG_AGO), shelf.get(digest))

    write_whole_with(path, write)
    return done


# ── bring in ──


def import_bundle(shelf: Shelf, path: Path, *, limit: int, today: str, place: dict[str, Any]) -> Carried:
    """Take in what is in a bundle and holds up; everything else is told.

    Args:
        shelf: where it goes.
        path: the file.
        limit: most bytes that it may hold.
        today: the date, by which its entries are marked.
        place: versions and kind of machine here (`Store.place`).

    Raises SetupError for a file that is no bundle, and OSError where the store cannot be written.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = members_of(archive, path, limit)
    except (*UNREADABLE, Damaged) as error:
        raise SetupError(
            f"{path}: expected a file of `grader store export`, found one that cannot be read: {error}."
        ) from error
    with zipfile.ZipFile(path) as archive:
        return Import(shelf, archive, members, today, place).run()


def members_of(archive: zipfile.ZipFile, path: Path, limit: int) -> dict[str, zipfile.ZipInfo]:
    """Members by name; SetupError if they are not those of a bundle."""
    infos = archive.infolist()
    names = [info.filename for info in infos]
    wrong = next((name for name in names if name != LABEL and not MEMBER.fullmatch(name)), None)
    if wrong is not None or LABEL not in names:
        found = f"a file {wrong[:60]!r} in it" if wrong is not None else f"no {LABEL} in it"
        raise SetupError(f"{path}: expected a file of `grader store export`, found {found}. Nothing was taken in.")
    size = sum(info.file_size for info in infos)
    if len(set(names)) != len(names) or len(names) > MOST_MEMBERS:
        raise SetupError(f"{path}: it holds one name twice, or more than {MOST_MEMBERS:,} files. Nothing was taken in.")
    if size > limit:
        raise SetupError(
            f"{path}: it holds {size:,} bytes, and the store may hold {limit:,}. Set GRADER_STORE_BYTES if you have room."
        )
    label = json_of(read_member(archive, archive.getinfo(LABEL), 1000))
    if not isinstance(label, dict) or label.get("format") != 1:
        raise SetupError(f"{path}: it was written by another version of grader. Nothing was taken in.")
    return {info.filename: info for info in infos}


@dataclass
class Import:
    """A bundle on its way in."""

    shelf: Shelf
    archive: zipfile.ZipFile
    members: dict[str, zipfile.ZipInfo]
    today: str
    place: dict[str, Any]
    done: Carried = field(default_factory=Carried)

    def run(self) -> Carried:
        """Entry by entry; each is written after its files."""
        self.shelf.hold()
        try:
            for name in sorted(self.members):
                kind, key = name.partition("/")[0], Path(name).stem
                if kind in (RUNS, NETWORKS):
                    try:
                        self._take(kind, key, json_of(read_member(self.archive, self.members[name], LONGEST_ENTRY)))
                    except Damaged as damage:
                        self.done.faults.append(Fault(f"{kind}/{key[:12]}", str(damage)))
        finally:
            self.shelf.release()
        return self.done

    def _take(self, kind: str, key: str, body: Any) -> None:
        if kind == NETWORKS:
            parse_network(body, key)
            if self._is_known(kind, key):
                self.done.known += 1
                return
            self.done.networks += 1
        else:
            entry = parse_run(body)
            if entry.key != key:
                raise Damaged("it lies under a name that is not its own")
            if self._is_as_long_here(key, entry.run):
                self.done.known += 1
                return
            parts = {name: self._object(digest) for name, digest in entry.files.items()}
            check_run(entry.run, parts)
            for data in parts.values():
                self.shelf.add(data)
            here = {key: value for key, value in entry.place.items() if key != "test"} == self.place
            self.done.elsewhere += not here
            self.done.runs += 1
        self.shelf.write(kind, key, {**body, "imported": self.today})

    def _object(self, digest: str) -> bytes:
        """A file of an entry, from the bundle."""
        info = self.members.get(f"{OBJECTS}/{digest}")
        if info is None:
            raise Damaged(f"its file {digest[:12]} is missing")
        data = read_member(self.archive, info, LONGEST_OBJECT)
        if hashlib.sha256(data).hexdigest() != digest:
            raise Damaged(f"its file {digest[:12]} is not what its name says")
        return data

    def _is_known(self, kind: str, key: str) -> bool:
        try:
            check_entry(self.shelf, kind, key)
        except Damaged:
            return False
        return True

    def _is_as_long_here(self, key: str, run: TrainingRun) -> bool:
        """Whether the store has this training, as long or longer. Raises Damaged if it went otherwise here."""
        try:
            known = read_run(self.shelf, key).run
        except Damaged:
            return False
        if any(not same_logs(mine, other) for mine, other in zip(known.epochs, run.epochs, strict=False)):
            raise Damaged("it says something else than the training in this store; one of them is wrong")
        return len(known.epochs) >= len(run.epochs)


def same_logs(one: EpochLogs, other: EpochLogs) -> bool:
    """Whether two epochs ended alike, to the last bit; how long they took does not matter."""
    return repr(one.model_copy(update={"seconds": 0.0})) == repr(other.model_copy(update={"seconds": 0.0}))


def read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int) -> bytes:
    """The bytes of a member: as many as it says, and no more than `most`. Raises Damaged."""
    if info.file_size > most or info.flag_bits & 1:
        raise Damaged("it is too long, or encrypted")
    try:
        with archive.open(info) as handle:
            data = handle.read(info.file_size + 1)
    except UNREADABLE as error:
        raise Damaged("it cannot be read") from error
    if len(data) != info.file_size:
        raise Damaged("it is longer or shorter than it says")
    return data


def json_of(data: bytes) -> Any:
    """A JSON value. Raises Damaged."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Damaged("it is no JSON") from error
