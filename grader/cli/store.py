"""The verbs of the store: look at the trainings that are kept, check them, make room, carry them to another machine."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from grader.cli.base import NEEDS_PERSON, app, err, out
from grader.errors import SetupError
from grader.pipeline import places
from grader.reports.console import plain
from grader.training.bundle import Carried, Fault, export_bundle, import_bundle, verify
from grader.training.shelf import Damaged, Entry, Shelf
from grader.training.store import NETWORKS, RUNS, parse_run, place_here

verbs = typer.Typer(no_args_is_help=True, help="The store of trainings: what is in it, whether it is whole, its size.")
app.add_typer(verbs, name="store")

REMARK = (
    "An imported training is believed like one of this machine: whoever made the file could have written any accuracy "
    "into it. `grader store gc --imported` throws out what was imported."
)


@verbs.command()
def ls() -> None:
    """List the trainings in the store, those used last at the end.

    Example: grader store ls
    """
    shelf = open_shelf()
    entries = sorted(shelf.entries(RUNS), key=lambda entry: entry.used)
    here = place_here()
    table = Table(show_edge=False, highlight=False)
    for title in ("training", "seed", "epochs", "best", "used", "made", "imported"):
        table.add_column(title, justify="right" if title in ("seed", "epochs", "best") else "left")
    for entry in entries:
        table.add_row(*map(plain, row_of(shelf, entry, here)))
    if entries:
        out.print(table)
    networks = sum(1 for _ in shelf.entries(NETWORKS))
    size, most = in_units(size_of(shelf)), in_units(places.store_bytes())
    say(f"{shelf.folder}: {numbered(len(entries), 'training')}, {numbered(networks, 'network')}, {size} of {most}.")


def row_of(shelf: Shelf, entry: Entry, here: dict[str, object]) -> list[str]:
    """A training in words: its name, seed, epochs, best accuracy, days of its last use, where it was made, day of import.

    Made elsewhere is what another kind of machine or other versions made: it is not used here.
    """
    used = datetime.fromtimestamp(entry.used, UTC).date().isoformat()
    try:
        body = shelf.read(RUNS, entry.key)
        known = parse_run(body)
    except Damaged:
        return [entry.key[:12], "", "", "", used, "damaged", ""]
    run = known.run
    same = {key: value for key, value in known.place.items() if key != "test"} == here
    made, imported = "here" if same else "elsewhere", str(body.get("imported") or "")
    best = "" if run.best_accuracy is None else f"{run.best_accuracy:.5f}"
    return [run.fingerprint[:12], str(run.seed), str(len(run.epochs)), best, used, made, imported]


@verbs.command("verify")
def verify_all(
    remove: Annotated[bool, typer.Option("--remove", help="Remove what is damaged: it is trained anew.")] = False,
) -> None:
    """Read everything in the store and compare it with its digests.

    Example: grader store verify
    """
    shelf = open_shelf()
    whole, damaged = 0, 0
    for entry, why in verify(shelf):
        whole, damaged = whole + (not why), damaged + bool(why)
        if why:
            say(f"{entry.kind}/{entry.key[:12]}: {why}")
            if remove:
                shelf.remove(entry)
    action = "removed" if remove else "counts as absent, and is trained anew when it is needed"
    say(f"{numbered(whole, 'entry', 'entries')} whole" + (f", {damaged} damaged: {action}." if damaged else "."))
    if damaged and not remove:
        raise typer.Exit(NEEDS_PERSON)


@verbs.command()
def gc(
    size: Annotated[str | None, typer.Option("--bytes", help="Keep so much: 500 MiB; default: the limit.")] = None,
    imported: Annotated[bool, typer.Option("--imported", help="Also remove all that was imported.")] = False,
    pretend: Annotated[bool, typer.Option("--dry-run", help="Say what would be removed, and remove nothing.")] = False,
) -> None:
    """Remove what nothing needs, and then what was not used for longest, until the store is within its limit.

    Example: grader store gc --bytes 5GiB
    """
    shelf = open_shelf()
    limit = places.store_bytes() if size is None else places.parse_bytes(size, "--bytes")
    if imported:
        marked = [entry for entry in shelf.entries(RUNS, NETWORKS) if is_imported(shelf, entry)]
        for entry in marked if not pretend else ():
            shelf.remove(entry)
        say(f"{numbered(len(marked), 'imported entry', 'imported entries')} {'would be ' * pretend}removed.")
    done = shelf.trim(limit, RUNS, NETWORKS, pretend=pretend)
    removed = f"{numbered(done.entries, 'entry', 'entries')} {'would be ' * pretend}evicted"
    say(f"{removed}, {in_units(done.bytes)} {'would be ' * pretend}freed; {in_units(done.left_bytes)} left.")
    if done.left_bytes > limit:
        say("More is in use by runs in progress, or was written in the last hour; that stays.")


def is_imported(shelf: Shelf, entry: Entry) -> bool:
    """Whether an entry came by `import`."""
    try:
        body = shelf.read(entry.kind, entry.key)
    except Damaged:
        return False
    return isinstance(body, dict) and bool(body.get("imported"))


@verbs.command("export")
def export_all(file: Annotated[Path, typer.Argument(help="The file to write.")]) -> None:
    """Write the whole store into one file, for another machine of the same kind.

    Example: grader store export trainings.zip
    """
    shelf = open_shelf()
    try:
        done = export_bundle(shelf, file)
    except OSError as error:
        raise SetupError(f"{file}: cannot be written: {error.strerror or error}. Choose another place.") from error
    tell(done.faults)
    say(f"{file}: {numbered(done.runs, 'training')} and {numbered(done.networks, 'network')}.")
    end_with(done)


@verbs.command("import")
def import_all(file: Annotated[Path, typer.Argument(help="A file of `grader store export`.")]) -> None:
    """Take in trainings from a file; import only from people whom you would let give points.

    Example: grader store import trainings.zip
    """
    if not file.is_file():
        raise SetupError(f"{file}: expected a file of `grader store export`, found none. Check the name.")
    shelf, today = open_shelf(), date.today().isoformat()
    try:
        done = import_bundle(shelf, file, limit=places.store_bytes(), today=today, place=place_here())
    except OSError as error:
        raise SetupError(f"{shelf.folder}: cannot be written: {error.strerror or error}. Make room for it.") from error
    tell(done.faults)
    say(
        f"{numbered(done.runs, 'training')} and {numbered(done.networks, 'network')} taken in, {done.known} known before, "
        f"{len(done.faults)} refused."
    )
    if done.elsewhere:
        say(f"{done.elsewhere} of them are of another kind of machine or other versions: they are not used here.")
    if done.runs:
        err.print(plain(f"grader: {REMARK}"), soft_wrap=True)
    end_with(done)


def open_shelf() -> Shelf:
    """The store of this user, or the one that is shared: below `GRADER_HOME`."""
    return Shelf(places.store_folder())


def size_of(shelf: Shelf) -> int:
    """Bytes of everything in it."""
    return sum(path.stat().st_size for path in shelf.folder.rglob("*") if path.is_file())


def tell(faults: list[Fault]) -> None:
    """What was left out, and why."""
    for fault in faults:
        err.print(plain(f"grader: {fault.what}: {fault.why}."), soft_wrap=True)


def end_with(done: Carried) -> None:
    """Exit code 1 where something was left out."""
    if done.faults:
        raise typer.Exit(NEEDS_PERSON)


def say(text: str) -> None:
    """A line."""
    out.print(Text(plain(text).plain), highlight=False, soft_wrap=True)


def numbered(count: int, word: str, several: str = "") -> str:
    """`1 training`, `2 trainings`."""
    return f"{count} {word if count == 1 else several or f'{word}s'}"


def in_units(size: int) -> str:
    """Bytes for people."""
    amount, units = float(size), ["bytes", "KiB", "MiB", "GiB", "TiB"]
    while amount >= 1024 and len(units) > 1:
        amount, units = amount / 1024, units[1:]
    return f"{amount:.0f} {units[0]}" if units[0] == "bytes" or amount >= 100 else f"{amount:.1f} {units[0]}"
