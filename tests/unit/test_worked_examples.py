"""The worked examples that stand in docstrings are true."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path
from types import ModuleType

import pytest

import distrib

ROOM = Path(distrib.__file__).parent
MODULES = [
    ".".join(path.relative_to(ROOM.parent).with_suffix("").parts)
    for path in sorted(ROOM.rglob("*.py"))
    if ">>>" in path.read_text("utf-8")
]


def examples_of(module: ModuleType) -> list[doctest.DocTest]:
    """Those of the module and of all that is defined in it, decorated or not."""
    finder = doctest.DocTestFinder(exclude_empty=True, recurse=False)
    things = [thing for thing in vars(module).values() if getattr(thing, "__module__", None) == module.__name__]
    things += [part for thing in things if isinstance(thing, type) for part in vars(thing).values()]
    named = [(getattr(thing, "__name__", module.__name__), thing) for thing in (module, *things)]
    return [
        example
        for name, thing in named
        if getattr(thing, "__doc__", None)
        for example in finder.find(thing, name, module=False, globs=vars(module))
    ]


@pytest.mark.parametrize("name", MODULES)
def test_a_worked_example_says_what_happens(name: str) -> None:
    examples = examples_of(importlib.import_module(name))
    runner = doctest.DocTestRunner(optionflags=doctest.FAIL_FAST)
    output: list[str] = []
    for example in examples:
        runner.run(example, out=output.append)
    assert "".join(output) == ""
    assert runner.summarize(verbose=False).attempted > 0
