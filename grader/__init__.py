"""Grade machine-learning assignments: the box reports, a trusted process decides.

In Python: `grader.grade(…)` for a class, `grader.check(…)` for one file or the notebook that is open; in a notebook also
`%load_ext grader` and `%%grade ID`. What they need is imported at the first call, since this module is imported in the
sandbox too.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grader.api import CheckReport, GradeReport, check, grade

__all__ = ["CheckReport", "GradeReport", "__version__", "check", "grade", "load_ipython_extension"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(importlib.import_module("grader.api"), name)
    raise AttributeError(f"module 'grader' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def load_ipython_extension(shell: Any) -> None:
    """For `%load_ext grader`: makes the cell magic `%%grade`."""
    importlib.import_module("grader.api.magic").register(shell)
