"""What a guest gives up before it runs student code: rights, descriptors, and most of its limits."""

import contextlib
import ctypes
import os
import resource
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from py_landlock import AccessFs, Landlock, LandlockError, get_abi_version


def close_descriptors(keep: set[int]) -> None:
    """Close every descriptor but those to keep."""
    for number in [int(path.name) for path in Path("/proc/self/fd").iterdir()]:
        if number not in keep:
            try:
                os.close(number)
            except OSError:
                continue


def die_with_parent() -> None:
    """End this process when its zygote ends: without namespaces nothing else would."""
    ctypes.CDLL(None).prctl(1, 9, 0, 0, 0)  # PR_SET_PDEATHSIG, SIGKILL


def drop_capabilities() -> None:
    """Give up every capability, for good: root in a container could else read the environment of all processes.

    (Linux lets CAP_PERFMON read `/proc/<pid>/environ` and `maps` past Landlock's check; `bwrap --cap-drop ALL` does
    the same for the level `full`.)
    """
    libc = ctypes.CDLL(None)
    for number in range(64):
        libc.prctl(24, number, 0, 0, 0)  # PR_CAPBSET_DROP
    libc.prctl(47, 4, 0, 0, 0)  # PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this process
    libc.capset(header, (ctypes.c_uint32 * 6)())


def set_limits(limits: dict[str, Any]) -> None:
    """Set the kernel's limits for this process and its children; the watchdog outside is the second line."""
    cpu = max(1, int(limits["cpu_seconds"] + limits["live_wall_seconds"]))
    wanted = {
        resource.RLIMIT_CPU: (cpu, cpu + 1),
        resource.RLIMIT_FSIZE: (int(limits["file_bytes"]),) * 2,
        resource.RLIMIT_NOFILE: (512, 512),
        resource.RLIMIT_NPROC: (int(limits["processes"]) + 64,) * 2,
        resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_DATA: (data_bytes() + int(limits["memory_bytes"]),) * 2,
    }
    for kind, value in wanted.items():
        hard = resource.getrlimit(kind)[1]
        if hard != resource.RLIM_INFINITY:
            value = (min(value[0], hard), min(value[1], hard))
        resource.setrlimit(kind, value)


def data_bytes() -> int:
    """Bytes of private writable memory that this process has already (`VmData`)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmData"):
            return int(line.split()[1]) * 1024
    return 0


def find_landlock() -> None:
    """Have py_landlock find the C library before there are jobs.

    It runs `ldconfig` for that, once in each process: 35 ms of processor time, where the rest of confining takes 8.
    """
    with contextlib.suppress(LandlockError):
        get_abi_version()


def apply_landlock(readable: list[str], writable: list[str], devices: Sequence[str] = ()) -> bool:
    """Confine this process and its children to what is below some paths.

    They read and run only what is below `readable`, write only below `writable`, use no device but `devices`, reach no
    network and signal nobody outside. Paths that do not exist are left out. Returns False where the kernel has no Landlock.
    """
    try:
        rules = Landlock(strict=False)
        for path in filter(os.path.exists, readable):
            rules.add_path_rule(path, access=reading(AccessFs, path))
        for path in writable:
            rules.add_path_rule(path, access=every_right(AccessFs))
        for path in filter(os.path.exists, devices):
            rules.add_path_rule(path, access=using(AccessFs))
        rules.add_path_rule("/dev/null", access=AccessFs.READ_FILE | AccessFs.WRITE_FILE)
        rules.apply()
    except LandlockError:
        return False
    return True


def reading(rights: Any, path: str) -> Any:
    """Rights to read and run what is at `path`; a file takes no rights of folders."""
    return rights.READ_FILE | rights.EXECUTE | (rights.READ_DIR if Path(path).is_dir() else rights(0))


def using(rights: Any) -> Any:
    """Rights to use a device: to read, to write, and (Linux 6.10) to control it."""
    return rights.READ_FILE | rights.WRITE_FILE | getattr(rights, "IOCTL_DEV", rights(0))


def every_right(rights: Any) -> Any:
    """All file-system rights in one value."""
    value = rights(0)
    for right in rights:
        value |= right
    return value
