import ctypes
import os

found = []
try:
    found.append(os.memfd_create("m"))
except OSError:
    pass
if ctypes.CDLL(None).shmget(0, 2**30, 0o1600) >= 0:
    found.append("shm")
for folder in ("/dev/shm", "/tmp", "/run"):
    try:
        with open(f"{folder}/large", "wb") as file:
            file.write(bytes(2**20))
        found.append(folder)
    except OSError:
        pass
print("hidden:", found)
