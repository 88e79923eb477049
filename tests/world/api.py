"""The API in this process, on a world of the test's own: a client per role, and problems as values."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any, TypeAlias

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from distrib.api.calls.backend import EXTENSION
from distrib.app import build_app, install, site_of
from distrib.bootstrap import Container
from distrib.console.site import EXTENSION as SITE
from distrib.services.context import COMMAND_LINE, Program, Unit
from distrib.services.plans.drafts import load_samples
from distrib.services.programs import keys, tenants
from distrib.services.programs.keys import KeyDraft
from distrib.services.programs.tenants import ProgramDraft
from tests.world.audited import CONFIG, packs
from tests.world.world import World


@dataclass
class Caller:
    """Speaks for one key."""

    client: FlaskClient
    key: str | None

    @property
    def key_id(self) -> str:
        """The part of the key that may be shown."""
        return str(self.key).split("_")[1]

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> TestResponse:
        """One request; a body that is not bytes goes as JSON."""
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        headers |= options.pop("headers", {})
        options.setdefault("buffered", True)
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.open(path, method=method, data=body, headers=headers, **options)

    def get(self, path: str) -> Any:
        """The JSON of a GET that must succeed."""
        return self._good(self.call("GET", path))

    def post(self, path: str, body: Any = None, **options: Any) -> Any:
        """The JSON of a POST that must succeed."""
        return self._good(self.call("POST", path, body, **options))

    def patch(self, path: str, body: Any) -> Any:
        """The JSON of a PATCH that must succeed."""
        return self._good(self.call("PATCH", path, body))

    def put(self, path: str, body: Any) -> Any:
        """The JSON of a PUT that must succeed."""
        return self._good(self.call("PUT", path, body))

    def refused(self, method: str, path: str, body: Any = None, **options: Any) -> tuple[int, str]:
        """Status and code of a refusal, which must be a whole problem document."""
        problem = self.problem(method, path, body, **options)
        return problem["status"], problem["code"]

    def problem(self, method: str, path: str, body: Any = None, **options: Any) -> dict[str, Any]:
        """The problem document of a call that must be refused."""
        answer = self.call(method, path, body, **options)
        assert answer.content_type == "application/problem+json", (answer.status, answer.text)
        problem: dict[str, Any] = json.loads(answer.text)
        assert problem["status"] == answer.status_code
        assert {"type", "title", "status", "detail", "code"} <= problem.keys()
        assert problem["type"] == f"/docs/errors#{problem['code']}"
        assert "Traceback" not in answer.text
        return problem

    @staticmethod
    def _good(answer: TestResponse) -> Any:
        assert answer.status_code < 300, (answer.status, answer.text)
        return json.loads(answer.text) if answer.text else None


Hooks: TypeAlias = dict[Any, list[Callable[[], Any]]]


@cache
def _built() -> tuple[Flask, Hooks]:
    """The app without servers, and what it does before a request: its routes take a while, and are always the same."""
    app = build_app(packs(), load_samples(CONFIG))
    return app, {scope: list(functions) for scope, functions in app.before_request_funcs.items()}


def app_on(container: Container) -> Flask:
    """The one app of this test process on a container's servers, without what earlier tests put before its requests."""
    app, hooks = _built()
    app.before_request_funcs.clear()
    app.before_request_funcs.update({scope: list(functions) for scope, functions in hooks.items()})
    install(app, container)
    return app


@dataclass
class Api:
    """The app and its world."""

    app: Flask
    world: World

    def caller(
        self,
        role: str = "admin",
        shop_id: str | None = None,
        program: Program | None = None,
        name: str | None = None,
        **terms: Any,
    ) -> Caller:
        """A caller with a new key of that role, made as on the command line; ``terms`` are those of ``KeyTerms``."""
        container = self.world.container
        pepper, now = container.pepper, container.now()
        with container.begin() as conn:
            tenant, given = program or self.world.program, keys.KeyTerms(**terms)
            key = keys.create_key(
                Unit(conn, tenant, COMMAND_LINE, now), KeyDraft(role, name or role, shop_id, terms=given), pepper
            )
        return Caller(self.app.test_client(), key)

    def made_by(self, maker: Caller, role: str = "finance", name: str = "made", **draft: Any) -> Caller:
        """A caller with a key that another one made over HTTP."""
        made = maker.post("/v1/keys", {"role": role, "name": name, **draft})
        return Caller(self.app.test_client(), made["key"])

    def stop_clock(self, instant: datetime) -> None:
        """Stops the clock of the service at an instant, the console's with it."""
        backend = replace(self.app.extensions[EXTENSION], now=lambda: instant)
        self.app.extensions[EXTENSION] = backend
        self.app.extensions[SITE] = replace(site_of(self.world.container, backend), now=backend.now)

    def nobody(self) -> Caller:
        """A caller without a key."""
        return Caller(self.app.test_client(), None)

    def other_program(self, code: str = "other", **settings: Any) -> Program:
        """Another program beside the world's."""
        container = self.world.container
        with container.begin() as conn:
            return tenants.create_program(
                conn,
                ProgramDraft(code, "CNY", "Asia/Shanghai", settings.pop("policy", "open"), **settings),
                container.now(),
                container.policies,
            )
