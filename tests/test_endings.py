"""What is left of a job is ended, also what was not there when it was looked for."""

import subprocess
import sys

LATE = """
import os, signal, time
from grader.zygote import serve

child = os.fork()
if child == 0:
    time.sleep(600)
looks = []

def signal_everything():
    looks.append(1)
    if len(looks) == 2:  # the first look came too early to find it
        os.kill(child, signal.SIGKILL)
    elif len(looks) > 2:
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            print("nothing is left")
            raise

serve.signal_everything = signal_everything
serve.kill_everything()
"""


def test_a_process_that_was_overlooked_is_looked_for_again() -> None:
    """It was forked while the others were being listed: who waits for it to end by itself waits for ever."""
    done = subprocess.run([sys.executable, "-c", LATE], capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout == "nothing is left\n", done.stderr
