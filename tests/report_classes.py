"""Classes on disk for the tests of pages: an ordinary one, a hostile one, a large one."""

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from grader.model.assignment import Assignment
from grader.model.lateness import LatePolicy
from grader.model.observation import Claimed, Curve, EpochSeen
from grader.model.result import Missing, Override, Result, Scores, TrainingSummary, Verdict
from grader.model.submission import Cell, Identity, Note, Source
from grader.model.training import EpochLogs, Layer, TrainingRun
from grader.pipeline.bookkeeping import Bookkeeping
from grader.results.folder import RecordedEvidence, RecordedTraining, ResultsFolder
from grader.results.verdicts import make_result
from tests.factories import (
    make_assignment,
    make_description,
    make_fit,
    make_observation,
    make_run,
    make_submission,
    make_verdict,
)

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
MARKDOWN = """EVIL [EVIL](javascript:alert(1)) ![EVIL](http://evil.example/x.png) <http://evil.example> `EVIL` $EVIL$

[a](data:text/html,<script>document.title='pwned'</script>) [b][c] **EVIL** ~~EVIL~~ http://evil.example?EVIL

- [x] EVIL

| EVIL | b |
|:----:|---|
| EVIL | x |

```mermaid
EVIL
```

    EVIL

$$EVIL$$

\\begin{align}EVIL\\end{align}

[c]: java&#115;cript:alert(1) "EVIL"
"""
"""Every piece of Markdown, for a cell of a notebook."""


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
    source: Source | bool = True,
    digest: str = "d",
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
        submission_digest=digest,
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
    handed_in = make_submission(student=student, path=changes.pop("path", f"{student}/demo.py"), digest=digest)
    result = make_result(handed_in, observation, verdicts or (make_verdict(),), training=summary)
    result = result.model_copy(update=changes)
    code = source if isinstance(source, Source) else None
    if source is True:
        code = Source(kind="module", cells=(Cell(number=1, text=text),))
    evidence = RecordedEvidence(
        observation=observation, training=RecordedTraining(run=run, played=played, others=others)
    )
    ResultsFolder(folder).write(result, evidence, source=code)
    return result


def hostile_class(folder: Path) -> list[Result]:
    """Every hostile text everywhere that a student can write: name, path, code, output, layers, messages, notes."""
    results = []
    missing = []
    for number, evil in enumerate(EVIL):
        who = Identity(name=evil, email=evil, id=evil, section=evil)
        missing.append(Missing(student=f"nobody{number}{evil}", identity=who))
        code = Source(
            kind="notebook",
            cells=(Cell(number=2, text=f"{evil}\n# line 2 {evil}\n"), Cell(number=4, text="def train():\n    pass\n")),
            prose=(Cell(number=1, text=evil), Cell(number=3, text=f"# {evil}\n\n{MARKDOWN.replace('EVIL', evil)}")),
        )
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
                source=code if number % 2 else True,
                identity=who,
                override=Override(points=1.0, reason=evil, by=evil, when=evil, before=0.0),
            )
        )
    ResultsFolder(folder).write_scores("demo", results, missing)
    return results


NOTEBOOK = Source(
    kind="notebook",
    cells=(Cell(number=2, text="import numpy"), Cell(number=4, text="def train():\n    return 1")),
    prose=(Cell(number=1, text="# My answer\n\nThe network has *one* layer."), Cell(number=3, text="Now train.")),
)
DUE = datetime(2026, 12, 1, 23, 59, 17, tzinfo=timezone(timedelta(hours=1)))
ROSTER = """student,name,email,id,section
ada,Ada Lovelace,ada@school.example,1815,Monday 10
bela,Bela Bartok,bela@school.example,1881,Tuesday 12
zoe,Zoe Zebra,zoe@school.example,1999,Monday 10
emmy,Emmy Noether,emmy@school.example,1882,Monday 10
"""
OVERRIDES = """[[override]]
student = "bela"
check = "stops_in_time"
points = 1.5
reason = "In Hungarian, which is allowed."
by = "R. Feynman"
when = 2026-12-03
"""


def kept_class(folder: Path) -> Scores:
    """A class with a list, where all that bookkeeping knows has happened to somebody.

    Ada's first notebook of two counts, and is late; bela has points by hand; of zoe, points of a person are waited for;
    emmy handed in nothing.
    """
    works, stops = make_verdict(), make_verdict(id="stops_in_time", title="It stops.")
    extra = make_verdict(id="bonus", title="More than asked for.", points=0.5, max_points=0.5)
    worse = stops.model_copy(update={"status": "failed", "points": 0.0, "message": "Too late."})
    explains = make_verdict(id="explains", title="It is explained.", status="skipped", points=0, max_points=3)
    explains = explains.model_copy(
        update={"waits": True, "message": "Waits for a person: its points are given by hand."}
    )
    came = DUE + timedelta(days=1, hours=10)
    poor = (*(item.model_copy(update={"status": "failed", "points": 0.0}) for item in (works, stops)), extra)
    submission(folder, "ada", digest="one", source=NOTEBOOK, verdicts=(works, stops, extra), handed_in=came)
    submission(folder, "ada", digest="two", verdicts=poor, handed_in=DUE + timedelta(days=2))
    submission(folder, "bela", verdicts=(works, worse), handed_in=DUE - timedelta(hours=3))
    submission(folder, "zoe", verdicts=(works, explains), needs_review=True, message="its points are given by hand")
    (folder / "roster.csv").write_text(ROSTER)
    (folder / "overrides.toml").write_text(OVERRIDES)
    results = ResultsFolder(folder)
    return Bookkeeping(kept_assignment("demo"), results).write(results.results())


def kept_assignment(name: str, **changes: Any) -> Assignment:
    """The assignment of `kept_class`: a fifth is taken off for each day, the best attempt counts, one check is extra."""
    rules: dict[str, Any] = {"late": LatePolicy(due=DUE, per_day=0.2), "attempts": "best", "extra_credit": ("bonus",)}
    return make_assignment(id=name, title=f"About {name}", **rules, **changes)


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
