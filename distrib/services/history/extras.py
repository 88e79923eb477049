"""Whether what only some installations bring is there. Nothing that needs it may enter."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

from distrib.domain.errors import Problem, Refusal
from distrib.domain.texts import Text

MODULES: Final = {"parquet": "pyarrow", "dask": "distributed"}
"""By extra, a module that it brings."""


def must_have(extra: str, option: str) -> None:
    """Makes sure that an extra is installed.

    Raises:
        Refusal: ``invalid`` with the option that needs it.
    """
    if find_spec(MODULES[extra]) is None:
        words = Text("needs the extra {extra}: pip install 'distrib[{extra}]'", extra=extra)
        raise Refusal("invalid", [Problem(option, words)])
