import signal

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try:
    for number in range(100_000):
        with open(f"file{number}", "wb") as file:
            file.write(bytes(2**24))
except OSError as error:
    print("full:", type(error).__name__)
