"""A class of 200 in which every fourth hand-in is an attack, graded to the end; then again, killed ten times.

    python bench/hostile_class.py [--students 200] [--kills 10]

The honest ones are copies of the reference; a store knows its training (the curve is made up: nothing is trained here),
so that the grader itself is at work and not TensorFlow. Printed: honest scores, what was left behind, the peak memory of
all processes, and whether the scores after the kills are those of the undisturbed run.
"""

import argparse
import contextlib
import json
import os
import random
import runpy
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from bench.overhead import copies, warm_store
from grader.cli import places
from grader.pipeline.settings import Settings
from grader.scratch import PREFIX, scratch_root
from grader.zygote.processes import descendants

CHECKOUT = Path(__file__).resolve().parent.parent
ATTACKS = CHECKOUT / "tests/attacks"
WATCHED = (CHECKOUT, Path.home(), Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"))  # noqa: S108 - looked at only


def write_class(folder: Path, students: int) -> None:
    """Honest hand-ins, and an attack in every fourth place."""
    attacks = sorted(path.parent for path in ATTACKS.glob("*/*/expected.toml"))
    for number, submission in enumerate(copies(students)):
        attack = attacks[number // 4 * 7 % len(attacks)] if number % 4 == 3 else None
        place = folder / f"s{number:03d}_{'honest' if attack is None else f'{attack.parent.name}_{attack.name}'}"
        place.mkdir(parents=True)
        if attack is None:
            assert submission.source is not None
            (place / "mnist_conv.py").write_text(submission.source.cells[0].text)
        elif (attack / "make.py").is_file():
            runpy.run_path(str(attack / "make.py"))["make"](place)
        else:
            (place / "mnist_conv.py").write_bytes((attack / "mnist_conv.py").read_bytes())


def copy_assignment(place: Path) -> None:
    """`mnist_conv` with less patience: what must train inside the sandbox has 20 seconds instead of 15 minutes."""
    shutil.copytree(CHECKOUT / "assignments/mnist_conv", place)
    settings = place / "assignment.toml"
    settings.write_text(settings.read_text().replace("live_wall_seconds = 900", "live_wall_seconds = 20"))


def start(place: Path, output: str) -> "subprocess.Popen[bytes]":
    """`grader grade` over the class."""
    words = ["grade", "class", "--assignment", "mnist_conv", "--output", output, "--timeout", "20"]
    environment = {
        **os.environ,
        "GRADER_HOME": str(place / "home"),
        "GRADER_ASSIGNMENTS": str(place / "assignments"),
        "PYTHONPATH": str(CHECKOUT),
    }
    log = (place / f"{output}.log").open("ab")
    return subprocess.Popen(
        [sys.executable, "-m", "grader", *words], cwd=place, env=environment, stdout=log, stderr=log
    )


class Memory(threading.Thread):
    """Looks at the memory of a process and all below it until that ends."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.peak = pid, 0

    def run(self) -> None:
        """Look twice a second."""
        while Path(f"/proc/{self.pid}/stat").exists() and not is_over(self.pid):
            self.peak = max(self.peak, sum(map(proportional, [self.pid, *descendants(self.pid)])))
            time.sleep(0.5)


def is_over(pid: int) -> bool:
    """True once a process is only waited for."""
    with contextlib.suppress(OSError):
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    return True


def proportional(pid: int) -> int:
    """Proportional set size of a process in bytes; 0 if it is gone."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def seen(place: Path) -> dict[str, tuple[int, int]]:
    """Size and time of every file in the watched folders, but for this benchmark's own."""
    found = {}
    for top in WATCHED:
        for folder, names, files in os.walk(top):
            names[:] = [
                name for name in names if name not in (".git", "__pycache__") and not own(Path(folder) / name, place)
            ]
            for name in files:
                with contextlib.suppress(OSError):
                    status = (Path(folder) / name).lstat()
                    found[f"{folder}/{name}"] = status.st_size, status.st_mtime_ns
    return found


def own(path: Path, place: Path) -> bool:
    """True for folders of this benchmark and of other programs that are at work here."""
    return path == place or path.name.startswith((".cache", "bash_", "tmp", "pip-", PREFIX))


def scores(place: Path, output: str) -> list[dict[str, Any]]:
    """What `scores.json` says, without times and without the words that quote one."""
    found = json.loads((place / output / "scores.json").read_text())["submissions"]
    return [{key: value for key, value in item.items() if key != "timing"} for item in found]


def leftovers(place: Path) -> tuple[list[str], list[str]]:
    """(command lines of processes of this benchmark that still live, scratch folders of graders that are gone)."""
    lines = []
    for path in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if path.name.isdigit() and int(path.name) != os.getpid():
                line = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                if str(place) in line or "grader.zygote" in line:
                    lines.append(line[:100])
    return lines, [path.name for path in scratch_root().glob(f"{PREFIX}*")]


def main() -> None:
    """Measure, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", type=int, default=200)
    parser.add_argument("--kills", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch).resolve()
        write_class(place / "class", options.students)
        copy_assignment(place / "assignments/mnist_conv")
        os.environ["GRADER_HOME"] = str(place / "home")
        warm_store(place, Settings(places.datasets(), place / "home/store", jobs=1))
        before = seen(place)
        begun = time.monotonic()
        process = start(place, "quiet")
        memory = Memory(process.pid)
        memory.start()
        code = process.wait()
        length = time.monotonic() - begun
        after = seen(place)
        changed = [name for name in before.keys() | after.keys() if before.get(name) != after.get(name)]
        undisturbed = scores(place, "quiet")
        honest = [item["score"] for item in undisturbed if item["student"].endswith("_honest")]
        print(
            f"{options.students} submissions in {length:.0f} s, exit code {code}; honest: {len(honest)}, with full marks: {honest.count(10.0)}"
        )
        print(
            f"statuses: { {status: sum(item['status'] == status for item in undisturbed) for status in sorted({item['status'] for item in undisturbed})} }"
        )
        print(
            f"peak memory of all processes: {memory.peak / 2**30:.1f} GiB; left behind: {leftovers(place)}; changed elsewhere: {changed[:5]}"
        )
        moments = random.Random(11)  # noqa: S311 - moments to kill at, no secret
        for _ in range(options.kills):
            process = start(place, "killed")
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5 + moments.random() * length / max(options.kills - 3, 1))
            process.kill()
            process.wait()
        kept = sum(1 for _ in (place / "killed/submissions").glob("*/result.json"))
        start(place, "killed").wait()
        again = scores(place, "killed")
        differing = [one["student"] for one, other in zip(undisturbed, again, strict=True) if one != other]
        print(
            f"killed {options.kills} times ({kept} results kept at the last): different scores: {differing}; left behind: {leftovers(place)}"
        )
        for one, other in zip(undisturbed, again, strict=True):
            if one != other:
                print(one["student"], {key: (one[key], other[key]) for key in one if one[key] != other[key]})


if __name__ == "__main__":
    main()
