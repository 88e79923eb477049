"""Speaks to the service as any order system would: HTTP, a key, batches, and again where there was no answer.

A call that got no answer is made again as it was: everything may be sent twice. Nothing that
knows the inside of the service may enter.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlencode

from distrib.cli.demo.facts import DemoFailed
from distrib.cli.demo.sources.recipe import Shop
from distrib.domain.texts import Text

ANSWERS_WITHIN_S = 60
TRIES_FOR_S = 60
PAUSE_S = 0.2
MOST_SHOPS = 1_000
MOST_ROWS = 500
PASSING = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class PostedEvents:
    """What became of the events of all calls."""

    calls: int
    accepted: int
    duplicate: int
    seconds: float

    @property
    def events(self) -> int:
        """The events that are on disk, each once; one that was sent again counts once."""
        return self.accepted + self.duplicate


class Client:
    """One connection to the service, with a key; opened again when it breaks.

    Args:
        host: where the service is.
        port: where it listens.
        key: an API key.
        must_live: asked before a call is made again; raises where that is in vain.
    """

    def __init__(self, host: str, port: int, key: str, must_live: Callable[[], None]) -> None:
        self._must_live = must_live
        self._connection = HTTPConnection(host, port, timeout=ANSWERS_WITHIN_S)
        self._headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}

    def close(self) -> None:
        """Gives the connection back."""
        self._connection.close()

    def get(self, path: str, **query: object) -> Any:
        """What the service answers, as parsed JSON."""
        return json.loads(self.raw("GET", f"{path}?{urlencode(query)}" if query else path))

    def post(self, path: str, body: object = None) -> Any:
        """Posts JSON, or nothing, and returns the answer, parsed."""
        if body is None:
            return json.loads(self.raw("POST", path))
        return json.loads(self.raw("POST", path, json.dumps(body).encode(), "application/json"))

    def put(self, path: str, body: object) -> Any:
        """Puts JSON and returns the answer, parsed."""
        return json.loads(self.raw("PUT", path, json.dumps(body).encode(), "application/json"))

    def post_lines(self, path: str, lines: Sequence[bytes]) -> Any:
        """Posts newline-delimited JSON and returns the answer, parsed."""
        return json.loads(self.raw("POST", path, b"\n".join(lines), "application/x-ndjson"))

    def all_rows(self, path: str, rows: str = "data", **query: object) -> Iterator[dict[str, Any]]:
        """The rows of a list, page after page; ``rows`` is where in the answer they stand."""
        cursor: str | None = ""
        while cursor is not None:
            page = self.get(path, **query, limit=MOST_ROWS, **({"cursor": cursor} if cursor else {}))
            yield from page[rows]
            cursor = page["next_cursor"]

    def raw(self, method: str, path: str, body: bytes | None = None, media_type: str | None = None) -> bytes:
        """The body of a good answer; calls again while there is none, for a minute.

        Raises:
            DemoFailed: the service refuses, or cannot be reached.
        """
        headers = {**self._headers, **({"Content-Type": media_type} if media_type else {})}
        deadline = time.monotonic() + TRIES_FOR_S
        while True:
            try:
                status, answer = self._once(method, path, body, headers)
            except (OSError, HTTPException) as error:
                self._connection.close()
                status, answer = 503, repr(error).encode()
            if status < 300:
                return answer
            if status not in PASSING or time.monotonic() > deadline:
                text = answer.decode(errors="replace")[:2_000]
                raise DemoFailed(
                    Text("{method} {path}: {status} {text}", method=method, path=path, status=status, text=text)
                )
            self._must_live()
            time.sleep(PAUSE_S)

    def _once(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        return response.status, response.read()


def register_shops(client: Client, shops: Sequence[Shop]) -> int:
    """Registers the shops in batches, as of when they joined; returns how many there are.

    Raises:
        DemoFailed: a shop was refused.
    """
    for start in range(0, len(shops), MOST_SHOPS):
        batch = [_draft(shop) for shop in shops[start : start + MOST_SHOPS]]
        results = client.post("/v1/shops/batch", {"shops": batch})["results"]
        refused = [result for result in results if result["status"] == "refused"]
        if refused:
            raise DemoFailed(Text("{count} shops were refused, first {first}", count=len(refused), first=refused[0]))
    return len(shops)


def _draft(shop: Shop) -> dict[str, str]:
    draft = {"id": shop.id, "joined_at": _text(shop.joined_at)}
    return draft if shop.sponsor_id is None else {**draft, "sponsor_id": shop.sponsor_id}


def post_events(client: Client, batches: Iterable[Sequence[bytes]], advance: Callable[[int], None]) -> PostedEvents:
    """Posts every batch, in order, one after the other.

    Args:
        client: speaks with a key of the role ``orders``.
        batches: the events as JSON.
        advance: gets the size of each batch that is on disk.

    Raises:
        DemoFailed: an event was refused.
    """
    calls = accepted = duplicate = 0
    started = time.monotonic()
    for batch in batches:
        answer = client.post_lines("/v1/events", batch)
        if answer["refused"]:
            refused = [result for result in answer["results"] if result["status"] == "refused"]
            raise DemoFailed(
                Text("{count} events were refused, first {first}", count=answer["refused"], first=refused[0])
            )
        calls += 1
        accepted += answer["accepted"]
        duplicate += answer["duplicate"]
        advance(len(batch))
    return PostedEvents(calls, accepted, duplicate, time.monotonic() - started)


def publish_plan(client: Client, document: dict[str, Any], effective_from: datetime) -> tuple[str, int]:
    """Creates the plan and publishes it; returns its code and version."""
    made = client.post("/v1/plans", document)
    code, version = made["code"], made["version"]
    client.post(f"/v1/plans/{code}/{version}/publish", {"effective_from": _text(effective_from)})
    return code, version


def _text(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")
