"""One job in a plain process, for machines without a sandbox: no confinement, no fork, nothing that only Linux has.

Theory of operation. The process imports what jobs need, then reads one line from its standard input: the kind of job,
its folder, a port and a token. It opens three connections to the grading process on this machine: for frames, for
standard output and for standard error. Each begins with the token and a letter, so that no other program can take its
place. Then the job runs, and the process ends.
"""

import contextlib
import json
import os
import socket
import sys
from pathlib import Path

from grader.wire.channel import Channel, ChannelBroken
from grader.wire.greeting import STREAMS, connect
from grader.zygote import endings
from grader.zygote.tools import KINDS, prepare


def main() -> None:
    """Warm up, connect, run one job, and leave without any clean-up."""
    tools = prepare({**json.loads(sys.argv[1]), "forks": False})
    line = sys.stdin.readline()
    if not line:
        return  # nobody needs this process any more
    job = json.loads(line)
    channel, out, err = (connect(int(job["port"]), str(job["token"]), letter) for letter in STREAMS)
    code = endings.OUR_FAULT
    try:
        take_place(out, err, Path(job["folder"]))
        connection = Channel(channel)
        message = connection.receive()
        if job["kind"] in KINDS:
            tools.jobs[job["kind"]](message, connection)
            code = 0
    except MemoryError:
        code = endings.OUT_OF_MEMORY
    except ChannelBroken:
        code = endings.CHANNEL_BROKEN
    except BaseException:  # noqa: BLE001 - the last frame of this process: it must end here, and say why on stderr
        import traceback

        with contextlib.suppress(BaseException):
            traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(BaseException):
                stream.flush()
        os._exit(code)


def take_place(out: socket.socket, err: socket.socket, folder: Path) -> None:
    """Print into the connections, and work in the job's folder.

    Where descriptors can stand for sockets, what other programs print goes there too.
    """
    if os.name == "posix":
        os.dup2(out.fileno(), 1)
        os.dup2(err.fileno(), 2)
    sys.stdout = out.makefile("w", encoding="utf-8", errors="backslashreplace", newline="\n")
    sys.stderr = err.makefile("w", encoding="utf-8", errors="backslashreplace", newline="\n")
    os.chdir(folder)
    os.environ.update(HOME=str(folder), TMPDIR=str(folder))


if __name__ == "__main__":
    main()
