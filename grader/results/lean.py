"""Results of a large class in little memory: all of them are held at once."""

from collections.abc import Hashable
from functools import cache, lru_cache
from typing import Any, TypeVar

from grader.model.record import Record
from grader.model.result import Result

E = TypeVar("E", bound=Hashable)


def lean(result: Result) -> Result:
    """The same result in a sixth of the memory: of a large class, all are held at once.

    Of what is equal over a class, verdicts above all, only one is kept; and records of one kind share the set that says
    which of their fields were given.
    """
    same = ("status", "flags", "message", "notes", "sandbox", "assignment_digest", "score", "max_score")
    update = {
        "checks": _one_of_equal(tuple(map(_one_of_equal, result.checks))),
        "training": _sharing_fields(result.training),
        "timing": _sharing_fields(result.timing),
        **{name: _one_of_equal(getattr(result, name)) for name in same},
    }
    return result.model_construct(_fields_set=_fields(Result), **{**vars(result), **update})


@lru_cache(4096)
def _one_of_equal(value: E) -> E:
    return value


@cache
def _fields(kind: type[Record]) -> set[str]:
    return set(kind.model_fields)


def _sharing_fields(record: Any) -> Any:
    kind: type[Record] = type(record)
    return None if record is None else kind.model_construct(_fields_set=_fields(kind), **vars(record))
