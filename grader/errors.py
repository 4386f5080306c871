"""The errors of grader itself.

Only our own failures are exceptions. What a student's code does wrong is data: it is written in an
`Observation` and judged like everything else.

    GraderError
    ├── SetupError     a person can fix it: a wrong argument, a missing file, a broken assignment (exit code 2)
    ├── SandboxError   we could not find out what the code does: the submission needs review (status `error`)
    └── ProtocolError  a process behind a pipe did not speak as agreed
"""


class GraderError(Exception):
    """Base of every error that grader raises on purpose."""


class SetupError(GraderError):
    """A person can fix this: the message says where, what was expected, what was found, what to do."""


class SandboxError(GraderError):
    """Our own failure to run or watch a job; it never costs a student points."""


class ProtocolError(GraderError):
    """A frame that does not follow the protocol: too large, too deep, not JSON, or out of turn."""
