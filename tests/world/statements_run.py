"""How the store runs its statements: where it does, and which are put together as they run, by reading its source."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

STORE = Path(__file__).resolve().parents[2] / "distrib" / "store"
RUNNERS = {
    "execute": 1, "execute_many": 1, "only": 1, "figures": 1, "figures_or_none": 1, "pull": 1, "gather": 1,
    "execute_as": 2, "execute_partly_as": 2, "row_as": 2, "value": 2, "value_or_none": 2, "column": 2, "streamed": 2,
    "streamed_as": 3,
}  # fmt: skip
"""What runs a statement, and the place of the statement among its arguments."""


def modules() -> Iterator[tuple[str, ast.Module]]:
    """Every module of the store but its migrations, by its path without suffix."""
    for path in sorted(STORE.rglob("*.py")):
        if "migrations" not in path.parts:
            yield path.relative_to(STORE).with_suffix("").as_posix(), ast.parse(path.read_text("utf-8"))


def strings(module: ast.Module) -> Iterator[str]:
    """The texts of a module, those within others included, but for what documents it."""
    documenting = {id(node.value) for node in ast.walk(module) if isinstance(node, ast.Expr)}
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documenting:
            yield node.value


def imported(module: ast.Module) -> Iterator[tuple[str, str]]:
    """What a module imports by name, with where it comes from."""
    for node in module.body:
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            yield from ((node.module, alias.name) for alias in node.names)


def calls_of(module: ast.Module, *names: str) -> int:
    """How many calls of methods with one of those names there are."""
    return sum(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in names
        for node in ast.walk(module)
    )


def put_together(module: ast.Module) -> set[str]:
    """The functions that run a statement which is neither written nor chosen among those that are, by name.

    A parameter named ``statement`` is judged where its function is called.
    """
    known = _names_of(module)
    handed: dict[str, int] = {}
    functions = [node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)]
    for function in functions:
        names = [argument.arg for argument in function.args.args if argument.arg != "self"]
        if "statement" in names:
            handed[function.name] = names.index("statement")
    return {function.name for function in functions if not _all_written(function, known, RUNNERS | handed)}


def _names_of(module: ast.Module) -> set[str]:
    """The names that a module gives to values of its own, and those that it imports."""
    names: set[str] = set()
    for node in module.body:
        if isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        names |= {part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)}
    return names


def _all_written(function: ast.FunctionDef, known: set[str], runners: dict[str, int]) -> bool:
    names = known | {argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)}
    inside = list(_inside(function))
    given = _given(inside)

    def is_written(statement: ast.expr) -> bool:
        match statement:
            case ast.Constant():
                return True
            case ast.Name(id=name):
                return all(map(is_written, given[name])) if name in given else name in names
            case ast.Subscript(value=value) | ast.Starred(value=value) | ast.Attribute(value=value):
                return is_written(value)
            case ast.Call(func=ast.Attribute(value=value, attr="values")):
                return is_written(value)
            case ast.IfExp(body=body, orelse=orelse):
                return is_written(body) and is_written(orelse)
            case ast.Tuple(elts=several) | ast.List(elts=several):
                return all(map(is_written, several))
        return False

    return all(
        is_written(node.args[runners[name]])
        for node in inside
        if isinstance(node, ast.Call) and (name := _called(node)) in runners and len(node.args) > runners[name]
    )


def _given(inside: Iterable[ast.AST]) -> dict[str, list[ast.expr]]:
    """All that each name is given in a function; what a loop gives one by one as a whole."""
    given: dict[str, list[ast.expr]] = {}
    for node in inside:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) | ast.For(target=ast.Name(id=name), iter=value):
                given.setdefault(name, []).append(value)
            case ast.AugAssign(target=ast.Name(id=name)):
                given.setdefault(name, []).append(ast.JoinedStr(values=[]))
    return given


def _inside(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """What stands in a function, but for what stands in functions within it."""
    waiting = list(ast.iter_child_nodes(function))
    while waiting:
        node = waiting.pop()
        if not isinstance(node, ast.FunctionDef):
            yield node
            waiting += ast.iter_child_nodes(node)


def _called(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(value=ast.Name(id="self"), attr=name):
            return name
    return ""
