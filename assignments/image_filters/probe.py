"""Call each function on the worked example, the drawn images and a piece of the ascent image."""


def probe(student, rng):
    """Each call has a label, by which the checks find it."""
    given = student.inputs
    student.seconds = 8
    for label in ("example", "any", "oblong", "clipped", "border", "colour"):
        student.call_as(label, "apply_filter", *given[label])
    image, kernel, factor = given["factor"]
    student.call_as("factor", "apply_filter", image, kernel, factor=factor)
    image, kernel, bias = given["bias"]
    student.call_as("bias", "apply_filter", image, kernel, bias=bias)
    image, kernel, factor, bias = given["together"]
    student.call_as("together", "apply_filter", image, kernel, factor=factor, bias=bias)
    student.call_as("bytes", "apply_filter", given["bytes"], given["bytes_kernel"], factor=1 / 16)
    for name in ("blur", "gaussian_blur", "motion_blur", "find_edges", "sharpen", "emboss"):
        student.call_as(f"{name}_grey", name, given["grey"])
        student.call_as(f"{name}_colour", name, given["scene"])
    for name in ("mean_filter", "median_filter"):
        for size in ("odd", "even"):
            student.call_as(f"{name}_{size}", name, given["small"], given[size])
        student.call_as(f"{name}_colour", name, given["small_scene"], 3)
        student.call_as(f"{name}_border", name, given["border"][0], 3)
        student.call_as(f"{name}_bytes", name, given["bytes"], 3)
