"""What a validation found, for the terminal and as a page."""

from collections.abc import Sequence

from grader.validation.outcomes import Outcome, shown
from grader.validation.rubric import Report
from grader.validation.seeds import SeedResult


def as_lines(report: Report) -> list[str]:
    """The report of one assignment, line by line."""
    lines = []
    for kind, items in (("", report.solutions), ("starter ", report.starters)):
        for item in items:
            score = "no score" if item.result.score is None else f"{item.result.score:g}"
            lines.append(f"{'WRONG' if item.problems else 'ok   '} {kind}{item.name}: {score}")
            lines += [f"      {problem}" for problem in item.problems]
    if report.mutants:
        lines.append(f"mutants: {count(report.mutants)}")
        lines += [
            f"      survived, as explained: {line_of(item)} ({item.reason})" for item in explained(report.mutants)
        ]
        undecided = [item for item in report.mutants if not item.decided]
        lines += [f"      not decided without a training: {line_of(item)}" for item in undecided]
        if undecided:
            lines.append("      Run it with --train-mutants to carry these trainings out; they are kept.")
    if report.checks:
        width = max(map(len, report.checks))
        lines.append(f"{'fails':<{width + 6}} solutions  mutants")
        lines += [
            f"      {name:<{width}} {solutions:>9} {mutants:>8}" for name, (solutions, mutants) in report.kills.items()
        ]
    if report.usage is not None:
        lines += limits(report)
    lines += [f"seed {item.seed}: {seed_line(item)}" for item in report.seeds]
    if report.seeds:
        passed = sum(item.passed for item in report.seeds)
        lines.append(f"the reference passes with {passed} of {len(report.seeds)} seeds")
    lines += [f"WRONG {problem}" for problem in report.problems]
    done = [f"{report.seconds:.0f} s"]
    if report.trained:
        done.append(f"{report.trained} trainings carried out")
    if report.recorded:
        done.append(f"{report.recorded} trainings recorded")
    return [*lines, f"{report.assignment.id}: {'WRONG' if report.wrong else 'proven'} ({', '.join(done)})"]


def limits(report: Report) -> list[str]:
    """What the right answers needed, and the limits that follow."""
    used, now = report.usage, report.assignment.limits
    assert used is not None
    other = used.proposed
    return [
        f"limits: right answers need up to {used.wall_seconds:.1f} s, {used.cpu_seconds:.1f} s of processor and "
        f"{used.memory_bytes / 2**20:.0f} MiB, trainings apart.",
        f"      proposed: wall_seconds = {other.wall_seconds:g}, cpu_seconds = {other.cpu_seconds:g}, memory_bytes = "
        f"{other.memory_bytes}; set: {now.wall_seconds:g}, {now.cpu_seconds:g}, {now.memory_bytes}",
    ]


def count(outcomes: Sequence[Outcome]) -> str:
    """How many mutants there are, and what became of them."""
    decided = [item for item in outcomes if item.decided]
    killed = sum(not item.survived for item in decided)
    rate = f" ({100 * killed / len(decided):.0f} %)" if decided else ""
    left = len(outcomes) - len(decided)
    return f"{len(outcomes)} made, {killed} killed{rate}, {len(decided) - killed} survived" + (
        f", {left} not decided" if left else ""
    )


def explained(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Survivors with a reason."""
    return [item for item in outcomes if item.survived and item.reason]


def line_of(item: Outcome) -> str:
    """A mutant in a line."""
    return f"{item.mutant.id}, line {item.mutant.line}: {shown(item.mutant)}"


def seed_line(item: SeedResult) -> str:
    """What came of one seed."""
    if item.accuracy is None:
        return "no training"
    test = "" if item.test_accuracy is None else f", {item.test_accuracy:.4f} on the test images"
    margin = "" if item.margin is None else f", margin {item.margin:+.5f}"
    return (
        f"{'passes' if item.passed else 'FAILS'} after {item.epochs} epochs, accuracy {item.accuracy:.5f}{test}{margin}"
    )


def as_markdown(reports: Sequence[Report], date: str, machine: str) -> str:
    """The page with all tables of one validation: mutants, if they were tried, and seeds, if they were trained."""
    tried = any(report.mutants for report in reports)
    title = "How the rubrics are proven" if tried else "How often the references pass"
    parts = [f"# {title}", f"Written by `grader validate --table`, {date}, {machine}."]
    if tried:
        parts += mutants_part(reports)
    if any(report.seeds for report in reports):
        parts += seeds_part(reports)
    for report in reports:
        rows = [(f"`{name}`", *numbers, which(report, name)) for name, numbers in report.kills.items()]
        if report.mutants:
            parts += [
                f"## {report.assignment.id}",
                table(("check", "fails solutions", "fails mutants", "kinds of mutants"), rows),
                *survivors_part(report),
            ]
    return "\n\n".join(parts) + "\n"


def mutants_part(reports: Sequence[Report]) -> list[str]:
    """What mutants are, and how many there are of each assignment."""
    rows = [
        (
            f"`{report.assignment.id}`",
            len(report.solutions),
            len(report.starters),
            len(report.mutants),
            sum(bool(item.killers) for item in report.mutants),
            sum(item.survived for item in report.mutants),
            sum(not item.decided for item in report.mutants),
            f"{report.seconds:.0f}",
        )
        for report in reports
    ]
    return [
        "Each assignment's reference is changed in one place at a time, as a student's mistake would; a check *kills* such a "
        "mutant when it fails it. A mutant that no check kills survives, and is either a fault of the rubric or a right "
        "answer too.",
        f"All in all: {count([item for report in reports for item in report.mutants])}.",
        table(("assignment", "solutions", "starters", "mutants", "killed", "survived", "not decided", "seconds"), rows),
    ]


def survivors_part(report: Report) -> list[str]:
    """The mutants with full marks, with their source and the reason."""
    lines = [
        f"- `{item.mutant.id}`, line {item.mutant.line}: `{shown(item.mutant)}`. {item.reason or 'Not explained.'}"
        for item in report.mutants
        if item.survived
    ]
    return ["Survivors:", "\n".join(lines)] if lines else []


def seeds_part(reports: Sequence[Report]) -> list[str]:
    """The reference of each assignment with many seeds, and by how much it passes."""
    rows = []
    for report in reports:
        margins = [item.margin for item in report.seeds if item.margin is not None]
        rows.append(
            (
                f"`{report.assignment.id}`",
                f"{sum(item.passed for item in report.seeds)} of {len(report.seeds)}",
                f"{min(margins):+.5f}" if margins else "–",
                f"{sorted(margins)[len(margins) // 2]:+.5f}" if margins else "–",
                ", ".join(str(item.epochs) for item in report.seeds),
            )
        )
    return [
        "The reference, trained once with each seed and no other. The margin is how far its best accuracy lies above the one "
        "that is asked for, on the test images where that is asked for. A training ends where the reference's callback stops "
        "it, so that a small margin is usual: how many of the epochs allowed it took says more.",
        table(("assignment", "passes with", "least margin", "median margin", "epochs of each seed"), rows),
    ]


def which(report: Report, check: str) -> str:
    """The operators whose mutants a check kills."""
    return ", ".join(dict.fromkeys(item.mutant.operator for item in report.mutants if check in item.killers)) or "–"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)
