"""Which files differ from the commit that was pushed before, by git.

Where that cannot be said for sure, everything counts as changed: grading too much costs time, grading too little would
leave an old grade beside new code.
"""

import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_SECONDS = 120
_QUIET = ("-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
"""Checkouts in containers belong to another user, and nothing of a repository's configuration is to be run."""


@dataclass(frozen=True)
class Changes:
    """Paths that changed, relative to the repository, with `/`."""

    paths: frozenset[str] | None
    """None if it is not known what changed."""
    reason: str
    """Compared with what, or why it is not known."""

    def touches(self, path: str) -> bool:
        """Whether a file, or anything in a folder, changed."""
        if self.paths is None:
            return True
        return any(changed == path or changed.startswith(f"{path}/") for changed in self.paths)

    def touches_any(self, paths: Iterable[str]) -> bool:
        """Whether one of them changed."""
        return any(self.touches(path) for path in paths)


def nothing_known(reason: str) -> Changes:
    """Everything counts as changed."""
    return Changes(None, reason)


def changed_since(repository: Path, base: str, *, merge: bool) -> Changes:
    """What changed between a commit and what is checked out.

    With `merge`, between the commit at which both branches part and what is checked out.
    """
    short = base[:8]
    if _git(repository, "cat-file", "-e", f"{base}^{{commit}}") is None:
        return nothing_known(f"commit {short} is not in this checkout (a shallow clone, or pushed by force)")
    if merge:
        common = _git(repository, "merge-base", base, "HEAD")
        if common is None:
            return nothing_known(f"this branch has no commit in common with {short} here")
        base = common.decode("ascii", "replace").strip()
    elif _git(repository, "merge-base", "--is-ancestor", base, "HEAD") is None:
        return nothing_known(f"commit {short} is not part of this branch (pushed by force)")
    listed = _git(repository, "diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", "--relative", base, "HEAD")
    if listed is None:
        return nothing_known(f"git could not compare with commit {short}")
    return Changes(frozenset(os.fsdecode(name) for name in listed.split(b"\0") if name), f"commit {base[:8]}")


def is_tracked(repository: Path, place: Path) -> bool | None:
    """Whether files in a folder belong to the repository, so that a push brought them; None if git cannot say."""
    listed = _git(repository, "ls-files", "-z", "--", str(place))
    return None if listed is None else bool(listed)


def prefix(repository: Path) -> str:
    """Where a folder lies in its git repository, with `/` at the end; empty at the top, and where git knows nothing."""
    found = _git(repository, "rev-parse", "--show-prefix")
    return "" if found is None else os.fsdecode(found).rstrip("\n")


def _git(repository: Path, *arguments: str) -> bytes | None:
    """What git says; None if it failed, or is not there."""
    try:
        ran = subprocess.run(
            ["git", *_QUIET, "-C", str(repository), *arguments],
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            env={**os.environ, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return ran.stdout if ran.returncode == 0 else None
