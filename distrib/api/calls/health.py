"""Whether the service lives, whether it is ready, and its figures, for machines that watch it. No ids of anyone."""

from __future__ import annotations

import psycopg
from flask import Blueprint, Response
from sqlalchemy.exc import SQLAlchemyError

from distrib.api.calls.backend import current_backend
from distrib.api.http.answers import json_response, to_json


def health_blueprint() -> Blueprint:
    """``/healthz``, ``/readyz`` and ``/metrics``."""
    blueprint = Blueprint("health", __name__)
    blueprint.add_url_rule("/healthz", view_func=healthz)
    blueprint.add_url_rule("/readyz", view_func=readyz)
    blueprint.add_url_rule("/metrics", view_func=metrics)
    return blueprint


def healthz() -> Response:
    """The process answers."""
    return json_response(to_json({"status": "alive"}), 200, {})


def readyz() -> Response:
    """Ready with a migrated database; without Redis events are settled a second later: its state is only shown."""
    database = _database_state()
    redis = "up" if current_backend().has_bell() else "down"
    is_ready = database == "up"
    view = {"status": "ready" if is_ready else "not_ready", "database": database, "redis": redis}
    return json_response(to_json(view), 200 if is_ready else 503, {} if is_ready else {"Retry-After": "1"})


def metrics() -> Response:
    """The figures as Prometheus reads them."""
    backend = current_backend()
    try:
        asked = backend.figures()
    except (SQLAlchemyError, psycopg.Error):
        asked = {}
    return Response(backend.metrics.exposition(asked), content_type=backend.metrics.content_type)


def _database_state() -> str:
    try:
        return "up" if current_backend().is_migrated() else "not_migrated"
    except (SQLAlchemyError, psycopg.Error):
        return "down"
