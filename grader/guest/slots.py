"""What an optimizer remembers of each weight, made when somebody asks for it.

Theory of operation. Keras makes these variables before the first step: two for each weight with Adam, some 25 ms for the
course's own network. A training that is played takes no step, and hardly any hand-in looks at them afterwards. They are
made when somebody reads the optimizer's variables, or asks whether it is built, as Keras does before each gradient.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

from keras.src.optimizers.base_optimizer import BaseOptimizer
from keras.src.optimizers.loss_scale_optimizer import LossScaleOptimizer

OWED = "_slots_owed"
"""Under this name an optimizer holds the weights for which it has not been built yet."""


@contextlib.contextmanager
def put_off(optimizer: Any) -> Iterator[None]:
    """Note what `optimizer.build` is called with, in place of doing it; an optimizer out of the ordinary is built."""
    if not can_wait(optimizer):
        yield
        return
    mine = vars(optimizer)
    mine["build"] = lambda variables: mine.__setitem__(OWED, list(variables))
    try:
        yield
    finally:
        del mine["build"]


def can_wait(optimizer: Any) -> bool:
    """Whether it is one of Keras's own that is not built, and does nothing but its steps."""
    return (
        isinstance(optimizer, BaseOptimizer)
        and not isinstance(optimizer, LossScaleOptimizer)
        and type(optimizer).__module__.startswith("keras.")
        and not (vars(optimizer)["built"] or optimizer.use_ema or optimizer.gradient_accumulation_steps)
    )


def settle(optimizer: Any) -> Any:
    """The optimizer, built if that was put off."""
    owed = vars(optimizer).pop(OWED, None)
    if owed is not None and not vars(optimizer).get("built"):
        optimizer.build(owed)
    return optimizer


def is_built(optimizer: Any) -> bool:
    """What `optimizer.built` is, once what was put off is done."""
    try:
        return bool(vars(settle(optimizer))["built"])
    except KeyError:
        raise AttributeError("built") from None  # Keras asks while it makes the optimizer


def install() -> None:
    """Let whoever looks at an optimizer find it built."""
    plain: Any = BaseOptimizer.variables
    BaseOptimizer.variables = property(lambda self: plain.fget(settle(self)), doc=plain.__doc__)
    BaseOptimizer.built = property(is_built, lambda self, value: vars(self).__setitem__("built", value))
