"""Evaluations that programs wait for: which they are, and that each is carried out once."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial

from grader.errors import SetupError
from grader.judging.metrics import reached, value_of
from grader.model.assignment import TrainingPolicy
from grader.model.observation import Fit
from grader.model.training import Evaluation, TrainingRun
from grader.pipeline.cases import stops_in_time
from grader.pipeline.errands import EvaluateNetwork, Seen, fault_of_ours
from grader.training.store import Store

Key = tuple[str, int, str]


def lacking(seen: Seen, seed: int, policy: TrainingPolicy | None, store: Store) -> list[EvaluateNetwork]:
    """What a program will ask to be evaluated when it is run again with this seed, and is not known.

    It asked before; where it was played other epochs then, it is foreseen at which one its training will end.
    """
    fits = {fit.fingerprint: fit for fit in seen.observation.fits}
    found: dict[Key, EvaluateNetwork] = {}
    for wanted in seen.evaluations:
        kept = store.find(wanted.fingerprint, seed)
        if kept is None or not kept.run.epochs or kept.run.problem:
            continue
        if wanted.epoch is None or seen.observation.seed != seed:
            end = last_epoch(fits[wanted.fingerprint], kept.run, policy)
            wanted = wanted.model_copy(update={"epoch": end})
        if wanted.key not in kept.evaluations:
            errand = EvaluateNetwork(seen.chains[wanted.fingerprint][-1].request, seed, wanted)
            found[errand.key] = errand
    return list(found.values())


def last_epoch(fit: Fit, run: TrainingRun, policy: TrainingPolicy | None) -> int:
    """The place of the last epoch of a training that a program will be played, as far as its drills foretell it."""
    asked = len(run.epochs) if fit.request is None else fit.request.fit.epochs - fit.request.fit.initial_epoch
    epochs = run.epochs[: max(asked, 1)]
    if policy is not None and fit.drills and stops_in_time(fit, policy.threshold, policy.metric):
        values = (value_of(epoch.logs, policy.metric) for epoch in epochs)
        return next((place for place, value in enumerate(values) if reached(value, policy.threshold)), len(epochs) - 1)
    return len(epochs) - 1


@dataclass
class _Held:
    """Something that goes on when these are known."""

    lacks: set[Key]
    go_on: Callable[[], None]


class Evaluations:
    """Has evaluations carried out, and those go on who wait for them.

    Args:
        store: knows the trainings, and remembers what came of it.
        begin: has an errand carried out.
    """

    def __init__(
        self, store: Store, begin: Callable[[EvaluateNetwork, Callable[["Future[Evaluation]"], None]], None]
    ) -> None:
        self._store, self._begin = store, begin
        self._held: dict[Key, list[_Held]] = {}

    def before(self, wanted: list[EvaluateNetwork], go_on: Callable[[], None]) -> None:
        """Call `go_on` when all these are known; at once if there are none."""
        if not wanted:
            go_on()
            return
        held = _Held({errand.key for errand in wanted}, go_on)
        for errand in wanted:
            waiting = self._held.setdefault(errand.key, [])
            waiting.append(held)
            if len(waiting) == 1:
                self._begin(errand, partial(self._over, errand))

    def _over(self, errand: EvaluateNetwork, future: "Future[Evaluation]") -> None:
        """Keep what came of it. Where nothing did, programs evaluate themselves, which costs nobody anything but time."""
        try:
            evaluation = future.result()
        except SetupError:
            raise
        except Exception as error:  # noqa: BLE001 - nobody's grade hangs on it
            evaluation = Evaluation(problem=fault_of_ours(error))
        self._store.keep_evaluation(errand.wanted.fingerprint, errand.seed, errand.wanted.key, evaluation)
        for held in self._held.pop(errand.key):
            held.lacks.discard(errand.key)
            if not held.lacks:
                held.go_on()
