"""The factory of the Flask app: wires the backend to the API, and gives every response its headers and its log line.

No route of a noun and no rule may enter; what a request does stands in ``distrib.api``.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module

import psycopg
import structlog
from flask import Flask, Response, current_app, g, request
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from structlog.contextvars import bind_contextvars, clear_contextvars
from werkzeug.exceptions import NotFound

from distrib import __version__
from distrib.api.calls.backend import EXTENSION, Backend, current_backend
from distrib.api.calls.backlog import Backlog
from distrib.api.calls.bodies import BATCH_BYTES, is_form_asked, refusal_by_server
from distrib.api.calls.desk import at_desk, at_shop_desk
from distrib.api.calls.gate import Allowed, Gate, check, networks_of
from distrib.api.calls.health import health_blueprint
from distrib.api.calls.prometheus import Metrics
from distrib.api.calls.shares import Shares
from distrib.api.http.auth import presented_key
from distrib.api.http.paths import is_readable
from distrib.api.http.problems import MEDIA_TYPE, answer_with_problems
from distrib.api.openapi.document import description_of, register_operations
from distrib.api.openapi.pages import POLICY, docs_blueprint
from distrib.bootstrap import MOST_WEB_CONNECTIONS, Container
from distrib.console import answer_refusal, is_console, most_form_bytes, serve_console
from distrib.console.invitation import invitation_blueprint
from distrib.console.owner.blueprint import owner_blueprint
from distrib.console.owner.frame import answer_owner_refusal, is_owners
from distrib.console.people import cookie_key
from distrib.console.plans.page import MOST_BYTES as FORM_BYTES
from distrib.console.site import EXTENSION as SITE
from distrib.console.site import SignsInElsewhere, Site
from distrib.domain.errors import Refusal
from distrib.domain.policies.policy import Policy
from distrib.languages.web import serve_languages
from distrib.server.asking import ADMISSION, REFUSAL, Admission, ServerLimits
from distrib.server.asking import EXTENSION as SERVER
from distrib.services.plans.drafts import load_samples
from distrib.services.sharing.invitations import Invitation, find_invitations
from distrib.services.sharing.visits import Visit, count_visit
from distrib.settings import Settings
from distrib.store import migrate
from distrib.store.database import enter_program, watch_pool
from distrib.tracing import note_on_span, served_span, trace_here
from distrib.transactions import in_transaction

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_NAMES_OF_ID = ("Request-Id", "X-Request-Id")
_QUIET = ("/healthz", "/readyz", "/metrics")
HTML_TYPE = "text/html"
_log = structlog.get_logger("distrib.access")


def create_app(container: Container) -> Flask:
    """Builds the WSGI app on the servers of ``container``, which stays open as long as the app serves."""
    app = build_app(container.policies, load_samples(container.settings.config_dir))
    install(app, container)
    return app


def build_app(policies: Mapping[str, Policy], samples: Mapping[str, str]) -> Flask:
    """Builds the app without servers: its routes, its pages, its errors.

    Args:
        policies: the packs that the public plan page judges by.
        samples: the texts of sample plans by name.
    """
    app = Flask("distrib", static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=BATCH_BYTES + 1, PROPAGATE_EXCEPTIONS=False)
    app.url_map.merge_slashes = False
    serve_languages(app)
    register_operations(app)
    app.register_blueprint(docs_blueprint(partial(description_of, __version__)))
    app.register_blueprint(health_blueprint())
    serve_console(app, policies, samples)
    app.register_blueprint(invitation_blueprint(_invitations, lambda: current_backend().public_url, _visit_of))
    app.register_blueprint(owner_blueprint(lambda: current_backend().public_url))
    answer_with_problems(app, _answer_reader)
    app.before_request(_begin)
    app.after_request(_finish)
    app.teardown_request(_end_span)
    return app


def _answer_reader(refusal: Refusal) -> Response | None:
    """A refusal as a page for whoever reads one; None for callers of the API."""
    if is_owners(request.path):
        return answer_owner_refusal(refusal)
    return answer_refusal(refusal) if is_console(request.path) or _is_read_by_people() else None


def _is_read_by_people() -> bool:
    """Whether a browser asks for a page, at no path of the API's."""
    if request.path.startswith("/v1/") or request.path in _QUIET:
        return False
    return request.accept_mimetypes.best_match((MEDIA_TYPE, HTML_TYPE)) == HTML_TYPE


def install(app: Flask, container: Container) -> None:
    """Puts the app on the servers and secrets of ``container``."""
    backend = backend_of(container)
    app.extensions[EXTENSION] = backend
    app.extensions[SERVER] = ServerLimits(connections_per_address=container.settings.connections_per_address)
    app.extensions[SITE] = site_of(container, backend)
    app.config["HSTS_SECONDS"] = container.settings.hsts_seconds
    app.secret_key, *others = map(cookie_key, container.pepper.all)
    app.config["SECRET_KEY_FALLBACKS"] = others


def backend_of(container: Container) -> Backend:
    """Builds what the API needs from the container."""
    metrics = Metrics()
    watch_pool(container.web_engine, lambda in_use: metrics.note_connections(in_use, MOST_WEB_CONNECTIONS))
    return Backend(
        begin=container.web_engine.begin,
        enter=enter_program,
        policies=container.policies,
        channels=container.channels,
        pepper=container.pepper,
        identity_pepper=container.identity_pepper,
        sealer=container.sealer,
        now=container.now,
        ring=container.ringer.ring,
        figures=container.figures,
        is_migrated=lambda: migrate.is_served(container.web_engine),
        knows_its_peppers=container.knows_its_peppers,
        has_bell=lambda: _answers(container),
        metrics=metrics,
        gate=Gate(container.rates, _allowed(container.settings), networks_of(container.settings.trusted_proxies)),
        shares=Shares(container.settings.program_calls),
        backlog=Backlog(container.settings.waiting_orders, container.settings.waiting_mib * 2**20),
        metrics_key=container.settings.metrics_key,
        allows_private_webhooks=container.settings.webhook_allow_private,
        public_url=container.settings.public_url,
    )


def site_of(container: Container, backend: Backend) -> Site:
    """Builds what the console needs: the servers, and the operations of the API for who is signed in."""
    return Site(
        begin=container.web_engine.begin,
        at_desk=partial(at_desk, backend),
        at_shop_desk=partial(at_shop_desk, backend),
        pepper=container.pepper,
        identity_pepper=container.identity_pepper,
        now=container.now,
        rates=container.rates,
        address_of=backend.gate.address_of,
        policies=container.policies,
        provider=_provider(container.settings),
        public_url=container.settings.public_url,
    )


def _provider(settings: Settings) -> SignsInElsewhere | None:
    """Where people may sign in beside here, if that is set; what speaks to it is an extra, and takes long to import."""
    if settings.oidc_issuer is None:
        return None
    secret, scopes, title = settings.oidc_client_secret, settings.oidc_scopes, settings.oidc_title
    module = import_module("distrib.console.provider")
    provider: SignsInElsewhere = module.Provider(settings.oidc_issuer, settings.oidc_client_id, secret, scopes, title)
    return provider


def _allowed(settings: Settings) -> Allowed:
    return Allowed(
        calls_per_key=settings.calls_per_key,
        calls_per_address=settings.calls_per_address,
        bad_keys_per_address=settings.bad_keys_per_address,
    )


def _invitations(code: str) -> list[Invitation]:
    """Yields the invitations behind a code, in a transaction that sees the shops of that code alone."""
    backend = current_backend()
    return in_transaction(backend.begin, lambda conn: find_invitations(conn, backend.policies, code, backend.now()))


def _visit_of(code: str, source: str | None) -> Callable[[], None]:
    """Returns what counts this visit of an invite link, in a transaction of its own; what fails is not counted."""
    backend = current_backend()
    address = backend.gate.address_of(request) or ""
    agent, now = request.headers.get("User-Agent", ""), backend.now()

    def count() -> None:
        try:
            with backend.begin() as conn:
                count_visit(conn, Visit(code, source, address, agent), now)
        except (DBAPIError, psycopg.Error, PoolExhausted) as error:
            _log.warning("visit_not_counted", error=type(error).__name__)

    return count


def _answers(container: Container) -> bool:
    try:
        return bool(container.redis.ping())
    except (RedisError, OSError):
        return False


def _begin() -> Response | None:
    """Sets the request's id and start time, and counts the call; a caller's own id is kept where it is fit for a log.

    Every line that is logged until the next request of this thread names the id, those of a stream too.

    Raises:
        NotFound: the path as sent holds what no id can.
        Refusal: what the server could not read as a request, or the caller calls too often.
    """
    sent = next((request.headers[name] for name in _NAMES_OF_ID if name in request.headers), "")
    g.request_id_is_ours = _REQUEST_ID.fullmatch(sent) is None
    g.request_id = str(uuid.uuid4()) if g.request_id_is_ours else sent
    clear_contextvars()
    bind_contextvars(request_id=g.request_id)
    g.began = time.perf_counter()
    if not (ADMISSION in request.environ or request.path in _QUIET):  # what is asked before a body comes is no request
        _begin_span()
    if REFUSAL in request.environ:
        raise refusal_by_server(request.environ[REFUSAL])
    if not is_readable(request.environ.get("RAW_URI", "")):
        raise NotFound
    if request.url_rule is not None and request.path not in _QUIET:  # a 404 costs no more than a 429
        gate, presented = current_backend().gate, presented_key(request.headers.get("Authorization"))
        g.standing = gate.admit(presented, gate.address_of(request), is_asked=ADMISSION in request.environ)
        check(g.standing)
    is_page = request.url_rule is not None and not request.path.startswith("/v1/")
    return Response(status=204) if is_page and is_form_asked(most_form_bytes(FORM_BYTES)) else None


def _begin_span() -> None:
    """Takes the time of this request, as a part of the caller's trace, until its context is left."""
    route = "" if request.url_rule is None else f" {request.url_rule.rule}"
    g.span = served_span(f"{request.method}{route}", request.headers.get("traceparent"))
    g.span.__enter__()
    trace = trace_here()
    if trace is not None:
        bind_contextvars(trace_id=trace.split("-")[1])


def _end_span(_error: BaseException | None) -> None:
    if "span" in g:
        g.pop("span").__exit__(None, None, None)


def _finish(response: Response) -> Response:
    headers = response.headers
    if "request_id" in g:
        for name in _NAMES_OF_ID:
            headers[name] = g.request_id
        _note(response)
    if "standing" in g:
        headers["RateLimit-Policy"] = g.standing.policy_field
        headers["RateLimit"] = g.standing.limit_field
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    headers["X-Frame-Options"] = "DENY"
    headers["Content-Security-Policy"] = POLICY
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    if request.is_secure and current_app.config["HSTS_SECONDS"]:
        headers["Strict-Transport-Security"] = f"max-age={current_app.config['HSTS_SECONDS']}"
    if request.path.startswith("/v1"):
        headers.setdefault("Cache-Control", "no-store")
    return response


def _note(response: Response) -> None:
    """Writes one log line and one count a request, under its rule: paths hold ids, queries may hold more."""
    admission = request.environ.get(ADMISSION)
    if isinstance(admission, Admission) and admission.most_bytes is not None:
        return  # the request itself is still to come
    seconds = time.perf_counter() - g.began
    route = request.url_rule.rule if request.url_rule is not None else "none"
    current_backend().metrics.count_request(request.method, route, response.status_code, seconds)
    if route not in _QUIET:
        note_on_span(
            has_failed=response.status_code >= 500,
            http__request__method=request.method,
            http__route=route,
            http__response__status_code=response.status_code,
            distrib__request_id=g.request_id,
        )
        _log.info(
            "request",
            method=request.method,
            route=route,
            status=response.status_code,
            ms=round(seconds * 1000, 1),
            program=g.get("program"),
            key_id=g.get("key_id"),
        )
