"""check50, "Writing check50 checks", section "Python check specification"."""

import check50  # type: ignore[import-not-found]
import check50.py  # type: ignore[import-not-found]


@check50.check()  # type: ignore[untyped-decorator]
def one_step() -> None:
    """train_mnist_conv trains for one epoch, and returns its epochs and accuracy"""  # noqa: D415
    epochs, accuracy = check50.py.import_("mnist_conv.py").train_mnist_conv()
    if epochs != [0]:
        raise check50.Mismatch("[0]", str(epochs))
    if not 0 <= accuracy <= 1:
        raise check50.Failure("the accuracy is no share")
