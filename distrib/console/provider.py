"""A provider of OpenID Connect at which people sign in: the way there, and who came back.

Authorization code with PKCE, state and nonce, by Authlib, an extra: this module is imported where a provider is
configured alone. What is kept between the two requests lies in the reader's own signed cookie. Who somebody is here may
not enter.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlsplit

import structlog
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.flask_client import FlaskIntegration, FlaskOAuth2App
from joserfc.errors import JoseError
from requests import RequestException

from distrib.domain.errors import Refusal
from distrib.services.people.refusals import ProviderRefused, ProviderUnreachable

TIMEOUT_S: Final = 5
"""For each answer of the provider."""
DISCOVERY: Final = "/.well-known/openid-configuration"
ALGORITHMS: Final = frozenset(
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
)
"""With which an identity token may be signed: none that the client could sign with, too."""
_PUBLIC_CLIENT: Final = "none"
"""How a client without a secret proves who it is (OpenID Connect Core 1.0, 9)."""
_STATED_ALGORITHMS: Final = "id_token_signing_alg_values_supported"
_log = structlog.get_logger("distrib.console")


@dataclass(frozen=True)
class Provider:
    """What is known of the provider: its issuer, as what this service is known there, and what the button calls it."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    scopes: str
    title: str | None = None

    @property
    def name(self) -> str:
        """What people call it: the title, else the host of its issuer."""
        return self.title or urlsplit(self.issuer).hostname or self.issuer

    def way_there(self, back: str) -> str:
        """The address at the provider that the reader is sent to; its state is kept in the reader's cookie.

        Args:
            back: the address to which the provider sends the reader back, as it is registered there.

        Raises:
            Refusal: ``provider_unreachable``, or it does not say of itself what it has to.
        """
        try:
            self._check_metadata()
            return str(self._client.authorize_redirect(back).headers["Location"])
        except (RequestException, RuntimeError, ValueError) as error:
            raise self._unreachable(error) from None

    def who_came_back(self) -> str:
        """The subject of who came back with this request, once the provider has vouched for it.

        Raises:
            Refusal: ``provider_refused`` where state, code, token or nonce is not right, or the provider or the person
                said no; ``provider_unreachable``.
        """
        wanted = {"iss": {"essential": True, "value": self.issuer}, "aud": {"essential": True, "value": self.client_id}}
        try:
            self._check_metadata()
            token = self._client.authorize_access_token(claims_options=wanted)
            return str(token["userinfo"]["sub"])
        except RequestException as error:
            raise self._unreachable(error) from None
        except (AuthlibBaseError, JoseError, KeyError, RuntimeError, ValueError) as error:
            _log.warning("provider_refused", error=type(error).__name__, reason=str(error)[:200])
            raise ProviderRefused(provider=self.name) from None

    def _check_metadata(self) -> None:
        """Reads what the provider says of itself, once, and takes of its algorithms those that it alone can sign with.

        Raises:
            ValueError: it says that it is another issuer (OpenID Connect Discovery 1.0, 4.3).
        """
        metadata: dict[str, Any] = self._client.load_server_metadata()
        if metadata.get("issuer") != self.issuer:
            metadata.pop("_loaded_at", None)
            raise ValueError("the provider says that it is another issuer")
        stated = metadata.get(_STATED_ALGORITHMS, ["RS256"])
        metadata[_STATED_ALGORITHMS] = [name for name in stated if name in ALGORITHMS]

    def _unreachable(self, error: Exception) -> Refusal:
        _log.warning("provider_unreachable", error=type(error).__name__, reason=str(error)[:200])
        return ProviderUnreachable(provider=self.name)

    @cached_property
    def _client(self) -> FlaskOAuth2App:
        terms = {"scope": self.scopes, "code_challenge_method": "S256", "default_timeout": TIMEOUT_S}
        if not self.client_secret:
            terms["token_endpoint_auth_method"] = _PUBLIC_CLIENT
        return FlaskOAuth2App(
            FlaskIntegration("oidc"),
            "oidc",
            client_id=self.client_id,
            client_secret=self.client_secret or None,
            server_metadata_url=self.issuer.rstrip("/") + DISCOVERY,
            client_kwargs=terms,
        )
