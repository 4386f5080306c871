"""dlai-grader, its README, section "Building the grading": the grading logic of each part."""

from types import FunctionType, ModuleType
from typing import Any

from dlai_grader.grading import object_to_grade, test_case  # type: ignore[import-not-found]


def part_one_step(learner_module: ModuleType) -> Any:
    """The function of the module is called once, and three facts are looked at."""

    @object_to_grade(learner_module, "train_mnist_conv")  # type: ignore[untyped-decorator]
    def graded(train_mnist_conv: Any) -> list[test_case]:
        kind = test_case(msg="train_mnist_conv is no function", want=FunctionType, got=type(train_mnist_conv))
        if not isinstance(train_mnist_conv, FunctionType):
            kind.fail()
            return [kind]
        epochs, accuracy = train_mnist_conv()
        count = test_case(msg="another number of epochs", want=[0], got=epochs, failed=epochs != [0])
        share = test_case(msg="the accuracy is no share", got=accuracy, failed=not 0 <= accuracy <= 1)
        return [kind, count, share]

    return graded


def handle_part_id(part_id: str) -> Any:
    """The grading logic of a part."""
    return {"one_step": part_one_step}[part_id]
