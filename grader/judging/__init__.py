"""From an observation to verdicts: what an assignment's `checks.py` imports.

A check is a function in `checks.py` with `@points(…)`. Its name is its id, its docstring the sentence that the student
reads. It asks for what it needs by the names of its arguments:

    observation   everything that is known of the run
    call          the probe's first call of the first entry point
    fit           the graded call of `fit`; the check fails if there was none
    network       the network of that fit, as the trainer built it
    training      the real training; the check waits until there is one
"""

from grader.judging.evidence import Evidence, Training
from grader.judging.marks import CheckFailed, fail, fail_by_parts, points, problem_with

__all__ = ["CheckFailed", "Evidence", "Training", "fail", "fail_by_parts", "points", "problem_with"]
