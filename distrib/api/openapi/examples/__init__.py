"""Examples of what is sent and answered, for the description: requests written by hand, answers as a walk got them.

A test sends every request to a service (``tests/world/examples.py``) and holds every answer against its schema;
``python -m tests.tools.write_examples`` keeps the answers of the walk anew.
"""

from __future__ import annotations

import json
from copy import deepcopy
from functools import cache
from importlib.resources import files
from typing import Any, Final

JSON: Final = "application/json"
_HERE: Final = __name__


def requests() -> dict[str, Any]:
    """The body that is sent, by operationId; of ``post_events`` several, by their names. A copy: shapes change it."""
    return deepcopy(_read("requests.json"))


def answers() -> dict[str, Any]:
    """The JSON that is answered, by operationId and status; a copy."""
    return deepcopy(_read("answers.json"))


def add_examples(operation: dict[str, Any]) -> None:
    """Puts the examples of an operation beside its shapes; changed in place."""
    name = operation["operationId"]
    if name in _read("requests.json"):
        sent = deepcopy(_read("requests.json")[name])
        content = operation["requestBody"]["content"]
        if name == "post_events":
            content[JSON]["examples"] = {key: {"value": value} for key, value in sent.items()}
        else:
            content[JSON]["example"] = sent
    for status, answer in deepcopy(_read("answers.json").get(name, {})).items():
        operation["responses"][status]["content"][JSON]["example"] = answer


@cache
def _read(name: str) -> dict[str, Any]:
    kept: dict[str, Any] = json.loads(files(_HERE).joinpath(name).read_text("utf-8"))
    return kept
