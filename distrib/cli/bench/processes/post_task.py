"""A caller that posts events, alone or in batches, over one connection, as fast as they are taken. No retry."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from http.client import HTTPConnection
from typing import Any, NamedTuple

from distrib.cli.bench.world import World


def prepare_post(spec: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    """Every n-th batch of the world's events as the bytes of its body, and a connection that has been answered once."""
    bodies = _bodies(World(**spec["world"]), spec["hand"], spec["hands"], spec["batch"])
    connection = HTTPConnection(spec["host"], spec["port"], timeout=60)
    headers = {"Authorization": f"Bearer {spec['key']}", "Content-Type": "application/json"}
    _call(connection, _Request("GET", "/v1/events?limit=1", None, headers), 200)

    def run() -> dict[str, Any]:
        for count, body in bodies:
            answer = _call(connection, _Request("POST", "/v1/events", body, headers), 202)
            if json.loads(answer)["accepted"] != count:
                raise SystemExit(f"not all events were accepted: {answer[:500]!r}")
        connection.close()
        return {"events": sum(count for count, _ in bodies), "bytes": sum(len(body) for _, body in bodies)}

    return run


@cache
def _bodies(world: World, hand: int, hands: int, size: int) -> list[tuple[int, bytes]]:
    """How many events each body has, and its bytes, an event alone without a list; the same in every round."""
    starts = range(hand * size, world.orders, hands * size)
    batches = [world.events(start, min(start + size, world.orders)) for start in starts]
    return [(len(batch), _json(batch[0] if size == 1 else {"events": batch})) for batch in batches]


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


class _Request(NamedTuple):
    method: str
    path: str
    body: bytes | None
    headers: dict[str, str]


def _call(connection: HTTPConnection, request: _Request, wanted: int) -> bytes:
    connection.request(*request)
    response = connection.getresponse()
    answer = response.read()
    if response.status != wanted:
        raise SystemExit(f"{request.method} {request.path} answered {response.status}: {answer[:500]!r}")
    return answer
