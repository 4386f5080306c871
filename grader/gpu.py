"""The NVIDIA graphics processors of this machine: their device files, and what they are. CUDA is not asked."""

import os
import re
from pathlib import Path

SWITCH = "GRADER_GPU"
"""With the value 0 graphics processors are left alone."""
DEV, PROC = Path("/dev"), Path("/proc/driver/nvidia/gpus")
NUMBERED = re.compile(r"nvidia\d+")
SHARED = ("nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-modeset")
MODEL = re.compile(r"^Model:\s*(\S.*?)\s*$", re.MULTILINE)


def devices() -> tuple[str, ...]:
    """The files by which a program reaches graphics processors; none where there are none, or by `GRADER_GPU=0`."""
    if os.environ.get(SWITCH) == "0":
        return ()
    names = sorted(path.name for path in DEV.glob("nvidia*"))
    numbered = [name for name in names if NUMBERED.fullmatch(name)]
    return tuple(str(DEV / name) for name in [*numbered, *(name for name in SHARED if name in names)] if numbered)


def models() -> tuple[str, ...]:
    """The models of the graphics processors that trainings may use, in the order of the alphabet."""
    if not devices():
        return ()
    found = [name for path in PROC.glob("*/information") for name in MODEL.findall(path.read_text("utf-8", "replace"))]
    return tuple(sorted(found)) or ("of a model that the driver does not tell",)
