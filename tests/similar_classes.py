"""Made-up classes for comparing hand-ins: authors who choose by themselves, and copies in disguise.

An author of `mnist_conv` chooses among the ways in which students write each piece, the common ones more often. A longer
task (`image_filters`) leaves room for code of one's own: an author writes helpers of their own from a grammar.
"""

import ast
import json
import random
from pathlib import Path

NAMES = [
    "images",
    "labels",
    "data",
    "model",
    "net",
    "network",
    "history",
    "result",
    "value",
    "total",
    "number",
    "batch",
    "layer",
    "picture",
    "scale",
    "train_x",
    "train_y",
    "test_x",
    "test_y",
    "limit",
    "goal",
    "target",
    "stopper",
    "watcher",
    "callback",
    "reached",
    "outcome",
    "sample",
    "pixels",
    "kernel",
    "window",
    "rows",
    "columns",
]
WORDS = [
    "lovely",
    "patient",
    "careful",
    "quick",
    "second",
    "silver",
    "orange",
    "winter",
    "meadow",
    "harbour",
    "violin",
    "marble",
]


def drawing(seed: int | str) -> random.Random:
    """Choices that are the same every time."""
    return random.Random(seed)  # noqa: S311 - made-up classes keep no secrets


def choice(draw: random.Random, *options: tuple[float, str]) -> str:
    """One of the ways, by how common each is."""
    return draw.choices([text for _, text in options], [weight for weight, _ in options])[0]


def short_hand_in(seed: int) -> str:
    """`mnist_conv` by an author of its own: few degrees of freedom."""
    draw = drawing(seed)
    quote = draw.choice("'\"")
    name = draw.choice(["myCallback", "MyCallback", "Stop", "StopAt", "AccuracyReached"])
    logs = draw.choice(["logs={}", "logs=None", "log={}"])
    log = logs.split("=")[0]
    compare = draw.choice([">", ">="])
    test = choice(
        draw,
        (5, f"{log}.get('accuracy') {compare} 0.998"),
        (3, f"{log}['accuracy'] {compare} 0.998"),
        (1, f"float({log}.get('accuracy')) {compare} 0.998"),
        (1, f"{log}.get('accuracy') is not None and {log}.get('accuracy') {compare} 0.998"),
    )
    say = "print('\\nReached 99.8% accuracy so cancelling training!')"
    body = draw.choice([[say, "self.model.stop_training = True"], ["self.model.stop_training = True", say]])
    images, labels = draw.choice(
        [("training_images", "training_labels"), ("x_train", "y_train"), ("train_x", "train_y")]
    )
    load = choice(
        draw,
        (3, f"({images}, {labels}), (test_images, test_labels) = mnist.load_data()"),
        (2, f"({images}, {labels}), _ = tf.keras.datasets.mnist.load_data()"),
    )
    shape = choice(
        draw,
        (4, f"{images} = {images}.reshape(60000, 28, 28, 1)\n    {images} = {images} / 255.0"),
        (3, f"{images} = {images}.reshape(60000, 28, 28, 1) / 255.0"),
        (2, f"{images} = {images}.reshape(-1, 28, 28, 1)\n    {images} = {images}.astype('float32') / 255"),
        (1, f"{images} = np.expand_dims({images}, -1) / 255.0"),
    )
    model = choice(draw, (4, "model"), (1, "net"))
    layers = [
        choice(draw, (3, "Conv2D(32, (3, 3), activation='relu', input_shape=(28, 28, 1))"),
               (1, "Conv2D(64, 3, activation=tf.nn.relu, input_shape=(28, 28, 1))")),
        choice(draw, (3, "MaxPooling2D(2, 2)"), (1, "MaxPool2D()")),
        "Flatten()",
        choice(draw, (4, "Dense(128, activation='relu')"), (1, "Dense(512, activation=tf.nn.relu)")),
        choice(draw, (4, "Dense(10, activation='softmax')"), (1, "Dense(10, activation=tf.nn.softmax)")),
    ]  # fmt: skip
    if draw.random() < 0.7:
        listed = ",\n        ".join(f"tf.keras.layers.{layer}" for layer in layers)
        network = f"{model} = tf.keras.models.Sequential([\n        {listed}\n    ])"
    else:
        added = "\n    ".join(f"{model}.add(tf.keras.layers.{layer})" for layer in layers)
        network = f"{model} = tf.keras.models.Sequential()\n    {added}"
    callback = (
        f"class {name}(tf.keras.callbacks.Callback):\n"
        f"    def on_epoch_end(self, epoch, {logs}):\n"
        f"        if {test}:\n            {body[0]}\n            {body[1]}\n"
    )
    fit = f"{model}.fit({images}, {labels}, epochs=20, callbacks=[{name}()])"
    text = (
        "import tensorflow as tf\nimport numpy as np\nmnist = tf.keras.datasets.mnist\n\n\n"
        f"{callback}\n\ndef train_mnist_conv():\n    {load}\n    {shape}\n    {network}\n"
        f"    {model}.compile(optimizer='adam', loss='sparse_categorical_crossentropy', metrics=['accuracy'])\n"
        f"    history = {fit}\n    return history.epoch, history.history['accuracy'][-1]\n"
    )
    return text.replace("'", quote) if quote == '"' else text


def long_hand_in(seed: int, functions: int = 6) -> str:
    """A program with functions that nobody else writes in the same way."""
    draw = drawing(f"long {seed}")
    blocks = [_function(draw, number) for number in range(functions)]
    return short_hand_in(seed) + "".join(f"\n\n{block}" for block in blocks)


def _function(draw: random.Random, number: int) -> str:
    own = draw.sample(NAMES, 6)
    lines = [f"def {draw.choice(NAMES)}_{number}({', '.join(own[:2])}):", f"    # {' '.join(draw.sample(WORDS, 4))}"]
    for _ in range(draw.randint(3, 6)):
        lines += _statement(draw, own)
    return "\n".join([*lines, f"    return {_expression(draw, own, 2)}"]) + "\n"


def _statement(draw: random.Random, own: list[str]) -> list[str]:
    kind = draw.random()
    target = draw.choice(own)
    if kind < 0.6:
        return [f"    {target} = {_expression(draw, own, 3)}"]
    if kind < 0.8:
        return [
            f"    for {target} in range({_expression(draw, own, 1)}):",
            f"        {own[0]} += {_expression(draw, own, 2)}",
        ]
    return [
        f"    if {_expression(draw, own, 1)} > {draw.randint(0, 9)}:",
        f"        {target} = {_expression(draw, own, 2)}",
    ]


def _expression(draw: random.Random, own: list[str], depth: int) -> str:
    if depth == 0:
        return draw.choice([*own, str(draw.randint(0, 99)), "'word'"])
    one, two = _expression(draw, own, depth - 1), _expression(draw, own, depth - 1)
    call = draw.choice(["np.dot", "np.maximum", "np.roll", "np.tile", "np.outer", "max", "min", "divmod"])
    forms = [
        f"{call}({one}, {two})",
        f"{one} {draw.choice('+-*/%')} {two}",
        f"{own[0]}[{one}]",
        f"{own[1]}.{draw.choice(['sum', 'mean', 'astype', 'clip'])}({one})",
    ]
    return draw.choice(forms)


class Renamed(ast.NodeTransformer):
    """Every name that a program binds under another one; keyword arguments of its own functions too."""

    def __init__(self, tree: ast.AST) -> None:
        bound = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        bound |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
        bound |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        self.names = {
            name: f"renamed_{number}" for number, name in enumerate(sorted(bound - {"on_epoch_end", "__init__"}))
        }

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.copy_location(ast.Name(self.names.get(node.id, node.id), node.ctx), node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.arg = self.names.get(node.arg, node.arg)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name = self.names.get(node.name, node.name)
        self.generic_visit(node)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.name = self.names.get(node.name, node.name)
        self.generic_visit(node)
        return node


def renamed(text: str) -> str:
    """The program with other names and another format, and without comments."""
    tree = ast.parse(text)
    return ast.unparse(ast.fix_missing_locations(Renamed(tree).visit(tree))) + "\n"


def blocks_of(text: str) -> list[str]:
    """The statements at top level."""
    return [ast.unparse(node) + "\n" for node in ast.parse(text).body]


def reordered(text: str, seed: int = 0) -> str:
    """The program with its functions and classes in another order."""
    nodes = ast.parse(text).body
    moved = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    order = iter(drawing(seed).sample(moved, len(moved)))
    return "\n\n".join(ast.unparse(next(order) if node in moved else node) for node in nodes) + "\n"


def commented(text: str, seed: int = 0) -> str:
    """The program with a comment before every line that begins a statement of its own."""
    draw = drawing(seed)
    lines = []
    for line in text.split("\n"):
        if line.strip() and not line.strip().startswith((")", "]", "}")):
            lines.append(f"{line[: len(line) - len(line.lstrip())]}# {' '.join(draw.sample(WORDS, 3))}")
        lines.append(line)
    return "\n".join(lines)


def with_dead_code(text: str, every: int = 3) -> str:
    """The program with a statement without use after each third statement of a function, and a function nobody calls."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            body = []
            for number, statement in enumerate(node.body):
                body.append(statement)
                if number % every == every - 1 and not isinstance(statement, ast.Return):
                    body += ast.parse(f"unused_{number} = [{number}] * len(str({number}))").body
            node.body = body
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n\ndef never_called(a, b):\n    return [a, b][::-1]\n"


def in_disguise(text: str, seed: int = 0) -> str:
    """All of it at once."""
    return commented(with_dead_code(reordered(renamed(text), seed)), seed)


def notebook(cells: list[str], **facts: object) -> str:
    """The JSON of a notebook with these code cells."""
    made: list[dict[str, object]] = [
        {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": cell} for cell in cells
    ]
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 4, **facts})


def write_class(folder: Path, members: dict[str, str], stem: str = "mnist_conv") -> Path:
    """A folder of submissions; a text that begins with a brace is a notebook."""
    for student, text in members.items():
        place = folder / student
        place.mkdir(parents=True)
        (place / f"{stem}.{'ipynb' if text.startswith('{') else 'py'}").write_text(text, "utf-8", "surrogatepass")
    return folder
