"""A provider of OpenID Connect in the test's own process: Authlib's server side, with one client and who is there."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import AuthorizationCodeMixin, OpenIDCode, UserInfo
from flask import Flask, jsonify, request
from joserfc.jwk import KeySet, RSAKey
from werkzeug.wrappers import Response

from tests.world.browser import serving

CLIENT, SECRET = "distrib", "a secret of the client"
_KEY = RSAKey.generate_key(2048, {"kid": "known"})
STRANGE_KEY = RSAKey.generate_key(2048, {"kid": "known"})
"""A key by that name which is not the provider's."""


@dataclass
class Code(AuthorizationCodeMixin):
    """A code with what was asked when it was given."""

    code: str
    redirect_uri: str
    scope: str
    nonce: str
    subject: str
    code_challenge: str
    code_challenge_method: str

    def get_redirect_uri(self) -> str:
        """Where it was sent."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """What was asked for."""
        return self.scope

    def get_nonce(self) -> str:
        """What the token has to repeat."""
        return self.nonce

    def get_auth_time(self) -> None:
        """Not told."""

    def get_acr(self) -> str:
        """Not told."""
        return ""

    def get_amr(self) -> list[str]:
        """Not told."""
        return []


@dataclass
class ProviderInTest:
    """What the provider does next.

    Args:
        subject: who is there and signs in.
        claims: what its tokens say in place of the truth.
        key: with which it signs.
        is_public: whether the client has no secret there.
    """

    issuer: str = ""
    subject: str = "subject-1"
    claims: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: _KEY)
    is_public: bool = False
    codes: dict[str, Code] = field(default_factory=dict)
    back: str = ""


class _Client(ClientMixin):
    def __init__(self, provider: ProviderInTest) -> None:
        self.provider = provider

    def get_client_id(self) -> str:
        return CLIENT

    def get_allowed_scope(self, scope: Collection[str] | str) -> str:
        return scope if isinstance(scope, str) else " ".join(scope)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == self.provider.back

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == ("none" if self.provider.is_public else "client_secret_basic")

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@contextmanager
def provider_in_test(back: str) -> Iterator[ProviderInTest]:
    """A provider that answers while the block runs.

    Args:
        back: the one address to which it sends people back.
    """
    provider = ProviderInTest(back=back)
    with serving(_app(provider)) as base:
        provider.issuer = base
        yield provider


def _app(provider: ProviderInTest) -> Flask:
    app = Flask("provider", static_folder=None)
    server = AuthorizationServer(app, lambda _: _Client(provider), lambda _token, _request: None)
    server.register_grant(_grant(provider), [CodeChallenge(required=True), _identity(provider)(require_nonce=True)])

    @app.get("/.well-known/openid-configuration")
    def metadata() -> Response:
        here = provider.issuer
        return jsonify(
            issuer=here,
            authorization_endpoint=f"{here}/authorize",
            token_endpoint=f"{here}/token",
            jwks_uri=f"{here}/keys",
            id_token_signing_alg_values_supported=["RS256", "none"],
        )

    @app.get("/authorize")
    def authorize() -> Response:
        granted = server.get_consent_grant(end_user=provider.subject)  # type: ignore[no-untyped-call]
        return cast("Response", server.create_authorization_response(grant=granted, grant_user=provider.subject))

    @app.post("/token")
    def token() -> Response:
        return cast("Response", server.create_token_response())

    @app.get("/keys")
    def keys() -> Response:
        return jsonify(KeySet([_KEY]).as_dict(private=False))

    return app


def _grant(provider: ProviderInTest) -> type[AuthorizationCodeGrant]:
    class Grant(AuthorizationCodeGrant):
        TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "none")

        def save_authorization_code(self, code: str, asked: Any) -> None:
            data, payload = request.args, asked.payload
            provider.codes[code] = Code(
                code=code,
                redirect_uri=payload.redirect_uri,
                scope=payload.scope,
                nonce=data["nonce"],
                subject=asked.user,
                code_challenge=data["code_challenge"],
                code_challenge_method=data["code_challenge_method"],
            )

        def query_authorization_code(self, code: str, _client: Any) -> Code | None:
            return provider.codes.get(code)

        def delete_authorization_code(self, authorization_code: Code) -> None:
            del provider.codes[authorization_code.code]

        def authenticate_user(self, authorization_code: Code) -> str:
            return authorization_code.subject

    return Grant


def _identity(provider: ProviderInTest) -> type[OpenIDCode]:
    class Identity(OpenIDCode):
        def exists_nonce(self, nonce: str, _request: Any) -> bool:
            return any(code.nonce == nonce for code in provider.codes.values())

        def resolve_client_private_key(self, _client: Any) -> RSAKey:
            return provider.key

        def get_client_algorithm(self, _client: Any) -> str:
            return "RS256"

        def get_client_claims(self, client: Any) -> dict[str, Any]:
            return {"iss": provider.issuer, "aud": [client.get_client_id()], "jti": secrets.token_hex(8)}

        def get_encode_header(self, _client: Any) -> dict[str, str]:
            return {"alg": "RS256", "kid": "known"}

        def generate_user_info(self, user: str, _scope: str) -> UserInfo:
            return UserInfo({"sub": user, **provider.claims})

    return Identity
