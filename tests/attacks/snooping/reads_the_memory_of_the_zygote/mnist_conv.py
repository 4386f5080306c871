import ctypes
import os

found = []
for pid in {os.getppid(), 1}:
    for part in ("mem", "maps", "environ"):
        try:
            found.append(open(f"/proc/{pid}/{part}", "rb").read(1))
        except OSError:
            pass
    if ctypes.CDLL(None).ptrace(16, pid, 0, 0) == 0:
        found.append(pid)
print("memory:", found)
