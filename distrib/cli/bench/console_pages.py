"""What a page of the console costs: every kind of page that links lead to, on a large program and on a small one.

Somebody with every right signs in and follows links from the overview; an owner comes in by a link of the platform's.
Of one kind, which is a route with the names in its query, a few are looked at. Nothing is written but that person, its
seat and the owner's session.
"""

from __future__ import annotations

import html
import re
import secrets
from collections import Counter, deque
from collections.abc import Callable, Iterator
from functools import partial
from statistics import median
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urljoin, urlsplit

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from distrib.app import create_app
from distrib.bootstrap import Container
from distrib.cli.bench.failures import BenchFailed
from distrib.cli.bench.platform_world.keeping import OpenedWorld
from distrib.cli.bench.reading import Clock, Cost, both_programs
from distrib.domain.texts import Text
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.people import accounts, seats
from distrib.services.people.accounts import PersonDraft

MEDIAN_MS, SMALL_MEDIAN_MS = 300.0, 200.0
MOST_PAGES = 500
OF_A_KIND = 2
ROUNDS = 2
_HTML = "text/html"
_REFUSED = Text("A page was refused")
_LINK = re.compile(r'(?:href|hx-get)="([^"#]+)')
_FIELD = re.compile(r'name="([a-z_]+)" value="([^"]*)"')


class SeenPage(NamedTuple):
    """A page that was looked at: its kind, its address, and what it cost."""

    kind: str
    address: str
    cost: Cost


class Reading:
    """A browser in this process on the pages of one program: knows links, forms and cookies."""

    def __init__(self, opened: OpenedWorld) -> None:
        self._opened = opened
        self._app: Flask = create_app(opened.container)
        self._clock = Clock(opened.container)
        self._base = f"/console/p/{opened.program.code}"

    def pages(self) -> list[SeenPage]:
        """Every kind of page of the console, and of one owner's."""
        return [
            *self._walk(self._signed_in(), self._base),
            *self._walk(self._owner(), "/my"),
        ]

    def _signed_in(self) -> FlaskClient:
        """A browser in which a new person is signed in who may do everything."""
        login, password, now = f"bench-{secrets.token_hex(6)}", secrets.token_urlsafe(16), self._opened.container.now()
        with self._opened.container.begin() as conn:
            person = accounts.make_person(conn, PersonDraft(login, "Bench", password, must_change=False), now)
            seats.give_seat(Unit(conn, self._opened.program, COMMAND_LINE, now), person, "admin")
        client = self._app.test_client()
        _sent(client, "/console/sign-in", login=login, password=password)
        return client

    def _owner(self) -> FlaskClient:
        """A browser in which the owner of the shop that sells most is in."""
        client, key = self._app.test_client(), {"Authorization": f"Bearer {self._opened.key}"}
        shop = client.get("/v1/shops?sort=-sales&limit=1", headers=key).get_json()["data"][0]["id"]
        made = client.post(f"/v1/shops/{shop}/session", headers=key).get_json()
        _sent(client, urlsplit(made["url"]).path)
        return client

    def _walk(self, client: FlaskClient, base: str) -> Iterator[SeenPage]:
        """Pages that links lead to from ``base`` and stand below it, the nearest first, a few of each kind."""
        coming, known, seen = deque([base]), {base}, Counter[str]()
        while coming and seen.total() < MOST_PAGES:
            address = coming.popleft()
            kind = self._kind(address)
            if kind is None or seen[kind] >= OF_A_KIND:
                continue
            seen[kind] += 1
            cost, answer = self._clock.cost(partial(_page, client, address), ROUNDS)
            if answer.status_code == 200 and answer.mimetype != _HTML:
                continue  # a file
            if answer.status_code >= 400:
                raise BenchFailed(_REFUSED, f"{address}: {answer.status}")
            yield SeenPage(kind, address, cost)
            for link in map(html.unescape, _LINK.findall(answer.text)):
                target = urljoin(address, link)
                if target.startswith(base) and target not in known:
                    known.add(target)
                    coming.append(target)

    def _kind(self, address: str) -> str | None:
        """The route of an address with the names in its query; None where it leads to no page."""
        split = urlsplit(address)
        try:
            rule, _ = self._app.url_map.bind("localhost").match(split.path, "GET", return_rule=True)
        except HTTPException:
            return None
        names = sorted({name for name, _ in parse_qsl(split.query)})
        return f"{rule.rule}?{'&'.join(names)}" if names else rule.rule


def _page(client: FlaskClient, address: str) -> TestResponse:
    """A page that was read to its end; of a file, which may hold a million shops, the head alone."""
    answer = client.get(address, headers={"Accept-Language": "zh"})
    if answer.mimetype == _HTML:
        answer.get_data()
    answer.close()
    return answer


def _sent(client: FlaskClient, path: str, **form: str) -> None:
    """Fills in the form of a page and sends it."""
    fields = dict(_FIELD.findall(_page(client, path).text))
    answer = client.post(path, data={**fields, **form})
    if answer.status_code != 303:
        raise BenchFailed(_REFUSED, f"{path}: {answer.status}")


def bench_pages(container: Container, scale: str, say: Callable[[str], None]) -> dict[str, Any]:
    """Looks at the pages of both programs; answers medians and the dearest, and all of the large one in ``pages``."""
    with both_programs(container, scale, say) as (large, small):
        say("pages")
        return compare(large, small)


def compare(large: OpenedWorld, small: OpenedWorld) -> dict[str, Any]:
    """Looks at the pages of two programs; answers as ``bench_pages``."""
    of_large, of_small = Reading(large).pages(), Reading(small).pages()
    dearest = sorted(of_large, key=lambda page: page.cost.cpu_ms, reverse=True)
    figures = {
        "large_shops": large.world.shops,
        "large_orders": large.world.orders,
        "pages_seen": len(of_large),
        "median_page_ms": round(median(page.cost.cpu_ms for page in of_large), 1),
        "median_page_ms_goal": MEDIAN_MS,
        "median_page_wall_ms": round(median(page.cost.wall_ms for page in of_large), 1),
        "small_median_page_ms": round(median(page.cost.cpu_ms for page in of_small), 1),
        "small_median_page_ms_goal": SMALL_MEDIAN_MS,
        "dearest_page_ms": round(dearest[0].cost.cpu_ms, 1),
    }
    met = figures["median_page_ms"] <= MEDIAN_MS and figures["small_median_page_ms"] <= SMALL_MEDIAN_MS
    return {**figures, "met": met, "pages": [_shown(page) for page in dearest]}


def _shown(page: SeenPage) -> dict[str, Any]:
    cost = {"ms": round(page.cost.cpu_ms, 1), "wall_ms": round(page.cost.wall_ms, 1)}
    return {"kind": page.kind, "address": page.address, **cost}
