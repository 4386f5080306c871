"""Grading on every push: where we run, what changed, what is not as it was released, and what the job ends with."""

from grader.ci.changes import Changes, changed_since, is_tracked, nothing_known, prefix
from grader.ci.memory import Memory, digest_of, digest_of_folders
from grader.ci.platform import Platform, detect
from grader.ci.released import (
    RECORD,
    ReleaseRecord,
    compare,
    own_assignments,
    parse_digest,
    read_record,
    record_of,
    write_record,
)
from grader.ci.threshold import Threshold, parse_threshold
from grader.ci.written import KINDS, SERVICES, write_template

__all__ = [
    "KINDS",
    "RECORD",
    "SERVICES",
    "Changes",
    "Memory",
    "Platform",
    "ReleaseRecord",
    "Threshold",
    "changed_since",
    "compare",
    "detect",
    "digest_of",
    "digest_of_folders",
    "is_tracked",
    "nothing_known",
    "own_assignments",
    "parse_digest",
    "parse_threshold",
    "prefix",
    "read_record",
    "record_of",
    "write_record",
    "write_template",
]
