"""What jobs need, imported once, TensorFlow among it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.wire.channel import Channel
from grader.wire.frames import Frame

KINDS = {"program", "training", "describe", "evaluate"}
Job = Callable[[Frame, Channel], None]


@dataclass(frozen=True)
class Tools:
    """What a process of one role can do."""

    jobs: dict[str, Job]
    """By kind."""
    hold: Callable[[Iterable[str]], None] = lambda names: None  # noqa: ARG005 - trainers divide nothing twice
    """Keeps quotients of images for the jobs that are forked from here on, see `grader/guest/quotients.py`."""


def prepare(settings: dict[str, Any]) -> Tools:
    """Import what jobs of this role need.

    Args:
        settings: of the process: its `role`, the folder of `datasets`, and whether it `forks`: whether a guest may play
            a drill in a forked copy of itself, as it may where nothing else is said.
    """
    if settings["role"] == "trainer":
        from grader.trainer import evaluate, jobs

        return Tools({"training": jobs.train, "describe": jobs.describe, "evaluate": evaluate.evaluate})
    from grader.guest import prepared

    return Tools(*prepared.prepare(Path(settings["datasets"]), forks=bool(settings.get("forks", True))))
