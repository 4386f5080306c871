import os
import time

for number in range(3, 64):
    try:
        os.write(number, b"\x7f\xff\xff\xff\x00\x00{")
    except OSError:
        pass
time.sleep(1000)
