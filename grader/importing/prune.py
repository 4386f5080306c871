"""The probe's side of a test cell without what only the assertions need.

Student code runs beside the probe and can read it, so it must hold no answers: a list of expected values, a reference
implementation, the second half of `for given, expected in [...]`. A statement stays if it asks, if it draws from the
random numbers that student code shares, or if one that stays reads what it binds.
"""

import ast
from collections.abc import Sequence

_SHARED = ("np.random", "tf.random", "random.seed", "set_random_seed")


def pruned(statements: Sequence[ast.stmt]) -> list[ast.stmt]:
    """The statements that asking needs, with loops over as much as they need."""
    literals = {
        statement.targets[0].id: statement.value
        for statement in statements
        if isinstance(statement, ast.Assign)
        and isinstance(statement.targets[0], ast.Name)
        and _is_literal(statement.value)
    }
    bound = [name for statement in statements for name in _bound(statement)]
    once = {name: value for name, value in literals.items() if bound.count(name) == 1}
    needed: set[str] = set()
    while True:
        kept = _kept(statements, needed, once)
        more = {name for statement in kept for name in _loaded(statement)}
        if more <= needed:
            return kept
        needed |= more


def holds_more(statements: Sequence[ast.stmt]) -> bool:
    """Whether a loop still goes over values that asking does not use: they may be what is expected."""
    for statement in statements:
        for node in ast.walk(statement):
            if isinstance(node, ast.For):
                used = {name for part in node.body for name in _loaded(part)}
                if set(_names(node.target)) - used:
                    return len(_names(node.target)) > 1
    return False


def _kept(statements: Sequence[ast.stmt], needed: set[str], literals: dict[str, ast.expr]) -> list[ast.stmt]:
    kept: list[ast.stmt] = []
    for statement in statements:
        if isinstance(statement, ast.For):
            body = _kept(statement.body, needed, literals)
            if body:
                kept.append(_with_less(ast.For(statement.target, statement.iter, body, [], lineno=0), needed, literals))
        elif isinstance(statement, ast.If):
            body, orelse = _kept(statement.body, needed, literals), _kept(statement.orelse, needed, literals)
            if body or orelse:
                kept.append(ast.If(statement.test, body or [ast.Pass()], orelse))
        elif _asks(statement) or set(_bound(statement)) & needed:
            kept.append(statement)
    return kept


def _asks(statement: ast.stmt) -> bool:
    if any(isinstance(node, ast.Name) and node.id == "asked" for node in ast.walk(statement)):
        return True
    return any(word in ast.unparse(ast.fix_missing_locations(statement)) for word in _SHARED)


def _bound(statement: ast.stmt) -> list[str]:
    match statement:
        case ast.Assign(targets=[target]):
            return _names(target)
        case ast.FunctionDef(name=name):
            return [name]
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name)))):
            return [name]
        case ast.For(target=target, body=body):
            return [*_names(target), *(name for part in body for name in _bound(part))]
    return []


def _names(target: ast.expr) -> list[str]:
    return [node.id for node in ast.walk(target) if isinstance(node, ast.Name)]


def _loaded(statement: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def _is_literal(node: ast.expr) -> bool:
    return isinstance(node, ast.List | ast.Tuple | ast.Dict)


def _with_less(loop: ast.For, needed: set[str], literals: dict[str, ast.expr]) -> ast.For:
    """The loop over only those columns of its table that its body uses."""
    if not isinstance(loop.target, ast.Tuple):
        return loop
    used = {name for part in loop.body for name in _loaded(part)} | needed
    places = [place for place, target in enumerate(loop.target.elts) if set(_names(target)) & used]
    if len(places) == len(loop.target.elts):
        return loop
    columns = _columns(loop.iter, len(loop.target.elts), places, literals)
    if columns is None:
        return loop
    targets = [loop.target.elts[place] for place in places]
    target = targets[0] if len(targets) == 1 else ast.Tuple(targets, ast.Store())
    return ast.For(target if targets else ast.Name("_", ast.Store()), columns, loop.body, [], lineno=0)


def _columns(table: ast.expr, width: int, places: list[int], literals: dict[str, ast.expr]) -> ast.expr | None:
    """The columns of a table that is written out; None if it is not."""
    match table:
        case ast.Name(id=name) if name in literals:
            return _columns(literals[name], width, places, literals)
        case ast.List(elts=rows) | ast.Tuple(elts=rows):
            cells = [row.elts for row in rows if isinstance(row, ast.Tuple | ast.List) and len(row.elts) == width]
            return _table([[row[place] for place in places] for row in cells]) if len(cells) == len(rows) else None
        case ast.Call(func=ast.Attribute(value=value, attr="items"), args=[]) if width == 2:
            while isinstance(value, ast.Name) and value.id in literals:
                value = literals[value.id]
            if isinstance(value, ast.Dict) and None not in value.keys:
                pairs = list(zip([key for key in value.keys if key is not None], value.values, strict=True))
                return _table([[pair[place] for place in places] for pair in pairs])
        case ast.Call(func=ast.Name(id="zip"), args=columns, keywords=[]) if len(columns) == width and places:
            chosen = [columns[place] for place in places]
            return chosen[0] if len(chosen) == 1 else ast.Call(ast.Name("zip", ast.Load()), chosen, [])
    return None


def _table(rows: list[list[ast.expr]]) -> ast.expr:
    made: list[ast.expr] = [row[0] if len(row) == 1 else ast.Tuple(row, ast.Load()) for row in rows]
    return ast.List(made, ast.Load())
