"""Sizes of a small network whose parameters the student's function must count."""


def draw(rng, load):
    """Sides, channels, filters, kernel and units."""
    return {
        "side": int(rng.integers(12, 20)),
        "channels": int(rng.integers(1, 4)),
        "filters": int(rng.integers(3, 9)),
        "kernel": int(rng.choice([2, 3, 5])),
        "units": int(rng.integers(5, 20)),
    }
