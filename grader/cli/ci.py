"""The verb for CI: grades what a push changed, and tells the platform."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from grader.ci import (
    RECORD,
    Changes,
    Memory,
    Platform,
    ReleaseRecord,
    Threshold,
    changed_since,
    compare,
    detect,
    is_tracked,
    nothing_known,
    own_assignments,
    parse_digest,
    parse_threshold,
    read_record,
    write_record,
    write_template,
)
from grader.cli import ci_course
from grader.cli.base import NEEDS_PERSON, USAGE, ClassOption, JobsOption, StoreOption, app, out, warn_of
from grader.cli.ci_telling import Telling, decide
from grader.cli.grading import watching
from grader.cli.pages import report_after
from grader.errors import SetupError
from grader.model.assignment import Assignment
from grader.model.class_file import read_class
from grader.model.departure import Departure
from grader.model.result import Scores
from grader.pipeline import places
from grader.pipeline.batch import Batch, grade_batch, make_settings
from grader.pipeline.class_files import ClassFiles
from grader.pipeline.repository import (
    Work,
    find_work,
    given_code_note,
    mark,
    remembered_as,
    who,
    withhold,
)
from grader.pipeline.settings import Settings
from grader.reports.console import plain
from grader.results.folder import ResultsFolder, folder_name, write_course_scores
from grader.sandbox.doctor import missing_for

AUTO = "auto"
DIGEST = "GRADER_RELEASE_DIGEST"


@app.command()
def ci(
    repository: Annotated[Path, typer.Argument(help="Folder of the repository.")] = Path(),
    assignment: Annotated[str | None, typer.Option("--assignment", help="Id of the assignment.")] = None,
    student: Annotated[str | None, typer.Option("--student", help="Name; default: by the platform.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also grade what this push did not change.")] = False,
    fail_under: Annotated[
        str | None, typer.Option("--fail-under", help="End with 1 below so many points, or below such as 60%.")
    ] = None,
    output: Annotated[Path, typer.Option("--output", help="Where results go.")] = Path("results"),
    jobs: JobsOption = 0,
    timeout: Annotated[float | None, typer.Option("--timeout", help="Wall seconds of student code per run.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Train nothing; checks that need it are skipped.")] = False,
    no_store: StoreOption = False,
    sandbox: Annotated[
        str, typer.Option("--sandbox", help="auto, full, contained or none; auto: full, else contained in CI.")
    ] = AUTO,
    class_file: ClassOption = None,
    release_digest: Annotated[
        str | None,
        typer.Option("--release-digest", envvar=DIGEST, show_envvar=False, help="Of the release, from outside."),
    ] = None,
    course: Annotated[bool, typer.Option("--course", help="An instructor's repository: prove its rubrics.")] = False,
    submissions: Annotated[
        Path | None, typer.Option("--submissions", help="With --course: a folder of submissions to grade.")
    ] = None,
    init: Annotated[str | None, typer.Option("--init", help="Write the file for github or gitlab, and stop.")] = None,
    kind: Annotated[str | None, typer.Option("--kind", help="With --init: student or course.")] = None,
    course_repository: Annotated[
        str | None, typer.Option("--from", help="With --init: the course's repository, OWNER/NAME.")
    ] = None,
    record: Annotated[bool, typer.Option("--record", help="Write the record of a release, and stop.")] = False,
) -> None:
    """Grade a repository on a push, and tell the platform; or write the file that makes a platform do so.

    Example: grader ci --fail-under 60%
    """
    if not repository.is_dir():
        raise SetupError(f"{repository}: expected the folder of a repository, found none.")
    refuse_combinations(locals())
    place = repository.resolve()
    if init is not None or record:
        prepare(place, init, kind or "student", course_repository, record)
        return
    platform = detect(os.environ)
    wish = Wish(
        assignment,
        student,
        everything,
        parse_threshold(fail_under) if fail_under else None,
        output.absolute(),
        class_file,
    )
    telling = Telling(platform, os.environ, place, wish.output)
    try:
        with assignments_of(place):
            refuse_pushed_output(place, wish.output, platform)
            changes = changes_of(place, platform)
            memory = memory_of(place, platform)
            level, why = choose_sandbox(platform, sandbox, several=course and submissions is not None)
            warn_of(level)
            settings = make_settings(jobs, timeout, level, no_store=no_store, quick=quick, force=not course)
            settings = without_pushed_store(place, settings, platform)
            with telling.quoted():
                telling.about(settings.sandbox, why, changes)
            if course:
                asked = ci_course.Asked(place, submissions, wish.output, everything)
                code = ci_course.run(asked, changes, memory, settings, telling)
            else:
                code = grade_student(
                    place, platform, wish, expected(release_digest), changes, memory, settings, telling
                )
    except SetupError as problem:
        if not telling.problem(str(problem)):
            raise
        code = USAGE
    raise typer.Exit(code)


@dataclass(frozen=True)
class Wish:
    """What was asked for."""

    assignment: str | None
    student: str | None
    everything: bool
    threshold: Threshold | None
    output: Path
    class_file: Path | None


def refuse_combinations(given: dict[str, object]) -> None:
    """SetupError for options that mean nothing together."""
    alone = {"course": "--course", "init": "--init", "record": "--record"}
    needs = {"submissions": ("course", "--submissions"), "kind": ("init", "--kind")}
    needs["course_repository"] = ("init", "--from")
    for name, (other, option) in needs.items():
        if given[name] is not None and not given[other]:
            raise SetupError(f"{option}: it means something only with {alone[other]}. Leave it out, or add that.")
    graded = {"fail_under": "--fail-under", "student": "--student", "assignment": "--assignment"}
    for name, option in {**graded, "class_file": "--class"}.items():
        for other in alone:
            if given[name] is not None and given[other]:
                raise SetupError(f"{option}: it means nothing with {alone[other]}. Leave it out.")


def prepare(repository: Path, service: str | None, kind: str, course: str | None, record: bool) -> None:
    """Write the file of a service, and for students the record of the release with its digest."""
    if service is not None:
        place = write_template(repository, service, kind, course)
        out.print(plain(f"{place.relative_to(repository)}: written."), soft_wrap=True)
        if course is None:
            out.print(plain("Replace OWNER/COURSE in it by the course's repository, or say --from OWNER/NAME."))
    if record or kind == "student":
        written = write_record(repository)
        count = "1 file" if len(written.files) == 1 else f"{len(written.files)} files"
        out.print(plain(f"{RECORD}: {count}."), soft_wrap=True)
        out.print(plain(f"Digest, for the variable {DIGEST} of your organisation or group:"), soft_wrap=True)
        out.print(plain(written.digest), soft_wrap=True)


@contextlib.contextmanager
def assignments_of(repository: Path) -> Iterator[None]:
    """Assignments in the repository itself are found from anywhere, unless the environment names others."""
    own = repository / "assignments"
    if os.environ.get("GRADER_ASSIGNMENTS") or not own_assignments(repository):
        yield
        return
    before = os.environ.get("GRADER_ASSIGNMENTS")
    os.environ["GRADER_ASSIGNMENTS"] = str(own)
    try:
        yield
    finally:
        if before is None:
            del os.environ["GRADER_ASSIGNMENTS"]
        else:
            os.environ["GRADER_ASSIGNMENTS"] = before


def changes_of(repository: Path, platform: Platform) -> Changes:
    """What the push changed."""
    if not platform.base:
        return nothing_known(platform.why_no_base)
    return changed_since(repository, platform.base, merge=platform.merge)


def memory_of(repository: Path, platform: Platform) -> Memory:
    """What earlier runs on this branch did; nothing where a push brought it."""
    name = folder_name(f"{platform.repository or repository.name}@{platform.ref}")
    folder = places.home() / "ci"
    pushed = is_pushed(repository, folder, platform)
    return Memory(Path(os.devnull) / "none" if pushed else folder / f"{name}.json")


def without_pushed_store(repository: Path, settings: Settings, platform: Platform) -> Settings:
    """Settings without a store whose files a push brought: they were never trained here."""
    if settings.store is not None and is_pushed(repository, settings.store, platform):
        out.print(plain(f"{settings.store}: files there belong to the repository, so it is not used as the store."))
        return replace(settings, store=None)
    return settings


def refuse_pushed_output(repository: Path, output: Path, platform: Platform) -> None:
    """SetupError for a folder of results that a push brought: there might be points in it."""
    if output.exists() and is_pushed(repository, output, platform):
        raise SetupError(
            f"{output}: expected an empty place for results, found files that belong to the repository. Remove them from "
            "it, or choose an --output outside."
        )


def is_pushed(repository: Path, folder: Path, platform: Platform) -> bool:
    """Whether a folder in the repository has files that a push brought, or is a link that one did.

    Where git cannot say it, that is assumed in CI, and not at home.
    """
    place = Path(os.path.abspath(folder))  # noqa: PTH100 - links are looked at, and not followed
    above = [place, *place.parents]
    tops = [number for number, part in enumerate(above) if part.resolve() == repository]
    if tops and any(part.is_symlink() for part in above[: tops[-1]]):
        return True
    if not tops and not place.resolve().is_relative_to(repository):
        return False
    tracked = is_tracked(repository, place if tops else place.resolve())
    return platform.is_ci and place.exists() if tracked is None else tracked


def choose_sandbox(platform: Platform, asked: str, *, several: bool) -> tuple[str, str]:
    """(level, why). With `auto` a machine that serves one job falls back to `contained`, and says so; others never do.

    Raises SetupError if several students' programs would run on it.
    """
    if asked != AUTO:
        return asked, "as asked for"
    missing = missing_for("full")
    if not missing:
        return "full", "this machine gives all of it"
    if not platform.is_ci:
        return "full", ""  # make_settings says what is missing, and the remedy
    lacks = "; ".join(f"{item.what}: {item.detail}" for item in missing)
    if several:
        raise SetupError(
            f"--sandbox auto: this machine does not give the full sandbox ({lacks}), and `contained` is for one "
            "submission on a machine that is thrown away. Say --sandbox contained if you accept that."
        )
    return "contained", f"this machine does not give the full one ({lacks})"


def expected(release_digest: str | None) -> str:
    """The digest of the release as it came from outside; empty if none did."""
    return parse_digest(release_digest) if release_digest and release_digest.strip() else ""


def grade_student(
    repository: Path,
    platform: Platform,
    wish: Wish,
    digest: str,
    changes: Changes,
    memory: Memory,
    settings: Settings,
    telling: Telling,
) -> int:
    """Grade a student's repository; return the exit code."""
    record = read_record(repository)
    departures = compare(repository, record, digest)
    with telling.quoted():
        telling.departures(departures, remark_on(repository, record, digest))
    known = places.load_assignments()
    if wish.class_file is not None:
        known = read_class(wish.class_file, known)
    if wish.assignment is not None:
        places.find_assignment(wish.assignment)
    student = who(platform, wish.student, repository, list(known))
    work = find_work(
        repository,
        known,
        student,
        wish.assignment,
        changes,
        memory,
        ignored=[wish.output.name] if wish.output.parent.resolve() == repository else [],
        everything=wish.everything,
    )
    with telling.quoted():
        telling.student(student)
        telling.left_out(work.left_out)
    with telling.folded("Grading"):
        scores = grade_work(repository, known, work, wish, departures, settings)
    outcome = decide(scores, wish.threshold)
    with telling.quoted():
        telling.results(scores, work, known, outcome)
    remember(scores, known, work, memory, settings)
    return 0 if outcome.good else NEEDS_PERSON


def remark_on(repository: Path, record: ReleaseRecord | None, digest: str) -> str:
    """How far what was released can be told from what is here."""
    if record is None:
        return f"Not known: there is no {RECORD} that can be read."
    if not digest:
        return f"Compared with {RECORD}, which lies in the repository itself: whoever changes files can change it too."
    own = " The checks lie in this repository." if own_assignments(repository) else ""
    return f"Compared with {RECORD}, whose digest came from outside.{own}"


def grade_work(
    repository: Path,
    known: dict[str, Assignment],
    work: Work,
    wish: Wish,
    departures: Sequence[Departure],
    settings: Settings,
) -> list[Scores]:
    """Grade, and put flags and notes into the results."""
    batch = Batch(known, {name: [item] for name, item in work.todo.items()}, ClassFiles(changes=wish.class_file))

    def folder(name: str) -> ResultsFolder:
        return ResultsFolder(wish.output / name if batch.several else wish.output)

    untrusted = any(item.flag == "checks_changed" for item in departures)
    if untrusted and checks_are_of(repository, known):
        scores = [withhold(folder(name), name, item, departures) for name, item in work.todo.items()]
    else:
        scores = []
        for item in grade_batch(batch, settings, wish.output, watching):
            submission = work.todo[item.assignment]
            note = given_code_note(known[item.assignment], submission)
            notes = {} if note is None else {submission.student: note}
            scores.append(mark(folder(item.assignment), item, departures, notes))
    if batch.several:
        write_course_scores(wish.output, scores)
    if scores:
        report_after(wish.output, known.get)
    return scores


def checks_are_of(repository: Path, known: dict[str, Assignment]) -> bool:
    """Whether the checks that would be run are those that lie in the repository."""
    own = {folder.resolve() for folder in own_assignments(repository)}
    return any(item.folder.resolve() in own for item in known.values())


def remember(
    scores: Sequence[Scores], known: dict[str, Assignment], work: Work, memory: Memory, settings: Settings
) -> None:
    """Keep in mind what has a grade; what waits, or was only looked at quickly, is graded again next time."""
    for item in scores:
        final = all(result.score is not None and not result.needs_review for result in item.submissions)
        if final and not settings.quick:
            memory.keep(item.assignment, remembered_as(known[item.assignment], work.todo[item.assignment]))
