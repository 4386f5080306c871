"""Cases of otter's tests: examples with what they must show, as assertions."""

import ast
import doctest

from grader.importing.plan import Part
from grader.importing.scope import parse

Left = tuple[str, str]


def read_case(code: str, *, hidden: bool) -> tuple[Part, list[Left]]:
    """A case of an OK test file (`>>> f(3)` and what must be shown) as assertions, and what is not one."""
    try:
        examples = doctest.DocTestParser().get_examples(code)
    except ValueError as mistake:
        return Part("", hidden), [(code, f"it is no doctest: {mistake}")]
    rows: list[str] = []
    left: list[Left] = []
    for example in examples:
        _add(example.source, example.want, rows, left, silent=True)
    return Part("\n".join(rows), hidden), left


def read_cell(code: str, shown: str | None, *, hidden: bool) -> tuple[Part, list[Left]]:
    """A test cell of otter assign, whose output in the notebook is what must be shown; None if it was never run."""
    rows: list[str] = []
    left: list[Left] = []
    _add(code, shown or "", rows, left, silent=shown is not None)
    return Part("\n".join(rows), hidden), left


def _add(source: str, want: str, rows: list[str], left: list[Left], *, silent: bool) -> None:
    """The rows of one example; only its last statement can show something."""
    tree = parse(source)
    want = want.strip()
    if tree is None or not tree.body:
        if source.strip() and tree is None:
            left.append((source, "it is not Python"))
        return
    *first, last = tree.body
    rows += [ast.unparse(statement) for statement in first]
    if not isinstance(last, ast.Expr):
        if want:
            left.append((f"{ast.unparse(last)}\n{want}", "what it prints is not recorded"))
        rows.append(ast.unparse(last))
        return
    value = last.value
    call = value if isinstance(value, ast.Call) else None
    prints = call is not None and isinstance(call.func, ast.Name) and call.func.id == "print"
    if "Traceback (most recent call last)" in want:
        _add_exception(value, want, rows, left)
    elif prints and call is not None and len(call.args) == 1 and not call.keywords:
        rows.append(f"assert prints({ast.unparse(call.args[0])}, {want!r})")
    elif prints:
        left.append((f"{ast.unparse(value)}\n{want}", "what it prints is not recorded"))
    elif want:
        rows.append(f"assert shows({ast.unparse(value)}, {want!r})")
    elif not silent and isinstance(value, ast.Compare | ast.BoolOp | ast.UnaryOp | ast.Call):
        if call is not None and not _is_question(call):
            left.append((ast.unparse(value), "what it must show is not in the notebook. Run the notebook and save it"))
        else:
            rows.append(f"assert {ast.unparse(value)}")
    elif not silent and not isinstance(value, ast.Constant):
        left.append((ast.unparse(value), "what it must show is not in the notebook. Run the notebook and save it"))
    elif isinstance(value, ast.Constant):
        rows.append("pass")
    elif call is not None:
        rows.append(ast.unparse(value))
    else:
        rows.append(f"assert ({ast.unparse(value)}) is None")


def _is_question(call: ast.Call) -> bool:
    """Whether a call answers with true or false."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return name in ("isinstance", "all", "any", "callable", "hasattr", "isclose", "allclose", "array_equal", "bool")


def _add_exception(value: ast.expr, want: str, rows: list[str], left: list[Left]) -> None:
    name = want.strip().split("\n")[-1].split(":")[0].strip()
    if not name.isidentifier():
        left.append((f"{ast.unparse(value)}\n{want}", "which exception must be raised cannot be read"))
        return
    rows.append(f"try:\n    {ast.unparse(value)}\nexcept {name}:\n    pass\nelse:\n    raise AssertionError()")
