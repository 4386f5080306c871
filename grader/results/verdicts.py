"""From verdicts and what was measured to the result of one submission."""

from grader.model.observation import Observation
from grader.model.result import Result, Status, Timing, TrainingSummary, Verdict
from grader.model.submission import Submission

ENDINGS: dict[str, Status] = {
    "finished": "graded",
    "not_run": "graded",
    "timeout": "timeout",
    "cpu": "timeout",
    "memory": "memory",
    "output": "output",
    "processes": "crashed",
    "exited": "crashed",
    "signalled": "crashed",
    "protocol": "rejected",
}
SENTENCES = {
    "timeout": "Your program did not end within {detail}. Look for a loop that never ends.",
    "cpu": "Your program used more than {detail}.",
    "memory": "Your program asked for {detail} of memory, more than it may use.",
    "output": "Your program printed without end ({detail}).",
    "processes": "Your program started too many processes ({detail}).",
    "exited": "Your program ended itself (exit code {detail}) before it was done. Do not call os._exit.",
    "signalled": "Your program crashed or was killed ({detail}) before it was done.",
    "protocol": "Your program interfered with the grader: {detail}.",
}


def ending_sentence(observation: Observation) -> str:
    """Why the program was not run to its end, for the student; empty if it was."""
    ending = observation.measured.ending
    if is_unreadable(observation):
        notes = [f"{note.where}: {note.text}" for note in observation.claimed.notes if note.kind == "syntax_error"]
        return f"Python cannot read your file. {notes[0] if notes else 'There is no statement in it.'}"
    return SENTENCES.get(ending.kind, "").format(detail=ending.detail or "unknown")


def is_unreadable(observation: Observation) -> bool:
    """True if the program ran to its end without a single statement that Python could read."""
    return observation.measured.ending.kind == "finished" and observation.claimed.extra.get("readable") is False


def make_result(
    submission: Submission,
    observation: Observation,
    verdicts: tuple[Verdict, ...],
    *,
    person: tuple[str, ...] = (),
    training: TrainingSummary | None = None,
    digests: tuple[str, str] = ("", ""),
) -> Result:
    """The result of a submission that was run; a verdict `error` leaves it without a number."""
    status = "rejected" if is_unreadable(observation) else ENDINGS[observation.measured.ending.kind]
    faulty = any(verdict.status == "error" for verdict in verdicts)
    flags = list(observation.flags)
    if observation.measured.ending.kind == "protocol":
        flags.append("protocol_violation")
        verdicts = tuple(withdrawn(verdict) for verdict in verdicts)
    flags += sorted({note.kind for note in observation.claimed.notes if note.kind in ("old_name", "load_data_path")})
    source = submission.source
    return Result(
        student=submission.student,
        path=submission.path,
        status="error" if faulty else status,
        score=None if faulty else total(verdicts),
        max_score=sum(verdict.max_points for verdict in verdicts),
        needs_review=faulty or (bool(person) and observation.measured.ending.kind in ("finished", "not_run")),
        flags=tuple(dict.fromkeys(flags)),
        checks=verdicts,
        training=training,
        timing=Timing(
            wall_seconds=round(observation.measured.wall_seconds, 3),
            cpu_seconds=round(observation.measured.cpu_seconds, 3),
        ),
        message=ending_sentence(observation) or "; ".join(dict.fromkeys(person)),
        notes=((source.notes if source else ()) + observation.claimed.notes),
        sandbox=observation.measured.sandbox,
        submission_digest=submission.digest,
        assignment_digest=digests[0],
        resume_key=digests[1],
    )


def total(verdicts: tuple[Verdict, ...]) -> float:
    """Sum of the points, to the thousandth."""
    return round(sum(verdict.points for verdict in verdicts), 3)


def withdrawn(verdict: Verdict) -> Verdict:
    """A verdict on a program that interfered with the grader: nothing it showed counts."""
    why = "Skipped: the program interfered with the grader."
    return verdict.model_copy(update={"status": "skipped", "points": 0.0, "message": why})


def without_run(
    submission: Submission,
    verdicts: tuple[Verdict, ...],
    *,
    digests: tuple[str, str],
    ours: str = "",
    sandbox: str = "full",
) -> Result:
    """A submission that was not run: it cannot be read (`rejected`), or we failed (`ours` says how)."""
    why = f"Skipped: {submission.problem or 'the grader failed, not you'}"
    skipped = tuple(v.model_copy(update={"status": "skipped", "points": 0.0, "message": why}) for v in verdicts)
    return Result(
        student=submission.student,
        path=submission.path,
        status="error" if ours else "rejected",
        score=None if ours else 0.0,
        max_score=sum(verdict.max_points for verdict in verdicts),
        needs_review=bool(ours),
        checks=skipped,
        message=f"The grader could not run this: {ours}" if ours else submission.problem,
        notes=submission.source.notes if submission.source else (),
        sandbox=sandbox,
        submission_digest=submission.digest,
        assignment_digest=digests[0],
        resume_key=digests[1],
    )
