"""From tokens to words that stay the same however a program is dressed up.

What a copier changes without understanding is gone afterwards:

- names are all `V` but those of Python and Keras, and names of its own attributes are `.V`; imported names lose their path
  and alias (`tf.keras.layers.Dense`, `layers.Dense` and `D` after `import Dense as D` are `Dense`);
- numbers are `N`, strings `S`, and a run of either is one; comments, docstrings, annotations, imports, `pass`, commas,
  brackets that only group, and the names of keyword arguments are left out.

Functions and classes are cut out into segments of their own, so that their order, and whether one stands inside
another, does not matter; statements at top level are one segment, wherever the borders of cells are. The same rules
hold for programs that do not parse: whatever is odd stays a word like any other.
"""

import keyword
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from grader.model.submission import Source
from grader.similarity.lexer import MAX_TOKENS, Token, tokens

KNOWN_ATTRIBUTES = frozenset(
    [
        "add",
        "compile",
        "fit",
        "evaluate",
        "predict",
        "summary",
        "get",
        "append",
        "items",
        "keys",
        "values",
        "reshape",
        "astype",
        "copy",
        "mean",
        "sum",
        "max",
        "min",
        "shape",
        "history",
        "epoch",
        "stop_training",
        "model",
        "layers",
        "weights",
        "set_weights",
        "get_weights",
        "input",
        "output",
        "load_data",
        "size",
        "ndim",
        "T",
        "dtype",
        "plot",
        "imshow",
        "show",
        "format",
        "join",
        "split",
        "strip",
        "on_epoch_end",
        "on_epoch_begin",
        "on_batch_end",
        "on_train_begin",
        "on_train_end",
    ]
)
"""Attributes of Keras, NumPy and Python that stay themselves even where a hand-in defines one of that name."""
_LAYERS = (
    "Activation Add Average AveragePooling2D AvgPool2D BatchNormalization Bidirectional Concatenate Conv1D Conv2D Conv3D "
    "Conv2DTranspose Convolution2D Dense DepthwiseConv2D Dropout Embedding Flatten GRU GlobalAveragePooling2D GlobalMaxPool2D "
    "GlobalMaxPooling2D Input InputLayer LSTM LayerNormalization LeakyReLU MaxPool2D MaxPooling2D MaxPooling1D PReLU ReLU "
    "Rescaling Reshape SeparableConv2D SimpleRNN Softmax SpatialDropout2D UpSampling2D ZeroPadding2D"
)
LAYERS = frozenset(_LAYERS.split())
"""Layers of Keras. Equal networks are no evidence: a call of one is part of the text, and counts for nothing."""
_BUILTINS = (
    "abs all any bool bytes dict divmod enumerate filter float format frozenset getattr hasattr input int isinstance "
    "issubclass iter len list map max min next object open ord pow print property range repr reversed round set setattr "
    "slice sorted staticmethod str sum super tuple type vars zip ArithmeticError AssertionError Exception IndexError "
    "KeyError NotImplementedError RuntimeError StopIteration TypeError ValueError ZeroDivisionError"
)
KEPT = LAYERS | {"Sequential", "Model", "Callback"} | frozenset(_BUILTINS.split())
"""Names that stay themselves, imported or not, even where a hand-in binds one: nothing is hidden by `print = print`."""
MAX_WORDS = 20_000
"""Of one hand-in; what comes later is not compared."""
_VALUES = frozenset({"True", "False", "None"})
_KEYWORDS = frozenset(keyword.kwlist) - _VALUES
_HEADS = frozenset({"def", "async", "class", "if", "elif", "else", "for", "while", "with", "try", "except", "finally"})
_COMPARISONS = frozenset({"==", "!=", "<=", ">="})
_SILENT = frozenset([")", ",", "}", "]", "->", ";"])


@dataclass(frozen=True, slots=True)
class Word:
    """One word of the normal form, and the piece of source that it stands for."""

    text: str
    cell: int
    start: int
    end: int
    layer: bool = False
    """It belongs to the call of a layer."""


@dataclass(frozen=True)
class Segment:
    """The words of one function, class or top level in order, and where each statement begins."""

    words: list[Word] = field(default_factory=list)
    begins: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Normal:
    """A hand-in in its normal form."""

    segments: tuple[Segment, ...]
    own_names: frozenset[str]
    strings: frozenset[str]
    """As they are written, with their quotes."""
    cut: bool
    """There is more, which is too long to be compared."""


Line = Sequence[Token]


@dataclass
class _Names:
    """What the names of a hand-in are."""

    own: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    imported: dict[str, str] = field(default_factory=dict)
    """From a name in the program to the name it has where it comes from."""


def normal(source: Source) -> Normal:
    """The normal form of a hand-in."""
    read = tokens(source)
    lines = [line for line in _lines(read) if not _says_nothing(line)]
    names = _Names()
    rest = [line for line in lines if not _take_import(line, names)]
    for line in rest:
        _take_names(line, names)
    rest = [line for line in rest if not _take_alias(line, names)]
    names.own -= set(names.imported)
    segments = [segment for segment in _segments(rest, names) if segment.words]
    strings = frozenset(token.text for token in read if token.kind == "string")
    cut = len(read) >= MAX_TOKENS or sum(len(segment.words) for segment in segments) >= MAX_WORDS
    return Normal(tuple(segments), frozenset(names.own | names.attributes), strings, cut)


def _lines(found: Sequence[Token]) -> Iterator[Line]:
    """Statements, each without the end of its line."""
    begin = 0
    for place, token in enumerate(found):
        if token.kind == "line":
            if place > begin:
                yield from _without_body(found[begin:place])
            begin = place + 1
    if begin < len(found):
        yield from _without_body(found[begin:])


def _without_body(line: Line) -> Iterator[Line]:
    """A statement; where its body stands in the same line (`if x: y = 1`), first the head and then the body."""
    if line[0].text in _HEADS:
        depth = lambdas = 0
        for place, token in enumerate(line[:-1]):
            if token.kind == "sign" and token.text in "([{":
                depth += 1
            elif token.kind == "sign" and token.text in ")]}":
                depth -= 1
            elif depth == 0 and token.text == "lambda":
                lambdas += 1
            elif depth == 0 and token.text == ":" and lambdas:
                lambdas -= 1
            elif depth == 0 and token.text == ":":
                yield line[: place + 1]
                yield [replace(line[place + 1], indent=token.indent + 1), *line[place + 2 :]]
                return
    yield line


def _says_nothing(line: Line) -> bool:
    """A docstring, or another statement without effect."""
    return all(token.kind == "string" or token.text in ("pass", "...") for token in line)


def _take_import(line: Line, names: _Names) -> bool:
    """Whether a statement imports; what it binds is noted."""
    first = line[0].text
    words = [token.text for token in line]
    if first not in ("import", "from") or (first == "from" and "import" not in words):
        return False
    path: list[str] = []
    bound = ""
    begin = words.index("import") + 1
    for word in [*words[begin:], ","]:
        if word == ",":
            if path:
                names.imported[bound or path[0]] = path[-1] if bound or first == "from" else path[0]
            path, bound = [], ""
        elif bound == "as":
            bound = word
        elif word == "as":
            bound = "as"
        elif word.isidentifier():
            path.append(word)
    return True


def _take_alias(line: Line, names: _Names) -> bool:
    """Whether a statement only gives a known thing another name (`layers = tf.keras.layers`, `say = print`)."""
    texts = [token.text for token in line]
    if len(texts) < 3 or texts[1] != "=" or line[0].kind != "name":
        return False
    if texts[2] not in names.imported and texts[2] not in KEPT:
        return False
    chain = texts[2:]
    if len(chain) % 2 == 0 or any(dot != "." for dot in chain[1::2]) or not all(w.isidentifier() for w in chain[::2]):
        return False
    names.imported[texts[0]] = names.imported.get(chain[0], chain[0]) if len(chain) == 1 else chain[-1]
    return True


def _take_names(line: Line, names: _Names) -> None:
    """Note the names that a statement binds."""
    enclosing = _enclosing(line)
    targets_end = _end_of_targets(line, enclosing)
    header = _is_header(line)
    for place, token in enumerate(line):
        if token.kind != "name" or token.text in _KEYWORDS or token.text in _VALUES:
            continue
        before = line[place - 1].text if place else ""
        after = line[place + 1].text if place + 1 < len(line) else ""
        if before == ".":
            if place < targets_end and "call" not in enclosing[place] and _assigns(after):
                _add_attribute(token.text, names)
        elif before in ("def", "class"):
            names.own.add(token.text)
            _add_attribute(token.text, names)
        elif (
            before in ("as", "global", "nonlocal")
            or after == ":="
            or _is_target(line, place, header, enclosing)
            or (place < targets_end and not {"call", "subscript"} & set(enclosing[place]))
        ):
            names.own.add(token.text)


def _add_attribute(name: str, names: _Names) -> None:
    if name not in KNOWN_ATTRIBUTES and not (name.startswith("__") and name.endswith("__")):
        names.attributes.add(name)


def _is_target(line: Line, place: int, header: bool, enclosing: Sequence[tuple[str, ...]]) -> bool:
    """Whether the name is a parameter, or what a `for` or a `lambda` binds."""
    before = line[place - 1].text if place else ""
    if header and len(enclosing[place]) == 1 and before in ("(", ",", "*", "**"):
        return True
    if before not in ("for", "lambda", ",", "*", "**", "("):
        return False
    for token in reversed(line[max(place - 40, 0) : place]):
        if token.text in ("for", "lambda"):
            return True
        if token.text not in (",", "(", "*", "**") and (token.kind != "name" or token.text in _KEYWORDS):
            return False
    return False


def _is_header(line: Line) -> bool:
    """Whether a function begins here."""
    return line[0].text == "def" or (line[0].text == "async" and len(line) > 1 and line[1].text == "def")


def _assigns(word: str) -> bool:
    return word.endswith("=") and word not in _COMPARISONS


def _end_of_targets(line: Line, enclosing: Sequence[tuple[str, ...]]) -> int:
    """Where what is assigned to ends; 0 where nothing is assigned."""
    if _is_header(line):
        return 0
    return max((place for place, token in enumerate(line) if _assigns(token.text) and not enclosing[place]), default=0)


def _enclosing(line: Line) -> list[tuple[str, ...]]:
    """For each token, what the brackets around it are for: `call`, `subscript` or `group`, from outside."""
    around: tuple[str, ...] = ()
    found = []
    for place, token in enumerate(line):
        if token.kind == "sign" and token.text in ")]}":
            around = around[:-1]
        found.append(around)
        if token.kind == "sign" and token.text in "([{":
            applied = place > 0 and _ends_operand(line[place - 1])
            kind = "group" if not applied or token.text == "{" else "call" if token.text == "(" else "subscript"
            if len(around) < 100:
                around = (*around, kind)
    return found


def _ends_operand(token: Token) -> bool:
    """Whether what stands here can be called or indexed."""
    return token.text in (")", "]", "}") or (token.kind in ("name", "string") and token.text not in _KEYWORDS)


def _segments(lines: Sequence[Line], names: _Names) -> list[Segment]:
    """The words of all statements, each in the segment of the function or class around it."""
    top = Segment()
    found, stack = [top], [(-1, top)]
    cell = count = 0
    for line in lines:
        first = line[0]
        if first.cell != cell:
            cell, stack = first.cell, stack[:1]
        while len(stack) > 1 and first.indent <= stack[-1][0]:
            stack.pop()
        if first.text == "class" or _is_header(line):
            segment = Segment()
            found.append(segment)
            stack.append((first.indent, segment))
        segment = stack[-1][1]
        begin = len(segment.words)
        segment.begins.append(begin)
        for word in _words(line, names):
            _append(segment, word)
        del segment.words[begin + MAX_WORDS - count :]
        count += len(segment.words) - begin
        if count >= MAX_WORDS:
            break
    return found


def _append(segment: Segment, word: Word) -> None:
    """Add a word; a second literal of one kind in a statement makes the first one longer."""
    last = segment.words[-1] if len(segment.words) > segment.begins[-1] else None
    if last is not None and word.text in ("N", "S") and last.text == word.text:
        segment.words[-1] = replace(last, end=word.end)
    else:
        segment.words.append(word)


def _words(line: Line, names: _Names) -> Iterator[Word]:
    """The words of one statement."""
    enclosing = _enclosing(line)
    header = _is_header(line)
    layers = _end_of_layers(line, enclosing, names)
    place, count = 0, len(line)
    while place < count:
        token = line[place]
        after = line[place + 1].text if place + 1 < count else ""
        text, used = "", 1
        if token.kind == "name" and token.text not in _KEYWORDS:
            before = line[place - 1].text if place else ""
            if after == "=" and enclosing[place][-1:] == ("call",) and not header:
                used = 2  # a keyword argument
            elif before == ".":
                text = ".V" if token.text in names.attributes else f".{token.text}"
            elif token.text in names.imported:
                used, text = _imported(line, place, names)
            else:
                text = token.text if token.text in KEPT or token.text in _VALUES else "V"
            if (header and after == ":" and len(enclosing[place]) == 1) or (after == ":" and place == 0):
                used += _length_of_annotation(line, place + 1, enclosing)
        elif token.kind in ("number", "string"):
            text = "N" if token.kind == "number" else "S"
        elif header and token.text == "->":
            used = count - place
        else:
            text = _sign(line, place, enclosing)
        if text:
            end = line[place + used - 1].end
            yield Word(text, token.cell, token.start, end, layer=place < layers[place])
        place += used


def _end_of_layers(line: Line, enclosing: Sequence[tuple[str, ...]], names: _Names) -> list[int]:
    """For each token, where the call of a layer ends that it belongs to; 0 if it belongs to none."""
    found = [0] * len(line)
    for place, token in enumerate(line[:-1]):
        name = names.imported.get(token.text, token.text)
        if found[place] or line[place + 1].text != "(" or name not in LAYERS or token.text in names.own:
            continue
        begin, end, depth = place, place + 2, len(enclosing[place])
        while begin > 1 and line[begin - 1].text == "." and line[begin - 2].kind == "name":
            begin -= 2
        while end < len(line) and len(enclosing[end]) > depth:
            end += 1
        found[begin:end] = [end] * (end - begin)
    return found


def _imported(line: Line, place: int, names: _Names) -> tuple[int, str]:
    """How many tokens a dotted name takes that begins with something imported, and its last part."""
    used, text = 1, names.imported[line[place].text]
    while place + used + 1 < len(line) and line[place + used].text == "." and line[place + used + 1].kind == "name":
        text = line[place + used + 1].text
        used += 2
    return used, text


def _length_of_annotation(line: Line, place: int, enclosing: Sequence[tuple[str, ...]]) -> int:
    """How many tokens from a colon on say of which type something is."""
    depth = len(enclosing[place])
    for end in range(place + 1, len(line)):
        inside = len(enclosing[end])
        if inside < depth or (inside == depth and line[end].text in (",", "=")):
            return end - place
    return len(line) - place


def _sign(line: Line, place: int, enclosing: Sequence[tuple[str, ...]]) -> str:
    """The word for a keyword or sign; empty for one that only groups."""
    text = line[place].text
    before = line[place - 1] if place else None
    applied = before is not None and (_ends_operand(before) or before.kind == "number")
    if text in _SILENT or (text in "([" and not applied) or text == ".":
        return ""
    if text == ":":
        return ":" if enclosing[place][-1:] == ("subscript",) else ""
    if text in "+-" and not applied and place + 1 < len(line) and line[place + 1].kind == "number":
        return ""
    return text
