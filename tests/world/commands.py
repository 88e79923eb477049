"""Commands as somebody types them on the servers of the tests."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result

from distrib.cli import cli
from distrib.domain.errors import Refusal
from distrib.settings import Settings


def name_servers(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts the servers of a test into the environment that commands read."""
    monkeypatch.setenv("DISTRIB_DATABASE_URL", str(settings.database_url))
    monkeypatch.setenv("DISTRIB_REDIS_URL", str(settings.redis_url))
    monkeypatch.setenv("DISTRIB_KEY_PEPPER", settings.key_pepper)


def run(*words: object) -> Result:
    """Runs a command to its end; what is neither its end nor a refusal is raised."""
    result = CliRunner().invoke(cli, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, (SystemExit, Refusal)):
        raise result.exception
    return result
