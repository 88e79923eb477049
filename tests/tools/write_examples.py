"""Keeps what a walk through the request examples is answered, as examples: ``python -m tests.tools.write_examples``.

Needs the servers that tests use. Then renew the description: ``python -m tests.tools.write_openapi``.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from distrib.api.openapi import examples
from distrib.settings import Settings
from tests.world import databases
from tests.world.api import Api, app_on
from tests.world.examples import JSON, Answered, Walk
from tests.world.world import PEPPER, open_world

TARGET = Path(examples.__file__).with_name("answers.json")
MOST_ROWS = 2
"""Of a list that an example shows: more say the same."""


def main() -> None:
    """Goes the walk in a new database, and writes what it was answered."""
    with (
        databases.own_desk() as desk,
        databases.fresh_database(desk, 1) as url,
        tempfile.TemporaryDirectory() as directory,
    ):
        databases.empty_redis(desk.scratch_redis_url)
        settings = Settings(
            database_url=url, redis_url=desk.scratch_redis_url, var_dir=Path(directory), key_pepper=PEPPER.decode()
        )
        world = open_world(settings, url, desk.scratch_redis_url)
        try:
            answered = Walk(Api(app_on(world.container), world)).go()
        finally:
            world.container.close()
    TARGET.write_text(json.dumps(kept(answered), ensure_ascii=False, indent=1, sort_keys=True) + "\n", "utf-8")


def kept(answered: list[Answered]) -> dict[str, Any]:
    """The last JSON answer of each operation by its status, its lists cut short."""
    by_operation: dict[str, Any] = {}
    for answer in answered:
        if answer.media_type == JSON and answer.body is not None:
            by_operation.setdefault(answer.operation, {})[str(answer.status)] = shortened(answer.body)
    return by_operation


def shortened(value: Any) -> Any:
    """The same with the first rows of each list."""
    if isinstance(value, dict):
        return {key: shortened(inner) for key, inner in value.items()}
    return [shortened(inner) for inner in value[:MOST_ROWS]] if isinstance(value, list) else value


if __name__ == "__main__":
    main()
