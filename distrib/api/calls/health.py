"""Whether the service lives, whether it is ready, and its figures, for machines that watch it. No ids of anyone."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import ip_address
from typing import Final

import psycopg
from flask import Blueprint, Response, request
from sqlalchemy.exc import SQLAlchemyError

from distrib.api.calls.backend import Backend, current_backend
from distrib.api.calls.gate import check
from distrib.api.http.answers import json_response, to_json
from distrib.api.http.auth import presented_key
from distrib.api.http.refusals import MetricsClosed
from distrib.domain.refusals import Unauthorized
from distrib.figures import Figure

_FORWARDED: Final = ("Forwarded", "X-Forwarded-For", "X-Real-IP")


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
    """Ready with a migrated database and its own peppers, without which no key is good.

    Without Redis events are settled a second later: its state is only shown.
    """
    database = _database_state()
    pepper = _pepper_state() if database == "up" else "unknown"
    redis = "up" if current_backend().has_bell() else "down"
    is_ready = (database, pepper) == ("up", "known")
    view = {"status": "ready" if is_ready else "not_ready", "database": database, "pepper": pepper, "redis": redis}
    return json_response(to_json(view), 200 if is_ready else 503, {} if is_ready else {"Retry-After": "1"})


def metrics() -> Response:
    """The figures as Prometheus reads them, for who has their key, or without one for this machine."""
    backend = current_backend()
    _must_be_welcome(backend)
    asked: Mapping[str, Figure] = {"distrib_database_up": 0}
    with suppress(SQLAlchemyError, psycopg.Error):
        asked = backend.figures(backend.now())
    return Response(backend.metrics.exposition(asked), content_type=backend.metrics.content_type)


def _must_be_welcome(backend: Backend) -> None:
    """Lets pass who presents the key of the figures; where there is none, who calls from this machine directly.

    A proxy on this machine calls from it too: what it forwards comes from elsewhere.

    Raises:
        Refusal: ``unauthorized``, ``metrics_closed``, or what the gate refuses.
    """
    if backend.metrics_key:
        presented = presented_key(request.headers.get("Authorization")) or ""
        if hmac.compare_digest(presented.encode(), backend.metrics_key.encode()):
            return
        address = backend.gate.address_of(request)
        check(backend.gate.admit(presented or None, address))
        if presented:
            backend.gate.note_bad_key(presented, address)
        raise Unauthorized()
    is_forwarded = any(name in request.headers for name in _FORWARDED)
    if is_forwarded or not _is_this_machine(request.remote_addr):
        raise MetricsClosed()


def _is_this_machine(address: str | None) -> bool:
    """Whether a call came over loopback, or over a socket in the file system, which has no address."""
    if not address:
        return True
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _pepper_state() -> str:
    try:
        return "known" if current_backend().knows_its_peppers() else "wrong"
    except (SQLAlchemyError, psycopg.Error):
        return "unknown"


def _database_state() -> str:
    try:
        return "up" if current_backend().is_migrated() else "not_migrated"
    except (SQLAlchemyError, psycopg.Error):
        return "down"
