"""The limit of single posts: a route that parses the body, inserts one row and commits, and nothing else.

Served as the real one is (same gunicorn, same settings of it), with a connection a thread. No key, no check, no queue.
"""

from __future__ import annotations

import json
import os
import threading
from typing import Any

import psycopg
from flask import Flask, Response, request
from sqlalchemy import make_url

_TABLE = 'CREATE TABLE IF NOT EXISTS bare_events (event_id text COLLATE "C" PRIMARY KEY, payload text NOT NULL)'
_INSERT = "INSERT INTO bare_events (event_id, payload) VALUES (%s, %s) ON CONFLICT DO NOTHING"
_own = threading.local()


def address(url: str) -> str:
    """The address of a database as psycopg takes it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def empty_table(url: str) -> None:
    """Has the route's table there, without rows."""
    with psycopg.connect(address(url)) as connection:
        connection.execute(_TABLE)
        connection.execute("TRUNCATE bare_events")


def count_kept(url: str) -> int:
    """How many rows the route has kept."""
    with psycopg.connect(address(url)) as connection:
        row = connection.execute("SELECT count(*) FROM bare_events").fetchone()
    return int(row[0]) if row else 0


def _connection() -> psycopg.Connection[Any]:
    """This thread's connection."""
    known: psycopg.Connection[Any] | None = getattr(_own, "connection", None)
    if known is None or known.closed:
        _own.connection = known = psycopg.connect(address(os.environ["DISTRIB_DATABASE_URL"]))
    return known


def _post() -> Response:
    sent = request.get_data()
    event_id = json.loads(sent)["id"]
    connection = _connection()
    connection.execute(_INSERT, (event_id, sent.decode()))
    connection.commit()
    return Response('{"accepted":1}', 202, content_type="application/json")


app = Flask("bare_route")
app.add_url_rule("/v1/events", "post", _post, methods=["POST"])
for _rule in ("/readyz", "/v1/program", "/v1/events"):  # what callers ask before they post
    app.add_url_rule(_rule, _rule, lambda: Response("{}", content_type="application/json"))
