"""What travels to a worker and back: whole, checked, and nothing that students or their machines should not know."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.errors import SandboxError, SetupError
from grader.model.observation import Curve, EpochSeen
from grader.model.submission import Cell, Identity, Note, Source, Submission
from grader.model.training import ArrayRef, Description, EpochLogs, Evaluation, EvaluationRequest, TrainingRun
from grader.pipeline import workshop
from grader.pipeline.carriers import check_engine
from grader.pipeline.conversation import Link
from grader.pipeline.errands import DescribeNetwork, Errand, EvaluateNetwork, RunProgram, Seen, TrainNetwork
from grader.pipeline.parcels import (
    pack,
    pack_errand,
    pack_failure,
    pack_outcome,
    unpack,
    unpack_errand,
    unpack_outcome,
)
from grader.pipeline.terms import terms_of
from grader.pipeline.trainer_desk import Plan, Trained
from grader.pipeline.workshop import FetchedRuns, FetchingBook, Order, answer, fed, open_workshop, versions_here
from grader.sandbox.doctor import Finding
from grader.training.arrays import DataBook
from grader.training.store import Store
from grader.wire.recipes import content_digest
from tests.factories import make_description, make_fit, make_observation, make_request, make_run, write_assignment

Array = np.ndarray[Any, Any]
LOGS = st.dictionaries(st.text(max_size=8), st.floats(), max_size=3)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


REFERENCE = ArrayRef(digest="a" * 64, dtype="float32", shape=(2, 3), original_dtype="float64")
WANTED = EvaluationRequest(fingerprint="f", epoch=3, x=REFERENCE, y=REFERENCE, batch_size=50)


def floats(values: Any) -> Array:
    return np.array(values, np.float32)


def submission(**changes: Any) -> Submission:
    source = Source(
        kind="notebook",
        cells=(Cell(number=1, text="x = 'ä\u2028'"), Cell(number=3, text="")),
        notes=(Note(kind="k", where="w", text="t"),),
        prose=(Cell(number=2, text="my name is Ada Lovelace"),),
    )
    values = {"student": "ada", "path": "ada/demo.ipynb", "digest": "d", "source": source}
    return Submission(**{**values, "identity": Identity(name="Ada Lovelace", email="ada@example.org"), **changes})


def plan(**changes: Any) -> Plan:
    values = {"fingerprint": "f", "chain": (Link(make_request(), 2), Link(make_request(), 3, 4)), "epochs": 5}
    return Plan(**{**values, "threshold": 0.998, "seed": 1, "parameters": 10, "batch": 7, **changes})


def same_logs(one: Any, other: Any) -> bool:
    """Equal, where NaN equals NaN."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


@pytest.mark.parametrize(
    "errand",
    [
        TrainNetwork(plan()),
        TrainNetwork(plan(threshold=None, batch=None)),
        DescribeNetwork(make_request()),
        EvaluateNetwork(make_request(), 7, WANTED),
    ],
)
def test_errands_of_the_trainer_arrive_as_they_were(errand: Errand) -> None:
    """Every field, links and requests included."""
    assert unpack_errand(pack_errand(errand)) == errand


def test_a_program_arrives_with_its_code_and_nothing_else() -> None:
    """Cells, kind, digest, file name and seed; no name, folder, prose or notes."""
    found = unpack_errand(pack_errand(RunProgram(submission(), 7, allow_live=False, evaluates=True)))
    assert isinstance(found, RunProgram)
    assert found.submission.source is not None
    assert found.submission.source.cells == submission().source.cells  # type: ignore[union-attr] # it has one
    assert (found.submission.path, found.submission.digest, found.seed) == ("demo.ipynb", "d", 7)
    assert (found.allow_live, found.evaluates) == (False, True)


def test_half_a_character_arrives_as_it_was() -> None:
    """A notebook may hold half a surrogate pair, of which UTF-8 knows nothing."""
    source = Source(kind="notebook", cells=(Cell(number=1, text="x = '\ud800'"),))
    found = unpack_errand(pack_errand(RunProgram(submission(source=source), 1)))
    assert isinstance(found, RunProgram)
    assert found.submission.source == source


def test_no_secret_travels_to_a_worker(tmp_path: Path) -> None:
    """Neither checks, their points and sentences, nor who the student is."""
    checks = "from grader.judging import points\n@points(3)\ndef secret_check():\n    'A secret sentence.'\n"
    assignment = write_assignment(
        tmp_path / "demo", checks, 'extra_credit = ["secret_check"]\n[points]\nsecret_check = 5\n'
    )
    order = Order(terms_of(assignment).model_dump_json(), "full", 1, versions_here())
    sent = pack_errand(RunProgram(submission(), 1)) + repr(order).encode()
    for secret in ("secret", "ada", "Ada", "Lovelace", str(tmp_path)):
        assert secret.encode() not in sent
    assert b"student.call('train')" in sent.replace(b"\\'", b"'")


@given(LOGS, LOGS, TEXT)
def test_what_was_seen_arrives_as_it_was(logs: dict[str, float], other: dict[str, float], printed: str) -> None:
    """Numbers that are none, control characters and arrays included; the name of the student is put back."""
    curve = Curve(name="run", supplied=(logs, other), epochs=(EpochSeen(epoch=0, logs=logs, printed=printed),))
    observation = make_observation(make_fit(curve, played=curve), stdout=printed, student="")
    arrays: tuple[Array, ...] = (
        np.arange(6, dtype=np.float32).reshape(2, 3),
        np.array(True),
        np.zeros((0, 2), np.int64),
    )
    seen = Seen(observation, {"f": plan().chain}, arrays)
    found = unpack_outcome(pack_outcome(seen), RunProgram(submission(), 1)).outcome
    assert isinstance(found, Seen)
    assert found.observation.student == "ada"
    assert same_logs(
        found.observation.model_dump(mode="json"), {**observation.model_dump(mode="json"), "student": "ada"}
    )
    assert found.chains == seen.chains
    for one, two in zip(found.arrays, arrays, strict=True):
        assert (one.dtype, one.shape, one.tobytes()) == (two.dtype, two.shape, two.tobytes())


@given(st.lists(LOGS, min_size=1, max_size=3))
def test_a_training_arrives_as_it_was(epochs: list[dict[str, float]]) -> None:
    """Logs, weights and logs of batches of each epoch."""
    run = TrainingRun(fingerprint="f", seed=1, epochs=tuple(EpochLogs(logs=logs) for logs in epochs))
    weights = [floats([1, math.nan]), np.zeros((2, 0), np.float32)]
    parts = {0: (weights, None), 2: ([], (["loss", "ä"], np.ones((2, 2), np.float32)))}
    found = unpack_outcome(pack_outcome(Trained(run, parts)), TrainNetwork(plan())).outcome
    assert isinstance(found, Trained)
    assert same_logs(found.run.model_dump(mode="json"), run.model_dump(mode="json"))
    assert [array.tobytes() for array in found.parts[0][0]] == [array.tobytes() for array in weights]
    assert found.parts[0][1] is None
    assert found.parts[2][1][0] == ["loss", "ä"]
    assert found.parts[2][1][1].tolist() == [[1, 1], [1, 1]]


def test_a_description_arrives_as_it_was() -> None:
    """Layers and shapes."""
    found = unpack_outcome(pack_outcome(make_description()), DescribeNetwork(make_request())).outcome
    assert found == make_description()
    assert isinstance(found, Description)


def test_a_failure_says_why() -> None:
    """What went wrong on a worker is what is told here."""
    with pytest.raises(SandboxError, match="the zygote was lost"):
        unpack_outcome(pack_failure("the zygote was lost"), RunProgram(submission(), 1))


RIGHT = pack_outcome(Seen(make_observation(), {}, ()))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x" * 40,
        RIGHT[:-1],
        RIGHT * 2,
        pack({"type": "seen"}),
        pack({"type": "seen", "observation": "{}", "chains": "{}", "sent": []}),
        pack({"type": "unknown"}),
        pack_outcome(Seen(make_observation(submission_digest="another"), {}, ())),
        pack_outcome(Seen(make_observation(seed=2), {}, ())),
        pack_outcome(make_description()),
        pack_outcome(Trained(make_run([0.5]), {})),
        pack({"type": "failed"}),
    ],
)
def test_an_answer_that_is_none_is_our_failure(data: bytes) -> None:
    """Cut off, of another program, or something else: nobody loses points for it, and nothing is made of it."""
    with pytest.raises(SandboxError):
        unpack_outcome(data, RunProgram(submission(), 1))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_sentence(data: bytes) -> None:
    """Whatever comes back: a SandboxError, and no other exception."""
    with pytest.raises(SandboxError):
        unpack_outcome(data, TrainNetwork(plan()))


def test_another_training_is_no_answer() -> None:
    """A run under another fingerprint is not kept."""
    with pytest.raises(SandboxError, match="another training"):
        unpack_outcome(pack_outcome(Trained(make_run([0.5], seed=2), {})), TrainNetwork(plan()))


# ── what a worker asks ──


class Directly:
    """A line whose other end is in this process."""

    def __init__(self, book: DataBook, store: Store) -> None:
        self.book, self.store = book, store
        self.epochs: list[tuple[Any, ...]] = []
        self.questions: list[str] = []

    def ask(self, message: bytes) -> bytes:
        self.questions.append(str(unpack(message).body["type"]))
        found = self._answer(message)
        assert found is not None
        return found

    def tell(self, message: bytes) -> None:
        assert self._answer(message) is None

    def _answer(self, message: bytes) -> bytes | None:
        return answer(message, self.book, self.store.find, lambda *epoch: self.epochs.append(epoch))


@pytest.fixture
def line(tmp_path: Path) -> Directly:
    return Directly(DataBook(tmp_path, ()), Store(None))


def test_a_training_is_fetched_with_the_weights_that_are_used(line: Directly) -> None:
    """The run at once, weights of an epoch when they are asked for, and once; an unknown one is None."""
    weights = [floats([1, 2])]
    line.store.keep(make_run([0.5, 0.9]), {0: ([], None), 1: (weights, (["loss"], floats([[3]])))})
    runs = FetchedRuns(line)
    assert runs.find("unknown", 1) is None
    found = runs.find("f", 1)
    assert found is not None
    assert found.run == make_run([0.5, 0.9])
    assert line.questions == ["run", "run"]
    for _ in range(2):
        assert [item.tolist() for item in found.part(1)[0]] == [[1, 2]]
        assert found.part(1)[1][1].tolist() == [[3]]  # type: ignore[index] # they were kept
        assert found.part(0) == ([], None)
    assert line.questions == ["run", "run", "part", "part"]
    runs.close()


@given(LOGS)
def test_an_evaluation_arrives_as_it_was(logs: dict[str, float]) -> None:
    """Numbers that are none included."""
    errand, evaluation = EvaluateNetwork(make_request(), 7, WANTED), Evaluation(logs=logs, seconds=2.5, problem="p")
    found = unpack_outcome(pack_outcome(evaluation), errand).outcome
    assert isinstance(found, Evaluation)
    assert same_logs(found.logs, logs)
    assert (found.seconds, found.problem) == (2.5, "p")
    with pytest.raises(SandboxError):
        unpack_outcome(pack_outcome(evaluation), DescribeNetwork(make_request()))


def test_a_worker_knows_what_a_network_was_evaluated_to(line: Directly) -> None:
    """Evaluations come with the training, also those that were carried out after it was first asked for."""
    runs = FetchedRuns(line)
    line.store.keep(make_run([0.5]), {})
    before = runs.find("f", 1)
    assert before is not None
    assert before.evaluations == {}
    known = Evaluation(logs={"loss": math.inf}, seconds=1.0)
    line.store.keep_evaluation("f", 1, WANTED.key, known)
    after = runs.find("f", 1)
    assert after is not None
    assert after.evaluations == {WANTED.key: known}
    runs.close()


def test_data_to_be_evaluated_on_are_sent_back(tmp_path: Path) -> None:
    """Whoever evaluates may be another worker than the one that ran the program."""
    array = np.ones((2, 3), np.float32)
    reference = reference_of(array)
    book = DataBook(tmp_path, ())
    book.accept(reference, array)
    wanted = WANTED.model_copy(update={"x": reference, "y": reference})
    assert list(fed(Seen(make_observation(), {}, (), (wanted,)), book)) == [reference.key]


def test_a_training_that_became_longer_is_seen_as_such(line: Directly) -> None:
    """Nothing is remembered that another run of the program would miss."""
    runs = FetchedRuns(line)
    line.store.keep(make_run([0.5]), {0: ([floats([1])], None)})
    first = runs.find("f", 1)
    assert first is not None
    assert first.part(0)[0][0].tolist() == [1]
    line.store.keep(make_run([0.5, 0.9]), {0: ([floats([2])], None)})
    second = runs.find("f", 1)
    assert second is not None
    assert len(second.run.epochs) == 2
    assert second.part(0)[0][0].tolist() == [2]
    runs.close()


def reference_of(array: Array) -> ArrayRef:
    return ArrayRef(digest=content_digest(array), dtype=str(array.dtype), shape=array.shape)


def test_arrays_that_another_worker_saw_are_fetched(line: Directly, tmp_path: Path) -> None:
    """A training goes wherever there is room, with the data of the program that asked for it."""
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    reference = reference_of(array)
    assert line.book.accept(reference, array)
    book = FetchingBook(tmp_path, line)
    table, sent = book.for_trainer([reference])
    assert table == {reference.key: {"sent": 0}}
    assert sent[0].tolist() == array.tolist()
    with pytest.raises(SandboxError, match="could not be fetched"):
        book.for_trainer([reference_of(np.ones(3, np.float32))])


def test_only_arrays_that_are_lacking_are_sent_back(line: Directly) -> None:
    """What the grading process has does not travel again."""
    array = np.ones(3, np.float32)
    line.book.accept(reference_of(array), array)
    found = line.ask(pack({"type": "lacks", "keys": [reference_of(array).key, "other"]}))
    assert unpack(found).body["keys"] == ["other"]


def test_epochs_are_told(line: Directly) -> None:
    """The grading process shows how a training goes on, wherever it is."""
    line.tell(pack({"type": "epoch", "fingerprint": "f", "seed": 1, "epoch": 3, "accuracy": None}))
    assert line.epochs == [("f", 1, 3, None)]


# ── who may work ──


def test_a_worker_with_other_versions_does_not_work(line: Directly, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would measure something else: what differs is named, and what to do."""
    monkeypatch.setattr(workshop, "missing_for", lambda _: [])
    others = tuple((name, "1.0" if name == "keras" else value) for name, value in versions_here())
    with pytest.raises(
        SetupError, match=r"Dask worker on .*: found keras .*, expected 1\.0\. Install the same on all machines"
    ):
        open_workshop(Order("{}", "full", 1, others), line)


def test_a_worker_without_the_sandbox_does_not_work(line: Directly, monkeypatch: pytest.MonkeyPatch) -> None:
    """No weaker level is taken on any machine."""
    lacking = Finding("bubblewrap", good=False, detail="not found", remedy="Install it.")
    monkeypatch.setattr(workshop, "missing_for", lambda _: [lacking])
    with pytest.raises(SetupError, match=r"bubblewrap: not found\. Install it\."):
        open_workshop(Order("{}", "full", 1, versions_here()), line)


def test_programs_without_a_sandbox_are_not_sent_to_a_cluster() -> None:
    """One that could connect to the scheduler could run anything on every machine."""
    with pytest.raises(SetupError, match="could reach the scheduler"):
        check_engine("dask", None, "none", "--")
    check_engine("dask", None, "full", "--")
    check_engine("local", None, "none", "--")


def test_dask_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an extra of the package."""
    monkeypatch.setattr("grader.pipeline.carriers.find_spec", lambda _: None)
    with pytest.raises(SetupError, match=r"pip install 'grader\[dask\]'"):
        check_engine("dask", "tcp://a:1", "full", "--")
