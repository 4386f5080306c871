"""How TensorFlow carries out single operations in a guest.

Theory of operation. TensorFlow wraps each eager operation into a function, and optimizes and instantiates it, when it is
first met in a process. A hand-in builds a network and little more, and its process is a new one, so that this is most
of what TensorFlow costs it: 28 ms for the first operation, of which 1 remains when its kernel is called as it is, as
TensorFlow did before 2.9 (medians of three, one run). The kernels are the same, and with them the results, but for one of 43
operations that were compared: where TensorFlow computes with oneDNN (processors with AVX512-VNNI), a softmax outside of
functions is Eigen's, and may differ in the last bit. Functions (`fit`, `predict`, `tf.function`) are not touched.
"""

from typing import Any

from tensorflow.python import pywrap_tfe
from tensorflow.python.framework import kernels

OPTION = "TFE_ContextOptionsSetRunEagerOpAsFunction"


def run_operations_directly() -> None:
    """Have the operations of a context that is made later called as they are; where there is no such option, nothing.

    Before the zygote forks: the table of kernels is made here, so that no fork makes it again. No context is made, so
    that a program may still set one up as it likes, and no thread is started.
    """
    kernels.get_registered_kernels_for_op("AddV2")
    set_option = getattr(pywrap_tfe, OPTION, None)
    if set_option is None:
        return

    def never(options: Any, _wanted: bool) -> None:
        set_option(options, False)

    setattr(pywrap_tfe, OPTION, never)
