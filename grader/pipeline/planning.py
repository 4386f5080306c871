"""From a training that is needed to an order for the trainer: by which arithmetic, and from where on."""

from dataclasses import replace

from grader.model.training import Arithmetic, EpochLogs
from grader.pipeline.cases import Demand
from grader.pipeline.conversation import Link
from grader.pipeline.errands import TrainNetwork
from grader.pipeline.trainer_desk import GoingOn, Plan
from grader.training.kept import KeptRun
from grader.training.requests import training_fingerprint
from grader.training.state import State
from grader.training.store import Store


def order_for(demand: Demand, threshold: float, store: Store, *, fused: bool) -> TrainNetwork:
    """What is trained for a demand; it goes on from whatever the store knows of it.

    Args:
        demand: the training that is needed.
        threshold: of the assignment.
        store: knows trainings.
        fused: whether arithmetic that is equal to Keras's up to rounding will do.
    """
    plan = Plan(
        fingerprint=demand.fingerprint,
        chain=demand.chain,
        epochs=demand.epochs,
        threshold=threshold if demand.to_threshold else None,
        seed=demand.seed,
        parameters=demand.parameters,
        batch=demand.batch,
        arithmetic=arithmetic_for(demand, store, fused=fused),
    )
    going_on, state = known_part(plan, store)
    return TrainNetwork(replace(plan, going_on=going_on), state)


def arithmetic_for(demand: Demand, store: Store, *, fused: bool) -> Arithmetic:
    """Fused where that will do, and where nothing of it, nor of the trainings before it on the model, is known exactly.

    What is known exactly stands for both arithmetics, so that a fused run beside it would never be played.
    """
    if not fused or demand.exact:
        return "keras"
    known = [store.find_by(training_fingerprint(link.request), demand.seed, "keras") for link in demand.chain]
    return "keras" if any(known) else "fused"


def known_part(plan: Plan, store: Store) -> tuple[GoingOn | None, State | None]:
    """The latest state in the store that this training goes through."""
    for place in reversed(range(len(plan.chain))):
        kept = store.find_by(training_fingerprint(plan.chain[place].request), plan.seed, plan.arithmetic)
        last = place == len(plan.chain) - 1
        if kept is not None and (can_be_lengthened(kept, plan) if last else is_parent(kept, plan.chain[place])):
            state = kept.state()
            if state is not None:
                return GoingOn(place, kept.run.epochs), state
    return None, None


def can_be_lengthened(kept: KeptRun, plan: Plan) -> bool:
    """Whether a run is the beginning of the one that is wanted, with all that is wanted of its epochs."""
    known = len(kept.run.epochs)
    if plan.batch is not None or kept.run.problem or known >= plan.epochs:
        return False
    if plan.threshold is not None and any(reached(epoch, plan.threshold) for epoch in kept.run.epochs):
        return False
    watched = plan.chain[-1].request.batch_logs
    return not watched or all(kept.part(index)[1] is not None for index in range(known))


def is_parent(kept: KeptRun, link: Link) -> bool:
    """Whether a run ended where the program went on with the next request."""
    return link.batch is None and not kept.run.problem and len(kept.run.epochs) == link.epochs


def reached(epoch: EpochLogs, threshold: float) -> bool:
    """Whether a training would have stopped after this epoch."""
    return epoch.accuracy is not None and epoch.accuracy >= threshold
