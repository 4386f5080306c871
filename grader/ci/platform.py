"""Where we run, told from the variables that GitHub Actions and GitLab CI document.

Sources: "Default environment variables" and "Webhook events and payloads" of GitHub's documentation; "Predefined CI/CD
variables" of GitLab's. What they hold may have been chosen by a student (names of branches, of repositories): it is
only compared, and shown escaped.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_MOST_PAYLOAD_BYTES = 32 * 2**20


@dataclass(frozen=True)
class Platform:
    """What a platform says about this run."""

    name: Literal["github", "gitlab", "other", "none"]
    base: str = ""
    """The commit to compare with; empty if it is not known."""
    why_no_base: str = ""
    """A reason, as the second half of a sentence."""
    merge: bool = False
    """Whether `base` belongs to another branch, so that the commit at which both part counts."""
    repository: str = ""
    """The last part of the repository's name."""
    ref: str = ""
    """The branch or tag."""
    person: str = ""
    """Who is likely to own the work."""
    person_is: str = ""
    """What the platform calls that person, for the log."""

    @property
    def is_ci(self) -> bool:
        """Whether this is a machine for one job, thrown away afterwards."""
        return self.name != "none"

    @property
    def label(self) -> str:
        """Its name for people."""
        return {"github": "GitHub Actions", "gitlab": "GitLab CI", "other": "CI", "none": "no CI"}[self.name]


def detect(environment: Mapping[str, str]) -> Platform:
    """The platform by its variables."""
    if environment.get("GITHUB_ACTIONS") == "true":
        return _github(environment)
    if environment.get("GITLAB_CI") == "true":
        return _gitlab(environment)
    name: Literal["other", "none"] = "other" if environment.get("CI", "").lower() in ("true", "1") else "none"
    return Platform(name, why_no_base="nothing says which commit was graded before")


def _github(environment: Mapping[str, str]) -> Platform:
    payload = _payload(environment.get("GITHUB_EVENT_PATH", ""))
    base, why = _github_base(environment.get("GITHUB_EVENT_NAME", ""), payload)
    owner = _at(payload, "repository", "owner")
    actor = environment.get("GITHUB_ACTOR", "")
    person, kind = (actor, "who pushed") if not actor.endswith("[bot]") else ("", "")
    if isinstance(owner, dict) and owner.get("type") == "User":
        person, kind = environment.get("GITHUB_REPOSITORY_OWNER", ""), "the repository's owner"
    return Platform(
        "github",
        base=base,
        why_no_base=why,
        merge=environment.get("GITHUB_EVENT_NAME", "").startswith("pull_request"),
        repository=environment.get("GITHUB_REPOSITORY", "").rpartition("/")[2],
        ref=environment.get("GITHUB_REF", ""),
        person=person,
        person_is=kind,
    )


def _github_base(event: str, payload: dict[str, Any]) -> tuple[str, str]:
    if event.startswith("pull_request"):
        return _commit(_at(payload, "pull_request", "base", "sha"), "the event names no base")
    if event != "push":
        return "", f"the event is {event or 'not known'}, which names no earlier commit"
    if payload.get("forced") is True:
        return "", "the branch was pushed by force"
    return _commit(payload.get("before"), "the event names no earlier commit")


def _gitlab(environment: Mapping[str, str]) -> Platform:
    merge = environment.get("CI_MERGE_REQUEST_DIFF_BASE_SHA", "")
    base, why = _commit(merge or environment.get("CI_COMMIT_BEFORE_SHA"), "the pipeline names no earlier commit")
    return Platform(
        "gitlab",
        base=base,
        why_no_base=why,
        merge=bool(merge),
        repository=environment.get("CI_PROJECT_NAME", ""),
        ref=environment.get("CI_COMMIT_REF_NAME", ""),
        person=environment.get("GITLAB_USER_LOGIN", ""),
        person_is="who pushed",
    )


def _commit(value: object, missing: str) -> tuple[str, str]:
    """A commit's full name, or why it is none: a branch that is new has zeros."""
    if not isinstance(value, str) or not _COMMIT.fullmatch(value):
        return "", missing
    return ("", "this is the first push of the branch") if not value.strip("0") else (value, "")


def _payload(path: str) -> dict[str, Any]:
    """The event's payload; empty if there is none that can be read."""
    try:
        place = Path(path)
        if not path or place.stat().st_size > _MOST_PAYLOAD_BYTES:
            return {}
        value = json.loads(place.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _at(value: object, *keys: str) -> object:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value
