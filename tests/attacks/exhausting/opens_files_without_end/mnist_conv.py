import fcntl
import os

held = []
try:
    while True:
        reading, writing = os.pipe()
        held += [reading, writing]
        os.set_blocking(writing, False)
        try:
            fcntl.fcntl(writing, 1031, 2**20)
            os.write(writing, bytes(2**20))
        except OSError:
            pass
except OSError:
    print("descriptors end below", 1000 if len(held) < 1000 else "nothing")
for number in held:
    os.close(number)
