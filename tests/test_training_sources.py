"""Who shares a training is a fact about the folder, whatever the order in which its results were written."""

from grader.model.result import Result, TrainingSummary
from grader.results.sharing import with_sources
from grader.results.verdicts import without_run
from tests.factories import make_submission


def result(student: str, fingerprint: str, source: str = "trained") -> Result:
    """A result with a training, or with none."""
    made = without_run(make_submission(student=student), (), digests=("", ""), sandbox="full")
    if not fingerprint:
        return made
    summary = TrainingSummary(
        source=source,  # type: ignore[arg-type]
        epochs=1,
        accuracy=0.5,
        stopped_by_callback=False,
        fingerprint=fingerprint,
    )
    return made.model_copy(update={"training": summary})


def sources(results: list[Result]) -> list[str]:
    """The sources in order; a dash for none."""
    return [item.training.source if item.training else "-" for item in with_sources(results)]


def test_a_training_of_several_is_shared_and_of_one_is_not() -> None:
    """Also where a result from before says otherwise."""
    assert sources([result("a", "x"), result("b", "y"), result("c", "x"), result("d", "")]) == [
        "shared",
        "trained",
        "shared",
        "-",
    ]
    assert sources([result("a", "x", "shared"), result("b", "y")]) == ["trained", "trained"]


def test_a_live_training_stays_live() -> None:
    """Its numbers are claims, with whomever it may seem to be shared."""
    assert sources([result("a", "x", "live"), result("b", "x", "live")]) == ["live", "live"]


def test_what_stays_as_it_is_is_not_written_again() -> None:
    """The same objects come back, so that only what changed is written."""
    before = [result("a", "x"), result("b", "y")]
    assert all(old is new for old, new in zip(before, with_sources(before), strict=True))
