"""Which submissions have the same training."""

from collections import Counter

from grader.model.result import Result


def with_sources(results: list[Result]) -> list[Result]:
    """The results with `training.source` as it is among them: `shared` by several, or `trained` for one alone.

    A result whose source stays as it is, is the same object.
    """
    counts = Counter(result.training.fingerprint for result in results if result.training)
    return [with_source(result, counts) for result in results]


def with_source(result: Result, counts: Counter[str]) -> Result:
    """One result, given how many have each training."""
    training = result.training
    if training is None or training.source == "live":
        return result
    source = "shared" if counts[training.fingerprint] > 1 else "trained"
    return (
        result
        if source == training.source
        else result.model_copy(update={"training": training.model_copy(update={"source": source})})
    )
