"""What an epoch costs, foretold from the network: to train the longest first, and to say how long it will take.

The cost is in seconds of one core of the machine on which the three rates below were measured (`bench/epoch_cost.py`).
Another machine differs mostly by a factor, which a run learns from the epochs that it sees. A network that is stranger
than this knows is at worst put in a poor order, and its time foretold badly.
"""

import math

from grader.model.training import Description, Layer, TrainingRequest

SECONDS_PER_OPERATION = 1.6e-11
"""Of a multiplication and addition, forwards or backwards."""
SECONDS_PER_PARAMETER = 1.45e-9
"""Of a step: the optimizer reads and writes each parameter and what it remembers of it."""
SECONDS_PER_STEP = 5.3e-4
"""Of a step, whatever the network."""
PASSES = 3
"""Forwards once; backwards twice, for the weights and for what is below."""


def epoch_cost(request: TrainingRequest, description: Description | None) -> float:
    """Seconds of one epoch of this training, as far as its network and its data tell; above 0."""
    samples = math.ceil(request.x.shape[0] * (1 - request.fit.validation_split)) or 1
    steps = math.ceil(samples / request.fit.batch_size)
    network = description if description is not None else Description()
    operations = PASSES * samples * operations_per_sample(network)
    return (
        operations * SECONDS_PER_OPERATION
        + steps * network.parameters * SECONDS_PER_PARAMETER
        + steps * SECONDS_PER_STEP
        + _looking_on(request, network)
    )


def operations_per_sample(description: Description) -> float:
    """Multiplications with additions of one pass forwards, and one operation for each value that a layer gives."""
    return sum(_operations(layer) for layer in description.layers if not _holds_others(layer, description))


def _operations(layer: Layer) -> float:
    """A layer uses its parameters once at every position of its output; the last axis is that of channels."""
    shape = [size or 1 for size in (layer.output_shape or ())[1:]]
    positions = math.prod(shape[:-1]) if shape else 1
    return float(layer.parameters * positions + math.prod(shape))


def _holds_others(layer: Layer, description: Description) -> bool:
    """Whether the layers of this one, a model inside the model, are listed themselves."""
    path = f"{layer.path}/{layer.name}".strip("/")
    return any(other.path == path for other in description.layers)


def _looking_on(request: TrainingRequest, description: Description) -> float:
    """Seconds of the validation that comes with an epoch: one pass forwards."""
    held_back = request.x.shape[0] * request.fit.validation_split
    given = request.validation[0].shape[0] if request.validation else 0
    return float(held_back + given) * operations_per_sample(description) * SECONDS_PER_OPERATION
