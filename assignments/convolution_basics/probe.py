"""Call each function on the worked examples and on the drawn inputs."""


def probe(student, rng):
    """Each call has a label, by which the checks find it."""
    given = student.inputs
    student.seconds = 5
    for number, size in enumerate(given["sizes"]):
        student.call_as(f"size_{number}", "output_size", *size)
    for label in ("edge", "symbols", "any", "oblong"):
        student.call_as(label, "convolve2d", *given[label])
    student.call_as("channels", "convolve2d", *given["channels"])
    image, kernel, stride = given["stride"]
    student.call_as("stride", "convolve2d", image, kernel, stride=stride)
    for padding in ("same", "full"):
        student.call_as(padding, "convolve2d", *given[padding], padding=padding)
    image, kernel, stride = given["same_stride"]
    student.call_as("same_stride", "convolve2d", image, kernel, stride=stride, padding="same")
    for label in ("pooled", "pool_odd", "pool_even"):
        student.call_as(label, "max_pool2d", given[label])
    student.call_as("pool_three", "max_pool2d", given["pool_three"], size=3)
    student.seconds = 30
    for name in ("vertical_lines", "horizontal_lines"):
        student.call_as(name, name, given["ascent"])
