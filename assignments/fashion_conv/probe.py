"""Call the student's function once; training is captured, and replayed."""


def probe(student, rng):
    """`student.call` writes down what came back."""
    student.call("train_fashion_conv")
