"""Calls to the service: JSON in and out, repeated where that is safe, refusals as errors with their code.

What is sent may be sent twice: events, shops and batches carry ids of the caller's own, and a post goes with an
``Idempotency-Key`` that stays the same when it is repeated.
"""

from __future__ import annotations

import http.client
import json
import random
import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

RETRIED = frozenset({429, 502, 503, 504})
"""Answers after which a call is made again: the service is busy, or was not reached."""
UNDONE = frozenset({429, 503})
"""Those of them that say that nothing was done."""
MADE_ANEW = re.compile(r"/v1/(?:keys(?:/[^/]+/(?:rotate|signing))?|people|shops/[^/]+/session|webhooks(?:/.*)?)")
"""Posts that make a secret, a link or a message each time: called again only where nothing was done for certain."""
MOST_EVENTS = 1_000
"""That one post may hold."""
MOST_WAIT_SECONDS = 60.0


class Refused(Exception):
    """The service refused a call: a problem document (RFC 9457).

    Attributes:
        status: of the answer.
        code: the stable word of the problem; empty where the answer was none of the service's.
        problem: the whole document, with ``errors`` where input was wrong.
    """

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status, self.problem = status, dict(problem)
        self.code = str(problem.get("code", ""))
        super().__init__(f"{status} {self.code}: {problem.get('detail', '')}")


class Unreachable(Exception):
    """No answer came, however often the call was made."""


@dataclass(frozen=True)
class Client:
    """Speaks for one key.

    Attributes:
        url: where the service is, such as ``https://commissions.example.com``.
        key: the key, as it was shown when it was made.
        attempts: how often a call is made at most.
        timeout_seconds: how long one attempt may take.
        pause: waits so many seconds; for tests and event loops.
    """

    url: str
    key: str = field(repr=False)
    attempts: int = 5
    timeout_seconds: float = 60.0
    pause: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        """Refuse an address that is none."""
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"not an address of a service: {self.url}")

    def get(self, path: str, **query: object) -> Any:
        """The answer to a GET, parsed; ``None`` where it has no body."""
        return self._json("GET", path + _query(query))

    def post(self, path: str, body: object = None, idempotency_key: str | None = None) -> Any:
        """The answer to a POST, parsed; repeated under one ``Idempotency-Key``, a new one if none is given.

        What makes a secret anew each time, such as a key, is not called again where its answer was lost.
        """
        return self._json("POST", path, body, {"Idempotency-Key": idempotency_key or str(uuid.uuid4())})

    def put(self, path: str, body: object) -> Any:
        """The answer to a PUT, parsed."""
        return self._json("PUT", path, body)

    def patch(self, path: str, body: object) -> Any:
        """The answer to a PATCH, parsed."""
        return self._json("PATCH", path, body)

    def delete(self, path: str) -> Any:
        """The answer to a DELETE, parsed; mostly ``None``."""
        return self._json("DELETE", path)

    def download(self, path: str, **query: object) -> bytes:
        """A file, as it was answered."""
        return self._call("GET", path + _query(query), None, {})[1]

    def pages(self, path: str, **query: object) -> Iterator[dict[str, Any]]:
        """The entries of a list, page by page, until its end; ``limit`` is how many a page has."""
        cursor = None
        while True:
            page = self.get(path, **query | ({"cursor": cursor} if cursor else {}))
            yield from page["data"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def post_events(self, events: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
        """What became of each event, in their order: ``accepted``, ``duplicate`` or ``refused`` with its code.

        They go out by the thousand; sent again, they are duplicates and change nothing.
        """
        rest = iter(events)
        while batch := list(islice(rest, MOST_EVENTS)):
            yield from self.post("/v1/events", {"events": batch})["results"]

    def _json(self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> Any:
        sent = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        kind, answer = self._call(method, path, sent, headers or {})
        if not answer:
            return None
        if not kind.startswith("application/json"):
            raise ValueError(f"{path} answers {kind}: use download")
        return json.loads(answer)

    def _call(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> tuple[str, bytes]:
        """The media type and the bytes of a good answer; the same call again while the service is busy or away."""
        is_made_anew = method == "POST" and MADE_ANEW.fullmatch(path) is not None
        last: Exception = Unreachable(f"{method} {path}: no attempt was made")
        for attempt in range(1, self.attempts + 1):
            waits = _backoff_seconds(attempt)
            try:
                status, answered, answer = self._once(method, path, body, headers)
            except (OSError, http.client.HTTPException) as error:
                last = Unreachable(f"{method} {path}: {error!r}")
                last.__cause__ = error
                if is_made_anew:
                    raise last from error
            else:
                if status < 400:
                    return answered.get("content-type", ""), answer
                last = Refused(status, _problem(answer))
                if status not in (UNDONE if is_made_anew else RETRIED):
                    raise last
                waits = _retry_after_seconds(answered.get("retry-after", ""), waits)
            if attempt < self.attempts:
                self.pause(waits)
        raise last

    def _once(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        parts = urlsplit(self.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(str(parts.hostname), parts.port, timeout=self.timeout_seconds)
        sent = {"Authorization": f"Bearer {self.key}", "Accept": "application/json, */*", **headers}
        if body is not None:
            sent["Content-Type"] = "application/json"
        try:
            connection.request(method, parts.path.rstrip("/") + path, body, sent)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()


def path_of(*parts: str) -> str:
    """A path of the service with ids in it, each escaped.

    >>> path_of("v1", "shops", "店 1", "balance")
    '/v1/shops/%E5%BA%97%201/balance'
    """
    return "".join("/" + quote(part, safe="") for part in parts)


def _query(query: Mapping[str, object]) -> str:
    """A query of what is given; a name that Python keeps for itself ends in ``_`` (``from_``)."""
    given = {name.rstrip("_"): value for name, value in query.items() if value is not None}
    return "?" + urlencode(given) if given else ""


def _problem(answer: bytes) -> Mapping[str, Any]:
    try:
        problem = json.loads(answer)
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}


def _backoff_seconds(attempt: int) -> float:
    """Half a second, one, two and so on, each up to a half longer, so that callers do not come back together."""
    return float(min(MOST_WAIT_SECONDS, 2 ** (attempt - 2) * random.uniform(1, 1.5)))  # noqa: S311  # nosec B311


def _retry_after_seconds(header: str, otherwise: float) -> float:
    return min(MOST_WAIT_SECONDS, float(header)) if header.isdecimal() else otherwise
