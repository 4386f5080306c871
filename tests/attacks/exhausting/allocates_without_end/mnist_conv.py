import numpy as np

kept = []
while True:
    try:
        kept.append(np.ones(10_000_000))
    except MemoryError:
        pass
