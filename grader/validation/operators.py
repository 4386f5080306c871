"""The mistakes that mutants make, each as an operator: from a node of the program to what may stand in its place.

Those of `ALWAYS` are mistakes in any assignment. Those of `FIXED` matter only where the handout fixes the numbers of the
network; an assignment names those that hold for it in its `mutants.toml`.

Left out as no mistakes: a second `Flatten`, and an `Input` layer left out, give the same network.
"""

import ast
from collections.abc import Iterator
from typing import TypeGuard

from grader.validation.mutants import Change, Operator, Sites

LAYERS = {"Conv2D", "MaxPooling2D", "MaxPool2D", "AveragePooling2D", "Flatten", "Dense", "Dropout"}
DOUBLED = LAYERS - {"Flatten", "Dropout"}


def word(node: ast.AST) -> str:
    """The last name of a call or of a dotted name."""
    if isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def is_layer(node: ast.AST) -> TypeGuard[ast.Call]:
    """Whether a node makes a layer of Keras."""
    return isinstance(node, ast.Call) and word(node) in LAYERS


def constant(value: object) -> ast.Constant:
    """A literal."""
    return ast.Constant(value)  # type: ignore[arg-type] # any literal


def with_argument(call: ast.Call, place: int, value: ast.expr) -> ast.Call:
    """The call with another positional argument."""
    return ast.Call(call.func, [*call.args[:place], value, *call.args[place + 1 :]], call.keywords)


def with_keyword(call: ast.Call, name: str, value: ast.expr | None) -> ast.Call:
    """The call with another value of a keyword, or without it."""
    kept = [item for item in call.keywords if item.arg != name]
    changed = [ast.keyword(item.arg, value) for item in call.keywords if item.arg == name and value is not None]
    return ast.Call(call.func, call.args, [*kept, *changed])


def keyword_of(call: ast.Call, name: str) -> ast.expr | None:
    """The value of a keyword, or None."""
    return next((item.value for item in call.keywords if item.arg == name), None)


def whole(node: ast.AST | None) -> int | None:
    """The whole number that a node is, or None."""
    return node.value if isinstance(node, ast.Constant) and type(node.value) is int else None


# ── the network ──────────────────────────────────────────────────────────────────────────────────────────────────────


def drop_layer(node: ast.AST, sites: Sites) -> Iterator[Change]:
    """A layer is missing."""
    if is_layer(node) and isinstance(sites.parents[node], ast.List):
        yield Change(word(node), [])
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and word(node.value) == "add":
        yield Change(word(node.value.args[0]) if node.value.args else "", [])


def double_layer(node: ast.AST, sites: Sites) -> Iterator[Change]:
    """A layer stands there twice; the last one is left alone."""
    parent = sites.parents.get(node)
    if is_layer(node) and word(node) in DOUBLED and isinstance(parent, ast.List) and parent.elts[-1] is not node:
        yield Change(word(node), [node, node])
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and word(node.value) == "add":
        layer = node.value.args[0] if node.value.args else node
        if word(layer) in DOUBLED and "softmax" not in ast.unparse(layer):
            yield Change(word(layer), [node, node])


def _numbered(node: ast.AST, kind: str, *numbers: int) -> Iterator[Change]:
    """The first argument of a layer is another number."""
    if is_layer(node) and word(node) == kind and node.args and not (kind == "Dense" and whole(node.args[0]) == 10):
        for number in numbers:
            yield Change("", [with_argument(node, 0, constant(number))])


def one_filter(node: ast.AST, _: Sites) -> Iterator[Change]:
    """A convolution has a single filter."""
    return _numbered(node, "Conv2D", 1)


def one_unit(node: ast.AST, _: Sites) -> Iterator[Change]:
    """A hidden layer has a single unit."""
    return _numbered(node, "Dense", 1)


def other_filters(node: ast.AST, _: Sites) -> Iterator[Change]:
    """A convolution has another number of filters."""
    return _numbered(node, "Conv2D", 48)


def other_units(node: ast.AST, _: Sites) -> Iterator[Change]:
    """A hidden layer has another number of units."""
    return _numbered(node, "Dense", 100)


def other_size(node: ast.AST, _: Sites) -> Iterator[Change]:
    """Kernels of 5 × 5, or pools of 3 × 3."""
    if is_layer(node) and word(node) == "Conv2D" and len(node.args) > 1:
        yield Change("Conv2D", [with_argument(node, 1, constant(5))])
    if is_layer(node) and word(node).startswith("MaxPool"):
        yield Change(word(node), [ast.Call(node.func, [constant(3)], [])])


def outputs(node: ast.AST, _: Sites) -> Iterator[Change]:
    """Nine outputs, or eleven, for ten classes."""
    if is_layer(node) and word(node) == "Dense" and node.args and whole(node.args[0]) == 10:
        for number in (9, 11):
            yield Change(str(number), [with_argument(node, 0, constant(number))])


def activation(node: ast.AST, _: Sites) -> Iterator[Change]:
    """No softmax at the end."""
    value = keyword_of(node, "activation") if is_layer(node) else None
    if is_layer(node) and isinstance(value, ast.Constant) and value.value == "softmax":
        yield Change("softmax", [with_keyword(node, "activation", None)])


def linear(node: ast.AST, _: Sites) -> Iterator[Change]:
    """No activation in any hidden layer."""
    if not isinstance(node, ast.FunctionDef):
        return
    quoted = {"relu"}

    class Without(ast.NodeTransformer):
        def visit_keyword(self, item: ast.keyword) -> ast.keyword | None:
            """Leave out `activation="relu"`."""
            value = item.value
            relu = isinstance(value, ast.Constant) and value.value in quoted
            return None if item.arg == "activation" and relu else item

    yield Change("", [Without().visit(ast.parse(ast.unparse(node)).body[0])])


# ── compiling and fitting ────────────────────────────────────────────────────────────────────────────────────────────


def loss(node: ast.AST, _: Sites) -> Iterator[Change]:
    """Another loss, which does not go with the labels."""
    if isinstance(node, ast.Constant) and node.value == "sparse_categorical_crossentropy":
        for other in ("categorical_crossentropy", "mean_squared_error"):
            yield Change(other, [constant(other)])


def optimizer(node: ast.AST, _: Sites) -> Iterator[Change]:
    """An optimizer that is too slow."""
    if isinstance(node, ast.Constant) and node.value == "adam":
        yield Change("sgd", [constant("sgd")])


def no_metrics(node: ast.AST, _: Sites) -> Iterator[Change]:
    """No metric is logged."""
    if isinstance(node, ast.Call) and word(node) == "compile":
        yield Change("", [with_keyword(node, "metrics", None)])


def epochs(node: ast.AST, _: Sites) -> Iterator[Change]:
    """One epoch more than allowed, or one only."""
    number = whole(keyword_of(node, "epochs")) if isinstance(node, ast.Call) else None
    if isinstance(node, ast.Call) and number is not None:
        for other in (number + 1, 1):
            yield Change(str(other), [with_keyword(node, "epochs", constant(other))])


def batch_size(node: ast.AST, _: Sites) -> Iterator[Change]:
    """Another batch size than asked for."""
    if isinstance(node, ast.Call) and keyword_of(node, "batch_size") is not None:
        yield Change("", [with_keyword(node, "batch_size", constant(128))])


def no_callbacks(node: ast.AST, _: Sites) -> Iterator[Change]:
    """The callback is not passed to `fit`."""
    if isinstance(node, ast.Call) and word(node) == "fit":
        yield Change("", [with_keyword(node, "callbacks", None)])


def fitted_data(node: ast.AST, _: Sites) -> Iterator[Change]:
    """Half of the images, or those of the test set."""
    if not (isinstance(node, ast.Call) and word(node) == "fit" and len(node.args) == 2):
        return
    halves: list[ast.expr] = [ast.Subscript(item, ast.Slice(upper=constant(30000)), ast.Load()) for item in node.args]
    yield Change("half", [ast.Call(node.func, halves, node.keywords)])
    names = [item.id for item in node.args if isinstance(item, ast.Name)]
    if len(names) == 2 and all("train" in name for name in names):
        others = [ast.Name(name.replace("training", "test").replace("train", "test"), ast.Load()) for name in names]
        yield Change("test", [ast.Call(node.func, list(others), node.keywords)])


def dataset(node: ast.AST, _: Sites) -> Iterator[Change]:
    """The other data set."""
    names = {"mnist": "fashion_mnist", "fashion_mnist": "mnist"}
    if isinstance(node, ast.Attribute) and node.attr in names and word(node.value) == "datasets":
        yield Change(names[node.attr], [ast.Attribute(node.value, names[node.attr], ast.Load())])


def scale(node: ast.AST, _: Sites) -> Iterator[Change]:
    """The pixels are not scaled, or by another number."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and ast.unparse(node.right) in ("255", "255.0"):
        yield Change("left_out", [node.left])
        yield Change("25.5", [ast.BinOp(node.left, ast.Div(), constant(25.5))])


def reshape(node: ast.AST, _: Sites) -> Iterator[Change]:
    """The axis of the channel is missing."""
    if isinstance(node, ast.Call) and word(node) in ("reshape", "expand_dims") and isinstance(node.func, ast.Attribute):
        library = isinstance(node.func.value, ast.Name) and node.func.value.id in ("np", "tf", "numpy")
        yield Change("", [node.args[0] if library else node.func.value])


# ── callbacks ────────────────────────────────────────────────────────────────────────────────────────────────────────


def threshold(node: ast.AST, sites: Sites) -> Iterator[Change]:
    """Another threshold, below or above."""
    value = node.value if isinstance(node, ast.Constant) else None
    if isinstance(value, float) and 0 < value < 1 and isinstance(sites.parents[node], ast.Compare):
        for label, other in (("below", value - 0.01), ("above", value + (1 - value) / 2)):
            yield Change(label, [constant(round(other, 6))])


def comparison(node: ast.AST, _: Sites) -> Iterator[Change]:
    """The comparison goes the other way."""
    turned = {
        ast.Lt: ast.Gt,
        ast.Gt: ast.Lt,
        ast.LtE: ast.GtE,
        ast.GtE: ast.LtE,
        ast.Eq: ast.NotEq,
        ast.NotEq: ast.Eq,
    }
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in turned:
        yield Change("", [ast.Compare(node.left, [turned[type(node.ops[0])]()], node.comparators)])


def message(node: ast.AST, sites: Sites) -> Iterator[Change]:
    """The sentence is not the one asked for, or not printed at all."""
    text = node.value if isinstance(node, ast.Constant) else None
    parent = sites.parents.get(node)
    if isinstance(text, str) and isinstance(parent, ast.Call) and word(parent) == "print":
        yield Change("last_character", [constant(text[:-1])])
        yield Change("number", [constant(text.replace("9", "8", 1).replace("0.", "1.", 1))])
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and word(node.value) == "print":
        yield Change("left_out", [])


def stopping(node: ast.AST, _: Sites) -> Iterator[Change]:
    """The training is not stopped."""
    if isinstance(node, ast.Assign) and any(word(target) == "stop_training" for target in node.targets):
        yield Change("", [ast.Assign(node.targets, constant(False))])


def hook(node: ast.AST, _: Sites) -> Iterator[Change]:
    """The hook is misspelt, or another one."""
    if isinstance(node, ast.FunctionDef) and node.name.startswith("on_"):
        for other in ("on_epcho_end", "on_epoch_begin", "on_train_begin"):
            renamed = ast.FunctionDef(other, node.args, node.body, node.decorator_list, node.returns)
            yield Change(other, [renamed])


def log_key(node: ast.AST, _: Sites) -> Iterator[Change]:
    """The loss in the place of the accuracy, or the other way round."""
    other = {"accuracy": "loss", "loss": "accuracy"}
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and node.slice.value in other:
        key = other[str(node.slice.value)]
        yield Change(key, [ast.Subscript(node.value, constant(key), node.ctx)])


# ── any program ──────────────────────────────────────────────────────────────────────────────────────────────────────


def name(node: ast.AST, sites: Sites) -> Iterator[Change]:
    """A function or class has another name than asked for."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef) and sites.parents.get(node) is sites.tree:
        copied = ast.parse(ast.unparse(node)).body[0]
        assert isinstance(copied, ast.FunctionDef | ast.ClassDef)
        copied.name += "_"
        yield Change("", [copied])


def returned(node: ast.AST, _: Sites) -> Iterator[Change]:
    """Nothing is returned, or half of it, or both in the other order."""
    if not isinstance(node, ast.Return) or node.value is None:
        return
    yield Change("nothing", [ast.Return(constant(None))])
    if isinstance(node.value, ast.Tuple) and len(node.value.elts) == 2:
        first, second = node.value.elts
        yield Change("first_only", [ast.Return(first)])
        yield Change("swapped", [ast.Return(ast.Tuple([second, first], ast.Load()))])


def arithmetic(node: ast.AST, _: Sites) -> Iterator[Change]:
    """Another operation."""
    other = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult}
    if not isinstance(node, ast.BinOp) or type(node.op) not in other:
        return
    if isinstance(node.left, ast.List | ast.Tuple) or "255" in ast.unparse(node.right):
        return
    yield Change("", [ast.BinOp(node.left, other[type(node.op)](), node.right)])


def off_by_one(node: ast.AST, sites: Sites) -> Iterator[Change]:
    """A whole number is one too large; numbers of the network, its training, and shape and scale of images apart."""
    number = whole(node)
    around = [word(item) for item in sites.above(node) if isinstance(item, ast.Call)]
    network = any(is_layer(item) for item in sites.above(node)) or {"fit", "compile", "Input", "reshape"} & {*around}
    parent = sites.parents.get(node)
    talk = isinstance(parent, ast.keyword) and parent.arg == "verbose"
    scaling = number == 255 and isinstance(parent, ast.BinOp)
    if number is not None and not (network or talk or scaling):
        yield Change(str(number), [constant(number + 1)])


def reduction(node: ast.AST, _: Sites) -> Iterator[Change]:
    """Another summary of several values: least for largest, mean for sum."""
    other = {"max": "min", "min": "max", "sum": "mean", "mean": "max", "median": "mean", "argmax": "argmin"}
    if isinstance(node, ast.Call) and word(node) in other:
        new = other[word(node)]
        function: ast.expr = ast.Name(new, ast.Load())
        if isinstance(node.func, ast.Attribute):
            function = ast.Attribute(node.func.value, new, ast.Load())
        elif new == "mean":
            return
        yield Change(word(node), [ast.Call(function, node.args, node.keywords)])


def no_clip(node: ast.AST, _: Sites) -> Iterator[Change]:
    """Values are not clipped."""
    if isinstance(node, ast.Call) and word(node) == "clip" and len(node.args) == 3:
        yield Change("", [node.args[0]])


def no_keyword(node: ast.AST, _: Sites) -> Iterator[Change]:
    """An argument is left out, of calls that are none of Keras's."""
    if not isinstance(node, ast.Call) or is_layer(node) or word(node) in ("fit", "compile", "Input", "print"):
        return
    for item in node.keywords:
        if item.arg not in (None, "verbose", "dtype", "strict"):
            yield Change(str(item.arg), [with_keyword(node, str(item.arg), None)])


def no_statement(node: ast.AST, sites: Sites) -> Iterator[Change]:
    """A call that stands for itself is left out."""
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call) or node in sites.docstrings:
        return
    if word(node.value) not in ("print", "add", "summary"):
        yield Change(word(node.value), [])


def turned_flag(node: ast.AST, sites: Sites) -> Iterator[Change]:
    """True for False, or the other way round, in a call or a result."""
    if (
        isinstance(node, ast.Constant)
        and isinstance(node.value, bool)
        and not isinstance(sites.parents[node], ast.Assign)
    ):
        yield Change("", [constant(not node.value)])


ALWAYS: dict[str, Operator] = {
    operator.__name__: operator
    for operator in (
        drop_layer,
        double_layer,
        one_filter,
        one_unit,
        outputs,
        activation,
        linear,
        loss,
        optimizer,
        no_metrics,
        epochs,
        batch_size,
        no_callbacks,
        fitted_data,
        dataset,
        scale,
        reshape,
        threshold,
        comparison,
        message,
        stopping,
        hook,
        log_key,
        name,
        returned,
        arithmetic,
        off_by_one,
        reduction,
        no_clip,
        no_keyword,
        no_statement,
        turned_flag,
    )
}
FIXED: dict[str, Operator] = {operator.__name__: operator for operator in (other_filters, other_units, other_size)}
