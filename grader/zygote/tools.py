"""What jobs need, imported once, TensorFlow among it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from grader.wire.channel import Channel
from grader.wire.frames import Frame

KINDS = {"program", "training", "describe", "evaluate"}
Tool = Callable[[Frame, Channel], None]


def prepare(settings: dict[str, Any]) -> dict[str, Tool]:
    """Import what jobs of this role need; returns the jobs by kind.

    Args:
        settings: of the process: its `role`, the folder of `datasets`, and whether it `forks`: whether a guest may play
            a drill in a forked copy of itself, as it may where nothing else is said.
    """
    if settings["role"] == "trainer":
        from grader.trainer import evaluate, jobs

        return {"training": jobs.train, "describe": jobs.describe, "evaluate": evaluate.evaluate}
    from grader.guest import prepared

    return prepared.prepare(Path(settings["datasets"]), forks=bool(settings.get("forks", True)))
