"""Check from inside a notebook, in a process of its own.

The process is the command line, so that verdicts, sandbox and settings are the same, and neither TensorFlow nor anything
else of the notebook's state has part in it. It tells on standard error how it goes on, which is passed on line by line.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from grader.api.reports import CheckReport
from grader.api.source import written
from grader.pipeline.check import Checked

COMMAND = "import sys; sys.path.append({!r}); from grader.cli import main; main()"
PACKAGE = Path(__file__).resolve().parent.parent.parent
NOTHING = (
    "grader: nothing was run in this notebook yet, and its file was not found. Run your cells, or name the file: "
    "grader.check('{}', 'my_notebook.ipynb')."
)
USAGE = 2
"""The exit code of a mistake that a sentence has been printed about."""
FAILED = "grader: the check itself failed (exit code {}). Please report the lines above."


def shell_here() -> Any | None:
    """The shell of the notebook that this runs in; None in a script, and in IPython on a terminal."""
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module is not None else None
    return shell if shell is not None and hasattr(shell, "kernel") else None


def check_here(
    shell: Any, assignment: str, file: Path | None, options: Sequence[str], *, progress: bool = True
) -> CheckReport | None:
    """Check a file, or what is written in the notebook; None, after a sentence, if that is not possible."""
    with tempfile.TemporaryDirectory() as scratch:
        remark = ""
        if file is None:
            source = written(shell)
            if source is None:
                say(NOTHING.format(assignment))
                return None
            file, remark = Path(scratch) / "notebook.ipynb", source.remark
            file.write_text(json.dumps(source.notebook), "utf-8")
        checked = run_command(["check", assignment, str(file), "--json", *options], progress=progress)
    if checked is None:
        return None
    remarks = tuple(text for text in (remark, *checked.remarks) if text)
    return CheckReport(checked.model_copy(update={"remarks": remarks}))


def run_command(arguments: Sequence[str], *, progress: bool) -> Checked | None:
    """Run `grader check … --json`; what it says on the way is printed. None if it came to no result."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", COMMAND.format(str(PACKAGE)), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUTF8": "1", "NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "120"},
        encoding="utf-8",
        errors="replace",
        start_new_session=os.name == "posix",
    )
    assert process.stderr is not None
    assert process.stdout is not None
    try:
        with tempfile.TemporaryFile("w+", encoding="utf-8") as kept:
            copy_lines(process, kept, progress=progress)
            output = kept.read()
        code = process.wait()
    except KeyboardInterrupt:
        end(process)
        say("grader: interrupted. A training that had ended is kept.")
        return None
    finally:
        process.stderr.close()
        process.stdout.close()
    try:
        return Checked.model_validate_json(output)
    except ValidationError:
        if code != USAGE:
            say(FAILED.format(code))
        return None


def copy_lines(process: "subprocess.Popen[str]", kept: Any, *, progress: bool) -> None:
    """Print what the command says, as it says it; its result goes to a file meanwhile, to be read from its beginning."""

    def take() -> None:
        assert process.stdout is not None
        for text in process.stdout:
            kept.write(text)

    reader = threading.Thread(target=take, daemon=True)
    reader.start()
    assert process.stderr is not None
    for line in process.stderr:
        if progress or line.startswith(("grader:", "Not sandboxed", "A smaller sandbox")):
            say(line.rstrip("\n"))
    reader.join()
    kept.seek(0)


def end(process: "subprocess.Popen[str]") -> None:
    """End the command as Ctrl-C does, so that it ends what it has started."""
    with contextlib.suppress(OSError):
        process.send_signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def say(line: str) -> None:
    """One line into the output of the cell."""
    print(line, flush=True)
