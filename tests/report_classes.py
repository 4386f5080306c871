"""Classes on disk for the tests of pages: an ordinary one, a hostile one, a large one."""

from pathlib import Path
from typing import Any

from grader.model.observation import Claimed, Curve, EpochSeen
from grader.model.result import Result, TrainingSummary, Verdict
from grader.model.submission import Cell, Note, Source
from grader.model.training import EpochLogs, Layer, TrainingRun
from grader.results.folder import RecordedEvidence, RecordedTraining, ResultsFolder
from grader.results.verdicts import make_result
from tests.factories import make_description, make_fit, make_observation, make_run, make_submission, make_verdict

EVIL = (
    "<script>document.title='pwned'</script>",
    '"><img src=x onerror="document.title=\'pwned\'">',
    "' onmouseover='alert(1)' x='",
    "</title></style></script></pre></textarea><svg onload=document.title='pwned'>",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "\x1b[2J\x1b]0;pwned\x07",
    "a\0b",
    "\u202egnp.exe\u2066\u200f",
    "\ud800",
    "<!--",
    "]]>",
    "&lt;b&gt;&#x3c;",
    "<link rel=stylesheet href=http://evil.example/x.css><iframe src=http://evil.example></iframe>",
)
"""What hostile students write wherever they can write something."""


def submission(
    folder: Path,
    student: str = "ada",
    *,
    curve: tuple[float, ...] = (0.85, 0.95),
    fingerprint: str = "f" * 64,
    verdicts: tuple[Verdict, ...] = (),
    text: str = "import numpy\n\n\ndef train():\n    return 1\n",
    stdout: str = "hello\n",
    layer: str = "my_layer",
    note: str = "an old name",
    assignment: str = "demo",
    source: bool = True,
    others: tuple[TrainingRun, ...] = (),
    **changes: Any,
) -> Result:
    """Write one graded submission with everything that pages can show."""
    layers = (Layer(name="layer_1", class_name="Dense", output_shape=(None, 10), parameters=7850),)
    fit = make_fit(architecture="net", layer_names={"layer_1": layer}, callbacks=(layer,), fingerprint=fingerprint)
    observation = make_observation(
        fit,
        student=student,
        assignment=assignment,
        stdout=stdout,
        stderr=stdout,
        descriptions={"net": make_description(*layers, parameters=7850)},
        claimed=Claimed(notes=(Note(kind="old_name", where="line 2", text=note),), defined=("train",)),
    )
    summary = TrainingSummary(
        source="shared",
        epochs=len(curve),
        accuracy=curve[-1] if curve else None,
        stopped_by_callback=True,
        fingerprint=fingerprint,
        seed=1,
        curve=curve,
        seconds_per_epoch_ratio=1.5,
    )
    run = make_run(curve, fingerprint=fingerprint)
    played = Curve(name="run", epochs=tuple(EpochSeen(epoch=index, logs={}) for index in range(len(curve))))
    handed_in = make_submission(student=student, path=changes.pop("path", f"{student}/demo.py"))
    result = make_result(handed_in, observation, verdicts or (make_verdict(),), training=summary)
    result = result.model_copy(update=changes)
    code = Source(kind="module", cells=(Cell(number=1, text=text),)) if source else None
    evidence = RecordedEvidence(
        observation=observation, training=RecordedTraining(run=run, played=played, others=others)
    )
    ResultsFolder(folder).write(result, evidence, source=code)
    return result


def hostile_class(folder: Path) -> list[Result]:
    """Every hostile text everywhere that a student can write: name, path, code, output, layers, messages, notes."""
    results = []
    for number, evil in enumerate(EVIL):
        wrong = make_verdict(
            id="stops", title="It stops.", status="failed", points=0, message=f"Found {evil} (line 2)."
        )
        results.append(
            submission(
                folder,
                f"{number}{evil}",
                path=f"{evil}/{evil}.py",
                text=f"{evil}\n# line 2 {evil}\n",
                stdout=evil + "x" * 200_000 + "\n" + f"{evil}\n" * 1_000,
                layer=evil,
                note=evil,
                verdicts=(make_verdict(), wrong),
                message=evil,
                flags=("protocol_violation", evil),
                needs_review=number % 2 == 0,
                status=("graded", "crashed", "rejected")[number % 3],
            )
        )
    ResultsFolder(folder).write_scores("demo", results)
    return results


def large_class(folder: Path, count: int) -> list[Result]:
    """So many students with eight checks, ten epochs and forty different networks."""
    checks = [
        make_verdict(id=f"check_number_{index}", title=f"Sentence number {index} about it.") for index in range(8)
    ]
    epochs = tuple(EpochLogs(logs={}, accuracy=1 - 0.2 / (index + 1)) for index in range(10))
    curve = tuple(epoch.accuracy or 0.0 for epoch in epochs)
    results = []
    for number in range(count):
        failed = checks[number % 8].model_copy(update={"status": "failed", "points": 0.0, "message": "Not so."})
        verdicts = tuple(failed if check.id == failed.id and number % 3 else check for check in checks)
        results.append(
            submission(
                folder,
                f"student{number:04}",
                verdicts=verdicts,
                curve=curve[: 5 + number % 6],
                fingerprint=f"{number % 40:064x}",
                text="".join(f"    line = {index}  # of a program\n" for index in range(120)),
                needs_review=number % 100 == 0,
            )
        )
    ResultsFolder(folder).write_scores("demo", results)
    return results
